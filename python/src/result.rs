//! What a call that ended well gives back.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

/// What a call that ended well gives back.
#[derive(Debug)]
#[pyclass(frozen, generic, module = "failover")]
pub(crate) struct FailoverResult {
    /// The endpoint that served.
    #[pyo3(get)]
    pub(crate) endpoint: Py<PyAny>,
    /// What the function returned.
    #[pyo3(get)]
    pub(crate) result: Py<PyAny>,
    /// Attempts made.
    #[pyo3(get)]
    pub(crate) attempts: u32,
    pub(crate) duration: u64,
    /// True if a fallback provider served.
    #[pyo3(get)]
    pub(crate) is_fallback: bool,
    /// True if the endpoint looked unfit and no other was left.
    #[pyo3(get)]
    pub(crate) is_panic: bool,
    /// The attempts that failed before; absent where there were none.
    pub(crate) history: Option<Py<PyTuple>>,
}

#[pymethods]
impl FailoverResult {
    /// What the function returned; the same as `result`.
    #[getter]
    fn value(&self, py: Python<'_>) -> Py<PyAny> {
        self.result.clone_ref(py)
    }

    /// Seconds from the call's start to its end.
    #[getter]
    fn duration(&self) -> f64 {
        Duration::from_nanos(self.duration).as_secs_f64()
    }

    /// True: a call that failed raises.
    #[getter]
    #[expect(clippy::unused_self, reason = "it is so by being there")]
    fn success(&self) -> bool {
        true
    }

    /// None: a call that failed raises.
    #[getter]
    #[expect(clippy::unused_self, reason = "it is so by being there")]
    fn error(&self) -> Option<String> {
        None
    }

    /// The attempts that failed before, as `AttemptRecord`s.
    #[getter]
    fn history<'py>(&self, py: Python<'py>) -> Bound<'py, PyTuple> {
        match &self.history {
            Some(history) => history.bind(py).clone(),
            None => PyTuple::empty(py),
        }
    }

    /// How the call was served: `fallback` and `panic`.
    #[getter]
    fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let metadata = PyDict::new(py);
        metadata.set_item("fallback", self.is_fallback)?;
        metadata.set_item("panic", self.is_panic)?;
        Ok(metadata)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (endpoint, result) = (self.endpoint.bind(py), self.result.bind(py));
        let id: String = endpoint.getattr("id")?.extract()?;
        let (result, attempts) = (result.repr()?, self.attempts);
        Ok(format!("FailoverResult(endpoint={id:?}, result={result}, attempts={attempts})"))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.endpoint)?;
        visit.call(&self.result)
    }
}
