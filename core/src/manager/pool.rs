//! One service of one provider under one policy: the object of the hot path.

use std::sync::Arc;

use super::Manager;
use crate::balance::{Explained, Level};
use crate::config::Policy;
use crate::endpoint::Snapshot;
use crate::error::{Error, ErrorKind, Result};
use crate::execute::{Attempt, Execution, Failure, Lease, PoolCore, Request, Rules};
use crate::stats::Counters;

/// Provider, service, and the options laid over the manager's policy, in canonical form; empty where
/// there is nothing over it.
pub(super) type PoolKey = (Arc<str>, Arc<str>, Arc<str>);

/// One service of one provider under one policy.
///
/// Cheap to clone; a clone is the same pool. Lives as long as its manager, and is closed after it; once its provider is
/// deregistered, it has no endpoints any more, and one that is registered under the same name has
/// other pools.
#[derive(Clone, Debug)]
pub struct Pool {
    core: Arc<PoolCore>,
    manager: std::sync::Weak<super::manager::Inner>,
    key: PoolKey,
}

impl Manager {
    /// The pool of a service; `None` for the default provider, or for its only service.
    ///
    /// The name `*` is all of the provider's services.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for an unknown provider, [`ErrorKind::NoEndpoints`] if no service is
    /// named and there is none, [`ErrorKind::InvalidArgument`] if there are several.
    pub fn pool(&self, provider: Option<&str>, service: Option<&str>) -> Result<Pool> {
        self.check_open()?;
        let entry = self.provider_entry(provider)?;
        let service = match service {
            Some(service) => Arc::from(service),
            None => only_service(&self.services_of(&entry), &entry.name)?,
        };
        self.intern(&entry, &(Arc::clone(&entry.name), service, Arc::from("")))
    }

    /// The provider's services; while it has none, those of the one that serves in its place.
    fn services_of(&self, entry: &super::providers::Entry) -> Vec<Arc<str>> {
        let own = entry.registry.services();
        if !own.is_empty() || !self.inner.config.has_fallback {
            return own;
        }
        let others = self.inner.providers.lock().clone();
        let named = others.iter().map(|other| other.registry.services());
        named.into_iter().find(|services| !services.is_empty()).unwrap_or_default()
    }

    pub(super) fn intern(&self, entry: &super::providers::Entry, key: &PoolKey) -> Result<Pool> {
        if let Some(known) = self.lock_pools().get(key) {
            return Ok(known.clone());
        }
        // Whoever makes a pool or changes the policy holds this to the end: no pool is made twice, and a
        // new policy misses none.
        let in_force = self.lock_policy();
        let rules = match &*key.2 {
            "" => rules(&in_force),
            own => rules(&in_force.derive(own)?),
        };
        if let Some(known) = self.known(key, &rules) {
            return Ok(known);
        }
        let pool = self.make(key, rules);
        // Before anybody else can see it: a pool without endpoints refuses picks.
        entry.registry.watch(&key.1, Arc::clone(&pool.core) as _);
        let mut pools = self.lock_pools();
        // A provider of the same name that comes later has pools of its own.
        entry.check_present()?;
        pools.insert(key.clone(), pool.clone());
        drop(pools);
        drop(in_force);
        self.link_fallbacks();
        Ok(pool)
    }

    /// Forgets the pools of a provider that goes. Who holds one may use it on; it is empty.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if the provider has gone already.
    pub(super) fn forget_pools(&self, entry: &super::providers::Entry) -> Result<()> {
        let mut pools = self.lock_pools();
        entry.leave()?;
        pools.retain(|key, _| key.0 != entry.name);
        Ok(())
    }

