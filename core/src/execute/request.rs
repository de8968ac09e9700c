//! What one request wants of its endpoint, as numbers.
//!
//! Text is hashed while the request is made, so a call owns nothing of its caller's, and comparing
//! costs one instruction.

use std::time::Duration;

use crate::balance::{Filter, Place, SessionKey};
use crate::clock::{Nanos, nanos};
use crate::endpoint::{EndpointId, Scope};
use crate::error::Result;
use crate::rng;

/// What one request wants of its endpoint. The default wants nothing in particular.
///
/// # Examples
///
/// ```
/// use failover::Request;
///
/// let request = Request::new().key("user-42").idempotent(false);
/// ```
#[derive(Clone, Debug)]
pub struct Request {
    pub(crate) key: Option<u64>,
    pub(crate) session: Option<SessionKey>,
    pub(crate) place: Place,
    pub(crate) filter: Option<Box<Filter>>,
    pub(crate) endpoint: EndpointId,
    pub(crate) excluded: Vec<EndpointId>,
    pub(crate) timeout: Option<Nanos>,
    pub(crate) is_idempotent: Option<bool>,
    pub(crate) is_nested: bool,
    pub(crate) scope: Scope,
}

impl Default for Request {
    #[inline]
    fn default() -> Self {
        Self::new()
    }
}

impl Request {
    /// A request that wants nothing in particular.
    #[must_use]
    #[inline]
    pub const fn new() -> Self {
        Self {
            key: None,
            session: None,
            place: Place::UNKNOWN,
            filter: None,
            endpoint: EndpointId::NONE,
            excluded: Vec::new(),
            timeout: None,
            is_idempotent: None,
            is_nested: false,
            scope: Scope::NONE,
        }
    }

    /// True if any endpoint will do, so that a pick may take whose turn it is.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.filter.is_none()
            && self.session.is_none()
            && self.endpoint == EndpointId::NONE
            && self.excluded.is_empty()
            && self.scope.is_none()
    }

    /// Sends requests of the same key to the same endpoint, where the algorithm is `ip_hash`.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.key = Some(rng::hash(key.as_bytes(), KEY_SEED));
        self
    }

    /// Sends requests of the same client address to the same endpoint, unless a key is given.
    #[must_use]
    pub fn client_ip(mut self, address: &str) -> Self {
        self.key = self.key.or_else(|| Some(rng::hash(address.as_bytes(), KEY_SEED)));
        self
    }

    /// Names the session, for pools that are sticky.
    #[must_use]
    pub fn session(mut self, session: &str) -> Self {
        self.session = Some(SessionKey::new(session));
        self
    }

    /// Names the operation whose failures are its own: a route, a model. Each endpoint then keeps a
    /// breaker for it beside its own one, see [`Scope`]. An empty name is none.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if the name has over 512 bytes.
    pub fn scope(mut self, name: &str) -> Result<Self> {
        self.scope = Scope::new(name)?;
        Ok(self)
    }

    /// Tells the caller's zone, over the policy's.
    #[must_use]
    pub fn zone(mut self, zone: &str) -> Self {
        self.place = self.place.in_zone(zone);
        self
    }

    /// Tells the caller's region, over the policy's.
    #[must_use]
    pub fn region(mut self, region: &str) -> Self {
        self.place = self.place.in_region(region);
        self
    }

    /// Tells where the caller stands, in degrees. What is no number leaves it to the policy.
    #[must_use]
    pub fn position(mut self, latitude: f64, longitude: f64) -> Self {
        self.place = self.place.at(latitude, longitude);
        self
    }

    /// Wants only endpoints that the filter allows.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(Box::new(filter));
        self
    }

    /// Prefers one endpoint, if it is usable.
    #[must_use]
    pub const fn endpoint(mut self, id: EndpointId) -> Self {
        self.endpoint = id;
        self
    }

    /// Leaves endpoints out, as if this call had tried them.
    #[must_use]
    pub fn exclude(mut self, ids: &[EndpointId]) -> Self {
        self.excluded.extend_from_slice(ids);
        self
    }

    /// Limits the whole call, if that is shorter than the policy's limit. With less than a microsecond it
    /// ends without an attempt.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(nanos(timeout));
        self
    }

    /// Says whether sending the request twice does no harm; the policy says so otherwise.
    #[must_use]
    pub const fn idempotent(mut self, is_idempotent: bool) -> Self {
        self.is_idempotent = Some(is_idempotent);
        self
    }

    /// Says that the request is made inside another call's callback, which retries already.
    #[must_use]
    pub const fn nested(mut self, is_nested: bool) -> Self {
        self.is_nested = is_nested;
        self
    }
}

/// Sets request keys apart from other hashes.
const KEY_SEED: u64 = 0x6b65_7900;
