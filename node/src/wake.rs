//! The one way from other threads to the loop: a bell that the manager's queues ring.

use std::sync::Arc;

use failover::lock::Lock;

use crate::bell::Bell;

/// Where the work and the queues of one manager find its bell, once the package has hung one up.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    /// Guards the bell.
    bell: Lock<Option<Arc<Bell>>>,
}

impl Wake {
    /// Hangs up a bell in place of the one before.
    pub(crate) fn hang(&self, bell: Arc<Bell>) {
        let before = self.bell.lock().replace(bell);
        before.iter().for_each(Bell::retire);
    }

    /// Rings, if there is a bell.
    pub(crate) fn ring(&self) {
        let bell = self.bell.lock().clone();
        if let Some(bell) = bell {
            bell.ring();
        }
    }

    /// Says whether the bell keeps the process alive; on the loop's thread.
    pub(crate) fn hold(&self, is_held: bool) {
        let bell = self.bell.lock().clone();
        if let Some(bell) = bell {
            bell.hold(is_held);
        }
    }

    /// Takes the bell down; on the loop's thread.
    pub(crate) fn silence(&self) {
        let bell = self.bell.lock().take();
        bell.iter().for_each(Bell::retire);
    }
}
