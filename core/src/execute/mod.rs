//! The call.
mod config;
pub use config::{Backoff, BudgetConfig, Execute, Nested};
