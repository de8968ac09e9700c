//! One pick, step by step, down the ladder until somebody is found.

use super::filter::{Gauge, Round};
use super::tier::Tier;
use super::{
    Algorithm, Balance, Filter, Level, OnAllOpen, Place, SessionKey, StickyTable, Tables, Tried,
    filter, ip_hash, least_connections, p2c_ewma, random, round_robin,
};
use crate::clock::Nanos;
use crate::endpoint::{EndpointId, Member, Snapshot, Status};
use crate::outlier::{Admission, Breaker, Pass, breaker};
use crate::rng::Rng;
use crate::sync::{AtomicU64, Ordering};

/// One thread stripe's part of a pool: the turn of round robin, and the number of the next call
/// that draws.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    pub(crate) turns: AtomicU64,
    pub(crate) draws: AtomicU64,
}

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
    /// Where the request and the policy say that the caller stands.
    pub(crate) places: (&'a Place, &'a Place),
    pub(crate) may_probe: bool,
    /// A retry or hedge leaves the cursor alone.
    pub(crate) is_first: bool,
    pub(crate) spot: Spot<'a>,
}

/// The calling thread's stripe of a pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot<'a> {
    pub(crate) lane: &'a Lane,
    /// Its number, and how many there are: a power of two.
    pub(crate) stripe: usize,
    pub(crate) stripes: usize,
    pub(crate) seed: u64,
}

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
}

/// Why this endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    Balanced,
    Sticky,
    Explicit,
    Chosen,
}

/// Why nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no endpoint, or none that may be used.
    Nobody,
    /// Breakers alone bar what is left; the next probe is due then.
    AllOpen(Nanos),
}

/// What a pick leaves to turn and chance, taken once however far it goes down the ladder.
#[derive(Debug)]
pub(crate) struct Luck<'a> {
    pub(crate) draws: &'a mut Option<Rng>,
    turn: Option<u64>,
    drawn: [Option<u64>; 2],
    /// An explanation leaves turn and chance as they are.
    is_dry: bool,
}

impl<'a> Luck<'a> {
    pub(crate) const fn new(draws: &'a mut Option<Rng>) -> Self {
        Self { draws, turn: None, drawn: [None, None], is_dry: false }
    }

    pub(crate) const fn dry(draws: &'a mut Option<Rng>) -> Self {
        Self { draws, turn: None, drawn: [None, None], is_dry: true }
    }

    /// The pick's turn: the stripe's next, begun at the stripe's own share of the table.
    #[inline]
    fn turn(&mut self, spot: Spot<'_>, length: usize) -> u64 {
        // A shift, since a division would cost as much as the rest.
        let start = (spot.stripe * length) >> spot.stripes.trailing_zeros();
        let turns = &spot.lane.turns;
        let count = *self.turn.get_or_insert_with(|| match self.is_dry {
            true => turns.load(Ordering::Relaxed),
            false => turns.fetch_add(1, Ordering::Relaxed),
        });
        count.wrapping_add(start as u64)
    }

    /// The pick's first or second draw from the call's own stream.
    #[inline]
    fn draw(&mut self, spot: Spot<'_>, which: usize) -> u64 {
        let (draws, is_dry) = (&mut *self.draws, self.is_dry);
        *self.drawn[which].get_or_insert_with(|| stream(spot, draws, is_dry).draw())
    }

    #[inline]
    fn both(&mut self, spot: Spot<'_>) -> (u64, u64) {
        (self.draw(spot, 0), self.draw(spot, 1))
    }
}

impl<'a> Field<'a> {
    #[inline]
    fn member(&self, position: u32) -> &'a Member {
        &self.snapshot.members()[position as usize]
    }

    #[inline]
    fn in_flight(&self, position: u32) -> u64 {
        self.member(position).state.in_flight()
    }
}

