//! How latencies are distributed, in a fixed number of counters.
//!
//! Log-linear as in HdrHistogram (<https://hdrhistogram.github.io/HdrHistogram/>): every doubling is
//! cut into the same number of buckets, so the relative error is the same from 1 µs to 1 h. Ours is
//! coarser on purpose: 64 counters of 32 bits are 256 bytes an endpoint.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Counts of latencies by magnitude.
#[derive(Debug)]
pub struct Histogram {
    counts: Box<[AtomicU32]>,
    /// Buckets in a doubling, as a power of two.
    split: u32,
    /// What halving took away.
    forgotten: AtomicU64,
}

impl Histogram {
    /// Makes one of 64 counters (256 bytes); a percentile is exact to a quarter.
    #[must_use]
    pub fn coarse() -> Self {
        Self::with_split(1)
    }

    /// Makes one of 256 counters (1 KB); a percentile is exact to a sixteenth.
    #[must_use]
    pub fn fine() -> Self {
        Self::with_split(3)
    }

    fn with_split(split: u32) -> Self {
        let counts = (0..DOUBLINGS << split).map(|_| AtomicU32::new(0)).collect();
        Self { counts, split, forgotten: AtomicU64::new(0) }
    }

    /// Counts one latency, from any thread.
    pub fn record(&self, nanos: u64) {
        let count = &self.counts[self.bucket(nanos)];
        if count.fetch_add(1, Ordering::Relaxed) >= HALF_FULL {
            self.halve();
        }
    }

    /// Counts one latency, from the only thread that counts: no locked instruction.
    #[inline]
    pub fn record_alone(&self, nanos: u64) {
        let count = &self.counts[self.bucket(nanos)];
        let old = count.load(Ordering::Relaxed);
        count.store(old.wrapping_add(1), Ordering::Relaxed);
        if old >= HALF_FULL {
            self.halve();
        }
    }

    /// How many latencies were ever counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        let counts = self.counts.iter().map(|count| u64::from(count.load(Ordering::Relaxed)));
        counts.sum::<u64>() + self.forgotten.load(Ordering::Relaxed)
    }

    /// Adds this histogram's counts to `into`, which has as many as this one.
    pub fn merge_into(&self, into: &mut Vec<u64>) {
        into.resize(self.counts.len(), 0);
        for (sum, count) in into.iter_mut().zip(&self.counts) {
            *sum += u64::from(count.load(Ordering::Relaxed));
        }
    }

    /// The latency in nanoseconds below which `share` (0 to 1) of `merged` counts lie; 0 if empty.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "counts stay far below 2^52"
    )]
    pub fn percentile(&self, merged: &[u64], share: f64) -> u64 {
        let total: u64 = merged.iter().sum();
        let wanted = ((total as f64 * share).ceil() as u64).clamp(1, total.max(1));
        let mut seen = 0;
        for (bucket, count) in merged.iter().enumerate() {
            seen += count;
            if seen >= wanted && *count > 0 {
                return self.middle(bucket);
            }
        }
        0
    }

    /// Recent latencies weigh more than those before the counter was half full.
    #[cold]
    fn halve(&self) {
        for count in &self.counts {
            let half = count.load(Ordering::Relaxed) / 2;
            count.fetch_sub(half, Ordering::Relaxed);
            self.forgotten.fetch_add(u64::from(half), Ordering::Relaxed);
        }
    }

    #[inline]
    fn bucket(&self, nanos: u64) -> usize {
        let units = (nanos >> UNIT_BITS).max(1);
        let doubling = 63 - units.leading_zeros();
        let within = ((units << self.split) >> doubling) & ((1 << self.split) - 1);
        let bucket = ((u64::from(doubling)) << self.split) + within;
        usize::try_from(bucket).map_or(self.counts.len() - 1, |at| at.min(self.counts.len() - 1))
    }

    fn middle(&self, bucket: usize) -> u64 {
        let bucket = bucket as u64;
        let doubling = bucket >> self.split;
        let within = bucket & ((1 << self.split) - 1);
        let low = ((1 << self.split) + within) << doubling;
        let width = 1 << doubling;
        (((2 * low + width) << UNIT_BITS) >> self.split) / 2
    }
}

/// The smallest latency told apart is 2¹⁰ ns, about a microsecond.
const UNIT_BITS: u32 = 10;

/// 2³² units of a microsecond are 73 minutes.
const DOUBLINGS: usize = 32;

/// Where counts are halved, long before they could wrap.
const HALF_FULL: u32 = 1 << 31;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_within_the_stated_error() {
        let (coarse, fine) = (Histogram::coarse(), Histogram::fine());
        for millis in 1..=1_000_u64 {
            coarse.record(millis * 1_000_000);
            fine.record(millis * 1_000_000);
        }

        for (histogram, error) in [(coarse, 0.26), (fine, 0.07)] {
            let mut merged = Vec::new();
            histogram.merge_into(&mut merged);
            for share in [0.5, 0.9, 0.99] {
                let got = histogram.percentile(&merged, share) as f64 / 1e6;
                let want = share * 1_000.0;
                assert!((got - want).abs() <= want * error, "p{share}: {got} for {want}");
            }
        }
    }

    #[test]
    fn a_histogram_of_nothing_has_no_percentile() {
        let histogram = Histogram::coarse();

        assert_eq!(histogram.percentile(&[], 0.5), 0);
        histogram.record(u64::MAX);
        histogram.record(0);
    }
}
