package failover

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// attemptContext is what an attempt of a call gets: the caller's context, with the attempt's own deadline.
// It is all that a call allocates, so it costs nothing that isn't asked for: its timer is made when Done
// is called.
type attemptContext struct {
	parent context.Context
	core   *core
	// deadline by the manager's clock.
	deadline uint64
	// isOver is set when the attempt has ended, isArmed before somebody waits for it: each looks at the
	// other's word after setting its own.
	isOver, isArmed atomic.Bool

	// lock guards what follows, which only Done makes.
	lock sync.Mutex
	done chan struct{}
	err  error
	stop []func()
	// followers are to be told of the end, each on a goroutine of its own.
	followers map[*follower]struct{}
}

type follower struct{ run func() }

type nestedKey struct{}

// isNested tells whether a context is that of an attempt, whose call retries already.
func isNested(ctx context.Context) bool {
	return ctx.Value(nestedKey{}) != nil
}

// Value finds what the caller's context holds.
func (c *attemptContext) Value(key any) any {
	if key == (nestedKey{}) {
		return c
	}
	return c.parent.Value(key)
}

// Deadline is the attempt's, as a time of the wall; the caller's on a manual clock, whose times are none.
func (c *attemptContext) Deadline() (time.Time, bool) {
	if c.core.manual != nil || c.deadline == 0 {
		return c.parent.Deadline()
	}
	return time.Now().Add(c.core.left(c.deadline)), true
}

// Done is closed when the attempt's time is over, when the caller gave up, and when the attempt ended.
func (c *attemptContext) Done() <-chan struct{} {
	c.lock.Lock()
	if c.done != nil {
		defer c.lock.Unlock()
		return c.done
	}
	c.done = make(chan struct{})
	c.isArmed.Store(true)
	done := c.done
	if c.err != nil {
		close(c.done)
	} else if c.isOver.Load() {
		c.err = context.Canceled
		close(c.done)
	}
	isDone := c.err != nil
	c.lock.Unlock()
	if !isDone {
		c.arm()
	}
	return done
}

// arm makes the timer, and listens to the caller's context.
func (c *attemptContext) arm() {
	var stops []func()
	if c.deadline != 0 {
		stops = append(stops, c.core.after(c.deadline, func() { c.end(context.DeadlineExceeded) }))
	}
	if c.parent.Done() != nil {
		stop := context.AfterFunc(c.parent, func() { c.end(c.parent.Err()) })
		stops = append(stops, func() { stop() })
	}
	c.lock.Lock()
	isDone := c.err != nil
	if !isDone {
		c.stop = stops
	}
	c.lock.Unlock()
	if isDone {
		for _, stop := range stops {
			stop()
		}
	}
}

// end closes Done, once.
func (c *attemptContext) end(why error) {
	c.lock.Lock()
	var stops []func()
	var followers map[*follower]struct{}
	if c.err == nil {
		c.err = why
		stops, c.stop = c.stop, nil
		followers, c.followers = c.followers, nil
		if c.done != nil {
			close(c.done)
		}
	}
	c.lock.Unlock()
	for _, stop := range stops {
		stop()
	}
	for one := range followers {
		go one.run()
	}
}

// AfterFunc calls a function on a goroutine of its own when the context ends. The context package looks for
// it: without it, each context made from this one would hold a goroutine.
func (c *attemptContext) AfterFunc(run func()) (stop func() bool) {
	c.Done()
	one := &follower{run}
	c.lock.Lock()
	isOver := c.err != nil
	if !isOver {
		if c.followers == nil {
			c.followers = map[*follower]struct{}{}
		}
		c.followers[one] = struct{}{}
	}
	c.lock.Unlock()
	if isOver {
		go run()
	}
	return func() bool {
		c.lock.Lock()
		defer c.lock.Unlock()
		_, isWaiting := c.followers[one]
		delete(c.followers, one)
		return isWaiting
	}
}

// finish says that the attempt is over.
func (c *attemptContext) finish() {
	c.isOver.Store(true)
	if c.isArmed.Load() {
		c.end(context.Canceled)
	}
}

// Err tells why the attempt should stop, if it should.
func (c *attemptContext) Err() error {
	c.lock.Lock()
	err := c.err
	c.lock.Unlock()
	if err != nil {
		return err
	}
	switch {
	case c.isOver.Load():
		err = context.Canceled
	case c.parent.Err() != nil:
		err = c.parent.Err()
	case c.deadline != 0 && c.core.left(c.deadline) == 0:
		err = context.DeadlineExceeded
	default:
		return nil
	}
	c.end(err)
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.err
}

// String names the context in the texts of contexts made from it.
func (c *attemptContext) String() string {
	return "failover.attempt"
}
