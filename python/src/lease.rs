//! A lease: one attempt on one endpoint that the program makes itself, outside of a call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use failover::Outcome;
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
    /// The endpoint to use.
    #[pyo3(get)]
    endpoint: Py<PyAny>,
}

impl Lease {
    pub(crate) fn new(py: Python<'_>, pool: &Arc<PoolInner>, grant: Grant) -> PyResult<Self> {
        let endpoint = pool.endpoint(py, &grant)?;
        Ok(Self { pool: Arc::clone(pool), grant, is_open: AtomicBool::new(true), endpoint })
    }

    /// True the first time.
    fn give_back(&self, outcome: Outcome, latency: Option<u64>) -> bool {
        if !self.is_open.swap(false, Ordering::AcqRel) {
            return false;
        }
        let core = &self.pool.core;
        let now = core.shared().clock.now();
        let latency = latency.unwrap_or_else(|| now.saturating_sub(self.grant.started));
        core.report(&self.grant, outcome, now, latency);
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

    /// Returns the lease with what came of the attempt; false if it was returned before.
    #[pyo3(signature = (outcome, latency=None))]
    fn report(
        &self,
        outcome: &Bound<'_, PyAny>,
        latency: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        let py = outcome.py();
        let outcome = outcome_of(outcome)?;
        let latency = latency.map(|value| time(py, "latency", value)).transpose()?;
        Ok(self.give_back(outcome, latency.map(failover::clock::nanos)))
    }

    /// Returns the lease as cancelled; false if it was returned before.
    fn cancel(&self) -> bool {
        self.give_back(Outcome::Cancelled, None)
    }

    /// Seconds since the pick.
    #[getter]
    fn age(&self) -> f64 {
        let now = self.pool.core.shared().clock.now();
        Duration::from_nanos(now.saturating_sub(self.grant.started)).as_secs_f64()
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    /// Returns the lease with what the block's exception says, or as a success.
    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        error: &Bound<'_, PyAny>,
        _trace: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        let outcome = match error.is_none() {
            true => Outcome::Success,
            false => classify(py, error, None)?.0,
        };
        self.give_back(outcome, None);
        Ok(false)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.give_back(Outcome::Cancelled, None);
    }
}
