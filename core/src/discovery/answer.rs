//! How long a provider may take to answer.

use crate::clock::{Clock, Nanos};
use crate::error::{Error, ErrorKind};

/// The answer, unless it takes too long by `clock`.
pub(super) async fn in_time<T>(clock: &Clock, answer: impl Future<Output = T>) -> Option<T> {
    let deadline = clock.now().saturating_add(LONGEST_ANSWER);
    tokio::select! {
        biased;
        given = answer => Some(given),
        () = clock.sleep_until_async(deadline) => None,
    }
}

/// What a provider is told of that took too long.
pub(super) fn late() -> Error {
    let text = format!("no answer within {} s", LONGEST_ANSWER / 1_000_000_000);
    Error::new(ErrorKind::Timeout, text)
}

/// What takes longer than this to answer won't answer.
const LONGEST_ANSWER: Nanos = 10_000_000_000;
