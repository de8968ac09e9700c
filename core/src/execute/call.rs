//! One logical call as a state machine: picks, attempts, waits, ends.
//!
//! It performs nothing itself. The driver feeds what happened ([`Input`]) with the time it happened
//! at, and does what comes back ([`Action`]): run the callback, wait, give up on an attempt, return.
//! So every language, sync or async, shares one logic, and it is tested without waiting. How
//! it looks for an endpoint is in [`seek`](super::seek), what ends an attempt or the call in
//! [`ended`](super::ended), what follows an attempt that failed in [`next`](super::next), and the
//! program's own choice of an endpoint in [`choice`](super::choice).

use std::borrow::Borrow;
use std::sync::Arc;

use smallvec::SmallVec;

use super::core::PoolCore;
use super::grant::excluded;
use super::settle::Settled;
use super::{Action, AttemptRecord, Grant, Input, Request};
use crate::balance::Tried;
use crate::clock::Nanos;
use crate::endpoint::{EndpointId, Member};
use crate::error::{Error, ErrorKind, Result};
use crate::outlier::Outcome;
use crate::rng::Rng;

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
    pub(super) home: P,
    /// The fallback pool that serves now, once the own one can't.
    pub(super) hop: Option<Arc<PoolCore>>,
    pub(super) hops: usize,
    pub(super) request: Request,
    pub(super) phase: Phase,
    pub(super) attempts: u32,
    pub(super) charged: u32,
    pub(super) limits: Limits,
    pub(super) started: Nanos,
    pub(super) last: EndpointId,
    /// What led to a retry that no event told of yet.
    pub(super) untold: Option<Outcome>,
    pub(super) draws: Option<Rng>,
    pub(super) tried: Tried,
    /// Two of them without allocating.
    pub(super) history: SmallVec<[AttemptRecord; 2]>,
    pub(super) error: Option<Error>,
    pub(super) is_panic: bool,
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
