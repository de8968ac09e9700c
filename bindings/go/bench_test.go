package failover

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// What the hot path costs, with a hundred endpoints, beside the crossings alone. bench.sh prints the table.

// hundred is a pool of a hundred endpoints.
func hundred(b testing.TB) *Pool {
	b.Helper()
	return poolOfMany(b, 100)
}

func poolOfMany(b testing.TB, count int) *Pool {
	b.Helper()
	manager, err := New()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = manager.CloseWithin(0) })
	for at := range count {
		endpoint := &types.ServiceEndpoint{ID: fmt.Sprintf("e%03d", at), Name: "users", Address: "127.0.0.1", Port: 1000 + at}
		if err := manager.RegisterEndpoint(context.Background(), endpoint); err != nil {
			b.Fatal(err)
		}
	}
	pool, err := manager.Pool("users")
	if err != nil {
		b.Fatal(err)
	}
	// The first pick reads the set of endpoints, which is no part of the next ones' cost.
	if _, err := pool.Select(context.Background()); err != nil {
		b.Fatal(err)
	}
	return pool
}

// BenchmarkFloor is one call into C that gives a number.
func BenchmarkFloor(b *testing.B) {
	pool := poolOfMany(b, 1)
	b.ReportAllocs()
	for b.Loop() {
		pool.core.native.version()
	}
}

// BenchmarkSelect is a pick that nobody reports.
func BenchmarkSelect(b *testing.B) {
	pool, ctx := hundred(b), context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pool.Select(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPair is begin and end of a call with nothing of Go's around.
func BenchmarkPair(b *testing.B) {
	pool := hundred(b)
	b.ReportAllocs()
	for b.Loop() {
		var begun action
		pool.native.begin(0, 0, &begun)
		begun.call.succeed(begun.attempt, &begun)
		if begun.kind != actionDone {
			b.Fatal("a call didn't end")
		}
	}
}

// BenchmarkDo is a whole call of a function that does nothing.
func BenchmarkDo(b *testing.B) {
	pool, ctx := hundred(b), context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Do(ctx, pool, noop); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDoDeadline is the same with a deadline of the caller's, which costs a look at the clock.
func BenchmarkDoDeadline(b *testing.B) {
	pool := hundred(b)
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Do(ctx, pool, noop); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkExecuteWithFailover is the seed's verb, policy and result included.
func BenchmarkExecuteWithFailover(b *testing.B) {
	pool, ctx := hundred(b), context.Background()
	policy := &types.FailoverConfig{Strategy: types.StrategyRoundRobin, MaxRetries: 3}
	run := func(*types.ServiceEndpoint) (interface{}, error) { return nil, nil }
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pool.manager.ExecuteWithFailover(ctx, policy, run); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDoParallel is Do on every processor at once.
func BenchmarkDoParallel(b *testing.B) {
	pool, ctx := hundred(b), context.Background()
	b.ReportAllocs()
	b.RunParallel(func(each *testing.PB) {
		for each.Next() {
			if _, err := Do(ctx, pool, noop); err != nil {
				b.Fatal(err)
			}
		}
	})
}
