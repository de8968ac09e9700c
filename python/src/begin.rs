//! Begins an asynchronous call: its first attempt, up to the point where that suspends.
//!
//! Most of what is quick never suspends, and then there is nothing to drive: the result is here, and no
//! loop, timer or object of a call was needed. What does suspend, or fails, is handed to the package's
//! driver as a [`Call`] under way.

use std::sync::Arc;

use failover::{Action, Input, Outcome};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyIterator;
use pyo3::types::iterator::PySendResult;

use crate::call::Call;
use crate::error::Raise;
use crate::nest::Around;
use crate::past::{self, Past};
use crate::pool::Pool;
use crate::request::Asked;

/// The result of a call that ended at once, or the call to go on with.
pub(crate) fn begin<'py>(
    pool: &Bound<'py, Pool>,
    function: &Bound<'py, PyAny>,
    asked: Asked<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = pool.py();
    let inner = &pool.get().inner;
    let around = Around::look(py)?;
    let request = if around.is_inside() { asked.request.nested(true) } else { asked.request };
    let mut machine = failover::Call::new(Arc::clone(&inner.core), request);
    let clock = &inner.core.shared().clock;
    let now = clock.now();
    let action = machine.step(Input::Start, now).or_raise(py)?;
    let Action::Attempt { grant, number, deadline } = action else {
        let call = Call::under_way(inner, machine, action, asked.classify);
        return Ok(Bound::new(py, call)?.into_any());
    };
    let endpoint = past::endpoint(py, inner, &machine, &grant)?;
    let told = (number, deadline.saturating_sub(now));
    let mut coroutine = None;
    let first = around.run_marked(told, || {
        let made = awaited(function.call1((&endpoint,))?)?;
        let sent = send(&made);
        coroutine = Some(made);
        sent
    })?;
    if let Ok(PySendResult::Return(value)) = first {
        let now = clock.now();
        let ended = machine.step(past::result(number, Outcome::Success, 0), now);
        let result = Past::default().done(py, &machine, ended, (endpoint, value.unbind(), now))?;
        return Ok(Bound::new(py, result)?.into_any());
    }
    let mut call = Call::under_way(inner, machine, action, asked.classify);
    call.set_attempt(endpoint, told);
    let call = Bound::new(py, call)?;
    match (first, coroutine) {
        (Ok(PySendResult::Next(waited_for)), Some(coroutine)) => {
            call.try_borrow_mut()?.suspend(coroutine.unbind(), waited_for.unbind());
        }
        (Err(error), _) => {
            let is_plain = error.is_instance_of::<PyException>(py);
            let value = error.value(py).clone().into_any();
            call.try_borrow_mut()?.fail_with(py, &value, 0)?;
            if !is_plain {
                return Err(error);
            }
        }
        _ => {}
    }
    Ok(call.into_any())
}

/// Takes the first step of a coroutine. The interpreter's own way of doing so raises nothing to say that
/// it is done, which would cost as much as the rest of the call.
#[inline]
fn send<'py>(coroutine: &Bound<'py, PyAny>) -> PyResult<PySendResult<'py>> {
    // SAFETY: nothing but `PyIter_Send` is called on it, which takes any object: one that has no slot to
    // send to has its method `send` called. A coroutine isn't an iterator by name alone.
    let coroutine = unsafe { coroutine.cast_unchecked::<PyIterator>() };
    coroutine.send(&coroutine.py().None().into_bound(coroutine.py()))
}

/// What can be sent to: a coroutine as it is, another awaitable within one.
#[inline]
fn awaited(made: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    let py = made.py();
    if is_coroutine(&made)? {
        return Ok(made);
    }
    let awaiting = AWAITING.get_or_try_init(py, || {
        Ok::<_, PyErr>(py.import("failover.execute")?.getattr("awaiting")?.unbind())
    })?;
    awaiting.bind(py).call1((made,))
}

/// True for what an `async def` returns.
#[inline]
pub(crate) fn is_coroutine(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = value.py();
    let coroutine = COROUTINE.get_or_try_init(py, || {
        Ok::<_, PyErr>(py.import("types")?.getattr("CoroutineType")?.unbind())
    })?;
    Ok(value.get_type().is(coroutine))
}

static COROUTINE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static AWAITING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
