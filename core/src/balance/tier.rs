//! Endpoints by priority, and the tables that the balancers read: made when set or policy change.

use std::collections::BTreeMap;

use super::round_robin::Rota;
use super::{Algorithm, Balance, least_connections, weighted};
use crate::endpoint::Snapshot;

/// Endpoints of one priority.
#[derive(Debug)]
pub(crate) struct Tier {
    /// Positions in the snapshot, ascending; endpoints of weight 0 are left out.
    pub(crate) members: Rota,
    /// The weighted order, where the algorithm is `weighted`, or breaks ties by weight.
    sequence: Option<Rota>,
}

impl Tier {
    /// What is served in turn.
    #[inline]
    pub(crate) fn rota(&self) -> &Rota {
        self.sequence.as_ref().unwrap_or(&self.members)
    }
}

/// The tables of one snapshot under one policy.
#[derive(Debug, Default)]
pub struct Tables {
    /// From the most preferred tier on.
    pub(crate) tiers: Box<[Tier]>,
    /// Weights by position in the snapshot.
    pub(crate) weights: Box<[u32]>,
    /// True if weights were scaled to keep a table short.
    pub(crate) is_scaled: bool,
}

impl Tables {
    /// Builds the tables.
    #[must_use]
    pub fn new(snapshot: &Snapshot, rules: &Balance) -> Self {
        let weights: Box<[u32]> = snapshot
            .members()
            .iter()
            .map(|member| {
                let own = member.endpoint.weight.unwrap_or(1);
                rules.weights.get(&*member.endpoint.id).copied().unwrap_or(own)
            })
            .collect();
        let mut by_priority: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
        for ((position, member), weight) in (0_u32..).zip(snapshot.members()).zip(&weights) {
            if *weight > 0 {
                by_priority.entry(member.endpoint.priority).or_default().push((position, *weight));
            }
        }
        let mut is_scaled = false;
        let (algorithm, compared) = (rules.algorithm(), least_connections::COMPARED);
        let tiers = by_priority
            .into_values()
            .map(|weighted_members| {
                let is_weighted = algorithm == Algorithm::Weighted
                    || algorithm == Algorithm::LeastConnections
                        && weighted_members.len() <= compared;
                let sequence = is_weighted.then(|| {
                    let (table, scaled) = weighted::sequence(&weighted_members);
                    is_scaled |= scaled;
                    Rota::new(table)
                });
                let members = weighted_members.iter().map(|(at, _)| *at).collect();
                Tier { members: Rota::new(members), sequence }
            })
            .collect();
        Self { tiers, weights, is_scaled }
    }

    /// The weight in force of the endpoint at `position`.
    #[inline]
    pub(crate) fn weight(&self, position: u32) -> u32 {
        self.weights.get(position as usize).copied().unwrap_or(1)
    }
}
