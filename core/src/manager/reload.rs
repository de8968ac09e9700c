//! Live reconfiguration: a new policy takes effect whole, or not at all.
//!
//! Counters, breaker states, sessions and leases stay. A derived pool keeps its own options and
//! takes the rest from the new policy.

use std::sync::PoisonError;

use super::Manager;
use super::pool::rules;
use crate::config::Policy;
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
        for warning in &policy.warnings {
            self.log(Level::Warn, "config", warning);
        }
        let mut in_force = self.inner.policy.lock().unwrap_or_else(PoisonError::into_inner);
        *in_force = policy.clone();
        for pool in self.lock_pools().values() {
            match &*pool.key().2 {
                "" => pool.core().set_rules(rules(&policy)),
                // A derived policy that no longer fits the new one stays as it was.
                own => match policy.derive(own) {
                    Ok(derived) => pool.core().set_rules(rules(&derived)),
                    Err(error) => self.log(Level::Warn, "config", &error.to_string()),
                },
            }
        }
        drop(in_force);
        self.inner.background.set_health(policy.health);
        self.keep_latencies();
        let event = Event::new(EventKind::ConfigApplied, &"".into(), "configured");
        self.inner.shared.events.emit(event);
    }

    /// Begins to keep latencies of each endpoint, if the policy wants them.
    pub(super) fn keep_latencies(&self) {
        if !self.policy().has_endpoint_latency {
            return;
        }
        for entry in self.inner.providers.lock().iter() {
            entry.registry.list().iter().for_each(|member| member.state.keep_latency());
        }
    }
}
