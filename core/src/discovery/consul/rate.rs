//! How often a watch may ask: never slower than changes come, never as fast as a broken agent answers.
//!
//! An answer that changed nothing and came before its time is a wrong wake-up: of an agent that
//! doesn't hold questions, or for a service that was never registered, which Consul wakes at every
//! change of any other. These are thinned to one a second, and to one in 15 seconds where they don't
//! cease. Answers with a change are only kept 100 ms apart, the time within which the guard joins
//! changes anyway.

use crate::clock::Nanos;

/// What an answer was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wake {
    /// It told something new.
    News,
    /// It came because its time was over.
    TimeOver,
    /// It came early and told nothing.
    Idle,
}

/// The pace of one watch.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    news: Bucket,
    idle: Bucket,
    idle_in_a_row: u32,
}

impl Pace {
    pub(super) const fn new() -> Self {
        Self {
            news: Bucket::new(NEWS_AT_ONCE, NEWS_APART),
            idle: Bucket::new(IDLE_AT_ONCE, IDLE_APART),
            idle_in_a_row: 0,
        }
    }

    /// When to ask again after an answer at `now`: at once while that is seldom enough.
    pub(super) fn after(&mut self, wake: Wake, now: Nanos) -> Nanos {
        match wake {
            Wake::TimeOver => {
                self.idle_in_a_row = 0;
                now
            }
            Wake::News => self.news.take(now),
            Wake::Idle => {
                self.idle_in_a_row = self.idle_in_a_row.saturating_add(1);
                if self.idle_in_a_row > MOST_IDLE {
                    return now.saturating_add(IDLE_FAR_APART);
                }
                self.idle.take(now)
            }
        }
    }
}

/// A token bucket, kept as the time at which it would be full again (GCRA,
/// <https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm>).
#[derive(Clone, Debug)]
struct Bucket {
    full_at: Nanos,
    apart: Nanos,
    slack: Nanos,
}

impl Bucket {
    const fn new(at_once: u64, apart: Nanos) -> Self {
        Self { full_at: 0, apart, slack: apart * (at_once - 1) }
    }

    /// Takes one token; returns when it is there.
    fn take(&mut self, now: Nanos) -> Nanos {
        let at = now.max(self.full_at.saturating_sub(self.slack));
        self.full_at = self.full_at.max(now).saturating_add(self.apart);
        at
    }
}

/// A deployment's first instances are seen one by one.
const NEWS_AT_ONCE: u64 = 10;
const NEWS_APART: Nanos = 100_000_000;

/// A wrong wake-up happens also to a watch that is well.
const IDLE_AT_ONCE: u64 = 2;
const IDLE_APART: Nanos = 1_000_000_000;

/// After so many in a row it is the rule. A second is then too often for a fleet.
const MOST_IDLE: u32 = 10;
const IDLE_FAR_APART: Nanos = 15_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    /// How many questions an agent gets within `time` that answers each at once with `wake`.
    fn asked_within(time: Nanos, wake: Wake) -> u32 {
        let (mut pace, mut now, mut asked) = (Pace::new(), SECOND, 0);
        while now < SECOND + time {
            asked += 1;
            now = pace.after(wake, now);
        }
        asked
    }

    #[test]
    fn an_agent_that_wakes_for_nothing_is_asked_ever_more_seldom() {
        assert_eq!(asked_within(3 * SECOND, Wake::Idle), 5, "two at once, then one a second");
        assert_eq!(asked_within(60 * SECOND, Wake::Idle), 14);
        assert_eq!(asked_within(600 * SECOND, Wake::Idle), 50, "four a minute");
    }

    #[test]
    fn changes_are_followed_ten_times_a_second() {
        assert_eq!(asked_within(10 * SECOND, Wake::News), 110);
    }

    #[test]
    fn a_wait_that_ended_by_itself_forgives_what_was_idle_before() {
        let mut pace = Pace::new();
        let mut now = 0;
        for _ in 0..20 {
            now = pace.after(Wake::Idle, now);
        }

        assert_eq!(pace.after(Wake::TimeOver, now), now);
        assert_eq!(pace.after(Wake::Idle, now), now);
        assert_eq!(pace.after(Wake::Idle, now + 1), now + 1);
        assert!(pace.after(Wake::Idle, now + 2) > now + 2);
    }
}
