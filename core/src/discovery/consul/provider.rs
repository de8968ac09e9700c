//! The provider: Consul's agents, read and watched one service at a time.

use std::fmt;
use std::sync::Arc;

use super::options::{Options, ReadMode};
use super::query;
use super::registrations::Registrations;
use super::settings::Settings;
use super::source::Source;
use super::watch::Watch;
use crate::clock::wall_nanos;
use crate::discovery::{BoxFuture, Capabilities, Provider, Reading, Sink};
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind, Result};
use crate::rng;

/// A provider that reads services from Consul.
///
/// Instances whose checks pass are reported as healthy, with a warning as degraded, critical ones as
/// unhealthy, and those in maintenance as draining.
///
/// An endpoint that is registered is kept alive by this provider, and registered again where its agent
/// forgot it; once the provider is dropped or the process ended it becomes critical. It is read back by
/// the id that it was registered with, in this process and in others.
///
/// # Cancellation
///
/// A future that is dropped closes its connection.
pub struct Consul {
    source: Arc<Source>,
    registrations: Registrations,
    seed: u64,
}

impl fmt::Debug for Consul {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let agents: Vec<String> =
            self.source.settings().agents.iter().map(ToString::to_string).collect();
        out.debug_struct("Consul").field("agents", &agents).finish_non_exhaustive()
    }
}

impl Consul {
    /// Makes a provider of `options`, and of the `CONSUL_HTTP_*` variables where they leave something
    /// open. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] with every fault at once.
    pub fn new(options: Options) -> Result<Self> {
        Self::with_environment(options, &|name| std::env::var(name).ok())
    }

    /// As [`new`](Self::new), with another environment than the process's.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_environment(
        options: Options,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let settings = Settings::new(options, variable)?;
        // Waits are to differ from those of every other process.
        let seed = rng::mix(u64::from(std::process::id()) ^ rng::mix(wall_nanos()));
        let source = Arc::new(Source::new(settings));
        let registrations = Registrations::new(Arc::clone(&source), seed);
        Ok(Self { source, registrations, seed })
    }
}

impl Provider for Consul {
    fn kind(&self) -> &'static str {
        "consul"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::READ_ONLY.watching().per_service().registering()
    }

    fn takes_sets(&self) -> bool {
        false
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Endpoint>>> {
        let text = "a provider of type \"consul\" is read by service, not whole";
        Box::pin(async move { Err(Error::new(ErrorKind::Provider, text)) })
    }

    fn list_service(
        &self,
        service: &str,
        reading: Reading,
    ) -> BoxFuture<'_, Result<Vec<Endpoint>>> {
        let read = match reading {
            Reading::Usual => self.source.settings().options.read,
            Reading::Strong => ReadMode::Consistent,
        };
        let service = service.to_owned();
        Box::pin(async move { self.source.read(&service, read).await })
    }

    fn watch_service(&self, service: &str, sink: Sink) -> Option<BoxFuture<'_, ()>> {
        query::check(service).ok()?;
        Some(Box::pin(Watch::new(&self.source, service, sink, self.seed).run()))
    }

    fn register(&self, endpoint: Endpoint) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { self.registrations.put(&endpoint).await })
    }

    fn update(&self, endpoint: Endpoint) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { self.registrations.put(&endpoint).await })
    }

    fn deregister(&self, id: String) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { self.registrations.remove(&id).await })
    }

    fn ping(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { self.source.ping().await })
    }
}
