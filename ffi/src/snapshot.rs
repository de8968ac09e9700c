//! Snapshots: the endpoints of a pool at one moment, for hosts that keep objects of their own.

use std::mem::MaybeUninit;
use std::sync::{Arc, OnceLock};

use failover::endpoint::{Endpoint, Member, Snapshot};
use failover::lock::busy;
use failover::{EndpointId, ErrorKind};
use serde_json::Value;

use crate::boundary::{ErrorPlace, guard, guard_fast, guard_value, out};
use crate::endpoint::{
    FAILOVER_ENDPOINT_RETIRED, FAILOVER_ENDPOINT_WEIGHT_ZERO, failover_endpoint_desc,
};
use crate::growing::Place;
use crate::handle::{Slot, give, handle, live, release, retain};
use crate::pool::{borrow_pool, failover_pool};
use crate::status::{failover_code, failover_endpoint_id};
use crate::text::failover_str;

/// The endpoints of a pool at one moment, removed ones that are still leased included. Immutable.
/// Counted: `failover_snapshot_retain` and `failover_snapshot_free`.
#[derive(Debug)]
pub struct failover_snapshot(Slot<Shown>);
handle!(failover_snapshot, Shown, b"\0snapset");

/// A snapshot with the documents of its endpoints, rendered when somebody asks.
#[derive(Debug)]
pub(crate) struct Shown {
    snapshot: Arc<Snapshot>,
    texts: Box<[OnceLock<Texts>]>,
}

/// The documents of one endpoint.
#[derive(Debug)]
pub(crate) struct Texts {
    tags: String,
    metadata: String,
    health_check: String,
}

impl Texts {
    pub(crate) fn of(endpoint: &Endpoint) -> Self {
        let shown = failover::endpoint::document::to_json(endpoint);
        let text = |name: &str| match shown.get(name) {
            None => String::new(),
            Some(value) => Value::to_string(value),
        };
        Self { tags: text("tags"), metadata: text("metadata"), health_check: text("health_check") }
    }
}

/// Describes an endpoint for C; borrows from both.
pub(crate) fn describe(endpoint: &Endpoint, texts: &Texts, flags: u32) -> failover_endpoint_desc {
    let weight = endpoint.weight.unwrap_or(1);
    let zero = if weight == 0 { FAILOVER_ENDPOINT_WEIGHT_ZERO } else { 0 };
    failover_endpoint_desc {
        #[expect(clippy::cast_possible_truncation, reason = "a struct of some hundred bytes")]
        struct_size: size_of::<failover_endpoint_desc>() as u32,
        flags: flags | zero,
        priority: i32::try_from(endpoint.priority).unwrap_or(i32::MAX),
        weight: i32::try_from(weight).unwrap_or(i32::MAX),
        port: endpoint.port.into(),
        reserved: 0,
        id: failover_str::of(&endpoint.id),
        name: failover_str::of(&endpoint.name),
        address: failover_str::of(&endpoint.address),
        protocol: failover_str::of(&endpoint.protocol),
        tags_json: failover_str::of(&texts.tags),
        metadata_json: failover_str::of(&texts.metadata),
        health_check_json: failover_str::of(&texts.health_check),
    }
}

/// Takes the endpoints of a pool as they are now.
///
/// - `pool`: a live pool.
/// - `out`: not NULL. Set on success; the caller owns one count of it.
/// - `err`: NULL, or set on failure.
///
/// Codes: `INVALID_HANDLE`, `NULL_ARGUMENT`. Any thread; doesn't block; works after fork and close.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_pool_snapshot(
    pool: Option<&failover_pool>,
    out: Option<&mut MaybeUninit<*mut failover_snapshot>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let (body, place) = (borrow_pool(pool)?, self::out(out, "out")?);
        let snapshot = body.core.snapshot();
        let count = snapshot.members().len() + snapshot.retired().len();
        let texts = (0..count).map(|_| OnceLock::new()).collect();
        place.write(give(Shown { snapshot, texts }));
        Ok(())
    })
}

/// How many endpoints a snapshot holds, removed ones that are still leased included.
///
/// - `snapshot`: a live snapshot.
///
/// Returns 0 for NULL and stale handles. Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// `snapshot` is NULL or came from this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_snapshot_len(snapshot: Option<&failover_snapshot>) -> usize {
    live(snapshot).map_or(0, |shown| shown.texts.len())
}

/// A snapshot's version: it grows with every change of the set.
///
/// - `snapshot`: a live snapshot.
///
/// Returns 0 for NULL and stale handles. Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// `snapshot` is NULL or came from this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_snapshot_version(snapshot: Option<&failover_snapshot>) -> u64 {
    live(snapshot).map_or(0, |shown| shown.snapshot.version())
}

