//! The manager's life: made from a document, shared by count, closed once, freed at last.

use std::mem::MaybeUninit;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use failover::Manager;
use failover::error::Result;

use crate::boundary::{ErrorPlace, be_quiet, guard, guard_value, named, out};
use crate::call::has_open_calls;
use crate::handle::{Slot, end, give, handle, live, retain, shelve};
use crate::hub::Hub;
use crate::pool::{dissolve_pools, forget_pools};
use crate::status::failover_code;
use crate::text::{failover_buf, failover_str, put_text};

/// One failover engine. Counted: `failover_manager_retain` and `failover_manager_free`.
#[derive(Debug)]
pub struct failover_manager(Slot<ManagerBody>);
handle!(failover_manager, ManagerBody, b"\0manager");

/// What a manager's handle owns.
#[derive(Debug)]
pub(crate) struct ManagerBody {
    manager: Manager,
    pub(crate) hub: Arc<Hub>,
}

impl Deref for ManagerBody {
    type Target = Manager;

    fn deref(&self) -> &Manager {
        &self.manager
    }
}

/// Makes a manager with the embedded provider `memory` and those that the document names.
///
/// - `config_json`: the manager's document, as `docs/reference` describes it; empty for defaults.
/// - `out`: not NULL. Set on success; the caller owns one count of it.
/// - `err`: NULL, or set on failure to an error that the caller owns; its details list every fault
///   of the document at once.
///
/// Codes: `INVALID_CONFIG`, `NOT_AVAILABLE`, `LIMIT_EXCEEDED`, `INVALID_UTF8`, `NULL_ARGUMENT`, `IO` (the
/// system refuses the background thread). Any thread. Starts no thread, unless the document names a
/// provider that reads in the background, as `file` does. The first manager of the process calibrates
/// the clock, which takes some milliseconds, and registers the fork hooks unless `FAILOVER_NO_ATFORK`
/// is in the environment. After fork: works.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_manager_new(
    config_json: failover_str,
    out: Option<&mut MaybeUninit<*mut failover_manager>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    be_quiet();
    guard(err, || {
        let place = self::out(out, "out")?;
        let text = config_json.named("config_json")?;
        // Before anything that a child could find half done.
        crate::fork::register_hooks();
        let manager = Manager::from_json(if text.is_empty() { "{}" } else { text })?;
        let hub = Hub::serve(&manager);
        place.write(give(ManagerBody { manager, hub }));
        Ok(())
    })
}

/// Adds a count to a manager.
///
/// - `manager`: a live manager.
///
/// Returns `manager`, or NULL for NULL and stale handles. Any thread; doesn't block; works after
/// fork.
///
/// # Safety
///
/// `manager` is NULL or came from this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_manager_retain(
    manager: Option<&failover_manager>,
) -> *mut failover_manager {
    retain(manager)
}

/// Ends background work and refuses new calls, after waiting for open attempts. The program is asked
/// for nothing from then on: its work queues give `CLOSED`, and what is open fails.
///
/// - `manager`: a live manager. It stays valid until it is freed.
/// - `timeout_ms`: how long to wait for open attempts; 0: not at all.
/// - `err`: NULL, or set on failure; its details count what was still open.
///
/// Codes: `BUSY` (closed all the same, and what is open may still be returned); a second close is
/// OK. Any thread. Blocks up to `timeout_ms` of real time. After fork: works.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_manager_close(
    manager: Option<&failover_manager>,
    timeout_ms: u32,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let manager = borrow(manager)?;
        manager.hub.close();
        manager.close(Duration::from_millis(timeout_ms.into()))
    })
}

/// Takes a count off a manager; the last one frees it with its pools.
///
/// - `manager`: NULL and stale handles do nothing. If calls of it are still open, its memory is
///   kept for them for ever.
///
/// Any thread; never blocks and never joins a thread; works after fork.
///
/// # Safety
///
/// `manager` is NULL or came from this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_manager_free(manager: Option<&failover_manager>) {
    guard_value((), || let_go(manager));
}

/// Puts another policy in force, whole or not at all. Counters, breakers and leases stay.
///
/// - `manager`: a live manager.
/// - `policy_json`: the policy's document; what it doesn't say is the default.
/// - `err`: NULL, or set on failure; its details list every fault at once.
///
/// Codes: `INVALID_CONFIG`, `NOT_AVAILABLE`, `LIMIT_EXCEEDED`, `CLOSED`. Any thread; doesn't block.
/// After fork: works.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_manager_configure(
    manager: Option<&failover_manager>,
    policy_json: failover_str,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || borrow(manager)?.configure(policy_json.named("policy_json")?))
}

/// The configuration in force with every option, secrets masked.
///
/// - `manager`: a live manager.
/// - `json`: not NULL. Set on success to a buffer that the caller owns.
/// - `err`: NULL, or set on failure.
///
/// Codes: `INVALID_HANDLE`, `NULL_ARGUMENT`. Any thread; doesn't block; works after fork and close.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_manager_config(
    manager: Option<&failover_manager>,
    json: Option<&mut MaybeUninit<*mut failover_buf>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let (manager, place) = (borrow(manager)?, out(json, "json")?);
        put_text(place, manager.config().to_string());
        Ok(())
    })
}

/// A live manager, or the error that names the argument.
pub(crate) fn borrow(manager: Option<&failover_manager>) -> Result<&ManagerBody> {
    live(manager).map_err(named("manager"))
}

/// Takes one count off.
pub(crate) fn let_go(manager: Option<&failover_manager>) {
    let (Some(handle), Some(body)) = (manager, end(manager)) else { return };
    body.hub.close();
    if has_open_calls(handle) {
        // Calls borrow their pools: an open one would read freed memory. They name their manager by its
        // address, so that mustn't serve again either.
        std::mem::forget(body);
        forget_pools(handle);
    } else {
        dissolve_pools(handle);
        drop(body);
        // Last: until here another manager at this address would lose its pools.
        shelve(handle);
    }
}
