//! The work queue: custom checks and custom providers as items that the program pulls.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::time::Duration;

use failover::discovery::{Capabilities, Custom, Work};
use failover::endpoint::document::{self, Format, parse_list};
use failover::outlier::Outcome;
use failover::{Error, ErrorKind};

use crate::boundary::{ErrorPlace, guard, out};
use crate::growing::Grows;
use crate::handle::{Slot, give, handle};
use crate::item::{Item, Question};
use crate::manager::{borrow, failover_manager};
use crate::queue::{self, Queue};
use crate::status::failover_code;
use crate::text::failover_str;
use crate::wake::{Wake, failover_drop_fn, failover_wake_fn};
use crate::worker::Worker;

/// Work: check the endpoint in `payload_json`; `SUCCESS` is healthy.
pub const FAILOVER_WORK_HEALTH_CHECK: u32 = 1;
/// Work: list the provider's endpoints; complete with the JSON list. Secrets given as `***` stay what they
/// were.
pub const FAILOVER_WORK_LIST: u32 = 2;
/// Work: publish whole sets with `failover_provider_publish` whenever something changes.
pub const FAILOVER_WORK_WATCH: u32 = 3;
/// Work: stop that. Nobody waits for the answer, which may be given or not.
pub const FAILOVER_WORK_UNWATCH: u32 = 4;
/// Work: register the endpoint in `payload_json`, with secrets masked. After `SUCCESS` it is in the set at
/// once; the next set that the provider delivers replaces all, so that one should hold it. Any other
/// outcome is refused to the caller as `FAILOVER_E_PROVIDER`.
pub const FAILOVER_WORK_REGISTER: u32 = 5;
/// Work: remove the endpoint whose id is the JSON text in `payload_json`.
pub const FAILOVER_WORK_DEREGISTER: u32 = 6;
/// Work: change the endpoint in `payload_json`.
pub const FAILOVER_WORK_UPDATE: u32 = 7;
/// Work: say whether the source can be reached.
pub const FAILOVER_WORK_PING: u32 = 8;
/// Work: stop the item of the same token; not to be completed.
pub const FAILOVER_WORK_CANCEL: u32 = 9;

/// Capability: it can be asked for its set.
pub const FAILOVER_PROVIDER_CAN_LIST: u32 = 1;
/// Capability: it tells changes by itself.
pub const FAILOVER_PROVIDER_CAN_WATCH: u32 = 2;
/// Capability: it takes registrations.
pub const FAILOVER_PROVIDER_CAN_REGISTER: u32 = 4;
/// Capability: it knows its set for sure, so that an empty one is believed at once.
pub const FAILOVER_PROVIDER_AUTHORITATIVE: u32 = 8;

/// Work that waits for the program. Owned, one reader; free it with `failover_work_queue_free`.
#[derive(Debug)]
pub struct failover_work_queue(Slot<Queue<Worker>>);
handle!(failover_work_queue, Queue<Worker>, b"\0work\0\0\0");

/// One piece of work.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct failover_work {
    /// One of `FAILOVER_WORK_*`; complete one that the program doesn't know as `LOCAL`.
    pub kind: u32,
    /// Zero.
    pub flags: u32,
    /// Names it in `failover_work_complete`.
    pub token: u64,
    /// When it expires as failure, by the manager's clock.
    pub deadline_ns: u64,
    /// Zero.
    pub reserved: u64,
    /// The provider that is asked; empty for checks.
    pub provider: failover_str,
    /// What it is about.
    pub payload_json: failover_str,
}

// SAFETY: numbers and pointers.
unsafe impl Grows for failover_work {
    const FIRST: usize = 64;
}

/// Opens a queue of work. While none is open, whoever asks gets `FAILOVER_E_NO_WORKER`.
///
/// - `manager`: a live manager.
/// - `out`: not NULL. Set on success; the caller owns it.
/// - `err`: NULL, or set on failure.
///
/// Codes: `CLOSED`, `INVALID_HANDLE`, `NULL_ARGUMENT`. Any thread; doesn't block. After fork: works, and
/// one from before the fork takes the child's own work there.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_work_queue_new(
    manager: Option<&failover_manager>,
    out: Option<&mut MaybeUninit<*mut failover_work_queue>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let (manager, place) = (borrow(manager)?, self::out(out, "out")?);
        manager.check_open()?;
        place.write(give(Worker::open(&manager.hub)?));
        Ok(())
    })
}

