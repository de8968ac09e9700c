//! Background work: one runtime for the process, made when it is first needed.
//!
//! A manager that only picks never has a thread. The runtime's threads block every signal, so that
//! handlers of the program never run on them, and they are named `failover-*`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Manager;
use super::providers::{EMBEDDED, Entry};
use crate::endpoint::{Changes, Endpoint};
use crate::error::{Error, ErrorKind, Result};
use crate::events::{Event, EventKind};

/// How a provider gets its endpoints.
pub(super) enum Source {
    /// The program registers them.
    Memory,
}

impl Source {
    pub(super) fn check_writable(&self, _name: &str) -> Result<()> {
        match self {
            Self::Memory => Ok(()),
        }
    }

    pub(super) fn stop(&self) {}

    pub(super) fn publish(
        &self,
        manager: &Manager,
        entry: &Entry,
        endpoints: Vec<Endpoint>,
    ) -> Result<()> {
        match self {
            Self::Memory => {
                let changes = entry.registry.replace(endpoints)?;
                manager.tell_of_set(entry, &changes);
                Ok(())
            }
        }
    }
}

/// A manager's part in the background work.
#[derive(Debug, Default)]
pub(super) struct Background {
    is_stopped: AtomicBool,
}

impl Background {
    pub(super) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Release);
    }

    pub(super) fn pause(&self) {}

    pub(super) fn resume(&self) {}

    pub(super) fn forget(&self) {}
}

impl Manager {
    pub(super) fn make_configured_providers(&self) -> Result<()> {
        let entry = Entry {
            name: EMBEDDED.into(),
            kind: "memory",
            registry: self.new_registry(),
            source: Source::Memory,
        };
        self.add_provider(entry)
    }

    /// Tells of one endpoint that the program registered, updated or removed.
    pub(super) fn after_change(&self, entry: &Entry, endpoint: &Arc<Endpoint>, what: &'static str) {
        self.keep_latencies();
        let pool = format!("{}/{}", entry.name, endpoint.name).into();
        let event = Event::new(EventKind::DiscoveryUpdate, &pool, what).of(endpoint);
        self.inner.shared.events.emit(event);
    }

    pub(super) fn tell_of_set(&self, entry: &Entry, changes: &Changes) {
        if changes.is_empty() {
            return;
        }
        self.keep_latencies();
        let (added, updated, removed) =
            (changes.added.len(), changes.updated.len(), changes.removed.len());
        let reason = format!("{added} added, {updated} updated, {removed} removed");
        let event = Event::new(EventKind::DiscoveryUpdate, &Arc::clone(&entry.name), reason);
        self.inner.shared.events.emit(event);
    }
}
