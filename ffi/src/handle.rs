//! Handles: what C holds instead of our objects, checked at each use.
//!
//! The memory of a handle is never given back to the allocator while the process lives: a freed one
//! goes to a shelf of its own type and serves again. So a stale handle points at something that can
//! be read, and is refused by its word instead of being undefined behaviour. What a handle owned is
//! dropped at once; a shelf entry is a few dozen bytes.
//!
//! No lock here can be found taken by a forked child: shelves are only tried, never waited for.

use std::cell::UnsafeCell;
use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::Mutex;
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};

use failover::ErrorKind;

/// The inside of a handle.
#[derive(Debug)]
pub(crate) struct Slot<B> {
    /// What the handle is now; alone says whether `body` may be touched.
    word: AtomicU64,
    holders: AtomicUsize,
    /// The slot made before this one, of the same type; for walks over all of them.
    older: AtomicPtr<u8>,
    body: UnsafeCell<Option<B>>,
}

/// Freed handles of one type, and the newest slot of it.
#[derive(Debug)]
pub(crate) struct Shelf {
    freed: Mutex<VecDeque<Address>>,
    newest: AtomicPtr<u8>,
}

/// Where a freed handle stands.
#[derive(Debug)]
struct Address(*mut u8);

// SAFETY: an address on a shelf belongs to the shelf alone until it is taken off.
unsafe impl Send for Address {}

impl Shelf {
    pub(crate) const fn new() -> Self {
        Self { freed: Mutex::new(VecDeque::new()), newest: AtomicPtr::new(std::ptr::null_mut()) }
    }
}

/// A type that C sees as an opaque handle.
pub(crate) trait Handle: Sized + 'static {
    /// What the handle owns.
    type Body;
    /// Tells this type's live handles from everything else; the low byte is 0.
    const MAGIC: u64;
    /// Wraps a slot.
    fn wrap(slot: Slot<Self::Body>) -> Self;
    /// The slot inside.
    fn slot(&self) -> &Slot<Self::Body>;
    /// Where freed ones wait.
    fn shelf() -> &'static Shelf;
}

/// Makes an opaque handle type of a struct that wraps one slot.
macro_rules! handle {
    ($name:ident, $body:ty, $magic:literal) => {
        impl $crate::handle::Handle for $name {
            type Body = $body;
            const MAGIC: u64 = u64::from_be_bytes(*$magic) << 8;

            fn wrap(slot: $crate::handle::Slot<$body>) -> Self {
                Self(slot)
            }

            fn slot(&self) -> &$crate::handle::Slot<$body> {
                &self.0
            }

            fn shelf() -> &'static $crate::handle::Shelf {
                static SHELF: $crate::handle::Shelf = $crate::handle::Shelf::new();
                &SHELF
            }
        }

        // SAFETY: the body is reached only through the checks of this module, by one thread at a
        // time where it isn't `Sync` (`enter`), and all bodies are `Send`.
        unsafe impl Sync for $name {}
    };
}
pub(crate) use handle;

/// Gives a new handle to C, with one holder.
pub(crate) fn give<H: Handle>(body: H::Body) -> *mut H {
    let handle = unshelved::<H>();
    // SAFETY: a handle on the shelf, or a fresh one, is a valid `H` that nobody else uses.
    let slot = unsafe { &*handle }.slot();
    fill(slot, body, H::MAGIC);
    handle
}

/// A handle without a body, from the shelf or fresh, for the caller alone.
pub(crate) fn unshelved<H: Handle>() -> *mut H {
    let taken = H::shelf().freed.try_lock().ok().and_then(|mut shelf| {
        // A short shelf keeps its oldest back, so that a stale handle is noticed for a while.
        if shelf.len() > QUARANTINE { shelf.pop_front() } else { None }
    });
    taken.map_or_else(fresh::<H>, |address| address.0.cast())
}

