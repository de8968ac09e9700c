//! Options of a call: attempts, waits, deadlines and the retry budget.

use std::time::Duration;

/// How waits between attempts grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backoff {
    /// Full jitter under a ceiling that doubles from `retry_delay` to `max_retry_delay`.
    #[default]
    Exponential,
    /// Exactly `retry_delay`.
    Fixed,
}

/// What a call made inside another call's callback may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Nested {
    /// One attempt: the outer call retries already.
    #[default]
    NoRetry,
    /// As many as any other call.
    Retry,
}

/// How many extra attempts the pool may add to its traffic.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct BudgetConfig {
    /// Off means that only `max_retries` and the deadline limit retries.
    pub is_enabled: bool,
    /// Retries that a full budget holds.
    pub capacity: u32,
    /// Retries that each good attempt earns.
    pub per_success: f64,
    /// Retries that each second earns.
    pub per_second: f64,
}

impl Default for BudgetConfig {
    fn default() -> Self {
        Self { is_enabled: true, capacity: 100, per_success: 0.2, per_second: 10.0 }
    }
}

/// How one call is made.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Execute {
    /// Attempts after the first.
    pub max_retries: u32,
    /// First ceiling of the wait before a retry.
    pub retry_delay: Duration,
    /// Highest ceiling of the wait before a retry.
    pub max_retry_delay: Duration,
    /// How the waits grow.
    pub backoff: Backoff,
    /// Longest time of the whole call.
    pub timeout: Duration,
    /// Longest time of one attempt; absent: the time left divided by the attempts left.
    pub attempt_timeout: Option<Duration>,
    /// Whether a request may be sent twice, unless the request says so itself.
    pub is_idempotent: bool,
    /// What a nested call may do.
    pub nested: Nested,
    /// The retry budget.
    pub budget: BudgetConfig,
}

impl Default for Execute {
    fn default() -> Self {
        Self {
            max_retries: 3,
            retry_delay: Duration::from_millis(100),
            max_retry_delay: Duration::from_secs(5),
            backoff: Backoff::Exponential,
            timeout: Duration::from_secs(30),
            attempt_timeout: None,
            is_idempotent: true,
            nested: Nested::NoRetry,
            budget: BudgetConfig::default(),
        }
    }
}
