//! Locks that a fork waits for, so that no child ever finds one taken.
//!
//! A child of `fork` has the one thread that forked, and all memory as it was. A lock that another
//! thread held at that moment stays taken there for ever, and what it guards may be half changed. So
//! whoever takes a lock counts as busy, the few lock-free structures that can't be left half-way
//! count their users too ([`busy`]), and a fork begins when nobody is. Meanwhile newcomers wait.
//!
//! The order of locks doesn't matter to a fork: a thread that holds one is let on to the next, only
//! threads that hold none wait. Nothing here is on the way of a pick.

#![expect(clippy::disallowed_types, reason = "they are what the locks of all others are made of")]

use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A mutex that isn't taken in any forked child. A panic while it is held doesn't poison it.
#[derive(Default)]
pub struct Lock<T> {
    inside: Mutex<T>,
}

/// A lock that is held.
#[derive(Debug)]
pub struct Held<'a, T> {
    // Before the other field, since fields are dropped in this order.
    inside: MutexGuard<'a, T>,
    _busy: Busy,
}

/// A thread in the middle of something that a fork must not cut in two.
#[derive(Debug)]
pub struct Busy {
    /// The thread that began is the one that ends.
    _thread: PhantomData<*const ()>,
}

impl<T> Lock<T> {
    /// Makes a lock around `value`.
    #[must_use]
    pub const fn new(value: T) -> Self {
        Self { inside: Mutex::new(value) }
    }

    /// Takes the lock.
    pub fn lock(&self) -> Held<'_, T> {
        let busy = busy();
        let inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        Held { inside, _busy: busy }
    }
}

impl<T> fmt::Debug for Lock<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Lock").finish_non_exhaustive()
    }
}

impl<T> Deref for Held<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inside
    }
}

impl<T> DerefMut for Held<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inside
    }
}

/// Makes a fork wait until the result is dropped; waits for one that is under way.
#[must_use = "a fork waits as long as this lives"]
pub fn busy() -> Busy {
    let depth = DEPTH.get();
    if depth == 0 {
        begin();
    }
    DEPTH.set(depth + 1);
    Busy { _thread: PhantomData }
}

fn begin() {
    loop {
        // Sequentially consistent, as in `hold`: of the two one sees the other.
        BUSY.fetch_add(1, Ordering::SeqCst);
        if !IS_HELD.load(Ordering::SeqCst) || IS_FORKING.get() {
            return;
        }
        BUSY.fetch_sub(1, Ordering::SeqCst);
        drop(FORK.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let depth = DEPTH.get() - 1;
        DEPTH.set(depth);
        if depth == 0 {
            BUSY.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// Waits for other threads' forks, and keeps new ones from beginning until [`let_go`].
pub(crate) fn reserve() {
    let fork = FORK.lock().unwrap_or_else(PoisonError::into_inner);
    RESERVED.with_borrow_mut(|reserved| *reserved = Some(fork));
    IS_FORKING.set(true);
}

/// Waits until nobody is busy, and keeps it so until [`let_go`]. The calling thread may go on.
pub(crate) fn hold() {
    IS_HELD.store(true, Ordering::SeqCst);
    // The forking thread may be busy itself, where the program's code runs within ours.
    let own = u32::from(DEPTH.get() > 0);
    for round in 0..LONGEST {
        if BUSY.load(Ordering::SeqCst) <= own {
            return;
        }
        if round < SPINS {
            std::thread::yield_now();
        } else {
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }
}

/// Ends what [`reserve`] and [`hold`] began, in the parent.
pub(crate) fn let_go() {
    IS_HELD.store(false, Ordering::SeqCst);
    IS_FORKING.set(false);
    RESERVED.with_borrow_mut(|reserved| drop(reserved.take()));
}

/// Ends it in the child, where nobody but the calling thread can be busy.
pub(crate) fn let_go_in_child() {
    BUSY.store(u32::from(DEPTH.get() > 0), Ordering::SeqCst);
    let_go();
}

/// Held by the thread that forks.
static FORK: Mutex<()> = Mutex::new(());

/// True while nobody may become busy.
static IS_HELD: AtomicBool = AtomicBool::new(false);

/// Threads that are busy.
static BUSY: AtomicU32 = AtomicU32::new(0);

thread_local! {
    /// How often the thread is busy: locks within locks.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// True while this is the thread that forks.
    static IS_FORKING: Cell<bool> = const { Cell::new(false) };
    /// What the thread that forks holds meanwhile; its child inherits it.
    static RESERVED: RefCell<Option<MutexGuard<'static, ()>>> = const { RefCell::new(None) };
}

/// Looks before it waits in earnest: nearly all locks are held for microseconds.
const SPINS: u32 = 1_000;

/// Looks altogether, a second's worth: a thread that is stuck in the program's own code must not
/// hold up a fork for ever.
const LONGEST: u32 = SPINS + 1_000;

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    /// A thread that is busy and waits for another one's fork would hold that up.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    #[test]
    fn a_fork_waits_until_nobody_is_busy_and_newcomers_wait_for_it() {
        let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let (is_taken, lock) = (Barrier::new(2), Lock::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut held = lock.lock();
                is_taken.wait();
                for _ in 0..1_000 {
                    std::thread::yield_now();
                }
                *held += 1;
            });
            is_taken.wait();

            reserve();
            hold();
            assert_eq!(*lock.lock(), 1, "the forking thread itself goes on");
            let late = scope.spawn(|| *lock.lock() += 10);
            assert_eq!(*lock.lock(), 1);
            let_go();

            late.join().expect("it ends");
        });

        assert_eq!(*lock.lock(), 11);
    }

    #[test]
    fn a_thread_that_is_busy_may_fork() {
        let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let lock = Lock::new(());
        let held = lock.lock();

        reserve();
        hold();
        let_go();
        drop(held);

        drop(lock.lock());
    }
}
