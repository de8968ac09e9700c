//! The same endpoint for the same key: rendezvous hashing.
//!
//! Thaler and Ravishankar 1998, "Using name-based mappings to increase hit rates". Each endpoint
//! bids for the key and the highest bid wins; when it is out, the second bid is the natural
//! successor, and only its keys move. Weights raise a bid exactly in proportion (Schindelhauer and
//! Schomaker 2005: −w / ln u).

use crate::rng::mix;

/// The eligible entry with the highest bid for `key`.
pub(crate) fn highest_bidder(
    entries: &[u32],
    key: u64,
    fits: impl Fn(u32) -> bool,
    hash_and_weight: impl Fn(u32) -> (u64, u32),
) -> Option<u32> {
    let mut best: Option<(u32, f64)> = None;
    for entry in entries.iter().copied().filter(|entry| fits(*entry)) {
        let (hash, weight) = hash_and_weight(entry);
        let bid = bid(mix(key ^ hash), weight);
        if best.is_none_or(|(_, highest)| bid > highest) {
            best = Some((entry, bid));
        }
    }
    best.map(|(entry, _)| entry)
}

#[expect(clippy::cast_precision_loss, reason = "53 bits tell any two bids apart")]
fn bid(mixed: u64, weight: u32) -> f64 {
    let uniform = ((mixed >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    -f64::from(weight) / uniform.ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::hash;

    fn owner(key: u64, is_in: impl Fn(u32) -> bool) -> u32 {
        let bids = |entry: u32| (hash(&entry.to_le_bytes(), 0), 1);
        highest_bidder(&[0, 1, 2, 3, 4], key, is_in, bids).unwrap()
    }

    #[test]
    fn only_the_keys_of_a_lost_endpoint_move_and_they_come_back() {
        for key in (0..2_000).map(mix) {
            let before = owner(key, |_| true);
            let without = owner(key, |entry| entry != 3);

            assert!(before == 3 || without == before);
            assert_ne!(without, 3);
        }
    }

    #[test]
    fn shares_follow_the_weights() {
        let bids = |entry: u32| (hash(&entry.to_le_bytes(), 0), entry + 1);
        let mut seen = [0_u32; 3];
        for key in (0..60_000).map(mix) {
            seen[highest_bidder(&[0, 1, 2], key, |_| true, bids).unwrap() as usize] += 1;
        }

        assert!((9_500..10_500).contains(&seen[0]), "{seen:?}");
        assert!((29_000..31_000).contains(&seen[2]), "{seen:?}");
    }
}
