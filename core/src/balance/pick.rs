//! One pick: at first sight where nothing stands against the one whose turn it is, else step by
//! step, around those that refuse.

use std::hint::select_unpredictable;

use super::filter::{Probes, Round};
use super::ladder::{choose, gauge, refusal};
use super::tier::Tier;
use super::{
    Algorithm, Balance, Filter, Level, Luck, Place, SessionKey, StickyTable, Strategy, Tables,
    Tried, filter, least_connections, p2c_ewma, random,
};
use crate::clock::Nanos;
use crate::endpoint::{EndpointId, EndpointState, Member, Scope, Snapshot, Status};
use crate::error::ErrorKind;
use crate::outlier::{Admission, Breaker, Pass, breaker, rest};
use crate::rng;
use crate::stats::Stripe;

/// What a pick works on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) tables: &'a Tables,
    pub(crate) balance: &'a Balance,
    pub(crate) breaker: &'a Breaker,
    pub(crate) sticky: Option<&'a StickyTable>,
    pub(crate) algorithm: Algorithm,
}

/// What is asked of a pick.
#[derive(Debug)]
pub(crate) struct Wish<'a> {
    pub(crate) now: Nanos,
    /// Until when a probe's permit is held.
    pub(crate) deadline: Nanos,
    pub(crate) filter: Option<&'a Filter>,
    pub(crate) tried: &'a Tried,
    pub(crate) explicit: EndpointId,
    pub(crate) session: Option<SessionKey>,
    pub(crate) key: Option<u64>,
    pub(crate) scope: Scope,
    /// Where the request and the policy say that the caller stands.
    pub(crate) places: (&'a Place, &'a Place),
    pub(crate) probes: Probes,
    /// A retry or hedge leaves the cursor alone.
    pub(crate) is_first: bool,
}

impl Wish<'_> {
    /// The kind of a request that every usable endpoint fits.
    pub(super) const PLAIN: u64 = 0;

    /// A number for what the request asks of an endpoint: seldom the same for two that ask otherwise.
    pub(super) fn kind(&self, strategy: Strategy) -> u64 {
        let filter = self.filter.map_or(0, Filter::hash);
        let tried = self.tried.0.iter().fold(0, |so_far, id| rng::mix(so_far ^ id.bits()));
        let place = if strategy == Strategy::Geographic { self.places.0.hash() } else { 0 };
        match filter ^ tried ^ self.scope.hash() ^ place {
            Self::PLAIN => Self::PLAIN,
            // Who may not probe would keep a due endpoint from who may.
            kind => kind ^ u64::from(self.probes == Probes::Due),
        }
    }
}

/// Who compares loads, and when.
pub(crate) type Observer = (Stripe, Nanos);

/// Who was picked, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pick {
    pub(crate) position: u32,
    pub(crate) pass: Pass,
    pub(crate) level: Level,
    pub(crate) why: Why,
    /// The call begins to use endpoints that it already tried.
    pub(crate) is_new_round: bool,
    pub(crate) opened_half: bool,
    /// The request had a filter, so whom it found says nothing of the pool.
    pub(crate) is_narrowed: bool,
}

/// What was taken of the breaker of a scope: nothing for a request without one, or if the endpoint has
/// no room for another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scoped {
    pub(crate) scope: Scope,
    pub(crate) pass: Pass,
    pub(crate) opened_half: bool,
}

/// Why this endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    Balanced,
    Sticky,
    Explicit,
    Chosen,
}

impl Why {
    /// The name in events; `None` where the ladder and the algorithm found it.
    pub(crate) const fn name(self) -> Option<&'static str> {
        match self {
            Self::Balanced => None,
            Self::Sticky => Some("sticky"),
            Self::Explicit => Some("named"),
            Self::Chosen => Some("chosen"),
        }
    }
}

/// Why nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no endpoint, or none that may be used.
    Nobody,
    /// Breakers alone bar what is left; the next probe is due then.
    AllOpen(Nanos),
}

impl Refusal {
    /// The kind of the error.
    pub(crate) const fn kind(self) -> ErrorKind {
        match self {
            Self::Nobody => ErrorKind::NoEndpoints,
            Self::AllOpen(_) => ErrorKind::CircuitOpen,
        }
    }
}

impl<'a> Field<'a> {
    #[inline]
    pub(crate) fn member(&self, position: u32) -> &'a Member {
        &self.snapshot.members()[position as usize]
    }

    /// The endpoint's status, if nothing speaks against it.
    #[expect(clippy::inline_always, reason = "a call would pass it all through memory")]
    #[inline(always)]
    fn clear(&self, position: u32) -> Option<Status> {
        let status = self.member(position).state.status();
        status.is_clear().then_some(status)
    }

    #[expect(clippy::inline_always, reason = "a call would pass it all through memory")]
    #[inline(always)]
    pub(crate) fn load(&self, position: u32, by: Observer) -> least_connections::Load {
        (self.member(position).state.load(by.0, by.1), self.tables.weight(position))
    }
}

