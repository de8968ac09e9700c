package failover

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// ManualClock is a clock for tests: it stands still until Advance moves it, and whatever waits for a time
// goes on when that has passed. Give it to New with WithManualClock; it serves one manager.
type ManualClock struct {
	// lock guards what follows; it isn't held while anything is woken.
	lock    sync.Mutex
	changed *sync.Cond
	manager *core
	waiting map[*alarm]struct{}
	// alone lets whoever waits move the clock.
	alone bool
}

type alarm struct {
	at   uint64
	ring func()
}

// NewManualClock makes a clock that stands at 0.
func NewManualClock() *ManualClock {
	clock := &ManualClock{waiting: map[*alarm]struct{}{}}
	clock.changed = sync.NewCond(&clock.lock)
	return clock
}

// AutoAdvance makes a call that waits move the clock itself, so that a test needs no second goroutine.
func (c *ManualClock) AutoAdvance() *ManualClock {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.alone = true
	return c
}

// Advance moves the clock forward.
func (c *ManualClock) Advance(by time.Duration) error {
	c.lock.Lock()
	manager := c.manager
	c.lock.Unlock()
	if manager == nil {
		return invalidArgument("clock: no manager was made with it yet")
	}
	if err := manager.native.advance(by); err != nil {
		return err
	}
	for _, due := range c.due(manager.native.now()) {
		due.ring()
	}
	return nil
}

// BlockUntil waits until so many goroutines wait for a time: calls between attempts, and whoever asked an
// attempt's context for Done.
func (c *ManualClock) BlockUntil(count int) {
	c.lock.Lock()
	defer c.lock.Unlock()
	for len(c.waiting) < count {
		c.changed.Wait()
	}
}

func (c *ManualClock) due(now uint64) []*alarm {
	c.lock.Lock()
	defer c.lock.Unlock()
	var due []*alarm
	for waiting := range c.waiting {
		if waiting.at <= now {
			due = append(due, waiting)
			delete(c.waiting, waiting)
		}
	}
	return due
}

func (c *ManualClock) bind(manager *core) error {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.manager != nil {
		return invalidArgument("clock: it serves another manager already")
	}
	c.manager = manager
	return nil
}

// after calls ring when the time comes, on the goroutine that advances, or now if it has come.
func (c *ManualClock) after(at uint64, ring func()) (stop func()) {
	waiting := &alarm{at, ring}
	c.lock.Lock()
	isDue := c.manager.native.now() >= at
	if !isDue {
		c.waiting[waiting] = struct{}{}
		c.changed.Broadcast()
	}
	c.lock.Unlock()
	if isDue {
		ring()
	}
	return func() {
		c.lock.Lock()
		defer c.lock.Unlock()
		delete(c.waiting, waiting)
	}
}

// after calls ring when the manager's clock has come to a time, on another goroutine or on this one.
func (c *core) after(at uint64, ring func()) (stop func()) {
	if c.manual != nil {
		return c.manual.after(at, ring)
	}
	timer := time.AfterFunc(c.left(at), ring)
	return func() { timer.Stop() }
}

// left is how long it is until a time of the manager's clock.
func (c *core) left(at uint64) time.Duration {
	defer runtime.KeepAlive(c) // the context of an attempt may be all that is left of the manager
	if now := c.native.now(); at > now {
		return time.Duration(min(at-now, 1<<62))
	}
	return 0
}

// sleep waits until a time of the manager's clock, and no longer than the context allows.
func (c *core) sleep(ctx context.Context, at uint64) error {
	if c.manual != nil {
		return c.manual.sleep(ctx, at)
	}
	timer := time.NewTimer(c.left(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *ManualClock) sleep(ctx context.Context, at uint64) error {
	c.lock.Lock()
	alone, manager := c.alone, c.manager
	c.lock.Unlock()
	if alone {
		if err := ctx.Err(); err != nil {
			return err
		}
		return c.Advance(manager.left(at))
	}
	rung := make(chan struct{})
	stop := c.after(at, func() { close(rung) })
	defer stop()
	select {
	case <-rung:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
