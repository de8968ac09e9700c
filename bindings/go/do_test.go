package failover_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

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

func TestDo_cancellation_reaches_the_attempt(t *testing.T) {
	manager := managerOf(t)
	register(t, manager, "a")
	ctx, cancel := context.WithCancelCause(background)
	cause := errors.New("the user left")

	_, err := failover.Do(ctx, poolOf(t, manager), func(ctx context.Context, _ *types.ServiceEndpoint) (int, error) {
		cancel(cause)
		<-ctx.Done()
		return 0, ctx.Err()
	})

	if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) || !errors.Is(err, failover.ErrCancelled) {
		t.Errorf("expected the cancellation with its cause, got %v", err)
	}
	stats, err := manager.GetStats(background)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "cancelled", int64(1), stats["memory"].Endpoints["a"].Outcomes["cancelled"])
	want(t, "in flight", int64(0), stats["memory"].Endpoints["a"].InFlight)
}

func TestDo_the_callers_deadline_reaches_the_attempt(t *testing.T) {
	manager := managerOf(t)
	register(t, manager, "a")
	ctx, cancel := context.WithTimeout(background, 30*time.Millisecond)
	defer cancel()

	_, err := failover.Do(ctx, poolOf(t, manager), func(inner context.Context, _ *types.ServiceEndpoint) (int, error) {
		outer, _ := ctx.Deadline()
		if at, ok := inner.Deadline(); !ok || at.After(outer.Add(time.Second)) {
			t.Errorf("the attempt's deadline is %v, the caller's %v", at, outer)
		}
		<-inner.Done()
		return 0, inner.Err()
	})

	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, failover.ErrDeadlineExceeded) {
		t.Errorf("expected the deadline, got %v", err)
	}
}

func TestDo_the_attempts_own_deadline_ends_its_context_and_goes_on(t *testing.T) {
	clock := failover.NewManualClock()
	manager := managerOf(t, failover.WithManualClock(clock), failover.WithSeed(1), failover.WithPolicy(&types.FailoverConfig{
		MaxRetries: 1, AttemptTimeout: time.Second, RetryDelay: time.Second,
		Options: map[string]interface{}{"backoff": "fixed"},
	}))
	register(t, manager, "a", "b")
	pool := poolOf(t, manager)
	served := make(chan string)
	go func() {
		value, err := failover.Do(background, pool, func(ctx context.Context, endpoint *types.ServiceEndpoint) (string, error) {
			if endpoint.ID == "a" {
				<-ctx.Done()
				return "", ctx.Err()
			}
			return endpoint.ID, nil
		})
		if err != nil {
			t.Error(err)
		}
		served <- value
	}()

	clock.BlockUntil(1)
	if err := clock.Advance(time.Second); err != nil {
		t.Fatal(err)
	}
	clock.BlockUntil(1)
	if err := clock.Advance(time.Second); err != nil {
		t.Fatal(err)
	}

	want(t, "who served", "b", <-served)
}

