//! The border: no panic crosses it, and no pointer is used before it was looked at.
//!
//! The only `catch_unwind` of the library. A panic is a defect of ours; the caller gets
//! `FAILOVER_E_PANIC` and goes on with the last snapshot, since no lock of core is ever lost to one.

use std::any::Any;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use failover::{Error, ErrorKind, Result};

use crate::error::{failover_error, of_panic};
use crate::handle::give;
use crate::status::{FAILOVER_OK, failover_code};

/// An out-argument for an error: absent, or a place that is written on failure only.
pub(crate) type ErrorPlace<'a> = Option<&'a mut MaybeUninit<*mut failover_error>>;

/// Runs the body of a function that explains its failures.
pub(crate) fn guard(mut err: ErrorPlace<'_>, body: impl FnOnce() -> Result<()>) -> failover_code {
    let ended = catch_unwind(AssertUnwindSafe(|| match body() {
        Ok(()) => FAILOVER_OK,
        Err(error) => tell(error, &mut err),
    }));
    ended.unwrap_or_else(|payload| tell_panic(&*payload, &mut err))
}

/// Makes the error object, if one is wanted.
fn tell(error: Error, err: &mut ErrorPlace<'_>) -> failover_code {
    let code = error.kind().code();
    if let Some(err) = err {
        err.write(give(error.into()));
    }
    code
}

/// Tells of a panic, in words that are there already.
#[cold]
pub(crate) fn tell_panic(payload: &(dyn Any + Send), err: &mut ErrorPlace<'_>) -> failover_code {
    if let Some(err) = err {
        err.write(of_panic(payload));
    }
    ErrorKind::Panic.code()
}

/// Runs the body of a function on the hot path: a code, and nothing to allocate.
#[inline]
pub(crate) fn guard_fast(body: impl FnOnce() -> Result<(), ErrorKind>) -> failover_code {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => FAILOVER_OK,
        Ok(Err(kind)) => kind.code(),
        Err(_) => ErrorKind::Panic.code(),
    }
}

/// Runs the body of a function that can't fail; a panic gives `otherwise`.
pub(crate) fn guard_value<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(otherwise)
}

/// An out-argument, or the error that names it.
pub(crate) fn out<'a, T>(
    place: Option<&'a mut MaybeUninit<T>>,
    name: &str,
) -> Result<&'a mut MaybeUninit<T>> {
    place.ok_or_else(|| Error::new(ErrorKind::NullArgument, format!("{name}: is NULL")))
}

/// Turns the refusal of an argument into an error that names it.
pub(crate) fn named(name: &'static str) -> impl Fn(ErrorKind) -> Error {
    move |kind| {
        let why = match kind {
            ErrorKind::NullArgument => "is NULL",
            ErrorKind::InvalidHandle => "is not a live handle of this kind",
            ErrorKind::ConcurrentUse => "is in use by another thread",
            ErrorKind::InvalidUtf8 => "is not UTF-8",
            ErrorKind::Unsupported => "has a size or a field that this release doesn't know",
            _ => "is not usable",
        };
        Error::new(kind, format!("{name}: {why}"))
    }
}

/// Runs `body` as a C function's, for the test that shows what becomes of a panic. Not exported.
#[doc(hidden)]
pub fn guarded(err: Option<&mut MaybeUninit<*mut failover_error>>, body: fn()) -> failover_code {
    be_quiet();
    guard(err, || {
        body();
        Ok(())
    })
}

/// Keeps our own panics from writing to the program's stderr. This copy of the standard library is
/// ours alone, so nobody else's hook is replaced.
pub(crate) fn be_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(|_| {})));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::failover_error_code;

    #[test]
    fn a_panic_becomes_an_error_object() {
        let mut place = MaybeUninit::uninit();

        let code = guard(Some(&mut place), || std::panic::resume_unwind(Box::new("on purpose")));

        assert_eq!(code, ErrorKind::Panic.code());
        // SAFETY: written on failure.
        let error = unsafe { place.assume_init() };
        // SAFETY: it isn't freed yet.
        let error = unsafe { error.as_ref() };
        // SAFETY: it came from this library.
        let told = unsafe { failover_error_code(error) };
        assert_eq!(told, code);
    }
}
