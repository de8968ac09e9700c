//! The only source of randomness: small, seeded, and the same on every machine.
//!
//! SplitMix64 (Steele, Lea, Flood 2014, <https://doi.org/10.1145/2660193.2660195>) passes BigCrush,
//! holds one word and needs no warm-up, so each call can own a generator of its own. Who draws what
//! is fixed (one draw for a random pick, two for power-of-two choices), hence the same seed, clock
//! and inputs give the same picks in every language.

use crate::clock::Nanos;

/// A stream of 64-bit draws.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// Makes the stream of `seed` for one purpose and one ordinal.
    ///
    /// Streams of different purposes or ordinals are independent: each word is mixed in.
    #[must_use]
    #[inline]
    pub const fn new(seed: u64, purpose: u64, ordinal: u64) -> Self {
        // Two parts, so that a processor mixes seed and purpose before it knows the ordinal.
        let state =
            mix(seed ^ mix(purpose.wrapping_add(GOLDEN))) ^ mix(ordinal.wrapping_add(GOLDEN));
        Self { state }
    }

    /// The next draw, uniform over all 64-bit numbers.
    pub const fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// A number below `bound` by one draw (0 for a bound of 0), and what is left of the draw.
    ///
    /// The rest is uniform too and serves a second, rarer choice without a second draw.
    pub const fn below(&mut self, bound: u64) -> (u64, u64) {
        scale(self.draw(), bound)
    }

    /// Moves `time` by up to `share` (0 to 1) of it in either direction, uniformly; no draw when that
    /// is nothing.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a time's jitter needs no more than 52 bits"
    )]
    pub fn jitter(&mut self, time: Nanos, share: f64) -> Nanos {
        let swing = ((time as f64 * share.clamp(0.0, 1.0)) as u64).min(time);
        if swing == 0 {
            return time;
        }
        let width = swing.saturating_mul(2).saturating_add(1);
        (time - swing).saturating_add(self.below(width).0)
    }
}

/// Maps a draw to `0..bound` without division (Lemire 2019, <https://arxiv.org/abs/1805.10941>).
///
/// Returns the number and the unused fraction.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "the halves of a 128-bit product")]
pub const fn scale(draw: u64, bound: u64) -> (u64, u64) {
    let product = draw as u128 * bound as u128;
    ((product >> 64) as u64, product as u64)
}

/// Mixes one word so that each input bit moves every output bit.
#[must_use]
pub const fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// Hashes text to a stable 64-bit number: the same in every release, process and language.
#[must_use]
pub const fn hash(text: &[u8], seed: u64) -> u64 {
    let mut state = mix(seed ^ text.len() as u64);
    let mut rest = text;
    while let Some((word, tail)) = rest.split_first_chunk::<8>() {
        state = mix(state ^ u64::from_le_bytes(*word)).wrapping_add(GOLDEN);
        rest = tail;
    }
    let mut last = 0;
    let mut shift = 0;
    while let Some((byte, tail)) = rest.split_first() {
        last |= (*byte as u64) << shift;
        shift += 8;
        rest = tail;
    }
    mix(state ^ last)
}

/// 2⁶⁴ divided by the golden ratio: the increment that SplitMix64 uses.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_draws() {
        let mut one = Rng::new(7, 1, 2);
        let mut two = Rng::new(7, 1, 2);

        assert_eq!([one.draw(), one.draw()], [two.draw(), two.draw()]);
        assert_ne!(Rng::new(7, 1, 3).draw(), Rng::new(7, 1, 2).draw());
    }

    #[test]
    fn jitter_stays_within_its_share_and_reaches_both_ends() {
        let mut rng = Rng::new(1, 0, 0);

        let moved: Vec<u64> = (0..1_000).map(|_| rng.jitter(10, 0.2)).collect();

        assert_eq!(moved.iter().min(), Some(&8));
        assert_eq!(moved.iter().max(), Some(&12));
    }

    #[test]
    fn jitter_of_nothing_draws_nothing() {
        let mut rng = Rng::new(1, 0, 0);

        assert_eq!([rng.jitter(10, 0.0), rng.jitter(0, 0.5), rng.jitter(1, 0.5)], [10, 0, 1]);

        assert_eq!(rng.draw(), Rng::new(1, 0, 0).draw());
    }

    #[test]
    fn jitter_of_the_longest_time_does_not_wrap() {
        let mut rng = Rng::new(1, 0, 0);

        assert!((0..1_000).all(|_| rng.jitter(u64::MAX, 0.5) >= u64::MAX / 2));
        assert!(rng.jitter(u64::MAX, f64::NAN) == u64::MAX);
    }

    #[test]
    fn scaling_keeps_every_number_below_its_bound_equally_likely() {
        let mut rng = Rng::new(1, 0, 0);
        let mut seen = [0_u32; 7];
        for _ in 0..70_000 {
            seen[usize::try_from(rng.below(7).0).unwrap()] += 1;
        }

        assert!(seen.iter().all(|count| (9_600..10_400).contains(count)), "{seen:?}");
        assert_eq!(scale(u64::MAX, 5).0, 4);
        assert_eq!(scale(u64::MAX, 0).0, 0);
    }
}