func TestDo_the_attempts_context_ends_with_it(t *testing.T) {
	manager := managerOf(t)
	register(t, manager, "a")
	var asked, unasked context.Context
	type key struct{}

	_, err := failover.Do(context.WithValue(background, key{}, "v"), poolOf(t, manager), func(ctx context.Context, _ *types.ServiceEndpoint) (int, error) {
		want[any](t, "values pass through", "v", ctx.Value(key{}))
		if ctx.Err() != nil {
			t.Errorf("it is over already: %v", ctx.Err())
		}
		asked = ctx
		_ = ctx.Done()
		return 0, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = failover.Do(background, poolOf(t, manager), func(ctx context.Context, _ *types.ServiceEndpoint) (int, error) {
		unasked = ctx
		return 0, nil
	})
	if err != nil {
		t.Fatal(err)
	}

	for _, ctx := range []context.Context{asked, unasked} {
		<-ctx.Done()
		want(t, "afterwards", context.Canceled, ctx.Err())
	}
}

func TestDo_contexts_made_from_an_attempts_hold_no_goroutines_and_end_with_it(t *testing.T) {
	manager := managerOf(t)
	register(t, manager, "a")
	var child context.Context
	last := func() {}
	defer func() { last() }()
	told := make(chan struct{})

	_, err := failover.Do(background, poolOf(t, manager), func(ctx context.Context, _ *types.ServiceEndpoint) (int, error) {
		before := runtime.NumGoroutine()
		for range 100 {
			one, cancel := context.WithCancel(ctx)
			defer cancel()
			_ = one
		}
		if grown := runtime.NumGoroutine() - before; grown > 10 {
			t.Errorf("a hundred contexts hold %d goroutines", grown)
		}
		child, last = context.WithCancel(ctx)
		stop := context.AfterFunc(ctx, func() { t.Error("it was stopped") })
		if !stop() {
			t.Error("it couldn't be stopped")
		}
		context.AfterFunc(ctx, func() { close(told) })
		return 0, nil
	})

	if err != nil {
		t.Fatal(err)
	}
	<-child.Done()
	<-told
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

func TestA_function_on_a_goroutine_of_its_own_that_leaves_takes_the_caller_along(t *testing.T) {
	manager := managerOf(t)
	register(t, manager, "a")
	left := make(chan struct{})
	go func() {
		defer close(left)
		_, _ = manager.ExecuteWithFailover(background, &types.FailoverConfig{Timeout: time.Minute},
			func(*types.ServiceEndpoint) (interface{}, error) { runtime.Goexit(); return nil, nil })
		t.Error("the caller went on")
	}()
	<-left

	want(t, "in flight", int64(0), inFlight(t, manager, "a"))
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

func TestDo_the_attempts_context_says_why_it_ended(t *testing.T) {
	manager := managerOf(t, failover.WithPolicy(&types.FailoverConfig{MaxRetries: -1, AttemptTimeout: 10 * time.Millisecond}))
	register(t, manager, "a")
	cause := errors.New("the user left")
	callers, cancel := context.WithCancelCause(background)

	_, _ = failover.Do(background, poolOf(t, manager), func(ctx context.Context, _ *types.ServiceEndpoint) (int, error) {
		child, done := context.WithCancel(ctx)
		defer done()
		<-child.Done()
		want(t, "at the deadline", context.DeadlineExceeded, context.Cause(ctx))
		want(t, "at the deadline, of a child", context.DeadlineExceeded, context.Cause(child))
		return 0, ctx.Err()
	})
	_, _ = failover.Do(callers, poolOf(t, manager), func(ctx context.Context, _ *types.ServiceEndpoint) (int, error) {
		cancel(cause)
		<-ctx.Done()
		want(t, "when the caller left", cause, context.Cause(ctx))
		return 0, ctx.Err()
	})
}

func TestA_panic_on_a_goroutine_of_its_own_reaches_the_caller_with_its_stack(t *testing.T) {
	manager := managerOf(t)
	register(t, manager, "a")

	defer func() {
		caught, ok := recover().(*failover.PanicError)
		if !ok || caught.Value != any(errBroken) || !strings.Contains(string(caught.Stack), "throwHere") {
			t.Errorf("expected the panic with its stack, got %v", caught)
		}
		if !errors.Is(caught, errBroken) {
			t.Error("the value isn't behind it")
		}
	}()
	_, _ = manager.ExecuteWithFailover(background, &types.FailoverConfig{Timeout: time.Minute},
		func(*types.ServiceEndpoint) (interface{}, error) { throwHere(errBroken); return nil, nil })
}

func TestA_result_that_comes_at_the_deadline_is_never_waited_for_twice(t *testing.T) {
	manager := managerOf(t)
	register(t, manager, "a")
	policy := &types.FailoverConfig{MaxRetries: -1, Timeout: 2 * time.Millisecond}

	for range 200 {
		value, err := manager.ExecuteWithFailover(background, policy, func(*types.ServiceEndpoint) (interface{}, error) {
			time.Sleep(2 * time.Millisecond)
			return "late", nil
		})
		if (err == nil) != (value.Result == "late") {
			t.Fatalf("neither one nor the other: %v, %v", value.Result, err)
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

func TestDo_options(t *testing.T) {
	manager := onManualTime(t)
	register(t, manager, "a", "b")
	pool := poolOf(t, manager)
	fails := func(context.Context, *types.ServiceEndpoint) (string, error) { return "", errBroken }
	id := func(_ context.Context, endpoint *types.ServiceEndpoint) (string, error) { return endpoint.ID, nil }
	var result types.FailoverResult

	value, err := failover.Do(background, pool, fails, failover.WithFallback("stale"), failover.WithResult(&result))
	if err != nil || value != "stale" || result.Metadata["fallback"] != "value" {
		t.Errorf("fallback: %q %v %v", value, err, result.Metadata)
	}
	_, _ = failover.Do(background, pool, fails, failover.WithIdempotent(false), failover.WithResult(&result))
	want(t, "attempts of what may not be sent twice", 1, result.Attempts)
	_, err = failover.Do(background, pool, fails, failover.WithResult(&result),
		failover.WithClassifier(func(err error) (types.Outcome, bool) { return types.OutcomeRejected, errors.Is(err, errBroken) }))
	want(t, "attempts of what is classified as rejected", 1, result.Attempts)
	if !errors.Is(err, failover.ErrRejected) {
		t.Errorf("classifier: %v", err)
	}
	value, err = failover.Do(background, pool, id, failover.WithEndpoint("b"))
	if err != nil || value != "b" {
		t.Errorf("endpoint: %q %v", value, err)
	}
	value, err = failover.Do(background, pool, id, failover.WithExclude("b"))
	if err != nil || value != "a" {
		t.Errorf("exclude: %q %v", value, err)
	}
	if _, err = failover.Do(background, pool, id, failover.WithTags("gpu")); !errors.Is(err, failover.ErrNoEndpoints) {
		t.Errorf("tags: %v", err)
	}
	if _, err = failover.Do(background, nil, id); !errors.Is(err, failover.ErrInvalidArgument) {
		t.Errorf("no pool: %v", err)
	}
}

func TestA_chooser_that_invents_an_endpoint_is_refused(t *testing.T) {
	manager := managerOf(t, failover.WithPolicy(&types.FailoverConfig{Strategy: types.StrategyCustom}))
	register(t, manager, "a")
	run := func(options ...failover.Option) error {
		_, err := failover.Do(background, poolOf(t, manager), func(context.Context, *types.ServiceEndpoint) (int, error) { return 0, nil }, options...)
		return err
	}

	if err := run(failover.WithChooser(func(context.Context, []*types.ServiceEndpoint) *types.ServiceEndpoint { return endpointOf("x") })); !errors.Is(err, failover.ErrInvalidArgument) {
		t.Errorf("invented: %v", err)
	}
	if err := run(); !errors.Is(err, failover.ErrInvalidState) {
		t.Errorf("without one: %v", err)
	}
}

func TestA_lease_is_reported_once_and_a_forgotten_one_comes_back(t *testing.T) {
	manager := managerOf(t)
	register(t, manager, "a")
	pool := poolOf(t, manager)
	lease, err := pool.Pick(background)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "taken", int64(1), inFlight(t, manager, "a"))
	if err := lease.Done(nil); err != nil {
		t.Fatal(err)
	}
	if err := lease.Report(types.OutcomeFailure); !errors.Is(err, failover.ErrInvalidState) {
		t.Errorf("a second report: %v", err)
	}
	if _, err := pool.Pick(background); err != nil { // and forget it
		t.Fatal(err)
	}

	eventually(t, "the forgotten lease is back", func() bool { runtime.GC(); return inFlight(t, manager, "a") == 0 })
}

func TestClosing_refuses_what_comes_after_and_is_idempotent(t *testing.T) {
	manager := managerOf(t)
	register(t, manager, "a")
	pool := poolOf(t, manager)
	lease, err := pool.Pick(background)
	if err != nil {
		t.Fatal(err)
	}

	if err := manager.CloseWithin(time.Millisecond); err == nil {
		t.Error("an open lease wasn't mentioned")
	}
	if err := manager.Close(); err != nil {
		t.Errorf("a second close: %v", err)
	}

	_ = lease.Report(types.OutcomeSuccess)
	_, err = failover.Do(background, pool, func(context.Context, *types.ServiceEndpoint) (int, error) { return 0, nil })
	if !errors.Is(err, failover.ErrClosed) {
		t.Errorf("do: %v", err)
	}
	if _, err := pool.Select(background); !errors.Is(err, failover.ErrClosed) {
		t.Errorf("select: %v", err)
	}
	if err := manager.RegisterEndpoint(background, endpointOf("b")); !errors.Is(err, failover.ErrClosed) {
		t.Errorf("register: %v", err)
	}
	if _, err := manager.GetStats(background); err != nil {
		t.Errorf("what is known can be read: %v", err)
	}
}

func TestErrors_of_the_standard_library_are_understood(t *testing.T) {
	refused := listenAndClose(t)
	_, dialError := http.Get("http://" + refused)
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(200 * time.Millisecond) }))
	defer slow.Close()
	_, timeoutError := (&http.Client{Timeout: 10 * time.Millisecond}).Get(slow.URL)
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // that its client hangs up is meant
	secure.StartTLS()
	defer secure.Close()
	_, handshakeError := http.Get(secure.URL)

	for name, one := range map[string]struct {
		err     error
		outcome types.Outcome
	}{
		"refused":          {dialError, types.OutcomeUnsent},
		"unknown host":     {&net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}, types.OutcomeUnsent},
		"slow":             {timeoutError, types.OutcomeTimeout},
		"untrusted":        {handshakeError, types.OutcomeUnsent},
		"deadline":         {context.DeadlineExceeded, types.OutcomeTimeout},
		"cancelled":        {context.Canceled, types.OutcomeCancelled},
		"plain":            {errBroken, types.OutcomeFailure},
		"permanent":        {failover.Permanent(errBroken), types.OutcomeRejected},
		"unsent":           {failover.Unsent(errBroken), types.OutcomeUnsent},
		"ignored":          {failover.Ignore(errBroken), types.OutcomeLocal},
		"not found":        {failover.ErrNotFound, types.OutcomeRejected},
		"tagged by others": {errors.Join(errBroken, failover.Permanent(errBroken)), types.OutcomeRejected},
	} {
		if one.err == nil {
			t.Fatalf("%s: there is no error", name)
		}
		outcome, _ := failover.Classify(one.err)
		want(t, name, one.outcome, outcome)
	}
	outcome, rest := failover.Classify(failover.RetryAfter(errBroken, time.Second))
	want(t, "retry after", types.OutcomeThrottled, outcome)
	want(t, "rest", time.Second, rest)
}

// listenAndClose is an address where nobody listens.
func listenAndClose(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
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
