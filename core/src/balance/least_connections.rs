//! Fewest requests in flight for the weight: all compared up to eight, the better of two above.
//!
//! Comparing all finds the best and costs the more the larger the set is, and sends every client to
//! the same one; two random choices come close to it at a fixed price (Mitzenmacher 2001).

use std::hint::select_unpredictable;

use crate::rng::scale;

/// Up to so many endpoints are all compared.
pub(crate) const COMPARED: usize = 8;

/// Requests in flight, and the weight that carries them.
pub(crate) type Load = (u64, u32);

/// Two loads that compare as each of the given ones does for its weight.
#[inline]
fn carried((one, my_weight): Load, (other, its_weight): Load) -> (u64, u64) {
    (one.saturating_mul(its_weight.into()), other.saturating_mul(my_weight.into()))
}

/// The least loaded of all; among equals, the first from the one on whose turn it is.
///
/// Idle endpoints are all equal, so turns spread a light load as weights would have it.
pub(crate) fn lightest(
    entries: &[u32],
    turn: Option<u32>,
    fits: impl Fn(u32) -> bool,
    load: impl Fn(u32) -> Load,
) -> Option<u32> {
    let start = turn.and_then(|turn| entries.binary_search(&turn).ok()).unwrap_or(0);
    let mut best: Option<(u32, Load)> = None;
    for entry in entries[start..].iter().chain(&entries[..start]).copied() {
        if !fits(entry) {
            continue;
        }
        let load = load(entry);
        let is_lighter = |(_, least)| {
            let (mine, its) = carried(load, least);
            mine < its
        };
        if best.is_none_or(is_lighter) {
            best = Some((entry, load));
        }
    }
    best.map(|(entry, _)| entry)
}

/// The less loaded of two; between equals, `fraction` decides by weight.
///
/// Without a branch: which of two is the lighter can't be foretold, and a processor that guesses wrong
/// half the time loses more than it takes to compute both.
#[expect(clippy::inline_always, reason = "a call costs as much as the comparison")]
#[inline(always)]
pub(crate) fn lighter((one, other): (u32, u32), fraction: u64, load: impl Fn(u32) -> Load) -> u32 {
    let (my_load, its_load) = (load(one), load(other));
    let (mine, its) = carried(my_load, its_load);
    let (my_weight, both) = (u64::from(my_load.1), u64::from(my_load.1) + u64::from(its_load.1));
    let wins_a_tie = scale(fraction, both).0 < my_weight;
    let is_mine = (mine < its) | ((mine == its) & wins_a_tie);
    select_unpredictable(is_mine, one, other)
}
