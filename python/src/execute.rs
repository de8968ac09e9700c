//! Runs a call on the calling thread: the program's function, the waits, the end.
//!
//! Thin on purpose: every decision is the machine's. What belongs to Python is in [`crate::past`]: how
//! an exception is understood, and what is raised in the end.

use std::sync::atomic::Ordering;

use failover::clock::Nanos;
use failover::execute::{Call, PoolCore};
use failover::{Action, ErrorKind, Input, Outcome, Result};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::begin::is_coroutine;
use crate::error::{Raise, refuse};
use crate::nest::Around;
use crate::past::{self, Past};
use crate::pool::Pool;
use crate::request::{Asked, find_among};
use crate::result::FailoverResult;
use crate::wait;

/// Runs `function` on one endpoint after another until it succeeds or the call ends.
pub(crate) fn run<'py>(
    pool: &Bound<'py, Pool>,
    function: &Bound<'py, PyAny>,
    asked: Asked<'py>,
) -> PyResult<FailoverResult> {
    let py = pool.py();
    let core = &*pool.get().inner.core;
    let around = Around::look(py)?;
    let request = if around.is_inside() { asked.request.nested(true) } else { asked.request };
    let call = Call::new(core, request);
    Run { pool, around, call, past: Past::default() }.finish(function, asked.classify)
}

/// A call under way.
struct Run<'a, 'py> {
    pool: &'a Bound<'py, Pool>,
    around: Around<'py>,
    call: Call<&'a PoolCore>,
    past: Past,
}

impl<'py> Run<'_, 'py> {
    fn finish(
        mut self,
        function: &Bound<'py, PyAny>,
        classify: Option<Bound<'py, PyAny>>,
    ) -> PyResult<FailoverResult> {
        let py = self.pool.py();
        let inner = &*self.pool.get().inner;
        let mut now = self.now();
        let mut action = self.call.step(Input::Start, now);
        loop {
            action = match action {
                Ok(Action::Attempt { grant, number, deadline }) => {
                    let endpoint = past::endpoint(py, inner, &self.call, &grant)?;
                    let told = (number, deadline.saturating_sub(now));
                    match self.around.run(told, || function.call1((&endpoint,)))? {
                        Ok(value) if is_coroutine(&value)? => return self.refuse_coroutine(&value),
                        Ok(value) => return self.done(number, endpoint, value.unbind()),
                        Err(error) => {
                            let error = error.into_value(py).into_bound(py).into_any();
                            let said = past::classify(py, &error, classify.as_ref(), 0);
                            self.past.failed(endpoint, error.unbind());
                            // A classifier that fails leaves the machine to count the attempt.
                            let (outcome, hint) = said.or_else(|broken| self.give_up(broken))?;
                            now = self.now();
                            self.call.step(past::result(number, outcome, hint), now)
                        }
                    }
                }
                Ok(Action::Wait { until }) => {
                    self.wait(until)?;
                    now = self.now();
                    self.call.step(Input::Tick, now)
                }
                Ok(Action::Choose) => {
                    let chosen = self.choose(now)?;
                    now = self.now();
                    self.call.step(chosen, now)
                }
                Ok(_) => return Err(self.past.conclude(py, &self.call)),
                Err(error) => return Err(error).or_raise(py),
            };
        }
    }

    fn now(&self) -> Nanos {
        self.call.home().shared().clock.now()
    }

    #[inline]
    fn done(
        mut self,
        number: u32,
        endpoint: Py<PyAny>,
        value: Py<PyAny>,
    ) -> PyResult<FailoverResult> {
        let now = self.now();
        let ended = self.call.step(past::result(number, Outcome::Success, 0), now);
        self.past.done(self.pool.py(), &self.call, ended, (endpoint, value, now))
    }

    /// Ends a call whose function has yet to be awaited: it would be done before anything was.
    #[cold]
    fn refuse_coroutine(&mut self, value: &Bound<'_, PyAny>) -> PyResult<FailoverResult> {
        value.call_method0("close")?;
        let text = "execute: an asynchronous function is for `execute_async`";
        self.give_up(PyTypeError::new_err(text))
    }

    fn wait(&mut self, until: Nanos) -> PyResult<()> {
        let shared = self.call.home().shared();
        // Acquire pairs with the Release of `close`.
        let is_closed = || shared.is_closed.load(Ordering::Acquire);
        let waited = wait::on_clock(self.pool.py(), &shared.clock, until, is_closed);
        waited.or_else(|interrupt| self.give_up(interrupt))
    }

    fn choose(&mut self, now: Nanos) -> PyResult<Input> {
        let py = self.pool.py();
        let inner = &*self.pool.get().inner;
        let candidates = self.call.candidates(now);
        let snapshot = self.call.pool().snapshot();
        let objects = inner.objects(py, &snapshot, &candidates)?;
        let asked = self.pool.call_method1("choose", (objects,));
        let found = asked.and_then(|chosen| {
            if chosen.is_none() {
                let text = "execute: the strategy \"custom\" needs a function that chooses";
                return Err(refuse(py, ErrorKind::InvalidState, text));
            }
            find_among(&snapshot, &candidates, &chosen)
        });
        found.map(Input::Chosen).or_else(|error| self.give_up(error))
    }

    /// Ends the call, since something of the program's own came between.
    fn give_up<T>(&mut self, error: PyErr) -> PyResult<T> {
        let now = self.now();
        let _ended: Result<Action> = self.call.step(Input::Cancel, now);
        Err(error)
    }
}
