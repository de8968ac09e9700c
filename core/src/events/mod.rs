//! What happened: events with stable names and log records, on bounded rings.
mod bus;
mod event;
mod log;

pub use bus::{Bus, Record, Subscription};
pub use event::{Event, EventKind, Reason};
pub use log::{Level, Log, LogRecord};
