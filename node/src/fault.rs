//! Errors on their way to JavaScript: one JSON text, from which the package makes its `FailoverError`.

use failover::Error;
use napi::Status;

/// The text of an error: code, name, type, whether it may be tried again, message and details.
pub(crate) fn shown(error: &Error) -> String {
    let kind = error.kind();
    let name = kind.c_name().trim_start_matches("FAILOVER_E_").to_lowercase();
    serde_json::json!({
        "code": kind.code(),
        "kind": name,
        "type": kind.error_type().name(),
        "is_retryable": kind.is_retryable(),
        "message": error.to_string(),
        "details": error.details(),
    })
    .to_string()
}

/// The exception that carries an error.
pub(crate) fn thrown(error: &Error) -> napi::Error {
    napi::Error::new(Status::GenericFailure, shown(error))
}
