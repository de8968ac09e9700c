//! Fewest requests in flight for the weight: all compared up to eight, the better of two above.
//!
//! Comparing all finds the best and costs the more the larger the set is, and sends every client to
//! the same one; two random choices come close to it at a fixed price (Mitzenmacher 2001).

/// Up to so many endpoints are all compared.
pub(crate) const COMPARED: usize = 8;

/// Requests in flight after the pick, and the weight that carries them.
pub(crate) type Load = (u64, u32);

/// True if `one` is loaded less than `other` for its weight.
pub(crate) const fn is_lighter(one: Load, other: Load) -> bool {
    one.0 as u128 * (other.1 as u128) < other.0 as u128 * one.1 as u128
}

/// The lightest of all; among equals, the first from place `start` on.
pub(crate) fn lightest(
    entries: &[u32],
    start: u64,
    fits: impl Fn(u32) -> bool,
    load: impl Fn(u32) -> Load,
) -> Option<u32> {
    let start = usize::try_from(start % (entries.len() as u64).max(1)).unwrap_or(0);
    let mut best: Option<(u32, Load)> = None;
    for entry in entries[start..].iter().chain(&entries[..start]).copied() {
        if !fits(entry) {
            continue;
        }
        let load = load(entry);
        if best.is_none_or(|(_, least)| is_lighter(load, least)) {
            best = Some((entry, load));
        }
    }
    best.map(|(entry, _)| entry)
}

/// The lighter of two; a tie goes to the lower id.
pub(crate) fn lighter(one: u32, other: u32, load: impl Fn(u32) -> Load) -> u32 {
    let (low, high) = (one.min(other), one.max(other));
    if is_lighter(load(high), load(low)) { high } else { low }
}
