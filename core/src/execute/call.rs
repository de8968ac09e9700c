//! One logical call as a state machine: picks, attempts, waits, ends.
//!
//! It performs nothing itself. The driver feeds what happened ([`Input`]) with the time it happened
//! at, and does what comes back ([`Action`]): run the callback, wait, give up on an attempt, return.
//! So every language, sync or async, shares one logic, and it is tested without waiting. What
//! follows an attempt that failed is in [`next`](super::next), the program's own choice of an
//! endpoint in [`choice`](super::choice).

use std::borrow::Borrow;
use std::sync::Arc;

use smallvec::SmallVec;

use super::core::PoolCore;
use super::grant::{Ask, Granted, excluded, wish};
use super::plan::Plan;
use super::settle::Settled;
use super::{Action, AttemptRecord, Grant, Input, Request};
use crate::balance::{self, Luck, Tried};
use crate::clock::{Nanos, wall_nanos};
use crate::endpoint::{EndpointId, Member};
use crate::error::{Error, ErrorKind, Result};
use crate::events::EventKind;
use crate::outlier::Outcome;
use crate::rng::Rng;
use crate::stats::{Stripe, Tally};

#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    New,
    /// Its own pool had nobody.
    Looking,
    Running {
        grant: Grant,
        deadline: Nanos,
    },
    Waiting {
        until: Nanos,
    },
    Abandoned,
    Choosing,
    Ended(End),
}

/// How a call ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Done,
    Failed(ErrorKind),
}

impl From<End> for Action {
    #[inline]
    fn from(end: End) -> Self {
        match end {
            End::Done => Self::Done,
            End::Failed(kind) => Self::Fail { kind },
        }
    }
}

/// What a call may spend, fixed when it begins.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    pub(super) most_attempts: u32,
    pub(super) deadline: Nanos,
}

