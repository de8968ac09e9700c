//! Error objects: what a code can't say.

use std::any::Any;
use std::borrow::Cow;
use std::ffi::{CString, c_char};
use std::sync::OnceLock;

use failover::lock::busy;
use failover::{Error, ErrorKind};

use crate::boundary::guard_value;
use crate::handle::{Lasting, Slot, handle, live, release};
use crate::status::{FAILOVER_OK, failover_code};
use crate::text::failover_str;

/// What went wrong, immutable. Owned; free it with `failover_error_free`.
#[derive(Debug)]
pub struct failover_error(Slot<Told>);
handle!(failover_error, Told, b"\0error\0\0");

/// An error with its documents rendered.
#[derive(Debug)]
pub(crate) struct Told {
    kind: ErrorKind,
    message: Cow<'static, str>,
    details: Cow<'static, str>,
}

/// The error of a panic. It is the same each time and takes no memory: what is broken may be that.
#[cold]
pub(crate) fn of_panic(payload: &(dyn Any + Send)) -> *mut failover_error {
    static WORDS: OnceLock<Words> = OnceLock::new();
    static TOLD: OnceLock<Lasting<failover_error>> = OnceLock::new();
    // No forked child finds one of them half made.
    let _busy = busy();
    let words = WORDS.get_or_init(|| Words::of_panic(payload));
    let made = || Told {
        kind: ErrorKind::Panic,
        message: Cow::Borrowed(words.text()),
        details: Cow::Borrowed("{}"),
    };
    TOLD.get_or_init(|| Lasting::new(made())).give()
}

/// A text that takes no memory. What doesn't fit is cut off.
#[derive(Debug)]
struct Words {
    bytes: [u8; 256],
    length: usize,
}

impl Words {
    fn of_panic(payload: &(dyn Any + Send)) -> Self {
        let mut words = Self { bytes: [0; 256], length: 0 };
        words.add("a defect of the library was caught at its border; the first one said: ");
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        words.add(text.unwrap_or("nothing"));
        words
    }

    fn add(&mut self, text: &str) {
        let fits = text.floor_char_boundary(self.bytes.len() - self.length);
        let end = self.length + fits;
        self.bytes[self.length..end].copy_from_slice(&text.as_bytes()[..fits]);
        self.length = end;
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl From<Error> for Told {
    fn from(error: Error) -> Self {
        let details = error.details().to_string();
        Self { kind: error.kind(), message: error.to_string().into(), details: details.into() }
    }
}

/// Flag: the same call may succeed when it is made again later.
pub const FAILOVER_ERROR_RETRYABLE: u32 = 1;
/// Flag: the manager can't be used any more.
pub const FAILOVER_ERROR_FATAL: u32 = 2;
/// Flag: time ran out.
pub const FAILOVER_ERROR_TIMEOUT: u32 = 4;
/// Flag: the calling program is wrong.
pub const FAILOVER_ERROR_CALLER_BUG: u32 = 8;

/// Error type: an endpoint or provider could not be reached, or failed.
pub const FAILOVER_TYPE_CONNECTION: u32 = 1;
/// Error type: the caller gave something that can't be used.
pub const FAILOVER_TYPE_VALIDATION: u32 = 2;
/// Error type: something named does not exist.
pub const FAILOVER_TYPE_NOT_FOUND: u32 = 3;
/// Error type: time ran out.
pub const FAILOVER_TYPE_TIMEOUT: u32 = 4;
/// Error type: breakers forbid traffic.
pub const FAILOVER_TYPE_CIRCUIT_BREAKER: u32 = 5;
/// Error type: the rest.
pub const FAILOVER_TYPE_INTERNAL: u32 = 6;

/// The name of a code, such as `FAILOVER_E_CLOSED`.
///
/// - `code`: any number; one that this release doesn't know gives `FAILOVER_E_UNKNOWN`.
///
/// Returns text with a terminating zero that lives for ever. Any thread; doesn't block; works after
/// fork.
#[unsafe(no_mangle)]
pub extern "C" fn failover_code_name(code: failover_code) -> *const c_char {
    if code == FAILOVER_OK {
        return c"FAILOVER_OK".as_ptr();
    }
    let at = ErrorKind::ALL.iter().position(|kind| kind.code() == code);
    at.map_or(c"FAILOVER_E_UNKNOWN".as_ptr(), |at| names()[at].as_ptr())
}

fn names() -> &'static [CString] {
    static NAMES: OnceLock<Vec<CString>> = OnceLock::new();
    if let Some(names) = NAMES.get() {
        return names;
    }
    // No forked child finds them half made.
    let _busy = busy();
    let made = || ErrorKind::ALL.iter().map(|kind| CString::new(kind.c_name()).unwrap_or_default());
    NAMES.get_or_init(|| made().collect())
}

/// The code of an error.
///
/// - `error`: a live error.
///
/// Returns `FAILOVER_E_NULL_ARGUMENT` for NULL and `FAILOVER_E_INVALID_HANDLE` for a stale handle.
/// Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// `error` is NULL or came from this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_error_code(error: Option<&failover_error>) -> failover_code {
    live(error).map_or_else(ErrorKind::code, |told| told.kind.code())
}

