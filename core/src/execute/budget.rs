//! Retry budget: how many extra attempts a pool may add to its traffic.
//!
//! A limit per call cannot stop a retry storm: when every call fails, three tries each are three
//! times the load on a backend that is down already. Here good attempts earn and retries pay, with
//! a small bank and a slow refill: after an outage it recovers as fast as without retries, and at
//! ten per cent of random failures it still saves all but one call in ten thousand. (Finagle and
//! Envoy tie theirs to requests instead, which keeps paying during an outage.)
//!
//! Balance and time are one word, so there is no lock; while the bank is full nothing is written.

use super::BudgetConfig;
use crate::clock::Nanos;
use crate::sync::{AtomicU64, Ordering};

/// Tokens that retries spend and good attempts earn, in thousandths of a retry.
#[derive(Debug)]
pub struct RetryBudget {
    word: AtomicU64,
}

/// The budget's rules in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    is_enabled: bool,
    capacity: u64,
    per_success: u64,
    /// Thousandths a second.
    per_second: u64,
}

impl Terms {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked ranges")]
    pub(crate) fn new(rules: &BudgetConfig) -> Self {
        let thousandths = |retries: f64| (retries * 1_000.0).round() as u64;
        Self {
            is_enabled: rules.is_enabled,
            capacity: (u64::from(rules.capacity) * ONE_RETRY).min(MOST),
            per_success: thousandths(rules.per_success),
            per_second: thousandths(rules.per_second),
        }
    }
}

impl RetryBudget {
    /// Makes a full budget.
    pub(crate) fn new(terms: Terms) -> Self {
        Self { word: AtomicU64::new(terms.capacity << TIME_BITS) }
    }

    /// Earns for one good attempt.
    #[inline]
    pub(crate) fn deposit(&self, terms: Terms, now: Nanos) {
        let word = self.word.load(Ordering::Relaxed);
        if word >> TIME_BITS < terms.capacity {
            self.change(terms, now, |balance| Some(balance + terms.per_success));
        }
    }

    /// Takes one retry if the balance allows it, and says whether it did.
    pub(crate) fn withdraw(&self, terms: Terms, now: Nanos) -> bool {
        !terms.is_enabled || self.change(terms, now, |balance| balance.checked_sub(ONE_RETRY))
    }

    /// The balance now, in thousandths of a retry.
    pub(crate) fn balance(&self, terms: Terms, now: Nanos) -> u64 {
        refilled(self.word.load(Ordering::Relaxed), terms, ticks(now))
    }

    fn change(&self, terms: Terms, now: Nanos, next: impl Fn(u64) -> Option<u64>) -> bool {
        let time = ticks(now);
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let Some(balance) = next(refilled(word, terms, time)) else { return false };
            let new = balance.min(terms.capacity) << TIME_BITS | time;
            let swapped =
                self.word.compare_exchange_weak(word, new, Ordering::Relaxed, Ordering::Relaxed);
            match swapped {
                Ok(_) => return true,
                Err(seen) => word = seen,
            }
        }
    }
}

fn refilled(word: u64, terms: Terms, time: u64) -> u64 {
    let elapsed = time.wrapping_sub(word & TIME_MASK) & TIME_MASK;
    // Another thread may be a tick ahead; half the range back is "no time passed".
    let elapsed = if elapsed > TIME_MASK / 2 { 0 } else { elapsed };
    let earned = elapsed.saturating_mul(terms.per_second) / TICKS_PER_SECOND;
    (word >> TIME_BITS).saturating_add(earned).min(terms.capacity)
}

const fn ticks(now: Nanos) -> u64 {
    (now / 100_000) & TIME_MASK
}

const ONE_RETRY: u64 = 1_000;
const TICKS_PER_SECOND: u64 = 10_000;
/// Ticks of 100 µs in 36 bits come round after 79 days, which only shortens one refill.
const TIME_BITS: u32 = 36;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;
/// What fits beside the time.
const MOST: u64 = (1 << (64 - TIME_BITS)) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    #[test]
    fn five_good_attempts_earn_one_retry() {
        let (budget, terms) = drained();

        (0..4).for_each(|_| budget.deposit(terms, 0));
        assert!(!budget.withdraw(terms, 0), "four good attempts earn 0.8 of a retry");

        budget.deposit(terms, 0);
        assert!(budget.withdraw(terms, 0), "the fifth completes it");
        assert!(!budget.withdraw(terms, 0), "and only one");
    }

    #[test]
    fn time_refills_up_to_the_capacity() {
        let (budget, terms) = drained();

        assert_eq!(budget.balance(terms, SECOND), 10_000);
        assert_eq!(budget.balance(terms, 3_600 * SECOND), 100_000);
        assert!(budget.withdraw(terms, SECOND / 10), "a retry each 100 ms");
        assert!(!budget.withdraw(terms, SECOND / 10));
    }

    #[test]
    fn a_budget_that_is_off_never_refuses() {
        let terms =
            Terms::new(&BudgetConfig { is_enabled: false, capacity: 0, ..Default::default() });

        assert!(RetryBudget::new(terms).withdraw(terms, 0));
    }

    fn drained() -> (RetryBudget, Terms) {
        let terms = Terms::new(&BudgetConfig::default());
        let budget = RetryBudget::new(terms);
        while budget.withdraw(terms, 0) {}
        (budget, terms)
    }
}
