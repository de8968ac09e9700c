//! Work for the program: checks and providers written in Python, asked through a queue.
//!
//! The engine's thread never attaches to the interpreter. It puts a question here and waits in a
//! future; a Python thread takes it, has the program's function run, and answers. A question ends with
//! its answer, with its deadline, or when whoever asked goes away; then a cancelling item of the same
//! token follows. Nothing is dropped.

use std::collections::VecDeque;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use failover::answer::Answer;
use failover::clock::{Clock, Nanos, Waiters, nanos};
use failover::discovery::BoxFuture;
use failover::endpoint::document::{self, Format, parse_list};
use failover::health::CheckResult;
use failover::lock::Lock;
use failover::{Error, ErrorKind, manager};
use pyo3::prelude::*;
use serde_json::Value;

use crate::error::Raise;
use crate::json;
use crate::wait;

/// The work of one manager.
#[derive(Debug)]
pub(crate) struct Hub {
    clock: Clock,
    /// Guards what waits.
    inside: Lock<Inside>,
    arrived: Waiters,
}

#[derive(Debug, Default)]
struct Inside {
    waiting: VecDeque<Arc<Item>>,
    last_token: u64,
    is_closed: bool,
    /// Forks up to when the items were asked.
    forks: u32,
}

/// One question.
#[derive(Debug)]
struct Item {
    kind: &'static str,
    token: u64,
    provider: String,
    payload: Value,
    deadline: Nanos,
    timeout: Duration,
    answer: Answer<Value>,
}

impl Hub {
    pub(crate) fn new(clock: &Clock) -> Arc<Self> {
        let inside = Inside { forks: manager::forks(), ..Inside::default() };
        let (clock, inside) = (clock.clone(), Lock::new(inside));
        Arc::new(Self { clock, inside, arrived: Waiters::new() })
    }

    /// Asks for a check of an endpoint.
    pub(crate) fn check(
        self: &Arc<Self>,
        endpoint: &failover::Endpoint,
        timeout: Duration,
    ) -> BoxFuture<'static, CheckResult> {
        let shown = document::to_json(endpoint);
        let answer = self.ask("health_check", "", shown, timeout);
        Box::pin(async move {
            match answer.await {
                Ok(found) => {
                    let reason = found["reason"].as_str().unwrap_or("the program says so");
                    let reason = reason.to_owned();
                    match found["grade"].as_str() {
                        Some("degraded") => CheckResult::degraded(reason),
                        Some("bad") => CheckResult::bad(reason),
                        _ => CheckResult::good(reason),
                    }
                }
                Err(error) => CheckResult::bad(error.to_string()),
            }
        })
    }

    /// Asks a provider of the program's own; only a list is answered by endpoints.
    pub(crate) fn provider(
        self: &Arc<Self>,
        provider: &str,
        work: &failover::discovery::Work,
    ) -> BoxFuture<'static, failover::Result<Vec<failover::Endpoint>>> {
        use failover::discovery::Work;
        let (kind, payload) = match work {
            Work::List => ("list", Value::Null),
            Work::Watch => ("watch", Value::Null),
            // A watch that nobody wants any more is cancelled, which says so.
            Work::Unwatch => return Box::pin(ready(Ok(Vec::new()))),
            Work::Register(endpoint) => ("register", document::to_json(endpoint)),
            Work::Update(endpoint) => ("update", document::to_json(endpoint)),
            Work::Deregister(id) => ("deregister", id.as_str().into()),
            _ => ("ping", Value::Null),
        };
        // A watch isn't answered before it has ended.
        let time = if kind == "watch" { FOR_EVER } else { PROVIDER_TIME };
        let answer = self.ask(kind, provider, payload, time);
        let is_list = kind == "list";
        Box::pin(async move {
            let answer = answer.await?;
            if is_list { parse_list(&answer.to_string(), Format::Json) } else { Ok(Vec::new()) }
        })
    }

    fn ask(
        self: &Arc<Self>,
        kind: &'static str,
        provider: &str,
        payload: Value,
        timeout: Duration,
    ) -> BoxFuture<'static, failover::Result<Value>> {
        let item = match self.put(kind, provider, payload, timeout) {
            Ok(item) => item,
            Err(error) => return Box::pin(ready(Err(error))),
        };
        let asker = Asker { hub: Arc::clone(self), item };
        Box::pin(async move {
            let Asker { hub, item } = &asker;
            item.answer.wait(&hub.clock, item.deadline).await
        })
    }

    fn put(
        &self,
        kind: &'static str,
        provider: &str,
        payload: Value,
        timeout: Duration,
    ) -> failover::Result<Arc<Item>> {
        let deadline = self.clock.now().saturating_add(nanos(timeout));
        let mut inside = self.lock();
        if inside.is_closed {
            return Err(Error::new(ErrorKind::Closed, "the manager is closed"));
        }
        inside.last_token += 1;
        let item = Arc::new(Item {
            kind,
            token: inside.last_token,
            provider: provider.to_owned(),
            payload,
            deadline,
            timeout,
            answer: Answer::default(),
        });
        inside.waiting.push_back(Arc::clone(&item));
        drop(inside);
        self.arrived.wake();
        Ok(item)
    }

    /// Ends the work for good: nobody answers any more.
    pub(crate) fn close(&self) {
        let mut inside = self.lock();
        inside.is_closed = true;
        let left = std::mem::take(&mut inside.waiting);
        drop(inside);
        self.arrived.wake();
        let closed = || Error::new(ErrorKind::Closed, "the manager is closed");
        left.iter().for_each(|item| _ = item.answer.give(Err(closed())));
    }

    /// Has whoever waits for work look again.
    pub(crate) fn wake(&self) {
        self.arrived.wake();
    }

    fn lock(&self) -> failover::lock::Held<'_, Inside> {
        let mut inside = self.inside.lock();
        let forks = manager::forks();
        if inside.forks != forks {
            inside.forks = forks;
            // The parent's, and not dropped: their tasks' runtime doesn't exist here.
            std::mem::forget(std::mem::take(&mut inside.waiting));
        }
        inside
    }
}

