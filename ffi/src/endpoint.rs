//! Endpoints by verb: register, update, remove, look up, drain.

use std::mem::MaybeUninit;
use std::time::Duration;

use failover::endpoint::document::{self, Format};
use failover::error::Result;
use failover::manager::AdminAction;
use failover::{Endpoint, Error, ErrorKind};
use serde_json::{Map, Value};

use crate::boundary::{ErrorPlace, guard, named, out};
use crate::growing::{self, Grows};
use crate::manager::{borrow, failover_manager};
use crate::status::failover_code;
use crate::text::{failover_buf, failover_str, put_text};

/// Endpoint flag: a weight of 0 is meant (no new traffic) and not the default weight, 1.
pub const FAILOVER_ENDPOINT_WEIGHT_ZERO: u32 = 1;
/// Endpoint flag, in snapshots: removed; only open leases still know it.
pub const FAILOVER_ENDPOINT_RETIRED: u32 = 2;

/// Admin state: takes traffic.
pub const FAILOVER_ADMIN_ACTIVE: u32 = 0;
/// Admin state: takes no new traffic but that of its sticky sessions.
pub const FAILOVER_ADMIN_DRAINING: u32 = 1;
/// Admin state: takes no traffic at all.
pub const FAILOVER_ADMIN_MAINTENANCE: u32 = 2;
/// Admin state: its breaker is held open.
pub const FAILOVER_ADMIN_FORCED_OPEN: u32 = 3;
/// Admin action: its breaker closes, and what led to its opening is forgotten.
pub const FAILOVER_ADMIN_RESET: u32 = 4;

/// One endpoint's description. Texts are borrowed: until the function returns on the way in, and as
/// the giving function says on the way out.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct failover_endpoint_desc {
    /// `sizeof(failover_endpoint_desc)`.
    pub struct_size: u32,
    /// `FAILOVER_ENDPOINT_*`, put together.
    pub flags: u32,
    /// Tier: 0 is most preferred; negative is refused.
    pub priority: i32,
    /// Share of the load; 0 is the default, 1, unless the flag says that 0 is meant.
    pub weight: i32,
    /// 1 to 65535; 0 only where neither traffic nor a check needs one.
    pub port: u32,
    /// Zero.
    pub reserved: u32,
    /// Unique in its provider, 1 to 512 bytes.
    pub id: failover_str,
    /// Name of the service that it belongs to.
    pub name: failover_str,
    /// Host name or IP address.
    pub address: failover_str,
    /// `http`, `https`, `tcp` or any name; empty: `http`.
    pub protocol: failover_str,
    /// A JSON list of labels, or empty.
    pub tags_json: failover_str,
    /// A JSON object of named labels, or empty.
    pub metadata_json: failover_str,
    /// A JSON object that says how to check it; empty: it isn't checked.
    pub health_check_json: failover_str,
}

// SAFETY: numbers and pointers, and the size comes first.
unsafe impl Grows for failover_endpoint_desc {
    const FIRST: usize = 136;
}

/// Registers an endpoint. A provider of the program's own that takes registrations is asked first
/// (`FAILOVER_WORK_REGISTER`), for ten seconds at most by the manager's clock: then another thread has to
/// answer the work queue.
///
/// - `manager`: a live manager.
/// - `provider`: its name; empty for the default one.
/// - `desc`: not NULL; read before the function returns.
/// - `err`: NULL, or set on failure; its details list every fault of the description at once.
///
/// Codes: `INVALID_ARGUMENT`, `ALREADY_EXISTS`, `NOT_FOUND` (no such provider), `PROVIDER` (it can't
/// register, or refused), `TIMEOUT` and `NO_WORKER` (it gave no answer), `LIMIT_EXCEEDED`, `UNSUPPORTED`,
/// `CLOSED`, `IO` (it is to be checked, and the system refuses the thread). Any thread; doesn't block
/// with the embedded provider. After fork: works.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_endpoint_register(
    manager: Option<&failover_manager>,
    provider: failover_str,
    desc: *const failover_endpoint_desc,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let manager = borrow(manager)?;
        manager.register_endpoint(provider.optional("provider")?, read(desc)?)
    })
}

