//! What one request wants of its endpoint, read from the caller's struct.

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::time::Duration;

use failover::balance::Filter;
use failover::{EndpointId, Error, ErrorKind, Request};
use serde_json::Value;

use crate::boundary::named;
use crate::growing::{self, Grows};
use crate::status::failover_endpoint_id;
use crate::text::{failover_str, fault};

/// Request flag: made inside another call's callback, which retries already.
pub const FAILOVER_REQUEST_NESTED: u32 = 1;
/// Request flag: sending it twice may do harm, whatever the policy says.
pub const FAILOVER_REQUEST_NON_IDEMPOTENT: u32 = 2;
/// Request flag, for picks: the lease will never be reported, so it takes nothing: it isn't counted, holds
/// no place and no permit, and binds no session. The turn moves on; an endpoint whose breaker is due is
/// picked only if no other is usable.
pub const FAILOVER_REQUEST_UNTRACKED: u32 = 4;
/// Request flag: `latitude` and `longitude` are given.
pub const FAILOVER_REQUEST_POSITION: u32 = 8;
/// Request flag: sending it twice does no harm, whatever the policy says.
pub const FAILOVER_REQUEST_IDEMPOTENT: u32 = 16;

/// What one request wants. Zeroed but for `struct_size`, it wants nothing in particular.
///
/// Everything it points at is borrowed until the function returns. Every function that takes one may
/// return `UNSUPPORTED` (its size or a flag), `INVALID_ARGUMENT` (flags that contradict each other, a
/// position off the globe, a filter that can't be read, a `scope` over 512 bytes, an unusable `exclude`),
/// `INVALID_UTF8` and `NULL_ARGUMENT`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct failover_request {
    /// `sizeof(failover_request)`.
    pub struct_size: u32,
    /// `FAILOVER_REQUEST_*`, put together; others are refused.
    pub flags: u32,
    /// Requests of the same key go to the same endpoint, where the algorithm is `ip_hash`.
    pub key: failover_str,
    /// The session, for sticky pools.
    pub session: failover_str,
    /// The client's address; stands in for an absent key.
    pub client_ip: failover_str,
    /// The caller's zone, over the policy's.
    pub zone: failover_str,
    /// The caller's region, over the policy's.
    pub region: failover_str,
    /// The operation whose failures are its own, a route or a model: each endpoint keeps a breaker for
    /// it beside its own one. At most 512 bytes.
    pub scope: failover_str,
    /// Only endpoints with all of these: `{"tags": ["x"], "metadata": {"k": "v"}}`. A filter and an
    /// `exclude` list make the call allocate.
    pub filter_json: failover_str,
    /// Where the caller stands, in degrees, if the flag says so.
    pub latitude: f64,
    /// As `latitude`.
    pub longitude: f64,
    /// The time by the manager's clock; 0: the library reads it.
    pub now_ns: u64,
    /// Longest time of the whole call; 0 and `UINT64_MAX`: the policy's. The shorter one holds.
    pub timeout_ns: u64,
    /// Prefer this endpoint if it is usable; 0: any.
    pub endpoint: failover_endpoint_id,
    /// Endpoints to leave out while others are usable.
    pub exclude: *const failover_endpoint_id,
    /// How many.
    pub exclude_len: usize,
}

/// A request that was read.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// What is wanted.
    pub(crate) request: &'a Request,
    /// 0 if the library's clock is meant.
    pub(crate) now: u64,
    pub(crate) is_untracked: bool,
}

/// Reads a request into `own`; NULL wants nothing in particular.
///
/// `own` stays empty where nothing in particular is wanted: moving a request costs as much as half
/// a pick.
#[inline]
pub(crate) fn read_request<'a>(
    given: *const failover_request,
    own: &'a mut Option<Request>,
) -> Result<Asked<'a>, ErrorKind> {
    static PLAIN: Request = Request::new();
    if given.is_null() {
        return Ok(Asked { request: &PLAIN, now: 0, is_untracked: false });
    }
    let mut room = MaybeUninit::uninit();
    let given = growing::read(given, &mut room)?;
    if given.flags & !KNOWN_FLAGS != 0 {
        return Err(ErrorKind::Unsupported);
    }
    let is_untracked = given.flags & FAILOVER_REQUEST_UNTRACKED != 0;
    let request = if is_plain(given) { &PLAIN } else { wishes_into(own, given)? };
    Ok(Asked { request, now: given.now_ns, is_untracked })
}

#[cold]
#[inline(never)]
fn wishes_into<'a>(
    own: &'a mut Option<Request>,
    given: &failover_request,
) -> Result<&'a Request, ErrorKind> {
    Ok(own.insert(wishes(given).map_err(|fault| fault.kind)?))
}

/// The error behind the code with which `read_request` refused a request: it names the field.
#[cold]
pub(crate) fn refusal(given: *const failover_request, kind: ErrorKind) -> Error {
    let mut room = MaybeUninit::uninit();
    let Ok(given) = growing::read(given, &mut room) else { return named("request")(kind) };
    if given.flags & !KNOWN_FLAGS != 0 {
        return named("request.flags")(ErrorKind::Unsupported);
    }
    match wishes(given) {
        Ok(_) => named("request")(kind),
        Err(Fault { kind, field, why }) => Error::new(kind, format!("request.{field}: {why}")),
    }
}

/// What is wrong with a field.
struct Fault {
    kind: ErrorKind,
    field: &'static str,
    why: &'static str,
}

