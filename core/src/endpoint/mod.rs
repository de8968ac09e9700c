//! Endpoints: what they are, how they are doing, and the immutable sets that readers see.
mod change;
pub mod document;
mod ended;
#[expect(clippy::module_inception, reason = "the file is named after its one concept")]
mod endpoint;
mod flow;
mod health_check;
mod registry;
mod reported;
mod retired;
mod roster;
mod scope;
mod scopes;
mod slots;
mod snapshot;
mod state;
mod status;
mod watchers;

pub use change::Change;
pub use ended::Ended;
pub use endpoint::{Endpoint, EndpointId};
pub(crate) use flow::Flow;
pub use health_check::{CheckKind, HealthCheck};
pub(crate) use registry::Part;
pub use registry::{Changes, Registry};
pub use reported::Reported;
use retired::Retired;
pub use scope::Scope;
pub use slots::Slots;
pub(crate) use snapshot::label_hash;
pub use snapshot::{Member, Snapshot};
pub use state::EndpointState;
pub use status::{Admin, Circuit, HealthStatus, Status};
pub use watchers::{EVERY_SERVICE, Subscriber};
