package failover_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	failover "github.com/libfailover/libfailover/bindings/go"
	"github.com/libfailover/libfailover/bindings/go/types"
)

// Each test is a defect that users of the library's predecessor met, by the number it was filed under.

func TestB02_a_default_provider_that_is_not_registered_falls_back(t *testing.T) {
	logger := &lines{}
	manager := failover.NewFailoverManager(&failover.ManagerConfig{DefaultProvider: "consul", FallbackEnabled: true}, logger)
	register(t, manager, "a")

	want(t, "selected", "a", selectOne(t, manager, nil))
	provider, err := manager.GetDefaultProvider()
	if err != nil {
		t.Fatal(err)
	}
	want(t, "who serves", "memory", provider.Name())
	if err := manager.Close(); err != nil {
		t.Fatal(err)
	}
	warnings := 0
	for _, line := range logger.all() {
		if strings.HasPrefix(line, "warn") && strings.Contains(line, "consul") {
			warnings++
		}
	}
	want(t, "warnings", 1, warnings)
}

func TestB02_without_fallback_it_is_an_error(t *testing.T) {
	manager := failover.NewFailoverManager(&failover.ManagerConfig{DefaultProvider: "consul"}, nil)
	defer manager.Close()

	err := manager.RegisterEndpoint(background, endpointOf("a"))

	var ours *types.FailoverError
	if !errors.As(err, &ours) || ours.Type != types.ErrorTypeNotFound {
		t.Errorf("expected not found, got %v", err)
	}
}

func TestB03_an_endpoint_can_be_selected_once_it_is_registered(t *testing.T) {
	manager := managerOf(t)
	register(t, manager, "a")

	want(t, "selected", "a", selectOne(t, manager, &types.FailoverConfig{Strategy: types.StrategyHealthBased}))
}

func TestB04_one_error_does_not_remove_an_endpoint(t *testing.T) {
	for name, given := range map[string]error{
		"plain": errBroken, "not found": failover.Permanent(errors.New("404")),
		"validation": &types.FailoverError{Type: types.ErrorTypeValidation, Message: "bad"},
		"cancelled":  context.Canceled,
	} {
		manager := onManualTime(t)
		register(t, manager, "a")
		config := &types.FailoverConfig{MaxRetries: -1, CircuitBreaker: &types.CircuitBreakerConfig{}}

		_, err := manager.ExecuteWithFailover(background, config,
			func(*types.ServiceEndpoint) (interface{}, error) { return nil, given })

		if !errors.Is(err, given) {
			t.Errorf("%s: the caller's own error is lost: %v", name, err)
		}
		want(t, name, "a", selectOne(t, manager, config))
	}
}

func TestB05_an_endpoint_that_was_barred_comes_back(t *testing.T) {
	clock := failover.NewManualClock()
	manager := managerOf(t, failover.WithManualClock(clock))
	register(t, manager, "a")
	config := &types.FailoverConfig{
		MaxRetries:     -1,
		CircuitBreaker: &types.CircuitBreakerConfig{FailureThreshold: 1, RecoveryTimeout: time.Second, SuccessThreshold: 1},
		Options:        map[string]interface{}{"circuit_breaker": map[string]interface{}{"jitter": 0}},
	}
	run := func(outcome error) error {
		_, err := manager.ExecuteWithFailover(background, config,
			func(*types.ServiceEndpoint) (interface{}, error) { return nil, outcome })
		return err
	}

	if err := run(errBroken); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	if err := run(nil); !errors.Is(err, failover.ErrCircuitOpen) {
		t.Fatalf("expected an open breaker, got %v", err)
	}
	if err := clock.Advance(time.Second); err != nil {
		t.Fatal(err)
	}
	if err := run(nil); err != nil {
		t.Errorf("after the recovery time: %v", err)
	}
}

