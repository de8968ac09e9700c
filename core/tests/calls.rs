//! Calls driven by hand, where a scenario can't see what matters: what events carry, what a closed
//! manager does, who is chosen how often.

use std::time::Duration;

use failover::endpoint::EndpointId;
use failover::{Action, Call, Endpoint, ErrorKind, Input, Manager, Outcome, Pool, Request};

fn pool(policy: &str, ids: &[&str]) -> (Manager, Pool) {
    let document = format!(r#"{{"seed": 1, "clock": "manual", "failover": {policy}}}"#);
    let manager = Manager::from_json(&document).expect("the document is valid");
    for id in ids {
        let endpoint = Endpoint::new(id, "s", "127.0.0.1", 1);
        manager.register_endpoint(None, endpoint).expect("a fresh id");
    }
    let pool = manager.pool(None, Some("s")).expect("the service exists");
    (manager, pool)
}

fn number(pool: &Pool, id: &str) -> EndpointId {
    let snapshot = pool.core().snapshot();
    snapshot.members().iter().find(|one| &*one.endpoint.id == id).expect("it is registered").id
}

#[test]
fn a_choice_begins_no_attempt_after_a_close() {
    for input in [Input::Tick, Input::Chosen(EndpointId::NONE), Input::Cancel] {
        let (manager, pool) = pool(r#"{"strategy": "custom"}"#, &["a"]);
        let mut call = Call::new(&**pool.core(), Request::new());
        assert_eq!(call.step(Input::Start, 0).expect("a fresh call"), Action::Choose);
        let id = number(&pool, "a");

        manager.close(Duration::ZERO).expect("nothing is open");
        let input = if matches!(input, Input::Chosen(_)) { Input::Chosen(id) } else { input };
        let action = call.step(input, 0).expect("it fits");

        assert_eq!(action, Action::Fail { kind: ErrorKind::Closed }, "{input:?}");
    }
}

#[test]
fn retries_of_least_connections_spread_over_equals_by_weight() {
    let policy = r#"{"strategy": "least_connections", "load_balancer": {"weights": {"c": 2}},
        "circuit_breaker": {"enabled": false}}"#;
    let (_manager, pool) = pool(policy, &["a", "b", "c"]);
    let [a, b, c] = ["a", "b", "c"].map(|id| number(&pool, id));
    let (mut to_b, mut to_c) = (0_u32, 0_u32);
    for _ in 0..4_000 {
        let mut call = Call::new(&**pool.core(), Request::new());
        let mut attempt = 0;
        let mut last = EndpointId::NONE;
        let mut action = call.step(Input::Start, 0);
        while let Ok(Action::Attempt { grant, number, .. }) = action {
            attempt = number;
            to_b += u32::from(last == a && grant.endpoint == b);
            to_c += u32::from(last == a && grant.endpoint == c);
            last = grant.endpoint;
            let outcome = if last == a { Outcome::Unsent } else { Outcome::Success };
            action = call.step(Input::Result { attempt, outcome, latency: 1, hint: 0 }, 0);
        }
        assert_eq!(action.expect("it fits"), Action::Done, "after {attempt}");
    }

    assert!((900..1_100).contains(&(to_b + to_c)), "one first attempt in four goes to a");
    assert!((280..390).contains(&to_b), "a third of them, got {to_b} and {to_c}");
}

#[test]
fn a_position_that_is_no_number_is_an_unknown_one() {
    let (manager, pool) = pool(r#"{"strategy": "geographic"}"#, &[]);
    let labels = [("latitude", "48.86"), ("longitude", "2.35")];
    let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let mut endpoint = Endpoint::new("a", "s", "127.0.0.1", 1);
    endpoint.metadata.extend(labels);
    manager.register_endpoint(None, endpoint).expect("a fresh id");

    for (latitude, longitude) in [(f64::NAN, 2.0), (48.0, f64::NAN), (f64::INFINITY, 2.0)] {
        let request = Request::new().position(latitude, longitude);
        pool.pick(&request).expect("somebody is usable").report(Outcome::Success);
    }
}

#[test]
fn events_of_a_retry_name_the_endpoint_that_led_to_it() {
    let policy = r#"{"retry_delay": "0s", "retry_budget": {"capacity": 1, "per_second": 0}}"#;
    let (manager, pool) = pool(policy, &["a", "b"]);
    let mut call = Call::new(&**pool.core(), Request::new());
    call.step(Input::Start, 0).expect("a fresh call");

    for attempt in 1..=2 {
        let outcome = Outcome::Failure;
        call.step(Input::Result { attempt, outcome, latency: 1, hint: 0 }, 0).expect("it fits");
    }

    let told: Vec<_> = manager.recent_events(3).iter().rev().map(|event| event.to_json()).collect();
    let told = told.iter().map(|event| (event["type"].as_str(), event["endpoint"].as_str()));
    let expected = [("retry", "a"), ("failover", "b"), ("budget_exhausted", "b")];
    assert!(told.eq(expected.map(|(kind, id)| (Some(kind), Some(id)))));
}

#[test]
fn a_sampled_pick_says_why_this_endpoint() {
    let policy = r#"{"events": {"load_balance_every": 1}, "load_balancer": {"sticky": true}}"#;
    let (manager, pool) = pool(policy, &["a"]);
    let session = || Request::new().session("s");
    let named = Request::new().endpoint(number(&pool, "a"));

    for request in [session(), session(), named] {
        pool.pick(&request).expect("it is usable").report(Outcome::Success);
    }

    let events = manager.recent_events(3);
    let reasons: Vec<&str> = events.iter().rev().map(|event| &*event.reason).collect();
    assert_eq!(reasons, ["usable", "sticky", "named"]);
}

#[test]
fn a_throttled_lease_rests_for_its_hint() {
    let (manager, pool) = pool("{}", &["a"]);
    let is_resting = || manager.stats()["memory"]["endpoints"]["a"]["is_resting"] == true;

    let lease = pool.pick(&Request::new()).expect("it is usable");
    lease.report_hint(Outcome::Throttled, Duration::from_secs(5));

    assert!(is_resting());
    manager.advance(Duration::from_secs(5)).expect("a manual clock");
    assert!(!is_resting());
    let grant = pool.core().grant_one(&Request::new(), manager.clock().now()).expect("usable");
    let now = grant.started;
    assert!(pool.core().report_hint(&grant, Outcome::Throttled, (now, 1), 1_000_000_000));
    assert!(is_resting());
}
