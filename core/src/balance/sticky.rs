//! Which session belongs to which endpoint: a preallocated table without locks.
//!
//! Set-associative like a processor's cache: a session's hash names a set of eight places, and the
//! least recently used of the set gives way. Each place is four words, the last of which checks the
//! others, so a reader that meets a half-written place takes it for empty and binds anew.

use std::time::Duration;

use super::Sticky;
use crate::clock::{Nanos, nanos};
use crate::endpoint::EndpointId;
use crate::rng;
use crate::sync::{AtomicU64, Ordering};

/// A session key as two independent hashes: 128 bits, so that two sessions never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionKey {
    high: u64,
    low: u64,
}

impl SessionKey {
    /// The key of a session's text.
    #[must_use]
    pub const fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        Self { high: rng::hash(bytes, 0x5e55_1011) | 1, low: rng::hash(bytes, 0x57_1c4b) }
    }
}

/// The sessions of one pool.
#[derive(Debug)]
pub(crate) struct StickyTable {
    places: Box<[Place]>,
    sets: u64,
    ttl: Nanos,
}

#[derive(Debug, Default)]
struct Place {
    high: AtomicU64,
    endpoint: AtomicU64,
    used: AtomicU64,
    /// The low hash mixed with the endpoint: proves that the words belong together.
    check: AtomicU64,
}

impl StickyTable {
    pub(crate) fn new(rules: &Sticky) -> Self {
        let sets = u64::from(rules.max_keys).div_ceil(WAYS as u64).max(1);
        let count = usize::try_from(sets).unwrap_or(1) * WAYS;
        let places = (0..count).map(|_| Place::default()).collect();
        Self { places, sets, ttl: nanos(rules.ttl.max(Duration::from_nanos(1))) }
    }

    /// The endpoint of a session, if it is bound; using it keeps it bound.
    pub(crate) fn find(&self, key: SessionKey, now: Nanos) -> Option<EndpointId> {
        let (endpoint, place) = self.look_up(key, now)?;
        place.use_at(now);
        Some(endpoint)
    }

    /// The endpoint of a session, if it is bound, without using it.
    pub(crate) fn peek(&self, key: SessionKey, now: Nanos) -> Option<EndpointId> {
        self.look_up(key, now).map(|(endpoint, _)| endpoint)
    }

    fn look_up(&self, key: SessionKey, now: Nanos) -> Option<(EndpointId, &Place)> {
        let place = self.set(key).iter().find(|place| place.holds(key))?;
        let endpoint = place.endpoint.load(Ordering::Acquire);
        let used = place.used.load(Ordering::Relaxed);
        if place.check.load(Ordering::Acquire) != check(key, endpoint)
            || now.saturating_sub(used) >= self.ttl
        {
            return None;
        }
        Some((EndpointId::from_bits(endpoint), place))
    }

    /// Binds a session.
    pub(crate) fn bind(&self, key: SessionKey, endpoint: EndpointId, now: Nanos) {
        let set = self.set(key);
        let oldest = || set.iter().min_by_key(|place| place.used.load(Ordering::Relaxed));
        let Some(place) = set.iter().find(|place| place.holds(key)).or_else(oldest) else { return };
        place.check.store(0, Ordering::Release);
        place.high.store(key.high, Ordering::Release);
        place.endpoint.store(endpoint.bits(), Ordering::Release);
        place.use_at(now);
        place.check.store(check(key, endpoint.bits()), Ordering::Release);
    }

    fn set(&self, key: SessionKey) -> &[Place] {
        let (set, _) = rng::scale(key.high, self.sets);
        let start = usize::try_from(set).unwrap_or(0) * WAYS;
        &self.places[start..start + WAYS]
    }
}

impl Place {
    fn holds(&self, key: SessionKey) -> bool {
        self.high.load(Ordering::Acquire) == key.high
    }

    fn use_at(&self, now: Nanos) {
        // Never 0, so that an empty place is always the oldest.
        self.used.store(now.max(1), Ordering::Relaxed);
    }
}

const fn check(key: SessionKey, endpoint: u64) -> u64 {
    rng::mix(key.low ^ rng::mix(endpoint)) | 1
}

/// Places in a set.
const WAYS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    #[test]
    fn a_session_stays_bound_while_it_is_used() {
        let table = StickyTable::new(&Sticky { ttl: Duration::from_secs(10), max_keys: 100 });
        let (key, endpoint) = (SessionKey::new("alice"), EndpointId::new(3, 1));
        table.bind(key, endpoint, 0);

        assert_eq!(table.find(key, 9 * SECOND), Some(endpoint));
        assert_eq!(table.find(key, 18 * SECOND), Some(endpoint));
        assert_eq!(table.find(key, 28 * SECOND), None);
        assert_eq!(table.find(SessionKey::new("bob"), 0), None);
    }

    #[test]
    fn a_full_set_forgets_the_session_used_longest_ago() {
        let table = StickyTable::new(&Sticky { ttl: Duration::from_secs(1_000), max_keys: 8 });
        let keys: Vec<_> = (0..9).map(|n| SessionKey::new(&format!("session {n}"))).collect();
        for (at, key) in (1..).zip(&keys) {
            table.bind(*key, EndpointId::new(1, 1), at);
        }

        assert_eq!(table.find(keys[0], 20), None);
        assert!(keys[1..].iter().all(|key| table.find(*key, 20).is_some()));
    }
}
