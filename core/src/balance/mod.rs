//! The pick.
mod config;
pub use config::{Algorithm, Balance, Locality, OnAllOpen, Sticky, Strategy};
