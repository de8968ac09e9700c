//! Everything that one pick reads, behind one pointer: the set, its tables, the policy.

use std::sync::Arc;

use super::budget::Terms;
use super::{Execute, Nested};
use crate::balance::{Algorithm, Balance, Field, Place, StickyTable, Strategy, Tables};
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
    /// True if nothing ranks the endpoints of a tier.
    pub(crate) is_plain: bool,
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
            is_plain: rules.balance.strategy != Strategy::Geographic,
            follows_latency: rules.balance.algorithm() == Algorithm::P2cEwma,
            snapshot,
            rules,
            sticky,
        }
    }

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
    pub(crate) fn attempts(&self, is_nested: bool) -> u32 {
        if is_nested && self.rules.execute.nested == Nested::NoRetry {
            return 1;
        }
        self.rules.execute.max_retries.saturating_add(1)
    }
}
