//! Options of the breaker.

use std::time::Duration;

use crate::endpoint::Status;

/// When an endpoint's breaker opens, for how long, and what closes it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Breaker {
    /// Off means that outcomes never bar an endpoint.
    pub is_enabled: bool,
    /// Bad outcomes in a row that open it.
    pub failure_threshold: u32,
    /// How long it stays open at first.
    pub recovery_timeout: Duration,
    /// Longest time open; each re-opening doubles up to here.
    pub max_recovery_timeout: Duration,
    /// Share of the open time by which it is moved at random, 0 to 0.5.
    pub jitter: f64,
    /// Probes at once while half-open.
    pub half_open_max_calls: u32,
    /// Good probes that close it.
    pub success_threshold: u32,
    /// Share of bad outcomes in the window that opens it.
    pub failure_rate: f64,
    /// Outcomes in the window below which no rate is judged.
    pub minimum_calls: u32,
    /// Share of slow outcomes in the window that opens it; absent means off.
    pub slow_call_rate: Option<f64>,
    /// From here on an attempt counts as slow.
    pub slow_call_duration: Duration,
}

impl Breaker {
    /// The bits of a status that don't count: a breaker that is off bars nobody, whatever it came to
    /// before. What the program holds open stays so.
    pub(crate) const fn ignored(&self) -> u64 {
        if self.is_enabled { 0 } else { Status::OPEN | Status::HALF_OPEN }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            is_enabled: true,
            failure_threshold: 5,
            recovery_timeout: Duration::from_secs(30),
            max_recovery_timeout: Duration::from_secs(300),
            jitter: 0.1,
            half_open_max_calls: 3,
            success_threshold: 2,
            failure_rate: 0.5,
            minimum_calls: 20,
            slow_call_rate: None,
            slow_call_duration: Duration::from_secs(60),
        }
    }
}
