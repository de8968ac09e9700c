//! Log records as a queue that a Python thread writes to `logging`.

use std::sync::Arc;
use std::time::Duration;

use failover::Manager;
use failover::events::{LogRecord, Subscription};
use pyo3::prelude::*;

use crate::wait;

/// A bounded queue of log records.
#[derive(Debug)]
#[pyclass(frozen, module = "failover")]
pub(crate) struct LogQueue {
    queue: Arc<Subscription<LogRecord>>,
}

impl LogQueue {
    pub(crate) fn open(manager: &Manager, capacity: usize) -> Self {
        Self { queue: Arc::new(manager.subscribe_logs(capacity)) }
    }
}

#[pymethods]
impl LogQueue {
    /// The records that wait, at most `most`, after waiting up to `timeout` seconds for the first: level,
    /// area and text of each.
    #[pyo3(signature = (most=64, timeout=0.0))]
    fn poll(
        &self,
        py: Python<'_>,
        most: usize,
        timeout: f64,
    ) -> PyResult<Vec<(&'static str, &'static str, String)>> {
        let timeout = Duration::try_from_secs_f64(timeout.max(0.0)).unwrap_or(Duration::MAX);
        let records = wait::in_slices(py, timeout, |slice| {
            let records = self.queue.poll(most, slice);
            (!records.is_empty()).then_some(records)
        })?;
        let records = records.into_iter().flatten();
        Ok(records.map(|one| (one.level.name(), one.target, one.message.to_string())).collect())
    }
}
