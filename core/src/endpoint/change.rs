//! What last changed an endpoint's published status.

use crate::clock::Nanos;

/// What last changed an endpoint's published status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u64)]
pub enum Change {
    /// Nothing did yet.
    #[default]
    None = 0,
    /// Its breaker opened: bad outcomes in a row.
    FailuresInARow = 1,
    /// Its breaker opened: the share of bad outcomes.
    FailureRate = 2,
    /// Its breaker opened: the share of slow outcomes.
    SlowRate = 3,
    /// Its breaker opened again: a probe failed.
    ProbeFailed = 4,
    /// Its breaker closed: enough probes succeeded.
    ProbesSucceeded = 5,
    /// Its breaker half-opened: its time was over.
    OpenTimeOver = 6,
    /// Its breaker half-opened early: a check passed.
    CheckPassed = 7,
    /// Its active health: a check, or the program's report.
    Check = 8,
    /// The program's own word.
    Program = 9,
    /// Its provider lost it.
    Lost = 10,
    /// Its provider has it again.
    Found = 11,
}

impl Change {
    const ALL: [Self; 12] = [
        Self::None,
        Self::FailuresInARow,
        Self::FailureRate,
        Self::SlowRate,
        Self::ProbeFailed,
        Self::ProbesSucceeded,
        Self::OpenTimeOver,
        Self::CheckPassed,
        Self::Check,
        Self::Program,
        Self::Lost,
        Self::Found,
    ];

    /// The name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::FailuresInARow => "failures_in_a_row",
            Self::FailureRate => "failure_rate",
            Self::SlowRate => "slow_rate",
            Self::ProbeFailed => "probe_failed",
            Self::ProbesSucceeded => "probes_succeeded",
            Self::OpenTimeOver => "open_time_over",
            Self::CheckPassed => "check_passed",
            Self::Check => "check",
            Self::Program => "program",
            Self::Lost => "lost",
            Self::Found => "found",
        }
    }

    /// Change and time in one word, so that nobody reads one with the other's.
    pub(super) const fn at(self, now: Nanos) -> u64 {
        now << BITS | self as u64
    }

    /// What a word says.
    pub(super) fn of(word: u64) -> (Nanos, Self) {
        let code = usize::try_from(word & MASK).unwrap_or(0);
        (word >> BITS, Self::ALL.get(code).copied().unwrap_or_default())
    }
}

/// Sixty bits of nanoseconds are 36 years.
const BITS: u32 = 4;
const MASK: u64 = (1 << BITS) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_keeps_change_and_time() {
        for change in Change::ALL {
            assert_eq!(Change::of(change.at(1_234_567)), (1_234_567, change));
        }
    }
}
