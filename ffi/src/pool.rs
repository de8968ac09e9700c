//! Pools: interned per manager, so that the same pool is the same pointer; alive until the
//! manager's last count.
//!
//! A pool's count is a count of its manager too. At zero the pool only becomes stale: calls borrow
//! it, and cloning a shared reference per call would double what a call costs on two threads.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::Arc;

use failover::error::Result;
use failover::execute::{PoolCore, Tickets};
use failover::lock::Lock;
use failover::manager::Pool;
use failover::{Error, ErrorKind};

use crate::boundary::{ErrorPlace, guard, guard_value, named, out};
use crate::error::failover_error;
use crate::handle::{self, Slot, give, handle, live, retain};
use crate::manager::{borrow, failover_manager, let_go};
use crate::request::{failover_request, read_request, refusal};
use crate::status::failover_code;
use crate::text::{failover_buf, failover_str, put_text};

/// One service of one provider under one policy. Counted: `failover_pool_retain` and
/// `failover_pool_free`.
#[derive(Debug)]
pub struct failover_pool(Slot<PoolBody>);
handle!(failover_pool, PoolBody, b"\0pool\0\0\0");

/// What a pool's handle owns.
#[derive(Debug)]
pub(crate) struct PoolBody {
    pub(crate) pool: Pool,
    pub(crate) core: Arc<PoolCore>,
    pub(crate) tickets: Tickets,
    pub(crate) owner: &'static failover_manager,
}

/// A call's way to its pool, without a count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CoreRef(NonNull<PoolCore>);

// SAFETY: `PoolCore` is `Sync`, and this is no more than a shared reference to one.
unsafe impl Send for CoreRef {}

impl CoreRef {
    pub(crate) fn of(body: &PoolBody) -> Self {
        Self(NonNull::from(&*body.core))
    }
}

impl Borrow<PoolCore> for CoreRef {
    #[inline]
    fn borrow(&self) -> &PoolCore {
        // SAFETY: a pool lives until its manager's last count, and a manager that is freed while
        // calls are open is kept for ever (`manager::let_go`).
        unsafe { self.0.as_ref() }
    }
}

/// Gives the pool of a service.
///
/// - `manager`: a live manager.
/// - `provider`: its name; empty for the default one.
/// - `service`: its name; empty for the provider's only one; `*` for all endpoints.
/// - `out`: not NULL. Set on success; the caller owns one count of it. The same pool is the same
///   pointer each time.
/// - `err`: NULL, or set on failure.
///
/// Codes: `NOT_FOUND`, `NO_ENDPOINTS` (no service named and none there), `INVALID_ARGUMENT` (several
/// there: the message lists them), `CLOSED`. Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_pool_get(
    manager: Option<&'static failover_manager>,
    provider: failover_str,
    service: failover_str,
    out: Option<&mut MaybeUninit<*mut failover_pool>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let (body, place) = (borrow(manager)?, self::out(out, "out")?);
        let pool = body.pool(provider.optional("provider")?, service.optional("service")?)?;
        let owner = manager.ok_or_else(|| named("manager")(ErrorKind::NullArgument))?;
        place.write(intern(owner, pool)?);
        Ok(())
    })
}

/// Gives the same service under another policy: the given options over this pool's.
///
/// - `pool`: a live pool.
/// - `policy_json`: the options that differ.
/// - `out`: not NULL. Set on success; the caller owns one count of it. The same policy is the same
///   pointer each time. Endpoints and states are shared; cursors and budget are its own.
/// - `err`: NULL, or set on failure; its details list every fault at once.
///
/// Codes: `INVALID_CONFIG`, `NOT_AVAILABLE`, `CLOSED`. Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_pool_derive(
    pool: Option<&failover_pool>,
    policy_json: failover_str,
    out: Option<&mut MaybeUninit<*mut failover_pool>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let (body, place) = (borrow_pool(pool)?, self::out(out, "out")?);
        let derived = body.pool.derive(policy_json.named("policy_json")?)?;
        place.write(intern(body.owner, derived)?);
        Ok(())
    })
}

/// Adds a count to a pool, and to its manager.
///
/// - `pool`: a live pool.
///
/// Returns `pool`, or NULL for NULL and stale handles. Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// `pool` is NULL or came from this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_pool_retain(pool: Option<&failover_pool>) -> *mut failover_pool {
    guard_value(std::ptr::null_mut(), || {
        let Ok(body) = live(pool) else { return std::ptr::null_mut() };
        if retain(Some(body.owner)).is_null() {
            return std::ptr::null_mut();
        }
        retain(pool)
    })
}

/// Takes a count off a pool, and off its manager.
///
/// - `pool`: NULL and stale handles do nothing.
///
/// Any thread; never blocks; works after fork.
///
/// # Safety
///
/// `pool` is NULL or came from this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_pool_free(pool: Option<&failover_pool>) {
    guard_value((), || {
        let Ok(body) = live(pool) else { return };
        let owner = body.owner;
        let is_released = {
            let _pools = POOLS.lock();
            handle::suspend(pool)
        };
        if is_released {
            let_go(Some(owner));
        }
    });
}

