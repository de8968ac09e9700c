//! What is read from a real agent: everything that an instance tells, changes, health, choices.

use failover::ErrorKind;
use failover::discovery::{Provider, ProviderStatus, Reading};
use failover::endpoint::Reported;
use serde_json::json;

use crate::follower::{Follower, at, consul, with_token};
use crate::{MASTER, agent, guarded, work};

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
    let read = work(async {
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
        let read = work(provider.list_service(service, Reading::Usual));
        assert_eq!(read.expect_err("no service").kind(), ErrorKind::InvalidArgument, "{service:?}");
    }
    let odd = "a/b?stale&index=1#c d";
    agent().register(odd, "odd-1", 1, json!({}));

    let found = work(provider.list_service(odd, Reading::Strong));

    assert_eq!(found.expect("any other name can be asked for").len(), 1);
    assert!(work(provider.list()).is_err(), "it is read by service");
}
