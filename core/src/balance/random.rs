//! At random, by one draw whatever is eligible; and two distinct ones for power-of-two choices.
//!
//! The draw's integer part chooses among all entries; where that one isn't eligible, the unused
//! fraction chooses among those that are. Exact, and no rejection loop.

use super::round_robin::nth;
use crate::rng::scale;

/// The entry that a draw falls on, eligible or not.
#[inline]
pub(crate) fn first_of(entries: &[u32], draw: u64) -> Option<u32> {
    let (place, _) = scale(draw, entries.len() as u64);
    entries.get(usize::try_from(place).unwrap_or(0)).copied()
}

/// The two entries that two draws fall on, eligible or not.
///
/// `entries` ascend; with a single one it is returned twice.
#[inline]
pub(crate) fn two_of(entries: &[u32], (one, other): (u64, u64)) -> Option<(u32, u32)> {
    let count = entries.len() as u64;
    let (first, _) = scale(one, count);
    let (second, _) = scale(other, count.saturating_sub(1));
    let second = second + u64::from(second >= first && count > 1);
    let at = |place: u64| entries.get(usize::try_from(place).unwrap_or(0)).copied();
    Some((at(first)?, at(second)?))
}

/// What is left of the second draw of two, as uniform as a draw.
#[inline]
pub(crate) fn rest_of(entries: &[u32], (_, other): (u64, u64)) -> u64 {
    scale(other, (entries.len() as u64).saturating_sub(1)).1
}

/// One eligible entry, uniformly.
pub(crate) fn one(entries: &[u32], draw: u64, fits: impl Fn(u32) -> bool) -> Option<u32> {
    let (place, rest) = scale(draw, entries.len() as u64);
    let entry = *entries.get(usize::try_from(place).unwrap_or(0))?;
    if fits(entry) { Some(entry) } else { among_eligible(entries, rest, fits).0 }
}

/// Two distinct eligible entries, or twice the only one; and what is left of the second draw, as
/// uniform as a draw whichever they are.
///
/// After Mitzenmacher, "The power of two choices in randomized load balancing" (2001).
pub(crate) fn two(
    entries: &[u32],
    draws: (u64, u64),
    fits: impl Fn(u32) -> bool,
) -> Option<((u32, u32), u64)> {
    let (_, second) = two_of(entries, draws)?;
    let first = one(entries, draws.0, &fits)?;
    let rest = rest_of(entries, draws);
    let is_other = |entry: u32| entry != first && fits(entry);
    if is_other(second) {
        return Some(((first, second), rest));
    }
    let (other, rest) = among_eligible(entries, rest, is_other);
    Some(((first, other.unwrap_or(first)), rest))
}

/// One of the eligible entries, and what is left of the fraction.
#[cold]
fn among_eligible(
    entries: &[u32],
    fraction: u64,
    fits: impl Fn(u32) -> bool,
) -> (Option<u32>, u64) {
    let eligible = entries.iter().filter(|entry| fits(**entry)).count() as u64;
    let (place, rest) = scale(fraction, eligible);
    (nth(entries, place, fits), rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

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
            let ((first, second), _) =
                two(&[0, 1, 2, 3], (rng.draw(), rng.draw()), |entry| entry != 0).unwrap();
            assert!(first != second && first != 0 && second != 0);
        }
        let alone = two(&[7], (rng.draw(), rng.draw()), |_| true).unwrap();
        assert_eq!(alone.0, (7, 7));
    }

    #[test]
    fn what_is_left_of_the_draws_says_nothing_of_whom_they_found() {
        let mut rng = Rng::new(5, 0, 0);
        let mut upper_half = [[0_u32; 2]; 6];
        for _ in 0..60_000 {
            let ((_, second), rest) =
                two(&[0, 1, 2, 3, 4, 5], (rng.draw(), rng.draw()), |entry| entry > 2).unwrap();
            upper_half[second as usize][usize::from(rest > u64::MAX / 2)] += 1;
        }

        for [lower, upper] in upper_half.into_iter().skip(3) {
            // 10,000 each; five standard deviations are 500.
            assert!(lower.abs_diff(10_000) < 500 && upper.abs_diff(10_000) < 500, "{upper_half:?}");
        }
    }
}
