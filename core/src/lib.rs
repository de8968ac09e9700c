//! One failover engine: endpoints, health, balancing, breakers, retries.
#![forbid(unsafe_code)]

pub mod answer;
pub mod balance;
pub mod clock;
pub mod config;
pub mod discovery;
pub mod duration;
pub mod endpoint;
pub mod error;
pub mod events;
pub mod execute;
pub mod health;
pub mod lock;
pub mod manager;
pub mod outlier;
pub mod rng;
pub mod secret;
pub mod stats;
mod sync;

pub use clock::Clock;
pub use endpoint::{Endpoint, EndpointId, HealthCheck};
pub use error::{Error, ErrorKind, ErrorType, Fault, Result};
pub use execute::{Action, Attempt, Call, Execution, Failure, Input, Lease, Request, Tagged};
pub use manager::{AdminAction, Manager, Pool};
pub use outlier::Outcome;
