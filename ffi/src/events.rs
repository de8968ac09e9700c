//! Events: a bounded queue for each reader, which drops the oldest and counts what it drops.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::sync::Arc;

use failover::events::{Event, EventKind, Subscription};
use failover::{Error, ErrorKind};

use crate::boundary::{ErrorPlace, guard, out};
use crate::growing::Grows;
use crate::handle::{Slot, give, handle, live};
use crate::manager::{borrow, failover_manager};
use crate::queue::{self, Queue, check_capacity};
use crate::status::failover_code;
use crate::text::{failover_buf, failover_str, put_text};
use crate::wake::{Wake, failover_drop_fn, failover_wake_fn};

/// Events that wait for one reader. Owned; free it with `failover_queue_free`.
#[derive(Debug)]
pub struct failover_queue(Slot<Queue<Subscription<Event>>>);
handle!(failover_queue, Queue<Subscription<Event>>, b"\0events\0");

/// One event.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct failover_event {
    /// One of `FAILOVER_EVENT_*`; a number that the program doesn't know is to be passed over.
    pub kind: u32,
    /// Zero.
    pub flags: u32,
    /// Its number in the manager, from 1, without gaps.
    pub seq: u64,
    /// Wall time in nanoseconds since 1970.
    pub time_ns: u64,
    /// Zero.
    pub reserved: u64,
    /// The pool, `provider/service`, or the provider; empty where none is concerned.
    pub pool: failover_str,
    /// The endpoint's id; empty where none is concerned.
    pub endpoint: failover_str,
    /// Why.
    pub reason: failover_str,
}

// SAFETY: numbers and pointers.
unsafe impl Grows for failover_event {
    const FIRST: usize = 80;
}

/// Subscribes to events, from now on.
///
/// - `manager`: a live manager.
/// - `kinds`: a bit for each kind wanted, `1 << FAILOVER_EVENT_*`; 0 is all.
/// - `capacity`: how many may wait unread, 1 to 1,000,000; then the oldest goes and is counted.
/// - `out`: not NULL. Set on success; the caller owns it.
/// - `err`: NULL, or set on failure.
///
/// Codes: `INVALID_ARGUMENT`, `INVALID_HANDLE`, `NULL_ARGUMENT`. Any thread; doesn't block. After
/// fork: works, and parent and child each get their own events.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_queue_new(
    manager: Option<&failover_manager>,
    kinds: u64,
    capacity: u32,
    out: Option<&mut MaybeUninit<*mut failover_queue>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let (manager, place) = (borrow(manager)?, self::out(out, "out")?);
        check_capacity(capacity)?;
        let wanted: Vec<EventKind> =
            EventKind::ALL.iter().copied().filter(|kind| kinds >> *kind as u32 & 1 == 1).collect();
        if kinds != 0 && wanted.is_empty() {
            return Err(Error::new(ErrorKind::InvalidArgument, "kinds: none of them is known"));
        }
        place
            .write(give(Queue::new(manager.subscribe(&wanted, capacity as usize), Arc::default())));
        Ok(())
    })
}

/// Takes events off a queue, after waiting up to `timeout_ms` for the first.
///
/// - `queue`: a live queue.
/// - `buffer`: an array of `capacity` elements of `elem_size` bytes; filled on success. Texts in it
///   live until the next poll or the queue's end.
/// - `elem_size`: `sizeof(failover_event)`.
/// - `capacity`: room in `buffer`.
/// - `timeout_ms`: the longest wait, in real time; 0: none.
/// - `count`: not NULL. Set on success to how many were taken, 0 after the time-out.
///
/// Codes: `CLOSED` (another thread freed the queue meanwhile; nothing was taken), `CONCURRENT_USE` (two
/// readers), `UNSUPPORTED` (`elem_size`), `INVALID_HANDLE`, `NULL_ARGUMENT`. One thread at a time.
/// Blocks up to `timeout_ms`. After fork: works.
///
/// # Safety
///
/// `buffer` is as large as said; pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_queue_poll(
    queue: Option<&failover_queue>,
    buffer: *mut failover_event,
    elem_size: usize,
    capacity: usize,
    timeout_ms: u32,
    count: Option<&mut MaybeUninit<usize>>,
) -> failover_code {
    queue::poll(queue, (buffer, elem_size, capacity), timeout_ms, count, show)
}

/// Calls `wake` whenever the queue stops being empty.
///
/// - `queue`: a live queue.
/// - `wake`: NULL to be woken no more. Runs on the thread that caused the record, and at once on this
///   one if records wait already; it must not block and must not call the library.
/// - `user_data`: passed on.
/// - `drop`: NULL, or called exactly once with `user_data` when it isn't needed any more, also if
///   this function fails; on any thread.
///
/// Codes: `INVALID_HANDLE`, `NULL_ARGUMENT`. Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// The functions may be called with `user_data` on any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_queue_set_wake(
    queue: Option<&failover_queue>,
    wake: failover_wake_fn,
    user_data: *mut c_void,
    drop: failover_drop_fn,
) -> failover_code {
    queue::set_wake(queue, Wake::new(wake, user_data, drop))
}

/// A descriptor that is readable while the queue has something, for poll, epoll and event loops.
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
pub unsafe extern "C" fn failover_queue_fd(
    queue: Option<&failover_queue>,
    fd: Option<&mut MaybeUninit<i32>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    queue::descriptor(queue, fd, err)
}

/// How many events were dropped because nobody read them.
///
/// - `queue`: a live queue.
///
/// Returns 0 for NULL and stale handles. Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// `queue` is NULL or came from this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_queue_dropped(queue: Option<&failover_queue>) -> u64 {
    live(queue).map_or(0, |queue| queue.source.dropped())
}

/// Frees a queue with the texts it lent, and ends a poll that waits in another thread with `CLOSED`.
///
/// - `queue`: its owner gives it up; NULL and a second free do nothing.
///
/// Any thread; never blocks; works after fork.
///
/// # Safety
///
/// `queue` is NULL or came from this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_queue_free(queue: Option<&failover_queue>) {
    queue::free(queue);
}

/// The last events as a JSON list, the newest first.
///
/// - `manager`: a live manager.
/// - `limit`: how many at most; 1,024 are kept.
/// - `json`: not NULL. Set on success to a buffer that the caller owns.
/// - `err`: NULL, or set on failure.
///
/// Codes: `INVALID_HANDLE`, `NULL_ARGUMENT`. Any thread; doesn't block; works after fork and close.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_events(
    manager: Option<&failover_manager>,
    limit: u32,
    json: Option<&mut MaybeUninit<*mut failover_buf>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let (manager, place) = (borrow(manager)?, out(json, "json")?);
        let recent = manager.recent_events(limit as usize);
        let list = recent.iter().map(Event::to_json).collect();
        put_text(place, serde_json::Value::Array(list).to_string());
        Ok(())
    })
}

fn show(event: &Event) -> failover_event {
    failover_event {
        kind: event.kind as u32,
        flags: 0,
        seq: event.sequence,
        time_ns: event.time,
        reserved: 0,
        pool: failover_str::of(&event.pool),
        endpoint: failover_str::of(event.endpoint.as_ref().map_or("", |endpoint| &endpoint.id)),
        reason: failover_str::of(&event.reason),
    }
}
