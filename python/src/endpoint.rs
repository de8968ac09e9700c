//! Endpoints as objects of the program: one for each description, made when it is first met.
//!
//! A fresh object for each call would cost as much as the pick, and a program may compare endpoints by
//! identity. A pool finds its endpoints by their place in the snapshot ([`crate::pool`]); behind that
//! is this table, which all pools of a manager share.

use std::collections::HashMap;
use std::sync::Arc;

use failover::endpoint::document;
use failover::lock::Lock;
use failover::{Endpoint, EndpointId};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::json;

/// The endpoint objects of one manager.
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    /// Guards the objects by the endpoints' numbers. Never held while Python runs.
    known: Lock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    objects: HashMap<EndpointId, (Arc<Endpoint>, Arc<Py<PyAny>>)>,
    /// How many there may be before those that are gone are looked for.
    most: usize,
}

impl Endpoints {
    /// The object of an endpoint as it is described now.
    pub(crate) fn object(
        &self,
        py: Python<'_>,
        id: EndpointId,
        endpoint: &Arc<Endpoint>,
    ) -> PyResult<Py<PyAny>> {
        if let Some(known) = self.known(id, endpoint) {
            return Ok(known.clone_ref(py));
        }
        let fresh = Arc::new(make(py, endpoint)?.unbind());
        let mut known = self.known.lock();
        // Another thread may have been faster; then that one's object is the endpoint's.
        let faster = known.find(id, endpoint);
        let object = faster.unwrap_or_else(|| Arc::clone(&fresh));
        let entry = (Arc::clone(endpoint), Arc::clone(&object));
        let old = known.objects.insert(id, entry);
        let gone = known.take_gone();
        drop(known);
        // Only now: what they own runs Python.
        drop((old, gone));
        Ok(object.clone_ref(py))
    }

    fn known(&self, id: EndpointId, endpoint: &Arc<Endpoint>) -> Option<Arc<Py<PyAny>>> {
        self.known.lock().find(id, endpoint)
    }
}

impl Known {
    fn find(&self, id: EndpointId, endpoint: &Arc<Endpoint>) -> Option<Arc<Py<PyAny>>> {
        let (known, object) = self.objects.get(&id)?;
        Arc::ptr_eq(known, endpoint).then(|| Arc::clone(object))
    }

    /// Takes out what nobody but this table holds any more, now and then.
    fn take_gone(&mut self) -> Vec<(Arc<Endpoint>, Arc<Py<PyAny>>)> {
        if self.objects.len() <= self.most {
            return Vec::new();
        }
        let is_gone = |entry: &(Arc<Endpoint>, Arc<Py<PyAny>>)| Arc::strong_count(&entry.0) == 1;
        let gone: Vec<_> = self.objects.extract_if(|_, entry| is_gone(entry)).collect();
        self.most = 2 * self.objects.len() + FEW;
        gone.into_iter().map(|(_, entry)| entry).collect()
    }
}

/// Makes the object of an endpoint: a `failover.Endpoint`.
pub(crate) fn make<'py>(py: Python<'py>, endpoint: &Endpoint) -> PyResult<Bound<'py, PyAny>> {
    let document = json::to_python(py, &document::to_json(endpoint))?;
    let made = FROM_DOCUMENT.get_or_try_init(py, || {
        let module = py.import("failover.endpoint")?;
        Ok::<_, PyErr>(module.getattr("from_document")?.unbind())
    })?;
    made.bind(py).call1((document,))
}

static FROM_DOCUMENT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// So many endpoints are never worth a search.
const FEW: usize = 64;
