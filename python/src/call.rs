//! A call as a machine for whoever drives it: the package's async driver, tests, a loop of one's own.
//!
//! The one class here that isn't frozen: a call belongs to one thread at a time, and a second one that
//! comes in between is refused.

use std::sync::Arc;
use std::time::Duration;

use failover::clock::{Nanos, nanos};
use failover::execute::PoolCore;
use failover::{Action, ErrorKind, Input, Outcome};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use crate::error::{Raise, make, refuse};
use crate::nest::Around;
use crate::past::{self, Past, outcome_of};
use crate::pool::PoolInner;
use crate::request::{Asked, find_among, time};
use crate::result::FailoverResult;

/// One call under way. What it wants is its `action`, what happened is told by the verbs, each of which
/// returns the new action. Let go of, it gives back an open attempt as cancelled.
#[derive(Debug)]
#[pyclass(module = "failover")]
pub(crate) struct Call {
    pool: Arc<PoolInner>,
    machine: failover::Call<Arc<PoolCore>>,
    action: Action,
    past: Past,
    endpoint: Option<Py<PyAny>>,
    /// The running attempt's number, and how long it may take.
    told: (u32, Nanos),
    classify: Option<Py<PyAny>>,
    /// The first attempt's coroutine, and what it waits for.
    suspended: Option<(Py<PyAny>, Py<PyAny>)>,
}

impl Call {
    /// Makes a call and starts it.
    pub(crate) fn begin(py: Python<'_>, pool: &Arc<PoolInner>, asked: Asked<'_>) -> PyResult<Self> {
        let around = Around::look(py)?;
        let request = if around.is_inside() { asked.request.nested(true) } else { asked.request };
        let mut machine = failover::Call::new(Arc::clone(&pool.core), request);
        let now = pool.core.shared().clock.now();
        let action = machine.step(Input::Start, now).or_raise(py)?;
        let mut call = Self::under_way(pool, machine, action, asked.classify);
        call.meet(py, now)?;
        Ok(call)
    }

    /// Makes an object of a call that has begun.
    pub(crate) fn under_way(
        pool: &Arc<PoolInner>,
        machine: failover::Call<Arc<PoolCore>>,
        action: Action,
        classify: Option<Bound<'_, PyAny>>,
    ) -> Self {
        Self {
            pool: Arc::clone(pool),
            machine,
            action,
            past: Past::default(),
            endpoint: None,
            told: (0, 0),
            classify: classify.map(Bound::unbind),
            suspended: None,
        }
    }

    /// Takes the attempt that runs.
    pub(crate) fn set_attempt(&mut self, endpoint: Py<PyAny>, told: (u32, Nanos)) {
        (self.endpoint, self.told) = (Some(endpoint), told);
    }

    /// Takes the coroutine of the first attempt, which waits.
    pub(crate) fn suspend(&mut self, coroutine: Py<PyAny>, waited_for: Py<PyAny>) {
        self.suspended = Some((coroutine, waited_for));
    }

    /// Ends the attempt with an exception, which says what came of it. `outer` is the address of the one
    /// that was handled when the attempt began, 0 for the one that is handled now.
    pub(crate) fn fail_with<'py>(
        &mut self,
        py: Python<'py>,
        error: &Bound<'py, PyAny>,
        outer: usize,
    ) -> PyResult<Bound<'py, PyString>> {
        let own = self.classify.as_ref().map(|own| own.bind(py).clone());
        let (outcome, hint) = match past::classify(py, error, own.as_ref(), outer) {
            Ok(said) => said,
            Err(broken) => {
                // A classifier that fails leaves the attempt to be returned.
                self.feed(py, Input::Cancel)?;
                return Err(broken);
            }
        };
        self.past.raised(error.clone().unbind());
        self.feed(py, past::result(self.told.0, outcome, hint))
    }

    /// The running attempt's number and the seconds that it was given.
    pub(crate) fn told(&self) -> (u32, f64) {
        (self.told.0, Duration::from_nanos(self.told.1).as_secs_f64())
    }

    fn now(&self) -> Nanos {
        self.pool.core.shared().clock.now()
    }

    fn feed<'py>(&mut self, py: Python<'py>, input: Input) -> PyResult<Bound<'py, PyString>> {
        let now = self.now();
        self.action = self.machine.step(input, now).or_raise(py)?;
        if self.machine.history().len() > self.past.count()
            && let Some(endpoint) = self.endpoint.take()
        {
            self.past.ended(endpoint);
        }
        if matches!(self.action, Action::Abandon { .. }) {
            self.past.is_older = true;
        }
        self.meet(py, now)?;
        Ok(self.action(py))
    }

    /// Looks up what the new action is about.
    fn meet(&mut self, py: Python<'_>, now: Nanos) -> PyResult<()> {
        if let Action::Attempt { grant, number, deadline } = self.action {
            self.endpoint = Some(past::endpoint(py, &self.pool, &self.machine, &grant)?);
            self.told = (number, deadline.saturating_sub(now));
        }
        Ok(())
    }

    /// When something is due.
    const fn until(&self) -> Option<Nanos> {
        match self.action {
            Action::Attempt { deadline, .. } => Some(deadline),
            Action::Wait { until } | Action::Pending { until } => Some(until),
            _ => None,
        }
    }
}

