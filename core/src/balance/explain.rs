//! Why each endpoint would or would not be picked now.

use super::filter::{self, Gauge, Probes, Round};
use super::ladder::choose;
use super::pick::{Field, Wish, preferred};
use super::{Level, Luck, StickyTable, Tried};

/// What a pick would think of one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explained {
    /// The endpoint's id.
    pub id: std::sync::Arc<str>,
    /// Its priority.
    pub priority: u32,
    /// Its weight in force.
    pub weight: u32,
    /// What speaks against it; absent if nothing does.
    pub objection: Option<&'static str>,
    /// True if the pick would take it.
    pub is_chosen: bool,
}

/// Walks a pick up to where it would take the breaker's pass and bind the session.
///
/// Changes nothing but the cursor and the draws, and not even those if `luck` is dry.
pub(crate) fn look(
    field: &Field<'_>,
    wish: &Wish<'_>,
    luck: &mut Luck<'_>,
) -> Option<(u32, Level)> {
    if let Some((position, _)) = preferred(field, wish, StickyTable::peek) {
        return Some((position, Level::Usable));
    }
    choose(field, wish, &Tried::default(), luck).map(|(position, level, _)| (position, level))
}

/// Walks a pick without its side effects.
pub(crate) fn explain(
    field: &Field<'_>,
    wish: &Wish<'_>,
    mut luck: Luck<'_>,
) -> (Vec<Explained>, Option<Level>) {
    let refused = Tried::default();
    let found = look(field, wish, &mut luck);
    let gauge = Gauge {
        now: wish.now,
        rules: field.breaker,
        filter: wish.filter,
        tried: wish.tried,
        refused: &refused,
        scope: wish.scope,
        round: Round::Untried,
        level: Level::Usable,
        probes: Probes::Due,
    };
    let members = (0_u32..).zip(field.snapshot.members());
    let list = members
        .map(|(position, member)| {
            let weight = field.tables.weight(position);
            Explained {
                id: std::sync::Arc::clone(&member.endpoint.id),
                priority: member.endpoint.priority,
                weight,
                objection: filter::objection(member, &gauge, weight),
                is_chosen: found.is_some_and(|(chosen, _)| chosen == position),
            }
        })
        .collect();
    (list, found.map(|(_, level)| level))
}
