//! Active checks: what is asked, what counts, when it runs.
mod announce;
mod board;
mod config;
#[cfg(feature = "runtime")]
mod http;
#[cfg(feature = "runtime")]
mod probe;
mod result;
#[cfg(feature = "runtime")]
mod schedule;
#[cfg(feature = "runtime")]
mod task;
#[cfg(feature = "runtime")]
mod tcp;
mod threshold;
#[cfg(feature = "runtime")]
mod tls;

pub use announce::{Audience, announce};
pub use board::{Board, CheckRecord, Recorded};
pub use config::Health;
#[cfg(feature = "runtime")]
pub use probe::{CheckFunction, Prober};
pub use result::{CheckResult, Grade};
#[cfg(feature = "runtime")]
pub use task::{Checker, Hooks, OnPassed};
pub use threshold::{Judged, Threshold};
