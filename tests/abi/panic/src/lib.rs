//! The C library with one function more, which panics inside the guard that every function has.
//!
//! Nothing in the library panics on any input, so the tests of `tests/abi` need this to show that a
//! panic is still caught after the archive was localised and linked beside another Rust library.

pub use failover_ffi::*;

/// Panics, and returns what the guard makes of it: `FAILOVER_E_PANIC`.
#[unsafe(no_mangle)]
pub extern "C" fn failover_test_panic() -> failover_code {
    guarded(|| std::panic::resume_unwind(Box::new("on purpose")))
}
