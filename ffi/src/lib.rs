//! The C ABI of libfailover: opaque handles, plain structs, one code per call.
//!
//! Everything that crosses is a fixed-width number, a pointer, a function pointer or a struct of
//! those. Every function runs inside the guard of `boundary`, every handle is checked at each use
//! by `handle`, and policy stays in core: this crate translates, nothing else. `include/failover.h`
//! is generated from it.
#![expect(non_camel_case_types, reason = "types and constants bear the names that C sees")]

mod boundary;
mod call;
mod clock;
mod endpoint;
mod error;
mod events;
mod execute;
mod fork;
mod growing;
mod handle;
mod health;
mod hub;
mod item;
mod lease;
mod logs;
mod manager;
mod outcome;
mod pool;
mod provider;
mod queue;
mod request;
mod shelf;
mod snapshot;
mod stats;
mod status;
mod text;
mod version;
mod wake;
mod work;
mod worker;

#[doc(hidden)]
pub use boundary::guarded;
pub use call::*;
pub use clock::*;
pub use endpoint::*;
pub use error::*;
pub use events::*;
pub use execute::*;
pub use fork::*;
pub use health::*;
pub use lease::*;
pub use logs::*;
pub use manager::*;
pub use outcome::*;
pub use pool::*;
pub use provider::*;
pub use request::*;
pub use snapshot::*;
pub use stats::*;
pub use status::*;
pub use text::*;
pub use version::*;
pub use wake::*;
pub use work::*;
