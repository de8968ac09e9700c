//! Who may be picked: the request's filter, and what stands against an endpoint.
//!
//! The usual answer costs one load and one mask. Only where a bit is set does a closer look follow,
//! since some bits are over by themselves: a rest has ended, an open breaker is due.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use crate::clock::Nanos;
use crate::endpoint::{EndpointId, EndpointState, Member, Scope, Status};
use crate::outlier::{Breaker, breaker};
use crate::rng;
use crate::sync::Ordering;

/// Which endpoints a request wants: all of these tags, all of these labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Filter {
    /// Tags that the endpoint must have.
    pub tags: Vec<String>,
    /// Metadata that the endpoint must have, by key and value.
    pub metadata: BTreeMap<String, String>,
}

impl Filter {
    /// True if the endpoint is wanted.
    #[must_use]
    pub fn allows(&self, member: &Member) -> bool {
        let endpoint = &member.endpoint;
        self.tags.iter().all(|tag| endpoint.tags.contains(tag))
            && self.metadata.iter().all(|(key, value)| endpoint.metadata.get(key) == Some(value))
    }

    /// The same number for the same filter; 0 for one that wants nothing.
    pub(crate) fn hash(&self) -> u64 {
        // A tag, a key and a value of the same text are different wishes.
        let tags = self.tags.iter().map(|tag| rng::hash(tag.as_bytes(), 0));
        let pairs = self.metadata.iter().flat_map(|(key, value)| {
            [rng::hash(key.as_bytes(), 1), rng::hash(value.as_bytes(), 2)]
        });
        tags.chain(pairs).fold(0, |so_far, part| rng::mix(so_far ^ part))
    }
}

/// How far a pick has gone down the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Level {
    /// Nothing speaks against the endpoint, or its breaker is due and the call can afford a probe.
    Usable,
    /// Its breaker is due.
    Due,
    /// It is degraded.
    Degraded,
    /// Its provider lost it, and its grace isn't over.
    Lost,
    /// Checks or comparison speak against it, and its breaker is closed: they may be wrong.
    FailOpen,
    /// Its breaker is open, and the policy prefers trying to failing.
    AllOpen,
}

impl Level {
    /// The ladder, from the top.
    pub(crate) const LADDER: [Self; 6] =
        [Self::Usable, Self::Due, Self::Degraded, Self::Lost, Self::FailOpen, Self::AllOpen];

    /// The bits that don't bar at this level.
    const fn tolerated(self) -> u64 {
        match self {
            Self::Usable | Self::Due => 0,
            Self::Degraded => Status::DEGRADED | Status::REPORTED_DEGRADED,
            Self::Lost => Self::Degraded.tolerated() | Status::LOST,
            Self::FailOpen => {
                Self::Lost.tolerated()
                    | Status::UNHEALTHY
                    | Status::EJECTED
                    | Status::REPORTED_UNHEALTHY
            }
            Self::AllOpen => {
                Self::FailOpen.tolerated() | Status::OPEN | Status::HALF_OPEN | Status::RESTING
            }
        }
    }

    /// The name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usable => "usable",
            Self::Due => "due",
            Self::Degraded => "degraded",
            Self::Lost => "lost",
            Self::FailOpen => "fail_open",
            Self::AllOpen => "all_open",
        }
    }
}

/// Which of the endpoints that this call already tried are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Round {
    /// All of them.
    Untried,
    /// Only the last one.
    NotTheLast,
    /// None.
    Any,
}

/// Endpoints that a call already tried, in order; eight of them without allocating.
#[derive(Clone, Debug, Default)]
pub struct Tried(pub(super) SmallVec<[EndpointId; 8]>);

/// Nothing tried, for picks outside of a call.
pub(crate) static NOTHING: Tried = Tried(SmallVec::new_const());

impl Tried {
    /// Adds one.
    pub fn push(&mut self, id: EndpointId) {
        self.0.push(id);
    }

