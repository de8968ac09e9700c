//! One connection to the server, shared by as many requests as it takes.
//!
//! The HTTP client opens a connection for each request that meets none, and finds out too late that one
//! would have done for all: a hundred services that begin together, or whose connection was cut, would
//! greet the server with a hundred handshakes. So as long as a connection isn't proven, one request goes
//! first. If it fails, those who waited fail with it.

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use tokio::sync::Mutex;
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

use super::failure::Failure;
use super::transport::{late, unreachable};
use crate::clock::Clock;
use crate::discovery::answer::in_time;
use crate::lock::Lock;

/// What sends a request and adds what `kube` knows of: the server's address and identity headers.
pub(super) type Service =
    BoxCloneSyncService<Request<Full<Bytes>>, Response<Incoming>, Box<dyn StdError + Send + Sync>>;

/// One connection.
pub(super) struct Lane {
    service: Service,
    users: AtomicUsize,
    is_proven: AtomicBool,
    /// Held by the request that goes first.
    first: Mutex<()>,
    /// Guards how many of those failed, and why the last did.
    failed: Lock<(u64, Option<Failure>)>,
}

impl Lane {
    /// Makes one; it is opened by the first request.
    pub(super) fn new(service: Service) -> Self {
        let (users, is_proven) = (AtomicUsize::new(0), AtomicBool::new(false));
        Self { service, users, is_proven, first: Mutex::default(), failed: Lock::default() }
    }

    /// True if one more may use it.
    pub(super) fn has_room(&self) -> bool {
        self.users.load(Ordering::Relaxed) < MOST_USERS
    }

    async fn send(
        &self,
        clock: &Clock,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Failure> {
        if self.is_proven.load(Ordering::Relaxed) {
            return self.pass(clock, request).await;
        }
        let failed_before = self.failed.lock().0;
        let first = self.first.lock().await;
        if self.is_proven.load(Ordering::Relaxed) {
            drop(first);
            return self.pass(clock, request).await;
        }
        let (failed, reason) = self.failed.lock().clone();
        if let Some(reason) = reason.filter(|_| failed != failed_before) {
            return Err(reason);
        }
        self.pass(clock, request).await
    }

    async fn pass(
        &self,
        clock: &Clock,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Failure> {
        let sending = self.service.clone().oneshot(request);
        let sent = in_time(clock, sending).await.ok_or_else(late);
        match sent.and_then(|sent| sent.map_err(|error| unreachable(&*error))) {
            Ok(response) => {
                self.is_proven.store(true, Ordering::Relaxed);
                Ok(response)
            }
            Err(failure) => {
                self.is_proven.store(false, Ordering::Relaxed);
                let mut failed = self.failed.lock();
                *failed = (failed.0 + 1, Some(failure.clone()));
                Err(failure)
            }
        }
    }
}

/// A place on a lane.
pub(super) struct Seat {
    lane: Arc<Lane>,
}

impl Seat {
    /// Takes a place.
    pub(super) fn new(lane: &Arc<Lane>) -> Self {
        lane.users.fetch_add(1, Ordering::Relaxed);
        Self { lane: Arc::clone(lane) }
    }

    /// Sends a request; the answer's head comes in time, or not at all.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub(super) async fn send(
        &self,
        clock: &Clock,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Failure> {
        self.lane.send(clock, request).await
    }

    /// The connection broke: the next one has to be proven.
    pub(super) fn broke(&self) {
        self.lane.is_proven.store(false, Ordering::Relaxed);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.lane.users.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Requests at once on a connection; a server takes 100, and lists need a place beside watches.
const MOST_USERS: usize = 80;
