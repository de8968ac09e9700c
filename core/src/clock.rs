//! The only reader of time, and the only place where a thread waits for it.
//!
//! Everything else takes `now` in nanoseconds, so that a test moves time by hand and a wall-clock
//! jump changes nothing. The system clock counts processor ticks (quanta): a plain clock read costs
//! as much as a whole pick. Ticks that begin anew while the machine sleeps, which some firmware lets
//! happen, take the time back to 0 until they have caught up; whoever waits waits for that long.

use std::sync::Arc;
use std::thread::Thread;
use std::time::Duration;

use crate::lock::{self, Lock};
use crate::sync::{AtomicU64, Ordering};

/// Nanoseconds since the clock was made.
pub type Nanos = u64;

/// A source of monotonic time: the machine's, or one that a test advances.
#[derive(Clone, Debug)]
pub struct Clock {
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    System { ticks: quanta::Clock, start: u64 },
    Manual(Arc<Manual>),
}

/// The hand-moved time and those who wait for it.
#[derive(Debug)]
struct Manual {
    now: AtomicU64,
    auto_advance: bool,
    moved: Waiters,
    #[cfg(feature = "runtime")]
    moved_async: tokio::sync::Notify,
}

impl Clock {
    /// Makes the machine's clock. The first one calibrates, which takes up to some milliseconds.
    #[must_use]
    pub fn system() -> Self {
        let ticks = quanta::Clock::new();
        let start = ticks.raw();
        Self { kind: Kind::System { ticks, start } }
    }

    /// Makes a clock that stands at 0 until [`advance`](Self::advance) moves it.
    ///
    /// With `auto_advance` a waiting thread moves it itself, so that a test with a single thread
    /// doesn't hang in a back-off.
    #[must_use]
    pub fn manual(auto_advance: bool) -> Self {
        let manual = Manual {
            now: AtomicU64::new(0),
            auto_advance,
            moved: Waiters::new(),
            #[cfg(feature = "runtime")]
            moved_async: tokio::sync::Notify::new(),
        };
        Self { kind: Kind::Manual(Arc::new(manual)) }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Nanos {
        match &self.kind {
            Kind::System { ticks, start } => ticks.delta_as_nanos(*start, ticks.raw()),
            Kind::Manual(manual) => manual.now.load(Ordering::Acquire),
        }
    }

    /// True for a clock that only [`advance`](Self::advance) moves.
    #[must_use]
    pub const fn is_manual(&self) -> bool {
        matches!(self.kind, Kind::Manual(_))
    }

    /// Moves a manual clock forward and wakes who waited for it. False for a system clock.
    #[must_use]
    pub fn advance(&self, by: Duration) -> bool {
        let Kind::Manual(manual) = &self.kind else { return false };
        let by = nanos(by);
        let later = |now: Nanos| Some(now.saturating_add(by));
        // Release as in `move_to`. It refuses nothing.
        let _ = manual.now.fetch_update(Ordering::Release, Ordering::Relaxed, later);
        manual.wake();
        true
    }

    /// Has everybody who waits on a manual clock ask again whether that is still wanted. Who waits
    /// on the machine's does so by itself.
    pub fn wake(&self) {
        if let Kind::Manual(manual) = &self.kind {
            manual.wake();
        }
    }

    /// Blocks the calling thread until `deadline`, or until `is_done` says so.
    ///
    /// `is_done` is asked at least every 50 ms of real time, so that a closed manager ends waits.
    pub fn wait_until(&self, deadline: Nanos, is_done: &dyn Fn() -> bool) {
        match &self.kind {
            Kind::System { .. } => self.sleep_until(deadline, is_done),
            Kind::Manual(manual) => manual.wait_until(deadline, is_done),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that sleeps")]
    fn sleep_until(&self, deadline: Nanos, is_done: &dyn Fn() -> bool) {
        while !is_done() {
            let left = deadline.saturating_sub(self.now());
            if left == 0 {
                return;
            }
            std::thread::sleep(Duration::from_nanos(left).min(SLICE));
        }
    }

    /// Completes at `deadline`, which a manual clock reaches by [`advance`](Self::advance) alone.
    #[cfg(feature = "runtime")]
    pub async fn sleep_until_async(&self, deadline: Nanos) {
        self.sleep_in_slices(deadline, Duration::MAX, || false).await;
    }

    /// As [`wait_until`](Self::wait_until), without blocking the thread.
    #[cfg(feature = "runtime")]
    pub async fn wait_until_async(&self, deadline: Nanos, is_done: impl Fn() -> bool) {
        if let Kind::Manual(manual) = &self.kind
            && manual.auto_advance
        {
            manual.move_to(deadline);
        }
        self.sleep_in_slices(deadline, SLICE, is_done).await;
    }

    #[cfg(feature = "runtime")]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that sleeps")]
    async fn sleep_in_slices(&self, deadline: Nanos, slice: Duration, is_done: impl Fn() -> bool) {
        match &self.kind {
            Kind::System { .. } => {
                while !is_done() {
                    let left = deadline.saturating_sub(self.now());
                    if left == 0 {
                        return;
                    }
                    tokio::time::sleep(Duration::from_nanos(left).min(slice)).await;
                }
            }
            Kind::Manual(manual) => manual.sleep_until(deadline, is_done).await,
        }
    }
}

impl Manual {
    fn move_to(&self, to: Nanos) {
        // Release pairs with the Acquire of `now`: who sees the new time sees what led to it.
        self.now.fetch_max(to, Ordering::Release);
        self.wake();
    }

    fn wake(&self) {
        // What wakes tasks has a lock of its own, which no child may find taken.
        let _busy = lock::busy();
        self.moved.wake();
        #[cfg(feature = "runtime")]
        self.moved_async.notify_waiters();
    }

    fn wait_until(&self, deadline: Nanos, is_done: &dyn Fn() -> bool) {
        if self.auto_advance {
            self.move_to(deadline);
        }
        let is_over = || self.now.load(Ordering::Acquire) >= deadline || is_done();
        while !is_over() {
            self.moved.wait(SLICE, &is_over);
        }
    }

    #[cfg(feature = "runtime")]
    async fn sleep_until(&self, deadline: Nanos, is_done: impl Fn() -> bool) {
        loop {
            let moved = self.moved_async.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            if self.now.load(Ordering::Acquire) >= deadline || is_done() {
                return;
            }
            moved.await;
        }
    }
}

/// Blocks the calling thread until `is_done`, for up to `timeout` of real time; true if it was done.
///
/// For what ends without telling anybody, and in its own time also under a manual clock.
pub fn wait_for(timeout: Duration, is_done: &dyn Fn() -> bool) -> bool {
    let clock = Clock::system();
    let deadline = clock.now().saturating_add(nanos(timeout));
    while !is_done() {
        let now = clock.now();
        if now >= deadline {
            return false;
        }
        clock.sleep_until(deadline.min(now.saturating_add(POLL)), is_done);
    }
    true
}

/// Threads that wait for something to change.
///
/// In place of a condition variable, whose mutex is taken again where a fork doesn't see it.
#[derive(Debug, Default)]
pub struct Waiters {
    /// Guards the list of those who wait.
    threads: Lock<Vec<Thread>>,
}

impl Waiters {
    /// Makes a list without waiters.
    #[must_use]
    pub const fn new() -> Self {
        Self { threads: Lock::new(Vec::new()) }
    }

    /// Blocks the calling thread until `is_over` says so, up to `timeout` of real time.
    ///
    /// `is_over` is asked after each [`wake`](Self::wake), without any lock held.
    pub fn wait(&self, timeout: Duration, is_over: &dyn Fn() -> bool) {
        let clock = Clock::system();
        let deadline = clock.now().saturating_add(nanos(timeout));
        // First on the list, then the question: whoever changes the answer after it finds us.
        let _waiting = self.enter();
        while !is_over() {
            let left = deadline.saturating_sub(clock.now());
            if left == 0 {
                return;
            }
            std::thread::park_timeout(Duration::from_nanos(left));
        }
    }

    /// Has everybody who waits ask again.
    pub fn wake(&self) {
        self.threads.lock().iter().for_each(Thread::unpark);
    }

    fn enter(&self) -> Waiting<'_> {
        let own = std::thread::current();
        self.threads.lock().push(own.clone());
        Waiting { list: self, own }
    }
}

/// A place on the list, given up also on panic.
struct Waiting<'a> {
    list: &'a Waiters,
    own: Thread,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut threads = self.list.threads.lock();
        if let Some(place) = threads.iter().position(|other| other.id() == self.own.id()) {
            threads.swap_remove(place);
        }
    }
}

