//! The servers, asked one after the other until one gives an answer that counts.
//!
//! A server that failed is asked last for a while, so that the others' answers don't wait for its
//! silence.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::rr::{Name, RecordType};

use super::answer::{Answer, read};
use super::exchange::exchange;
use crate::clock::{Clock, Nanos, nanos};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::Lock;

/// The servers that one watch or reading asks.
#[derive(Debug)]
pub(super) struct Servers {
    clock: Clock,
    timeout: Duration,
    /// Asked after the others: whose word is to be checked.
    doubted: Option<SocketAddr>,
    /// Guards what is known of each server.
    known: Lock<Vec<Known>>,
}

/// What is known of one server.
#[derive(Clone, Copy, Debug)]
struct Known {
    server: SocketAddr,
    failed_at: Option<Nanos>,
    has_answered: bool,
}

impl Servers {
    /// Makes the list of nobody yet.
    pub(super) const fn new(clock: Clock, timeout: Duration, doubted: Option<SocketAddr>) -> Self {
        Self { clock, timeout, doubted, known: Lock::new(Vec::new()) }
    }

    /// Names the servers, in their order. What is known of those that stay is kept.
    pub(super) fn name(&self, servers: &[SocketAddr]) {
        let mut known = self.known.lock();
        let named = servers.iter().map(|server| {
            let before = known.iter().find(|known| known.server == *server).copied();
            before.unwrap_or(Known { server: *server, failed_at: None, has_answered: false })
        });
        *known = named.collect();
    }

    /// The server that answered last.
    pub(super) fn last(&self) -> Option<SocketAddr> {
        self.known.lock().iter().find(|known| known.has_answered).map(|known| known.server)
    }

    /// Asks until one server answers.
    ///
    /// # Errors
    ///
    /// None did; the message says of each why.
    pub(super) async fn ask(&self, name: &Name, kind: RecordType) -> Result<Answer> {
        let mut causes = Vec::new();
        for server in self.in_order() {
            match self.ask_one(server, name, kind).await {
                Ok(answer) => {
                    self.mark(server, true);
                    return Ok(answer);
                }
                Err(cause) => {
                    self.mark(server, false);
                    causes.push(format!("server {server} {cause}"));
                }
            }
        }
        if causes.is_empty() {
            causes.push("no server is known".to_owned());
        }
        let text = format!("dns: name {name}, type {kind}: {}", causes.join("; "));
        Err(Error::new(ErrorKind::Provider, text))
    }

    async fn ask_one(
        &self,
        server: SocketAddr,
        name: &Name,
        kind: RecordType,
    ) -> Result<Answer, String> {
        let (clock, patience) = (&self.clock, nanos(self.timeout));
        let deadline = clock.now().saturating_add(patience);
        let came = tokio::select! {
            biased;
            came = exchange(server, name, kind, (clock, patience)) => came?,
            () = clock.sleep_until_async(deadline) => {
                return Err(format!("did not answer in {}", crate::duration::format(self.timeout)));
            }
        };
        read(&came, name, kind)
    }

    /// Those that work first, in their order; then those that failed lately; then the doubted one.
    fn in_order(&self) -> Vec<SocketAddr> {
        let now = self.clock.now();
        let mut known = self.known.lock().clone();
        known.sort_by_key(|known| {
            let is_lately = |at: Nanos| now.saturating_sub(at) < LATELY;
            (Some(known.server) == self.doubted, known.failed_at.is_some_and(is_lately))
        });
        known.into_iter().map(|known| known.server).collect()
    }

    fn mark(&self, server: SocketAddr, has_answered: bool) {
        let now = self.clock.now();
        for known in self.known.lock().iter_mut() {
            if known.server == server {
                known.failed_at = (!has_answered).then_some(now);
                known.has_answered = has_answered;
            } else if has_answered {
                known.has_answered = false;
            }
        }
    }
}

/// How long a server that failed is asked after the others.
const LATELY: Nanos = 30_000_000_000;
