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

use crate::bare::{self, Board, Verb, function};
use crate::request;

/// The hot half of one pool.
pub(crate) struct Hot {
    /// Before the pool, which they borrow.
    calls: Table<Call<PoolRef>>,
    leases: Table<Grant>,
    core: Arc<PoolCore>,
    board: Board,
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

/// Numbered places that are used again.
struct Table<T> {
    places: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Table<T> {
    const fn new() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }

    /// Puts a value into a free place. It is made there, since a call is large.
    #[expect(clippy::inline_always, reason = "a call would be moved twice on its way")]
    #[inline(always)]
    fn put(&mut self, make: impl FnOnce() -> T) -> u32 {
        let at = self.free.pop().unwrap_or_else(|| self.grow());
        if let Some(place) = self.places.get_mut(at as usize) {
            *place = Some(make());
        }
        at
    }

    #[cold]
    fn grow(&mut self) -> u32 {
        self.places.push(None);
        u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
    }

    #[inline]
    fn at(&mut self, at: u32) -> Option<&mut T> {
        self.places.get_mut(at as usize)?.as_mut()
    }

    /// Empties a place without moving what was there.
    #[inline]
    fn clear(&mut self, at: u32) {
        if let Some(place @ Some(_)) = self.places.get_mut(at as usize) {
            *place = None;
            self.free.push(at);
        }
    }

    #[inline]
    fn take(&mut self, at: u32) -> Option<T> {
        let taken = self.places.get_mut(at as usize)?.take()?;
        self.free.push(at);
        Some(taken)
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
        let pools = self.calls.places.iter().flatten().map(|call| call.pool().snapshot());
        let mut found =
            pools.filter_map(|set| set.find(id, 0).map(|member| Arc::clone(&member.endpoint)));
        found.next()
    }

    /// Frees a call; an attempt that runs is returned as cancelled.
    pub(crate) fn free(&mut self, call: u32) {
        self.calls.clear(call);
    }

    fn now(&self) -> u64 {
        self.core.shared().clock.now()
    }

    fn request(&self, text: Option<String>) -> Result<Request> {
        text.map_or_else(|| Ok(Request::new()), |text| request::read(&text, &self.core))
    }

    /// Keeps an error for who asks, and says that there is one.
    #[cold]
    fn refuse(&mut self, error: Error) -> u32 {
        self.board.words()[CODE].set(error.kind().code());
        self.trouble = Some(error);
        REFUSED
    }

    #[inline]
    fn show_grant(&self, grant: &Grant) {
        let (words, reals) = (self.board.words(), self.board.reals());
        words[SLOT].set(grant.endpoint.slot());
        words[GENERATION].set(grant.endpoint.generation());
        reals[VERSION].set(grant.snapshot_version as f64);
    }

    #[expect(clippy::inline_always, reason = "a call would be moved twice on its way")]
    #[inline(always)]
    fn begin(&mut self, request: impl FnOnce() -> Request) -> u32 {
        let pool = PoolRef(NonNull::from(&*self.core));
        let number = self.calls.put(|| Call::new(pool, request()));
        self.board.words()[CALL].set(number);
        self.feed(number, Input::Start, self.now())
    }

