//! The status word of an endpoint: everything that can bar it, and what is published of it.
//!
//! One bit for each axis that something speaks against, so that the usual question of a pick is one load
//! and one mask, and the breaker's generation beside them, so that a transition and its generation are
//! one change.

use super::Reported;

/// The status word at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub(crate) u64);

impl Status {
    pub(crate) const DRAINING: u64 = 1;
    pub(crate) const MAINTENANCE: u64 = 1 << 1;
    pub(crate) const LOST: u64 = 1 << 2;
    pub(crate) const HEALTHY: u64 = 1 << 3;
    pub(crate) const DEGRADED: u64 = 1 << 4;
    pub(crate) const UNHEALTHY: u64 = 1 << 5;
    pub(crate) const EJECTED: u64 = 1 << 6;
    pub(crate) const RESTING: u64 = 1 << 7;
    pub(crate) const OPEN: u64 = 1 << 8;
    pub(crate) const HALF_OPEN: u64 = 1 << 9;
    pub(crate) const FORCED_OPEN: u64 = 1 << 10;
    pub(crate) const USED: u64 = 1 << 11;
    /// Removed for good: only open leases still know it.
    pub(crate) const RETIRED: u64 = 1 << 12;
    pub(crate) const REPORTED_HEALTHY: u64 = 1 << 13;
    pub(crate) const REPORTED_DEGRADED: u64 = 1 << 14;
    pub(crate) const REPORTED_UNHEALTHY: u64 = 1 << 15;
    pub(crate) const REPORTED_DRAINING: u64 = 1 << 16;

    pub(crate) const BREAKER: u64 = Self::OPEN | Self::HALF_OPEN | Self::FORCED_OPEN;
    pub(crate) const ADMIN: u64 = Self::DRAINING | Self::MAINTENANCE;
    pub(crate) const HEALTH: u64 = Self::HEALTHY | Self::DEGRADED | Self::UNHEALTHY;
    pub(crate) const REPORTED: u64 = Self::REPORTED_HEALTHY | Self::REPORTED_BARS;
    /// What its source may say against it.
    pub(crate) const REPORTED_BARS: u64 =
        Self::REPORTED_DEGRADED | Self::REPORTED_UNHEALTHY | Self::REPORTED_DRAINING;
    /// Any of these, and the endpoint needs a closer look.
    const BARS: u64 = Self::ADMIN
        | Self::LOST
        | Self::DEGRADED
        | Self::UNHEALTHY
        | Self::EJECTED
        | Self::RESTING
        | Self::BREAKER
        | Self::RETIRED
        | Self::REPORTED_BARS;

    /// True if nothing speaks against the endpoint.
    #[must_use]
    #[inline]
    pub const fn is_clear(self) -> bool {
        self.0 & Self::BARS == 0
    }

    /// True while its provider doesn't report it, and isn't believed yet.
    #[must_use]
    pub const fn is_lost(self) -> bool {
        self.has(Self::LOST)
    }

    /// True if any of `bits` is set.
    #[must_use]
    #[inline]
    pub(crate) const fn has(self, bits: u64) -> bool {
        self.0 & bits != 0
    }

    /// The breaker's generation: it changes at each of its transitions.
    #[must_use]
    #[inline]
    pub const fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The status with the breaker in `bits` and the next generation.
    pub(crate) const fn with_breaker(self, bits: u64) -> Self {
        let flags = (self.0 & 0xffff_ffff & !Self::BREAKER) | bits;
        Self(flags | ((self.generation().wrapping_add(1)) as u64) << 32)
    }

    /// The program's own word on the endpoint.
    #[must_use]
    pub const fn admin(self) -> Admin {
        if self.has(Self::MAINTENANCE) {
            Admin::Maintenance
        } else if self.has(Self::DRAINING) {
            Admin::Draining
        } else {
            Admin::Active
        }
    }

    /// What active checks say.
    #[must_use]
    pub const fn active_health(self) -> HealthStatus {
        if self.has(Self::UNHEALTHY) {
            HealthStatus::Unhealthy
        } else if self.has(Self::DEGRADED) {
            HealthStatus::Degraded
        } else if self.has(Self::HEALTHY) {
            HealthStatus::Healthy
        } else {
            HealthStatus::Unknown
        }
    }

    /// What its source says.
    #[must_use]
    pub const fn reported(self) -> Reported {
        if self.has(Self::REPORTED_DRAINING) {
            Reported::Draining
        } else if self.has(Self::REPORTED_UNHEALTHY) {
            Reported::Unhealthy
        } else if self.has(Self::REPORTED_DEGRADED) {
            Reported::Degraded
        } else if self.has(Self::REPORTED_HEALTHY) {
            Reported::Healthy
        } else {
            Reported::Unknown
        }
    }

    /// The breaker's state.
    #[must_use]
    pub const fn circuit(self) -> Circuit {
        if self.has(Self::FORCED_OPEN) {
            Circuit::ForcedOpen
        } else if self.has(Self::OPEN) {
            Circuit::Open
        } else if self.has(Self::HALF_OPEN) {
            Circuit::HalfOpen
        } else {
            Circuit::Closed
        }
    }

    /// The status without `bits`, for who takes no notice of them.
    #[must_use]
    pub(crate) const fn without(self, bits: u64) -> Self {
        Self(self.0 & !bits)
    }

    /// All axes in one published word, as the seed has it. Of a breaker it knows only its state, not
    /// whether the policy has breakers on.
    #[must_use]
    pub const fn health(self) -> HealthStatus {
        let unhealthy = Self::MAINTENANCE
            | Self::UNHEALTHY
            | Self::EJECTED
            | Self::OPEN
            | Self::FORCED_OPEN
            | Self::RETIRED
            | Self::REPORTED_UNHEALTHY;
        let degraded = Self::DEGRADED
            | Self::HALF_OPEN
            | Self::DRAINING
            | Self::LOST
            | Self::REPORTED_DEGRADED
            | Self::REPORTED_DRAINING;
        if self.has(unhealthy) {
            HealthStatus::Unhealthy
        } else if self.has(degraded) {
            HealthStatus::Degraded
        } else if self.has(Self::HEALTHY | Self::USED | Self::REPORTED_HEALTHY) {
            HealthStatus::Healthy
        } else {
            HealthStatus::Unknown
        }
    }
}

/// The seed's health of an endpoint, with its numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u32)]
pub enum HealthStatus {
    /// Never checked and never used.
    #[default]
    Unknown = 0,
    /// Takes traffic.
    Healthy = 1,
    /// Takes none, or only as a last resort.
    Unhealthy = 2,
    /// Takes traffic when nothing better is there.
    Degraded = 3,
}

impl HealthStatus {
    /// The name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Degraded => "degraded",
        }
    }
}

/// A breaker's state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u32)]
pub enum Circuit {
    /// Lets everything through.
    #[default]
    Closed = 0,
    /// Lets nothing through until its time is over.
    Open = 1,
    /// Lets a few probes through.
    HalfOpen = 2,
    /// Held open by the program.
    ForcedOpen = 3,
}

impl Circuit {
    /// The name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::ForcedOpen => "forced_open",
        }
    }
}

/// The program's own word on an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u32)]
pub enum Admin {
    /// Takes traffic.
    #[default]
    Active = 0,
    /// Takes no new traffic but that of its sticky sessions.
    Draining = 1,
    /// Takes no traffic at all.
    Maintenance = 2,
}

impl Admin {
    /// The name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Draining => "draining",
            Self::Maintenance => "maintenance",
        }
    }
}
