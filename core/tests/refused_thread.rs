//! What is left behind where the system refuses the library's background thread: nothing.
//!
//! It is refused for want of memory for its stack, in a process of its own: the test starts itself
//! again with that setting.
#![cfg(feature = "runtime")]

use std::process::Command;
use std::sync::Arc;

use failover::discovery::{BoxFuture, Provider};
use failover::{Endpoint, ErrorKind, HealthCheck, Manager, Result};

const NAME: &str = "nothing_is_half_registered_and_the_next_one_asks_again";

/// Set where threads are refused.
const REFUSED: &str = "FAILOVER_TEST_REFUSED";

#[test]
fn nothing_is_half_registered_and_the_next_one_asks_again() {
    if std::env::var_os(REFUSED).is_some() {
        return refused();
    }
    let own = std::env::current_exe().expect("this program");
    let larger_than_memory = (1_u64 << 47).to_string();

    let ran = Command::new(own)
        .args([NAME, "--exact", "--nocapture", "--test-threads=1"])
        .env(REFUSED, "1")
        .env("RUST_MIN_STACK", larger_than_memory)
        .output()
        .expect("it starts");

    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains("1 passed"), "{said}");
}

fn refused() {
    let manager = Manager::from_json(r#"{"seed": 1}"#).expect("the document is valid");
    for round in 0..2 {
        let registered = manager.register_endpoint(None, checked("a"));
        let published = manager.publish(None, vec![checked("a"), checked("b")]);
        let provider = manager.register_provider("own", Arc::new(Fixed));

        for result in [registered, published, provider] {
            let kind = result.map_err(|error| error.kind());
            assert_eq!(kind, Err(ErrorKind::Io), "round {round}");
        }
        assert!(manager.endpoints(None).expect("it is there").is_empty());
        assert_eq!(manager.providers().len(), 1);
    }
    manager.register_endpoint(None, Endpoint::new("a", "s", "h", 1)).expect("it needs no thread");
    let updated = manager.update_endpoint(None, checked("a"));
    assert_eq!(updated.map_err(|error| error.kind()), Err(ErrorKind::Io));
    assert!(manager.endpoint(None, "a").expect("it is there").health_check.is_none());
}

fn checked(id: &str) -> Endpoint {
    Endpoint::new(id, "s", "127.0.0.1", 1).with_health_check(HealthCheck::default())
}

struct Fixed;

impl Provider for Fixed {
    fn kind(&self) -> &'static str {
        "fixed"
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Endpoint>>> {
        Box::pin(async { Ok(vec![checked("a")]) })
    }
}
