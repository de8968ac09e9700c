//! A DNS server whose zone and manners a test changes while it runs.
//!
//! Queries come and answers go over real UDP and TCP sockets on 127.0.0.1, so that what a resolver
//! sees of a truncated, refused, garbled or missing answer is what it would see in production.

mod data;
mod mode;
mod reply;
mod server;
mod socket;
mod stats;
mod zone;

pub use data::DnsData;
pub use mode::DnsMode;
pub use server::DnsServer;
pub use stats::DnsStats;
