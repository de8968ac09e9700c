//! Text across the border: borrowed on the way in and checked, owned or borrowed on the way out.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use failover::{Error, ErrorKind, Result};

use crate::boundary::guard_value;
use crate::handle::{Slot, give, handle, live, release};

/// UTF-8 text that somebody else owns: pointer and length, no terminating zero.
///
/// NULL is allowed where `len` is 0. A function that takes one reads it before it returns and keeps
/// nothing of it; a function that gives one says how long it lives.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct failover_str {
    /// The first byte.
    pub ptr: *const c_char,
    /// How many bytes.
    pub len: usize,
}

/// Text that the library made for the caller. Owned; free it with `failover_buf_free`.
#[derive(Debug)]
pub struct failover_buf(Slot<String>);
handle!(failover_buf, String, b"\0buffer\0");

impl failover_str {
    /// Borrows a text for C.
    pub(crate) const fn of(text: &str) -> Self {
        Self { ptr: text.as_ptr().cast(), len: text.len() }
    }

    /// The text, checked.
    #[inline]
    pub(crate) fn text(&self) -> Result<&str, ErrorKind> {
        if self.len == 0 {
            return Ok("");
        }
        if self.ptr.is_null() {
            return Err(ErrorKind::NullArgument);
        }
        if self.len > isize::MAX.unsigned_abs() {
            return Err(ErrorKind::InvalidArgument);
        }
        // SAFETY: by the contract of every function that takes one, `ptr` has `len` readable bytes
        // until the function returns, and `self` doesn't outlive that.
        let bytes = unsafe { std::slice::from_raw_parts(self.ptr.cast::<u8>(), self.len) };
        std::str::from_utf8(bytes).map_err(|_| ErrorKind::InvalidUtf8)
    }

    /// The text, with an error that names the argument.
    pub(crate) fn named(&self, name: &str) -> Result<&str> {
        self.text().map_err(|kind| Error::new(kind, format!("{name}: {}", fault(kind))))
    }

    /// The text, or nothing if it is empty.
    pub(crate) fn optional(&self, name: &str) -> Result<Option<&str>> {
        Ok(Some(self.named(name)?).filter(|text| !text.is_empty()))
    }
}

/// What is wrong with a text that `failover_str::text` refused.
pub(crate) const fn fault(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NullArgument => "is NULL with a length",
        ErrorKind::InvalidUtf8 => "is not UTF-8",
        _ => "is longer than memory can be",
    }
}

/// The text of a buffer.
///
/// - `buf`: a live buffer. The text lives until it is freed.
///
/// Returns empty text for NULL or a stale handle. Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// `buf` is NULL or came from this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_buf_view(buf: Option<&failover_buf>) -> failover_str {
    live(buf).map_or(failover_str::of(""), |text| failover_str::of(text))
}

/// Frees a buffer.
///
/// - `buf`: its owner gives it up; NULL and a second free do nothing.
///
/// Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// `buf` is NULL or came from this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_buf_free(buf: Option<&failover_buf>) {
    guard_value((), || drop(release(buf)));
}

/// Writes a text into an out-argument as a buffer.
pub(crate) fn put_text(out: &mut MaybeUninit<*mut failover_buf>, text: String) {
    out.write(give(text));
}
