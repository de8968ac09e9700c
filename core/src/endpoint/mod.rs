//! Endpoints: what they are, how they are doing, and the immutable sets that readers see.
mod change;
pub mod document;
mod ended;
#[expect(clippy::module_inception, reason = "the file is named after its one concept")]
mod endpoint;
mod health_check;
mod registry;
mod retired;
mod roster;
mod scope;
mod scopes;
mod slots;
mod snapshot;
mod state;

pub use change::Change;
pub use ended::Ended;
pub use endpoint::{Endpoint, EndpointId};
pub use health_check::{CheckKind, HealthCheck};
pub use registry::{Changes, EVERY_SERVICE, Registry, Subscriber};
use retired::Retired;
pub use scope::Scope;
pub use slots::Slots;
pub(crate) use snapshot::label_hash;
pub use snapshot::{Member, Snapshot};
pub(crate) use state::Flow;
pub use state::{Admin, Circuit, EndpointState, HealthStatus, Status};