/// Replaces the description of a registered endpoint; its state carries over while service, address
/// and port stay the same.
///
/// - `manager`: a live manager.
/// - `provider`: its name; empty for the default one.
/// - `desc`: not NULL; read before the function returns. Secrets given as `***` stay what they were.
/// - `err`: NULL, or set on failure.
///
/// Codes: as `failover_endpoint_register`, and `NOT_FOUND`. Any thread; doesn't block with the
/// embedded provider. After fork: works.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_endpoint_update(
    manager: Option<&failover_manager>,
    provider: failover_str,
    desc: *const failover_endpoint_desc,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let manager = borrow(manager)?;
        let provider = provider.optional("provider")?;
        let mut endpoint = read(desc)?;
        endpoint.unmask(&*manager.endpoint(provider, &endpoint.id)?);
        manager.update_endpoint(provider, endpoint)
    })
}

/// Registers an endpoint that is described by a JSON document.
///
/// - `manager`: a live manager.
/// - `provider`: its name; empty for the default one.
/// - `endpoint_json`: the document.
/// - `err`: NULL, or set on failure; its details list every fault of the document at once.
///
/// Codes: as `failover_endpoint_register`. Any thread; doesn't block with the embedded provider.
/// After fork: works.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_endpoint_register_json(
    manager: Option<&failover_manager>,
    provider: failover_str,
    endpoint_json: failover_str,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let manager = borrow(manager)?;
        let endpoint = document::parse(endpoint_json.named("endpoint_json")?, Format::Json)?;
        manager.register_endpoint(provider.optional("provider")?, endpoint)
    })
}

/// Replaces the description of a registered endpoint by a JSON document.
///
/// - `manager`: a live manager.
/// - `provider`: its name; empty for the default one.
/// - `endpoint_json`: the document. Secrets given as `***` stay what they were.
/// - `err`: NULL, or set on failure; its details list every fault of the document at once.
///
/// Codes: as `failover_endpoint_update`. Any thread; doesn't block with the embedded provider. After
/// fork: works.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_endpoint_update_json(
    manager: Option<&failover_manager>,
    provider: failover_str,
    endpoint_json: failover_str,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let manager = borrow(manager)?;
        let provider = provider.optional("provider")?;
        let mut endpoint = document::parse(endpoint_json.named("endpoint_json")?, Format::Json)?;
        endpoint.unmask(&*manager.endpoint(provider, &endpoint.id)?);
        manager.update_endpoint(provider, endpoint)
    })
}

/// Removes an endpoint; attempts on it end normally.
///
/// - `manager`: a live manager.
/// - `provider`: its name; empty for the default one.
/// - `id`: the endpoint's id.
/// - `err`: NULL, or set on failure.
///
/// Codes: `NOT_FOUND`, `PROVIDER`, `TIMEOUT`, `NO_WORKER`, `CLOSED`. Any thread; doesn't block with the
/// embedded provider. After fork: works.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_endpoint_deregister(
    manager: Option<&failover_manager>,
    provider: failover_str,
    id: failover_str,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let manager = borrow(manager)?;
        manager.deregister_endpoint(provider.optional("provider")?, id.named("id")?)
    })
}

/// One endpoint's description as a JSON document, secrets masked.
///
/// - `manager`: a live manager.
/// - `provider`: its name; empty for the default one.
/// - `id`: the endpoint's id.
/// - `json`: not NULL. Set on success to a buffer that the caller owns.
/// - `err`: NULL, or set on failure.
///
/// Codes: `NOT_FOUND`. Any thread; doesn't block; works after fork and close.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_endpoint_get(
    manager: Option<&failover_manager>,
    provider: failover_str,
    id: failover_str,
    json: Option<&mut MaybeUninit<*mut failover_buf>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let (manager, place) = (borrow(manager)?, out(json, "json")?);
        let endpoint = manager.endpoint(provider.optional("provider")?, id.named("id")?)?;
        put_text(place, document::to_json(&endpoint).to_string());
        Ok(())
    })
}

