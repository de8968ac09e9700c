//! Errors that blame the caller's input.
//!
//! The crate's errors are all [`io::Error`]: its callers are tests, which print them, and the
//! control port, which only asks whether the caller or the system is to blame.

use std::io;
use std::str::FromStr;

/// An error that blames the caller's input.
pub(crate) fn invalid(message: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message.into())
}

/// Reads a whole number, or says which field lacks one.
pub(crate) fn number<T: FromStr>(field: &str, text: &str) -> io::Result<T> {
    text.parse().map_err(|_| invalid(format!("{field}: expected a whole number, got {text:?}")))
}
