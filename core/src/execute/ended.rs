//! What ends an attempt, and what ends the call: counted, recorded and told.

use std::borrow::Borrow;

use super::call::{Call, End, Phase};
use super::core::PoolCore;
use super::settle::Settled;
use super::{Action, AttemptRecord, Grant};
use crate::clock::Nanos;
use crate::error::{Error, ErrorKind};
use crate::events::EventKind;
use crate::outlier::Outcome;
use crate::stats::{Stripe, Tally};

impl<P: Borrow<PoolCore>> Call<P> {
    #[inline]
    pub(super) fn ended(&mut self, grant: &Grant, outcome: Outcome, time: Settled) -> Action {
        let stripe = Stripe::mine();
        self.pool().settle(stripe, grant, outcome, time);
        if outcome == Outcome::Success {
            let total = time.now.saturating_sub(self.started);
            let counters = self.home.borrow().counters();
            counters.good_call(stripe, u64::from(self.attempts), total);
            if self.hop.is_some() {
                counters.add(Tally::Fallbacks);
            }
            return self.end(End::Done);
        }
        self.ended_badly(grant, outcome, time)
    }

    #[cold]
    #[inline(never)]
    fn ended_badly(&mut self, grant: &Grant, outcome: Outcome, time: Settled) -> Action {
        self.record(grant, outcome, time.latency);
        if outcome == Outcome::Timeout {
            self.tell_timeout(grant);
        }
        self.go_on(outcome, time.now)
    }

    pub(super) fn abandon(&mut self, grant: &Grant, now: Nanos) -> Action {
        let latency = now.saturating_sub(grant.started);
        let time = Settled { now, latency, hint: 0 };
        self.pool().settle(Stripe::mine(), grant, Outcome::Timeout, time);
        self.record(grant, Outcome::Timeout, latency);
        self.tell_timeout(grant);
        self.phase = Phase::Abandoned;
        Action::Abandon { attempt: self.attempts }
    }

    #[cold]
    fn tell_timeout(&self, grant: &Grant) {
        let pool = self.pool();
        self.home().counters().add(Tally::Timeouts);
        let plan = pool.plan();
        let member = plan.snapshot.find(grant.endpoint, grant.position);
        pool.tell(EventKind::Timeout, member, "the attempt's time was over");
    }

    /// Tells that the call's own time was over, unless it was the last attempt's too.
    fn tell_deadline(&self) {
        let last = self.history.last().and_then(|record| record.outcome);
        if last != Some(Outcome::Timeout) {
            self.home().tell(EventKind::Timeout, None, "the call's time was over");
        }
    }

    pub(super) fn cancel(&mut self, now: Nanos) -> Action {
        self.give_back(now);
        self.fail(ErrorKind::Cancelled)
    }

    pub(super) fn give_back(&mut self, now: Nanos) {
        if let Phase::Running { grant, .. } = self.phase {
            let latency = now.saturating_sub(grant.started);
            let time = Settled { now, latency, hint: 0 };
            self.pool().settle(Stripe::mine(), &grant, Outcome::Cancelled, time);
            self.record(&grant, Outcome::Cancelled, latency);
        }
    }

    /// Ends a call that was dropped on its way, as if it had been cancelled.
    #[cold]
    #[inline(never)]
    pub(super) fn give_up(&mut self) {
        let now = self.home().shared().clock.now();
        self.cancel(now);
    }

    fn record(&mut self, grant: &Grant, outcome: Outcome, latency: Nanos) {
        let record = AttemptRecord { endpoint: grant.endpoint, outcome: Some(outcome), latency };
        self.history.push(record);
    }

    #[cold]
    pub(super) fn fail(&mut self, kind: ErrorKind) -> Action {
        if kind == ErrorKind::DeadlineExceeded {
            self.tell_deadline();
        }
        self.home.borrow().counters().failed_call(u64::from(self.attempts));
        self.end(End::Failed(kind))
    }

    #[inline]
    fn end(&mut self, end: End) -> Action {
        self.phase = Phase::Ended(end);
        end.into()
    }

    pub(super) fn compose(&self, kind: ErrorKind) -> Error {
        let history = self.history();
        let last = history.last().and_then(|record| record.outcome).map_or("none", Outcome::name);
        let why = match kind {
            ErrorKind::DeadlineExceeded => "the call's time was over",
            ErrorKind::AttemptsExhausted => "every permitted attempt failed",
            ErrorKind::BudgetExhausted => "the retry budget is empty",
            ErrorKind::Cancelled => "the caller gave up",
            ErrorKind::Timeout => "the attempt's time was over and it may not be repeated",
            ErrorKind::Closed => "the manager is closed",
            _ => "the attempt's result ended the call",
        };
        let name = self.home.borrow().name();
        let text = format!("{name}: {why}; attempts: {}, last: {last}", self.attempts);
        Error::new(kind, text)
    }
}