/// A provider's endpoints as a JSON list, in the order of their ids, secrets masked.
///
/// - `manager`: a live manager.
/// - `provider`: its name; empty for the default one.
/// - `json`: not NULL. Set on success to a buffer that the caller owns.
/// - `err`: NULL, or set on failure.
///
/// Codes: `NOT_FOUND`. Any thread; doesn't block; works after fork and close.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_endpoint_list(
    manager: Option<&failover_manager>,
    provider: failover_str,
    json: Option<&mut MaybeUninit<*mut failover_buf>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let (manager, place) = (borrow(manager)?, out(json, "json")?);
        let endpoints = manager.endpoints(provider.optional("provider")?)?;
        let list = endpoints.iter().map(|endpoint| document::to_json(endpoint)).collect();
        put_text(place, Value::Array(list).to_string());
        Ok(())
    })
}

/// Says what the program thinks of an endpoint: drain it, maintain it, hold its breaker open, reset.
///
/// - `manager`: a live manager.
/// - `provider`: its name; empty for the default one.
/// - `id`: the endpoint's id.
/// - `admin_state`: one of `FAILOVER_ADMIN_*`.
/// - `err`: NULL, or set on failure.
///
/// Codes: `NOT_FOUND`, `INVALID_ARGUMENT`, `CLOSED`. Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_endpoint_set_admin(
    manager: Option<&failover_manager>,
    provider: failover_str,
    id: failover_str,
    admin_state: u32,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let manager = borrow(manager)?;
        let action = AdminAction::from_code(admin_state).ok_or_else(|| {
            let text = format!("admin_state: must be 0..=4, got {admin_state}");
            Error::new(ErrorKind::InvalidArgument, text)
        })?;
        manager.set_admin(provider.optional("provider")?, id.named("id")?, action)
    })
}

/// Waits until an endpoint has no attempt in flight.
///
/// - `manager`: a live manager.
/// - `provider`: its name; empty for the default one.
/// - `id`: the endpoint's id.
/// - `timeout_ms`: the longest wait, in real time whatever the manager's clock is.
/// - `err`: NULL, or set on failure; its message counts what is left.
///
/// Codes: `TIMEOUT`, `CLOSED` (some are left, and the manager is closed, which ends the wait),
/// `NOT_FOUND`. Any thread. Blocks up to `timeout_ms`. After fork: works.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_endpoint_wait_drained(
    manager: Option<&failover_manager>,
    provider: failover_str,
    id: failover_str,
    timeout_ms: u32,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let manager = borrow(manager)?;
        let timeout = Duration::from_millis(timeout_ms.into());
        manager.wait_drained(provider.optional("provider")?, id.named("id")?, timeout)
    })
}

/// Reads a description, as the document that it stands for: then core finds every fault at once.
fn read(desc: *const failover_endpoint_desc) -> Result<Endpoint> {
    let mut room = MaybeUninit::uninit();
    let desc = growing::read(desc, &mut room).map_err(named("desc"))?;
    if desc.flags & !FAILOVER_ENDPOINT_WEIGHT_ZERO != 0 {
        return Err(named("desc.flags")(ErrorKind::Unsupported));
    }
    if desc.reserved != 0 {
        return Err(named("desc.reserved")(ErrorKind::Unsupported));
    }
    let mut document = Map::new();
    let texts = [
        ("id", &desc.id),
        ("name", &desc.name),
        ("address", &desc.address),
        ("protocol", &desc.protocol),
    ];
    for (name, text) in texts {
        if let Some(text) = text.optional(&format!("desc.{name}"))? {
            document.insert(name.to_owned(), text.into());
        }
    }
    let documents = [
        ("tags", &desc.tags_json),
        ("metadata", &desc.metadata_json),
        ("health_check", &desc.health_check_json),
    ];
    for (name, text) in documents {
        if let Some(text) = text.optional(&format!("desc.{name}_json"))? {
            let value: Value = serde_json::from_str(text).map_err(|error| {
                let text = format!("desc.{name}_json: is not JSON: {error}");
                Error::new(ErrorKind::InvalidArgument, text)
            })?;
            document.insert(name.to_owned(), value);
        }
    }
    document.insert("priority".to_owned(), desc.priority.into());
    if desc.port != 0 {
        document.insert("port".to_owned(), desc.port.into());
    }
    if desc.weight != 0 || desc.flags & FAILOVER_ENDPOINT_WEIGHT_ZERO != 0 {
        document.insert("weight".to_owned(), desc.weight.into());
    }
    document::parse(&Value::Object(document).to_string(), Format::Json)
}
