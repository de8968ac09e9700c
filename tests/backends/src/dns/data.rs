//! What a record of a test's zone says.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DnsData {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// Another name under which the data is found.
    Cname(String),
    /// A host and port of a service.
    Srv {
        /// Lower ones are tried first.
        priority: u16,
        /// Share within the priority.
        weight: u16,
        /// Port of the service.
        port: u16,
        /// Name of the host.
        target: String,
    },
}

impl DnsData {
    /// An address record.
    #[must_use]
    pub const fn address(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::A(ip),
            IpAddr::V6(ip) => Self::Aaaa(ip),
        }
    }

    /// A service record.
    #[must_use]
    pub fn srv(priority: u16, weight: u16, port: u16, target: &str) -> Self {
        Self::Srv { priority, weight, port, target: target.to_owned() }
    }

    /// An alias.
    #[must_use]
    pub fn cname(target: &str) -> Self {
        Self::Cname(target.to_owned())
    }
}
