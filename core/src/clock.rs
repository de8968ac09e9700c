//! The only reader of time, and the only place where a thread waits for it.
//!
//! Everything else takes `now` in nanoseconds, so that a test moves time by hand and a wall-clock
//! jump changes nothing. The system clock counts processor ticks (quanta): a plain clock read costs
//! as much as a whole pick.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

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
    /// Guards nothing but the wake-up: waiters check `now` again under it.
    gate: Mutex<()>,
    moved: Condvar,
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
            gate: Mutex::new(()),
            moved: Condvar::new(),
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
        manual.move_to(manual.now.load(Ordering::Acquire).saturating_add(by));
        true
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

    /// Completes at `deadline`.
    #[cfg(feature = "runtime")]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that sleeps")]
    pub async fn sleep_until_async(&self, deadline: Nanos) {
        match &self.kind {
            Kind::System { .. } => loop {
                let left = deadline.saturating_sub(self.now());
                if left == 0 {
                    return;
                }
                tokio::time::sleep(Duration::from_nanos(left)).await;
            },
            Kind::Manual(manual) => manual.sleep_until(deadline).await,
        }
    }
}

impl Manual {
    fn move_to(&self, to: Nanos) {
        let guard = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        // Release pairs with the Acquire of `now`: who sees the new time sees what led to it.
        self.now.fetch_max(to, Ordering::Release);
        drop(guard);
        self.moved.notify_all();
        #[cfg(feature = "runtime")]
        self.moved_async.notify_waiters();
    }

    fn wait_until(&self, deadline: Nanos, is_done: &dyn Fn() -> bool) {
        if self.auto_advance {
            self.move_to(deadline);
        }
        let mut guard = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        while self.now.load(Ordering::Acquire) < deadline && !is_done() {
            let waited = self.moved.wait_timeout(guard, SLICE);
            guard = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    #[cfg(feature = "runtime")]
    async fn sleep_until(&self, deadline: Nanos) {
        loop {
            let moved = self.moved_async.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            if self.now.load(Ordering::Acquire) >= deadline {
                return;
            }
            moved.await;
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
    fn waiting_on_an_auto_advancing_clock_moves_it_there() {
        let clock = Clock::manual(true);

        clock.wait_until(5_000, &|| false);

        assert_eq!(clock.now(), 5_000);
    }
}
