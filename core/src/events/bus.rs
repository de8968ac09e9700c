//! Bounded fan-out of events and log records, which counts what it drops.
//!
//! Who emits pushes into a lock-free ring that was allocated beforehand, so a failing call never
//! waits for a slow reader. The ring is emptied into history and subscribers' queues by whoever
//! reads; only while somebody subscribes does the emitter do that too, to wake him.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crossbeam_queue::ArrayQueue;

use super::record::Record;
use super::subscription::{Queue, Subscription, insert};
use crate::clock::wall_nanos;
use crate::lock::{self, Held, Lock};

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

    /// Takes a queue off the list.
    pub(super) fn unsubscribe(&self, gone: &Arc<Queue<T>>) {
        let mut readers = self.lock();
        readers.queues.retain(|queue| !Arc::ptr_eq(queue, gone));
        self.subscribers.store(readers.queues.len(), Ordering::Release);
    }

    /// Empties the ring, as far as it can be full: those who go on emitting meanwhile must not keep the
    /// reader here. Returns the queues that were empty and aren't any more.
    fn collect(&self, readers: &mut Readers<T>) -> Vec<Arc<Queue<T>>> {
        let mut woken = Vec::new();
        for _ in 0..Self::HISTORY {
            let Some(record) = self.ring.pop() else { break };
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

/// Wakes queues' readers, outside of every lock.
fn wake<T: Record>(queues: &[Arc<Queue<T>>]) {
    queues.iter().for_each(|queue| queue.wake());
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::events::{Event, EventKind};

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
