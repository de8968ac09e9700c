package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	failover "github.com/libfailover/libfailover/bindings/go"
	"github.com/libfailover/libfailover/bindings/go/types"
)

// watch follows the events and prints those that are news.
type watch struct {
	events *failover.Subscription
	began  time.Time
	lock   sync.Mutex
	counts map[types.EventType]int
	// first is when an event of a kind first came to a server since that was last awaited.
	first   map[string]time.Time
	awaited map[string]time.Time
	told    map[string]int
	done    chan struct{}
}

func startWatch(manager *failover.FailoverManager) (*watch, error) {
	// More events than come in a second of the worst phase; what doesn't fit would be counted.
	events, err := manager.Subscribe(4096, types.EventFailover, types.EventRecovery, types.EventEndpointUp,
		types.EventEndpointDown, types.EventCircuitOpen, types.EventCircuitHalfOpen, types.EventCircuitClose,
		types.EventRetry, types.EventTimeout, types.EventPanicEnter, types.EventPanicLeave, types.EventBudgetExhausted)
	if err != nil {
		return nil, err
	}
	w := &watch{
		events: events, began: time.Now(), counts: map[types.EventType]int{}, first: map[string]time.Time{},
		awaited: map[string]time.Time{}, told: map[string]int{}, done: make(chan struct{}),
	}
	go func() {
		defer close(w.done)
		for event := range events.Events(context.Background()) {
			w.take(event)
		}
	}()
	return w, nil
}

func keyOf(id string, kind types.EventType) string {
	return id + " " + string(kind)
}

func (w *watch) take(event types.FailoverEvent) {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.counts[event.Type]++
	key := keyOf(event.Endpoint, event.Type)
	if _, isKnown := w.first[key]; !isKnown && !event.Timestamp.Before(w.awaited[event.Endpoint]) {
		w.first[key] = event.Timestamp
	}
	if w.told[key]++; w.told[key] == 1 {
		fmt.Printf("  %7.3f s  %-2s %-17s %s\n", event.Timestamp.Sub(w.began).Seconds(), event.Endpoint, event.Type, event.Reason)
	}
}

// phase begins a phase: its events are news again.
func (w *watch) phase(title string) {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.told = map[string]int{}
	fmt.Println(title)
}

// await forgets what happened to a server, so that the next event counts.
func (w *watch) await(id string) {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.awaited[id] = time.Now()
	for kind := range w.counts {
		delete(w.first, keyOf(id, kind))
	}
}

// firstOf is when the first event of these kinds came to a server.
func (w *watch) firstOf(id string, kinds ...types.EventType) (at time.Time, has bool) {
	w.lock.Lock()
	defer w.lock.Unlock()
	for _, kind := range kinds {
		if came, isKnown := w.first[keyOf(id, kind)]; isKnown && (!has || came.Before(at)) {
			at, has = came, true
		}
	}
	return at, has
}

func (w *watch) count(kind types.EventType) int {
	w.lock.Lock()
	defer w.lock.Unlock()
	return w.counts[kind]
}
