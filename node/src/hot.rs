//! What a call does: picks, leases, and the call machine, as functions that talk through a board.
//!
//! One [`Hot`] for each pool that a program got. Calls and leases are numbers in its tables, so that
//! nothing is allocated for them once the tables have grown, and a call borrows its pool. All of it
//! belongs to the loop's thread.

use std::borrow::Borrow;
use std::cell::RefCell;
use std::ffi::CStr;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::Arc;

use failover::execute::{Action, AttemptRecord, Call, Grant, Input, PoolCore};
use failover::{Endpoint, EndpointId, Error, ErrorKind, Outcome, Request, Result};
use napi::sys;

use crate::bare::{self, Board, function};
use crate::board::{
    ABANDON, ATTEMPT, ATTEMPT_NOW, CALL, CANCEL, CHOOSE, CHOSEN, CODE, DONE, FAIL, FLAGS, FREE,
    GENERATION, HINT, INPUT, LATENCY, NEXT, OUTCOME, PENDING, REFUSED, RESULT, SLOT, TICK, TIME,
    TIMER, VERSION, WAIT,
};
use crate::request;
use crate::table::Table;
use crate::verb::{Begin, Idle, Pick, Report, Select, Step};

/// The hot half of one pool.
pub(crate) struct Hot {
    /// Before the pool, which they borrow.
    calls: Table<Call<PoolRef>>,
    pub(crate) leases: Table<Grant>,
    pub(crate) core: Arc<PoolCore>,
    pub(crate) board: Board,
    /// Why the last function was refused.
    trouble: Option<Error>,
}

/// A call's way to its pool, without a count: counting costs as much as a quarter of a pick.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolRef(NonNull<PoolCore>);

impl Borrow<PoolCore> for PoolRef {
    #[inline]
    fn borrow(&self) -> &PoolCore {
        bare::alive(&self.0)
    }
}

impl Hot {
    /// Makes the hot half of a pool, and the object of its functions.
    pub(crate) fn new(
        env: sys::napi_env,
        core: &Arc<PoolCore>,
    ) -> napi::Result<(Rc<RefCell<Self>>, sys::napi_value)> {
        let (board, buffer) = Board::new(env)?;
        let hot = Self {
            calls: Table::new(),
            leases: Table::new(),
            core: Arc::clone(core),
            board,
            trouble: None,
        };
        let hot = Rc::new(RefCell::new(hot));
        let fields: [(&CStr, sys::napi_value); 7] = [
            (c"board", buffer),
            (c"idle", function::<_, Idle>(env, &hot)?),
            (c"select", function::<_, Select>(env, &hot)?),
            (c"begin", function::<_, Begin>(env, &hot)?),
            (c"step", function::<_, Step>(env, &hot)?),
            (c"pick", function::<_, Pick>(env, &hot)?),
            (c"report", function::<_, Report>(env, &hot)?),
        ];
        let object = bare::object(env, &fields)?;
        Ok((hot, object))
    }

    /// Why the last function was refused.
    pub(crate) fn trouble(&mut self) -> Error {
        let unknown = || Error::new(ErrorKind::Panic, "a defect of the library was caught");
        self.trouble.take().unwrap_or_else(unknown)
    }

    /// The error that ended a call.
    pub(crate) fn error(&mut self, call: u32) -> Error {
        let unknown = || Error::new(ErrorKind::InvalidState, "call: is not open");
        self.calls.at(call).and_then(|call| call.error()).unwrap_or_else(unknown)
    }

    /// The attempts of a call that ended without success.
    pub(crate) fn history(&mut self, call: u32) -> Vec<AttemptRecord> {
        self.calls.at(call).map(|call| call.history()).unwrap_or_default()
    }

    /// The endpoints among which the program chooses.
    pub(crate) fn candidates(&mut self, call: u32) -> Vec<EndpointId> {
        let now = self.now();
        self.calls.at(call).map(|call| call.candidates(now)).unwrap_or_default()
    }

    /// The endpoint of a number that this pool or a fallback of its calls handed out.
    pub(crate) fn describe(&self, id: EndpointId) -> Option<Arc<Endpoint>> {
        let own = self.core.snapshot();
        if let Some(member) = own.find(id, 0) {
            return Some(Arc::clone(&member.endpoint));
        }
        let pools = self.calls.all().map(|call| call.pool().snapshot());
        let mut found =
            pools.filter_map(|set| set.find(id, 0).map(|member| Arc::clone(&member.endpoint)));
        found.next()
    }

    /// Frees a call; an attempt that runs is returned as cancelled.
    pub(crate) fn free(&mut self, call: u32) {
        self.calls.clear(call);
    }

    pub(crate) fn now(&self) -> u64 {
        self.core.shared().clock.now()
    }

    pub(crate) fn request(&self, text: Option<String>) -> Result<Request> {
        text.map_or_else(|| Ok(Request::new()), |text| request::read(&text, &self.core))
    }

