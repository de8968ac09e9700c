//! What an outage and a spoiled answer cost: nothing but the news.

use std::net::TcpListener;
use std::time::Duration;

use failover::clock::{Clock, wait_for};
use failover::discovery::consul::Options;
use failover::discovery::{Provider, ProviderStatus, Reading};
use failover::events::EventKind;
use serde_json::json;

use crate::agent::Agent;
use crate::follower::{Follower, PATIENCE, at, consul};
use crate::proxy::{Fault, Proxy};
use crate::{agent, work};

#[test]
fn an_agent_that_dies_and_comes_back_empty_costs_no_endpoint() {
    let mut agent = Agent::start();
    agent.register("survivor", "v1", 1, json!({}));
    let follower = Follower::start(at(&agent.address()), "survivor");
    follower.see_ids(&["v1"]);

    agent.kill();
    let error = follower.see_error("refused");
    assert_eq!(error, format!("consul at {}: connection refused", agent.address()));
    assert_eq!(follower.ids(), ["v1"]);
    assert_eq!(follower.info().status, ProviderStatus::Stale);

    agent.restart();
    follower.see_reads(2);
    assert_eq!(follower.ids(), ["v1"], "an empty answer isn't believed yet");
    agent.register("survivor", "v1", 1, json!({}));
    agent.register("survivor", "v2", 2, json!({}));
    follower.see_ids(&["v1", "v2"]);
    assert_eq!(follower.info().status, ProviderStatus::Live);
}

#[test]
fn the_next_agent_of_the_list_answers_where_one_is_gone() {
    let agent = agent();
    agent.register("listed", "l1", 1, json!({}));
    let closed = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let gone = format!("http://{}", closed.local_addr().expect("it is bound"));
    drop(closed);
    let mut options = at(&gone);
    options.addresses.push(agent.address());
    let provider = consul(options.clone()).expect("valid options");

    let follower = Follower::start(options, "listed");
    let read = work(provider.list_service("listed", Reading::Strong));

    follower.see_ids(&["l1"]);
    assert_eq!(follower.info().errors, 0, "it isn't the program's business");
    assert_eq!(read.expect("the second agent answers").len(), 1);
}

#[test]
fn one_false_empty_answer_changes_nothing() {
    let (follower, proxy) = spoiled("emptied");

    proxy.once([Fault::answer("200 OK", "X-Consul-Index: 999999999\r\n", "[]")]);
    proxy.cut_all();

    let doubt = || {
        let told = follower.told();
        told.iter().any(|(kind, text)| {
            *kind == EventKind::DiscoveryStale && text.contains("reports no endpoints")
        })
    };
    assert!(wait_for(PATIENCE, &doubt), "{:?}", follower.told());
    assert_eq!(follower.names(), ["one", "two"]);
    let is_over = || follower.info().empty_for_ms.is_none();
    assert!(wait_for(PATIENCE, &is_over), "{:?}", follower.info());
    assert_eq!(follower.names(), ["one", "two"]);
}

#[test]
fn an_answer_with_an_older_index_is_asked_for_again() {
    let (follower, proxy) = spoiled("backward");
    let reads = follower.info().reads;

    proxy.once([Fault::answer("200 OK", "X-Consul-Index: 1\r\n", "[]")]);
    register("backward", "three");

    follower.see_names(&["one", "three", "two"]);
    let told = follower.told();
    let is_empty = |(_, text): &(EventKind, String)| text.contains("no endpoints");
    assert!(!told.iter().any(is_empty), "{told:?}");
    assert!(follower.info().reads > reads);
}

#[test]
fn spoiled_answers_are_errors_that_say_what_came_and_change_nothing() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").expect("a free port");
    elsewhere.set_nonblocking(true).expect("a socket");
    let there = elsewhere.local_addr().expect("it is bound");
    let location = format!("Location: http://{there}/v1/health/service/any\r\n");
    let (follower, proxy) = spoiled("spoiled");

    for (fault, text) in [
        (Fault::Cut(600), "cut"),
        (Fault::Cut(20), ""),
        (Fault::Drop, ""),
        (Fault::answer("301 Moved Permanently", &location, ""), "a redirect, which isn't followed"),
        (Fault::answer("307 Temporary Redirect", &location, ""), "status 307: a redirect"),
        (Fault::Flood(100 << 20), "longer than 64 MiB"),
        (Fault::Flood(0), "longer than 64 MiB"),
        (Fault::answer("200 OK", "X-Consul-Index: 9\r\n", "<html>"), "no list of instances"),
        (Fault::answer("200 OK", "X-Consul-Index: 9\r\n", "[{}]"), "none of 1 instances"),
        (Fault::answer("500 No", "X-Consul-Index: 1\r\n", "rpc error"), "status 500: rpc error"),
        (Fault::answer("429 Slow", "Retry-After: 1\r\n", "too many"), "status 429: too many"),
        (Fault::Say(b"SSH-2.0-OpenSSH\r\n".to_vec()), ""),
    ] {
        let errors = follower.info().errors;
        let reads = follower.info().reads;
        proxy.always(Some(fault.clone()));
        proxy.cut_all();
        assert!(wait_for(PATIENCE, &|| follower.info().errors > errors + 1), "{fault:?}");
        let error = follower.see_error(text);
        assert!(error.starts_with(&format!("consul at {}: ", proxy.address())), "{error}");
        assert_eq!(follower.names(), ["one", "two"], "{fault:?}");

        proxy.always(None);
        follower.see_reads(reads + 1);
        assert_eq!(follower.info().status, ProviderStatus::Live, "{fault:?}");
    }
    assert!(elsewhere.accept().is_err(), "nobody followed the redirect");
}

