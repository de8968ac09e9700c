//! The public verbs, each a few lines of delegation to the areas.
mod admin;
mod background;
mod change;
#[cfg(feature = "runtime")]
mod deferred;
mod endpoints;
mod fork;
mod health;
#[expect(clippy::module_inception, reason = "the file is named after its one concept")]
mod manager;
mod pool;
mod pools;
mod providers;
mod reload;
mod report;
#[cfg(feature = "runtime")]
mod runtime;
#[cfg(feature = "runtime")]
mod services;
mod shutdown;
mod source;

pub use admin::AdminAction;
#[cfg(feature = "runtime")]
pub use deferred::Deferred;
pub use fork::{after_fork_child, after_fork_parent, before_fork, forks};
pub use manager::Manager;
pub use pool::Pool;
