//! Requests to one API server, over connections that are known to be alive.
//!
//! HTTP/2 where the server speaks it, as all API servers do: many watches share a connection, and a
//! ping finds out within half a minute that the other side is gone, which an idle watch wouldn't. A
//! server takes a hundred requests at once on a connection, so more watches take further
//! connections ([`lane`](super::lane)). Behind a proxy that speaks HTTP/1.1 alone, watches are kept short instead.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use hyper::http::header::{ACCEPT, AUTHORIZATION, RETRY_AFTER, USER_AGENT};
use hyper::http::{HeaderValue, Version};
use kube_client::client::AuthError;

use super::connect;
use super::failure::Failure;
use super::lane::{Lane, Seat, Service};
use super::refusal::Refusal;
use super::token::Token;
use crate::clock::Clock;
use crate::discovery::answer::in_time;
use crate::lock::Lock;

/// One API server with what it takes to ask it.
pub(super) struct Transport {
    /// Its address, without what may be secret in it.
    pub(super) address: String,
    /// The namespace of the kubeconfig's context, or of the Pod.
    pub(super) namespace: String,
    /// True if making it anew costs more than reading files: a program is run.
    pub(super) is_costly: bool,
    token: Token,
    make: Box<dyn Fn() -> Service + Send + Sync>,
    /// Guards the connections.
    lanes: Lock<Vec<Arc<Lane>>>,
    is_multiplexed: AtomicBool,
}

impl fmt::Debug for Transport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Transport").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Transport {
    /// Puts one together; `make` opens a connection of its own.
    pub(super) fn new(
        place: connect::Place,
        token: Token,
        make: Box<dyn Fn() -> Service + Send + Sync>,
    ) -> Self {
        let connect::Place { address, namespace, is_costly } = place;
        let (lanes, is_multiplexed) = (Lock::default(), AtomicBool::new(false));
        Self { address, namespace, is_costly, token, make, lanes, is_multiplexed }
    }

    /// True once the server was seen to take many requests on a connection.
    pub(super) fn is_multiplexed(&self) -> bool {
        self.is_multiplexed.load(Ordering::Relaxed)
    }

    /// Asks for `path`; the answer's body may go on for as long as it is read.
    ///
    /// # Errors
    ///
    /// Unless the server answers with status 200 in time.
    pub(super) async fn open(&self, clock: &Clock, path: &str) -> Result<Answer, Failure> {
        let request = self.request(clock, path).await?;
        let seat = self.seat();
        let response = seat.send(clock, request).await?;
        self.is_multiplexed.store(response.version() == Version::HTTP_2, Ordering::Relaxed);
        let status = response.status().as_u16();
        let answer = Answer { body: response.into_parts(), seat };
        if status == 200 {
            return Ok(answer);
        }
        let after = answer.body.0.headers.get(RETRY_AFTER).cloned();
        // Without its words a refusal is still one.
        let body = in_time(clock, answer.whole(LONGEST_REFUSAL)).await;
        let body = body.and_then(Result::ok).unwrap_or_default();
        let after = after.as_ref().and_then(|value| value.to_str().ok());
        Err(Failure::Refused(Refusal::read(status, &body).or_after(after)))
    }

    /// Asks for `path`, and reads the whole answer.
    ///
    /// # Errors
    ///
    /// Unless the whole answer comes in time, with status 200.
    pub(super) async fn get(&self, clock: &Clock, path: &str) -> Result<Vec<u8>, Failure> {
        let answer = self.open(clock, path).await?;
        in_time(clock, answer.whole(LONGEST_ANSWER)).await.unwrap_or_else(|| Err(late()))
    }

    async fn request(&self, clock: &Clock, path: &str) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::new(Full::default());
        let uri = path.parse();
        // It is made of escaped parts.
        *request.uri_mut() = uri.map_err(|_| Failure::Garbled("not a path".to_owned()))?;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        if let Some(token) = self.token.header(clock).await {
            headers.insert(AUTHORIZATION, token);
        }
        Ok(request)
    }

    /// A place on the first connection that has one, or on a new one.
    fn seat(&self) -> Seat {
        let mut lanes = self.lanes.lock();
        if let Some(lane) = lanes.iter().find(|lane| lane.has_room()) {
            return Seat::new(lane);
        }
        let lane = Arc::new(Lane::new((self.make)()));
        lanes.push(Arc::clone(&lane));
        Seat::new(&lane)
    }
}

/// An answer with status 200, whose body is read piece by piece.
pub(super) struct Answer {
    body: (hyper::http::response::Parts, Incoming),
    /// Kept for as long as the body is read.
    seat: Seat,
}

impl Answer {
    /// The next piece; nothing at the end.
    ///
    /// # Errors
    ///
    /// If the connection broke.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            match self.body.1.frame().await {
                None => return Ok(None),
                Some(Err(error)) => {
                    self.seat.broke();
                    return Err(unreachable(&error));
                }
                Some(Ok(frame)) => {
                    if let Ok(piece) = frame.into_data() {
                        return Ok(Some(piece));
                    }
                }
            }
        }
    }

    async fn whole(mut self, most: usize) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece().await? {
            if body.len() + piece.len() > most {
                let mib = most >> 20;
                return Err(Failure::Garbled(format!("the answer is longer than {mib} MiB")));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }
}

/// What came too late.
pub(super) fn late() -> Failure {
    Failure::Unreachable(crate::discovery::answer::late().to_string())
}

/// What went wrong on the way: the causes, each once.
///
/// The output of a program that was to give credentials is never shown: it may be one.
pub(super) fn unreachable(error: &(dyn StdError + 'static)) -> Failure {
    if let Some(error) = error.downcast_ref::<AuthError>() {
        return Failure::Unusable(connect::describe(error));
    }
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !words.contains(&said) {
            words = format!("{words}: {said}");
        }
        next = cause.source();
    }
    Failure::Unreachable(words.chars().take(LONGEST_WORDS).collect())
}

const AGENT: &str = concat!("libfailover/", env!("CARGO_PKG_VERSION"), " discovery");

/// A service of twenty thousand endpoints is a third of that.
const LONGEST_ANSWER: usize = 64 << 20;

/// A refusal is short; a proxy's page may not be.
const LONGEST_REFUSAL: usize = 64 << 10;

/// Longer words are cut.
const LONGEST_WORDS: usize = 250;