#[pymethods]
impl Call {
    /// What the call wants: `attempt`, `wait`, `abandon`, `choose`, `pending`, `done` or `fail`.
    #[getter]
    fn action<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        let name = match self.action {
            Action::Attempt { .. } => intern!(py, "attempt"),
            Action::Wait { .. } => intern!(py, "wait"),
            Action::Abandon { .. } => intern!(py, "abandon"),
            Action::Choose => intern!(py, "choose"),
            Action::Pending { .. } => intern!(py, "pending"),
            Action::Done => intern!(py, "done"),
            _ => intern!(py, "fail"),
        };
        name.clone()
    }

    /// The endpoint of the newest attempt; None before the first.
    #[getter]
    fn endpoint(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.endpoint.as_ref().map(|endpoint| endpoint.clone_ref(py))
    }

    /// The newest attempt's number, from 1.
    #[getter]
    const fn number(&self) -> u32 {
        self.told.0
    }

    /// Attempts made so far.
    #[getter]
    fn attempts(&self) -> u32 {
        self.machine.attempts()
    }

    /// True if a fallback provider serves the call.
    #[getter]
    fn is_fallback(&self) -> bool {
        self.machine.is_fallback()
    }

    /// True if an attempt went to an endpoint that looked unfit.
    #[getter]
    fn is_panic(&self) -> bool {
        self.machine.is_panic()
    }

    /// Nanoseconds until the attempt or the wait is over, by the manager's clock; None if nothing is
    /// due.
    #[getter]
    fn remaining_ns(&self) -> Option<u64> {
        self.until().map(|until| until.saturating_sub(self.now()))
    }

    /// Real seconds until whoever waits should look again: all that is left, unless the clock is moved
    /// by hand. 0: it is due.
    fn pause(&self) -> f64 {
        let Some(until) = self.until() else { return 0.0 };
        let shared = self.pool.core.shared();
        if matches!(self.action, Action::Wait { .. }) {
            // An auto-advancing clock is moved by whoever waits, here without waiting.
            shared.clock.wait_until(until, &|| true);
            // Acquire pairs with the Release of `close`.
            if shared.is_closed.load(std::sync::atomic::Ordering::Acquire) {
                return 0.0;
            }
        }
        let left = Duration::from_nanos(until.saturating_sub(self.now()));
        let most = match (shared.clock.is_manual(), self.action) {
            (true, _) => LOOK_AGAIN,
            (false, Action::Wait { .. }) => SLICE,
            (false, _) => left,
        };
        left.min(most).as_secs_f64()
    }

    /// Ends the attempt well, and gives what the program gets.
    fn succeed(&mut self, py: Python<'_>, value: Py<PyAny>) -> PyResult<FailoverResult> {
        let now = self.now();
        let input = past::result(self.told.0, Outcome::Success, 0);
        let ended = self.machine.step(input, now);
        if let Ok(action) = &ended {
            self.action = *action;
        }
        let endpoint = self.endpoint.as_ref().map_or_else(|| py.None(), |one| one.clone_ref(py));
        self.past.last = None;
        self.past.done(py, &self.machine, ended, (endpoint, value, now))
    }

    /// Ends the attempt with an exception, which says what came of it. `outer` is the `id` of the exception
    /// that was handled when the attempt began, which doesn't count as what led to this one.
    #[pyo3(signature = (error, outer=0))]
    fn failed<'py>(
        &mut self,
        py: Python<'py>,
        error: &Bound<'py, PyAny>,
        outer: usize,
    ) -> PyResult<Bound<'py, PyString>> {
        self.fail_with(py, error, outer)
    }

    /// Takes out the first attempt's coroutine and what it waits for, for whoever drives it on.
    fn resume(&mut self) -> Option<(Py<PyAny>, Py<PyAny>)> {
        self.suspended.take()
    }

    /// Ends an attempt with an outcome: the one that runs, unless its number is given. `latency` absent:
    /// since it began. `hint`: how long the endpoint asked to be left alone.
    #[pyo3(signature = (outcome, latency=None, hint=None, attempt=None))]
    fn report<'py>(
        &mut self,
        outcome: &Bound<'py, PyAny>,
        latency: Option<&Bound<'py, PyAny>>,
        hint: Option<&Bound<'py, PyAny>>,
        attempt: Option<u32>,
    ) -> PyResult<Bound<'py, PyString>> {
        let py = outcome.py();
        let long = |name, value: Option<&Bound<'py, PyAny>>| {
            value.map_or(Ok(0), |value| time(py, name, value).map(nanos))
        };
        let (latency, hint) = (long("latency", latency)?, long("hint", hint)?);
        let attempt = attempt.unwrap_or_else(|| self.machine.attempts());
        let outcome = outcome_of(outcome)?;
        self.feed(py, Input::Result { attempt, outcome, latency, hint })
    }

    /// Time has passed.
    fn tick<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        self.feed(py, Input::Tick)
    }

    /// What was to be abandoned has stopped.
    fn next<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        self.feed(py, Input::Next)
    }

    /// The caller gives up.
    fn cancel<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        self.feed(py, Input::Cancel)
    }

    /// The program chose this endpoint, or this id.
    fn choose<'py>(&mut self, chosen: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
        let py = chosen.py();
        let candidates = self.machine.candidates(self.now());
        let snapshot = self.machine.pool().snapshot();
        let found = find_among(&snapshot, &candidates, chosen)?;
        self.feed(py, Input::Chosen(found))
    }

    /// The endpoints among which the program chooses.
    fn candidates(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        let candidates = self.machine.candidates(self.now());
        self.pool.objects(py, &self.machine.pool().snapshot(), &candidates)
    }

    /// The attempts that ended without success, as `AttemptRecord`s.
    #[getter]
    fn history<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        self.past.history(py, &self.machine)
    }

    /// Why the call failed, as a `FailoverError`; None while it hasn't.
    #[getter]
    fn error<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.machine.error().map(|error| make(py, &error)).transpose()
    }

    /// The exception that the program is to get of a call that failed. Asked again, it knows of the last
    /// attempt's own one no more.
    fn exception<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if self.machine.error().is_none() {
            return Err(refuse(py, ErrorKind::InvalidState, "call: didn't fail"));
        }
        let raised = self.past.exception(py, &self.machine);
        // Its traceback holds the frame that holds this call.
        self.past.last = None;
        raised
    }

    /// Raises that exception as it is: `raise` would put whatever is handled meanwhile into its context.
    fn conclude(&mut self, py: Python<'_>) -> PyResult<()> {
        Err(PyErr::from_value(self.exception(py)?))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.past.last)?;
        visit.call(&self.classify)?;
        match &self.suspended {
            Some((coroutine, waited_for)) => {
                visit.call(coroutine)?;
                visit.call(waited_for)
            }
            None => Ok(()),
        }
    }

    fn __clear__(&mut self) {
        (self.past.last, self.classify, self.suspended) = (None, None, None);
    }
}

/// How often whoever waits looks whether the manager was closed.
const SLICE: Duration = Duration::from_millis(50);

/// How often whoever waits looks at a clock that is moved by hand.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