/// The usual case: the most preferred tier, nothing asked for, nothing against the one whose turn
/// it is. The same endpoint as [`pick`] finds, in a fraction of the time.
#[expect(clippy::inline_always, reason = "a call would pass it all through memory")]
#[inline(always)]
pub(crate) fn at_first_sight(
    field: Field<'_>,
    luck: &mut Luck<'_>,
    (now, is_first): (Nanos, bool),
) -> Option<Pick> {
    let tier = field.tables.tiers.first()?;
    let members = &*tier.members;
    let position = match field.algorithm {
        Algorithm::RoundRobin | Algorithm::Weighted if is_first && !luck.owes() => {
            luck.whose_turn(tier.rota())?
        }
        Algorithm::Random => random::first_of(members, luck.draw(0))?,
        Algorithm::LeastConnections if members.len() > least_connections::COMPARED => {
            lighter_of_two(&field, members, luck, now)?
        }
        Algorithm::LeastConnections if is_first => lightest_of_few(&field, tier, luck, now)?,
        Algorithm::P2cEwma => cheaper_of_two(&field, members, luck, now)?,
        _ => return None,
    };
    let pass = Pass { generation: field.clear(position)?.generation(), ..Pass::default() };
    let (level, why) = (Level::Usable, Why::Balanced);
    let (is_new_round, opened_half, is_narrowed) = (false, false, false);
    Some(Pick { position, pass, level, why, is_new_round, opened_half, is_narrowed })
}

/// The less loaded of two that a draw finds and nothing speaks against.
#[inline(never)]
fn lighter_of_two(
    field: &Field<'_>,
    members: &[u32],
    luck: &mut Luck<'_>,
    now: Nanos,
) -> Option<u32> {
    let (observer, draws) = ((luck.stripe(), now), luck.both());
    let (one, other) = random::two_of(members, draws)?;
    field.clear(one).and(field.clear(other))?;
    let fraction = random::rest_of(members, draws);
    Some(least_connections::lighter((one, other), fraction, |at| field.load(at, observer)))
}

/// The least loaded of a small tier, if nothing speaks against any of it.
#[inline(never)]
fn lightest_of_few(field: &Field<'_>, tier: &Tier, luck: &mut Luck<'_>, now: Nanos) -> Option<u32> {
    let (observer, members) = ((luck.stripe(), now), &*tier.members);
    if !members.iter().all(|position| field.clear(*position).is_some()) {
        return None;
    }
    let turn = luck.whose_turn(tier.rota());
    least_connections::lightest(members, turn, |_| true, |at| field.load(at, observer))
}

/// The cheaper of two that a draw finds and nothing speaks against.
#[inline(never)]
fn cheaper_of_two(
    field: &Field<'_>,
    members: &[u32],
    luck: &mut Luck<'_>,
    now: Nanos,
) -> Option<u32> {
    let observer = (luck.stripe(), now);
    let (one, other) = random::two_of(members, luck.both())?;
    field.clear(one).and(field.clear(other))?;
    Some(cheaper(field, observer, (one, other)))
}

/// Goes the whole way: preference, ladder, rounds, tiers, and around those that refuse.
#[cold]
#[inline(never)]
pub(crate) fn pick(
    field: &Field<'_>,
    wish: &Wish<'_>,
    luck: &mut Luck<'_>,
    mut scoped: Option<&mut Scoped>,
) -> Result<Pick, Refusal> {
    if let Some(pick) = pick_preferred(field, wish, scoped.as_deref_mut()) {
        return Ok(pick);
    }
    let mut refused = Tried::default();
    loop {
        let Some((position, level, round)) = choose(field, wish, &refused, luck) else {
            return Err(refusal(field, wish));
        };
        let member = field.member(position);
        let taken = take(member, field.breaker, (wish, level), scoped.as_deref_mut());
        let Some((pass, opened_half)) = taken else {
            refused.push(member.id);
            continue;
        };
        bind(field, wish, member.id);
        let (why, is_new_round) = (Why::Balanced, round != Round::Untried);
        let is_narrowed = wish.filter.is_some();
        return Ok(Pick { position, pass, level, why, is_new_round, opened_half, is_narrowed });
    }
}

/// Takes the endpoint that the request names, or that its session is bound to.
pub(crate) fn pick_preferred(
    field: &Field<'_>,
    wish: &Wish<'_>,
    scoped: Option<&mut Scoped>,
) -> Option<Pick> {
    let (position, why) = preferred(field, wish, StickyTable::find)?;
    let level = Level::Usable;
    let taken = take(field.member(position), field.breaker, (wish, level), scoped);
    let (pass, opened_half) = taken?;
    let (is_new_round, is_narrowed) = (false, wish.filter.is_some());
    Some(Pick { position, pass, level, why, is_new_round, opened_half, is_narrowed })
}

