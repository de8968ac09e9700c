//! The single writer of a provider's endpoint set.
//!
//! Every change goes through here, one at a time, and ends in whole new snapshots for the pools
//! that watch the service. Readers never wait for it. An endpoint's state and number live on while its
//! id, service and place stay the same; a removed endpoint's are kept until nobody can still hold it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::document::MAX_ENDPOINTS;
use super::roster::{Entry, Roster};
use super::watchers::{Subscriber, Watchers};
use super::{
    Change, EVERY_SERVICE, Ended, Endpoint, EndpointState, Member, Retired, Slots, Status,
};
use crate::clock::{Nanos, wall_nanos};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{Held, Lock};

/// The endpoints of one provider.
pub struct Registry {
    slots: Arc<Slots>,
    stripes: usize,
    /// Guards the set; held while snapshots are built and published, never by a pick.
    inner: Lock<Inner>,
}

#[derive(Default)]
struct Inner {
    version: u64,
    members: Roster,
    retired: Retired,
    watchers: Watchers,
    keeps_latency: bool,
}

/// What a provider said of one service, or of all.
#[derive(Debug)]
pub(crate) struct Part {
    /// Every endpoint that there is.
    pub(crate) endpoints: Vec<Endpoint>,
    /// Those of them that it did not report: they stay lost.
    pub(crate) lost: HashSet<Arc<str>>,
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

impl std::fmt::Display for Changes {
    /// What was done, in words: `2 added, 1 removed`.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lists =
            [(&self.added, "added"), (&self.updated, "updated"), (&self.removed, "removed")];
        let done = lists.iter().filter(|(ids, _)| !ids.is_empty());
        for (i, (ids, what)) in done.enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(out, "{comma}{} {what}", ids.len())?;
        }
        Ok(())
    }
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
    pub const MOST_ENDPOINTS: usize = MAX_ENDPOINTS;

    /// Makes an empty registry.
    #[must_use]
    pub fn new(slots: Arc<Slots>, stripes: usize) -> Self {
        Self { slots, stripes, inner: Lock::default() }
    }

    /// Adds an endpoint.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if the id is taken, [`ErrorKind::LimitExceeded`] if the
    /// provider is full.
    pub fn register(&self, endpoint: Endpoint) -> Result<()> {
        let mut inner = self.lock();
        inner.check_new(&endpoint.id)?;
        self.put(&mut inner, endpoint);
        self.publish(&mut inner);
        Ok(())
    }

    /// Refuses what [`register`](Self::register) would refuse by now.
    #[cfg(feature = "runtime")]
    pub(crate) fn check_new(&self, id: &str) -> Result<()> {
        self.lock().check_new(id)
    }

    /// Replaces the description of a registered endpoint.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if the id isn't registered.
    pub fn update(&self, endpoint: Endpoint) -> Result<()> {
        let mut inner = self.lock();
        if inner.members.get(&endpoint.id).is_none() {
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
        let entry = inner.members.remove(id).ok_or_else(|| unknown(id))?;
        inner.retire(entry);
        self.publish(&mut inner);
        Ok(())
    }

    /// Makes the set equal to `endpoints`, in one publication.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::LimitExceeded`] if there are too many; then nothing changes.
    pub fn replace(&self, endpoints: Vec<Endpoint>) -> Result<Changes> {
        self.replace_part(EVERY_SERVICE, Part { endpoints, lost: HashSet::new() }, 0)
    }

    /// As [`replace`](Self::replace), for what a provider said of `service` alone, or of all. Who is there
    /// again was found at `now`.
    ///
    /// An endpoint that moved in from another service leaves that one.
    ///
    /// # Errors
    ///
    /// As [`replace`](Self::replace).
    pub(crate) fn replace_part(&self, service: &str, part: Part, now: Nanos) -> Result<Changes> {
        let mut inner = self.lock();
        let (known, mut others): (Vec<Entry>, Vec<Entry>) = std::mem::take(&mut inner.members)
            .into_iter()
            .partition(|entry| service == EVERY_SERVICE || *entry.member.endpoint.name == *service);
        if let Err(error) = check_limit(others.len() + part.endpoints.len()) {
            others.extend(known);
            inner.members = others.into();
            return Err(error);
        }
        let mut changes = Changes::default();
        let by_id = |entry: Entry| (Arc::clone(&entry.member.endpoint.id), entry);
        let mut known: HashMap<Arc<str>, Entry> = known.into_iter().map(by_id).collect();
        let coming: HashSet<&str> = part.endpoints.iter().map(|endpoint| &*endpoint.id).collect();
        let moved = others.extract_if(.., |entry| coming.contains(&*entry.member.endpoint.id));
        known.extend(moved.map(by_id));
        let mut members = others;
        for endpoint in part.endpoints {
            let id = Arc::clone(&endpoint.id);
            let before = known.remove(&id);
            if let Some(Entry { member, .. }) = &before
                && !part.lost.contains(&id)
                && member.state.set(0, Status::LOST).is_some()
            {
                member.state.note(Change::Found, now);
            }
            members.push(match before {
                Some(entry) if is_same(&entry.member.endpoint, &endpoint) => entry,
                before => {
                    let list =
                        if before.is_none() { &mut changes.added } else { &mut changes.updated };
                    list.push(id);
                    self.entry(&mut inner, before, endpoint)
                }
            });
        }
        inner.members = members.into();
        let mut gone: Vec<(Arc<str>, Entry)> = known.into_iter().collect();
        gone.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (id, entry) in gone {
            inner.retire(entry);
            changes.removed.push(id);
        }
        if !changes.is_empty() {
            self.publish(&mut inner);
        }
        Ok(changes)
    }

    /// Marks those endpoints that `is_lost` as lost at `now`, until `until`; they are last in every pick's
    /// choice.
    pub fn mark_lost(&self, is_lost: impl Fn(&Endpoint) -> bool, now: Nanos, until: Nanos) {
        for member in self.lock().members.iter().filter(|member| is_lost(&member.endpoint)) {
            member.state.lost_until.store(until, std::sync::atomic::Ordering::Relaxed);
            if member.state.set(Status::LOST, 0).is_some() {
                member.state.note(Change::Lost, now);
            }
        }
    }

    /// The endpoint of an id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Member> {
        self.lock().members.get(id).map(|entry| entry.member.clone())
    }

    /// Every endpoint in the order of its id.
    #[must_use]
    pub fn list(&self) -> Vec<Member> {
        self.lock().members.iter().cloned().collect()
    }

    /// What all its endpoints did, those that were removed included.
    #[must_use]
    pub fn ended(&self) -> Ended {
        let inner = self.lock();
        let mut ended = inner.retired.freed();
        inner.states().for_each(|state| ended.add(state));
        ended
    }

    /// Attempts in flight, those on removed endpoints included.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.lock().states().map(EndpointState::in_flight).sum()
    }

    /// Whether each endpoint keeps its own latency distribution, from now on and for those to come.
    ///
    /// What is kept already stays.
    pub fn keep_latencies(&self, is_wanted: bool) {
        let mut inner = self.lock();
        inner.keeps_latency = is_wanted;
        if is_wanted {
            inner.members.iter().for_each(|member| member.state.keep_latency());
        }
    }

    /// Forgets attempts and permits that a forked child can never finish.
    pub(crate) fn forget_in_flight(&self) {
        self.lock().states().for_each(EndpointState::forget_in_flight);
    }

    /// The names of the services, each once.
    #[must_use]
    pub fn services(&self) -> Vec<Arc<str>> {
        let inner = self.lock();
        let names: std::collections::BTreeSet<_> =
            inner.members.iter().map(|member| Arc::clone(&member.endpoint.name)).collect();
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
        let Inner { version, members, retired, watchers, .. } = &mut *inner;
        watchers.add(service, subscriber, (*version, members, retired));
    }

    /// Lets those who watch say what is to be said of a change. Whoever makes one calls it afterwards,
    /// when no lock is held: the program's own code may run.
    pub fn announce(&self) {
        let inner = self.lock();
        let subscribers = inner.watchers.subscribers();
        drop(inner);
        subscribers.iter().for_each(|subscriber| subscriber.announce());
    }

    fn put(&self, inner: &mut Inner, endpoint: Endpoint) {
        let known = inner.members.remove(&endpoint.id);
        let entry = self.entry(inner, known, endpoint);
        inner.members.insert(entry);
    }

    /// The entry of a new description; state and number live on where service and place are the same.
    fn entry(&self, inner: &mut Inner, known: Option<Entry>, mut endpoint: Endpoint) -> Entry {
        endpoint.updated_at = wall_nanos();
        if endpoint.created_at == 0 {
            let before = known.as_ref().map(|entry| entry.member.endpoint.created_at);
            endpoint.created_at = before.unwrap_or(endpoint.updated_at);
        }
        let (id, state, since) = match known {
            Some(Entry { member, since }) if keeps_state(&member.endpoint, &endpoint) => {
                (member.id, member.state, since)
            }
            other => {
                other.into_iter().for_each(|entry| inner.retire(entry));
                (self.slots.take(), self.new_state(inner), inner.version + 1)
            }
        };
        let reported = endpoint.reported.bit();
        state.set(reported, Status::REPORTED & !reported);
        Entry { member: Member::new(id, Arc::new(endpoint), state), since }
    }

    fn new_state(&self, inner: &Inner) -> Arc<EndpointState> {
        let state = EndpointState::new(self.stripes);
        if inner.keeps_latency {
            state.keep_latency();
        }
        Arc::new(state)
    }

    fn publish(&self, inner: &mut Inner) {
        inner.version += 1;
        let mut freed = inner.retired.drop_unreachable();
        let Inner { version, members, retired, watchers, .. } = inner;
        watchers.publish((*version, members, retired));
        // The sets of before are gone now, and there may never be another change.
        freed.extend(inner.retired.drop_unreachable());
        for id in freed {
            self.slots.give_back(id);
        }
    }

    fn lock(&self) -> Held<'_, Inner> {
        self.inner.lock()
    }
}

