//! Endpoints: what they are, how they are doing, and the immutable sets that readers see.
mod endpoint;
mod health_check;

pub use endpoint::{Endpoint, EndpointId};
pub use health_check::{CheckKind, HealthCheck};
