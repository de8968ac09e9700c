//! At random, by one draw whatever is eligible; and two distinct ones for power-of-two choices.
//!
//! The draw's integer part chooses among all entries; where that one isn't eligible, the unused
//! fraction chooses among those that are. Exact, and no rejection loop.

use super::round_robin::nth;
use crate::rng::{Rng, scale};

/// One eligible entry, uniformly.
#[inline]
pub(crate) fn one(entries: &[u32], draw: u64, fits: impl Fn(u32) -> bool) -> Option<u32> {
    let (place, rest) = scale(draw, entries.len() as u64);
    let entry = *entries.get(usize::try_from(place).unwrap_or(0))?;
    if fits(entry) { Some(entry) } else { among_eligible(entries, rest, fits) }
}

/// Two distinct eligible entries, or twice the only one.
///
/// After Mitzenmacher, "The power of two choices in randomized load balancing" (2001).
#[inline]
pub(crate) fn two(
    entries: &[u32],
    rng: &mut Rng,
    fits: impl Fn(u32) -> bool,
) -> Option<(u32, u32)> {
    let first = one(entries, rng.draw(), &fits)?;
    let others = (entries.len() as u64).saturating_sub(1);
    let (place, rest) = scale(rng.draw(), others);
    let place = usize::try_from(place).unwrap_or(0);
    // Entries are in ascending order where this is used, so the first one's place is found so.
    let skipped = entries.partition_point(|entry| *entry < first);
    let second = entries.get(place + usize::from(place >= skipped)).copied();
    let is_other = |entry: u32| entry != first && fits(entry);
    match second {
        Some(second) if is_other(second) => Some((first, second)),
        _ => Some((first, among_eligible(entries, rest, is_other).unwrap_or(first))),
    }
}

#[cold]
fn among_eligible(entries: &[u32], fraction: u64, fits: impl Fn(u32) -> bool) -> Option<u32> {
    let eligible = entries.iter().filter(|entry| fits(**entry)).count() as u64;
    nth(entries, scale(fraction, eligible).0, fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_eligible_entry_is_as_likely() {
        let mut rng = Rng::new(3, 0, 0);
        let mut seen = [0_u32; 5];
        for _ in 0..40_000 {
            let entry = one(&[0, 1, 2, 3, 4], rng.draw(), |entry| entry != 1).unwrap();
            seen[entry as usize] += 1;
        }

        assert_eq!(seen[1], 0);
        for share in [seen[0], seen[2], seen[3], seen[4]] {
            assert!((9_500..10_500).contains(&share), "{seen:?}");
        }
    }

    #[test]
    fn two_choices_are_distinct_while_there_are_two() {
        let mut rng = Rng::new(4, 0, 0);
        for _ in 0..1_000 {
            let (first, second) = two(&[0, 1, 2, 3], &mut rng, |entry| entry != 0).unwrap();
            assert!(first != second && first != 0 && second != 0);
        }
        assert_eq!(two(&[7], &mut rng, |_| true), Some((7, 7)));
    }
}