/// One logical call.
///
/// Owned by one thread at a time. Dropping it on its way cancels it: an open attempt is returned, and
/// the call counts as failed.
#[derive(Debug)]
pub struct Call<P: Borrow<PoolCore>> {
    home: P,
    /// The fallback pool that serves now, once the own one can't.
    pub(super) hop: Option<Arc<PoolCore>>,
    hops: usize,
    pub(super) request: Request,
    pub(super) phase: Phase,
    pub(super) attempts: u32,
    pub(super) charged: u32,
    pub(super) limits: Limits,
    started: Nanos,
    pub(super) last: EndpointId,
    /// What led to a retry that no event told of yet.
    pub(super) untold: Option<Outcome>,
    pub(super) draws: Option<Rng>,
    pub(super) tried: Tried,
    /// Two of them without allocating.
    history: SmallVec<[AttemptRecord; 2]>,
    error: Option<Error>,
    is_panic: bool,
}

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
    /// Makes a call; nothing happens before [`Input::Start`].
    #[inline]
    pub fn new(pool: P, request: Request) -> Self {
        let tried = if request.excluded.is_empty() { Tried::default() } else { excluded(&request) };
        Self {
            home: pool,
            hop: None,
            hops: 0,
            request,
            phase: Phase::New,
            attempts: 0,
            charged: 0,
            limits: Limits::default(),
            started: 0,
            last: EndpointId::NONE,
            untold: None,
            draws: None,
            tried,
            history: SmallVec::new(),
            error: None,
            is_panic: false,
        }
    }

    /// Takes in what happened at `now`, and says what to do.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidState`] if the input doesn't fit: a second start, a result of an attempt
    /// that isn't running is answered with the present action instead.
    #[inline]
    pub fn step(&mut self, input: Input, now: Nanos) -> Result<Action> {
        match (input, &self.phase) {
            (Input::Start, Phase::New) => Ok(self.start(now)),
            (
                Input::Result { attempt, outcome, latency, hint },
                Phase::Running { grant, deadline },
            ) if attempt == self.attempts => {
                let (grant, deadline) = (*grant, *deadline);
                let latency =
                    if latency == 0 { now.saturating_sub(grant.started) } else { latency };
                let is_late = outcome == Outcome::Failure && now >= deadline;
                let outcome = if is_late { Outcome::Timeout } else { outcome };
                Ok(self.ended(&grant, outcome, Settled { now, latency, hint }))
            }
            _ => self.step_aside(input, now),
        }
    }

    /// Every step but the two that each call makes.
    #[cold]
    #[inline(never)]
    fn step_aside(&mut self, input: Input, now: Nanos) -> Result<Action> {
        match (input, &self.phase) {
            (_, Phase::Ended(end)) if input != Input::Start => Ok((*end).into()),
            (_, Phase::New) | (Input::Start, _) => Err(out_of_order()),
            (Input::Tick, Phase::Running { grant, deadline }) if now >= *deadline => {
                let grant = *grant;
                Ok(self.abandon(&grant, now))
            }
            (
                Input::Tick | Input::Cancel | Input::Chosen(_),
                Phase::Waiting { .. } | Phase::Choosing,
            ) if self.is_closed() => Ok(self.fail(ErrorKind::Closed)),
            (Input::Cancel, _) => Ok(self.cancel(now)),
            (Input::Tick | Input::Chosen(_), Phase::Waiting { .. } | Phase::Choosing)
                if now >= self.limits.deadline =>
            {
                Ok(self.fail(ErrorKind::DeadlineExceeded))
            }
            (Input::Tick, Phase::Waiting { until }) if now >= *until => Ok(self.begin(now)),
            (Input::Next, Phase::Abandoned) => Ok(self.go_on(Outcome::Timeout, now)),
            (Input::Chosen(id), Phase::Choosing) => self.chosen(id, now),
            _ => Ok(self.present()),
        }
    }

    /// The endpoint of a grant that this call handed out, as long as the call lives.
    pub fn with_endpoint<T>(&self, grant: &Grant, read: impl FnOnce(&Member) -> T) -> Option<T> {
        let plan = self.pool().plan();
        plan.snapshot.find(grant.endpoint, grant.position).map(read)
    }

    /// Attempts made so far.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// When the call began.
    #[must_use]
    pub const fn started(&self) -> Nanos {
        self.started
    }

    /// When the call must have ended.
    #[must_use]
    pub const fn deadline(&self) -> Nanos {
        self.limits.deadline
    }

    /// True if a fallback pool serves the call.
    #[must_use]
    pub const fn is_fallback(&self) -> bool {
        self.hop.is_some()
    }

    /// True if an attempt went to an endpoint that looked unfit.
    #[must_use]
    pub const fn is_panic(&self) -> bool {
        self.is_panic
    }

    /// The call's own pool: what calls count is counted here, also while a fallback serves.
    pub fn home(&self) -> &PoolCore {
        self.home.borrow()
    }

    /// The pool that serves now: the call's own, or its fallback.
    #[inline]
    pub fn pool(&self) -> &PoolCore {
        self.hop.as_deref().unwrap_or_else(|| self.home.borrow())
    }

    /// The attempts that ended, in their order.
    #[must_use]
    pub fn history(&self) -> Vec<AttemptRecord> {
        self.history.to_vec()
    }

    /// The error that ended the call, with its history.
    #[must_use]
    pub fn error(&self) -> Option<Error> {
        let Phase::Ended(End::Failed(kind)) = self.phase else { return None };
        Some(self.error.clone().unwrap_or_else(|| self.compose(kind)))
    }

    /// True once the manager is closed: attempts that run may end, and no other one begins.
    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        self.home.borrow().is_closed()
    }

    #[inline]
    fn start(&mut self, now: Nanos) -> Action {
        if self.is_closed() {
            return self.fail(ErrorKind::Closed);
        }
        self.started = now;
        if self.request.timeout.is_some_and(|time| time < SHORTEST) {
            return self.without_time(now);
        }
        self.begin(now)
    }

    /// Ends a call that began too late: an attempt could only be held against its endpoint.
    #[cold]
    fn without_time(&mut self, now: Nanos) -> Action {
        self.limits = self.limits_by(&self.home().plan(), now);
        self.fail(ErrorKind::DeadlineExceeded)
    }

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
    fn limits_by(&self, plan: &Plan, now: Nanos) -> Limits {
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

    #[inline]
    fn ended(&mut self, grant: &Grant, outcome: Outcome, time: Settled) -> Action {
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

    fn abandon(&mut self, grant: &Grant, now: Nanos) -> Action {
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

    fn cancel(&mut self, now: Nanos) -> Action {
        self.give_back(now);
        self.fail(ErrorKind::Cancelled)
    }

    fn give_back(&mut self, now: Nanos) {
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
    fn give_up(&mut self) {
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

    fn present(&self) -> Action {
        match self.phase {
            Phase::Running { deadline, .. } => Action::Pending { until: deadline },
            Phase::Waiting { until } => Action::Wait { until },
            Phase::Abandoned => Action::Abandon { attempt: self.attempts },
            Phase::Choosing => Action::Choose,
            Phase::Ended(end) => end.into(),
            Phase::New | Phase::Looking => Action::Wait { until: 0 },
        }
    }

    fn compose(&self, kind: ErrorKind) -> Error {
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

impl<P: Borrow<PoolCore>> Drop for Call<P> {
    fn drop(&mut self) {
        if !matches!(self.phase, Phase::New | Phase::Ended(_)) {
            self.give_up();
        }
    }
}

/// Less than a microsecond is no time: no answer comes in it, and a share of it may be nothing.
const SHORTEST: Nanos = 1_000;

fn out_of_order() -> Error {
    Error::new(ErrorKind::InvalidState, "call: must be started once, before any other input")
}
