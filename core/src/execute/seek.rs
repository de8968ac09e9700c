//! How a call finds the endpoint of its next attempt: in its own pool, then in its fallbacks.

use std::borrow::Borrow;

use super::call::{Call, Limits, Phase};
use super::core::PoolCore;
use super::grant::{Ask, Granted, wish};
use super::plan::Plan;
use super::{Action, Grant};
use crate::balance::{self, Luck};
use crate::clock::{Nanos, wall_nanos};
use crate::endpoint::EndpointId;
use crate::error::{Error, ErrorKind};
use crate::events::EventKind;
use crate::rng::Rng;
use crate::stats::Stripe;

/// What looking for an endpoint came to.
enum Found {
    Granted(Granted),
    Choice,
    Nobody,
}

/// How the call stands after looking for an endpoint.
struct Looked {
    found: Found,
    limits: Limits,
    /// When the attempt must have ended.
    deadline: Nanos,
    /// How far the call has drawn.
    draws: Option<Rng>,
}

impl<P: Borrow<PoolCore>> Call<P> {
    /// Begins an attempt, here or in a fallback pool.
    #[inline]
    pub(super) fn begin(&mut self, now: Nanos) -> Action {
        loop {
            let looked = self.look(now);
            self.limits = looked.limits;
            self.draws = looked.draws;
            match looked.found {
                Found::Granted(granted) => return self.attempt(granted, looked.deadline),
                Found::Choice => {
                    self.tell_retry();
                    self.phase = Phase::Choosing;
                    return Action::Choose;
                }
                Found::Nobody => {
                    if let Some(end) = self.hop_on(now) {
                        return end;
                    }
                }
            }
        }
    }

    #[inline]
    fn look(&self, now: Nanos) -> Looked {
        let pool = self.pool();
        let plan = &*pool.held_plan();
        let limits = match self.phase {
            Phase::New => self.limits_by(plan, now),
            _ => self.limits,
        };
        let mut luck = Luck::new(pool.spot(Stripe::mine()), self.draws.clone());
        let is_plain = !plan.is_custom && self.tried.is_empty();
        let time = (now, self.attempts == 0);
        let deadline = self.attempt_deadline(plan, limits, now);
        if is_plain && let Some(grant) = pool.at_first_sight(plan, &self.request, &mut luck, time) {
            let found = Found::Granted(Granted { grant, is_new_round: false });
            return Looked { found, limits, deadline, draws: luck.into_draws() };
        }
        let (found, draws) = self.search(plan, &self.ask(plan, limits, now), luck);
        Looked { found, limits, deadline, draws }
    }

    #[cold]
    #[inline(never)]
    fn search(&self, plan: &Plan, ask: &Ask<'_>, luck: Luck<'_>) -> (Found, Option<Rng>) {
        if plan.is_custom {
            if let Some(granted) = self.preferred(plan, ask, luck.stripe()) {
                return (Found::Granted(granted), luck.into_draws());
            }
            if !self.choices(plan, ask).0.is_empty() {
                return (Found::Choice, luck.into_draws());
            }
        }
        let (granted, draws) = self.pool().grant_by_search(plan, ask, luck);
        (granted.map_or(Found::Nobody, Found::Granted), draws)
    }

    /// Goes on in the next fallback pool; or the end, if there is none.
    #[cold]
    fn hop_on(&mut self, now: Nanos) -> Option<Action> {
        self.tell_retry();
        let home = self.home.borrow();
        let Some((after, next)) = home.fallback(self.hops) else {
            return Some(self.nobody(now));
        };
        self.hop = Some(next);
        self.hops = after;
        // The limits are those of the call's own pool, wherever it goes.
        self.phase = Phase::Looking;
        None
    }

    #[inline]
    pub(super) fn limits_by(&self, plan: &Plan, now: Nanos) -> Limits {
        let time = self.request.timeout.map_or(plan.timeout, |own| own.min(plan.timeout));
        Limits {
            most_attempts: plan.attempts(self.request.is_nested),
            deadline: now.saturating_add(time),
        }
    }

    /// When the next attempt must have ended, if it begins now.
    #[inline]
    pub(super) fn attempt_deadline(&self, plan: &Plan, limits: Limits, now: Nanos) -> Nanos {
        if self.hop.is_some() {
            return self.attempt_deadline_elsewhere(limits, now);
        }
        self.attempt_deadline_by(plan, limits, now)
    }

    /// A fallback pool's policy is that of other calls.
    #[cold]
    #[inline(never)]
    fn attempt_deadline_elsewhere(&self, limits: Limits, now: Nanos) -> Nanos {
        self.attempt_deadline_by(&self.home().plan(), limits, now)
    }

    #[inline]
    fn attempt_deadline_by(&self, plan: &Plan, limits: Limits, now: Nanos) -> Nanos {
        let left = limits.deadline.saturating_sub(now);
        let time = match plan.attempt_timeout {
            Some(most) => most.min(left),
            None if self.is_idempotent(plan) => {
                let attempts = limits.most_attempts.saturating_sub(self.attempts).max(1);
                left / u64::from(attempts)
            }
            None => left,
        };
        now.saturating_add(time)
    }

    #[inline]
    pub(super) fn attempt(&mut self, granted: Granted, deadline: Nanos) -> Action {
        let Granted { grant, is_new_round } = granted;
        self.attempts += 1;
        self.is_panic |= grant.is_panic;
        if is_new_round {
            let last = self.tried.last();
            self.tried.clear();
            last.into_iter().for_each(|id| self.tried.push(id));
        }
        if self.last != EndpointId::NONE {
            self.tell_of_another(&grant);
        }
        self.last = grant.endpoint;
        self.phase = Phase::Running { grant, deadline };
        Action::Attempt { grant, number: self.attempts, deadline }
    }

    #[cold]
    fn tell_of_another(&mut self, grant: &Grant) {
        self.tell_retry();
        if self.last != grant.endpoint {
            self.tell_failover(grant);
        }
    }

    fn tell_failover(&self, grant: &Grant) {
        let pool = self.pool();
        self.home().counters().failover(wall_nanos());
        let plan = pool.plan();
        let member = plan.snapshot.find(grant.endpoint, grant.position);
        pool.tell(EventKind::Failover, member, "the previous attempt failed");
    }

    #[cold]
    fn nobody(&mut self, now: Nanos) -> Action {
        // The call's own pool explains best, also where its fallbacks had nobody either: most of
        // them know nothing of the service.
        let home = self.home.borrow();
        let plan = home.plan();
        let ask = self.ask(&plan, self.limits, now);
        let error = home.refusal(balance::refusal(&plan.field(), &wish(&plan, &ask)), &ask);
        let error = if self.attempts > 0 { self.nobody_else(&error) } else { error };
        let kind = error.kind();
        self.error = Some(error);
        self.fail(kind)
    }

    /// The error of a call that has attempts left and nobody to make them on.
    fn nobody_else(&self, refusal: &Error) -> Error {
        let (made, most) = (self.attempts, self.limits.most_attempts);
        let text = format!("{refusal}; nobody is left after {made} of {most} attempts");
        Error::new(ErrorKind::AttemptsExhausted, text).with_details(refusal.details())
    }
}
