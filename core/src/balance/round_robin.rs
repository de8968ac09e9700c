//! In turn, for round robin and for the weighted sequence.
//!
//! The turn of an entry that can't be used is left out: the next one serves, and the turn after is
//! the one behind it, so that those that are left stay in their order and within one pick of their
//! shares. That needs a set that is the same for all who share the turns. Requests that are choosy in
//! their own way would take the turns of others, so they have turns of their own.

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

/// The first eligible entry from turn `count` on, and how many turns are left out for it.
#[inline]
pub(crate) fn next_in_turn(
    entries: &[u32],
    count: u64,
    fits: impl Fn(u32) -> bool,
) -> Option<(u32, u64)> {
    let from_here = (0..).zip(from_turn(entries, count));
    from_here.map(|(skipped, entry)| (entry, skipped)).find(|(entry, _)| fits(*entry))
}

/// Every entry, from that of turn `count` on.
#[inline]
pub(crate) fn from_turn(entries: &[u32], count: u64) -> impl Iterator<Item = u32> {
    let place = count.checked_rem(entries.len() as u64).unwrap_or(0);
    let (before, from) = entries.split_at(usize::try_from(place).unwrap_or(0));
    from.iter().chain(before).copied()
}

/// The entry of turn `count`, or who stands in for it: stand-ins take turns of their own, so that
/// who shares these turns is never led past an entry.
#[inline]
pub(crate) fn in_turn_or_stead(
    entries: &[u32],
    count: u64,
    fits: impl Fn(u32) -> bool,
) -> Option<u32> {
    let length = entries.len() as u64;
    let (turn, place) = (count.checked_div(length)?, count.checked_rem(length)?);
    let place = usize::try_from(place).unwrap_or(0);
    if fits(entries[place]) {
        return Some(entries[place]);
    }
    let of = |entries: &[u32]| entries.iter().filter(|entry| fits(**entry)).count();
    let (eligible, dead_before) = (of(entries), place - of(&entries[..place]));
    let dead = (entries.len() - eligible) as u64;
    let stand_in = turn.wrapping_mul(dead).wrapping_add(dead_before as u64);
    nth(entries, stand_in.checked_rem(eligible as u64)?, fits)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_of_dead_entries_are_left_out_and_the_others_keep_their_order() {
        let sequence = [0, 0, 1, 0, 2, 0, 0];
        let mut count = 0;
        let picks: Vec<u32> = (0..12)
            .map(|_| {
                let (entry, skipped) = next_in_turn(&sequence, count, |entry| entry != 1).unwrap();
                count += 1 + skipped;
                entry
            })
            .collect();

        assert_eq!(picks, [0, 0, 0, 2, 0, 0, 0, 0, 0, 2, 0, 0], "five of six, then again");
        assert_eq!(next_in_turn(&sequence, 3, |_| false), None);
        assert_eq!(next_in_turn(&[], 3, |_| true), None);
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
    fn stand_ins_take_turns_of_their_own() {
        let of_two = |count| in_turn_or_stead(&[0, 1, 2, 3, 4, 5, 6, 7], count, |entry| entry < 2);
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 7].map(of_two), [0, 1, 0, 1, 0, 1, 0, 1].map(Some));

        let mut picks = [0; 4];
        for count in 0..4 * 3 * 10 {
            let entry = in_turn_or_stead(&[0, 1, 2, 3], count, |entry| entry != 2).unwrap();
            picks[entry as usize] += 1;
        }
        assert_eq!(picks, [40, 40, 0, 40]);
    }

    #[test]
    fn nobody_eligible_is_nobody() {
        assert_eq!(in_turn_or_stead(&[], 5, |_| true), None);
        assert_eq!(in_turn_or_stead(&[0, 1], 5, |_| false), None);
        assert_eq!(drawn(&[0, 1], u64::MAX, |_| false), None);
    }
}
