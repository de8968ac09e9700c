//! The program's own provider, behind one function or none.
//!
//! A program that pushes whole sets needs no function at all: it calls
//! [`Guard::publish`](super::Guard::publish). One that can be asked gets each question as a
//! [`Work`]; that is how the C ABI hands a provider's work to the host. (A Rust program may as well
//! implement [`Provider`] itself.)

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{BoxFuture, Capabilities, Provider, Sink, Update};
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind, Result};

/// What the program's provider is asked to do.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Work {
    /// Return the whole set.
    List,
    /// Begin to publish sets whenever something changes.
    Watch,
    /// Stop that. Only told: the future that is returned for it is never polled, since nobody is left
    /// who could wait for it.
    Unwatch,
    /// Register an endpoint.
    Register(Endpoint),
    /// Change an endpoint's description.
    Update(Endpoint),
    /// Remove an endpoint by id.
    Deregister(String),
    /// Say whether the source can be reached.
    Ping,
}

/// Does a piece of work. Only the answer to [`Work::List`] holds endpoints.
pub type Ask = Arc<dyn Fn(Work) -> BoxFuture<'static, Result<Vec<Endpoint>>> + Send + Sync>;

/// The program's own provider.
#[derive(Clone)]
pub struct Custom {
    capabilities: Capabilities,
    poll_interval: Duration,
    ask: Option<Ask>,
}

impl fmt::Debug for Custom {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Custom").field("capabilities", &self.capabilities).finish_non_exhaustive()
    }
}

impl Custom {
    /// Makes a provider whose sets the program pushes.
    #[must_use]
    pub const fn pushed(is_authoritative: bool) -> Self {
        let capabilities = Capabilities { is_authoritative, ..Capabilities::PUSHED };
        Self { capabilities, poll_interval: POLL_INTERVAL, ask: None }
    }

    /// Makes a provider that is asked through `ask`.
    #[must_use]
    pub const fn asking(capabilities: Capabilities, ask: Ask) -> Self {
        Self { capabilities, poll_interval: POLL_INTERVAL, ask: Some(ask) }
    }

    /// The same, read again every `interval` if it doesn't watch.
    #[must_use]
    pub const fn with_poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    fn hand_over(&self, work: Work) -> BoxFuture<'_, Result<()>> {
        match &self.ask {
            Some(ask) => {
                let answer = ask(work);
                Box::pin(async move { answer.await.map(drop) })
            }
            None => self.refuse("change"),
        }
    }
}

impl Provider for Custom {
    fn kind(&self) -> &'static str {
        "custom"
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn poll_interval(&self) -> Duration {
        self.poll_interval
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Endpoint>>> {
        match self.ask.as_ref().filter(|_| self.capabilities.can_list) {
            Some(ask) => ask(Work::List),
            None => Box::pin(async {
                let text = "a provider whose sets are pushed cannot be asked for its set";
                Err(Error::new(ErrorKind::Provider, text))
            }),
        }
    }

    fn watch(&self, sink: Sink) -> Option<BoxFuture<'_, ()>> {
        let ask = self.ask.as_ref().filter(|_| self.capabilities.can_watch)?;
        let began = ask(Work::Watch);
        Some(Box::pin(async move {
            match began.await {
                Ok(_) => {
                    let _end = Watching(ask);
                    // Sets come through `publish` from now on.
                    std::future::pending().await
                }
                Err(error) => sink.send(Update::unavailable(&error)),
            }
        }))
    }

    fn register(&self, endpoint: Endpoint) -> BoxFuture<'_, Result<()>> {
        if !self.capabilities.can_register {
            return self.refuse("register");
        }
        self.hand_over(Work::Register(endpoint))
    }

    fn update(&self, endpoint: Endpoint) -> BoxFuture<'_, Result<()>> {
        if !self.capabilities.can_register {
            return self.refuse("update");
        }
        self.hand_over(Work::Update(endpoint))
    }

    fn deregister(&self, id: String) -> BoxFuture<'_, Result<()>> {
        if !self.capabilities.can_register {
            return self.refuse("deregister");
        }
        self.hand_over(Work::Deregister(id))
    }

    fn ping(&self) -> BoxFuture<'_, Result<()>> {
        match self.ask {
            Some(_) => self.hand_over(Work::Ping),
            None => Box::pin(async { Ok(()) }),
        }
    }
}

/// Tells the program that nobody watches any more, also when the watch is cancelled.
struct Watching<'a>(&'a Ask);

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        // The call tells it; there is nobody left who could wait for an answer.
        drop((self.0)(Work::Unwatch));
    }
}

/// How often a program's provider is read if it doesn't say.
const POLL_INTERVAL: Duration = Duration::from_secs(10);
