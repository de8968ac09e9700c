//! An endpoint as Consul is told it, and what can't be told.
//!
//! What Consul has no field for is kept as metadata that begins with `failover_` and read back by every
//! provider of this kind: so the endpoint goes by the id that it was registered with.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::entry::{ID, PRIORITY};
use super::options::{CheckedBy, Registration};
use super::query::Encoded;
use crate::endpoint::{CheckKind, Endpoint, HealthCheck};
use crate::error::{Error, ErrorKind, Fault, Result};

/// What an agent is told, and where.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    pub(super) body: Value,
    /// The sign of life, where this process gives it.
    pub(super) pass: Option<String>,
    /// Where the agent tells whether it has the instance.
    pub(super) look: String,
}

/// Where instances are registered; checks that are no longer told go.
pub(super) const REGISTER: &str = "/v1/agent/service/register?replace-existing-checks=true";

/// Where an instance is deregistered.
pub(super) fn deregister(id: &str) -> String {
    format!("/v1/agent/service/deregister/{}", Encoded(id))
}

/// Where an agent tells of an instance of its own.
pub(super) fn look(id: &str) -> String {
    format!("/v1/agent/service/{}", Encoded(id))
}

/// What an agent is told of `endpoint`.
///
/// # Errors
///
/// [`ErrorKind::InvalidArgument`] with everything at once that Consul can't hold.
pub(super) fn told(endpoint: &Endpoint, registration: &Registration) -> Result<Told> {
    check(endpoint)?;
    let mut meta: Map<String, Value> = endpoint
        .metadata
        .iter()
        // What this provider read of another instance isn't metadata of this one.
        .filter(|(key, _)| !key.starts_with("consul."))
        .map(|(key, value)| (key.clone(), json!(value)))
        .collect();
    meta.insert("protocol".to_owned(), json!(&*endpoint.protocol));
    meta.insert(ID.to_owned(), json!(&*endpoint.id));
    if endpoint.priority > 0 {
        meta.insert(PRIORITY.to_owned(), json!(endpoint.priority.to_string()));
    }
    let weight = endpoint.weight.unwrap_or(1);
    let mut body = json!({
        "ID": &*endpoint.id, "Name": &*endpoint.name,
        "Address": &*endpoint.address, "Port": endpoint.port,
        "Tags": endpoint.tags, "Meta": meta,
        "Weights": { "Passing": weight, "Warning": weight },
    });
    let own = registration.checked_by == CheckedBy::Process;
    let mut check = match own {
        true => Some(json!({ "TTL": go(registration.ttl), "Status": "passing" })),
        false => endpoint.health_check.as_deref().map(|check| agents_check(endpoint, check)),
    };
    if let (Some(check), Some(after)) = (&mut check, registration.deregister_critical_after) {
        check["DeregisterCriticalServiceAfter"] = json!(go(after));
    }
    if let Some(check) = check {
        body["Check"] = check;
    }
    let check_id = format!("service:{}", endpoint.id);
    let pass = own.then(|| format!("/v1/agent/check/pass/{}", Encoded(&check_id)));
    Ok(Told { body, pass, look: look(&endpoint.id) })
}

/// The endpoint's own check, for the agent to run.
fn agents_check(endpoint: &Endpoint, check: &HealthCheck) -> Value {
    let port = check.port.unwrap_or(endpoint.port);
    let place = Endpoint { port, ..endpoint.clone() };
    let scheme = match check.kind {
        CheckKind::Http => "http",
        CheckKind::Https => "https",
        CheckKind::Auto => match &*endpoint.protocol {
            scheme @ ("http" | "https") => scheme,
            _ => "tcp",
        },
        _ => "tcp",
    };
    let mut told = json!({
        "Interval": go(check.interval.unwrap_or(Duration::from_secs(10))),
        "Timeout": go(check.timeout.unwrap_or(Duration::from_secs(2))),
    });
    if scheme == "tcp" {
        told["TCP"] = json!(place.authority());
        return told;
    }
    let path = check.path.as_deref().unwrap_or("/health");
    told["HTTP"] = json!(format!("{scheme}://{}{path}", place.authority()));
    told["Method"] = json!(check.method.as_deref().unwrap_or("GET"));
    if !check.headers.is_empty() {
        let headers = check.headers.iter();
        told["Header"] =
            headers.map(|(name, value)| (name.clone(), json!([value.reveal()]))).collect();
    }
    if let Some(body) = &check.body {
        told["Body"] = json!(body.reveal());
    }
    told
}