/// Who asked; going away, it takes the question along.
struct Asker {
    hub: Arc<Hub>,
    item: Arc<Item>,
}

impl Drop for Asker {
    fn drop(&mut self) {
        if !self.item.answer.withdraw() {
            return;
        }
        let mut inside = self.hub.lock();
        let before = inside.waiting.len();
        inside.waiting.retain(|item| item.token != self.item.token);
        if inside.waiting.len() < before || inside.is_closed {
            return;
        }
        // The program has it already, so it is told.
        inside.waiting.push_back(Arc::new(Item {
            kind: "cancel",
            token: self.item.token,
            provider: self.item.provider.clone(),
            payload: Value::Null,
            deadline: self.item.deadline,
            timeout: Duration::ZERO,
            answer: Answer::default(),
        }));
        drop(inside);
        self.hub.arrived.wake();
    }
}

/// The queue of a manager's work.
#[derive(Debug)]
#[pyclass(frozen, module = "failover")]
pub(crate) struct WorkQueue {
    pub(crate) hub: Arc<Hub>,
}

#[pymethods]
impl WorkQueue {
    /// The next piece of work, after waiting for up to `timeout` seconds; None if there is none. Not for the
    /// main thread, which would hear no signal meanwhile.
    #[pyo3(signature = (timeout=0.0))]
    fn take(&self, py: Python<'_>, timeout: f64) -> PyResult<Option<WorkItem>> {
        let timeout = Duration::try_from_secs_f64(timeout.max(0.0)).unwrap_or(Duration::MAX);
        // Not in slices: it is a thread of the package's own that waits here, which no signal reaches.
        let found = wait::detached(py, || {
            let is_over = || {
                let inside = self.hub.lock();
                inside.is_closed || !inside.waiting.is_empty() || wait::is_leaving()
            };
            self.hub.arrived.wait(timeout, &is_over);
            self.hub.lock().waiting.pop_front()
        });
        Ok(found.map(|item| WorkItem { item }))
    }

    /// True once nobody asks any more.
    #[getter]
    fn is_closed(&self) -> bool {
        self.hub.lock().is_closed
    }
}

/// One piece of work.
#[derive(Debug)]
#[pyclass(frozen, module = "failover")]
pub(crate) struct WorkItem {
    item: Arc<Item>,
}

#[pymethods]
impl WorkItem {
    /// What is asked: `health_check`, or of a provider `list`, `watch`, `register`, `update`, `deregister` or
    /// `ping`; `cancel` if the piece of the same token isn't wanted any more. A watch is answered when it
    /// has ended.
    #[getter]
    fn kind(&self) -> &'static str {
        self.item.kind
    }

    /// The number of the piece.
    #[getter]
    fn token(&self) -> u64 {
        self.item.token
    }

    /// The provider that is asked.
    #[getter]
    fn provider(&self) -> &str {
        &self.item.provider
    }

    /// The endpoint, or the id, that it is about.
    #[getter]
    fn payload<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.item.payload)
    }

    /// Seconds that the answer may take.
    #[getter]
    fn timeout(&self) -> f64 {
        self.item.timeout.as_secs_f64()
    }

    /// Answers with a JSON document; false if nobody waits for it any more.
    #[pyo3(signature = (document="null"))]
    fn complete(&self, py: Python<'_>, document: &str) -> PyResult<bool> {
        let value = serde_json::from_str(document)
            .map_err(|error| Error::new(ErrorKind::InvalidArgument, format!("answer: {error}")));
        Ok(self.item.answer.give(Ok(value.or_raise(py)?)))
    }

    /// Answers that it failed, and why; false if nobody waits for it any more.
    fn fail(&self, reason: &str) -> bool {
        self.item.answer.give(Err(Error::new(ErrorKind::Provider, reason)))
    }
}

/// How long a program may take to answer for its provider.
const PROVIDER_TIME: Duration = Duration::from_secs(10);

/// A century.
const FOR_EVER: Duration = Duration::from_secs(3_155_760_000);
