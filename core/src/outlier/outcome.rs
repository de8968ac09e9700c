//! What came of an attempt, and what each class of it means.
//!
//! The one table behind the whole library's behaviour after an attempt: what it says about the
//! endpoint's health, whether the call may go on, and who pays for it.

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u32)]
pub enum Outcome {
    /// A result was returned.
    Success = 1,
    /// The endpoint answered that the caller is wrong: 4xx, validation, not found.
    Rejected = 2,
    /// The request never reached the endpoint: refused, unknown host, failed TLS handshake.
    Unsent = 3,
    /// The request may have reached the endpoint and failed: reset, 502, 503, 504.
    Failure = 4,
    /// The attempt ran into its deadline.
    Timeout = 5,
    /// The endpoint asked for less: 429, Retry-After.
    Throttled = 6,
    /// The caller gave up, or another attempt won.
    Cancelled = 7,
    /// The callback itself is broken.
    Local = 8,
}

/// What an outcome says about the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Good,
    Bad,
    /// Bad for the rate, not for the row of consecutive ones.
    Throttled,
    Neutral,
}

impl Outcome {
    /// Every outcome, in the order of its number.
    pub const ALL: [Self; 8] = [
        Self::Success,
        Self::Rejected,
        Self::Unsent,
        Self::Failure,
        Self::Timeout,
        Self::Throttled,
        Self::Cancelled,
        Self::Local,
    ];

    /// The outcome of a number.
    #[must_use]
    pub const fn from_code(code: u32) -> Option<Self> {
        if code == 0 || code > 8 { None } else { Some(Self::ALL[code as usize - 1]) }
    }

    /// The outcome of a name in documents.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }

    /// The name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Rejected => "rejected",
            Self::Unsent => "unsent",
            Self::Failure => "failure",
            Self::Timeout => "timeout",
            Self::Throttled => "throttled",
            Self::Cancelled => "cancelled",
            Self::Local => "local",
        }
    }

    /// True if a retry may help.
    #[must_use]
    pub const fn is_retryable(self, is_idempotent: bool) -> bool {
        match self {
            Self::Unsent | Self::Throttled => true,
            Self::Failure | Self::Timeout => is_idempotent,
            Self::Success | Self::Rejected | Self::Cancelled | Self::Local => false,
        }
    }

    /// True if a retry after it is paid from the budget.
    #[must_use]
    pub const fn is_charged(self) -> bool {
        matches!(self, Self::Failure | Self::Timeout | Self::Throttled)
    }

    /// True if it feeds the budget.
    #[must_use]
    pub const fn earns(self) -> bool {
        matches!(self, Self::Success | Self::Rejected)
    }

    pub(crate) const fn verdict(self) -> Verdict {
        match self {
            Self::Success | Self::Rejected => Verdict::Good,
            Self::Unsent | Self::Failure | Self::Timeout => Verdict::Bad,
            Self::Throttled => Verdict::Throttled,
            Self::Cancelled | Self::Local => Verdict::Neutral,
        }
    }
}
