//! Outcomes of the last ten seconds, a bucket a second, each in one word.
//!
//! Each thread stripe has buckets of its own; a rate is only looked at when an outcome was bad, so
//! merging costs nothing while all is well.

use crate::clock::Nanos;
use crate::endpoint::Flow;
use crate::stats::Stripes;
use crate::sync::{AtomicU64, Ordering};

/// Outcomes in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) all: u32,
    pub(crate) bad: u32,
    pub(crate) slow: u32,
}

/// Counts one outcome of second `now`.
#[inline]
pub(crate) fn record(window: &[AtomicU64; 10], now: Nanos, is_bad: bool, is_slow: bool) {
    let second = now / SECOND;
    let bucket = &window[usize::try_from(second % 10).unwrap_or(0)];
    let stamp = second & STAMP_MASK;
    let one = 1 | u64::from(is_bad) << COUNT_BITS | u64::from(is_slow) << (2 * COUNT_BITS);
    let mut word = bucket.load(Ordering::Relaxed);
    loop {
        let fresh = stamp << (3 * COUNT_BITS);
        let base = if word >> (3 * COUNT_BITS) == stamp { word } else { fresh };
        // Full: 65,535 outcomes of one second and thread say all there is to say.
        if base & COUNT_MASK == COUNT_MASK {
            return;
        }
        let swapped =
            bucket.compare_exchange_weak(word, base + one, Ordering::Relaxed, Ordering::Relaxed);
        match swapped {
            Ok(_) => return,
            Err(now) => word = now,
        }
    }
}

/// The outcomes of the ten seconds that end with `now`.
pub(crate) fn seen(flow: &Stripes<Flow>, now: Nanos) -> Seen {
    let second = now / SECOND;
    let mut seen = Seen::default();
    for word in flow.iter().flat_map(|flow| &flow.window).map(|word| word.load(Ordering::Relaxed)) {
        let age = (second & STAMP_MASK).wrapping_sub(word >> (3 * COUNT_BITS)) & STAMP_MASK;
        if word & COUNT_MASK == 0 || age >= 10 {
            continue;
        }
        seen.all += count(word);
        seen.bad += count(word >> COUNT_BITS);
        seen.slow += count(word >> (2 * COUNT_BITS));
    }
    seen
}

/// Forgets everything.
pub(crate) fn clear(flow: &Stripes<Flow>) {
    for word in flow.iter().flat_map(|flow| &flow.window) {
        word.store(0, Ordering::Relaxed);
    }
}

const fn count(word: u64) -> u32 {
    (word & COUNT_MASK) as u32
}

const SECOND: Nanos = 1_000_000_000;
const COUNT_BITS: u32 = 16;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;
/// Sixteen bits of seconds: a bucket is told apart from those 18 hours ago.
const STAMP_MASK: u64 = (1 << 16) - 1;
