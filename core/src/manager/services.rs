//! The services of one provider that delivers each by itself: one feed for each that somebody wants.
//!
//! A feed begins when the first pool of its service is made, and is shared by all pools of it. It ends
//! with its provider.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::runtime;
use crate::clock::Nanos;
use crate::discovery::{
    Background, Feed, Guard, GuardRules, OneService, Provider, ProviderInfo, ProviderStatus,
};
use crate::endpoint::{EVERY_SERVICE, Registry};
use crate::error::Result;
use crate::lock::Lock;

/// The services of one provider.
pub(super) struct Services {
    name: Arc<str>,
    provider: Arc<dyn Provider>,
    rules: GuardRules,
    registry: Arc<Registry>,
    background: Background,
    /// Guards the feeds by service; `None` once the provider is deregistered.
    feeds: Lock<Option<BTreeMap<Arc<str>, Feed>>>,
}

impl Services {
    pub(super) fn new(
        name: &Arc<str>,
        (provider, rules, registry): (Arc<dyn Provider>, GuardRules, Arc<Registry>),
        background: Background,
    ) -> Self {
        let feeds = Lock::new(Some(BTreeMap::new()));
        Self { name: Arc::clone(name), provider, rules, registry, background, feeds }
    }

    /// The feed of a service, which begins with this if nobody wanted it before. `None` for all services at
    /// once, and once the provider is deregistered.
    pub(super) fn want(&self, service: &Arc<str>) -> Result<Option<Feed>> {
        if **service == *EVERY_SERVICE {
            return Ok(None);
        }
        let mut feeds = self.feeds.lock();
        let Some(known) = feeds.as_mut() else { return Ok(None) };
        if let Some(feed) = known.get(service) {
            return Ok(Some(feed.clone()));
        }
        let feed = self.feed(service);
        // First, since it may be refused.
        runtime::start_feed(&feed)?;
        known.insert(Arc::clone(service), feed.clone());
        Ok(Some(feed))
    }

    fn feed(&self, service: &Arc<str>) -> Feed {
        let events = Arc::clone(&self.background.events);
        let (rules, registry) = (self.rules.clone(), Arc::clone(&self.registry));
        let guard = Guard::of_service((&self.name, service), rules, registry, events);
        let alone = OneService::new(Arc::clone(&self.provider), Arc::clone(service));
        Feed::new(Arc::new(alone), Arc::new(guard), self.background.clone())
    }

    /// The feeds that there are.
    pub(super) fn feeds(&self) -> Vec<Feed> {
        self.feeds.lock().iter().flat_map(BTreeMap::values).cloned().collect()
    }

    /// How the provider is doing: as its service that does worst.
    pub(super) fn info(&self, now: Nanos) -> ProviderInfo {
        let guards = self.feeds().into_iter().map(|feed| Arc::clone(feed.guard()));
        let infos = guards.map(|guard| guard.info(&*self.provider, now));
        let nobody = ProviderInfo {
            name: Arc::clone(&self.name),
            kind: self.provider.kind().into(),
            status: ProviderStatus::Live,
            is_ready: true,
            capabilities: self.provider.capabilities(),
            endpoints: 0,
            reads: 0,
            errors: 0,
            read_ago_ms: None,
            stale_for_ms: None,
            empty_for_ms: None,
            last_error: None,
        };
        infos.fold(nobody, ProviderInfo::and)
    }

    /// Ends all feeds; nobody is wanted from now on.
    pub(super) fn stop(&self) {
        let feeds = self.feeds.lock().take();
        feeds.iter().flat_map(BTreeMap::values).for_each(Feed::stop);
    }
}
