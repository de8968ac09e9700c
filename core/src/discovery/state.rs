//! What a guard knows of its provider, and what follows from each report: pure.
//!
//! It decides *what* is to be done with the set, as a list of [`Deed`]s; the guard does it. An
//! error never changes the set, and an empty answer has to last before it is believed: a source
//! that restarts, or a filter that matches nothing, looks exactly like a service that is gone.

use super::GuardRules;
use crate::clock::{Nanos, nanos};
use crate::endpoint::Endpoint;

/// What is to be done with the registry.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Deed {
    /// Make the set equal to this one.
    Apply(Vec<Endpoint>),
    /// Mark what is there as lost until then.
    Lose(Nanos),
    /// What is there is not lost after all.
    Keep,
    /// Emit `discovery_stale`.
    TellStale(String),
    /// Emit `discovery_update`, though the set may be the same.
    TellReadable,
}

/// What a guard knows of its provider.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) is_ready: bool,
    pub(super) is_closed: bool,
    pub(super) read_at: Option<Nanos>,
    pub(super) stale_since: Option<Nanos>,
    pub(super) is_expired: bool,
    pub(super) empty_since: Option<Nanos>,
    pub(super) last_error: Option<String>,
    pub(super) reads: u64,
    pub(super) errors: u64,
    /// Followers of an applied change are gathered until then.
    window_until: Nanos,
    pending: Option<Vec<Endpoint>>,
}

impl State {
    /// Takes in a whole set; `held` is the number of endpoints that serve now.
    pub(super) fn full(
        &mut self,
        set: Vec<Endpoint>,
        held: usize,
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
        let has_something = held > 0 || self.pending.as_ref().is_some_and(|set| !set.is_empty());
        if set.is_empty() && has_something && !rules.is_authoritative {
            self.doubt(rules, now, &mut deeds);
            return deeds;
        }
        if self.empty_since.take().is_some() || was_expired {
            deeds.push(Deed::Keep);
        }
        if now >= self.window_until {
            self.pending = None;
            deeds.push(Deed::Apply(set));
        } else {
            self.pending = Some(set);
        }
        deeds
    }

    /// Takes in an empty set that isn't believed yet.
    fn doubt(&mut self, rules: &GuardRules, now: Nanos, deeds: &mut Vec<Deed>) {
        // What waits came before the empty answer, so it is the last good set.
        if let Some(set) = self.pending.take() {
            deeds.push(Deed::Apply(set));
        }
        let is_new = self.empty_since.is_none();
        let since = *self.empty_since.get_or_insert(now);
        deeds.push(Deed::Lose(since.saturating_add(nanos(rules.empty_grace))));
        if is_new {
            let grace = crate::duration::format(rules.empty_grace);
            let text = format!("it reports no endpoints, which is believed after {grace}");
            deeds.push(Deed::TellStale(text));
        }
    }

    /// Takes in a failure.
    pub(super) fn unavailable(&mut self, reason: String, now: Nanos) -> Vec<Deed> {
        let mut deeds = Vec::new();
        self.errors += 1;
        if self.empty_since.take().is_some() {
            // Whether it is really empty can't be seen now; the question starts afresh.
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
        self.pending.take().map(Deed::Apply).into_iter().collect()
    }

    /// Does what has become due.
    pub(super) fn tick(&mut self, rules: &GuardRules, now: Nanos) -> Vec<Deed> {
        let mut deeds = Vec::new();
        if now >= self.window_until
            && let Some(set) = self.pending.take()
        {
            deeds.push(Deed::Apply(set));
        }
        if self.empty_until(rules).is_some_and(|until| now >= until) {
            self.empty_since = None;
            deeds.push(Deed::Apply(Vec::new()));
        }
        if self.expires_at(rules).is_some_and(|until| now >= until) {
            self.is_expired = true;
            let age = crate::duration::format(rules.max_staleness.unwrap_or_default());
            deeds.push(Deed::Lose(now));
            deeds.push(Deed::TellStale(format!("unreadable for {age}, its last set is too old")));
        }
        deeds
    }

    /// When [`tick`](Self::tick) has something to do.
    pub(super) fn due(&self, rules: &GuardRules) -> Option<Nanos> {
        let window = self.pending.as_ref().map(|_| self.window_until);
        [window, self.empty_until(rules), self.expires_at(rules)].into_iter().flatten().min()
    }

    fn empty_until(&self, rules: &GuardRules) -> Option<Nanos> {
        self.empty_since.map(|since| since.saturating_add(nanos(rules.empty_grace)))
    }

    fn expires_at(&self, rules: &GuardRules) -> Option<Nanos> {
        let since = self.stale_since.filter(|_| self.is_ready && !self.is_expired)?;
        rules.max_staleness.map(|most| since.saturating_add(nanos(most)))
    }
}
