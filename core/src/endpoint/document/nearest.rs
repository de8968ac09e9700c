//! The known name that a mistyped one probably means.
//!
//! Distance is optimal string alignment (Damerau and Levenshtein with adjacent swaps,
//! <https://en.wikipedia.org/wiki/Damerau%E2%80%93Levenshtein_distance>): typing errors are single
//! letters and swapped neighbours.

/// The nearest of `names`, if one is near enough to be meant.
pub(super) fn nearest<'a>(given: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if given.len() > MAX_BYTES {
        return None;
    }
    let near = names.map(|name| (distance(given.as_bytes(), name.as_bytes()), name));
    let (distance, name) = near.min_by_key(|(distance, _)| *distance)?;
    // A third of the letters may be wrong; beyond that the hint would be a guess.
    (distance * 3 <= given.len() + 1).then_some(name)
}

fn distance(left: &[u8], right: &[u8]) -> usize {
    let mut before: Vec<usize> = vec![0; right.len() + 1];
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, &l) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &r) in right.iter().enumerate() {
            let replaced = last[j] + usize::from(l != r);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && l == right[j - 1] && left[i - 1] == r {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}

/// Longer than any known name.
const MAX_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[&str] = &["id", "address", "port", "failure_threshold", "max_retries"];

    #[test]
    fn a_mistyped_name_finds_the_meant_one() {
        for (given, meant) in [
            ("adress", "address"),
            ("prot", "port"),
            ("failureThreshold", "failure_threshold"),
            ("maxRetries", "max_retries"),
            ("ids", "id"),
        ] {
            assert_eq!(nearest(given, NAMES.iter().copied()), Some(meant));
        }
    }

    #[test]
    fn a_name_far_from_all_finds_none() {
        assert_eq!(nearest("x", NAMES.iter().copied()), None);
        assert_eq!(nearest("zone", NAMES.iter().copied()), None);
        assert_eq!(nearest(&"p".repeat(100_000), NAMES.iter().copied()), None);
    }
}
