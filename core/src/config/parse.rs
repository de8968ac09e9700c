//! The two ends of reading a configuration: text to value, and value with faults to result.
//!
//! The walk between them, value against rows, is [`check`](crate::endpoint::document::check): the
//! endpoints' document takes the same one.

use serde_json::Value;

use crate::endpoint::document::{Format, read as read_document, refuse};
use crate::error::{ErrorKind, Fault, Result};

/// The value of a configuration document.
pub(super) fn read(text: &str, format: Format) -> Result<Value> {
    read_document(text, format, ErrorKind::InvalidConfig)
}

/// What was read, if there is no fault.
pub(super) fn finish<T>(made: T, faults: Vec<Fault>) -> Result<T> {
    if faults.is_empty() { Ok(made) } else { Err(refuse(ErrorKind::InvalidConfig, faults)) }
}
