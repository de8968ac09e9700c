//! A check of the program's own: here, one that asks a table instead of a server.
//!
//! It runs on the library's background thread, so a check that waits has to do so as a future.

use std::error::Error;
use std::io::{self, Write as _};
use std::sync::Arc;

use failover::endpoint::CheckKind;
use failover::health::CheckResult;
use failover::{Endpoint, HealthCheck, Manager, Request};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    let manager = Manager::from_json("{}")?;
    manager.set_check_function(Arc::new(|endpoint, _timeout| {
        let is_good = &*endpoint.id != "a";
        Box::pin(async move { CheckResult::reported(is_good, "the table says so") })
    }));

    for (id, port) in [("a", 8081), ("b", 8082)] {
        let mut check = HealthCheck::default();
        check.kind = CheckKind::Custom;
        let endpoint = Endpoint::new(id, "users", "127.0.0.1", port).with_health_check(check);
        manager.register_endpoint(None, endpoint)?;
    }
    // Checks go on by themselves; this one is made now and waited for. The first one decides at once,
    // later ones only by rise and fall.
    for (id, health) in manager.health_check_all(None)? {
        writeln!(out, "{id} is {}", health.name())?;
    }

    let pool = manager.pool(None, Some("users"))?;
    let lease = pool.pick(&Request::new())?;
    writeln!(out, "picked {}", lease.endpoint().id)?;
    Ok(())
}
