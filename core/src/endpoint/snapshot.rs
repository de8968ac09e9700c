//! The endpoints of one service at one moment, with their states: immutable, replaced whole.
//!
//! A pick that reads one snapshot can never pair an endpoint list with a health table of another
//! age. Endpoints that were removed stay in it, out of every pick's sight, until their last lease
//! ended, so that a host can still look up what it was given.

use std::sync::Arc;

use super::{Endpoint, EndpointId, EndpointState};
use crate::rng;

/// One endpoint of a snapshot.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its number.
    pub id: EndpointId,
    /// Its live side.
    pub state: Arc<EndpointState>,
    /// Its description.
    pub endpoint: Arc<Endpoint>,
    /// Hashes of its id, zone and region, 0 where absent: picks compare numbers, not text.
    pub(crate) hash: u64,
    pub(crate) zone: u32,
    pub(crate) region: u32,
}

impl Member {
    pub(crate) fn new(id: EndpointId, endpoint: Arc<Endpoint>, state: Arc<EndpointState>) -> Self {
        let label = |key: &str| endpoint.metadata.get(key).map_or(0, |text| label_hash(text));
        Self {
            id,
            hash: rng::hash(endpoint.id.as_bytes(), 0),
            zone: label("zone"),
            region: label("region"),
            state,
            endpoint,
        }
    }
}

/// The hash by which zones and regions are compared; never 0.
#[expect(
    clippy::cast_possible_truncation,
    reason = "labels are few, and half a hash tells them apart"
)]
pub(crate) fn label_hash(text: &str) -> u32 {
    rng::hash(text.as_bytes(), 1) as u32 | 1
}

/// The endpoints of one service at one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    version: u64,
    members: Box<[Member]>,
    retired: Box<[Member]>,
    /// Positions by ascending id: four bytes an endpoint, where a hash table takes thirty.
    by_id: Box<[u32]>,
}

impl Snapshot {
    /// Composes a snapshot; `members` are in the order of their id bytes.
    pub(crate) fn new(version: u64, members: Vec<Member>, retired: Vec<Member>) -> Self {
        let mut numbered: Vec<(EndpointId, u32)> =
            members.iter().chain(&retired).map(|member| member.id).zip(0..).collect();
        numbered.sort_unstable();
        let by_id = numbered.into_iter().map(|(_, position)| position).collect();
        Self { version, members: members.into(), retired: retired.into(), by_id }
    }

    /// Grows with every change of the set.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// The endpoints in the order of their ids, lost ones included.
    #[must_use]
    pub const fn members(&self) -> &[Member] {
        &self.members
    }

    /// Removed endpoints that may still be leased.
    #[must_use]
    pub const fn retired(&self) -> &[Member] {
        &self.retired
    }

    /// The endpoint of a number, removed ones included.
    ///
    /// `hint` is the position it had in a snapshot of the same set; a wrong one costs a look-up.
    #[must_use]
    #[inline]
    pub fn find(&self, id: EndpointId, hint: u32) -> Option<&Member> {
        match self.members.get(hint as usize) {
            Some(member) if member.id == id => Some(member),
            _ => self.look_up(id),
        }
    }

    /// Where an endpoint stands among [`members`](Self::members).
    #[must_use]
    pub(crate) fn position(&self, id: EndpointId) -> Option<u32> {
        self.place(id).filter(|at| (*at as usize) < self.members.len())
    }

    #[cold]
    fn look_up(&self, id: EndpointId) -> Option<&Member> {
        self.at(self.place(id)?)
    }

    /// Where an endpoint stands among members and retired ones.
    fn place(&self, id: EndpointId) -> Option<u32> {
        let found = self.by_id.binary_search_by_key(&Some(id), |at| self.at(*at).map(|one| one.id));
        found.ok().map(|place| self.by_id[place])
    }

    fn at(&self, place: u32) -> Option<&Member> {
        let place = place as usize;
        self.members.get(place).or_else(|| self.retired.get(place - self.members.len()))
    }
}