func TestB06_when_all_fail_there_is_an_error_and_a_result(t *testing.T) {
	manager := onManualTime(t)
	register(t, manager, "a", "b")

	result, err := manager.ExecuteWithFailover(background, &types.FailoverConfig{MaxRetries: 2},
		func(*types.ServiceEndpoint) (interface{}, error) { return nil, errBroken })

	if !errors.Is(err, errBroken) || !errors.Is(err, failover.ErrAttemptsExhausted) {
		t.Errorf("expected exhausted attempts around the last error, got %v", err)
	}
	if result == nil || result.Endpoint == nil {
		t.Fatal("there is no result, or it has no endpoint")
	}
	want(t, "success", false, result.Success)
	want(t, "attempts", 3, result.Attempts)
	want(t, "history", 3, len(result.History))
	want(t, "text", err.Error(), result.Error)
}

func TestB07_zero_attempts_still_calls_the_function(t *testing.T) {
	for _, config := range []*types.FailoverConfig{nil, {}, {MaxRetries: -1}} {
		manager := managerOf(t, failover.WithConfig(&failover.ManagerConfig{}))
		register(t, manager, "a")
		calls := 0

		_, err := manager.ExecuteWithFailover(background, config,
			func(*types.ServiceEndpoint) (interface{}, error) { calls++; return nil, nil })

		if err != nil {
			t.Fatal(err)
		}
		want(t, "calls", 1, calls)
	}
}

func TestB08_round_robin_takes_turns(t *testing.T) {
	manager := onManualTime(t)
	register(t, manager, "c", "a", "b")

	var picked []string
	for range 6 {
		picked = append(picked, selectOne(t, manager, &types.FailoverConfig{Strategy: types.StrategyRoundRobin}))
	}

	want(t, "turns", "a b c a b c", strings.Join(picked, " "))
}

func TestB09_round_robin_survives_any_time(t *testing.T) {
	clock := failover.NewManualClock()
	manager := managerOf(t, failover.WithManualClock(clock))
	register(t, manager, "a", "b", "c")

	for range 40 {
		if err := clock.Advance(71 * time.Hour); err != nil {
			t.Fatal(err)
		}
		selectOne(t, manager, nil)
	}
}

func TestB10_least_connections_counts_what_is_in_flight(t *testing.T) {
	manager := onManualTime(t)
	register(t, manager, "a", "b", "c")
	pool, err := poolOf(t, manager).Derive(&types.FailoverConfig{Strategy: types.StrategyLeastConnections})
	if err != nil {
		t.Fatal(err)
	}

	busy := map[string]bool{}
	for range 3 {
		lease, err := pool.Pick(background)
		if err != nil {
			t.Fatal(err)
		}
		defer lease.Close()
		busy[lease.Endpoint().ID] = true
	}

	want(t, "endpoints in use", 3, len(busy))
}

func TestB11_endpoints_without_a_weight_share_evenly(t *testing.T) {
	manager := onManualTime(t)
	register(t, manager, "a", "b", "c")

	counts := map[string]int{}
	for range 300 {
		counts[selectOne(t, manager, &types.FailoverConfig{Strategy: types.StrategyWeighted})]++
	}

	for id, count := range counts {
		want(t, id, 100, count)
	}
}

func TestB11_a_negative_weight_is_refused(t *testing.T) {
	manager := managerOf(t)
	endpoint := endpointOf("a")
	endpoint.Weight = -1

	err := manager.RegisterEndpoint(background, endpoint)

	var ours *types.FailoverError
	if !errors.As(err, &ours) || ours.Type != types.ErrorTypeValidation || !strings.Contains(ours.Message, "weight") {
		t.Errorf("expected a fault of weight, got %v", err)
	}
}

