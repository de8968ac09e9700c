//! Providers through the manager: sets that are pushed, files whose endpoints are checked.
#![cfg(feature = "runtime")]

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use failover::discovery::{BoxFuture, Capabilities, Provider};
use failover::endpoint::HealthStatus;
use failover::endpoint::document::{Format, parse, to_json};
use failover::events::EventKind;
use failover::execute::{PoolCore, Rules};
use failover::lock::Lock;
use failover::{Endpoint, Error, ErrorKind, HealthCheck, Manager, Outcome, Request, Result};
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
fn a_faulty_set_is_refused_whole_by_every_provider_that_takes_sets() {
    let manager = Manager::from_json(r#"{"seed": 1}"#).expect("the document is valid");
    manager.register_pushed_provider("own").expect("a free name");
    for provider in ["memory", "own"] {
        manager.publish(Some(provider), vec![endpoint("a")]).expect("a valid set");
        let faulty = Endpoint::new("", "s", "no name", 0).with_weight(u32::MAX);

        let refused = manager.publish(Some(provider), vec![endpoint("b"), faulty]);
        let doubled = manager.publish(Some(provider), vec![endpoint("b"), endpoint("b")]);

        let refused = refused.expect_err("it has four faults");
        assert_eq!(refused.kind(), ErrorKind::InvalidArgument, "{refused}");
        let mut paths: Vec<_> = refused.faults().iter().map(|fault| &*fault.path).collect();
        paths.sort_unstable();
        assert_eq!(paths, ["[1].address", "[1].id", "[1].port", "[1].weight"], "{provider}");
        assert_eq!(doubled.map_err(|error| error.kind()), Err(ErrorKind::AlreadyExists));
        let ids = manager.endpoints(Some(provider)).expect("it is registered");
        assert_eq!(ids.iter().map(|one| &*one.id).collect::<Vec<_>>(), ["a"], "{provider}");
    }
}

#[test]
fn a_published_set_that_shows_masks_keeps_the_secrets_of_its_endpoints() {
    let manager = Manager::from_json(r#"{"seed": 1}"#).expect("the document is valid");
    let document = r#"{"id": "a", "name": "s", "address": "h", "port": 1, "health_check": {
        "type": "custom", "headers": {"Authorization": "s3cret"}}}"#;
    let whole = parse(document, Format::Json).expect("valid");
    let masked = parse(&to_json(&whole).to_string(), Format::Json).expect("valid");
    assert_ne!(masked.health_check, whole.health_check);
    manager.register_endpoint(None, whole.clone()).expect("a free id");

    manager.publish(None, vec![masked.with_weight(2)]).expect("a valid set");

    let held = manager.endpoint(None, "a").expect("it is in the set");
    assert_eq!((held.weight, &held.health_check), (Some(2), &whole.health_check));
}

