//! The ladder of a pick: usable, due, degraded, lost, unfit, and within each round and tier.
//!
//! Nothing here has side effects but turn and chance, so an explanation is the same walk.

use super::filter::{Gauge, Probes, Round};
use super::pick::{Field, Refusal, Wish, cheaper};
use super::tier::Tier;
use super::{
    Algorithm, Level, Luck, OnAllOpen, Strategy, Tried, filter, ip_hash, least_connections, random,
    round_robin,
};
use crate::endpoint::EndpointId;

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
    let mut members = field.tables.tiers.iter().flat_map(|tier| tier.members.iter());
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

pub(super) fn gauge<'a>(
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
        scope: wish.scope,
        round,
        level,
        probes: wish.probes,
    }
}

fn in_tier(
    field: &Field<'_>,
    wish: &Wish<'_>,
    tier: &Tier,
    gauge: &Gauge<'_>,
    luck: &mut Luck<'_>,
) -> Option<u32> {
    let fits = |position: u32| gauge.fits(field.member(position));
    if field.balance.strategy != Strategy::Geographic {
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
    let observer = (luck.stripe(), wish.now);
    match field.algorithm {
        Algorithm::RoundRobin | Algorithm::Weighted if wish.is_first => {
            in_turn(field, wish, tier, luck, fits)
        }
        Algorithm::RoundRobin | Algorithm::Weighted => {
            round_robin::drawn(tier.rota(), luck.draw(0), fits)
        }
        Algorithm::Random => random::one(members, luck.draw(0), fits),
        Algorithm::LeastConnections => {
            if members.len() > least_connections::COMPARED {
                let draws = luck.both();
                let (two, fraction) = random::two(members, draws, fits)?;
                return Some(least_connections::lighter(two, fraction, |at| {
                    field.load(at, observer)
                }));
            }
            // A retry leaves the turn alone, and would go to the lowest id among equals without a draw.
            let turn = match wish.is_first {
                true => in_turn(field, wish, tier, luck, &fits),
                false => round_robin::drawn(tier.rota(), luck.draw(0), &fits),
            };
            least_connections::lightest(members, turn, fits, |at| field.load(at, observer))
        }
        Algorithm::IpHash => match wish.key {
            None => random::one(members, luck.draw(0), fits),
            Some(key) => ip_hash::highest_bidder(members, key, fits, |position| {
                (field.member(position).hash, field.tables.weight(position))
            }),
        },
        Algorithm::P2cEwma => {
            let (two, _) = random::two(members, luck.both(), fits)?;
            Some(cheaper(field, observer, two))
        }
    }
}

/// Whose turn it is among those that fit.
fn in_turn(
    field: &Field<'_>,
    wish: &Wish<'_>,
    tier: &Tier,
    luck: &mut Luck<'_>,
    fits: impl Fn(u32) -> bool,
) -> Option<u32> {
    let (rota, kind) = (tier.rota(), wish.kind(field.balance.strategy));
    if kind != Wish::PLAIN {
        return round_robin::in_turn_or_stead(rota, luck.turn_aside(kind), fits);
    }
    let owed = field.snapshot.position(luck.owed());
    let owed = owed.filter(|position| tier.members.binary_search(position).is_ok());
    if let Some(position) = owed.filter(|position| fits(*position)) {
        luck.owe(EndpointId::NONE);
        return Some(position);
    }
    let turn = luck.turn(rota.len());
    let (position, skipped) = round_robin::next_in_turn(rota, turn, fits)?;
    luck.skip(skipped);
    let passed_over = round_robin::from_turn(rota, turn).take_while(|other| *other != position);
    let owed = owed.into_iter().chain(passed_over).find(|other| is_left_due(field, wish, *other));
    luck.owe(owed.map_or(EndpointId::NONE, |position| field.member(position).id));
    Some(position)
}

/// True if the endpoint is due, and left to those that can afford the probe.
fn is_left_due(field: &Field<'_>, wish: &Wish<'_>, position: u32) -> bool {
    let (member, nobody) = (field.member(position), Tried::default());
    let gauge = gauge(field, wish, &nobody, (Level::Usable, Round::Untried));
    wish.probes != Probes::Due
        && !gauge.fits(member)
        && Gauge { probes: Probes::Due, ..gauge }.fits(member)
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
    let next = barred.map(|(member, _)| filter::next_probe(member, wish.scope));
    next.min().map_or(Refusal::Nobody, |at| Refusal::AllOpen(at.max(wish.now)))
}
