//! How one endpoint wants to be checked: a part of its description, as in the seed's document.
//!
//! Only data. What a check does is in [`crate::health`]; what is absent here comes from the pool's
//! policy ([`crate::health::Health`]).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::secret::Secret;

/// What is asked of the endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckKind {
    /// An HTTP or HTTPS request, by the endpoint's protocol (tcp for any other protocol).
    #[default]
    Auto,
    /// An HTTP request.
    Http,
    /// An HTTPS request.
    Https,
    /// A TCP connection that is opened and closed.
    Tcp,
    /// The program's own function.
    Custom,
}

/// The health-check description of one endpoint.
///
/// Absent values are inherited from the policy.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct HealthCheck {
    /// What is asked.
    pub kind: CheckKind,
    /// Path of the request, `/health` if absent.
    pub path: Option<String>,
    /// Method of the request, GET if absent.
    pub method: Option<String>,
    /// Headers of the request.
    pub headers: BTreeMap<String, Secret>,
    /// Body of the request.
    pub body: Option<Secret>,
    /// Port to check, when it isn't the endpoint's own.
    pub port: Option<u16>,
    /// Time between two checks.
    pub interval: Option<Duration>,
    /// Longest time that one check may take.
    pub timeout: Option<Duration>,
    /// Statuses that count as healthy; empty means 200 to 399.
    pub expected_statuses: Vec<RangeInclusive<u16>>,
    /// Text that the body must contain.
    pub expected_body: Option<String>,
    /// PEM file of the certificate authorities to trust, in place of the system's.
    pub ca_file: Option<String>,
    /// PEM file of the client's certificate chain.
    pub client_cert_file: Option<String>,
    /// PEM file of the client's private key.
    pub client_key_file: Option<String>,
    /// True to keep the connection between two checks.
    pub reuse_connection: bool,
}
