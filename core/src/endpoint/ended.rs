//! What endpoints did, summed up: it outlives them, so that a provider's averages don't begin afresh
//! with every deployment.

use super::EndpointState;
use crate::clock::Nanos;

/// Attempts that ended, and their latencies together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ended {
    /// How many there were.
    pub attempts: u64,
    /// Their latencies together, in nanoseconds.
    pub latency: u64,
}

impl Ended {
    pub(super) fn add(&mut self, state: &EndpointState) {
        let (_, attempts, latency) = state.flow_totals();
        self.attempts += attempts;
        self.latency = self.latency.saturating_add(latency);
    }

    /// The average latency; 0 if nothing ended.
    #[must_use]
    pub const fn average_latency(self) -> Nanos {
        match self.latency.checked_div(self.attempts) {
            Some(average) => average,
            None => 0,
        }
    }
}
