//! What a provider reports: its whole set, or that it can't be read.
//!
//! Whole sets and no deltas: a lost delta is a wrong set for ever, a lost set is repaired by the
//! next one.

use crate::endpoint::document::{doubled, refuse};
use crate::endpoint::{Endpoint, Registry};
use crate::error::{Error, ErrorKind, Result};

/// What a provider reports.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Update {
    /// Every endpoint that there is now.
    Full(Vec<Endpoint>),
    /// It could not be read. The last good set serves on.
    Unavailable {
        /// Why, in words that hold no secret.
        reason: String,
    },
}

impl Update {
    /// The report of a provider that answered with an error.
    #[must_use]
    pub fn unavailable(error: &Error) -> Self {
        Self::Unavailable { reason: short(&error.to_string()) }
    }
}

/// Refuses an endpoint that can't be registered, with every fault.
pub(crate) fn check_one(endpoint: &Endpoint) -> Result<()> {
    let mut faults = Vec::new();
    endpoint.validate("", &mut faults);
    if faults.is_empty() { Ok(()) } else { Err(refuse(ErrorKind::InvalidArgument, faults)) }
}

/// Refuses a set that can't be published: too many endpoints, faulty ones, an id that comes twice.
pub(crate) fn check(endpoints: &[Endpoint]) -> Result<()> {
    let most = Registry::MOST_ENDPOINTS;
    if endpoints.len() > most {
        let text = format!("must be at most {most} endpoints, got {}", endpoints.len());
        return Err(Error::new(ErrorKind::LimitExceeded, text));
    }
    let mut faults = Vec::new();
    for (i, endpoint) in endpoints.iter().enumerate() {
        endpoint.validate(&format!("[{i}]"), &mut faults);
    }
    let is_valid = faults.is_empty();
    doubled(endpoints.iter().map(|endpoint| Some(&*endpoint.id)), "", &mut faults);
    match faults.is_empty() {
        true => Ok(()),
        false if is_valid => Err(refuse(ErrorKind::AlreadyExists, faults)),
        false => Err(refuse(ErrorKind::InvalidArgument, faults)),
    }
}

/// One line of a message that may hold a thousand faults.
fn short(message: &str) -> String {
    let mut lines = message.lines();
    let first: String = lines.next().unwrap_or_default().chars().take(LONGEST_REASON).collect();
    match lines.count() {
        0 => first,
        1 => format!("{first} (and 1 more fault)"),
        more => format!("{first} (and {more} more faults)"),
    }
}

/// Longer ones are for the document's author, who can check it by hand, and not for an event.
const LONGEST_REASON: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_that_comes_twice_is_a_fault_among_the_others() {
        let endpoint = |id, port| Endpoint::new(id, "s", "h", port);
        let doubled = [endpoint("a", 1), endpoint("a", 1), endpoint("b", 1), endpoint("b", 1)];
        let faulty = [endpoint("a", 1), endpoint("a", 0)];

        let error = check(&doubled).expect_err("doubled");
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(
            error.to_string(),
            "[1].id: must be unique, [0] has \"a\" already\n\
             [3].id: must be unique, [2] has \"b\" already"
        );
        let error = check(&faulty).expect_err("doubled, and without a port");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        let paths: Vec<&str> = error.faults().iter().map(|fault| &*fault.path).collect();
        assert_eq!(paths, ["[1].port", "[1].id"]);
    }

    #[test]
    fn a_reason_is_the_first_fault_and_the_number_of_others() {
        assert_eq!(short("one"), "one");
        assert_eq!(short("one\ntwo"), "one (and 1 more fault)");
        assert_eq!(short("one\ntwo\nthree"), "one (and 2 more faults)");
    }
}
