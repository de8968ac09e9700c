//! The servers, asked one after the other until one gives an answer that counts.
//!
//! A server that failed is asked last for a while, so that the others' answers don't wait for its
//! silence. Each question has a socket of its own, so nothing is kept that could be out of date, half
//! closed or another process's after a fork.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolverOpts, ServerOrderingStrategy,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::{DnsHandle as _, FirstAnswer as _};
use hickory_resolver::proto::op::{DnsRequestOptions, DnsResponse, Query};
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig};

use super::answer::{Answer, is_refusal_of_form, read};
use crate::clock::{Clock, Nanos, nanos};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::Lock;

/// The servers that one watch or reading asks.
#[derive(Debug)]
pub(super) struct Servers {
    /// The manager's clock; a reading on its own has none, and waits by the machine's.
    clock: Option<Clock>,
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
    pub(super) const fn new(
        clock: Option<Clock>,
        timeout: Duration,
        doubted: Option<SocketAddr>,
    ) -> Self {
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
        let exchange = async {
            let came = exchange(server, self.timeout, name, kind, true).await;
            match is_refusal_of_form(&came) {
                true => exchange(server, self.timeout, name, kind, false).await,
                false => came,
            }
        };
        let came = match &self.clock {
            None => exchange.await,
            Some(clock) => {
                let deadline = clock.now().saturating_add(nanos(self.timeout));
                tokio::select! {
                    biased;
                    came = exchange => came,
                    () = clock.sleep_until_async(deadline) => Err(NetError::Timeout),
                }
            }
        };
        if matches!(came, Err(NetError::Timeout)) {
            return Err(format!("did not answer in {}", crate::duration::format(self.timeout)));
        }
        read(came, name, kind)
    }

    /// Those that work first, in their order; then those that failed lately; then the doubted one.
    fn in_order(&self) -> Vec<SocketAddr> {
        let now = self.now();
        let mut known = self.known.lock().clone();
        known.sort_by_key(|known| {
            let is_lately = |at: Nanos| now.saturating_sub(at) < LATELY;
            (Some(known.server) == self.doubted, known.failed_at.is_some_and(is_lately))
        });
        known.into_iter().map(|known| known.server).collect()
    }

    fn mark(&self, server: SocketAddr, has_answered: bool) {
        let now = self.now();
        for known in self.known.lock().iter_mut() {
            if known.server == server {
                known.failed_at = (!has_answered).then_some(now);
                known.has_answered = has_answered;
            } else if has_answered {
                known.has_answered = false;
            }
        }
    }

    fn now(&self) -> Nanos {
        self.clock.as_ref().map_or(0, Clock::now)
    }
}

/// Asks one server one question: by UDP, and by TCP where the answer is too long for that.
async fn exchange(
    server: SocketAddr,
    timeout: Duration,
    name: &Name,
    kind: RecordType,
    with_edns: bool,
) -> Result<DnsResponse, NetError> {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = server.port();
        connection
    });
    let server = NameServerConfig::new(server.ip(), true, connections.into());
    let mut options = ResolverOpts::default();
    options.timeout = timeout;
    options.num_concurrent_reqs = 1;
    options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
    let context = Arc::new(PoolContext::new(options, TlsConfig::new()?));
    let pool = NameServerPool::from_config([server], context, TokioRuntimeProvider::new());
    let mut form = DnsRequestOptions::default();
    form.use_edns = with_edns;
    pool.lookup(Query::query(name.clone(), kind), form).first_answer().await
}

/// How long a server that failed is asked after the others.
const LATELY: Nanos = 30_000_000_000;
