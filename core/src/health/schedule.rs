//! Which endpoint is checked when: pure, told the time.
//!
//! The first checks are spread over a second at most, so that the state of a new set is soon known;
//! from then on the jitter of every wait drives the checks of a fleet apart. An endpoint is never
//! checked twice at once, however slow it is.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::Health;
use crate::clock::{Nanos, nanos};
use crate::endpoint::{EndpointId, Member, Snapshot, Status};
use crate::rng::{Rng, scale};
use crate::stats::Counters;

/// The provider whose endpoints are checked.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) provider: Arc<str>,
    pub(super) counters: Option<Arc<Counters>>,
}

/// A check that is due.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) member: Member,
    pub(super) source: Arc<Source>,
    /// Which of all runs this is; 0 until it is one.
    pub(super) run: u64,
}

/// How a check ended, as far as its successor is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The status stands.
    Settled,
    /// The status may change soon.
    InTransition,
    /// The check said nothing: it has to be made again at once.
    Void,
}

/// Who is checked, and when next.
#[derive(Debug)]
pub(super) struct Schedule {
    rules: Arc<Health>,
    seed: u64,
    targets: HashMap<EndpointId, Target>,
    queue: BTreeSet<(Nanos, EndpointId)>,
    /// Runs begun so far.
    runs: u64,
}

#[derive(Debug)]
struct Target {
    job: Job,
    due: Nanos,
    /// The run that is under way. One of before the endpoint was left unchecked, or of before a
    /// fork, is nobody's: it ends without a successor.
    running: Option<u64>,
    rng: Rng,
}

impl Schedule {
    pub(super) fn new(rules: Health, seed: u64) -> Self {
        let (targets, queue) = (HashMap::new(), BTreeSet::new());
        Self { rules: Arc::new(rules), seed, targets, queue, runs: 0 }
    }

    pub(super) const fn rules(&self) -> &Arc<Health> {
        &self.rules
    }

    /// Puts other rules in force; returns whose checks end with that.
    pub(super) fn set_rules(&mut self, rules: Health, now: Nanos) -> Vec<Member> {
        let was_enabled = self.rules.is_enabled;
        self.rules = Arc::new(rules);
        let ids: Vec<EndpointId> = self.targets.keys().copied().collect();
        ids.iter().for_each(|id| self.hasten(*id, now));
        if was_enabled && !self.rules.is_enabled {
            return self.targets.values().map(|target| target.job.member.clone()).collect();
        }
        Vec::new()
    }

    /// Takes over the set of one source; returns whose checks end, though they are still there.
    pub(super) fn take(
        &mut self,
        source: &Arc<Source>,
        snapshot: &Snapshot,
        now: Nanos,
    ) -> Vec<Member> {
        let ours = self.targets.iter().filter(|(_, t)| Arc::ptr_eq(&t.job.source, source));
        let mut gone: HashSet<EndpointId> = ours.map(|(id, _)| *id).collect();
        for member in snapshot.members() {
            if member.endpoint.health_check.is_none() {
                continue;
            }
            if gone.remove(&member.id) {
                self.replace(member, now);
            } else {
                self.add(Job { member: member.clone(), source: Arc::clone(source), run: 0 }, now);
            }
        }
        let gone = gone.into_iter().filter_map(|id| self.remove(id));
        gone.filter(|member| !member.state.status().has(Status::RETIRED)).collect()
    }

    /// The counters of the provider whose endpoint this is.
    pub(super) fn counters(&self, id: EndpointId) -> Option<Arc<Counters>> {
        self.targets.get(&id)?.job.source.counters.clone()
    }

    /// True if the endpoint is checked from time to time.
    pub(super) fn is_checked(&self, id: EndpointId) -> bool {
        self.rules.is_enabled && self.targets.contains_key(&id)
    }

    /// True if `job` is the check that is under way, and its endpoint is still checked.
    pub(super) fn is_under_way(&self, job: &Job) -> bool {
        let target = self.targets.get(&job.member.id);
        self.rules.is_enabled && target.is_some_and(|target| target.running == Some(job.run))
    }