/// Makes the error behind a code that `failover_pool_pick` returned, which allocates nothing itself.
///
/// - `pool`: a live pool.
/// - `request`: the request that was refused.
/// - `code`: the code it was refused with.
/// - `error`: not NULL. Set on success; the caller owns it. For `NO_ENDPOINTS` and `CIRCUIT_OPEN` its
///   details hold `endpoints` with the reason of each, and `next_probe_in_ns`. Of a request that can't
///   be read it names the field, whatever `code` is.
///
/// Codes: `INVALID_ARGUMENT` if `code` is none, `INVALID_HANDLE`, `NULL_ARGUMENT`. Any thread; doesn't
/// block; works after fork and close.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_pool_refusal(
    pool: Option<&failover_pool>,
    request: *const failover_request,
    code: failover_code,
    error: Option<&mut MaybeUninit<*mut failover_error>>,
) -> failover_code {
    guard(None, || {
        let (body, place) = (borrow_pool(pool)?, out(error, "error")?);
        let kind = ErrorKind::from_code(code).ok_or_else(|| {
            Error::new(ErrorKind::InvalidArgument, format!("code: {code} is none"))
        })?;
        let mut own = None;
        let asked = match read_request(request, &mut own) {
            Ok(asked) => asked,
            Err(kind) => {
                place.write(give(refusal(request, kind).into()));
                return Ok(());
            }
        };
        let now = if asked.now == 0 { body.core.shared().clock.now() } else { asked.now };
        let told = match kind {
            ErrorKind::NoEndpoints | ErrorKind::CircuitOpen | ErrorKind::Closed => {
                body.core.refused(kind, asked.request, now)
            }
            _ => Error::new(kind, format!("pick: {}", kind.c_name())),
        };
        place.write(give(told.into()));
        Ok(())
    })
}

/// Tells of each endpoint why it would or would not be picked now: a pick without its effects.
///
/// - `pool`: a live pool.
/// - `request`: NULL, or what the request wants.
/// - `json`: not NULL. Set on success to a buffer that the caller owns: `level`, and `endpoints` with
///   `id`, `priority`, `weight`, `objection` and `is_chosen`.
/// - `err`: NULL, or set on failure.
///
/// Codes: `INVALID_ARGUMENT`, `UNSUPPORTED`, `INVALID_UTF8`. Any thread; doesn't block; works after
/// fork.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_pool_explain(
    pool: Option<&failover_pool>,
    request: *const failover_request,
    json: Option<&mut MaybeUninit<*mut failover_buf>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let (body, place) = (borrow_pool(pool)?, out(json, "json")?);
        let mut own = None;
        let asked = read_request(request, &mut own).map_err(|kind| refusal(request, kind))?;
        let now = if asked.now == 0 { body.core.shared().clock.now() } else { asked.now };
        let (list, level) = body.core.explain(asked.request, now);
        let endpoints: Vec<_> = list
            .iter()
            .map(|one| {
                serde_json::json!({
                    "id": &*one.id,
                    "priority": one.priority,
                    "weight": one.weight,
                    "objection": one.objection,
                    "is_chosen": one.is_chosen,
                })
            })
            .collect();
        let level = level.map(failover::balance::Level::name);
        let shown = serde_json::json!({ "level": level, "endpoints": endpoints });
        put_text(place, shown.to_string());
        Ok(())
    })
}

pub(crate) fn borrow_pool(pool: Option<&failover_pool>) -> Result<&PoolBody> {
    live(pool).map_err(named("pool"))
}

/// The handle of a pool, made at its first use, with one more count for the caller.
fn intern(owner: &'static failover_manager, pool: Pool) -> Result<*mut failover_pool> {
    if retain(Some(owner)).is_null() {
        return Err(Error::new(ErrorKind::InvalidHandle, "manager: is being freed"));
    }
    let core = Arc::clone(pool.core());
    let key = Arc::as_ptr(&core) as usize;
    let mut pools = POOLS.lock();
    let handle = match pools.get(&key) {
        Some(known) => {
            // SAFETY: the pools on the list are pools.
            unsafe { handle::resume(known.handle) };
            known.handle
        }
        None => {
            let tickets = Tickets::new(core.shared().stripes);
            let made = give(PoolBody { pool, core, tickets, owner });
            // SAFETY: handles are never given back to the allocator.
            let handle: &'static failover_pool = unsafe { &*made };
            pools.insert(key, Interned { handle, owner });
            handle
        }
    };
    Ok(std::ptr::from_ref(handle).cast_mut())
}

/// Frees the pools of a manager whose last count is gone.
pub(crate) fn dissolve_pools(owner: *const failover_manager) {
    let dead: Vec<_> = forget_pools(owner);
    for handle in dead {
        // SAFETY: it was on the list, and its manager's last count was the last of its own.
        drop(unsafe { handle::dissolve(handle) });
    }
}

/// Takes a manager's pools off the list, so that their addresses may serve again.
pub(crate) fn forget_pools(owner: *const failover_manager) -> Vec<&'static failover_pool> {
    let mut taken = Vec::new();
    POOLS.lock().retain(|_, known| {
        let is_other = !std::ptr::eq(known.owner, owner);
        if !is_other {
            taken.push(known.handle);
        }
        is_other
    });
    taken
}

/// One interned pool.
#[derive(Debug)]
struct Interned {
    handle: &'static failover_pool,
    owner: &'static failover_manager,
}

/// Guards the pools of every manager, by the address of their cores.
static POOLS: Lock<BTreeMap<usize, Interned>> = Lock::new(BTreeMap::new());
