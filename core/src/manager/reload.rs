//! Live reconfiguration: a new policy takes effect whole, or not at all.
//!
//! Counters, breaker states, sessions and leases stay. A derived pool keeps its own options and
//! takes the rest from the new policy.

use std::sync::Arc;

use super::Manager;
use super::pools::rules;
use super::providers::Entry;
use crate::config::Policy;
use crate::endpoint::Subscriber as _;
use crate::error::Result;
use crate::events::{Event, EventKind, Level};

impl Manager {
    /// Puts another policy in force, given as a JSON document.
    ///
    /// # Errors
    ///
    /// Every fault at once, each with its dotted path; then nothing changes.
    pub fn configure(&self, policy: &str) -> Result<()> {
        self.check_open()?;
        self.apply(Policy::from_json(policy, &self.inner.config)?);
        Ok(())
    }

    /// Puts another policy in force, given as a TOML document.
    ///
    /// # Errors
    ///
    /// As [`configure`](Self::configure).
    pub fn configure_toml(&self, policy: &str) -> Result<()> {
        self.check_open()?;
        self.apply(Policy::from_toml(policy, &self.inner.config)?);
        Ok(())
    }

    fn apply(&self, policy: Policy) {
        // Written once nothing is locked: a subscriber may ask the manager.
        let mut warnings = policy.warnings.clone();
        let mut in_force = self.lock_policy();
        *in_force = policy.clone();
        let mut pools = self.lock_pools();
        // What meant the same under the old policy may differ under this one.
        pools.retain(|key, pool| key == pool.key());
        for pool in pools.values() {
            match &*pool.key().2 {
                "" => pool.core().set_rules(rules(&policy)),
                // A derived policy that no longer fits the new one stays as it was.
                own => match policy.derive(own) {
                    Ok(derived) => pool.core().set_rules(rules(&derived)),
                    Err(error) => warnings.push(error.to_string()),
                },
            }
        }
        let changed: Vec<_> = pools.values().cloned().collect();
        drop(pools);
        // Of two changes at once, the one that stays is that of the checks too.
        self.inner.background.set_health(policy.health);
        drop(in_force);
        warnings.iter().for_each(|warning| self.log(Level::Warn, "config", warning));
        changed.iter().for_each(|pool| pool.core().announce());
        self.keep_latencies(&self.inner.providers.lock());
        let event = Event::new(EventKind::ConfigApplied, &"".into(), "configured");
        self.inner.shared.events.emit(event);
    }

    /// Tells each registry whether its endpoints keep their latencies.
    ///
    /// With the list of providers taken: a provider that comes while the policy changes asks before
    /// or after, and never in between.
    pub(super) fn keep_latencies(&self, providers: &[Arc<Entry>]) {
        let is_wanted = self.policy().has_endpoint_latency;
        providers.iter().for_each(|entry| entry.registry.keep_latencies(is_wanted));
    }
}