func TestB12_ip_hash_keeps_a_client_on_its_endpoint(t *testing.T) {
	manager := managerOf(t)
	register(t, manager, "a", "b", "c", "d")
	config := &types.FailoverConfig{Strategy: types.StrategyIPHash}

	picked := map[string]bool{}
	for _, address := range []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"} {
		first := selectOne(t, manager, config, failover.WithClientIP(address))
		for range 10 {
			want(t, address, first, selectOne(t, manager, config, failover.WithClientIP(address)))
		}
		picked[first] = true
	}

	if len(picked) < 2 {
		t.Error("all clients are on one endpoint")
	}
}

func TestB12_geographic_takes_the_near_one(t *testing.T) {
	manager := managerOf(t)
	for id, region := range map[string]string{"a": "us-east-1", "b": "eu-west-1"} {
		endpoint := endpointOf(id)
		endpoint.Metadata = map[string]string{"region": region}
		if err := manager.RegisterEndpoint(background, endpoint); err != nil {
			t.Fatal(err)
		}
	}
	config := &types.FailoverConfig{
		Strategy: types.StrategyGeographic, Metadata: map[string]interface{}{"region": "eu-west-1"},
	}

	for range 5 {
		want(t, "selected", "b", selectOne(t, manager, config))
	}
}

func TestB12_custom_asks_the_program(t *testing.T) {
	manager := managerOf(t)
	register(t, manager, "a", "b", "c")
	last := func(_ context.Context, candidates []*types.ServiceEndpoint) *types.ServiceEndpoint {
		return candidates[len(candidates)-1]
	}

	result, err := manager.ExecuteWithFailover(background, &types.FailoverConfig{Strategy: types.StrategyCustom},
		func(endpoint *types.ServiceEndpoint) (interface{}, error) { return endpoint.ID, nil }, failover.WithChooser(last))

	if err != nil {
		t.Fatal(err)
	}
	want[any](t, "chosen", "c", result.Result)
}

func TestB12_a_misspelt_strategy_is_refused(t *testing.T) {
	manager := managerOf(t)
	register(t, manager, "a")

	if err := manager.Configure(background, &types.FailoverConfig{Strategy: "round_robbin"}); !errors.Is(err, failover.ErrInvalidConfig) {
		t.Errorf("configure: expected a refusal, got %v", err)
	}
	if _, err := manager.SelectEndpoint(background, &types.FailoverConfig{Strategy: "round_robbin"}); !errors.Is(err, failover.ErrInvalidConfig) {
		t.Errorf("select: expected a refusal, got %v", err)
	}
}

func TestB13_services_are_never_mixed(t *testing.T) {
	manager := managerOf(t)
	register(t, manager, "web-1", "web-2")
	database := endpointOf("db-1")
	database.Name = "database"
	if err := manager.RegisterEndpoint(background, database); err != nil {
		t.Fatal(err)
	}

	_, err := manager.SelectEndpoint(background, nil)
	if !errors.Is(err, failover.ErrInvalidArgument) || !strings.Contains(err.Error(), "database") {
		t.Errorf("without a name: expected a refusal that lists them, got %v", err)
	}
	for range 5 {
		want(t, "by the policy", "db-1", selectOne(t, manager,
			&types.FailoverConfig{Metadata: map[string]interface{}{"service": "database"}}))
		ctx := failover.ContextWith(background, failover.WithService("database"))
		result, err := manager.SelectEndpoint(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		want(t, "by the context", "db-1", result.Endpoint.ID)
	}
}

func TestB14_a_cancelled_context_ends_the_wait_between_attempts(t *testing.T) {
	clock := failover.NewManualClock()
	manager := managerOf(t, failover.WithManualClock(clock))
	register(t, manager, "a")
	ctx, cancel := context.WithCancel(background)
	ended := make(chan error)
	go func() {
		_, err := manager.ExecuteWithFailover(ctx, &types.FailoverConfig{MaxRetries: 3, RetryDelay: 5 * time.Second},
			func(*types.ServiceEndpoint) (interface{}, error) { return nil, errBroken })
		ended <- err
	}()
	clock.BlockUntil(1)

	cancel()

	if err := <-ended; !errors.Is(err, context.Canceled) || !errors.Is(err, errBroken) {
		t.Errorf("expected the cancellation and the last error, got %v", err)
	}
	stats, err := manager.GetStats(background)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "in flight", int64(0), stats["memory"].Endpoints["a"].InFlight)
}