/// Binds the request's session, if it has one, to who serves now.
pub(crate) fn bind(field: &Field<'_>, wish: &Wish<'_>, id: EndpointId) {
    if let (Some(table), Some(session)) = (field.sticky, wish.session)
        && !keeps_its_session(field, wish)
    {
        table.bind(session, id, wish.now);
    }
}

/// Takes the passes of an endpoint that was chosen at `level`: of its own breaker, and of the scope's
/// into `scoped`, if the request names one.
#[inline]
pub(crate) fn take(
    member: &Member,
    rules: &Breaker,
    (wish, level): (&Wish<'_>, Level),
    scoped: Option<&mut Scoped>,
) -> Option<(Pass, bool)> {
    let taken = take_of(&member.state, rules, wish, level)?;
    if let Some(scoped) = scoped
        && !take_in_scope(member, rules, (wish, level), scoped)
    {
        breaker::release(&member.state, taken.0);
        return None;
    }
    Some(taken)
}

/// False if the scope's breaker refuses. An endpoint without room for the scope has none that could.
#[cold]
fn take_in_scope(
    member: &Member,
    rules: &Breaker,
    (wish, level): (&Wish<'_>, Level),
    scoped: &mut Scoped,
) -> bool {
    let Some(state) = member.state.in_scope_or_new(wish.scope) else { return true };
    let taken = take_of(state, rules, wish, level);
    taken.is_some_and(|(pass, opened_half)| {
        *scoped = Scoped { scope: wish.scope, pass, opened_half };
        true
    })
}

/// Takes the pass of one breaker.
#[inline]
fn take_of(
    state: &EndpointState,
    rules: &Breaker,
    wish: &Wish<'_>,
    level: Level,
) -> Option<(Pass, bool)> {
    let status = state.status();
    if !status.has(Status::BREAKER | Status::RESTING) {
        return Some((Pass { generation: status.generation(), ..Pass::default() }, false));
    }
    take_closely(state, rules, wish, level)
}

#[cold]
fn take_closely(
    state: &EndpointState,
    rules: &Breaker,
    wish: &Wish<'_>,
    level: Level,
) -> Option<(Pass, bool)> {
    rest::end(state, wish.now);
    match breaker::admit(state, rules, wish.now, wish.deadline) {
        Admission::Granted { pass, opened_half } => Some((pass, opened_half)),
        Admission::Refused if level == Level::AllOpen => {
            // Not a probe: its outcome doesn't move the breaker.
            Some((Pass { generation: state.status().generation(), ..Pass::default() }, false))
        }
        Admission::Refused => None,
    }
}

/// True if the session is bound to an endpoint that is usable, only not for this attempt: a retry
/// elsewhere doesn't move it.
fn keeps_its_session(field: &Field<'_>, wish: &Wish<'_>) -> bool {
    let find = || {
        let id = field.sticky?.find(wish.session?, wish.now)?;
        field.snapshot.position(id).map(|position| field.member(position))
    };
    let refused = Tried::default();
    let gauge = gauge(field, wish, &refused, (Level::Usable, Round::Any));
    find().is_some_and(|member| gauge.fits(member))
}

/// The endpoint that the request names, or that `find` says its session is bound to, if it is
/// usable.
pub(super) fn preferred(field: &Field<'_>, wish: &Wish<'_>, find: Find) -> Option<(u32, Why)> {
    let bound = || find(field.sticky?, wish.session?, wish.now);
    let (id, why) = if wish.explicit == EndpointId::NONE {
        (bound()?, Why::Sticky)
    } else {
        (wish.explicit, Why::Explicit)
    };
    let position = field.snapshot.position(id)?;
    let member = field.member(position);
    let refused = Tried::default();
    let gauge = gauge(field, wish, &refused, (Level::Usable, Round::Untried));
    let is_draining = why == Why::Sticky
        && filter::is_only_draining(member, &gauge)
        && wish.filter.is_none_or(|filter| filter.allows(member))
        && !wish.tried.contains(id);
    (is_draining || gauge.fits(member)).then_some((position, why))
}

/// How a session is looked up: with or without using it.
pub(super) type Find = fn(&StickyTable, SessionKey, Nanos) -> Option<EndpointId>;

/// The cheaper of two by peak EWMA; a tie goes to the lower id.
#[expect(clippy::inline_always, reason = "a call costs as much as the comparison")]
#[inline(always)]
pub(super) fn cheaper(field: &Field<'_>, by: Observer, (one, other): (u32, u32)) -> u32 {
    let (low, high) = (one.min(other), one.max(other));
    let of = |position: u32| (&*field.member(position).state, field.tables.weight(position));
    select_unpredictable(p2c_ewma::is_cheaper(of(high), of(low), by), high, low)
}
