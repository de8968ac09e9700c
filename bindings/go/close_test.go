package failover_test

import (
	"context"
	"errors"
	"testing"
	"time"

	failover "github.com/libfailover/libfailover/bindings/go"
	"github.com/libfailover/libfailover/bindings/go/types"
)

// reacting is a logger that does something at each line.
type reacting struct{ act func() }

func (l reacting) Debugf(string, ...interface{}) { l.act() }
func (l reacting) Infof(string, ...interface{})  { l.act() }
func (l reacting) Warnf(string, ...interface{})  { l.act() }
func (l reacting) Errorf(string, ...interface{}) { l.act() }

// warned makes a manager that logs a warning soon.
func warned(t *testing.T, logger failover.Logger) *failover.FailoverManager {
	t.Helper()
	manager := failover.NewFailoverManager(&failover.ManagerConfig{DefaultProvider: "elsewhere", FallbackEnabled: true}, logger)
	register(t, manager, "a")
	return manager
}

func TestClosing_does_not_wait_for_a_logger_that_hangs(t *testing.T) {
	hang, logs := make(chan struct{}), make(chan struct{}, 1)
	defer close(hang)
	manager := warned(t, reacting{func() { logs <- struct{}{}; <-hang }})
	<-logs
	closed := make(chan error, 1)

	go func() { closed <- manager.CloseWithin(time.Millisecond) }()

	select {
	case err := <-closed:
		want(t, "error", nil, err)
	case <-time.After(10 * time.Second):
		t.Error("it waits for the logger")
	}
}

func TestA_logger_may_close_the_manager(t *testing.T) {
	closed := make(chan error, 1)
	made := make(chan *failover.FailoverManager, 1)
	made <- warned(t, reacting{func() {
		select {
		case manager := <-made:
			closed <- manager.CloseWithin(time.Millisecond)
		case <-time.After(10 * time.Second):
		}
	}})

	select {
	case err := <-closed:
		want(t, "error", nil, err)
	case <-time.After(20 * time.Second):
		t.Error("it waits for itself")
	}
}

func TestA_callback_may_close_the_manager(t *testing.T) {
	manager := managerOf(t)
	register(t, manager, "a")

	result, err := manager.ExecuteWithFailover(background, nil, func(*types.ServiceEndpoint) (interface{}, error) {
		if err := manager.CloseWithin(time.Millisecond); !errors.Is(err, failover.ErrBusy) {
			t.Errorf("expected to be told of this call, got %v", err)
		}
		return "done", nil
	})

	want(t, "error", nil, err)
	want[any](t, "result", "done", result.Result)
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
