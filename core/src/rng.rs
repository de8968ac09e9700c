//! The only source of randomness: small, seeded, and the same on every machine.
//!
//! SplitMix64 (Steele, Lea, Flood 2014, <https://doi.org/10.1145/2660193.2660195>) passes BigCrush,
//! holds one word and needs no warm-up, so each call can own a generator of its own. Who draws what
//! is fixed (one draw for a random pick, two for power-of-two choices), hence the same seed, clock
//! and inputs give the same picks in every language.

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
    pub const fn new(seed: u64, purpose: u64, ordinal: u64) -> Self {
        let state = mix(seed ^ mix(purpose ^ mix(ordinal.wrapping_add(GOLDEN))));
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
