//! A glance finds who would be picked, and takes nothing.

use std::time::Duration;

use failover::{AdminAction, Endpoint, ErrorKind, Manager, Outcome, Pool, Request};
use serde_json::Value;

fn pool(policy: &str) -> (Manager, Pool) {
    let document = format!(r#"{{"seed": 1, "clock": "manual", "failover": {policy}}}"#);
    let manager = Manager::from_json(&document).expect("the document is valid");
    for (id, port) in [("a", 1), ("b", 2), ("c", 3)] {
        let endpoint = Endpoint::new(id, "s", "127.0.0.1", port);
        manager.register_endpoint(None, endpoint).expect("free id");
    }
    let pool = manager.pool(None, Some("s")).expect("the service exists");
    (manager, pool)
}

fn ids(pool: &Pool, request: &Request, count: usize) -> Vec<String> {
    let found = (0..count).map(|_| pool.glance(request).expect("somebody is usable"));
    found.map(|endpoint| endpoint.id.to_string()).collect()
}

fn endpoints(manager: &Manager) -> Value {
    manager.stats()["memory"]["endpoints"].clone()
}

#[test]
fn glances_take_turns_with_picks_and_are_counted_nowhere() {
    let (manager, pool) = pool("{}");
    let before = (manager.stats(), manager.recent_events(9).len());

    assert_eq!(ids(&pool, &Request::new(), 4), ["a", "b", "c", "a"]);

    assert_eq!((manager.stats(), manager.recent_events(9).len()), before);
    assert_eq!(&*pool.pick(&Request::new()).expect("usable").endpoint().id, "b");
}

#[test]
fn a_glance_leaves_the_probes_to_those_that_report() {
    let (manager, pool) = pool(r#"{"circuit_breaker": {"failure_threshold": 1, "jitter": 0}}"#);
    pool.pick(&Request::new()).expect("usable").report(Outcome::Failure);
    for seconds in [30, 300] {
        manager.advance(Duration::from_secs(seconds)).expect("a manual clock");
        assert!(ids(&pool, &Request::new(), 6).iter().all(|id| id != "a"), "a is due");
    }
    for id in ["b", "c"] {
        manager.set_admin(None, id, AdminAction::Maintain).expect("it is there");
    }
    assert_eq!(ids(&pool, &Request::new(), 1), ["a"], "nobody else is left");

    assert_eq!(endpoints(&manager)["a"]["circuit"], "open", "no probe was taken");
    manager.set_admin(None, "a", AdminAction::ForceOpen).expect("it is there");
    let refused = pool.glance(&Request::new()).expect_err("held open");
    assert_eq!(refused.kind(), ErrorKind::CircuitOpen);
}

#[test]
fn a_glance_follows_a_session_and_binds_none() {
    let (manager, pool) = pool(r#"{"load_balancer": {"sticky": true, "sticky_ttl": "10s"}}"#);
    let alice = Request::new().session("alice");
    assert_eq!(ids(&pool, &alice, 3), ["a", "b", "c"], "bound to nobody");
    let bound = pool.pick(&alice).expect("usable").endpoint().id.to_string();

    assert_eq!(ids(&pool, &alice, 2), [&*bound, &*bound]);

    manager.advance(Duration::from_secs(9)).expect("a manual clock");
    assert_eq!(ids(&pool, &alice, 1), [&*bound]);
    manager.advance(Duration::from_secs(2)).expect("a manual clock");
    assert_eq!(ids(&pool, &alice, 2), ["b", "c"], "a look kept it bound no longer");
}

#[test]
fn a_glance_in_a_scope_sees_its_breaker_and_makes_none() {
    let (manager, pool) = pool(r#"{"circuit_breaker": {"failure_threshold": 1}}"#);
    let of = |name| Request::new().scope(name).expect("a short name");
    pool.pick(&of("chat")).expect("usable").report(Outcome::Failure);

    assert!(ids(&pool, &of("chat"), 6).iter().all(|id| id != "a"));
    let _six = ids(&pool, &of("embed"), 6);

    assert!(endpoints(&manager)["b"].get("scopes").is_none());
}
