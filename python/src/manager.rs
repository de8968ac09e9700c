//! A manager by its verbs, each a few lines that convert and delegate.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use failover::discovery::{Capabilities, Custom};
use failover::endpoint::document::{Format, parse, parse_list};
use failover::health::CheckResult;
use failover::lock::Lock;
use failover::{AdminAction, Error, ErrorKind};
use pyo3::prelude::*;

use crate::endpoint::Endpoints;
use crate::error::{Raise, refuse};
use crate::events::EventQueue;
use crate::json;
use crate::logs::LogQueue;
use crate::pool::PoolInner;
use crate::request::time;
use crate::wait;
use crate::work::{Hub, WorkQueue};

type Document<'py> = PyResult<Bound<'py, PyAny>>;

/// The engine behind a `failover.FailoverManager`; documents go in as JSON text.
#[derive(Debug)]
#[pyclass(frozen, weakref, module = "failover")]
pub(crate) struct Manager {
    pub(crate) manager: failover::Manager,
    endpoints: Arc<Endpoints>,
    /// Guards the pools by the addresses of their cores.
    pools: Lock<HashMap<usize, Arc<PoolInner>>>,
    hub: Arc<Hub>,
}

impl Manager {
    /// The one body of a pool.
    pub(crate) fn intern(&self, pool: failover::Pool) -> Arc<PoolInner> {
        let key = Arc::as_ptr(pool.core()) as usize;
        let mut pools = self.pools.lock();
        if let Some(known) = pools.get(&key) {
            return Arc::clone(known);
        }
        let fresh = Arc::new(PoolInner::new(pool, Arc::clone(&self.endpoints)));
        pools.insert(key, Arc::clone(&fresh));
        fresh
    }

    /// Makes a change of an endpoint, which a provider of the program's own is asked for.
    fn change(
        &self,
        py: Python<'_>,
        provider: Option<String>,
        change: impl FnOnce(&failover::Manager, Option<&str>) -> failover::Result<()> + Send + 'static,
    ) -> PyResult<()> {
        let manager = self.manager.clone();
        let is_asked = match &provider {
            Some(name) => name != EMBEDDED,
            None => manager.default_provider().is_ok_and(|name| &*name != EMBEDDED),
        };
        if !is_asked {
            return change(&manager, provider.as_deref()).or_raise(py);
        }
        wait::aside(py, move || change(&manager, provider.as_deref()))
    }
}

#[pymethods]
impl Manager {
    #[new]
    fn new(py: Python<'_>, document: &str) -> PyResult<Self> {
        let made = py.detach(|| failover::Manager::from_json(document));
        let manager = made.or_raise(py)?;
        let hub = Hub::new(manager.clock());
        let (endpoints, pools) = (Arc::default(), Lock::default());
        Ok(Self { manager, endpoints, pools, hub })
    }