/// True if nothing in particular is wanted.
#[inline]
fn is_plain(given: &failover_request) -> bool {
    let lengths = given.key.len
        | given.session.len
        | given.client_ip.len
        | given.zone.len
        | given.region.len
        | given.scope.len
        | given.filter_json.len
        | given.exclude_len;
    lengths == 0
        && given.flags & !FAILOVER_REQUEST_UNTRACKED == 0
        && given.endpoint | given.timeout_ns == 0
}

fn wishes(given: &failover_request) -> Result<Request, Fault> {
    let mut request = Request::new();
    if given.flags & !FAILOVER_REQUEST_UNTRACKED != 0 {
        request = flagged(request, given)?;
    }
    if given.key.len > 0 {
        request = request.key(text(&given.key, "key")?);
    }
    if given.client_ip.len > 0 {
        request = request.client_ip(text(&given.client_ip, "client_ip")?);
    }
    if given.session.len > 0 {
        request = request.session(text(&given.session, "session")?);
    }
    if given.zone.len > 0 {
        request = request.zone(text(&given.zone, "zone")?);
    }
    if given.region.len > 0 {
        request = request.region(text(&given.region, "region")?);
    }
    if given.scope.len > 0 {
        let read = request.scope(text(&given.scope, "scope")?);
        request = read.map_err(|_| wrong("scope", "must be at most 512 bytes"))?;
    }
    if given.filter_json.len > 0 {
        let read = filter(text(&given.filter_json, "filter_json")?);
        request = request.filter(read.ok_or_else(|| wrong("filter_json", FILTER))?);
    }
    if given.timeout_ns != 0 {
        request = request.timeout(Duration::from_nanos(given.timeout_ns));
    }
    if given.endpoint != 0 {
        request = request.endpoint(EndpointId::from_bits(given.endpoint));
    }
    if given.exclude_len > 0 {
        request = request.exclude(&excluded(given)?);
    }
    Ok(request)
}

fn text<'a>(given: &'a failover_str, field: &'static str) -> Result<&'a str, Fault> {
    given.text().map_err(|kind| Fault { kind, field, why: fault(kind) })
}

#[cold]
const fn wrong(field: &'static str, why: &'static str) -> Fault {
    Fault { kind: ErrorKind::InvalidArgument, field, why }
}

#[cold]
fn flagged(request: Request, given: &failover_request) -> Result<Request, Fault> {
    let has = |flag| given.flags & flag != 0;
    let mut request = request.nested(has(FAILOVER_REQUEST_NESTED));
    match (has(FAILOVER_REQUEST_IDEMPOTENT), has(FAILOVER_REQUEST_NON_IDEMPOTENT)) {
        (true, true) => return Err(wrong("flags", "must not say idempotent and its contrary")),
        (true, false) => request = request.idempotent(true),
        (false, true) => request = request.idempotent(false),
        (false, false) => {}
    }
    if has(FAILOVER_REQUEST_POSITION) {
        // Written so that what isn't a number is refused too.
        let is_latitude = given.latitude.abs() <= 90.0;
        let is_longitude = given.longitude.abs() <= 180.0;
        if !is_latitude {
            return Err(wrong("latitude", "must be within -90 and 90 degrees"));
        }
        if !is_longitude {
            return Err(wrong("longitude", "must be within -180 and 180 degrees"));
        }
        request = request.position(given.latitude, given.longitude);
    }
    Ok(request)
}

#[cold]
fn excluded(given: &failover_request) -> Result<Vec<EndpointId>, Fault> {
    if given.exclude.is_null() {
        let why = "is NULL with a length";
        return Err(Fault { kind: ErrorKind::NullArgument, field: "exclude", why });
    }
    if given.exclude_len > MOST_EXCLUDED {
        return Err(wrong("exclude_len", "must be at most 100000"));
    }
    if !given.exclude.is_aligned() {
        return Err(wrong("exclude", "must be aligned"));
    }
    // SAFETY: not NULL, aligned, and by the contract of the struct `exclude_len` numbers are there.
    let ids = unsafe { std::slice::from_raw_parts(given.exclude, given.exclude_len) };
    Ok(ids.iter().map(|id| EndpointId::from_bits(*id)).collect())
}

/// Reads `{"tags": [...], "metadata": {...}}`.
#[cold]
fn filter(text: &str) -> Option<Filter> {
    let value: Value = serde_json::from_str(text).ok()?;
    let word = |value: &Value| value.as_str().map(str::to_owned);
    let mut filter = Filter::default();
    for (key, value) in value.as_object()? {
        match key.as_str() {
            "tags" => filter.tags = value.as_array()?.iter().map(word).collect::<Option<_>>()?,
            "metadata" => {
                let labels = value.as_object()?;
                filter.metadata = labels
                    .iter()
                    .map(|(name, value)| Some((name.clone(), word(value)?)))
                    .collect::<Option<BTreeMap<_, _>>>()?;
            }
            _ => return None,
        }
    }
    Some(filter)
}

// SAFETY: numbers and pointers, and the size comes first.
unsafe impl Grows for failover_request {
    const FIRST: usize = 176;
}

const KNOWN_FLAGS: u32 = FAILOVER_REQUEST_NESTED
    | FAILOVER_REQUEST_NON_IDEMPOTENT
    | FAILOVER_REQUEST_UNTRACKED
    | FAILOVER_REQUEST_POSITION
    | FAILOVER_REQUEST_IDEMPOTENT;

/// What `filter_json` must be.
const FILTER: &str = r#"must be like {"tags": ["x"], "metadata": {"k": "v"}}"#;

/// More than a provider may hold is a wrong length.
const MOST_EXCLUDED: usize = 100_000;
