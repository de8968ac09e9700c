//! How a provider is doing, as a document: what `GetProviderInfo` shows.

use std::sync::Arc;

use super::Capabilities;

/// How a provider is doing.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ProviderInfo {
    /// Its name in the manager.
    pub name: Arc<str>,
    /// The kind of source.
    #[serde(rename = "type")]
    pub kind: Arc<str>,
    /// Whether its set is known and fresh.
    pub status: ProviderStatus,
    /// True once the first whole set arrived.
    pub is_ready: bool,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Endpoints that serve now.
    pub endpoints: usize,
    /// Whole sets that it delivered.
    pub reads: u64,
    /// Failures to read it.
    pub errors: u64,
    /// Milliseconds since it was last read.
    pub read_ago_ms: Option<u64>,
    /// Milliseconds since it became unreadable, while it is.
    pub stale_for_ms: Option<u64>,
    /// Milliseconds since it began to report an empty set that isn't believed yet.
    pub empty_for_ms: Option<u64>,
    /// The last failure, kept after it is over.
    pub last_error: Option<String>,
}

impl ProviderInfo {
    /// Both together: of a provider that delivers each service by itself.
    #[cfg(feature = "runtime")]
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            status: self.status.max(other.status),
            is_ready: self.is_ready && other.is_ready,
            endpoints: self.endpoints + other.endpoints,
            reads: self.reads + other.reads,
            errors: self.errors + other.errors,
            read_ago_ms: self.read_ago_ms.max(other.read_ago_ms),
            stale_for_ms: self.stale_for_ms.max(other.stale_for_ms),
            empty_for_ms: self.empty_for_ms.max(other.empty_for_ms),
            // That of the one which can't be read, if there is one.
            last_error: match other.stale_for_ms {
                Some(_) => other.last_error.or(self.last_error),
                None => self.last_error.or(other.last_error),
            },
            ..self
        }
    }
}

/// Whether a provider's set is known and fresh, from best to worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProviderStatus {
    /// The set is what the provider said last.
    Live,
    /// No set arrived yet.
    #[default]
    Waiting,
    /// The provider can't be read; its last good set serves.
    Stale,
    /// The provider can't be read, and its last good set is too old to serve.
    Expired,
}

impl ProviderStatus {
    /// The name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Live => "live",
            Self::Stale => "stale",
            Self::Expired => "expired",
        }
    }
}
