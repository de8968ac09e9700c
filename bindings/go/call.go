package failover

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// call drives the library's call machine: it does what it is told, and decides nothing.
type call struct {
	pool    *Pool
	ctx     context.Context
	request *request
	action  action
	// isOpen says that the native call is still to be freed.
	isOpen   bool
	endpoint *types.ServiceEndpoint
	attempt  *attemptContext
	// last is the last error of the callback.
	last error
	// failure ends a call from outside of the machine.
	failure error
	began   uint64
}

// begin makes the call and hears what it wants first. After it, next.
func (c *call) begin(ctx context.Context, pool *Pool, options []Option) {
	if ctx == nil {
		ctx = context.Background()
	}
	c.pool, c.ctx = pool, ctx
	if ctx.Err() != nil {
		c.failure = ended(ctx)
		return
	}
	var flags uint32
	if isNested(ctx) {
		flags = requestNested
	}
	var timeout uint64
	if deadline, ok := ctx.Deadline(); ok && pool.core.manual == nil {
		timeout = uint64(max(time.Until(deadline), 1))
	}
	c.request = requestOf(ctx, pool.core.defaults, options)
	if c.request == nil {
		pool.native.begin(flags, timeout, &c.action)
		if c.action.code != 0 {
			c.failure = pool.native.refusal(int(c.action.code))
		}
	} else {
		c.beginWith(flags, timeout)
	}
	c.isOpen = c.action.call != nativeCall{}
}

func (c *call) beginWith(flags uint32, timeout uint64) {
	if c.request.result != nil {
		c.began = c.pool.core.native.now()
	}
	if err := c.request.settle(c.pool); err != nil {
		c.failure = err
		return
	}
	c.request.flags |= flags
	if timeout != 0 && (c.request.timeout == 0 || timeout < c.request.timeout) {
		c.request.timeout = timeout
	}
	c.failure = c.pool.native.beginWith(&c.request.wish, &c.action)
}

// next does what the call says until it wants an attempt, and returns false when it has ended.
func (c *call) next() bool {
	for c.failure == nil {
		switch c.action.kind {
		case actionAttempt:
			c.prepare()
			return true
		case actionWait, actionPending:
			if c.pool.core.sleep(c.ctx, c.action.timer) != nil {
				c.step(inputCancel, 0)
			} else {
				c.step(inputTick, 0)
			}
		case actionAbandon:
			c.step(inputNext, 0)
		case actionChoose:
			c.choose()
		default:
			return false
		}
	}
	return false
}

// prepare makes what an attempt gets.
func (c *call) prepare() {
	c.endpoint = c.pool.endpoint(c.action.endpoint, c.action.version, c.action.position)
	c.attempt = &attemptContext{parent: c.ctx, core: c.pool.core, deadline: c.action.timer}
}

func (c *call) step(kind uint32, endpoint uint64) {
	c.feed(input{kind: kind, attempt: c.action.attempt, endpoint: endpoint})
}

// feed tells the machine what happened, and takes its answer.
func (c *call) feed(happened input) {
	c.action.call.step(happened, &c.action)
	c.heed()
}

// heed looks at what the machine wrote.
func (c *call) heed() {
	c.isOpen = c.action.call != nativeCall{}
	if c.action.code != 0 {
		c.failure = bare(int(c.action.code))
	}
}

// finish tells the machine what came of the attempt.
func (c *call) finish(err error) {
	c.attempt.finish()
	if err == nil {
		c.action.call.succeed(c.action.attempt, &c.action)
		c.heed()
		return
	}
	c.last = err
	outcome, rest := c.classify(err)
	if outcome == types.OutcomeCancelled || c.ctx.Err() == context.Canceled {
		c.step(inputCancel, 0)
		return
	}
	c.feed(input{kind: inputResult, attempt: c.action.attempt, outcome: outcome, hint: rest})
}

func (c *call) classify(err error) (types.Outcome, time.Duration) {
	var tagged *Tagged
	if c.request != nil && c.request.classify != nil && !errors.As(err, &tagged) {
		if outcome, isKnown := c.request.classify(err); isKnown {
			return outcome, 0
		}
	}
	return Classify(err)
}

// choose asks the program's strategy.
func (c *call) choose() {
	numbers, err := c.action.call.candidates()
	if err != nil {
		c.failure = err
		return
	}
	if c.request == nil || c.request.choose == nil {
		c.failure = bare(types.CodeInvalidState)
		c.failure.(*types.FailoverError).Message = "strategy custom: the call has no chooser, see WithChooser"
		return
	}
	candidates := make([]*types.ServiceEndpoint, len(numbers))
	for at, number := range numbers {
		candidates[at] = c.pool.endpoint(number, 0, 0)
	}
	chosen := c.request.choose(c.ctx, candidates)
	var number uint64
	for at, candidate := range candidates {
		if candidate == chosen {
			number = numbers[at]
		}
	}
	if chosen == nil || number == 0 {
		c.failure = invalidArgument("strategy custom: chose an endpoint that isn't among the candidates")
		return
	}
	c.step(inputChosen, number)
}

// end frees the call and returns why it failed, if it did.
func (c *call) end() error {
	var failure error
	switch {
	case c.failure != nil:
		failure = c.failure
	case c.action.kind == actionFail:
		failure = c.explain()
	}
	if c.request != nil && c.request.result != nil {
		c.fill(c.request.result, failure)
	}
	if c.isOpen {
		c.action.call.free()
		c.isOpen = false
	}
	runtime.KeepAlive(c.pool)
	return failure
}

// explain is the error of a call that the machine ended.
func (c *call) explain() error {
	failure := c.action.call.error()
	failure.Cause = c.last
	if failure.Code == types.CodeCancelled && c.ctx.Err() != nil {
		ended := ended(c.ctx)
		ended.Details, ended.Attempts = failure.Details, failure.Attempts
		if ended.Message = failure.Message; c.last != nil && !errors.Is(c.last, ended.Cause) {
			ended.Cause = errors.Join(ended.Cause, c.last)
		}
		return ended
	}
	return failure
}

// fill writes the result down; the value is the caller's to add.
func (c *call) fill(result *types.FailoverResult, failure error) {
	*result = types.FailoverResult{
		Endpoint: c.endpoint, Attempts: int(c.action.attempt), Success: failure == nil,
		Metadata: map[string]interface{}{},
		Duration: time.Duration(c.pool.core.native.now() - c.began),
	}
	if c.action.flags&flagFallback != 0 {
		result.Metadata["fallback"] = true
	}
	if c.action.flags&flagPanic != 0 {
		result.Metadata["panic"] = true
	}
	if failure != nil {
		result.Error = failure.Error()
		var ours *types.FailoverError
		if errors.As(failure, &ours) {
			result.History = ours.Attempts
		}
	}
	if c.isOpen && len(result.History) == 0 {
		result.History = readHistory(c.action.call.history())
	}
}

func readHistory(document []byte) []types.Attempt {
	var history []types.Attempt
	if unmarshal(document, &history) != nil {
		return nil
	}
	return history
}

// release frees a call that didn't come to its end, since a function of the program panicked or left its
// goroutine: the attempt counts as the program's own fault.
func (c *call) release() {
	if !c.isOpen {
		return
	}
	c.isOpen = false
	if c.attempt != nil {
		c.attempt.finish()
	}
	c.action.call.step(input{kind: inputResult, attempt: c.action.attempt, outcome: types.OutcomeLocal}, &c.action)
	c.action.call.free()
	runtime.KeepAlive(c.pool)
}
