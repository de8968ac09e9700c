//! One logical call as a state machine: picks, attempts, waits, ends.
//!
//! It performs nothing itself. The driver feeds what happened ([`Input`]) with the time it happened
//! at, and does what comes back ([`Action`]): run the callback, wait, give up on an attempt, return.
//! So every language, sync or async, shares one logic, and it is tested without waiting.

use std::borrow::Borrow;
use std::sync::Arc;

use super::core::{Ask, Grant, PoolCore, Settled};
use super::held::HeldPlan;
use super::plan::Plan;
use super::{Request, backoff};
use crate::balance::{self, Level, Pick, Refusal, Strategy, Tried, Why};
use crate::clock::{Nanos, nanos, wall_nanos};
use crate::endpoint::{EndpointId, Member};
use crate::error::{Error, ErrorKind, Result};
use crate::events::EventKind;
use crate::outlier::Outcome;
use crate::rng::Rng;
use crate::stats::Tally;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input {
    /// The call begins.
    Start,
    /// An attempt ended.
    Result {
        /// The attempt's number, from 1.
        attempt: u32,
        /// What came of it.
        outcome: Outcome,
        /// How long it took; 0: from its start until now.
        latency: Nanos,
        /// How long the endpoint asked to be left alone; 0: it didn't.
        hint: Nanos,
    },
    /// Time passed.
    Tick,
    /// The caller gives up.
    Cancel,
    /// The driver has done the action that said more would follow.
    Next,
    /// The program chose this endpoint among the candidates.
    Chosen(EndpointId),
}

/// What the driver does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Run the callback.
    Attempt {
        /// The endpoint, as handed out.
        grant: Grant,
        /// The attempt's number, from 1.
        number: u32,
        /// When the attempt must have ended.
        deadline: Nanos,
    },
    /// Do nothing until then, and feed a tick.
    Wait {
        /// The end of the wait.
        until: Nanos,
    },
    /// Stop an attempt, whose time is over; then feed [`Input::Next`].
    Abandon {
        /// The attempt's number.
        attempt: u32,
    },
    /// Let the program choose among the candidates, and feed [`Input::Chosen`].
    Choose,
    /// An attempt is running; feed a tick at that time.
    Pending {
        /// The running attempt's deadline.
        until: Nanos,
    },
    /// The call ended well.
    Done,
    /// The call failed.
    Fail {
        /// Why.
        kind: ErrorKind,
    },
}

/// One attempt that ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttemptRecord {
    /// The endpoint it went to.
    pub endpoint: EndpointId,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// How long it took.
    pub latency: Nanos,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    New,
    Running { grant: Grant, deadline: Nanos },
    Waiting { until: Nanos },
    Abandoned,
    Choosing,
    Ended(Action),
}

/// One logical call.
///
/// Owned by one thread at a time. Dropping it returns an open attempt as cancelled.
#[derive(Debug)]
pub struct Call<P: Borrow<PoolCore>> {
    home: P,
    /// The fallback pool that serves now, once the own one can't.
    hop: Option<Arc<PoolCore>>,
    hops: usize,
    request: Request,
    phase: Phase,
    attempts: u32,
    charged: u32,
    most_attempts: u32,
    started: Nanos,
    deadline: Nanos,
    last: EndpointId,
    /// The next pick begins with a wait behind it, so it may use endpoints again.
    draws: Option<Rng>,
    tried: Tried,
    first_records: [AttemptRecord; 2],
    more_records: Vec<AttemptRecord>,
    error: Option<Error>,
    is_panic: bool,
}

