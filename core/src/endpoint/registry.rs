//! The single writer of a provider's endpoint set.
//!
//! Every change goes through here, one at a time, and ends in whole new snapshots for the pools
//! that watch the service. Readers never wait for it. An endpoint's state and number live on while
//! its id and place stay the same; a removed endpoint's are kept until nobody can still hold it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::{Endpoint, EndpointState, Member, Slots, Snapshot, Status};
use crate::clock::{Nanos, wall_nanos};
use crate::error::{Error, ErrorKind, Result};

/// Who wants to know a service's new set: the pools.
pub trait Subscriber: Send + Sync {
    /// Takes the new set. Called by the one writer, in order.
    fn publish(&self, snapshot: &Arc<Snapshot>);
}

/// The endpoints of one provider.
pub struct Registry {
    slots: Arc<Slots>,
    stripes: usize,
    /// Guards the set; held while snapshots are built and published, never by a pick.
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    version: u64,
    members: BTreeMap<Arc<str>, Member>,
    retired: Vec<Retired>,
    watchers: Vec<Watcher>,
}

/// A removed endpoint, and the snapshots in which a reader may still find it.
struct Retired {
    member: Member,
    readers: Vec<Weak<Snapshot>>,
}

struct Watcher {
    service: Arc<str>,
    subscriber: Arc<dyn Subscriber>,
    /// Snapshots that a reader may still hold, the newest last.
    live: Vec<(u64, Weak<Snapshot>)>,
}

/// What a change did, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changes {
    /// Endpoints that came.
    pub added: Vec<Arc<str>>,
    /// Endpoints whose description changed.
    pub updated: Vec<Arc<str>>,
    /// Endpoints that went.
    pub removed: Vec<Arc<str>>,
}

impl Changes {
    /// True if the set is as it was.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.added.is_empty() && self.updated.is_empty() && self.removed.is_empty()
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let inner = self.lock();
        out.debug_struct("Registry")
            .field("version", &inner.version)
            .field("endpoints", &inner.members.len())
            .finish_non_exhaustive()
    }
}

impl Registry {
    /// Most endpoints in one provider.
    pub const MOST_ENDPOINTS: usize = 100_000;

    /// Makes an empty registry.
    #[must_use]
    pub fn new(slots: Arc<Slots>, stripes: usize) -> Self {
        Self { slots, stripes, inner: Mutex::default() }
    }

    /// Adds an endpoint.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if the id is taken, [`ErrorKind::LimitExceeded`] if the
    /// provider is full.
    pub fn register(&self, endpoint: Endpoint) -> Result<()> {
        let mut inner = self.lock();
        if inner.members.contains_key(&endpoint.id) {
            let text = format!("endpoint {:?}: the id is registered already", endpoint.id);
            return Err(Error::new(ErrorKind::AlreadyExists, text));
        }
        check_limit(inner.members.len() + 1)?;
        self.put(&mut inner, endpoint);
        self.publish(&mut inner);
        Ok(())
    }

    /// Replaces the description of a registered endpoint.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if the id isn't registered.
    pub fn update(&self, endpoint: Endpoint) -> Result<()> {
        let mut inner = self.lock();
        if !inner.members.contains_key(&endpoint.id) {
            return Err(unknown(&endpoint.id));
        }
        self.put(&mut inner, endpoint);
        self.publish(&mut inner);
        Ok(())
    }

    /// Removes an endpoint; its open leases end normally.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if the id isn't registered.
    pub fn deregister(&self, id: &str) -> Result<()> {
        let mut inner = self.lock();
        let member = inner.members.remove(id).ok_or_else(|| unknown(id))?;
        inner.retire(member);
        self.publish(&mut inner);
        Ok(())
    }

    /// Makes the set equal to `endpoints`, in one publication.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::LimitExceeded`] if there are too many; then nothing changes.
    pub fn replace(&self, endpoints: Vec<Endpoint>) -> Result<Changes> {
        check_limit(endpoints.len())?;
        let mut inner = self.lock();
        let mut changes = Changes::default();
        let mut gone = std::mem::take(&mut inner.members);
        for endpoint in endpoints {
            let id = Arc::clone(&endpoint.id);
            match gone.remove(&id) {
                None => changes.added.push(id),
                Some(known) if is_same(&known.endpoint, &endpoint) => {
                    known.state.set(0, Status::LOST);
                    inner.members.insert(id, known);
                    continue;
                }
                Some(known) => {
                    known.state.set(0, Status::LOST);
                    inner.members.insert(Arc::clone(&id), known);
                    changes.updated.push(id);
                }
            }
            self.put(&mut inner, endpoint);
        }
        for (id, member) in gone {
            inner.retire(member);
            changes.removed.push(id);
        }
        if !changes.is_empty() {
            self.publish(&mut inner);
        }
        Ok(changes)
    }

    /// Marks every endpoint as lost until `until`; they are last in every pick's choice.
    pub fn mark_lost(&self, until: Nanos) {
        for member in self.lock().members.values() {
            member.state.lost_until.store(until, std::sync::atomic::Ordering::Relaxed);
            member.state.set(Status::LOST, 0);
        }
    }

