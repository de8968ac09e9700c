//! What a valid endpoint is, whether it came from a document or was made by the program.

use std::net::{IpAddr, Ipv6Addr};

use super::check::{MAX_WEIGHT, join};
use super::field::MAX_ID;
use crate::endpoint::{CheckKind, Endpoint, HealthCheck};
use crate::error::{Fault, clipped};

/// Where this endpoint's faults begin in the list, and the list.
pub(super) type Faults<'a> = (usize, &'a mut Vec<Fault>);

/// Adds the faults of an endpoint; fields that have one already get no second.
pub(super) fn check(endpoint: &Endpoint, path: &str, (from, faults): Faults<'_>) {
    let mut say = |key: &str, expected: String| add(path, key, expected, (from, &mut *faults));
    for (key, text, least) in [("id", &endpoint.id, 1), ("name", &endpoint.name, 0)] {
        if !(least..=MAX_ID).contains(&text.len()) {
            say(
                key,
                format!("must be {least} to {MAX_ID} bytes of text, got {} bytes", text.len()),
            );
        }
    }
    if !is_address(&endpoint.address) {
        let came = clipped(&endpoint.address);
        say("address", format!("must be a host name or an IP address, got {came:?}"));
    } else if endpoint.address.contains('%') && is_asked_by_http(endpoint) {
        let came = clipped(&endpoint.address);
        let expected = "must have no zone where the health check is made by http or https (no URL \
                        can hold one)";
        say("address", format!("{expected}, got {came:?}"));
    }
    if endpoint.port == 0 && needs_port(endpoint) {
        say("port", "must be 1..=65535, got 0".to_owned());
    }
    if !is_protocol(&endpoint.protocol) {
        let came = clipped(&endpoint.protocol);
        say("protocol", format!("must be a name in lower case such as \"http\", got {came:?}"));
    }
    for (key, number) in
        [("weight", endpoint.weight.unwrap_or_default()), ("priority", endpoint.priority)]
    {
        if u64::from(number) > MAX_WEIGHT {
            say(key, format!("must be 0..={MAX_WEIGHT}, got {number}"));
        }
    }
    check_place(endpoint, &join(path, "metadata"), (from, faults));
    if let Some(check) = &endpoint.health_check {
        check_health_check(check, &join(path, "health_check"), (from, faults));
    }
}

/// Adds a fault of one field, unless it has one already.
pub(super) fn add(path: &str, key: &str, expected: String, (from, faults): Faults<'_>) {
    let path = join(path, key);
    if !faults.iter().skip(from).any(|fault| fault.path == path) {
        faults.push(Fault { path, expected });
    }
}

/// True if traffic or a check goes to the endpoint's own port.
pub(super) fn needs_port(endpoint: &Endpoint) -> bool {
    let is_checked = endpoint
        .health_check
        .as_ref()
        .is_some_and(|check| check.kind != CheckKind::Custom && check.port.is_none());
    is_checked || matches!(&*endpoint.protocol, "http" | "https" | "tcp")
}

/// True if the endpoint's check goes to a URL.
fn is_asked_by_http(endpoint: &Endpoint) -> bool {
    endpoint.health_check.as_ref().is_some_and(|check| match check.kind {
        CheckKind::Http | CheckKind::Https => true,
        CheckKind::Auto => matches!(&*endpoint.protocol, "http" | "https"),
        CheckKind::Tcp | CheckKind::Custom => false,
    })
}

/// Where an endpoint stands must be usable for ranking by distance.
fn check_place(endpoint: &Endpoint, path: &str, (from, faults): Faults<'_>) {
    for (key, other, most) in [("latitude", "longitude", 90.0), ("longitude", "latitude", 180.0)] {
        let Some(text) = endpoint.metadata.get(key) else { continue };
        if !text.parse::<f64>().is_ok_and(|degrees| degrees.abs() <= most) {
            let expected = format!("must be degrees -{most}..={most}, got {:?}", clipped(text));
            add(path, key, expected, (from, &mut *faults));
        }
        if !endpoint.metadata.contains_key(other) {
            add(path, other, format!("is required with {key}"), (from, &mut *faults));
        }
    }
}

