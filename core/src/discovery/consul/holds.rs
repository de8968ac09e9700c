//! How many questions the agent may hold for this provider.
//!
//! An agent closes the connections of one address beyond 200, and with them questions of others. So a watch
//! takes a place before it has its questions held; one that finds none reads every few seconds, and
//! takes the place of a watch that ends.

use crate::lock::Lock;

/// The places of one provider.
pub(super) struct Holds {
    most: usize,
    /// Guards the count of places taken.
    taken: Lock<Taken>,
}

/// Places taken in one process. In a forked child nobody gives back what the parent's watches hold.
#[derive(Clone, Copy)]
struct Taken {
    process: u32,
    count: usize,
}

/// A place, given back when it is dropped.
pub(super) struct Place<'a> {
    holds: &'a Holds,
    process: u32,
}

impl Holds {
    pub(super) fn new(most: usize) -> Self {
        Self { most, taken: Lock::new(Taken { process: std::process::id(), count: 0 }) }
    }

    /// A place, if one is free.
    pub(super) fn take(&self) -> Option<Place<'_>> {
        let process = std::process::id();
        let mut taken = self.taken.lock();
        if taken.process != process {
            *taken = Taken { process, count: 0 };
        }
        if taken.count >= self.most {
            return None;
        }
        taken.count += 1;
        Some(Place { holds: self, process })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut taken = self.holds.taken.lock();
        if taken.process == self.process {
            taken.count -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_once_it_is_dropped() {
        let holds = Holds::new(2);
        let one = holds.take();
        let two = holds.take();

        assert!(one.is_some() && two.is_some() && holds.take().is_none());
        drop(one);
        assert!(holds.take().is_some());
    }
}
