//! Endpoints as documents: the seed's field names in, all faults at once, secrets masked out.
//!
//! The same rows describe an endpoint to the reader, to the JSON Schema and to the reference; the
//! machinery for that (rows, check, typed reading) is here because the file provider needs it
//! before the configuration exists, and the configuration uses it too.
//!
//! Used by the file provider, by every verb that takes an endpoint as JSON, and by `config`.
mod check;
mod field;
mod nearest;
mod read;
mod row;
mod scalar;
mod text;
mod unique;
mod valid;
mod wall_time;
mod write;

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{CheckKind, Endpoint, HealthCheck, Reported};
use crate::error::{Error, ErrorKind, Fault, Result, clipped};
use crate::secret::Secret;

pub(crate) use check::{MAX_WEIGHT, check, fill, join, overlay, refuse};
pub(crate) use field::ENDPOINT;
pub(crate) use read::Reader;
pub(crate) use row::{Kind, Preset, Row};
pub(crate) use text::read;
pub use text::{Format, MAX_DOCUMENT_BYTES};
pub use write::to_json;

/// Most endpoints that one provider may hold.
pub const MAX_ENDPOINTS: usize = 100_000;

/// Reads all endpoints of a document: a list, or an object with the list under `endpoints`.
///
/// # Errors
///
/// [`InvalidArgument`](ErrorKind::InvalidArgument) with every fault at once, among them ids that
/// come twice; [`LimitExceeded`](ErrorKind::LimitExceeded) for more than [`MAX_ENDPOINTS`]
/// endpoints or [`MAX_DOCUMENT_BYTES`] bytes.
///
/// # Examples
///
/// ```
/// use failover::endpoint::document::{Format, parse_list};
///
/// let text = r#"[{ "id": "a", "name": "users", "address": "10.0.0.1", "port": 80 }]"#;
/// assert_eq!(parse_list(text, Format::Json)?[0].url("/"), "http://10.0.0.1:80/");
///
/// let error = parse_list(r#"[{ "id": "a", "adress": "10.0.0.1", "port": 70000 }]"#, Format::Json);
/// assert_eq!(
///     error.unwrap_err().to_string(),
///     "[0].adress: unknown key \"adress\", did you mean \"address\"?\n\
///      [0].port: must be 1..=65535, got 70000\n\
///      [0].address: is required"
/// );
/// # Ok::<(), failover::Error>(())
/// ```
pub fn parse_list(text: &str, format: Format) -> Result<Vec<Endpoint>> {
    let value = read(text, format, ErrorKind::InvalidArgument)?;
    let mut faults = Vec::new();
    let (list, path) = match &value {
        Value::Array(list) => (list.as_slice(), ""),
        Value::Object(object) => (listed(object, &mut faults), "endpoints"),
        other => {
            let expected = format!("must be a list of endpoints, got {}", scalar::came(other));
            faults.push(Fault { path: String::new(), expected });
            (&[][..], "")
        }
    };
    if list.len() > MAX_ENDPOINTS {
        let message = format!("must be at most {MAX_ENDPOINTS} endpoints, got {}", list.len());
        return Err(Error::new(ErrorKind::LimitExceeded, message));
    }
    let endpoints = list
        .iter()
        .enumerate()
        .filter_map(|(i, value)| Endpoint::from_json(value, &format!("{path}[{i}]"), &mut faults))
        .collect();
    let ids = list.iter().map(|value| value.get("id").and_then(Value::as_str));
    doubled(ids, path, &mut faults);
    if faults.is_empty() { Ok(endpoints) } else { Err(refuse(ErrorKind::InvalidArgument, faults)) }
}

/// Reads one endpoint's document.
///
/// # Errors
///
/// As [`parse_list`].
pub fn parse(text: &str, format: Format) -> Result<Endpoint> {
    let value = read(text, format, ErrorKind::InvalidArgument)?;
    let mut faults = Vec::new();
    let endpoint = Endpoint::from_json(&value, "", &mut faults);
    endpoint.ok_or_else(|| refuse(ErrorKind::InvalidArgument, faults))
}

impl Endpoint {
    /// Makes the endpoint that `value` describes; if there is anything wrong, adds every fault to
    /// `faults`, below `path`, and makes none.
    #[must_use]
    pub fn from_json(value: &Value, path: &str, faults: &mut Vec<Fault>) -> Option<Self> {
        let before = faults.len();
        let given = check(ENDPOINT, value, path, faults);
        if !value.is_object() {
            return None;
        }
        let full = fill(ENDPOINT, &given);
        let endpoint = endpoint(Reader(&full));
        if !given.contains_key("port") && valid::needs_port(&endpoint) {
            valid::add(path, "port", "is required".to_owned(), (before, faults));
        }
        valid::check(&endpoint, path, (before, faults));
        (faults.len() == before).then_some(endpoint)
    }

