package failover

import (
	"context"
	"iter"
	"runtime"
	"time"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// Subscription is a queue of events of its own. Close it.
type Subscription struct {
	// manager lives as long as somebody waits for what it tells.
	manager *FailoverManager
	queue   nativeEvents
	ready   *readiness
	pending []types.FailoverEvent
	isOver  bool
}

// Subscribe takes events from now on, those of the given kinds or all. At most capacity of them wait
// unread; then the oldest goes, and is counted by Dropped.
func (m *FailoverManager) Subscribe(capacity int, kinds ...types.EventType) (*Subscription, error) {
	if m.fault != nil {
		return nil, m.fault
	}
	mask, err := maskOf(kinds)
	if err != nil {
		return nil, err
	}
	queue, err := m.native.subscribe(mask, capacity)
	runtime.KeepAlive(m)
	if err != nil {
		return nil, err
	}
	ready, err := watch(queue.fd())
	if err != nil {
		queue.free()
		return nil, err
	}
	subscription := &Subscription{manager: m, queue: queue, ready: ready}
	m.core.remember(ready)
	runtime.AddCleanup(subscription, subscriptionEnd.end, subscriptionEnd{m.core, ready, queue})
	return subscription, nil
}

// subscriptionEnd is what is left to be given back of a subscription that nobody knows any more.
type subscriptionEnd struct {
	core  *core
	ready *readiness
	queue nativeEvents
}

func (e subscriptionEnd) end() {
	e.core.forgetQueue(e.ready)
	e.queue.free()
}

func maskOf(kinds []types.EventType) (uint64, error) {
	var mask uint64
	for _, kind := range kinds {
		at := -1
		for number, known := range types.EventTypes() {
			if known == kind {
				at = number
			}
		}
		if at < 0 {
			return 0, invalidArgument("kind of events: unknown " + string(kind))
		}
		mask |= 1 << at
	}
	return mask, nil
}

// remember has a queue's waiting end when the manager is closed.
func (c *core) remember(ready *readiness) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.isClosed.Load() {
		ready.close()
	}
	c.endings[ready] = struct{}{}
}

func (c *core) forgetQueue(ready *readiness) {
	ready.close()
	c.lock.Lock()
	defer c.lock.Unlock()
	delete(c.endings, ready)
}

// Next waits for the next event. false: the context has ended, or the manager or the subscription is
// closed and nothing is left. One goroutine at a time.
func (s *Subscription) Next(ctx context.Context) (types.FailoverEvent, bool) {
	if len(s.pending) == 0 && !s.isOver {
		s.fetch(orBackground(ctx))
	}
	if len(s.pending) == 0 {
		return types.FailoverEvent{}, false
	}
	event := s.pending[0]
	s.pending = s.pending[1:]
	return event, true
}

func (s *Subscription) fetch(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	told := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		s.ready.interrupt(time.Unix(1, 0))
		close(told)
	})
	err := s.ready.wait(s.take)
	if !stop() {
		// The next wait is for another context, and must not hear of this one's end.
		<-told
		s.ready.interrupt(time.Time{})
	}
	if err != nil && len(s.pending) == 0 {
		s.take() // what came before the end
		s.isOver = s.manager.isClosed.Load() && len(s.pending) == 0
	}
}

func (s *Subscription) take() bool {
	events, err := s.queue.poll()
	s.pending = append(s.pending, events...)
	runtime.KeepAlive(s)
	return len(s.pending) > 0 || err != nil
}

// Events ranges over the events until the context, the manager or the subscription ends.
func (s *Subscription) Events(ctx context.Context) iter.Seq[types.FailoverEvent] {
	return func(yield func(types.FailoverEvent) bool) {
		for {
			event, ok := s.Next(ctx)
			if !ok || !yield(event) {
				return
			}
		}
	}
}

// Dropped is how many events were lost because nobody read them.
func (s *Subscription) Dropped() uint64 {
	defer runtime.KeepAlive(s)
	return s.queue.dropped()
}

// Close ends the subscription and whoever waits for it. A second one does nothing.
func (s *Subscription) Close() error {
	s.manager.forgetQueue(s.ready)
	return nil
}
