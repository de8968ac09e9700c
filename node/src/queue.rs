//! Events and log records as they happen: a bounded queue each, read by the loop.

use std::sync::Arc;
use std::time::Duration;

use failover::events::{Event, LogRecord, Subscription};
use napi_derive::napi;
use serde_json::{Value, json};

use crate::wake::Wake;

/// A queue of events, or of log records.
#[napi]
#[expect(missing_debug_implementations, reason = "only the host holds one")]
pub struct NativeQueue {
    source: Source,
}

enum Source {
    Events(Subscription<Event>),
    Logs(Subscription<LogRecord>),
}

impl NativeQueue {
    pub(crate) fn of_events(subscription: Subscription<Event>, wake: &Arc<Wake>) -> Self {
        let wake = Arc::clone(wake);
        subscription.set_wake(Some(Arc::new(move || wake.ring())));
        Self { source: Source::Events(subscription) }
    }

    pub(crate) fn of_logs(subscription: Subscription<LogRecord>, wake: &Arc<Wake>) -> Self {
        let wake = Arc::clone(wake);
        subscription.set_wake(Some(Arc::new(move || wake.ring())));
        Self { source: Source::Logs(subscription) }
    }
}

#[napi]
impl NativeQueue {
    /// Up to `most` records that wait, the oldest first.
    #[napi(catch_unwind)]
    pub fn poll(&self, most: u32) -> String {
        let most = most as usize;
        let records: Value = match &self.source {
            Source::Events(events) => {
                events.poll(most, Duration::ZERO).iter().map(Event::to_json).collect()
            }
            Source::Logs(logs) => logs.poll(most, Duration::ZERO).iter().map(shown).collect(),
        };
        records.to_string()
    }

    /// How many records were dropped because nobody read them.
    #[napi(catch_unwind)]
    pub fn dropped(&self) -> f64 {
        let dropped = match &self.source {
            Source::Events(events) => events.dropped(),
            Source::Logs(logs) => logs.dropped(),
        };
        dropped as f64
    }

    /// Ends the wake-ups.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        match &self.source {
            Source::Events(events) => events.set_wake(None),
            Source::Logs(logs) => logs.set_wake(None),
        }
    }
}

fn shown(record: &LogRecord) -> Value {
    json!({
        "sequence": record.sequence,
        "time_ns": record.time,
        "level": record.level.name(),
        "target": record.target,
        "message": &*record.message,
    })
}
