//! Whether a token may see what an answer lacks.
//!
//! Consul answers a question that the token has no right to ask with `200` and an empty list, which looks
//! like a service that is gone. Newer servers say so in a header; every server since 1.7 tells it when
//! it is asked by the way of its own user interface. So it is asked whenever endpoints vanish.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

/// Where rights are asked for.
pub(super) const PATH: &str = "/v1/internal/acl/authorize";

/// The question whether instances of `service` on `nodes` may be read.
pub(super) fn question(service: &str, nodes: &BTreeSet<&str>) -> Value {
    let ask = |resource: &str, name: &str| json!({"Resource": resource, "Segment": name, "Access": "read"});
    let nodes = nodes.iter().take(MOST_NODES).map(|node| ask("node", node));
    std::iter::once(ask("service", service)).chain(nodes).collect()
}

/// What the answer says of rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing that can be read.
    Unknown,
    /// All of it may be read.
    Allowed,
    /// Something may not be read; in words.
    Denied(String),
}

/// Reads the answer to a question.
pub(super) fn verdict(body: &[u8]) -> Verdict {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Right {
        resource: String,
        segment: String,
        allow: bool,
    }
    let Ok(rights) = serde_json::from_slice::<Vec<Right>>(body) else { return Verdict::Unknown };
    match rights.into_iter().find(|right| !right.allow) {
        None => Verdict::Allowed,
        Some(Right { resource, segment, .. }) => Verdict::Denied(format!(
            "the token may not read {resource} {segment:?} ({resource}:read is missing)"
        )),
    }
}

/// What the server takes at once is 64.
const MOST_NODES: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_and_the_nodes_of_what_is_missing_are_asked_for() {
        let question = question("web", &BTreeSet::from(["n1", "n2"]));

        let asked: Vec<String> = question
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| format!("{}:{}", one["Resource"], one["Segment"]).replace('"', ""))
            .collect();
        assert_eq!(asked, ["service:web", "node:n1", "node:n2"]);
        let many: Vec<String> = (0..100).map(|i| format!("n{i}")).collect();
        let question = super::question("web", &many.iter().map(String::as_str).collect());
        assert_eq!(question.as_array().map(Vec::len), Some(64));
    }

    #[test]
    fn the_first_right_that_is_missing_is_named() {
        let answer = |allow| {
            let rights = json!([
                {"Resource": "service", "Segment": "web", "Access": "read", "Allow": true},
                {"Resource": "node", "Segment": "n1", "Access": "read", "Allow": allow}
            ]);
            verdict(rights.to_string().as_bytes())
        };

        assert_eq!(answer(true), Verdict::Allowed);
        let reason = "the token may not read node \"n1\" (node:read is missing)";
        assert_eq!(answer(false), Verdict::Denied(reason.to_owned()));
        assert_eq!(verdict(b"ACL support disabled"), Verdict::Unknown);
    }
}