    /// True if it is in.
    #[must_use]
    #[inline]
    pub fn contains(&self, id: EndpointId) -> bool {
        self.0.contains(&id)
    }

    /// The one added last.
    #[must_use]
    pub fn last(&self) -> Option<EndpointId> {
        self.0.last().copied()
    }

    /// True if none was added.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl FromIterator<EndpointId> for Tried {
    fn from_iter<I: IntoIterator<Item = EndpointId>>(ids: I) -> Self {
        Self(ids.into_iter().collect())
    }
}

/// Tells whether an endpoint may be picked, at one level and round of one pick.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gauge<'a> {
    pub(crate) now: Nanos,
    pub(crate) rules: &'a Breaker,
    pub(crate) filter: Option<&'a Filter>,
    pub(crate) tried: &'a Tried,
    pub(crate) refused: &'a Tried,
    /// The request's scope: what speaks against the endpoint there counts too.
    pub(crate) scope: Scope,
    pub(crate) round: Round,
    pub(crate) level: Level,
    pub(crate) probes: Probes,
}

/// Which probes a pick takes while another endpoint is usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probes {
    /// None: nobody would hear what comes of it.
    None,
    /// Those for which nobody came that can afford them.
    Overdue,
    /// All: the call may be repeated and has attempts left.
    Due,
}

impl Gauge<'_> {
    /// True if the endpoint may be picked.
    #[inline]
    pub(crate) fn fits(&self, member: &Member) -> bool {
        let status = member.state.status();
        let is_clear = status.is_clear() && self.scope.is_none();
        (is_clear || self.fits_closely(member, status)) && self.is_wanted(member)
    }

    #[inline]
    fn is_wanted(&self, member: &Member) -> bool {
        let is_left_out = match self.round {
            _ if self.tried.is_empty() => false,
            Round::Untried => self.tried.contains(member.id),
            Round::NotTheLast => self.tried.last() == Some(member.id),
            Round::Any => false,
        };
        !is_left_out
            && (self.refused.is_empty() || !self.refused.contains(member.id))
            && self.filter.is_none_or(|filter| filter.allows(member))
    }

    fn may_probe(&self, state: &EndpointState) -> bool {
        match self.probes {
            _ if self.level > Level::Usable => true,
            Probes::Due => true,
            Probes::Overdue => breaker::is_overdue(state, self.rules, self.now),
            Probes::None => false,
        }
    }

    #[cold]
    fn fits_closely(&self, member: &Member, status: Status) -> bool {
        remaining(member, status, self) & !self.level.tolerated() == 0
    }
}

/// The bits that still speak against the endpoint, those left out that are over.
pub(super) fn remaining(member: &Member, status: Status, gauge: &Gauge<'_>) -> u64 {
    let state = &member.state;
    let mut bits = standing(state, status, gauge);
    if status.has(Status::LOST) && gauge.now >= state.lost_until.load(Ordering::Relaxed) {
        bits |= Status::RETIRED;
    }
    bits | remaining_in_scope(member, gauge)
}

/// True if the endpoint drains, and nothing else speaks against it.
pub(super) fn is_only_draining(member: &Member, gauge: &Gauge<'_>) -> bool {
    let draining = Status::DRAINING | Status::REPORTED_DRAINING;
    let bits = remaining(member, member.state.status(), gauge);
    bits & draining != 0 && bits & !draining == 0
}

/// The bits that speak against the endpoint in the request's scope alone.
fn remaining_in_scope(member: &Member, gauge: &Gauge<'_>) -> u64 {
    let scoped = member.state.in_scope(gauge.scope);
    scoped.map_or(0, |state| standing(state, state.status(), gauge))
}

