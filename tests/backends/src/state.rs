//! The state of one backend, and the decision what to do with a request.
//!
//! The decision is a plain function of the behaviour in force and the count of requests it has
//! met, so that all sockets of a backend agree and a change of mode is one assignment.
//!
//! Used by [`crate::service`] for each request, by [`crate::driver`] to change the mode.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::header::HeaderValue;

use crate::behaviour::Behaviour;
use crate::fault::invalid;
use crate::mode::Mode;
use crate::scope::Scope;
use crate::stats::Tally;

/// What is to happen to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Answer with a status, perhaps with `Retry-After` in seconds.
    Status(u16, Option<u32>),
    /// Answer with 200 after a while.
    Late(Duration),
    /// Never answer.
    Never,
    /// Begin a body and close in the middle of it.
    Truncated,
    /// Reset the connection.
    Reset,
}

/// What all connections of one backend share.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) name: String,
    /// The name as the value of `x-backend`.
    pub(crate) name_header: HeaderValue,
    pub(crate) tally: Tally,
    current: Mutex<Current>,
}

/// The behaviour in force and the requests that it has met.
#[derive(Debug, Default)]
struct Current {
    behaviour: Behaviour,
    requests: u64,
}

impl State {
    pub(crate) fn new(name: &str) -> io::Result<Arc<Self>> {
        let name_header = HeaderValue::from_str(name)
            .map_err(|_| invalid(format!("name: expected visible ASCII, got {name:?}")))?;
        Ok(Arc::new(Self {
            name: name.to_owned(),
            name_header,
            tally: Tally::default(),
            current: Mutex::default(),
        }))
    }

    pub(crate) fn behaviour(&self) -> Behaviour {
        self.current().behaviour
    }

    /// Puts a behaviour in force for every request that is decided from now on.
    pub(crate) fn set(&self, behaviour: Behaviour) {
        *self.current() = Current { behaviour, requests: 0 };
    }

    /// Whether connections are to be reset before anything is read from them.
    pub(crate) fn resets_at_accept(&self) -> bool {
        let behaviour = self.behaviour();
        behaviour.mode == Mode::Reset && behaviour.scope == Scope::All
    }

    /// Decides one request and counts it.
    pub(crate) fn decide(&self, path: &str) -> Answer {
        self.tally.count_request(path);
        let mut current = self.current();
        let Behaviour { mode, retry_after_seconds, scope } = current.behaviour;
        if !scope.covers(path) {
            return OK;
        }
        let before = current.requests;
        current.requests += 1;
        match mode {
            Mode::Ok => OK,
            Mode::Status(code) => Answer::Status(code, retry_after_seconds),
            Mode::Delay(delay) => Answer::Late(delay),
            Mode::Hang => Answer::Never,
            Mode::Close => Answer::Truncated,
            // A request that was read just before the port closed meets what its peers meet.
            Mode::Reset | Mode::Refuse => Answer::Reset,
            Mode::Flap(count) if (before / u64::from(count)).is_multiple_of(2) => OK,
            Mode::Flap(_) => Answer::Status(503, None),
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        // Every change is one assignment, so a panic elsewhere leaves nothing half-done.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const OK: Answer = Answer::Status(200, None);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flapping_starts_well_and_changes_every_n_requests() {
        let state = State::new("a").unwrap();
        state.set(Mode::Flap(2).into());

        let answers = [(); 6].map(|()| state.decide("/"));

        let down = Answer::Status(503, None);
        assert_eq!(answers, [OK, OK, down, down, OK, OK]);
    }

    #[test]
    fn requests_outside_the_scope_do_not_advance_the_flapping() {
        let state = State::new("a").unwrap();
        state.set(Mode::Flap(1).only(Scope::Work));

        let answers = ["/", "/health", "/health", "/"].map(|path| state.decide(path));

        assert_eq!(answers, [OK, OK, OK, Answer::Status(503, None)]);
    }

    #[test]
    fn a_name_that_no_header_can_carry_is_refused() {
        let error = State::new("a\nb").unwrap_err();

        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
