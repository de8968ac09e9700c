//! The orderly end: bounded, safe twice and from any thread, and it says what was still open.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Manager;
use super::manager::Inner;
use crate::clock::wait_for;
use crate::error::{Error, ErrorKind, Result};

impl Manager {
    /// Ends background work and refuses new calls, after waiting up to `timeout` for the open ones.
    ///
    /// Leases that are still open may be returned later; nothing they need is freed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Busy`] with the number of attempts still in flight. The manager is closed all
    /// the same.
    pub fn close(&self, timeout: Duration) -> Result<()> {
        if self.inner.shared.is_closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        // Calls that wait for their next attempt end.
        self.clock().wake();
        wait_for(timeout, &|| self.in_flight() == 0);
        self.inner.stop();
        match self.in_flight() {
            0 => Ok(()),
            open => {
                let text = format!("close: {open} attempts are still in flight");
                let details = serde_json::json!({ "in_flight": open });
                Err(Error::new(ErrorKind::Busy, text).with_details(details))
            }
        }
    }

    /// Attempts in flight over all endpoints of all providers, those that were removed included.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.inner.providers.registries().iter().map(|registry| registry.in_flight()).sum()
    }
}

impl Inner {
    fn stop(&self) {
        self.background.stop();
        self.providers.lock().iter().for_each(|entry| entry.source.stop());
    }
}

impl Drop for Inner {
    /// Ends background work without waiting for it: the last who held the manager didn't close it.
    fn drop(&mut self) {
        // Release pairs with the Acquire of every task's look at it.
        self.shared.is_closed.store(true, Ordering::Release);
        self.stop();
    }
}
