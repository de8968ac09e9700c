//! Reads a service from an agent: asks, checks what the agent is too old for, and judges the answer.
//!
//! Between the client, which knows bytes, and the watch, which knows time.

use std::collections::BTreeSet;

use reqwest::Method;

use super::answer::{self, Answer};
use super::client::Clients;
use super::failure::{Class, Failure};
use super::holds::Holds;
use super::options::ReadMode;
use super::query::{self, Hold};
use super::reply::{Facts, Reply};
use super::rights::{self, Verdict};
use super::settings::Settings;
use super::version::{self, Version};
use crate::endpoint::Endpoint;
use crate::error::Result as CoreResult;

/// The agents of one provider.
pub(super) struct Source {
    clients: Clients,
    holds: Holds,
}

impl Source {
    pub(super) fn new(settings: Settings) -> Self {
        let holds = Holds::new(settings.options.held_questions);
        Self { clients: Clients::new(settings), holds }
    }

    pub(super) const fn settings(&self) -> &Settings {
        self.clients.settings()
    }

    /// The error of a failure at an agent.
    pub(super) fn error(&self, agent: usize, failure: &Failure) -> crate::Error {
        failure.at(self.clients.address(agent))
    }

    /// Who may have its questions held.
    pub(super) const fn holds(&self) -> &Holds {
        &self.holds
    }

    /// How many agents there are.
    pub(super) fn agents(&self) -> usize {
        self.settings().agents.len()
    }

    /// Sends a request to an agent.
    pub(super) async fn send(
        &self,
        agent: usize,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<Reply, Failure> {
        let path = query::placed(path, &self.settings().options.local());
        self.clients.send(agent, method, &path, body).await
    }

    /// Asks for a service.
    pub(super) async fn ask(
        &self,
        agent: usize,
        service: &str,
        read: ReadMode,
        hold: Hold,
    ) -> Result<Reply, Failure> {
        let options = &self.settings().options;
        if hold == Hold::Not {
            self.check_version(agent).await?;
        }
        self.clients.get(agent, &query::health(service, options, read, hold)).await
    }

    /// The instances in the answer to a question for `service`.
    pub(super) fn parse(&self, reply: &Reply, service: &str) -> Result<Answer, Failure> {
        let answer = answer::parse(&reply.body, service, &self.settings().options);
        let answer = answer.map_err(Failure::unavailable)?;
        if let Some(fault) = &answer.first_fault {
            let skipped = answer.skipped;
            tracing::warn!(target: "failover", area = "discovery", "consul: {skipped} instances of {service:?} can't be used: {fault}");
        }
        Ok(answer)
    }

    /// Says why an answer that lacks endpoints isn't to be believed, if the token can't see them.
    pub(super) async fn check_rights(
        &self,
        agent: usize,
        service: &str,
        nodes: &BTreeSet<&str>,
        facts: &Facts,
    ) -> Result<(), Failure> {
        let path = query::placed(rights::PATH, &self.settings().options);
        let question = rights::question(service, nodes);
        let verdict = match self.clients.send(agent, Method::POST, &path, Some(&question)).await {
            Ok(reply) => rights::verdict(&reply.body),
            // Access control that is off, and an agent that can't say, are no reason to doubt.
            Err(_) => Verdict::Unknown,
        };
        match verdict {
            Verdict::Denied(reason) => Err(Failure::new(Class::Denied, reason)),
            // A token that sees a part of the service only may see all of what is gone.
            Verdict::Unknown if facts.is_filtered => {
                let reason = "the token may not read all of its instances";
                Err(Failure::new(Class::Denied, reason))
            }
            Verdict::Unknown | Verdict::Allowed => Ok(()),
        }
    }

    /// Reads a service once, from the first agent that answers.
    pub(super) async fn read(&self, service: &str, read: ReadMode) -> CoreResult<Vec<Endpoint>> {
        query::check(service)?;
        let mut agent = 0;
        loop {
            match self.read_at(agent, service, read).await {
                Ok(endpoints) => return Ok(endpoints),
                Err(failure) => {
                    let is_last = agent + 1 == self.agents();
                    if is_last || !failure.class.may_another_agent_do_better() {
                        return Err(self.error(agent, &failure));
                    }
                    agent += 1;
                }
            }
        }
    }

    async fn read_at(
        &self,
        agent: usize,
        service: &str,
        read: ReadMode,
    ) -> Result<Vec<Endpoint>, Failure> {
        let reply = self.ask(agent, service, read, Hold::Not).await?;
        let answer = self.parse(&reply, service)?;
        if answer.endpoints.is_empty() {
            self.check_rights(agent, service, &BTreeSet::new(), &reply.facts).await?;
        }
        Ok(answer.endpoints)
    }

    /// Asks whether an agent can be reached that knows a leader, one after the other.
    pub(super) async fn ping(&self) -> CoreResult<()> {
        let mut agent = 0;
        loop {
            let led = self.clients.get(agent, "/v1/status/leader").await.and_then(|reply| {
                match reply.body.trim_ascii() {
                    b"" | b"\"\"" => Err(Failure::unavailable("it knows no leader")),
                    _ => Ok(()),
                }
            });
            match led {
                Ok(()) => return Ok(()),
                Err(_) if agent + 1 < self.agents() => agent += 1,
                Err(failure) => return Err(self.error(agent, &failure)),
            }
        }
    }

    /// Refuses an agent that would ignore an option in use.
    async fn check_version(&self, agent: usize) -> Result<(), Failure> {
        let options = &self.settings().options;
        if version::needed(options).next().is_none() {
            return Ok(());
        }
        let version = match self.clients.get(agent, version::PATH).await {
            Ok(reply) => Version::parse(&reply.body),
            Err(failure) if failure.class == Class::Unavailable => return Err(failure),
            Err(_) => None,
        };
        version::check(options, version)
    }
}
