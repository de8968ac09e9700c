//! How often a server was asked what.
//!
//! A question that is sent again because its answer is late counts once: how often that happens
//! depends on the machine's load, and a test that counted it would too.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hickory_proto::op::Message;

use super::reply::Transport;

/// Counts since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DnsStats {
    /// Questions that came over UDP.
    pub udp: u64,
    /// Questions that came over TCP.
    pub tcp: u64,
    /// Questions by name and type: `("users.example.", "A")`.
    pub questions: BTreeMap<(String, String), u64>,
}

impl DnsStats {
    /// How often the records of a type were asked of a name, which is written with its last dot.
    #[must_use]
    pub fn asked(&self, name: &str, kind: &str) -> u64 {
        self.questions.get(&(name.to_owned(), kind.to_owned())).copied().unwrap_or_default()
    }
}

/// Counts, and those who wait for them.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: Mutex<Counts>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Counts {
    stats: DnsStats,
    /// The number of the last message with each question, by transport.
    last: BTreeMap<(String, String, bool), u16>,
}

impl Tally {
    pub(super) fn count(&self, query: &Message, transport: Transport) {
        let Some(question) = query.queries.first() else { return };
        let name = question.name().to_lowercase().to_string();
        let kind = question.query_type().to_string();
        let is_tcp = transport == Transport::Tcp;
        let mut counts = self.lock();
        let last = counts.last.insert((name.clone(), kind.clone(), is_tcp), query.id);
        if last == Some(query.id) {
            return;
        }
        if is_tcp {
            counts.stats.tcp += 1;
        } else {
            counts.stats.udp += 1;
        }
        *counts.stats.questions.entry((name, kind)).or_default() += 1;
        drop(counts);
        self.changed.notify_all();
    }

    pub(super) fn snapshot(&self) -> DnsStats {
        self.lock().stats.clone()
    }

    /// Blocks until the counts fulfil `is_reached`, and says whether they did.
    pub(super) fn wait_for(
        &self,
        timeout: Duration,
        is_reached: impl Fn(&DnsStats) -> bool,
    ) -> (DnsStats, bool) {
        let counts = self.lock();
        let waited =
            self.changed.wait_timeout_while(counts, timeout, |counts| !is_reached(&counts.stats));
        let (counts, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let stats = counts.stats.clone();
        drop(counts);
        let is_reached = is_reached(&stats);
        (stats, is_reached)
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        // Counts are whole after every step, so a panic elsewhere leaves nothing half-done.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
