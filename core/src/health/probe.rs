//! One check of one endpoint: chooses the way, keeps the time, and says in a few words what came.
//!
//! The time limit goes by the manager's clock, so that tests decide when a check is over. Reasons
//! end up in events and logs; they are made from kinds of errors and never from what was sent.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::http::Clients;
use super::{CheckResult, tcp};
use crate::clock::{Clock, nanos};
use crate::endpoint::{CheckKind, Endpoint, HealthCheck};
use crate::events::Reason;

/// The program's own check: told the endpoint and how long it may take.
pub type CheckFunction = Arc<
    dyn Fn(Arc<Endpoint>, Duration) -> Pin<Box<dyn Future<Output = CheckResult> + Send>>
        + Send
        + Sync,
>;

/// Makes checks of every kind.
pub struct Prober {
    clock: Clock,
    clients: Clients,
    custom: Option<CheckFunction>,
}

impl fmt::Debug for Prober {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Prober")
            .field("has_custom", &self.custom.is_some())
            .finish_non_exhaustive()
    }
}

impl Prober {
    /// Makes a prober; without `custom`, checks of that kind are bad for want of a worker.
    #[must_use]
    pub fn new(clock: Clock, custom: Option<CheckFunction>) -> Self {
        Self { clock, clients: Clients::default(), custom }
    }

    /// Checks `endpoint` as `check` says.
    ///
    /// # Cancellation
    ///
    /// Dropping the future closes the connection.
    pub async fn probe(
        &self,
        endpoint: &Arc<Endpoint>,
        check: &HealthCheck,
        timeout: Duration,
    ) -> CheckResult {
        let started = self.clock.now();
        let deadline = started.saturating_add(nanos(timeout));
        let result = tokio::select! {
            biased;
            result = self.run(endpoint, check, timeout) => result,
            () = self.clock.sleep_until_async(deadline) => {
                CheckResult::bad(format!("timed out after {}", crate::duration::format(timeout)))
            }
        };
        result.after(self.clock.now().saturating_sub(started))
    }

    async fn run(
        &self,
        endpoint: &Arc<Endpoint>,
        check: &HealthCheck,
        timeout: Duration,
    ) -> CheckResult {
        let scheme = match check.kind {
            CheckKind::Custom => return self.ask(endpoint, timeout).await,
            CheckKind::Http => "http",
            CheckKind::Https => "https",
            CheckKind::Tcp => "tcp",
            CheckKind::Auto => auto(&endpoint.protocol),
        };
        let Some(port) = check.port.or(Some(endpoint.port)).filter(|port| *port != 0) else {
            return CheckResult::bad("there is no port to check");
        };
        let place = Place { host: bare(&endpoint.address), port };
        let found = match scheme {
            "tcp" => tcp::check(place).await,
            _ => self.clients.check(scheme, place, check).await,
        };
        found.map_or_else(CheckResult::bad, CheckResult::good)
    }

    async fn ask(&self, endpoint: &Arc<Endpoint>, timeout: Duration) -> CheckResult {
        match &self.custom {
            Some(custom) => custom(Arc::clone(endpoint), timeout).await,
            None => CheckResult::bad("no worker"),
        }
    }
}

/// Where a check goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// A name or an address, without brackets.
    pub(super) host: &'a str,
    pub(super) port: u16,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(out, "[{}]:{}", self.host, self.port),
            false => write!(out, "{}:{}", self.host, self.port),
        }
    }
}

/// What a failure of the network is called.
pub(super) fn io_reason(error: &io::Error) -> Reason {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".into(),
        io::ErrorKind::ConnectionReset => "connection reset".into(),
        io::ErrorKind::ConnectionAborted => "connection aborted".into(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => "connection closed".into(),
        io::ErrorKind::HostUnreachable => "host unreachable".into(),
        io::ErrorKind::NetworkUnreachable => "network unreachable".into(),
        io::ErrorKind::TimedOut => "connection timed out".into(),
        _ => clipped(&error.to_string()).into(),
    }
}

/// A message short enough for an event.
pub(super) fn clipped(message: &str) -> String {
    message.lines().next().unwrap_or_default().chars().take(LONGEST_REASON).collect()
}

fn auto(protocol: &str) -> &'static str {
    if protocol.eq_ignore_ascii_case("http") {
        "http"
    } else if protocol.eq_ignore_ascii_case("https") {
        "https"
    } else {
        "tcp"
    }
}

fn bare(address: &str) -> &str {
    address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address)
}

/// Beyond this, a message is an essay.
const LONGEST_REASON: usize = 200;