/// Adds a count to a snapshot.
///
/// - `snapshot`: a live snapshot.
///
/// Returns `snapshot`, or NULL for NULL and stale handles. Any thread; doesn't block; works after
/// fork.
///
/// # Safety
///
/// `snapshot` is NULL or came from this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_snapshot_retain(
    snapshot: Option<&failover_snapshot>,
) -> *mut failover_snapshot {
    retain(snapshot)
}

/// Reads one endpoint of a snapshot.
///
/// - `snapshot`: a live snapshot.
/// - `at`: below `failover_snapshot_len`. Endpoints come in the order of their ids, removed ones last.
/// - `id`: NULL, or set on success to its number.
/// - `desc`: NULL, or a struct that says its size in `struct_size`, filled on success; its texts live
///   until the snapshot is freed.
///
/// Codes: `NOT_FOUND` if `at` is too large, `UNSUPPORTED` (`struct_size`), `INVALID_HANDLE`,
/// `NULL_ARGUMENT`. Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_snapshot_get(
    snapshot: Option<&failover_snapshot>,
    at: usize,
    id: Option<&mut MaybeUninit<failover_endpoint_id>>,
    desc: *mut failover_endpoint_desc,
) -> failover_code {
    guard_fast(|| {
        let shown = live(snapshot)?;
        let place = if desc.is_null() { None } else { Some(Place::of(desc)?) };
        let (member, read) = shown.at(at).ok_or(ErrorKind::NotFound)?;
        if let Some(id) = id {
            id.write(member.id.bits());
        }
        if let Some(place) = place {
            place.write(&read());
        }
        Ok(())
    })
}

/// Looks an endpoint up by its number, as a lease has it.
///
/// - `snapshot`: a live snapshot.
/// - `id`: the endpoint's number.
/// - `desc`: not NULL; says its size in `struct_size`. Filled on success; its texts live until the
///   snapshot is freed.
///
/// Codes: `NOT_FOUND`, `UNSUPPORTED` (`struct_size`), `INVALID_HANDLE`, `NULL_ARGUMENT`. Any thread;
/// doesn't block; works after fork.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_snapshot_find(
    snapshot: Option<&failover_snapshot>,
    id: failover_endpoint_id,
    desc: *mut failover_endpoint_desc,
) -> failover_code {
    guard_fast(|| {
        let shown = live(snapshot)?;
        let place = Place::of(desc)?;
        let id = EndpointId::from_bits(id);
        let known = shown.snapshot.find(id, 0).ok_or(ErrorKind::NotFound)?;
        let at = shown.position(known).ok_or(ErrorKind::NotFound)?;
        let (_, read) = shown.at(at).ok_or(ErrorKind::NotFound)?;
        place.write(&read());
        Ok(())
    })
}

/// Takes a count off a snapshot; the last one frees it with the texts it lent.
///
/// - `snapshot`: NULL and stale handles do nothing.
///
/// Any thread; never blocks; works after fork.
///
/// # Safety
///
/// `snapshot` is NULL or came from this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_snapshot_free(snapshot: Option<&failover_snapshot>) {
    guard_value((), || drop(release(snapshot)));
}

impl Shown {
    fn at(&self, at: usize) -> Option<(&Member, impl Fn() -> failover_endpoint_desc)> {
        let members = self.snapshot.members();
        let (member, flags) = match members.get(at) {
            Some(member) => (member, 0),
            None => (self.snapshot.retired().get(at - members.len())?, FAILOVER_ENDPOINT_RETIRED),
        };
        let read = move || describe(&member.endpoint, self.texts(at, &member.endpoint), flags);
        Some((member, read))
    }

    /// The documents of the endpoint at `at`, rendered at first use.
    fn texts(&self, at: usize, endpoint: &Endpoint) -> &Texts {
        let place = &self.texts[at];
        if let Some(texts) = place.get() {
            return texts;
        }
        // No forked child finds them half rendered, with nobody there to go on.
        let _busy = busy();
        place.get_or_init(|| Texts::of(endpoint))
    }

    /// Where a member of this snapshot stands, by its address.
    fn position(&self, member: &Member) -> Option<usize> {
        let members = self.snapshot.members();
        let by_id = members.binary_search_by(|other| other.endpoint.id.cmp(&member.endpoint.id));
        match by_id {
            Ok(at) if members[at].id == member.id => Some(at),
            _ => {
                let retired = self.snapshot.retired();
                let at = retired.iter().position(|other| other.id == member.id)?;
                Some(members.len() + at)
            }
        }
    }
}
