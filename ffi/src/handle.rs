//! Handles: what C holds instead of our objects, checked at each use.
//!
//! A freed handle goes to a shelf of its own type and serves again (`shelf`). What it owned is dropped at
//! once; a shelf entry is a few dozen bytes.

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};

use failover::ErrorKind;

use crate::shelf::Shelf;

/// What a reference to a handle reaches: its word, whatever its type. The rest is behind it.
#[repr(transparent)]
#[derive(Debug)]
pub(crate) struct Slot<B> {
    /// What the handle is now; alone says whether the rest may be touched.
    pub(crate) word: AtomicU64,
    body: PhantomData<fn() -> B>,
}

/// The memory of a handle. The word comes first in every type, so that a handle of another type, which
/// may be shorter, is told by it.
#[repr(C)]
struct Whole<H: Handle> {
    word: AtomicU64,
    holders: AtomicUsize,
    /// The handle made before this one, of the same type; for walks over all of them.
    older: AtomicPtr<u8>,
    beside: H::Beside,
    body: UnsafeCell<Option<H::Body>>,
}

/// A type that C sees as an opaque handle. It holds one slot and nothing else, which `handle` sees to.
pub(crate) trait Handle: Sized + 'static {
    /// What the handle owns. Any thread may end it; only one at a time is let in where it isn't `Sync`
    /// (`enter`).
    type Body: Send;
    /// What can be read of a handle that isn't entered.
    type Beside: Default;
    /// Tells this type's live handles from everything else; the low byte is 0.
    const MAGIC: u64;
    /// The handle's word, which is where every handle of any type has its own.
    fn word(&self) -> &AtomicU64;
    /// Where freed ones wait.
    fn shelf() -> &'static Shelf;
}

/// Makes an opaque handle type of a struct that wraps one slot.
macro_rules! handle {
    ($name:ident, $body:ty, $magic:literal) => {
        $crate::handle::handle!($name, $body, $magic, ());
    };
    ($name:ident, $body:ty, $magic:literal, $beside:ty) => {
        impl $crate::handle::Handle for $name {
            type Body = $body;
            type Beside = $beside;
            const MAGIC: u64 = u64::from_be_bytes(*$magic) << 8;

            #[inline]
            fn word(&self) -> &std::sync::atomic::AtomicU64 {
                &self.0.word
            }

            fn shelf() -> &'static $crate::shelf::Shelf {
                static SHELF: $crate::shelf::Shelf = $crate::shelf::Shelf::new();
                &SHELF
            }
        }

        // A reference to a handle of the wrong type must reach no further than the word.
        const _: () = assert!(size_of::<$name>() == size_of::<u64>());
        const _: () = assert!(align_of::<$name>() == align_of::<u64>());
    };
}
pub(crate) use handle;

/// All of a handle.
///
/// # Safety
///
/// The handle is one of type `H`: its word said so, or it comes from within the library.
#[inline]
unsafe fn whole<'a, H: Handle>(handle: *const H) -> &'a Whole<H> {
    // A reference to a handle stands for its word alone, so the address is made a pointer anew, with
    // what `fresh` exposed.
    let whole = std::ptr::with_exposed_provenance::<Whole<H>>(handle.addr());
    // SAFETY: by this function's contract there is one, and handles are never given back to the
    // allocator.
    unsafe { &*whole }
}

/// Gives a new handle to C, with one holder.
pub(crate) fn give<H: Handle>(body: H::Body) -> *mut H {
    let handle = unshelved::<H>();
    // SAFETY: a handle on the shelf, or a fresh one, is an `H` that nobody else uses.
    unsafe { fill(handle, body) };
    handle
}

/// A handle without a body, from the shelf or fresh, for the caller alone.
pub(crate) fn unshelved<H: Handle>() -> *mut H {
    H::shelf().take().map_or_else(fresh::<H>, <*mut u8>::cast)
}

/// Puts a body into a handle without one.
///
/// # Safety
///
/// The handle came from `unshelved`, or was ended, and belongs to the caller alone.
#[inline]
pub(crate) unsafe fn fill<H: Handle>(handle: *const H, body: H::Body) {
    // SAFETY: as this function's own contract.
    let whole = unsafe { whole(handle) };
    // SAFETY: the word says that nobody else touches the body, until the store below.
    unsafe { *whole.body.get() = Some(body) };
    whole.holders.store(1, Ordering::Relaxed);
    // Release pairs with the Acquire of `live`: who sees the word sees the body.
    whole.word.store(H::MAGIC | LIVE, Ordering::Release);
}

/// Makes a handle without a body, known to the walk over all of its type.
fn fresh<H: Handle>() -> *mut H {
    let made = Box::into_raw(Box::new(Whole::<H> {
        word: AtomicU64::new(H::MAGIC | FREED),
        holders: AtomicUsize::new(0),
        older: AtomicPtr::default(),
        beside: H::Beside::default(),
        body: UnsafeCell::new(None),
    }));
    let _address = made.expose_provenance();
    let newest = &H::shelf().newest;
    let mut older = newest.load(Ordering::Acquire);
    loop {
        // SAFETY: just made.
        unsafe { &*made }.older.store(older, Ordering::Relaxed);
        // Release pairs with the Acquire of `any`.
        let pushed =
            newest.compare_exchange(older, made.cast(), Ordering::AcqRel, Ordering::Acquire);
        match pushed {
            Ok(_) => return made.cast(),
            Err(now) => older = now,
        }
    }
}

