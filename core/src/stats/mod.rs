//! Counting without locks: stripes by thread, a log-linear histogram, merged when read.
mod counters;
mod histogram;
mod stripe;

pub use counters::{Counters, Tally, Totals};
pub use histogram::Histogram;
pub(crate) use stripe::{Count, forget_other_threads};
pub use stripe::{Mine, Stripe, Stripes, stripe_count};
