//! One service of one provider under one policy: picks, and the endpoints' objects by their places.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use failover::balance::Level;
use failover::endpoint::Snapshot;
use failover::execute::{Grant, PoolCore};
use failover::{EndpointId, ErrorKind};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::json;

use crate::call::Call;
use crate::endpoint::Endpoints;
use crate::error::{Raise, exception, refuse};
use crate::lease::Lease;
use crate::manager::Manager;
use crate::result::FailoverResult;
use crate::{begin, execute, json as documents, request};

/// What a pool, its calls and its leases work on.
#[derive(Debug)]
pub(crate) struct PoolInner {
    pub(crate) pool: failover::Pool,
    pub(crate) core: Arc<PoolCore>,
    endpoints: Arc<Endpoints>,
    table: ArcSwapOption<Table>,
}

/// The endpoints' objects by their places in one snapshot, each put there when it is first picked.
#[derive(Debug)]
struct Table {
    version: u64,
    objects: Box<[Place]>,
}

/// An endpoint's number and object, once it was picked.
type Place = OnceLock<(EndpointId, Py<PyAny>)>;

impl PoolInner {
    pub(crate) fn new(pool: failover::Pool, endpoints: Arc<Endpoints>) -> Self {
        let core = Arc::clone(pool.core());
        Self { pool, core, endpoints, table: ArcSwapOption::empty() }
    }

    /// The object of the endpoint that was picked by this pool itself.
    #[inline]
    pub(crate) fn endpoint(
        &self,
        py: Python<'_>,
        id: EndpointId,
        (version, position): (u64, u32),
    ) -> PyResult<Py<PyAny>> {
        let table = self.table.load();
        if let Some(table) = &*table
            && table.version == version
            && let Some((known, object)) =
                table.objects.get(position as usize).and_then(OnceLock::get)
            && *known == id
        {
            return Ok(object.clone_ref(py));
        }
        drop(table);
        self.meet(py, id, (version, position))
    }

    /// The object of the endpoint that a grant is for.
    #[inline]
    pub(crate) fn granted(&self, py: Python<'_>, grant: &Grant) -> PyResult<Py<PyAny>> {
        self.endpoint(py, grant.endpoint, (grant.snapshot_version, grant.position))
    }

    /// The object of an endpoint that a fallback pool picked.
    #[cold]
    pub(crate) fn foreign_endpoint(
        &self,
        py: Python<'_>,
        id: EndpointId,
        endpoint: &Arc<failover::Endpoint>,
    ) -> PyResult<Py<PyAny>> {
        self.endpoints.object(py, id, endpoint)
    }

    /// The objects of endpoints that a call may choose among.
    pub(crate) fn objects(
        &self,
        py: Python<'_>,
        snapshot: &Snapshot,
        ids: &[EndpointId],
    ) -> PyResult<Vec<Py<PyAny>>> {
        let members = ids.iter().filter_map(|id| snapshot.find(*id, 0));
        members.map(|one| self.endpoints.object(py, one.id, &one.endpoint)).collect()
    }

    #[cold]
    fn meet(
        &self,
        py: Python<'_>,
        id: EndpointId,
        (version, position): (u64, u32),
    ) -> PyResult<Py<PyAny>> {
        let snapshot = self.core.snapshot();
        let Some(member) = snapshot.find(id, position) else {
            // It was only looked at, and is gone.
            let text = format!("{}: an endpoint was removed meanwhile", self.pool.name());
            return Err(refuse(py, ErrorKind::NoEndpoints, &text));
        };
        let object = self.endpoints.object(py, member.id, &member.endpoint)?;
        if snapshot.version() == version {
            let table = self.table_of(version, snapshot.members().len());
            if let Some(place) = table.objects.get(position as usize) {
                // Put there by another thread meanwhile, it is the same object.
                let _ = place.set((member.id, object.clone_ref(py)));
            }
        }
        Ok(object)
    }

    fn table_of(&self, version: u64, size: usize) -> Arc<Table> {
        if let Some(table) = self.table.load_full().filter(|table| table.version == version) {
            return table;
        }
        let objects = std::iter::repeat_with(OnceLock::new).take(size).collect();
        let fresh = Arc::new(Table { version, objects });
        self.table.store(Some(Arc::clone(&fresh)));
        fresh
    }
}

/// One service of one provider under one policy.
#[derive(Debug)]
#[pyclass(frozen, subclass, module = "failover")]
pub(crate) struct Pool {
    pub(crate) inner: Arc<PoolInner>,
}

