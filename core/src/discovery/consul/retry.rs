//! How long to wait after a failure, and whom to ask next.
//!
//! In the first minute a failure is usually a restart: the waits stay below a second, so that what
//! changed meanwhile is seen within one of the agent's return. After that they grow to half a minute.
//! A quarter of each wait is drawn, so that a fleet doesn't come back in step; no more, since six
//! seconds of absence shall cost an agent ten requests at most. While another agent of the list is
//! untried there is no wait at all.

use super::failure::Class;
use crate::clock::Nanos;
use crate::rng::{Rng, scale};

/// The failures of one watch since its last success.
#[derive(Clone, Debug)]
pub(super) struct Retry {
    agents: usize,
    /// Which agent of the list is asked.
    agent: usize,
    /// Failures that another agent can't make good, or that all agents had: each doubles the wait.
    rounds: u32,
    /// Agents that failed since the last wait.
    failed: usize,
    since: Option<Nanos>,
    rng: Rng,
}

impl Retry {
    /// For a list of `agents`, one at least; the first one is asked first.
    pub(super) const fn new(agents: usize, rng: Rng) -> Self {
        Self { agents, agent: 0, rounds: 0, failed: 0, since: None, rng }
    }

    /// Which agent of the list is asked.
    pub(super) const fn agent(&self) -> usize {
        self.agent
    }

    /// True while the last question failed.
    pub(super) const fn is_failing(&self) -> bool {
        self.since.is_some()
    }

    /// Begins afresh. The agent that answered stays the one that is asked.
    pub(super) const fn succeeded(&mut self) {
        self.rounds = 0;
        self.failed = 0;
        self.since = None;
    }

    /// How long to wait after a failure of `class` at `now`; the agent may have asked for `hint`.
    pub(super) fn failed(&mut self, class: Class, hint: Nanos, now: Nanos) -> Nanos {
        let since = *self.since.get_or_insert(now);
        if class.may_another_agent_do_better() {
            self.agent = (self.agent + 1) % self.agents;
            self.failed += 1;
            if self.failed < self.agents {
                return 0;
            }
        }
        self.failed = 0;
        let rounds = self.rounds.min(32);
        self.rounds = self.rounds.saturating_add(1);
        let (first, cap) = match class {
            Class::Unavailable if now.saturating_sub(since) < YOUNG => (FIRST, CAP_WHILE_YOUNG),
            Class::Unavailable => (FIRST, CAP),
            Class::Denied => (FIRST_DENIED, CAP_REFUSED),
            Class::Refused => (CAP_REFUSED, CAP_REFUSED),
        };
        let ceiling = first.saturating_mul(1 << rounds).min(cap);
        let wait = ceiling - ceiling / 4 + scale(self.rng.draw(), ceiling / 4 + 1).0;
        wait.max(hint.min(LONGEST_HINT))
    }
}

/// A restarting agent needs about two seconds.
const FIRST: Nanos = 200_000_000;

/// As long as this an outage counts as a restart.
const YOUNG: Nanos = 60_000_000_000;

/// Below a second also with the time that the answer takes.
const CAP_WHILE_YOUNG: Nanos = 900_000_000;

const CAP: Nanos = 30_000_000_000;

/// A token is not exchanged within a second.
const FIRST_DENIED: Nanos = 5_000_000_000;

/// A question that is wrong stays so until somebody comes.
const CAP_REFUSED: Nanos = 60_000_000_000;

/// An agent may not send its clients away for longer.
const LONGEST_HINT: Nanos = 300_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    fn retry(agents: usize, seed: u64) -> Retry {
        Retry::new(agents, Rng::new(seed, 0, 0))
    }

    /// When an agent is asked that is away from 0 on, with failures that are seen at once.
    fn asked(retry: &mut Retry, until: Nanos) -> Vec<Nanos> {
        let (mut now, mut asked) = (0, Vec::new());
        loop {
            now += retry.failed(Class::Unavailable, 0, now);
            if now >= until {
                return asked;
            }
            asked.push(now);
        }
    }

    #[test]
    fn six_seconds_of_absence_cost_ten_requests_and_no_second_is_without_one() {
        for seed in 0..1_000 {
            let times = asked(&mut retry(1, seed), 6 * SECOND);

            assert!((6..=10).contains(&times.len()), "seed {seed}: {times:?}");
            assert!(times.windows(2).all(|two| two[1] - two[0] <= CAP_WHILE_YOUNG), "seed {seed}");
        }
    }

    #[test]
    fn after_a_minute_the_waits_grow_to_half_a_minute() {
        let times = asked(&mut retry(1, 7), 600 * SECOND);

        let last = times.windows(2).last().expect("many");
        assert!((22 * SECOND..=30 * SECOND).contains(&(last[1] - last[0])), "{times:?}");
        assert!(times.iter().filter(|time| **time > 60 * SECOND).count() < 25);
    }

    #[test]
    fn every_agent_is_asked_before_there_is_a_wait() {
        let mut retry = retry(3, 1);

        let waits: Vec<(usize, bool)> =
            (0..6).map(|_| (retry.agent(), retry.failed(Class::Unavailable, 0, 0) > 0)).collect();

        assert_eq!(waits, [(0, false), (1, false), (2, true), (0, false), (1, false), (2, true)]);
        retry.succeeded();
        assert!(!retry.is_failing());
        assert_eq!(retry.agent(), 0);
    }

    #[test]
    fn a_refusal_goes_to_no_other_agent_and_waits_long() {
        let mut retry = retry(2, 1);

        let denied = retry.failed(Class::Denied, 0, 0);
        assert!((3 * SECOND..=5 * SECOND).contains(&denied));
        assert_eq!(retry.agent(), 0);
        assert!(retry.failed(Class::Refused, 0, 0) >= 45 * SECOND);
        assert_eq!(retry.failed(Class::Denied, 70 * SECOND, 0), 70 * SECOND);
    }
}
