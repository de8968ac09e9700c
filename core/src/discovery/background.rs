//! What every background task of a manager has at hand.
//!
//! It stands here because discovery is the lowest area that works in the background; health checks
//! use the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::clock::{Clock, Nanos};
use crate::events::{Bus, Event};

/// What every background task of a manager has at hand.
#[derive(Clone, Debug)]
pub struct Background {
    /// The manager's clock.
    pub clock: Clock,
    /// The manager's seed. A forked child has another one, unless the program fixed it.
    pub seed: Arc<AtomicU64>,
    /// The manager's events.
    pub events: Arc<Bus<Event>>,
    /// True once the manager is closed: then every task ends.
    pub is_closed: Arc<AtomicBool>,
}

impl Background {
    /// The time now.
    #[must_use]
    pub fn now(&self) -> Nanos {
        self.clock.now()
    }

    /// The seed in force.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed.load(Ordering::Relaxed)
    }

    /// True once the manager is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        // Acquire pairs with the Release of whoever closes.
        self.is_closed.load(Ordering::Acquire)
    }
}
