//! How long to wait before another attempt.
//!
//! Full jitter (Brooker, "Exponential backoff and jitter", AWS 2015): anything between nothing and
//! the ceiling, so that clients that failed together don't come back together.

use super::{Backoff, Execute};
use crate::clock::{Nanos, nanos};
use crate::rng::scale;

/// The wait before the attempt that follows `charged` charged retries.
pub(crate) fn delay(rules: &Execute, charged: u32, draw: impl FnOnce() -> u64) -> Nanos {
    let base = nanos(rules.retry_delay);
    if rules.backoff == Backoff::Fixed {
        return base;
    }
    let ceiling = ceiling(base, nanos(rules.max_retry_delay), charged);
    scale(draw(), ceiling.saturating_add(1)).0
}

fn ceiling(base: Nanos, most: Nanos, charged: u32) -> Nanos {
    let doublings = charged.saturating_sub(1).min(40);
    base.saturating_mul(1 << doublings).min(most.max(base))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceilings_double_up_to_the_cap() {
        let ceilings: Vec<_> = (1..=8).map(|charged| ceiling(100, 5_000, charged)).collect();

        assert_eq!(ceilings, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    }

    #[test]
    fn a_fixed_wait_is_exact_and_draws_nothing() {
        let rules = Execute { backoff: Backoff::Fixed, ..Execute::default() };

        let wait = delay(&rules, 5, || unreachable!("a fixed wait needs no draw"));

        assert_eq!(wait, 100_000_000);
    }
}