/// The usual case: the most preferred tier, nothing asked for, nothing against the one whose turn
/// it is. The same endpoint as [`pick`] finds, in a fraction of the time.
#[inline]
pub(crate) fn at_first_sight(
    field: Field<'_>,
    spot: Spot<'_>,
    (now, is_first): (Nanos, bool),
    luck: &mut Luck<'_>,
) -> Option<Pick> {
    let tier = field.tables.tiers.first()?;
    let clear = |position: u32| {
        let status = field.member(position).state.status();
        status.is_clear().then_some(status)
    };
    let members = &*tier.members;
    let position = match field.algorithm {
        Algorithm::RoundRobin | Algorithm::Weighted if is_first => {
            let turns = tier.turns();
            round_robin::whose_turn(turns, luck.turn(spot, turns.len()))?
        }
        Algorithm::Random => random::first_of(members, luck.draw(spot, 0))?,
        Algorithm::LeastConnections if members.len() > least_connections::COMPARED => {
            let (one, other) = random::two_of(members, luck.both(spot))?;
            clear(one).and(clear(other))?;
            let load = |position| (field.in_flight(position) + 1, field.tables.weight(position));
            least_connections::lighter(one, other, load)
        }
        Algorithm::P2cEwma => {
            let (one, other) = random::two_of(members, luck.both(spot))?;
            clear(one).and(clear(other))?;
            cheaper(&field, now, (one, other))
        }
        _ => return None,
    };
    let pass = Pass { generation: clear(position)?.generation(), ..Pass::default() };
    let (level, why) = (Level::Usable, Why::Balanced);
    Some(Pick { position, pass, level, why, is_new_round: false, opened_half: false })
}

/// Goes the whole way: preference, ladder, rounds, tiers, and around those that refuse.
#[cold]
#[inline(never)]
pub(crate) fn pick(
    field: &Field<'_>,
    wish: &Wish<'_>,
    luck: &mut Luck<'_>,
) -> Result<Pick, Refusal> {
    if (wish.session.is_some() || wish.explicit != EndpointId::NONE)
        && let Some(pick) = preferred(field, wish)
    {
        return Ok(pick);
    }
    let mut refused = Tried::default();
    loop {
        let Some((position, level, round)) = choose(field, wish, &refused, luck) else {
            return Err(refusal(field, wish));
        };
        let member = field.member(position);
        let Some((pass, opened_half)) = take(member, field.breaker, wish, level) else {
            refused.push(member.id);
            continue;
        };
        if let (Some(table), Some(session)) = (field.sticky, wish.session)
            && !keeps_its_session(field, wish)
        {
            table.bind(session, member.id, wish.now);
        }
        let (why, is_new_round) = (Why::Balanced, round != Round::Untried);
        return Ok(Pick { position, pass, level, why, is_new_round, opened_half });
    }
}

/// Walks down the ladder to the first level, round and tier that has somebody.
///
/// Changes nothing but the cursor and the draws.
pub(crate) fn choose(
    field: &Field<'_>,
    wish: &Wish<'_>,
    refused: &Tried,
    luck: &mut Luck<'_>,
) -> Option<(u32, Level, Round)> {
    for (level, round) in steps(field, wish) {
        let gauge = gauge(field, wish, refused, (level, round));
        for tier in &field.tables.tiers {
            if let Some(position) = in_tier(field, wish, tier, &gauge, luck) {
                return Some((position, level, round));
            }
        }
    }
    None
}

/// Everybody at the first step of the ladder that has somebody, for a custom strategy.
pub(crate) fn candidates(field: &Field<'_>, wish: &Wish<'_>) -> (Vec<u32>, Option<(Level, bool)>) {
    let refused = Tried::default();
    for (level, round) in steps(field, wish) {
        let gauge = gauge(field, wish, &refused, (level, round));
        for tier in &field.tables.tiers {
            let fits = |position: &u32| gauge.fits(field.member(*position));
            let found: Vec<u32> = tier.members.iter().copied().filter(fits).collect();
            if !found.is_empty() {
                return (found, Some((level, round != Round::Untried)));
            }
        }
    }
    (Vec::new(), None)
}

