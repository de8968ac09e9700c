//! The Consul provider against a real agent, directly and through a proxy that spoils its answers.
//!
//! An agent is shared where a test doesn't harm it; services tell the tests apart. Without Consul on the
//! machine, and no way to get it, everything here fails with the reason.
#![cfg(feature = "consul")]

#[path = "consul/agent.rs"]
mod agent;
#[path = "consul/follower.rs"]
mod follower;
#[path = "consul/http.rs"]
mod http;
#[path = "consul/proxy.rs"]
mod proxy;

use std::net::TcpListener;
use std::sync::OnceLock;
use std::time::Duration;

use agent::Agent;
use failover::ErrorKind;
use failover::clock::{Clock, wait_for};
use failover::discovery::{Provider, ProviderStatus, Reading};
use failover::endpoint::Reported;
use failover::events::EventKind;
use follower::{Follower, PATIENCE, at, consul, runtime, with_token};
use proxy::{Fault, Proxy};
use serde_json::json;

/// The agent of all tests that don't harm it.
fn agent() -> &'static Agent {
    static AGENT: OnceLock<Agent> = OnceLock::new();
    AGENT.get_or_init(Agent::start)
}

/// The same with access control.
fn guarded() -> &'static Agent {
    static AGENT: OnceLock<Agent> = OnceLock::new();
    AGENT.get_or_init(|| Agent::guarded(MASTER))
}

const MASTER: &str = "5ca1ab1e-0000-4000-8000-000000000001";

/// Options whose questions are held for a second only.
fn hasty(address: &str) -> failover::discovery::consul::Options {
    let mut options = at(address);
    options.wait = Duration::from_secs(1);
    options
}

#[test]
fn an_instance_is_seen_with_everything_that_it_tells() {
    let agent = agent();
    let follower = Follower::start(at(&agent.address()), "whole");

    agent.register(
        "whole",
        "whole-1",
        8080,
        json!({
            "Tags": ["v2", "blue"],
            "Meta": {"version": "2", "zone": "z1"},
            "Weights": {"Passing": 7, "Warning": 2},
            "TaggedAddresses": {"wan": {"Address": "127.0.0.9", "Port": 80}}
        }),
    );

    let seen = follower.see_ids(&["whole-1"]).remove(0);
    assert_eq!(&*seen.id, "dc1/node-1/whole-1");
    assert_eq!((&*seen.name, &*seen.address, seen.port), ("whole", "127.0.0.1", 8080));
    assert_eq!((seen.weight, seen.reported), (Some(7), Reported::Healthy));
    assert_eq!(seen.tags, ["v2", "blue"]);
    assert_eq!((&*seen.metadata["version"], &*seen.metadata["zone"]), ("2", "z1"));
    assert_eq!(seen.metadata["region"], "dc1");
    assert_eq!(seen.metadata["consul.address.wan"], "127.0.0.9:80");
    assert_eq!(follower.info().status, ProviderStatus::Live);
}

#[test]
fn instances_come_change_and_go() {
    let agent = agent();
    let follower = Follower::start(at(&agent.address()), "moving");
    agent.register("moving", "m1", 1, json!({}));
    follower.see_ids(&["m1"]);

    agent.register("moving", "m2", 2, json!({}));
    follower.see_ids(&["m1", "m2"]);
    agent.register("moving", "m1", 3, json!({"Weights": {"Passing": 5, "Warning": 1}}));
    follower.see(|set| set.iter().any(|one| one.port == 3 && one.weight == Some(5)));
    agent.deregister("m2");
    follower.see_ids(&["m1"]);

    assert_eq!(follower.info().errors, 0, "{:?}", follower.info());
}

#[test]
fn the_health_that_consul_tells_is_reported() {
    let agent = agent();
    let check = json!({"Check": {"TTL": "60s", "Status": "passing"},
        "Weights": {"Passing": 4, "Warning": 3}});
    agent.register("sick", "s1", 1, check);
    let follower = Follower::start(at(&agent.address()), "sick");
    let reported = |wanted, weight| {
        follower.see(|set| {
            set.first().is_some_and(|one| one.reported == wanted && one.weight == Some(weight))
        });
    };
    reported(Reported::Healthy, 4);

    for (path, wanted, weight) in [
        ("/v1/agent/check/warn/service:s1", Reported::Degraded, 3),
        ("/v1/agent/check/fail/service:s1", Reported::Unhealthy, 4),
        ("/v1/agent/service/maintenance/s1?enable=true&reason=test", Reported::Draining, 4),
        ("/v1/agent/service/maintenance/s1?enable=false", Reported::Unhealthy, 4),
        ("/v1/agent/check/pass/service:s1", Reported::Healthy, 4),
    ] {
        agent.put(path, &json!(null));
        reported(wanted, weight);
    }
}

