//! The hot path: one pick, one report, as plain numbers.

use std::mem::MaybeUninit;

use failover::endpoint::Scope;
use failover::execute::{Grant, LONGEST_LATENCY, PoolCore};
use failover::outlier::{Outcome, Pass};
use failover::stats::Stripe;
use failover::{EndpointId, ErrorKind, Request};

use crate::boundary::guard_fast;
use crate::handle::live;
use crate::pool::failover_pool;
use crate::request::{failover_request, read_request};
use crate::status::{failover_code, failover_endpoint_id};

/// Lease flag: no endpoint looked fit, and this one was picked all the same.
pub const FAILOVER_LEASE_PANIC: u32 = 1;
/// Lease flag: not to be reported.
pub const FAILOVER_LEASE_UNTRACKED: u32 = 2;
/// Lease flag: belongs to a call, which is told of its result by `failover_call_step`.
pub const FAILOVER_LEASE_OF_CALL: u32 = 4;

/// One attempt on one endpoint. Plain numbers: copy it, but report it once.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct failover_lease {
    /// The endpoint.
    pub endpoint: failover_endpoint_id,
    /// The library's.
    pub token: u64,
    /// When it was handed out, by the manager's clock.
    pub started_ns: u64,
    /// The snapshot it was picked from: a host that keeps endpoints by id refreshes when it moves.
    pub snapshot_version: u64,
    /// The library's.
    pub pass_word: u64,
    /// The library's.
    pub pass_generation: u32,
    /// The library's.
    pub pass_slot: u32,
    /// Where the endpoint stands in that snapshot.
    pub position: u32,
    /// The library's.
    pub epoch: u32,
    /// The attempt's number in its call, from 1; 0 outside of calls.
    pub attempt: u32,
    /// `FAILOVER_LEASE_*`, put together.
    pub flags: u32,
    /// The library's.
    pub scope_pass_word: u64,
    /// The library's.
    pub scope_pass_generation: u32,
    /// The library's.
    pub scope_pass_slot: u16,
    /// The library's.
    pub scope: u16,
}

impl failover_lease {
    /// Shows a grant.
    #[inline]
    pub(crate) fn of(grant: &Grant, token: u64, attempt: u32, flags: u32) -> Self {
        Self {
            endpoint: grant.endpoint.bits(),
            token,
            started_ns: grant.started,
            snapshot_version: grant.snapshot_version,
            pass_word: grant.pass.word,
            pass_generation: grant.pass.generation,
            pass_slot: grant.pass.slot,
            position: grant.position,
            epoch: grant.epoch,
            attempt,
            flags: flags | if grant.is_panic { FAILOVER_LEASE_PANIC } else { 0 },
            scope_pass_word: grant.scope_word,
            scope_pass_generation: grant.scope_generation,
            scope_pass_slot: grant.scope_slot.into(),
            scope: grant.scope.code(),
        }
    }

    #[inline]
    fn grant(&self) -> Grant {
        let mut grant = Grant::default();
        grant.endpoint = EndpointId::from_bits(self.endpoint);
        grant.position = self.position;
        grant.epoch = self.epoch;
        grant.pass =
            Pass { generation: self.pass_generation, slot: self.pass_slot, word: self.pass_word };
        grant.started = self.started_ns;
        grant.snapshot_version = self.snapshot_version;
        grant.scope = Scope::from_code(self.scope);
        grant.scope_generation = self.scope_pass_generation;
        grant.scope_slot = self.scope_pass_slot as u8;
        grant.scope_word = self.scope_pass_word;
        grant
    }
}

/// Picks an endpoint for one attempt that the program makes itself.
///
/// - `pool`: a live pool.
/// - `request`: NULL, or what the request wants.
/// - `out`: not NULL. Set on success; give it back with `failover_pool_report`, unless the request
///   says `FAILOVER_REQUEST_UNTRACKED`.
///
/// Codes: `NO_ENDPOINTS`, `CIRCUIT_OPEN`, `CLOSED`, `LIMIT_EXCEEDED` (millions of leases open),
/// `UNSUPPORTED`, `INVALID_ARGUMENT`, `NOT_AVAILABLE`, `INVALID_UTF8`, `INVALID_HANDLE`,
/// `NULL_ARGUMENT`; `failover_pool_explain` tells why. Any thread; takes no lock, allocates nothing,
/// makes no system call (a filter, an `exclude` list and the first use of a `scope` allocate). After fork: works.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_pool_pick(
    pool: Option<&failover_pool>,
    request: *const failover_request,
    out: Option<&mut MaybeUninit<failover_lease>>,
) -> failover_code {
    guard_fast(|| {
        let body = live(pool)?;
        let out = out.ok_or(ErrorKind::NullArgument)?;
        let mut own = None;
        let asked = read_request(request, &mut own)?;
        let now = if asked.now == 0 { body.core.shared().clock.now() } else { asked.now };
        if asked.is_untracked {
            out.write(untracked(&body.core, asked.request, now)?);
            return Ok(());
        }
        let stripe = Stripe::mine();
        let token = body.tickets.take(stripe).ok_or(ErrorKind::LimitExceeded)?;
        match body.core.grant_on(stripe, asked.request, now) {
            Ok(grant) => {
                out.write(failover_lease::of(&grant, token, 0, 0));
                Ok(())
            }
            Err(kind) => {
                let _was_out = body.tickets.give_back(token);
                Err(kind)
            }
        }
    })
}

