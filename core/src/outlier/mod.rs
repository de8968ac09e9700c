//! Passive health.
mod config;
pub use config::Breaker;
