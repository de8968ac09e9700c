//! How long an answer is good before its name is asked again.
//!
//! Never shorter than what the records say: a cache on the way would give the same answer with the rest
//! of its time, and be asked again at once. A little longer by chance, so that a fleet which started
//! together doesn't ask in step.

use std::time::Duration;

use crate::clock::{Nanos, nanos};
use crate::rng::Rng;

/// The limits of an answer's time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) min: Nanos,
    pub(super) max: Nanos,
}

impl Limits {
    pub(super) fn new(min: Duration, max: Duration) -> Self {
        Self { min: nanos(min), max: nanos(max) }
    }

    /// How long an answer that holds records for `seconds` is good.
    pub(super) fn of_records(self, seconds: u32, rng: &mut Rng) -> Nanos {
        later(length(seconds).clamp(self.min, self.max), rng)
    }

    /// How long the word that there is nothing is good: it is what one wants to be wrong.
    pub(super) fn of_nothing(self, seconds: Option<u32>, rng: &mut Rng) -> Nanos {
        let most = self.max.min(LONGEST_NOTHING).max(self.min);
        later(seconds.map_or(self.min, length).clamp(self.min, most), rng)
    }
}

/// A record's time; one with the highest bit set counts as none (RFC 2181).
fn length(seconds: u32) -> Nanos {
    i32::try_from(seconds).map_or(0, |_| u64::from(seconds) * SECOND)
}

/// A time moved by up to a tenth of it.
fn later(time: Nanos, rng: &mut Rng) -> Nanos {
    time.saturating_add(rng.below(time / 10 + 1).0)
}

const SECOND: Nanos = 1_000_000_000;

/// Zones may say an hour, for names that nobody waits for.
const LONGEST_NOTHING: Nanos = 30 * SECOND;

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> (Limits, Rng) {
        let limits = Limits::new(Duration::from_secs(5), Duration::from_secs(300));
        (limits, Rng::new(1, 2, 3))
    }

    #[test]
    fn an_answer_is_good_as_long_as_it_says_within_the_limits_and_up_to_a_tenth_longer() {
        let (limits, mut rng) = limits();

        for (seconds, least) in [(0, 5), (4, 5), (60, 60), (301, 300), (u32::MAX, 5)] {
            let times: Vec<u64> = (0..100).map(|_| limits.of_records(seconds, &mut rng)).collect();

            let range = least * SECOND..=least * SECOND * 11 / 10;
            assert!(times.iter().all(|time| range.contains(time)), "{seconds}: {times:?}");
            assert!(times.iter().any(|time| *time != times[0]), "{seconds}: no chance in it");
        }
    }

    #[test]
    fn the_word_that_there_is_nothing_is_good_for_half_a_minute_at_most() {
        let (limits, mut rng) = limits();

        for (seconds, least) in [(None, 5), (Some(0), 5), (Some(20), 20), (Some(3_600), 30)] {
            let time = limits.of_nothing(seconds, &mut rng);
            assert!((least * SECOND..=least * SECOND * 11 / 10).contains(&time), "{seconds:?}");
        }
        let long = Limits::new(Duration::from_secs(60), Duration::from_secs(300));
        assert!(long.of_nothing(Some(1), &mut rng) >= 60 * SECOND);
    }
}
