//! Log records for programs that have no tracing subscriber: filtered first, then drained.

use std::sync::Arc;

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