/// Whole nanoseconds of a duration; what doesn't fit becomes the largest number.
#[must_use]
pub fn nanos(duration: Duration) -> Nanos {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Wall time in nanoseconds since 1970, for event and log records only.
#[must_use]
pub fn wall_nanos() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, nanos)
}

/// How often it is looked at what ends without telling anybody.
const POLL: Nanos = 2_000_000;

/// How long a blocking wait goes on before it looks whether it is still wanted.
const SLICE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_stands_until_it_is_advanced() {
        let clock = Clock::manual(false);

        assert_eq!(clock.now(), 0);
        assert!(clock.advance(Duration::from_millis(3)));
        assert_eq!(clock.now(), 3_000_000);
        assert!(!Clock::system().advance(Duration::from_secs(1)));
    }

    #[test]
    fn what_several_threads_advance_adds_up() {
        let clock = Clock::manual(false);

        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    (0..20_000).for_each(|_| assert!(clock.advance(Duration::from_nanos(1))))
                });
            }
        });

        assert_eq!(clock.now(), 80_000);
        assert!(clock.advance(Duration::MAX));
        assert_eq!(clock.now(), u64::MAX);
    }

    #[test]
    fn who_waits_is_woken_by_a_change_and_leaves_the_list() {
        let (waiters, is_over) = (Waiters::new(), AtomicU64::new(0));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                waiters.wait(Duration::from_secs(60), &|| is_over.load(Ordering::Acquire) == 1);
            });
            // Also a wake-up that changes nothing, and one that comes before the thread waits.
            waiters.wake();
            is_over.store(1, Ordering::Release);
            waiters.wake();
            waiting.join().expect("it ends long before its time");
        });

        assert!(waiters.threads.lock().is_empty());
    }

    #[test]
    fn a_wait_for_nothing_ends_with_its_time() {
        let waiters = Waiters::new();

        waiters.wait(Duration::from_millis(1), &|| false);
        waiters.wait(Duration::ZERO, &|| false);

        assert!(waiters.threads.lock().is_empty());
    }

    #[test]
    fn waiting_on_an_auto_advancing_clock_moves_it_there() {
        let clock = Clock::manual(true);

        clock.wait_until(5_000, &|| false);

        assert_eq!(clock.now(), 5_000);
    }
}
