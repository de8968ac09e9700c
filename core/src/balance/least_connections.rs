//! Fewest requests in flight for the weight: all compared up to eight, the better of two above.
//!
//! Comparing all finds the best and costs the more the larger the set is, and sends every client to
//! the same one; two random choices come close to it at a fixed price (Mitzenmacher 2001).

use std::cmp::Ordering;

use crate::rng::scale;

/// Up to so many endpoints are all compared.
pub(crate) const COMPARED: usize = 8;

/// Requests in flight, and the weight that carries them.
pub(crate) type Load = (u64, u32);

/// How the load of `one` compares with that of `other`, each for its weight.
fn compare(one: Load, other: Load) -> Ordering {
    let carried = |load: Load, weight: u32| u128::from(load.0) * u128::from(weight);
    carried(one, other.1).cmp(&carried(other, one.1))
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
        if best.is_none_or(|(_, least)| compare(load, least).is_lt()) {
            best = Some((entry, load));
        }
    }
    best.map(|(entry, _)| entry)
}

/// The less loaded of two; between equals, `fraction` decides by weight.
#[inline]
pub(crate) fn lighter((one, other): (u32, u32), fraction: u64, load: impl Fn(u32) -> Load) -> u32 {
    let (mine, its) = (load(one), load(other));
    let is_mine = match compare(mine, its) {
        Ordering::Less => true,
        Ordering::Greater => false,
        Ordering::Equal => {
            let both = u64::from(mine.1) + u64::from(its.1);
            scale(fraction, both).0 < u64::from(mine.1)
        }
    };
    if is_mine { one } else { other }
}
