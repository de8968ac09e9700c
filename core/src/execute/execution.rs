//! What a driver gives back: the value and how it came about, or the last error unchanged.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::AttemptRecord;
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind};

/// One attempt, as the callback sees it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// The endpoint to use.
    pub endpoint: Arc<Endpoint>,
    /// The attempt's number in its call, from 1.
    pub number: u32,
    /// How long it may take.
    pub timeout: Duration,
}

/// A call that ended well: the seed's `FailoverResult`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Execution<T> {
    /// What the callback returned.
    pub value: T,
    /// The endpoint that served.
    pub endpoint: Arc<Endpoint>,
    /// Attempts made.
    pub attempts: u32,
    /// Time from the call's start to its end.
    pub duration: Duration,
    /// The attempts that failed before.
    pub history: Vec<AttemptRecord>,
    /// True if a fallback provider served.
    pub is_fallback: bool,
    /// True if the endpoint looked unfit and no other was left.
    pub is_panic: bool,
}

/// A call that failed: why it ended, and the last attempt's own error, unchanged.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failure<E> {
    /// Why the call ended, for programs and people.
    pub error: Error,
    /// The last attempt's error; absent if there was no attempt, or it was cut off.
    pub last: Option<E>,
    /// Every attempt.
    pub history: Vec<AttemptRecord>,
}

impl<E> Failure<E> {
    /// Why the call ended.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.error.kind()
    }
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(out)?;
        self.last.as_ref().map_or(Ok(()), |last| write!(out, ": {last}"))
    }
}

impl<E: StdError + 'static> StdError for Failure<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.last.as_ref().map(|last| last as _)
    }
}
