//! What comes back: an attempt's outcome, taken in once.

use std::sync::atomic::Ordering;

use super::core::PoolCore;
use super::grant::Grant;
use crate::balance;
use crate::clock::Nanos;
use crate::endpoint::{Change, Member};
use crate::events::EventKind;
use crate::outlier::{self, Move, Outcome, Report, Verdict};
use crate::stats::{Stripe, Tally};

/// When an attempt ended and how long it took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settled {
    pub(crate) now: Nanos,
    pub(crate) latency: Nanos,
    pub(crate) hint: Nanos,
}

impl PoolCore {
    /// Returns a grant with what came of the attempt. False if it is nobody's any more.
    #[inline]
    pub fn report(&self, grant: &Grant, outcome: Outcome, now: Nanos, latency: Nanos) -> bool {
        self.settle(Stripe::mine(), grant, outcome, Settled { now, latency, hint: 0 })
    }

    /// As [`report`](Self::report), with how long a throttled endpoint asked to be left alone.
    #[inline]
    pub fn report_hint(
        &self,
        grant: &Grant,
        outcome: Outcome,
        (now, latency): (Nanos, Nanos),
        hint: Nanos,
    ) -> bool {
        self.settle(Stripe::mine(), grant, outcome, Settled { now, latency, hint })
    }

    /// Takes an attempt back with what came of it. False if the grant is nobody's any more.
    #[inline]
    pub(crate) fn settle(
        &self,
        stripe: Stripe,
        grant: &Grant,
        outcome: Outcome,
        time: Settled,
    ) -> bool {
        let plan = self.held_plan();
        let is_ours = grant.epoch == self.shared().epoch.load(Ordering::Relaxed);
        let found = plan.snapshot.find(grant.endpoint, grant.position);
        let Some(member) = found.filter(|_| is_ours) else {
            self.counters().add(Tally::StaleReports);
            return false;
        };
        let latency = time.latency.min(LONGEST_LATENCY);
        let report = Report {
            outcome,
            pass: grant.pass,
            now: time.now,
            latency,
            hint: time.hint,
            seed: self.shared().seed.load(Ordering::Relaxed) ^ member.hash,
            is_slow: outcome == Outcome::Timeout || latency >= plan.slow_after,
        };
        if !grant.scope.is_none() {
            self.observe_in_scope(member, grant, &plan.rules.breaker, (&report, stripe));
        } else if let Some(moved) =
            outlier::observe(&member.state, &plan.rules.breaker, &report, stripe)
        {
            self.tell_of_move(member, moved);
        }
        if plan.follows_latency {
            follow(member, grant, &report);
        }
        if outcome.earns() {
            self.budget.deposit(plan.budget, time.now);
        }
        true
    }

    #[cold]
    pub(super) fn tell_of_move(&self, member: &Member, moved: Move) {
        let now = self.shared().clock.now();
        let change = match moved {
            Move::Opened(why) => why.change(),
            Move::Closed => Change::ProbesSucceeded,
        };
        member.state.note(change, now);
        match moved {
            Move::Opened(why) => self.tell(EventKind::CircuitOpen, Some(member), why.text()),
            Move::Closed => {
                self.counters().recovery(crate::clock::wall_nanos());
                self.tell(EventKind::CircuitClose, Some(member), "its probes succeeded");
                self.tell(EventKind::Recovery, Some(member), "its breaker closed");
            }
        }
    }
}

/// A day: a longer latency is a mistake of who measured it, and is not believed.
pub const LONGEST_LATENCY: Nanos = 86_400_000_000_000;

fn follow(member: &Member, grant: &Grant, report: &Report) {
    match report.outcome.verdict() {
        Verdict::Good => balance::succeeded(&member.state, report.latency, report.now),
        Verdict::Throttled => {
            // One scope's rest is none of the whole endpoint.
            let hint = if grant.scope.is_none() { report.hint } else { 0 };
            balance::failed(&member.state, hint.min(outlier::LONGEST_REST), report.now);
        }
        Verdict::Bad => balance::failed(&member.state, 0, report.now),
        Verdict::Neutral => {}
    }
}