    /// When the next check is due; never while checks are off.
    pub(super) fn next_due(&self) -> Option<Nanos> {
        self.queue.first().filter(|_| self.rules.is_enabled).map(|(due, _)| *due)
    }

    /// Begins the check that has been due the longest.
    pub(super) fn start(&mut self, now: Nanos) -> Option<Job> {
        let (due, id) = *self.queue.first().filter(|_| self.rules.is_enabled)?;
        if due > now {
            return None;
        }
        self.queue.pop_first();
        let target = self.targets.get_mut(&id)?;
        self.runs += 1;
        target.running = Some(self.runs);
        Some(Job { run: self.runs, ..target.job.clone() })
    }

    /// Ends a check that was begun at `started`, and plans the next one.
    pub(super) fn finish(&mut self, job: &Job, started: Nanos, ended: Ended, now: Nanos) {
        let (rules, id) = (Arc::clone(&self.rules), job.member.id);
        let target = self.targets.get_mut(&id);
        let Some(target) = target.filter(|target| target.running == Some(job.run)) else { return };
        target.running = None;
        let wait = match ended {
            Ended::Settled => target.interval(&rules),
            Ended::InTransition => target.interval(&rules).min(nanos(rules.transition_interval)),
            Ended::Void => 0,
        };
        let wait = target.rng.jitter(wait, rules.jitter);
        target.due = started.saturating_add(wait).max(now);
        self.queue.insert((target.due, id));
    }

    /// Forgets checks that nobody runs any more: the task that did is gone.
    ///
    /// With another seed than before all are planned anew, like those of a new set: children of one
    /// parent would check at the same moments otherwise, for as long as they live.
    pub(super) fn restart(&mut self, seed: u64, now: Nanos) {
        if seed != self.seed {
            self.seed = seed;
            let targets = std::mem::take(&mut self.targets);
            self.queue.clear();
            targets.into_values().for_each(|target| self.add(target.job, now));
            return;
        }
        for (id, target) in self.targets.iter_mut().filter(|(_, target)| target.running.is_some()) {
            target.running = None;
            target.due = now;
            self.queue.insert((now, *id));
        }
    }

    fn add(&mut self, job: Job, now: Nanos) {
        let id = job.member.id;
        let mut rng = Rng::new(self.seed, STREAM, job.member.hash);
        let spread = interval(&job.member, &self.rules).min(nanos(LONGEST_SPREAD));
        let due = now.saturating_add(scale(rng.draw(), spread).0);
        self.targets.insert(id, Target { job, due, running: None, rng });
        self.queue.insert((due, id));
    }

    /// Takes over another description of the same endpoint.
    fn replace(&mut self, member: &Member, now: Nanos) {
        let Some(target) = self.targets.get_mut(&member.id) else { return };
        if !Arc::ptr_eq(&target.job.member.endpoint, &member.endpoint) {
            target.job.member = member.clone();
            self.hasten(member.id, now);
        }
    }

    /// Brings a check forward that is planned later than the interval allows by now.
    fn hasten(&mut self, id: EndpointId, now: Nanos) {
        let Some(target) = self.targets.get_mut(&id).filter(|target| target.running.is_none())
        else {
            return;
        };
        let latest = now.saturating_add(target.interval(&self.rules));
        if target.due > latest {
            self.queue.remove(&(target.due, id));
            target.due = latest;
            self.queue.insert((latest, id));
        }
    }

    fn remove(&mut self, id: EndpointId) -> Option<Member> {
        let target = self.targets.remove(&id)?;
        self.queue.remove(&(target.due, id));
        Some(target.job.member)
    }
}

impl Target {
    fn interval(&self, rules: &Health) -> Nanos {
        interval(&self.job.member, rules)
    }
}

/// The time between two checks of a member.
pub(super) fn interval(member: &Member, rules: &Health) -> Nanos {
    let own = member.endpoint.health_check.as_ref().and_then(|check| check.interval);
    nanos(own.unwrap_or(rules.interval))
}

/// The first checks of a new set are spread over so much time at most.
const LONGEST_SPREAD: Duration = Duration::from_secs(1);

/// The purpose that sets a check's randomness apart from a breaker's.
const STREAM: u64 = 0x4ea1_7400;
