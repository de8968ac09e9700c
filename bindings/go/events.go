package failover

import (
	"context"
	"iter"
	"runtime"
	"strings"
	"time"

	"github.com/libfailover/libfailover/bindings/go/types"
)

// GetEvents returns the last events, at most so many of all, the newest first, by the name of their
// provider; events that concern none are under "". 1,024 are kept; a limit of 0 or less asks for all.
func (m *FailoverManager) GetEvents(ctx context.Context, limit int) (map[string][]*types.FailoverEvent, error) {
	if err := m.ready(ctx); err != nil {
		return nil, err
	}
	if limit <= 0 {
		limit = mostEvents
	}
	document, err := m.native.events(limit)
	runtime.KeepAlive(m)
	if err != nil {
		return nil, err
	}
	var read []struct {
		Sequence uint64          `json:"sequence"`
		Type     types.EventType `json:"type"`
		Time     int64           `json:"time_ns"`
		Pool     string          `json:"pool"`
		Endpoint string          `json:"endpoint"`
		Reason   string          `json:"reason"`
	}
	if err := unmarshal(document, &read); err != nil {
		return nil, err
	}
	events := map[string][]*types.FailoverEvent{}
	for _, one := range read {
		event := &types.FailoverEvent{
			Sequence: one.Sequence, Type: one.Type, Timestamp: time.Unix(0, one.Time),
			Endpoint: one.Endpoint, Reason: one.Reason,
		}
		event.Provider, event.Service, _ = strings.Cut(one.Pool, "/")
		events[event.Provider] = append(events[event.Provider], event)
	}
	return events, nil
}

const mostEvents = 1024

// Subscription is a queue of events of its own. Close it.
type Subscription struct {
	queue   nativeEvents
	ready   *readiness
	core    *core
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
	descriptor, err := queue.fd()
	var ready *readiness
	if err == nil {
		ready, err = watch(descriptor)
	}
	if err != nil {
		queue.free()
		return nil, err
	}
	subscription := &Subscription{queue: queue, ready: ready, core: m.core}
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
	stop := context.AfterFunc(ctx, func() { _ = s.ready.file.SetReadDeadline(time.Unix(1, 0)) })
	err := s.ready.wait(s.take)
	if !stop() {
		// The next wait is for another context.
		_ = s.ready.file.SetReadDeadline(time.Time{})
	}
	if err != nil && len(s.pending) == 0 {
		s.take() // what came before the end
		s.isOver = s.core.isClosed.Load() && len(s.pending) == 0
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
	s.core.forgetQueue(s.ready)
	return nil
}

// Events ranges over the manager's events from now on, those of the given kinds or all, until the context
// or the manager ends. It holds up to 1,024 that aren't read yet.
func (m *FailoverManager) Events(ctx context.Context, kinds ...types.EventType) (iter.Seq[types.FailoverEvent], error) {
	subscription, err := m.Subscribe(mostEvents, kinds...)
	if err != nil {
		return nil, err
	}
	return func(yield func(types.FailoverEvent) bool) {
		defer subscription.Close()
		subscription.Events(ctx)(yield)
	}, nil
}

// startLog hands the library's records to the logger, until the manager is closed.
func (c *core) startLog() error {
	queue, err := c.native.logs(mostEvents)
	if err != nil {
		return err
	}
	descriptor, err := queue.fd()
	var ready *readiness
	if err == nil {
		ready, err = watch(descriptor)
	}
	if err != nil {
		queue.free()
		return err
	}
	c.remember(ready)
	c.listeners.Add(1)
	go func() {
		defer c.listeners.Done()
		defer queue.free()
		for ready.wait(func() bool { return c.drain(queue) }) == nil {
		}
		for c.drain(queue) {
		}
	}()
	return nil
}

func (c *core) drain(queue nativeLogs) bool {
	records, err := queue.poll()
	for _, line := range records {
		forward(c.logger, line)
	}
	return err == nil && len(records) > 0
}
