package failover

import (
	"context"
	"runtime"
	"runtime/debug"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// Do makes a call: it runs the function on one endpoint after the other, as the pool's policy says, until
// one succeeds, and returns its value.
//
// The function runs on this goroutine. Its context ends at the attempt's deadline and when ctx does; what
// an error of it means is told by Classify, or by Tag, Permanent, Unsent, RetryAfter around it. A panic
// passes through unchanged. A Do with that context inside the function doesn't retry by itself.
//
// The error is a *types.FailoverError, with the function's last one behind errors.Is and errors.As.
func Do[T any](ctx context.Context, pool *Pool, fn func(ctx context.Context, endpoint *types.ServiceEndpoint) (T, error), options ...Option) (T, error) {
	var value, none T
	if pool == nil || fn == nil {
		return none, invalidArgument("pool and function: must not be nil")
	}
	var c call
	c.begin(ctx, pool, options)
	for c.next() {
		var err error
		value, err = attempt(&c, fn)
		c.finish(err)
	}
	if err := c.end(); err != nil {
		if c.request != nil && c.request.hasFallback {
			if fallback, ok := c.request.fallback.(T); ok {
				c.noteFallback(fallback)
				return fallback, nil
			}
		}
		return none, err
	}
	if c.request != nil && c.request.result != nil {
		c.request.result.Result = value
	}
	return value, nil
}

// noteFallback says in the result that the caller's own value was used.
func (c *call) noteFallback(value any) {
	if result := c.request.result; result != nil {
		result.Result = value
		result.Metadata["fallback"] = "value"
	}
}

// attempt runs the function once. If it doesn't return, the call is given back.
func attempt[T any](c *call, fn func(context.Context, *types.ServiceEndpoint) (T, error)) (value T, err error) {
	isDone := false
	defer func() {
		if !isDone {
			c.abandon()
		}
	}()
	value, err = fn(c.attempt, c.endpoint)
	isDone = true
	return value, err
}

// Execute is Do with a value of any type, and with the result beside it: it isn't nil, also if the call
// failed.
func (p *Pool) Execute(ctx context.Context, fn func(ctx context.Context, endpoint *types.ServiceEndpoint) (any, error), options ...Option) (*types.FailoverResult, error) {
	result := &types.FailoverResult{}
	_, err := Do(ctx, p, fn, append(options[:len(options):len(options)], WithResult(result))...)
	if err != nil && result.Error == "" {
		result.Error = err.Error()
	}
	return result, err
}

// executePlain runs a function that knows no context. With isBounded it runs on a goroutine of its own,
// which is left behind when the attempt's time is over.
func (p *Pool) executePlain(ctx context.Context, fn func(*types.ServiceEndpoint) (any, error), isBounded bool, options []Option) (*types.FailoverResult, error) {
	if fn == nil {
		err := invalidArgument("function: must not be nil")
		return &types.FailoverResult{Error: err.Error()}, err
	}
	if !isBounded {
		return p.Execute(ctx, func(_ context.Context, endpoint *types.ServiceEndpoint) (any, error) {
			return fn(endpoint.Clone())
		}, options...)
	}
	result := &types.FailoverResult{}
	var c call
	c.begin(ctx, p, append(options[:len(options):len(options)], WithResult(result)))
	var value any
	for c.next() {
		value = c.attemptApart(fn)
	}
	err := c.end()
	if err == nil {
		result.Result = value
	} else if result.Error == "" {
		result.Error = err.Error()
	}
	return result, err
}

// ending is how a function on its own goroutine ended.
type ending struct {
	value    any
	err      error
	panicked *PanicError
	left     bool
}

// attemptApart runs the function on a goroutine of its own, and waits for it, for the attempt's deadline
// and for the caller's context, whatever comes first.
func (c *call) attemptApart(fn func(*types.ServiceEndpoint) (any, error)) any {
	ended := make(chan ending, 1)
	go runApart(fn, c.endpoint.Clone(), ended, c.pool.core)
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
		c.abandon()
		panic(came.panicked)
	case came.left:
		c.abandon()
		runtime.Goexit()
	}
	c.finish(came.err)
	return came.value
}

// runApart is the goroutine. What comes after the caller has gone is dropped, a panic with a line in the log.
func runApart(fn func(*types.ServiceEndpoint) (any, error), endpoint *types.ServiceEndpoint, ended chan ending, core *core) {
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
