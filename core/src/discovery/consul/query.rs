//! A question to an agent, as the path and query of a URL.
//!
//! Everything that comes from outside is percent-encoded down to the last sign: a service may be
//! called `a/b?stale`. Only `.` and `..` can't be asked for, since they mean a folder in every encoding.

use std::fmt::Write as _;
use std::time::Duration;

use super::options::{Options, ReadMode};
use crate::error::{Error, ErrorKind, Result};

/// How long the agent may hold a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// It answers at once.
    Not,
    /// It answers once its index is beyond this one, or after that time.
    Beyond(u64, Duration),
}

/// The path and query that ask for the instances of `service`, with their health.
///
/// All instances, also those that fail their checks: a service whose last instance is critical isn't
/// one that was never registered, and a warning is better than nothing.
pub(super) fn health(service: &str, options: &Options, read: ReadMode, hold: Hold) -> String {
    let mut query = Query::new(&format!("/v1/health/service/{}", Encoded(service)));
    query.place(options);
    query.text("peer", options.peer.as_deref());
    options.tags.iter().for_each(|tag| query.text("tag", Some(tag)));
    query.text("filter", options.filter.as_deref());
    query.text("near", options.near.as_deref());
    match read {
        ReadMode::Default => {}
        other => query.flag(other.name()),
    }
    if let Hold::Beyond(index, wait) = hold {
        query.text("index", Some(&index.to_string()));
        query.text("wait", Some(&format!("{}ms", wait.as_millis())));
    }
    query.0
}

/// The same path for a service in the data centre and partition of `options`, with nothing else.
pub(super) fn placed(path: &str, options: &Options) -> String {
    let mut query = Query::new(path);
    query.place(options);
    query.0
}

/// Refuses a service that can't be asked for.
pub(super) fn check(service: &str) -> Result<()> {
    let expected = match service {
        "" | "*" => "a Consul provider is read by service: name one",
        "." | ".." => "no service can be called so, since it means a folder in a URL",
        _ => return Ok(()),
    };
    Err(Error::new(ErrorKind::InvalidArgument, format!("service {service:?}: {expected}")))
}

struct Query(String);

impl Query {
    fn new(path: &str) -> Self {
        Self(path.to_owned())
    }

    fn place(&mut self, options: &Options) {
        self.text("dc", options.datacenter.as_deref());
        self.text("ns", options.namespace.as_deref());
        self.text("partition", options.partition.as_deref());
    }

    fn text(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.flag(key);
            // Writing to a text can't fail.
            let _ = write!(self.0, "={}", Encoded(value));
        }
    }

    fn flag(&mut self, key: &str) {
        self.0.push(if self.0.contains('?') { '&' } else { '?' });
        self.0.push_str(key);
    }
}

/// A text in which everything but letters, digits and `-._~` is percent-encoded.
pub(super) struct Encoded<'a>(pub(super) &'a str);

impl std::fmt::Display for Encoded<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for byte in self.0.bytes() {
            match byte {
                b'-' | b'.' | b'_' | b'~' => out.write_char(char::from(byte))?,
                _ if byte.is_ascii_alphanumeric() => out.write_char(char::from(byte))?,
                _ => write!(out, "%{byte:02X}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_question_names_the_service_and_the_mode() {
        let options = Options::default();

        let at_once = health("users", &options, ReadMode::Stale, Hold::Not);
        let held = Hold::Beyond(7, Duration::from_secs(60));
        let held = health("users", &options, ReadMode::Default, held);

        assert_eq!(at_once, "/v1/health/service/users?stale");
        assert_eq!(held, "/v1/health/service/users?index=7&wait=60000ms");
    }

    #[test]
    fn every_option_is_asked_for_and_nothing_can_break_out_of_its_place() {
        let options = Options {
            datacenter: Some("dc&1".to_owned()),
            namespace: Some("n=s".to_owned()),
            partition: Some("p#".to_owned()),
            peer: Some("peer".to_owned()),
            tags: vec!["a b".to_owned(), "\u{e9}".to_owned()],
            filter: Some("Service.Meta.v == \"2\"".to_owned()),
            near: Some("_agent".to_owned()),
            ..Options::default()
        };

        let asked = health("a/b?stale", &options, ReadMode::Consistent, Hold::Not);

        assert_eq!(
            asked,
            "/v1/health/service/a%2Fb%3Fstale?dc=dc%261&ns=n%3Ds&partition=p%23&peer=peer\
             &tag=a%20b&tag=%C3%A9&filter=Service.Meta.v%20%3D%3D%20%222%22&near=_agent&consistent"
        );
    }

    #[test]
    fn what_cannot_be_a_service_is_refused() {
        assert!(["", "*", ".", ".."].iter().all(|name| check(name).is_err()));
        assert!(["a", "...", "a b", "%2e"].iter().all(|name| check(name).is_ok()));
    }
}