    /// The pool of this key, or the derived one of the same service that means the same now. That is the
    /// pool of both keys until the policy changes.
    fn known(&self, key: &PoolKey, rules: &Rules) -> Option<Pool> {
        let mut pools = self.lock_pools();
        if let Some(known) = pools.get(key) {
            return Some(known.clone());
        }
        let is_alike = |other: &&Pool| {
            let (provider, service, own) = other.key();
            let is_derived = !own.is_empty() && !key.2.is_empty();
            is_derived
                && (provider, service) == (&key.0, &key.1)
                && is_same(&other.core.rules(), rules)
        };
        let alike = pools.values().find(is_alike)?.clone();
        pools.insert(key.clone(), alike.clone());
        Some(alike)
    }

    fn make(&self, key: &PoolKey, rules: Rules) -> Pool {
        let shared = self.inner.shared.clone();
        let parent_key = (Arc::clone(&key.0), Arc::clone(&key.1), Arc::from(""));
        let parent =
            self.lock_pools().get(&parent_key).map(|pool| Arc::clone(pool.core.counters()));
        let counters = parent.unwrap_or_else(|| Arc::new(Counters::new(shared.stripes)));
        let name = format!("{}/{}", key.0, key.1).into();
        let core = Arc::new(PoolCore::new(name, shared, rules, counters));
        Pool { core, manager: Arc::downgrade(&self.inner), key: key.clone() }
    }

    /// Tells each pool who serves in its place: the same service of the other providers.
    pub(super) fn link_fallbacks(&self) {
        if !self.inner.config.has_fallback {
            return;
        }
        let providers = self.inner.providers.lock().clone();
        let keys: Vec<PoolKey> = self.lock_pools().keys().cloned().collect();
        for key in keys {
            let others = providers.iter().filter(|entry| entry.name != key.0);
            // One that goes meanwhile serves nobody.
            let cores: Vec<Arc<PoolCore>> = others
                .filter_map(|entry| {
                    let other = (Arc::clone(&entry.name), Arc::clone(&key.1), Arc::from(""));
                    self.fallback_core(entry, other)
                })
                .collect();
            if let Some(pool) = self.lock_pools().get(&key) {
                pool.core.set_fallbacks(&cores);
            }
        }
    }

    fn fallback_core(
        &self,
        entry: &super::providers::Entry,
        key: PoolKey,
    ) -> Option<Arc<PoolCore>> {
        let known = self.lock_pools().get(&key).map(|pool| Arc::clone(&pool.core));
        known.or_else(|| self.intern(entry, &key).ok().map(|pool| pool.core))
    }
}

impl Pool {
    /// The hot half, for drivers of [`Call`](crate::execute::Call).
    #[must_use]
    pub const fn core(&self) -> &Arc<PoolCore> {
        &self.core
    }

