//! Endpoints as they are shown, with secrets masked, and the way back from what was shown.

use serde_json::{Map, Value, json};

use super::wall_time;
use crate::duration;
use crate::endpoint::{CheckKind, Endpoint, HealthCheck};
use crate::secret::MASK;

/// Shows an endpoint as its document. Header values and bodies show as `***`; what is absent is
/// left out.
///
/// # Examples
///
/// ```
/// let endpoint = failover::Endpoint::new("a", "users", "127.0.0.1", 8080).with_weight(2);
/// assert_eq!(failover::endpoint::document::to_json(&endpoint)["weight"], 2);
/// ```
#[must_use]
pub fn to_json(endpoint: &Endpoint) -> Value {
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    put("id", json!(&*endpoint.id));
    put("name", json!(&*endpoint.name));
    put("address", json!(&*endpoint.address));
    put("port", json!(endpoint.port));
    put("protocol", json!(&*endpoint.protocol));
    put("priority", json!(endpoint.priority));
    put("tags", json!(endpoint.tags));
    put("metadata", json!(endpoint.metadata));
    if let Some(weight) = endpoint.weight {
        put("weight", json!(weight));
    }
    if let Some(check) = &endpoint.health_check {
        put("health_check", health_check(check));
    }
    let times = [("created_at", endpoint.created_at), ("updated_at", endpoint.updated_at)];
    for (name, nanos) in times.into_iter().filter(|(_, nanos)| *nanos > 0) {
        put(name, json!(wall_time::format(nanos)));
    }
    Value::Object(shown)
}

fn health_check(check: &HealthCheck) -> Value {
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    put("type", json!(kind_name(check.kind)));
    put("reuse_connection", json!(check.reuse_connection));
    if !check.headers.is_empty() {
        put("headers", json!(check.headers));
    }
    if !check.expected_statuses.is_empty() {
        put("expected_statuses", check.expected_statuses.iter().map(status).collect());
    }
    if let Some(body) = &check.body {
        put("body", json!(body));
    }
    if let Some(port) = check.port {
        put("port", json!(port));
    }
    for (name, value) in [("interval", check.interval), ("timeout", check.timeout)] {
        if let Some(value) = value {
            put(name, json!(duration::format(value)));
        }
    }
    let texts = [
        ("path", &check.path),
        ("method", &check.method),
        ("expected_body", &check.expected_body),
        ("ca_file", &check.ca_file),
        ("client_cert_file", &check.client_cert_file),
        ("client_key_file", &check.client_key_file),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            put(name, json!(value));
        }
    }
    Value::Object(shown)
}

const fn kind_name(kind: CheckKind) -> &'static str {
    match kind {
        CheckKind::Auto => "auto",
        CheckKind::Http => "http",
        CheckKind::Https => "https",
        CheckKind::Tcp => "tcp",
        CheckKind::Custom => "custom",
    }
}

fn status(range: &std::ops::RangeInclusive<u16>) -> Value {
    let (low, high) = (*range.start(), *range.end());
    if low == high { json!(low) } else { json!(format!("{low}-{high}")) }
}

impl Endpoint {
    /// Puts the secrets of `known` where this description has only their mask, so that a program
    /// can read an endpoint, change it and give it back.
    pub fn unmask(&mut self, known: &Self) {
        let (Some(check), Some(known)) = (&mut self.health_check, &known.health_check) else {
            return;
        };
        for (name, value) in check.headers.iter_mut().filter(|(_, value)| value.reveal() == MASK) {
            if let Some(secret) = known.headers.get(name) {
                *value = secret.clone();
            }
        }
        if check.body.as_ref().is_some_and(|body| body.reveal() == MASK) {
            check.body.clone_from(&known.body);
        }
    }
}
