//! What is registered: read back, updated, kept alive, checked, removed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use failover::clock::{Clock, wait_for};
use failover::discovery::consul::{CheckedBy, Options};
use failover::discovery::{Provider, Reading};
use failover::endpoint::Reported;
use failover::{Endpoint, ErrorKind, HealthCheck};
use failover_backends::{Backend, Mode};
use serde_json::json;

use crate::agent::Agent;
use crate::follower::{Follower, PATIENCE, at, consul};
use crate::proxy::{Fault, Proxy};
use crate::{agent, guarded, work};

#[test]
fn what_is_registered_is_read_back_as_it_was_by_everybody() {
    let agent = agent();
    let provider = consul(at(&agent.address())).expect("valid options");
    let mut endpoint = Endpoint::new("registered/1", "registered", "127.0.0.1", 8080)
        .with_weight(7)
        .with_priority(2)
        .with_metadata("version", "2");
    endpoint.protocol = "grpc".into();
    endpoint.tags = vec!["t".to_owned()];
    let follower = Follower::start(at(&agent.address()), "registered");

    work(provider.register(endpoint.clone())).expect("the agent takes it");

    let seen = follower.see(|set| set.len() == 1).remove(0);
    assert_eq!(
        (&seen.id, &seen.name, seen.authority()),
        (&endpoint.id, &endpoint.name, endpoint.authority())
    );
    assert_eq!((seen.weight, seen.priority, &*seen.protocol), (Some(7), 2, "grpc"));
    assert_eq!((seen.reported, &seen.tags), (Reported::Healthy, &endpoint.tags));
    assert_eq!(seen.metadata["version"], "2");

    work(provider.deregister("registered/1".to_owned())).expect("it is there");
    let found = work(provider.list_service("registered", Reading::Strong));
    assert_eq!(found.expect("readable"), []);
    let unknown = work(provider.deregister("registered/2".to_owned())).expect_err("never there");
    assert_eq!(unknown.kind(), ErrorKind::NotFound, "{unknown}");
}

#[test]
fn an_update_leaves_no_moment_without_the_instance() {
    let agent = agent();
    let provider = consul(at(&agent.address())).expect("valid options");
    let endpoint = |weight| Endpoint::new("updated", "updated", "127.0.0.1", 1).with_weight(weight);
    work(provider.register(endpoint(1))).expect("the agent takes it");
    let is_over = AtomicBool::new(false);

    let (polls, empty) = std::thread::scope(|scope| {
        let observer = scope.spawn(|| {
            let (mut polls, mut empty) = (0, 0);
            while !is_over.load(Ordering::Acquire) {
                let found = agent.send("GET", "/v1/health/service/updated?passing", &json!(null));
                polls += 1;
                empty += u32::from(!found.body.contains("\"updated\""));
            }
            (polls, empty)
        });
        (2..22).for_each(|weight| work(provider.update(endpoint(weight))).expect("it is taken"));
        is_over.store(true, Ordering::Release);
        observer.join().expect("it only counts")
    });

    assert!(polls > 20, "{polls}");
    assert_eq!(empty, 0, "of {polls}");
    Follower::start(at(&agent.address()), "updated")
        .see(|set| set[..].iter().any(|one| one.weight == Some(21)));
}

#[test]
fn an_agent_that_forgot_a_registration_is_told_again() {
    let mut agent = Agent::start();
    let provider = consul(brief(&agent.address())).expect("valid options");
    let endpoint = Endpoint::new("forgotten", "forgotten", "127.0.0.1", 1);
    work(provider.register(endpoint)).expect("the agent takes it");
    let follower = Follower::start(at(&agent.address()), "forgotten");
    follower.see(|set| set.len() == 1 && set[0].reported == Reported::Healthy);

    agent.kill();
    agent.restart();

    let is_back = || {
        let found = agent.send("GET", "/v1/health/service/forgotten?passing", &json!(null));
        found.body.contains("\"forgotten\"")
    };
    assert!(wait_for(PATIENCE, &is_back));
    assert_eq!(follower.endpoints().len(), 1);
}

#[test]
fn an_instance_lives_as_long_as_its_provider() {
    let agent = agent();
    let mut options = at(&agent.address());
    options.registration.ttl = Duration::from_secs(1);
    options.registration.deregister_critical_after = Some(Duration::from_secs(60));
    let provider = consul(options).expect("valid options");
    let endpoint = Endpoint::new("mortal", "mortal", "127.0.0.1", 1);
    let follower = Follower::start(at(&agent.address()), "mortal");
    work(provider.register(endpoint)).expect("the agent takes it");
    follower.see(|set| set.len() == 1);
    let clock = Clock::system();
    let began = clock.now();

    assert!(wait_for(PATIENCE, &|| clock.now() - began > 3_000_000_000));
    assert_eq!(follower.endpoints()[0].reported, Reported::Healthy, "three times its time");
    drop(provider);

    follower.see(|set| set[0].reported == Reported::Unhealthy);
}

#[test]
fn the_agent_may_check_what_is_registered() {
    let agent = agent();
    let backend = Backend::start("checked").expect("a free port");
    let mut options = at(&agent.address());
    options.registration.checked_by = CheckedBy::Agent;
    let provider = consul(options).expect("valid options");
    let mut check = HealthCheck::default();
    check.interval = Some(Duration::from_secs(1));
    let endpoint =
        Endpoint::new("checked", "checked", "127.0.0.1", backend.port()).with_health_check(check);
    let follower = Follower::start(at(&agent.address()), "checked");

    work(provider.register(endpoint)).expect("the agent takes it");

    follower.see(|set| set.len() == 1 && set[0].reported == Reported::Healthy);
    backend.set(Mode::Status(503)).expect("it is alive");
    follower.see(|set| set[0].reported == Reported::Unhealthy);
}

#[test]
fn what_cannot_be_registered_says_why() {
    let provider = consul(at(&agent().address())).expect("valid options");
    let endpoint = Endpoint::new("a", "s", "127.0.0.1", 1).with_metadata("a.b", "c");
    let denied = consul(at(&guarded().address())).expect("valid options");

    let error = work(provider.register(endpoint)).expect_err("a name with a dot");
    let refused = work(denied.register(Endpoint::new("a", "s", "127.0.0.1", 1)));

    assert_eq!(error.faults()[0].path, "metadata.a.b");
    assert!(refused.expect_err("no token").to_string().contains("403: Permission denied"));
}

#[test]
fn a_ping_says_whether_there_is_an_agent_with_a_leader() {
    let proxy = Proxy::start(agent().port());
    let mut options = at("http://127.0.0.1:1");
    options.addresses.push(proxy.address());
    let provider = consul(options).expect("valid options");
    let alone = consul(at("http://127.0.0.1:1")).expect("valid options");

    assert!(work(provider.ping()).is_ok());
    proxy.always(Some(Fault::answer("200 OK", "", "\"\"")));
    assert!(work(provider.ping()).expect_err("no leader").to_string().contains("no leader"));
    let error = work(alone.ping()).expect_err("nobody is there").to_string();
    assert_eq!(error, "consul at http://127.0.0.1:1: connection refused");
}

/// Options whose registrations live a few seconds only without a sign of life.
fn brief(address: &str) -> Options {
    let mut options = at(address);
    options.registration.ttl = Duration::from_secs(3);
    options
}
