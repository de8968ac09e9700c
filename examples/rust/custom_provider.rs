//! Endpoints from a source of the program's own: here, lines of text.
//!
//! The library asks for the whole set, again and again; a set that can't be read changes nothing.

use std::error::Error;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use failover::discovery::{BoxFuture, Provider};
use failover::{Endpoint, ErrorKind, Manager, Outcome, Request};

/// An inventory with one server on each line: id and port.
struct Inventory(&'static str);

impl Provider for Inventory {
    fn kind(&self) -> &'static str {
        "inventory"
    }

    fn list(&self) -> BoxFuture<'_, failover::Result<Vec<Endpoint>>> {
        Box::pin(async { self.0.lines().map(endpoint).collect() })
    }
}

/// Reads one line.
fn endpoint(line: &str) -> failover::Result<Endpoint> {
    line.split_once(' ')
        .and_then(|(id, port)| Some(Endpoint::new(id, "users", "127.0.0.1", port.parse().ok()?)))
        .ok_or_else(|| failover::Error::new(ErrorKind::Provider, format!("not a server: {line:?}")))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    let manager = Manager::from_json("{}")?;
    manager.register_provider("inventory", Arc::new(Inventory("a 8081\nb 8082")))?;
    manager.wait_ready(Duration::from_secs(10))?;

    let pool = manager.pool(Some("inventory"), Some("users"))?;
    for _ in 0..3 {
        let lease = pool.pick(&Request::new())?;
        writeln!(out, "picked {}", lease.endpoint().url("/"))?;
        lease.report(Outcome::Success);
    }
    Ok(())
}
