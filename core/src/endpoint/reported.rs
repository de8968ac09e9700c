//! What an endpoint's source says of how it is doing.
//!
//! A registry that runs checks of its own knows it before the first request; one that doesn't, says
//! nothing. It is part of the description, so that it changes with the set that it came in, and an axis
//! of its own: neither this process's checks nor its program's word overrule it.

use super::Status;

/// What an endpoint's source says of how it is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Reported {
    /// Nothing.
    #[default]
    Unknown = 0,
    /// It takes traffic.
    Healthy = 1,
    /// It takes none, or only as a last resort.
    Unhealthy = 2,
    /// It takes traffic when nothing better is there.
    Degraded = 3,
    /// It takes no new traffic but that of its sticky sessions.
    Draining = 4,
}

impl Reported {
    /// The name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Degraded => "degraded",
            Self::Draining => "draining",
        }
    }

    /// Its bit of the status word.
    pub(super) const fn bit(self) -> u64 {
        match self {
            Self::Unknown => 0,
            Self::Healthy => Status::REPORTED_HEALTHY,
            Self::Unhealthy => Status::REPORTED_UNHEALTHY,
            Self::Degraded => Status::REPORTED_DEGRADED,
            Self::Draining => Status::REPORTED_DRAINING,
        }
    }
}
