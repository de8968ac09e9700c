//! Asks agents over HTTP: one request, one answer, whatever comes.
//!
//! Redirects are not followed and the environment's proxies not used: a request carries the token, and it
//! is for this agent and nobody else. A body beyond 64 MiB is refused before it is held. Nothing that is
//! said of a failure holds the token, also where a server repeats it.

use std::collections::HashMap;
use std::error::Error as _;
use std::io;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, Method, Response, redirect};

use super::address::Address;
use super::failure::{Class, Failure, clipped};
use super::reply::{Facts, Reply, retry_after};
use super::settings::Settings;
use super::tls::{self, Stamp};
use super::token::Token;
use crate::lock::Lock;
use crate::secret::{MASK, Secret};

/// The connections to the agents of one provider.
pub(super) struct Clients {
    settings: Settings,
    token: Token,
    /// Guards the clients by agent; never held while one is made or used.
    made: Lock<Made>,
}

/// Clients of one process. A forked child shares the parent's sockets, so it leaves them alone.
struct Made {
    process: u32,
    clients: HashMap<usize, (Stamp, Client)>,
}

impl Default for Made {
    fn default() -> Self {
        Self { process: std::process::id(), clients: HashMap::new() }
    }
}

impl Clients {
    pub(super) fn new(settings: Settings) -> Self {
        let token = Token::new(settings.token.clone());
        Self { settings, token, made: Lock::default() }
    }

    pub(super) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The address of an agent.
    pub(super) fn address(&self, agent: usize) -> &Address {
        &self.settings.agents[agent]
    }

    /// Gets what is at `path`.
    pub(super) async fn get(&self, agent: usize, path: &str) -> Result<Reply, Failure> {
        self.send(agent, Method::GET, path, None).await
    }

    /// Sends a request with a body of JSON, if any.
    pub(super) async fn send(
        &self,
        agent: usize,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<Reply, Failure> {
        let token = self.token.now().await;
        let token = token.map_err(|reason| Failure::new(Class::Denied, reason))?;
        let client = self.client(agent).await?;
        let url = format!("{}{path}", self.address(agent).base());
        let mut request = client.request(method, url).headers(headers(token.as_ref())?);
        if let Some((user, password)) = &self.settings.basic_auth {
            request = request.basic_auth(user, Some(password.reveal()));
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let hidden = |failure: Failure| self.without_secrets(failure, token.as_ref());
        let response = request.send().await.map_err(|error| hidden(failure(&error)))?;
        judge(response).await.map_err(hidden)
    }

    /// The client of an agent; a new one when a certificate's file changed, as they do on rotation.
    async fn client(&self, agent: usize) -> Result<Client, Failure> {
        let address = self.address(agent);
        let (tls, is_verified) = (self.settings.options.tls.clone(), self.settings.is_verified);
        let stamp = match address.is_secure() {
            true => aside(move || tls::stamp(&tls)).await?,
            false => Stamp::default(),
        };
        if let Some(client) = self.known(agent, &stamp) {
            return Ok(client);
        }
        let (making, tls) = (address.clone(), self.settings.options.tls.clone());
        let client = aside(move || make(&making, &tls, is_verified)).await?;
        let client = client.map_err(|reason| Failure::new(Class::Denied, reason))?;
        self.made.lock().clients.insert(agent, (stamp, client.clone()));
        Ok(client)
    }

    fn known(&self, agent: usize, stamp: &Stamp) -> Option<Client> {
        let mut made = self.made.lock();
        if made.process != std::process::id() {
            // Never dropped: closing them would take the parent's sockets from its poller.
            std::mem::forget(std::mem::take(&mut *made));
        }
        let (known, client) = made.clients.get(&agent)?;
        (known == stamp).then(|| client.clone())
    }

    fn without_secrets(&self, mut failure: Failure, token: Option<&Secret>) -> Failure {
        let password = self.settings.basic_auth.as_ref().map(|(_, password)| password);
        for secret in token.into_iter().chain(password).filter(|text| !text.reveal().is_empty()) {
            failure.reason = failure.reason.replace(secret.reveal(), MASK);
        }
        failure
    }
}

/// The result of work on files, which blocks: certificates may lie on a network's disk.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Failure::unavailable("the question was cancelled"))
}

fn make(address: &Address, tls: &super::options::Tls, is_verified: bool) -> Result<Client, String> {
    let config = if address.is_secure() { tls::secure(tls, is_verified)? } else { tls::none()? };
    let builder = Client::builder()
        .tls_backend_preconfigured(config)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT)
        // A blocking query is silent for minutes: this finds a half-open connection within 45 s.
        .tcp_keepalive(QUIET)
        .tcp_keepalive_interval(QUIET)
        .tcp_keepalive_retries(2)
        .user_agent(concat!("libfailover/", env!("CARGO_PKG_VERSION")));
    #[cfg(unix)]
    let builder = match address.socket() {
        Some(path) => builder.unix_socket(path),
        None => builder,
    };
    builder.build().map_err(|error| clipped(&error.to_string()))
}

