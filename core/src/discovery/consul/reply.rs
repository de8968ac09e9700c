//! What an agent's good answer says beside its body: how new it is, and how sure.

use reqwest::header::HeaderMap;
use std::time::Duration;

use crate::clock::{Nanos, nanos};

/// A good answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) facts: Facts,
    pub(super) body: Vec<u8>,
}

/// What the headers of a good answer say. Those of an error aren't believed: they carry an index as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// The index of the data; 0 if there is none.
    pub(super) index: u64,
    /// False if the server that answered knows of no leader.
    knows_leader: Option<bool>,
    /// Since when it hasn't heard from the leader.
    last_contact: Option<Duration>,
    /// True if the token may not see all of it.
    pub(super) is_filtered: bool,
}

impl Facts {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let number = |name: &str| text(name).and_then(|value| value.parse::<u64>().ok());
        let claim = |name: &str| text(name).and_then(|value| value.parse::<bool>().ok());
        Self {
            index: number("x-consul-index").unwrap_or_default(),
            knows_leader: claim("x-consul-knownleader"),
            last_contact: number("x-consul-lastcontact").map(Duration::from_millis),
            is_filtered: claim("x-consul-results-filtered-by-acls").unwrap_or_default(),
        }
    }

    /// Why what the answer lacks may still be there, if there is a reason.
    pub(super) fn weakness(&self, max_stale: Duration) -> Option<&'static str> {
        if self.knows_leader == Some(false) {
            return Some("the server that answered knows no leader");
        }
        let is_stale = self.last_contact.is_some_and(|since| since > max_stale);
        is_stale.then_some("the server that answered hasn't heard from the leader for too long")
    }
}

/// How long the agent asks to be left alone.
pub(super) fn retry_after(headers: &HeaderMap) -> Nanos {
    let value = headers.get("retry-after").and_then(|value| value.to_str().ok());
    let seconds = value.and_then(|value| value.parse::<u64>().ok());
    seconds.map_or(0, |seconds| nanos(Duration::from_secs(seconds)))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn an_answer_without_headers_is_strong_and_has_no_index() {
        let facts = Facts::of(&headers(&[]));

        assert_eq!(facts, Facts::default());
        assert_eq!(facts.weakness(Duration::ZERO), None);
    }

    #[test]
    fn a_follower_that_lost_its_leader_is_weak() {
        let facts = |leader, contact| {
            Facts::of(&headers(&[
                ("x-consul-index", "17"),
                ("x-consul-knownleader", leader),
                ("x-consul-lastcontact", contact),
                ("x-consul-results-filtered-by-acls", "true"),
            ]))
        };
        let most = Duration::from_secs(1);

        assert_eq!((facts("true", "0").index, facts("true", "0").is_filtered), (17, true));
        assert_eq!(facts("true", "1000").weakness(most), None);
        assert!(facts("true", "1001").weakness(most).is_some());
        assert!(facts("false", "0").weakness(most).is_some());
        assert_eq!(facts("?", "-1").weakness(most), None);
    }

    #[test]
    fn only_seconds_are_a_hint() {
        assert_eq!(retry_after(&headers(&[("retry-after", "2")])), 2_000_000_000);
        assert_eq!(retry_after(&headers(&[("retry-after", "Fri, 31 Dec 1999")])), 0);
        assert_eq!(retry_after(&headers(&[])), 0);
    }
}
