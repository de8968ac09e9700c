//! Whether a call is made inside another call's function, and what that one is told of its attempt.
//!
//! A context variable says so, since contexts go along to tasks, and to threads that a program gives
//! them. For a synchronous function it holds `True`, and the numbers lie in a place of the thread: an
//! object for each attempt would cost as much as the pick. For an asynchronous one it holds the call.

use std::cell::Cell;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::call::Call;

/// An attempt's number, and how long it may take.
type Told = (u32, u64);

thread_local! {
    static INNERMOST: Cell<Told> = const { Cell::new((0, 0)) };
}

/// The context variable's own functions.
struct Variable {
    get: Py<PyAny>,
    set: Py<PyAny>,
}

static VARIABLE: PyOnceLock<Variable> = PyOnceLock::new();

fn variable(py: Python<'_>) -> PyResult<&Variable> {
    VARIABLE.get_or_try_init(py, || {
        let made = py.import("failover.context")?.getattr("ATTEMPT")?;
        let (get, set) = (made.getattr("get")?.unbind(), made.getattr("set")?.unbind());
        Ok(Variable { get, set })
    })
}

/// What the context says now: None outside of every call's function.
pub(crate) fn mark(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    variable(py)?.get.bind(py).call0()
}

/// Marks the context and the thread for one attempt.
pub(crate) struct Inside<'py> {
    outer: Bound<'py, PyAny>,
    told: Told,
}

impl<'py> Inside<'py> {
    /// Begins an attempt; `outer` is what the context said before.
    pub(crate) fn enter(outer: &Bound<'py, PyAny>, number: u32, timeout: u64) -> PyResult<Self> {
        let py = outer.py();
        variable(py)?.set.bind(py).call1((true,))?;
        Ok(Self { outer: outer.clone(), told: INNERMOST.replace((number, timeout)) })
    }

    /// Ends it.
    pub(crate) fn leave(self) -> PyResult<()> {
        let py = self.outer.py();
        INNERMOST.set(self.told);
        variable(py)?.set.bind(py).call1((self.outer,)).map(drop)
    }
}

/// The number of the attempt that runs here, and the seconds that it was given; None outside.
#[pyfunction]
pub(crate) fn current_attempt(py: Python<'_>) -> PyResult<Option<(u32, f64)>> {
    let mark = mark(py)?;
    if mark.is_none() {
        return Ok(None);
    }
    if let Ok(call) = mark.cast::<Call>() {
        return Ok(Some(call.try_borrow()?.told()));
    }
    let (number, timeout) = INNERMOST.get();
    // A context that was carried to another thread knows no numbers.
    Ok((number > 0).then(|| (number, Duration::from_nanos(timeout).as_secs_f64())))
}
