//! A manager's pools, each made once: by provider, service, and the options over the manager's policy.
//!
//! Whoever asks for the same gets the same, so that a policy for each call doesn't cost a pool for each
//! call, and cursors and budgets are shared by those who mean the same.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::providers::Entry;
use super::{Manager, Pool};
use crate::config::Policy;
use crate::endpoint::Subscriber as _;
use crate::error::{Error, ErrorKind, Result};
use crate::events::Level;
use crate::execute::{PoolCore, Rules};
use crate::stats::Counters;

/// Provider, service, and the options laid over the manager's policy, in canonical form; empty where
/// there is nothing over it.
pub(super) type PoolKey = (Arc<str>, Arc<str>, Arc<str>);

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
    fn services_of(&self, entry: &Entry) -> Vec<Arc<str>> {
        let own = entry.registry.services();
        if !own.is_empty() || !self.inner.config.has_fallback {
            return own;
        }
        let others = self.inner.providers.lock().clone();
        let named = others.iter().map(|other| other.registry.services());
        named.into_iter().find(|services| !services.is_empty()).unwrap_or_default()
    }

    pub(super) fn intern(&self, entry: &Entry, key: &PoolKey) -> Result<Pool> {
        let (pool, warnings) = self.intern_alone(entry, key)?;
        // Nobody gets a pool without its fallbacks, also one that another thread is making just now.
        if !pool.core.is_linked() {
            self.link_fallbacks(Some(&key.1));
            pool.core.announce();
        }
        warnings.iter().for_each(|warning| self.log(Level::Warn, "config", warning));
        Ok(pool)
    }

    /// As [`intern`](Self::intern), and nobody may serve in its place yet. With what the program is to be
    /// warned of once no lock is held: its own code may run then.
    fn intern_alone(&self, entry: &Entry, key: &PoolKey) -> Result<(Pool, Vec<String>)> {
        let unwarned = |pool: Pool| Ok((pool, Vec::new()));
        if let Some(known) = self.lock_pools().get(key) {
            return unwarned(known.clone());
        }
        // Whoever makes a pool or changes the policy holds this to the end: no pool is made twice, and a
        // new policy misses none.
        let in_force = self.lock_policy();
        let (rules, warnings) = match &*key.2 {
            "" => (rules(&in_force), Vec::new()),
            own => {
                let derived = in_force.derive(own)?;
                let is_new = |warning: &String| !in_force.warnings.contains(warning);
                (rules(&derived), derived.warnings.into_iter().filter(is_new).collect())
            }
        };
        if let Some(known) = self.known(key, &rules) {
            return unwarned(known);
        }
        entry.source.want(&key.1)?;
        let pool = self.make(key, rules);
        // Before anybody else can see it: a pool without endpoints refuses picks.
        entry.registry.watch(&key.1, Arc::clone(&pool.core) as _);
        let mut pools = self.lock_pools();
        // A provider of the same name that comes later has pools of its own.
        entry.check_present()?;
        pools.insert(key.clone(), pool.clone());
        Ok((pool, warnings))
    }

    /// Forgets the pools of a provider that goes. Who holds one may use it on; it is empty.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if the provider has gone already.
    pub(super) fn forget_pools(&self, entry: &Entry) -> Result<()> {
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

    /// Tells each pool who serves in its place: the same service of the other providers. `None` is the
    /// pools of every service.
    pub(super) fn link_fallbacks(&self, service: Option<&Arc<str>>) {
        if !self.inner.config.has_fallback {
            return self.lock_pools().values().for_each(|pool| pool.core.set_fallbacks(&[]));
        }
        let order = self.inner.linking.lock();
        let providers = self.inner.providers.lock().clone();
        let is_meant = |key: &&PoolKey| service.is_none_or(|service| key.1 == *service);
        let services: HashSet<Arc<str>> =
            self.lock_pools().keys().filter(is_meant).map(|key| Arc::clone(&key.1)).collect();
        // Those that nobody asked for yet too. One that goes meanwhile serves nobody.
        let pool_of = |entry: &Arc<Entry>, service: &Arc<str>| {
            let key = (Arc::clone(&entry.name), Arc::clone(service), Arc::from(""));
            self.intern_alone(entry, &key).ok().map(|(pool, _)| pool)
        };
        let serving: HashMap<Arc<str>, Vec<Pool>> = services
            .into_iter()
            .map(|service| {
                let pools = providers.iter().filter_map(|entry| pool_of(entry, &service)).collect();
                (service, pools)
            })
            .collect();
        for (key, pool) in self.lock_pools().iter() {
            let Some(serving) = serving.get(&key.1) else { continue };
            let others = serving.iter().filter(|other| other.key.0 != key.0);
            let cores: Vec<_> = others.map(|other| Arc::clone(&other.core)).collect();
            pool.core.set_fallbacks(&cores);
        }
        drop(order);
        serving.values().flatten().for_each(|pool| pool.core.announce());
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
