//! Configuration: every option once, all faults at once, typed options out.
//!
//! A document goes text → value → checked against the table → typed. After that, invalid
//! values cannot exist, so nothing behind this border checks them again. The same table makes the
//! [JSON Schema](json_schema) and the [reference](reference()).
mod contradiction;
mod document;
mod manager;
mod parse;
mod reference;
mod schema;
mod table;

pub(crate) use contradiction::wrong_name;
pub use document::Policy;
pub use manager::{ClockKind, ForkPolicy, ManagerConfig, ProviderConfig, ProviderKind};
pub use reference::reference;
pub use schema::json_schema;
