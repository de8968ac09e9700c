//! What an error of the callback says: which outcome an attempt had.
//!
//! In this order: an outcome that the callback states itself ([`Tagged`]), however deep it lies, the
//! outermost error of this library or of the operating system, else *failure*. A classifier of the
//! caller's is a function that it calls itself, around what it returns.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use crate::error::{Error, ErrorType};
use crate::outlier::Outcome;

/// An error with its outcome stated by the callback.
///
/// # Examples
///
/// ```
/// use failover::{Outcome, Tagged};
/// use std::time::Duration;
///
/// let error = Tagged::new(Outcome::Throttled, "429").rest_for(Duration::from_secs(2));
/// assert_eq!(error.outcome(), Outcome::Throttled);
/// ```
#[derive(Debug)]
pub struct Tagged {
    outcome: Outcome,
    rest: Duration,
    source: Box<dyn StdError + Send + Sync>,
}

impl Tagged {
    /// States the outcome of an error.
    #[must_use]
    pub fn new(outcome: Outcome, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { outcome, rest: Duration::ZERO, source: source.into() }
    }

    /// Says how long the endpoint asked to be left alone.
    #[must_use]
    pub const fn rest_for(mut self, rest: Duration) -> Self {
        self.rest = rest;
        self
    }

    /// The outcome.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }
}

impl fmt::Display for Tagged {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(out)
    }
}

impl StdError for Tagged {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}

/// The outcome of an error, and how long the endpoint asked to be left alone.
pub fn classify(error: &(dyn StdError + 'static)) -> (Outcome, Duration) {
    let mut tags = causes(error).filter_map(|cause| cause.downcast_ref::<Tagged>());
    if let Some(tagged) = tags.next() {
        return (tagged.outcome, tagged.rest);
    }
    let outcome = causes(error).find_map(known).unwrap_or(Outcome::Failure);
    (outcome, Duration::ZERO)
}

/// An error and what led to it, from the outside in.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| cause(*error))
}

fn cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    // What an error of the system wraps isn't its source, but takes its place.
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

fn known(error: &(dyn StdError + 'static)) -> Option<Outcome> {
    if let Some(ours) = error.downcast_ref::<Error>() {
        return Some(of_type(ours.kind().error_type()));
    }
    let kind = error.downcast_ref::<io::Error>()?.kind();
    // Says nothing itself; what it wraps may.
    (kind != io::ErrorKind::Other).then(|| of_system(kind))
}

const fn of_type(family: ErrorType) -> Outcome {
    match family {
        ErrorType::Connection | ErrorType::CircuitBreaker => Outcome::Failure,
        ErrorType::Validation | ErrorType::NotFound => Outcome::Rejected,
        ErrorType::Timeout => Outcome::Timeout,
        ErrorType::Internal => Outcome::Local,
    }
}

const fn of_system(kind: io::ErrorKind) -> Outcome {
    match kind {
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::AddrNotAvailable => Outcome::Unsent,
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Outcome::Timeout,
        _ => Outcome::Failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_connection_was_never_sent_however_deep_it_lies() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let wrapped = Tagged::new(Outcome::Throttled, refused);

        assert_eq!(classify(&wrapped).0, Outcome::Throttled, "the stated outcome comes first");
        let deep = io::Error::other(io::Error::from(io::ErrorKind::ConnectionRefused));
        assert_eq!(classify(&deep).0, Outcome::Unsent, "what wraps it is of no kind of its own");
        assert_eq!(classify(&io::Error::from(io::ErrorKind::ConnectionRefused)).0, Outcome::Unsent);
        assert_eq!(classify(&fmt::Error).0, Outcome::Failure);
    }
    #[test]
    fn a_stated_outcome_counts_within_any_other_error() {
        let rest = Duration::from_secs(2);
        let tagged = || Tagged::new(Outcome::Throttled, "429").rest_for(rest);

        let other = io::Error::other(tagged());
        let reset = io::Error::new(io::ErrorKind::ConnectionReset, tagged());
        let twice = io::Error::other(io::Error::other(tagged()));

        for error in [other, reset, twice] {
            assert_eq!(classify(&error), (Outcome::Throttled, rest), "{error:?}");
        }
        assert_eq!(classify(&io::Error::other("plain")).0, Outcome::Failure);
    }
}
