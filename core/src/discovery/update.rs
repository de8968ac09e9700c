//! What a provider reports: its whole set, or that it can't be read.
//!
//! Whole sets and no deltas: a lost delta is a wrong set for ever, a lost set is repaired by the
//! next one.

use std::collections::HashSet;

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
    if !faults.is_empty() {
        return Err(Error::from_faults(ErrorKind::InvalidArgument, faults));
    }
    let mut seen = HashSet::with_capacity(endpoints.len());
    match endpoints.iter().find(|endpoint| !seen.insert(&*endpoint.id)) {
        None => Ok(()),
        Some(twice) => {
            let text = format!("endpoint {:?}: the id comes twice", twice.id);
            Err(Error::new(ErrorKind::AlreadyExists, text))
        }
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
    fn an_id_that_comes_twice_is_refused() {
        let set = [Endpoint::new("a", "s", "h", 1), Endpoint::new("a", "s", "i", 1)];

        let error = check(&set).expect_err("doubled");

        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(error.to_string(), "endpoint \"a\": the id comes twice");
    }

    #[test]
    fn a_reason_is_the_first_fault_and_the_number_of_others() {
        assert_eq!(short("one"), "one");
        assert_eq!(short("one\ntwo"), "one (and 1 more fault)");
        assert_eq!(short("one\ntwo\nthree"), "one (and 2 more faults)");
    }
}
