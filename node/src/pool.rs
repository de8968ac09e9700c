//! One pool as JavaScript holds it: its seldom used verbs, and the object of its hot ones.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use failover::balance::Level;
use failover::endpoint::document;
use failover::{EndpointId, Error, ErrorKind, Pool};
use napi::{Env, Result, Unknown};
use napi_derive::napi;
use serde_json::{Value, json};

use crate::bare::unknown;
use crate::fault::{shown, thrown};
use crate::hot::Hot;
use crate::request;

/// One pool.
#[napi]
#[expect(missing_debug_implementations, reason = "only the host holds one")]
pub struct NativePool {
    pool: Pool,
    hot: Option<Rc<RefCell<Hot>>>,
}

impl NativePool {
    pub(crate) const fn new(pool: Pool) -> Self {
        Self { pool, hot: None }
    }

    fn with_hot<T>(&self, read: impl FnOnce(&mut Hot) -> T) -> Result<T> {
        let hot = self.hot.as_ref().and_then(|hot| hot.try_borrow_mut().ok());
        let mut hot = hot.ok_or_else(|| {
            thrown(&Error::new(ErrorKind::InvalidState, "pool: its functions weren't made"))
        })?;
        Ok(read(&mut hot))
    }
}

#[napi]
impl NativePool {
    /// Makes the functions of the hot path, and the buffer through which they talk.
    #[napi(catch_unwind)]
    pub fn functions<'a>(&mut self, env: &'a Env) -> Result<Unknown<'a>> {
        let (hot, object) = Hot::new(env.raw(), self.pool.core())?;
        self.hot = Some(hot);
        Ok(unknown(env.raw(), object))
    }

    /// What tells this pool from every other of the process.
    #[napi(catch_unwind)]
    pub fn identity(&self) -> f64 {
        Arc::as_ptr(self.pool.core()) as usize as f64
    }

    /// The provider's name.
    #[napi(catch_unwind)]
    pub fn provider(&self) -> String {
        self.pool.provider().to_owned()
    }

    /// The service's name.
    #[napi(catch_unwind)]
    pub fn service(&self) -> String {
        self.pool.service().to_owned()
    }

    /// The same service under other options.
    #[napi(catch_unwind)]
    pub fn derive(&self, policy: String) -> Result<Self> {
        Ok(Self::new(self.pool.derive(&policy).map_err(|error| thrown(&error))?))
    }

    /// The pool's statistics.
    #[napi(catch_unwind)]
    pub fn stats(&self) -> String {
        self.pool.stats().to_string()
    }

    /// The endpoints, each with its number.
    #[napi(catch_unwind)]
    pub fn endpoints(&self) -> String {
        let snapshot = self.pool.snapshot();
        let members = snapshot.members().iter();
        members
            .map(|member| {
                json!({
                    "slot": member.id.slot(),
                    "generation": member.id.generation(),
                    "endpoint": document::to_json(&member.endpoint),
                })
            })
            .collect::<Value>()
            .to_string()
    }

    /// Why each endpoint would or would not be picked now.
    #[napi(catch_unwind)]
    pub fn explain(&self, request: String) -> Result<String> {
        let request = request::read(&request, self.pool.core()).map_err(|error| thrown(&error))?;
        let (list, level) = self.pool.explain(&request);
        let endpoints = list.iter().map(|one| {
            json!({
                "id": &*one.id,
                "priority": one.priority,
                "weight": one.weight,
                "objection": one.objection,
                "is_chosen": one.is_chosen,
            })
        });
        let endpoints = endpoints.collect::<Value>();
        Ok(json!({ "level": level.map(Level::name), "endpoints": endpoints }).to_string())
    }

    /// The endpoint of a number, as a document; none if it was never handed out.
    #[napi(catch_unwind)]
    pub fn describe(&self, slot: u32, generation: u32) -> Result<Option<String>> {
        let id = EndpointId::new(slot, generation);
        let found = self.with_hot(|hot| hot.describe(id))?;
        Ok(found.map(|endpoint| document::to_json(&endpoint).to_string()))
    }

    /// Why the last hot function was refused.
    #[napi(catch_unwind)]
    pub fn trouble(&self) -> Result<String> {
        self.with_hot(|hot| shown(&hot.trouble()))
    }

    /// The error that ended a call.
    #[napi(catch_unwind)]
    pub fn error(&self, call: u32) -> Result<String> {
        self.with_hot(|hot| shown(&hot.error(call)))
    }

    /// The attempts of a call that ended without success: slot, generation, outcome, nanoseconds.
    #[napi(catch_unwind)]
    pub fn history(&self, call: u32) -> Result<String> {
        let records = self.with_hot(|hot| hot.history(call))?;
        let records = records.iter().map(|record| {
            let (slot, generation) = (record.endpoint.slot(), record.endpoint.generation());
            json!([slot, generation, record.outcome.map(|one| one.name()), record.latency])
        });
        Ok(records.collect::<Value>().to_string())
    }

    /// The endpoints among which the program chooses: slot and generation of each.
    #[napi(catch_unwind)]
    pub fn candidates(&self, call: u32) -> Result<String> {
        let ids = self.with_hot(|hot| hot.candidates(call))?;
        let ids = ids.iter().map(|id| json!([id.slot(), id.generation()]));
        Ok(ids.collect::<Value>().to_string())
    }

    /// Frees a call.
    #[napi(catch_unwind)]
    pub fn free(&self, call: u32) -> Result<()> {
        self.with_hot(|hot| hot.free(call))
    }
}