    /// `provider/service`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.core.name()
    }

    /// The provider's name.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.key.0
    }

    /// The service's name; `*` is all of them.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.key.1
    }

    /// The endpoints as they are now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.core.snapshot()
    }

    /// Picks an endpoint for one attempt that the program makes itself.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoEndpoints`] or [`ErrorKind::CircuitOpen`], with each endpoint's reason;
    /// [`ErrorKind::Closed`].
    pub fn pick(&self, request: &Request) -> Result<Lease<'_>> {
        self.pick_at(request, self.core.shared().clock.now())
    }

    /// As [`pick`](Self::pick), with the time given, which saves reading the clock.
    ///
    /// # Errors
    ///
    /// As [`pick`](Self::pick).
    pub fn pick_at(&self, request: &Request, now: u64) -> Result<Lease<'_>> {
        self.core.lease(request, now)
    }

    /// Runs `callback` on one endpoint after another until it succeeds or the call ends, waiting on
    /// the calling thread.
    ///
    /// # Errors
    ///
    /// [`Failure`] with the last attempt's own error.
    ///
    /// # Examples
    ///
    /// ```
    /// use failover::{Endpoint, Manager, Request};
    /// use std::io::{Error, ErrorKind};
    ///
    /// let manager = Manager::from_json(r#"{"seed": 1}"#)?;
    /// manager.register_endpoint(None, Endpoint::new("a", "users", "127.0.0.1", 8080))?;
    /// manager.register_endpoint(None, Endpoint::new("b", "users", "127.0.0.1", 8081))?;
    ///
    /// let pool = manager.pool(None, Some("users"))?;
    /// let served = pool.execute_blocking(Request::new(), |attempt| match &*attempt.endpoint.id {
    ///     "a" => Err(Error::from(ErrorKind::ConnectionRefused)),
    ///     id => Ok(format!("hello from {id}")),
    /// });
    /// assert_eq!(served.unwrap().value, "hello from b");
    /// # Ok::<(), failover::Error>(())
    /// ```
    pub fn execute_blocking<T, E: std::error::Error + 'static>(
        &self,
        request: Request,
        callback: impl FnMut(&Attempt) -> std::result::Result<T, E>,
    ) -> std::result::Result<Execution<T>, Failure<E>> {
        self.core.execute_blocking(request, callback)
    }

    /// Runs `callback` on one endpoint after another until it succeeds or the call ends.
    ///
    /// # Errors
    ///
    /// [`Failure`] with the last attempt's own error.
    ///
    /// # Cancellation
    ///
    /// Dropping the future returns its attempt as cancelled. An attempt whose time is over is
    /// dropped.
    #[cfg(feature = "runtime")]
    pub async fn execute<T, E, F>(
        &self,
        request: Request,
        callback: impl FnMut(Attempt) -> F,
    ) -> std::result::Result<Execution<T>, Failure<E>>
    where
        E: std::error::Error + 'static,
        F: Future<Output = std::result::Result<T, E>>,
    {
        self.core.execute(request, callback).await
    }

    /// Tells of each endpoint why it would or would not be picked, and from which level the pick
    /// would come.
    #[must_use]
    pub fn explain(&self, request: &Request) -> (Vec<Explained>, Option<Level>) {
        self.core.explain(request, self.core.shared().clock.now())
    }

    /// The same service under another policy: the given options over this pool's.
    ///
    /// States and endpoints are shared; cursors and budget are its own. The same policy gives the
    /// same pool. When the manager's policy changes, the options that were given stay, and the others
    /// follow it.
    ///
    /// # Errors
    ///
    /// Every fault of the policy at once, [`ErrorKind::Closed`].
    pub fn derive(&self, policy: &str) -> Result<Self> {
        let gone = || Error::new(ErrorKind::Closed, "the manager is gone");
        let manager = Manager { inner: self.manager.upgrade().ok_or_else(gone)? };
        manager.check_open()?;
        let options: Arc<str> = manager.policy().lay_over(&self.key.2, policy)?.into();
        let key = (Arc::clone(&self.key.0), Arc::clone(&self.key.1), options);
        let entry = manager.provider_entry(Some(&self.key.0))?;
        manager.intern(&entry, &key)
    }

    pub(super) const fn key(&self) -> &PoolKey {
        &self.key
    }
}

pub(super) fn rules(policy: &Policy) -> Rules {
    Rules {
        balance: policy.balance.clone(),
        breaker: policy.breaker.clone(),
        execute: policy.execute.clone(),
        load_balance_every: policy.load_balance_every,
    }
}

fn is_same(one: &Rules, other: &Rules) -> bool {
    one.balance == other.balance
        && one.breaker == other.breaker
        && one.execute == other.execute
        && one.load_balance_every == other.load_balance_every
}

fn only_service(services: &[Arc<str>], provider: &str) -> Result<Arc<str>> {
    match services {
        [] => {
            let text = format!("{provider}: no endpoint is registered");
            Err(Error::new(ErrorKind::NoEndpoints, text))
        }
        [one] => Ok(Arc::clone(one)),
        several => {
            let names = several.join(", ");
            let text = format!("service: must be named, {provider} holds several: {names}");
            Err(Error::new(ErrorKind::InvalidArgument, text))
        }
    }
}
