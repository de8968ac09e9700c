//! Tickets: each attempt that leaves the library as plain numbers is returned at most once.
//!
//! A lease that crossed a border can be copied, so its owner might return it twice and free an
//! in-flight place that belongs to another. A ticket is one word: odd while it is out, and moved on
//! when it comes back, so that only the first return finds what was written on it. Returning costs
//! one exchange, since any thread may do it; taking costs none on a stripe with one thread, since
//! nobody else touches a word that is in. The table grows by chunks that are never given back, and
//! allocates nothing while enough tickets are in. Words begin at a number of the table's own, so that
//! a ticket brought to another pool is refused there, but for a chance of one in two billion.

use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;

use crate::lock::busy;
use crate::rng;
use crate::stats::{Stripe, Stripes};
use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// The tickets of one pool.
#[derive(Debug)]
pub struct Tickets {
    lanes: Stripes<Lane>,
    /// Where words begin: even, so that they are in.
    first: u64,
}

/// One stripe's tickets.
#[derive(Debug, Default)]
struct Lane {
    /// Where the next free ticket is likely to be; only a hint.
    hint: AtomicU32,
    /// Chunks in use.
    chunks: AtomicU32,
    words: [OnceLock<Box<[AtomicU64]>>; CHUNKS],
}

impl Tickets {
    /// Makes a table for `stripes` thread stripes.
    #[must_use]
    pub fn new(stripes: usize) -> Self {
        let first = rng::mix(NEXT_TABLE.fetch_add(1, Ordering::Relaxed) as u64) << 1;
        let tickets = Self { lanes: Stripes::new(stripes), first };
        tickets.lanes.iter().for_each(|lane| lane.grow(0, first));
        tickets
    }

    /// Takes a ticket: a number that isn't 0. `None` if most of sixteen million are out on this
    /// stripe.
    #[must_use]
    #[inline]
    pub fn take(&self, stripe: Stripe) -> Option<u64> {
        let lane = self.lanes.of(stripe);
        let (place, serial) = lane.take(lane.is_alone, self.first)?;
        Some((serial & SERIAL) << 32 | (lane.number as u64) << 24 | u64::from(place))
    }

    /// Brings a ticket back. True the first time, false for one that was never out or came back.
    #[must_use]
    #[inline]
    pub fn give_back(&self, ticket: u64) -> bool {
        let stripe = (ticket >> 24 & 0xff) as usize;
        let Some(lane) = self.lanes.at(stripe) else { return false };
        lane.give_back((ticket & 0xff_ffff) as u32, ticket >> 32)
    }
}

impl Lane {
    /// The place and the word of a free ticket, which is out now.
    #[inline]
    fn take(&self, is_alone: bool, first: u64) -> Option<(u32, u64)> {
        let place = self.hint.load(Ordering::Relaxed);
        match self.take_at(place, is_alone) {
            Some(serial) => {
                // Who takes one after another finds the next place free at once.
                self.hint.store(place + 1, Ordering::Relaxed);
                Some((place, serial))
            }
            None => self.search(is_alone, first),
        }
    }

    #[cold]
    #[inline(never)]
    fn search(&self, is_alone: bool, first: u64) -> Option<(u32, u64)> {
        loop {
            let chunks = self.chunks.load(Ordering::Acquire);
            let count = capacity(chunks);
            let hint = self.hint.load(Ordering::Relaxed);
            for place in near(hint, count).chain(far(hint, count)) {
                if let Some(serial) = self.take_at(place, is_alone) {
                    self.hint.store(place + 1, Ordering::Relaxed);
                    return Some((place, serial));
                }
            }
            if chunks as usize == CHUNKS {
                return None;
            }
            self.grow(chunks, first);
            self.hint.store(count, Ordering::Relaxed);
        }
    }

    /// The word of the ticket at `place`, which is out now; `None` if it was already.
    #[inline]
    fn take_at(&self, place: u32, is_alone: bool) -> Option<u64> {
        let word = self.word(place)?;
        let free = word.load(Ordering::Relaxed);
        let out = free.wrapping_add(1);
        if free & 1 == 1 {
            return None;
        }
        if is_alone {
            word.store(out, Ordering::Relaxed);
            return Some(out);
        }
        let swapped = word.compare_exchange(free, out, Ordering::Relaxed, Ordering::Relaxed);
        swapped.is_ok().then_some(out)
    }