#[test]
fn after_an_error_the_next_question_is_answered_at_once() {
    register("anew", "one");
    let proxy = Proxy::start(agent().port());
    let follower = Follower::start(at(&proxy.address()), "anew");
    let is_held = || proxy.asked().last().is_some_and(|line| line.contains("index="));
    assert!(wait_for(PATIENCE, &is_held), "{:?}", proxy.asked());
    let (before, reads) = (proxy.asked().len(), follower.info().reads);

    proxy.once([Fault::answer("500 No", "X-Consul-Index: 999999999\r\n", "no leader")]);
    proxy.cut_all();
    follower.see_error("no leader");
    follower.see_reads(reads + 1);

    let asked = proxy.asked();
    assert!(asked[before - 1].contains("index="), "{asked:?}");
    assert!(!asked[before].contains("index="), "{asked:?}");
    assert!(!asked[before + 1].contains("index="), "{asked:?}");
}

#[test]
fn an_agent_that_does_not_hold_questions_is_not_flooded() {
    let clock = Clock::system();
    let proxy = Proxy::start(agent().port());
    proxy.always(Some(Fault::Index("0")));
    agent().register("flooded", "f1", 1, json!({}));
    let began = clock.now();

    let follower = Follower::start(at(&proxy.address()), "flooded");

    follower.see_ids(&["f1"]);
    assert!(wait_for(PATIENCE, &|| proxy.asked().len() >= 6), "{:?}", proxy.asked());
    let took = clock.now() - began;
    assert!(took >= 1_900_000_000, "six questions in {took} ns");
    assert!(proxy.asked()[1].contains("index=1&"), "{:?}", proxy.asked());
}

#[test]
fn an_agent_out_of_reach_for_a_while_is_asked_seldom_and_its_change_seen() {
    let clock = Clock::system();
    let (follower, proxy) = spoiled("away");
    proxy.always(Some(Fault::Drop));
    proxy.cut_all();
    let (before, began) = (proxy.asked().len(), clock.now());
    register("away", "three");

    let is_late = || clock.now() - began >= 6_000_000_000;
    assert!(wait_for(PATIENCE, &is_late));
    let asked = proxy.asked().len() - before;
    assert_eq!(follower.names(), ["one", "two"]);
    proxy.always(None);

    follower.see_names(&["one", "three", "two"]);
    // A request that finds the connection closed before it was answered is sent once more.
    assert!((5..=12).contains(&asked), "{asked} requests in six seconds");
}

#[test]
fn a_service_beyond_the_questions_that_may_be_held_is_read_in_turn() {
    let proxy = Proxy::start(agent().port());
    let mut options = at(&proxy.address());
    options.held_questions = 1;
    register("held", "one");
    register("polled", "one");
    let held = Follower::start(options, "held");
    held.see_names(&["one"]);
    assert!(wait_for(PATIENCE, &|| proxy.asked().len() == 2), "{:?}", proxy.asked());

    let polled = held.beside("polled");
    polled.see_names(&["one"]);
    register("polled", "two");
    polled.see_names(&["one", "two"]);

    let asked = proxy.asked();
    let mut of_polled = asked.iter().filter(|line| line.contains("/polled?"));
    assert!(of_polled.all(|line| !line.contains("index=")), "{asked:?}");
    drop(held);
    let is_held =
        || proxy.asked().iter().any(|line| line.contains("/polled?") && line.contains("index="));
    register("polled", "three");
    assert!(wait_for(PATIENCE, &is_held), "{:?}", proxy.asked());
}

/// A service of two instances that is followed through a proxy.
fn spoiled(service: &str) -> (Follower, Proxy) {
    let agent = agent();
    register(service, "one");
    register(service, "two");
    let proxy = Proxy::start(agent.port());
    let follower = Follower::start(hasty(&proxy.address()), service);
    assert_eq!(follower.see(|set| set.len() == 2).len(), 2);
    (follower, proxy)
}

/// Registers an instance whose id, which is unique in an agent, begins with its service.
fn register(service: &str, name: &str) {
    agent().register(service, &format!("{service}-{name}"), 1, json!({}));
}

/// Options whose questions are held for a second only.
fn hasty(address: &str) -> Options {
    let mut options = at(address);
    options.wait = Duration::from_secs(1);
    options
}
