//! What a source says of its endpoints: whom picks then leave out, and when they come back.

use failover::endpoint::{HealthStatus, Reported};
use failover::{Endpoint, Manager, Request};

fn endpoint(id: &str, reported: Reported) -> Endpoint {
    Endpoint::new(id, "s", "127.0.0.1", 1).with_reported(reported)
}

/// Who is picked from the set of a source, by id; nobody where there is an error.
fn picked(manager: &Manager, set: Vec<Endpoint>) -> Vec<String> {
    manager.publish(None, set).expect("a valid set");
    let pool = manager.pool(None, Some("s")).expect("the service is known");
    let mut ids: Vec<String> = (0..8)
        .filter_map(|_| pool.pick(&Request::new()).ok())
        .map(|lease| lease.endpoint().id.to_string())
        .collect();
    ids.sort();
    ids.dedup();
    ids
}

#[test]
fn a_pick_takes_the_best_that_the_source_reports() {
    let manager = Manager::from_json(r#"{"clock": "manual", "seed": 1}"#).expect("valid");
    let one = |reported| vec![endpoint("one", reported)];
    let with = |reported| {
        let unknown = endpoint("unknown", Reported::Unknown);
        vec![endpoint("healthy", Reported::Healthy), endpoint("other", reported), unknown]
    };

    for reported in [Reported::Degraded, Reported::Unhealthy, Reported::Draining] {
        assert_eq!(picked(&manager, with(reported)), ["healthy", "unknown"], "{reported:?}");
    }
    assert_eq!(picked(&manager, one(Reported::Degraded)), ["one"]);
    assert_eq!(picked(&manager, one(Reported::Unhealthy)), ["one"], "a source may be wrong");
    assert_eq!(picked(&manager, one(Reported::Draining)), [""; 0]);
}

#[test]
fn what_a_source_reports_is_published_and_changes_with_its_set() {
    let manager = Manager::from_json(r#"{"clock": "manual", "seed": 1}"#).expect("valid");
    manager.publish(None, vec![endpoint("a", Reported::Healthy)]).expect("a valid set");
    let pool = manager.pool(None, Some("s")).expect("the service is known");
    let health = || pool.core().snapshot().members()[0].state.status();

    let mut seen = Vec::new();
    for reported in [
        Reported::Healthy,
        Reported::Degraded,
        Reported::Unhealthy,
        Reported::Draining,
        Reported::Unknown,
    ] {
        manager.publish(None, vec![endpoint("a", reported)]).expect("a valid set");
        assert_eq!(health().reported(), reported);
        seen.push(health().health());
    }

    use HealthStatus::{Degraded, Healthy, Unhealthy, Unknown};
    assert_eq!(seen, [Healthy, Degraded, Unhealthy, Degraded, Unknown]);
}
