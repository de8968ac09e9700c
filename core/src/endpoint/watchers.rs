//! Who watches a registry: each gets the set of its service now and after every change.

use std::sync::{Arc, Weak};

use super::roster::Roster;
use super::{Endpoint, Member, Retired, Snapshot};

/// Who wants to know a service's new set: the pools.
pub trait Subscriber: Send + Sync {
    /// Takes the new set. Called by the one writer, in order, with its lock held.
    fn publish(&self, snapshot: &Arc<Snapshot>);

    /// Tells the program what is to be said of the sets so far. Called after them, with no lock held.
    fn announce(&self) {}

    /// True if the set should have this endpoint, beside its service: a set takes memory.
    fn wants(&self, _endpoint: &Endpoint) -> bool {
        true
    }
}

/// Those who watch one registry, in the order in which they came.
#[derive(Default)]
pub(super) struct Watchers(Vec<Watcher>);

struct Watcher {
    service: Arc<str>,
    subscriber: Arc<dyn Subscriber>,
    /// Snapshots that a reader may still hold, the newest last.
    live: Vec<(u64, Weak<Snapshot>)>,
}

/// What a registry holds at one version: endpoints, and those removed that may still be leased.
type Holdings<'a> = (u64, &'a Roster, &'a Retired);

impl Watchers {
    /// Adds one, and publishes the present set to it.
    pub(super) fn add(
        &mut self,
        service: &str,
        subscriber: Arc<dyn Subscriber>,
        holdings: Holdings<'_>,
    ) {
        let mut watcher = Watcher { service: service.into(), subscriber, live: Vec::new() };
        watcher.publish(holdings);
        self.0.push(watcher);
    }

    /// Publishes a new set to all.
    pub(super) fn publish(&mut self, holdings: Holdings<'_>) {
        self.0.iter_mut().for_each(|watcher| watcher.publish(holdings));
    }

    /// Snapshots in somebody's hands that can have an endpoint which came with version `since`: older
    /// ones never had it, so a thread that holds one for long holds up nobody else.
    pub(super) fn readers_since(&self, since: u64) -> Vec<Weak<Snapshot>> {
        let live = self.0.iter().flat_map(|watcher| &watcher.live);
        live.filter(|(version, _)| *version >= since).map(|(_, old)| old.clone()).collect()
    }

    /// All of them, for who wants to call them without the registry's lock.
    pub(super) fn subscribers(&self) -> Vec<Arc<dyn Subscriber>> {
        self.0.iter().map(|watcher| Arc::clone(&watcher.subscriber)).collect()
    }
}

impl Watcher {
    fn publish(&mut self, (version, members, retired): Holdings<'_>) {
        let is_wanted = |member: &&Member| {
            let is_served = *self.service == *EVERY_SERVICE || member.endpoint.name == self.service;
            is_served && self.subscriber.wants(&member.endpoint)
        };
        let members: Vec<Member> = members.iter().filter(is_wanted).cloned().collect();
        let retired: Vec<Member> = retired.iter().filter(is_wanted).cloned().collect();
        let snapshot = Arc::new(Snapshot::new(version, members, retired));
        self.subscriber.publish(&snapshot);
        self.live.retain(|(_, old)| old.strong_count() > 0);
        self.live.push((version, Arc::downgrade(&snapshot)));
    }
}

/// The service name that stands for all of them.
pub const EVERY_SERVICE: &str = "*";
