//! Log records: filtered by level before they are made, then drained like events.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::sync::Arc;

use failover::ErrorKind;
use failover::events::{Level, LogRecord, Subscription};

use crate::boundary::{ErrorPlace, guard, guard_fast, out};
use crate::growing::Grows;
use crate::handle::{Slot, give, handle, live};
use crate::manager::{borrow, failover_manager};
use crate::queue::{self, Queue, check_capacity};
use crate::status::failover_code;
use crate::text::failover_str;
use crate::wake::{Wake, failover_drop_fn, failover_wake_fn};

/// Log records that wait for one reader. Owned; free it with `failover_log_queue_free`.
#[derive(Debug)]
pub struct failover_log_queue(Slot<Queue<Subscription<LogRecord>>>);
handle!(failover_log_queue, Queue<Subscription<LogRecord>>, b"\0logs\0\0\0");

/// Level: nothing.
pub const FAILOVER_LOG_OFF: u32 = 0;
/// Level: something failed.
pub const FAILOVER_LOG_ERROR: u32 = 1;
/// Level: something needs attention.
pub const FAILOVER_LOG_WARN: u32 = 2;
/// Level: something changed.
pub const FAILOVER_LOG_INFO: u32 = 3;
/// Level: what an engineer looks for.
pub const FAILOVER_LOG_DEBUG: u32 = 4;
/// Level: everything.
pub const FAILOVER_LOG_TRACE: u32 = 5;

/// One line for people.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct failover_log_record {
    /// One of `FAILOVER_LOG_*`.
    pub level: u32,
    /// Zero.
    pub flags: u32,
    /// Its number in the manager, from 1.
    pub seq: u64,
    /// Wall time in nanoseconds since 1970.
    pub time_ns: u64,
    /// The area that wrote it: `discovery`, `health`, …
    pub target: failover_str,
    /// The line.
    pub message: failover_str,
}

// SAFETY: numbers and pointers.
unsafe impl Grows for failover_log_record {
    const FIRST: usize = 56;
}

/// Sets the least severe level of a manager that is kept; records below it are never made.
///
/// - `manager`: a live manager.
/// - `level`: one of `FAILOVER_LOG_*`.
///
/// Codes: `INVALID_ARGUMENT`, `INVALID_HANDLE`, `NULL_ARGUMENT`. Any thread; doesn't block; works
/// after fork.
///
/// # Safety
///
/// `manager` is NULL or came from this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_log_set_level(
    manager: Option<&failover_manager>,
    level: u32,
) -> failover_code {
    guard_fast(|| {
        let manager = live(manager)?;
        manager.set_log_level(level_of(level).ok_or(ErrorKind::InvalidArgument)?);
        Ok(())
    })
}

/// Subscribes to log records of the level in force and above, from now on.
///
/// - `manager`: a live manager.
/// - `capacity`: how many may wait unread, 1 to 1,000,000; then the oldest goes and is counted.
/// - `out`: not NULL. Set on success; the caller owns it.
/// - `err`: NULL, or set on failure.
///
/// Codes: `INVALID_ARGUMENT`, `INVALID_HANDLE`, `NULL_ARGUMENT`. Any thread; doesn't block. After
/// fork: works, and parent and child each get their own records.
///
/// # Safety
///
/// Pointers are NULL or as described.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_log_queue_new(
    manager: Option<&failover_manager>,
    capacity: u32,
    out: Option<&mut MaybeUninit<*mut failover_log_queue>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    guard(err, || {
        let (manager, place) = (borrow(manager)?, self::out(out, "out")?);
        check_capacity(capacity)?;
        place.write(give(Queue::new(manager.subscribe_logs(capacity as usize), Arc::default())));
        Ok(())
    })
}

/// Takes log records off a queue, after waiting up to `timeout_ms` for the first.
///
/// - `queue`: a live queue.
/// - `buffer`: an array of `capacity` elements of `elem_size` bytes; filled on success. Texts in it
///   live until the next poll or the queue's end.
/// - `elem_size`: `sizeof(failover_log_record)`.
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
pub unsafe extern "C" fn failover_log_queue_poll(
    queue: Option<&failover_log_queue>,
    buffer: *mut failover_log_record,
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
pub unsafe extern "C" fn failover_log_queue_set_wake(
    queue: Option<&failover_log_queue>,
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
pub unsafe extern "C" fn failover_log_queue_fd(
    queue: Option<&failover_log_queue>,
    fd: Option<&mut MaybeUninit<i32>>,
    err: ErrorPlace<'_>,
) -> failover_code {
    queue::descriptor(queue, fd, err)
}

/// How many log records were dropped because nobody read them.
///
/// - `queue`: a live queue.
///
/// Returns 0 for NULL and stale handles. Any thread; doesn't block; works after fork.
///
/// # Safety
///
/// `queue` is NULL or came from this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn failover_log_queue_dropped(queue: Option<&failover_log_queue>) -> u64 {
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
pub unsafe extern "C" fn failover_log_queue_free(queue: Option<&failover_log_queue>) {
    queue::free(queue);
}

fn show(record: &LogRecord) -> failover_log_record {
    failover_log_record {
        level: record.level as u32,
        flags: 0,
        seq: record.sequence,
        time_ns: record.time,
        target: failover_str::of(record.target),
        message: failover_str::of(&record.message),
    }
}

const fn level_of(level: u32) -> Option<Level> {
    match level {
        FAILOVER_LOG_OFF => Some(Level::Off),
        FAILOVER_LOG_ERROR => Some(Level::Error),
        FAILOVER_LOG_WARN => Some(Level::Warn),
        FAILOVER_LOG_INFO => Some(Level::Info),
        FAILOVER_LOG_DEBUG => Some(Level::Debug),
        FAILOVER_LOG_TRACE => Some(Level::Trace),
        _ => None,
    }
}
