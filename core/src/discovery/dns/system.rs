//! Which servers and domains a provider uses: the options', or the machine's.

use std::net::SocketAddr;

use hickory_resolver::config::{ResolverConfig, ResolverOpts};
use hickory_resolver::proto::rr::Name;
use hickory_resolver::system_conf::read_system_conf;

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
    /// The machine's configuration can't be read.
    pub(super) async fn read(options: &DnsOptions) -> Result<Self> {
        let mut network = Self { servers: options.servers.clone(), domains: Vec::new(), ndots: 1 };
        if network.servers.is_empty() {
            let reading = tokio::task::spawn_blocking(read_system_conf).await;
            let read = reading.map_err(|error| unreadable(&error))?;
            network = Self::of_system(&read.map_err(|error| unreadable(&error))?);
        }
        if let Some(search) = &options.search {
            // They were checked with the other options.
            network.domains = search.iter().filter_map(|domain| absolute(domain).ok()).collect();
        }
        network.ndots = options.ndots.unwrap_or(network.ndots);
        Ok(network)
    }

    fn of_system((config, options): &(ResolverConfig, ResolverOpts)) -> Self {
        let servers = config.name_servers().iter().filter_map(|server| {
            let port = server.connections.first().map(|connection| connection.port)?;
            Some(SocketAddr::new(server.ip, port))
        });
        let own = config.domain().into_iter();
        let domains: Vec<&Name> = match config.search() {
            [] => own.collect(),
            search => search.iter().collect(),
        };
        let domains = domains.into_iter().filter_map(|domain| {
            let mut domain = domain.clone();
            domain.set_fqdn(true);
            (!domain.is_root()).then_some(domain)
        });
        Self {
            servers: servers.collect(),
            domains: domains.collect(),
            ndots: u8::try_from(options.ndots).unwrap_or(u8::MAX),
        }
    }
}

fn unreadable(cause: &dyn std::fmt::Display) -> Error {
    let text = format!("dns: the machine's list of servers (resolv.conf): {cause}");
    Error::new(ErrorKind::Provider, text)
}

#[cfg(all(test, unix, not(target_vendor = "apple")))]
mod tests {
    use hickory_resolver::system_conf::parse_resolv_conf;

    use super::*;

    fn network(text: &str) -> Network {
        Network::of_system(&parse_resolv_conf(text).expect("it is one"))
    }

    #[test]
    fn the_machines_servers_domains_and_dots_are_used() {
        let network = network(
            "# made by hand\nnameserver 127.0.0.53\nnameserver ::1\n\
             search svc.example example.\noptions ndots:5 timeout:1 edns0\n",
        );

        let servers: Vec<String> = network.servers.iter().map(ToString::to_string).collect();
        let domains: Vec<String> = network.domains.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["127.0.0.53:53", "[::1]:53"]);
        assert_eq!(domains, ["svc.example.", "example."]);
        assert_eq!(network.ndots, 5);
    }

    #[test]
    fn a_single_domain_counts_as_the_one_to_search() {
        let network = network("nameserver 127.0.0.1\ndomain example\n");

        assert_eq!(network.domains, [absolute("example").expect("a name")]);
        assert_eq!(network.ndots, 1);
    }

    #[test]
    fn a_machine_without_servers_is_an_error() {
        assert!(parse_resolv_conf("search example\n").is_err());
        let text = unreadable(&"no nameservers found in config").to_string();
        assert!(text.starts_with("dns: "), "{text}");
    }
}
