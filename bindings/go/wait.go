package failover

import (
	"context"
	"runtime"
	"time"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// Verbs that wait in the library hold a thread while they do, and know no context: they wait on a goroutine of
// their own, which is left behind when the context ends.

// patiently asks again in short turns, so that no thread is held long after the context is over.
func (m *FailoverManager) patiently(ctx context.Context, ask func(time.Duration) error) error {
	ctx = orBackground(ctx)
	_, err := apart(ctx, func() (struct{}, error) {
		for {
			err := ask(turn)
			runtime.KeepAlive(m)
			if code(err) != types.CodeTimeout || ctx.Err() != nil {
				return struct{}{}, err
			}
		}
	})
	return err
}

const turn = 100 * time.Millisecond

// apart runs what may block in the library, and leaves it behind if the context ends first.
func apart[T any](ctx context.Context, run func() (T, error)) (T, error) {
	if ctx == nil || ctx.Done() == nil {
		return run()
	}
	type came struct {
		value T
		err   error
	}
	done := make(chan came, 1)
	go func() {
		value, err := run()
		done <- came{value, err}
	}()
	select {
	case result := <-done:
		return result.value, result.err
	case <-ctx.Done():
		var none T
		return none, ended(ctx)
	}
}
