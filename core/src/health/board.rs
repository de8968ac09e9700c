//! The results of all checks, by endpoint: who runs checks writes, who reports reads.
//!
//! Picks never look here; they see the bits that a change of status leaves in the endpoint's own
//! state. Results of checks and of the program's own report meet in one place, so that rise and
//! fall count both.

use std::collections::HashMap;
use std::sync::Arc;

use super::{CheckResult, Grade, Health, Judged, Threshold};
use crate::clock::Nanos;
use crate::endpoint::{Change, EndpointId, EndpointState, HealthStatus, Member, Status};
use crate::events::Reason;
use crate::lock::{Held, Lock};

/// The results of all checks of one manager.
#[derive(Debug, Default)]
pub struct Board {
    /// Guards the results; held for one of them, or while those of removed endpoints go.
    entries: Lock<HashMap<EndpointId, Entry>>,
}

#[derive(Debug)]
struct Entry {
    state: Arc<EndpointState>,
    threshold: Threshold,
    last: CheckRecord,
    /// The breaker's generation at the last check that failed.
    failed_in: Option<u32>,
}

/// The last check of one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckRecord {
    /// What the checks have come to.
    pub status: HealthStatus,
    /// What the last one found.
    pub grade: Grade,
    /// How long it took.
    pub latency: Nanos,
    /// Why.
    pub reason: Reason,
    /// When it ended.
    pub at: Nanos,
    /// How many there were.
    pub runs: u64,
}

/// What one more result came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recorded {
    /// The status now.
    pub status: HealthStatus,
    /// The status before and now, if it changed.
    pub changed: Option<(HealthStatus, HealthStatus)>,
    /// True while the last results speak against the status.
    pub is_in_transition: bool,
    /// True if it is the first result, or another one than the one before.
    pub is_news: bool,
    /// The generation of the endpoint's breaker at the last check that failed.
    pub failed_in: Option<u32>,
}

impl Recorded {
    const fn new(
        judged: Judged,
        changed: Option<(HealthStatus, HealthStatus)>,
        (is_news, failed_in): (bool, Option<u32>),
    ) -> Self {
        let Judged { status, is_in_transition, .. } = judged;
        Self { status, changed, is_in_transition, is_news, failed_in }
    }

    /// True if the endpoint was unhealthy and isn't any more.
    #[must_use]
    pub fn is_recovery(&self) -> bool {
        self.changed.is_some_and(|(before, _)| before == HealthStatus::Unhealthy)
    }
}

impl Board {
    /// Takes in one more result, and writes the endpoint's status if that changes it.
    pub fn record(
        &self,
        member: &Member,
        rules: &Health,
        result: &CheckResult,
        now: Nanos,
    ) -> Recorded {
        let mut entries = self.lock();
        let known = entries.get(&member.id);
        let mut threshold = known.map(|entry| entry.threshold).unwrap_or_default();
        let runs = known.map_or(0, |entry| entry.last.runs) + 1;
        let failed_in = match result.grade {
            Grade::Bad => Some(member.state.status().generation()),
            _ => known.and_then(|entry| entry.failed_in),
        };
        let is_news = known.is_none_or(|entry| entry.last.grade != result.grade);
        let judged = threshold.judge(result.grade, rules);
        let changed = judged.changed();
        if changed.is_some() {
            // Within the lock: two results at once leave the status of the later one.
            member.state.set(bit(judged.status), Status::HEALTH);
            member.state.note(Change::Check, now);
        }
        let last = CheckRecord {
            status: judged.status,
            grade: result.grade,
            latency: result.latency,
            reason: result.reason.clone(),
            at: now,
            runs,
        };
        let entry = Entry { state: Arc::clone(&member.state), threshold, last, failed_in };
        // A check may end after its endpoint was removed.
        if !member.state.status().has(Status::RETIRED) {
            entries.insert(member.id, entry);
        }
        Recorded::new(judged, changed, (is_news, failed_in))
    }

    /// The last check of an endpoint.
    #[must_use]
    pub fn last(&self, id: EndpointId) -> Option<CheckRecord> {
        self.lock().get(&id).map(|entry| entry.last.clone())
    }

    /// Forgets what was found of endpoints, and makes their active health unknown again: nobody
    /// checks them any more, so a bad verdict would stand for ever.
    pub fn forget(&self, members: &[Member]) {
        let mut entries = self.lock();
        for member in members {
            entries.remove(&member.id);
            member.state.set(0, Status::HEALTH);
        }
    }

    /// Drops what was found of endpoints that were removed.
    pub fn prune(&self) {
        self.lock().retain(|_, entry| !entry.state.status().has(Status::RETIRED));
    }

    /// How many endpoints there are results of.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// True if nothing was checked yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> Held<'_, HashMap<EndpointId, Entry>> {
        self.entries.lock()
    }
}

const fn bit(status: HealthStatus) -> u64 {
    match status {
        HealthStatus::Unknown => 0,
        HealthStatus::Healthy => Status::HEALTHY,
        HealthStatus::Degraded => Status::DEGRADED,
        HealthStatus::Unhealthy => Status::UNHEALTHY,
    }
}
