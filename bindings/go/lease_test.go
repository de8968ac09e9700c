package failover_test

import (
	"errors"
	"runtime"
	"testing"

	failover "github.com/libfailover/libfailover/bindings/go"
	"github.com/libfailover/libfailover/bindings/go/types"
)

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
