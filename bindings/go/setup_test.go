package failover_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	failover "github.com/libfailover/libfailover/bindings/go"
	"github.com/libfailover/libfailover/bindings/go/types"
)

// What the tests need over and over.

var background = context.Background()

var errBroken = errors.New("broken")

// managerOf makes a manager that the test closes.
func managerOf(t testing.TB, options ...failover.ManagerOption) *failover.FailoverManager {
	t.Helper()
	manager, err := failover.New(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = manager.CloseWithin(0) })
	return manager
}

// onManualTime makes one whose time stands still, and whose calls move it where they wait.
func onManualTime(t testing.TB, options ...failover.ManagerOption) *failover.FailoverManager {
	t.Helper()
	clock := failover.NewManualClock().AutoAdvance()
	return managerOf(t, append([]failover.ManagerOption{failover.WithManualClock(clock), failover.WithSeed(1)}, options...)...)
}

func endpointOf(id string) *types.ServiceEndpoint {
	return &types.ServiceEndpoint{ID: id, Name: "users", Address: "127.0.0.1", Port: 8080}
}

func register(t testing.TB, manager *failover.FailoverManager, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := manager.RegisterEndpoint(background, endpointOf(id)); err != nil {
			t.Fatal(err)
		}
	}
}

func poolOf(t testing.TB, manager *failover.FailoverManager) *failover.Pool {
	t.Helper()
	pool, err := manager.Pool("users")
	if err != nil {
		t.Fatal(err)
	}
	return pool
}

func selectOne(t testing.TB, manager *failover.FailoverManager, config *types.FailoverConfig, options ...failover.Option) string {
	t.Helper()
	result, err := manager.SelectEndpoint(background, config, options...)
	if err != nil {
		t.Fatal(err)
	}
	return result.Endpoint.ID
}

func want[T comparable](t testing.TB, what string, wanted, found T) {
	t.Helper()
	if wanted != found {
		t.Errorf("%s: expected %v, got %v", what, wanted, found)
	}
}

// inFlight is how many attempts are on their way to an endpoint of the embedded provider.
func inFlight(t testing.TB, manager *failover.FailoverManager, id string) int64 {
	t.Helper()
	stats, err := manager.GetStats(background)
	if err != nil {
		t.Fatal(err)
	}
	return stats["memory"].Endpoints[id].InFlight
}

// eventually waits until something that happens beside the test is so.
func eventually(t testing.TB, what string, isSo func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !isSo() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 20 s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// lines is a logger that keeps what it is told.
type lines struct {
	lock sync.Mutex
	kept []string
}

func (l *lines) add(level, format string, arguments []interface{}) {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.kept = append(l.kept, level+" "+fmt.Sprintf(format, arguments...))
}

func (l *lines) Debugf(format string, arguments ...interface{}) { l.add("debug", format, arguments) }
func (l *lines) Infof(format string, arguments ...interface{})  { l.add("info", format, arguments) }
func (l *lines) Warnf(format string, arguments ...interface{})  { l.add("warn", format, arguments) }
func (l *lines) Errorf(format string, arguments ...interface{}) { l.add("error", format, arguments) }

func (l *lines) all() []string {
	l.lock.Lock()
	defer l.lock.Unlock()
	return append([]string(nil), l.kept...)
}
