//! Options of a provider of type `dns`.

use std::net::SocketAddr;
use std::time::Duration;

use super::name;
use super::system::MOST_NDOTS;
use crate::error::{Error, ErrorKind, Fault, Result};

/// Which records say where a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DnsRecords {
    /// Addresses, A and AAAA, all with this port, 1 to 65535.
    Addresses {
        /// The port of every endpoint.
        port: u16,
    },
    /// Service records, which hold ports, priorities and weights, of targets with addresses.
    Srv,
}

/// Which addresses are used where a host has both kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IpFamily {
    /// IPv4, and IPv6 where a name has no IPv4 address: no host is counted twice.
    #[default]
    PreferIpv4,
    /// IPv6, and IPv4 where a name has no IPv6 address.
    PreferIpv6,
    /// IPv4 alone.
    Ipv4,
    /// IPv6 alone.
    Ipv6,
    /// Every address; a host that has two is two endpoints.
    Both,
}

/// Options of a provider of type `dns`.
///
/// # Examples
///
/// ```
/// use failover::discovery::{Dns, DnsOptions, DnsRecords};
///
/// let mut options = DnsOptions::new(DnsRecords::Addresses { port: 8080 });
/// options.template = "{service}.svc.example.".to_owned();
/// assert!(Dns::new(options.clone()).is_ok());
///
/// options.template = "users.svc.example.".to_owned();
/// let error = Dns::new(options).unwrap_err();
/// assert!(error.to_string().starts_with("template: "));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DnsOptions {
    /// Which records say where a service is.
    pub records: DnsRecords,
    /// Which addresses are used where a host has both kinds. Default: IPv4 before IPv6.
    pub family: IpFamily,
    /// How a service's name becomes a DNS name: `{service}` stands for it. Default: `{service}`.
    ///
    /// A last dot makes the name absolute; others are tried in the search domains too.
    pub template: String,
    /// The servers to ask, in their order. Default, and when empty: the system's.
    pub servers: Vec<SocketAddr>,
    /// Domains in which a name that isn't absolute is looked for. Default: the system's if its servers
    /// are asked, else none.
    pub search: Option<Vec<String>>,
    /// A name with so many dots is tried as it is before the search domains, 0 to 15. Default: the
    /// system's if its servers are asked, else 1.
    pub ndots: Option<u8>,
    /// How long one server may take, above 0 s, up to 10 s. Default: 2 s.
    ///
    /// Too short takes slow answers for missing ones; each server that is down costs so long.
    pub timeout: Duration,
    /// An answer is good for at least so long, from 1 s. Default: 5 s.
    ///
    /// Records with a time of 0 would have the servers asked without end.
    pub min_ttl: Duration,
    /// An answer is good for at most so long, from `min_ttl` to 24 h. Default: 5 min.
    pub max_ttl: Duration,
    /// The endpoints' protocol. Default: `http`.
    pub protocol: String,
    /// The manager's seed, for the moments at which names are asked again.
    pub seed: u64,
}

impl DnsOptions {
    /// The defaults, for these records.
    #[must_use]
    pub fn new(records: DnsRecords) -> Self {
        Self {
            records,
            family: IpFamily::default(),
            template: name::PLACE.to_owned(),
            servers: Vec::new(),
            search: None,
            ndots: None,
            timeout: Duration::from_secs(2),
            min_ttl: Duration::from_secs(5),
            max_ttl: Duration::from_secs(300),
            protocol: "http".to_owned(),
            seed: 0,
        }
    }

    /// Refuses options that can't be used, with every fault.
    pub(super) fn check(&self) -> Result<()> {
        let mut faults = Vec::new();
        let mut say = |path: &str, expected: String| {
            faults.push(Fault { path: path.to_owned(), expected });
        };
        if self.records == (DnsRecords::Addresses { port: 0 }) {
            say("port", "must be 1..=65535, got 0".to_owned());
        }
        if let Err(expected) = name::check_template(&self.template) {
            say("template", expected);
        }
        for (i, server) in self.servers.iter().enumerate() {
            if server.port() == 0 || server.ip().is_unspecified() {
                let expected =
                    format!("must be the address of a server and its port, got {server}");
                say(&format!("servers[{i}]"), expected);
            }
        }
        for (i, domain) in self.search.iter().flatten().enumerate() {
            if let Err(expected) = name::absolute(domain) {
                say(&format!("search[{i}]"), expected);
            }
        }
        if self.ndots.is_some_and(|ndots| ndots > MOST_NDOTS) {
            say("ndots", format!("must be 0..={MOST_NDOTS}, got {}", self.ndots.unwrap_or(0)));
        }
        for (path, time, least, most) in [
            ("timeout", self.timeout, Duration::from_nanos(1), LONGEST_TIMEOUT),
            ("min_ttl", self.min_ttl, LEAST_TTL, LONGEST_TTL),
            ("max_ttl", self.max_ttl, self.min_ttl.min(LONGEST_TTL), LONGEST_TTL),
        ] {
            if !(least..=most).contains(&time) {
                let [least, most, time] = [least, most, time].map(crate::duration::format);
                say(path, format!("must be {least}..={most}, got {time}"));
            }
        }
        if faults.is_empty() {
            return Ok(());
        }
        Err(Error::from_faults(ErrorKind::InvalidConfig, faults))
    }
}

/// A server that takes longer is as good as down.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The finest that records can say.
const LEAST_TTL: Duration = Duration::from_secs(1);

/// What changes less often needs no discovery.
const LONGEST_TTL: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_told_at_once_with_its_option() {
        let mut options = DnsOptions::new(DnsRecords::Addresses { port: 0 });
        options.template = "users..example".to_owned();
        options.servers = vec!["0.0.0.0:53".parse().expect("an address")];
        options.search = Some(vec!["example".to_owned(), "a b".to_owned()]);
        options.ndots = Some(16);
        options.timeout = Duration::ZERO;
        options.min_ttl = Duration::from_secs(60);
        options.max_ttl = Duration::from_secs(59);

        let error = options.check().expect_err("nothing of it can be used");

        let paths: Vec<&str> = error.faults().iter().map(|fault| &*fault.path).collect();
        assert_eq!(
            paths,
            ["port", "template", "servers[0]", "search[1]", "ndots", "timeout", "max_ttl"]
        );
        assert!(error.to_string().ends_with("max_ttl: must be 1m..=24h, got 59s"), "{error}");
    }

    #[test]
    fn the_defaults_can_be_used() {
        assert!(DnsOptions::new(DnsRecords::Srv).check().is_ok());
    }
}
