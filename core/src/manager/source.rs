//! How one provider's endpoints come into its registry.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::Manager;
#[cfg(feature = "runtime")]
use super::background::tools;
use super::providers::{EMBEDDED, Entry};
#[cfg(feature = "runtime")]
use super::services::Services;
use crate::config::{ProviderConfig, ProviderKind};
use crate::discovery::{Custom, Guard, GuardRules, Memory, Provider, ProviderInfo, check_set};
use crate::endpoint::document::{Format, read};
use crate::endpoint::{Changes, EVERY_SERVICE, Endpoint};
use crate::error::{Error, ErrorKind, Result};
use crate::events::{Event, EventKind};
use crate::stats::Counters;

/// How one provider's endpoints come into its registry.
pub(super) enum Source {
    /// The program registers them.
    Registered(Arc<Guard>),
    /// The provider's task reads them.
    #[cfg(feature = "runtime")]
    Read(crate::discovery::Feed),
    /// A task for each service reads that.
    #[cfg(feature = "runtime")]
    Services(Services),
    /// The program pushes whole sets, and no task applies what is due later.
    #[cfg(not(feature = "runtime"))]
    Pushed(Arc<Guard>),
}

impl Source {
    pub(super) fn stop(&self) {
        match self {
            Self::Registered(_) => {}
            #[cfg(feature = "runtime")]
            Self::Read(feed) => feed.stop(),
            #[cfg(feature = "runtime")]
            Self::Services(services) => services.stop(),
            #[cfg(not(feature = "runtime"))]
            Self::Pushed(_) => {}
        }
    }

    /// What stands before the endpoints: one guard, or one for each service.
    pub(super) fn guards(&self) -> Vec<Arc<Guard>> {
        match self {
            Self::Registered(guard) => vec![Arc::clone(guard)],
            #[cfg(feature = "runtime")]
            Self::Read(feed) => vec![Arc::clone(feed.guard())],
            #[cfg(feature = "runtime")]
            Self::Services(services) => {
                services.feeds().iter().map(|feed| Arc::clone(feed.guard())).collect()
            }
            #[cfg(not(feature = "runtime"))]
            Self::Pushed(guard) => vec![Arc::clone(guard)],
        }
    }

    /// Has a service read from now on, where each is read by itself.
    pub(super) fn want(&self, service: &Arc<str>) -> Result<()> {
        #[cfg(feature = "runtime")]
        if let Self::Services(services) = self {
            services.want(service)?;
        }
        #[cfg(not(feature = "runtime"))]
        let _ = service;
        Ok(())
    }

    /// Starts again what ran in the parent, in a forked child.
    pub(super) fn restart(&self) {
        #[cfg(feature = "runtime")]
        {
            let feeds = match self {
                Self::Registered(_) => Vec::new(),
                Self::Read(feed) => vec![feed.clone()],
                Self::Services(services) => services.feeds(),
            };
            // A child that gets no thread keeps the set that its parent had.
            feeds.iter().for_each(|feed| drop(super::runtime::start_feed(feed)));
        }
    }
}

impl Manager {
    pub(super) fn make_configured_providers(&self) -> Result<()> {
        let mut providers = self.inner.config.providers.clone();
        let embedded = providers.remove(EMBEDDED).unwrap_or_default();
        self.make_provider(EMBEDDED, &embedded)?;
        providers.iter().try_for_each(|(name, config)| self.make_provider(name, config))
    }

    fn make_provider(&self, name: &str, config: &ProviderConfig) -> Result<()> {
        let rules = GuardRules::new(config.empty_grace, config.max_staleness, config.coalesce);
        match &config.kind {
            #[cfg(feature = "runtime")]
            ProviderKind::File { path, format, poll_interval } => {
                let file = crate::discovery::File::new(path, *format, *poll_interval);
                self.register_provider_with(name, Arc::new(file), rules)
            }
            #[cfg(not(feature = "runtime"))]
            ProviderKind::File { .. } => {
                let text = format!("providers.{name}.type: \"file\" needs the feature `runtime`");
                Err(Error::new(ErrorKind::NotAvailable, text))
            }
            _ => self.add(name, rules.authoritative(true), |registry, guard| {
                guard.mark_ready(self.clock().now());
                (Arc::new(Memory::new(registry)) as _, Source::Registered(guard))
            }),
        }
    }

    /// Registers a provider of one of the built-in kinds, described by a JSON document.
    ///
    /// # Errors
    ///
    /// The faults of name and document, [`ErrorKind::AlreadyExists`] if the name is taken.
    pub fn register_provider_json(&self, name: &str, document: &str) -> Result<()> {
        self.check_open()?;
        let value = read(document, Format::Json, ErrorKind::InvalidConfig)?;
        let whole = serde_json::json!({ "providers": { name: value } });
        let config = crate::config::ManagerConfig::from_json(&whole.to_string())?;
        config.providers.iter().try_for_each(|(name, config)| self.make_provider(name, config))
    }

