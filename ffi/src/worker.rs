//! One reader of work: what a work queue's handle owns.

use std::sync::Arc;
use std::time::Duration;

use failover::lock::Lock;
use failover::{ErrorKind, Result};

use crate::growing::{Array, Grows};
use crate::hub::Hub;
use crate::item::Item;
use crate::queue::Reader;
use crate::wake::Wakers;

/// A reader of work.
#[derive(Debug)]
pub(crate) struct Worker {
    hub: Arc<Hub>,
    /// Also tells this reader from the others of the hub.
    wakers: Arc<Wakers>,
    reader: Reader,
    /// Guards the items of the last poll, whose texts C has borrowed.
    lent: Lock<Vec<Arc<Item>>>,
}

impl Worker {
    /// Opens a reader; refused once the manager is closed.
    pub(crate) fn open(hub: &Arc<Hub>) -> Result<Self> {
        let wakers = Arc::default();
        hub.add_worker(&wakers)?;
        let hub = Arc::clone(hub);
        Ok(Self { hub, wakers, reader: Reader::default(), lent: Lock::default() })
    }

    /// Writes as many items as there are and fit.
    pub(crate) fn poll<C: Grows>(
        &self,
        to: Array<C>,
        timeout: Duration,
        show: impl Fn(&Item) -> C,
    ) -> Result<usize, ErrorKind> {
        let _end = self.reader.enter()?;
        // Before work is taken: what comes after raises it again.
        self.wakers.lower();
        let taken = self.hub.take(&self.wakers, to.capacity(), timeout);
        if taken.as_ref().map_or(true, |items| items.len() == to.capacity()) {
            // More may wait, or the end is to be seen, and nobody tells of it again.
            self.wakers.raise();
        }
        let mut lent = self.lent.lock();
        *lent = taken?;
        for (at, item) in lent.iter().enumerate() {
            to.put(at, &show(item));
        }
        Ok(lent.len())
    }

    /// Who is woken when there is work.
    pub(crate) const fn wakers(&self) -> &Arc<Wakers> {
        &self.wakers
    }

    /// Ends the reader, and a poll that waits in another thread.
    pub(crate) fn close(&self) {
        self.wakers.unset();
        self.hub.remove_worker(&self.wakers);
    }
}
