package failover_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	failover "github.com/libfailover/libfailover/bindings/go"
	"github.com/libfailover/libfailover/bindings/go/types"
)

func TestA_timeout_of_the_policy_in_force_bounds_a_function_without_a_context(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	stuck := func(*types.ServiceEndpoint) (interface{}, error) { <-hang; return nil, nil }
	short := 40 * time.Millisecond
	configured := managerOf(t)
	if err := configured.Configure(background, &types.FailoverConfig{Timeout: short}); err != nil {
		t.Fatal(err)
	}
	register(t, configured, "a")
	for name, one := range map[string]struct {
		manager *failover.FailoverManager
		config  *types.FailoverConfig
		options []failover.Option
	}{
		"Configure":                  {manager: configured},
		"Configure, below another":   {manager: configured, config: &types.FailoverConfig{MaxRetries: 1}},
		"WithPolicy":                 {manager: managerOf(t, failover.WithPolicy(&types.FailoverConfig{Timeout: short}))},
		"an option of the policy":    {manager: managerOf(t), config: &types.FailoverConfig{Options: map[string]interface{}{"timeout": "40ms"}}},
		"an option of the call":      {manager: managerOf(t), options: []failover.Option{failover.WithTimeout(short)}},
		"an option of every call":    {manager: managerOf(t, failover.WithDefaults(failover.WithTimeout(short)))},
		"the library's own document": {manager: managerOf(t, failover.WithOptions(map[string]any{"failover": map[string]any{"timeout": "40ms"}}))},
	} {
		if one.manager != configured {
			register(t, one.manager, "a")
		}
		ended := make(chan error, 1)
		go func() {
			_, err := one.manager.ExecuteWithFailover(background, one.config, stuck, one.options...)
			ended <- err
		}()
		select {
		case err := <-ended:
			if !errors.Is(err, failover.ErrDeadlineExceeded) {
				t.Errorf("%s: expected the deadline, got %v", name, err)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s: it hangs", name)
		}
	}
}

func TestA_fallback_value_stands_in_with_and_without_a_timeout(t *testing.T) {
	manager := onManualTime(t)
	register(t, manager, "a")
	for name, config := range map[string]*types.FailoverConfig{
		"without": {MaxRetries: -1}, "with": {MaxRetries: -1, Timeout: time.Minute},
	} {
		result, err := manager.ExecuteWithFailover(background, config,
			func(*types.ServiceEndpoint) (interface{}, error) { return nil, errBroken }, failover.WithFallback[any]("stale"))

		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want[any](t, name, "stale", result.Result)
		want[any](t, name+": said so", "value", result.Metadata["fallback"])
	}
}

func TestA_fallback_value_may_be_nil(t *testing.T) {
	manager := onManualTime(t)
	register(t, manager, "a")

	value, err := failover.Do(background, poolOf(t, manager),
		func(context.Context, *types.ServiceEndpoint) (error, error) { return nil, errBroken }, failover.WithFallback[error](nil))

	if err != nil || value != nil {
		t.Errorf("expected nothing, got %v, %v", value, err)
	}
}

func TestA_result_that_was_asked_for_is_written_beside_the_one_that_is_returned(t *testing.T) {
	manager := managerOf(t)
	register(t, manager, "a")
	for name, config := range map[string]*types.FailoverConfig{"inline": nil, "apart": {Timeout: time.Minute}} {
		var mine types.FailoverResult

		result, err := manager.ExecuteWithFailover(background, config,
			func(endpoint *types.ServiceEndpoint) (interface{}, error) { return endpoint.ID, nil }, failover.WithResult(&mine))

		if err != nil {
			t.Fatal(err)
		}
		want[any](t, name, "a", mine.Result)
		want(t, name, result.Attempts, mine.Attempts)
	}
}

func TestWhat_a_policy_asks_for_yields_to_the_context_and_that_to_the_call(t *testing.T) {
	manager := managerOf(t)
	for _, service := range []string{"policy", "context", "call"} {
		endpoint := endpointOf(service)
		endpoint.Name = service
		if err := manager.RegisterEndpoint(background, endpoint); err != nil {
			t.Fatal(err)
		}
	}
	policy := &types.FailoverConfig{Metadata: map[string]interface{}{"service": "policy"}}
	ctx := failover.ContextWith(background, failover.WithService("context"))
	picked := func(ctx context.Context, config *types.FailoverConfig, options ...failover.Option) string {
		result, err := manager.SelectEndpoint(ctx, config, options...)
		if err != nil {
			t.Fatal(err)
		}
		return result.Endpoint.ID
	}

	want(t, "the policy alone", "policy", picked(background, policy))
	want(t, "with a context", "context", picked(ctx, policy))
	want(t, "with an option", "call", picked(ctx, policy, failover.WithService("call")))
	if err := manager.Configure(background, policy); err != nil {
		t.Fatal(err)
	}
	want(t, "the policy in force", "policy", picked(background, nil))
	want(t, "the policy in force, below another", "policy", picked(background, &types.FailoverConfig{MaxRetries: 1}))
}

func TestA_pick_that_had_to_take_what_looked_unfit_says_so(t *testing.T) {
	manager := onManualTime(t)
	register(t, manager, "a")
	for range 3 {
		if _, err := manager.ReportHealth("a", failover.FindingBad, "test"); err != nil {
			t.Fatal(err)
		}
	}

	result, err := manager.SelectEndpoint(background, nil)

	if err != nil {
		t.Fatal(err)
	}
	want[any](t, "panic", true, result.Metadata["panic"])
}

func TestA_cancelled_call_leaves_its_function_behind_and_nothing_in_flight(t *testing.T) {
	manager := managerOf(t)
	register(t, manager, "a")
	hang := make(chan struct{})
	defer close(hang)
	ctx, cancel := context.WithCancel(background)

	_, err := manager.ExecuteWithFailover(ctx, &types.FailoverConfig{Timeout: time.Minute},
		func(*types.ServiceEndpoint) (interface{}, error) { cancel(); <-hang; return nil, nil })

	if !errors.Is(err, context.Canceled) {
		t.Errorf("expected the cancellation, got %v", err)
	}
	want(t, "in flight", int64(0), inFlight(t, manager, "a"))
}

func TestA_panic_of_a_function_that_was_left_behind_is_a_line_in_the_log(t *testing.T) {
	logger := &lines{}
	manager := managerOf(t, failover.WithLogger(logger))
	register(t, manager, "a")
	hang := make(chan struct{})

	_, err := manager.ExecuteWithFailover(background, &types.FailoverConfig{MaxRetries: -1, Timeout: 20 * time.Millisecond},
		func(*types.ServiceEndpoint) (interface{}, error) { <-hang; panic("too late") })

	if !errors.Is(err, failover.ErrDeadlineExceeded) {
		t.Errorf("expected the deadline, got %v", err)
	}
	close(hang)
	eventually(t, "it is logged", func() bool { return strings.Contains(strings.Join(logger.all(), "\n"), "too late") })
}
