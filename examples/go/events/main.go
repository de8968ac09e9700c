// What happens to an endpoint, told as it happens: its breaker opens, and lets a probe in later.
//
// The clock is a manual one, so that thirty seconds pass at once.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	failover "github.com/libfailover/libfailover/bindings/go"
	"github.com/libfailover/libfailover/bindings/go/types"
)

func main() {
	ctx := context.Background()
	clock := failover.NewManualClock()
	manager, err := failover.New(failover.WithManualClock(clock), failover.WithSeed(1),
		failover.WithPolicy(&types.FailoverConfig{
			CircuitBreaker: &types.CircuitBreakerConfig{FailureThreshold: 2, SuccessThreshold: 1},
		}))
	check(err)
	check(manager.RegisterEndpoint(ctx, &types.ServiceEndpoint{ID: "a", Name: "users", Address: "127.0.0.1", Port: 8081}))
	pool, err := manager.Pool("users")
	check(err)
	// No kinds are all kinds; who doesn't read loses the oldest.
	events, err := manager.Events(ctx)
	check(err)

	attempt(ctx, pool, types.OutcomeFailure)
	attempt(ctx, pool, types.OutcomeFailure)
	// A minute is longer than the breaker's thirty seconds with their jitter.
	check(clock.Advance(time.Minute))
	attempt(ctx, pool, types.OutcomeSuccess)
	check(manager.Close()) // ends the events, after the last one

	for event := range events {
		fmt.Printf("%s of %s: %s\n", event.Type, event.Endpoint, event.Reason)
	}
}

func attempt(ctx context.Context, pool *failover.Pool, outcome types.Outcome) {
	lease, err := pool.Pick(ctx)
	check(err)
	check(lease.Report(outcome))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
