//! What a backend has seen: requests, statuses and connections.
//!
//! A test of failover asks two questions: did the client get its answer, and which server gave
//! it. The counts answer the second from the server's side, where a client's bug cannot hide.
//! Waiting for a count takes the place of sleeping: [`Tally::wait_for`] returns as soon as it is
//! reached.
//!
//! Used by [`crate::state`]; read through [`crate::Backend::stats`] and `/stats`.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

/// Counts of one backend since its start or its last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Requests whose head arrived, answered or not.
    pub requests: u64,
    /// Requests by path, without the query. After 1,000 different paths, new ones are counted
    /// under `other`.
    pub paths: BTreeMap<String, u64>,
    /// Answers by status code. A hung, reset or abandoned request has none.
    pub statuses: BTreeMap<u16, u64>,
    /// Connections open now; a reset of the counts leaves it alone.
    pub open_connections: u64,
    /// Connections accepted, those that were reset at once included.
    pub accepted_connections: u64,
}

impl Stats {
    pub(crate) fn to_json(&self) -> Value {
        let statuses: BTreeMap<String, u64> =
            self.statuses.iter().map(|(status, count)| (status.to_string(), *count)).collect();
        json!({
            "requests": self.requests,
            "paths": self.paths,
            "statuses": statuses,
            "open_connections": self.open_connections,
            "accepted_connections": self.accepted_connections,
        })
    }
}

/// The counts of a running backend, and a way to wait for them.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Guards only the counts; never held while anything else happens.
    counts: Mutex<Stats>,
    changed: Condvar,
}

impl Tally {
    pub(crate) fn snapshot(&self) -> Stats {
        self.lock().clone()
    }

    pub(crate) fn reset(&self) {
        self.change(|stats| {
            *stats = Stats { open_connections: stats.open_connections, ..Stats::default() };
        });
    }

    pub(crate) fn count_request(&self, path: &str) {
        self.change(|stats| {
            stats.requests += 1;
            let is_known = stats.paths.contains_key(path);
            let key = if is_known || stats.paths.len() < PATHS_MAX { path } else { "other" };
            *stats.paths.entry(key.to_owned()).or_default() += 1;
        });
    }

    pub(crate) fn count_status(&self, status: u16) {
        self.change(|stats| *stats.statuses.entry(status).or_default() += 1);
    }

    pub(crate) fn count_accepted(&self) {
        self.change(|stats| stats.accepted_connections += 1);
    }

    pub(crate) fn count_opened(&self) {
        self.change(|stats| stats.open_connections += 1);
    }

    pub(crate) fn count_closed(&self) {
        self.change(|stats| stats.open_connections -= 1);
    }

    /// Blocks until `is_reached` holds, and says whether it did before `timeout`.
    pub(crate) fn wait_for(
        &self,
        timeout: Duration,
        is_reached: impl Fn(&Stats) -> bool,
    ) -> (Stats, bool) {
        let (stats, wait) = self
            .changed
            .wait_timeout_while(self.lock(), timeout, |stats| !is_reached(stats))
            .unwrap_or_else(PoisonError::into_inner);
        (stats.clone(), !wait.timed_out())
    }

    fn change(&self, change: impl FnOnce(&mut Stats)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Stats> {
        // Counts are whole after each change, so a panic elsewhere leaves nothing half-done.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Enough for any test to read, small enough that a soak with a path per request stays small.
const PATHS_MAX: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_beyond_the_limit_are_counted_together() {
        let tally = Tally::default();

        for number in 0..PATHS_MAX + 5 {
            tally.count_request(&format!("/{number}"));
        }
        tally.count_request("/0");

        let stats = tally.snapshot();
        assert_eq!(stats.paths.len(), PATHS_MAX + 1);
        assert_eq!(stats.paths["other"], 5);
        assert_eq!(stats.paths["/0"], 2);
    }

    #[test]
    fn a_reset_forgets_all_but_the_open_connections() {
        let tally = Tally::default();
        tally.count_accepted();
        tally.count_opened();
        tally.count_request("/health");
        tally.count_status(200);

        tally.reset();

        assert_eq!(tally.snapshot(), Stats { open_connections: 1, ..Stats::default() });
    }

    #[test]
    fn a_wait_that_is_not_fulfilled_says_so() {
        let (stats, is_reached) =
            Tally::default().wait_for(Duration::from_millis(1), |stats| stats.requests > 0);

        assert_eq!((stats.requests, is_reached), (0, false));
    }
}
