//! Scopes where scenarios don't reach: many threads, many names, fork, and what an event says.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use failover::{Endpoint, Manager, Outcome, Pool, Request};

fn pool(policy: &str) -> (Manager, Pool) {
    let document = format!(r#"{{"seed": 1, "clock": "manual", "failover": {policy}}}"#);
    let manager = Manager::from_json(&document).expect("the document is valid");
    manager.register_endpoint(None, Endpoint::new("a", "s", "127.0.0.1", 1)).expect("free id");
    let pool = manager.pool(None, Some("s")).expect("the service exists");
    (manager, pool)
}

fn of(scope: &str) -> Request {
    Request::new().scope(scope).expect("a short name")
}

#[test]
fn a_half_open_scope_never_lets_more_than_its_permits_in() {
    let (manager, pool) = pool(
        r#"{"circuit_breaker": {"failure_threshold": 1, "recovery_timeout": "1s", "jitter": 0.0,
            "half_open_max_calls": 3, "success_threshold": 1000000}}"#,
    );
    for _ in 0..50 {
        pool.pick(&of("busy")).expect("closed").report(Outcome::Failure);
        manager.advance(Duration::from_secs(1)).expect("a manual clock");
        let (start, holding) = (Barrier::new(64), Barrier::new(64));
        let granted = AtomicUsize::new(0);

        std::thread::scope(|threads| {
            for _ in 0..64 {
                threads.spawn(|| {
                    start.wait();
                    let lease = pool.pick(&of("busy"));
                    granted.fetch_add(usize::from(lease.is_ok()), Ordering::Relaxed);
                    holding.wait();
                    drop(lease);
                });
            }
        });

        assert_eq!(granted.load(Ordering::Relaxed), 3);
        let stats = manager.stats();
        let endpoint = &stats["memory"]["endpoints"]["a"];
        assert_eq!(endpoint["in_flight"], 0);
        assert_eq!(endpoint["scopes"]["busy"]["in_flight"], 0);
        manager.set_admin(None, "a", failover::AdminAction::Reset).expect("it is there");
    }
}

#[test]
fn a_scope_beyond_the_limit_shares_the_endpoints_own_breaker_and_is_counted() {
    let (manager, pool) = pool(r#"{"circuit_breaker": {"failure_threshold": 2}}"#);
    for number in 0..64 {
        pool.pick(&of(&format!("kept {number}"))).expect("closed").report(Outcome::Success);
    }
    assert_eq!(pool.stats()["scopes_beyond"], 0);

    pool.pick(&of("one too many")).expect("closed").report(Outcome::Failure);
    pool.pick(&of("two too many")).expect("closed").report(Outcome::Failure);

    let stats = manager.stats();
    let endpoint = &stats["memory"]["endpoints"]["a"];
    assert_eq!(endpoint["circuit"], "open");
    assert_eq!(endpoint["scopes"].as_object().map(serde_json::Map::len), Some(64));
    assert_eq!(pool.stats()["scopes_beyond"], 2);
}

#[test]
fn events_of_a_scope_name_it_in_their_reason() {
    let (manager, pool) = pool(
        r#"{"circuit_breaker": {"failure_threshold": 1, "success_threshold": 1, "jitter": 0.0}}"#,
    );
    pool.pick(&of("chat/\"4\"")).expect("closed").report(Outcome::Failure);
    manager.advance(Duration::from_secs(30)).expect("a manual clock");
    pool.pick(&of("chat/\"4\"")).expect("due").report(Outcome::Success);

    let events = manager.recent_events(4);
    let told: Vec<_> = events.iter().rev().map(|one| (one.kind.name(), &*one.reason)).collect();
    assert_eq!(
        told,
        [
            ("circuit_open", r#"scope "chat/\"4\"": bad outcomes in a row"#),
            ("circuit_half_open", r#"scope "chat/\"4\"": its time is over"#),
            ("circuit_close", r#"scope "chat/\"4\"": its probes succeeded"#),
            ("recovery", r#"scope "chat/\"4\"": its breaker closed"#),
        ]
    );
}

#[test]
fn a_grant_of_a_scope_comes_back_as_the_numbers_it_is() {
    let (manager, pool) = pool(r#"{"circuit_breaker": {"failure_threshold": 1}}"#);
    let mut grant = pool.core().grant_one(&of("chat"), 0).expect("closed");
    grant.scope = failover::endpoint::Scope::from_code(65_000);

    assert!(pool.core().report(&grant, Outcome::Failure, 0, 1));

    let stats = manager.stats();
    let endpoint = &stats["memory"]["endpoints"]["a"];
    assert_eq!(endpoint["in_flight"], 0, "numbers that fit nothing still return the attempt");
    assert_eq!(endpoint["circuit"], "open", "and are believed of the endpoint alone");
}
