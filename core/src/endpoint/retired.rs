//! Removed endpoints, kept until nobody can still hold them.
//!
//! A lease ends normally although its endpoint is gone, so its state and number live on. What it did
//! is added up when it is freed.

use std::sync::Weak;

use super::{Ended, EndpointId, Member, Snapshot, Status};

/// The removed endpoints of one registry.
#[derive(Default)]
pub(super) struct Retired {
    list: Vec<Place>,
    /// What those did that are freed.
    freed: Ended,
}

/// A removed endpoint, and the snapshots in which a reader may still find it.
struct Place {
    member: Member,
    readers: Vec<Weak<Snapshot>>,
}

impl Retired {
    /// Adds an endpoint, with the snapshots that hold it.
    pub(super) fn push(&mut self, member: Member, readers: Vec<Weak<Snapshot>>) {
        member.state.set(Status::RETIRED, 0);
        self.list.push(Place { member, readers });
    }

    /// Those that may still be held.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.list.iter().map(|place| &place.member)
    }

    /// What those did that are freed.
    pub(super) const fn freed(&self) -> Ended {
        self.freed
    }

    /// Frees the endpoints that no reader can still pick and no lease still holds.
    ///
    /// A reader that could start a new attempt holds a snapshot from before the removal; when
    /// those are gone, the in-flight count can only fall.
    pub(super) fn drop_unreachable(&mut self) -> Vec<EndpointId> {
        let (mut ids, freed) = (Vec::new(), &mut self.freed);
        self.list.retain_mut(|place| {
            place.readers.retain(|snapshot| snapshot.strong_count() > 0);
            let is_held = !place.readers.is_empty() || place.member.state.in_flight() > 0;
            if !is_held {
                freed.add(&place.member.state);
                ids.push(place.member.id);
            }
            is_held
        });
        ids
    }
}