func TestB14_a_context_that_is_over_starts_nothing(t *testing.T) {
	manager := managerOf(t)
	register(t, manager, "a")
	ctx, cancel := context.WithCancel(background)
	cancel()

	_, err := manager.ExecuteWithFailover(ctx, nil, func(*types.ServiceEndpoint) (interface{}, error) {
		t.Error("the function was called")
		return nil, nil
	})

	if !errors.Is(err, context.Canceled) {
		t.Errorf("expected the cancellation, got %v", err)
	}
	for name, err := range map[string]error{
		"register": manager.RegisterEndpoint(ctx, endpointOf("b")), "configure": manager.Configure(ctx, &types.FailoverConfig{}),
		"deregister": manager.DeregisterEndpoint(ctx, "a"),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: expected the cancellation, got %v", name, err)
		}
	}
}

func TestB15_timeout_leaves_a_function_behind_that_hangs(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	stuck := func(*types.ServiceEndpoint) (interface{}, error) { <-hang; return nil, nil }
	for name, run := range map[string]func(*failover.FailoverManager) error{
		"policy": func(manager *failover.FailoverManager) error {
			_, err := manager.ExecuteWithFailover(background, &types.FailoverConfig{Timeout: 50 * time.Millisecond}, stuck)
			return err
		},
		"manager": func(manager *failover.FailoverManager) error {
			_, err := manager.ExecuteWithFailover(background, nil, stuck)
			return err
		},
	} {
		manager := managerOf(t, failover.WithConfig(&failover.ManagerConfig{Timeout: 60 * time.Millisecond}))
		register(t, manager, "a", "b")

		err := run(manager)

		if !errors.Is(err, failover.ErrDeadlineExceeded) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: expected the deadline, got %v", name, err)
		}
	}
}

func TestB15_a_hanging_endpoint_does_not_eat_the_whole_call(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	manager := managerOf(t)
	register(t, manager, "a", "b")
	var lock sync.Mutex
	var tried []string

	result, err := manager.ExecuteWithFailover(background,
		&types.FailoverConfig{MaxRetries: 1, AttemptTimeout: 30 * time.Millisecond, RetryDelay: time.Millisecond, Timeout: 20 * time.Second},
		func(endpoint *types.ServiceEndpoint) (interface{}, error) {
			lock.Lock()
			tried = append(tried, endpoint.ID)
			isFirst := len(tried) == 1
			lock.Unlock()
			if isFirst {
				<-hang
			}
			return endpoint.ID, nil
		})

	if err != nil {
		t.Fatal(err)
	}
	want(t, "attempts", 2, result.Attempts)
	want(t, "the first", types.OutcomeTimeout, result.History[0].Outcome)
	lock.Lock()
	defer lock.Unlock()
	want[any](t, "who served", tried[1], result.Result)
}

func TestB16_not_found_is_told_at_once(t *testing.T) {
	clock := failover.NewManualClock()
	manager := managerOf(t, failover.WithManualClock(clock)) // nobody moves it: a wait would never end

	_, err := manager.GetEndpoint(background, "nope")
	if !errors.Is(err, failover.ErrNotFound) {
		t.Errorf("get: expected not found, got %v", err)
	}
	if _, err := manager.HealthCheck(background, "nope"); !errors.Is(err, failover.ErrNotFound) {
		t.Errorf("check: expected not found, got %v", err)
	}
}