#[test]
fn a_providers_name_has_no_slash_and_is_not_empty() {
    let manager = Manager::from_json(r#"{"seed": 1}"#).expect("the document is valid");
    for name in ["", "a/b", "/", &"n".repeat(513)] {
        let pushed = manager.register_pushed_provider(name).expect_err("no name");
        let own = manager.register_provider(name, Arc::new(Fixed)).expect_err("no name");
        let read = manager.register_provider_json(name, r#"{"type": "memory"}"#);
        let configured = Manager::from_json(
            &serde_json::json!({"providers": {name: {"type": "memory"}}}).to_string(),
        );

        for error in [pushed, own] {
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert_eq!(error.faults()[0].path, "name", "{error}");
        }
        for error in [read.expect_err("no name"), configured.map(drop).expect_err("no name")] {
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            assert!(error.faults()[0].path.starts_with("providers"), "{error}");
        }
    }
    assert_eq!(manager.providers().len(), 1);
}

#[test]
fn a_providers_document_gives_each_key_once() {
    let manager = Manager::from_json(r#"{"seed": 1}"#).expect("the document is valid");
    let doubled = r#"{"type": "memory", "coalesce": "1s", "coalesce": "2s"}"#;

    let error = manager.register_provider_json("x", doubled).expect_err("it is given twice");

    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.to_string().contains(r#"key "coalesce" is given twice"#), "{error}");
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

#[test]
fn a_provider_that_comes_late_serves_in_the_place_of_any_number_of_services() {
    let services = 3_000;
    let manager = Manager::from_json(r#"{"seed": 1}"#).expect("the document is valid");
    let names: Vec<String> = (0..services).map(|i| format!("s{i}")).collect();
    let set = |at| names.iter().map(move |name| Endpoint::new(name, name, "127.0.0.1", at));
    manager.publish(None, set(1).collect()).expect("a valid set");
    for name in &names {
        manager.pool(None, Some(name)).expect("it has the service");
    }

    manager.register_provider_json("late", r#"{"type": "memory"}"#).expect("a free name");
    manager.publish(Some("late"), set(2).collect()).expect("a valid set");
    manager.publish(None, Vec::new()).expect("a valid set");

    for name in [&names[0], &names[services - 1]] {
        let pool = manager.pool(None, Some(name)).expect("it has the service");
        let served = pool.execute_blocking(Request::new(), |attempt| {
            Ok::<_, std::io::Error>(attempt.endpoint.port)
        });
        assert_eq!(served.expect("the late one serves").value, 2);
    }
}

#[test]
fn a_pool_whose_provider_goes_at_this_moment_keeps_no_other_from_serving() {
    let manager = Manager::from_json(r#"{"seed": 1}"#).expect("the document is valid");
    manager.register_endpoint(None, endpoint("a")).expect("a free id");
    let [empty, last] = ["empty", "s"].map(|service| {
        Arc::clone(manager.pool(None, Some(service)).expect("it may be empty").core())
    });
    let (shared, rules) = (empty.shared().clone(), Rules::clone(&empty.rules()));
    let leaving = PoolCore::new("leaving/s".into(), shared, rules, Arc::clone(empty.counters()));
    let leaving = Arc::new(leaving);
    empty.set_fallbacks(&[Arc::clone(&leaving), last]);

    drop(leaving);
    let served = empty.execute_blocking(Request::new(), |_| Ok::<_, std::io::Error>(()));

    assert_eq!(&*served.expect("the last one serves").endpoint.id, "a");
}

/// Pipes in the place of files: who opens one waits for the other side, as on a disk that hangs.
#[cfg(unix)]
#[test]
fn files_that_hang_delay_no_check() {
    let backend = Backend::start("a").expect("a server on loopback");
    let manager = Manager::from_json(r#"{"seed": 1}"#).expect("the document is valid");
    let check = HealthCheck::default();
    let named = Endpoint::new("a", "s", "localhost", backend.port()).with_health_check(check);
    manager.register_endpoint(None, named).expect("a free id");
    let folder = std::env::temp_dir().join(format!("failover-pipes-{}", std::process::id()));
    std::fs::create_dir(&folder).expect("the folder can be made");
    for i in 0..20 {
        let path = folder.join(i.to_string());
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.expect("it is there").success());
        let document = serde_json::json!({"type": "file", "path": path.to_str()}).to_string();
        manager.register_provider_json(&format!("file{i}"), &document).expect("a free name");
    }

    let found = manager.health_check(None, "a");

    std::fs::remove_dir_all(&folder).expect("the folder is ours");
    assert_eq!(found.expect("it is registered"), HealthStatus::Healthy);
}

#[test]
fn the_time_of_registration_that_is_given_stays() {
    let manager = Manager::from_json(r#"{"seed": 1}"#).expect("the document is valid");
    let mut old = endpoint("a");
    old.created_at = 7;

    manager.register_endpoint(None, old).expect("a free id");
    manager.register_endpoint(None, endpoint("b")).expect("a free id");
    let created = |id| manager.endpoint(None, id).expect("it is registered").created_at;
    let of_b = created("b");
    for id in ["a", "b"] {
        manager.update_endpoint(None, endpoint(id).with_weight(2)).expect("it is registered");
    }

    assert_eq!(created("a"), 7);
    assert_eq!(created("b"), of_b);
    assert_ne!(of_b, 0);
}

/// A provider that has one endpoint, and is only read.
struct Fixed;

impl Provider for Fixed {
    fn kind(&self) -> &'static str {
        "fixed"
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Endpoint>>> {
        Box::pin(async { Ok(vec![endpoint("a")]) })
    }
}

#[test]
fn endpoints_that_are_read_keep_their_latencies_too() {
    let document = r#"{"seed": 1, "failover": {"stats": {"endpoint_latency": true}}}"#;
    let manager = Manager::from_json(document).expect("the document is valid");
    manager.register_provider("fixed", Arc::new(Fixed)).expect("a free name");
    manager.wait_ready(PATIENCE).expect("it is read");

    let pool = manager.pool(Some("fixed"), None).expect("it has one service");
    pool.pick(&Request::new()).expect("usable").report(Outcome::Success);

    let stats = manager.stats();
    assert!(stats["fixed"]["endpoints"]["a"]["p50_ns"].is_u64(), "{stats}");
}

/// A provider that takes registrations of every endpoint but "b".
#[derive(Clone, Default)]
struct Inventory {
    /// Guards what is registered.
    held: Arc<Lock<Vec<Endpoint>>>,
}

impl Inventory {
    fn replace(&self, id: &str, by: Option<Endpoint>) -> BoxFuture<'static, Result<()>> {
        let (held, id) = (Arc::clone(&self.held), id.to_owned());
        Box::pin(async move {
            if id == "b" {
                return Err(Error::new(ErrorKind::Provider, "not b"));
            }
            let mut held = held.lock();
            held.retain(|endpoint| *endpoint.id != *id);
            held.extend(by);
            Ok(())
        })
    }
}

impl Provider for Inventory {
    fn kind(&self) -> &'static str {
        "inventory"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::READ_ONLY.authoritative().registering()
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Endpoint>>> {
        Box::pin(async { Ok(self.held.lock().clone()) })
    }

    fn register(&self, endpoint: Endpoint) -> BoxFuture<'_, Result<()>> {
        self.replace(&Arc::clone(&endpoint.id), Some(endpoint))
    }

    fn update(&self, endpoint: Endpoint) -> BoxFuture<'_, Result<()>> {
        self.replace(&Arc::clone(&endpoint.id), Some(endpoint))
    }

    fn deregister(&self, id: String) -> BoxFuture<'_, Result<()>> {
        self.replace(&id, None)
    }
}

#[test]
fn a_provider_that_registers_is_asked_and_what_it_agreed_to_is_in_the_set() {
    let manager = Manager::from_json(r#"{"seed": 1}"#).expect("the document is valid");
    let inventory = Inventory::default();
    manager.register_provider("own", Arc::new(inventory.clone())).expect("a free name");
    let weights = || {
        let held = manager.endpoints(Some("own")).expect("it is registered");
        held.iter().map(|endpoint| (endpoint.id.to_string(), endpoint.weight)).collect::<Vec<_>>()
    };

    manager.register_endpoint(Some("own"), endpoint("a")).expect("it agrees");
    assert_eq!(weights(), [("a".to_owned(), None)]);
    let mut heavy = endpoint("a");
    heavy.weight = Some(7);
    manager.update_endpoint(Some("own"), heavy).expect("it agrees");
    assert_eq!(weights(), [("a".to_owned(), Some(7))]);

    let refusal = manager.register_endpoint(Some("own"), endpoint("b")).expect_err("refused");
    assert_eq!((refusal.kind(), refusal.to_string().as_str()), (ErrorKind::Provider, "not b"));
    assert_eq!((weights().len(), inventory.held.lock().len()), (1, 1));

    manager.deregister_endpoint(Some("own"), "a").expect("it agrees");
    assert_eq!((weights().len(), inventory.held.lock().len()), (0, 0));
}

#[test]
fn a_provider_that_only_reads_takes_no_registration() {
    let manager = Manager::from_json(r#"{"seed": 1}"#).expect("the document is valid");
    manager.register_provider("fixed", Arc::new(Fixed)).expect("a free name");
    manager.wait_ready(PATIENCE).expect("it is read");

    let refusals = [
        manager.register_endpoint(Some("fixed"), endpoint("b")),
        manager.update_endpoint(Some("fixed"), endpoint("a")),
        manager.deregister_endpoint(Some("fixed"), "a"),
    ];

    for refusal in refusals {
        assert_eq!(refusal.expect_err("refused").kind(), ErrorKind::Provider);
    }
}

#[test]
fn a_provider_that_reads_its_set_itself_takes_none() {
    let path = std::env::temp_dir().join(format!("failover-own-{}.json", std::process::id()));
    std::fs::write(&path, r#"[{"id": "a", "address": "h", "port": 1}]"#).expect("written");
    let manager = Manager::from_json(r#"{"seed": 1}"#).expect("the document is valid");
    let document = serde_json::json!({"type": "file", "path": path.to_str()}).to_string();
    manager.register_provider_json("list", &document).expect("a free name");
    manager.wait_ready(PATIENCE).expect("it is read");
    std::fs::remove_file(&path).expect("it is ours");

    let refused = manager.publish(Some("list"), vec![endpoint("b")]);

    assert_eq!(refused.expect_err("refused").kind(), ErrorKind::Provider);
    let held = manager.endpoints(Some("list")).expect("it is registered");
    assert_eq!(held.iter().map(|one| &*one.id).collect::<Vec<_>>(), ["a"]);
}

#[test]
fn configured_providers_serve_in_the_order_of_their_names() {
    let document = r#"{"seed": 1, "providers": {
        "z": {"type": "memory"}, "memory": {"type": "memory"}, "b": {"type": "memory"}}}"#;
    let manager = Manager::from_json(document).expect("the document is valid");

    assert_eq!(
        manager.providers().iter().map(|name| &**name).collect::<Vec<_>>(),
        ["memory", "b", "z"]
    );
}

/// A provider that is read again and again, and tells when it is dropped.
struct Polled {
    dropped: Sender<()>,
}

impl Provider for Polled {
    fn kind(&self) -> &'static str {
        "polled"
    }

    fn poll_interval(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Endpoint>>> {
        Box::pin(async { Ok(vec![endpoint("a")]) })
    }
}

impl Drop for Polled {
    fn drop(&mut self) {
        // The test may be over.
        let _ = self.dropped.send(());
    }
}

#[test]
fn a_manager_that_is_dropped_ends_its_background_work() {
    let (dropped, is_dropped) = channel();
    let manager = Manager::from_json(r#"{"seed": 1}"#).expect("the document is valid");
    manager.register_provider("polled", Arc::new(Polled { dropped })).expect("a free name");
    manager.wait_ready(PATIENCE).expect("it is read");
    let pool = manager.pool(Some("polled"), Some("s")).expect("it is registered");

    let clone = manager.clone();
    drop(manager);
    pool.pick(&Request::new()).expect("a clone is the same manager").report(Outcome::Success);
    drop(clone);

    let refused = pool.pick(&Request::new()).map(drop).expect_err("the manager is gone");
    assert_eq!(refused.kind(), ErrorKind::Closed);
    is_dropped.recv_timeout(PATIENCE).expect("nobody reads it any more");
}