/// Takes work off a queue, after waiting up to `timeout_ms` for the first. Nothing is ever dropped. With
/// several queues of a manager each piece goes to one of them.
///
/// - `queue`: a live queue.
/// - `buffer`: an array of `capacity` elements of `elem_size` bytes; filled on success. Texts in it
///   live until the next poll or the queue's end.
/// - `elem_size`: `sizeof(failover_work)`.
/// - `capacity`: room in `buffer`.
/// - `timeout_ms`: the longest wait, in real time; 0: none.
/// - `count`: not NULL. Set on success to how many were taken, 0 after the time-out.
///
/// Codes: `CLOSED` (the manager was closed or freed, or another thread freed the queue meanwhile: a poll
/// that waits ends at once, and nothing was taken), `CONCURRENT_USE` (two readers), `UNSUPPORTED`
/// (`elem_size`), `INVALID_HANDLE`, `NULL_ARGUMENT`. One thread at a time. Blocks up to `timeout_ms`.
/// After fork: works, and what the parent was asked stays the parent's.
///
/// # Safety
///
/// `buffer` is as large as said; pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_work_poll(
    queue: Option<&failover_work_queue>,
    buffer: *mut failover_work,
    elem_size: usize,
    capacity: usize,
    timeout_ms: u32,
    count: Option<&mut MaybeUninit<usize>>,
) -> failover_code {
    queue::poll(queue, (buffer, elem_size, capacity), timeout_ms, count, |item| show(item))
}

/// Calls `wake` whenever work comes, and when the manager is closed.
///
/// - `queue`: a live queue.
/// - `wake`: NULL to be woken no more. Runs on the thread that asked for the work, and at once on this one
///   if work waits already or the manager is closed; it must not block and must not call the library.
/// - `user_data`: passed on.
/// - `drop`: NULL, or called exactly once with `user_data` when it isn't needed any more, also if
///   this function fails; on any thread.
///
/// With several queues of a manager all are woken, and the first takes the work. Codes: `INVALID_HANDLE`,
/// `NULL_ARGUMENT`. Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// The functions may be called with `user_data` on any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_work_queue_set_wake(
    queue: Option<&failover_work_queue>,
    wake: failover_wake_fn,
    user_data: *mut c_void,
    drop: failover_drop_fn,
) -> failover_code {
    queue::set_wake(queue, Wake::new(wake, user_data, drop))
}

/// A descriptor that is readable while work waits and once the manager is closed, for poll, epoll and
/// event loops. A poll of the queue tells what it is; there may be nothing, since another queue was
/// faster.
///
/// - `queue`: a live queue, which owns the descriptor.
/// - `fd`: not NULL. Set on success.
/// - `err`: NULL, or set on failure.
///
/// Codes: `IO`, `INVALID_HANDLE`, `NULL_ARGUMENT`. Any thread; doesn't block. After fork: the one
/// from before is the parent's; ask again in the child for one of its own.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_work_queue_fd(
    queue: Option<&failover_work_queue>,
    fd: Option<&mut MaybeUninit<i32>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    queue::descriptor(queue, fd, err)
}

/// Answers a piece of work.
///
/// - `manager`: the manager whose work it is.
/// - `work_token`: the item's token.
/// - `outcome`: `FAILOVER_OUTCOME_SUCCESS`, or what went wrong.
/// - `payload_json`: the list of endpoints for `LIST`; else empty.
/// - `err`: NULL, or set on failure.
///
/// Codes: `NOT_FOUND` (expired, cancelled, or answered before), `INVALID_ARGUMENT`, `INVALID_UTF8`,
/// `INVALID_HANDLE`, `NULL_ARGUMENT`. Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_work_complete(
    manager: Option<&failover_manager>,
    work_token: u64,
    outcome: u32,
    payload_json: failover_str,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let manager = borrow(manager)?;
        let payload = payload_json.named("payload_json")?.to_owned();
        let wrong = || Error::new(ErrorKind::InvalidArgument, "outcome: must be 1..=8");
        let answer = match Outcome::from_code(outcome).ok_or_else(wrong)? {
            Outcome::Success => Ok(payload),
            other => {
                let text = format!("the program answered {}", other.name());
                Err(Error::new(ErrorKind::Provider, text))
            }
        };
        manager.hub.complete(work_token, answer)
    })
}