    /// Adds what is wrong with this endpoint to `faults`, below `path`: for endpoints that the
    /// program made itself and not from a document.
    pub fn validate(&self, path: &str, faults: &mut Vec<Fault>) {
        let before = faults.len();
        valid::check(self, path, (before, faults));
    }
}

/// The list under `endpoints` of an object that should hold nothing else.
fn listed<'a>(object: &'a Map<String, Value>, faults: &mut Vec<Fault>) -> &'a [Value] {
    let others = object.iter().filter(|(key, _)| *key != "endpoints");
    let mut keys: Map<_, _> = others.map(|(key, value)| (key.clone(), value.clone())).collect();
    let list = object.get("endpoints").filter(|list| !list.is_null());
    if list.is_some() {
        keys.insert("endpoints".to_owned(), Value::Object(Map::new()));
    }
    check(field::ENDPOINTS, &Value::Object(keys), "", faults);
    match list {
        Some(Value::Array(list)) => list,
        Some(other) => {
            let expected = format!("must be a list, got {}", scalar::came(other));
            faults.push(Fault { path: "endpoints".to_owned(), expected });
            &[]
        }
        None => &[],
    }
}

/// Adds a fault for each id that an earlier endpoint of the list at `path` has already.
pub(crate) fn doubled<'a>(
    ids: impl Iterator<Item = Option<&'a str>>,
    path: &str,
    faults: &mut Vec<Fault>,
) {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (i, id) in ids.enumerate() {
        let Some(id) = id else { continue };
        let first = *seen.entry(id).or_insert(i);
        if first != i {
            let expected = format!("must be unique, {path}[{first}] has {:?} already", clipped(id));
            faults.push(Fault { path: format!("{path}[{i}].id"), expected });
        }
    }
}

/// Makes the endpoint of a checked object.
fn endpoint(read: Reader<'_>) -> Endpoint {
    let address = read.text("address").unwrap_or_default();
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let wall_time = |name| read.text(name).and_then(wall_time::parse).unwrap_or_default();
    let tags = read.list("tags").iter();
    Endpoint {
        id: read.text("id").unwrap_or_default().into(),
        name: read.text("name").unwrap_or_default().into(),
        address: bare.unwrap_or(address).into(),
        port: read.integer("port"),
        protocol: read.text("protocol").unwrap_or_default().into(),
        weight: read.some_integer("weight"),
        priority: read.integer("priority"),
        tags: tags.filter_map(|tag| tag.as_str().map(str::to_owned)).collect(),
        metadata: read.labels("metadata"),
        health_check: read.section("health_check").map(health_check).map(Box::new),
        reported: Reported::Unknown,
        created_at: wall_time("created_at"),
        updated_at: wall_time("updated_at"),
    }
}