/// The bits of a state that bar, those left out that are over by now.
fn standing(state: &EndpointState, status: Status, gauge: &Gauge<'_>) -> u64 {
    let mut bits = status.0 & BARS & !gauge.rules.ignored();
    if status.has(Status::RESTING) && gauge.now >= state.resting_until.load(Ordering::Relaxed) {
        bits &= !Status::RESTING;
    }
    if status.has(Status::OPEN | Status::HALF_OPEN)
        && gauge.may_probe(state)
        && breaker::is_due(state, status, gauge.rules, gauge.now)
    {
        bits &= !(Status::OPEN | Status::HALF_OPEN);
    }
    bits
}

const BARS: u64 = Status::ADMIN
    | Status::LOST
    | Status::DEGRADED
    | Status::UNHEALTHY
    | Status::EJECTED
    | Status::RESTING
    | Status::BREAKER
    | Status::RETIRED
    | Status::REPORTED_BARS;

/// What speaks against an endpoint, in words; `None` if nothing does.
pub(crate) fn objection(member: &Member, gauge: &Gauge<'_>, weight: u32) -> Option<&'static str> {
    let status = member.state.status();
    let gauge = &Gauge { probes: Probes::Due, ..*gauge };
    let bits = remaining(member, status, &Gauge { scope: Scope::NONE, ..*gauge });
    let texts = [
        (Status::RETIRED, "removed by its provider"),
        (Status::MAINTENANCE, "in maintenance"),
        (Status::DRAINING, "draining"),
        (Status::REPORTED_DRAINING, "draining, says its provider"),
        (Status::FORCED_OPEN, "breaker held open by the program"),
        (Status::OPEN, "breaker open"),
        (Status::HALF_OPEN, "breaker half-open and all probes taken"),
        (Status::UNHEALTHY, "checks failed"),
        (Status::REPORTED_UNHEALTHY, "unhealthy, says its provider"),
        (Status::EJECTED, "ejected"),
        (Status::RESTING, "resting at its own request"),
        (Status::LOST, "lost by its provider"),
        (Status::DEGRADED, "degraded"),
        (Status::REPORTED_DEGRADED, "degraded, says its provider"),
    ];
    let in_scope = remaining_in_scope(member, gauge);
    let texts_in_scope = [
        (Status::OPEN, "breaker open in the request's scope"),
        (Status::HALF_OPEN, "breaker half-open in the request's scope and all probes taken"),
        (Status::RESTING, "resting in the request's scope, at its own request"),
    ];
    let texts = texts.map(|(bit, text)| (bits & bit, text)).into_iter();
    let mut texts = texts.chain(texts_in_scope.map(|(bit, text)| (in_scope & bit, text)));
    if let Some((_, text)) = texts.find(|(bit, _)| *bit != 0) {
        return Some(text);
    }
    if weight == 0 {
        return Some("weight 0");
    }
    if gauge.filter.is_some_and(|filter| !filter.allows(member)) {
        return Some("not wanted by the request's filter");
    }
    gauge.tried.contains(member.id).then_some("tried already by this call")
}

/// True if breakers alone bar the endpoint.
pub(crate) fn is_barred_by_breaker(member: &Member, gauge: &Gauge<'_>) -> bool {
    let status = member.state.status();
    let bits = remaining(member, status, gauge);
    bits & Status::BREAKER != 0
        && bits & (Status::ADMIN | Status::RETIRED | Status::REPORTED_DRAINING) == 0
        && gauge.filter.is_none_or(|filter| filter.allows(member))
}

/// When the breakers that bar an endpoint, its own and that of the scope, will let a probe through.
pub(crate) fn next_probe(member: &Member, scope: Scope) -> Nanos {
    let next = |state: &EndpointState| {
        let status = state.status();
        if status.has(Status::FORCED_OPEN) {
            // Held open by the program: no time will come.
            Nanos::MAX
        } else if status.has(Status::OPEN) {
            state.open_until.load(Ordering::Relaxed)
        } else {
            // Half-open, as soon as a probe is over; a check may have made it so before its time.
            0
        }
    };
    let own = next(&member.state);
    member.state.in_scope(scope).map_or(own, |state| own.max(next(state)))
}