/// A handle that lasts as long as the process, for what has to be told when nothing can be made.
pub(crate) struct Lasting<H: Handle>(Whole<H>);

// SAFETY: the word is LIVE for ever, so the body is reached through `live` alone, which is for `Sync`
// bodies.
unsafe impl<H: Handle> Sync for Lasting<H> where H::Body: Sync {}

impl<H: Handle<Beside = ()>> Lasting<H> {
    pub(crate) const fn new(body: H::Body) -> Self {
        Self(Whole {
            word: AtomicU64::new(H::MAGIC | LIVE),
            // More than will ever be taken off.
            holders: AtomicUsize::new(usize::MAX / 2),
            older: AtomicPtr::new(std::ptr::null_mut()),
            beside: (),
            body: UnsafeCell::new(Some(body)),
        })
    }

    /// Gives it to C, which may free it as often as it gets it.
    pub(crate) fn give(&'static self) -> *mut H {
        let address = std::ptr::from_ref(&self.0).expose_provenance();
        std::ptr::with_exposed_provenance_mut(address)
    }
}

/// What is beside the body of a handle.
///
/// # Safety
///
/// The handle is one of type `H`, as for `whole`.
#[inline]
pub(crate) unsafe fn beside<'a, H: Handle>(handle: *const H) -> &'a H::Beside {
    // SAFETY: as this function's own contract.
    &unsafe { whole(handle) }.beside
}

/// True if `test` holds for what is beside any handle of the type that isn't freed.
pub(crate) fn any<H: Handle>(test: impl Fn(&H::Beside) -> bool) -> bool {
    let mut next = H::shelf().newest.load(Ordering::Acquire);
    while !next.is_null() {
        // SAFETY: handles are never given back to the allocator.
        let whole = unsafe { &*next.cast::<Whole<H>>() };
        if whole.word.load(Ordering::Acquire) != H::MAGIC | FREED && test(&whole.beside) {
            return true;
        }
        next = whole.older.load(Ordering::Relaxed);
    }
    false
}

/// The body of a handle that any thread may use.
#[inline]
pub(crate) fn live<H: Handle>(handle: Option<&H>) -> Result<&H::Body, ErrorKind>
where
    H::Body: Sync,
{
    let whole = known(handle)?;
    // SAFETY: a live handle's body stays until its last holder frees it, and by the contract of
    // every function no thread frees a handle while another uses it.
    unsafe { &*whole.body.get() }.as_ref().ok_or(ErrorKind::InvalidHandle)
}

/// All of a live handle. Of one that isn't, no more than the word is read.
#[inline]
fn known<H: Handle>(handle: Option<&H>) -> Result<&Whole<H>, ErrorKind> {
    let handle = handle.ok_or(ErrorKind::NullArgument)?;
    if handle.word().load(Ordering::Acquire) != H::MAGIC | LIVE {
        return Err(ErrorKind::InvalidHandle);
    }
    // SAFETY: the word says so.
    Ok(unsafe { whole(handle) })
}

/// The body of a handle that one thread at a time may use, until the result is dropped.
#[inline]
pub(crate) fn enter<H: Handle>(handle: Option<&H>) -> Result<Entered<'_, H>, ErrorKind> {
    let handle = handle.ok_or(ErrorKind::NullArgument)?;
    let entered = handle.word().compare_exchange(
        H::MAGIC | LIVE,
        H::MAGIC | BUSY,
        // Acquire and Release pair with each other over the users of the handle.
        Ordering::Acquire,
        Ordering::Relaxed,
    );
    match entered {
        // SAFETY: the word said so.
        Ok(_) => Ok(Entered { whole: unsafe { whole(handle) } }),
        Err(word) if word == H::MAGIC | BUSY => Err(ErrorKind::ConcurrentUse),
        Err(_) => Err(ErrorKind::InvalidHandle),
    }
}

/// The only user of a handle.
pub(crate) struct Entered<'handle, H: Handle> {
    whole: &'handle Whole<H>,
}

impl<H: Handle> Entered<'_, H> {
    /// Ends the handle and drops its body in place, without putting the handle on the shelf.
    pub(crate) fn end(self) {
        let whole = self.whole;
        std::mem::forget(self);
        // SAFETY: the word says BUSY, so nobody else touches the body.
        unsafe { *whole.body.get() = None };
        whole.holders.store(0, Ordering::Relaxed);
        whole.word.store(H::MAGIC | FREED, Ordering::Release);
    }
}

impl<H: Handle> Deref for Entered<'_, H> {
    type Target = H::Body;

    fn deref(&self) -> &H::Body {
        // SAFETY: the word says BUSY, so nobody else touches the body.
        let body = unsafe { &*self.whole.body.get() };
        body.as_ref().expect("a busy handle has a body")
    }
}

