//! One copy of hot data per thread stripe, so that two threads never write the same cache line.
//!
//! A shared counter costs eight times its price on two threads; a copy each costs nothing. Threads
//! get their numbers in the order of their first use; a stripe may serve several threads, hence the
//! data in it is atomic all the same.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};

/// `min(cores, 8)`, rounded up to a power of two: more stripes cost memory and merging time.
#[must_use]
pub fn stripe_count() -> usize {
    std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MOST_STRIPES)
        .next_power_of_two()
}

/// A copy of `T` for each stripe.
#[derive(Debug)]
pub struct Stripes<T> {
    copies: Box<[Padded<T>]>,
    mask: usize,
}

/// Alone on its cache lines.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Padded<T>(T);

impl<T: Default> Stripes<T> {
    /// Makes `count` copies; `count` is a power of two.
    #[must_use]
    pub fn new(count: usize) -> Self {
        let count = count.max(1).next_power_of_two();
        Self { copies: (0..count).map(|_| Padded::default()).collect(), mask: count - 1 }
    }
}

impl<T> Stripes<T> {
    /// The calling thread's copy, and its number.
    #[must_use]
    #[inline]
    pub fn mine(&self) -> (&T, usize) {
        let number = if self.mask == 0 { 0 } else { thread_number() & self.mask };
        (&self.copies[number].0, number)
    }

    /// The copy of a number that [`mine`](Self::mine) gave.
    #[must_use]
    #[inline]
    pub fn at(&self, number: usize) -> Option<&T> {
        self.copies.get(number).map(|copy| &copy.0)
    }

    /// Every copy, for merging.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.copies.iter().map(|copy| &copy.0)
    }

    /// How many copies there are.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is always at least one copy")]
    pub const fn len(&self) -> usize {
        self.mask + 1
    }
}

#[inline]
fn thread_number() -> usize {
    NUMBER.with(|number| {
        let known = number.get();
        if known != UNKNOWN {
            return known as usize;
        }
        let fresh = NEXT.fetch_add(1, Ordering::Relaxed) & (UNKNOWN >> 1);
        number.set(fresh);
        fresh as usize
    })
}

thread_local! {
    static NUMBER: Cell<u32> = const { Cell::new(UNKNOWN) };
}

static NEXT: AtomicU32 = AtomicU32::new(0);

const UNKNOWN: u32 = u32::MAX;

/// Beyond eight, merging a counter on read costs more than the contention it avoids.
const MOST_STRIPES: usize = 8;
