//! Time: the manager's clock, read or moved by hand.

use std::time::Duration;

use crate::boundary::{ErrorPlace, guard, guard_value};
use crate::handle::live;
use crate::manager::{borrow, failover_manager};
use crate::status::failover_code;

/// Moves a manual clock forward, and wakes who waits for the time it passes.
///
/// - `manager`: a live manager, made with `"clock": "manual"`.
/// - `ns`: how far, in nanoseconds.
/// - `err`: NULL, or set on failure.
///
/// Codes: `INVALID_STATE` if the clock is the machine's. Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_manager_advance(
    manager: Option<&failover_manager>,
    ns: u64,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || borrow(manager)?.advance(Duration::from_nanos(ns)))
}

/// The time of the manager's clock in nanoseconds since the manager was made.
///
/// - `manager`: a live manager.
///
/// Returns 0 for NULL and stale handles. It never goes back, but where the processor's ticks, which the
/// machine's clock counts, begin anew while the machine sleeps: then it stands at 0 until they have caught
/// up. Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// `manager` is NULL or came from this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_manager_now(manager: Option<&failover_manager>) -> u64 {
    guard_value(0, || live(manager).map_or(0, |manager| manager.clock().now()))
}
