//! What a guard knows of its provider, and what follows from each report: pure.
//!
//! It decides *what* is to be done with the set, as a list of [`Deed`]s; the guard does it. An
//! error never changes the set, and an answer without most of the endpoints has to last before it is
//! believed: a source that restarts, or a filter that matches nothing, looks exactly like a service
//! that is gone. What comes is believed at once.

use std::collections::HashSet;
use std::sync::Arc;

use super::GuardRules;
use crate::clock::{Nanos, nanos};
use crate::endpoint::Endpoint;

/// What is to be done with the registry.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Deed {
    /// Make the set equal to this one, where `lost` stay lost.
    Apply { set: Vec<Endpoint>, lost: HashSet<Arc<str>> },
    /// Mark these as lost until then; `None` is all.
    Lose(Option<HashSet<Arc<str>>>, Nanos),
    /// What is there is not lost after all.
    Keep,
    /// Read the provider again, as sure as it can be.
    Verify,
    /// Emit `discovery_stale`.
    TellStale(String),
    /// Emit `discovery_update`, though the set may be the same.
    TellReadable,
}

impl Deed {
    fn apply(set: Vec<Endpoint>) -> Self {
        Self::Apply { set, lost: HashSet::new() }
    }
}

/// A set without most of the endpoints, not believed yet.
#[derive(Debug)]
pub(super) struct Doubt {
    pub(super) since: Nanos,
    set: Vec<Endpoint>,
    lost: HashSet<Arc<str>>,
}

/// What a guard knows of its provider.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) is_ready: bool,
    pub(super) is_closed: bool,
    pub(super) read_at: Option<Nanos>,
    pub(super) stale_since: Option<Nanos>,
    pub(super) is_expired: bool,
    pub(super) doubt: Option<Doubt>,
    pub(super) last_error: Option<String>,
    pub(super) reads: u64,
    pub(super) errors: u64,
    /// Followers of an applied change are gathered until then.
    window_until: Nanos,
    pending: Option<Vec<Endpoint>>,
}

impl State {
    /// Takes in a whole set; `held` is what serves now.
    pub(super) fn full(
        &mut self,
        set: Vec<Endpoint>,
        held: impl FnOnce() -> Vec<Endpoint>,
        rules: &GuardRules,
        now: Nanos,
    ) -> Vec<Deed> {
        let mut deeds = Vec::new();
        self.reads += 1;
        self.read_at = Some(now);
        if self.stale_since.take().is_some() && self.is_ready {
            deeds.push(Deed::TellReadable);
        }
        let was_expired = std::mem::take(&mut self.is_expired);
        self.is_ready = true;
        if !rules.is_authoritative {
            // What waits came before this answer, so it is the last good set.
            let good = self.pending.clone().unwrap_or_else(held);
            let missing = missing(&good, &set);
            // One that was doubted stays so until it is back or its grace is over, whoever comes meanwhile.
            let is_doubted = |endpoint: &Endpoint| {
                self.doubt.as_ref().is_some_and(|doubt| doubt.lost.contains(&endpoint.id))
            };
            if missing.len() * 2 > good.len() || missing.iter().any(is_doubted) {
                deeds.extend(self.doubt(set, (good.len(), missing), rules, now));
                return deeds;
            }
        }
        if self.doubt.take().is_some() || was_expired {
            deeds.push(Deed::Keep);
        }
        if now >= self.window_until {
            self.pending = None;
            deeds.push(Deed::apply(set));
        } else {
            self.pending = Some(set);
        }
        deeds
    }

