//! A lease: one attempt on one endpoint that the program makes itself, outside of a call.

use std::sync::Arc;
use std::time::Duration;

use super::core::PoolCore;
use super::grant::Grant;
use super::settle::Settled;
use crate::clock::{Nanos, nanos};
use crate::endpoint::Endpoint;
use crate::outlier::Outcome;
use crate::stats::Stripe;

/// One attempt on one endpoint, returned exactly once. Dropping it means *cancelled*.
#[derive(Debug)]
pub struct Lease<'pool> {
    pool: &'pool PoolCore,
    grant: Grant,
    is_open: bool,
}

impl<'pool> Lease<'pool> {
    pub(crate) const fn new(pool: &'pool PoolCore, grant: Grant) -> Self {
        Self { pool, grant, is_open: true }
    }

    /// The endpoint.
    ///
    /// # Panics
    ///
    /// Never: a leased endpoint stays in every snapshot until its last lease ended.
    #[must_use]
    pub fn endpoint(&self) -> Arc<Endpoint> {
        let plan = self.pool.plan();
        let member = plan.snapshot.find(self.grant.endpoint, self.grant.position);
        Arc::clone(&member.expect("a leased endpoint stays in every snapshot").endpoint)
    }

    /// The numbers behind the lease.
    #[must_use]
    pub const fn grant(&self) -> &Grant {
        &self.grant
    }

    /// Returns the lease with what came of the attempt, measured until now.
    pub fn report(self, outcome: Outcome) {
        let now = self.pool.shared().clock.now();
        self.report_at(outcome, now);
    }

    /// Returns the lease with what came of the attempt at `now`.
    pub fn report_at(mut self, outcome: Outcome, now: Nanos) {
        self.settle(outcome, now, 0);
    }

    /// Returns the lease of an attempt that was throttled, with how long the endpoint asked to be left
    /// alone (`Retry-After`): five minutes at most are believed, and with any other outcome it says
    /// nothing.
    pub fn report_hint(mut self, outcome: Outcome, hint: Duration) {
        let now = self.pool.shared().clock.now();
        self.settle(outcome, now, nanos(hint));
    }

    fn settle(&mut self, outcome: Outcome, now: Nanos, hint: Nanos) {
        if std::mem::take(&mut self.is_open) {
            let latency = now.saturating_sub(self.grant.started);
            let time = Settled { now, latency, hint };
            self.pool.settle(Stripe::mine(), &self.grant, outcome, time);
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if self.is_open {
            let now = self.pool.shared().clock.now();
            self.settle(Outcome::Cancelled, now, 0);
        }
    }
}
