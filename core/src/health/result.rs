//! What one check found, before rise and fall decide what it means.

use crate::clock::Nanos;
use crate::events::Reason;

/// How an endpoint did in one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Grade {
    /// As expected.
    Good,
    /// It works, and prefers to be spared.
    Degraded,
    /// It doesn't work.
    Bad,
}

impl Grade {
    /// The name in events and documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Degraded => "degraded",
            Self::Bad => "bad",
        }
    }
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckResult {
    /// How the endpoint did.
    pub grade: Grade,
    /// How long the check took.
    pub latency: Nanos,
    /// Why, in a few words that hold no secret.
    pub reason: Reason,
}

impl CheckResult {
    /// The result of a check that found what it expected.
    #[must_use]
    pub fn good(reason: impl Into<Reason>) -> Self {
        Self { grade: Grade::Good, latency: 0, reason: reason.into() }
    }

    /// The result of a check of an endpoint that works, and prefers to be spared.
    #[must_use]
    pub fn degraded(reason: impl Into<Reason>) -> Self {
        Self { grade: Grade::Degraded, ..Self::good(reason) }
    }

    /// The result of a check that failed.
    #[must_use]
    pub fn bad(reason: impl Into<Reason>) -> Self {
        Self { grade: Grade::Bad, ..Self::good(reason) }
    }

    /// What the program itself found.
    #[must_use]
    pub fn reported(is_good: bool, reason: &str) -> Self {
        let grade = if is_good { Grade::Good } else { Grade::Bad };
        Self { grade, ..Self::good(reason.to_owned()) }
    }

    /// The same result after so long.
    #[must_use]
    pub fn after(self, latency: Nanos) -> Self {
        Self { latency, ..self }
    }

    /// True if the endpoint was as expected.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.grade == Grade::Good
    }
}
