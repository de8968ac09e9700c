//! The queues: events, log records and work wait in one for a reader of the program.
//!
//! They differ in where records come from, which is a [`Source`]. The rest is the same: one reader at a
//! time, an array of the caller, texts that are lent until the next poll, and two ways to be woken. A poll
//! holds its queue, so that a free in another thread ends it, and frees afterwards.

use std::fmt::Debug;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use failover::events::{Record, Subscription};
use failover::lock::Lock;
use failover::{Error, ErrorKind, Result};

use crate::boundary::{ErrorPlace, guard, guard_fast, guard_value, named, out};
use crate::growing::{Array, Grows};
use crate::handle::{Handle, hold, live, release};
use crate::status::failover_code;
use crate::wake::{Wake, Wakers};

/// Where the records of a queue come from.
pub(crate) trait Source: Debug + Send + Sync + 'static {
    type Record: Debug + Send;

    /// Takes up to `most`, after waiting up to `timeout` for the first.
    fn take(&self, most: usize, timeout: Duration) -> Result<Vec<Self::Record>, ErrorKind>;

    /// Has `wakers` called whenever something comes, and at once if something waits.
    fn listen(&self, wakers: &Arc<Wakers>);

    /// Ends a take that waits in another thread. From now on nothing comes.
    fn close(&self);
}

impl<T: Record + Debug + 'static> Source for Subscription<T> {
    type Record = T;

    fn take(&self, most: usize, timeout: Duration) -> Result<Vec<T>, ErrorKind> {
        Ok(self.poll(most, timeout))
    }

    fn listen(&self, wakers: &Arc<Wakers>) {
        let wakers = Arc::clone(wakers);
        self.set_wake(Some(Arc::new(move || wakers.call())));
    }

    fn close(&self) {
        self.set_wake(None);
        Self::close(self);
    }
}

/// One reader's end of a source.
#[derive(Debug)]
pub(crate) struct Queue<S: Source> {
    pub(crate) source: S,
    wakers: Arc<Wakers>,
    reader: Reader,
    /// Guards the records of the last poll, whose texts C has borrowed; absent once it is closed.
    lent: Lock<Option<Vec<S::Record>>>,
}

impl<S: Source> Queue<S> {
    pub(crate) fn new(source: S, wakers: Arc<Wakers>) -> Self {
        Self { source, wakers, reader: Reader::default(), lent: Lock::new(Some(Vec::new())) }
    }

    /// Writes as many records as there are and fit.
    fn poll<C: Grows>(
        &self,
        to: Array<C>,
        timeout: Duration,
        show: impl Fn(&S::Record) -> C,
    ) -> Result<usize, ErrorKind> {
        let _end = self.reader.enter()?;
        // Before the queue is emptied: what comes after raises it again.
        self.wakers.lower();
        let taken = self.source.take(to.capacity(), timeout);
        if taken.as_ref().map_or(true, |records| records.len() == to.capacity()) {
            // More may wait, or the end is to be seen, and nobody tells of it again.
            self.wakers.raise();
        }
        let taken = taken?;
        let mut lent = self.lent.lock();
        let Some(lent) = &mut *lent else { return Err(ErrorKind::Closed) };
        *lent = taken;
        for (at, record) in lent.iter().enumerate() {
            to.put(at, &show(record));
        }
        Ok(lent.len())
    }

    /// Ends a poll that waits in another thread. From now on nothing is handed out. True the first time.
    fn close(&self) -> bool {
        let lent = self.lent.lock().take();
        let is_first = lent.is_some();
        drop(lent);
        self.wakers.unset();
        self.source.close();
        is_first
    }
}

/// What every poll does; `buffer` is an array, the size of its elements and its capacity.
pub(crate) fn poll<H, S, C>(
    queue: Option<&H>,
    buffer: (*mut C, usize, usize),
    timeout_ms: u32,
    count: Option<&mut MaybeUninit<usize>>,
    show: impl Fn(&S::Record) -> C,
) -> failover_code
where
    H: Handle<Body = Queue<S>>,
    S: Source,
    C: Grows,
{
    guard_fast(|| {
        let queue = hold(queue)?;
        let count = count.ok_or(ErrorKind::NullArgument)?;
        let (first, size, capacity) = buffer;
        let array = Array::of(first, size, capacity)?;
        count.write(queue.poll(array, Duration::from_millis(timeout_ms.into()), show)?);
        Ok(())
    })
}

/// Registers the program's callback in place of the one before.
pub(crate) fn set_wake<H, S>(queue: Option<&H>, wake: Wake) -> failover_code
where
    H: Handle<Body = Queue<S>>,
    S: Source,
{
    guard_fast(move || {
        let queue = live(queue)?;
        queue.wakers.set(wake);
        queue.source.listen(&queue.wakers);
        Ok(())
    })
}

/// Gives the descriptor, made at first use.
pub(crate) fn descriptor<H, S>(
    queue: Option<&H>,
    fd: Option<&mut MaybeUninit<i32>>,
    err: ErrorPlace<'_>,
) -> failover_code
where
    H: Handle<Body = Queue<S>>,
    S: Source,
{
    guard(err, || {
        let (queue, place) = (live(queue).map_err(named("queue"))?, out(fd, "fd")?);
        let descriptor = queue.wakers.descriptor()?;
        queue.source.listen(&queue.wakers);
        place.write(descriptor);
        Ok(())
    })
}

/// Frees a queue, and ends a poll of it that waits in another thread.
pub(crate) fn free<H, S>(queue: Option<&H>)
where
    H: Handle<Body = Queue<S>>,
    S: Source,
{
    guard_value((), || {
        // A poll holds it too, so a second free must not take that holder off.
        if hold(queue).is_ok_and(|held| held.close()) {
            drop(release(queue));
        }
    });
}

/// Checks the bound of a queue.
pub(crate) fn check_capacity(capacity: u32) -> Result<()> {
    if (1..=MOST_WAITING).contains(&capacity) {
        return Ok(());
    }
    let text = format!("capacity: must be 1..={MOST_WAITING}, got {capacity}");
    Err(Error::new(ErrorKind::InvalidArgument, text))
}

/// Lets one thread of a process poll at a time.
#[derive(Debug, Default)]
struct Reader {
    /// The process whose thread polls, or 0. A child's number differs, so that it isn't kept out by a
    /// thread that it doesn't have.
    process: AtomicU32,
}

impl Reader {
    /// Begins a poll, which ends with the result.
    fn enter(&self) -> Result<Polled<'_>, ErrorKind> {
        let own = std::process::id();
        // Acquire pairs with the Release of the poll before: its texts are replaced.
        if self.process.swap(own, Ordering::Acquire) == own {
            return Err(ErrorKind::ConcurrentUse);
        }
        Ok(Polled(&self.process))
    }
}

/// Ends a poll, also when it panics.
#[derive(Debug)]
struct Polled<'a>(&'a AtomicU32);

impl Drop for Polled<'_> {
    fn drop(&mut self) {
        self.0.store(0, Ordering::Release);
    }
}

/// More unread records are a leak and not a queue.
const MOST_WAITING: u32 = 1_000_000;
