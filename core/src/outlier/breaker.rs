//! The breaker of one endpoint: closed, open until, half-open with permits.
//!
//! The state is bits of the endpoint's status word, together with a generation that each transition
//! moves on: an outcome of an attempt that began under an older generation is history, and says
//! nothing about the present. A probe's permit is one word (generation and deadline) in a slot of
//! its own, so that a permit of an older generation, or one whose holder vanished, is free without
//! anyone having to give it back. With gate and permits in separate words, every second raced
//! transition let more than the permitted number in.

use super::Breaker;
use crate::clock::Nanos;
use crate::endpoint::{Change, EndpointState, Status};
use crate::rng::Rng;
use crate::sync::Ordering;

/// The right to make one attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pass {
    /// The breaker's generation when the attempt began.
    pub generation: u32,
    /// A probe's slot, plus one; 0 for an ordinary attempt.
    pub slot: u32,
    /// What was written into the slot.
    pub word: u64,
}

/// What asking for a pass came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Granted { pass: Pass, opened_half: bool },
    Refused,
}

/// What moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    Opened(Why),
    Closed,
}

/// Why a breaker opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    InARow,
    Rate,
    SlowRate,
    ProbeFailed,
}

impl Why {
    pub(crate) const fn change(self) -> Change {
        match self {
            Self::InARow => Change::FailuresInARow,
            Self::Rate => Change::FailureRate,
            Self::SlowRate => Change::SlowRate,
            Self::ProbeFailed => Change::ProbeFailed,
        }
    }

    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::InARow => "bad outcomes in a row",
            Self::Rate => "share of bad outcomes",
            Self::SlowRate => "share of slow outcomes",
            Self::ProbeFailed => "a probe failed",
        }
    }
}

/// True if the breaker would let a probe through.
#[inline]
pub(crate) fn is_due(state: &EndpointState, status: Status, rules: &Breaker, now: Nanos) -> bool {
    if status.has(Status::OPEN) {
        return now >= state.open_until.load(Ordering::Relaxed);
    }
    status.has(Status::HALF_OPEN) && free_slot(state, status, rules, now).is_some()
}

/// True if nobody who can afford a probe came for so long that anybody may take it.
pub(crate) fn is_overdue(state: &EndpointState, rules: &Breaker, now: Nanos) -> bool {
    let due = state.open_until.load(Ordering::Relaxed);
    now >= due.saturating_add(crate::clock::nanos(rules.recovery_timeout))
}

/// Asks for a pass; of an open breaker whose time is over, it opens the first half.
pub(crate) fn admit(
    state: &EndpointState,
    rules: &Breaker,
    now: Nanos,
    deadline: Nanos,
) -> Admission {
    let mut status = state.status();
    let mut opened_half = false;
    let barring = Status::BREAKER & !rules.ignored();
    if status.has(Status::OPEN & barring) && now >= state.open_until.load(Ordering::Relaxed) {
        opened_half = half_open(state, status.generation());
        status = state.status();
    }
    if !status.has(barring) {
        let pass = Pass { generation: status.generation(), ..Pass::default() };
        return Admission::Granted { pass, opened_half };
    }
    if !status.has(Status::HALF_OPEN) {
        return Admission::Refused;
    }
    match take_permit(state, status, rules, (now, deadline)) {
        Some(pass) => Admission::Granted { pass, opened_half },
        None => Admission::Refused,
    }
}

/// Opens the first half, if the breaker is still open since `generation`: one that opened anew
/// meanwhile is not due. True if this call did it.
fn half_open(state: &EndpointState, generation: u32) -> bool {
    let moved = state.change(|status| {
        let is_ours = status.generation() == generation && status.has(Status::OPEN);
        is_ours.then(|| status.with_breaker(Status::HALF_OPEN))
    });
    moved.is_some()
}