/// Puts a body into an empty slot that belongs to the caller.
#[inline]
pub(crate) fn fill<B>(slot: &Slot<B>, body: B, magic: u64) {
    // SAFETY: the word says that nobody else touches the body, until the store below.
    unsafe { *slot.body.get() = Some(body) };
    slot.holders.store(1, Ordering::Relaxed);
    // Release pairs with the Acquire of `live`: who sees the word sees the body.
    slot.word.store(magic | LIVE, Ordering::Release);
}

/// Makes a handle without a body, known to the walk over all of its type.
pub(crate) fn fresh<H: Handle>() -> *mut H {
    let slot = Slot {
        word: AtomicU64::new(H::MAGIC | FREED),
        holders: AtomicUsize::new(0),
        older: AtomicPtr::default(),
        body: UnsafeCell::new(None),
    };
    let handle = Box::into_raw(Box::new(H::wrap(slot)));
    // SAFETY: just made.
    let slot = unsafe { &*handle }.slot();
    let newest = &H::shelf().newest;
    let mut older = newest.load(Ordering::Acquire);
    loop {
        slot.older.store(older, Ordering::Relaxed);
        // Release pairs with the Acquire of `any`.
        let pushed =
            newest.compare_exchange(older, handle.cast(), Ordering::AcqRel, Ordering::Acquire);
        match pushed {
            Ok(_) => return handle,
            Err(now) => older = now,
        }
    }
}

/// True if `test` holds for any handle of the type that isn't freed. Bodies aren't touched.
pub(crate) fn any<H: Handle>(test: impl Fn(&H) -> bool) -> bool {
    let mut next = H::shelf().newest.load(Ordering::Acquire);
    while !next.is_null() {
        // SAFETY: handles are never given back to the allocator.
        let handle = unsafe { &*next.cast::<H>() };
        let slot = handle.slot();
        if slot.word.load(Ordering::Acquire) != H::MAGIC | FREED && test(handle) {
            return true;
        }
        next = slot.older.load(Ordering::Relaxed);
    }
    false
}

/// The body of a handle that any thread may use.
#[inline]
pub(crate) fn live<H: Handle>(handle: Option<&H>) -> Result<&H::Body, ErrorKind>
where
    H::Body: Sync,
{
    let slot = handle.ok_or(ErrorKind::NullArgument)?.slot();
    if slot.word.load(Ordering::Acquire) != H::MAGIC | LIVE {
        return Err(ErrorKind::InvalidHandle);
    }
    // SAFETY: a live handle's body stays until its last holder frees it, and by the contract of
    // every function no thread frees a handle while another uses it.
    unsafe { &*slot.body.get() }.as_ref().ok_or(ErrorKind::InvalidHandle)
}

/// The body of a handle that one thread at a time may use, until the result is dropped.
#[inline]
pub(crate) fn enter<H: Handle>(handle: Option<&H>) -> Result<Entered<'_, H>, ErrorKind> {
    let handle = handle.ok_or(ErrorKind::NullArgument)?;
    let slot = handle.slot();
    let entered = slot.word.compare_exchange(
        H::MAGIC | LIVE,
        H::MAGIC | BUSY,
        // Acquire and Release pair with each other over the users of the handle.
        Ordering::Acquire,
        Ordering::Relaxed,
    );
    match entered {
        Ok(_) => Ok(Entered { handle }),
        Err(word) if word == H::MAGIC | BUSY => Err(ErrorKind::ConcurrentUse),
        Err(_) => Err(ErrorKind::InvalidHandle),
    }
}

/// The only user of a handle.
#[derive(Debug)]
pub(crate) struct Entered<'handle, H: Handle> {
    handle: &'handle H,
}

impl<H: Handle> Entered<'_, H> {
    /// Ends the handle and drops its body in place, without putting the handle on the shelf.
    pub(crate) fn end(self) {
        let slot = self.handle.slot();
        std::mem::forget(self);
        // SAFETY: the word says BUSY, so nobody else touches the body.
        unsafe { *slot.body.get() = None };
        slot.holders.store(0, Ordering::Relaxed);
        slot.word.store(H::MAGIC | FREED, Ordering::Release);
    }
}

