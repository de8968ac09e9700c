package failover

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// Statistics have a field for every figure that the library's document has.
func TestNo_figure_of_the_library_is_lost(t *testing.T) {
	manager, err := New(WithPolicy(&types.FailoverConfig{Options: map[string]any{"stats": map[string]any{"endpoint_latency": true}}}))
	if err != nil {
		t.Fatal(err)
	}
	defer manager.CloseWithin(0)
	ctx := context.Background()
	if err := manager.RegisterEndpoint(ctx, &types.ServiceEndpoint{ID: "a", Name: "users", Address: "127.0.0.1", Port: 1}); err != nil {
		t.Fatal(err)
	}
	pool, err := manager.Pool("users")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Do(ctx, pool, noop, WithScope("search")); err != nil {
		t.Fatal(err)
	}
	if _, err := manager.ReportHealth("a", FindingBad, "said the test"); err != nil {
		t.Fatal(err)
	}

	document, err := manager.native.stats()
	if err != nil {
		t.Fatal(err)
	}
	var providers map[string]any
	if err := json.Unmarshal(document, &providers); err != nil {
		t.Fatal(err)
	}
	provider := providers["memory"].(map[string]any)
	endpoint := provider["endpoints"].(map[string]any)["a"].(map[string]any)
	// What numbers an endpoint has is between the library and the binding, and its id is the map's key.
	hasFields(t, endpoint, types.EndpointStats{}, "id", "number")
	hasFields(t, endpoint["last_check"], types.CheckResult{})
	hasFields(t, endpoint["scopes"].(map[string]any)["search"], types.ScopeStats{})
	hasFields(t, provider["pools"].(map[string]any)["users"], types.PoolStats{})
	hasFields(t, provider, providerFigures{})

	stats, err := manager.GetStats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	found := stats["memory"].Endpoints["a"]
	if found.LastCheck == nil || found.LastCheck.Reason != "said the test" || found.LastCheck.Runs != 1 {
		t.Errorf("last check: %+v", found.LastCheck)
	}
	if found.ChangedBy == "" || found.ChangedAgo == nil || *found.ChangedAgo < 0 || *found.ChangedAgo > time.Hour {
		t.Errorf("changed by %q, %v ago", found.ChangedBy, found.ChangedAgo)
	}
	if found.P99 == 0 || stats["memory"].Pools["users"].BudgetThousandths != 100000 {
		t.Errorf("p99 %v, budget %v", found.P99, stats["memory"].Pools["users"].BudgetThousandths)
	}
}

func hasFields(t *testing.T, document, value any, without ...string) {
	t.Helper()
	kind := reflect.TypeOf(value)
	for key := range document.(map[string]any) {
		isThere := slices.Contains(without, key)
		for at := range kind.NumField() {
			name, _, _ := strings.Cut(kind.Field(at).Tag.Get("json"), ",")
			isThere = isThere || name == key
		}
		if !isThere {
			t.Errorf("%s has no field for %s", kind.Name(), key)
		}
	}
}
