//! The C library with one function more, which panics inside the guard that every function has.
//!
//! Nothing in the library panics on any input, so the tests of `tests/abi` need this to show that a
//! panic is still caught after the archive was localised and linked beside another Rust library.

use std::mem::MaybeUninit;

pub use failover_ffi::*;

/// Panics, and returns what the guard makes of it: `FAILOVER_E_PANIC`.
///
/// # Safety
///
/// `err` is NULL or a place for an error object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_test_panic(
    err: Option<&mut MaybeUninit<*mut failover_error>>,
) -> failover_code {
    guarded(err, || std::panic::resume_unwind(Box::new("on purpose")))
}
