package failover_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	failover "github.com/libfailover/libfailover/bindings/go"
	"github.com/libfailover/libfailover/bindings/go/types"
)

// status is a number of /proc/self/status.
func status(t *testing.T, name string) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			number, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return number
		}
	}
	t.Fatalf("/proc/self/status has no %s", name)
	return 0
}

func TestTwenty_thousand_calls_in_flight_take_no_threads(t *testing.T) {
	if os.Getenv("FAILOVER_TEST_ALONE") == "" {
		alone(t, "calls in flight")
		return
	}
	manager := managerOf(t)
	register(t, manager, "a", "b", "c")
	pool := poolOf(t, manager)
	inFlightTogether(t, "Do", func(wait func()) error {
		_, err := failover.Do(background, pool, func(context.Context, *types.ServiceEndpoint) (int, error) { wait(); return 0, nil })
		return err
	})
	inFlightTogether(t, "ExecuteWithFailover", func(wait func()) error {
		_, err := manager.ExecuteWithFailover(background, nil, func(*types.ServiceEndpoint) (interface{}, error) { wait(); return nil, nil })
		return err
	})
}

// alone runs a test in a process of its own, since Go keeps the threads that other tests needed. What it logs
// has to hold the given words.
func alone(t *testing.T, words string) {
	t.Helper()
	again := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1", "-test.v")
	again.Env = append(os.Environ(), "FAILOVER_TEST_ALONE=1")
	printed, err := again.CombinedOutput()
	t.Logf("%s", printed)
	if err != nil || !strings.Contains(string(printed), words) {
		t.Fatalf("it failed, or it didn't run: %v", err)
	}
}

// inFlightTogether makes twenty thousand calls, and counts the threads when all of them are within their functions.
func inFlightTogether(t *testing.T, what string, call func(wait func()) error) {
	t.Helper()
	const calls = 20000
	before := status(t, "Threads")
	release := make(chan struct{})
	var inside, all sync.WaitGroup
	inside.Add(calls)
	all.Add(calls)
	failures := make(chan error, calls)
	for range calls {
		go func() {
			defer all.Done()
			err := call(func() {
				inside.Done()
				<-release
			})
			if err != nil {
				failures <- err
			}
		}()
	}
	inside.Wait()

	threads := status(t, "Threads")

	close(release)
	all.Wait()
	if threads > 20 {
		t.Errorf("%s: %d threads, %d before", what, threads, before)
	}
	if len(failures) > 0 {
		t.Error(<-failures)
	}
	t.Logf("%s: %d calls in flight, %d threads (%d before)", what, calls, threads, before)
}

func TestA_collection_in_every_callback_does_no_harm(t *testing.T) {
	manager := onManualTime(t)
	register(t, manager, "a", "b")
	policy := &types.FailoverConfig{MaxRetries: 2}

	for at := range 200 {
		_, err := manager.ExecuteContext(background, policy, func(_ context.Context, endpoint *types.ServiceEndpoint) (interface{}, error) {
			runtime.GC()
			if at%3 == 0 && endpoint.ID == "a" {
				return nil, errBroken
			}
			return endpoint.Address, nil
		}, failover.WithKey("key"+strconv.Itoa(at)))
		if err != nil {
			t.Fatal(err)
		}
	}
}

// program is everything that a program can give to the library, with a collection in each call of it.
type program struct{ office }

func (p *program) List(ctx context.Context) ([]*types.ServiceEndpoint, error) {
	runtime.GC()
	return p.office.List(ctx)
}

func (p *program) Register(ctx context.Context, endpoint *types.ServiceEndpoint) error {
	runtime.GC()
	return p.office.Register(ctx, endpoint)
}

