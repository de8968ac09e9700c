//! The smooth weighted sequence, made once per set: 5:1:1 gives a a b a c a a.
//!
//! nginx's rule (Maxim Dounin, "upstream: smooth weighted round-robin balancing", 2012): each turn
//! every entry gains its weight, the highest goes and pays the total. Ours runs it when the set
//! changes and not when somebody picks. Where that would take too long, entries are spread by the
//! earliest deadline instead: the same shares, a slightly different order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Longest table, unless there are more endpoints.
pub(crate) const LONGEST_TABLE: u64 = 65_536;

/// The positions in the order in which they are served; weights of 0 are left out.
///
/// Also tells whether the weights had to be scaled, so that the shares are only nearly exact.
#[must_use]
pub(crate) fn sequence(weights: &[(u32, u32)]) -> (Box<[u32]>, bool) {
    let (reduced, is_scaled) = reduce(weights);
    let total: u64 = reduced.iter().map(|(_, weight)| weight).sum();
    let table = if reduced.iter().all(|(_, weight)| *weight == 1) {
        reduced.iter().map(|(position, _)| *position).collect()
    } else if total.saturating_mul(reduced.len() as u64) <= MOST_STEPS {
        smooth(&reduced, total)
    } else {
        by_deadline(&reduced, total)
    };
    (table, is_scaled)
}

/// Divides by the greatest common divisor, and scales down what is still too long.
fn reduce(weights: &[(u32, u32)]) -> (Vec<(u32, u64)>, bool) {
    let divisor = weights.iter().fold(0, |so_far, (_, weight)| gcd(so_far, *weight)).max(1);
    let mut reduced: Vec<(u32, u64)> = weights
        .iter()
        .filter(|(_, weight)| *weight > 0)
        .map(|(position, weight)| (*position, u64::from(weight / divisor)))
        .collect();
    let total: u64 = reduced.iter().map(|(_, weight)| weight).sum();
    let is_scaled = total > LONGEST_TABLE.max(reduced.len() as u64);
    if is_scaled {
        for (_, weight) in &mut reduced {
            *weight = ((*weight * LONGEST_TABLE * 2 + total) / (total * 2)).max(1);
        }
    }
    (reduced, is_scaled)
}

fn smooth(weights: &[(u32, u64)], total: u64) -> Box<[u32]> {
    let mut credit: Vec<i64> = vec![0; weights.len()];
    let signed = |weight: u64| i64::try_from(weight).unwrap_or(i64::MAX);
    (0..total)
        .map(|_| {
            let mut best = 0;
            for (at, (_, weight)) in weights.iter().enumerate() {
                credit[at] += signed(*weight);
                if credit[at] > credit[best] {
                    best = at;
                }
            }
            credit[best] -= signed(total);
            weights[best].0
        })
        .collect()
}

fn by_deadline(weights: &[(u32, u64)], total: u64) -> Box<[u32]> {
    // The k-th turn of an entry of weight w is due at (k + 1/2) / w, in fixed point.
    let due =
        |turn: u64, weight: u64| ((2 * u128::from(turn) + 1) << 64) / (2 * u128::from(weight));
    let mut queue: BinaryHeap<_> = weights
        .iter()
        .map(|(position, weight)| Reverse((due(0, *weight), *position, 0_u64, *weight)))
        .collect();
    let mut table = Vec::with_capacity(usize::try_from(total).unwrap_or(0));
    while let Some(Reverse((_, position, turn, weight))) = queue.pop() {
        table.push(position);
        if turn + 1 < weight {
            queue.push(Reverse((due(turn + 1, weight), position, turn + 1, weight)));
        }
    }
    table.into()
}

const fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// About ten milliseconds of building.
const MOST_STEPS: u64 = 1 << 23;

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(weights: &[u32]) -> String {
        let numbered: Vec<(u32, u32)> = (0..).zip(weights.iter().copied()).collect();
        sequence(&numbered)
            .0
            .iter()
            .map(|at| char::from(b'a' + u8::try_from(*at).unwrap()))
            .collect()
    }

    #[test]
    fn sequences_are_those_of_nginx() {
        assert_eq!(letters(&[5, 1, 1]), "aabacaa");
        assert_eq!(letters(&[4, 2, 1]), "abacaba");
        assert_eq!(letters(&[3, 2, 1]), "abacba");
        assert_eq!(letters(&[10, 2, 2]), "aabacaa", "weights are reduced first");
    }

    #[test]
    fn long_tables_are_capped_and_every_endpoint_keeps_a_turn() {
        let (table, is_scaled) = sequence(&[(0, 1_000_000), (1, 1)]);

        assert!(is_scaled);
        assert!(table.len() <= 65_537, "{}", table.len());
        assert_eq!(table.iter().filter(|at| **at == 1).count(), 1);
    }

    #[test]
    fn spreading_by_deadline_gives_each_its_share() {
        let table = by_deadline(&[(0, 5), (1, 1), (2, 1)], 7);

        assert_eq!(table.iter().filter(|at| **at == 0).count(), 5);
        assert_eq!(table.len(), 7);
    }
}
