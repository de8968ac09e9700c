package failover_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	failover "github.com/libfailover/libfailover/bindings/go"
	"github.com/libfailover/libfailover/bindings/go/types"
)

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
