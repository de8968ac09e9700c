package failover

import (
	"context"
	"runtime"
	"runtime/debug"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// A function without a context can't be told that its time is over. With a Timeout it runs on a goroutine
// of its own, which is left behind then.

// doDetached is Do with such a function.
func doDetached(ctx context.Context, pool *Pool, fn func(*types.ServiceEndpoint) (any, error), options []Option) (any, error) {
	var c call
	c.begin(ctx, pool, options)
	defer c.release()
	var value any
	for c.next() {
		value = c.attemptDetached(fn)
	}
	return conclude(&c, value)
}

// ending is how a function on its own goroutine ended.
type ending struct {
	value    any
	err      error
	panicked *PanicError
	left     bool
}

// attemptDetached runs the function on a goroutine of its own, and waits for it, for the attempt's deadline
// and for the caller's context, whatever comes first.
func (c *call) attemptDetached(fn func(*types.ServiceEndpoint) (any, error)) any {
	ended := make(chan ending, 1)
	go runDetached(fn, c.endpoint.Clone(), ended, c.pool.core)
	select {
	case came := <-ended:
		return c.takeEnding(came)
	case <-c.attempt.Done():
	}
	// Either a result is there by now, which is worth more, or the place for it is taken, which tells the
	// goroutine that nobody waits any more.
	select {
	case came := <-ended:
		return c.takeEnding(came)
	case ended <- ending{}:
	}
	c.attempt.finish()
	if c.ctx.Err() == nil {
		c.step(inputTick, 0)
	} else {
		c.step(inputCancel, 0)
	}
	return nil
}

func (c *call) takeEnding(came ending) any {
	switch {
	case came.panicked != nil:
		panic(came.panicked)
	case came.left:
		runtime.Goexit()
	}
	c.finish(came.err)
	return came.value
}

// runDetached is the goroutine. What comes after the caller has gone is dropped, a panic with a line in the log.
func runDetached(fn func(*types.ServiceEndpoint) (any, error), endpoint *types.ServiceEndpoint, ended chan ending, core *core) {
	came := ending{left: true}
	defer func() {
		if value := recover(); value != nil {
			came = ending{panicked: &PanicError{Value: value, Stack: debug.Stack()}}
		}
		select {
		case ended <- came:
		default:
			if came.panicked != nil {
				core.logger.Errorf("a callback that was left behind at its deadline: %v", came.panicked)
			}
		}
	}()
	value, err := fn(endpoint)
	came = ending{value: value, err: err}
}

// PanicError carries a panic of a callback that ran on a goroutine of its own, since it had a Timeout:
// the caller's goroutine panics with it.
type PanicError struct {
	// Value is what the callback panicked with.
	Value any
	// Stack is the callback's, as runtime/debug.Stack prints it.
	Stack []byte
}

// Error returns the value and the stack.
func (p *PanicError) Error() string {
	return "panic in the callback: " + text(p.Value) + "\n\n" + string(p.Stack)
}

// Unwrap returns the value if it is an error.
func (p *PanicError) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}
