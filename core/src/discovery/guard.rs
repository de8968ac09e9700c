//! Stands between a provider and the registry, and keeps the provider's mistakes from the pools.
//!
//! The last good set outlives every error; the loss of most of it must last before it is believed; a
//! burst of changes becomes one. Time is handed in, so that all of it is tested without waiting: whoever
//! drives the guard (the discovery task, or a test) calls [`tick`](Guard::tick) at
//! [`due`](Guard::due).

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::state::{Deed, State};
use super::{Provider, ProviderInfo, ProviderStatus, Update, update};
use crate::clock::Nanos;
use crate::endpoint::{EVERY_SERVICE, Endpoint, Part, Registry};
use crate::error::{Error, ErrorKind, Result};
use crate::events::{Bus, Event, EventKind};
use crate::lock::{Held, Lock};

/// What a guard allows its provider.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GuardRules {
    /// How long a set that is empty, or lacks more than half, must last before it is believed.
    pub empty_grace: Duration,
    /// How long the last good set serves while the provider can't be read; absent means for ever.
    pub max_staleness: Option<Duration>,
    /// After a change applied at once, its followers within this time apply together.
    pub coalesce: Duration,
    /// Whether an empty set is believed at once.
    pub is_authoritative: bool,
}

impl Default for GuardRules {
    fn default() -> Self {
        Self {
            empty_grace: Duration::from_secs(30),
            max_staleness: None,
            coalesce: Duration::from_millis(100),
            is_authoritative: false,
        }
    }
}

impl GuardRules {
    /// Composes rules from a provider's options.
    #[must_use]
    pub const fn new(
        empty_grace: Duration,
        max_staleness: Option<Duration>,
        coalesce: Duration,
    ) -> Self {
        Self { empty_grace, max_staleness, coalesce, is_authoritative: false }
    }

    /// The same rules for a provider whose empty set is believed at once.
    #[must_use]
    pub fn authoritative(self, is_authoritative: bool) -> Self {
        Self { is_authoritative, ..self }
    }
}

/// Called when a guard has something to do at another time than before.
type Wake = Arc<dyn Fn() + Send + Sync>;

/// The guard of one provider.
pub struct Guard {
    name: Arc<str>,
    /// The service whose endpoints come through here, or every one.
    service: Arc<str>,
    /// The name in events: the service's pools, or every pool of the provider.
    pool: Arc<str>,
    rules: GuardRules,
    registry: Arc<Registry>,
    events: Arc<Bus<Event>>,
    /// Guards what is known, and orders the changes of the registry.
    state: Lock<State>,
    /// Guards the function that wakes whoever drives the guard; called outside of all locks.
    wake: Lock<Option<Wake>>,
    /// True while an answer waits to be verified.
    is_in_doubt: AtomicBool,
}

