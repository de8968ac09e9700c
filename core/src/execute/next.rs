//! What follows an attempt that did not succeed: another one, a wait, or the end.

use std::borrow::Borrow;

use super::call::Phase;
use super::call::{Call, Limits};
use super::core::PoolCore;
use super::grant::{Ask, wish};
use super::plan::Plan;
use super::{Action, backoff};
use crate::balance::{self, Probes};
use crate::clock::Nanos;
use crate::error::ErrorKind;
use crate::events::EventKind;
use crate::outlier::Outcome;
use crate::stats::{Stripe, Tally};

impl<P: Borrow<PoolCore>> Call<P> {
    /// Decides what follows an attempt that did not succeed.
    pub(super) fn go_on(&mut self, outcome: Outcome, now: Nanos) -> Action {
        // How a call goes on is up to its own pool, wherever it is served.
        let (own, plan) = (self.home().plan(), self.pool().plan());
        if let Some(kind) = self.end_after(&own, outcome, now) {
            return self.fail(kind);
        }
        self.tried.push(self.last);
        if outcome == Outcome::Unsent && self.has_untried(&plan, now) {
            return self.begin(now);
        }
        let is_charged = outcome.is_charged();
        let charged = self.charged + u32::from(is_charged);
        let wait = self.wait(&own, charged);
        let until = now.saturating_add(wait);
        if until >= self.limits.deadline {
            return self.fail(ErrorKind::DeadlineExceeded);
        }
        if is_charged && !self.pool().budget.withdraw(plan.budget, now) {
            self.home().counters().add(Tally::BudgetRefusals);
            self.tell_of_last(EventKind::BudgetExhausted, "the retry budget is empty");
            return self.fail(ErrorKind::BudgetExhausted);
        }
        self.charged = charged;
        if is_charged {
            self.home().counters().add(Tally::Retries);
            self.untold = Some(outcome);
        }
        if until <= now {
            return self.begin(now);
        }
        self.tell_retry();
        self.phase = Phase::Waiting { until };
        Action::Wait { until }
    }

    /// Tells of a charged retry, if there is one that wasn't told: after what the pick did to breakers,
    /// and before where the call goes.
    pub(super) fn tell_retry(&mut self) {
        if let Some(outcome) = self.untold.take() {
            self.tell_of_last(EventKind::Retry, outcome.name());
        }
    }

    /// Tells what follows from the last attempt, of its endpoint.
    fn tell_of_last(&self, kind: EventKind, reason: &'static str) {
        let plan = self.pool().plan();
        self.pool().tell(kind, plan.snapshot.find(self.last, 0), reason);
    }

    /// Why the call ends after this outcome, if it does.
    fn end_after(&self, plan: &Plan, outcome: Outcome, now: Nanos) -> Option<ErrorKind> {
        if outcome == Outcome::Cancelled {
            return Some(ErrorKind::Cancelled);
        }
        if now >= self.limits.deadline {
            return Some(ErrorKind::DeadlineExceeded);
        }
        if !outcome.is_retryable(self.is_idempotent(plan)) {
            let is_timeout = outcome == Outcome::Timeout;
            return Some(if is_timeout { ErrorKind::Timeout } else { ErrorKind::Rejected });
        }
        if self.attempts >= self.limits.most_attempts {
            return Some(ErrorKind::AttemptsExhausted);
        }
        self.is_closed().then_some(ErrorKind::Closed)
    }

    fn wait(&mut self, plan: &Plan, charged: u32) -> Nanos {
        let mut draws = self.draws.take();
        let spot = self.pool().spot(Stripe::mine());
        let wait =
            backoff::delay(&plan.rules.execute, charged, || spot.stream(&mut draws, 1).draw());
        self.draws = draws;
        wait
    }

    fn has_untried(&self, plan: &Plan, now: Nanos) -> bool {
        balance::has_untried(&plan.field(), &wish(plan, &self.ask(plan, self.limits, now)))
    }

    /// What the next attempt asks of a pick.
    pub(super) fn ask(&self, plan: &Plan, limits: Limits, now: Nanos) -> Ask<'_> {
        let deadline =
            now.saturating_add(LONGEST_PROBE).min(self.attempt_deadline(plan, limits, now));
        Ask {
            request: &self.request,
            tried: &self.tried,
            now,
            deadline,
            probes: self.probes(plan, limits),
            is_first: self.attempts == 0,
        }
    }

    /// A call that survives a failed probe takes any; and so do those of a pool where no call ever has
    /// an attempt left, or an endpoint that failed once would be forgotten.
    fn probes(&self, plan: &Plan, limits: Limits) -> Probes {
        let own;
        let own = match self.hop {
            None => plan,
            Some(_) => {
                own = self.home().plan();
                &own
            }
        };
        let has_more = self.attempts + 1 < limits.most_attempts && self.is_idempotent(own);
        let is_due = has_more || own.rules.execute.max_retries == 0;
        if is_due { Probes::Due } else { Probes::Overdue }
    }

    #[inline]
    pub(super) fn is_idempotent(&self, plan: &Plan) -> bool {
        self.request.is_idempotent.unwrap_or(plan.rules.execute.is_idempotent)
    }
}

/// A probe's permit comes back after ten seconds, whatever became of its holder.
pub(crate) const LONGEST_PROBE: Nanos = 10_000_000_000;
