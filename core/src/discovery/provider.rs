//! What a source of endpoints must be able to do: deliver whole sets.
//!
//! One required question, [`list`](Provider::list). Everything else has a default, so that a
//! read-only source is a few lines and says by itself what it can't do. Futures are boxed, because
//! providers are chosen at run time.
//!
//! Implemented by [`Memory`](super::Memory), `File` and [`Custom`](super::Custom), and by programs.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::{Guard, Update};
use crate::clock::Clock;
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind, Result};

/// A future on the heap.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a provider can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Capabilities {
    /// It can be asked for its set; else sets only come by themselves.
    pub can_list: bool,
    /// It tells changes by itself; else it is asked again and again.
    pub can_watch: bool,
    /// It takes registrations.
    pub can_register: bool,
    /// It knows its set for sure, so that an empty one is believed at once.
    pub is_authoritative: bool,
    /// It delivers each service by itself, once somebody wants it, and not all of them as one set.
    pub is_per_service: bool,
}

impl Capabilities {
    /// Of a provider that can be read, and no more.
    pub const READ_ONLY: Self = Self {
        can_list: true,
        can_watch: false,
        can_register: false,
        is_authoritative: false,
        is_per_service: false,
    };

    /// Of a provider whose sets the program pushes.
    pub const PUSHED: Self = Self { can_list: false, ..Self::READ_ONLY };

    /// The same, and an empty set is believed at once.
    #[must_use]
    pub const fn authoritative(self) -> Self {
        Self { is_authoritative: true, ..self }
    }

    /// The same with registration.
    #[must_use]
    pub const fn registering(self) -> Self {
        Self { can_register: true, ..self }
    }

    /// The same, service by service.
    #[must_use]
    pub const fn per_service(self) -> Self {
        Self { is_per_service: true, ..self }
    }

    /// The same, and changes come by themselves.
    #[must_use]
    pub const fn watching(self) -> Self {
        Self { can_watch: true, ..self }
    }
}

/// How sure a reading is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reading {
    /// As the provider's options say.
    Usual,
    /// As sure as the source can be, whatever it costs: an answer is in doubt.
    Strong,
}

/// A source of endpoints.
///
/// # Cancellation
///
/// Every future may be dropped at any await: when its time is over, and when the manager closes.
///
/// # Examples
///
/// ```
/// use failover::discovery::{BoxFuture, Provider};
/// use failover::{Endpoint, Result};
///
/// struct Fixed;
///
/// impl Provider for Fixed {
///     fn kind(&self) -> &'static str {
///         "fixed"
///     }
///
///     fn list(&self) -> BoxFuture<'_, Result<Vec<Endpoint>>> {
///         Box::pin(async { Ok(vec![Endpoint::new("a", "users", "10.0.0.1", 80)]) })
///     }
/// }
///
/// assert!(!Fixed.capabilities().can_register);
/// ```
pub trait Provider: Send + Sync {
    /// The kind of source, as documents and events name it: `memory`, `file`, …
    fn kind(&self) -> &'static str;

    /// What it can do.
    fn capabilities(&self) -> Capabilities {
        Capabilities::READ_ONLY
    }

    /// Reads the whole set.
    fn list(&self) -> BoxFuture<'_, Result<Vec<Endpoint>>>;

    /// Reads the whole set as sure as it can be, after an answer that is in doubt.
    fn list_again(&self) -> BoxFuture<'_, Result<Vec<Endpoint>>> {
        self.list()
    }

    /// Reads one service's whole set; only for a provider whose capabilities say `is_per_service`, whose
    /// [`list`](Self::list) is never called.
    fn list_service(
        &self,
        service: &str,
        reading: Reading,
    ) -> BoxFuture<'_, Result<Vec<Endpoint>>> {
        let text = format!("a provider of type {:?} cannot read {service:?} alone", self.kind());
        let _ = reading;
        Box::pin(async { Err(Error::new(ErrorKind::Provider, text)) })
    }

    /// Sends every change of one service into `sink` for as long as the future runs, as
    /// [`watch`](Self::watch) does for all.
    fn watch_service(&self, service: &str, sink: Sink) -> Option<BoxFuture<'_, ()>> {
        drop((service, sink));
        None
    }

    /// Sends every change into `sink` for as long as the future runs.
    ///
    /// A future that ends means a connection that was lost: the set is read again. Without one, the
    /// set is read again every [`poll_interval`](Self::poll_interval).
    fn watch(&self, sink: Sink) -> Option<BoxFuture<'_, ()>> {
        drop(sink);
        None
    }

    /// How long a set is good before it is read again, for a provider that doesn't watch: 10 ms at
    /// least.
    fn poll_interval(&self) -> Duration {
        Duration::from_secs(10)
    }

    /// True if whole sets may also come from the program, by
    /// [`publish`](crate::Manager::publish). Not where the next reading would undo them.
    fn takes_sets(&self) -> bool {
        true
    }

    /// Registers an endpoint with the source.
    fn register(&self, endpoint: Endpoint) -> BoxFuture<'_, Result<()>> {
        drop(endpoint);
        self.refuse("register")
    }

    /// Changes an endpoint's description at the source.
    fn update(&self, endpoint: Endpoint) -> BoxFuture<'_, Result<()>> {
        drop(endpoint);
        self.refuse("update")
    }

    /// Removes an endpoint from the source.
    fn deregister(&self, id: String) -> BoxFuture<'_, Result<()>> {
        drop(id);
        self.refuse("deregister")
    }

    /// Asks whether the source can be reached.
    fn ping(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    /// The refusal of something that this kind of provider can't do.
    #[doc(hidden)]
    fn refuse(&self, verb: &'static str) -> BoxFuture<'_, Result<()>> {
        let text = format!("a provider of type {:?} cannot {verb} endpoints", self.kind());
        Box::pin(async { Err(Error::new(ErrorKind::Provider, text)) })
    }
}

/// Where a watching provider sends what it sees.
#[derive(Clone)]
pub struct Sink {
    guard: Arc<Guard>,
    clock: Clock,
}

impl fmt::Debug for Sink {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Sink").field("guard", &self.guard).finish_non_exhaustive()
    }
}

impl Sink {
    /// Makes the sink of one provider's guard.
    #[must_use]
    pub const fn new(guard: Arc<Guard>, clock: Clock) -> Self {
        Self { guard, clock }
    }

    /// Hands in what was seen. A faulty set counts as a failure of the provider.
    pub fn send(&self, update: Update) {
        self.guard.offer(update, self.clock.now());
    }

    /// The manager's clock, by which a provider waits.
    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }
}