    #[inline]
    fn give_back(&self, place: u32, serial: u64) -> bool {
        let Some(word) = self.word(place) else { return false };
        let out = word.load(Ordering::Relaxed);
        let is_first = out & 1 == 1
            && out & SERIAL == serial
            && word
                .compare_exchange(out, out.wrapping_add(1), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if is_first {
            self.hint.store(place, Ordering::Relaxed);
        }
        is_first
    }

    /// Chunk 0 holds the first places, each later one as many as all before it.
    #[inline]
    fn word(&self, place: u32) -> Option<&AtomicU64> {
        let chunk = (place >> FIRST_BITS).checked_ilog2().map_or(0, |log| log + 1);
        let begin = if chunk == 0 { 0 } else { capacity(chunk) };
        self.words.get(chunk as usize)?.get()?.get((place - begin) as usize)
    }

    /// Adds chunk number `chunk`, unless another thread did.
    #[cold]
    fn grow(&self, chunk: u32, first: u64) {
        let size = if chunk == 0 { capacity(1) } else { capacity(chunk) };
        let make = || (0..size).map(|_| AtomicU64::new(first)).collect();
        // No forked child finds a chunk half made, with nobody there to finish it.
        let _busy = busy();
        self.words[chunk as usize].get_or_init(make);
        // Release pairs with the Acquire of `take`: who sees the chunk's number sees its words.
        self.chunks.fetch_max(chunk + 1, Ordering::AcqRel);
    }
}

/// The places that follow the hint: who returns tickets in any order leaves gaps there.
fn near(hint: u32, count: u32) -> impl Iterator<Item = u32> {
    (0..LONGEST_SEARCH).map(move |step| hint.wrapping_add(step) & (count - 1))
}

/// Places all over the table, by strides of the golden ratio. If half of it is in, one of them is
/// in all but surely; so the table grows only where that many are out.
fn far(hint: u32, count: u32) -> impl Iterator<Item = u32> {
    let stride = ((u64::from(count) * 0x9e37_79b9) >> 32) as u32 | 1;
    (1..=LONGEST_SEARCH).map(move |step| hint.wrapping_add(step.wrapping_mul(stride)) & (count - 1))
}

/// Places in the first `chunks` chunks.
const fn capacity(chunks: u32) -> u32 {
    if chunks == 0 { 0 } else { 1 << (FIRST_BITS + chunks - 1) }
}

/// The number of the next table of the process.
static NEXT_TABLE: AtomicUsize = AtomicUsize::new(1);

/// The first chunk holds 64 tickets.
const FIRST_BITS: u32 = 6;

/// Sixteen million tickets a stripe: 24 bits of a ticket name its place.
const CHUNKS: usize = 19;

/// The part of a word that a ticket carries; it comes round after two billion uses of one place.
const SERIAL: u64 = 0xffff_ffff;

/// Occupied places that a search passes near the hint, and as many all over the table, before the
/// table grows.
const LONGEST_SEARCH: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_comes_back_once() {
        let tickets = Tickets::new(2);
        let ticket = tickets.take(Stripe::mine()).unwrap();

        assert_ne!(ticket, 0);
        assert!(tickets.give_back(ticket));
        assert!(!tickets.give_back(ticket), "the second return");
        assert!(!tickets.give_back(0), "never out");
        assert!(!tickets.give_back(u64::MAX), "never out");
    }

    #[test]
    fn a_place_that_serves_again_refuses_its_old_ticket() {
        let tickets = Tickets::new(1);
        let old = tickets.take(Stripe::mine()).unwrap();
        assert!(tickets.give_back(old));

        let new = tickets.take(Stripe::mine()).unwrap();

        assert_eq!(old & 0xff_ffff, new & 0xff_ffff, "the same place");
        assert!(!tickets.give_back(old));
        assert!(tickets.give_back(new));
    }

    #[test]
    fn a_ticket_of_another_table_is_refused() {
        let tables: Vec<Tickets> = (0..50).map(|_| Tickets::new(1)).collect();
        let out: Vec<u64> =
            tables.iter().map(|table| table.take(Stripe::mine()).unwrap()).collect();

        for (at, table) in tables.iter().enumerate() {
            let others = out.iter().enumerate().filter(|(other, _)| *other != at);
            assert!(others.into_iter().all(|(_, ticket)| !table.give_back(*ticket)), "table {at}");
        }
        assert!(tables.iter().zip(&out).all(|(table, own)| table.give_back(*own)));
    }

    #[test]
    fn ten_thousand_may_be_out_at_once() {
        let tickets = Tickets::new(1);

        let out: std::collections::HashSet<u64> =
            (0..10_000).map(|_| tickets.take(Stripe::mine()).unwrap()).collect();

        assert_eq!(out.len(), 10_000);
        assert!(out.iter().all(|ticket| tickets.give_back(*ticket)));
        assert!(!out.iter().any(|ticket| tickets.give_back(*ticket)));
    }
    #[test]
    fn the_table_grows_by_what_is_out_and_not_by_what_comes_and_goes() {
        let tickets = Tickets::new(1);
        let mut out: Vec<u64> = (0..200).map(|_| tickets.take(Stripe::mine()).unwrap()).collect();
        for round in 0..10_000 {
            let returned = out.swap_remove(round * 7 % out.len());
            assert!(tickets.give_back(returned));
            out.push(tickets.take(Stripe::mine()).unwrap());
            let two = [tickets.take(Stripe::mine()).unwrap(), out.remove(0)];
            assert!(two.iter().all(|ticket| tickets.give_back(*ticket)));
            out.push(tickets.take(Stripe::mine()).unwrap());
        }

        let chunks = tickets.lanes.iter().map(|lane| lane.chunks.load(Ordering::Relaxed));
        assert!(chunks.max().unwrap() <= 5, "at most 1,024 places for 200 that are out");
    }

    #[test]
    fn one_more_than_a_chunk_holds_adds_one_chunk() {
        let tickets = Tickets::new(1);
        let first = tickets.take(Stripe::mine()).unwrap();
        let _rest: Vec<u64> = (1..64).map(|_| tickets.take(Stripe::mine()).unwrap()).collect();
        assert!(tickets.give_back(first));

        assert!(tickets.take(Stripe::mine()).is_some());
        assert!(tickets.take(Stripe::mine()).is_some());
        let chunks = tickets.lanes.iter().map(|lane| lane.chunks.load(Ordering::Relaxed));
        assert_eq!(chunks.sum::<u32>(), 2);
    }
}
