//! What a pool sees of a service's slices: each Pod once, under the address that is wanted.
//!
//! All slices are joined first. Whoever stands in two of them, as during a move, comes once, and so
//! does a Pod with an address of each family. Then comes what kube-proxy does too: who drains serves
//! only if nobody is ready, and hints count only if everybody who is ready has them.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::ports::{self, Found};
use super::slices::{Hint, Member, Slice, Slices, Standing};
use super::{IpFamily, Options, Port};
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind, Result};

/// How a service's slices are looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    /// The service as it was asked for, which its endpoints are named after.
    pub(super) service: &'a str,
    /// Absent means the only port.
    pub(super) port: Option<&'a Port>,
    pub(super) options: &'a Options,
}

/// One address that was found, with what is known of it.
#[derive(Clone, Copy, Debug)]
struct Seen<'a> {
    place: SocketAddr,
    standing: Standing,
    member: &'a Member,
}

impl View<'_> {
    /// The endpoints in the order of their addresses.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Provider`] if there are addresses, and none of them has the port.
    pub(super) fn endpoints(&self, slices: &Slices) -> Result<Vec<Endpoint>> {
        let mut seen = self.join(slices)?;
        self.pair(&mut seen);
        let best = seen.values().map(|one| one.standing).max().unwrap_or(Standing::Down);
        seen.retain(|_, one| one.standing > Standing::Down);
        let ready: Vec<&Member> =
            seen.values().filter(|one| one.standing == best).map(|one| one.member).collect();
        let hinted = self.hinted(&ready);
        Ok(seen.values().map(|one| self.endpoint(one, best, hinted)).collect())
    }

    /// Joins the slices: each address and port once, at its best.
    fn join<'a>(&self, slices: &'a Slices) -> Result<BTreeMap<SocketAddr, Seen<'a>>> {
        let mut seen: BTreeMap<SocketAddr, Seen<'a>> = BTreeMap::new();
        let mut refused = None;
        for slice in slices.iter().filter(|slice| self.takes(slice)) {
            let number = match ports::find(&slice.ports, self.port) {
                Found::Number(number) => number,
                _ if slice.endpoints.is_empty() => continue,
                found => {
                    refused.get_or_insert((found, slice));
                    continue;
                }
            };
            for member in &slice.endpoints {
                // An address that is none is left out, and spoils nothing.
                let Some(ip) = address(member, slice) else { continue };
                let place = SocketAddr::new(ip, number);
                let one = Seen { place, standing: member.standing(), member };
                let held = seen.entry(place).or_insert(one);
                if held.standing < one.standing {
                    *held = one;
                }
            }
        }
        match refused {
            Some((found, slice)) if seen.is_empty() => Err(self.portless(found, slice)),
            _ => Ok(seen),
        }
    }

    fn takes(&self, slice: &Slice) -> bool {
        match (&*slice.address_type, self.options.ip_family) {
            ("IPv4", family) => family != IpFamily::OnlyV6,
            ("IPv6", family) => family != IpFamily::OnlyV4,
            // FQDN, which the API gives no meaning, and what is yet to come.
            _ => false,
        }
    }

    /// Leaves each Pod the addresses of one family: the one in which it stands better, and at a tie
    /// the one that is preferred.
    fn pair(&self, seen: &mut BTreeMap<SocketAddr, Seen<'_>>) {
        let prefers_v6 = matches!(self.options.ip_family, IpFamily::PreferV6 | IpFamily::OnlyV6);
        let rank = |one: &Seen<'_>| (one.standing, one.place.is_ipv6() == prefers_v6);
        let mut best: BTreeMap<&str, (Standing, bool)> = BTreeMap::new();
        for one in seen.values() {
            if let Some(uid) = uid(one.member) {
                let held = best.entry(uid).or_insert(rank(one));
                *held = rank(one).max(*held);
            }
        }
        seen.retain(|_, one| {
            let family = uid(one.member).and_then(|uid| best.get(uid)).map(|best| best.1);
            family.is_none_or(|is_preferred| is_preferred == (one.place.is_ipv6() == prefers_v6))
        });
    }

    /// The hints that hold, if any: those of nodes before those of zones.
    fn hinted<'a>(&'a self, ready: &[&Member]) -> Option<Hinted<'a>> {
        let holds = |hints: fn(&Member) -> &[Hint], own: &str| {
            ready.iter().all(|member| !hints(member).is_empty())
                && ready.iter().any(|member| names(hints(member), own))
        };
        let node = self.options.node.as_deref().filter(|own| holds(Member::nodes, own));
        let zone = self.options.zone.as_deref().filter(|own| holds(Member::zones, own));
        node.map(Hinted::Node).or_else(|| zone.map(Hinted::Zone))
    }

    fn endpoint(&self, one: &Seen<'_>, best: Standing, hinted: Option<Hinted<'_>>) -> Endpoint {
        let (member, place) = (one.member, one.place);
        let pod = member.target_ref.as_ref().and_then(|target| target.name.as_deref());
        // The API doesn't check it, and an id has its limit.
        let pod = pod.filter(|pod| (1..=LONGEST_NAME).contains(&pod.len()));
        let id = match pod {
            Some(pod) => format!("{}/{pod}/{place}", self.service),
            None => format!("{}/{place}", self.service),
        };
        let address = place.ip().to_string();
        let mut endpoint = Endpoint::new(&id, self.service, &address, place.port());
        endpoint.protocol = self.options.protocol.clone();
        endpoint.weight = (one.standing < best).then_some(0);
        endpoint.priority = u32::from(hinted.is_some_and(|hinted| !hinted.names(member)));
        let labels =
            [("zone", member.zone.as_deref()), ("node", member.node_name.as_deref()), ("pod", pod)];
        let labels = labels.into_iter().filter_map(|(key, value)| Some((key, value?)));
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
        endpoint.metadata = labels.collect();
        endpoint
    }

    /// The refusal of a service that has addresses, and not the port that is wanted.
    fn portless(&self, found: Found, slice: &Slice) -> Error {
        let ports = slice.ports.iter().map(|port| match port.number() {
            Some(number) => format!("{:?} ({number})", port.name()),
            None => format!("{:?}", port.name()),
        });
        let ports = ports.collect::<Vec<_>>().join(", ");
        let has = if ports.is_empty() { "none".to_owned() } else { ports };
        let service = self.service;
        let text = match (found, self.port) {
            (Found::Several, _) => {
                format!("service {service:?}: its port must be named, it has several: {has}")
            }
            (_, Some(Port::Name(name))) => {
                format!("service {service:?}: it has no port named {name:?}, but: {has}")
            }
            (_, Some(Port::Number(number))) => {
                format!("service {service:?}: it has no port {number}, but: {has}")
            }
            (_, None) => format!("service {service:?}: its slices name no port"),
        };
        Error::new(ErrorKind::Provider, text)
    }
}