func TestB17_a_number_of_attempts_that_makes_no_sense_is_refused(t *testing.T) {
	_, err := failover.New(failover.WithConfig(&failover.ManagerConfig{RetryAttempts: -2}))
	if !errors.Is(err, failover.ErrInvalidConfig) || !strings.Contains(err.Error(), "retry_attempts") {
		t.Errorf("new: expected a fault of retry_attempts, got %v", err)
	}
	manager := failover.NewFailoverManager(&failover.ManagerConfig{RetryAttempts: -2}, nil)
	if err := manager.RegisterEndpoint(background, endpointOf("a")); !errors.Is(err, failover.ErrInvalidConfig) {
		t.Errorf("a verb of a manager that isn't one: %v", err)
	}
	none := onManualTime(t, failover.WithConfig(&failover.ManagerConfig{RetryAttempts: -1}))
	register(t, none, "a")
	result, err := none.ExecuteWithFailover(background, nil,
		func(*types.ServiceEndpoint) (interface{}, error) { return nil, errBroken })
	if strings.Contains(err.Error(), "%!") {
		t.Errorf("the text is broken: %v", err)
	}
	want(t, "attempts", 1, result.Attempts)
}

func TestB18_nil_is_never_a_panic(t *testing.T) {
	var typed *lines
	elsewhere := &failover.ManagerConfig{DefaultProvider: "elsewhere", FallbackEnabled: true} // which is a warning
	for _, manager := range []*failover.FailoverManager{
		failover.NewFailoverManager(nil, nil), failover.NewFailoverManager(nil, typed),
		failover.NewFailoverManager(elsewhere, noLogger(nil)), failover.NewFailoverManager(elsewhere, failover.SlogLogger(nil)),
	} {
		register(t, manager, "a")
		want(t, "selected", "a", selectOne(t, manager, nil))
		for name, err := range map[string]error{
			"endpoint": manager.RegisterEndpoint(background, nil), "config": manager.Configure(background, nil),
			"provider": manager.RegisterProvider(nil),
		} {
			if !errors.Is(err, failover.ErrInvalidArgument) {
				t.Errorf("nil %s: %v", name, err)
			}
		}
		if _, err := manager.ExecuteWithFailover(background, nil, nil); !errors.Is(err, failover.ErrInvalidArgument) {
			t.Errorf("nil function: %v", err)
		}
		if err := manager.Close(); err != nil {
			t.Error(err)
		}
	}
}

// noLogger is a logger that is nil and no pointer.
type noLogger func(string)

func (l noLogger) Debugf(format string, _ ...interface{}) { l(format) }
func (l noLogger) Infof(format string, _ ...interface{})  { l(format) }
func (l noLogger) Warnf(format string, _ ...interface{})  { l(format) }
func (l noLogger) Errorf(format string, _ ...interface{}) { l(format) }

func TestB19_a_panic_leaves_nothing_in_flight(t *testing.T) {
	manager := managerOf(t)
	register(t, manager, "a")

	func() {
		defer func() { want[any](t, "what came through", "boom", recover()) }()
		_, _ = manager.ExecuteWithFailover(background, nil, func(*types.ServiceEndpoint) (interface{}, error) { panic("boom") })
	}()

	stats, err := manager.GetStats(background)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := stats["memory"].Endpoints["a"]
	want(t, "in flight", int64(0), endpoint.InFlight)
	want(t, "local", int64(1), endpoint.Outcomes["local"])
	want(t, "health", types.HealthHealthy, max(endpoint.Health, types.HealthHealthy))
}

func TestB20_what_is_handed_out_is_a_copy(t *testing.T) {
	manager := managerOf(t)
	given := endpointOf("a")
	given.Metadata, given.Tags = map[string]string{"k": "v"}, []string{"x"}
	if err := manager.RegisterEndpoint(background, given); err != nil {
		t.Fatal(err)
	}
	spoil := func(endpoint *types.ServiceEndpoint) {
		endpoint.Metadata["k"], endpoint.Tags[0], endpoint.Port = "spoilt", "spoilt", 1
	}

	spoil(given)
	listed, err := manager.ListEndpoints(background)
	if err != nil {
		t.Fatal(err)
	}
	spoil(listed[0])
	selected, err := manager.SelectEndpoint(background, nil)
	if err != nil {
		t.Fatal(err)
	}
	spoil(selected.Endpoint)
	_, err = manager.ExecuteWithFailover(background, nil, func(endpoint *types.ServiceEndpoint) (interface{}, error) {
		spoil(endpoint)
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}

	again, err := manager.SelectEndpoint(background, nil)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "metadata", "v", again.Endpoint.Metadata["k"])
	want(t, "tag", "x", again.Endpoint.Tags[0])
	want(t, "port", 8080, again.Endpoint.Port)
}

