package failover

import (
	"context"
	"testing"
	"time"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// What picks and calls may allocate. bench.sh has the times.

func TestA_pick_allocates_nothing(t *testing.T) {
	pool, ctx := hundred(t), context.Background()

	allocations := testing.AllocsPerRun(1000, func() {
		if _, err := pool.Select(ctx); err != nil {
			t.Fatal(err)
		}
	})

	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func TestA_call_allocates_its_attempts_context_and_no_more(t *testing.T) {
	pool := hundred(t)
	timed, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	for name, ctx := range map[string]context.Context{
		"without a deadline": context.Background(), "with one": timed, "cancellable": cancellable(t),
	} {
		allocations := testing.AllocsPerRun(1000, func() {
			if _, err := Do(ctx, pool, noop); err != nil {
				t.Fatal(err)
			}
		})

		if allocations > 1 {
			t.Errorf("%s: %v allocations", name, allocations)
		}
	}
}

func cancellable(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	return ctx
}

func TestA_lookup_of_the_attempts_context_makes_no_timer(t *testing.T) {
	pool := hundred(t)

	allocations := testing.AllocsPerRun(1000, func() {
		_, err := Do(context.Background(), pool, func(ctx context.Context, _ *types.ServiceEndpoint) (int, error) {
			_, _ = ctx.Deadline()
			return 0, ctx.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
	})

	if allocations > 1 {
		t.Errorf("%v allocations", allocations)
	}
}

func noop(context.Context, *types.ServiceEndpoint) (int, error) {
	return 1, nil
}
