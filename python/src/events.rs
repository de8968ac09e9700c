//! Events as a queue that a thread or a loop of the program reads.

use std::sync::Arc;
use std::time::Duration;

use failover::Manager;
use failover::events::{Event, EventKind, Subscription};
use failover::lock::Lock;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::bell::Bell;
use crate::error::Raise;
use crate::json;
use crate::wait;

/// A bounded queue of events: the oldest goes when it is full, and is counted.
#[derive(Debug)]
#[pyclass(frozen, module = "failover")]
pub(crate) struct EventQueue {
    queue: Arc<Subscription<Event>>,
    manager: Manager,
    /// Guards the bell, which is made when a loop of this process first waits.
    bell: Lock<Option<Arc<Bell>>>,
}

impl EventQueue {
    pub(crate) fn open(manager: &Manager, kinds: &[String], capacity: usize) -> PyResult<Self> {
        let kinds: PyResult<Vec<_>> = kinds.iter().map(|name| kind_of(name)).collect();
        let queue = Arc::new(manager.subscribe(&kinds?, capacity));
        Ok(Self { queue, manager: manager.clone(), bell: Lock::default() })
    }
}

#[pymethods]
impl EventQueue {
    /// The events that wait, at most `most`, after waiting up to `timeout` seconds for the first. None
    /// once the manager is closed and all are read.
    #[pyo3(signature = (most=64, timeout=0.0))]
    fn poll<'py>(
        &self,
        py: Python<'py>,
        most: usize,
        timeout: f64,
    ) -> PyResult<Option<Vec<Bound<'py, PyAny>>>> {
        let timeout = Duration::try_from_secs_f64(timeout.max(0.0)).unwrap_or(Duration::MAX);
        let waiting = &self.queue;
        let found = wait::in_slices(py, timeout, |slice| {
            // Looked at first: what was told before closing is read to the end.
            let is_closed = self.manager.is_closed();
            let events = waiting.poll(most, if is_closed { Duration::ZERO } else { slice });
            (!events.is_empty() || is_closed).then_some(events)
        })?;
        let events = found.unwrap_or_default();
        if events.is_empty() && self.manager.is_closed() {
            return Ok(None);
        }
        events
            .iter()
            .map(|event| json::to_python(py, &event.to_json()))
            .collect::<PyResult<_>>()
            .map(Some)
    }

    /// A descriptor that is readable while there may be something to read.
    fn descriptor(&self, py: Python<'_>) -> PyResult<i32> {
        let mut bell = self.bell.lock();
        if let Some(bell) = bell.as_ref().filter(|bell| bell.is_ours()) {
            return Ok(bell.descriptor());
        }
        let made = Arc::new(Bell::new().map_err(failover::Error::from).or_raise(py)?);
        let (descriptor, rung) = (made.descriptor(), Arc::clone(&made));
        *bell = Some(made);
        self.queue.set_wake(Some(Arc::new(move || rung.ring())));
        Ok(descriptor)
    }

    /// Has the descriptor not be readable until more comes; what came before is to be read after this.
    fn quiet(&self) {
        if let Some(bell) = &*self.bell.lock() {
            bell.quiet();
        }
    }

    /// Has a loop that waits look again.
    fn ring(&self) {
        if let Some(bell) = &*self.bell.lock() {
            bell.ring();
        }
    }

    /// How many events were dropped because nobody read them.
    #[getter]
    fn dropped(&self) -> u64 {
        self.queue.dropped()
    }
}

/// The kind of an event by its name.
pub(crate) fn kind_of(name: &str) -> PyResult<EventKind> {
    let found = EventKind::ALL.iter().find(|kind| kind.name() == name);
    found.copied().ok_or_else(|| PyValueError::new_err(format!("unknown kind of event {name:?}")))
}
