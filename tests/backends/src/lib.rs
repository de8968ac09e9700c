//! Real local servers that misbehave on command, for tests, examples and the demo.
//!
//! A failover library is only as good as what it was tried against. A mock answers as its author
//! imagined; these are real sockets that refuse, reset, hang, stall and cut bodies short, so that
//! what a client of any language sees is what the operating system does. Everything stays on
//! 127.0.0.1.
//!
//! Rust tests start a [`Backend`] inside their own process; every other language starts the
//! `failover-backend` binary, which is a thin command line over the same type, and steers it
//! through its control port.
//!
//! # Examples
//!
//! ```
//! use failover_backends::{Backend, Mode, Scope};
//!
//! # fn main() -> std::io::Result<()> {
//! let mut backend = Backend::start("a")?;
//! backend.set(Mode::Status(503).retry_after(2).only(Scope::Work))?;
//! assert_eq!(backend.stats().requests, 0);
//!
//! backend.set(Mode::Refuse)?;
//! assert!(std::net::TcpStream::connect(("127.0.0.1", backend.port())).is_err());
//!
//! backend.set(Mode::Ok)?;
//! assert!(std::net::TcpStream::connect(("127.0.0.1", backend.port())).is_ok());
//! backend.kill();
//! # Ok(())
//! # }
//! ```
#![expect(clippy::disallowed_types, reason = "a test server never forks")]

mod backend;
mod behaviour;
mod certificates;
mod connection;
mod control;
mod dns;
mod door;
mod driver;
mod fault;
mod mode;
mod scope;
mod service;
mod state;
mod stats;
mod tls;

pub use backend::{Backend, Options};
pub use behaviour::Behaviour;
pub use certificates::Certificates;
pub use dns::{DnsData, DnsMode, DnsServer, DnsStats};
pub use mode::Mode;
pub use scope::Scope;
pub use stats::Stats;
pub use tls::TlsFiles;