/// Opens the first half before its time, after a check that passed; true if this call did it.
///
/// A check may be worth nothing: a server can answer it and hang on every request. So its word
/// counts once for an opening that no failed probe has prolonged yet, and after that only if a check
/// failed since the breaker opened (`failed_in` is the generation at the last one that did): then
/// checks do see what requests see.
pub(crate) fn half_open_early(state: &EndpointState, failed_in: Option<u32>) -> bool {
    let moved = state.change(|status| {
        let has_seen = failed_in == Some(status.generation());
        let is_believed = has_seen || state.reopened.load(Ordering::Relaxed) == 0;
        let is_open = status.has(Status::OPEN);
        (is_open && is_believed).then(|| status.with_breaker(Status::HALF_OPEN))
    });
    moved.is_some()
}

/// Gives a probe's permit back. Harmless if it timed out and somebody else holds the slot.
pub(crate) fn release(state: &EndpointState, pass: Pass) {
    let Some(slot) = pass.slot.checked_sub(1) else { return };
    if let Some(permit) = state.permits.get(slot as usize) {
        // A lost race means that the permit is not ours any more; either way it isn't held.
        let _ = permit.compare_exchange(pass.word, 0, Ordering::AcqRel, Ordering::Relaxed);
    }
}

/// Takes in a good outcome of the present generation.
pub(crate) fn good(state: &EndpointState, pass: Pass, rules: &Breaker) -> Option<Move> {
    let (status, generation) = (state.status(), pass.generation);
    let is_ours = status.generation() == generation && status.has(Status::HALF_OPEN);
    if !is_ours || pass.slot == 0 {
        return None;
    }
    let tag = u64::from(generation) << 32;
    let mut word = state.good_probes.load(Ordering::Relaxed);
    loop {
        if is_later((word >> 32) as u32, generation) {
            return None;
        }
        let count = if word & !COUNT == tag { (word & COUNT) + 1 } else { 1 };
        let swapped = state.good_probes.compare_exchange_weak(
            word,
            tag | count,
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        match swapped {
            Ok(_) if count < u64::from(rules.success_threshold) => return None,
            Ok(_) => return close(state, generation).then_some(Move::Closed),
            Err(now) => word = now,
        }
    }
}

/// Opens the breaker if it is still in generation `pass.generation`.
pub(crate) fn open(state: &EndpointState, pass: Pass, until: Nanos, why: Why) -> Option<Move> {
    let is_ours = |status: Status| {
        status.generation() == pass.generation && !status.has(Status::OPEN | Status::FORCED_OPEN)
    };
    // Acquire pairs with the Release of the exchange below: who finds the time of a later opening
    // finds the generation that led to it.
    let mut seen = state.open_until.load(Ordering::Acquire);
    // The time is written before the status that gives it a meaning, and only over what was there
    // while the generation was still ours: who comes too late finds another time or another status.
    loop {
        if !is_ours(state.status()) {
            return None;
        }
        match state.open_until.compare_exchange(seen, until, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => break,
            Err(now) => seen = now,
        }
    }
    let moved = state.change(|status| is_ours(status).then(|| status.with_breaker(Status::OPEN)));
    moved.map(|_| {
        if why == Why::ProbeFailed {
            state.reopened.fetch_add(1, Ordering::Relaxed);
        }
        Move::Opened(why)
    })
}

/// True if `one` comes after `other`; generations come round.
const fn is_later(one: u32, other: u32) -> bool {
    one != other && one.wrapping_sub(other) < 1 << 31
}

/// Closes the breaker and forgets what led to its opening.
fn close(state: &EndpointState, generation: u32) -> bool {
    state.bad_in_a_row.store(0, Ordering::Relaxed);
    let moved = state.change(|status| {
        let is_ours = status.generation() == generation && status.has(Status::HALF_OPEN);
        is_ours.then(|| status.with_breaker(0))
    });
    if moved.is_some() {
        state.reopened.store(0, Ordering::Relaxed);
    }
    moved.is_some()
}

/// How long the breaker stays open: doubled at each re-opening, capped, then moved by jitter.
pub(crate) fn open_time(state: &EndpointState, rules: &Breaker, mut rng: Rng, why: Why) -> Nanos {
    let again = u32::from(why == Why::ProbeFailed);
    let doublings = (state.reopened.load(Ordering::Relaxed) + again).min(32);
    let base = crate::clock::nanos(rules.recovery_timeout);
    let most = crate::clock::nanos(rules.max_recovery_timeout).max(base);
    let time = base.saturating_mul(1 << doublings).min(most);
    rng.jitter(time, rules.jitter)
}

fn free_slot(
    state: &EndpointState,
    status: Status,
    rules: &Breaker,
    now: Nanos,
) -> Option<(usize, u64)> {
    let most = rules.half_open_max_calls as usize;
    let generation = tag(status.generation());
    state.permits.iter().take(most).map(|permit| permit.load(Ordering::Acquire)).enumerate().find(
        |(_, word)| {
            let is_held = word & !COUNT_MILLIS == generation && (word & COUNT_MILLIS) > millis(now);
            !is_held
        },
    )
}

fn take_permit(
    state: &EndpointState,
    status: Status,
    rules: &Breaker,
    (now, deadline): (Nanos, Nanos),
) -> Option<Pass> {
    let generation = status.generation();
    // Rounded up, and never over at once: a permit lasts at least its attempt.
    let until = (millis(deadline) + 1).max(millis(now) + 1).min(COUNT_MILLIS);
    let word = tag(generation) | until;
    while let Some((slot, seen)) = free_slot(state, status, rules, now) {
        let taken =
            state.permits[slot].compare_exchange(seen, word, Ordering::AcqRel, Ordering::Acquire);
        if taken.is_ok() {
            let slot = u32::try_from(slot).unwrap_or(0) + 1;
            return Some(Pass { generation, slot, word });
        }
    }
    None
}

/// The generation as it stands in a permit: 24 bits, of which a probe can't live to see the end.
const fn tag(generation: u32) -> u64 {
    (generation as u64) << 40
}

const fn millis(time: Nanos) -> u64 {
    time / 1_000_000
}

const COUNT: u64 = 0xffff_ffff;
/// Forty bits of milliseconds are 34 years.
const COUNT_MILLIS: u64 = (1 << 40) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    #[test]
    fn who_saw_an_older_opening_opens_no_half() {
        let (state, rules) = (EndpointState::new(1), Breaker::default());
        open(&state, Pass::default(), SECOND, Why::InARow);
        let seen = state.status().generation();
        let probe = probe(&state, &rules, SECOND);
        open(&state, probe, 60 * SECOND, Why::ProbeFailed);

        assert!(!half_open(&state, seen), "the breaker opened anew meanwhile");

        assert!(state.status().has(Status::OPEN));
    }

    #[test]
    fn who_opens_too_late_leaves_the_time_alone() {
        let (state, rules) = (EndpointState::new(1), Breaker::default());
        open(&state, Pass::default(), SECOND, Why::InARow);
        let probe = probe(&state, &rules, SECOND);
        open(&state, probe, 60 * SECOND, Why::ProbeFailed);

        assert_eq!(open(&state, Pass::default(), 2 * SECOND, Why::InARow), None);
        assert_eq!(open(&state, probe, 2 * SECOND, Why::ProbeFailed), None);

        assert_eq!(state.open_until.load(Ordering::Relaxed), 60 * SECOND);
    }

    #[test]
    fn a_probe_of_an_older_generation_counts_for_no_other() {
        let (state, rules) = (EndpointState::new(1), Breaker::default());
        open(&state, Pass::default(), SECOND, Why::InARow);
        let old = probe(&state, &rules, SECOND);
        open(&state, old, 2 * SECOND, Why::ProbeFailed);
        let new = probe(&state, &rules, 2 * SECOND);

        assert_eq!(good(&state, new, &rules), None);
        assert_eq!(good(&state, old, &rules), None);

        assert!(state.status().has(Status::HALF_OPEN), "one good probe of two");
        assert_eq!(good(&state, new, &rules), Some(Move::Closed));
    }

    fn probe(state: &EndpointState, rules: &Breaker, now: Nanos) -> Pass {
        match admit(state, rules, now, now + SECOND) {
            Admission::Granted { pass, .. } => pass,
            Admission::Refused => unreachable!("it is due"),
        }
    }
}
