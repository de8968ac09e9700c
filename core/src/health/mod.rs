//! Active checks.
mod config;
pub use config::Health;
