//! How one endpoint is doing: atomics only, kept while weight, tags or metadata change.
//!
//! A blackboard: health and outlier write it, balancing reads it, and none of them knows the other.
//! Everything that can bar an endpoint is a bit of one word, so that the usual question of a pick
//! ("nothing against it?") is one load and one mask. What is written at every attempt lies on
//! stripes by thread; what is written seldom is shared.

use once_cell::race::OnceBox;

use super::scopes::Scopes;
use super::{Change, Flow, Scope, Status};
use crate::clock::Nanos;
use crate::stats::{Histogram, Stripes};
use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// The live side of one endpoint. What comparing two endpoints reads comes first, side by side.
#[derive(Debug)]
#[repr(C)]
pub struct EndpointState {
    status: AtomicU64,
    /// Peak EWMA of the latency and failure penalty, each a value and a time in one word.
    pub(crate) ewma: AtomicU64,
    pub(crate) penalty: AtomicU64,
    pub(crate) flow: Stripes<Flow>,
    /// When an open breaker lets a probe through.
    pub(crate) open_until: AtomicU64,
    /// When a throttled endpoint takes traffic again.
    pub(crate) resting_until: AtomicU64,
    /// When a lost endpoint stops being usable.
    pub(crate) lost_until: AtomicU64,
    /// Bad outcomes in a row.
    pub(crate) bad_in_a_row: AtomicU32,
    /// Re-openings since the breaker was last closed.
    pub(crate) reopened: AtomicU32,
    /// Good probes, tagged with the generation they belong to.
    pub(crate) good_probes: AtomicU64,
    /// When the published status last changed, and why.
    changed: AtomicU64,
    pub(crate) permits: [AtomicU64; Self::MOST_PERMITS],
    /// Outcomes other than success, by class; all outcomes together are on the stripes.
    pub(crate) other_outcomes: [AtomicU64; 7],
    latency: OnceBox<Histogram>,
    /// Where requests name scopes; a word where none does.
    scopes: OnceBox<Scopes>,
}

impl EndpointState {
    /// Probes at once that one endpoint can hold: a word each, in place.
    pub const MOST_PERMITS: usize = 16;

    /// Scopes that one endpoint can tell apart. Attempts of any other count as if they had none.
    pub const MOST_SCOPES: usize = 64;

    /// Makes the state of a fresh endpoint.
    #[must_use]
    pub fn new(stripes: usize) -> Self {
        Self {
            status: AtomicU64::new(0),
            open_until: AtomicU64::new(0),
            resting_until: AtomicU64::new(0),
            lost_until: AtomicU64::new(0),
            bad_in_a_row: AtomicU32::new(0),
            reopened: AtomicU32::new(0),
            good_probes: AtomicU64::new(0),
            changed: AtomicU64::new(0),
            permits: std::array::from_fn(|_| AtomicU64::new(0)),
            other_outcomes: std::array::from_fn(|_| AtomicU64::new(0)),
            ewma: AtomicU64::new(0),
            penalty: AtomicU64::new(0),
            flow: Stripes::new(stripes),
            latency: OnceBox::new(),
            scopes: OnceBox::new(),
        }
    }

    /// The status word now.
    #[inline]
    pub fn status(&self) -> Status {
        // Acquire pairs with the Release of `change`: who sees a bit sees the time behind it.
        Status(self.status.load(Ordering::Acquire))
    }

    /// Changes the status by `change` until it holds; returns before and after.
    ///
    /// `change` returns `None` to leave it as it is.
    pub(crate) fn change(
        &self,
        change: impl Fn(Status) -> Option<Status>,
    ) -> Option<(Status, Status)> {
        let mut before = self.status();
        loop {
            let after = change(before)?;
            if after == before {
                return None;
            }
            let swapped = self.status.compare_exchange_weak(
                before.0,
                after.0,
                // Release pairs with the Acquire of `status`.
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            match swapped {
                Ok(_) => return Some((before, after)),
                Err(now) => before = Status(now),
            }
        }
    }

    /// Sets and clears bits; returns before and after if anything changed.
    pub(crate) fn set(&self, set: u64, clear: u64) -> Option<(Status, Status)> {
        self.change(|status| Some(Status((status.0 & !clear) | set)))
    }

    /// Attempts started and ended, and the latency of the ended ones together.
    #[must_use]
    pub fn flow_totals(&self) -> (u64, u64, u64) {
        self.flow.iter().fold((0, 0, 0), |(started, done, latency), flow| {
            (
                started + flow.started.load(),
                done + flow.done.load(),
                latency + flow.latency_sum.load(),
            )
        })
    }

    /// Attempts that ended, by class in the order of [`Outcome::ALL`](crate::Outcome::ALL).
    #[must_use]
    pub fn outcomes(&self) -> [u64; 8] {
        let mut counts = [0; 8];
        for (count, other) in counts[1..].iter_mut().zip(&self.other_outcomes) {
            *count = other.load(Ordering::Relaxed);
        }
        // Success isn't counted: it is what is left of all.
        let others: u64 = counts.iter().sum();
        counts[0] = self.flow_totals().1.saturating_sub(others);
        counts
    }

    /// Starts keeping the endpoint's own latency percentiles.
    pub fn keep_latency(&self) {
        self.latency.get_or_init(|| Box::new(Histogram::coarse()));
    }

    /// True if the endpoint's own latency distribution is kept.
    #[inline]
    pub(crate) fn keeps_latency(&self) -> bool {
        self.latency.get().is_some()
    }

    /// The endpoint's own latency distribution, if it is kept.
    #[must_use]
    pub fn latency(&self) -> Option<&Histogram> {
        self.latency.get()
    }

    /// How the endpoint does in a scope; absent for none, and for one that was never used here.
    #[must_use]
    pub fn in_scope(&self, scope: Scope) -> Option<&Self> {
        if scope.is_none() { None } else { self.scopes.get()?.find(scope) }
    }

    /// How the endpoint does in a scope, from now on if it is new here; `None` if there is no room.
    pub(crate) fn in_scope_or_new(&self, scope: Scope) -> Option<&Self> {
        if scope.is_none() || scope == Scope::BEYOND {
            return None;
        }
        let scopes = self.scopes.get_or_init(|| Box::new(Scopes::new()));
        scopes.find_or_add(scope, || Self::new(self.flow.writers()))
    }

    /// Every scope that was used here, and how the endpoint does in it.
    pub fn scopes(&self) -> impl Iterator<Item = (Scope, &Self)> {
        self.scopes.get().into_iter().flat_map(Scopes::iter)
    }

    /// Forgets attempts and permits that a forked child can never finish.
    pub(crate) fn forget_in_flight(&self) {
        for flow in self.flow.iter() {
            flow.forget_open();
        }
        for permit in &self.permits {
            permit.store(0, Ordering::Relaxed);
        }
        self.scopes().for_each(|(_, state)| state.forget_in_flight());
    }

    /// When the published status last changed, and what changed it.
    #[must_use]
    pub fn changed(&self) -> (Nanos, Change) {
        Change::of(self.changed.load(Ordering::Relaxed))
    }

    /// Notes what changed the published status.
    pub(crate) fn note(&self, change: Change, now: Nanos) {
        self.changed.store(change.at(now), Ordering::Relaxed);
    }
}