fn check_health_check(check: &HealthCheck, path: &str, (from, faults): Faults<'_>) {
    let mut say = |key: &str, expected: &str| {
        add(path, key, expected.to_owned(), (from, &mut *faults));
    };
    let is_visible = |byte: u8| byte.is_ascii_graphic();
    if check.path.as_ref().is_some_and(|p| !p.starts_with('/') || !p.bytes().all(is_visible)) {
        say("path", "must start with \"/\" and hold visible ASCII only (else as %20)");
    }
    if check.method.as_ref().is_some_and(|method| !is_token(method)) {
        say("method", "must be an HTTP method such as \"GET\"");
    }
    if check.port == Some(0) {
        say("port", "must be 1..=65535, got 0");
    }
    for (key, duration) in [("interval", check.interval), ("timeout", check.timeout)] {
        if duration.is_some_and(|duration| duration.is_zero()) {
            say(key, "must be above 0s, got 0s");
        }
    }
    let pair = (&check.client_cert_file, &check.client_key_file);
    match pair {
        (Some(_), None) => say("client_key_file", "is required with client_cert_file"),
        (None, Some(_)) => say("client_cert_file", "is required with client_key_file"),
        _ => {}
    }
    let path = join(path, "headers");
    for (name, value) in &check.headers {
        let is_value = value.reveal().chars().all(|c| c == '\t' || !c.is_control());
        if !is_token(name) {
            add(&path, name, "must be named as an HTTP header is".to_owned(), (from, &mut *faults));
        } else if !is_value {
            let expected = "must hold no line breaks or other control characters".to_owned();
            add(&path, name, expected, (from, &mut *faults));
        }
    }
}

/// True for an IP address, also in brackets or with a zone, and for a host name.
fn is_address(text: &str) -> bool {
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let bare = bracketed.unwrap_or(text);
    if bare.parse::<IpAddr>().is_ok() {
        return bracketed.is_none() || bare.contains(':');
    }
    if let Some((address, zone)) = bare.split_once('%') {
        return address.parse::<Ipv6Addr>().is_ok() && is_name(zone);
    }
    bracketed.is_none() && is_host_name(text)
}

/// True for a name that the system's resolver takes. The last label must not be a number: what
/// ends in one is a mistyped IPv4 address.
fn is_host_name(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && is_name(label)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253
        && text.split('.').all(is_label)
        && !last.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_name(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !text.is_empty() && text.bytes().all(is_letter)
}

fn is_protocol(text: &str) -> bool {
    let is_letter = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.')
    };
    (1..=64).contains(&text.len()) && text.bytes().all(is_letter)
}

/// True for a token of RFC 9110, which methods and header names are.
fn is_token(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_names_and_ip_addresses() {
        for text in [
            "10.0.0.1",
            "::1",
            "[::1]",
            "fe80::1%eth0",
            "localhost",
            "a-b.example.com.",
            "user_service",
            "1password.com",
        ] {
            assert!(is_address(text), "{text}");
        }
    }

    #[test]
    fn a_zone_is_refused_where_a_url_would_have_to_hold_it() {
        for (kind, protocol, is_refused) in [
            (CheckKind::Auto, "http", true),
            (CheckKind::Auto, "tcp", false),
            (CheckKind::Https, "tcp", true),
            (CheckKind::Tcp, "http", false),
            (CheckKind::Custom, "http", false),
        ] {
            let mut endpoint = Endpoint::new("a", "users", "fe80::1%lo", 80)
                .with_health_check(HealthCheck { kind, ..HealthCheck::default() });
            endpoint.protocol = protocol.into();
            let mut faults = Vec::new();

            check(&endpoint, "endpoints[0]", (0, &mut faults));

            let paths: Vec<&str> = faults.iter().map(|fault| &*fault.path).collect();
            let expected: &[&str] = if is_refused { &["endpoints[0].address"] } else { &[] };
            assert_eq!(paths, expected, "{kind:?} {protocol}");
        }
    }

    #[test]
    fn what_parses_as_neither_is_no_address() {
        for text in [
            "",
            ".",
            "10.0.0",
            "300.1.1.1",
            "10.0.0.1:80",
            "[10.0.0.1]",
            "[::1",
            "a b",
            "-a.com",
            "a..b",
            "http://a",
            "münchen.de",
            "::1::2",
            "fe80::1%",
            &"a".repeat(64),
        ] {
            assert!(!is_address(text), "{text}");
        }
    }
}
