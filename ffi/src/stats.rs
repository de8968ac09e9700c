//! Statistics: structs for programs, JSON for people.

use std::mem::MaybeUninit;

use failover::ErrorKind;
use failover::balance::estimate;
use failover::endpoint::Member;
use failover::execute::PoolCore;

use crate::boundary::{ErrorPlace, guard, guard_fast, out};
use crate::growing::{Array, Grows};
use crate::handle::live;
use crate::manager::{borrow, failover_manager};
use crate::pool::{borrow_pool, failover_pool};
use crate::status::{failover_code, failover_endpoint_id};
use crate::text::{failover_buf, put_text};

/// Circuit: the breaker lets everything through.
pub const FAILOVER_CIRCUIT_CLOSED: u32 = 0;
/// Circuit: the breaker lets nothing through until its time is over.
pub const FAILOVER_CIRCUIT_OPEN: u32 = 1;
/// Circuit: the breaker lets a few probes through.
pub const FAILOVER_CIRCUIT_HALF_OPEN: u32 = 2;
/// Circuit: the breaker is held open by the program.
pub const FAILOVER_CIRCUIT_FORCED_OPEN: u32 = 3;

/// How one endpoint is doing.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct failover_endpoint_stats {
    /// The endpoint.
    pub endpoint: failover_endpoint_id,
    /// Attempts that it was picked for.
    pub picks: u64,
    /// Attempts that succeeded, or were rejected by the caller's fault.
    pub ok: u64,
    /// Attempts that failed: unsent, failure, timeout, throttled.
    pub failed: u64,
    /// Attempts that say nothing: cancelled, local.
    pub cancelled: u64,
    /// Attempts on their way now.
    pub in_flight: u64,
    /// Peak EWMA of its latency, in nanoseconds; 0 unless the algorithm is `p2c_ewma`.
    pub ewma_ns: u64,
    /// Average latency of its attempts, in nanoseconds.
    pub average_ns: u64,
    /// Median latency of its successes; 0 unless `stats.endpoint_latency` is on.
    pub p50_ns: u64,
    /// As `p50_ns`, the 99th percentile.
    pub p99_ns: u64,
    /// One of `FAILOVER_HEALTH_*`.
    pub health: u32,
    /// One of `FAILOVER_CIRCUIT_*`.
    pub circuit: u32,
}

// SAFETY: numbers and pointers.
unsafe impl Grows for failover_endpoint_stats {
    const FIRST: usize = 88;
}

/// Every statistic of a manager as a JSON object: providers with their pools and endpoints.
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
pub unsafe extern "C" fn failover_stats(
    manager: Option<&failover_manager>,
    json: Option<&mut MaybeUninit<*mut failover_buf>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let (manager, place) = (borrow(manager)?, out(json, "json")?);
        put_text(place, manager.stats().to_string());
        Ok(())
    })
}

/// A pool's own statistics as a JSON object: calls, attempts, retries, failovers, percentiles.
///
/// - `pool`: a live pool.
/// - `json`: not NULL. Set on success to a buffer that the caller owns.
/// - `err`: NULL, or set on failure.
///
/// Codes: `INVALID_HANDLE`, `NULL_ARGUMENT`. Any thread; doesn't block; works after fork and close.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_pool_figures(
    pool: Option<&failover_pool>,
    json: Option<&mut MaybeUninit<*mut failover_buf>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let (body, place) = (borrow_pool(pool)?, out(json, "json")?);
        put_text(place, body.pool.stats().to_string());
        Ok(())
    })
}

/// How each endpoint of a pool is doing, in the order of their ids.
///
/// - `pool`: a live pool.
/// - `buffer`: NULL if `capacity` is 0; an array of `capacity` elements of `elem_size` bytes, filled
///   on success.
/// - `elem_size`: `sizeof(failover_endpoint_stats)`.
/// - `capacity`: room in `buffer`.
/// - `count`: not NULL. Set on success to how many endpoints there are in all.
///
/// Codes: `UNSUPPORTED` (`elem_size`), `INVALID_HANDLE`, `NULL_ARGUMENT`. Any thread; doesn't block;
/// works after fork and close.
///
/// # Safety
///
/// `buffer` is as large as said; pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_pool_stats(
    pool: Option<&failover_pool>,
    buffer: *mut failover_endpoint_stats,
    elem_size: usize,
    capacity: usize,
    count: Option<&mut MaybeUninit<usize>>,
) -> failover_code {
    guard_fast(|| {
        let body = live(pool)?;
        let count = count.ok_or(ErrorKind::NullArgument)?;
        let array = Array::of(buffer, elem_size, capacity)?;
        let now = body.core.shared().clock.now();
        let snapshot = body.core.snapshot();
        for (at, member) in snapshot.members().iter().take(capacity).enumerate() {
            array.put(at, &show(&body.core, member, now));
        }
        count.write(snapshot.members().len());
        Ok(())
    })
}

fn show(pool: &PoolCore, member: &Member, now: u64) -> failover_endpoint_stats {
    let state = &member.state;
    let (status, [success, rejected, unsent, failure, timeout, throttled, cancelled, local]) =
        (state.status(), state.outcomes());
    let (picks, done, latency) = state.flow_totals();
    let mut shown = failover_endpoint_stats {
        endpoint: member.id.bits(),
        picks,
        ok: success + rejected,
        failed: unsent + failure + timeout + throttled,
        cancelled: cancelled + local,
        in_flight: state.in_flight(),
        ewma_ns: estimate(state, now),
        average_ns: latency.checked_div(done).unwrap_or(0),
        p50_ns: 0,
        p99_ns: 0,
        health: pool.published(member) as u32,
        circuit: status.circuit() as u32,
    };
    if let Some(histogram) = state.latency() {
        let mut merged = Vec::new();
        histogram.merge_into(&mut merged);
        shown.p50_ns = histogram.percentile(&merged, 0.5);
        shown.p99_ns = histogram.percentile(&merged, 0.99);
    }
    shown
}
