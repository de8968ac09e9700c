//! The pick: which endpoint serves the next attempt.
//!
//! The steps come in the order of `filter`, `sticky`, `tier`, `locality`, then one algorithm. Only
//! the last step, taking the breaker's pass, has side effects; so `explain` is the same walk
//! without it.
mod config;
mod explain;
mod filter;
mod ip_hash;
mod ladder;
mod least_connections;
mod locality;
mod luck;
mod p2c_ewma;
mod pick;
mod random;
mod round_robin;
mod sticky;
mod tier;
mod weighted;

pub use config::{Algorithm, Balance, Locality, OnAllOpen, Sticky, Strategy};
pub use explain::Explained;
pub(crate) use explain::{explain, look};
pub use filter::{Filter, Level, Tried};
pub(crate) use filter::{NOTHING, Probes};
pub(crate) use ladder::{candidates, has_untried, refusal};
pub use locality::Place;
pub(crate) use luck::{Lane, Luck, Spot};
pub use p2c_ewma::estimate;
pub(crate) use p2c_ewma::{failed, succeeded};
pub(crate) use pick::{
    Field, Pick, Refusal, Scoped, Why, Wish, at_first_sight, bind, pick, pick_preferred, take,
};
pub use sticky::SessionKey;
pub(crate) use sticky::StickyTable;
pub use tier::Tables;
pub(crate) use weighted::LONGEST_TABLE;
