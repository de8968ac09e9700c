//! What a pool counts: calls by result on stripes, rarer things in one place.

use std::sync::atomic::{AtomicU64, Ordering};

use super::stripe::Count;
use super::{Histogram, Stripe, Stripes};

/// Things that happen seldom enough for one shared counter each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tally {
    /// Calls that ended without success.
    FailedCalls,
    /// Charged re-attempts.
    Retries,
    /// Attempts on another endpoint than the previous one.
    Failovers,
    /// Attempts that ran into their deadline.
    Timeouts,
    /// Breakers that closed again, and endpoints that became healthy again.
    Recoveries,
    /// Retries that the budget refused.
    BudgetRefusals,
    /// Picks that found no usable endpoint and used one by the ladder.
    Panics,
    /// Calls that were served by a fallback provider.
    Fallbacks,
    /// Active checks made.
    HealthChecks,
    /// Reports that named no open lease.
    StaleReports,
    /// Attempts of a scope for which the endpoint had no room.
    ScopesBeyond,
}

/// The counters of one pool.
#[derive(Debug)]
pub struct Counters {
    hot: Stripes<Hot>,
    tallies: [AtomicU64; Self::TALLIES],
    last_failover: AtomicU64,
    last_recovery: AtomicU64,
}

#[derive(Debug)]
struct Hot {
    /// Attempts of calls that needed more than one, or failed.
    more_attempts: Count,
    /// Counts the good calls too: one locked instruction instead of two.
    latency: Histogram,
}

impl Default for Hot {
    fn default() -> Self {
        Self { more_attempts: Count::default(), latency: Histogram::fine() }
    }
}

/// Counters merged at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// Calls that ended well.
    pub good_calls: u64,
    /// Attempts made by calls.
    pub attempts: u64,
    /// Half of the good calls took at most so many nanoseconds.
    pub p50: u64,
    /// Nine of ten good calls took at most so many nanoseconds.
    pub p90: u64,
    /// Ninety-nine of a hundred good calls took at most so many nanoseconds.
    pub p99: u64,
}

impl Counters {
    const TALLIES: usize = Tally::ScopesBeyond as usize + 1;

    /// Makes counters with `stripes` stripes, all 0.
    #[must_use]
    pub fn new(stripes: usize) -> Self {
        Self {
            hot: Stripes::new(stripes),
            tallies: [const { AtomicU64::new(0) }; Self::TALLIES],
            last_failover: AtomicU64::new(0),
            last_recovery: AtomicU64::new(0),
        }
    }

    /// Counts a call that ended well after `attempts` attempts and `nanos`.
    #[inline]
    pub fn good_call(&self, stripe: Stripe, attempts: u64, nanos: u64) {
        let hot = self.hot.of(stripe);
        if attempts > 1 {
            hot.more_attempts.add(attempts - 1, hot.is_alone);
        }
        if hot.is_alone {
            hot.latency.record_alone(nanos);
        } else {
            hot.latency.record(nanos);
        }
    }

    /// Counts a call that failed after `attempts` attempts.
    pub fn failed_call(&self, attempts: u64) {
        let hot = self.hot.of(Stripe::mine());
        hot.more_attempts.add(attempts, hot.is_alone);
        self.add(Tally::FailedCalls);
    }

    /// Counts one of the rarer things.
    pub fn add(&self, tally: Tally) {
        self.tallies[tally as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How often it happened.
    #[must_use]
    pub fn tally(&self, tally: Tally) -> u64 {
        self.tallies[tally as usize].load(Ordering::Relaxed)
    }

    /// Counts a failover and keeps its wall time.
    pub fn failover(&self, wall: u64) {
        self.add(Tally::Failovers);
        self.last_failover.fetch_max(wall, Ordering::Relaxed);
    }

    /// Counts a recovery and keeps its wall time.
    pub fn recovery(&self, wall: u64) {
        self.add(Tally::Recoveries);
        self.last_recovery.fetch_max(wall, Ordering::Relaxed);
    }

    /// Wall times of the last failover and the last recovery, 0 for never.
    #[must_use]
    pub fn last_times(&self) -> (u64, u64) {
        (self.last_failover.load(Ordering::Relaxed), self.last_recovery.load(Ordering::Relaxed))
    }

    /// Merges the stripes.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        let mut merged = Vec::new();
        let mut shape = None;
        for hot in self.hot.iter() {
            let good = hot.latency.total();
            totals.good_calls += good;
            totals.attempts += good + hot.more_attempts.load();
            hot.latency.merge_into(&mut merged);
            shape = Some(&hot.latency);
        }
        if let Some(histogram) = shape {
            totals.p50 = histogram.percentile(&merged, 0.5);
            totals.p90 = histogram.percentile(&merged, 0.9);
            totals.p99 = histogram.percentile(&merged, 0.99);
        }
        totals
    }
}
