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
        refilled(self.word.load(Ordering::Relaxed), terms, ticks(now)).0
    }

    fn change(&self, terms: Terms, now: Nanos, next: impl Fn(u64) -> Option<u64>) -> bool {
        let time = ticks(now);
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let (before, until) = refilled(word, terms, time);
            let Some(balance) = next(before) else { return false };
            let new = balance.min(terms.capacity) << TIME_BITS | until;
            let swapped =
                self.word.compare_exchange_weak(word, new, Ordering::Relaxed, Ordering::Relaxed);
            match swapped {
                Ok(_) => return true,
                Err(seen) => word = seen,
            }
        }
    }
}

/// The balance with what time has earned, and the time up to which it has.
fn refilled(word: u64, terms: Terms, time: u64) -> (u64, u64) {
    let (balance, from) = (word >> TIME_BITS, word & TIME_MASK);
    let elapsed = time.wrapping_sub(from) & TIME_MASK;
    // Another thread may be ahead: then no time passed, and what it credited stays credited.
    let elapsed = if elapsed > TIME_MASK - MOST_AHEAD { 0 } else { elapsed };
    let until = from + elapsed;
    // The difference of two whole amounts: however often it is taken, nothing is lost by rounding.
    let earned = earned_by(until, terms) - earned_by(from, terms);
    (balance.saturating_add(earned).min(terms.capacity), until & TIME_MASK)
}

/// What is earned from the beginning of time up to a tick, rounded down.
const fn earned_by(tick: u64, terms: Terms) -> u64 {
    let (seconds, rest) = (tick / TICKS_PER_SECOND, tick % TICKS_PER_SECOND);
    seconds * terms.per_second + rest * terms.per_second / TICKS_PER_SECOND
}

const fn ticks(now: Nanos) -> u64 {
    (now / 100_000) & TIME_MASK
}

const ONE_RETRY: u64 = 1_000;
const TICKS_PER_SECOND: u64 = 10_000;
/// Ticks of 100 µs in 34 bits come round after 19 days, which only shortens one refill.
const TIME_BITS: u32 = 34;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;
/// A thread that was held up between reading the time and using it: a minute at most. Who is later
/// still finds a bank that had the time to fill.
const MOST_AHEAD: u64 = 60 * TICKS_PER_SECOND;
/// What fits beside the time: a million retries, and a little.
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
    fn time_earns_the_same_however_often_it_is_written() {
        let cases = [
            (1.0, 500_000, 5_000),
            (0.7, 100_000, 3_500),
            (3.0, 400_000, 15_000),
            (15.0, 100_000, 75_000),
        ];
        for (per_second, every, earned) in cases {
            let rules = BudgetConfig { per_success: 0.0, per_second, ..BudgetConfig::default() };
            let terms = Terms::new(&rules);
            let budget = RetryBudget::new(terms);
            while budget.withdraw(terms, 0) {}

            (1..=5 * SECOND / every).for_each(|i| budget.deposit(terms, i * every));

            assert_eq!(budget.balance(terms, 5 * SECOND), earned, "{per_second} a second");
        }
    }

    #[test]
    fn a_thread_that_is_behind_earns_no_time_twice() {
        let (budget, terms) = drained();

        budget.deposit(terms, SECOND);
        budget.deposit(terms, SECOND / 2);

        assert_eq!(budget.balance(terms, SECOND), 10_400);
    }

    #[test]
    fn the_largest_capacity_is_held_in_full() {
        let rules = BudgetConfig { capacity: 1_000_000, ..BudgetConfig::default() };
        let terms = Terms::new(&rules);

        assert_eq!(RetryBudget::new(terms).balance(terms, 0), 1_000_000_000);
    }

    #[test]
    fn the_clock_of_the_word_may_come_round() {
        let (budget, terms) = drained();
        let round = (TIME_MASK + 1) * 100_000;

        budget.deposit(terms, round / 2);
        budget.deposit(terms, round - SECOND);
        while budget.withdraw(terms, round - SECOND) {}

        assert_eq!(budget.balance(terms, round + SECOND), 20_000);
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
