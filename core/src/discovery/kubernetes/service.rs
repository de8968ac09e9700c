//! How a service is named: `users`, `users.shop`, `users:http`, `users.shop:8080`.
//!
//! A Service's name has no dot and no colon, so that what follows is the namespace and the port.
//! Each part is checked before it gets into a URL.

use super::Port;
use crate::error::{Error, ErrorKind, Result};

/// A service's name, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) name: String,
    /// Absent means the provider's.
    pub(super) namespace: Option<String>,
    /// Absent means the provider's.
    pub(super) port: Option<Port>,
}

impl Service {
    /// Takes a name apart.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] if a part can't be the name of such a thing.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let (place, port) = match text.split_once(':') {
            Some((place, port)) => (place, Some(parse_port(text, port)?)),
            None => (text, None),
        };
        let (name, namespace) = match place.split_once('.') {
            Some((name, namespace)) => (name, Some(namespace)),
            None => (place, None),
        };
        for part in [Some(name), namespace].into_iter().flatten() {
            if !is_label(part) {
                return Err(refuse(text, "NAME, NAME.NAMESPACE or either with :PORT"));
            }
        }
        Ok(Self { name: name.to_owned(), namespace: namespace.map(str::to_owned), port })
    }
}

/// True for what Kubernetes takes as the name of a Service or a namespace.
pub(super) fn is_label(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let ends_well = |byte: Option<u8>| byte.is_some_and(|byte| is_inner(byte) && byte != b'-');
    let bytes = text.as_bytes();
    bytes.len() <= LONGEST_LABEL
        && bytes.iter().copied().all(is_inner)
        && ends_well(bytes.first().copied())
        && ends_well(bytes.last().copied())
}

fn parse_port(service: &str, text: &str) -> Result<Port> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number = text.parse().ok().filter(|number| *number != 0);
        return number.map(Port::Number).ok_or_else(|| refuse(service, "a port of 1..=65535"));
    }
    match is_label(text) {
        true => Ok(Port::Name(text.to_owned())),
        false => Err(refuse(service, "a port's name or number after the colon")),
    }
}

fn refuse(service: &str, expected: &str) -> Error {
    let shown: String = service.chars().take(LONGEST_SHOWN).collect();
    Error::new(ErrorKind::InvalidArgument, format!("service {shown:?}: must be {expected}"))
}

/// Kubernetes' own limit (RFC 1123).
const LONGEST_LABEL: usize = 63;

/// Longer names are not shown whole.
const LONGEST_SHOWN: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_carry_a_namespace_and_a_port() {
        let named = |name: &str| Some(Port::Name(name.to_owned()));
        let cases = [
            ("users", None, None),
            ("users.shop", Some("shop"), None),
            ("users:http", None, named("http")),
            ("users.shop:8080", Some("shop"), Some(Port::Number(8080))),
            ("users:8080-tls", None, named("8080-tls")),
        ];
        for (text, namespace, port) in cases {
            let namespace = namespace.map(str::to_owned);
            let expected = Service { name: "users".to_owned(), namespace, port };

            assert_eq!(Service::parse(text).expect(text), expected);
        }
    }

    #[test]
    fn what_could_change_a_url_is_refused() {
        let long = "a".repeat(64);
        let texts = [
            "",
            "Users",
            "users/../x",
            "users?x",
            "users.",
            ".shop",
            "users.shop.svc",
            "users:",
            "-a",
            "a-",
            "users:0",
            "users:65536",
            "users:a b",
            "users,a=b",
            "ü",
            &long,
        ];
        for text in texts {
            let error = Service::parse(text).expect_err(text);

            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{text:?}");
        }
    }
}
