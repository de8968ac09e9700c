//! From records to endpoints.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hickory_proto::rr::rdata::SRV;

use super::name::shown;
use crate::endpoint::Endpoint;

/// Gathers the endpoints of one service: each id once, in the order of ids.
#[derive(Debug)]
pub(super) struct Gathering<'a> {
    service: &'a str,
    protocol: Arc<str>,
    endpoints: BTreeMap<String, Endpoint>,
}

impl<'a> Gathering<'a> {
    /// Begins with none.
    pub(super) fn new(service: &'a str, protocol: &str) -> Self {
        Self { service, protocol: protocol.into(), endpoints: BTreeMap::new() }
    }

    /// Adds an address of the service's own name: `<ip>:<port>`.
    pub(super) fn add_address(&mut self, ip: IpAddr, port: u16, host: &str) {
        let id = SocketAddr::new(ip, port).to_string();
        self.add(id, ip, port, host);
    }

    /// Adds an address of a service record's target: `<target>:<port>/<ip>`.
    ///
    /// Where two records say the same place, the one with the lower priority counts, then the one with
    /// the larger weight. A weight of 0 becomes 1, the smallest share there is: in the records it means
    /// seldom, in an endpoint it would mean never.
    pub(super) fn add_target(&mut self, srv: &SRV, ip: IpAddr) {
        let host = shown(&srv.target);
        let id = format!("{host}:{}/{ip}", srv.port);
        let (priority, weight) = (u32::from(srv.priority), u32::from(srv.weight.max(1)));
        let rank = |priority: u32, weight: u32| (priority, u32::MAX - weight);
        let is_better = self.endpoints.get(&id).is_none_or(|other| {
            rank(priority, weight) < rank(other.priority, other.weight.unwrap_or_default())
        });
        if is_better {
            let endpoint = self.add(id, ip, srv.port, &host);
            endpoint.priority = priority;
            endpoint.weight = Some(weight);
        }
    }

    /// Everything that was gathered.
    pub(super) fn finish(self) -> Vec<Endpoint> {
        self.endpoints.into_values().collect()
    }

    fn add(&mut self, id: String, ip: IpAddr, port: u16, host: &str) -> &mut Endpoint {
        let mut endpoint = Endpoint::new(&id, self.service, &ip.to_string(), port);
        endpoint.protocol = Arc::clone(&self.protocol);
        endpoint.metadata.insert(HOST.to_owned(), host.to_owned());
        let slot = self.endpoints.entry(id).or_default();
        *slot = endpoint;
        slot
    }
}

/// The label that holds the name whose address it is, which TLS and virtual hosts need.
const HOST: &str = "host";

#[cfg(test)]
mod tests {
    use hickory_proto::rr::Name;

    use super::*;

    fn srv(priority: u16, weight: u16) -> SRV {
        SRV::new(priority, weight, 80, Name::from_ascii("A.Example.").expect("a name"))
    }

    #[test]
    fn ids_say_where_an_endpoint_is_and_whose_address_that_is() {
        let mut gathering = Gathering::new("users", "https");
        gathering.add_address("::1".parse().expect("an address"), 80, "users.example");
        gathering.add_address("10.0.0.1".parse().expect("an address"), 80, "users.example");
        gathering.add_address("10.0.0.1".parse().expect("an address"), 80, "users.example");
        gathering.add_target(&srv(3, 7), "10.0.0.2".parse().expect("an address"));

        let endpoints = gathering.finish();

        let ids: Vec<&str> = endpoints.iter().map(|endpoint| &*endpoint.id).collect();
        assert_eq!(ids, ["10.0.0.1:80", "[::1]:80", "a.example:80/10.0.0.2"]);
        let [_, other, target] = &endpoints[..] else { unreachable!("three") };
        assert_eq!((&*other.address, other.port, other.weight), ("::1", 80, None));
        assert_eq!((target.priority, target.weight), (3, Some(7)));
        assert_eq!((&*target.protocol, &*target.name), ("https", "users"));
        assert_eq!(target.metadata["host"], "a.example");
    }

    #[test]
    fn of_two_records_for_the_same_place_the_preferred_one_counts() {
        let ip = "10.0.0.1".parse().expect("an address");
        for records in [[srv(1, 5), srv(2, 9), srv(1, 0)], [srv(1, 0), srv(2, 9), srv(1, 5)]] {
            let mut gathering = Gathering::new("users", "http");
            records.iter().for_each(|record| gathering.add_target(record, ip));

            let endpoints = gathering.finish();

            assert_eq!(endpoints.len(), 1);
            assert_eq!((endpoints[0].priority, endpoints[0].weight), (1, Some(5)));
        }
    }
}
