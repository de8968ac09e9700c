package failover_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
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

// A program that gives every documented field, uses every documented verb and prints every documented result.
func TestB01_a_program_that_uses_all_that_is_documented_runs(t *testing.T) {
	manager := failover.NewFailoverManager(&failover.ManagerConfig{
		DefaultProvider: "consul", RetryAttempts: 3, RetryDelay: time.Millisecond, Timeout: 30 * time.Second,
		FallbackEnabled: true, Metadata: map[string]string{"team": "users"},
	}, nil)
	for _, id := range []string{"service-1", "service-2"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
			if request.URL.Path != "/health" || request.Method != http.MethodPost || request.Header.Get("X-Check") != "yes" {
				w.WriteHeader(http.StatusNotFound)
			}
		}))
		defer server.Close()
		address := server.Listener.Addr().(*net.TCPAddr)
		must(t, manager.RegisterEndpoint(background, &types.ServiceEndpoint{
			ID: id, Name: "user-service", Address: address.IP.String(), Port: address.Port, Protocol: "http",
			HealthCheck: &types.HealthCheck{
				Path: "/health", Interval: 30 * time.Second, Timeout: 5 * time.Second, Method: "POST",
				Headers: map[string]string{"X-Check": "yes"}, Body: "ping",
			},
			Metadata: map[string]string{"version": "1.0.0", "region": "us-east-1"}, Tags: []string{"api", "user"},
			Weight: 1, Priority: 0, CreatedAt: time.Now(), UpdatedAt: time.Now(),
		}))
	}
	config := &types.FailoverConfig{
		Strategy: types.StrategyRoundRobin, HealthCheck: true, MaxRetries: 3, RetryDelay: time.Second,
		CircuitBreaker: &types.CircuitBreakerConfig{FailureThreshold: 5, RecoveryTimeout: 30 * time.Second, HalfOpenMaxCalls: 3, SuccessThreshold: 2},
		LoadBalancer:   &types.LoadBalancerConfig{Algorithm: types.LoadBalancerRoundRobin, Weights: map[string]int{"service-1": 1, "service-2": 1}, Sticky: true},
		Timeout:        10 * time.Second, Metadata: map[string]interface{}{"owner": "users"},
	}
	must(t, manager.Configure(background, config))
	selected, err := manager.SelectEndpoint(background, config)
	must(t, err)
	want(t, "selected", "user-service", selected.Endpoint.Name)
	result, err := manager.ExecuteWithFailover(background, config,
		func(endpoint *types.ServiceEndpoint) (interface{}, error) { return "success", nil })
	must(t, err)
	want(t, "result", "success 1 true \"\" true", fmt.Sprintf("%v %d %v %q %v", result.Result, result.Attempts, result.Success, result.Error, result.Duration > 0))
	if _, err := json.Marshal(result); err != nil {
		t.Error(err)
	}
	health, err := manager.HealthCheckAll(background)
	must(t, err)
	want(t, "health", "map[service-1:healthy service-2:healthy]", text(health))
	one, err := manager.HealthCheck(background, "service-1")
	must(t, err)
	want(t, "one", types.HealthHealthy, one)
	list, err := manager.ListEndpoints(background)
	must(t, err)
	want(t, "listed", 2, len(list))
	must(t, manager.UpdateEndpoint(background, list[0]))
	must(t, manager.DeregisterEndpoint(background, "service-2"))
	_, err = manager.GetEndpoint(background, "service-2")
	var ours *types.FailoverError
	if !errors.As(err, &ours) || ours.Type != types.ErrorTypeNotFound || ours.Code == 0 || ours.Message == "" {
		t.Errorf("expected not found with code and message, got %+v", ours)
	}
	inForce, err := manager.GetConfig(background)
	must(t, err)
	want(t, "strategy in force", types.StrategyRoundRobin, inForce.Strategy)
	provider, err := manager.GetDefaultProvider()
	must(t, err)
	again, err := manager.GetProvider(provider.Name())
	must(t, err)
	want(t, "provider", provider.Name(), again.Name())
	want(t, "providers", text(manager.ListProviders()), "["+manager.GetProviderInfo()[provider.Name()].Name+"]")
	stats, err := manager.GetStats(background)
	must(t, err)
	for name, stat := range stats {
		if printed := fmt.Sprintf("Provider %s: %+v", name, stat); !strings.Contains(printed, "TotalRequests:1") {
			t.Errorf("got %s", printed)
		}
	}
	events, err := manager.GetEvents(background, 5)
	must(t, err)
	want(t, "events", true, len(events) > 0)
	must(t, manager.Close())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

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
