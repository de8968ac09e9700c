//! The instances that this process registered, each kept alive at the agent that took it.

use std::collections::HashMap;
use std::sync::Arc;

use reqwest::Method;

use super::failure::Failure;
use super::register;
use super::source::Source;
use super::task::{Alive, Beat};
use crate::clock::Clock;
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::Lock;
use crate::rng::{self, Rng};

/// The registrations of one provider.
pub(super) struct Registrations {
    source: Arc<Source>,
    seed: u64,
    /// Guards the registrations by the endpoint's id; never held while an agent is asked.
    held: Lock<HashMap<String, Held>>,
}

struct Held {
    agent: usize,
    /// Ends with its registration.
    _alive: Alive,
}

impl Registrations {
    pub(super) fn new(source: Arc<Source>, seed: u64) -> Self {
        Self { source, seed, held: Lock::default() }
    }

    /// Registers an endpoint, or describes it anew without a moment in which it isn't there.
    pub(super) async fn put(&self, endpoint: &Endpoint) -> Result<()> {
        let told = register::told(endpoint, &self.source.settings().options.registration)?;
        let known = self.held.lock().get(&*endpoint.id).map(|held| held.agent);
        let mut agent = known.unwrap_or(0);
        loop {
            let name = rng::hash(endpoint.id.as_bytes(), 0);
            let beat = Beat {
                source: Arc::clone(&self.source),
                agent,
                told: told.clone(),
                clock: Clock::system(),
                rng: Rng::new(self.seed, BEATS, name),
            };
            match beat.register().await {
                Ok(()) => {
                    let held = Held { agent, _alive: beat.keep() };
                    // The one before ends here: two would tell the agent different things.
                    self.held.lock().insert(endpoint.id.to_string(), held);
                    return Ok(());
                }
                Err(failure) if known.is_none() && self.may_go_on(agent, &failure) => agent += 1,
                Err(failure) => return Err(self.source.error(agent, &failure)),
            }
        }
    }

    /// Removes an instance from the agent that has it.
    pub(super) async fn remove(&self, id: &str) -> Result<()> {
        let known = self.held.lock().remove(id);
        let agent = known.as_ref().map_or(0, |held| held.agent);
        let is_own = known.is_some();
        // First, or the next sign of life would register it again.
        drop(known);
        let service_id = if is_own { id } else { id.splitn(3, '/').nth(2).unwrap_or(id) };
        let at = |failure: Failure| self.source.error(agent, &failure);
        if !is_own {
            let found =
                self.source.send(agent, Method::GET, &register::look(service_id), None).await;
            match found {
                Ok(_) => {}
                Err(failure) if failure.status == Some(404) => {
                    let text = format!("endpoint {id:?}: it isn't registered at this agent");
                    return Err(Error::new(ErrorKind::NotFound, text));
                }
                Err(failure) => return Err(at(failure)),
            }
        }
        match self.source.send(agent, Method::PUT, &register::deregister(service_id), None).await {
            Ok(_) => Ok(()),
            // It is gone, which is what is asked for.
            Err(failure) if failure.status == Some(404) => Ok(()),
            Err(failure) => Err(at(failure)),
        }
    }

    fn may_go_on(&self, agent: usize, failure: &Failure) -> bool {
        failure.class.may_another_agent_do_better() && agent + 1 < self.source.agents()
    }
}

/// The purpose that sets this randomness apart.
const BEATS: u64 = 0xc095_0004;
