//! Endpoints by DNS: the addresses of a name, or its service records.
//!
//! Each service is a name of its own, asked again when the answer's time is over. `hickory-proto` reads
//! and writes the messages; everything that decides something is here: which server next, whether an
//! answer may be believed, how long it is good. A whole resolver caches by the machine's clock, takes the
//! first refusal for the last word, doesn't say whose word it was, and is a megabyte.

mod answer;
mod config;
mod convert;
mod exchange;
mod lookup;
mod name;
mod provider;
mod servers;
mod system;
mod ttl;

pub use config::{DnsOptions, DnsRecords, IpFamily};
pub use provider::Dns;
