//! One reader of a manager's work: the source of a work queue.

use std::sync::Arc;
use std::time::Duration;

use failover::{ErrorKind, Result};

use crate::hub::Hub;
use crate::item::Item;
use crate::queue::{Queue, Source};
use crate::wake::Wakers;

/// A reader of work.
#[derive(Debug)]
pub(crate) struct Worker {
    hub: Arc<Hub>,
    /// Also tells this reader from the others of the hub.
    wakers: Arc<Wakers>,
}

impl Worker {
    /// Opens a queue of work; refused once the manager is closed.
    pub(crate) fn open(hub: &Arc<Hub>) -> Result<Queue<Self>> {
        let wakers = Arc::default();
        hub.add_worker(&wakers)?;
        let worker = Self { hub: Arc::clone(hub), wakers: Arc::clone(&wakers) };
        Ok(Queue::new(worker, wakers))
    }
}

impl Source for Worker {
    type Record = Arc<Item>;

    fn take(&self, most: usize, timeout: Duration) -> Result<Vec<Arc<Item>>, ErrorKind> {
        self.hub.take(&self.wakers, most, timeout)
    }

    /// The hub calls them since the reader was opened.
    fn listen(&self, wakers: &Arc<Wakers>) {
        if self.hub.has_news(wakers) {
            wakers.call();
        }
    }

    fn close(&self) {
        self.hub.remove_worker(&self.wakers);
    }
}
