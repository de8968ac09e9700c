//! Options of the pick: what ranks endpoints and what spreads the load among them.

use std::collections::BTreeMap;
use std::time::Duration;

/// What ranks the endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Strategy {
    /// No rank; spreads in turn.
    #[default]
    RoundRobin,
    /// No rank; spreads at random.
    Random,
    /// No rank; spreads by weight.
    Weighted,
    /// No rank; spreads by requests in flight.
    LeastConnections,
    /// No rank; the same endpoint for the same key.
    IpHash,
    /// Healthy before degraded; spreads by latency.
    HealthBased,
    /// Near before far; spreads by requests in flight.
    Geographic,
    /// The program chooses.
    Custom,
}

/// What spreads the load among equally ranked endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// In turn.
    RoundRobin,
    /// At random.
    Random,
    /// In turn by weight, as smoothly as nginx.
    Weighted,
    /// Fewest requests in flight for the weight.
    LeastConnections,
    /// The same endpoint for the same key.
    IpHash,
    /// The better of two by latency, failures and requests in flight.
    P2cEwma,
}

/// What happens when breakers bar every endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnAllOpen {
    /// The call fails at once and says when the next probe is due.
    #[default]
    FailFast,
    /// The endpoints are used all the same.
    FailOpen,
}

/// Keeps a session on one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sticky {
    /// How long a session that isn't used stays bound.
    pub ttl: Duration,
    /// How many sessions are remembered; the least recently used goes first.
    pub max_keys: u32,
}

impl Default for Sticky {
    fn default() -> Self {
        Self { ttl: Duration::from_secs(30 * 60), max_keys: 10_000 }
    }
}

/// Where the caller stands, for the geographic strategy.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Locality {
    /// The caller's zone.
    pub zone: Option<String>,
    /// The caller's region.
    pub region: Option<String>,
    /// The caller's latitude and longitude in degrees.
    pub position: Option<(f64, f64)>,
}

/// How one pick is made.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Balance {
    /// What ranks.
    pub strategy: Strategy,
    /// What spreads; absent means what the strategy implies.
    pub algorithm: Option<Algorithm>,
    /// Weights by endpoint id, over the endpoint's own.
    pub weights: BTreeMap<String, u32>,
    /// Session stickiness; absent means off.
    pub sticky: Option<Sticky>,
    /// What happens when breakers bar every endpoint.
    pub on_all_open: OnAllOpen,
    /// Where the caller stands.
    pub locality: Locality,
}

impl Balance {
    /// The algorithm in force: the given one, or the one that the strategy implies.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm.unwrap_or(match self.strategy {
            Strategy::RoundRobin | Strategy::Custom => Algorithm::RoundRobin,
            Strategy::Random => Algorithm::Random,
            Strategy::Weighted => Algorithm::Weighted,
            Strategy::LeastConnections | Strategy::Geographic => Algorithm::LeastConnections,
            Strategy::IpHash => Algorithm::IpHash,
            Strategy::HealthBased => Algorithm::P2cEwma,
        })
    }
}
