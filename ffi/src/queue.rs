//! What event queues and log queues have in common: one reader, a bound, two ways to be woken.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use failover::events::{Record, Subscription};
use failover::{ErrorKind, Result};

use crate::wake::{Signal, Wake};

/// One reader's end of a bus.
#[derive(Debug)]
pub(crate) struct Queue<T: Record> {
    subscription: Subscription<T>,
    wakers: Arc<Wakers>,
    is_polled: AtomicBool,
    /// Guards the records of the last poll, whose texts C has borrowed.
    lent: Mutex<Vec<T>>,
}

/// Who is woken when the queue stops being empty.
#[derive(Debug, Default)]
struct Wakers {
    /// Guards the program's callback; it is called outside of the lock.
    wake: Mutex<Option<Arc<Wake>>>,
    signal: OnceLock<Signal>,
}

impl Wakers {
    fn call(&self) {
        if let Some(signal) = self.signal.get() {
            signal.raise();
        }
        let wake = self.wake.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(wake) = wake {
            wake.call();
        }
    }
}

impl<T: Record + 'static> Queue<T> {
    pub(crate) fn new(subscription: Subscription<T>) -> Self {
        Self {
            subscription,
            wakers: Arc::default(),
            is_polled: AtomicBool::new(false),
            lent: Mutex::default(),
        }
    }

    /// Writes up to `capacity` records at `to`, each `size` bytes after the one before.
    ///
    /// A size beyond ours leaves the tail of each element as it was, but zeroed.
    pub(crate) fn poll<C: Copy>(
        &self,
        to: (*mut C, usize, usize),
        timeout: Duration,
        show: impl Fn(&T) -> C,
    ) -> Result<usize, ErrorKind> {
        let (buffer, size, capacity) = to;
        check_buffer(buffer, size, capacity)?;
        if self.is_polled.swap(true, Ordering::Acquire) {
            return Err(ErrorKind::ConcurrentUse);
        }
        let _end = Polled(&self.is_polled);
        if let Some(signal) = self.wakers.signal.get() {
            // Before the queue is emptied: what comes after raises it again.
            signal.lower();
        }
        let taken = self.subscription.poll(capacity, timeout);
        let count = taken.len();
        if let Some(signal) = self.wakers.signal.get().filter(|_| count == capacity) {
            // More may wait, and nobody tells of it: the queue didn't become empty.
            signal.raise();
        }
        let mut lent = self.lent.lock().unwrap_or_else(PoisonError::into_inner);
        *lent = taken;
        for (at, record) in lent.iter().enumerate() {
            put(buffer, size, at, show(record));
        }
        Ok(count)
    }

    /// Registers the program's callback in place of the one before.
    pub(crate) fn set_wake(&self, wake: Wake) {
        let before =
            self.wakers.wake.lock().unwrap_or_else(PoisonError::into_inner).replace(Arc::new(wake));
        drop(before);
        self.listen();
    }

    /// The descriptor, made at first use.
    pub(crate) fn descriptor(&self) -> Result<i32> {
        if self.wakers.signal.get().is_none() {
            let signal = Signal::new()?;
            // What waits already was never signalled.
            signal.raise();
            drop(self.wakers.signal.set(signal));
            self.listen();
        }
        Ok(self.wakers.signal.get().map_or(-1, Signal::raw))
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.subscription.dropped()
    }

    /// Ends a poll that waits in another thread.
    pub(crate) fn close(&self) {
        self.subscription.set_wake(None);
        self.subscription.close();
    }

    fn listen(&self) {
        let wakers = Arc::clone(&self.wakers);
        self.subscription.set_wake(Some(Arc::new(move || wakers.call())));
    }
}

/// Ends a poll, also when it panics.
struct Polled<'a>(&'a AtomicBool);

impl Drop for Polled<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Checks an array that a caller gave for elements of type `C`.
pub(crate) fn check_buffer<C>(
    buffer: *mut C,
    size: usize,
    capacity: usize,
) -> Result<(), ErrorKind> {
    if size < size_of::<C>() || !size.is_multiple_of(align_of::<C>()) || size > LARGEST_ELEMENT {
        return Err(ErrorKind::Unsupported);
    }
    if buffer.is_null() && capacity > 0 {
        return Err(ErrorKind::NullArgument);
    }
    if !buffer.is_aligned() || capacity > isize::MAX.unsigned_abs() / size {
        return Err(ErrorKind::InvalidArgument);
    }
    Ok(())
}

/// Writes element number `at` of a checked array, and zeroes what the caller knows beyond ours.
pub(crate) fn put<C: Copy>(buffer: *mut C, size: usize, at: usize, value: C) {
    let offset = at * size;
    // SAFETY: the caller of the C function says that `capacity` elements of `size` bytes are there,
    // and `at` is below `capacity`.
    let element = unsafe { buffer.cast::<MaybeUninit<u8>>().add(offset) };
    // SAFETY: as above, and the array and `size` are aligned for `C`.
    unsafe { element.cast::<C>().write(value) };
    let known = size_of::<C>();
    // SAFETY: as above; `size` isn't below `known`.
    let tail = unsafe { element.add(known) };
    // SAFETY: as above.
    unsafe { tail.write_bytes(0, size - known) };
}

/// A size beyond this is not a size but garbage.
const LARGEST_ELEMENT: usize = 4096;
