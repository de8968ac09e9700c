//! One service of one provider under one policy: the object of the hot path.

use std::sync::Arc;

use super::Manager;
use super::pools::PoolKey;
use crate::balance::{Explained, Level};
use crate::endpoint::{Endpoint, Snapshot};
use crate::error::{Error, ErrorKind, Result};
use crate::execute::{Attempt, Execution, Failure, Lease, PoolCore, Request};

/// One service of one provider under one policy.
///
/// Cheap to clone; a clone is the same pool. Lives as long as its manager, and is closed after it. Once its
/// provider is deregistered it is empty, and one that is registered under the same name has other pools.
#[derive(Clone, Debug)]
pub struct Pool {
    pub(super) core: Arc<PoolCore>,
    pub(super) manager: std::sync::Weak<super::manager::Inner>,
    pub(super) key: PoolKey,
}

impl Pool {
    /// The hot half, for drivers of [`Call`](crate::execute::Call).
    #[must_use]
    pub const fn core(&self) -> &Arc<PoolCore> {
        &self.core
    }

    /// `provider/service`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.core.name()
    }

    /// The provider's name.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.key.0
    }

    /// The service's name; `*` is all of them.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.key.1
    }

    /// The endpoints as they are now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.core.snapshot()
    }

    /// Picks an endpoint for one attempt that the program makes itself.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoEndpoints`] or [`ErrorKind::CircuitOpen`], with each endpoint's reason;
    /// [`ErrorKind::Closed`].
    pub fn pick(&self, request: &Request) -> Result<Lease<'_>> {
        self.pick_at(request, self.core.shared().clock.now())
    }

    /// As [`pick`](Self::pick), with the time given, which saves reading the clock.
    ///
    /// # Errors
    ///
    /// As [`pick`](Self::pick).
    pub fn pick_at(&self, request: &Request, now: u64) -> Result<Lease<'_>> {
        self.core.lease(request, now)
    }

    /// Finds the endpoint whose turn it is, for an attempt of which nothing will be reported.
    ///
    /// The turn moves on as for a pick, and nothing else happens: nothing is counted, no permit is
    /// taken, no session is bound, so nothing has to be given back. What fails is not learned; picks and
    /// calls learn. An endpoint whose breaker is due is found only if no other is usable.
    ///
    /// # Errors
    ///
    /// As [`pick`](Self::pick).
    pub fn glance(&self, request: &Request) -> Result<Arc<Endpoint>> {
        let now = self.core.shared().clock.now();
        self.core.glance_whole(request, now).map_err(|kind| self.core.refused(kind, request, now))
    }

    /// Runs `callback` on one endpoint after another until it succeeds or the call ends, waiting on
    /// the calling thread.
    ///
    /// # Errors
    ///
    /// [`Failure`] with the last attempt's own error.
    ///
    /// # Examples
    ///
    /// ```
    /// use failover::{Endpoint, Manager, Request};
    /// use std::io::{Error, ErrorKind};
    ///
    /// let manager = Manager::from_json(r#"{"seed": 1}"#)?;
    /// manager.register_endpoint(None, Endpoint::new("a", "users", "127.0.0.1", 8080))?;
    /// manager.register_endpoint(None, Endpoint::new("b", "users", "127.0.0.1", 8081))?;
    ///
    /// let pool = manager.pool(None, Some("users"))?;
    /// let served = pool.execute_blocking(Request::new(), |attempt| match &*attempt.endpoint.id {
    ///     "a" => Err(Error::from(ErrorKind::ConnectionRefused)),
    ///     id => Ok(format!("hello from {id}")),
    /// });
    /// assert_eq!(served.unwrap().value, "hello from b");
    /// # Ok::<(), failover::Error>(())
    /// ```
    pub fn execute_blocking<T, E: std::error::Error + 'static>(
        &self,
        request: Request,
        callback: impl FnMut(&Attempt) -> std::result::Result<T, E>,
    ) -> std::result::Result<Execution<T>, Failure<E>> {
        self.core.execute_blocking(request, callback)
    }

    /// Runs `callback` on one endpoint after another until it succeeds or the call ends.
    ///
    /// # Errors
    ///
    /// [`Failure`] with the last attempt's own error.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with its timers on, when it first waits: for the function or before a
    /// retry. Other runtimes drive a [`Call`](crate::Call) themselves.
    ///
    /// # Cancellation
    ///
    /// Dropping the future cancels the call, which counts as failed, and its attempt is returned as
    /// cancelled. An attempt whose time is over is dropped.
    #[cfg(feature = "runtime")]
    pub async fn execute<T, E, F>(
        &self,
        request: Request,
        callback: impl FnMut(Attempt) -> F,
    ) -> std::result::Result<Execution<T>, Failure<E>>
    where
        E: std::error::Error + 'static,
        F: Future<Output = std::result::Result<T, E>>,
    {
        self.core.execute(request, callback).await
    }

    /// Tells of each endpoint why it would or would not be picked, and from which level the pick
    /// would come.
    #[must_use]
    pub fn explain(&self, request: &Request) -> (Vec<Explained>, Option<Level>) {
        self.core.explain(request, self.core.shared().clock.now())
    }

    /// The same service under another policy: the given options over this pool's.
    ///
    /// States and endpoints are shared; cursors and budget are its own. The same policy gives the
    /// same pool. When the manager's policy changes, the options that were given stay, and the others
    /// follow it.
    ///
    /// # Errors
    ///
    /// Every fault of the policy at once, [`ErrorKind::Closed`].
    pub fn derive(&self, policy: &str) -> Result<Self> {
        let gone = || Error::new(ErrorKind::Closed, "the manager is gone");
        let manager = Manager { inner: self.manager.upgrade().ok_or_else(gone)? };
        manager.check_open()?;
        let options: Arc<str> = manager.policy().lay_over(&self.key.2, policy)?.into();
        let key = (Arc::clone(&self.key.0), Arc::clone(&self.key.1), options);
        let entry = manager.provider_entry(Some(&self.key.0))?;
        manager.intern(&entry, &key)
    }

    pub(super) const fn key(&self) -> &PoolKey {
        &self.key
    }
}
