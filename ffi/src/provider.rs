//! Providers by verb: register, remove, list, publish.

use std::mem::MaybeUninit;
use std::time::Duration;

use failover::endpoint::document::{Format, parse_list};
use failover::{Error, ErrorKind, Result};

use crate::boundary::{ErrorPlace, guard, out};
use crate::manager::{borrow, failover_manager};
use crate::status::failover_code;
use crate::text::{failover_buf, failover_str, put_text};

/// Registers a provider of a built-in kind.
///
/// - `manager`: a live manager.
/// - `name`: its name.
/// - `config_json`: its document: `{"type": "file", "path": "..."}`.
/// - `err`: NULL, or set on failure; its details list every fault at once.
///
/// Codes: `INVALID_CONFIG`, `NOT_AVAILABLE`, `ALREADY_EXISTS`, `CLOSED`, `IO` (the system refuses the
/// background thread). Any thread; doesn't block: the provider begins in the background
/// (`failover_manager_wait_ready`). After fork: works.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_provider_register(
    manager: Option<&failover_manager>,
    name: failover_str,
    config_json: failover_str,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let manager = borrow(manager)?;
        let document = config_json.named("config_json")?;
        manager.register_provider_json(name_of(&name)?, document)
    })
}

/// Registers a provider whose whole sets the program pushes with `failover_provider_publish`.
///
/// - `manager`: a live manager.
/// - `name`: its name.
/// - `err`: NULL, or set on failure.
///
/// Codes: `ALREADY_EXISTS`, `INVALID_ARGUMENT`, `CLOSED`, `IO` (the system refuses the background thread,
/// which gathers sets that follow each other closely). Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_provider_register_pushed(
    manager: Option<&failover_manager>,
    name: failover_str,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || borrow(manager)?.register_pushed_provider(name_of(&name)?))
}

/// Removes a provider with all its endpoints. The embedded one, `memory`, stays.
///
/// - `manager`: a live manager.
/// - `name`: the provider's name.
/// - `err`: NULL, or set on failure.
///
/// Codes: `NOT_FOUND`, `INVALID_ARGUMENT`, `CLOSED`. Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_provider_deregister(
    manager: Option<&failover_manager>,
    name: failover_str,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || borrow(manager)?.deregister_provider(name.named("name")?))
}

/// The names of the providers as a JSON list, in the order of their registration.
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
pub unsafe extern "C" fn failover_provider_list(
    manager: Option<&failover_manager>,
    json: Option<&mut MaybeUninit<*mut failover_buf>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let (manager, place) = (borrow(manager)?, out(json, "json")?);
        let names = manager.providers();
        let names: Vec<&str> = names.iter().map(|name| &**name).collect();
        put_text(place, serde_json::json!(names).to_string());
        Ok(())
    })
}

/// Replaces a provider's whole set, as a program does that finds its endpoints itself.
///
/// - `manager`: a live manager.
/// - `provider`: its name; empty for the default one.
/// - `endpoints_json`: a JSON list of endpoints, or an object with the list under `endpoints`.
/// - `err`: NULL, or set on failure; its details list every fault at once.
///
/// Codes: `INVALID_ARGUMENT`, `ALREADY_EXISTS`, `NOT_FOUND`, `PROVIDER` (it reads its set itself, as a
/// file's does), `LIMIT_EXCEEDED`, `CLOSED`, `IO` (one of them is to be checked, and the system refuses
/// the thread); then nothing changes. Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_provider_publish(
    manager: Option<&failover_manager>,
    provider: failover_str,
    endpoints_json: failover_str,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let manager = borrow(manager)?;
        let provider = provider.optional("provider")?;
        let endpoints = parse_list(endpoints_json.named("endpoints_json")?, Format::Json)?;
        manager.publish(provider, endpoints)
    })
}

/// How each provider is doing, as a JSON list in the order of registration: name, kind, whether it
/// is ready or stale, its last error and more.
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
pub unsafe extern "C" fn failover_provider_info(
    manager: Option<&failover_manager>,
    json: Option<&mut MaybeUninit<*mut failover_buf>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let (manager, place) = (borrow(manager)?, out(json, "json")?);
        let shown = serde_json::to_string(&manager.provider_info());
        put_text(place, shown.map_err(|error| Error::new(ErrorKind::Panic, error.to_string()))?);
        Ok(())
    })
}

/// Waits until every provider has delivered its first whole set.
///
/// - `manager`: a live manager.
/// - `timeout_ms`: the longest wait, in real time.
/// - `err`: NULL, or set on failure; its message names those that haven't.
///
/// Codes: `TIMEOUT`, `CLOSED`. Any thread. Blocks up to `timeout_ms`. After fork: works.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_manager_wait_ready(
    manager: Option<&failover_manager>,
    timeout_ms: u32,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || borrow(manager)?.wait_ready(Duration::from_millis(timeout_ms.into())))
}

/// A provider's name: never empty, since empty means the default one elsewhere.
fn name_of(name: &failover_str) -> Result<&str> {
    name.optional("name")?
        .ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "name: must not be empty"))
}
