//! What an agent is too old for.
//!
//! An old agent ignores what it doesn't know and answers for another partition than the one asked for:
//! so its version is asked first where an option needs one, and an agent that is too old, or doesn't
//! tell, is refused.

use std::fmt;

use serde::Deserialize;

use super::failure::{Class, Failure};
use super::options::Options;

/// The version of an agent: major, minor, patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(u32, u32, u32);

/// Where an agent tells of itself.
pub(super) const PATH: &str = "/v1/agent/self";

impl Version {
    /// Reads what the agent tells of itself.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Own {
            config: Config,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Config {
            version: String,
        }
        let own: Own = serde_json::from_slice(body).ok()?;
        let plain = own.config.version.split(['-', '+']).next()?;
        let mut numbers = plain.trim_start_matches('v').split('.').map(|part| part.parse().ok());
        Some(Self(numbers.next()??, numbers.next()??, numbers.next().flatten().unwrap_or(0)))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// The options in use that an agent must have a version for, with the first that has them.
pub(super) fn needed(options: &Options) -> impl Iterator<Item = (&'static str, Version)> {
    let partition = options.partition.as_ref().map(|_| ("partition", Version(1, 11, 0)));
    let peer = options.peer.as_ref().map(|_| ("peer", Version(1, 14, 0)));
    partition.into_iter().chain(peer)
}

/// Refuses an agent that is too old for the options in use; `None` for one that doesn't tell.
pub(super) fn check(options: &Options, version: Option<Version>) -> Result<(), Failure> {
    for (option, first) in needed(options) {
        let what = match version {
            Some(version) if version >= first => continue,
            Some(version) => format!("the agent is Consul {version}"),
            None => "the agent doesn't tell its version (its token needs agent:read)".to_owned(),
        };
        let text = format!("{option}: needs Consul {first} or later, {what}");
        return Err(Failure::new(Class::Refused, text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Option<Version> {
        Version::parse(
            format!(r#"{{"Config": {{"Version": "{text}"}}, "Member": {{}}}}"#).as_bytes(),
        )
    }

    #[test]
    fn versions_are_read_and_ordered_by_number() {
        assert_eq!(version("1.8.7+dfsg1"), Some(Version(1, 8, 7)));
        assert_eq!(version("1.14.0-beta1"), Some(Version(1, 14, 0)));
        assert_eq!(version("2.0"), Some(Version(2, 0, 0)));
        assert!(version("1.8.7") < version("1.11.0"));
        assert_eq!([version(""), version("x.1.2"), Version::parse(b"{}")], [None; 3]);
    }

    #[test]
    fn an_option_that_the_agent_would_ignore_is_refused_by_name() {
        let options = |partition: Option<&str>, peer: Option<&str>| Options {
            partition: partition.map(str::to_owned),
            peer: peer.map(str::to_owned),
            ..Options::default()
        };
        let refused = |options, text| check(&options, version(text)).map_err(|error| error.reason);

        assert_eq!(refused(options(None, None), "1.0.0"), Ok(()));
        assert_eq!(refused(options(Some("p"), None), "1.11.0"), Ok(()));
        assert_eq!(
            refused(options(Some("p"), None), "1.8.7"),
            Err("partition: needs Consul 1.11.0 or later, the agent is Consul 1.8.7".to_owned())
        );
        assert!(
            refused(options(Some("p"), Some("q")), "1.13.9").expect_err("peer").contains("peer")
        );
        assert!(refused(options(None, Some("q")), "").expect_err("unknown").contains("agent:read"));
    }
}
