//! Everything that one pick reads, behind one pointer: the set, its tables, the policy.

use std::sync::Arc;

use super::budget::Terms;
use super::{Execute, Nested};
use crate::balance::{Algorithm, Balance, Field, Place, StickyTable, Strategy, Tables};
use crate::clock::{Nanos, nanos};
use crate::endpoint::Snapshot;
use crate::outlier::Breaker;

/// The policy of a pool, as far as picks and calls need it.
#[derive(Clone, Debug)]
pub struct Rules {
    /// How a pick is made.
    pub balance: Balance,
    /// What bars an endpoint.
    pub breaker: Breaker,
    /// How a call is made.
    pub execute: Execute,
    /// One `load_balance` event for so many picks; 0 for none.
    pub load_balance_every: u32,
}

/// What one pick reads.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) tables: Tables,
    pub(crate) rules: Arc<Rules>,
    pub(crate) sticky: Option<Arc<StickyTable>>,
    pub(crate) budget: Terms,
    pub(crate) place: Place,
    pub(crate) algorithm: Algorithm,
    /// Longest time of a whole call.
    pub(crate) timeout: Nanos,
    /// Longest time of one attempt, if it is fixed.
    pub(crate) attempt_timeout: Option<Nanos>,
    /// From this latency on an attempt is slow.
    pub(crate) slow_after: Nanos,
    /// True if nothing ranks the endpoints of a tier.
    pub(crate) is_plain: bool,
    /// True if the program chooses.
    pub(crate) is_custom: bool,
    /// True if picks are told as events.
    pub(crate) tells_picks: bool,
    /// True if latencies steer picks, and so have to be followed.
    pub(crate) follows_latency: bool,
}

impl Plan {
    pub(crate) fn new(
        snapshot: Arc<Snapshot>,
        rules: Arc<Rules>,
        sticky: Option<Arc<StickyTable>>,
    ) -> Self {
        Self {
            tables: Tables::new(&snapshot, &rules.balance),
            budget: Terms::new(&rules.execute.budget),
            place: Place::of_policy(&rules.balance.locality),
            algorithm: rules.balance.algorithm(),
            timeout: nanos(rules.execute.timeout),
            attempt_timeout: rules.execute.attempt_timeout.map(nanos),
            slow_after: nanos(rules.breaker.slow_call_duration),
            is_plain: rules.balance.strategy != Strategy::Geographic,
            is_custom: rules.balance.strategy == Strategy::Custom,
            tells_picks: rules.load_balance_every > 0,
            follows_latency: rules.balance.algorithm() == Algorithm::P2cEwma,
            snapshot,
            rules,
            sticky,
        }
    }

    #[inline]
    pub(crate) fn field(&self) -> Field<'_> {
        Field {
            snapshot: &self.snapshot,
            tables: &self.tables,
            balance: &self.rules.balance,
            breaker: &self.rules.breaker,
            sticky: self.sticky.as_deref(),
            algorithm: self.algorithm,
        }
    }

    /// Attempts that a call may make.
    #[inline]
    pub(crate) fn attempts(&self, is_nested: bool) -> u32 {
        if is_nested && self.rules.execute.nested == Nested::NoRetry {
            return 1;
        }
        self.rules.execute.max_retries.saturating_add(1)
    }
}
