//! Providers through the manager: sets that are pushed, files whose endpoints are checked.
#![cfg(feature = "runtime")]

use std::time::Duration;

use failover::events::EventKind;
use failover::{Endpoint, Manager};
use failover_backends::Backend;

const PATIENCE: Duration = Duration::from_secs(20);

fn endpoint(id: &str) -> Endpoint {
    Endpoint::new(id, "s", "127.0.0.1", 1)
}

#[test]
fn a_set_that_is_pushed_right_after_another_applies_too() {
    let manager = Manager::from_json(r#"{"seed": 1}"#).expect("the document is valid");
    manager.register_pushed_provider("own").expect("a free name");
    let updates = manager.subscribe(&[EventKind::DiscoveryUpdate], 16);

    manager.publish(Some("own"), vec![endpoint("a")]).expect("a valid set");
    manager.publish(Some("own"), vec![endpoint("a"), endpoint("b")]).expect("a valid set");

    let told: usize = (0..2).map(|_| updates.poll(1, PATIENCE).len()).sum();
    assert_eq!(told, 2, "each set is told of once it applies");
    assert_eq!(manager.endpoints(Some("own")).expect("it is registered").len(), 2);
}

#[test]
fn endpoints_of_a_file_are_checked() {
    let backend = Backend::start("a").expect("a server on loopback");
    let path = std::env::temp_dir().join(format!("failover-sources-{}.json", std::process::id()));
    let port = backend.port();
    let set = format!(
        r#"[{{"id": "a", "name": "s", "address": "127.0.0.1", "port": {port}, "protocol": "http",
             "health_check": {{"path": "/health"}}}}]"#
    );
    std::fs::write(&path, set).expect("the folder can be written");
    let path_text = path.to_str().expect("a plain path");
    let document = format!(
        r#"{{"seed": 1, "providers": {{"list": {{"type": "file", "path": "{path_text}"}}}}}}"#
    );

    let manager = Manager::from_json(&document).expect("the document is valid");
    manager.wait_ready(PATIENCE).expect("the file is read");

    let seen = backend.wait_for(PATIENCE, |stats| stats.requests >= 1);
    std::fs::remove_file(&path).expect("the file is ours");
    assert!(seen.is_ok(), "the server was never checked");
    let info = manager.provider_info();
    assert!(info.iter().all(|provider| provider.is_ready), "{info:?}");
}
