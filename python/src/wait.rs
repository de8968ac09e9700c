//! Waits: detached from the interpreter, in slices, so that Ctrl-C is heard and the process can end.
//!
//! A thread that comes back from a wait while the interpreter goes away would be killed at that moment.
//! So one of the interpreter's last acts is [`leave`]: from then on whoever waits here stays, detached
//! for good, as the daemon thread that it is.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::ThreadId;
use std::time::Duration;

use failover::clock::{Clock, Nanos, nanos};
use failover::{Error, ErrorKind};
use pyo3::prelude::*;

use crate::error::{Raise, exception};
use crate::work::WorkQueue;

/// True once the interpreter is about to end.
static IS_LEAVING: AtomicBool = AtomicBool::new(false);

/// The thread that ends the interpreter, which stays with nobody.
static LEAVER: OnceLock<ThreadId> = OnceLock::new();

/// Threads that are detached here, and those of them that stay.
static OUTSIDE: AtomicUsize = AtomicUsize::new(0);
static STAYING: AtomicUsize = AtomicUsize::new(0);

/// Runs `work` detached from the interpreter: for one slice at most, else the process can't end.
pub(crate) fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
    // Counted until it is attached again.
    let _outside = Outside::new();
    py.detach(|| {
        let done = work();
        stay_if_leaving();
        done
    })
}

/// Waits until `is_over` says so; `slice` waits detached, up to the time it is given.
///
/// # Errors
///
/// What a signal's handler raised, `KeyboardInterrupt` as a rule.
pub(crate) fn in_slices<T: Send>(
    py: Python<'_>,
    timeout: Duration,
    mut slice: impl FnMut(Duration) -> Option<T> + Send,
) -> PyResult<Option<T>> {
    let clock = Clock::system();
    let deadline = clock.now().saturating_add(nanos(timeout));
    loop {
        let left = Duration::from_nanos(deadline.saturating_sub(clock.now()));
        if let Some(found) = detached(py, || slice(left.min(SLICE))) {
            return Ok(Some(found));
        }
        py.check_signals()?;
        if clock.now() >= deadline {
            return Ok(None);
        }
    }
}

/// Waits on a manager's clock until `deadline`, or until `is_done` says so.
///
/// # Errors
///
/// As [`in_slices`].
pub(crate) fn on_clock(
    py: Python<'_>,
    clock: &Clock,
    deadline: Nanos,
    is_done: impl Fn() -> bool + Send + Sync,
) -> PyResult<()> {
    let real = Clock::system();
    while clock.now() < deadline && !is_done() {
        detached(py, || {
            let end = real.now().saturating_add(nanos(SLICE));
            // The machine's clock is cut short itself: it looks at what is done too seldom.
            let until = if clock.is_manual() {
                deadline
            } else {
                deadline.min(clock.now().saturating_add(nanos(SLICE)))
            };
            clock.wait_until(until, &|| is_done() || is_leaving() || real.now() >= end);
        });
        py.check_signals()?;
    }
    Ok(())
}

/// Runs a verb that blocks for as long as it takes on a thread of its own, and waits for it here.
/// Interrupted, it goes on there to its end, which it has.
///
/// # Errors
///
/// Those of the verb, and as [`in_slices`].
pub(crate) fn aside<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> failover::Result<T> + Send + 'static,
) -> PyResult<T> {
    let (sender, receiver) = channel();
    let run = move || {
        // Whoever was interrupted doesn't wait for it any more.
        let _ = sender.send(work());
    };
    let builder = std::thread::Builder::new().name("failover-aside".to_owned());
    builder.spawn(run).map_err(|error| exception(py, &error.into()))?;
    let mut receiver = receiver;
    loop {
        let came;
        (came, receiver) = detached(py, move || (receiver.recv_timeout(SLICE), receiver));
        match came {
            Ok(result) => return result.or_raise(py),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                let text = "a defect of the library ended the verb";
                return Err(exception(py, &Error::new(ErrorKind::Panic, text)));
            }
        }
        py.check_signals()?;
    }
}

/// True once the interpreter is about to end.
pub(crate) fn is_leaving() -> bool {
    IS_LEAVING.load(Ordering::Acquire)
}

/// Has everybody stay who waits, since the interpreter is about to end; returns when they do, after two
/// seconds at most.
#[pyfunction]
pub(crate) fn leave(py: Python<'_>, queues: Vec<Py<WorkQueue>>) {
    LEAVER.get_or_init(|| std::thread::current().id());
    IS_LEAVING.store(true, Ordering::Release);
    // Those wait for longer than a slice.
    queues.iter().for_each(|queue| queue.get().hub.wake());
    let clock = Clock::system();
    let deadline = clock.now().saturating_add(nanos(LONGEST_LEAVE));
    let is_moving = || OUTSIDE.load(Ordering::Acquire) > STAYING.load(Ordering::Acquire);
    while is_moving() && clock.now() < deadline {
        let until = clock.now().saturating_add(1_000_000);
        py.detach(|| clock.wait_until(until, &|| false));
    }
}

fn stay_if_leaving() {
    if !is_leaving() || LEAVER.get() == Some(&std::thread::current().id()) {
        return;
    }
    STAYING.fetch_add(1, Ordering::AcqRel);
    loop {
        std::thread::park();
    }
}

/// Forgets those who are detached in the parent: they don't exist in the child.
pub(crate) fn forget_others() {
    OUTSIDE.store(0, Ordering::Release);
    STAYING.store(0, Ordering::Release);
}

/// A thread that is detached, counted until it is back.
struct Outside;

impl Outside {
    fn new() -> Self {
        OUTSIDE.fetch_add(1, Ordering::AcqRel);
        Self
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        OUTSIDE.fetch_sub(1, Ordering::AcqRel);
    }
}

/// How long a wait goes on before it looks for signals.
const SLICE: Duration = Duration::from_millis(50);

/// How long the interpreter's end waits for those who wait.
const LONGEST_LEAVE: Duration = Duration::from_secs(2);