impl<H: Handle> Deref for Entered<'_, H> {
    type Target = H::Body;

    fn deref(&self) -> &H::Body {
        // SAFETY: the word says BUSY, so nobody else touches the body.
        let body = unsafe { &*self.handle.slot().body.get() };
        body.as_ref().expect("a busy handle has a body")
    }
}

impl<H: Handle> DerefMut for Entered<'_, H> {
    fn deref_mut(&mut self) -> &mut H::Body {
        // SAFETY: the word says BUSY, so nobody else touches the body.
        let body = unsafe { &mut *self.handle.slot().body.get() };
        body.as_mut().expect("a busy handle has a body")
    }
}

impl<H: Handle> Drop for Entered<'_, H> {
    fn drop(&mut self) {
        self.handle.slot().word.store(H::MAGIC | LIVE, Ordering::Release);
    }
}

/// Adds a holder; a stale handle and NULL give NULL.
pub(crate) fn retain<H: Handle>(handle: Option<&H>) -> *mut H {
    let Some(handle) = handle else { return std::ptr::null_mut() };
    let slot = handle.slot();
    let held = slot.holders.fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| {
        (count > 0).then_some(count + 1)
    });
    if slot.word.load(Ordering::Acquire) != H::MAGIC | LIVE || held.is_err() {
        return std::ptr::null_mut();
    }
    std::ptr::from_ref(handle).cast_mut()
}

/// Takes a holder off; the last one gets the body. NULL and stale handles give nothing.
pub(crate) fn release<H: Handle>(handle: Option<&H>) -> Option<H::Body> {
    let handle = handle?;
    let slot = handle.slot();
    let word = slot.word.load(Ordering::Acquire);
    if word != H::MAGIC | LIVE {
        return None;
    }
    let held = slot
        .holders
        .fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| count.checked_sub(1));
    if held != Ok(1) {
        return None;
    }
    let swapped = slot.word.compare_exchange(
        H::MAGIC | LIVE,
        H::MAGIC | FREED,
        Ordering::AcqRel,
        Ordering::Acquire,
    );
    swapped.ok()?;
    // SAFETY: the last holder is gone, and the word lets nobody else in.
    let body = unsafe { &mut *slot.body.get() }.take();
    shelve(handle);
    body
}

/// Takes a holder off; at zero the handle becomes stale and keeps its body. True if it had one.
pub(crate) fn suspend<H: Handle>(handle: Option<&H>) -> bool {
    let Some(slot) = handle.map(Handle::slot) else { return false };
    if slot.word.load(Ordering::Acquire) != H::MAGIC | LIVE {
        return false;
    }
    let held = slot
        .holders
        .fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| count.checked_sub(1));
    if held == Ok(1) {
        slot.word.store(H::MAGIC | FREED, Ordering::Release);
    }
    held.is_ok()
}

/// Adds a holder to a handle that has a body, stale or not.
pub(crate) fn resume<H: Handle>(handle: &H) {
    let slot = handle.slot();
    slot.holders.fetch_add(1, Ordering::AcqRel);
    slot.word.store(H::MAGIC | LIVE, Ordering::Release);
}

/// Ends a suspended handle for good.
pub(crate) fn dissolve<H: Handle>(handle: &H) -> Option<H::Body> {
    let slot = handle.slot();
    slot.word.store(H::MAGIC | FREED, Ordering::Release);
    slot.holders.store(0, Ordering::Release);
    // SAFETY: the caller says that nobody has the handle any more.
    let body = unsafe { &mut *slot.body.get() }.take();
    shelve(handle);
    body
}

/// Puts an ended handle where `give` finds it. If the shelf is taken, the handle is let go of.
pub(crate) fn shelve<H: Handle>(handle: &H) {
    if let Ok(mut shelf) = H::shelf().freed.try_lock() {
        shelf.push_back(Address(std::ptr::from_ref(handle).cast_mut().cast()));
    }
}

/// The states in the low byte of a word.
const LIVE: u64 = 1;
const BUSY: u64 = 2;
const FREED: u64 = 3;

/// Freed handles that wait before the first of them serves again.
const QUARANTINE: usize = 64;