func TestB20_everything_at_once_is_no_race(t *testing.T) {
	manager := managerOf(t)
	register(t, manager, "a", "b")
	var all sync.WaitGroup
	for _, run := range []func(){
		func() { _, _ = manager.SelectEndpoint(background, nil) },
		func() {
			_, _ = manager.ExecuteWithFailover(background, nil, func(*types.ServiceEndpoint) (interface{}, error) { return 1, nil })
		},
		func() { _, _ = manager.GetStats(background) },
		func() { _, _ = manager.HealthCheckAll(background) },
		func() { _ = manager.Configure(background, &types.FailoverConfig{MaxRetries: 1}) },
		func() { _ = manager.RegisterEndpoint(background, endpointOf("c")) },
		func() { _ = manager.DeregisterEndpoint(background, "c") },
		func() { _ = manager.AddPushed("more"); _ = manager.ListProviders(); _ = manager.RemoveProvider("more") },
		func() { _, _ = manager.GetEvents(background, 10) },
	} {
		all.Add(1)
		go func() {
			defer all.Done()
			for range 200 {
				run()
			}
		}()
	}
	all.Wait()
}

func TestB21_figures_and_events_are_what_happened(t *testing.T) {
	manager := onManualTime(t)
	register(t, manager, "a", "b")
	fails := true
	run := func() {
		_, _ = manager.ExecuteWithFailover(background, &types.FailoverConfig{MaxRetries: 1},
			func(*types.ServiceEndpoint) (interface{}, error) {
				if fails {
					fails = false
					return nil, errBroken
				}
				return nil, nil
			})
	}

	run()
	run()

	stats, err := manager.GetStats(background)
	if err != nil {
		t.Fatal(err)
	}
	found := stats["memory"]
	want(t, "total", int64(2), found.TotalRequests)
	want(t, "ok", int64(2), found.SuccessfulRequests)
	want(t, "failed", int64(0), found.FailedRequests)
	want(t, "failovers", int64(1), found.Failovers)
	want(t, "provider", "memory", found.Provider)
	if found.LastFailover.IsZero() || found.LastUpdate.IsZero() {
		t.Error("the last failover or the last update has no time")
	}
	events, err := manager.GetEvents(background, 100)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[types.EventType]bool{}
	for _, event := range events["memory"] {
		kinds[event.Type] = true
	}
	for _, kind := range []types.EventType{types.EventRetry, types.EventFailover, types.EventDiscoveryUpdate} {
		if !kinds[kind] {
			t.Errorf("there is no event %s", kind)
		}
	}
}

