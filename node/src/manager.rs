//! The manager as JavaScript holds it: its verbs as text in and text out.

use std::sync::Arc;
use std::time::Duration;

use failover::endpoint::document::{self, Format, parse};
use failover::events::{EventKind, Level};
use failover::health::CheckResult;
use failover::{AdminAction, Error, ErrorKind, Manager};
use napi::bindgen_prelude::Function;
use napi::{Env, JsValue, Result};
use napi_derive::napi;
use serde_json::{Value, json};

use crate::bell::Bell;
use crate::fault::thrown;
use crate::pool::NativePool;
use crate::queue::NativeQueue;
use crate::wake::Wake;
use crate::work::Work;

/// One manager.
#[napi]
#[expect(missing_debug_implementations, reason = "only the host holds one")]
pub struct NativeManager {
    pub(crate) manager: Manager,
    wake: Arc<Wake>,
    pub(crate) work: Arc<Work>,
}

#[napi]
impl NativeManager {
    /// Makes a manager from a JSON document.
    #[napi(constructor, catch_unwind)]
    pub fn new(document: String) -> Result<Self> {
        let manager = Manager::from_json(&document).map_err(|error| thrown(&error))?;
        let wake = Arc::new(Wake::default());
        let work = Work::new(manager.clock().clone(), Arc::clone(&wake));
        Ok(Self { manager, wake, work })
    }

    /// Has `ring` called on the loop when work or records wait.
    #[napi(catch_unwind)]
    pub fn listen(&self, env: &Env, ring: Function<'_, (), ()>) -> Result<()> {
        self.wake.hang(Bell::new(env.raw(), ring.raw())?);
        Ok(())
    }

    /// Says whether the bell keeps the process alive.
    #[napi(catch_unwind)]
    pub fn hold(&self, is_held: bool) {
        self.wake.hold(is_held);
    }

    /// Registers, changes or removes an endpoint with a provider that answers at once.
    #[napi(catch_unwind)]
    pub fn change(&self, verb: String, provider: Option<String>, subject: String) -> Result<()> {
        change(&self.manager, &verb, provider.as_deref(), &subject).map_err(|error| thrown(&error))
    }

    /// The document of an endpoint.
    #[napi(catch_unwind)]
    pub fn endpoint(&self, provider: Option<String>, id: String) -> Result<String> {
        let found = self.manager.endpoint(provider.as_deref(), &id);
        let found = found.map_err(|error| thrown(&error))?;
        Ok(document::to_json(&found).to_string())
    }

    /// The documents of all endpoints of a provider.
    #[napi(catch_unwind)]
    pub fn endpoints(&self, provider: Option<String>) -> Result<String> {
        let found = self.manager.endpoints(provider.as_deref()).map_err(|error| thrown(&error))?;
        let found = found.iter().map(|endpoint| document::to_json(endpoint));
        Ok(found.collect::<Value>().to_string())
    }

    /// The pool of a service.
    #[napi(catch_unwind)]
    pub fn pool(&self, provider: Option<String>, service: Option<String>) -> Result<NativePool> {
        let pool = self.manager.pool(provider.as_deref(), service.as_deref());
        pool.map(NativePool::new).map_err(|error| thrown(&error))
    }

    /// Puts another policy in force.
    #[napi(catch_unwind)]
    pub fn configure(&self, policy: String) -> Result<()> {
        self.manager.configure(&policy).map_err(|error| thrown(&error))
    }

    /// The configuration in force.
    #[napi(catch_unwind)]
    pub fn config(&self) -> String {
        self.manager.config().to_string()
    }

    /// The statistics of every provider.
    #[napi(catch_unwind)]
    pub fn stats(&self) -> String {
        self.manager.stats().to_string()
    }

    /// The last events, the newest first.
    #[napi(catch_unwind)]
    pub fn recent_events(&self, limit: u32) -> String {
        let events = self.manager.recent_events(limit as usize);
        events.iter().map(|event| event.to_json()).collect::<Value>().to_string()
    }

    /// A queue of events of the given kinds; none are all of them.
    #[napi(catch_unwind)]
    pub fn subscribe(&self, kinds: Vec<String>, capacity: u32) -> Result<NativeQueue> {
        let known: failover::Result<Vec<_>> = kinds.iter().map(|name| kind_of(name)).collect();
        let known = known.map_err(|error| thrown(&error))?;
        let subscription = self.manager.subscribe(&known, capacity as usize);
        Ok(NativeQueue::of_events(subscription, &self.wake))
    }

    /// A queue of log records.
    #[napi(catch_unwind)]
    pub fn subscribe_logs(&self, capacity: u32) -> NativeQueue {
        NativeQueue::of_logs(self.manager.subscribe_logs(capacity as usize), &self.wake)
    }

    /// Sets the least severe level of log records that is kept.
    #[napi(catch_unwind)]
    pub fn set_log_level(&self, name: String) -> Result<()> {
        let levels =
            [Level::Off, Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace];
        let unknown = || Error::new(ErrorKind::InvalidArgument, format!("level: {name:?} is none"));
        let level = levels.into_iter().find(|level| level.name() == name);
        self.manager.set_log_level(level.ok_or_else(|| thrown(&unknown()))?);
        Ok(())
    }

    /// Takes the program's own finding on an endpoint: `good`, `degraded` or `bad`.
    #[napi(catch_unwind)]
    pub fn report_health(
        &self,
        provider: Option<String>,
        id: String,
        grade: String,
        reason: String,
    ) -> Result<String> {
        let reported = found(&grade, reason)
            .and_then(|result| self.manager.report_check(provider.as_deref(), &id, &result));
        reported.map(|health| health.name().to_owned()).map_err(|error| thrown(&error))
    }