    /// Registers a provider whose whole sets the program pushes with [`publish`](Self::publish).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] if the name is empty or holds a `/`, [`ErrorKind::AlreadyExists`] if
    /// it is taken.
    pub fn register_pushed_provider(&self, name: &str) -> Result<()> {
        self.check_open()?;
        let pushed = Arc::new(Custom::pushed(false));
        // Its task has nothing to read, and applies what became due: graces and coalesced sets.
        #[cfg(feature = "runtime")]
        return self.register_provider_with(name, pushed, GuardRules::default());
        // Without one nothing is gathered, and what an empty set's grace leaves is done when somebody
        // asks for the provider.
        #[cfg(not(feature = "runtime"))]
        {
            let rules = GuardRules { coalesce: std::time::Duration::ZERO, ..GuardRules::default() };
            self.add(name, rules, |_, guard| (pushed, Source::Pushed(guard)))
        }
    }

    /// Registers a provider of the program's own.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] if the name is empty or holds a `/`, [`ErrorKind::AlreadyExists`] if
    /// it is taken.
    #[cfg(feature = "runtime")]
    pub fn register_provider(&self, name: &str, provider: Arc<dyn Provider>) -> Result<()> {
        self.check_open()?;
        let is_authoritative = provider.capabilities().is_authoritative;
        let rules = GuardRules::default().authoritative(is_authoritative);
        self.register_provider_with(name, provider, rules)
    }

    #[cfg(feature = "runtime")]
    fn register_provider_with(
        &self,
        name: &str,
        provider: Arc<dyn Provider>,
        rules: GuardRules,
    ) -> Result<()> {
        let name: Arc<str> = name.into();
        let registry = self.new_registry();
        let background = tools(&self.inner.shared);
        let mut task = None;
        let source = if provider.capabilities().is_per_service {
            let services = (Arc::clone(&provider), rules, Arc::clone(&registry));
            Source::Services(Services::new(&name, services, background))
        } else {
            let events = Arc::clone(&self.inner.shared.events);
            let guard = Arc::new(Guard::new(&name, rules, Arc::clone(&registry), events));
            let feed = crate::discovery::Feed::new(Arc::clone(&provider), guard, background);
            task = Some(feed.clone());
            Source::Read(feed)
        };
        let counters = Arc::new(Counters::new(1));
        // First, since it may be refused. Nobody knows yet whether its endpoints want to be checked.
        self.inner.background.start_checks()?;
        let is_gone = AtomicBool::new(false);
        self.add_provider(Entry { name, registry, counters, provider, source, is_gone })?;
        task.as_ref().map_or(Ok(()), super::runtime::start_feed)
    }

    fn add(
        &self,
        name: &str,
        rules: GuardRules,
        make: impl FnOnce(Arc<crate::endpoint::Registry>, Arc<Guard>) -> (Arc<dyn Provider>, Source),
    ) -> Result<()> {
        let name: Arc<str> = name.into();
        let registry = self.new_registry();
        let events = Arc::clone(&self.inner.shared.events);
        let guard = Arc::new(Guard::new(&name, rules, Arc::clone(&registry), events));
        let (provider, source) = make(Arc::clone(&registry), guard);
        let counters = Arc::new(Counters::new(1));
        let is_gone = AtomicBool::new(false);
        self.add_provider(Entry { name, registry, counters, provider, source, is_gone })
    }

    /// How each provider is doing, in the order of registration.
    #[must_use]
    pub fn provider_info(&self) -> Vec<ProviderInfo> {
        let now = self.clock().now();
        let entries = self.inner.providers.lock().clone();
        let info = |entry: &Arc<Entry>| {
            entry.catch_up(now);
            entry.info(now)
        };
        entries.iter().map(info).collect()
    }

    pub(super) fn take_set(&self, entry: &Entry, mut endpoints: Vec<Endpoint>) -> Result<()> {
        if !entry.provider.takes_sets() {
            let text = format!("provider {:?}: takes no sets, it reads its own", entry.name);
            return Err(Error::new(ErrorKind::Provider, text));
        }
        match &entry.source {
            Source::Registered(guard) => {
                check_set(&endpoints)?;
                self.inner.background.ensure_checks(&endpoints)?;
                guard.unmask(&mut endpoints);
                let changes = entry.registry.replace(endpoints)?;
                self.tell_of_set(entry, &changes);
                Ok(())
            }
            _ => {
                self.inner.background.ensure_checks(&endpoints)?;
                let now = self.clock().now();
                entry
                    .source
                    .guards()
                    .iter()
                    .try_for_each(|guard| guard.publish(std::mem::take(&mut endpoints), now))
            }
        }
    }

    /// Tells of one endpoint that the program registered, updated or removed.
    pub(super) fn after_change(&self, entry: &Entry, endpoint: &Arc<Endpoint>, what: &'static str) {
        entry.registry.announce();
        let pool = format!("{}/{}", entry.name, endpoint.name).into();
        let event = Event::new(EventKind::DiscoveryUpdate, &pool, what).of(endpoint);
        self.inner.shared.events.emit(event);
    }

    fn tell_of_set(&self, entry: &Entry, changes: &Changes) {
        if changes.is_empty() {
            return;
        }
        entry.registry.announce();
        let reason = changes.to_string();
        let pool = format!("{}/{EVERY_SERVICE}", entry.name).into();
        self.inner.shared.events.emit(Event::new(EventKind::DiscoveryUpdate, &pool, reason));
    }
}
