//! Sets that the program pushes, where no task of the library's applies what is due later.
//!
//! `cargo test -p libfailover --no-default-features --test pushed`; with the runtime, whose task does
//! it, there is nothing here.
#![cfg(not(feature = "runtime"))]

use std::time::Duration;

use failover::{Endpoint, Manager};

fn set(ids: &[&str]) -> Vec<Endpoint> {
    ids.iter().map(|id| Endpoint::new(id, "s", "127.0.0.1", 1)).collect()
}

#[test]
fn a_set_that_is_pushed_right_after_another_applies_at_once() {
    let manager = Manager::from_json(r#"{"seed": 1}"#).expect("the document is valid");
    manager.register_pushed_provider("own").expect("a free name");

    manager.publish(Some("own"), set(&["a"])).expect("a valid set");
    manager.publish(Some("own"), set(&["a", "b"])).expect("a valid set");

    assert_eq!(manager.endpoints(Some("own")).expect("it is registered").len(), 2);
}

#[test]
fn an_empty_set_that_lasted_is_believed_when_somebody_looks() {
    let document = r#"{"seed": 1, "clock": "manual"}"#;
    let manager = Manager::from_json(document).expect("the document is valid");
    manager.register_pushed_provider("own").expect("a free name");
    manager.publish(Some("own"), set(&["a"])).expect("a valid set");
    let held = || manager.endpoints(Some("own")).expect("it is registered").len();

    manager.publish(Some("own"), Vec::new()).expect("a valid set");
    assert_eq!(held(), 1);
    // Past the manager's own verb, which would do what is due: as the machine's clock moves.
    assert!(manager.clock().advance(Duration::from_secs(30)));

    assert_eq!(held(), 0);
}
