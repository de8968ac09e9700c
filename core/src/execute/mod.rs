//! The call: attempts, waits, deadlines and budget, as a machine and as drivers of it.
mod attempt;
mod backoff;
mod budget;
mod call;
mod classify;
mod config;
mod core;
mod driver;
mod execution;
mod held;
mod plan;
mod request;
mod ticket;

pub use self::core::{Grant, PoolCore, Shared};
pub use attempt::Lease;
pub use budget::RetryBudget;
pub(crate) use call::LONGEST_PROBE;
pub use call::{Action, AttemptRecord, Call, Input};
pub use classify::{Tagged, classify};
pub use config::{Backoff, BudgetConfig, Execute, Nested};
pub use execution::{Attempt, Execution, Failure};
pub use plan::Rules;
pub use request::Request;
pub use ticket::Tickets;
