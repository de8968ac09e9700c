package failover_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	failover "github.com/libfailover/libfailover/bindings/go"
	"github.com/libfailover/libfailover/bindings/go/types"
)

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
