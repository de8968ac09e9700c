//! A provider that delivers each service by itself: who is read, when, and by whom it is shared.
#![cfg(feature = "runtime")]

use std::sync::Arc;
use std::time::Duration;

use failover::discovery::{
    BoxFuture, Capabilities, Provider, ProviderStatus, Reading, Sink, Update,
};
use failover::lock::Lock;
use failover::{Endpoint, ErrorKind, Manager, Outcome, Request, Result};

const PATIENCE: Duration = Duration::from_secs(20);

/// Writes down how it is read, and watches for ever.
#[derive(Default)]
struct Towns {
    read: Lock<Vec<(String, Reading)>>,
    sinks: Lock<Vec<(String, Sink)>>,
}

impl Towns {
    fn read(&self) -> Vec<(String, Reading)> {
        self.read.lock().clone()
    }

    /// Sends a set of a service as its watch would.
    fn send(&self, service: &str, ids: &[&str]) {
        let sinks = self.sinks.lock();
        let (_, sink) =
            sinks.iter().find(|(watched, _)| watched == service).expect("it is watched");
        sink.send(Update::Full(endpoints(service, ids)));
    }
}

fn endpoints(service: &str, ids: &[&str]) -> Vec<Endpoint> {
    ids.iter().map(|id| Endpoint::new(&format!("{service}-{id}"), "", "127.0.0.1", 1)).collect()
}

impl Provider for Towns {
    fn kind(&self) -> &'static str {
        "towns"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::READ_ONLY.watching().registering().per_service()
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Endpoint>>> {
        unreachable!("each service is read by itself")
    }

    fn list_service(
        &self,
        service: &str,
        reading: Reading,
    ) -> BoxFuture<'_, Result<Vec<Endpoint>>> {
        self.read.lock().push((service.to_owned(), reading));
        let set = endpoints(service, &["a", "b", "c"]);
        Box::pin(async { Ok(set) })
    }

    fn watch_service(&self, service: &str, sink: Sink) -> Option<BoxFuture<'_, ()>> {
        self.sinks.lock().push((service.to_owned(), sink));
        Some(Box::pin(std::future::pending()))
    }

    fn register(&self, _endpoint: Endpoint) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

fn manager() -> (Manager, Arc<Towns>) {
    let manager = Manager::from_json(r#"{"seed": 1}"#).expect("the document is valid");
    let towns = Arc::new(Towns::default());
    manager.register_provider("towns", Arc::clone(&towns) as _).expect("a free name");
    (manager, towns)
}

#[test]
fn a_service_is_read_once_somebody_wants_it_and_once_for_all_its_pools() {
    let (manager, towns) = manager();
    manager.wait_ready(PATIENCE).expect("nobody is wanted");
    assert_eq!(towns.read(), []);

    let pool = manager.pool(Some("towns"), Some("users")).expect("the provider is there");
    pool.derive(r#"{"max_retries": 1}"#).expect("the options are valid");
    manager.wait_ready(PATIENCE).expect("it answers");

    assert_eq!(towns.read(), [("users".to_owned(), Reading::Usual)]);
    let lease = pool.pick(&Request::new()).expect("they are usable");
    assert_eq!((&*lease.endpoint().id, &*lease.endpoint().name), ("users-a", "users"));
    lease.report(Outcome::Success);
}

#[test]
fn services_go_their_own_ways_and_a_doubt_is_verified() {
    let (manager, towns) = manager();
    let users = manager.pool(Some("towns"), Some("users")).expect("the provider is there");
    let orders = manager.pool(Some("towns"), Some("orders")).expect("the provider is there");
    manager.wait_ready(PATIENCE).expect("it answers");
    let wait_for = |what: &str, holds: &dyn Fn() -> bool| {
        assert!(failover::clock::wait_for(PATIENCE, holds), "{what}");
    };
    wait_for("both are watched", &|| towns.sinks.lock().len() == 2);

    towns.send("orders", &[]);

    let again = ("orders".to_owned(), Reading::Strong);
    wait_for("it is read again, surely", &|| towns.read().contains(&again));
    wait_for("they are found again", &|| {
        orders.snapshot().members().iter().all(|member| !member.state.status().is_lost())
    });
    assert_eq!((users.snapshot().members().len(), orders.snapshot().members().len()), (3, 3));
    let info = manager.provider_info().pop().expect("two are registered");
    assert_eq!((info.status, info.endpoints, info.is_ready), (ProviderStatus::Live, 6, true));
}

#[test]
fn who_registers_in_a_service_wants_it() {
    let (manager, towns) = manager();
    let mut own = endpoints("users", &["own"]).pop().expect("one");
    own.name = "users".into();

    manager.register_endpoint(Some("towns"), own).expect("the provider agrees");

    let pool = manager.pool(Some("towns"), Some("users")).expect("the provider is there");
    assert!(pool.snapshot().members().iter().any(|member| &*member.endpoint.id == "users-own"));
    manager.wait_ready(PATIENCE).expect("it answers");
    assert_eq!(towns.read().iter().filter(|(_, how)| *how == Reading::Usual).count(), 1);
}

#[test]
fn a_provider_that_is_gone_is_read_no_more() {
    let (manager, towns) = manager();
    let pool = manager.pool(Some("towns"), Some("users")).expect("the provider is there");
    manager.wait_ready(PATIENCE).expect("it answers");

    manager.deregister_provider("towns").expect("it is registered");

    let refused = pool.pick(&Request::new()).expect_err("it is empty");
    assert_eq!(refused.kind(), ErrorKind::NoEndpoints);
    let again = manager.pool(Some("towns"), Some("orders")).expect_err("it is gone");
    assert_eq!(again.kind(), ErrorKind::NotFound);
    assert_eq!(towns.read().len(), 1);
}
