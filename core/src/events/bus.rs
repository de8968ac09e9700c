//! Bounded fan-out of events and log records, which counts what it drops.
//!
//! Who emits pushes into a lock-free ring that was allocated beforehand, so a failing call never
//! waits for a slow reader. The ring is emptied into history and subscribers' queues by whoever
//! reads; only while somebody subscribes does the emitter do that too, to wake him.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_queue::ArrayQueue;

use super::{Event, LogRecord};
use crate::clock::{Waiters, wall_nanos};
use crate::lock::{self, Held, Lock};

/// What a bus carries: something with a number and a time.
pub trait Record: Clone + Send {
    /// Sets number and wall time.
    fn stamp(&mut self, sequence: u64, time: u64);
    /// The number.
    fn sequence(&self) -> u64;
    /// The bit of a subscriber's mask that lets it through.
    fn mask(&self) -> u64;
}

impl Record for Event {
    fn stamp(&mut self, sequence: u64, time: u64) {
        (self.sequence, self.time) = (sequence, time);
    }

    fn sequence(&self) -> u64 {
        self.sequence
    }

    fn mask(&self) -> u64 {
        1 << self.kind as u32
    }
}

impl Record for LogRecord {
    fn stamp(&mut self, sequence: u64, time: u64) {
        (self.sequence, self.time) = (sequence, time);
    }

    fn sequence(&self) -> u64 {
        self.sequence
    }

    fn mask(&self) -> u64 {
        1 << self.level as u32
    }
}

/// A ring of recent records with any number of subscribers.
#[derive(Debug)]
pub struct Bus<T> {
    ring: ArrayQueue<T>,
    sequence: AtomicU64,
    subscribers: AtomicUsize,
    /// Guards history and the list of subscribers; never taken by an emitter without subscribers.
    readers: Lock<Readers<T>>,
}

#[derive(Debug)]
struct Readers<T> {
    history: VecDeque<T>,
    queues: Vec<Arc<Queue<T>>>,
}

impl<T: Record> Bus<T> {
    /// Records that are kept for [`recent`](Self::recent).
    pub const HISTORY: usize = 1024;

    /// Makes an empty bus.
    #[must_use]
    pub fn new() -> Self {
        let readers =
            Readers { history: VecDeque::with_capacity(Self::HISTORY), queues: Vec::new() };
        Self {
            ring: ArrayQueue::new(Self::HISTORY),
            sequence: AtomicU64::new(0),
            subscribers: AtomicUsize::new(0),
            readers: Lock::new(readers),
        }
    }

    /// Records something. Takes no lock and allocates nothing while nobody subscribes, and waits for
    /// nothing but a fork that is under way.
    pub fn emit(&self, mut record: T) {
        record.stamp(self.sequence.fetch_add(1, Ordering::Relaxed) + 1, wall_nanos());
        // A thread that is gone in the middle of a push would block the ring.
        let busy = lock::busy();
        self.ring.force_push(record);
        drop(busy);
        if self.subscribers.load(Ordering::Acquire) > 0 {
            let woken = self.collect(&mut self.lock());
            woken.iter().for_each(|queue| queue.wake());
        }
    }

    /// How many records were emitted so far.
    #[must_use]
    pub fn emitted(&self) -> u64 {
        self.sequence.load(Ordering::Relaxed)
    }

    /// The last `limit` records, the newest first.
    #[must_use]
    pub fn recent(&self, limit: usize) -> Vec<T> {
        let mut readers = self.lock();
        let woken = self.collect(&mut readers);
        let recent = readers.history.iter().rev().take(limit).cloned().collect();
        drop(readers);
        woken.iter().for_each(|queue| queue.wake());
        recent
    }

    /// Subscribes to the records whose mask is in `kinds`, from now on.
    ///
    /// At most `capacity` wait unread; then the oldest goes and is counted.
    #[must_use]
    pub fn subscribe(self: &Arc<Self>, kinds: u64, capacity: usize) -> Subscription<T> {
        let queue = Arc::new(Queue::new(kinds, capacity.max(1)));
        let mut readers = self.lock();
        drop(self.collect(&mut readers));
        readers.queues.push(Arc::clone(&queue));
        // Release pairs with the Acquire of `emit`.
        self.subscribers.store(readers.queues.len(), Ordering::Release);
        Subscription { queue, bus: Arc::clone(self) }
    }

    /// Empties the ring; returns the queues that were empty and aren't any more.
    fn collect(&self, readers: &mut Readers<T>) -> Vec<Arc<Queue<T>>> {
        let mut woken = Vec::new();
        while let Some(record) = self.ring.pop() {
            for queue in &readers.queues {
                if queue.push(&record) {
                    woken.push(Arc::clone(queue));
                }
            }
            if readers.history.len() == Self::HISTORY {
                readers.history.pop_front();
            }
            // Emitters number first and push second, so two of them may arrive in reverse.
            let newer =
                readers.history.iter().rev().take_while(|old| old.sequence() > record.sequence());
            let at = readers.history.len() - newer.count();
            readers.history.insert(at, record);
        }
        woken
    }

    fn lock(&self) -> Held<'_, Readers<T>> {
        self.readers.lock()
    }
}

impl<T: Record> Default for Bus<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Records that wait for one subscriber.
struct Queue<T> {
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
    fn new(kinds: u64, capacity: usize) -> Self {
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
    fn push(&self, record: &T) -> bool {
        if record.mask() & self.kinds == 0 {
            return false;
        }
        let mut waiting = self.waiting.lock();
        if waiting.len() == self.capacity {
            waiting.pop_front();
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        waiting.push_back(record.clone());
        waiting.len() == 1
    }

    fn wake(&self) {
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
    queue: Arc<Queue<T>>,
    bus: Arc<Bus<T>>,
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

    /// Calls `wake` whenever the queue stops being empty, on the thread that emitted.
    ///
    /// `wake` must not block and must not call the library.
    pub fn set_wake(&self, wake: Option<Arc<dyn Fn() + Send + Sync>>) {
        *self.queue.wake.lock() = wake;
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
        let mut readers = self.bus.lock();
        readers.queues.retain(|queue| !Arc::ptr_eq(queue, &self.queue));
        self.bus.subscribers.store(readers.queues.len(), Ordering::Release);
    }
}
