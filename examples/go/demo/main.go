// The failover you can watch.
//
// Starts three local HTTP servers, calls them two hundred times a second through the library, and
// meanwhile kills one and lets another fail and hang. No call may fail. What the program itself has to do
// for that is in load.go: one function that makes one attempt.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	failover "github.com/libfailover/libfailover/bindings/go"
	"github.com/libfailover/libfailover/bindings/go/types"
)

// Everything is a little faster than one would set it for servers that are far away: an outage that would
// take minutes to live through takes seconds to watch.
var policy = &types.FailoverConfig{
	Strategy: types.StrategyRoundRobin, HealthCheck: true, MaxRetries: 3, RetryDelay: 20 * time.Millisecond,
	Timeout: 5 * time.Second, AttemptTimeout: 300 * time.Millisecond,
	CircuitBreaker: &types.CircuitBreakerConfig{RecoveryTimeout: time.Second, HalfOpenMaxCalls: 1},
	Options: map[string]interface{}{
		"circuit_breaker": map[string]interface{}{"max_recovery_timeout": "2s", "jitter": 0},
		"health":          map[string]interface{}{"interval": "200ms", "timeout": "300ms", "fall": 2, "rise": 2},
		"stats":           map[string]interface{}{"endpoint_latency": true},
	},
}

// demo is everything that plays a part.
type demo struct {
	manager  *failover.FailoverManager
	backends map[string]*backend
	load     *load
	watch    *watch
	// since is when something was done to a server, after how long it took until something came of it.
	since map[string]time.Time
	after map[string]time.Duration
}

func main() {
	program := os.Getenv("FAILOVER_BACKEND")
	if len(os.Args) == 2 {
		program = os.Args[1]
	}
	if program == "" || len(os.Args) > 2 {
		fmt.Fprintln(os.Stderr, "usage: demo PATH-OF-failover-backend   (or FAILOVER_BACKEND in the environment)")
		os.Exit(2)
	}
	isGood, err := run(program)
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(2)
	}
	if !isGood {
		os.Exit(1)
	}
}

func run(program string) (isGood bool, err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	manager, err := failover.New(failover.WithPolicy(policy))
	if err != nil {
		return false, err
	}
	defer manager.CloseWithin(time.Second)
	d := &demo{
		manager: manager, backends: map[string]*backend{},
		since: map[string]time.Time{}, after: map[string]time.Duration{},
	}
	if d.watch, err = startWatch(manager); err != nil {
		return false, err
	}
	for _, id := range []string{"a", "b", "c"} {
		d.backends[id] = &backend{program: program, name: id}
		defer d.backends[id].stop()
		if err := d.begin(id); err != nil {
			return false, err
		}
	}
	pool, err := manager.Pool("shop")
	if err != nil {
		return false, err
	}
	d.load = startLoad(pool)
	err = d.story(ctx)
	d.load.stop()
	d.watch.events.Close()
	<-d.watch.done
	if ctx.Err() != nil {
		return false, errors.New("interrupted")
	}
	return d.summary() && err == nil, err
}

func (d *demo) begin(id string) error {
	if err := d.backends[id].start(); err != nil {
		return err
	}
	return d.manager.RegisterEndpoint(context.Background(), &types.ServiceEndpoint{
		ID: id, Name: "shop", Address: "127.0.0.1", Port: d.backends[id].port,
		HealthCheck: &types.HealthCheck{Path: "/health"},
	})
}
