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
        // SeqCst pairs with that of `subscribe`: either the count is seen here, or the record there.
        if self.subscribers.load(Ordering::SeqCst) > 0 {
            let woken = self.collect(&mut self.lock());
            wake(&woken);
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
        wake(&woken);
        recent
    }

    /// Subscribes to the records whose mask is in `kinds`, from now on.
    ///
    /// At most `capacity` wait unread; then the oldest goes and is counted. Records of one thread
    /// arrive in their order. Those of several threads may arrive in another order than their
    /// numbers say, unless they wait together: then the lower number comes first.
    #[must_use]
    pub fn subscribe(self: &Arc<Self>, kinds: u64, capacity: usize) -> Subscription<T> {
        let queue = Arc::new(Queue::new(kinds, capacity.max(1)));
        let mut readers = self.lock();
        // What is older than the subscription is for the others.
        let mut woken = self.collect(&mut readers);
        readers.queues.push(Arc::clone(&queue));
        self.subscribers.store(readers.queues.len(), Ordering::SeqCst);
        // What came before its emitter saw the new count, which is nobody else's to collect.
        woken.extend(self.collect(&mut readers));
        drop(readers);
        wake(&woken);
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
            insert(&mut readers.history, record);
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
        insert(&mut waiting, record.clone());
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
        let mut readers = self.bus.lock();
        readers.queues.retain(|queue| !Arc::ptr_eq(queue, &self.queue));
        self.bus.subscribers.store(readers.queues.len(), Ordering::Release);
    }
}

/// Puts a record where its number says: emitters number first and push second, so two of them may
/// arrive in reverse.
fn insert<T: Record>(records: &mut VecDeque<T>, record: T) {
    let newer = records.iter().rev().take_while(|old| old.sequence() > record.sequence());
    let at = records.len() - newer.count();
    records.insert(at, record);
}

/// Wakes queues' readers, outside of every lock.
fn wake<T: Record>(queues: &[Arc<Queue<T>>]) {
    queues.iter().for_each(|queue| queue.wake());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::EventKind;

    fn record(sequence: u64) -> Event {
        let mut event = Event::new(EventKind::Retry, &"p".into(), "failure");
        event.stamp(sequence, 0);
        event
    }

    /// A function to wake, and how often it was called.
    fn counting() -> (Arc<dyn Fn() + Send + Sync>, Arc<AtomicUsize>) {
        let calls = Arc::new(AtomicUsize::new(0));
        let own = Arc::clone(&calls);
        let wake = move || {
            own.fetch_add(1, Ordering::Relaxed);
        };
        (Arc::new(wake), calls)
    }

    #[test]
    fn a_new_subscriber_wakes_those_whose_records_it_collects() {
        let bus: Arc<Bus<Event>> = Arc::default();
        let reader = bus.subscribe(u64::MAX, 10);
        let (wake, calls) = counting();
        reader.set_wake(Some(wake));
        // As an emitter does that is interrupted before it collects.
        bus.ring.force_push(record(1));

        let other = bus.subscribe(u64::MAX, 10);

        assert_eq!(calls.load(Ordering::Relaxed), 1);
        assert_eq!(reader.poll(10, Duration::ZERO).len(), 1);
        assert_eq!(other.poll(10, Duration::ZERO).len(), 0, "older than the subscription");
    }

    #[test]
    fn a_wake_up_that_comes_after_records_is_called_at_once() {
        let bus: Arc<Bus<Event>> = Arc::default();
        let reader = bus.subscribe(u64::MAX, 10);
        let (idle, never) = counting();
        reader.set_wake(Some(idle));
        reader.set_wake(None);
        bus.emit(record(0));
        let (wake, calls) = counting();

        reader.set_wake(Some(wake));

        assert_eq!(calls.load(Ordering::Relaxed), 1);
        assert_eq!(never.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn records_that_arrive_in_reverse_are_read_by_their_numbers() {
        let bus: Arc<Bus<Event>> = Arc::default();
        let reader = bus.subscribe(u64::MAX, 2);
        // Emitters number first and push second.
        for sequence in [3, 2, 4] {
            bus.ring.force_push(record(sequence));
        }

        assert_eq!(bus.recent(10).len(), 3);

        let read = reader.poll(10, Duration::ZERO);
        assert_eq!(read.iter().map(Record::sequence).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(reader.dropped(), 1);
    }
}
