package failover_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	failover "github.com/libfailover/libfailover/bindings/go"
	"github.com/libfailover/libfailover/bindings/go/types"
)

func TestDo_returns_the_value_of_the_endpoint_that_works(t *testing.T) {
	manager := onManualTime(t)
	register(t, manager, "a", "b")
	var result types.FailoverResult

	value, err := failover.Do(background, poolOf(t, manager), func(_ context.Context, endpoint *types.ServiceEndpoint) (string, error) {
		if endpoint.ID == "a" {
			return "", errBroken
		}
		return "from " + endpoint.ID, nil
	}, failover.WithResult(&result))

	if err != nil {
		t.Fatal(err)
	}
	want(t, "value", "from b", value)
	want(t, "attempts", 2, result.Attempts)
	want(t, "success", true, result.Success)
	if len(result.History) != 1 || result.History[0].Endpoint != "a" || result.History[0].Outcome != types.OutcomeFailure {
		t.Errorf("history: %+v", result.History)
	}
}

func TestDo_carries_the_very_error_and_the_attempts(t *testing.T) {
	manager := onManualTime(t)
	register(t, manager, "a")
	type mine struct{ error }

	_, err := failover.Do(background, poolOf(t, manager), func(context.Context, *types.ServiceEndpoint) (int, error) {
		return 0, failover.Permanent(&mine{errBroken})
	})

	var own *mine
	var ours *failover.Error
	if !errors.As(err, &own) || !errors.As(err, &ours) || !errors.Is(err, failover.ErrRejected) {
		t.Fatalf("expected the caller's error within ours, got %v", err)
	}
	want(t, "attempts", 1, len(ours.Attempts))
	want(t, "outcome", types.OutcomeRejected, ours.Attempts[0].Outcome)
	want(t, "type", types.ErrorTypeConnection, ours.Type)
}

func TestDo_a_panic_passes_through_with_its_stack(t *testing.T) {
	manager := managerOf(t)
	register(t, manager, "a")
	thrown := &struct{ int }{1}

	func() {
		defer func() {
			if caught := recover(); caught != thrown {
				t.Errorf("something else came through: %v", caught)
			}
			stack := make([]byte, 1<<16)
			if text := string(stack[:runtime.Stack(stack, false)]); !strings.Contains(text, "throwHere") {
				t.Errorf("its stack is gone:\n%s", text)
			}
		}()
		_, _ = failover.Do(background, poolOf(t, manager), func(context.Context, *types.ServiceEndpoint) (int, error) {
			throwHere(thrown)
			return 0, nil
		})
	}()

	stats, err := poolOf(t, manager).Stats()
	if err != nil {
		t.Fatal(err)
	}
	want(t, "attempts", int64(1), stats.Attempts)
}

//go:noinline
func throwHere(value any) {
	panic(value)
}

func TestDo_leaving_the_goroutine_gives_the_attempt_back(t *testing.T) {
	manager := managerOf(t)
	register(t, manager, "a")
	pool := poolOf(t, manager)
	left := make(chan struct{})
	go func() {
		defer close(left)
		_, _ = failover.Do(background, pool, func(context.Context, *types.ServiceEndpoint) (int, error) {
			runtime.Goexit()
			return 0, nil
		})
	}()
	<-left

	if err := manager.CloseWithin(0); err != nil {
		t.Errorf("something is open: %v", err)
	}
}

func TestA_panic_of_a_classifier_or_a_chooser_leaves_nothing_in_flight(t *testing.T) {
	for name, option := range map[string]failover.Option{
		"classifier": failover.WithClassifier(func(error) (types.Outcome, bool) { panic("boom") }),
		"chooser":    failover.WithChooser(func(context.Context, []*types.ServiceEndpoint) *types.ServiceEndpoint { panic("boom") }),
	} {
		manager := managerOf(t)
		register(t, manager, "a")
		config := &types.FailoverConfig{}
		if name == "chooser" {
			config.Strategy = types.StrategyCustom
		}

		func() {
			defer func() { want[any](t, name, "boom", recover()) }()
			_, _ = manager.ExecuteContext(background, config,
				func(context.Context, *types.ServiceEndpoint) (interface{}, error) { return nil, errBroken }, option)
		}()

		want(t, name+": in flight", int64(0), inFlight(t, manager, "a"))
		if err := manager.CloseWithin(0); err != nil {
			t.Errorf("%s: something is open: %v", name, err)
		}
	}
}

func TestA_cancellation_within_the_function_is_held_against_nobody(t *testing.T) {
	manager := onManualTime(t, failover.WithPolicy(&types.FailoverConfig{
		MaxRetries: -1, CircuitBreaker: &types.CircuitBreakerConfig{FailureThreshold: 1}}))
	register(t, manager, "a")
	pool := poolOf(t, manager)

	for range 3 {
		_, err := failover.Do(background, pool, func(ctx context.Context, _ *types.ServiceEndpoint) (int, error) {
			own, cancel := context.WithCancel(ctx)
			cancel()
			<-own.Done()
			return 0, own.Err()
		})

		if !errors.Is(err, context.Canceled) || !errors.Is(err, failover.ErrCancelled) {
			t.Errorf("expected the cancellation, got %v", err)
		}
	}
}

func TestDo_a_call_within_a_call_does_not_multiply_attempts(t *testing.T) {
	manager := onManualTime(t, failover.WithPolicy(&types.FailoverConfig{MaxRetries: 2}))
	register(t, manager, "a")
	pool := poolOf(t, manager)
	calls := 0

	_, err := failover.Do(background, pool, func(ctx context.Context, _ *types.ServiceEndpoint) (int, error) {
		return failover.Do(ctx, pool, func(context.Context, *types.ServiceEndpoint) (int, error) {
			calls++
			return 0, errBroken
		})
	})

	if !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
	want(t, "calls", 3, calls)
}

func TestA_dead_server_costs_no_request(t *testing.T) {
	alive := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }))
	defer alive.Close()
	manager := managerOf(t)
	for id, address := range map[string]string{"dead": listenAndClose(t), "alive": alive.Listener.Addr().String()} {
		host, port, _ := net.SplitHostPort(address)
		number, err := net.LookupPort("tcp", port)
		if err != nil {
			t.Fatal(err)
		}
		if err := manager.RegisterEndpoint(background, &types.ServiceEndpoint{ID: id, Name: "users", Address: host, Port: number}); err != nil {
			t.Fatal(err)
		}
	}

	for range 10 {
		status, err := failover.Do(background, poolOf(t, manager), func(ctx context.Context, endpoint *types.ServiceEndpoint) (int, error) {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint.URL("/"), nil)
			if err != nil {
				return 0, err
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				return 0, err
			}
			return response.StatusCode, response.Body.Close()
		})
		if err != nil || status != http.StatusOK {
			t.Fatal(status, err)
		}
	}
}
