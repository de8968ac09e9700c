//! The events, their names and numbers.
//!
//! Names are the seed's where it has one. Within one step of a call the order is circuit events,
//! timeout, retry, failover.

use std::borrow::Cow;
use std::sync::Arc;

use crate::endpoint::Endpoint;

/// Why something happened, in words; borrowed wherever it is emitted on a hot path.
pub type Reason = Cow<'static, str>;

/// Declares the kinds once: name, number, name in documents, meaning.
macro_rules! event_kinds {
    ($( $(#[doc = $doc:literal])+ $name:ident = $number:literal, $text:literal; )+) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(u32)]
        pub enum EventKind { $( $(#[doc = $doc])+ $name = $number, )+ }

        impl EventKind {
            /// Every kind, in the order of its number.
            pub const ALL: &[Self] = &[ $( Self::$name, )+ ];

            /// The name in documents.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( Self::$name => $text, )+ }
            }

            /// What it means, for the generated reference.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $( Self::$name => concat!($($doc, "\n"),+), )+ }
            }
        }
    };
}

event_kinds! {
    /// An active check ended with another result than the one before.
    HealthCheck = 0, "health_check";
    /// An attempt goes to another endpoint than the previous one of its call.
    Failover = 1, "failover";
    /// An endpoint that was out takes traffic again.
    Recovery = 2, "recovery";
    /// Active checks found an endpoint healthy.
    EndpointUp = 3, "endpoint_up";
    /// Active checks found an endpoint unhealthy.
    EndpointDown = 4, "endpoint_down";
    /// A breaker opened.
    CircuitOpen = 5, "circuit_open";
    /// A breaker lets probes through.
    CircuitHalfOpen = 6, "circuit_half_open";
    /// A breaker closed.
    CircuitClose = 7, "circuit_close";
    /// A call tries again, and its budget was charged.
    Retry = 8, "retry";
    /// An attempt or a call ran into its deadline.
    Timeout = 9, "timeout";
    /// A pick; sampled, off by default. The reason is the ladder's level, or what came before it.
    LoadBalance = 10, "load_balance";
    /// An endpoint was ejected by comparison with the others.
    Ejected = 11, "ejected";
    /// An ejection was due and refused, with its reason.
    WouldEject = 12, "would_eject";
    /// Picks use endpoints that look unfit, since no other is left.
    PanicEnter = 13, "panic_enter";
    /// Picks find fit endpoints again.
    PanicLeave = 14, "panic_leave";
    /// An endpoint was put into draining or maintenance, or back.
    Drain = 15, "drain";
    /// A provider's set changed.
    DiscoveryUpdate = 16, "discovery_update";
    /// A provider could not be read; the last good set serves.
    DiscoveryStale = 17, "discovery_stale";
    /// A configuration took effect.
    ConfigApplied = 18, "config_applied";
    /// A retry was due and the budget was empty.
    BudgetExhausted = 19, "budget_exhausted";
}

/// One event.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// Its number in the manager, from 1, without gaps.
    pub sequence: u64,
    /// Wall time in nanoseconds since 1970.
    pub time: u64,
    /// What happened.
    pub kind: EventKind,
    /// The pool it happened in, `provider/service`; empty where none is concerned.
    pub pool: Arc<str>,
    /// The endpoint it happened to.
    pub endpoint: Option<Arc<Endpoint>>,
    /// Why.
    pub reason: Reason,
}

impl Event {
    /// Makes an event; number and time are set when it is emitted.
    #[must_use]
    pub fn new(kind: EventKind, pool: &Arc<str>, reason: impl Into<Reason>) -> Self {
        let reason = reason.into();
        Self { sequence: 0, time: 0, kind, pool: Arc::clone(pool), endpoint: None, reason }
    }

    /// The same event, of an endpoint.
    #[must_use]
    pub fn of(mut self, endpoint: &Arc<Endpoint>) -> Self {
        self.endpoint = Some(Arc::clone(endpoint));
        self
    }

    /// The event as a document.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "sequence": self.sequence,
            "time_ns": self.time,
            "type": self.kind.name(),
            "pool": &*self.pool,
            "endpoint": self.endpoint.as_ref().map(|endpoint| &*endpoint.id),
            "reason": &*self.reason,
        })
    }
}