/// True if somebody who is usable was not tried yet.
pub(crate) fn has_untried(field: &Field<'_>, wish: &Wish<'_>) -> bool {
    let refused = Tried::default();
    let gauge = gauge(field, wish, &refused, (Level::Usable, Round::Untried));
    let mut members = field.tables.tiers.iter().flat_map(|tier| &tier.members);
    members.any(|position| gauge.fits(field.member(*position)))
}

fn steps(field: &Field<'_>, wish: &Wish<'_>) -> impl Iterator<Item = (Level, Round)> {
    let deepest = match field.balance.on_all_open {
        OnAllOpen::FailFast => Level::FailOpen,
        OnAllOpen::FailOpen => Level::AllOpen,
    };
    let rounds: &[Round] = if wish.tried.is_empty() {
        &[Round::Untried]
    } else {
        &[Round::Untried, Round::NotTheLast, Round::Any]
    };
    Level::LADDER
        .into_iter()
        .filter(move |level| *level <= deepest)
        .flat_map(move |level| rounds.iter().map(move |round| (level, *round)))
}

fn gauge<'a>(
    field: &Field<'a>,
    wish: &Wish<'a>,
    refused: &'a Tried,
    (level, round): (Level, Round),
) -> Gauge<'a> {
    Gauge {
        now: wish.now,
        rules: field.breaker,
        filter: wish.filter,
        tried: wish.tried,
        refused,
        round,
        level,
        may_probe: wish.may_probe,
    }
}

/// Takes the breaker's pass of an endpoint that was chosen at `level`.
#[inline]
pub(crate) fn take(
    member: &Member,
    rules: &Breaker,
    wish: &Wish<'_>,
    level: Level,
) -> Option<(Pass, bool)> {
    let status = member.state.status();
    if !status.has(Status::BREAKER | Status::RESTING) {
        return Some((Pass { generation: status.generation(), ..Pass::default() }, false));
    }
    take_closely(member, rules, wish, level)
}

#[cold]
fn take_closely(
    member: &Member,
    rules: &Breaker,
    wish: &Wish<'_>,
    level: Level,
) -> Option<(Pass, bool)> {
    let state = &member.state;
    if wish.now >= state.resting_until.load(Ordering::Relaxed) {
        state.set(0, Status::RESTING);
    }
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
        field.snapshot.members().iter().find(|member| member.id == id)
    };
    let refused = Tried::default();
    let gauge = gauge(field, wish, &refused, (Level::Usable, Round::Any));
    find().is_some_and(|member| gauge.fits(member))
}

/// The endpoint that the request names, or that its session is bound to, if it is usable.
#[cold]
fn preferred(field: &Field<'_>, wish: &Wish<'_>) -> Option<Pick> {
    let bound = || field.sticky?.find(wish.session?, wish.now);
    let (id, why) = if wish.explicit == EndpointId::NONE {
        (bound()?, Why::Sticky)
    } else {
        (wish.explicit, Why::Explicit)
    };
    let position = field.snapshot.members().iter().position(|member| member.id == id)?;
    let member = &field.snapshot.members()[position];
    let refused = Tried::default();
    let gauge = gauge(field, wish, &refused, (Level::Usable, Round::Untried));
    let is_draining = why == Why::Sticky
        && member.state.status().0 & filter::BARS == Status::DRAINING
        && wish.filter.is_none_or(|filter| filter.allows(member))
        && !wish.tried.contains(id);
    if !is_draining && !gauge.fits(member) {
        return None;
    }
    let (pass, opened_half) = take(member, field.breaker, wish, Level::Usable)?;
    let position = u32::try_from(position).ok()?;
    Some(Pick { position, pass, level: Level::Usable, why, is_new_round: false, opened_half })
}

