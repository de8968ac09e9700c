//! What an error of the callback says: which outcome an attempt had.
//!
//! In this order: an outcome that the callback states itself ([`Tagged`]), the caller's own
//! classifier, an error of this library, an error of the operating system, else *failure*.

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
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(tagged) = error.downcast_ref::<Tagged>() {
            return (tagged.outcome, tagged.rest);
        }
        if let Some(ours) = error.downcast_ref::<Error>() {
            return (of_type(ours.kind().error_type()), Duration::ZERO);
        }
        if let Some(system) = error.downcast_ref::<io::Error>() {
            return (of_system(system.kind()), Duration::ZERO);
        }
        cause = error.source();
    }
    (Outcome::Failure, Duration::ZERO)
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
        assert_eq!(classify(&deep).0, Outcome::Failure, "an error of no kind of its own");
        assert_eq!(classify(&io::Error::from(io::ErrorKind::ConnectionRefused)).0, Outcome::Unsent);
        assert_eq!(classify(&fmt::Error).0, Outcome::Failure);
    }
}
