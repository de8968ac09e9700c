//! The program's own word on an endpoint, where a scenario can't say it.

use std::time::Duration;

use failover::{AdminAction, Endpoint, ErrorKind, Manager, Outcome, Request};

#[test]
fn waiting_for_a_drain_leaves_the_programs_clock_alone() {
    let document = r#"{"seed": 1, "clock": "manual", "auto_advance": true}"#;
    let manager = Manager::from_json(document).expect("the document is valid");
    manager.register_endpoint(None, Endpoint::new("a", "s", "127.0.0.1", 1)).expect("a free id");
    let pool = manager.pool(None, None).expect("the only service");
    let lease = pool.pick(&Request::new()).expect("usable");
    manager.set_admin(None, "a", AdminAction::Drain).expect("it is registered");

    let left = manager.wait_drained(None, "a", Duration::from_millis(1));
    lease.report(Outcome::Success);
    let drained = manager.wait_drained(None, "a", Duration::from_secs(60));

    assert_eq!(left.map_err(|error| error.kind()), Err(ErrorKind::Timeout));
    assert!(drained.is_ok());
    assert_eq!(manager.clock().now(), 0);
}

#[test]
fn who_waits_for_the_last_attempts_of_a_closed_manager_is_told_that_it_is_closed() {
    let manager = Manager::from_json(r#"{"seed": 1}"#).expect("the document is valid");
    manager.register_endpoint(None, Endpoint::new("a", "s", "127.0.0.1", 1)).expect("a free id");
    let pool = manager.pool(None, None).expect("the only service");
    let lease = pool.pick(&Request::new()).expect("usable");
    manager.close(Duration::ZERO).expect_err("an attempt is open");

    let left = manager.wait_drained(None, "a", Duration::from_secs(60));
    lease.report(Outcome::Success);
    let drained = manager.wait_drained(None, "a", Duration::ZERO);

    assert_eq!(left.map_err(|error| error.kind()), Err(ErrorKind::Closed));
    assert!(drained.is_ok(), "what was waited for came");
}