fn in_tier(
    field: &Field<'_>,
    wish: &Wish<'_>,
    tier: &Tier,
    gauge: &Gauge<'_>,
    luck: &mut Luck<'_>,
) -> Option<u32> {
    let fits = |position: u32| gauge.fits(field.member(position));
    if field.balance.strategy != super::Strategy::Geographic {
        return spread(field, wish, tier, luck, fits);
    }
    let place = wish.places.0.or(*wish.places.1);
    let distance = |position: u32| place.distance(field.member(position));
    let near = tier.members.iter().copied().filter(|position| fits(*position));
    let nearest = near.map(distance).min_by(f64::total_cmp)?;
    spread(field, wish, tier, luck, |position| fits(position) && distance(position) <= nearest)
}

fn spread(
    field: &Field<'_>,
    wish: &Wish<'_>,
    tier: &Tier,
    luck: &mut Luck<'_>,
    fits: impl Fn(u32) -> bool,
) -> Option<u32> {
    let members = &*tier.members;
    match field.algorithm {
        Algorithm::RoundRobin | Algorithm::Weighted if wish.is_first => {
            round_robin::in_turn(tier.turns(), luck.turn(wish.spot, tier.turns().len()), fits)
        }
        Algorithm::RoundRobin | Algorithm::Weighted => {
            round_robin::drawn(tier.turns(), luck.draw(wish.spot, 0), fits)
        }
        Algorithm::Random => random::one(members, luck.draw(wish.spot, 0), fits),
        Algorithm::LeastConnections => {
            let load = |position| (field.in_flight(position) + 1, field.tables.weight(position));
            if members.len() > least_connections::COMPARED {
                let (one, other) = random::two(members, luck.both(wish.spot), fits)?;
                return Some(least_connections::lighter(one, other, load));
            }
            let start = if wish.is_first { luck.turn(wish.spot, members.len()) } else { 0 };
            least_connections::lightest(members, start, fits, load)
        }
        Algorithm::IpHash => match wish.key {
            None => random::one(members, luck.draw(wish.spot, 0), fits),
            Some(key) => ip_hash::highest_bidder(members, key, fits, |position| {
                (field.member(position).hash, field.tables.weight(position))
            }),
        },
        Algorithm::P2cEwma => {
            Some(cheaper(field, wish.now, random::two(members, luck.both(wish.spot), fits)?))
        }
    }
}

/// The cheaper of two by peak EWMA; a tie goes to the lower id.
#[inline]
fn cheaper(field: &Field<'_>, now: Nanos, (one, other): (u32, u32)) -> u32 {
    let (low, high) = (one.min(other), one.max(other));
    let cost = |position: u32| {
        let weight = field.tables.weight(position);
        p2c_ewma::cost(&field.member(position).state, weight, now)
    };
    if low != high && cost(high) < cost(low) { high } else { low }
}

/// The call's own stream of draws, begun when it first needs one.
#[inline]
pub(crate) fn stream<'a>(spot: Spot<'_>, draws: &'a mut Option<Rng>, is_dry: bool) -> &'a mut Rng {
    draws.get_or_insert_with(|| {
        let next = &spot.lane.draws;
        let ordinal = match is_dry {
            true => next.load(Ordering::Relaxed),
            false => next.fetch_add(1, Ordering::Relaxed),
        };
        Rng::new(spot.seed, spot.stripe as u64, ordinal)
    })
}

/// Tells breakers that will let a probe through from everything else.
#[cold]
pub(crate) fn refusal(field: &Field<'_>, wish: &Wish<'_>) -> Refusal {
    let refused = Tried::default();
    let gauge = gauge(field, wish, &refused, (Level::FailOpen, Round::Any));
    let barred =
        field.snapshot.members().iter().zip(&field.tables.weights).filter(|(member, weight)| {
            **weight > 0 && filter::is_barred_by_breaker(member, &gauge)
        });
    let next = barred.map(|(member, _)| {
        let is_held = member.state.status().has(Status::FORCED_OPEN);
        // Held open by the program: no time will come.
        if is_held { Nanos::MAX } else { member.state.open_until.load(Ordering::Relaxed) }
    });
    next.min().map_or(Refusal::Nobody, |at| Refusal::AllOpen(at.max(wish.now)))
}
