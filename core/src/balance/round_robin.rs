//! In turn, for round robin and for the weighted sequence.
//!
//! A dead entry's turn is spread over all that are eligible: handing it to the next in line would
//! give a dead endpoint's neighbour double the load. The turns of several dead ones go round one
//! after another, so that nobody stands in for all of them in the same round.

/// What is served in turn.
#[derive(Debug, Default)]
pub(crate) struct Rota {
    entries: Box<[u32]>,
    /// 2⁶⁴ divided by the number of entries.
    inverse: u64,
}

impl Rota {
    pub(crate) fn new(entries: Box<[u32]>) -> Self {
        let length = entries.len() as u64;
        let inverse = u64::MAX.checked_div(length).map_or(0, |most| most.wrapping_add(1));
        Self { entries, inverse }
    }

    /// The entry of turn `count`.
    ///
    /// Two multiplications instead of a division, which would be a fifth of the whole pick (Lemire,
    /// Kaser, Kurz 2019, "Faster remainder by direct computation", <https://arxiv.org/abs/1902.01961>).
    #[inline]
    pub(crate) fn at(&self, count: u64) -> Option<u32> {
        let length = self.entries.len() as u64;
        let place = if count >> 32 == 0 {
            crate::rng::scale(self.inverse.wrapping_mul(count), length).0
        } else {
            count.checked_rem(length)?
        };
        self.entries.get(usize::try_from(place).unwrap_or(usize::MAX)).copied()
    }
}

impl std::ops::Deref for Rota {
    type Target = [u32];

    #[inline]
    fn deref(&self) -> &[u32] {
        &self.entries
    }
}

/// The entry of turn `count`, or who stands in for it.
#[inline]
pub(crate) fn in_turn(entries: &[u32], count: u64, fits: impl Fn(u32) -> bool) -> Option<u32> {
    let (turn, place) = divide(count, entries.len() as u64)?;
    let entry = entries[usize::try_from(place).unwrap_or(0)];
    if fits(entry) {
        return Some(entry);
    }
    stand_in(entries, (turn, place), fits)
}

/// The (`draw`·m/2⁶⁴)-th of the m eligible entries: for retries, which leave the cursor alone.
pub(crate) fn drawn(entries: &[u32], draw: u64, fits: impl Fn(u32) -> bool) -> Option<u32> {
    let eligible = entries.iter().filter(|entry| fits(**entry)).count() as u64;
    nth(entries, crate::rng::scale(draw, eligible).0, fits)
}

/// The n-th eligible entry.
pub(crate) fn nth(entries: &[u32], n: u64, fits: impl Fn(u32) -> bool) -> Option<u32> {
    let n = usize::try_from(n).unwrap_or(usize::MAX);
    entries.iter().copied().filter(|entry| fits(*entry)).nth(n)
}

/// Who stands in for the entry at `place` in round `turn`: stand-ins take turns of their own.
#[cold]
fn stand_in(entries: &[u32], (turn, place): (u64, u64), fits: impl Fn(u32) -> bool) -> Option<u32> {
    let (mut eligible, mut dead_before) = (0, 0);
    for (at, entry) in (0..).zip(entries) {
        if fits(*entry) {
            eligible += 1;
        } else if at < place {
            dead_before += 1;
        }
    }
    let dead = entries.len() as u64 - eligible;
    let (_, stand_in) = divide(turn.wrapping_mul(dead).wrapping_add(dead_before), eligible)?;
    nth(entries, stand_in, fits)
}

fn divide(count: u64, by: u64) -> Option<(u64, u64)> {
    Some((count.checked_div(by)?, count.checked_rem(by)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_entrys_turns_go_to_all_others_alike() {
        let mut picks = [0; 4];
        for count in 0..4 * 3 * 10 {
            let entry = in_turn(&[0, 1, 2, 3], count, |entry| entry != 2).unwrap();
            picks[entry as usize] += 1;
        }

        assert_eq!(picks, [40, 40, 0, 40]);
    }

    #[test]
    fn a_rota_gives_each_turn_to_the_entry_that_a_division_would() {
        for length in [1_u32, 2, 3, 7, 100, 1_000, 65_536, 65_537] {
            let rota = Rota::new((0..length).collect());
            let edge = u64::from(u32::MAX);
            let counts = (0..200).chain(edge - 200..edge + 200).chain([u64::MAX]);
            for count in counts {
                let expected = u32::try_from(count % u64::from(length)).unwrap();
                assert_eq!(rota.at(count), Some(expected), "{count} of {length}");
            }
        }
        assert_eq!(Rota::new(Box::new([])).at(0), None);
    }

    #[test]
    fn nobody_stands_in_for_all_dead_ones_of_a_round() {
        let entries = [0, 1, 2, 3, 4, 5, 6, 7];
        let round: Vec<u32> =
            (0..8).map(|count| in_turn(&entries, count, |entry| entry < 2).unwrap()).collect();

        assert_eq!(round, [0, 1, 0, 1, 0, 1, 0, 1]);
    }

    #[test]
    fn nobody_eligible_is_nobody() {
        assert_eq!(in_turn(&[], 5, |_| true), None);
        assert_eq!(in_turn(&[0, 1], 5, |_| false), None);
        assert_eq!(drawn(&[0, 1], u64::MAX, |_| false), None);
    }
}
