//! The call machine: the host performs attempts and waits, the library decides.
//!
//! Making a call is part of the hot path: its memory comes from the thread's last freed call, it
//! borrows its pool, and nothing is counted. A manager that is freed looks for open calls itself.

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use failover::execute::{Action, Call, Input};
use failover::outlier::Outcome;
use failover::{EndpointId, ErrorKind};

use crate::boundary::{ErrorPlace, guard, guard_fast, guard_value, named, tell_panic};
use crate::growing::Array;
use crate::handle::{self, Slot, beside, enter, fill, handle, live, shelve};
use crate::lease::{FAILOVER_LEASE_OF_CALL, failover_lease};
use crate::manager::failover_manager;
use crate::pool::{CoreRef, borrow_pool, failover_pool};
use crate::request::{failover_request, read_request, refusal};
use crate::status::{FAILOVER_OK, failover_code, failover_endpoint_id};

/// One logical call. Owned, and used by one thread at a time; free it with `failover_call_free`.
#[derive(Debug)]
pub struct failover_call(Slot<Call<CoreRef>>);
handle!(failover_call, Call<CoreRef>, b"\0call\0\0\0", Beside);

/// What is known of a call without entering it.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    /// Whose call it is.
    owner: AtomicPtr<failover_manager>,
    /// The time that the last step gave; 0: it left it to the library.
    stepped_at: AtomicU64,
}

/// Input: the call begins.
pub const FAILOVER_INPUT_START: u32 = 1;
/// Input: an attempt ended; `attempt`, `outcome`, `latency_ns` and `hint_ns` tell how.
pub const FAILOVER_INPUT_RESULT: u32 = 2;
/// Input: time passed.
pub const FAILOVER_INPUT_TICK: u32 = 3;
/// Input: the caller gives up.
pub const FAILOVER_INPUT_CANCEL: u32 = 4;
/// Input: the action with the flag `MORE` was done.
pub const FAILOVER_INPUT_NEXT: u32 = 5;
/// Input: the program chose `endpoint` among the candidates.
pub const FAILOVER_INPUT_CHOSEN: u32 = 6;

/// Action: make an attempt on `lease.endpoint`.
pub const FAILOVER_ACTION_ATTEMPT: u32 = 1;
/// Action: do nothing until `timer_ns`, then step with `TICK`.
pub const FAILOVER_ACTION_WAIT: u32 = 2;
/// Action: stop attempt number `attempt`, whose time is over; then step with `NEXT`.
pub const FAILOVER_ACTION_ABANDON: u32 = 3;
/// Action: choose among `failover_call_candidates`, and step with `CHOSEN`.
pub const FAILOVER_ACTION_CHOOSE: u32 = 4;
/// Action: an attempt is running; step with `TICK` at `timer_ns`.
pub const FAILOVER_ACTION_PENDING: u32 = 5;
/// Action: the call ended well.
pub const FAILOVER_ACTION_DONE: u32 = 6;
/// Action: the call failed; `code` says why.
pub const FAILOVER_ACTION_FAIL: u32 = 7;

/// Action flag: step with `NEXT` before anything else.
pub const FAILOVER_ACTION_MORE: u32 = 1;
/// Action flag: an attempt of this call went to an endpoint that looked unfit.
pub const FAILOVER_ACTION_PANIC: u32 = 2;
/// Action flag: another provider's pool serves this call.
pub const FAILOVER_ACTION_FALLBACK: u32 = 4;

/// What happened.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct failover_input {
    /// One of `FAILOVER_INPUT_*`.
    pub kind: u32,
    /// `RESULT`: the attempt's number.
    pub attempt: u32,
    /// `RESULT`: one of `FAILOVER_OUTCOME_*`.
    pub outcome: u32,
    /// Zero.
    pub reserved: u32,
    /// The time by the manager's clock; 0: the library reads it.
    pub now_ns: u64,
    /// `RESULT`: how long the attempt took; 0: from its start until now.
    pub latency_ns: u64,
    /// `RESULT`: how long the endpoint asked to be left alone (Retry-After); 0: it didn't.
    pub hint_ns: u64,
    /// `CHOSEN`: the endpoint.
    pub endpoint: failover_endpoint_id,
}

/// What to do now.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct failover_action {
    /// One of `FAILOVER_ACTION_*`.
    pub kind: u32,
    /// The attempt's number, from 1; with `DONE` and `FAIL`: how many there were.
    pub attempt: u32,
    /// `FAIL`: why.
    pub code: failover_code,
    /// `FAILOVER_ACTION_MORE`, `_PANIC`, `_FALLBACK`, put together.
    pub flags: u32,
    /// `ATTEMPT`: the endpoint and what belongs to it.
    pub lease: failover_lease,
    /// The only timer, by the manager's clock: step with `TICK` then, unless something happens
    /// before; 0: none.
    pub timer_ns: u64,
    /// `ATTEMPT`: how long it may take.
    pub attempt_timeout_ns: u64,
    /// Zero.
    pub reserved: u64,
}

