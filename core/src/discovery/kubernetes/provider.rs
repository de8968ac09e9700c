//! The provider: which service is asked for, and how it is seen.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::request::Target;
use super::service::{Service, is_label};
use super::session::Session;
use super::slices::Slices;
use super::task::Follow;
use super::transport::Transport;
use super::view::View;
use super::watch::Version;
use super::{Options, Port, wire};
use crate::clock::Clock;
use crate::discovery::{BoxFuture, Capabilities, Provider, Reading, Sink, check_one};
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::Lock;
use crate::rng::{self, Rng};

/// Endpoints of Kubernetes services.
///
/// A service is asked for as `users`, or with its namespace and a port by name or number:
/// `users.shop:http`. Needs `list` and `watch` on `endpointslices.discovery.k8s.io` in its namespace.
pub struct Kubernetes {
    options: Arc<Options>,
    clock: Clock,
    seed: u64,
    /// How many services were followed.
    followed: AtomicU64,
    /// Guards what belongs to the present runtime.
    session: Lock<Option<Arc<Session>>>,
}

impl fmt::Debug for Kubernetes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Kubernetes").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Kubernetes {
    /// Makes the provider. Nothing is read or asked before a service is wanted.
    ///
    /// `seed` moves its waits a little at random.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] with an option that can't be.
    ///
    /// # Examples
    ///
    /// ```
    /// use failover::discovery::Provider;
    /// use failover::discovery::kubernetes::{Kubernetes, Options};
    ///
    /// let provider = Kubernetes::new(Options::default(), 1)?;
    /// assert!(provider.capabilities().is_per_service);
    /// # Ok::<(), failover::Error>(())
    /// ```
    pub fn new(options: Options, seed: u64) -> Result<Self> {
        options.check()?;
        let (session, followed) = (Lock::default(), AtomicU64::new(0));
        Ok(Self { options: Arc::new(options), clock: Clock::system(), seed, followed, session })
    }

    fn session(&self) -> Arc<Session> {
        let mut held = self.session.lock();
        match &*held {
            Some(session) if session.is_of_this_runtime() => Arc::clone(session),
            _ => {
                let rng = Rng::new(self.seed, STREAM, 0);
                let made = Arc::new(Session::new(&self.options, rng));
                *held = Some(Arc::clone(&made));
                made
            }
        }
    }

    async fn read(&self, service: Result<Asked>, reading: Reading) -> Result<Vec<Endpoint>> {
        let (asked, session) = (service?, self.session());
        let version = match reading {
            Reading::Usual => Version::Any,
            Reading::Strong => Version::Latest,
        };
        let made = session.transport(&self.clock).await;
        let transport = made.map_err(|failure| failure.error("", "list", ""))?;
        let target = asked.target(&transport);
        let body = match transport.get(&self.clock, &target.list(&version)).await {
            Ok(body) => wire::list(&body),
            Err(failure) => {
                session.reconsider(&transport, &failure).await;
                Err(failure)
            }
        };
        let list =
            body.map_err(|failure| failure.error(&transport.address, "list", &target.namespace))?;
        let mut slices = Slices::default();
        slices.replace(list.slices);
        asked.endpoints(&slices)
    }

    fn asked(&self, service: &str) -> Result<Asked> {
        let parsed = Service::parse(service)?;
        Ok(Asked { name: service.to_owned(), parsed, options: Arc::clone(&self.options) })
    }
}

impl Options {
    fn check(&self) -> Result<()> {
        if self.namespace.as_deref().is_some_and(|name| !is_label(name)) {
            return Err(Error::invalid_config("namespace", "must be the name of a namespace"));
        }
        if matches!(self.port, Some(Port::Number(0))) {
            return Err(Error::invalid_config("port", "must be a port's name or 1..=65535"));
        }
        let mut endpoint = Endpoint::new("a", "a", "127.0.0.1", 1);
        endpoint.protocol = Arc::clone(&self.protocol);
        check_one(&endpoint).map_err(|error| match error.faults() {
            [fault, ..] => Error::invalid_config("protocol", &*fault.expected),
            [] => error,
        })
    }
}

impl Provider for Kubernetes {
    fn kind(&self) -> &'static str {
        "kubernetes"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::READ_ONLY.watching().per_service()
    }

    fn takes_sets(&self) -> bool {
        false
    }

    /// Always refused: a cluster's endpoints are read service by service.
    fn list(&self) -> BoxFuture<'_, Result<Vec<Endpoint>>> {
        let text = "a provider of type \"kubernetes\" is asked for one service at a time";
        Box::pin(async move { Err(Error::new(ErrorKind::Provider, text)) })
    }

    fn list_service(
        &self,
        service: &str,
        reading: Reading,
    ) -> BoxFuture<'_, Result<Vec<Endpoint>>> {
        let asked = self.asked(service);
        Box::pin(self.read(asked, reading))
    }

    fn watch_service(&self, service: &str, sink: Sink) -> Option<BoxFuture<'_, ()>> {
        let asked = match self.asked(service) {
            Ok(asked) => asked,
            Err(error) => {
                // No wait makes it a name; the set stays as it is.
                sink.send(crate::discovery::Update::unavailable(&error));
                return Some(Box::pin(std::future::pending()));
            }
        };
        let ordinal = self.followed.fetch_add(1, Ordering::Relaxed);
        let purpose = rng::hash(service.as_bytes(), STREAM);
        let rng = Rng::new(self.seed, purpose, ordinal);
        Some(Box::pin(async move { Follow::new(self.session(), asked, sink, rng).run().await }))
    }

    fn ping(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            let session = self.session();
            let made = session.transport(&self.clock).await;
            let transport = made.map_err(|failure| failure.error("", "get", ""))?;
            match transport.get(&self.clock, "/version").await {
                Ok(_) => Ok(()),
                Err(failure) => {
                    session.reconsider(&transport, &failure).await;
                    Err(failure.error(&transport.address, "get", ""))
                }
            }
        })
    }
}

/// A service that is asked for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// As it was asked for.
    name: String,
    parsed: Service,
    options: Arc<Options>,
}

impl Asked {
    /// Where its slices are.
    pub(super) fn target(&self, transport: &Transport) -> Target {
        let named = self.parsed.namespace.as_deref().or(self.options.namespace.as_deref());
        let namespace = named.unwrap_or(&transport.namespace);
        Target::new(namespace, &self.parsed.name, self.options.selector.as_deref())
    }

    /// Its endpoints by these slices.
    pub(super) fn endpoints(&self, slices: &Slices) -> Result<Vec<Endpoint>> {
        let port = self.parsed.port.as_ref().or(self.options.port.as_ref());
        View { service: &self.name, port, options: &self.options }.endpoints(slices)
    }
}

/// The purpose that sets this randomness apart from that of other areas.
const STREAM: u64 = 0x6b75_6265;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_can_not_be_are_refused_by_name() {
        let of = |change: fn(&mut Options)| {
            let mut options = Options::default();
            change(&mut options);
            options
        };
        let cases = [
            (of(|options| options.namespace = Some("a/b".to_owned())), "namespace"),
            (of(|options| options.port = Some(Port::Number(0))), "port"),
            (of(|options| options.protocol = "no name".into()), "protocol"),
        ];
        for (options, path) in cases {
            let error = Kubernetes::new(options, 1).expect_err(path);

            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            assert_eq!(error.faults()[0].path, path);
        }
        assert!(Kubernetes::new(Options::default(), 1).is_ok());
    }
}
