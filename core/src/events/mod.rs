//! What happened: events with stable names and log records, on bounded rings.
mod bus;
mod event;
mod log;
mod record;
mod subscription;

pub use bus::Bus;
pub use event::{Event, EventKind, Reason};
pub use log::{Level, Log, LogRecord};
pub use record::Record;
pub use subscription::Subscription;
