//! The wait between two tries to reach a provider: doubling, capped, moved at random.
//!
//! Half of each wait is fixed and half is drawn, so that it grows with every failure and a fleet
//! whose registry restarts doesn't come back in step.

use crate::clock::Nanos;
use crate::rng::{Rng, scale};

/// The waits of one provider's failures.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    failures: u32,
    cap: Nanos,
    rng: Rng,
}

impl Backoff {
    /// Makes waits of up to `cap`.
    pub(super) const fn new(cap: Nanos, rng: Rng) -> Self {
        Self { failures: 0, cap, rng }
    }

    /// The wait after one more failure.
    pub(super) fn next(&mut self) -> Nanos {
        let ceiling = FIRST.saturating_mul(1 << self.failures.min(32)).min(self.cap);
        self.failures = self.failures.saturating_add(1);
        ceiling / 2 + scale(self.rng.draw(), ceiling / 2 + 1).0
    }

    /// Begins afresh: it can be reached again.
    pub(super) const fn reset(&mut self) {
        self.failures = 0;
    }
}

/// Long enough for a restarting agent, short enough not to be noticed.
const FIRST: Nanos = 200_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_start_afresh_after_success() {
        let mut backoff = Backoff::new(1_000_000_000, Rng::new(1, 2, 3));

        let waits: Vec<u64> = (0..6).map(|_| backoff.next() / 1_000_000).collect();

        for (wait, ceiling) in waits.iter().zip([200, 400, 800, 1000, 1000, 1000]) {
            assert!((ceiling / 2..=ceiling).contains(wait), "{waits:?}");
        }
        backoff.reset();
        assert!(backoff.next() <= 200_000_000);
    }
}
