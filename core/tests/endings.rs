//! What ends while somebody still uses it: endpoints with open leases, providers, managers.

use failover::{Endpoint, Manager, Outcome, Request};

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
