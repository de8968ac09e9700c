//! A provider that follows one service, with its guard, driven as a manager would.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use failover::clock::{Clock, wait_for};
use failover::discovery::consul::Options;
use failover::discovery::{Consul, Guard, GuardRules, Provider, ProviderInfo, Sink};
use failover::endpoint::{Registry, Slots};
use failover::events::{Bus, Event, EventKind};
use failover::secret::Secret;
use failover::{Endpoint, Error};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

pub(crate) struct Follower {
    provider: Arc<Consul>,
    guard: Arc<Guard>,
    registry: Arc<Registry>,
    events: Arc<Bus<Event>>,
    clock: Clock,
    task: JoinHandle<()>,
}

impl Follower {
    /// Follows `service` from now on.
    pub(crate) fn start(options: Options, service: &str) -> Self {
        Self::of(Arc::new(consul(options).expect("valid options")), service)
    }

    /// Follows another service with the same provider.
    pub(crate) fn beside(&self, service: &str) -> Self {
        Self::of(Arc::clone(&self.provider), service)
    }

    fn of(provider: Arc<Consul>, service: &str) -> Self {
        let registry = Arc::new(Registry::new(Arc::new(Slots::default()), 1));
        let events = Arc::new(Bus::new());
        let rules = GuardRules::default();
        let guard = Guard::new(&"consul".into(), rules, Arc::clone(&registry), Arc::clone(&events));
        let (guard, clock) = (Arc::new(guard), Clock::system());
        let sink = Sink::new(Arc::clone(&guard), clock.clone());
        let (own, service) = (Arc::clone(&provider), service.to_owned());
        let task = runtime().spawn(async move {
            if let Some(watching) = own.watch_service(&service, sink) {
                watching.await;
            }
        });
        Self { provider, guard, registry, events, clock, task }
    }

    pub(crate) fn info(&self) -> ProviderInfo {
        self.guard.info(&*self.provider, self.clock.now())
    }

    pub(crate) fn endpoints(&self) -> Vec<Endpoint> {
        self.guard.tick(self.clock.now());
        self.registry.list().iter().map(|member| (*member.endpoint).clone()).collect()
    }

    /// The ids of the instances that serve.
    pub(crate) fn ids(&self) -> Vec<String> {
        let id = |endpoint: &Endpoint| endpoint.metadata["consul.service_id"].clone();
        self.endpoints().iter().map(id).collect()
    }

    /// Waits until the set is as wanted.
    pub(crate) fn see(&self, is_as_wanted: impl Fn(&[Endpoint]) -> bool) -> Vec<Endpoint> {
        let is_seen = wait_for(PATIENCE, &|| is_as_wanted(&self.endpoints()));
        assert!(is_seen, "{:?} {:?}", self.endpoints(), self.info());
        self.endpoints()
    }

    /// Waits until these instances serve.
    pub(crate) fn see_ids(&self, ids: &[&str]) -> Vec<Endpoint> {
        let is_seen = wait_for(PATIENCE, &|| self.ids() == ids);
        assert!(is_seen, "{:?} {:?}", self.ids(), self.info());
        self.endpoints()
    }

    /// The names of the instances, as ids without the service that they begin with.
    pub(crate) fn names(&self) -> Vec<String> {
        let name = |id: String| id.rsplit('-').next().unwrap_or_default().to_owned();
        self.ids().into_iter().map(name).collect()
    }

    /// Waits until the instances of these names serve.
    pub(crate) fn see_names(&self, names: &[&str]) {
        let is_seen = wait_for(PATIENCE, &|| self.names() == names);
        assert!(is_seen, "{:?} {:?}", self.names(), self.info());
    }

    /// Waits for an error that says `text`; returns the whole of it.
    pub(crate) fn see_error(&self, text: &str) -> String {
        let error = || self.info().last_error.unwrap_or_default();
        assert!(wait_for(PATIENCE, &|| error().contains(text)), "{text}: {:?}", self.info());
        error()
    }

    /// Waits until the provider was read that often.
    pub(crate) fn see_reads(&self, reads: u64) {
        let is_seen = wait_for(PATIENCE, &|| self.info().reads >= reads);
        assert!(is_seen, "{:?}", self.info());
    }

    /// The events so far, the oldest first.
    pub(crate) fn told(&self) -> Vec<(EventKind, String)> {
        let events = self.events.recent(1_000);
        events.iter().rev().map(|event| (event.kind, event.reason.to_string())).collect()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A provider that takes nothing from this process's environment.
pub(crate) fn consul(options: Options) -> Result<Consul, Error> {
    Consul::with_environment(options, &|_| None)
}

/// Options for one address.
pub(crate) fn at(address: &str) -> Options {
    let mut options = Options::default();
    options.addresses = vec![address.to_owned()];
    options
}

/// The same with a token.
pub(crate) fn with_token(address: &str, token: &str) -> Options {
    let mut options = at(address);
    options.token = Some(Secret::new(token));
    options
}

/// The runtime of all followers: its threads must outlive the test that began with them.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime can be made"))
}

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