    /// Keeps an error for who asks, and says that there is one.
    #[cold]
    pub(crate) fn refuse(&mut self, error: Error) -> u32 {
        self.board.words()[CODE].set(error.kind().code());
        self.trouble = Some(error);
        REFUSED
    }

    #[inline]
    pub(crate) fn show_grant(&self, grant: &Grant) {
        self.show(grant.endpoint, grant.snapshot_version);
    }

    #[inline]
    fn show(&self, endpoint: EndpointId, version: u64) {
        let (words, reals) = (self.board.words(), self.board.reals());
        words[SLOT].set(endpoint.slot());
        words[GENERATION].set(endpoint.generation());
        reals[VERSION].set(version as f64);
    }

    #[expect(clippy::inline_always, reason = "a call would be moved twice on its way")]
    #[inline(always)]
    pub(crate) fn begin(&mut self, request: impl FnOnce() -> Request) -> u32 {
        let pool = PoolRef(NonNull::from(&*self.core));
        let number = self.calls.put(|| Call::new(pool, request()));
        self.board.words()[CALL].set(number);
        self.feed(number, Input::Start, self.now())
    }

    /// Feeds a call, and shows what it wants.
    #[inline]
    pub(crate) fn feed(&mut self, number: u32, input: Input, now: u64) -> u32 {
        let Some(call) = self.calls.at(number) else {
            return self.refuse(Error::new(ErrorKind::InvalidState, "call: is not open"));
        };
        let action = match call.step(input, now) {
            Ok(action) => action,
            Err(error) => return self.refuse(error),
        };
        let flags = u32::from(call.is_panic()) | u32::from(call.is_fallback()) << 1;
        let (attempts, started) = (call.attempts(), call.started());
        let (words, reals) = (self.board.words(), self.board.reals());
        words[ATTEMPT].set(attempts);
        words[FLAGS].set(flags);
        match action {
            Action::Attempt { grant, deadline, .. } => {
                reals[TIMER].set(deadline as f64);
                reals[TIME].set(deadline.saturating_sub(now) as f64);
                self.show_grant(&grant);
                ATTEMPT_NOW
            }
            Action::Wait { until } => {
                reals[TIMER].set(until as f64);
                WAIT
            }
            Action::Abandon { attempt } => {
                words[ATTEMPT].set(attempt);
                ABANDON
            }
            Action::Choose => CHOOSE,
            Action::Pending { until } => {
                reals[TIMER].set(until as f64);
                PENDING
            }
            Action::Done => {
                reals[TIME].set(now.saturating_sub(started) as f64);
                if words[FREE].get() == 1 {
                    self.free(number);
                }
                DONE
            }
            Action::Fail { kind } => {
                reals[TIME].set(now.saturating_sub(started) as f64);
                words[CODE].set(kind.code());
                FAIL
            }
            _ => self.refuse(Error::new(ErrorKind::Unsupported, "call: an unknown action")),
        }
    }

    /// Reads an input from the board.
    pub(crate) fn input(&self) -> Result<Input> {
        let (words, reals) = (self.board.words(), self.board.reals());
        Ok(match words[INPUT].get() {
            RESULT => Input::Result {
                attempt: words[ATTEMPT].get(),
                outcome: self.outcome()?,
                latency: nanos(reals[LATENCY].get()),
                hint: nanos(reals[HINT].get()),
            },
            TICK => Input::Tick,
            CANCEL => Input::Cancel,
            NEXT => Input::Next,
            CHOSEN => Input::Chosen(EndpointId::new(words[SLOT].get(), words[GENERATION].get())),
            _ => return Err(Error::new(ErrorKind::InvalidArgument, "call: an unknown input")),
        })
    }

    pub(crate) fn outcome(&self) -> Result<Outcome> {
        let code = self.board.words()[OUTCOME].get();
        let wrong = || Error::new(ErrorKind::InvalidArgument, "outcome: is not known");
        Outcome::from_code(code).ok_or_else(wrong)
    }

    /// Shows the endpoint whose turn it is, and takes nothing of it.
    #[inline]
    pub(crate) fn glance(&mut self, request: &Request) -> Result<(), u32> {
        let now = self.now();
        match self.core.glance(request, now) {
            Ok(found) => {
                self.show(found.endpoint, found.snapshot_version);
                Ok(())
            }
            Err(kind) => {
                let error = self.core.refused(kind, request, now);
                Err(self.refuse(error))
            }
        }
    }

    pub(crate) fn pick(&mut self, request: &Request) -> Result<Grant, u32> {
        let now = self.now();
        self.core.grant_one(request, now).map_err(|kind| {
            let error = self.core.refused(kind, request, now);
            self.refuse(error)
        })
    }
}

/// Nanoseconds of a number of JavaScript; what is no time is none.
pub(crate) fn nanos(given: f64) -> u64 {
    given as u64
}
