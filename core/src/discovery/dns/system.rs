//! Which servers and domains a provider uses: the options', or the machine's.

use std::net::{IpAddr, SocketAddr};

use hickory_proto::rr::Name;

use super::DnsOptions;
use super::name::absolute;
use crate::error::{Error, ErrorKind, Result};

/// Servers and domains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Network {
    pub(super) servers: Vec<SocketAddr>,
    pub(super) domains: Vec<Name>,
    pub(super) ndots: u8,
}

impl Network {
    /// Composes it of the options and, where they name no servers, of what the machine's configuration
    /// says now: it changes when the machine moves to another network.
    ///
    /// # Errors
    ///
    /// The machine's configuration can't be read, or names no server.
    pub(super) async fn read(options: &DnsOptions) -> Result<Self> {
        let mut network = Self { servers: options.servers.clone(), domains: Vec::new(), ndots: 1 };
        if network.servers.is_empty() {
            let text = tokio::fs::read(SYSTEM).await.map_err(|error| unusable(&error))?;
            network = Self::of_system(&String::from_utf8_lossy(&text))?;
        }
        if let Some(search) = &options.search {
            // They were checked with the other options.
            network.domains = search.iter().filter_map(|domain| absolute(domain).ok()).collect();
        }
        network.ndots = options.ndots.unwrap_or(network.ndots);
        Ok(network)
    }

    /// Reads a resolv.conf(5): what can't be read in it is passed over, as everybody's resolver does.
    fn of_system(text: &str) -> Result<Self> {
        let mut network = Self { servers: Vec::new(), domains: Vec::new(), ndots: 1 };
        for line in text.lines() {
            let line = line.split(['#', ';']).next().unwrap_or_default();
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => network.servers.extend(words.next().and_then(server)),
                Some("search" | "domain") => {
                    let domains = words.filter_map(|word| absolute(word).ok());
                    network.domains = domains.filter(|domain| !domain.is_root()).collect();
                }
                Some("options") => {
                    let mut ndots =
                        words.filter_map(|word| word.strip_prefix("ndots:")?.parse().ok());
                    network.ndots = ndots.next_back().unwrap_or(network.ndots).min(MOST_NDOTS);
                }
                _ => {}
            }
        }
        if network.servers.is_empty() {
            return Err(unusable(&"it names no server"));
        }
        Ok(network)
    }
}

/// A server's address, which may hold the number of the interface where it is.
fn server(text: &str) -> Option<SocketAddr> {
    let is_scoped = text.contains('%');
    match text.parse::<IpAddr>() {
        Ok(ip) => Some(SocketAddr::new(ip, PORT)),
        Err(_) if is_scoped => format!("[{text}]:{PORT}").parse().ok(),
        Err(_) => None,
    }
}

fn unusable(cause: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Provider, format!("dns: the machine's servers, {SYSTEM}: {cause}"))
}

/// Where the machine says whom to ask.
const SYSTEM: &str = "/etc/resolv.conf";

/// The port of DNS.
const PORT: u16 = 53;

/// More dots count as so many.
pub(super) const MOST_NDOTS: u8 = 15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_servers_domains_and_dots_are_used() {
        let network = Network::of_system(
            "# made by hand\nnameserver 127.0.0.53 # here\n  nameserver ::1\nnameserver fe80::1%2\n\
             nameserver nowhere\nlookup file bind\ndomain other\nsearch svc.example example. -- .\n\
             options timeout:1 ndots:5 edns0\n;options ndots:3\n",
        );

        let network = network.expect("it names servers");
        let servers: Vec<String> = network.servers.iter().map(ToString::to_string).collect();
        let domains: Vec<String> = network.domains.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["127.0.0.53:53", "[::1]:53", "[fe80::1%2]:53"]);
        assert_eq!(domains, ["svc.example.", "example."]);
        assert_eq!(network.ndots, 5);
    }

    #[test]
    fn a_single_domain_counts_as_the_one_to_search_and_dots_are_limited() {
        let text = "nameserver 127.0.0.1\ndomain example\noptions ndots:99\n";

        let network = Network::of_system(text).expect("it names a server");

        assert_eq!(network.domains, [absolute("example").expect("a name")]);
        assert_eq!(network.ndots, MOST_NDOTS);
        let bare = Network::of_system("nameserver 127.0.0.1").expect("it names a server");
        assert_eq!((bare.domains.len(), bare.ndots), (0, 1));
    }

    #[test]
    fn a_machine_without_servers_is_an_error() {
        let error = Network::of_system("search example\n").expect_err("no server");

        assert_eq!(
            error.to_string(),
            "dns: the machine's servers, /etc/resolv.conf: it names no server"
        );
    }
}
