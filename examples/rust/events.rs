//! What happens to an endpoint, told as it happens: its breaker opens, and lets a probe in later.
//!
//! The clock is a manual one, so that thirty seconds pass at once.

use std::error::Error;
use std::io::{self, Write as _};
use std::time::Duration;

use failover::{Endpoint, Manager, Outcome, Request};

const CONFIG: &str = r#"{
    "clock": "manual",
    "seed": 1,
    "failover": { "circuit_breaker": { "failure_threshold": 2, "success_threshold": 1 } }
}"#;

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    let manager = Manager::from_json(CONFIG)?;
    manager.register_endpoint(None, Endpoint::new("a", "users", "127.0.0.1", 8081))?;
    let pool = manager.pool(None, Some("users"))?;
    // No kinds are all kinds; who doesn't read loses the oldest of a hundred.
    let events = manager.subscribe(&[], 100);

    for _ in 0..2 {
        pool.pick(&Request::new())?.report(Outcome::Failure);
    }
    // A minute is longer than the breaker's thirty seconds with their jitter.
    manager.advance(Duration::from_secs(60))?;
    pool.pick(&Request::new())?.report(Outcome::Success);

    for event in events.poll(100, Duration::ZERO) {
        let endpoint = event.endpoint.as_ref().map_or("-", |endpoint| &*endpoint.id);
        writeln!(out, "{} of {endpoint}: {}", event.kind.name(), event.reason)?;
    }
    Ok(())
}