    /// The endpoint of an id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Member> {
        self.lock().members.get(id).cloned()
    }

    /// Every endpoint in the order of its id.
    #[must_use]
    pub fn list(&self) -> Vec<Member> {
        self.lock().members.values().cloned().collect()
    }

    /// The names of the services, each once.
    #[must_use]
    pub fn services(&self) -> Vec<Arc<str>> {
        let inner = self.lock();
        let names: std::collections::BTreeSet<_> =
            inner.members.values().map(|member| Arc::clone(&member.endpoint.name)).collect();
        names.into_iter().collect()
    }

    /// How many endpoints there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().members.len()
    }

    /// True if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tells `subscriber` the set of `service` now, and whenever it changes. `*` is every service.
    pub fn watch(&self, service: &str, subscriber: Arc<dyn Subscriber>) {
        let mut inner = self.lock();
        inner.watchers.push(Watcher { service: service.into(), subscriber, live: Vec::new() });
        let last = inner.watchers.len() - 1;
        inner.publish_to(last);
    }

    /// Publishes the present set again, for subscribers whose policy changed.
    pub fn republish(&self) {
        let mut inner = self.lock();
        for at in 0..inner.watchers.len() {
            inner.publish_to(at);
        }
    }

    fn put(&self, inner: &mut Inner, mut endpoint: Endpoint) {
        endpoint.updated_at = wall_nanos();
        endpoint.created_at = endpoint.updated_at;
        let id = Arc::clone(&endpoint.id);
        let known = inner.members.remove(&id);
        let mut since = inner.version + 1;
        let state = match known {
            Some(member) if member.endpoint.is_same_place(&endpoint) => {
                endpoint.created_at = member.endpoint.created_at;
                since = member.since;
                member.state
            }
            other => {
                if let Some(member) = other {
                    endpoint.created_at = member.endpoint.created_at;
                    inner.retire(member);
                }
                Arc::new(EndpointState::new(self.slots.take(), self.stripes))
            }
        };
        inner.members.insert(id, Member::new(Arc::new(endpoint), state, since));
    }

    fn publish(&self, inner: &mut Inner) {
        inner.version += 1;
        let freed = inner.drop_unreachable();
        for at in 0..inner.watchers.len() {
            inner.publish_to(at);
        }
        for id in freed {
            self.slots.give_back(id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn retire(&mut self, member: Member) {
        member.state.set(Status::RETIRED, 0);
        // Older snapshots never had it: a thread that holds one for long holds up nobody else.
        let live = self.watchers.iter().flat_map(|watcher| &watcher.live);
        let readers = live
            .filter(|(version, _)| *version >= member.since)
            .map(|(_, old)| old.clone())
            .collect();
        self.retired.push(Retired { member, readers });
    }

    /// Drops removed endpoints that no reader can still pick and no lease still holds.
    ///
    /// A reader that could start a new attempt holds a snapshot from before the removal; when
    /// those are gone, the in-flight count can only fall.
    fn drop_unreachable(&mut self) -> Vec<super::EndpointId> {
        let mut freed = Vec::new();
        self.retired.retain_mut(|retired| {
            retired.readers.retain(|snapshot| snapshot.strong_count() > 0);
            let is_held = !retired.readers.is_empty() || retired.member.state.in_flight() > 0;
            if !is_held {
                freed.push(retired.member.id);
            }
            is_held
        });
        freed
    }

    fn publish_to(&mut self, at: usize) {
        let service = Arc::clone(&self.watchers[at].service);
        let is_wanted =
            |member: &&Member| *service == *EVERY_SERVICE || member.endpoint.name == service;
        let members: Vec<Member> = self.members.values().filter(is_wanted).cloned().collect();
        let retired = self.retired.iter().map(|retired| &retired.member).filter(is_wanted);
        let retired: Vec<Member> = retired.cloned().collect();
        let snapshot = Arc::new(Snapshot::new(self.version, members, retired));
        let watcher = &mut self.watchers[at];
        watcher.subscriber.publish(&snapshot);
        watcher.live.retain(|(_, old)| old.strong_count() > 0);
        watcher.live.push((snapshot.version(), Arc::downgrade(&snapshot)));
    }
}

/// The service name that stands for all of them.
pub const EVERY_SERVICE: &str = "*";

fn is_same(known: &Endpoint, new: &Endpoint) -> bool {
    let mut new = new.clone();
    (new.created_at, new.updated_at) = (known.created_at, known.updated_at);
    *known == new
}

fn check_limit(count: usize) -> Result<()> {
    if count <= Registry::MOST_ENDPOINTS {
        return Ok(());
    }
    let most = Registry::MOST_ENDPOINTS;
    Err(Error::new(ErrorKind::LimitExceeded, format!("endpoints: at most {most} in one provider")))
}

fn unknown(id: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("endpoint {id:?}: not registered"))
}
