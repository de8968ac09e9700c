//! One copy of hot data per thread stripe, so that two threads never write the same cache line.
//!
//! A shared counter costs eight times its price on two threads. A copy each costs nothing, and a
//! copy that one thread alone writes needs no locked instruction either: adding is a load and a
//! store. So the first threads of a process get a number of their own while they live; all others
//! share one more copy, where counters are added to atomically.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::sync::{self, AtomicU64};

/// `min(cores, 8)`, rounded up to a power of two: more stripes cost memory and merging time.
#[must_use]
pub fn stripe_count() -> usize {
    std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MOST_STRIPES)
        .next_power_of_two()
}

/// Whose copies the calling thread writes: found once for an operation, and used for all its counts.
#[derive(Clone, Copy, Debug)]
pub struct Stripe {
    number: u32,
}

impl Stripe {
    /// The calling thread's stripe.
    #[must_use]
    #[inline]
    pub fn mine() -> Self {
        // Fails while the thread ends; its number may be another's by then.
        let number = NUMBER.try_with(|number| number.0.get()).unwrap_or(UNKNOWN);
        if number == UNKNOWN { Self::first_use() } else { Self { number } }
    }

    #[cold]
    fn first_use() -> Self {
        let number = take_number();
        let is_kept = NUMBER.try_with(|own| own.0.set(number)).is_ok();
        if !is_kept {
            give_back(number);
        }
        let number = if is_kept { number } else { SHARED };
        EVER_TAKEN.fetch_or(1 << number.min(u32::BITS - 1), Ordering::Relaxed);
        Self { number }
    }
}

/// A copy of `T` for each stripe, and one for the threads without a number.
#[derive(Debug)]
pub struct Stripes<T> {
    copies: Box<[Padded<T>]>,
    /// The copy that is shared; those before it have one writer each.
    shared: u32,
}

/// Alone on its cache lines.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Padded<T>(T);

/// One thread's copy, and how it may be written.
#[derive(Debug)]
pub struct Mine<'a, T> {
    copy: &'a T,
    /// The copy's number.
    pub number: usize,
    /// True if no other thread writes it.
    pub is_alone: bool,
}

impl<T> std::ops::Deref for Mine<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.copy
    }
}

impl<T: Default> Stripes<T> {
    /// Makes copies for `count` threads, and one that all others share.
    ///
    /// With a count of 1 there is only the shared one: who asks for it wants one order of events.
    #[must_use]
    pub fn new(count: usize) -> Self {
        let shared = if count <= 1 { 0 } else { count.min(MOST_STRIPES) };
        let shared = u32::try_from(shared).unwrap_or(0);
        Self { copies: (0..=shared).map(|_| Padded::default()).collect(), shared }
    }
}

impl<T> Stripes<T> {
    /// For how many threads there is a copy each: the count to make others alike with.
    pub(crate) const fn writers(&self) -> usize {
        self.shared as usize
    }

    /// The copy that a thread of this stripe writes.
    #[must_use]
    #[inline]
    pub fn of(&self, stripe: Stripe) -> Mine<'_, T> {
        let number = stripe.number.min(self.shared);
        let copy = &self.copies[number as usize].0;
        Mine { copy, number: number as usize, is_alone: number < self.shared }
    }

    /// The copy of a number that [`of`](Self::of) gave.
    #[must_use]
    #[inline]
    pub fn at(&self, number: usize) -> Option<&T> {
        self.copies.get(number).map(|copy| &copy.0)
    }

    /// The copies that some thread may have written, for who merges often.
    #[inline]
    pub(crate) fn used(&self) -> impl Iterator<Item = &T> {
        let ever = EVER_TAKEN.load(Ordering::Relaxed);
        let shared_ones = ever >> self.shared;
        // Bits above the shared copy's own are those of threads that share it.
        let numbers =
            ever & !(u32::MAX << self.shared) | u32::from(shared_ones != 0) << self.shared;
        self.copies
            .iter()
            .enumerate()
            .filter_map(move |(number, copy)| (numbers >> number & 1 != 0).then_some(&copy.0))
    }

    /// Every copy, for merging.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.copies.iter().map(|copy| &copy.0)
    }
}

