//! Shelves: freed handles of one type, which serve again.
//!
//! The memory of a handle is never given back to the allocator while the process lives, so that a
//! stale handle points at something that can be read, and is refused by its word instead of being
//! undefined behaviour. A shelf is a `Lock`: no forked child finds it taken, and none loses a handle to
//! another thread's look. Used by `handle`.

use std::collections::VecDeque;
use std::sync::atomic::AtomicPtr;

use failover::lock::Lock;

/// Freed handles of one type, and the newest handle of it.
#[derive(Debug)]
pub(crate) struct Shelf {
    /// Guards the freed ones, oldest first.
    freed: Lock<VecDeque<Address>>,
    /// Where the walk over all handles of the type begins.
    pub(crate) newest: AtomicPtr<u8>,
}

/// Where a freed handle stands.
#[derive(Debug)]
struct Address(*mut u8);

// SAFETY: an address on a shelf belongs to the shelf alone until it is taken off.
unsafe impl Send for Address {}

impl Shelf {
    pub(crate) const fn new() -> Self {
        Self { freed: Lock::new(VecDeque::new()), newest: AtomicPtr::new(std::ptr::null_mut()) }
    }

    /// Puts a freed handle on the shelf.
    pub(crate) fn put(&self, handle: *mut u8) {
        self.freed.lock().push_back(Address(handle));
    }

    /// Takes a handle off, if enough of them wait.
    pub(crate) fn take(&self) -> Option<*mut u8> {
        let mut freed = self.freed.lock();
        // A short shelf keeps its oldest back, so that a stale handle is noticed for a while.
        if freed.len() <= QUARANTINE {
            return None;
        }
        freed.pop_front().map(|address| address.0)
    }
}

/// Freed handles that wait before the first of them serves again.
const QUARANTINE: usize = 64;
