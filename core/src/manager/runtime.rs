//! Background work: one runtime for the process, made when it is first needed.
//!
//! A manager that only picks never has a thread. The runtime has one worker, named `failover-*`,
//! which blocks every signal, so that handlers of the program never run on it. Before a fork the
//! worker is parked between two steps, so that it holds no lock that a child would inherit.

use std::panic::catch_unwind;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::discovery::Feed;
use crate::error::{Error, ErrorKind, Result};
use crate::health::Checker;
use crate::lock::Lock;

/// Guards the process's runtime; taken when background work starts and around a fork.
static RUNTIME: Lock<Option<Runtime>> = Lock::new(None);

/// Guards the parked worker's release.
static PARKED: Lock<Option<Sender<()>>> = Lock::new(None);

/// The process's runtime.
///
/// # Errors
///
/// [`ErrorKind::Io`] if the system refuses a thread.
fn handle() -> Result<Handle> {
    let mut runtime = RUNTIME.lock();
    if let Some(runtime) = &*runtime {
        return Ok(runtime.handle().clone());
    }
    let refused = |text: &str| Error::new(ErrorKind::Io, format!("background thread: {text}"));
    // A thread that the system refuses is a panic there.
    let made = catch_unwind(make).map_err(|_| refused("refused by the system"))?;
    let made = made.map_err(|error| refused(&error.to_string()))?;
    let handle = made.handle().clone();
    *runtime = Some(made);
    Ok(handle)
}

fn make() -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(MOST_HELPERS)
        .thread_name("failover-worker")
        .on_thread_start(block_signals)
        .enable_all()
        .build()
}

/// Starts the task of a manager's checks.
pub(super) fn start_checks(checker: &Checker) -> Result<()> {
    drop(checker.spawn(&handle()?));
    Ok(())
}

/// Starts the task of a provider.
pub(super) fn start_feed(feed: &Feed) -> Result<()> {
    drop(feed.spawn(&handle()?));
    Ok(())
}

/// Runs a future on the runtime and waits for it on the calling thread, which may itself belong to
/// another runtime.
pub(super) fn wait_for<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = channel();
    handle()?.spawn(async move {
        // Nobody waits any more: then nobody misses the result either.
        let _ = sender.send(future.await);
    });
    receiver.recv().map_err(|_| Error::new(ErrorKind::Closed, "background work has ended"))
}

/// Runs a future on the runtime, and hands its result to `done` there; an error at once where there is none.
pub(super) fn begin<T: Send + 'static>(
    future: impl Future<Output = Result<T>> + Send + 'static,
    done: impl FnOnce(Result<T>) + Send + 'static,
) {
    match handle() {
        Ok(runtime) => drop(runtime.spawn(async move { done(future.await) })),
        Err(error) => done(Err(error)),
    }
}

/// Parks the worker between two steps, before a fork.
pub(super) fn park() {
    let Some(runtime) = RUNTIME.lock().as_ref().map(|runtime| runtime.handle().clone()) else {
        return;
    };
    let (release, released) = channel::<()>();
    let (parked, is_parked) = channel();
    runtime.spawn(async move {
        let _ = parked.send(());
        // Blocks the only worker on purpose, until the fork is over.
        let _ = released.recv();
    });
    // A worker that is stuck in the program's own check must not hold up the fork for ever.
    let _ = is_parked.recv_timeout(LONGEST_PARKING);
    *PARKED.lock() = Some(release);
}

/// Lets the worker go on, in the parent.
pub(super) fn unpark() {
    drop(PARKED.lock().take());
}

/// Forgets the parent's runtime, in the child: its threads don't exist here, and dropping it would
/// wait for them.
pub(super) fn abandon() {
    std::mem::forget(RUNTIME.lock().take());
    std::mem::forget(PARKED.lock().take());
}

fn block_signals() {
    // A thread that can't block signals still works; the program's handlers may then run on it.
    #[cfg(unix)]
    let _ = nix::sys::signal::SigSet::all().thread_block();
}

/// Threads at once for what can only be waited for: names, files, certificates. They come when they
/// are needed and go after ten idle seconds. As many as the checks at once of several managers, so
/// that a name server or a disk that hangs delays no other check.
const MOST_HELPERS: usize = 512;

/// How long a fork waits for the worker.
const LONGEST_PARKING: Duration = Duration::from_secs(1);
