//! Lets one of many try a server that doesn't answer, while the others wait for what comes of it.
//!
//! All services of a provider are asked of one server. If each tried on its own, an outage would
//! grow with the number of services, and so would the rush at its end.

use tokio::sync::Notify;

use super::backoff::Backoff;
use crate::clock::{Clock, Nanos};
use crate::error::Error;
use crate::lock::{self, Lock};
use crate::rng::Rng;

/// The way to one server.
#[derive(Debug)]
pub(super) struct Gate {
    /// Guards what is known of the server.
    state: Lock<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    backoff: Backoff,
    /// Absent while the server answers.
    closed: Option<Closed>,
    /// How many times that has changed.
    turns: u64,
}

#[derive(Clone, Debug)]
struct Closed {
    until: Nanos,
    reason: Error,
    /// Somebody is trying at this moment.
    is_tried: bool,
}

/// What a visitor is told.
enum Word {
    Enter,
    Wait(Nanos, Error),
}

impl Gate {
    /// Makes an open one.
    pub(super) fn new(rng: Rng) -> Self {
        let state = State { backoff: Backoff::new(rng), closed: None, turns: 0 };
        Self { state: Lock::new(state), changed: Notify::new() }
    }

    /// Waits until the server may be asked; calls `waits` with the reason if that isn't now.
    ///
    /// # Cancellation
    ///
    /// A pass that is dropped without a word lets the next one try.
    pub(super) async fn enter(&self, clock: &Clock, waits: impl FnOnce(&Error)) -> Pass<'_> {
        let mut waits = Some(waits);
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Before the question, so that no change in between is missed.
            changed.as_mut().enable();
            let (word, turn) = self.state.lock().admit(clock.now());
            match word {
                Word::Enter => return Pass { gate: self, turn },
                Word::Wait(until, reason) => {
                    if let Some(waits) = waits.take() {
                        waits(&reason);
                    }
                    tokio::select! {
                        () = clock.sleep_until_async(until) => {}
                        () = changed => {}
                    }
                }
            }
        }
    }

    fn tell(&self) {
        // What wakes tasks has a lock of its own, which no child may find taken.
        let _busy = lock::busy();
        self.changed.notify_waiters();
    }
}

impl State {
    fn admit(&mut self, now: Nanos) -> (Word, u64) {
        let word = match &mut self.closed {
            None => Word::Enter,
            Some(closed) if closed.is_tried => {
                Word::Wait(now.saturating_add(LONGEST_TRY), closed.reason.clone())
            }
            Some(closed) if now < closed.until => Word::Wait(closed.until, closed.reason.clone()),
            Some(closed) => {
                closed.is_tried = true;
                Word::Enter
            }
        };
        (word, self.turns)
    }

    fn open(&mut self) {
        self.closed = None;
        self.backoff.reset();
        self.turns += 1;
    }

    fn close(&mut self, now: Nanos, at_least: Option<Nanos>, reason: Error) {
        let wait = self.backoff.next(now).max(at_least.unwrap_or(0));
        self.closed = Some(Closed { until: now.saturating_add(wait), reason, is_tried: false });
        self.turns += 1;
    }
}

/// The right to ask the server now.
#[derive(Debug)]
#[must_use = "others may wait for what comes of it"]
pub(super) struct Pass<'a> {
    gate: &'a Gate,
    /// The turn in which it was given.
    turn: u64,
}

impl Pass<'_> {
    /// The server answered.
    pub(super) fn answered(self) {
        let mut state = self.gate.state.lock();
        if state.closed.is_some() {
            state.open();
        }
    }

    /// It didn't, or wants to be left alone, for that long at least.
    pub(super) fn failed(self, now: Nanos, at_least: Option<Nanos>, reason: Error) {
        let mut state = self.gate.state.lock();
        // Who began before the last change fails for a reason that is known.
        if state.turns == self.turn {
            state.close(now, at_least, reason);
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.state.lock();
        let turn = state.turns;
        if let Some(closed) = state.closed.as_mut().filter(|_| turn == self.turn) {
            closed.is_tried = false;
        }
        drop(state);
        self.gate.tell();
    }
}

/// Nobody tries for longer, as all answers have a deadline; then who waits looks again.
const LONGEST_TRY: Nanos = 60_000_000_000;

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    fn reason() -> Error {
        Error::new(crate::ErrorKind::Provider, "away")
    }

    fn gate() -> Gate {
        Gate::new(Rng::new(1, 2, 3))
    }

    /// The pass, if it is given at once.
    fn try_enter<'a>(gate: &'a Gate, clock: &Clock) -> Option<Pass<'a>> {
        let mut entering = pin!(gate.enter(clock, |_| ()));
        match entering.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(pass) => Some(pass),
            Poll::Pending => None,
        }
    }

    #[test]
    fn everybody_passes_while_the_server_answers() {
        let (gate, clock) = (gate(), Clock::manual(false));
        let passes: Vec<_> = (0..3).map(|_| try_enter(&gate, &clock).expect("open")).collect();

        passes.into_iter().for_each(Pass::answered);

        assert!(try_enter(&gate, &clock).is_some());
    }

    #[test]
    fn many_failures_at_once_are_one_and_then_one_tries_for_all() {
        let (gate, clock) = (gate(), Clock::manual(false));
        let passes: Vec<_> = (0..50).map(|_| try_enter(&gate, &clock).expect("open")).collect();
        passes.into_iter().for_each(|pass| pass.failed(clock.now(), None, reason()));

        assert!(try_enter(&gate, &clock).is_none(), "closed");
        assert!(clock.advance(std::time::Duration::from_millis(200)));
        let first = try_enter(&gate, &clock).expect("the first wait is over, however many failed");
        assert!(try_enter(&gate, &clock).is_none(), "one tries");

        first.answered();
        assert!(try_enter(&gate, &clock).is_some() && try_enter(&gate, &clock).is_some());
    }

    #[test]
    fn who_waits_is_let_in_when_the_one_who_tried_was_answered() {
        let (gate, clock) = (gate(), Clock::manual(false));
        try_enter(&gate, &clock).expect("open").failed(clock.now(), None, reason());
        assert!(clock.advance(std::time::Duration::from_secs(1)));
        let trying = try_enter(&gate, &clock).expect("it is due");
        let told = std::cell::RefCell::new(Vec::new());
        let waits = |error: &Error| told.borrow_mut().push(error.to_string());
        let mut waiting = pin!(gate.enter(&clock, waits));
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        assert_eq!(*told.borrow(), ["away"]);

        trying.answered();

        assert!(waiting.as_mut().poll(&mut context).is_ready());
    }

    #[test]
    fn a_try_that_is_cancelled_lets_the_next_one_try() {
        let (gate, clock) = (gate(), Clock::manual(false));
        try_enter(&gate, &clock).expect("open").failed(clock.now(), None, reason());
        assert!(clock.advance(std::time::Duration::from_secs(1)));

        drop(try_enter(&gate, &clock).expect("it is due"));

        assert!(try_enter(&gate, &clock).is_some());
    }

    #[test]
    fn a_server_that_wants_to_be_left_alone_is() {
        let (gate, clock) = (gate(), Clock::manual(false));
        try_enter(&gate, &clock).expect("open").failed(clock.now(), Some(20 * SECOND), reason());

        assert!(clock.advance(std::time::Duration::from_secs(19)));
        assert!(try_enter(&gate, &clock).is_none());
        assert!(clock.advance(std::time::Duration::from_secs(1)));
        assert!(try_enter(&gate, &clock).is_some());
    }
}
