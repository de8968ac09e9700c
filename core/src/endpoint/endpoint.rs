//! What an endpoint is: identity and description, immutable once registered.
//!
//! Everything that changes by itself (health, breaker, counters) lives in
//! [`EndpointState`](super::EndpointState), so that a new weight or tag never resets it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{HealthCheck, Reported};

/// The number of one endpoint in one manager: a slot that hosts may use as an index, and a
/// generation that tells its users apart. 0 is no endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointId(u64);

impl EndpointId {
    /// No endpoint.
    pub const NONE: Self = Self(0);

    /// Composes an id.
    #[must_use]
    pub const fn new(slot: u32, generation: u32) -> Self {
        Self(slot as u64 | (generation as u64) << 32)
    }

    /// The id of a number that crossed a border.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The number that crosses borders.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The slot, reused after the endpoint's last lease ended.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the low half is the slot")]
    pub const fn slot(self) -> u32 {
        self.0 as u32
    }

    /// The generation, from 1.
    #[must_use]
    pub const fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.slot(), self.generation())
    }
}

/// One place where a service can be reached.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Endpoint {
    /// Unique in its provider, 1 to 512 bytes.
    pub id: Arc<str>,
    /// Name of the service that it belongs to.
    pub name: Arc<str>,
    /// Host name or IP address.
    pub address: Arc<str>,
    /// Port, 1 to 65535; 0 only where neither traffic nor a check needs one.
    pub port: u16,
    /// `http`, `https`, `tcp`, or any name that the program understands.
    pub protocol: Arc<str>,
    /// Share of the load, 0 for no new traffic; absent counts as 1.
    pub weight: Option<u32>,
    /// Tier: 0 is most preferred.
    pub priority: u32,
    /// Labels.
    pub tags: Vec<String>,
    /// Named labels; `zone`, `region`, `latitude` and `longitude` tell where it stands.
    pub metadata: BTreeMap<String, String>,
    /// How to check it; absent means that it isn't checked.
    pub health_check: Option<Box<HealthCheck>>,
    /// What its source says of how it is doing.
    pub reported: Reported,
    /// Wall time of registration, nanoseconds since 1970.
    pub created_at: u64,
    /// Wall time of the last change, nanoseconds since 1970.
    pub updated_at: u64,
}

impl Endpoint {
    /// Makes an endpoint of `service` with the defaults for the rest.
    ///
    /// # Examples
    ///
    /// ```
    /// let endpoint = failover::Endpoint::new("a", "users", "127.0.0.1", 8080);
    /// assert_eq!(endpoint.url("/health"), "http://127.0.0.1:8080/health");
    /// ```
    #[must_use]
    pub fn new(id: &str, service: &str, address: &str, port: u16) -> Self {
        Self {
            id: id.into(),
            name: service.into(),
            address: address.into(),
            port,
            protocol: "http".into(),
            ..Self::default()
        }
    }

    /// The same endpoint with another weight.
    #[must_use]
    pub fn with_weight(mut self, weight: u32) -> Self {
        self.weight = Some(weight);
        self
    }

    /// The same endpoint in another tier.
    #[must_use]
    pub fn with_priority(mut self, priority: u32) -> Self {
        self.priority = priority;
        self
    }

    /// The same endpoint with a label.
    #[must_use]
    pub fn with_metadata(mut self, key: &str, value: &str) -> Self {
        self.metadata.insert(key.to_owned(), value.to_owned());
        self
    }

    /// The same endpoint as its source says that it is doing.
    #[must_use]
    pub fn with_reported(mut self, reported: Reported) -> Self {
        self.reported = reported;
        self
    }

    /// The same endpoint with a health check.
    #[must_use]
    pub fn with_health_check(mut self, check: HealthCheck) -> Self {
        self.health_check = Some(Box::new(check));
        self
    }

    /// `address:port`, with brackets around an IPv6 address.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.address.contains(':') && !self.address.starts_with('[') {
            return format!("[{}]:{}", self.address, self.port);
        }
        format!("{}:{}", self.address, self.port)
    }

    /// A URL of this endpoint; `path` starts with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.protocol, self.authority())
    }

    /// True if `other` is reached at the same place, so that live state carries over.
    #[must_use]
    pub fn is_same_place(&self, other: &Self) -> bool {
        self.address == other.address && self.port == other.port
    }
}