#[test]
fn tags_filters_and_tagged_addresses_choose() {
    let agent = agent();
    let wan = json!({"wan": {"Address": "127.0.0.9", "Port": 9}});
    agent.register("chosen", "c1", 1, json!({"Tags": ["a", "b"], "TaggedAddresses": wan}));
    agent.register("chosen", "c2", 2, json!({"Tags": ["a"], "Meta": {"v": "2 & more"}}));
    let mut tagged = at(&agent.address());
    tagged.tags = vec!["a".to_owned(), "b".to_owned()];
    tagged.tagged_address = Some("wan".to_owned());
    let mut filtered = at(&agent.address());
    filtered.filter = Some("Service.Meta.v == \"2 & more\"".to_owned());
    filtered.near = Some("_agent".to_owned());

    let tagged = Follower::start(tagged, "chosen").see_ids(&["c1"]);
    Follower::start(filtered, "chosen").see_ids(&["c2"]);

    assert_eq!(tagged[0].authority(), "127.0.0.9:9");
}

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
    let read = runtime().block_on(provider.list_service("listed", Reading::Strong));

    follower.see_ids(&["l1"]);
    assert_eq!(follower.info().errors, 0, "it isn't the program's business");
    assert_eq!(read.expect("the second agent answers").len(), 1);
}

#[test]
fn a_wrong_token_is_an_error_that_names_everything_but_the_token() {
    let agent = guarded();
    let wrong = "0ddba11e-0000-4000-8000-000000000002";

    let follower = Follower::start(with_token(&agent.address(), wrong), "any");

    let error = follower.see_error("403");
    assert_eq!(error, format!("consul at {}: status 403: ACL not found", agent.address()));
    assert!(!follower.info().is_ready);
    let shown = format!("{:?} {:?}", follower.info(), follower.told());
    assert!(!shown.contains(wrong), "{shown}");
}

#[test]
fn a_token_that_a_server_repeats_is_not_passed_on() {
    let proxy = Proxy::start(agent().port());
    let repeated = "you sent Pa55phrase, which is wrong";
    proxy.always(Some(Fault::answer("403 Forbidden", "", repeated)));

    let follower = Follower::start(with_token(&proxy.address(), "Pa55phrase"), "any");

    assert!(follower.see_error("403").ends_with("you sent ***, which is wrong"));
}

#[test]
fn a_token_in_a_file_may_come_late() {
    let agent = guarded();
    agent.register("rotated", "r1", 1, json!({}));
    let path = std::env::temp_dir().join(format!("failover-consul-token-{}", std::process::id()));
    std::fs::write(&path, "0ddba11e-0000-4000-8000-000000000003").expect("a writable folder");
    let mut options = at(&agent.address());
    options.token_file = Some(path.clone());
    let follower = Follower::start(options, "rotated");
    follower.see_error("403: ACL not found");

    std::fs::write(&path, format!("{MASTER}\n")).expect("a writable folder");

    follower.see_ids(&["r1"]);
    std::fs::remove_file(&path).expect("it was written");
}

#[test]
fn an_empty_answer_to_a_token_without_rights_is_an_error() {
    let agent = guarded();
    agent.register("hidden", "h1", 1, json!({}));
    let no_service = agent.make_token("nodes", "node_prefix \"\" { policy = \"read\" }");
    let no_node = agent.make_token("hidden", "service \"hidden\" { policy = \"read\" }");
    let both = "service \"hidden\" { policy = \"read\" } node_prefix \"\" { policy = \"read\" }";
    let both = agent.make_token("both", both);
    let seen = Follower::start(with_token(&agent.address(), &both), "hidden");
    seen.see_ids(&["h1"]);

    let anonymous = Follower::start(at(&agent.address()), "hidden");
    let no_service = Follower::start(with_token(&agent.address(), &no_service), "hidden");

    let expected = "the token may not read service \"hidden\" (service:read is missing)";
    assert!(anonymous.see_error("may not").ends_with(expected));
    assert!(no_service.see_error("may not").ends_with(expected));
    assert!(!no_service.info().is_ready);

    // Rights that vanish while it is watched.
    let proxy = Proxy::start(agent.port());
    let mut options = with_token(&proxy.address(), &both);
    options.wait = Duration::from_secs(1);
    let follower = Follower::start(options, "hidden");
    follower.see_ids(&["h1"]);
    let policy = agent.send("GET", "/v1/acl/policy/name/both", &json!(null)).body;
    let policy: serde_json::Value = serde_json::from_str(&policy).expect("JSON");
    let path = format!("/v1/acl/policy/{}", policy["ID"].as_str().expect("an id"));
    let less = "service \"hidden\" { policy = \"read\" }";
    agent.put(&path, &json!({"ID": policy["ID"], "Name": "both", "Rules": less}));
    let error = follower.see_error("may not");
    assert!(error.ends_with("read node \"node-1\" (node:read is missing)"), "{error}");
    assert_eq!(follower.ids(), ["h1"], "what vanished was only hidden");
    drop(no_node);
}