    fn config<'py>(&self, py: Python<'py>) -> Document<'py> {
        json::to_python(py, &self.manager.config())
    }

    fn policy<'py>(&self, py: Python<'py>) -> Document<'py> {
        json::to_python(py, &self.manager.policy().to_json())
    }

    fn warnings(&self) -> Vec<String> {
        self.manager.policy().warnings
    }

    fn configure(&self, py: Python<'_>, policy: &str) -> PyResult<()> {
        self.manager.configure(policy).or_raise(py)
    }

    #[pyo3(signature = (provider, endpoint))]
    fn register_endpoint(
        &self,
        py: Python<'_>,
        provider: Option<String>,
        endpoint: &str,
    ) -> PyResult<()> {
        let endpoint = parse(endpoint, Format::Json).or_raise(py)?;
        self.change(py, provider, |manager, name| manager.register_endpoint(name, endpoint))
    }

    #[pyo3(signature = (provider, endpoint))]
    fn update_endpoint(
        &self,
        py: Python<'_>,
        provider: Option<String>,
        endpoint: &str,
    ) -> PyResult<()> {
        let endpoint = parse(endpoint, Format::Json).or_raise(py)?;
        self.change(py, provider, |manager, name| manager.update_endpoint(name, endpoint))
    }

    #[pyo3(signature = (provider, id))]
    fn deregister_endpoint(
        &self,
        py: Python<'_>,
        provider: Option<String>,
        id: String,
    ) -> PyResult<()> {
        self.change(py, provider, move |manager, name| manager.deregister_endpoint(name, &id))
    }

    #[pyo3(signature = (provider, id))]
    fn endpoint(&self, py: Python<'_>, provider: Option<&str>, id: &str) -> PyResult<Py<PyAny>> {
        let member = self.manager.member(provider, id).or_raise(py)?;
        self.endpoints.object(py, member.id, &member.endpoint)
    }

    #[pyo3(signature = (provider))]
    fn list_endpoints(&self, py: Python<'_>, provider: Option<&str>) -> PyResult<Vec<Py<PyAny>>> {
        let listed = self.manager.endpoints(provider).or_raise(py)?;
        let ids = listed.iter().map(|endpoint| &*endpoint.id);
        // One that is deregistered meanwhile is not listed.
        let members = ids.filter_map(|id| self.manager.member(provider, id).ok());
        members.map(|one| self.endpoints.object(py, one.id, &one.endpoint)).collect()
    }

    #[pyo3(signature = (provider, endpoints))]
    fn publish(&self, py: Python<'_>, provider: Option<&str>, endpoints: &str) -> PyResult<()> {
        let endpoints = parse_list(endpoints, Format::Json).or_raise(py)?;
        self.manager.publish(provider, endpoints).or_raise(py)
    }

    fn providers(&self) -> Vec<String> {
        self.manager.providers().iter().map(ToString::to_string).collect()
    }

    fn default_provider(&self, py: Python<'_>) -> PyResult<String> {
        self.manager.default_provider().map(|name| name.to_string()).or_raise(py)
    }

    fn provider_info<'py>(&self, py: Python<'py>) -> Document<'py> {
        let shown = serde_json::to_value(self.manager.provider_info());
        let shown = shown.map_err(|error| Error::new(ErrorKind::Panic, error.to_string()));
        json::to_python(py, &shown.or_raise(py)?)
    }

    fn register_provider(&self, py: Python<'_>, name: &str, document: &str) -> PyResult<()> {
        self.manager.register_provider_json(name, document).or_raise(py)
    }

    fn register_pushed_provider(&self, py: Python<'_>, name: &str) -> PyResult<()> {
        self.manager.register_pushed_provider(name).or_raise(py)
    }

    /// Registers a provider that is asked through the work queue. `names` are its own and the one that it
    /// is asked under; `able` is what it can do: `list`, `watch`, `register`, `authoritative`.
    #[pyo3(signature = (names, able, poll_interval=None))]
    fn register_asked_provider(
        &self,
        py: Python<'_>,
        names: (String, String),
        able: Vec<String>,
        poll_interval: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let is_able = |what: &str| able.iter().any(|named| named == what);
        let mut capabilities = Capabilities::READ_ONLY;
        capabilities.can_list = is_able("list");
        capabilities.can_watch = is_able("watch");
        capabilities.can_register = is_able("register");
        capabilities.is_authoritative = is_able("authoritative");
        let (name, asked) = names;
        let hub = Arc::clone(&self.hub);
        let mut custom =
            Custom::asking(capabilities, Arc::new(move |work| hub.provider(&asked, &work)));
        if let Some(interval) = poll_interval {
            custom = custom.with_poll_interval(time(py, "poll_interval", interval)?);
        }
        self.manager.register_provider(&name, Arc::new(custom)).or_raise(py)
    }

    fn deregister_provider(&self, py: Python<'_>, name: &str) -> PyResult<()> {
        self.manager.deregister_provider(name).or_raise(py)
    }

    /// Has checks of the type `custom` asked through the work queue.
    fn ask_for_checks(&self) {
        let hub = Arc::clone(&self.hub);
        self.manager
            .set_check_function(Arc::new(move |endpoint, timeout| hub.check(&endpoint, timeout)));
    }

    fn work(&self) -> WorkQueue {
        WorkQueue { hub: Arc::clone(&self.hub) }
    }

    #[pyo3(signature = (provider, id))]
    fn health_check(
        &self,
        py: Python<'_>,
        provider: Option<String>,
        id: String,
    ) -> PyResult<&'static str> {
        let manager = self.manager.clone();
        let found = wait::aside(py, move || manager.health_check(provider.as_deref(), &id));
        found.map(|status| status.name())
    }

    #[pyo3(signature = (provider))]
    fn health_check_all(
        &self,
        py: Python<'_>,
        provider: Option<String>,
    ) -> PyResult<BTreeMap<String, &'static str>> {
        let manager = self.manager.clone();
        let found = wait::aside(py, move || manager.health_check_all(provider.as_deref()))?;
        Ok(found.into_iter().map(|(id, status)| (id.to_string(), status.name())).collect())
    }

    /// `found` is a grade (`good`, `degraded`, `bad`) and a reason.
    #[pyo3(signature = (provider, id, found))]
    fn report_health(
        &self,
        py: Python<'_>,
        provider: Option<&str>,
        id: &str,
        found: (String, String),
    ) -> PyResult<&'static str> {
        let (grade, reason) = found;
        let result = match &*grade {
            "good" => CheckResult::good(reason),
            "degraded" => CheckResult::degraded(reason),
            _ => CheckResult::bad(reason),
        };
        let status = self.manager.report_check(provider, id, &result).or_raise(py)?;
        Ok(status.name())
    }

    #[pyo3(signature = (provider, id, state))]
    fn set_admin(
        &self,
        py: Python<'_>,
        provider: Option<&str>,
        id: &str,
        state: &str,
    ) -> PyResult<()> {
        let action = AdminAction::from_name(state).ok_or_else(|| {
            let text = format!("state: unknown {state:?}");
            refuse(py, ErrorKind::InvalidArgument, &text)
        })?;
        self.manager.set_admin(provider, id, action).or_raise(py)
    }

    #[pyo3(signature = (provider, id, timeout))]
    fn wait_drained(
        &self,
        py: Python<'_>,
        provider: Option<String>,
        id: String,
        timeout: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let (manager, timeout) = (self.manager.clone(), time(py, "timeout", timeout)?);
        wait::aside(py, move || manager.wait_drained(provider.as_deref(), &id, timeout))
    }

    fn wait_ready(&self, py: Python<'_>, timeout: &Bound<'_, PyAny>) -> PyResult<()> {
        let (manager, timeout) = (self.manager.clone(), time(py, "timeout", timeout)?);
        wait::aside(py, move || manager.wait_ready(timeout))
    }

    fn stats<'py>(&self, py: Python<'py>) -> Document<'py> {
        json::to_python(py, &self.manager.stats())
    }

    fn recent_events<'py>(&self, py: Python<'py>, limit: usize) -> Document<'py> {
        let events = self.manager.recent_events(limit);
        let shown = events.iter().map(failover::events::Event::to_json).collect();
        json::to_python(py, &shown)
    }

    fn subscribe(&self, kinds: Vec<String>, capacity: usize) -> PyResult<EventQueue> {
        EventQueue::open(&self.manager, &kinds, capacity)
    }

    fn subscribe_logs(&self, capacity: usize) -> LogQueue {
        LogQueue::open(&self.manager, capacity)
    }

    fn advance(&self, py: Python<'_>, by: &Bound<'_, PyAny>) -> PyResult<()> {
        let by = time(py, "by", by)?;
        py.detach(|| self.manager.advance(by)).or_raise(py)
    }

    #[getter]
    fn now_ns(&self) -> u64 {
        self.manager.clock().now()
    }

    #[getter]
    fn in_flight(&self) -> u64 {
        self.manager.in_flight()
    }

    #[getter]
    fn is_closed(&self) -> bool {
        self.manager.is_closed()
    }

    fn close(&self, py: Python<'_>, timeout: &Bound<'_, PyAny>) -> PyResult<()> {
        let (manager, hub) = (self.manager.clone(), Arc::clone(&self.hub));
        let timeout = time(py, "timeout", timeout)?;
        let work = move || {
            let closed = manager.close(timeout);
            hub.close();
            closed
        };
        match self.manager.in_flight() {
            0 => py.detach(work).or_raise(py),
            _ => wait::aside(py, work),
        }
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        self.hub.close();
    }
}

/// The provider that is always there, whose endpoints the program keeps.
const EMBEDDED: &str = "memory";