    /// Says what the program thinks of an endpoint.
    #[napi(catch_unwind)]
    pub fn set_admin(&self, provider: Option<String>, id: String, state: String) -> Result<()> {
        let unknown =
            || Error::new(ErrorKind::InvalidArgument, format!("state: {state:?} is none"));
        let action = AdminAction::from_name(&state).ok_or_else(|| thrown(&unknown()))?;
        self.manager.set_admin(provider.as_deref(), &id, action).map_err(|error| thrown(&error))
    }

    /// Fails with a time-out while an endpoint has an attempt in flight.
    #[napi(catch_unwind)]
    pub fn check_drained(&self, provider: Option<String>, id: String) -> Result<()> {
        let drained = self.manager.wait_drained(provider.as_deref(), &id, Duration::ZERO);
        drained.map_err(|error| thrown(&error))
    }

    /// Fails with a time-out until every provider has delivered its first set.
    #[napi(catch_unwind)]
    pub fn check_ready(&self) -> Result<()> {
        self.manager.wait_ready(Duration::ZERO).map_err(|error| thrown(&error))
    }

    /// Attempts in flight.
    #[napi(catch_unwind)]
    pub fn in_flight(&self) -> f64 {
        self.manager.in_flight() as f64
    }

    /// Closes at once.
    #[napi(catch_unwind)]
    pub fn close(&self) -> Result<()> {
        let closed = self.manager.close(Duration::ZERO);
        self.work.close();
        self.wake.silence();
        closed.map_err(|error| thrown(&error))
    }

    /// True once it is closed.
    #[napi(catch_unwind)]
    pub fn is_closed(&self) -> bool {
        self.manager.is_closed()
    }

    /// The manager's time in nanoseconds.
    #[napi(catch_unwind)]
    pub fn now(&self) -> f64 {
        self.manager.clock().now() as f64
    }

    /// Moves a manual clock by nanoseconds.
    #[napi(catch_unwind)]
    pub fn advance(&self, by: f64) -> Result<()> {
        let by = Duration::from_nanos(by as u64);
        self.manager.advance(by).map_err(|error| thrown(&error))
    }

    /// Has checks of the type `custom` made by the program.
    #[napi(catch_unwind)]
    pub fn make_checks(&self) {
        let work = Arc::clone(&self.work);
        self.manager.set_check_function(Arc::new(move |endpoint, timeout| {
            let question = json!({
                "kind": "check",
                "timeout_ms": timeout.as_secs_f64() * 1e3,
                "endpoint": document::to_json(&endpoint),
            });
            let answer = work.ask(question, timeout);
            Box::pin(async move {
                let told = answer.await.and_then(|told| {
                    let text = |key: &str| told[key].as_str().unwrap_or_default().to_owned();
                    found(&text("grade"), text("reason"))
                });
                told.unwrap_or_else(|error| CheckResult::bad(error.to_string()))
            })
        }));
    }

    /// The work that waits for the loop.
    #[napi(catch_unwind)]
    pub fn take_work(&self) -> String {
        Value::Array(self.work.take()).to_string()
    }

    /// Answers a piece of work: with a document, or with what went wrong.
    #[napi(catch_unwind)]
    pub fn complete_work(&self, token: u32, is_good: bool, text: String) {
        let answer = match is_good {
            true => serde_json::from_str(&text)
                .map_err(|error| Error::new(ErrorKind::Provider, format!("answer: {error}"))),
            false => Err(Error::new(ErrorKind::Provider, text)),
        };
        self.work.complete(token, answer);
    }
}

impl Drop for NativeManager {
    fn drop(&mut self) {
        self.work.close();
        self.wake.silence();
    }
}

/// The JSON Schema of all documents, by which the package tells times from numbers.
#[napi(catch_unwind)]
pub(crate) fn schema() -> String {
    failover::config::json_schema().to_string()
}

/// The version of the library.
#[napi(catch_unwind)]
pub(crate) fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// A duration's text in milliseconds.
#[napi(catch_unwind)]
pub(crate) fn milliseconds(text: String) -> Result<f64> {
    let read = failover::duration::parse(&text).map_err(|what| {
        thrown(&Error::new(ErrorKind::InvalidArgument, format!("duration: {what}")))
    })?;
    Ok(read.as_secs_f64() * 1e3)
}

fn change(
    manager: &Manager,
    verb: &str,
    provider: Option<&str>,
    subject: &str,
) -> failover::Result<()> {
    match verb {
        "register" => manager.register_endpoint(provider, parse(subject, Format::Json)?),
        "update" => manager.update_endpoint(provider, parse(subject, Format::Json)?),
        _ => manager.deregister_endpoint(provider, subject),
    }
}

fn found(grade: &str, reason: String) -> failover::Result<CheckResult> {
    match grade {
        "good" => Ok(CheckResult::good(reason)),
        "degraded" => Ok(CheckResult::degraded(reason)),
        "bad" => Ok(CheckResult::bad(reason)),
        _ => {
            let text = format!("health: must be good, degraded or bad, got {grade:?}");
            Err(Error::new(ErrorKind::InvalidArgument, text))
        }
    }
}

fn kind_of(name: &str) -> failover::Result<EventKind> {
    let found = EventKind::ALL.iter().copied().find(|kind| kind.name() == name);
    let unknown =
        || Error::new(ErrorKind::InvalidArgument, format!("event {name:?}: is not known"));
    found.ok_or_else(unknown)
}

/// A time of JavaScript; what is no time is none.
pub(crate) fn ms(given: f64) -> Duration {
    Duration::try_from_secs_f64(given / 1e3).unwrap_or_default()
}
