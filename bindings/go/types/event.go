package types

import "time"

// FailoverEvent is something that happened.
type FailoverEvent struct {
	// Sequence is its number in the manager, from 1, without gaps.
	Sequence uint64 `json:"sequence"`
	// Type is its kind.
	Type EventType `json:"type"`
	// Timestamp is the wall time.
	Timestamp time.Time `json:"timestamp"`
	// Provider is whose pool it concerns; empty where none is concerned.
	Provider string `json:"provider"`
	// Service is the pool's; empty where none is concerned.
	Service string `json:"service"`
	// Endpoint is an ID; empty where none is concerned.
	Endpoint string `json:"endpoint"`
	// Reason says why, in words.
	Reason string `json:"reason"`
}

// EventType is a kind of events. One that the program doesn't know is to be passed over.
type EventType string

// The kinds, in the order of their numbers in C.
const (
	// EventHealthCheck: an active check ended with another result than the one before.
	EventHealthCheck EventType = "health_check"
	// EventFailover: an attempt goes to another endpoint than the previous one of its call.
	EventFailover EventType = "failover"
	// EventRecovery: an endpoint that was out takes traffic again.
	EventRecovery EventType = "recovery"
	// EventEndpointUp: active checks found an endpoint healthy.
	EventEndpointUp EventType = "endpoint_up"
	// EventEndpointDown: active checks found an endpoint unhealthy.
	EventEndpointDown EventType = "endpoint_down"
	// EventCircuitOpen: a breaker opened.
	EventCircuitOpen EventType = "circuit_open"
	// EventCircuitHalfOpen: a breaker lets probes through.
	EventCircuitHalfOpen EventType = "circuit_half_open"
	// EventCircuitClose: a breaker closed.
	EventCircuitClose EventType = "circuit_close"
	// EventRetry: a call tries again, and its budget was charged.
	EventRetry EventType = "retry"
	// EventTimeout: an attempt or a call ran into its deadline.
	EventTimeout EventType = "timeout"
	// EventLoadBalance: a pick; sampled, off by default.
	EventLoadBalance EventType = "load_balance"
	// EventEjected: an endpoint was ejected by comparison with the others.
	EventEjected EventType = "ejected"
	// EventWouldEject: an ejection was due and refused, with its reason.
	EventWouldEject EventType = "would_eject"
	// EventPanicEnter: picks use endpoints that look unfit, since no other is left.
	EventPanicEnter EventType = "panic_enter"
	// EventPanicLeave: picks find fit endpoints again.
	EventPanicLeave EventType = "panic_leave"
	// EventDrain: an endpoint was put into draining or maintenance, or back.
	EventDrain EventType = "drain"
	// EventDiscoveryUpdate: a provider's set changed.
	EventDiscoveryUpdate EventType = "discovery_update"
	// EventDiscoveryStale: a provider could not be read; the last good set serves.
	EventDiscoveryStale EventType = "discovery_stale"
	// EventConfigApplied: a configuration took effect.
	EventConfigApplied EventType = "config_applied"
	// EventBudgetExhausted: a retry was due and the budget was empty.
	EventBudgetExhausted EventType = "budget_exhausted"
)

// EventTypes are all kinds, each at the place of its number in C.
func EventTypes() []EventType {
	return []EventType{
		EventHealthCheck,
		EventFailover,
		EventRecovery,
		EventEndpointUp,
		EventEndpointDown,
		EventCircuitOpen,
		EventCircuitHalfOpen,
		EventCircuitClose,
		EventRetry,
		EventTimeout,
		EventLoadBalance,
		EventEjected,
		EventWouldEject,
		EventPanicEnter,
		EventPanicLeave,
		EventDrain,
		EventDiscoveryUpdate,
		EventDiscoveryStale,
		EventConfigApplied,
		EventBudgetExhausted,
	}
}