fn health_check(read: Reader<'_>) -> HealthCheck {
    let statuses = read.list("expected_statuses").iter();
    HealthCheck {
        kind: match read.text("type") {
            Some("http") => CheckKind::Http,
            Some("https") => CheckKind::Https,
            Some("tcp") => CheckKind::Tcp,
            Some("custom") => CheckKind::Custom,
            _ => CheckKind::Auto,
        },
        path: read.owned("path"),
        method: read.owned("method"),
        headers: read.map("headers", |value| value.as_str().map(Secret::new)),
        body: read.text("body").map(Secret::new),
        port: read.some_integer("port"),
        interval: read.some_duration("interval"),
        timeout: read.some_duration("timeout"),
        expected_statuses: statuses.filter_map(scalar::status_bounds).collect(),
        expected_body: read.owned("expected_body"),
        ca_file: read.owned("ca_file"),
        client_cert_file: read.owned("client_cert_file"),
        client_key_file: read.owned("client_key_file"),
        reuse_connection: read.flag("reuse_connection"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(document: &Value) -> Vec<String> {
        let error = parse_list(&document.to_string(), Format::Json).expect_err("faulty");
        error.faults().iter().map(ToString::to_string).collect()
    }

    fn whole() -> Value {
        json!({
            "id": "a", "name": "users", "address": "10.0.0.1", "port": 8443, "protocol": "https",
            "weight": 2, "priority": 1, "tags": ["api"], "metadata": { "zone": "z" },
            "health_check": {
                "type": "https", "path": "/health", "method": "GET", "port": 8444,
                "headers": { "Authorization": "Bearer s3cret" }, "body": "s3cret",
                "interval": "1s", "timeout": "250ms", "expected_statuses": [204, "300-399"],
                "expected_body": "ok", "ca_file": "/ca.pem", "client_cert_file": "/c.pem",
                "client_key_file": "/k.pem", "reuse_connection": true
            },
            "created_at": "2023-11-14T22:13:20Z", "updated_at": "2023-11-14T23:13:20.5+01:00"
        })
    }

    #[test]
    fn every_field_is_written_back_and_secrets_are_masked() {
        let endpoint = parse(&whole().to_string(), Format::Json).expect("valid");

        let shown = to_json(&endpoint);

        let mut expected = whole();
        expected["health_check"]["headers"]["Authorization"] = json!("***");
        expected["health_check"]["body"] = json!("***");
        expected["updated_at"] = json!("2023-11-14T22:13:20.5Z");
        assert_eq!(shown, expected);
        assert!(!format!("{endpoint:?}").contains("s3cret"));
    }

    #[test]
    fn what_was_shown_can_be_given_back_with_its_secrets() {
        let endpoint = parse(&whole().to_string(), Format::Json).expect("valid");

        let mut again = parse(&to_json(&endpoint).to_string(), Format::Json).expect("valid");
        again.unmask(&endpoint);

        assert_eq!(again, endpoint);
    }

    #[test]
    fn a_list_an_object_and_toml_give_the_same_endpoints() {
        let list = json!([{ "id": "a", "address": "::1", "port": 1 }]);
        let toml = "[[endpoints]]\nid = \"a\"\naddress = \"[::1]\"\nport = 1\n";

        let endpoints = parse_list(&list.to_string(), Format::Json).expect("valid");

        assert_eq!(endpoints, [Endpoint::new("a", "", "::1", 1)]);
        let object = json!({ "endpoints": list }).to_string();
        assert_eq!(parse_list(&object, Format::Json).expect("valid"), endpoints);
        assert_eq!(parse_list(toml, Format::Toml).expect("valid"), endpoints);
        assert_eq!(parse_list("{\"endpoints\": []}", Format::Json).expect("valid"), []);
    }

    #[test]
    fn all_faults_are_reported_at_once_with_the_index() {
        let faults = faults(&json!({ "endpoints": [
            { "id": "a", "address": "10.0.0.1", "port": 80 },
            { "id": "", "adress": "a", "address": "300.1.1.1", "port": 70000, "weight": -1 },
            { "id": "a", "address": "b", "port": 80, "tags": ["x", 5], "metadata": { "v": 1 } },
            { "id": "x".repeat(513), "address": "b", "port": 0 },
            7,
        ] }));

        assert_eq!(
            faults,
            [
                "endpoints[1].adress: unknown key \"adress\", did you mean \"address\"?",
                "endpoints[1].id: must be 1 to 512 bytes of text, got 0 bytes",
                "endpoints[1].port: must be 1..=65535, got 70000",
                "endpoints[1].weight: must be 0..=1000000, got -1",
                "endpoints[1].address: must be a host name or an IP address, got \"300.1.1.1\"",
                "endpoints[2].metadata.v: must be text, got 1",
                "endpoints[2].tags[1]: must be text, got 5",
                "endpoints[3].id: must be 1 to 512 bytes of text, got 513 bytes",
                "endpoints[3].port: must be 1..=65535, got 0",
                "endpoints[4]: must be an object, got 7",
                "endpoints[2].id: must be unique, endpoints[0] has \"a\" already",
            ]
        );
    }

    #[test]
    fn a_faulty_check_is_refused_and_shows_no_secret() {
        let faults = faults(&json!([{ "id": "a", "address": "b", "port": 80, "health_check": {
            "path": "health", "method": "GE T", "port": 0, "interval": 5, "timeout": "0s",
            "expected_statuses": [99, "299-200", "200", true], "client_cert_file": "c",
            "headers": { "A b": "s3cret", "X": "s3\r\ncret", "Y": ["s3cret"] }, "body": 53
        } }]));

        assert_eq!(
            faults,
            [
                "[0].health_check.body: must be text, got something else (not shown: it may be secret)",
                "[0].health_check.expected_statuses[0]: must be 100..=599 or a range such as \"200-299\", got 99",
                "[0].health_check.expected_statuses[1]: must be 100..=599 or a range such as \"200-299\", got \"299-200\"",
                "[0].health_check.expected_statuses[2]: must be 100..=599 or a range such as \"200-299\", got \"200\"",
                "[0].health_check.expected_statuses[3]: must be 100..=599 or a range such as \"200-299\", got true",
                "[0].health_check.headers.Y: must be text, got something else (not shown: it may be secret)",
                "[0].health_check.interval: must be a duration with a unit such as \"250ms\", got 5",
                "[0].health_check.port: must be 1..=65535, got 0",
                "[0].health_check.timeout: must be 1ms..=24h, got 0s",
                "[0].health_check.path: must start with \"/\" and hold visible ASCII only (else as %20)",
                "[0].health_check.method: must be an HTTP method such as \"GET\"",
                "[0].health_check.client_key_file: is required with client_cert_file",
                "[0].health_check.headers[\"A b\"]: must be named as an HTTP header is",
                "[0].health_check.headers.X: must hold no line breaks or other control characters",
            ]
        );
    }

    #[test]
    fn a_secret_in_the_wrong_place_is_not_shown() {
        let faults = faults(&json!([{ "id": "a", "address": "b", "port": 80,
            "health_check": { "headers": "Bearer s3cret", "body": ["s3cret"] } }]));

        assert_eq!(faults.len(), 2);
        assert!(!faults.concat().contains("s3cret"), "{faults:?}");
    }

    #[test]
    fn port_0_is_for_endpoints_that_need_none() {
        let refused = |document: &Value| faults(&json!([document])).join("\n");
        let custom = json!({ "id": "a", "address": "b", "protocol": "queue",
            "health_check": { "type": "custom" } });
        let checked = json!({ "id": "a", "address": "b", "protocol": "queue", "port": 0,
            "health_check": { "type": "http" } });
        let elsewhere = json!({ "id": "a", "address": "b", "protocol": "queue", "port": 0,
            "health_check": { "type": "http", "port": 81 } });

        assert_eq!(refused(&json!({ "id": "a", "address": "b" })), "[0].port: is required");
        assert_eq!(refused(&checked), "[0].port: must be 1..=65535, got 0");
        assert!(parse(&custom.to_string(), Format::Json).is_ok());
        assert!(parse(&elsewhere.to_string(), Format::Json).is_ok());
    }

    #[test]
    fn half_a_position_and_wrong_degrees_are_faults() {
        let faults = faults(&json!([
            { "id": "a", "address": "b", "port": 1, "metadata": { "latitude": "91" } },
            { "id": "b", "address": "b", "port": 1, "metadata": { "latitude": "1", "longitude": "east" } },
        ]));

        assert_eq!(
            faults,
            [
                "[0].metadata.latitude: must be degrees -90..=90, got \"91\"",
                "[0].metadata.longitude: is required with latitude",
                "[1].metadata.longitude: must be degrees -180..=180, got \"east\"",
            ]
        );
    }

    #[test]
    fn keys_beside_the_list_are_unknown() {
        assert_eq!(
            faults(&json!({ "endpoint": [] })),
            [
                "endpoint: unknown key \"endpoint\", did you mean \"endpoints\"?",
                "endpoints: is required"
            ]
        );
        assert_eq!(
            faults(&json!({ "endpoints": {} })),
            ["endpoints: must be a list, got an object"]
        );
    }

    #[test]
    fn grpc_checks_are_not_available_yet() {
        let document =
            json!({ "id": "a", "address": "b", "port": 1, "health_check": { "type": "grpc" } });

        let error = parse(&document.to_string(), Format::Json).expect_err("reserved");

        assert_eq!(error.kind(), ErrorKind::NotAvailable);
    }

    #[test]
    fn more_endpoints_than_one_provider_may_hold_are_refused() {
        let text = format!("[{}0]", "0,".repeat(MAX_ENDPOINTS));

        let error = parse_list(&text, Format::Json).expect_err("too many");

        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
        assert_eq!(error.to_string(), "must be at most 100000 endpoints, got 100001");
    }

    #[test]
    fn a_flood_of_faults_is_cut() {
        let text = format!("[{}0]", "0,".repeat(MAX_ENDPOINTS - 1));

        let error = parse_list(&text, Format::Json).expect_err("faulty");

        assert_eq!(error.faults().len(), 1_001);
        assert!(error.to_string().ends_with("and 99000 more faults"));
    }

    #[test]
    fn an_endpoint_made_by_the_program_is_held_to_the_same_rules() {
        let mut faults = Vec::new();

        Endpoint::new("", "users", "no name", 0).with_weight(u32::MAX).validate("", &mut faults);

        let paths: Vec<_> = faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(paths, ["id", "address", "port", "weight"]);
    }
}
