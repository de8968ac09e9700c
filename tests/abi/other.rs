//! Another Rust library in the same program, with a standard library and a panic of its own.
//!
//! Two Rust archives collide in one program unless one of them hides its symbols; and if the wrong
//! unwinder table survives linking, a panic aborts. `coexist.c` shows that neither happens.
#![crate_type = "staticlib"]

/// Panics and catches it; returns 7.
#[unsafe(no_mangle)]
pub extern "C" fn other_catches_its_own() -> u32 {
    std::panic::set_hook(Box::new(|_| {}));
    let caught = std::panic::catch_unwind(|| std::panic::panic_any(7_u32));
    caught.err().and_then(|payload| payload.downcast_ref::<u32>().copied()).unwrap_or(0)
}
