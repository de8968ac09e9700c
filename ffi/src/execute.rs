//! The whole loop for C: a thin driver over the call machine, on the calling thread.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::sync::atomic::Ordering;

use failover::execute::{Action, Call, Grant, Input};
use failover::outlier::Outcome;
use failover::{Error, ErrorKind, Result};

use crate::boundary::{ErrorPlace, guard, named};
use crate::call::{failover_action, show};
use crate::endpoint::failover_endpoint_desc;
use crate::lease::{FAILOVER_LEASE_OF_CALL, failover_lease};
use crate::outcome::failure;
use crate::pool::{CoreRef, borrow_pool, failover_pool, failover_pool_free, failover_pool_retain};
use crate::request::{failover_request, read_request, refusal};
use crate::snapshot::{Texts, describe};
use crate::status::failover_code;

/// Makes one attempt and returns one of `FAILOVER_OUTCOME_*`.
///
/// - `user_data`: as given to `failover_execute`.
/// - `endpoint`: where to; its texts live until the callback returns.
/// - `lease`: the attempt; not to be reported.
/// - `attempt_timeout_ns`: how long it may take. The library can't interrupt it: a late success
///   counts, a late failure counts as time-out.
///
/// Runs on the thread that called `failover_execute`. It may use the library, also to free the pool
/// and its manager, and may neither throw nor jump out.
pub type failover_attempt_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        endpoint: *const failover_endpoint_desc,
        lease: *const failover_lease,
        attempt_timeout_ns: u64,
    ) -> u32,
>;

/// As `failover_attempt_fn`, and tells how long the endpoint asked to be left alone.
///
/// - `hint_ns`: not NULL, and 0 before. With the outcome `THROTTLED`, set it to what the endpoint asked
///   for (Retry-After), of which five minutes are believed.
pub type failover_attempt_hint_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        endpoint: *const failover_endpoint_desc,
        lease: *const failover_lease,
        attempt_timeout_ns: u64,
        hint_ns: *mut u64,
    ) -> u32,
>;

/// Makes a whole call: attempts, waits, failover, until it ends.
///
/// - `pool`: a live pool. The call holds a count of it and of its manager until it ends.
/// - `request`: NULL, or what the request wants.
/// - `attempt`: not NULL; makes one attempt.
/// - `user_data`: passed on to it.
/// - `last`: NULL, or set whenever the call came to an end of its own, well or not: the last action,
///   with the last attempt's lease. Left alone with the codes below that end it from outside.
/// - `err`: NULL, or set on failure; its details hold the attempts.
///
/// Codes: `OK` if an attempt succeeded; `REJECTED`, `ATTEMPTS_EXHAUSTED`, `DEADLINE_EXCEEDED`,
/// `BUDGET_EXHAUSTED`, `TIMEOUT`, `NO_ENDPOINTS`, `CIRCUIT_OPEN`, `CANCELLED`, `CLOSED` as the call
/// ended. From outside: `INVALID_ARGUMENT` if the callback returned no outcome; `NOT_FOUND` if an
/// endpoint was removed between its choice and its attempt; `INVALID_STATE` with the strategy
/// `custom`, which needs the call machine; `INVALID_ARGUMENT`, `UNSUPPORTED`, `NOT_AVAILABLE`,
/// `INVALID_UTF8`, `INVALID_HANDLE`, `NULL_ARGUMENT` for what it was given. Any thread. Blocks while
/// it waits by the manager's clock. After fork: works.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_execute(
    pool: Option<&failover_pool>,
    request: *const failover_request,
    attempt: failover_attempt_fn,
    user_data: *mut c_void,
    last: Option<&mut MaybeUninit<failover_action>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    let run = attempt.map(|attempt| {
        move |endpoint: *const _, lease: *const _, timeout: u64| {
            // SAFETY: the caller says that the function takes these arguments; the pointers are valid
            // until it returns.
            (unsafe { attempt(user_data, endpoint, lease, timeout) }, 0_u64)
        }
    });
    execute(pool, request, run.as_ref().map(|run| run as Run<'_>), last, err)
}

/// As `failover_execute`, with attempts that tell how long their endpoint asked to be left alone.
///
/// - `pool`: a live pool. The call holds a count of it and of its manager until it ends.
/// - `request`: NULL, or what the request wants.
/// - `attempt`: not NULL; makes one attempt.
/// - `user_data`: passed on to it.
/// - `last`: NULL, or set whenever the call came to an end of its own, as by `failover_execute`.
/// - `err`: NULL, or set on failure; its details hold the attempts.
///
/// Codes, threads, blocking and fork: as `failover_execute`.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_execute_hint(
    pool: Option<&failover_pool>,
    request: *const failover_request,
    attempt: failover_attempt_hint_fn,
    user_data: *mut c_void,
    last: Option<&mut MaybeUninit<failover_action>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    let run = attempt.map(|attempt| {
        move |endpoint: *const _, lease: *const _, timeout: u64| {
            let mut hint = 0;
            // SAFETY: the caller says that the function takes these arguments; the pointers are valid
            // until it returns.
            let outcome = unsafe { attempt(user_data, endpoint, lease, timeout, &raw mut hint) };
            (outcome, hint)
        }
    });
    execute(pool, request, run.as_ref().map(|run| run as Run<'_>), last, err)
}

/// Makes a whole call with attempts of either kind.
fn execute(
    pool: Option<&failover_pool>,
    request: *const failover_request,
    run: Option<Run<'_>>,
    last: Option<&mut MaybeUninit<failover_action>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let held = Held::of(pool)?;
        let body = borrow_pool(held.0)?;
        let run = run.ok_or_else(|| named("attempt")(ErrorKind::NullArgument))?;
        let mut own = None;
        let asked = read_request(request, &mut own).map_err(|kind| refusal(request, kind))?;
        let given = asked.now;
        let mut driver = Driver {
            call: Call::new(CoreRef::of(body), own.unwrap_or_default()),
            lease: failover_lease::default(),
            run,
        };
        let start = if given == 0 { driver.now() } else { given };
        let ended = driver.drive(start)?;
        if let Some(last) = last {
            let mut shown = show(&driver.call, ended, driver.now());
            shown.lease = driver.lease;
            last.write(shown);
        }
        match failure(&driver.call) {
            None => Ok(()),
            Some(error) => Err(error),
        }
    })
}

