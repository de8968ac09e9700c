package failover_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	failover "github.com/libfailover/libfailover/bindings/go"
	"github.com/libfailover/libfailover/bindings/go/types"
)

func TestEvents_can_be_ranged_over(t *testing.T) {
	manager := managerOf(t)
	events, err := manager.Events(background, types.EventDiscoveryUpdate)
	if err != nil {
		t.Fatal(err)
	}

	register(t, manager, "a", "b")

	var seen []string
	for event := range events {
		want(t, "provider", "memory", event.Provider)
		want(t, "service", "users", event.Service)
		if seen = append(seen, event.Endpoint); len(seen) == 2 {
			break
		}
	}
	want(t, "endpoints", "a b", strings.Join(seen, " "))
}

func TestEvents_end_with_the_context_and_with_the_manager(t *testing.T) {
	manager := managerOf(t)
	ctx, cancel := context.WithCancel(background)
	endless := func(ctx context.Context) chan struct{} {
		subscription, err := manager.Subscribe(16)
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for range subscription.Events(ctx) {
			}
		}()
		return ended
	}
	one, other := endless(ctx), endless(background)

	cancel()
	<-one
	if err := manager.CloseWithin(0); err != nil {
		t.Fatal(err)
	}
	<-other
}

func TestA_subscription_drops_the_oldest_and_counts(t *testing.T) {
	manager := managerOf(t)
	subscription, err := manager.Subscribe(2, types.EventDiscoveryUpdate)
	if err != nil {
		t.Fatal(err)
	}
	defer subscription.Close()

	register(t, manager, "a", "b", "c")

	event, ok := subscription.Next(background)
	if !ok {
		t.Fatal("there is no event")
	}
	want(t, "the oldest that is left", "b", event.Endpoint)
	want(t, "dropped", uint64(1), subscription.Dropped())
	if _, err := manager.Subscribe(1, "nonsense"); err == nil {
		t.Error("an unknown kind wasn't refused")
	}
}

func TestSubscriptions_that_are_forgotten_give_their_descriptors_back(t *testing.T) {
	manager := managerOf(t)
	before := openFiles(t)

	for range 50 {
		if _, err := manager.Subscribe(16); err != nil {
			t.Fatal(err)
		}
	}

	eventually(t, "they are closed", func() bool { runtime.GC(); return openFiles(t) <= before })
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestA_subscription_can_wait_again_after_a_context_ended(t *testing.T) {
	manager := managerOf(t)
	subscription, err := manager.Subscribe(16, types.EventDiscoveryUpdate)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(background, time.Millisecond)
	defer cancel()
	if _, ok := subscription.Next(ctx); ok {
		t.Fatal("there is an event")
	}

	register(t, manager, "a")

	if _, ok := subscription.Next(background); !ok {
		t.Error("there is no event")
	}
}

func TestA_loop_over_events_keeps_its_manager_alive(t *testing.T) {
	clock := failover.NewManualClock()
	manager, err := failover.New(failover.WithManualClock(clock))
	if err != nil {
		t.Fatal(err)
	}
	events, err := manager.Events(background)
	if err != nil {
		t.Fatal(err)
	}
	register(t, manager, "a")
	var isForgotten atomic.Bool
	runtime.AddCleanup(manager, func(is *atomic.Bool) { is.Store(true) }, &isForgotten)
	// From here on the loop is all that knows the manager.

	for range events {
		for range 5 {
			runtime.GC()
			time.Sleep(time.Millisecond) // for what a collection begins
		}
		want(t, "forgotten in the loop", false, isForgotten.Load())
		break
	}
}

func TestA_loop_over_events_that_is_left_gives_its_descriptor_back(t *testing.T) {
	manager := managerOf(t)
	before := openFiles(t)

	for range 20 {
		events, err := manager.Events(background, types.EventDiscoveryUpdate)
		if err != nil {
			t.Fatal(err)
		}
		register(t, manager, "a")
		for range events {
			break
		}
		for range events {
			t.Error("a loop that was left began again")
		}
		if err := manager.DeregisterEndpoint(background, "a"); err != nil {
			t.Fatal(err)
		}
	}

	want(t, "their own descriptors are closed", true, openFiles(t) < before+20+5)
}

func TestLog_records_reach_slog(t *testing.T) {
	var written bytes.Buffer
	logger := failover.SlogLogger(slog.New(slog.NewTextHandler(&written, nil)))
	manager, err := failover.New(failover.WithLogger(logger),
		failover.WithConfig(&failover.ManagerConfig{DefaultProvider: "elsewhere", FallbackEnabled: true}))
	if err != nil {
		t.Fatal(err)
	}
	register(t, manager, "a")
	if err := manager.Close(); err != nil {
		t.Fatal(err)
	}

	if text := written.String(); !strings.Contains(text, "level=WARN") || !strings.Contains(text, "elsewhere") {
		t.Errorf("got %q", text)
	}
	if failover.SlogLogger(nil) != nil {
		t.Error("no logger became one")
	}
}

func TestA_manual_clock_serves_one_manager(t *testing.T) {
	clock := failover.NewManualClock()
	if err := clock.Advance(time.Second); err == nil {
		t.Error("it has no manager yet")
	}
	managerOf(t, failover.WithManualClock(clock))
	if _, err := failover.New(failover.WithManualClock(clock)); err == nil {
		t.Error("a second manager took it")
	}
}

func TestThe_library_and_the_module_are_of_one_release(t *testing.T) {
	if !strings.Contains(failover.Version(), ".") {
		t.Errorf("version %q", failover.Version())
	}
}