func TestB22_configure_takes_effect_and_get_config_gives_a_copy(t *testing.T) {
	manager := onManualTime(t)
	register(t, manager, "a", "b")
	err := manager.Configure(background, &types.FailoverConfig{
		MaxRetries: 4, RetryDelay: 7 * time.Second, Timeout: 2 * time.Minute,
		CircuitBreaker: &types.CircuitBreakerConfig{FailureThreshold: 9, RecoveryTimeout: 10 * time.Minute},
		LoadBalancer:   &types.LoadBalancerConfig{Algorithm: types.LoadBalancerWeighted, Weights: map[string]int{"a": 0, "b": 2}, Sticky: true},
	})
	if err != nil {
		t.Fatal(err)
	}

	config, err := manager.GetConfig(background)
	if err != nil {
		t.Fatal(err)
	}

	want(t, "retries", 4, config.MaxRetries)
	want(t, "delay", 7*time.Second, config.RetryDelay)
	want(t, "timeout", 2*time.Minute, config.Timeout)
	want(t, "threshold", 9, config.CircuitBreaker.FailureThreshold)
	want(t, "recovery", 10*time.Minute, config.CircuitBreaker.RecoveryTimeout)
	want(t, "weight", 2, config.LoadBalancer.Weights["b"])
	want(t, "sticky", true, config.LoadBalancer.Sticky)
	config.MaxRetries, config.LoadBalancer.Weights["a"] = 0, 5
	for range 4 {
		want(t, "by weight", "b", selectOne(t, manager, nil))
	}
	again, err := manager.GetConfig(background)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "retries, still", 4, again.MaxRetries)
}

func TestB30_a_retry_goes_elsewhere_waits_at_random_and_has_a_budget(t *testing.T) {
	manager := onManualTime(t, failover.WithPolicy(&types.FailoverConfig{
		MaxRetries: 1, RetryDelay: time.Second,
		Options: map[string]interface{}{"retry_budget": map[string]interface{}{"capacity": 20, "per_success": 0, "per_second": 0}},
	}))
	register(t, manager, "a", "b", "c")
	waits := map[time.Duration]bool{}
	for range 20 {
		var tried []string
		result, _ := manager.ExecuteWithFailover(background, nil, func(endpoint *types.ServiceEndpoint) (interface{}, error) {
			tried = append(tried, endpoint.ID)
			return nil, errBroken
		})
		if len(tried) != 2 || tried[0] == tried[1] {
			t.Fatalf("expected two endpoints, got %v", tried)
		}
		waits[result.Duration] = true
	}
	if len(waits) < 10 {
		t.Errorf("waits don't differ: %v", waits)
	}

	result, err := manager.ExecuteWithFailover(background, nil,
		func(*types.ServiceEndpoint) (interface{}, error) { return nil, errBroken })

	if !errors.Is(err, failover.ErrBudgetExhausted) {
		t.Errorf("expected an empty budget, got %v", err)
	}
	want(t, "attempts", 1, result.Attempts)
}

func TestB31_a_pick_alone_is_no_success(t *testing.T) {
	manager := managerOf(t)
	register(t, manager, "a")

	for range 10 {
		selectOne(t, manager, nil)
	}

	stats, err := manager.GetStats(background)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "ok", int64(0), stats["memory"].SuccessfulRequests)
}

func TestB31_nobody_to_select_is_told_at_once(t *testing.T) {
	clock := failover.NewManualClock()
	manager := managerOf(t, failover.WithManualClock(clock)) // nobody moves it: a wait would never end
	register(t, manager, "a")
	if err := manager.SetAdmin("a", failover.AdminMaintenance); err != nil {
		t.Fatal(err)
	}

	_, err := manager.ExecuteWithFailover(background, &types.FailoverConfig{MaxRetries: 3},
		func(*types.ServiceEndpoint) (interface{}, error) { t.Error("it was called"); return nil, nil })

	if !errors.Is(err, failover.ErrNoEndpoints) {
		t.Errorf("expected no endpoints, got %v", err)
	}
}

func TestB32_a_provider_claims_what_it_can_do(t *testing.T) {
	manager := managerOf(t)
	if err := manager.RegisterProvider(&shelf{name: "shelf"}); err != nil {
		t.Fatal(err)
	}

	info := manager.GetProviderInfo()

	want(t, "memory", "[register authoritative]", text(info["memory"].SupportedFeatures))
	want(t, "shelf", "[list]", text(info["shelf"].SupportedFeatures))
	if !slices.Equal(manager.ListProviders(), []string{"memory", "shelf"}) {
		t.Errorf("providers: %v", manager.ListProviders())
	}
}
