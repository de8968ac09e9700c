//! In turn, for round robin and for the weighted sequence.
//!
//! A dead entry's turn is spread over all that are eligible: handing it to the next in line would
//! give a dead endpoint's neighbour double the load.

/// The entry whose turn `count` is, eligible or not.
#[inline]
pub(crate) fn whose_turn(entries: &[u32], count: u64) -> Option<u32> {
    let (_, place) = divide(count, entries.len() as u64)?;
    entries.get(usize::try_from(place).unwrap_or(0)).copied()
}

/// The entry of turn `count`, or who stands in for it.
#[inline]
pub(crate) fn in_turn(entries: &[u32], count: u64, fits: impl Fn(u32) -> bool) -> Option<u32> {
    let (turn, place) = divide(count, entries.len() as u64)?;
    let entry = entries[usize::try_from(place).unwrap_or(0)];
    if fits(entry) {
        return Some(entry);
    }
    stand_in(entries, turn, fits)
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

#[cold]
fn stand_in(entries: &[u32], turn: u64, fits: impl Fn(u32) -> bool) -> Option<u32> {
    let eligible = entries.iter().filter(|entry| fits(**entry)).count() as u64;
    let (_, place) = divide(turn, eligible)?;
    nth(entries, place, fits)
}

/// Quotient and remainder; by 32-bit division where that suffices, which costs a third.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "checked right above")]
fn divide(count: u64, by: u64) -> Option<(u64, u64)> {
    if by == 0 {
        return None;
    }
    if (count | by) >> 32 == 0 {
        let (count, by) = (count as u32, by as u32);
        return Some((u64::from(count / by), u64::from(count % by)));
    }
    Some((count / by, count % by))
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
    fn nobody_eligible_is_nobody() {
        assert_eq!(in_turn(&[], 5, |_| true), None);
        assert_eq!(in_turn(&[0, 1], 5, |_| false), None);
        assert_eq!(drawn(&[0, 1], u64::MAX, |_| false), None);
    }
}
