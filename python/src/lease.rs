//! A lease: one attempt on one endpoint that the program makes itself, outside of a call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use failover::Outcome;
use failover::clock::{Nanos, nanos};
use failover::execute::Grant;
use pyo3::prelude::*;

use crate::past::{classify, outcome_of};
use crate::pool::PoolInner;
use crate::request::time;

/// One attempt on one endpoint, returned exactly once; let go of, it counts as cancelled.
#[derive(Debug)]
#[pyclass(frozen, module = "failover")]
pub(crate) struct Lease {
    pool: Arc<PoolInner>,
    grant: Grant,
    is_open: AtomicBool,
    /// The address of the exception that was handled when its block began.
    outer: AtomicUsize,
    /// The endpoint to use.
    #[pyo3(get)]
    endpoint: Py<PyAny>,
}

impl Lease {
    pub(crate) fn new(py: Python<'_>, pool: &Arc<PoolInner>, grant: Grant) -> PyResult<Self> {
        let endpoint = pool.granted(py, &grant)?;
        let (is_open, outer) = (AtomicBool::new(true), AtomicUsize::new(0));
        Ok(Self { pool: Arc::clone(pool), grant, is_open, outer, endpoint })
    }

    /// True the first time.
    fn give_back(&self, outcome: Outcome, latency: Option<Nanos>, hint: Nanos) -> bool {
        if !self.is_open.swap(false, Ordering::AcqRel) {
            return false;
        }
        let core = &self.pool.core;
        let now = core.shared().clock.now();
        let latency = latency.unwrap_or_else(|| now.saturating_sub(self.grant.started));
        core.report_hint(&self.grant, outcome, (now, latency), hint);
        true
    }
}

#[pymethods]
impl Lease {
    /// True until it is returned.
    #[getter]
    fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Acquire)
    }

    /// Returns the lease with what came of the attempt; false if it was returned before. `latency` absent:
    /// since the pick. `hint`: how long a throttled endpoint asked to be left alone.
    #[pyo3(signature = (outcome, latency=None, hint=None))]
    fn report(
        &self,
        outcome: &Bound<'_, PyAny>,
        latency: Option<&Bound<'_, PyAny>>,
        hint: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        let py = outcome.py();
        let outcome = outcome_of(outcome)?;
        let latency = latency.map(|value| time(py, "latency", value)).transpose()?;
        let hint = hint.map_or(Ok(0), |value| time(py, "hint", value).map(nanos))?;
        Ok(self.give_back(outcome, latency.map(nanos), hint))
    }

    /// Returns the lease as cancelled; false if it was returned before.
    fn cancel(&self) -> bool {
        self.give_back(Outcome::Cancelled, None, 0)
    }

    /// Seconds since the pick.
    #[getter]
    fn age(&self) -> f64 {
        let now = self.pool.core.shared().clock.now();
        Duration::from_nanos(now.saturating_sub(self.grant.started)).as_secs_f64()
    }

    fn __enter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        let handled = slf.py().import("sys")?.call_method0("exc_info")?.get_item(1)?;
        slf.get().outer.store(handled.as_ptr() as usize, Ordering::Relaxed);
        Ok(slf)
    }

    /// Returns the lease with what the block's exception says, or as a success.
    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        error: &Bound<'_, PyAny>,
        _trace: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        let (outcome, hint) = match error.is_none() {
            true => (Outcome::Success, 0),
            false => classify(py, error, None, self.outer.load(Ordering::Relaxed))?,
        };
        self.give_back(outcome, None, hint);
        Ok(false)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.give_back(Outcome::Cancelled, None, 0);
    }
}
