//! One instance as Consul tells it, and the endpoint that it is.
//!
//! The health of an instance is that of all its checks together, the worst first: maintenance, then
//! critical, warning, passing. Its own facts that no field of an endpoint has room for are kept as
//! metadata whose names begin with `consul.`, which no metadata of Consul can.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::options::Options;
use crate::endpoint::{Endpoint, Reported};

/// One instance of a service with its node and checks.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Entry {
    node: Node,
    service: Service,
    #[serde(default, deserialize_with = "list")]
    checks: Vec<Check>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Node {
    node: String,
    #[serde(default)]
    address: String,
    #[serde(default)]
    datacenter: String,
    #[serde(default)]
    tagged_addresses: Option<BTreeMap<String, String>>,
    #[serde(default)]
    meta: Option<BTreeMap<String, String>>,
    #[serde(default)]
    locality: Option<Locality>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Service {
    #[serde(rename = "ID")]
    id: String,
    #[serde(default, deserialize_with = "list")]
    tags: Vec<String>,
    #[serde(default)]
    address: String,
    #[serde(default)]
    port: i64,
    #[serde(default)]
    tagged_addresses: Option<BTreeMap<String, Tagged>>,
    #[serde(default)]
    meta: Option<BTreeMap<String, String>>,
    #[serde(default)]
    weights: Option<Weights>,
    #[serde(default)]
    locality: Option<Locality>,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    partition: Option<String>,
    #[serde(default)]
    peer_name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tagged {
    #[serde(default)]
    address: String,
    #[serde(default)]
    port: i64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Weights {
    #[serde(default)]
    passing: i64,
    #[serde(default)]
    warning: i64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Locality {
    #[serde(default)]
    region: String,
    #[serde(default)]
    zone: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Check {
    #[serde(rename = "CheckID", default)]
    id: String,
    #[serde(default)]
    status: String,
}

/// By which id an instance goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// By that of the endpoint that was registered, where one of ours was.
    Own,
    /// By data centre, node and instance.
    Whole,
}

/// The metadata that keeps what Consul has no field for.
pub(super) const ID: &str = "failover_id";
pub(super) const PRIORITY: &str = "failover_priority";

impl Entry {
    /// The endpoint of this instance of `service`; the error says why there is none.
    pub(super) fn endpoint(
        &self,
        service: &str,
        options: &Options,
        names: Names,
    ) -> Result<Endpoint, String> {
        let id = self.id();
        let said = |what: &str| format!("instance {id:?}: {what}");
        let (address, port) = self.place(options.tagged_address.as_deref());
        let port = u16::try_from(port).map_err(|_| said("its port is not one"))?;
        let standing = standing(&self.checks).ok_or_else(|| said("a check's status is unknown"))?;
        let mut metadata = self.metadata();
        let priority = metadata.remove(PRIORITY).map(|text| text.parse());
        let priority = priority.transpose().map_err(|_| said("its priority is no number"))?;
        let own = metadata.remove(ID);
        let id = own.filter(|_| names == Names::Own).unwrap_or(id);
        let mut endpoint = Endpoint::new(&id, service, &address, port);
        endpoint.priority = priority.unwrap_or_default();
        endpoint.weight = Some(weight(self.service.weights, standing));
        endpoint.reported = standing;
        endpoint.protocol =
            metadata.get("protocol").map_or(&*options.protocol, String::as_str).into();
        endpoint.tags.clone_from(&self.service.tags);
        endpoint.metadata = metadata;
        checked(endpoint)
    }

    /// The id that tells it from every other instance of all data centres.
    fn id(&self) -> String {
        format!("{}/{}/{}", self.node.datacenter, self.node.node, self.service.id)
    }

    /// Address and port, by the tagged address that is wanted where the instance or its node has it.
    fn place(&self, wanted: Option<&str>) -> (String, i64) {
        let (service, node) = (&self.service, &self.node);
        if let Some(wanted) = wanted {
            let of_service = service.tagged_addresses.as_ref().and_then(|all| all.get(wanted));
            if let Some(tagged) = of_service.filter(|tagged| !tagged.address.is_empty()) {
                let port = if tagged.port == 0 { service.port } else { tagged.port };
                return (tagged.address.clone(), port);
            }
            let of_node = node.tagged_addresses.as_ref().and_then(|all| all.get(wanted));
            // The node's is that of its instances only where these have none of their own.
            if let Some(address) = of_node.filter(|_| service.address.is_empty()) {
                return (address.clone(), service.port);
            }
        }
        let own = if service.address.is_empty() { &node.address } else { &service.address };
        (own.clone(), service.port)
    }

    fn metadata(&self) -> BTreeMap<String, String> {
        let (service, node) = (&self.service, &self.node);
        let mut metadata = service.meta.clone().unwrap_or_default();
        self.locate(&mut metadata);
        let mut keep = |name: &str, value: &str| {
            if !value.is_empty() {
                metadata.insert(format!("consul.{name}"), value.to_owned());
            }
        };
        keep("datacenter", &node.datacenter);
        keep("node", &node.node);
        keep("service_id", &service.id);
        for (name, value) in [
            ("namespace", &service.namespace),
            ("partition", &service.partition),
            ("peer", &service.peer_name),
        ] {
            keep(name, value.as_deref().unwrap_or_default());
        }
        for (name, address) in node.tagged_addresses.iter().flatten() {
            keep(&format!("address.{name}"), address);
        }
        for (name, Tagged { address, port }) in service.tagged_addresses.iter().flatten() {
            let host = if address.contains(':') { format!("[{address}]") } else { address.clone() };
            keep(&format!("address.{name}"), &format!("{host}:{port}"));
        }
        metadata
    }

    /// Where it stands: the instance's own word, else its node's, else its data centre as the region.
    fn locate(&self, metadata: &mut BTreeMap<String, String>) {
        let localities = [&self.service.locality, &self.node.locality];
        for locality in localities.into_iter().flatten() {
            for (key, value) in [("region", &locality.region), ("zone", &locality.zone)] {
                if !value.is_empty() {
                    metadata.entry(key.to_owned()).or_insert_with(|| value.clone());
                }
            }
        }
        for key in ["region", "zone"] {
            if let Some(value) = self.node.meta.as_ref().and_then(|meta| meta.get(key)) {
                metadata.entry(key.to_owned()).or_insert_with(|| value.clone());
            }
        }
        if !self.node.datacenter.is_empty() {
            let region = || self.node.datacenter.clone();
            metadata.entry("region".to_owned()).or_insert_with(region);
        }
    }
}

/// What all checks together say; `None` for a status that doesn't exist.
fn standing(checks: &[Check]) -> Option<Reported> {
    let mut found = Reported::Healthy;
    for check in checks {
        let said = match &*check.status {
            _ if is_maintenance(&check.id) => Reported::Draining,
            "passing" => Reported::Healthy,
            "warning" => Reported::Degraded,
            "critical" | "maintenance" => Reported::Unhealthy,
            _ => return None,
        };
        if severity(said) > severity(found) {
            found = said;
        }
    }
    Some(found)
}

const fn severity(reported: Reported) -> u8 {
    match reported {
        Reported::Draining => 3,
        Reported::Unhealthy => 2,
        Reported::Degraded => 1,
        _ => 0,
    }
}

/// True for the check that a node or an instance has only while it is in maintenance.
fn is_maintenance(id: &str) -> bool {
    id == "_node_maintenance" || id.starts_with("_service_maintenance:")
}

/// The share of the load, by how it is doing.
fn weight(weights: Option<Weights>, standing: Reported) -> u32 {
    let Some(weights) = weights else { return 1 };
    let weight = match standing {
        // 0 is allowed there and means little, not nothing: it serves when nothing better is there.
        Reported::Degraded => weights.warning,
        _ => weights.passing,
    };
    // What an agent accepts is 65535 at most.
    u32::try_from(weight.clamp(1, 65_535)).unwrap_or(1)
}

/// The endpoint, if it can be used; without a place on earth that makes no sense.
fn checked(mut endpoint: Endpoint) -> Result<Endpoint, String> {
    let faults = |endpoint: &Endpoint| {
        let mut faults = Vec::new();
        endpoint.validate("", &mut faults);
        faults
    };
    if faults(&endpoint).iter().any(|fault| fault.path.starts_with("metadata.")) {
        endpoint.metadata.retain(|key, _| key != "latitude" && key != "longitude");
    }
    match faults(&endpoint).first() {
        None => Ok(endpoint),
        Some(fault) => Err(format!("instance {:?}: {fault}", endpoint.id)),
    }
}

/// A list that may be null; what is no list isn't believed.
fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn endpoint(entry: &Value, options: &Options) -> Result<Endpoint, String> {
        let entry: Entry = serde_json::from_value(entry.clone()).expect("an entry");
        entry.endpoint("Users", options, Names::Own)
    }

    fn whole() -> Value {
        json!({
            "Node": {
                "ID": "3f", "Node": "node-1", "Address": "10.0.0.1", "Datacenter": "dc1",
                "TaggedAddresses": { "lan": "10.0.0.1", "wan": "198.51.100.1" },
                "Meta": { "zone": "node's", "region": "node's" }
            },
            "Service": {
                "ID": "users-1", "Service": "users", "Tags": ["v2", "blue"],
                "Address": "10.1.0.1", "Port": 8080,
                "TaggedAddresses": {
                    "wan": { "Address": "198.51.100.7", "Port": 80 },
                    "lan_ipv6": { "Address": "2001:db8::1", "Port": 8080 }
                },
                "Meta": { "version": "2", "zone": "own" },
                "Weights": { "Passing": 10, "Warning": 3 }
            },
            "Checks": [{ "CheckID": "serfHealth", "Status": "passing" }]
        })
    }

    #[test]
    fn everything_that_an_instance_tells_is_kept() {
        let endpoint = endpoint(&whole(), &Options::default()).expect("usable");

        assert_eq!(&*endpoint.id, "dc1/node-1/users-1");
        assert_eq!(&*endpoint.name, "Users", "as it was asked for: names know no case in Consul");
        assert_eq!((&*endpoint.address, endpoint.port), ("10.1.0.1", 8080));
        assert_eq!((endpoint.weight, endpoint.reported), (Some(10), Reported::Healthy));
        assert_eq!(endpoint.tags, ["v2", "blue"]);
        let kept: Vec<String> =
            endpoint.metadata.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(
            kept,
            [
                "consul.address.lan=10.0.0.1",
                "consul.address.lan_ipv6=[2001:db8::1]:8080",
                "consul.address.wan=198.51.100.7:80",
                "consul.datacenter=dc1",
                "consul.node=node-1",
                "consul.service_id=users-1",
                "region=node's",
                "version=2",
                "zone=own"
            ]
        );
    }

    #[test]
    fn the_worst_check_decides_and_maintenance_is_worse_than_all() {
        let with = |checks: &[(&str, &str)]| {
            let mut entry = whole();
            let checks = checks.iter().map(|(id, status)| json!({"CheckID": id, "Status": status}));
            entry["Checks"] = checks.collect();
            endpoint(&entry, &Options::default()).map(|one| (one.reported, one.weight.unwrap()))
        };

        assert_eq!(with(&[]), Ok((Reported::Healthy, 10)));
        let warning = [("a", "passing"), ("b", "warning")];
        assert_eq!(with(&warning), Ok((Reported::Degraded, 3)));
        let critical = [("a", "critical"), ("b", "warning")];
        assert_eq!(with(&critical), Ok((Reported::Unhealthy, 10)));
        let node = [("_node_maintenance", "critical"), ("b", "critical")];
        assert_eq!(with(&node), Ok((Reported::Draining, 10)));
        let own = [("b", "passing"), ("_service_maintenance:users-1", "critical")];
        assert_eq!(with(&own), Ok((Reported::Draining, 10)));
        assert!(with(&[("a", "fine")]).is_err());
    }

    #[test]
    fn a_weight_of_nothing_is_a_little() {
        let with = |weights: Value, status: &str| {
            let mut entry = whole();
            entry["Service"]["Weights"] = weights;
            entry["Checks"] = json!([{"CheckID": "a", "Status": status}]);
            endpoint(&entry, &Options::default()).expect("usable").weight
        };

        assert_eq!(with(json!(null), "passing"), Some(1));
        assert_eq!(with(json!({"Passing": 1, "Warning": 0}), "warning"), Some(1));
        assert_eq!(with(json!({"Passing": 1e6 as i64, "Warning": 1}), "passing"), Some(65_535));
        assert_eq!(with(json!({"Passing": -5, "Warning": 1}), "passing"), Some(1));
    }

    #[test]
    fn an_instance_without_an_address_is_at_its_node() {
        let mut entry = whole();
        entry["Service"]["Address"] = json!("");
        entry["Service"]["TaggedAddresses"] = json!(null);
        let at = |wanted: Option<&str>| {
            let tagged_address = wanted.map(str::to_owned);
            let options = Options { tagged_address, ..Options::default() };
            endpoint(&entry, &options).expect("usable").authority()
        };

        assert_eq!(at(None), "10.0.0.1:8080");
        assert_eq!(at(Some("wan")), "198.51.100.1:8080");
        assert_eq!(at(Some("lan_ipv4")), "10.0.0.1:8080");
    }

    #[test]
    fn a_tagged_address_is_used_where_there_is_one() {
        let at = |wanted: &str| {
            let options = Options { tagged_address: Some(wanted.to_owned()), ..Options::default() };
            endpoint(&whole(), &options).expect("usable").authority()
        };

        assert_eq!(at("wan"), "198.51.100.7:80");
        assert_eq!(at("lan_ipv6"), "[2001:db8::1]:8080");
        assert_eq!(at("lan"), "10.1.0.1:8080", "the node's isn't that of an instance elsewhere");
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        for (field, value) in [("Port", json!(0)), ("Port", json!(65_536)), ("Port", json!(-1))] {
            let mut entry = whole();
            entry["Service"][field] = value;
            let reason = endpoint(&entry, &Options::default()).expect_err("no port");
            assert!(reason.starts_with("instance \"dc1/node-1/users-1\": "), "{reason}");
            assert!(reason.contains("port"), "{reason}");
        }
        let mut nowhere = whole();
        nowhere["Service"]["Address"] = json!("not an address");
        assert!(endpoint(&nowhere, &Options::default()).is_err());
    }

    #[test]
    fn a_place_that_makes_no_sense_costs_no_instance() {
        let mut entry = whole();
        entry["Service"]["Meta"] = json!({"latitude": "north", "longitude": "1", "a": "b"});

        let endpoint = endpoint(&entry, &Options::default()).expect("usable");

        assert!(!endpoint.metadata.contains_key("longitude"));
        assert_eq!(endpoint.metadata["a"], "b");
    }

    #[test]
    fn what_was_registered_here_keeps_its_id_and_tier() {
        let mut entry = whole();
        entry["Service"]["Meta"] = json!({ID: "mine", PRIORITY: "2"});

        let own = endpoint(&entry, &Options::default()).expect("usable");
        let parsed: Entry = serde_json::from_value(entry).expect("an entry");
        let whole = parsed.endpoint("Users", &Options::default(), Names::Whole).expect("usable");

        assert_eq!((&*own.id, own.priority), ("mine", 2));
        assert_eq!((&*whole.id, whole.priority), ("dc1/node-1/users-1", 2));
        assert!(!own.metadata.contains_key(ID) && !own.metadata.contains_key(PRIORITY));
    }

    #[test]
    fn a_protocol_in_the_metadata_wins() {
        let mut entry = whole();
        entry["Service"]["Meta"]["protocol"] = json!("grpc");

        assert_eq!(&*endpoint(&entry, &Options::default()).expect("usable").protocol, "grpc");
        entry["Service"]["Meta"]["protocol"] = json!("G R P C");
        assert!(endpoint(&entry, &Options::default()).is_err());
    }
}
