//! What statistics tell beside the numbers that scenarios compare.

use failover::{AdminAction, Endpoint, Manager, Outcome, Request};
use serde_json::Value;

fn endpoint(manager: &Manager) -> Value {
    let all = manager.stats();
    let stats = &all["memory"]["endpoints"]["a"];
    serde_json::json!({ "by": stats["changed_by"], "ago": stats["changed_ago_ns"] })
}

#[test]
fn an_endpoint_tells_what_changed_it_last() {
    let document = r#"{"seed": 1, "clock": "manual",
        "failover": {"circuit_breaker": {"failure_threshold": 2, "jitter": 0}}}"#;
    let manager = Manager::from_json(document).expect("the document is valid");
    let place = Endpoint::new("a", "s", "127.0.0.1", 1);
    manager.register_endpoint(None, place).expect("a fresh id");
    let pool = manager.pool(None, Some("s")).expect("the service exists");
    assert_eq!(endpoint(&manager), serde_json::json!({ "by": "none", "ago": null }));

    for _ in 0..2 {
        pool.pick(&Request::new()).expect("it is usable").report(Outcome::Failure);
    }
    let _is_manual = manager.clock().advance(std::time::Duration::from_secs(1));
    let opened = serde_json::json!({ "by": "failures_in_a_row", "ago": 1_000_000_000 });
    assert_eq!(endpoint(&manager), opened);

    manager.set_admin(None, "a", AdminAction::Drain).expect("it is registered");
    assert_eq!(endpoint(&manager), serde_json::json!({ "by": "program", "ago": 0 }));
}