impl<H: Handle> DerefMut for Entered<'_, H> {
    fn deref_mut(&mut self) -> &mut H::Body {
        // SAFETY: the word says BUSY, so nobody else touches the body.
        let body = unsafe { &mut *self.whole.body.get() };
        body.as_mut().expect("a busy handle has a body")
    }
}

impl<H: Handle> Drop for Entered<'_, H> {
    fn drop(&mut self) {
        self.whole.word.store(H::MAGIC | LIVE, Ordering::Release);
    }
}

/// Adds a holder; a stale handle and NULL give NULL.
pub(crate) fn retain<H: Handle>(handle: Option<&H>) -> *mut H {
    let (Some(handle), Ok(whole)) = (handle, known(handle)) else { return std::ptr::null_mut() };
    let held = whole.holders.fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| {
        (count > 0).then_some(count + 1)
    });
    if held.is_err() {
        return std::ptr::null_mut();
    }
    std::ptr::from_ref(handle).cast_mut()
}

/// A holder for as long as it lives: a handle that is freed in another thread meanwhile ends with it.
pub(crate) struct Hold<'handle, H: Handle>(&'handle H);

/// Adds a holder until the result is dropped.
pub(crate) fn hold<H: Handle>(handle: Option<&H>) -> Result<Hold<'_, H>, ErrorKind>
where
    H::Body: Sync,
{
    let handle = handle.ok_or(ErrorKind::NullArgument)?;
    if retain(Some(handle)).is_null() {
        return Err(ErrorKind::InvalidHandle);
    }
    Ok(Hold(handle))
}

impl<H: Handle> Deref for Hold<'_, H> {
    type Target = H::Body;

    fn deref(&self) -> &H::Body {
        // SAFETY: its word said so when it was held, and holders keep it what it is.
        let whole = unsafe { whole(self.0) };
        // SAFETY: `hold` asks for a body that is `Sync`, and while it has holders nobody takes it.
        let body = unsafe { &*whole.body.get() };
        body.as_ref().expect("a held handle has a body")
    }
}

impl<H: Handle> Drop for Hold<'_, H> {
    fn drop(&mut self) {
        drop(release(Some(self.0)));
    }
}

/// Takes a holder off; the last one gets the body, and the handle serves again. NULL and stale handles
/// give nothing.
pub(crate) fn release<H: Handle>(handle: Option<&H>) -> Option<H::Body> {
    let body = end(handle);
    if body.is_some() {
        handle.map(shelve);
    }
    body
}

/// Takes a holder off; the last one gets the body, and may put the handle on the shelf.
pub(crate) fn end<H: Handle>(handle: Option<&H>) -> Option<H::Body> {
    let whole = known(handle).ok()?;
    let held = whole
        .holders
        .fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| count.checked_sub(1));
    if held != Ok(1) {
        return None;
    }
    let swapped = whole.word.compare_exchange(
        H::MAGIC | LIVE,
        H::MAGIC | FREED,
        Ordering::AcqRel,
        Ordering::Acquire,
    );
    swapped.ok()?;
    // SAFETY: the last holder is gone, and the word lets nobody else in.
    unsafe { &mut *whole.body.get() }.take()
}

/// Takes a holder off; at zero the handle becomes stale and keeps its body. True if it had one.
pub(crate) fn suspend<H: Handle>(handle: Option<&H>) -> bool {
    let Ok(whole) = known(handle) else { return false };
    let held = whole
        .holders
        .fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| count.checked_sub(1));
    if held == Ok(1) {
        whole.word.store(H::MAGIC | FREED, Ordering::Release);
    }
    held.is_ok()
}

/// Adds a holder to a handle that has a body, stale or not.
///
/// # Safety
///
/// The handle is one of type `H`, as for `whole`.
pub(crate) unsafe fn resume<H: Handle>(handle: &H) {
    // SAFETY: as this function's own contract.
    let whole = unsafe { whole(handle) };
    whole.holders.fetch_add(1, Ordering::AcqRel);
    whole.word.store(H::MAGIC | LIVE, Ordering::Release);
}

/// Ends a suspended handle for good.
///
/// # Safety
///
/// The handle is one of type `H`, as for `whole`, and nobody has it any more.
pub(crate) unsafe fn dissolve<H: Handle>(handle: &H) -> Option<H::Body> {
    // SAFETY: as this function's own contract.
    let whole = unsafe { whole(handle) };
    whole.word.store(H::MAGIC | FREED, Ordering::Release);
    whole.holders.store(0, Ordering::Release);
    // SAFETY: the caller says that nobody has the handle any more.
    let body = unsafe { &mut *whole.body.get() }.take();
    shelve(handle);
    body
}

/// Puts an ended handle where `give` finds it.
pub(crate) fn shelve<H: Handle>(handle: &H) {
    H::shelf().put(std::ptr::from_ref(handle).cast_mut().cast());
}

/// The states in the low byte of a word.
const LIVE: u64 = 1;
const BUSY: u64 = 2;
const FREED: u64 = 3;
