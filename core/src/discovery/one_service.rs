//! One service of a provider that delivers each by itself, as a provider of its own: what reads whole
//! sets reads this one too.

use std::sync::Arc;
use std::time::Duration;

use super::{BoxFuture, Capabilities, Provider, Reading, Sink};
use crate::endpoint::Endpoint;
use crate::error::Result;

/// One service of a provider.
pub(crate) struct OneService {
    provider: Arc<dyn Provider>,
    service: Arc<str>,
}

impl OneService {
    /// Takes one service out of what `provider` delivers.
    #[must_use]
    pub(crate) const fn new(provider: Arc<dyn Provider>, service: Arc<str>) -> Self {
        Self { provider, service }
    }
}

impl Provider for OneService {
    fn kind(&self) -> &'static str {
        self.provider.kind()
    }

    fn capabilities(&self) -> Capabilities {
        self.provider.capabilities()
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Endpoint>>> {
        self.provider.list_service(&self.service, Reading::Usual)
    }

    fn list_again(&self) -> BoxFuture<'_, Result<Vec<Endpoint>>> {
        self.provider.list_service(&self.service, Reading::Strong)
    }

    fn watch(&self, sink: Sink) -> Option<BoxFuture<'_, ()>> {
        self.provider.watch_service(&self.service, sink)
    }

    fn poll_interval(&self) -> Duration {
        self.provider.poll_interval()
    }

    fn takes_sets(&self) -> bool {
        false
    }

    fn register(&self, endpoint: Endpoint) -> BoxFuture<'_, Result<()>> {
        self.provider.register(endpoint)
    }

    fn update(&self, endpoint: Endpoint) -> BoxFuture<'_, Result<()>> {
        self.provider.update(endpoint)
    }

    fn deregister(&self, id: String) -> BoxFuture<'_, Result<()>> {
        self.provider.deregister(id)
    }

    fn ping(&self) -> BoxFuture<'_, Result<()>> {
        self.provider.ping()
    }
}