    /// Feeds a call, and shows what it wants.
    #[inline]
    fn feed(&mut self, number: u32, input: Input, now: u64) -> u32 {
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
    fn input(&self) -> Result<Input> {
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

    fn outcome(&self) -> Result<Outcome> {
        let code = self.board.words()[OUTCOME].get();
        let wrong = || Error::new(ErrorKind::InvalidArgument, "outcome: is not known");
        Outcome::from_code(code).ok_or_else(wrong)
    }

    fn pick(&mut self, request: &Request) -> Result<Grant, u32> {
        let now = self.now();
        self.core.grant_one(request, now).map_err(|kind| {
            let error = self.core.refused(kind, request, now);
            self.refuse(error)
        })
    }
}

/// Does nothing: what the way through the bridge costs, for benches.
struct Idle;

impl Verb<Hot> for Idle {
    const NAME: &'static CStr = c"idle";

    #[inline]
    fn run(_hot: &mut Hot, _text: Option<String>) -> u32 {
        DONE
    }
}

/// Picks once, for a program that reports nothing.
struct Select;

impl Verb<Hot> for Select {
    const NAME: &'static CStr = c"select";

    fn run(hot: &mut Hot, text: Option<String>) -> u32 {
        static PLAIN: Request = Request::new();
        let own;
        let request = match text {
            None => &PLAIN,
            Some(_) => match hot.request(text) {
                Ok(read) => {
                    own = read;
                    &own
                }
                Err(error) => return hot.refuse(error),
            },
        };
        match hot.pick(request) {
            Ok(grant) => {
                // Nobody will say what came of it, so it counts for nothing.
                hot.core.report(&grant, Outcome::Cancelled, grant.started, 0);
                hot.show_grant(&grant);
                ATTEMPT_NOW
            }
            Err(refused) => refused,
        }
    }
}

/// Picks once, and keeps the lease.
struct Pick;

impl Verb<Hot> for Pick {
    const NAME: &'static CStr = c"pick";

    fn run(hot: &mut Hot, text: Option<String>) -> u32 {
        let request = match hot.request(text) {
            Ok(request) => request,
            Err(error) => return hot.refuse(error),
        };
        match hot.pick(&request) {
            Ok(grant) => {
                hot.show_grant(&grant);
                let words = hot.board.words();
                words[FLAGS].set(u32::from(grant.is_panic));
                let number = hot.leases.put(|| grant);
                hot.board.words()[CALL].set(number);
                ATTEMPT_NOW
            }
            Err(refused) => refused,
        }
    }
}

/// Returns a lease with what came of the attempt.
struct Report;

impl Verb<Hot> for Report {
    const NAME: &'static CStr = c"report";

    fn run(hot: &mut Hot, _text: Option<String>) -> u32 {
        let outcome = match hot.outcome() {
            Ok(outcome) => outcome,
            Err(error) => return hot.refuse(error),
        };
        let Some(grant) = hot.leases.take(hot.board.words()[CALL].get()) else {
            return hot.refuse(Error::new(ErrorKind::InvalidState, "lease: was reported before"));
        };
        let now = hot.now();
        let given = nanos(hot.board.reals()[LATENCY].get());
        let latency = if given == 0 { now.saturating_sub(grant.started) } else { given };
        hot.core.report(&grant, outcome, now, latency);
        DONE
    }
}

/// Begins a call.
struct Begin;

impl Verb<Hot> for Begin {
    const NAME: &'static CStr = c"begin";

    #[inline]
    fn run(hot: &mut Hot, text: Option<String>) -> u32 {
        if text.is_none() {
            return hot.begin(Request::new);
        }
        match hot.request(text) {
            Ok(request) => hot.begin(|| request),
            Err(error) => hot.refuse(error),
        }
    }
}

/// Feeds a call what the board says.
struct Step;

impl Verb<Hot> for Step {
    const NAME: &'static CStr = c"step";

    #[inline]
    fn run(hot: &mut Hot, _text: Option<String>) -> u32 {
        let number = hot.board.words()[CALL].get();
        match hot.input() {
            Ok(input) => hot.feed(number, input, hot.now()),
            Err(error) => hot.refuse(error),
        }
    }
}

/// Nanoseconds of a number of JavaScript; what is no time is none.
fn nanos(given: f64) -> u64 {
    given as u64
}

// Places on the board; `lib/board.ts` has the same.
const INPUT: usize = 0;
const CALL: usize = 1;
const ATTEMPT: usize = 2;
const OUTCOME: usize = 3;
/// 1: a call that is done is freed at once.
const FREE: usize = 4;
const SLOT: usize = 5;
const GENERATION: usize = 6;
const FLAGS: usize = 7;
const CODE: usize = 8;
const LATENCY: usize = 0;
const HINT: usize = 1;
const TIMER: usize = 2;
const VERSION: usize = 3;
const TIME: usize = 4;

// Inputs, numbered as in C.
const RESULT: u32 = 2;
const TICK: u32 = 3;
const CANCEL: u32 = 4;
const NEXT: u32 = 5;
const CHOSEN: u32 = 6;

// Results, numbered as in C.
const REFUSED: u32 = 0;
const ATTEMPT_NOW: u32 = 1;
const WAIT: u32 = 2;
const ABANDON: u32 = 3;
const CHOOSE: u32 = 4;
const PENDING: u32 = 5;
const DONE: u32 = 6;
const FAIL: u32 = 7;
