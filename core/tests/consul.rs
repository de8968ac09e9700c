//! The Consul provider against a real agent, directly and through a proxy that spoils its answers.
//!
//! An agent is shared where a test doesn't harm it; services tell the tests apart. Without Consul on the
//! machine, and no way to get it, everything here fails with the reason.
#![cfg(feature = "consul")]

#[path = "consul/access.rs"]
mod access;
#[path = "consul/agent.rs"]
mod agent;
#[path = "consul/follower.rs"]
mod follower;
#[path = "consul/http.rs"]
mod http;
#[path = "consul/outages.rs"]
mod outages;
#[path = "consul/proxy.rs"]
mod proxy;
#[path = "consul/reading.rs"]
mod reading;
#[path = "consul/registering.rs"]
mod registering;

use std::sync::OnceLock;

use agent::Agent;
use follower::runtime;

/// The agent of all tests that don't harm it.
fn agent() -> &'static Agent {
    static AGENT: OnceLock<Agent> = OnceLock::new();
    AGENT.get_or_init(Agent::start)
}

/// The same with access control.
fn guarded() -> &'static Agent {
    static AGENT: OnceLock<Agent> = OnceLock::new();
    AGENT.get_or_init(|| Agent::guarded(MASTER))
}

const MASTER: &str = "5ca1ab1e-0000-4000-8000-000000000001";

/// Waits for what a provider is asked.
fn work<T>(future: impl Future<Output = failover::Result<T>>) -> failover::Result<T> {
    runtime().block_on(future)
}
