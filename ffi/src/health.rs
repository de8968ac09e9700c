//! Active checks by verb: run one now, run all now, or take the program's word.

use std::mem::MaybeUninit;

use failover::endpoint::{CheckKind, Endpoint};
use failover::health::CheckResult;
use failover::{Error, ErrorKind};

use crate::boundary::{ErrorPlace, guard, out};
use crate::manager::{borrow, failover_manager};
use crate::status::failover_code;
use crate::text::{failover_buf, failover_str, put_text};

/// Health: never checked and never used.
pub const FAILOVER_HEALTH_UNKNOWN: u32 = 0;
/// Health: takes traffic.
pub const FAILOVER_HEALTH_HEALTHY: u32 = 1;
/// Health: takes none, or only as a last resort.
pub const FAILOVER_HEALTH_UNHEALTHY: u32 = 2;
/// Health: takes traffic when nothing better is there.
pub const FAILOVER_HEALTH_DEGRADED: u32 = 3;

/// Finding: it doesn't work.
pub const FAILOVER_CHECK_BAD: u32 = 0;
/// Finding: it is as expected.
pub const FAILOVER_CHECK_GOOD: u32 = 1;
/// Finding: it works, and prefers to be spared.
pub const FAILOVER_CHECK_DEGRADED: u32 = 2;

/// Checks one endpoint now. The result counts like that of a scheduled check.
///
/// - `manager`: a live manager.
/// - `provider`: its name; empty for the default one.
/// - `id`: the endpoint's id. One without a health check is reported as it stands.
/// - `status`: NULL, or set on success to one of `FAILOVER_HEALTH_*`.
/// - `err`: NULL, or set on failure.
///
/// Codes: `NOT_FOUND`, `NO_WORKER` (the check is the program's own, and no worker pulls it),
/// `CLOSED`, `IO` (the system refuses the background thread). Any thread. Blocks up to the check's
/// time-out. After fork: works.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_health_check(
    manager: Option<&failover_manager>,
    provider: failover_str,
    id: failover_str,
    status: Option<&mut MaybeUninit<u32>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let manager = borrow(manager)?;
        let (provider, id) = (provider.optional("provider")?, id.named("id")?);
        if is_custom(&*manager.endpoint(provider, id)?) {
            manager.hub.check_worker()?;
        }
        let found = manager.health_check(provider, id)?;
        if let Some(status) = status {
            status.write(found as u32);
        }
        Ok(())
    })
}

/// Checks every endpoint of a provider now.
///
/// - `manager`: a live manager.
/// - `provider`: its name; empty for the default one.
/// - `json`: not NULL. Set on success to a buffer that the caller owns: an object with the health of
///   each id, `unknown`, `healthy`, `unhealthy` or `degraded`.
/// - `err`: NULL, or set on failure.
///
/// Codes: `NOT_FOUND`, `NO_WORKER` (one of the checks is the program's own, and no worker pulls it:
/// none was run), `CLOSED`, `IO` (the system refuses the background thread). Any thread. Blocks until
/// the checks end. After fork: works.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_health_check_all(
    manager: Option<&failover_manager>,
    provider: failover_str,
    json: Option<&mut MaybeUninit<*mut failover_buf>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let (manager, place) = (borrow(manager)?, out(json, "json")?);
        let provider = provider.optional("provider")?;
        if manager.endpoints(provider)?.iter().any(|endpoint| is_custom(endpoint)) {
            manager.hub.check_worker()?;
        }
        let found = manager.health_check_all(provider)?;
        let shown: serde_json::Map<_, _> =
            found.iter().map(|(id, status)| (id.to_string(), status.name().into())).collect();
        put_text(place, serde_json::Value::Object(shown).to_string());
        Ok(())
    })
}

/// Takes the program's own finding on an endpoint, as if a check had found it.
///
/// - `manager`: a live manager.
/// - `provider`: its name; empty for the default one.
/// - `id`: the endpoint's id.
/// - `finding`: one of `FAILOVER_CHECK_*`.
/// - `reason`: why, for events and statistics; may be empty.
/// - `status`: NULL, or set on success to what the endpoint is found to be: rise and fall apply.
/// - `err`: NULL, or set on failure.
///
/// Codes: `INVALID_ARGUMENT`, `NOT_FOUND`, `CLOSED`. Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_health_report(
    manager: Option<&failover_manager>,
    provider: failover_str,
    id: failover_str,
    finding: u32,
    reason: failover_str,
    status: Option<&mut MaybeUninit<u32>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let manager = borrow(manager)?;
        let (provider, id) = (provider.optional("provider")?, id.named("id")?);
        let reason = reason.named("reason")?.to_owned();
        let result = match finding {
            FAILOVER_CHECK_BAD => CheckResult::bad(reason),
            FAILOVER_CHECK_GOOD => CheckResult::good(reason),
            FAILOVER_CHECK_DEGRADED => CheckResult::degraded(reason),
            other => {
                let text = format!("finding: unknown number {other}");
                return Err(Error::new(ErrorKind::InvalidArgument, text));
            }
        };
        let found = manager.report_check(provider, id, &result)?;
        if let Some(status) = status {
            status.write(found as u32);
        }
        Ok(())
    })
}

/// True if the program itself checks the endpoint.
fn is_custom(endpoint: &Endpoint) -> bool {
    endpoint.health_check.as_ref().is_some_and(|check| check.kind == CheckKind::Custom)
}