impl Drop for Registry {
    /// Gives all numbers back. Who still holds one of them has the pair, which is never used again.
    fn drop(&mut self) {
        let inner = self.inner.lock();
        for member in inner.members.iter().chain(inner.retired.iter()) {
            self.slots.give_back(member.id);
        }
    }
}

impl Inner {
    fn check_new(&self, id: &str) -> Result<()> {
        if self.members.get(id).is_some() {
            let text = format!("endpoint {id:?}: the id is registered already");
            return Err(Error::new(ErrorKind::AlreadyExists, text));
        }
        check_limit(self.members.len() + 1)
    }

    /// The states of all endpoints that anybody may still use.
    fn states(&self) -> impl Iterator<Item = &EndpointState> {
        self.members.iter().chain(self.retired.iter()).map(|member| &*member.state)
    }

    fn retire(&mut self, Entry { member, since }: Entry) {
        self.retired.push(member, self.watchers.readers_since(since));
    }
}

fn is_same(known: &Endpoint, new: &Endpoint) -> bool {
    let mut new = new.clone();
    (new.created_at, new.updated_at) = (known.created_at, known.updated_at);
    *known == new
}

/// Another service is another endpoint: its pool never had the old one, and that one's pool must keep
/// it as long as a lease is open.
fn keeps_state(known: &Endpoint, new: &Endpoint) -> bool {
    known.name == new.name && known.is_same_place(new)
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
