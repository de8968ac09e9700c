//! What ends while somebody still uses it: endpoints with open leases, providers, managers.

use std::time::Duration;

use failover::{Endpoint, ErrorKind, Manager, Outcome, Request};

fn endpoint(id: &str, service: &str) -> Endpoint {
    Endpoint::new(id, service, "127.0.0.1", 1)
}

fn manager() -> Manager {
    Manager::from_json(r#"{"clock": "manual", "seed": 1}"#).expect("the document is valid")
}

#[test]
fn a_lease_outlives_its_endpoints_move_to_another_service() {
    let manager = manager();
    manager.register_endpoint(None, endpoint("a", "users")).expect("valid");
    let pool = manager.pool(None, Some("users")).expect("it is registered");
    let lease = pool.pick(&Request::new()).expect("usable");

    manager.update_endpoint(None, endpoint("a", "orders")).expect("it is known");

    assert_eq!(&*lease.endpoint().name, "users");
    assert_eq!(manager.member(None, "a").expect("it is known").state.in_flight(), 0);
    lease.report(Outcome::Success);
    assert_eq!(pool.stats()["stale_reports"], 0);
}

#[test]
fn a_call_outlives_its_endpoints_move_to_another_service() {
    let manager = manager();
    manager.register_endpoint(None, endpoint("a", "users")).expect("valid");
    let pool = manager.pool(None, Some("users")).expect("it is registered");

    let served = pool.execute_blocking(Request::new(), |attempt| {
        manager.publish(None, vec![endpoint("a", "orders")]).expect("a valid set");
        Ok::<_, std::io::Error>(attempt.endpoint.name.to_string())
    });

    assert_eq!(served.map_err(|failure| failure.error).expect("it succeeds").value, "users");
    assert_eq!(pool.stats()["stale_reports"], 0);
}

#[test]
fn a_provider_that_is_registered_again_serves() {
    let manager = manager();
    let register = || {
        let memory = r#"{"type": "memory"}"#;
        manager.register_provider_json("x", memory).expect("a free name");
        manager.register_endpoint(Some("x"), endpoint("a", "s")).expect("valid");
        manager.pool(Some("x"), Some("s")).expect("it is registered")
    };
    let old = register();
    let lease = old.pick(&Request::new()).expect("usable");

    manager.deregister_provider("x").expect("it is registered");
    let twice = manager.deregister_provider("x").expect_err("it is gone");
    let new = register();

    assert_eq!(twice.kind(), ErrorKind::NotFound);
    new.pick(&Request::new()).expect("usable").report(Outcome::Success);
    let derived = new.derive(r#"{"max_retries": 0}"#).expect("valid");
    derived.pick(&Request::new()).expect("usable").report(Outcome::Success);
    let refused = old.pick(&Request::new()).map(drop).expect_err("its endpoints are gone");
    assert_eq!(refused.kind(), ErrorKind::NoEndpoints);
    assert_eq!(&*lease.endpoint().id, "a");
    lease.report(Outcome::Success);
    assert_eq!(old.stats()["stale_reports"], 0);
    assert_eq!(new.stats()["stale_reports"], 0);
}

#[test]
fn a_close_tells_of_attempts_on_what_was_removed() {
    let manager = manager();
    manager.register_endpoint(None, endpoint("a", "s")).expect("valid");
    manager.register_provider_json("x", r#"{"type": "memory"}"#).expect("a free name");
    manager.register_endpoint(Some("x"), endpoint("b", "s")).expect("valid");
    let pools = [manager.pool(None, Some("s")), manager.pool(Some("x"), Some("s"))];
    let pools = pools.map(|pool| pool.expect("it is registered"));
    let leases = pools.each_ref().map(|pool| pool.pick(&Request::new()).expect("usable"));
    manager.deregister_endpoint(None, "a").expect("it is registered");
    manager.deregister_provider("x").expect("it is registered");

    assert_eq!(manager.in_flight(), 2);
    let busy = manager.close(Duration::ZERO).expect_err("two attempts are in flight");

    assert_eq!(busy.kind(), ErrorKind::Busy);
    assert_eq!(busy.details()["in_flight"], 2);
    leases.into_iter().for_each(|lease| lease.report(Outcome::Success));
    assert_eq!(manager.in_flight(), 0);
}

#[test]
fn an_endpoint_that_is_removed_gives_its_number_back_at_once() {
    let manager = manager();
    let pool = manager.pool(None, Some("s")).expect("any service");
    manager.register_endpoint(None, endpoint("a", "s")).expect("a free id");

    manager.deregister_endpoint(None, "a").expect("it is registered");

    assert_eq!(next_slot(&manager), 0);
    pool.pick(&Request::new()).expect("usable").report(Outcome::Success);
}

#[test]
fn a_provider_that_goes_gives_its_numbers_back() {
    let manager = manager();

    for round in 0..50 {
        let name = format!("p{round}");
        manager.register_provider_json(&name, r#"{"type": "memory"}"#).expect("a free name");
        manager.register_endpoint(Some(&name), endpoint("a", "s")).expect("valid");
        let pool = manager.pool(Some(&name), Some("s")).expect("it is registered");
        pool.pick(&Request::new()).expect("usable").report(Outcome::Success);
        manager.deregister_provider(&name).expect("it is registered");
    }

    assert_eq!(next_slot(&manager), 0);
}

fn next_slot(manager: &Manager) -> u32 {
    manager.register_endpoint(None, endpoint("next", "s")).expect("a free id");
    manager.member(None, "next").expect("it is registered").id.slot()
}
