package failover

import (
	"context"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// Do makes a call: it runs the function on one endpoint after the other, as the pool's policy says, until
// one succeeds, and returns its value.
//
// The function runs on this goroutine. Its context ends at the attempt's deadline, when ctx does, and when
// the function returns: what comes with that context, like the body of an answer, is to be read inside.
// What an error of it means is told by Classify, or by Tag, Permanent, Unsent, RetryAfter around it. A
// panic passes through unchanged. A Do with that context inside the function doesn't retry by itself.
//
// The error is a *types.FailoverError, with the function's last one behind errors.Is and errors.As.
func Do[T any](ctx context.Context, pool *Pool, fn func(ctx context.Context, endpoint *types.ServiceEndpoint) (T, error), options ...Option) (T, error) {
	var value, none T
	if pool == nil || fn == nil {
		return none, invalidArgument("pool and function: must not be nil")
	}
	var c call
	c.begin(ctx, pool, options)
	defer c.release()
	for c.next() {
		var err error
		value, err = fn(c.attempt, c.endpoint)
		c.finish(err)
	}
	return conclude(&c, value)
}

// conclude ends a call and gives what it came to: its value, the caller's own in place of it, or why there
// is none.
func conclude[T any](c *call, value T) (T, error) {
	failure := c.end()
	asked := c.request
	if failure != nil {
		var none T
		if value = none; asked == nil || !asked.hasFallback {
			return none, failure
		}
		fallback, ok := asked.fallback.(T)
		if !ok && asked.fallback != nil {
			return none, failure
		}
		value = fallback
	}
	if asked != nil && asked.result != nil {
		asked.result.Result = value
		if failure != nil {
			asked.result.Metadata["fallback"] = "value"
		}
	}
	return value, nil
}

// Execute is Do with a value of any type, and with the result beside it: it isn't nil, also if the call
// failed.
func (p *Pool) Execute(ctx context.Context, fn func(ctx context.Context, endpoint *types.ServiceEndpoint) (any, error), options ...Option) (*types.FailoverResult, error) {
	return written(options, func(options []Option) error {
		_, err := Do(ctx, p, fn, options...)
		return err
	})
}

// executePlain is Execute for a function that knows no context.
func (p *Pool) executePlain(ctx context.Context, fn func(*types.ServiceEndpoint) (any, error), isBounded bool, options []Option) (*types.FailoverResult, error) {
	if fn == nil {
		return refused(invalidArgument("function: must not be nil"))
	}
	return written(options, func(options []Option) (err error) {
		if isBounded {
			_, err = doDetached(ctx, p, fn, options)
		} else {
			_, err = Do(ctx, p, func(_ context.Context, endpoint *types.ServiceEndpoint) (any, error) {
				return fn(endpoint.Clone())
			}, options...)
		}
		return err
	})
}

// written makes a call with its result written down, where the caller wants it too if he said so.
func written(options []Option, run func([]Option) error) (*types.FailoverResult, error) {
	result, _ := refused(nil)
	var asked *types.FailoverResult
	err := run(append(options[:len(options):len(options)], func(r *request) { asked, r.result = r.result, result }))
	if err != nil && result.Error == "" {
		result.Error = err.Error()
	}
	if asked != nil {
		*asked = *result
	}
	return result, err
}

// refused is the result of a call that didn't begin.
func refused(err error) (*types.FailoverResult, error) {
	result := &types.FailoverResult{Metadata: map[string]interface{}{}}
	if err != nil {
		result.Error = err.Error()
	}
	return result, err
}
