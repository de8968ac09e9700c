//! One reader of a bus: the records that wait for it, and how it is woken.
//!
//! A queue never grows beyond its capacity: a reader that is too slow loses the oldest and learns how
//! many, and nobody else waits for it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::Bus;
use super::record::Record;
use crate::clock::Waiters;
use crate::lock::Lock;

/// Records that wait for one subscriber.
pub(super) struct Queue<T> {
    kinds: u64,
    capacity: usize,
    dropped: AtomicU64,
    is_closed: AtomicBool,
    /// Guards the waiting records.
    waiting: Lock<VecDeque<T>>,
    arrived: Waiters,
    /// Guards the wake-up function, which is called outside of every other lock.
    wake: Lock<Option<Arc<dyn Fn() + Send + Sync>>>,
}

impl<T> std::fmt::Debug for Queue<T> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Queue").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

impl<T: Record> Queue<T> {
    pub(super) fn new(kinds: u64, capacity: usize) -> Self {
        Self {
            kinds,
            capacity,
            dropped: AtomicU64::new(0),
            is_closed: AtomicBool::new(false),
            waiting: Lock::new(VecDeque::new()),
            arrived: Waiters::new(),
            wake: Lock::new(None),
        }
    }

    /// True if the queue was empty before.
    pub(super) fn push(&self, record: &T) -> bool {
        if record.mask() & self.kinds == 0 {
            return false;
        }
        let mut waiting = self.waiting.lock();
        if waiting.len() == self.capacity {
            waiting.pop_front();
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        insert(&mut waiting, record.clone());
        waiting.len() == 1
    }

    pub(super) fn wake(&self) {
        self.arrived.wake();
        let wake = self.wake.lock().clone();
        if let Some(wake) = wake {
            wake();
        }
    }
}

/// One reader's end of a bus. Dropping it unsubscribes.
#[derive(Debug)]
pub struct Subscription<T: Record> {
    pub(super) queue: Arc<Queue<T>>,
    pub(super) bus: Arc<Bus<T>>,
}

impl<T: Record> Subscription<T> {
    /// The records that wait, at most `most`, after waiting up to `timeout` for the first.
    #[must_use]
    pub fn poll(&self, most: usize, timeout: Duration) -> Vec<T> {
        let is_idle = || self.queue.waiting.lock().is_empty();
        if !timeout.is_zero() && is_idle() {
            let is_over = || self.queue.is_closed.load(Ordering::Acquire) || !is_idle();
            self.queue.arrived.wait(timeout, &is_over);
        }
        let mut waiting = self.queue.waiting.lock();
        let count = most.min(waiting.len());
        waiting.drain(..count).collect()
    }

    /// Calls `wake` whenever the queue stops being empty, on the thread that emitted or that looked
    /// for records; and at once, on this one, if records wait already.
    ///
    /// `wake` must not block and must not call the library.
    pub fn set_wake(&self, wake: Option<Arc<dyn Fn() + Send + Sync>>) {
        self.queue.wake.lock().clone_from(&wake);
        let is_waiting = !self.queue.waiting.lock().is_empty();
        if let Some(wake) = wake.filter(|_| is_waiting) {
            wake();
        }
    }

    /// How many records were dropped because nobody read them.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.queue.dropped.load(Ordering::Relaxed)
    }

    /// Ends a `poll` that waits in another thread.
    pub fn close(&self) {
        self.queue.is_closed.store(true, Ordering::Release);
        self.queue.arrived.wake();
    }
}

impl<T: Record> Drop for Subscription<T> {
    fn drop(&mut self) {
        self.bus.unsubscribe(&self.queue);
    }
}

/// Puts a record where its number says: emitters number first and push second, so two of them may
/// arrive in reverse.
pub(super) fn insert<T: Record>(records: &mut VecDeque<T>, record: T) {
    let newer = records.iter().rev().take_while(|old| old.sequence() > record.sequence());
    let at = records.len() - newer.count();
    records.insert(at, record);
}