#[test]
fn what_the_agent_refuses_is_told_in_its_words() {
    let address = agent().address();
    let mut elsewhere = at(&address);
    elsewhere.datacenter = Some("nowhere".to_owned());
    let mut unclear = at(&address);
    unclear.filter = Some("Service.Meta.v is".to_owned());
    let mut enterprise = at(&address);
    enterprise.namespace = Some("team".to_owned());

    let elsewhere = Follower::start(elsewhere, "any");
    let unclear = Follower::start(unclear, "any");
    let enterprise = Follower::start(enterprise, "any");

    assert!(elsewhere.see_error("status").ends_with("status 500: No path to datacenter"));
    assert!(unclear.see_error("status").contains("boolean expression"));
    assert!(enterprise.see_error("status").contains("Enterprise feature"));
}

#[test]
fn what_an_old_agent_would_ignore_is_refused_by_name() {
    let mut partition = at(&agent().address());
    partition.partition = Some("p".to_owned());
    let mut peer = with_token(&guarded().address(), MASTER);
    peer.peer = Some("q".to_owned());
    let mut untold = at(&guarded().address());
    untold.peer = Some("q".to_owned());

    let partition = Follower::start(partition, "any");
    let read = runtime().block_on(async {
        consul(peer).expect("valid options").list_service("any", Reading::Usual).await
    });
    let untold = Follower::start(untold, "any");

    let error = partition.see_error("partition");
    assert!(error.ends_with("partition: needs Consul 1.11.0 or later, the agent is Consul 1.8.7"));
    let error = read.expect_err("too old");
    assert!(error.to_string().contains("peer: needs Consul 1.14.0 or later"), "{error}");
    assert!(untold.see_error("peer").contains("agent:read"));
    assert_eq!(partition.info().reads, 0);
}

#[test]
fn what_is_no_service_is_refused() {
    let provider = consul(at(&agent().address())).expect("valid options");
    for service in ["", "*", "..", "."] {
        let read = runtime().block_on(provider.list_service(service, Reading::Usual));
        assert_eq!(read.expect_err("no service").kind(), ErrorKind::InvalidArgument, "{service:?}");
    }
    let odd = "a/b?stale&index=1#c d";
    agent().register(odd, "odd-1", 1, json!({}));

    let found = runtime().block_on(provider.list_service(odd, Reading::Strong));

    assert_eq!(found.expect("any other name can be asked for").len(), 1);
    assert!(runtime().block_on(provider.list()).is_err(), "it is read by service");
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
    let (follower, proxy) = spoiled("anew");
    let before = proxy.asked().len();

    proxy.once([Fault::answer("500 No", "X-Consul-Index: 999999999\r\n", "no leader")]);
    proxy.cut_all();
    follower.see_error("no leader");
    let reads = follower.info().reads;
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

#[cfg(unix)]
#[test]
fn an_agent_may_listen_on_a_unix_socket() {
    let path = std::env::temp_dir().join(format!("failover-consul-{}.sock", std::process::id()));
    let path = path.to_str().expect("a plain path");
    let config = format!("addresses {{ http = \"127.0.0.1 unix://{path}\" }}");
    let agent = Agent::start_with(None, &config);
    agent.register("local", "u1", 1, json!({}));

    let follower = Follower::start(at(&format!("unix://{path}")), "local");

    follower.see_ids(&["u1"]);
    drop(agent);
    assert!(follower.see_error("consul").starts_with(&format!("consul at unix://{path}: ")));
    // The agent removes it only where it may end in order.
    let _ = std::fs::remove_file(path);
}

/// Registers an instance whose id, which is unique in an agent, begins with its service.
fn register(service: &str, name: &str) {
    agent().register(service, &format!("{service}-{name}"), 1, json!({}));
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