/// Makes a call; nothing happens before the input `START`.
///
/// - `pool`: a live pool, which the call borrows: it lives as long as any count of its manager.
/// - `request`: NULL, or what the request wants; read before the function returns.
/// - `out`: not NULL. Set on success; the caller owns it.
/// - `err`: NULL, or set on failure.
///
/// Codes: `UNSUPPORTED`, `INVALID_ARGUMENT`, `INVALID_UTF8`, `NOT_AVAILABLE`, `INVALID_HANDLE`,
/// `NULL_ARGUMENT`. Any thread; doesn't block; allocates nothing once the thread has freed a call.
/// After fork: works.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_call_new(
    pool: Option<&failover_pool>,
    request: *const failover_request,
    out: Option<&mut MaybeUninit<*mut failover_call>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    let is_place = out.is_some();
    let code = guard_fast(|| {
        let body = live(pool)?;
        let out = out.ok_or(ErrorKind::NullArgument)?;
        let mut own = None;
        read_request(request, &mut own)?;
        let handle = take();
        let call = Call::new(CoreRef::of(body), own.unwrap_or_default());
        // SAFETY: `take` gives a call.
        let beside = unsafe { beside(handle) };
        beside.stepped_at.store(0, Ordering::Relaxed);
        beside.owner.store(std::ptr::from_ref(body.owner).cast_mut(), Ordering::Relaxed);
        // SAFETY: nobody else uses it.
        unsafe { fill(handle, call) };
        out.write(std::ptr::from_ref(handle).cast_mut());
        Ok(())
    });
    if code == FAILOVER_OK { code } else { explain(err, code, pool, request, is_place) }
}

/// Makes the error behind the code with which a call was refused: it names what is at fault.
#[cold]
fn explain(
    mut err: ErrorPlace<'_>,
    code: failover_code,
    pool: Option<&failover_pool>,
    request: *const failover_request,
    is_place: bool,
) -> failover_code {
    let kind = ErrorKind::from_code(code).unwrap_or(ErrorKind::Panic);
    if kind == ErrorKind::Panic {
        // What it said is gone.
        return tell_panic(&(), &mut err);
    }
    guard(err, || {
        borrow_pool(pool)?;
        Err(if is_place { refusal(request, kind) } else { named("out")(ErrorKind::NullArgument) })
    })
}

/// Takes in what happened, and says what to do.
///
/// - `call`: a live call.
/// - `input`: not NULL.
/// - `action`: not NULL. Set on success.
///
/// Codes: `INVALID_STATE` (not started, or started twice), `INVALID_ARGUMENT` (unknown input, outcome
/// or candidate), `UNSUPPORTED` (a reserved field isn't zero), `CONCURRENT_USE`, `INVALID_HANDLE`,
/// `NULL_ARGUMENT`. A result of an attempt that isn't running is answered with the present action;
/// an ended call repeats its end. One thread at a time; takes no lock, makes no system call, and
/// allocates nothing before the ninth attempt, unless the call fails. After fork: works.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_call_step(
    call: Option<&failover_call>,
    input: Option<&failover_input>,
    action: Option<&mut MaybeUninit<failover_action>>,
) -> failover_code {
    guard_fast(|| {
        let handle = call.ok_or(ErrorKind::NullArgument)?;
        let mut call = enter(call)?;
        let input = input.ok_or(ErrorKind::NullArgument)?;
        let place = action.ok_or(ErrorKind::NullArgument)?;
        let given = read_input(input)?;
        let now = match input.now_ns {
            0 => call.pool().shared().clock.now(),
            now => now,
        };
        let action = call.step(given, now).map_err(|error| error.kind())?;
        // SAFETY: entered, so it is a call.
        unsafe { beside(handle) }.stepped_at.store(input.now_ns, Ordering::Relaxed);
        place.write(show(&call, action, now));
        Ok(())
    })
}

#[inline]
fn read_input(input: &failover_input) -> Result<Input, ErrorKind> {
    if input.reserved != 0 {
        return Err(ErrorKind::Unsupported);
    }
    Ok(match input.kind {
        FAILOVER_INPUT_START => Input::Start,
        FAILOVER_INPUT_RESULT => Input::Result {
            attempt: input.attempt,
            outcome: Outcome::from_code(input.outcome).ok_or(ErrorKind::InvalidArgument)?,
            latency: input.latency_ns,
            hint: input.hint_ns,
        },
        FAILOVER_INPUT_TICK => Input::Tick,
        FAILOVER_INPUT_CANCEL => Input::Cancel,
        FAILOVER_INPUT_NEXT => Input::Next,
        FAILOVER_INPUT_CHOSEN => Input::Chosen(EndpointId::from_bits(input.endpoint)),
        _ => return Err(ErrorKind::InvalidArgument),
    })
}

