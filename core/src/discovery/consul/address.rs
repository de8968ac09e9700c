//! Where a Consul agent listens: `http://127.0.0.1:8500`, `https://host/prefix`, `unix:///run/consul.sock`.
//!
//! Parsed here and not by the HTTP client, so that a mistyped address is a fault of the configuration
//! and not an outage.

use std::fmt;
use std::path::{Path, PathBuf};

/// The place of one agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// What requests begin with: scheme, host, port, and a path's prefix without a slash at its end.
    base: String,
    /// The socket in place of host and port.
    socket: Option<PathBuf>,
}

/// What an address without a scheme is reached by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Scheme {
    /// Plain HTTP.
    #[default]
    Http,
    /// TLS.
    Https,
}

impl Address {
    /// Reads an address; the error says what was expected.
    pub(super) fn parse(text: &str, default: Scheme) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix://") {
            if !path.starts_with('/') {
                return Err(format!("must be unix:// and an absolute path, got {text:?}"));
            }
            // The name is sent as the host that is asked for; agents take any.
            return Ok(Self { base: "http://localhost".to_owned(), socket: Some(path.into()) });
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme @ ("http" | "https"), rest)) => (scheme, rest),
            Some((other, _)) => {
                return Err(format!("must begin with http://, https:// or unix://, got {other:?}"));
            }
            None if default == Scheme::Https => ("https", text),
            None => ("http", text),
        };
        let (authority, prefix) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        // Not shown: what stands before the @ is a password.
        if authority.contains('@') {
            return Err("must hold no user name or password".to_owned());
        }
        let authority = with_port(authority)
            .ok_or_else(|| format!("must be a host and a port from 1 to 65535, got {text:?}"))?;
        if !prefix.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#%\\".contains(&byte)) {
            return Err(format!("must have a path of plain characters, got {text:?}"));
        }
        let base = format!("{scheme}://{authority}{}", prefix.trim_end_matches('/'));
        Ok(Self { base, socket: None })
    }

    /// What requests begin with.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// The unix socket, where it is one.
    pub(super) fn socket(&self) -> Option<&Path> {
        self.socket.as_deref()
    }

    /// True if it is reached by TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.base.starts_with("https:")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.socket {
            Some(path) => write!(out, "unix://{}", path.display()),
            None => out.write_str(&self.base),
        }
    }
}

/// Host and port, the agent's usual port where none is named.
fn with_port(authority: &str) -> Option<String> {
    let after_host = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            after
        }
        None => {
            let end = authority.find(':').unwrap_or(authority.len());
            let (host, after) = authority.split_at(end);
            let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            if host.is_empty() || !host.bytes().all(is_letter) {
                return None;
            }
            after
        }
    };
    match after_host.strip_prefix(':') {
        None if after_host.is_empty() => Some(format!("{authority}:{USUAL_PORT}")),
        None => None,
        Some(port) => {
            let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
            (is_port && !port.starts_with('+')).then(|| authority.to_owned())
        }
    }
}

/// Where an agent listens unless told otherwise.
const USUAL_PORT: u16 = 8500;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, String> {
        Address::parse(text, Scheme::Http).map(|address| address.to_string())
    }

    #[test]
    fn what_an_address_leaves_out_is_filled_in() {
        for (text, whole) in [
            ("localhost", "http://localhost:8500"),
            ("10.0.0.1:80", "http://10.0.0.1:80"),
            ("http://[::1]", "http://[::1]:8500"),
            ("https://[::1]:8501/", "https://[::1]:8501"),
            ("https://proxy:443/consul/", "https://proxy:443/consul"),
            ("unix:///run/consul.sock", "unix:///run/consul.sock"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(whole), "{text}");
        }
        let secure = Address::parse("localhost:1", Scheme::Https).expect("valid");
        assert!(secure.is_secure());
        assert_eq!(secure.base(), "https://localhost:1");
    }

    #[test]
    fn what_is_no_address_is_refused_and_no_password_is_shown() {
        for text in [
            "",
            "ftp://host",
            "host:0",
            "host:65536",
            "host:+1",
            "host:x",
            "::1",
            "[::1",
            "[host]:1",
            "ho st",
            "http://host/a?b",
            "http://host/%2e%2e",
            "unix://run/consul.sock",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        let refused = parse("http://user:s3cret@host").expect_err("a password");
        assert_eq!(refused, "must hold no user name or password");
    }
}
