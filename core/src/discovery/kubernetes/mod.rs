//! Endpoints of Kubernetes services, from the EndpointSlices of the API server.
//!
//! The crate `kube` brings configuration, credentials and TLS. The list and the watch are our own,
//! since what goes wrong there decides whether a fleet survives the restart of its API server:
//! retries that grow while the very first list fails, versions that are too old or too new, and
//! connections that are open on one side alone.
mod backoff;
mod connect;
mod failure;
mod gate;
mod lane;
mod lines;
mod options;
mod ports;
mod provider;
mod refusal;
mod request;
mod service;
mod session;
mod slices;
mod task;
mod token;
mod transport;
mod view;
mod watch;
mod wire;

pub use options::{Access, IpFamily, Options, Port};
pub use provider::Kubernetes;
