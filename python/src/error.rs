//! Errors of the engine as exceptions, which the module `failover.errors` makes.

use failover::{Error, ErrorKind};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::json;

/// Shorthand for what a verb of the engine returns.
pub(crate) trait Raise<T> {
    /// The value, or the exception of the error.
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> Raise<T> for failover::Result<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| exception(py, &error))
    }
}

/// The exception of an error.
#[cold]
pub(crate) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    match make(py, error) {
        Ok(made) => PyErr::from_value(made),
        Err(failure) => failure,
    }
}

/// The exception of a kind with a message of the binding's own.
#[cold]
pub(crate) fn refuse(py: Python<'_>, kind: ErrorKind, text: &str) -> PyErr {
    exception(py, &Error::new(kind, text))
}

/// The exception object of an error.
pub(crate) fn make<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let details = json::to_python(py, &error.details())?;
    function(py, &MAKE, "make")?.call1((error.kind().code(), error.to_string(), details))
}

/// A function of the module `failover.errors`.
pub(crate) fn function<'py>(
    py: Python<'py>,
    place: &PyOnceLock<Py<PyAny>>,
    name: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let found = place.get_or_try_init(py, || {
        Ok::<_, PyErr>(py.import("failover.errors")?.getattr(name)?.unbind())
    })?;
    Ok(found.bind(py).clone())
}

static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
