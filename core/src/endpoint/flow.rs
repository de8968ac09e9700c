//! What every attempt writes: counts on stripes by thread, and how many are on their way.
//!
//! Nothing here is shared by two threads that both have a stripe. Who compares loads has to read the
//! others' counts, and does so seldom: a glance is kept beside his own.

use super::EndpointState;
use crate::clock::Nanos;
use crate::stats::{Count, Stripe};
use crate::sync::{AtomicU64, Ordering, fence};

/// What every attempt writes. The counts come first: who compares loads reads one cache line.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct Flow {
    pub(crate) started: Count,
    pub(crate) done: Count,
    pub(crate) latency_sum: Count,
    /// What the other stripes had in flight when this one last looked, and when that was.
    others: AtomicU64,
    /// Ten buckets of a second: time, outcomes, bad and slow outcomes in one word each.
    pub(crate) window: [AtomicU64; 10],
}

impl Flow {
    /// Attempts begun here less attempts ended here: below 0 if leases came from elsewhere.
    #[inline]
    fn open(&self) -> i64 {
        self.started.load().wrapping_sub(self.done.load()).cast_signed()
    }

    /// Counts as ended what a forked child can never end.
    pub(super) fn forget_open(&self) {
        self.done.set(self.started.load());
        self.others.store(0, Ordering::Relaxed);
    }
}

impl EndpointState {
    /// Attempts now on their way, over all pools and threads.
    #[must_use]
    #[inline]
    pub fn in_flight(&self) -> u64 {
        // Every end before any beginning: a lease may begin on one stripe and end on another, and one
        // that ends meanwhile counts as in flight, not as -1.
        let done = self.flow.iter().fold(0_u64, |sum, flow| sum.wrapping_add(flow.done.load()));
        // Keeps the two in this order, with the Release of each end: who sees an end sees its beginning,
        // also that on another stripe, since what hands a lease from thread to thread orders its counts.
        fence(Ordering::Acquire);
        let started =
            self.flow.iter().fold(0_u64, |sum, flow| sum.wrapping_add(flow.started.load()));
        let open = started.wrapping_sub(done);
        if open > u64::MAX / 2 { 0 } else { open }
    }

    /// Attempts now on their way as a thread sees them that compares loads: its own as they are, those
    /// of the others as they were at most 66 µs ago.
    ///
    /// Two threads that read each other's counts at every pick wait for each other's cache lines, which
    /// costs three times the pick; a network takes longer to answer than a glance stays good.
    #[inline]
    pub(crate) fn load(&self, stripe: Stripe, now: Nanos) -> u64 {
        let mine = self.flow.of(stripe);
        let (others, seen) = unpack(mine.others.load(Ordering::Relaxed));
        let glance = glance(now);
        if seen != glance {
            return self.look_around(stripe, glance);
        }
        u64::try_from(mine.open().wrapping_add(others)).unwrap_or(0)
    }

    #[cold]
    #[inline(never)]
    fn look_around(&self, stripe: Stripe, glance: u32) -> u64 {
        let all = self.flow.used().fold(0_i64, |sum, flow| sum.wrapping_add(flow.open()));
        let mine = self.flow.of(stripe);
        if mine.is_alone {
            mine.others.store(pack(all.wrapping_sub(mine.open()), glance), Ordering::Relaxed);
        }
        u64::try_from(all).unwrap_or(0)
    }
}

/// A look at the others stays good for so many nanoseconds, as a power of two: 66 µs.
const GLANCE_BITS: u32 = 16;

/// The number of the span of time in which a look at the others stays good; 0 is before the first.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "comes round after three days")]
const fn glance(now: Nanos) -> u32 {
    ((now >> GLANCE_BITS) as u32).wrapping_add(1)
}

fn pack(others: i64, glance: u32) -> u64 {
    let others = i32::try_from(others).unwrap_or(if others < 0 { i32::MIN } else { i32::MAX });
    u64::from(others.cast_unsigned()) << 32 | u64::from(glance)
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the halves of a word")]
const fn unpack(word: u64) -> (i64, u32) {
    (((word >> 32) as u32).cast_signed() as i64, word as u32)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_sees_its_own_attempts_at_once_and_those_of_others_after_a_glance() {
        let state = EndpointState::new(8);
        let begin = || {
            let flow = state.flow.of(Stripe::mine());
            flow.started.add(1, flow.is_alone);
        };
        let elsewhere = || std::thread::scope(|scope| drop(scope.spawn(begin).join()));
        assert_eq!(state.load(Stripe::mine(), 0), 0);

        begin();
        elsewhere();

        let (now, later) = (state.load(Stripe::mine(), 1), state.load(Stripe::mine(), 1 << 20));
        if state.flow.of(Stripe::mine()).is_alone {
            assert_eq!((now, later), (1, 2), "the other's attempt shows with the next glance");
        } else {
            assert_eq!((now, later), (2, 2), "who shares a stripe looks each time");
        }
        assert_eq!(state.in_flight(), 2);
    }

    #[test]
    fn an_attempt_that_ends_on_another_thread_is_no_longer_in_flight() {
        let state = EndpointState::new(8);
        let flow = state.flow.of(Stripe::mine());
        flow.started.add(1, flow.is_alone);
        let end = || {
            let flow = state.flow.of(Stripe::mine());
            flow.done.add(1, flow.is_alone);
        };
        std::thread::scope(|scope| drop(scope.spawn(end).join()));

        assert_eq!(state.load(Stripe::mine(), 1 << 20), 0);
        let seen_by_the_other =
            std::thread::scope(|scope| scope.spawn(|| state.load(Stripe::mine(), 1 << 21)).join());
        assert_eq!(seen_by_the_other.unwrap(), 0);
    }
}
