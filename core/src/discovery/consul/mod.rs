//! Consul: services of its catalogue, by blocking queries to an agent.
//!
//! One question is held by the agent until the service changes, so that a change is seen within
//! milliseconds and silence costs nothing. How the files divide it: what is asked (`query`), whom and
//! as whom (`address`, `settings`, `token`, `tls`), over HTTP (`client`), what an answer says (`reply`,
//! `answer`, `entry`) and what may be doubted of it (`rights`, `version`), when to ask again (`index`,
//! `holds`, `rate`, `retry`, all pure), and the loop that holds it together (`watch`). What is registered
//! (`register`) is kept alive (`registrations`, `task`).
mod address;
mod answer;
mod client;
mod entry;
mod failure;
mod holds;
mod index;
mod options;
mod provider;
mod query;
mod rate;
mod register;
mod registrations;
mod reply;
mod retry;
mod rights;
mod settings;
mod source;
mod task;
mod tls;
mod token;
mod version;
mod watch;

pub use options::{CheckedBy, Options, ReadMode, Registration, Tls};
pub use provider::Consul;