impl<P: Borrow<PoolCore>> Call<P> {
    /// Makes a call; nothing happens before [`Input::Start`].
    pub fn new(pool: P, request: Request) -> Self {
        let mut tried = Tried::default();
        request.excluded.iter().for_each(|id| tried.push(*id));
        Self {
            home: pool,
            hop: None,
            hops: 0,
            request,
            phase: Phase::New,
            attempts: 0,
            charged: 0,
            most_attempts: 1,
            started: 0,
            deadline: 0,
            last: EndpointId::NONE,
            draws: None,
            tried,
            first_records: [AttemptRecord::default(); 2],
            more_records: Vec::new(),
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
    pub fn step(&mut self, input: Input, now: Nanos) -> Result<Action> {
        match (input, &self.phase) {
            (_, Phase::Ended(action)) if input != Input::Start => Ok(*action),
            (Input::Start, Phase::New) => Ok(self.start(now)),
            (_, Phase::New) | (Input::Start, _) => Err(out_of_order()),
            (Input::Cancel, _) => Ok(self.cancel(now)),
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
            (Input::Tick, Phase::Running { grant, deadline }) if now >= *deadline => {
                let grant = *grant;
                Ok(self.abandon(&grant, now))
            }
            (Input::Tick, Phase::Waiting { .. }) if now >= self.deadline => {
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

    /// The endpoints among which the program chooses, after [`Action::Choose`].
    #[must_use]
    pub fn candidates(&self, now: Nanos) -> Vec<EndpointId> {
        let plan = self.pool().plan();
        let (found, _) = self.find(&plan, now);
        found.iter().map(|at| plan.snapshot.members()[*at as usize].id).collect()
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
        self.deadline
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

    /// The call's own pool.
    pub fn home(&self) -> &PoolCore {
        self.home.borrow()
    }

    /// The pool that serves now: the call's own, or its fallback.
    pub fn pool(&self) -> &PoolCore {
        self.hop.as_deref().unwrap_or_else(|| self.home.borrow())
    }

    /// The attempts that ended, in their order.
    #[must_use]
    pub fn history(&self) -> Vec<AttemptRecord> {
        let count = self.first_records.iter().take_while(|one| one.outcome.is_some()).count();
        self.first_records[..count].iter().chain(&self.more_records).copied().collect()
    }

    /// The error that ended the call, with its history.
    #[must_use]
    pub fn error(&self) -> Option<Error> {
        let Phase::Ended(Action::Fail { kind }) = self.phase else { return None };
        Some(self.error.clone().unwrap_or_else(|| self.compose(kind)))
    }

    fn start(&mut self, now: Nanos) -> Action {
        let home = self.home.borrow();
        if home.shared().is_closed.load(std::sync::atomic::Ordering::Relaxed) {
            return self.fail(ErrorKind::Closed);
        }
        let plan = home.plan();
        let own = nanos(plan.rules.execute.timeout);
        self.most_attempts = plan.attempts(self.request.is_nested);
        self.started = now;
        self.deadline = now.saturating_add(self.request.timeout.unwrap_or(own).min(own));
        self.begin_by(plan, now)
    }

    fn begin(&mut self, now: Nanos) -> Action {
        let plan = self.pool().plan();
        self.begin_by(plan, now)
    }

    /// Begins an attempt, here or in a fallback pool.
    fn begin_by(&mut self, mut plan: HeldPlan, now: Nanos) -> Action {
        loop {
            if plan.rules.balance.strategy == Strategy::Custom {
                let (found, _) = self.find(&plan, now);
                if !found.is_empty() {
                    self.phase = Phase::Choosing;
                    return Action::Choose;
                }
            }
            let mut draws = self.draws.take();
            let granted = self.pool().grant(&plan, &self.ask(&plan, now), &mut draws);
            self.draws = draws;
            match granted {
                Ok((grant, is_new_round)) => {
                    return self.attempt(&plan, grant, is_new_round, now);
                }
                Err(refusal) => {
                    let home = self.home.borrow();
                    let Some(next) = home.fallback(self.hops) else {
                        return self.nobody(refusal, now);
                    };
                    home.counters().add(Tally::Fallbacks);
                    self.hop = Some(next);
                    self.hops += 1;
                    plan = self.pool().plan();
                }
            }
        }
    }

    fn attempt(&mut self, plan: &Plan, grant: Grant, is_new_round: bool, now: Nanos) -> Action {
        self.attempts += 1;
        self.is_panic |= grant.is_panic;
        if is_new_round {
            let last = self.tried.last();
            self.tried.clear();
            last.into_iter().for_each(|id| self.tried.push(id));
        }
        if self.last != EndpointId::NONE && self.last != grant.endpoint {
            self.tell_failover(plan, &grant);
        }
        self.last = grant.endpoint;
        let deadline = self.attempt_deadline(plan, self.attempts, now);
        self.phase = Phase::Running { grant, deadline };
        Action::Attempt { grant, number: self.attempts, deadline }
    }

    /// When the attempt of a number must have ended, if it begins now.
    fn attempt_deadline(&self, plan: &Plan, number: u32, now: Nanos) -> Nanos {
        let left = self.deadline.saturating_sub(now);
        let time = match plan.rules.execute.attempt_timeout {
            Some(most) => nanos(most).min(left),
            None if self.is_idempotent(plan) => {
                left / u64::from((self.most_attempts + 1).saturating_sub(number).max(1))
            }
            None => left,
        };
        now.saturating_add(time)
    }

    #[cold]
    fn tell_failover(&self, plan: &Plan, grant: &Grant) {
        let pool = self.pool();
        pool.counters().failover(wall_nanos());
        let member = plan.snapshot.find(grant.endpoint, grant.position);
        pool.tell(EventKind::Failover, member, "the previous attempt failed");
    }

    fn ended(&mut self, grant: &Grant, outcome: Outcome, time: Settled) -> Action {
        self.pool().settle(grant, outcome, time);
        if outcome == Outcome::Success {
            let total = time.now.saturating_sub(self.started);
            self.pool().counters().good_call(u64::from(self.attempts), total);
            return self.end(Action::Done);
        }
        self.record(grant, outcome, time.latency);
        if outcome == Outcome::Timeout {
            self.tell_timeout(grant);
        }
        self.go_on(outcome, time.now)
    }

    fn abandon(&mut self, grant: &Grant, now: Nanos) -> Action {
        let latency = now.saturating_sub(grant.started);
        self.pool().settle(grant, Outcome::Timeout, Settled { now, latency, hint: 0 });
        self.record(grant, Outcome::Timeout, latency);
        self.tell_timeout(grant);
        self.phase = Phase::Abandoned;
        Action::Abandon { attempt: self.attempts }
    }

    #[cold]
    fn tell_timeout(&self, grant: &Grant) {
        let pool = self.pool();
        pool.counters().add(Tally::Timeouts);
        let plan = pool.plan();
        let member = plan.snapshot.find(grant.endpoint, grant.position);
        pool.tell(EventKind::Timeout, member, "the attempt's time was over");
    }

    /// Decides what follows an attempt that did not succeed.
    fn go_on(&mut self, outcome: Outcome, now: Nanos) -> Action {
        let plan = self.pool().plan();
        if let Some(kind) = self.end_after(&plan, outcome, now) {
            return self.fail(kind);
        }
        self.tried.push(self.last);
        if outcome == Outcome::Unsent && self.has_untried(&plan, now) {
            return self.begin(now);
        }
        let is_charged = outcome.is_charged();
        let charged = self.charged + u32::from(is_charged);
        let wait = self.wait(&plan, charged);
        let until = now.saturating_add(wait);
        if until >= self.deadline {
            return self.fail(ErrorKind::DeadlineExceeded);
        }
        if is_charged && !self.pool().budget().withdraw(plan.budget, now) {
            self.pool().counters().add(Tally::BudgetRefusals);
            self.pool().tell(EventKind::BudgetExhausted, None, "the retry budget is empty");
            return self.fail(ErrorKind::BudgetExhausted);
        }
        self.charged = charged;
        if is_charged {
            self.pool().counters().add(Tally::Retries);
            self.pool().tell(EventKind::Retry, None, outcome.name());
        }
        if until <= now {
            return self.begin(now);
        }
        self.phase = Phase::Waiting { until };
        Action::Wait { until }
    }

    /// Why the call ends after this outcome, if it does.
    fn end_after(&self, plan: &Plan, outcome: Outcome, now: Nanos) -> Option<ErrorKind> {
        if outcome == Outcome::Cancelled {
            return Some(ErrorKind::Cancelled);
        }
        if now >= self.deadline {
            return Some(ErrorKind::DeadlineExceeded);
        }
        if !outcome.is_retryable(self.is_idempotent(plan)) {
            let is_timeout = outcome == Outcome::Timeout;
            return Some(if is_timeout { ErrorKind::Timeout } else { ErrorKind::Rejected });
        }
        (self.attempts >= self.most_attempts).then_some(ErrorKind::AttemptsExhausted)
    }

    fn wait(&mut self, plan: &Plan, charged: u32) -> Nanos {
        let mut draws = self.draws.take();
        let wait = backoff::delay(&plan.rules.execute, charged, || {
            balance::stream(self.pool().spot(), &mut draws, false).draw()
        });
        self.draws = draws;
        wait
    }

    fn has_untried(&self, plan: &Plan, now: Nanos) -> bool {
        balance::has_untried(&plan.field(), &self.pool().wish(plan, &self.ask(plan, now)))
    }

    fn find(&self, plan: &Plan, now: Nanos) -> (Vec<u32>, Option<(Level, bool)>) {
        balance::candidates(&plan.field(), &self.pool().wish(plan, &self.ask(plan, now)))
    }

    fn chosen(&mut self, id: EndpointId, now: Nanos) -> Result<Action> {
        let plan = self.pool().plan();
        let (found, step) = self.find(&plan, now);
        let at = found.iter().copied().find(|at| plan.snapshot.members()[*at as usize].id == id);
        let (Some(position), Some((level, is_new_round))) = (at, step) else {
            let text = format!("endpoint {id}: not among the candidates");
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        };
        let member = &plan.snapshot.members()[position as usize];
        let taken = {
            let ask = self.ask(&plan, now);
            balance::take(member, &plan.rules.breaker, &self.pool().wish(&plan, &ask), level)
        };
        let Some((pass, opened_half)) = taken else {
            self.tried.push(id);
            return Ok(self.begin(now));
        };
        let pick = Pick { position, pass, level, why: Why::Chosen, is_new_round, opened_half };
        let grant = self.pool().begin(&plan, &pick, now);
        Ok(self.attempt(&plan, grant, is_new_round, now))
    }

    fn ask(&self, plan: &Plan, now: Nanos) -> Ask<'_> {
        let probe_end = now.saturating_add(LONGEST_PROBE).min(self.attempt_deadline(
            plan,
            self.attempts + 1,
            now,
        ));
        Ask {
            request: &self.request,
            tried: &self.tried,
            now,
            deadline: probe_end,
            // Where no call ever has an attempt left, a probe must go with one all the same, or an
            // endpoint that failed once would be forgotten.
            may_probe: self.attempts + 1 < self.most_attempts
                || plan.rules.execute.max_retries == 0,
            is_first: self.attempts == 0,
        }
    }

    fn is_idempotent(&self, plan: &Plan) -> bool {
        self.request.is_idempotent.unwrap_or(plan.rules.execute.is_idempotent)
    }

    #[cold]
    fn nobody(&mut self, refusal: Refusal, now: Nanos) -> Action {
        if self.attempts > 0 {
            return self.fail(ErrorKind::AttemptsExhausted);
        }
        // The call's own pool explains best, also where its fallbacks had nobody either.
        let home = self.home.borrow();
        let plan = home.plan();
        let error = home.refusal(refusal, &self.ask(&plan, now));
        let kind = error.kind();
        self.error = Some(error);
        self.fail(kind)
    }

    fn cancel(&mut self, now: Nanos) -> Action {
        self.give_back(now);
        self.fail(ErrorKind::Cancelled)
    }

    fn give_back(&mut self, now: Nanos) {
        if let Phase::Running { grant, .. } = self.phase {
            let latency = now.saturating_sub(grant.started);
            self.pool().settle(&grant, Outcome::Cancelled, Settled { now, latency, hint: 0 });
            self.record(&grant, Outcome::Cancelled, latency);
        }
    }

    fn record(&mut self, grant: &Grant, outcome: Outcome, latency: Nanos) {
        let record = AttemptRecord { endpoint: grant.endpoint, outcome: Some(outcome), latency };
        match self.first_records.iter_mut().find(|one| one.outcome.is_none()) {
            Some(place) => *place = record,
            None => self.more_records.push(record),
        }
    }

    fn fail(&mut self, kind: ErrorKind) -> Action {
        self.home.borrow().counters().failed_call(u64::from(self.attempts));
        self.end(Action::Fail { kind })
    }

    const fn end(&mut self, action: Action) -> Action {
        self.phase = Phase::Ended(action);
        action
    }

    const fn present(&self) -> Action {
        match self.phase {
            Phase::Running { deadline, .. } => Action::Pending { until: deadline },
            Phase::Waiting { until } => Action::Wait { until },
            Phase::Abandoned => Action::Abandon { attempt: self.attempts },
            Phase::Choosing => Action::Choose,
            Phase::Ended(action) => action,
            Phase::New => Action::Wait { until: 0 },
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
        if let Phase::Running { .. } = self.phase {
            let now = self.pool().shared().clock.now();
            self.give_back(now);
        }
    }
}

fn out_of_order() -> Error {
    Error::new(ErrorKind::InvalidState, "call: must be started once, before any other input")
}

/// A probe's permit comes back after ten seconds, whatever became of its holder.
pub(crate) const LONGEST_PROBE: Nanos = 10_000_000_000;
