//! What the queues have in common: one reader, arrays of the caller, and for events and log records a
//! bound and two ways to be woken.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use failover::events::{Record, Subscription};
use failover::lock::Lock;
use failover::{ErrorKind, Result};

use crate::growing::{Array, Grows};
use crate::wake::{Wake, Wakers};

/// One reader's end of a bus.
#[derive(Debug)]
pub(crate) struct Queue<T: Record> {
    subscription: Subscription<T>,
    wakers: Arc<Wakers>,
    reader: Reader,
    /// Guards the records of the last poll, whose texts C has borrowed; absent once it is closed.
    lent: Lock<Option<Vec<T>>>,
}

impl<T: Record + 'static> Queue<T> {
    pub(crate) fn new(subscription: Subscription<T>) -> Self {
        Self {
            subscription,
            wakers: Arc::default(),
            reader: Reader::default(),
            lent: Lock::new(Some(Vec::new())),
        }
    }

    /// Writes as many records as there are and fit.
    pub(crate) fn poll<C: Grows>(
        &self,
        to: Array<C>,
        timeout: Duration,
        show: impl Fn(&T) -> C,
    ) -> Result<usize, ErrorKind> {
        let _end = self.reader.enter()?;
        // Before the queue is emptied: what comes after raises it again.
        self.wakers.lower();
        let taken = self.subscription.poll(to.capacity(), timeout);
        let count = taken.len();
        if count == to.capacity() {
            // More may wait, and nobody tells of it: the queue didn't become empty.
            self.wakers.raise();
        }
        let mut lent = self.lent.lock();
        let Some(lent) = &mut *lent else { return Err(ErrorKind::Closed) };
        *lent = taken;
        for (at, record) in lent.iter().enumerate() {
            to.put(at, &show(record));
        }
        Ok(count)
    }

    /// Registers the program's callback in place of the one before.
    pub(crate) fn set_wake(&self, wake: Wake) {
        self.wakers.set(wake);
        self.listen();
    }

    /// The descriptor, made at first use.
    pub(crate) fn descriptor(&self) -> Result<i32> {
        let descriptor = self.wakers.descriptor()?;
        self.listen();
        Ok(descriptor)
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.subscription.dropped()
    }

    /// Ends a poll that waits in another thread. From now on nothing is handed out.
    pub(crate) fn close(&self) {
        let lent = self.lent.lock().take();
        drop(lent);
        self.subscription.set_wake(None);
        self.subscription.close();
    }

    fn listen(&self) {
        let wakers = Arc::clone(&self.wakers);
        self.subscription.set_wake(Some(Arc::new(move || wakers.call())));
    }
}

/// Lets one thread of a process poll at a time.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// The process whose thread polls, or 0. A child's number differs, so that it isn't kept out by a
    /// thread that it doesn't have.
    process: AtomicU32,
}

impl Reader {
    /// Begins a poll, which ends with the result.
    pub(crate) fn enter(&self) -> Result<Polled<'_>, ErrorKind> {
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
pub(crate) struct Polled<'a>(&'a AtomicU32);

impl Drop for Polled<'_> {
    fn drop(&mut self) {
        self.0.store(0, Ordering::Release);
    }
}