/// Shows an action of core as C sees it.
#[inline]
pub(crate) fn show(call: &Call<CoreRef>, action: Action, now: u64) -> failover_action {
    let mut shown = failover_action { attempt: call.attempts(), ..failover_action::default() };
    if call.is_panic() {
        shown.flags |= FAILOVER_ACTION_PANIC;
    }
    if call.is_fallback() {
        shown.flags |= FAILOVER_ACTION_FALLBACK;
    }
    match action {
        Action::Attempt { grant, number, deadline } => {
            shown.kind = FAILOVER_ACTION_ATTEMPT;
            shown.attempt = number;
            shown.lease = failover_lease::of(&grant, 0, number, FAILOVER_LEASE_OF_CALL);
            shown.timer_ns = deadline;
            shown.attempt_timeout_ns = deadline.saturating_sub(now);
        }
        Action::Wait { until } => {
            shown.kind = FAILOVER_ACTION_WAIT;
            shown.timer_ns = until;
        }
        Action::Abandon { attempt } => {
            shown.kind = FAILOVER_ACTION_ABANDON;
            shown.attempt = attempt;
            shown.flags |= FAILOVER_ACTION_MORE;
        }
        Action::Choose => shown.kind = FAILOVER_ACTION_CHOOSE,
        Action::Pending { until } => {
            shown.kind = FAILOVER_ACTION_PENDING;
            shown.timer_ns = until;
        }
        Action::Done => shown.kind = FAILOVER_ACTION_DONE,
        Action::Fail { kind } => {
            shown.kind = FAILOVER_ACTION_FAIL;
            shown.code = kind.code();
        }
        _ => shown.code = ErrorKind::Unsupported.code(),
    }
    shown
}

/// The endpoints among which the program chooses, after the action `CHOOSE`.
///
/// - `call`: a live call.
/// - `ids`: NULL if `capacity` is 0; set on success to the first `capacity` of them.
/// - `capacity`: room in `ids`.
/// - `count`: not NULL. Set on success to how many there are in all.
///
/// They are those of the time of the last step: its `now_ns`, or now if that was 0.
///
/// Codes: `INVALID_ARGUMENT` (`ids` isn't aligned, or `capacity` is beyond memory),
/// `CONCURRENT_USE`, `INVALID_HANDLE`, `NULL_ARGUMENT`. One thread at a time; doesn't block;
/// allocates. After fork: works.
///
/// # Safety
///
/// `ids` has room for `capacity` numbers; pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_call_candidates(
    call: Option<&failover_call>,
    ids: *mut failover_endpoint_id,
    capacity: usize,
    count: Option<&mut MaybeUninit<usize>>,
) -> failover_code {
    guard_fast(|| {
        let handle = call.ok_or(ErrorKind::NullArgument)?;
        let call = enter(call)?;
        let count = count.ok_or(ErrorKind::NullArgument)?;
        let array = Array::of_numbers(ids, capacity)?;
        // SAFETY: entered, so it is a call.
        let now = match unsafe { beside(handle) }.stepped_at.load(Ordering::Relaxed) {
            0 => call.pool().shared().clock.now(),
            now => now,
        };
        let found = call.candidates(now);
        for (at, id) in found.iter().take(capacity).enumerate() {
            array.put(at, &id.bits());
        }
        count.write(found.len());
        Ok(())
    })
}

/// Ends a call; an attempt that is still open counts as cancelled.
///
/// - `call`: its owner gives it up; NULL does nothing, and so does freeing a call that another thread
///   is in. A second free does nothing only until the freeing thread's next `failover_call_new`,
///   which gives the same handle again: after it, the second free ends that call.
///
/// One thread at a time; never blocks; works after fork.
///
/// # Safety
///
/// `call` is NULL or came from this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_call_free(call: Option<&failover_call>) {
    guard_value((), || {
        let Ok(entered) = enter(call) else { return };
        entered.end();
        if let Some(call) = call {
            keep(call);
        }
    });
}

/// True if a call of this manager is open.
pub(crate) fn has_open_calls(owner: *const failover_manager) -> bool {
    let owner = owner.cast_mut();
    handle::any::<failover_call>(|of| of.owner.load(Ordering::Relaxed) == owner)
}

/// The thread's last freed call, or another one.
#[inline]
fn take() -> &'static failover_call {
    let spare = SPARE.try_with(|spare| spare.0.take()).ok().flatten();
    spare.unwrap_or_else(fetch)
}

#[cold]
fn fetch() -> &'static failover_call {
    let made = handle::unshelved::<failover_call>();
    // SAFETY: handles are never given back to the allocator.
    unsafe { &*made }
}

#[inline]
fn keep(call: &failover_call) {
    // SAFETY: handles are never given back to the allocator.
    let call: &'static failover_call = unsafe { &*std::ptr::from_ref(call) };
    let before = SPARE.try_with(|spare| spare.0.replace(Some(call)));
    match before {
        Ok(None) => {}
        Ok(Some(other)) => shelve(other),
        Err(_) => shelve(call),
    }
}

/// A freed call that serves this thread's next one.
struct Spare(Cell<Option<&'static failover_call>>);

impl Drop for Spare {
    fn drop(&mut self) {
        if let Some(call) = self.0.take() {
            shelve(call);
        }
    }
}

thread_local! {
    static SPARE: Spare = const { Spare(Cell::new(None)) };
}
