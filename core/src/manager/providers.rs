//! Where endpoints live: the providers of one manager, in the order of their registration.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Manager;
use super::source::Source;
use crate::clock::{Nanos, wait_for};
use crate::config::wrong_name;
use crate::discovery::{Provider, ProviderInfo};
use crate::endpoint::{EVERY_SERVICE, Endpoint, Registry};
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::events::Level;
use crate::lock::{Held, Lock};
use crate::stats::Counters;

/// The providers of one manager.
#[derive(Default)]
pub(super) struct Providers {
    /// Guards the list, in the order of registration.
    list: Lock<Vec<Arc<Entry>>>,
    /// Guards the sets of deregistered providers on which attempts are still in flight.
    leaving: Lock<Vec<Arc<Registry>>>,
    /// One warning about a missing default provider is enough.
    has_warned: AtomicBool,
}

/// One provider.
pub(super) struct Entry {
    pub(super) name: Arc<str>,
    pub(super) provider: Arc<dyn Provider>,
    pub(super) registry: Arc<Registry>,
    /// What happens to its endpoints outside of any pool: recoveries by checks.
    pub(super) counters: Arc<Counters>,
    pub(super) source: Source,
    /// True once it is deregistered; written with the pools taken.
    pub(super) is_gone: AtomicBool,
}

impl Entry {
    /// Refuses what would outlive a provider that was deregistered.
    pub(super) fn check_present(&self) -> Result<()> {
        if self.is_gone.load(Ordering::Relaxed) { Err(unknown(&self.name)) } else { Ok(()) }
    }

    /// Marks it as deregistered, once.
    pub(super) fn leave(&self) -> Result<()> {
        self.check_present()?;
        self.is_gone.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Does what became due where no task does it: whoever asks for the provider finds it done.
    pub(super) fn catch_up(&self, now: Nanos) {
        #[cfg(not(feature = "runtime"))]
        if let Source::Pushed(guard) = &self.source {
            guard.tick(now);
        }
        #[cfg(feature = "runtime")]
        let _ = now;
    }

    /// True once there is a whole set, of each service that somebody wants, or the program is who makes it.
    fn is_ready(&self) -> bool {
        self.source.guards().iter().all(|guard| guard.is_ready())
    }

    /// How it is doing.
    pub(super) fn info(&self, now: Nanos) -> ProviderInfo {
        match &self.source {
            Source::Registered(guard) => guard.info(&*self.provider, now),
            #[cfg(feature = "runtime")]
            Source::Read(feed) => feed.guard().info(&*self.provider, now),
            #[cfg(feature = "runtime")]
            Source::Services(services) => services.info(now),
            #[cfg(not(feature = "runtime"))]
            Source::Pushed(guard) => guard.info(&*self.provider, now),
        }
    }
}

impl Providers {
    pub(super) fn lock(&self) -> Held<'_, Vec<Arc<Entry>>> {
        self.list.lock()
    }

    /// Every set on which an attempt may be in flight.
    pub(super) fn registries(&self) -> Vec<Arc<Registry>> {
        let mut registries = self.leave(None);
        registries.extend(self.lock().iter().map(|entry| Arc::clone(&entry.registry)));
        registries
    }

    /// Adds the set of a provider that goes to those that are leaving, and forgets the ones that have left.
    fn leave(&self, registry: Option<&Arc<Registry>>) -> Vec<Arc<Registry>> {
        let mut leaving = self.leaving.lock();
        leaving.extend(registry.cloned());
        leaving.retain(|registry| registry.in_flight() > 0);
        leaving.clone()
    }

    fn remove(&self, entry: &Arc<Entry>) {
        // First among those that leave: an attempt may count twice for a moment, and never not at all.
        self.leave(Some(&entry.registry));
        self.lock().retain(|other| !Arc::ptr_eq(other, entry));
    }

    pub(super) fn find(&self, name: &str) -> Option<Arc<Entry>> {
        self.lock().iter().find(|entry| *entry.name == *name).cloned()
    }
}

impl Manager {
    /// The names of the providers, in the order of their registration.
    #[must_use]
    pub fn providers(&self) -> Vec<Arc<str>> {
        self.inner.providers.lock().iter().map(|entry| Arc::clone(&entry.name)).collect()
    }