/// The type of an error: one of `FAILOVER_TYPE_*`.
///
/// - `error`: a live error.
///
/// Returns 0 for NULL or a stale handle. Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// `error` is NULL or came from this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_error_type(error: Option<&failover_error>) -> u32 {
    live(error).map_or(0, |told| told.kind.error_type() as u32)
}

/// The flags of an error: `FAILOVER_ERROR_*` put together.
///
/// - `error`: a live error.
///
/// Returns 0 for NULL or a stale handle. Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// `error` is NULL or came from this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_error_flags(error: Option<&failover_error>) -> u32 {
    live(error).map_or(0, |told| flags(told.kind))
}

fn flags(kind: ErrorKind) -> u32 {
    let mut flags = 0;
    if kind.is_retryable() {
        flags |= FAILOVER_ERROR_RETRYABLE;
    }
    if matches!(kind, ErrorKind::Closed | ErrorKind::Forked) {
        flags |= FAILOVER_ERROR_FATAL;
    }
    if kind.error_type() as u32 == FAILOVER_TYPE_TIMEOUT {
        flags |= FAILOVER_ERROR_TIMEOUT;
    }
    if matches!(
        kind,
        ErrorKind::NullArgument
            | ErrorKind::InvalidHandle
            | ErrorKind::InvalidUtf8
            | ErrorKind::Unsupported
            | ErrorKind::ConcurrentUse
            | ErrorKind::InvalidState
    ) {
        flags |= FAILOVER_ERROR_CALLER_BUG;
    }
    flags
}

/// The message of an error, for people.
///
/// - `error`: a live error. The text lives until it is freed.
///
/// Returns empty text for NULL or a stale handle. Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// `error` is NULL or came from this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_error_message(error: Option<&failover_error>) -> failover_str {
    live(error).map_or(failover_str::of(""), |told| failover_str::of(&told.message))
}

/// The facts behind an error as a JSON object: `faults` with their paths, `attempts`, `endpoints`
/// with their reasons, `in_flight`, whatever applies.
///
/// - `error`: a live error. The text lives until it is freed.
///
/// Returns empty text for NULL or a stale handle. Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// `error` is NULL or came from this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_error_details_json(
    error: Option<&failover_error>,
) -> failover_str {
    live(error).map_or(failover_str::of(""), |told| failover_str::of(&told.details))
}

/// Frees an error.
///
/// - `error`: its owner gives it up; NULL and a second free do nothing.
///
/// Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// `error` is NULL or came from this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_error_free(error: Option<&failover_error>) {
    guard_value((), || drop(release(error)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_a_panic_is_one_and_outlives_its_frees() {
        let (first, error) = (of_panic(&"one"), of_panic(&"another"));
        assert_eq!(error, first);
        // SAFETY: it is never freed.
        let error = Some(unsafe { &*error });

        for _ in 0..3 {
            // SAFETY: `error` came from this library.
            unsafe { failover_error_free(error) };
        }

        // SAFETY: `error` came from this library.
        assert_eq!(unsafe { failover_error_code(error) }, ErrorKind::Panic.code());
        // SAFETY: `error` came from this library.
        let message = unsafe { failover_error_message(error) };
        assert!(message.text().is_ok_and(|text| text.starts_with("a defect")));
    }

    #[test]
    fn what_a_panic_said_is_cut_between_characters() {
        for (said, end) in [("é".repeat(300), "éé"), ("x".to_owned(), ": x"), (String::new(), ": ")]
        {
            let payload: Box<dyn Any + Send> = Box::new(said);

            let words = Words::of_panic(&*payload);

            assert!(words.text().ends_with(end), "{}", words.text());
        }
        assert!(Words::of_panic(&7).text().ends_with("said: nothing"));
    }
}
