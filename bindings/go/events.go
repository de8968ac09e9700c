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
