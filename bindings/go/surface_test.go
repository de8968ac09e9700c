package failover_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	failover "github.com/libfailover/libfailover/bindings/go"
	"github.com/libfailover/libfailover/bindings/go/types"
)

// The names, fields, constants and JSON names that programs of the predecessor's documentation use.

func text(value any) string {
	return fmt.Sprint(value)
}

func TestB01_every_documented_field_has_its_json_name(t *testing.T) {
	for _, one := range []struct {
		value  any
		fields string
	}{
		{failover.ManagerConfig{}, "default_provider retry_attempts retry_delay timeout fallback_enabled metadata"},
		{types.FailoverConfig{}, "strategy health_check max_retries retry_delay circuit_breaker load_balancer timeout metadata"},
		{types.CircuitBreakerConfig{}, "failure_threshold recovery_timeout half_open_max_calls success_threshold"},
		{types.LoadBalancerConfig{}, "algorithm weights sticky"},
		{types.ServiceEndpoint{}, "id name address port protocol health_check metadata tags weight priority created_at updated_at"},
		{types.HealthCheck{}, "path interval timeout method headers body"},
		{types.FailoverResult{}, "endpoint result attempts duration success error,omitempty metadata"},
		{types.FailoverError{}, "type message code details"},
	} {
		kind := reflect.TypeOf(one.value)
		for at, name := range strings.Fields(one.fields) {
			want(t, kind.Name()+" "+kind.Field(at).Name, name, kind.Field(at).Tag.Get("json"))
		}
	}
}

func TestB01_every_documented_constant_is_there(t *testing.T) {
	strategies := []types.FailoverStrategy{
		types.StrategyRoundRobin, types.StrategyRandom, types.StrategyWeighted, types.StrategyLeastConnections,
		types.StrategyHealthBased, types.StrategyGeographic,
	}
	want(t, "strategies", "[round_robin random weighted least_connections health_based geographic]", text(strategies))
	algorithms := []types.LoadBalancerAlgorithm{
		types.LoadBalancerRoundRobin, types.LoadBalancerRandom, types.LoadBalancerWeighted,
		types.LoadBalancerLeastConnections, types.LoadBalancerIPHash,
	}
	want(t, "algorithms", "[round_robin random weighted least_connections ip_hash]", text(algorithms))
	families := []types.ErrorType{
		types.ErrorTypeConnection, types.ErrorTypeValidation, types.ErrorTypeNotFound, types.ErrorTypeTimeout,
		types.ErrorTypeCircuitBreaker, types.ErrorTypeInternal,
	}
	want(t, "families", "[connection validation not_found timeout circuit_breaker internal]", text(families))
	var states = map[types.HealthStatus]int{
		types.HealthUnknown: 0, types.HealthHealthy: 1, types.HealthUnhealthy: 2, types.HealthDegraded: 3,
	}
	for status, number := range states {
		want(t, status.String(), number, int(status))
	}
	want(t, "by %s", "healthy", fmt.Sprintf("%s", types.HealthHealthy))
	written, err := json.Marshal(map[string]types.HealthStatus{"a": types.HealthDegraded})
	if err != nil {
		t.Fatal(err)
	}
	want(t, "in JSON", `{"a":"degraded"}`, string(written))
}

// documented is the manager as the predecessor documents it.
type documented interface {
	RegisterEndpoint(ctx context.Context, endpoint *types.ServiceEndpoint) error
	DeregisterEndpoint(ctx context.Context, endpointID string) error
	UpdateEndpoint(ctx context.Context, endpoint *types.ServiceEndpoint) error
	GetEndpoint(ctx context.Context, endpointID string) (*types.ServiceEndpoint, error)
	ListEndpoints(ctx context.Context) ([]*types.ServiceEndpoint, error)
	Configure(ctx context.Context, config *types.FailoverConfig) error
	GetConfig(ctx context.Context) (*types.FailoverConfig, error)
	RegisterProvider(provider failover.Provider) error
	GetProvider(name string) (failover.Provider, error)
	GetDefaultProvider() (failover.Provider, error)
	ListProviders() []string
	GetProviderInfo() map[string]*types.ProviderInfo
	GetStats(ctx context.Context) (map[string]*types.FailoverStats, error)
	GetEvents(ctx context.Context, limit int) (map[string][]*types.FailoverEvent, error)
	Close() error
}

var _ documented = (*failover.FailoverManager)(nil)

// A logger of the most used logging package, as it is.
type likeLogrus interface {
	Debugf(format string, args ...interface{})
	Infof(format string, args ...interface{})
	Warnf(format string, args ...interface{})
	Errorf(format string, args ...interface{})
}

var _ failover.Logger = (likeLogrus)(nil)

func TestB01_an_algorithm_wins_over_the_strategy(t *testing.T) {
	manager := onManualTime(t)
	register(t, manager, "api-server-1", "api-server-2", "api-server-3")
	config := &types.FailoverConfig{
		Strategy: types.StrategyRoundRobin, HealthCheck: true,
		LoadBalancer: &types.LoadBalancerConfig{
			Algorithm: types.LoadBalancerWeighted,
			Weights:   map[string]int{"api-server-1": 3, "api-server-2": 2, "api-server-3": 1},
		},
	}

	counts := map[string]int{}
	for range 60 {
		counts[selectOne(t, manager, config)]++
	}

	want(t, "shares", "map[api-server-1:30 api-server-2:20 api-server-3:10]", text(counts))
}

func TestB01_an_endpoint_comes_back_as_it_was_given(t *testing.T) {
	manager := managerOf(t)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	given := &types.ServiceEndpoint{
		ID: "a", Name: "users", Address: "10.0.0.1", Port: 443, Protocol: "https", Weight: 3, Priority: 1,
		Metadata: map[string]string{"version": "1.0.0"}, Tags: []string{"api"}, CreatedAt: at, UpdatedAt: at,
		HealthCheck: &types.HealthCheck{
			Path: "/ready", Interval: 30 * time.Second, Timeout: 5 * time.Second, Method: "HEAD",
			Headers: map[string]string{"x": "secret"}, Body: "secret", Type: types.CheckHTTPS, Port: 8443,
			ExpectedStatuses: []string{"204", "300-399"}, ExpectedBody: "ok",
		},
	}
	if err := manager.RegisterEndpoint(background, given); err != nil {
		t.Fatal(err)
	}

	found, err := manager.GetEndpoint(background, "a")
	if err != nil {
		t.Fatal(err)
	}

	wanted := given.Clone()
	wanted.HealthCheck.Headers["x"], wanted.HealthCheck.Body = "***", "***"
	registered := found.CreatedAt // the library's own clock tells that
	found.CreatedAt, found.UpdatedAt = at, at
	if !reflect.DeepEqual(wanted, found) {
		t.Errorf("expected\n%+v %+v, got\n%+v %+v", wanted, wanted.HealthCheck, found, found.HealthCheck)
	}
	picked, err := manager.SelectEndpoint(background, nil)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "registered at, of a pick", registered, picked.Endpoint.CreatedAt)
}