#[pymethods]
impl Pool {
    #[new]
    /// `derived`, in place of the names: a pool, and the policy that is laid over its own.
    #[pyo3(signature = (manager, provider=None, service=None, derived=None))]
    fn new(
        py: Python<'_>,
        manager: &Manager,
        provider: Option<&str>,
        service: Option<&str>,
        derived: Option<(Bound<'_, Self>, String)>,
    ) -> PyResult<Self> {
        let pool = match derived {
            None => manager.manager.pool(provider, service),
            Some((base, policy)) => base.get().inner.pool.derive(&policy),
        };
        Ok(Self { inner: manager.intern(pool.or_raise(py)?) })
    }

    /// `provider/service`.
    #[getter]
    fn name(&self) -> &str {
        self.inner.pool.name()
    }

    /// The provider's name.
    #[getter]
    fn provider(&self) -> &str {
        self.inner.pool.provider()
    }

    /// The service's name; `*` is all of them.
    #[getter]
    fn service(&self) -> &str {
        self.inner.pool.service()
    }

    /// Picks an endpoint that nobody will report on.
    #[pyo3(signature = (**options))]
    fn select(&self, py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
        if options.is_none() {
            return self.select_one(py, &PLAIN);
        }
        self.select_one(py, &request::read(py, &self.inner, options)?.request)
    }

    /// Picks an endpoint for one attempt that the program makes itself.
    #[pyo3(signature = (**options))]
    fn lease(&self, py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Lease> {
        let asked = request::read(py, &self.inner, options)?;
        let core = &self.inner.core;
        let now = core.shared().clock.now();
        match core.grant_one(&asked.request, now) {
            Ok(grant) => Lease::new(py, &self.inner, grant),
            Err(kind) => Err(exception(py, &core.refused(kind, &asked.request, now))),
        }
    }

    /// Runs `function` on one endpoint after another until it succeeds or the call ends.
    #[pyo3(signature = (function, /, **options))]
    fn execute(
        slf: &Bound<'_, Self>,
        function: &Bound<'_, PyAny>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<FailoverResult> {
        let asked = request::read(slf.py(), &slf.get().inner, options)?;
        execute::run(slf, function, asked)
    }

    /// Begins an asynchronous call: its result, or the call to go on with where it isn't done at once.
    #[pyo3(signature = (function, /, **options))]
    fn begin<'py>(
        slf: &Bound<'py, Self>,
        function: &Bound<'py, PyAny>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let asked = request::read(slf.py(), &slf.get().inner, options)?;
        begin::begin(slf, function, asked)
    }

    /// Begins a call: the machine itself, for whoever drives it.
    #[pyo3(signature = (**options))]
    fn call(&self, py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Call> {
        let asked = request::read(py, &self.inner, options)?;
        Call::begin(py, &self.inner, asked)
    }

    /// The endpoints as they are now, in the order of their ids.
    fn endpoints(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        let snapshot = self.inner.core.snapshot();
        let members = snapshot.members().iter();
        members.map(|one| self.inner.endpoints.object(py, one.id, &one.endpoint)).collect()
    }

    /// Tells of each endpoint why it would or would not be picked now.
    #[pyo3(signature = (**options))]
    fn explain<'py>(
        &self,
        py: Python<'py>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let asked = request::read(py, &self.inner, options)?;
        let (list, level) = self.inner.pool.explain(&asked.request);
        let endpoints: Vec<_> = list
            .iter()
            .map(|one| {
                json!({
                    "id": &*one.id,
                    "priority": one.priority,
                    "weight": one.weight,
                    "objection": one.objection,
                    "is_chosen": one.is_chosen,
                })
            })
            .collect();
        let shown = json!({ "level": level.map(Level::name), "endpoints": endpoints });
        documents::to_python(py, &shown)
    }

    /// The pool's own statistics.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        documents::to_python(py, &self.inner.pool.stats())
    }

    fn __repr__(&self) -> String {
        format!("<failover.Pool {:?}>", self.inner.pool.name())
    }
}

impl Pool {
    #[inline]
    fn select_one(&self, py: Python<'_>, request: &failover::Request) -> PyResult<Py<PyAny>> {
        let core = &*self.inner.core;
        let now = core.shared().clock.now();
        match core.glance(request, now) {
            Ok(glance) => {
                let place = (glance.snapshot_version, glance.position);
                self.inner.endpoint(py, glance.endpoint, place)
            }
            Err(kind) => Err(exception(py, &core.refused(kind, request, now))),
        }
    }
}

/// A request that wants nothing in particular.
static PLAIN: failover::Request = failover::Request::new();
