//! Keeps a registration alive: gives its sign of life, and registers again where the agent forgot.
//!
//! An agent that restarts with nothing in its hands answers, but knows no instance; then the whole
//! registration is sent again. While the agent is away it is asked about every second, so that the
//! instance is back within one of its return.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use tokio::task::{AbortHandle, spawn};

use super::failure::{Class, Failure};
use super::register::{REGISTER, Told};
use super::source::Source;
use crate::clock::{Clock, Nanos, nanos};
use crate::rng::Rng;

/// A registration that is kept alive until this is dropped.
#[derive(Debug)]
pub(super) struct Alive(AbortHandle);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One registration at one agent.
pub(super) struct Beat {
    pub(super) source: Arc<Source>,
    pub(super) agent: usize,
    pub(super) told: Told,
    pub(super) clock: Clock,
    pub(super) rng: Rng,
}

impl Beat {
    /// Registers, and says at once that the instance lives: one that was critical stays so otherwise.
    pub(super) async fn register(&self) -> Result<(), Failure> {
        self.put(REGISTER, true).await?;
        match &self.told.pass {
            Some(pass) => self.put(pass, false).await,
            None => Ok(()),
        }
    }

    /// Keeps it alive on the runtime that this is called in.
    pub(super) fn keep(self) -> Alive {
        Alive(spawn(self.run()).abort_handle())
    }

    async fn run(mut self) {
        let third = nanos(self.source.settings().options.registration.ttl) / 3;
        let mut wait = third;
        loop {
            let until = self.clock.now().saturating_add(self.rng.jitter(wait, 0.1));
            self.clock.sleep_until_async(until).await;
            wait = match self.beat().await {
                Ok(()) => third,
                Err(failure) if failure.class == Class::Unavailable => third.min(WHILE_AWAY),
                Err(failure) => {
                    let reason = failure.reason;
                    tracing::warn!(target: "failover", area = "discovery", "consul: a registration can't be kept alive: {reason}");
                    third
                }
            };
        }
    }

    /// One sign of life.
    async fn beat(&self) -> Result<(), Failure> {
        let sent = match &self.told.pass {
            Some(pass) => self.put(pass, false).await,
            None => self.in_time(Method::GET, &self.told.look, None).await,
        };
        match sent {
            // It answered, and not that the token is wrong: it doesn't know the instance.
            Err(failure) if failure.status.is_some() && failure.class != Class::Denied => {
                self.register().await
            }
            other => other,
        }
    }

    async fn put(&self, path: &str, has_body: bool) -> Result<(), Failure> {
        self.in_time(Method::PUT, path, has_body.then_some(&self.told.body)).await
    }

    async fn in_time(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<(), Failure> {
        let deadline = self.clock.now().saturating_add(nanos(LONGEST_ANSWER));
        tokio::select! {
            biased;
            sent = self.source.send(self.agent, method, path, body) => sent.map(drop),
            () = self.clock.sleep_until_async(deadline) => {
                Err(Failure::unavailable("no answer in time"))
            }
        }
    }
}

/// Below a second also with the time that the answer takes.
const WHILE_AWAY: Nanos = 800_000_000;

/// An agent answers for its own instances out of its memory.
const LONGEST_ANSWER: Duration = Duration::from_secs(5);