/// Everything of an endpoint that Consul can't hold.
fn check(endpoint: &Endpoint) -> Result<()> {
    let mut faults = Vec::new();
    let mut say = |path: String, expected: &str| {
        faults.push(Fault { path, expected: expected.to_owned() });
    };
    if matches!(&*endpoint.id, "." | "..") {
        say("id".to_owned(), "must not mean a folder in a URL");
    }
    if endpoint.name.is_empty() || matches!(&*endpoint.name, "." | ".." | "*") {
        say("name".to_owned(), "must name the service");
    }
    if endpoint.weight.is_some_and(|weight| !(1..=65_535).contains(&weight)) {
        say("weight".to_owned(), "must be 1..=65535 for Consul");
    }
    let own = endpoint.metadata.iter().filter(|(key, _)| !key.starts_with("consul."));
    for (key, value) in own {
        let path = format!("metadata.{key}");
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !(1..=128).contains(&key.len()) || !key.bytes().all(is_letter) {
            say(path, "must be named by 1 to 128 letters, digits, - and _ for Consul");
        } else if value.len() > 512 {
            say(path, "must be at most 512 bytes for Consul");
        }
    }
    if endpoint.metadata.len() > MOST_METADATA {
        say("metadata".to_owned(), "must be at most 61 for Consul");
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(Error::from_faults(ErrorKind::InvalidArgument, faults))
}

/// A duration as Go reads it.
fn go(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

/// Consul takes 64, and three are ours.
const MOST_METADATA: usize = 61;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn endpoint() -> Endpoint {
        let mut endpoint = Endpoint::new("a/1", "users", "127.0.0.1", 80)
            .with_weight(7)
            .with_priority(1)
            .with_metadata("zone", "z")
            .with_metadata("consul.node", "other");
        endpoint.tags = vec!["t".to_owned()];
        endpoint
    }

    #[test]
    fn an_endpoint_is_told_whole_and_gives_its_own_sign_of_life() {
        let after = Some(Duration::from_secs(60));
        let registration =
            Registration { deregister_critical_after: after, ..Registration::default() };

        let told = told(&endpoint(), &registration).expect("valid");

        let meta = json!({"failover_id": "a/1", "failover_priority": "1", "protocol": "http",
            "zone": "z"});
        let check = json!({"TTL": "15000ms", "Status": "passing",
            "DeregisterCriticalServiceAfter": "60000ms"});
        let body = json!({"ID": "a/1", "Name": "users", "Address": "127.0.0.1", "Port": 80,
            "Tags": ["t"], "Meta": meta, "Weights": {"Passing": 7, "Warning": 7}, "Check": check});
        assert_eq!(told.body, body);
        assert_eq!(told.pass.as_deref(), Some("/v1/agent/check/pass/service%3Aa%2F1"));
        assert_eq!(told.look, "/v1/agent/service/a%2F1");
    }

    #[test]
    fn the_agent_is_told_the_endpoints_own_check() {
        let registration = Registration { checked_by: CheckedBy::Agent, ..Registration::default() };
        let mut check = HealthCheck { port: Some(81), ..HealthCheck::default() };
        check.headers.insert("X-Key".to_owned(), Secret::new("k"));
        let http = endpoint().with_health_check(check.clone());
        let tcp = endpoint().with_health_check(HealthCheck { kind: CheckKind::Tcp, ..check });

        let http = told(&http, &registration).expect("valid");
        let tcp = told(&tcp, &registration).expect("valid");
        let none = told(&endpoint(), &registration).expect("valid");

        assert_eq!(http.body["Check"]["HTTP"], "http://127.0.0.1:81/health");
        assert_eq!(http.body["Check"]["Header"], json!({"X-Key": ["k"]}));
        assert_eq!(tcp.body["Check"]["TCP"], "127.0.0.1:81");
        assert_eq!((http.pass, none.body.get("Check")), (None, None));
    }

    #[test]
    fn what_consul_cannot_hold_is_told_at_once() {
        let mut endpoint = endpoint().with_weight(0).with_metadata("a.b", "");
        endpoint = endpoint.with_metadata("long", &"x".repeat(513));
        endpoint.name = "".into();
        endpoint.id = "..".into();

        let error = told(&endpoint, &Registration::default()).expect_err("faulty");

        let paths: Vec<&str> = error.faults().iter().map(|fault| &*fault.path).collect();
        assert_eq!(paths, ["id", "name", "weight", "metadata.a.b", "metadata.long"]);
    }
}