    /// The provider that serves calls that name none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if the configured one isn't registered and `fallback_enabled` is
    /// off; with it on, the embedded one serves and a warning says so once.
    pub fn default_provider(&self) -> Result<Arc<str>> {
        Ok(Arc::clone(&self.provider_entry(None)?.name))
    }

    /// Removes a provider with all its endpoints. The embedded one stays. Its pools are empty from then
    /// on; attempts under way end normally.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if it isn't registered, [`ErrorKind::InvalidArgument`] for `memory`.
    pub fn deregister_provider(&self, name: &str) -> Result<()> {
        self.check_open()?;
        if name == EMBEDDED {
            let text = "provider \"memory\": is the embedded one and always there";
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        }
        let entry = self.provider_entry(Some(name))?;
        self.forget_pools(&entry)?;
        entry.source.stop();
        entry.registry.replace(Vec::new())?;
        self.inner.providers.remove(&entry);
        self.link_fallbacks(None);
        Ok(())
    }

    /// Replaces a provider's whole set, as a program does that keeps the endpoints itself.
    ///
    /// # Errors
    ///
    /// The endpoints' faults all at once, [`ErrorKind::NotFound`] for an unknown provider,
    /// [`ErrorKind::Provider`] for one that reads its set itself, as a file's does,
    /// [`ErrorKind::AlreadyExists`] if nothing else is wrong than that ids come twice,
    /// [`ErrorKind::LimitExceeded`] for more than 100,000 endpoints. Then nothing changes.
    pub fn publish(&self, provider: Option<&str>, endpoints: Vec<Endpoint>) -> Result<()> {
        self.check_open()?;
        let entry = self.provider_entry(provider)?;
        self.take_set(&entry, endpoints)
    }

    /// Blocks until every provider has delivered its first whole set.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Timeout`] with the names of those that haven't after `timeout`.
    pub fn wait_ready(&self, timeout: std::time::Duration) -> Result<()> {
        let waiting = || {
            let entries = self.inner.providers.lock().clone();
            let late = entries.iter().filter(|entry| !entry.is_ready());
            late.map(|entry| entry.name.to_string()).collect::<Vec<_>>()
        };
        if wait_for(timeout, &|| waiting().is_empty() || self.is_closed()) {
            return self.check_open();
        }
        let text = format!("providers not ready: {}", waiting().join(", "));
        Err(Error::new(ErrorKind::Timeout, text))
    }

    pub(super) fn provider_entry(&self, name: Option<&str>) -> Result<Arc<Entry>> {
        let wanted = name.unwrap_or(&self.inner.config.default_provider);
        if let Some(entry) = self.inner.providers.find(wanted) {
            entry.catch_up(self.clock().now());
            return Ok(entry);
        }
        if name.is_none() && self.inner.config.has_fallback {
            if !self.inner.providers.has_warned.swap(true, Ordering::Relaxed) {
                let text =
                    format!("provider {wanted:?} is not registered; the embedded one serves");
                self.log(Level::Warn, "manager", &text);
            }
            if let Some(entry) = self.inner.providers.find(EMBEDDED) {
                return Ok(entry);
            }
        }
        Err(unknown(wanted))
    }

    pub(super) fn add_provider(&self, entry: Entry) -> Result<()> {
        if let Some(expected) = wrong_name(&entry.name) {
            let fault = Fault { path: "name".to_owned(), expected };
            return Err(Error::from_faults(ErrorKind::InvalidArgument, vec![fault]));
        }
        let entry = Arc::new(entry);
        let mut list = self.inner.providers.lock();
        if list.iter().any(|other| other.name == entry.name) {
            let text = format!("provider {:?}: registered already", entry.name);
            return Err(Error::new(ErrorKind::AlreadyExists, text));
        }
        list.push(Arc::clone(&entry));
        self.keep_latencies(&list[list.len() - 1..]);
        drop(list);
        let follower = self.inner.background.follower(&entry.name, &entry.counters);
        entry.registry.watch(EVERY_SERVICE, follower);
        self.link_fallbacks(None);
        Ok(())
    }

    pub(super) fn new_registry(&self) -> Arc<Registry> {
        Arc::new(Registry::new(Arc::clone(&self.inner.slots), self.inner.shared.stripes))
    }
}

pub(super) fn unknown(name: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("provider {name:?}: not registered"))
}

/// The provider that is always there.
pub(super) const EMBEDDED: &str = "memory";