func TestA_collection_in_every_other_function_of_the_program_does_no_harm(t *testing.T) {
	logger := reacting{runtime.GC}
	last := func(_ context.Context, candidates []*types.ServiceEndpoint) *types.ServiceEndpoint {
		runtime.GC()
		return candidates[len(candidates)-1]
	}
	manager := managerOf(t, failover.WithLogger(logger), failover.WithConfig(&failover.ManagerConfig{DefaultProvider: "office", FallbackEnabled: true}),
		failover.WithHealthCheck(func(context.Context, *types.ServiceEndpoint) error { runtime.GC(); return nil }),
		failover.WithPolicy(&types.FailoverConfig{Strategy: types.StrategyCustom, MaxRetries: 1, RetryDelay: time.Microsecond}),
		failover.WithDefaults(failover.WithChooser(last)))
	provider := &program{office{shelf: shelf{name: "office"}, publish: make(chan []*types.ServiceEndpoint)}}
	if err := manager.RegisterProvider(provider); err != nil {
		t.Fatal(err)
	}
	events, err := manager.Events(background, types.EventDiscoveryUpdate)
	if err != nil {
		t.Fatal(err)
	}
	for at := range 30 {
		endpoint := endpointOf("e" + strconv.Itoa(at))
		endpoint.HealthCheck = &types.HealthCheck{Type: types.CheckCustom, Interval: time.Hour}
		if err := manager.RegisterEndpoint(background, endpoint); err != nil {
			t.Fatal(err)
		}
		_, err := manager.ExecuteWithFailover(background, &types.FailoverConfig{Strategy: types.StrategyCustom, Timeout: time.Minute},
			func(*types.ServiceEndpoint) (interface{}, error) { runtime.GC(); return nil, nil },
			failover.WithClassifier(func(error) (types.Outcome, bool) { runtime.GC(); return 0, false }))
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := manager.HealthCheckAll(background); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for range events {
		runtime.GC()
		if seen++; seen == 30 {
			break
		}
	}
}

func TestA_storm_of_cancellations_leaves_nothing_in_flight(t *testing.T) {
	manager := managerOf(t)
	register(t, manager, "a", "b")
	pool := poolOf(t, manager)
	var all sync.WaitGroup
	for range 500 {
		ctx, cancel := context.WithCancel(background)
		all.Add(2)
		go func() {
			defer all.Done()
			_, _ = failover.Do(ctx, pool, func(ctx context.Context, _ *types.ServiceEndpoint) (int, error) {
				<-ctx.Done()
				return 0, ctx.Err()
			})
		}()
		go func() {
			defer all.Done()
			cancel()
		}()
	}
	all.Wait()

	if err := manager.CloseWithin(0); err != nil {
		t.Errorf("something is open: %v", err)
	}
}

func TestClosing_under_a_thousand_calls(t *testing.T) {
	manager := managerOf(t)
	register(t, manager, "a", "b")
	pool := poolOf(t, manager)
	var all, inside sync.WaitGroup
	release := make(chan struct{})
	for range 1000 {
		all.Add(1)
		inside.Add(1)
		go func() {
			defer all.Done()
			_, err := failover.Do(background, pool, func(context.Context, *types.ServiceEndpoint) (int, error) {
				inside.Done()
				<-release
				return 0, nil
			})
			if err != nil && !errors.Is(err, failover.ErrClosed) {
				t.Error(err)
			}
		}()
	}
	inside.Wait()

	if err := manager.CloseWithin(0); err == nil {
		t.Error("a thousand open calls weren't mentioned")
	}
	close(release)
	all.Wait()
}

func TestManagers_that_are_forgotten_end(t *testing.T) {
	threads, before := status(t, "Threads"), runtime.NumGoroutine()
	for range 50 {
		manager, err := failover.New(failover.WithLogger(&lines{}),
			failover.WithHealthCheck(func(context.Context, *types.ServiceEndpoint) error { return nil }))
		if err != nil {
			t.Fatal(err)
		}
		register(t, manager, "a")
		if _, err := poolOf(t, manager).Select(background); err != nil {
			t.Fatal(err)
		}
	}

	eventually(t, "their goroutines end", func() bool { runtime.GC(); return runtime.NumGoroutine() <= before+2 })
	t.Logf("threads: %d, then %d", threads, status(t, "Threads"))
}

// 600,000 calls in blocks, with failures at random: from the third block on nothing may grow.
func TestNothing_leaks(t *testing.T) {
	total := 600000
	if isRace {
		total = 60000 // each takes ten times as long then
	}
	manager := onManualTime(t, failover.WithPolicy(&types.FailoverConfig{MaxRetries: 2}))
	register(t, manager, "a", "b", "c")
	pool := poolOf(t, manager)
	random := rand.New(rand.NewPCG(1, 2))
	var heaps, resident [6]int
	for block := range heaps {
		for range total / len(heaps) {
			oneCall(t, manager, pool, random)
		}
		heaps[block], resident[block] = footprint(t)
	}

	t.Logf("live heap %v, resident kB %v", heaps, resident)
	if grown := float64(heaps[5]-heaps[2]) / float64(heaps[2]); grown > 0.01 {
		t.Errorf("the live heap grew by %.1f %%: %v", 100*grown, heaps)
	}
	if grown := resident[5] - resident[2]; grown > 4096 && !isRace {
		t.Errorf("resident memory grew by %d kB: %v", grown, resident)
	}
}

func oneCall(t *testing.T, manager *failover.FailoverManager, pool *failover.Pool, random *rand.Rand) {
	t.Helper()
	fate := func(context.Context, *types.ServiceEndpoint) (int, error) {
		switch random.IntN(10) {
		case 0:
			return 0, errBroken
		case 1:
			return 0, failover.Permanent(errBroken)
		case 2:
			return 0, failover.Unsent(errBroken)
		}
		return 1, nil
	}
	if random.IntN(4) == 0 {
		_, _ = manager.ExecuteWithFailover(background, &types.FailoverConfig{MaxRetries: 1},
			func(endpoint *types.ServiceEndpoint) (interface{}, error) { return fate(background, endpoint) })
		return
	}
	ctx, cancel := context.WithTimeout(background, time.Hour)
	defer cancel()
	_, _ = failover.Do(ctx, pool, fate, failover.WithKey("k"))
}

// footprint is the live heap after a collection, and resident memory in kB.
func footprint(t *testing.T) (heap, resident int) {
	t.Helper()
	runtime.GC()
	debug.FreeOSMemory() // or resident memory would tell of the collector's habits
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return int(memory.HeapAlloc), status(t, "VmRSS")
}
