//! Hands out endpoint numbers: small slots that are reused, generations that never are.

use super::EndpointId;
use crate::lock::Lock;

/// The slots of one manager.
#[derive(Debug, Default)]
pub struct Slots {
    /// Guards the free list; taken when an endpoint comes or goes, never by a pick.
    inner: Lock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    generations: Vec<u32>,
    free: Vec<u32>,
}

impl Slots {
    /// Takes a slot with a generation that it never had.
    pub(crate) fn take(&self) -> EndpointId {
        let mut inner = self.inner.lock();
        let slot = inner.free.pop().unwrap_or_else(|| {
            inner.generations.push(0);
            u32::try_from(inner.generations.len() - 1).unwrap_or(u32::MAX)
        });
        let generation = &mut inner.generations[slot as usize];
        // 0 stays free for "no endpoint", also after four billion users.
        *generation = generation.wrapping_add(1).max(1);
        EndpointId::new(slot, *generation)
    }

    /// Gives a slot back, once no lease and no reader knows its endpoint any more, or its registry is gone.
    pub(crate) fn give_back(&self, id: EndpointId) {
        let mut inner = self.inner.lock();
        inner.free.push(id.slot());
    }
}