/// A pick that nobody will return, so it takes nothing.
#[cold]
#[inline(never)]
fn untracked(core: &PoolCore, request: &Request, now: u64) -> Result<failover_lease, ErrorKind> {
    let found = core.glance(request, now)?;
    let mut shown = failover_lease::of(&Grant::default(), 0, 0, FAILOVER_LEASE_UNTRACKED);
    shown.endpoint = found.endpoint.bits();
    shown.position = found.position;
    shown.snapshot_version = found.snapshot_version;
    shown.started_ns = now;
    shown.flags |= if found.is_panic { FAILOVER_LEASE_PANIC } else { 0 };
    Ok(shown)
}

/// Tells what came of a picked attempt; where its endpoint asked to be left alone for a while,
/// `failover_pool_report_hint` tells that too.
///
/// - `pool`: the pool it was picked from.
/// - `lease`: not NULL; as `failover_pool_pick` gave it.
/// - `outcome`: one of `FAILOVER_OUTCOME_*`.
/// - `latency_ns`: how long it took, a day at most; 0: from its start until now.
///
/// Codes: `INVALID_STATE` if it was reported before, was picked from another pool, belongs to a call, or
/// is untracked; `INVALID_ARGUMENT` for an unknown outcome; `INVALID_HANDLE`, `NULL_ARGUMENT`. An
/// endpoint that is gone is OK and counted. Any thread; takes no lock, allocates nothing, makes no
/// system call. After fork: leases of the parent are nobody's, OK and counted.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_pool_report(
    pool: Option<&failover_pool>,
    lease: Option<&failover_lease>,
    outcome: u32,
    latency_ns: u64,
) -> failover_code {
    guard_fast(|| take_back(pool, lease, outcome, (latency_ns, 0)))
}

/// Tells what came of a picked attempt, and how long its endpoint asked to be left alone.
///
/// - `pool`: the pool it was picked from.
/// - `lease`: not NULL; as `failover_pool_pick` gave it.
/// - `outcome`: one of `FAILOVER_OUTCOME_*`.
/// - `latency_ns`: how long it took, a day at most; 0: from its start until now.
/// - `hint_ns`: how long the endpoint asked to be left alone (Retry-After), of which five minutes are
///   believed; 0: it didn't. It counts with the outcome `THROTTLED` alone.
///
/// Codes, threads and fork: as `failover_pool_report`.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_pool_report_hint(
    pool: Option<&failover_pool>,
    lease: Option<&failover_lease>,
    outcome: u32,
    latency_ns: u64,
    hint_ns: u64,
) -> failover_code {
    guard_fast(|| take_back(pool, lease, outcome, (latency_ns, hint_ns)))
}

#[inline]
fn take_back(
    pool: Option<&failover_pool>,
    lease: Option<&failover_lease>,
    outcome: u32,
    (latency, hint): (u64, u64),
) -> Result<(), ErrorKind> {
    let body = live(pool)?;
    let lease = lease.ok_or(ErrorKind::NullArgument)?;
    let outcome = Outcome::from_code(outcome).ok_or(ErrorKind::InvalidArgument)?;
    if !body.tickets.give_back(lease.token) {
        return Err(ErrorKind::InvalidState);
    }
    let (now, latency) = if latency == 0 {
        let now = body.core.shared().clock.now();
        (now, now.saturating_sub(lease.started_ns))
    } else {
        let latency = latency.min(LONGEST_LATENCY);
        (lease.started_ns.saturating_add(latency), latency)
    };
    body.core.report_hint(&lease.grant(), outcome, (now, latency), hint);
    Ok(())
}
