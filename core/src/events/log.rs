//! Log records for programs that have no tracing subscriber: filtered first, then drained.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Bus, Subscription};

/// How much a record matters; a filter lets its own level and those above through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u32)]
pub enum Level {
    /// Nothing.
    Off = 0,
    /// Something failed.
    Error = 1,
    /// Something needs attention.
    #[default]
    Warn = 2,
    /// Something changed.
    Info = 3,
    /// What an engineer looks for.
    Debug = 4,
    /// Everything.
    Trace = 5,
}

impl Level {
    /// Every level, the fewest records first.
    const ALL: [Self; 6] =
        [Self::Off, Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// The level of a name in documents.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// The name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// One line for people.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LogRecord {
    /// Its number in the manager.
    pub sequence: u64,
    /// Wall time in nanoseconds since 1970.
    pub time: u64,
    /// How much it matters.
    pub level: Level,
    /// The area that wrote it: `discovery`, `health`, …
    pub target: &'static str,
    /// The line.
    pub message: Arc<str>,
}

impl LogRecord {
    /// Makes a record; number and time are set when it is emitted.
    #[must_use]
    pub fn new(level: Level, target: &'static str, message: &str) -> Self {
        Self { sequence: 0, time: 0, level, target, message: message.into() }
    }
}

/// Where log records go: the program's tracing, and those who subscribed.
#[derive(Debug)]
pub struct Log {
    records: Arc<Bus<LogRecord>>,
    /// The least severe level that subscribers get.
    level: AtomicU32,
}

impl Log {
    /// Makes a log that keeps records of `level` and above.
    #[must_use]
    pub fn new(level: Level) -> Self {
        Self { records: Arc::new(Bus::new()), level: AtomicU32::new(level as u32) }
    }

    /// Writes a record, if its level is kept. The program's own code may run: hold no lock.
    #[cfg_attr(
        feature = "kubernetes",
        expect(clippy::cognitive_complexity, reason = "kube makes tracing's macros write twice")
    )]
    pub fn write(&self, level: Level, target: &'static str, message: &str) {
        self.keep(level, target, message);
        match level {
            Level::Error => tracing::error!(target: "failover", area = target, "{message}"),
            Level::Warn => tracing::warn!(target: "failover", area = target, "{message}"),
            _ => tracing::debug!(target: "failover", area = target, "{message}"),
        }
    }

    /// Writes a record for those alone who subscribed, if its level is kept.
    pub(crate) fn keep(&self, level: Level, target: &'static str, message: &str) {
        if level as u32 <= self.level.load(Ordering::Relaxed) {
            self.records.emit(LogRecord::new(level, target, message));
        }
    }

    /// Sets the least severe level that is kept.
    pub fn set_level(&self, level: Level) {
        self.level.store(level as u32, Ordering::Relaxed);
    }

    /// Subscribes to the records that are kept; at most `capacity` wait unread.
    #[must_use]
    pub fn subscribe(&self, capacity: usize) -> Subscription<LogRecord> {
        self.records.subscribe(u64::MAX, capacity)
    }
}
