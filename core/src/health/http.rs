//! The check over HTTP and HTTPS: status, then body.
//!
//! A health check asks this very server and nobody else: redirects are not followed, the
//! environment's proxies are not used, and the connection isn't reused unless the endpoint says so,
//! because an old connection proves nothing about whether a new one could be opened.

use std::collections::HashMap;
use std::error::Error as _;
use std::io;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, RequestBuilder, Response, redirect};

use super::probe::{Place, clipped, io_reason};
use super::tls::{self, Identity, Stamp};
use crate::endpoint::HealthCheck;
use crate::events::Reason;
use crate::lock::{Held, Lock};

/// The HTTP clients in use, one for each way to identify and trust.
#[derive(Default)]
pub(super) struct Clients {
    /// Guards the table; never held while a client is made or used.
    known: Lock<HashMap<Key, (Stamp, Client)>>,
}

/// What tells two clients apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    /// Absent for plain HTTP.
    identity: Option<Identity>,
    reuses: bool,
}

impl Clients {
    /// Sends the request that `check` describes and judges the answer.
    pub(super) async fn check(
        &self,
        scheme: &str,
        place: Place<'_>,
        check: &HealthCheck,
    ) -> Result<Reason, Reason> {
        let identity = (scheme == "https").then(|| Identity::of(check));
        let client = self.client(Key { identity, reuses: check.reuse_connection }).await?;
        let path = check.path.as_deref().unwrap_or("/health");
        let url = format!("{scheme}://{place}{path}");
        let request = request(&client, &url, check)?;
        let response = request.send().await.map_err(|error| reason(&error))?;
        judge(response, check).await
    }

    /// The client of `key`; a new one when a certificate's file changed, as they do on rotation.
    async fn client(&self, key: Key) -> Result<Client, Reason> {
        let stamp = match key.identity.clone().filter(Identity::has_files) {
            Some(identity) => aside(move || identity.stamp()).await?,
            None => Stamp::default(),
        };
        if let Some((made, client)) = self.lock().get(&key)
            && *made == stamp
        {
            return Ok(client.clone());
        }
        let making = key.clone();
        let client = aside(move || make(&making)).await??;
        self.lock().insert(key, (stamp, client.clone()));
        Ok(client)
    }

    fn lock(&self) -> Held<'_, HashMap<Key, (Stamp, Client)>> {
        self.known.lock()
    }
}

/// The result of work on files, which blocks: certificates may lie on a network's disk.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Reason> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Reason::from("the check was cancelled"))
}

fn make(key: &Key) -> Result<Client, Reason> {
    let idle = if key.reuses { usize::MAX } else { 0 };
    let config = match &key.identity {
        Some(identity) => tls::config(identity)?,
        None => tls::none()?,
    };
    Client::builder()
        .tls_backend_preconfigured(config)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .pool_max_idle_per_host(idle)
        .user_agent(concat!("libfailover/", env!("CARGO_PKG_VERSION"), " health-check"))
        .build()
        .map_err(|error| reason(&error))
}

fn request(client: &Client, url: &str, check: &HealthCheck) -> Result<RequestBuilder, Reason> {
    let method = check.method.as_deref().unwrap_or("GET");
    let method = Method::from_bytes(method.as_bytes())
        .map_err(|_| Reason::from("the method is not one of HTTP"))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &check.headers {
        let refused = || Reason::from(format!("header {}: not one of HTTP", clipped(name)));
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?;
        let mut value = HeaderValue::from_str(value.reveal()).map_err(|_| refused())?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    let mut request = client.request(method, url).headers(headers);
    if let Some(body) = &check.body {
        request = request.body(body.reveal().to_owned());
    }
    Ok(request)
}

async fn judge(mut response: Response, check: &HealthCheck) -> Result<Reason, Reason> {
    let status = response.status().as_u16();
    let ranges = &check.expected_statuses;
    let is_expected = match ranges.is_empty() {
        true => (200..=399).contains(&status),
        false => ranges.iter().any(|range| range.contains(&status)),
    };
    if !is_expected {
        let expected = match ranges.is_empty() {
            true => "200..=399".to_owned(),
            false => ranges.iter().map(shown).collect::<Vec<_>>().join(" or "),
        };
        return Err(format!("status {status}, expected {expected}").into());
    }
    let wanted = check.expected_body.as_deref().unwrap_or_default().as_bytes();
    let has_found = read(&mut response, wanted).await?;
    if !has_found {
        return Err("the body lacks the expected text".into());
    }
    Ok(format!("status {status}").into())
}

fn shown(range: &std::ops::RangeInclusive<u16>) -> String {
    match range.start() == range.end() {
        true => range.start().to_string(),
        false => format!("{range:?}"),
    }
}

/// Reads the body to its end or its limit; true if it holds `wanted`.
///
/// It is read also when nothing is wanted: a server that can't finish its answer is not well.
async fn read(response: &mut Response, wanted: &[u8]) -> Result<bool, Reason> {
    let mut body: Vec<u8> = Vec::new();
    let mut has_found = wanted.is_empty();
    while body.len() < MOST_BODY {
        let Some(chunk) = response.chunk().await.map_err(|error| reason(&error))? else { break };
        // The text may lie across the border of two chunks.
        let from = body.len().saturating_sub(wanted.len());
        let room = MOST_BODY - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        has_found = has_found || body[from..].windows(wanted.len()).any(|part| part == wanted);
    }
    Ok(has_found)
}

/// What a failure is called, by the innermost cause that has a name.
fn reason(error: &reqwest::Error) -> Reason {
    if error.is_builder() {
        return "the address or the path is not part of a URL".into();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
        if let Some(failure) = cause.downcast_ref::<io::Error>() {
            return wrapped_reason(failure);
        }
    }
    // The outermost error names the URL, whose path may hold a token; those within don't.
    match error.source() {
        Some(_) => clipped(&cause.to_string()).into(),
        None => "the request failed".into(),
    }
}

/// What a failure of input or output is called; a failed handshake comes wrapped in one or two.
fn wrapped_reason(mut failure: &io::Error) -> Reason {
    while let Some(within) = failure.get_ref() {
        if within.is::<rustls::Error>() {
            return format!("TLS: {}", clipped(&within.to_string())).into();
        }
        match within.downcast_ref::<io::Error>() {
            Some(inner) => failure = inner,
            None => break,
        }
    }
    io_reason(failure)
}

/// A health check's answer that is longer is cut: what is looked for stands in front.
const MOST_BODY: usize = 64 << 10;
