//! What a call's attempts left behind, and what the program gets of it in the end.
//!
//! A call that failed raises the last attempt's own exception, that very object with its traceback; why
//! the call ended and its attempts are attached to it. Where the last attempt left none (nobody was
//! there, or its time was over) it is a `FailoverError`, whose cause is the last exception there was.

use std::borrow::Borrow;

use failover::clock::{Nanos, nanos};
use failover::execute::{AttemptRecord, Call, Grant, PoolCore};
use failover::{Action, ErrorKind, Input, Outcome, Result};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyString, PyTuple};

use crate::error::{Raise, function, refuse};
use crate::pool::PoolInner;
use crate::request::time;
use crate::result::FailoverResult;

/// What a call's attempts left behind.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// Where the attempts went that ended without success.
    endpoints: Vec<Py<PyAny>>,
    /// The last exception.
    pub(crate) last: Option<Py<PyAny>>,
    /// True if a later attempt left none.
    pub(crate) is_older: bool,
}

impl Past {
    /// Keeps what an attempt raised.
    pub(crate) fn failed(&mut self, endpoint: Py<PyAny>, error: Py<PyAny>) {
        self.ended(endpoint);
        self.raised(error);
    }

    /// Keeps what an attempt raised that is about to end.
    pub(crate) fn raised(&mut self, error: Py<PyAny>) {
        self.last = Some(error);
        self.is_older = false;
    }

    /// Keeps where an attempt went that ended without success.
    pub(crate) fn ended(&mut self, endpoint: Py<PyAny>) {
        self.endpoints.push(endpoint);
    }

    /// How many attempts it knows of.
    pub(crate) fn count(&self) -> usize {
        self.endpoints.len()
    }

    /// What the program gets of a call that ended well.
    #[inline]
    pub(crate) fn done<P: Borrow<PoolCore>>(
        &self,
        py: Python<'_>,
        call: &Call<P>,
        ended: Result<Action>,
        (endpoint, value, now): (Py<PyAny>, Py<PyAny>, Nanos),
    ) -> PyResult<FailoverResult> {
        if !matches!(ended, Ok(Action::Done)) {
            return Err(ended.map_or_else(
                |error| crate::error::exception(py, &error),
                |_| refuse(py, ErrorKind::InvalidState, "call: ended without a result"),
            ));
        }
        let history = match self.endpoints.is_empty() {
            true => None,
            false => Some(self.history(py, call)?.unbind()),
        };
        Ok(FailoverResult {
            endpoint,
            result: value,
            attempts: call.attempts(),
            duration: now.saturating_sub(call.started()),
            is_fallback: call.is_fallback(),
            is_panic: call.is_panic(),
            history,
        })
    }

    /// What the program is told of a call that failed.
    #[cold]
    pub(crate) fn conclude<P: Borrow<PoolCore>>(&self, py: Python<'_>, call: &Call<P>) -> PyErr {
        match self.exception(py, call) {
            Ok(raised) => PyErr::from_value(raised),
            Err(failure) => failure,
        }
    }

    /// The exception to raise for a call that failed.
    pub(crate) fn exception<'py, P: Borrow<PoolCore>>(
        &self,
        py: Python<'py>,
        call: &Call<P>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let error = call.error().unwrap_or_else(|| {
            failover::Error::new(ErrorKind::InvalidState, "call: ended without a result")
        });
        let made = crate::error::make(py, &error)?;
        let last = self.last.as_ref().map(|last| last.bind(py));
        let concluded = function(py, &CONCLUDE, "conclude")?;
        concluded.call1((made, self.history(py, call)?, last, self.is_older))
    }

    /// The attempts that ended without success, as `AttemptRecord`s.
    pub(crate) fn history<'py, P: Borrow<PoolCore>>(
        &self,
        py: Python<'py>,
        call: &Call<P>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let records = call.history();
        let ended = records.iter().zip(&self.endpoints);
        let rows: Vec<_> = ended.map(|(one, endpoint)| row(one, endpoint.clone_ref(py))).collect();
        let made = function(py, &RECORDS, "records")?.call1((rows,))?;
        Ok(made.cast_into()?)
    }
}

fn row(record: &AttemptRecord, endpoint: Py<PyAny>) -> (Py<PyAny>, &'static str, Nanos) {
    (endpoint, record.outcome.map_or("none", Outcome::name), record.latency)
}

/// The object of the endpoint that a call was given.
#[inline]
pub(crate) fn endpoint<P: Borrow<PoolCore>>(
    py: Python<'_>,
    pool: &PoolInner,
    call: &Call<P>,
    grant: &Grant,
) -> PyResult<Py<PyAny>> {
    if !call.is_fallback() {
        return pool.granted(py, grant);
    }
    let found = call.with_endpoint(grant, |member| (member.id, member.endpoint.clone()));
    let (id, endpoint) = found.expect("a leased endpoint stays in every snapshot");
    pool.foreign_endpoint(py, id, &endpoint)
}

/// What a call is told of an attempt that ended now.
#[inline]
pub(crate) const fn result(attempt: u32, outcome: Outcome, hint: Nanos) -> Input {
    Input::Result { attempt, outcome, latency: 0, hint }
}

/// The outcome of an exception, and how long the endpoint asked to be left alone. `outer` is the address of
/// the exception that was handled when the attempt began, 0 for the one that is handled now.
#[cold]
pub(crate) fn classify(
    py: Python<'_>,
    error: &Bound<'_, PyAny>,
    own: Option<&Bound<'_, PyAny>>,
    outer: usize,
) -> PyResult<(Outcome, Nanos)> {
    let classify = CLASSIFY.get_or_try_init(py, || {
        let module = py.import("failover.classify")?;
        Ok::<_, PyErr>(module.getattr("classify")?.unbind())
    })?;
    let said = classify.bind(py).call1((error, own, outer))?;
    let (outcome, rest): (Bound<'_, PyAny>, Bound<'_, PyAny>) = said.extract()?;
    let hint = if rest.is_none() { 0 } else { nanos(time(py, "rest", &rest)?) };
    Ok((outcome_of(&outcome)?, hint))
}

/// The outcome that a program names.
pub(crate) fn outcome_of(value: &Bound<'_, PyAny>) -> PyResult<Outcome> {
    let py = value.py();
    let found = match value.cast::<PyString>() {
        Ok(name) => Outcome::from_name(name.to_cow()?.as_ref()),
        Err(_) => None,
    };
    let unknown = || {
        let text = format!("outcome: must be a failover.Outcome or its name, got {value}");
        failover::Error::new(ErrorKind::InvalidArgument, text)
    };
    found.ok_or_else(unknown).or_raise(py)
}

static CLASSIFY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static CONCLUDE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static RECORDS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