/// A count of a pool, and of its manager, for as long as a call runs: its callback may free both.
struct Held<'pool>(Option<&'pool failover_pool>);

impl<'pool> Held<'pool> {
    fn of(pool: Option<&'pool failover_pool>) -> Result<Self> {
        borrow_pool(pool)?;
        // SAFETY: the caller says that `pool` came from this library.
        if unsafe { failover_pool_retain(pool) }.is_null() {
            return Err(named("pool")(ErrorKind::InvalidHandle));
        }
        Ok(Self(pool))
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // SAFETY: `of` took the count that is given back here.
        unsafe { failover_pool_free(self.0) };
    }
}

/// Makes one attempt: its outcome, and how long the endpoint asked to be left alone.
type Run<'a> = &'a dyn Fn(*const failover_endpoint_desc, *const failover_lease, u64) -> (u32, u64);

/// One call on its way.
struct Driver<'a> {
    call: Call<CoreRef>,
    lease: failover_lease,
    run: Run<'a>,
}

impl Driver<'_> {
    fn now(&self) -> u64 {
        self.call.pool().shared().clock.now()
    }

    /// Does what the call says until it ended.
    fn drive(&mut self, start: u64) -> Result<Action> {
        let mut action = self.call.step(Input::Start, start)?;
        loop {
            let input = match action {
                Action::Attempt { grant, number, deadline } => {
                    self.attempt(&grant, number, deadline)?
                }
                Action::Wait { until } | Action::Pending { until } => self.wait(until),
                Action::Abandon { .. } => Input::Next,
                Action::Choose => {
                    self.call.step(Input::Cancel, self.now())?;
                    let text = "execute: the strategy \"custom\" needs the call machine";
                    return Err(Error::new(ErrorKind::InvalidState, text));
                }
                _ => return Ok(action),
            };
            action = self.call.step(input, self.now())?;
        }
    }

    fn attempt(&mut self, grant: &Grant, number: u32, deadline: u64) -> Result<Input> {
        self.lease = failover_lease::of(grant, 0, number, FAILOVER_LEASE_OF_CALL);
        let endpoint = self.call.with_endpoint(grant, |member| member.endpoint.clone());
        let gone = || Error::new(ErrorKind::NotFound, "execute: the endpoint is gone");
        let endpoint = endpoint.ok_or_else(gone)?;
        let texts = Texts::of(&endpoint);
        let desc = describe(&endpoint, &texts, 0);
        let lease = self.lease;
        let time = deadline.saturating_sub(self.now());
        let (code, hint) = (self.run)(&raw const desc, &raw const lease, time);
        let Some(outcome) = Outcome::from_code(code) else {
            self.call.step(Input::Cancel, self.now())?;
            let text = format!("attempt: must return an outcome, 1..=8, returned {code}");
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        };
        Ok(Input::Result { attempt: number, outcome, latency: 0, hint })
    }

    /// Waits; a manager that is closed meanwhile ends the call.
    fn wait(&self, until: u64) -> Input {
        let shared = self.call.pool().shared();
        let is_closed = || shared.is_closed.load(Ordering::Relaxed);
        shared.clock.wait_until(until, &is_closed);
        if is_closed() { Input::Cancel } else { Input::Tick }
    }
}
