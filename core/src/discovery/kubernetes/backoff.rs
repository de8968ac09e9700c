//! The wait before an API server is tried again: doubling, capped, moved a little at random.
//!
//! The cap is low in the first minute, in which nearly all restarts end, so that a change is seen
//! within seconds of the return and yet a dozen tries cover half a minute. What doesn't come back
//! soon is asked twice a minute. It differs from the wait of other providers in exactly that.

use crate::clock::Nanos;
use crate::rng::{Rng, scale};

/// The waits of one series of failures.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    failures: u32,
    /// When the first of them was.
    since: Nanos,
    rng: Rng,
}

impl Backoff {
    /// Makes waits that `rng` moves.
    pub(super) const fn new(rng: Rng) -> Self {
        Self { failures: 0, since: 0, rng }
    }

    /// The wait after one more failure at `now`.
    pub(super) fn next(&mut self, now: Nanos) -> Nanos {
        if self.failures == 0 {
            self.since = now;
        }
        let cap = match now.saturating_sub(self.since) < FIRST_MINUTE {
            true => SOON,
            false => LATE,
        };
        let ceiling = FIRST.saturating_mul(1 << self.failures.min(32)).min(cap);
        self.failures = self.failures.saturating_add(1);
        ceiling - scale(self.rng.draw(), ceiling / SWING + 1).0
    }

    /// Begins afresh: it can be reached again.
    pub(super) const fn reset(&mut self) {
        self.failures = 0;
    }
}

const SECOND: Nanos = 1_000_000_000;

/// Long enough for a connection that a load balancer cut, short enough not to be noticed.
const FIRST: Nanos = SECOND / 5;

/// How long an outage is taken for a restart.
const FIRST_MINUTE: Nanos = 60 * SECOND;

/// The longest wait in the first minute: the return is seen within it.
const SOON: Nanos = 5 * SECOND;

/// The longest wait after that.
const LATE: Nanos = 30 * SECOND;

/// A tenth of each wait is drawn, so that a fleet doesn't come back in step.
const SWING: Nanos = 10;

#[cfg(test)]
mod tests {
    use super::*;

    /// The times of the tries within `length` of an outage that begins at 0 with a first try.
    fn tries(seed: u64, length: Nanos) -> Vec<Nanos> {
        let mut backoff = Backoff::new(Rng::new(seed, 1, 2));
        let mut at = vec![0];
        while let Some(now) = at.last().copied().filter(|now| *now <= length) {
            at.push(now + backoff.next(now));
        }
        at.pop();
        at
    }

    #[test]
    fn a_dozen_tries_cover_half_a_minute_and_none_is_far_from_the_next() {
        for seed in 0..200 {
            let at = tries(seed, 30 * SECOND);

            assert!(at.len() <= 12, "seed {seed}: {at:?}");
            let gaps = at.windows(2).map(|pair| pair[1] - pair[0]);
            assert!(gaps.max() <= Some(SOON), "seed {seed}: {at:?}");
        }
    }

    #[test]
    fn waits_grow_also_after_the_first_minute_and_begin_afresh_after_success() {
        let mut backoff = Backoff::new(Rng::new(7, 1, 2));
        assert!(backoff.next(0) <= FIRST);

        let late: Vec<Nanos> = (0..9).map(|_| backoff.next(FIRST_MINUTE)).collect();
        assert!(late.windows(2).take(6).all(|pair| pair[0] < pair[1]), "{late:?}");
        assert!((LATE * 9 / 10..=LATE).contains(&late[8]), "{late:?}");

        backoff.reset();
        assert!(backoff.next(10 * FIRST_MINUTE) <= FIRST);
    }
}
