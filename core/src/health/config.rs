//! The pool's policy for active checks. An endpoint's own description overrides it.

use std::time::Duration;

/// When and how checks run, for endpoints that don't say otherwise.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Health {
    /// Whether endpoints with a health-check description are checked at all.
    pub is_enabled: bool,
    /// Time between two checks of one endpoint.
    pub interval: Duration,
    /// Longest time that one check may take.
    pub timeout: Duration,
    /// Bad checks in a row that make a healthy endpoint unhealthy.
    pub fall: u32,
    /// Good checks in a row that make an unhealthy endpoint healthy.
    pub rise: u32,
    /// Share of the interval by which each wait is moved at random, 0 to 0.5.
    pub jitter: f64,
    /// Time between two checks while an endpoint is changing its state.
    pub transition_interval: Duration,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            is_enabled: true,
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(2),
            fall: 3,
            rise: 2,
            jitter: 0.1,
            transition_interval: Duration::from_secs(1),
        }
    }
}