fn headers(token: Option<&Secret>) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    if let Some(token) = token {
        let mut value = HeaderValue::from_str(token.reveal())
            .map_err(|_| Failure::new(Class::Denied, "the token is no value of a header"))?;
        value.set_sensitive(true);
        headers.insert("x-consul-token", value);
    }
    Ok(headers)
}

async fn judge(mut response: Response) -> Result<Reply, Failure> {
    let status = response.status().as_u16();
    if status != 200 {
        let hint = retry_after(response.headers());
        // What came of the message says more than that it was cut.
        let body = read(&mut response, MOST_MESSAGE).await.unwrap_or_default();
        return Err(Failure::of_status(status, &String::from_utf8_lossy(&body), hint));
    }
    let facts = Facts::of(response.headers());
    let body = read(&mut response, MOST_BODY).await?;
    Ok(Reply { facts, body })
}

/// Reads the body to its end; one beyond the limit is refused.
async fn read(response: &mut Response, most: usize) -> Result<Vec<u8>, Failure> {
    let too_long = || Failure::unavailable(format!("the answer is longer than {} MiB", most >> 20));
    if response.content_length().is_some_and(|length| length > most as u64) {
        return Err(too_long());
    }
    let mut body = Vec::new();
    let cut = |error: reqwest::Error| {
        Failure::unavailable(format!("the answer was cut: {}", failure(&error).reason))
    };
    while let Some(chunk) = response.chunk().await.map_err(cut)? {
        if body.len() + chunk.len() > most {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What a failed request is called, by the innermost cause that has a name.
fn failure(error: &reqwest::Error) -> Failure {
    if error.is_builder() {
        return Failure::new(Class::Refused, "the question is not part of a URL");
    }
    if error.is_timeout() && error.is_connect() {
        return Failure::unavailable(format!("no connection within {} s", CONNECT.as_secs()));
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
        if let Some(failure) = cause.downcast_ref::<io::Error>() {
            return Failure::unavailable(io_reason(failure));
        }
    }
    // The outermost error names the URL; those within don't.
    let reason = match error.source() {
        Some(_) => clipped(&cause.to_string()),
        None => "the request failed".to_owned(),
    };
    Failure::unavailable(reason)
}

/// What a failure of input or output is called; a failed handshake comes wrapped in one or two.
fn io_reason(mut failure: &io::Error) -> String {
    while let Some(within) = failure.get_ref() {
        if within.is::<rustls::Error>() {
            return format!("TLS: {}", clipped(&within.to_string()));
        }
        match within.downcast_ref::<io::Error>() {
            Some(inner) => failure = inner,
            None => break,
        }
    }
    match failure.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => "connection closed".to_owned(),
        _ => clipped(&failure.to_string()),
    }
}

/// An agent is on this machine or in its data centre.
const CONNECT: Duration = Duration::from_secs(5);

/// Between two signs of life that a silent connection is asked for.
const QUIET: Duration = Duration::from_secs(15);

/// Sixty thousand instances: more than a service can have.
const MOST_BODY: usize = 64 << 20;

/// What an error's body may need.
const MOST_MESSAGE: usize = 1 << 20;
