//! Endpoints by DNS: the addresses of a name, or its service records.
//!
//! Each service is a name of its own, asked again when the answer's time is over. Servers are asked by
//! `hickory-resolver`; everything that decides something is here: which server next, whether an answer
//! may be believed, how long it is good. A resolver that does these by itself caches by the machine's
//! clock, takes the first refusal for the last word, and doesn't say which server gave it.

mod answer;
mod config;
mod convert;
mod lookup;
mod name;
mod provider;
mod servers;
mod system;
mod ttl;

pub use config::{DnsOptions, DnsRecords, IpFamily};
pub use provider::Dns;
