//! The EndpointSlices of one service, as the API server last told them.
//!
//! A service has one or many, each is changed on its own, and an endpoint may stand in two while it
//! moves. Hence they are kept slice by slice, and joined anew after each change
//! ([`view`](super::view)); who keeps only the last one loses everybody beyond the first hundred.
//! Only what is used of them is read, and what is absent or null means what the API says it means.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

/// The slices of one service, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Slices {
    held: BTreeMap<String, Slice>,
}

impl Slices {
    /// Holds exactly these.
    pub(super) fn replace(&mut self, slices: Vec<Slice>) {
        self.held = slices.into_iter().map(|slice| (slice.metadata.name.clone(), slice)).collect();
    }

    /// Takes in a new slice, or a new state of one.
    pub(super) fn put(&mut self, slice: Slice) {
        self.held.insert(slice.metadata.name.clone(), slice);
    }

    /// Takes a slice out.
    pub(super) fn remove(&mut self, name: &str) {
        self.held.remove(name);
    }

    /// The slices in the order of their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Slice> {
        self.held.values()
    }
}

/// One EndpointSlice (`discovery.k8s.io/v1`).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Slice {
    #[serde(default)]
    pub(super) metadata: Metadata,
    #[serde(default)]
    pub(super) address_type: String,
    #[serde(default, deserialize_with = "list")]
    pub(super) endpoints: Vec<Member>,
    #[serde(default, deserialize_with = "list")]
    pub(super) ports: Vec<SlicePort>,
}

/// What identifies an object, and the version it has or stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) resource_version: String,
}

/// One endpoint of a slice.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Member {
    /// Only the first has a meaning.
    #[serde(default, deserialize_with = "list")]
    pub(super) addresses: Vec<String>,
    #[serde(default)]
    conditions: Option<Conditions>,
    #[serde(default)]
    pub(super) zone: Option<String>,
    #[serde(default)]
    pub(super) node_name: Option<String>,
    #[serde(default)]
    pub(super) target_ref: Option<Target>,
    #[serde(default)]
    hints: Option<Hints>,
}

impl Member {
    /// Whether it may serve.
    pub(super) fn standing(&self) -> Standing {
        let told = self.conditions.unwrap_or_default();
        // What isn't told: it is ready, it serves, and it doesn't end.
        match (told.ready.unwrap_or(true), told.terminating.unwrap_or(false)) {
            // Also while it ends: that is asked for by `publishNotReadyAddresses`.
            (true, _) => Standing::Ready,
            (false, true) if told.serving.unwrap_or(true) => Standing::Draining,
            _ => Standing::Down,
        }
    }

    /// The zones that it is meant to serve, if the cluster says so.
    pub(super) fn zones(&self) -> &[Hint] {
        self.hints.as_ref().map_or(&[], |hints| &hints.for_zones)
    }

    /// The nodes that it is meant to serve, if the cluster says so.
    pub(super) fn nodes(&self) -> &[Hint] {
        self.hints.as_ref().map_or(&[], |hints| &hints.for_nodes)
    }
}

/// Whether an endpoint may serve, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// It can't.
    Down,
    /// It ends what it has, and takes more only if nobody else can.
    Draining,
    /// It can.
    Ready,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
struct Conditions {
    #[serde(default)]
    ready: Option<bool>,
    #[serde(default)]
    serving: Option<bool>,
    #[serde(default)]
    terminating: Option<bool>,
}

/// What an endpoint is an address of: a Pod, as a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Target {
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) uid: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hints {
    #[serde(default, deserialize_with = "list")]
    for_zones: Vec<Hint>,
    #[serde(default, deserialize_with = "list")]
    for_nodes: Vec<Hint>,
}

/// The name of a zone or a node.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Hint {
    #[serde(default)]
    pub(super) name: String,
}

/// One port of a slice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct SlicePort {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    pub(super) port: Option<i64>,
    #[serde(default)]
    protocol: Option<String>,
}

impl SlicePort {
    /// Its name, which may be empty.
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// Its number, if it has one that can be.
    pub(super) fn number(&self) -> Option<u16> {
        self.port.and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0)
    }

    /// True for TCP, which is also what no protocol means.
    pub(super) fn is_tcp(&self) -> bool {
        self.protocol.as_deref().is_none_or(|protocol| protocol == "TCP")
    }
}

/// A list that may be null.
fn list<'de, T: Deserialize<'de>, D: Deserializer<'de>>(input: D) -> Result<Vec<T>, D::Error> {
    Option::deserialize(input).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_that_are_not_told_mean_what_the_api_says() {
        let cases = [
            ("{}", Standing::Ready),
            (r#"{"conditions": null}"#, Standing::Ready),
            (r#"{"conditions": {}}"#, Standing::Ready),
            (r#"{"conditions": {"ready": null}}"#, Standing::Ready),
            (r#"{"conditions": {"ready": true}}"#, Standing::Ready),
            (r#"{"conditions": {"ready": false}}"#, Standing::Down),
            (r#"{"conditions": {"ready": false, "serving": true}}"#, Standing::Down),
            (r#"{"conditions": {"ready": false, "terminating": true}}"#, Standing::Draining),
            (
                r#"{"conditions": {"ready": false, "serving": null, "terminating": true}}"#,
                Standing::Draining,
            ),
            (
                r#"{"conditions": {"ready": false, "serving": true, "terminating": true}}"#,
                Standing::Draining,
            ),
            (
                r#"{"conditions": {"ready": false, "serving": false, "terminating": true}}"#,
                Standing::Down,
            ),
            (
                r#"{"conditions": {"ready": false, "serving": true, "terminating": null}}"#,
                Standing::Down,
            ),
            (r#"{"conditions": {"ready": true, "terminating": true}}"#, Standing::Ready),
            (r#"{"conditions": {"ready": true, "serving": false}}"#, Standing::Ready),
        ];
        for (json, expected) in cases {
            let member: Member = serde_json::from_str(json).expect(json);

            assert_eq!(member.standing(), expected, "{json}");
        }
    }

    #[test]
    fn a_slice_with_nothing_in_it_is_read() {
        let empty = [
            "{}",
            r#"{"endpoints": null, "ports": null}"#,
            r#"{"endpoints": [], "metadata": {}, "unknown": {"a": 1}}"#,
        ];
        for json in empty {
            let slice: Slice = serde_json::from_str(json).expect(json);

            assert_eq!(slice, Slice::default(), "{json}");
        }
    }

    #[test]
    fn slices_are_kept_by_name() {
        let slice = |name: &str, kind: &str| Slice {
            metadata: Metadata { name: name.to_owned(), ..Metadata::default() },
            address_type: kind.to_owned(),
            ..Slice::default()
        };
        let mut slices = Slices::default();

        slices.replace(vec![slice("b", "IPv4"), slice("a", "IPv4")]);
        slices.put(slice("a", "IPv6"));
        slices.put(slice("c", "IPv6"));
        slices.remove("b");
        slices.remove("never there");

        let held: Vec<_> =
            (slices.iter()).map(|slice| (&*slice.metadata.name, &*slice.address_type)).collect();
        assert_eq!(held, [("a", "IPv6"), ("c", "IPv6")]);
        slices.replace(Vec::new());
        assert_eq!(slices.iter().count(), 0);
    }
}
