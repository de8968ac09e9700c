//! One service that is watched, and what got through to its registry.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use failover::clock::{Clock, wait_for};
use failover::discovery::kubernetes::{Access, Kubernetes, Options};
use failover::discovery::{Guard, GuardRules, Provider, Sink};
use failover::endpoint::{Member, Registry, Slots};
use failover::events::{Bus, Event};
use tokio::runtime::{Builder, Runtime};

use super::server::Server;

/// One service that is watched until this is dropped.
pub(crate) struct Watched {
    guard: Arc<Guard>,
    registry: Arc<Registry>,
    events: Arc<Bus<Event>>,
    provider: Arc<Kubernetes>,
    _runtime: Arc<Runtime>,
}

impl Watched {
    /// Begins to watch, with a provider of its own.
    pub(crate) fn start(options: Options, service: &str) -> Self {
        let provider = Arc::new(Kubernetes::new(options, 1).expect("valid options"));
        Self::start_on(&provider, &Arc::new(runtime()), service)
    }

    /// Begins to watch one more service of a provider.
    pub(crate) fn start_on(
        provider: &Arc<Kubernetes>,
        runtime: &Arc<Runtime>,
        service: &str,
    ) -> Self {
        let registry = Arc::new(Registry::new(Arc::new(Slots::default()), 1));
        let events = Arc::new(Bus::new());
        // Everything shows at once, also that nobody is there.
        let rules = GuardRules::new(Duration::ZERO, None, Duration::ZERO).authoritative(true);
        let guard =
            Guard::new(&"cluster".into(), rules, Arc::clone(&registry), Arc::clone(&events));
        let guard = Arc::new(guard);
        let (provider, sink) =
            (Arc::clone(provider), Sink::new(Arc::clone(&guard), Clock::system()));
        let (watching, service) = (Arc::clone(&provider), service.to_owned());
        runtime.spawn(async move {
            watching.watch_service(&service, sink).expect("it watches").await;
        });
        Self { guard, registry, events, provider, _runtime: Arc::clone(runtime) }
    }

    /// The endpoints that are there now.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.registry.list().iter().map(|member| member.endpoint.id.to_string()).collect()
    }

    /// Waits until exactly these are there, by a set that was read.
    pub(crate) fn wait_for(&self, ids: &[&str]) {
        self.wait_until(&format!("{ids:?}"), |found| found == ids);
    }

    /// Waits until a set that was read is so.
    pub(crate) fn wait_until(&self, what: &str, is_so: impl Fn(&[String]) -> bool) {
        let is_done = || self.guard.is_ready() && is_so(&self.ids());
        let (ids, error) = (|| self.ids(), || self.last_error());
        assert!(wait_for(super::PATIENCE, &is_done), "{what}: {:?}, {:?}", ids(), error());
    }

    /// Waits until the last failure says `text`, and returns all of it.
    pub(crate) fn wait_for_error(&self, text: &str) -> String {
        let is_done = || self.last_error().is_some_and(|error| error.contains(text));
        assert!(wait_for(super::PATIENCE, &is_done), "{text}: {:?}", self.last_error());
        self.last_error().expect("it was there")
    }

    /// The last failure.
    pub(crate) fn last_error(&self) -> Option<String> {
        self.guard.info(&*self.provider, 0).last_error
    }

    /// How many failures were reported.
    pub(crate) fn failures(&self) -> u64 {
        self.guard.info(&*self.provider, 0).errors
    }

    /// One of them, with its live state.
    pub(crate) fn member(&self, id: &str) -> Member {
        self.registry.get(id).expect("it is there")
    }

    /// What was told of it in events.
    pub(crate) fn told(&self) -> Vec<String> {
        self.events.recent(1_000).iter().map(|event| event.reason.to_string()).collect()
    }
}

/// The settings for a server, as the one whom `token` stands for.
pub(crate) fn options(server: &Server, namespace: &str, token: &str) -> Options {
    let path = server.folder("configs").join(token);
    let text = kubeconfig(&server.url(), &server.certificates.ca, &format!("token: {token}"));
    // Renamed into its place: other tests read the same one.
    let beside = path.with_extension(namespace);
    std::fs::write(&beside, text).expect("written");
    std::fs::rename(&beside, &path).expect("ours");
    of_file(path, namespace)
}

/// The settings of a kubeconfig.
pub(crate) fn of_file(path: PathBuf, namespace: &str) -> Options {
    let mut options = Options::default();
    options.access = Access::Kubeconfig { path, context: None };
    options.namespace = Some(namespace.to_owned());
    options
}

/// A kubeconfig with one context; `user` is a line of its user.
pub(crate) fn kubeconfig(url: &str, ca: &Path, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
         contexts:\n- name: test\n  context: {{cluster: test, user: test}}\n\
         clusters:\n- name: test\n  cluster: {{server: {url}, certificate-authority: {}}}\n\
         users:\n- name: test\n  user:\n    {user}\n",
        ca.display()
    )
}

/// A runtime of a test's own.
pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a thread")
}
