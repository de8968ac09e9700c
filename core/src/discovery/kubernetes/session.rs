//! What the services of a provider share while they run on one runtime: the way to the server.
//!
//! A forked child has a runtime of its own, and must not touch its parent's connections; so a session
//! belongs to the runtime that it was made on, and another one makes another.

use std::sync::Arc;

use tokio::runtime::{Handle, Id};
use tokio::sync::Mutex;

use super::Options;
use super::connect::connect;
use super::failure::Failure;
use super::gate::Gate;
use super::transport::Transport;
use crate::clock::Clock;
use crate::rng::Rng;

/// What the services of a provider share.
#[derive(Debug)]
pub(super) struct Session {
    runtime: Id,
    options: Arc<Options>,
    pub(super) gate: Gate,
    /// Held while configuration is read, so that one does it for all. No child ever meets it.
    transport: Mutex<Option<Arc<Transport>>>,
}

impl Session {
    /// Makes one for the runtime that this runs on.
    pub(super) fn new(options: &Arc<Options>, rng: Rng) -> Self {
        let (runtime, options) = (Handle::current().id(), Arc::clone(options));
        Self { runtime, options, gate: Gate::new(rng), transport: Mutex::default() }
    }

    /// True if it belongs to the runtime that this runs on.
    pub(super) fn is_of_this_runtime(&self) -> bool {
        self.runtime == Handle::current().id()
    }

    /// The way to the server, made if there is none.
    ///
    /// # Errors
    ///
    /// [`Failure::Unusable`] if there is no usable configuration.
    pub(super) async fn transport(&self, clock: &Clock) -> Result<Arc<Transport>, Failure> {
        let mut held = self.transport.lock().await;
        if let Some(transport) = &*held {
            return Ok(Arc::clone(transport));
        }
        let made = Arc::new(connect(&self.options, clock).await?);
        *held = Some(Arc::clone(&made));
        Ok(made)
    }

    /// Gives up `transport` after a failure that another look at the configuration may help against:
    /// credentials that aren't accepted any more, or a server that has moved.
    pub(super) async fn reconsider(&self, transport: &Arc<Transport>, failure: &Failure) {
        let is_gone = matches!(failure, Failure::Unreachable(_)) && !transport.is_costly;
        if !is_gone && !failure.asks_for_credentials() {
            return;
        }
        let mut held = self.transport.lock().await;
        if held.as_ref().is_some_and(|held| Arc::ptr_eq(held, transport)) {
            *held = None;
        }
    }
}