/// A counter on a stripe.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// Adds, and returns what it was; `is_alone` says that no other thread writes it.
    #[inline]
    pub(crate) fn add(&self, by: u64, is_alone: bool) -> u64 {
        if is_alone {
            let old = self.0.load(Ordering::Relaxed);
            self.0.store(old.wrapping_add(by), Ordering::Relaxed);
            old
        } else {
            self.0.fetch_add(by, Ordering::Relaxed)
        }
    }

    /// As [`add`](Self::add), after what the thread did before: who sees the sum, and then a fence, sees
    /// that too.
    #[inline]
    pub(crate) fn add_last(&self, by: u64, is_alone: bool) {
        if is_alone {
            let old = self.0.load(Ordering::Relaxed);
            self.0.store(old.wrapping_add(by), Ordering::Release);
        } else {
            self.0.fetch_add(by, Ordering::Release);
        }
    }

    #[inline]
    pub(crate) fn load(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// For who knows that nobody adds meanwhile.
    pub(crate) fn set(&self, to: u64) {
        self.0.store(to, Ordering::Relaxed);
    }
}

/// Leaves the numbers to the one thread that lives on in a forked child.
pub(crate) fn forget_other_threads() {
    let own = NUMBER.try_with(|number| number.0.get()).unwrap_or(SHARED);
    TAKEN.store(if own < u32::BITS { 1 << own } else { 0 }, Ordering::Relaxed);
}

/// The lowest free number, or none.
fn take_number() -> u32 {
    // Models run all their threads on one, so none of them is alone.
    if sync::IS_MODEL {
        return SHARED;
    }
    let mut taken = TAKEN.load(Ordering::Relaxed);
    loop {
        let number = taken.trailing_ones();
        if number as usize >= MOST_STRIPES {
            return SHARED;
        }
        // Acquire pairs with the Release of `give_back`: what the last owner counted is seen.
        let after = taken | 1 << number;
        match TAKEN.compare_exchange_weak(taken, after, Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => return number,
            Err(seen) => taken = seen,
        }
    }
}

fn give_back(number: u32) {
    if number < u32::BITS {
        TAKEN.fetch_and(!(1 << number), Ordering::Release);
    }
}

/// A thread's number, which the next thread gets when it ends.
struct Number(Cell<u32>);

impl Drop for Number {
    fn drop(&mut self) {
        give_back(self.0.get());
    }
}

thread_local! {
    static NUMBER: Number = const { Number(Cell::new(UNKNOWN)) };
}

/// A bit for each number that a thread has.
static TAKEN: AtomicU32 = AtomicU32::new(0);

/// A bit for each number that a thread ever had, the highest for all that had none of their own.
static EVER_TAKEN: AtomicU32 = AtomicU32::new(0);

const UNKNOWN: u32 = u32::MAX;

/// The number of all threads that have none of their own.
const SHARED: u32 = u32::MAX - 1;

/// Beyond eight, merging a counter on read costs more than the contention it avoids.
const MOST_STRIPES: usize = 8;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn no_two_threads_are_alone_on_one_copy() {
        let stripes = Stripes::<Count>::new(2);
        let threads = 12;
        let all_in = Barrier::new(threads);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let _ = Stripe::mine();
                    all_in.wait();
                    for _ in 0..10_000 {
                        let mine = stripes.of(Stripe::mine());
                        mine.add(1, mine.is_alone);
                    }
                });
            }
        });

        assert_eq!(stripes.iter().map(Count::load).sum::<u64>(), 120_000);
    }

    #[test]
    fn a_single_stripe_is_everybodys() {
        let stripes = Stripes::<Count>::new(1);

        assert!(!stripes.of(Stripe::mine()).is_alone);
        assert_eq!(stripes.iter().count(), 1);
    }

    #[test]
    fn a_copy_that_any_thread_wrote_counts_as_used() {
        for count in [1, 2, 8] {
            let stripes = Stripes::<Count>::new(count);
            std::thread::scope(|scope| {
                for _ in 0..12 {
                    scope.spawn(|| {
                        let mine = stripes.of(Stripe::mine());
                        mine.add(1, mine.is_alone);
                    });
                }
            });

            assert_eq!(stripes.used().map(Count::load).sum::<u64>(), 12, "{count}");
        }
    }

    #[test]
    fn a_thread_that_ends_leaves_its_number_to_the_next() {
        let number = || std::thread::spawn(|| Stripe::mine().number).join().unwrap();

        let numbers: Vec<u32> = (0..100).map(|_| number()).collect();

        assert!(numbers.iter().all(|number| *number < 8 || *number == SHARED), "{numbers:?}");
    }
}
