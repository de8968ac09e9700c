//! Weights that have to be scaled are told of, once, wherever they come from.

use std::time::Duration;

use failover::{Endpoint, Manager};

fn heavy(id: &str, weight: u32) -> Endpoint {
    let mut endpoint = Endpoint::new(id, "users", "127.0.0.1", 1);
    endpoint.weight = Some(weight);
    endpoint
}

fn manager(policy: &str) -> Manager {
    Manager::from_json(&format!(r#"{{"seed": 1, "failover": {policy}}}"#)).expect("valid")
}

const WEIGHTED: &str = r#"{"strategy": "weighted"}"#;
const SCALED: &str =
    "memory/users: weights that add up to over 65536 were scaled, so shares are nearly exact";

#[test]
fn a_set_that_is_scaled_is_told_of_once() {
    let manager = manager(WEIGHTED);
    let logs = manager.subscribe_logs(10);
    let told = || -> Vec<String> {
        logs.poll(10, Duration::ZERO).iter().map(|one| one.message.to_string()).collect()
    };
    manager.register_endpoint(None, heavy("a", 1_000_000)).expect("a fresh id");
    let _pool = manager.pool(None, Some("users")).expect("the service exists");
    assert_eq!(told(), [""; 0], "one endpoint has no weight worth a table");

    manager.register_endpoint(None, heavy("b", 999_999)).expect("a fresh id");
    assert_eq!(told(), [SCALED]);
    manager.register_endpoint(None, heavy("c", 1)).expect("a fresh id");
    assert_eq!(told(), [""; 0], "it was told already");

    manager.publish(None, vec![heavy("a", 2), heavy("b", 1)]).expect("a valid set");
    manager.publish(None, vec![heavy("a", 1_000_000), heavy("b", 1)]).expect("a valid set");
    assert_eq!(told(), [SCALED], "they were exact between");
}

#[test]
fn a_new_pool_and_a_new_policy_tell_of_scaled_weights() {
    let manager = manager("{}");
    let logs = manager.subscribe_logs(10);
    manager.publish(None, vec![heavy("a", 1_000_000), heavy("b", 1)]).expect("a valid set");
    let pool = manager.pool(None, Some("users")).expect("the service exists");
    assert!(logs.poll(10, Duration::ZERO).is_empty(), "round robin has no weights");

    manager.configure(WEIGHTED).expect("a valid policy");
    assert_eq!(&*logs.poll(10, Duration::ZERO)[0].message, SCALED);

    let _derived = pool.derive(r#"{"max_retries": 1}"#).expect("a valid policy");
    assert_eq!(&*logs.poll(10, Duration::ZERO)[0].message, SCALED);
}