    /// Takes in a set that lacks so much that it isn't believed yet: what is there of it serves, and what
    /// is missing is lost, for now.
    fn doubt(
        &mut self,
        set: Vec<Endpoint>,
        (held, missing): (usize, Vec<Endpoint>),
        rules: &GuardRules,
        now: Nanos,
    ) -> Vec<Deed> {
        self.pending = None;
        let is_new = self.doubt.is_none();
        let since = self.doubt.take().map_or(now, |doubt| doubt.since);
        let lost: HashSet<Arc<str>> =
            missing.iter().map(|endpoint| Arc::clone(&endpoint.id)).collect();
        let (found, gone) = (set.len(), missing.len());
        let whole = set.iter().cloned().chain(missing).collect();
        let until = since.saturating_add(nanos(rules.empty_grace));
        let mut deeds = vec![
            Deed::Apply { set: whole, lost: lost.clone() },
            Deed::Lose(Some(lost.clone()), until),
        ];
        self.doubt = Some(Doubt { since, set, lost });
        if is_new {
            let grace = crate::duration::format(rules.empty_grace);
            let what = match found {
                0 => "it reports no endpoints".to_owned(),
                _ => format!("{gone} of {held} endpoints are missing"),
            };
            deeds.push(Deed::TellStale(format!("{what}, which is believed after {grace}")));
            deeds.push(Deed::Verify);
        }
        deeds
    }

    /// Takes in a failure.
    pub(super) fn unavailable(&mut self, reason: String, now: Nanos) -> Vec<Deed> {
        let mut deeds = Vec::new();
        self.errors += 1;
        if self.doubt.take().is_some() {
            // Whether they are really gone can't be seen now; the question starts afresh.
            deeds.push(Deed::Keep);
        }
        let is_known = self.stale_since.is_some() && self.last_error.as_ref() == Some(&reason);
        self.stale_since.get_or_insert(now);
        self.last_error = Some(reason.clone());
        if !is_known {
            deeds.push(Deed::TellStale(reason));
        }
        deeds
    }

    /// Notes that a change was applied: its followers are gathered.
    pub(super) fn applied(&mut self, rules: &GuardRules, now: Nanos) {
        self.window_until = now.saturating_add(nanos(rules.coalesce));
    }

    /// Lets a set that waits wait no longer.
    pub(super) fn flush(&mut self) -> Vec<Deed> {
        self.pending.take().map(Deed::apply).into_iter().collect()
    }

    /// Does what has become due.
    pub(super) fn tick(&mut self, rules: &GuardRules, now: Nanos) -> Vec<Deed> {
        let mut deeds = Vec::new();
        if now >= self.window_until
            && let Some(set) = self.pending.take()
        {
            deeds.push(Deed::apply(set));
        }
        if self.doubt_until(rules).is_some_and(|until| now >= until)
            && let Some(doubt) = self.doubt.take()
        {
            deeds.push(Deed::apply(doubt.set));
        }
        if self.expires_at(rules).is_some_and(|until| now >= until) {
            self.is_expired = true;
            let age = crate::duration::format(rules.max_staleness.unwrap_or_default());
            deeds.push(Deed::Lose(None, now));
            deeds.push(Deed::TellStale(format!("unreadable for {age}, its last set is too old")));
        }
        deeds
    }

    /// When [`tick`](Self::tick) has something to do.
    pub(super) fn due(&self, rules: &GuardRules) -> Option<Nanos> {
        let window = self.pending.as_ref().map(|_| self.window_until);
        [window, self.doubt_until(rules), self.expires_at(rules)].into_iter().flatten().min()
    }

    fn doubt_until(&self, rules: &GuardRules) -> Option<Nanos> {
        self.doubt.as_ref().map(|doubt| doubt.since.saturating_add(nanos(rules.empty_grace)))
    }

    fn expires_at(&self, rules: &GuardRules) -> Option<Nanos> {
        let since = self.stale_since.filter(|_| self.is_ready && !self.is_expired)?;
        rules.max_staleness.map(|most| since.saturating_add(nanos(most)))
    }
}

/// Who of `good` isn't in `set`.
fn missing(good: &[Endpoint], set: &[Endpoint]) -> Vec<Endpoint> {
    let there: HashSet<&str> = set.iter().map(|endpoint| &*endpoint.id).collect();
    good.iter().filter(|endpoint| !there.contains(&*endpoint.id)).cloned().collect()
}