impl fmt::Debug for Guard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Guard").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Guard {
    /// Makes the guard of the provider `name`, whose endpoints are in `registry`.
    #[must_use]
    pub fn new(
        name: &Arc<str>,
        rules: GuardRules,
        registry: Arc<Registry>,
        events: Arc<Bus<Event>>,
    ) -> Self {
        Self::of_service((name, &EVERY_SERVICE.into()), rules, registry, events)
    }

    /// Makes the guard of one service of the provider `name`, which delivers each by itself.
    #[must_use]
    pub fn of_service(
        (name, service): (&Arc<str>, &Arc<str>),
        rules: GuardRules,
        registry: Arc<Registry>,
        events: Arc<Bus<Event>>,
    ) -> Self {
        Self {
            name: Arc::clone(name),
            service: Arc::clone(service),
            pool: format!("{name}/{service}").into(),
            rules,
            registry,
            events,
            state: Lock::default(),
            wake: Lock::default(),
            is_in_doubt: AtomicBool::new(false),
        }
    }

    /// The provider's name.
    #[must_use]
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The endpoints.
    #[must_use]
    pub const fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Takes in what a provider reports. A faulty set counts as a failure to read it.
    pub fn offer(&self, update: Update, now: Nanos) {
        let update = match update {
            Update::Full(mut set) => match update::check(&set) {
                Ok(()) => {
                    self.name_service(&mut set);
                    Update::Full(set)
                }
                Err(error) => Update::unavailable(&error),
            },
            other => other,
        };
        self.step(now, |state| match update {
            Update::Full(set) => state.full(set, || self.held(), &self.rules, now),
            Update::Unavailable { reason } => state.unavailable(reason, now),
        });
    }

    /// Takes in a whole set that the program hands over.
    ///
    /// # Errors
    ///
    /// Every fault of the set at once; then nothing changes.
    pub fn publish(&self, set: Vec<Endpoint>, now: Nanos) -> Result<()> {
        update::check(&set)?;
        self.step(now, |state| state.full(set, || self.held(), &self.rules, now));
        Ok(())
    }

    /// Changes the registry in turn with the sets, by what the provider itself has confirmed. A set that
    /// waits is older, and applies before.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if the provider was deregistered meanwhile, and those of `change`.
    pub fn change(&self, now: Nanos, change: impl FnOnce(&Registry) -> Result<()>) -> Result<()> {
        self.step(now, State::flush);
        let state = self.lock();
        if state.is_closed {
            let text = format!("provider {:?}: was deregistered meanwhile", self.name);
            return Err(Error::new(ErrorKind::NotFound, text));
        }
        change(&self.registry)?;
        drop(state);
        self.registry.announce();
        Ok(())
    }

    /// Does what has become due: a gathered change, an empty set that lasted, a set too old.
    pub fn tick(&self, now: Nanos) {
        self.step(now, |state| state.tick(&self.rules, now));
    }

    /// When [`tick`](Self::tick) has something to do.
    #[must_use]
    pub fn due(&self) -> Option<Nanos> {
        self.lock().due(&self.rules)
    }

    /// True once for each answer that is to be verified by another, as sure as the provider can be.
    pub fn take_doubt(&self) -> bool {
        self.is_in_doubt.swap(false, Ordering::Relaxed)
    }

    /// True once the first whole set arrived.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.lock().is_ready
    }

    /// Counts the provider as read without a set: for one whose endpoints are only registered.
    pub fn mark_ready(&self, now: Nanos) {
        let mut state = self.lock();
        state.is_ready = true;
        state.read_at = Some(now);
    }

    /// Takes nothing in from now on: the provider was deregistered.
    pub fn close(&self) {
        self.lock().is_closed = true;
    }

    /// True once it takes nothing in any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Names the function that is called when [`due`](Self::due) may have changed.
    ///
    /// It must not block.
    pub fn set_wake(&self, wake: Option<Arc<dyn Fn() + Send + Sync>>) {
        *self.wake.lock() = wake;
    }

    /// How the provider is doing.
    #[must_use]
    pub fn info(&self, provider: &dyn Provider, now: Nanos) -> ProviderInfo {
        let endpoints = self.count();
        let state = self.lock();
        let millis_since = |at: Option<Nanos>| at.map(|at| now.saturating_sub(at) / 1_000_000);
        ProviderInfo {
            name: Arc::clone(&self.name),
            kind: provider.kind().into(),
            status: match state.stale_since {
                _ if !state.is_ready => ProviderStatus::Waiting,
                None => ProviderStatus::Live,
                Some(_) if state.is_expired => ProviderStatus::Expired,
                Some(_) => ProviderStatus::Stale,
            },
            is_ready: state.is_ready,
            capabilities: provider.capabilities(),
            endpoints,
            reads: state.reads,
            errors: state.errors,
            read_ago_ms: millis_since(state.read_at),
            stale_for_ms: millis_since(state.stale_since),
            empty_for_ms: millis_since(state.doubt.as_ref().map(|doubt| doubt.since)),
            last_error: state.last_error.clone(),
        }
    }

    /// Changes what is known, does what follows, and tells of it once the lock is free.
    fn step(&self, now: Nanos, change: impl FnOnce(&mut State) -> Vec<Deed>) {
        let mut state = self.lock();
        if state.is_closed {
            return;
        }
        let deeds = change(&mut state);
        let mut words = Vec::new();
        let mut stale = Vec::new();
        let mut doubts = false;
        for deed in deeds {
            match deed {
                Deed::Apply { set: mut endpoints, lost } => {
                    self.unmask(&mut endpoints);
                    let part = Part { endpoints, lost };
                    // Checked before: a set that can't be published never gets here.
                    let changes =
                        self.registry.replace_part(&self.service, part, now).unwrap_or_default();
                    if !changes.is_empty() {
                        state.applied(&self.rules, now);
                        words.push(changes.to_string());
                    }
                }
                Deed::Lose(ids, until) => {
                    let is_meant =
                        |id: &Arc<str>| ids.as_ref().is_none_or(|lost| lost.contains(id));
                    self.registry.mark_lost(
                        |endpoint| self.is_mine(endpoint) && is_meant(&endpoint.id),
                        now,
                        until,
                    );
                }
                Deed::Verify => doubts = true,
                Deed::Keep => self.keep(now),
                Deed::TellStale(reason) => stale.push(reason),
                Deed::TellReadable => words.push("readable again".to_owned()),
            }
        }
        drop(state);
        if doubts {
            self.is_in_doubt.store(true, Ordering::Relaxed);
        }
        if !words.is_empty() {
            self.registry.announce();
            self.tell(EventKind::DiscoveryUpdate, words.join(", "));
        }
        stale.into_iter().for_each(|reason| self.tell(EventKind::DiscoveryStale, reason));
        let wake = self.wake.lock().clone();
        if let Some(wake) = wake {
            wake();
        }
    }

    /// Gives a set the secrets that it shows only masked, as they are known of its endpoints: from its
    /// provider that was asked to register them, or from a program that read them here.
    pub fn unmask(&self, set: &mut [Endpoint]) {
        for endpoint in set.iter_mut().filter(|endpoint| endpoint.health_check.is_some()) {
            if let Some(known) = self.registry.get(&endpoint.id) {
                endpoint.unmask(&known.endpoint);
            }
        }
    }

    /// Takes the mark of the lost from every endpoint, by publishing the set that is there.
    fn keep(&self, now: Nanos) {
        let part = Part { endpoints: self.held(), lost: HashSet::new() };
        // The same set as before can't be refused.
        let _ = self.registry.replace_part(&self.service, part, now);
    }

    /// What a provider says of one service belongs to that.
    fn name_service(&self, set: &mut [Endpoint]) {
        if *self.service != *EVERY_SERVICE {
            set.iter_mut().for_each(|endpoint| endpoint.name = Arc::clone(&self.service));
        }
    }

    fn count(&self) -> usize {
        match &*self.service {
            EVERY_SERVICE => self.registry.len(),
            _ => {
                self.registry.list().iter().filter(|member| self.is_mine(&member.endpoint)).count()
            }
        }
    }

    /// What serves now of what this guard stands before.
    fn held(&self) -> Vec<Endpoint> {
        let members = self.registry.list();
        let mine = members.iter().filter(|member| self.is_mine(&member.endpoint));
        mine.map(|member| (*member.endpoint).clone()).collect()
    }

    fn is_mine(&self, endpoint: &Endpoint) -> bool {
        *self.service == *EVERY_SERVICE || endpoint.name == self.service
    }

    fn tell(&self, kind: EventKind, reason: String) {
        self.events.emit(Event::new(kind, &self.pool, reason));
    }

    fn lock(&self) -> Held<'_, State> {
        self.state.lock()
    }
}
