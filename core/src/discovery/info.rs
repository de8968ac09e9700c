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

/// Whether a provider's set is known and fresh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProviderStatus {
    /// No set arrived yet.
    #[default]
    Waiting,
    /// The set is what the provider said last.
    Live,
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
