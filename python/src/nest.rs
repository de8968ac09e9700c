//! Whether a call is made inside another call's function, and what that one is told of its attempt.
//!
//! A context variable says so, since contexts go along to tasks and to the threads that a program gives
//! them to. For an asynchronous function it is set. For a synchronous one that would cost half of the
//! whole call, and it isn't needed: while such a function runs, whatever else begins on its thread begins
//! inside of it, so a place of the thread says the same. Greenlets alone share a thread in the middle of
//! functions; where they are loaded, the variable is set for those as well.

use std::cell::Cell;
use std::time::Duration;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use crate::call::Call;

/// The function that runs on a thread.
#[derive(Clone, Copy)]
struct Innermost {
    /// The attempt's number; 0 if none runs.
    number: u32,
    timeout: u64,
    /// What the context said while it runs, to be compared and nothing else.
    mark: usize,
}

thread_local! {
    static INNERMOST: Cell<Innermost> =
        const { Cell::new(Innermost { number: 0, timeout: 0, mark: 0 }) };
}

/// The context variable's own functions, and the modules that are loaded.
struct Variable {
    get: Py<PyAny>,
    set: Py<PyAny>,
    modules: Py<PyDict>,
}

static VARIABLE: PyOnceLock<Variable> = PyOnceLock::new();

#[inline]
fn variable(py: Python<'_>) -> PyResult<&Variable> {
    VARIABLE.get_or_try_init(py, || {
        let made = py.import("failover.context")?.getattr("ATTEMPT")?;
        let (get, set) = (made.getattr("get")?.unbind(), made.getattr("set")?.unbind());
        let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?.unbind();
        Ok(Variable { get, set, modules })
    })
}

/// What is around a call that is about to begin.
pub(crate) struct Around<'py> {
    /// What the context says: None outside of every call's function.
    mark: Bound<'py, PyAny>,
    has_greenlets: bool,
    innermost: Innermost,
}

impl<'py> Around<'py> {
    #[inline]
    pub(crate) fn look(py: Python<'py>) -> PyResult<Self> {
        let variable = variable(py)?;
        let mark = variable.get.bind(py).call0()?;
        let has_greenlets = variable.modules.bind(py).contains(intern!(py, "greenlet"))?;
        Ok(Self { mark, has_greenlets, innermost: INNERMOST.get() })
    }

    /// True if the call begins inside another one's function.
    #[inline]
    pub(crate) fn is_inside(&self) -> bool {
        let is_on_thread = self.innermost.number > 0 && !self.has_greenlets;
        is_on_thread || !self.mark.is_none()
    }

    /// Runs a synchronous function for one attempt.
    #[inline]
    pub(crate) fn run<T>(
        &self,
        (number, timeout): (u32, u64),
        function: impl FnOnce() -> PyResult<T>,
    ) -> PyResult<PyResult<T>> {
        if self.has_greenlets {
            return self.run_marked((number, timeout), function);
        }
        let mark = self.mark.as_ptr() as usize;
        INNERMOST.set(Innermost { number, timeout, mark });
        let result = function();
        INNERMOST.set(self.innermost);
        Ok(result)
    }

    /// Runs a function, or the first part of one, with its context marked.
    #[inline]
    pub(crate) fn run_marked<T>(
        &self,
        (number, timeout): (u32, u64),
        function: impl FnOnce() -> PyResult<T>,
    ) -> PyResult<PyResult<T>> {
        let py = self.mark.py();
        let set = variable(py)?.set.bind(py);
        let inside = true.into_pyobject(py)?;
        set.call1((inside,))?;
        INNERMOST.set(Innermost { number, timeout, mark: inside.as_ptr() as usize });
        let result = function();
        INNERMOST.set(self.innermost);
        self.restore()?;
        Ok(result)
    }

    /// Has the context say what it said before.
    pub(crate) fn restore(&self) -> PyResult<()> {
        let py = self.mark.py();
        variable(py)?.set.bind(py).call1((&self.mark,)).map(drop)
    }
}

/// The number of the attempt that runs here, and the seconds that it was given; None outside.
#[pyfunction]
pub(crate) fn current_attempt(py: Python<'_>) -> PyResult<Option<(u32, f64)>> {
    let mark = variable(py)?.get.bind(py).call0()?;
    let innermost = INNERMOST.get();
    // A synchronous function within an asynchronous one leaves the mark of that one.
    if innermost.number > 0 && innermost.mark == mark.as_ptr() as usize {
        let timeout = Duration::from_nanos(innermost.timeout).as_secs_f64();
        return Ok(Some((innermost.number, timeout)));
    }
    match mark.cast::<Call>() {
        Ok(call) => Ok(Some(call.try_borrow()?.told())),
        // A context that was carried to another thread knows no numbers.
        Err(_) => Ok(None),
    }
}