/// Hints that hold for this process.
#[derive(Clone, Copy, Debug)]
enum Hinted<'a> {
    Node(&'a str),
    Zone(&'a str),
}

impl Hinted<'_> {
    fn names(self, member: &Member) -> bool {
        match self {
            Self::Node(own) => names(member.nodes(), own),
            Self::Zone(own) => names(member.zones(), own),
        }
    }
}

fn names(hints: &[Hint], own: &str) -> bool {
    hints.iter().any(|hint| hint.name == own)
}

/// The address of `member`, if it is one of the slice's family.
fn address(member: &Member, slice: &Slice) -> Option<IpAddr> {
    let ip: IpAddr = member.addresses.first()?.parse().ok()?;
    (ip.is_ipv6() == (slice.address_type == "IPv6")).then_some(ip)
}

/// What tells that two addresses are one Pod's.
fn uid(member: &Member) -> Option<&str> {
    member.target_ref.as_ref()?.uid.as_deref()
}

/// Kubernetes' own limit of a Pod's name.
const LONGEST_NAME: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    /// Slices by their JSON; each is named by its position.
    fn slices(json: &str) -> Slices {
        let mut read: Vec<Slice> = serde_json::from_str(json).expect(json);
        for (i, slice) in read.iter_mut().enumerate() {
            slice.metadata.name = format!("users-{i}");
        }
        let mut slices = Slices::default();
        slices.replace(read);
        slices
    }

    /// A slice of that family with one port and these endpoints.
    fn slice(family: &str, endpoints: &str) -> String {
        format!(
            r#"{{"addressType": "{family}", "ports": [{{"name": "http", "port": 80}}],
                "endpoints": [{endpoints}]}}"#
        )
    }

    fn ready(ip: &str, pod: &str) -> String {
        format!(r#"{{"addresses": ["{ip}"], "targetRef": {{"name": "{pod}", "uid": "u-{pod}"}}}}"#)
    }

    fn seen(options: &Options, port: Option<&Port>, json: &str) -> Result<Vec<Endpoint>> {
        View { service: "users", port, options }.endpoints(&slices(json))
    }

    /// What is seen by default: who, with which weight and in which tier.
    fn found(options: &Options, json: &str) -> Vec<(String, Option<u32>, u32)> {
        let endpoints = seen(options, None, json).expect(json);
        endpoints.iter().map(|one| (one.authority(), one.weight, one.priority)).collect()
    }

    fn all(authorities: &[&str]) -> Vec<(String, Option<u32>, u32)> {
        authorities.iter().map(|one| ((*one).to_owned(), None, 0)).collect()
    }

    #[test]
    fn all_slices_are_joined_and_each_address_comes_once() {
        let one = slice("IPv4", &format!("{}, {}", ready("10.0.0.1", "a"), ready("10.0.0.2", "b")));
        let two = slice("IPv4", &format!("{}, {}", ready("10.0.0.2", "b"), ready("10.0.0.3", "c")));

        let endpoints = seen(&Options::default(), None, &format!("[{one}, {two}]")).expect("two");

        let ids: Vec<&str> = endpoints.iter().map(|one| &*one.id).collect();
        assert_eq!(ids, ["users/a/10.0.0.1:80", "users/b/10.0.0.2:80", "users/c/10.0.0.3:80"]);
        let first = &endpoints[0];
        assert_eq!((&*first.name, &*first.address, first.port), ("users", "10.0.0.1", 80));
        assert_eq!(first.metadata.get("pod").map(String::as_str), Some("a"));
    }

    #[test]
    fn an_endpoint_that_moves_keeps_its_id_and_its_better_standing() {
        let down = r#"{"addresses": ["10.0.0.1"], "conditions": {"ready": false},
            "targetRef": {"name": "a", "uid": "u-a"}}"#;
        let (old, new) = (slice("IPv4", down), slice("IPv4", &ready("10.0.0.1", "a")));
        for json in [format!("[{new}]"), format!("[{old}, {new}]"), format!("[{new}, {old}]")] {
            let endpoints = seen(&Options::default(), None, &json).expect(&json);

            assert_eq!(endpoints.len(), 1, "{json}");
            assert_eq!((&*endpoints[0].id, endpoints[0].weight), ("users/a/10.0.0.1:80", None));
        }
    }

    #[test]
    fn a_pod_with_two_families_comes_once_and_one_without_the_wanted_is_not_lost() {
        let v4 = slice("IPv4", &format!("{}, {}", ready("10.0.0.1", "a"), ready("10.0.0.2", "b")));
        let v6 = slice("IPv6", &format!("{}, {}", ready("fd00::1", "a"), ready("fd00::3", "c")));
        let json = format!("[{v4}, {v6}]");
        let cases = [
            (IpFamily::PreferV4, &["10.0.0.1:80", "10.0.0.2:80", "[fd00::3]:80"][..]),
            (IpFamily::PreferV6, &["10.0.0.2:80", "[fd00::1]:80", "[fd00::3]:80"]),
            (IpFamily::OnlyV4, &["10.0.0.1:80", "10.0.0.2:80"]),
            (IpFamily::OnlyV6, &["[fd00::1]:80", "[fd00::3]:80"]),
        ];
        for (ip_family, expected) in cases {
            let options = Options { ip_family, ..Options::default() };

            assert_eq!(found(&options, &json), all(expected), "{ip_family:?}");
        }
    }

    #[test]
    fn the_family_in_which_a_pod_is_ready_goes_before_the_preferred_one() {
        let down = r#"{"addresses": ["10.0.0.1"], "conditions": {"ready": false},
            "targetRef": {"name": "a", "uid": "u-a"}}"#;
        let json = format!("[{}, {}]", slice("IPv4", down), slice("IPv6", &ready("fd00::1", "a")));

        assert_eq!(found(&Options::default(), &json), all(&["[fd00::1]:80"]));
    }

    #[test]
    fn who_drains_gets_no_new_traffic_unless_nobody_is_ready() {
        let drains = r#"{"addresses": ["10.0.0.1"],
            "conditions": {"ready": false, "serving": true, "terminating": true}}"#;
        let down = r#"{"addresses": ["10.0.0.9"], "conditions": {"ready": false}}"#;
        let both = slice("IPv4", &format!("{drains}, {down}, {}", ready("10.0.0.2", "b")));
        let alone = slice("IPv4", &format!("{drains}, {down}"));
        let options = Options::default();

        let first = ("10.0.0.1:80".to_owned(), Some(0), 0);
        let second = ("10.0.0.2:80".to_owned(), None, 0);
        assert_eq!(found(&options, &format!("[{both}]")), [first, second]);
        assert_eq!(found(&options, &format!("[{alone}]")), all(&["10.0.0.1:80"]));
        assert_eq!(found(&options, &format!("[{}]", slice("IPv4", down))), []);
    }

    #[test]
    fn a_named_port_has_the_number_of_its_own_slice() {
        let old = r#"{"addressType": "IPv4", "ports": [{"name": "http", "port": 80}],
            "endpoints": [{"addresses": ["10.0.0.1"]}]}"#;
        let new = old.replace("80", "8080").replace("10.0.0.1", "10.0.0.2");
        let other = old.replace("http", "grpc").replace("10.0.0.1", "10.0.0.3");
        let json = format!("[{old}, {new}, {other}]");
        let port = Port::Name("http".to_owned());

        let endpoints = seen(&Options::default(), Some(&port), &json).expect("two have it");

        let places: Vec<String> = endpoints.iter().map(Endpoint::authority).collect();
        assert_eq!(places, ["10.0.0.1:80", "10.0.0.2:8080"]);
    }

    #[test]
    fn a_port_that_no_slice_has_is_an_error_that_names_those_there_are() {
        let two = r#"[{"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}],
            "ports": [{"name": "http", "port": 80}, {"name": "metrics", "port": 9090}]}]"#;
        let none = r#"[{"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}]}]"#;
        let has = r#""http" (80), "metrics" (9090)"#;
        let cases = [
            (two, None, format!("its port must be named, it has several: {has}")),
            (
                two,
                Some(Port::Name("grpc".to_owned())),
                format!(r#"it has no port named "grpc", but: {has}"#),
            ),
            (two, Some(Port::Number(81)), format!("it has no port 81, but: {has}")),
            (none, None, "its slices name no port".to_owned()),
            (
                none,
                Some(Port::Name("http".to_owned())),
                r#"it has no port named "http", but: none"#.to_owned(),
            ),
        ];
        for (json, port, expected) in cases {
            let error = seen(&Options::default(), port.as_ref(), json).expect_err(json);

            assert_eq!(error.to_string(), format!("service \"users\": {expected}"));
        }
        let empty = two.replace(r#"{"addresses": ["10.0.0.1"]}"#, "");
        assert_eq!(seen(&Options::default(), None, &empty).expect("nobody is there"), []);
    }

    #[test]
    fn what_is_no_address_of_its_family_is_left_out_and_spoils_nothing() {
        let odd = r#"{"addresses": ["fd00::1"]}, {"addresses": ["nonsense"]}, {"addresses": []},
            {"addresses": null}, {"addresses": ["10.0.0.1", "10.0.0.2"]}"#;
        let names = slice("FQDN", r#"{"addresses": ["a.example.org"]}"#);
        let later = slice("IPv8", r#"{"addresses": ["10.0.0.3"]}"#);
        let json = format!("[{}, {names}, {later}]", slice("IPv4", odd));

        assert_eq!(found(&Options::default(), &json), all(&["10.0.0.1:80"]));
        assert_eq!(found(&Options::default(), "[]"), []);
    }

    #[test]
    fn hints_prefer_those_meant_for_this_zone_or_node_if_everybody_has_them() {
        let hinted = |ip: &str, zone: &str, node: &str| {
            format!(
                r#"{{"addresses": ["{ip}"], "zone": "{zone}", "nodeName": "{node}", "hints":
                    {{"forZones": [{{"name": "{zone}"}}], "forNodes": [{{"name": "{node}"}}]}}}}"#
            )
        };
        let three = [
            hinted("10.0.0.1", "east", "n1"),
            hinted("10.0.0.2", "east", "n2"),
            hinted("10.0.0.3", "west", "n3"),
        ];
        let all_hinted = format!("[{}]", slice("IPv4", &three.join(", ")));
        let without = format!("{}, {}", three.join(", "), ready("10.0.0.4", "d"));
        let not_all = format!("[{}]", slice("IPv4", &without));
        let cases = [
            (&all_hinted, None, None, &[0, 0, 0][..]),
            (&all_hinted, Some("east"), None, &[0, 0, 1]),
            (&all_hinted, Some("west"), None, &[1, 1, 0]),
            (&all_hinted, Some("north"), None, &[0, 0, 0]),
            (&all_hinted, Some("east"), Some("n2"), &[1, 0, 1]),
            (&all_hinted, Some("east"), Some("n9"), &[0, 0, 1]),
            (&not_all, Some("east"), Some("n2"), &[0, 0, 0, 0]),
        ];
        for (json, zone, node, expected) in cases {
            let (zone, node) = (zone.map(str::to_owned), node.map(str::to_owned));
            let options = Options { zone, node, ..Options::default() };

            let tiers: Vec<u32> = found(&options, json).iter().map(|one| one.2).collect();

            assert_eq!(tiers, expected, "{options:?}");
        }
        let first = &seen(&Options::default(), None, &all_hinted).expect("three")[0];
        let labels: Vec<_> = first.metadata.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(labels, [("node", "n1"), ("zone", "east")]);
    }

    #[test]
    fn two_hundred_and_fifty_endpoints_over_three_slices_come_once_each() {
        let v4 = |range: std::ops::Range<u32>| {
            let members =
                range.map(|i| ready(&format!("10.0.{}.{}", i / 100, i % 100), &i.to_string()));
            slice("IPv4", &members.collect::<Vec<_>>().join(", "))
        };
        let v6 = (150..250).map(|i| ready(&format!("fd00::{i:x}"), &i.to_string()));
        let v6 = slice("IPv6", &v6.collect::<Vec<_>>().join(", "));

        let endpoints =
            seen(&Options::default(), None, &format!("[{}, {}, {v6}]", v4(0..100), v4(90..190)))
                .expect("they have one port");

        let pods: std::collections::BTreeSet<_> =
            endpoints.iter().map(|one| one.metadata["pod"].clone()).collect();
        assert_eq!((endpoints.len(), pods.len()), (250, 250));
        assert_eq!(endpoints.iter().filter(|one| one.address.contains(':')).count(), 60);
    }
}
