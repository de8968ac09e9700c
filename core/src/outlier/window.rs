//! Outcomes of the last ten seconds, a bucket a second, each in one word.
//!
//! Each thread stripe has buckets of its own; a rate is only looked at when an outcome was bad, so
//! merging costs nothing while all is well. A bucket carries the breaker's generation beside its
//! time: a breaker that closes begins a new generation, and so with an empty window, without
//! anybody writing into other threads' buckets.

use crate::clock::Nanos;
use crate::endpoint::Flow;
use crate::stats::{Mine, Stripes};
use crate::sync::{AtomicU64, Ordering};

/// Outcomes in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) all: u32,
    pub(crate) bad: u32,
    pub(crate) slow: u32,
}

/// Counts one outcome of the present second, under the breaker's generation.
#[inline]
pub(crate) fn record(
    flow: &Mine<'_, Flow>,
    (now, generation): (Nanos, u32),
    is_bad: bool,
    is_slow: bool,
) {
    let second = now / SECOND;
    let bucket = &flow.window[usize::try_from(second % SECONDS).unwrap_or(0)];
    let stamp = stamp(second / SECONDS, generation);
    let one = 1 | u64::from(is_bad) << COUNT_BITS | u64::from(is_slow) << (2 * COUNT_BITS);
    let next = |word: u64| {
        let base = if word & STAMP == stamp { word } else { stamp };
        one + if base & COUNT_MASK == COUNT_MASK { halved(base) } else { base }
    };
    let word = bucket.load(Ordering::Relaxed);
    if flow.is_alone {
        bucket.store(next(word), Ordering::Relaxed);
    } else {
        add_among_others(bucket, word, next);
    }
}

fn add_among_others(bucket: &AtomicU64, mut word: u64, next: impl Fn(u64) -> u64) {
    while let Err(seen) =
        bucket.compare_exchange_weak(word, next(word), Ordering::Relaxed, Ordering::Relaxed)
    {
        word = seen;
    }
}

/// The outcomes of the ten seconds that end with `now`, under the breaker's generation.
pub(crate) fn seen(flow: &Stripes<Flow>, now: Nanos, generation: u32) -> Seen {
    let second = now / SECOND;
    let mut seen = Seen::default();
    for flow in flow.iter() {
        for (place, word) in (0..SECONDS).zip(&flow.window) {
            let word = word.load(Ordering::Relaxed);
            // The last ten seconds with this bucket's place: this round, or the one before.
            let is_ahead = place > second % SECONDS;
            let round = (second / SECONDS).wrapping_sub(u64::from(is_ahead));
            if word & STAMP != stamp(round, generation) {
                continue;
            }
            seen.all += count(word);
            seen.bad += count(word >> COUNT_BITS);
            seen.slow += count(word >> (2 * COUNT_BITS));
        }
    }
    seen
}

/// A full bucket keeps its shares, and goes on counting.
fn halved(word: u64) -> u64 {
    let half = |shift: u32| ((word >> shift & COUNT_MASK) / 2) << shift;
    word & STAMP | half(0) | half(COUNT_BITS) | half(2 * COUNT_BITS)
}

/// Tells a bucket from those of other rounds and generations.
const fn stamp(round: u64, generation: u32) -> u64 {
    ((round & ROUND_MASK) << GENERATION_BITS | generation as u64 & GENERATION_MASK)
        << (3 * COUNT_BITS)
}

const fn count(word: u64) -> u32 {
    (word & COUNT_MASK) as u32
}

const SECOND: Nanos = 1_000_000_000;
/// Seconds in a window, and in one round of its buckets.
const SECONDS: u64 = 10;
const COUNT_BITS: u32 = 14;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;
const GENERATION_BITS: u32 = 8;
const GENERATION_MASK: u64 = (1 << GENERATION_BITS) - 1;
/// Fourteen bits of rounds: a bucket is told apart from those of the last 45 hours.
const ROUND_MASK: u64 = (1 << 14) - 1;
const STAMP: u64 = !((1 << (3 * COUNT_BITS)) - 1);

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::stats::Stripe;

    #[test]
    fn an_outcome_counts_for_ten_seconds() {
        let flow = Stripes::<Flow>::new(1);
        record(&flow.of(Stripe::mine()), (3 * SECOND, 1), true, false);

        for (second, expected) in [(3, 1), (9, 1), (12, 1), (13, 0), (103, 0)] {
            assert_eq!(seen(&flow, second * SECOND, 1).bad, expected, "second {second}");
        }
    }

    #[test]
    fn a_new_generation_begins_with_an_empty_window() {
        let flow = Stripes::<Flow>::new(1);
        record(&flow.of(Stripe::mine()), (SECOND, 1), true, true);

        assert_eq!(seen(&flow, SECOND, 2), Seen::default());
        assert_eq!(seen(&flow, SECOND, 1), Seen { all: 1, bad: 1, slow: 1 });
    }

    #[test]
    fn a_full_bucket_keeps_its_shares() {
        let flow = Stripes::<Flow>::new(1);
        for number in 0..100_000 {
            record(&flow.of(Stripe::mine()), (SECOND, 1), number % 4 == 0, false);
        }

        let seen = seen(&flow, SECOND, 1);
        let share = f64::from(seen.bad) / f64::from(seen.all);
        assert!((share - 0.25).abs() < 0.01, "{seen:?}");
    }
}
