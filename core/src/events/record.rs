//! What events and log records have in common, so that one bus serves both.

use super::{Event, LogRecord};

/// What a bus carries: something with a number and a time.
pub trait Record: Clone + Send {
    /// Sets number and wall time.
    fn stamp(&mut self, sequence: u64, time: u64);
    /// The number.
    fn sequence(&self) -> u64;
    /// The bit of a subscriber's mask that lets it through.
    fn mask(&self) -> u64;
}

impl Record for Event {
    fn stamp(&mut self, sequence: u64, time: u64) {
        (self.sequence, self.time) = (sequence, time);
    }

    fn sequence(&self) -> u64 {
        self.sequence
    }

    fn mask(&self) -> u64 {
        1 << self.kind as u32
    }
}

impl Record for LogRecord {
    fn stamp(&mut self, sequence: u64, time: u64) {
        (self.sequence, self.time) = (sequence, time);
    }

    fn sequence(&self) -> u64 {
        self.sequence
    }

    fn mask(&self) -> u64 {
        1 << self.level as u32
    }
}