/// Closes a queue of work, and ends a poll that waits in another thread with `CLOSED`; with the last
/// one of a manager, what is open fails at once.
///
/// - `queue`: its owner gives it up; NULL and a second free do nothing.
///
/// Any thread; never blocks; works after fork.
///
/// # Safety
///
/// `queue` is NULL or came from this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_work_queue_free(queue: Option<&failover_work_queue>) {
    queue::free(queue);
}

/// Registers a provider of the program's own, which is asked through the work queue.
///
/// - `manager`: a live manager.
/// - `name`: its name, not empty.
/// - `capabilities`: `FAILOVER_PROVIDER_*`, put together.
/// - `err`: NULL, or set on failure.
///
/// Codes: `ALREADY_EXISTS`, `INVALID_ARGUMENT`, `UNSUPPORTED` (an unknown capability), `CLOSED`, `IO` (the
/// system refuses the background thread). Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_provider_register_pulled(
    manager: Option<&failover_manager>,
    name: failover_str,
    capabilities: u32,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let manager = borrow(manager)?;
        let name = name.named("name")?.to_owned();
        if name.is_empty() {
            return Err(Error::new(ErrorKind::InvalidArgument, "name: must not be empty"));
        }
        if capabilities >= FAILOVER_PROVIDER_AUTHORITATIVE << 1 {
            return Err(Error::new(ErrorKind::Unsupported, "capabilities: has an unknown bit"));
        }
        let has = |bit| capabilities & bit != 0;
        let mut able = Capabilities::READ_ONLY;
        able.can_list = has(FAILOVER_PROVIDER_CAN_LIST);
        able.can_watch = has(FAILOVER_PROVIDER_CAN_WATCH);
        able.can_register = has(FAILOVER_PROVIDER_CAN_REGISTER);
        able.is_authoritative = has(FAILOVER_PROVIDER_AUTHORITATIVE);
        let (hub, provider) = (Arc::clone(&manager.hub), name.clone());
        let custom = Custom::asking(
            able,
            Arc::new(move |work| {
                let is_list = matches!(work, Work::List);
                if work == Work::Unwatch {
                    let told = hub.tell(question(&provider, &work));
                    return Box::pin(std::future::ready(told.map(|()| Vec::new())));
                }
                let answer = hub.ask(question(&provider, &work));
                Box::pin(async move {
                    let text = answer.await?;
                    if is_list { parse_list(&text, Format::Json) } else { Ok(Vec::new()) }
                })
            }),
        );
        manager.register_provider(&name, Arc::new(custom))
    })
}

fn question(provider: &str, work: &Work) -> Question {
    let shown = |endpoint| document::to_json(endpoint).to_string();
    let (kind, payload) = match work {
        Work::List => (FAILOVER_WORK_LIST, String::new()),
        Work::Watch => (FAILOVER_WORK_WATCH, String::new()),
        Work::Unwatch => (FAILOVER_WORK_UNWATCH, String::new()),
        Work::Register(endpoint) => (FAILOVER_WORK_REGISTER, shown(endpoint)),
        Work::Update(endpoint) => (FAILOVER_WORK_UPDATE, shown(endpoint)),
        Work::Deregister(id) => {
            (FAILOVER_WORK_DEREGISTER, serde_json::Value::from(id.as_str()).to_string())
        }
        _ => (FAILOVER_WORK_PING, String::new()),
    };
    Question { kind, provider: provider.to_owned(), payload, timeout: PROVIDER_TIME }
}

fn show(item: &Item) -> failover_work {
    failover_work {
        kind: item.kind,
        flags: 0,
        token: item.token,
        deadline_ns: item.deadline,
        reserved: 0,
        provider: failover_str::of(&item.provider),
        payload_json: failover_str::of(&item.payload),
    }
}

/// How long a program may take to answer for its provider.
const PROVIDER_TIME: Duration = Duration::from_secs(10);
