//! The DNS provider against a real DNS server on loopback that misbehaves on command.
//!
//! Times of answers, graces and waits are those of a manual clock; only the packets take real time.
#![cfg(feature = "dns")]

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use failover::clock::{Clock, wait_for};
use failover::discovery::{
    Custom, Dns, DnsOptions, DnsRecords, Guard, GuardRules, IpFamily, Provider, ProviderInfo,
    Reading, Sink,
};
use failover::endpoint::{Registry, Slots};
use failover::events::{Bus, Event};
use failover::{Endpoint, Error, ErrorKind};
use failover_backends::{DnsData, DnsMode, DnsServer};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

/// Longer than anything here takes in real time on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn server() -> DnsServer {
    DnsServer::start().expect("a server")
}

fn addresses(ips: &[&str]) -> Vec<DnsData> {
    let parse = |ip: &&str| ip.parse::<IpAddr>().expect("an address");
    ips.iter().map(parse).map(DnsData::address).collect()
}

/// Options that ask these servers for `<service>.example.`, with port 80.
fn options(servers: &[&DnsServer]) -> DnsOptions {
    let mut options = DnsOptions::new(DnsRecords::Addresses { port: 80 });
    options.template = "{service}.example.".to_owned();
    options.servers = servers.iter().map(|server| server.address()).collect();
    options
}

fn services(servers: &[&DnsServer]) -> DnsOptions {
    let mut options = options(servers);
    options.records = DnsRecords::Srv;
    options
}

/// A provider, and a guard for the one service that is watched.
struct Rig {
    dns: Arc<Dns>,
    guard: Arc<Guard>,
    registry: Arc<Registry>,
    events: Arc<Bus<Event>>,
    clock: Clock,
    runtime: Runtime,
}

impl Rig {
    fn new(options: DnsOptions) -> Self {
        let registry = Arc::new(Registry::new(Arc::new(Slots::default()), 1));
        let events = Arc::new(Bus::new());
        let guard = Guard::new(
            &"names".into(),
            GuardRules::default(),
            Arc::clone(&registry),
            Arc::clone(&events),
        );
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        Self {
            dns: Arc::new(Dns::new(options).expect("valid options")),
            guard: Arc::new(guard),
            registry,
            events,
            clock: Clock::manual(false),
            runtime: runtime.worker_threads(1).enable_all().build().expect("a runtime"),
        }
    }

    /// Watches a service until the handle is aborted.
    fn watch(&self, service: &'static str) -> JoinHandle<()> {
        let (dns, sink) = (Arc::clone(&self.dns), self.sink());
        self.runtime.spawn(async move { dns.watch_service(service, sink).expect("watches").await })
    }

    fn sink(&self) -> Sink {
        Sink::new(Arc::clone(&self.guard), self.clock.clone())
    }

    fn list(&self, service: &str, reading: Reading) -> Result<Vec<Endpoint>, Error> {
        self.runtime.block_on(self.dns.list_service(service, reading))
    }

    fn listed(&self, service: &str) -> Vec<String> {
        let set = self.list(service, Reading::Usual).expect("it can be read");
        set.iter().map(|endpoint| endpoint.id.to_string()).collect()
    }

    fn refusal(&self, service: &str) -> String {
        let error = self.list(service, Reading::Usual).expect_err("it can't be read");
        assert_eq!(error.kind(), ErrorKind::Provider);
        error.to_string()
    }

    fn ids(&self) -> Vec<String> {
        self.registry.list().iter().map(|member| member.endpoint.id.to_string()).collect()
    }

    fn info(&self) -> ProviderInfo {
        self.guard.info(&Custom::pushed(false), self.clock.now())
    }

    /// Waits until the guard has taken in so many sets and failures.
    fn wait_until_heard(&self, reads: u64, errors: u64) {
        let is_heard = || {
            let info = self.info();
            info.reads >= reads && info.errors >= errors
        };
        assert!(wait_for(PATIENCE, &is_heard), "{:?}", self.info());
        assert_eq!((self.info().reads, self.info().errors), (reads, errors));
    }

    /// Moves the clock on and has the guard do what is due.
    fn advance(&self, seconds: f64) {
        assert!(self.clock.advance(Duration::from_secs_f64(seconds)));
        self.guard.tick(self.clock.now());
    }

    /// Comes back when whatever was to be asked before it has been asked.
    fn fence(&self, server: &DnsServer) {
        let asked = || -> u64 {
            let stats = server.stats();
            ["A", "AAAA", "SRV"].iter().map(|kind| stats.asked("fence.example.", kind)).sum()
        };
        let before = asked();
        assert_eq!(self.listed("fence"), [""; 0]);
        assert!(asked() > before);
    }

    fn told(&self) -> Vec<String> {
        let events = self.events.recent(100);
        let words = events.iter().rev().map(|event| {
            assert_eq!(&*event.pool, "names/*");
            format!("{}: {}", event.kind.name(), event.reason)
        });
        words.collect()
    }
}

fn at(address: SocketAddr, what: &str) -> String {
    format!("dns: name users.example., type A: server {address} {what}")
}

#[test]
fn a_names_addresses_are_asked_for_again_when_their_time_is_over() {
    let server = server();
    server.put("users.example", 60, &addresses(&["10.0.0.1", "10.0.0.2"])).expect("a name");
    let rig = Rig::new(options(&[&server]));
    let _watch = rig.watch("users");
    rig.wait_until_heard(1, 0);
    assert_eq!(rig.ids(), ["10.0.0.1:80", "10.0.0.2:80"]);
    let first = rig.registry.get("10.0.0.1:80").expect("it is in the set").endpoint;
    assert_eq!((&*first.name, &*first.address, first.port), ("users", "10.0.0.1", 80));
    assert_eq!((&*first.protocol, &*first.metadata["host"]), ("http", "users.example"));

    server.put("users.example", 60, &addresses(&["10.0.0.2", "10.0.0.3"])).expect("a name");
    rig.advance(59.9);
    rig.fence(&server);
    assert_eq!(server.stats().asked("users.example.", "A"), 1);
    rig.advance(6.2);
    rig.wait_until_heard(2, 0);

    assert_eq!(rig.ids(), ["10.0.0.2:80", "10.0.0.3:80"]);
    // Events follow the set.
    assert!(wait_for(PATIENCE, &|| rig.told().len() == 2), "{:?}", rig.told());
    assert_eq!(rig.told()[1], "discovery_update: 1 added, 1 removed");
}

#[test]
fn a_time_of_nothing_is_the_floor_and_a_day_is_the_ceiling() {
    let server = server();
    server.put("users.example", 0, &addresses(&["10.0.0.1"])).expect("a name");
    let rig = Rig::new(options(&[&server]));
    let _watch = rig.watch("users");
    rig.wait_until_heard(1, 0);

    rig.advance(4.9);
    rig.fence(&server);
    assert_eq!(rig.info().reads, 1);
    server.put("users.example", 86_400, &addresses(&["10.0.0.1"])).expect("a name");
    rig.advance(0.7);
    rig.wait_until_heard(2, 0);

    rig.advance(299.0);
    rig.fence(&server);
    assert_eq!(rig.info().reads, 2);
    rig.advance(32.0);
    rig.wait_until_heard(3, 0);
}

#[test]
fn the_limits_of_an_answers_time_are_options() {
    let server = server();
    server.put("users.example", 5, &addresses(&["10.0.0.1"])).expect("a name");
    let mut options = options(&[&server]);
    options.min_ttl = Duration::from_secs(20);
    options.max_ttl = Duration::from_secs(20);
    let rig = Rig::new(options);
    let _watch = rig.watch("users");
    rig.wait_until_heard(1, 0);

    rig.advance(19.9);
    rig.fence(&server);
    assert_eq!(rig.info().reads, 1);
    rig.advance(2.2);
    rig.wait_until_heard(2, 0);
}

#[test]
fn a_watch_begins_where_a_reading_ended_and_asks_the_same_only_once() {
    let server = server();
    server.put("users.example", 60, &addresses(&["10.0.0.1"])).expect("a name");
    let rig = Rig::new(options(&[&server]));
    assert_eq!(rig.listed("users"), ["10.0.0.1:80"]);

    let _watch = rig.watch("users");
    rig.fence(&server);
    rig.advance(59.9);
    rig.fence(&server);
    assert_eq!(server.stats().asked("users.example.", "A"), 1);
    rig.advance(6.2);
    rig.wait_until_heard(1, 0);
    assert_eq!(server.stats().asked("users.example.", "A"), 2);
}

#[test]
fn nobody_is_asked_once_a_watch_is_dropped() {
    let server = server();
    server.put("users.example", 5, &addresses(&["10.0.0.1"])).expect("a name");
    let rig = Rig::new(options(&[&server]));
    let watch = rig.watch("users");
    rig.wait_until_heard(1, 0);

    watch.abort();
    assert!(rig.runtime.block_on(watch).expect_err("aborted").is_cancelled());
    rig.advance(100.0);
    rig.fence(&server);

    assert_eq!(server.stats().asked("users.example.", "A"), 1);
}

#[test]
fn an_absent_name_empties_the_set_after_its_grace_and_so_does_one_without_addresses() {
    for name_stays in [false, true] {
        let server = server();
        server.put("users.example", 5, &addresses(&["10.0.0.1"])).expect("a name");
        let rig = Rig::new(options(&[&server]));
        let _watch = rig.watch("users");
        rig.wait_until_heard(1, 0);

        match name_stays {
            true => server.put("users.example", 5, &[]).expect("a name"),
            false => server.remove("users.example").expect("a name"),
        }
        rig.advance(5.6);
        rig.wait_until_heard(2, 0);
        assert_eq!(rig.ids(), ["10.0.0.1:80"], "an empty set isn't believed at once");
        rig.advance(29.9);
        assert_eq!(rig.ids(), ["10.0.0.1:80"]);
        rig.advance(0.2);

        assert_eq!(rig.ids(), [""; 0]);
        assert_eq!(rig.info().errors, 0);
    }
}

#[test]
fn an_absence_is_believed_as_long_as_its_zone_says_but_half_a_minute_at_most() {
    let server = server();
    server.set_negative_ttl(Some(3_600));
    let rig = Rig::new(options(&[&server]));
    let _watch = rig.watch("users");
    rig.wait_until_heard(1, 0);

    server.put("users.example", 60, &addresses(&["10.0.0.1"])).expect("a name");
    rig.advance(29.9);
    rig.fence(&server);
    assert_eq!(rig.ids(), [""; 0]);
    rig.advance(3.2);
    rig.wait_until_heard(2, 0);

    assert_eq!(rig.ids(), ["10.0.0.1:80"]);
}

#[test]
fn what_is_no_answer_never_changes_the_set_and_is_told_with_server_name_and_cause() {
    for (mode, cause) in [
        (DnsMode::ServFail, "answered SERVFAIL"),
        (DnsMode::Refused, "answered REFUSED"),
        (DnsMode::Referral, "only names other servers to ask"),
        (DnsMode::Garbage, "sent what is no DNS message: "),
        (DnsMode::Silent, "did not answer in 2s"),
    ] {
        let server = server();
        server.put("users.example", 5, &addresses(&["10.0.0.1"])).expect("a name");
        let rig = Rig::new(options(&[&server]));
        let _watch = rig.watch("users");
        rig.wait_until_heard(1, 0);

        server.set(mode);
        rig.advance(5.6);
        server.wait_for(PATIENCE, |stats| stats.asked("users.example.", "A") == 2).expect("asked");
        if mode == DnsMode::Silent {
            rig.advance(2.0);
        }
        rig.wait_until_heard(1, 1);

        let told = rig.told();
        let reason = format!("discovery_stale: {}", at(server.address(), cause));
        assert!(told[1].starts_with(&reason), "{told:?}");
        rig.advance(3_600.0);
        assert_eq!(rig.ids(), ["10.0.0.1:80"], "{mode:?}");
    }
}

#[test]
fn a_server_that_is_back_ends_the_staleness_and_is_asked_ever_more_seldom_until_then() {
    let server = server();
    server.put("users.example", 5, &addresses(&["10.0.0.1"])).expect("a name");
    let rig = Rig::new(options(&[&server]));
    let _watch = rig.watch("users");
    rig.wait_until_heard(1, 0);
    server.set_for("users.example", DnsMode::ServFail).expect("a name");
    rig.advance(5.6);
    rig.wait_until_heard(1, 1);

    let mut waits = Vec::new();
    for failures in 2..=12 {
        let mut waited = 0.0;
        while server.stats().asked("users.example.", "A") <= failures {
            rig.advance(0.05);
            waited += 0.05;
            rig.fence(&server);
        }
        rig.wait_until_heard(1, failures);
        waits.push(waited);
    }
    server.put("users.example", 5, &addresses(&["10.0.0.2"])).expect("a name");
    server.set_for("users.example", DnsMode::Answer).expect("a name");
    rig.advance(30.0);
    rig.wait_until_heard(2, 12);

    assert!(waits[0] < 0.3 && waits[4] > 1.5 && waits[10] > 14.9, "{waits:?}");
    assert!(waits.iter().all(|wait| *wait < 30.1), "{waits:?}");
    assert_eq!(rig.ids(), ["10.0.0.1:80", "10.0.0.2:80"]);
    let is_told = || rig.told().contains(&"discovery_update: readable again, 1 added".to_owned());
    assert!(wait_for(PATIENCE, &is_told), "{:?}", rig.told());
}

#[test]
fn a_family_is_preferred_or_the_only_one_or_both_are_used() {
    let server = server();
    server.put("both.example", 60, &addresses(&["10.0.0.1", "fd00::1"])).expect("a name");
    server.put("four.example", 60, &addresses(&["10.0.0.4"])).expect("a name");
    server.put("six.example", 60, &addresses(&["fd00::6"])).expect("a name");
    let ids = |family, service| {
        let mut options = options(&[&server]);
        options.family = family;
        Rig::new(options).listed(service)
    };

    for (family, both, four, six) in [
        (IpFamily::PreferIpv4, &["10.0.0.1:80"][..], &["10.0.0.4:80"][..], &["[fd00::6]:80"][..]),
        (IpFamily::PreferIpv6, &["[fd00::1]:80"], &["10.0.0.4:80"], &["[fd00::6]:80"]),
        (IpFamily::Ipv4, &["10.0.0.1:80"], &["10.0.0.4:80"], &[]),
        (IpFamily::Ipv6, &["[fd00::1]:80"], &[], &["[fd00::6]:80"]),
        (IpFamily::Both, &["10.0.0.1:80", "[fd00::1]:80"], &["10.0.0.4:80"], &["[fd00::6]:80"]),
    ] {
        assert_eq!(ids(family, "both"), both, "{family:?}");
        assert_eq!(ids(family, "four"), four, "{family:?}");
        assert_eq!(ids(family, "six"), six, "{family:?}");
    }
}

#[test]
fn service_records_have_priorities_weights_and_targets() {
    for mode in [DnsMode::Answer, DnsMode::Terse] {
        let server = server();
        server.set(mode);
        let records = [
            DnsData::srv(0, 5, 8081, "a.example"),
            DnsData::srv(0, 0, 8082, "B.Example"),
            DnsData::srv(7, 1, 8081, "a.example"),
            DnsData::srv(1, 9, 8083, "c.example"),
            DnsData::srv(1, 9, 8084, "gone.example"),
        ];
        server.put("_users._tcp.example", 60, &records).expect("a name");
        server.put("a.example", 60, &addresses(&["10.0.0.1", "10.0.1.1"])).expect("a name");
        server.put("b.example", 60, &addresses(&["10.0.0.2"])).expect("a name");
        server.put("c.example", 60, &addresses(&["fd00::3"])).expect("a name");
        let mut options = services(&[&server]);
        options.template = "_{service}._tcp.example".to_owned();
        let rig = Rig::new(options);

        let set = rig.list("users", Reading::Usual).expect("it can be read");

        let shown: Vec<_> = set
            .iter()
            .map(|e| (&*e.id, &*e.address, e.port, e.priority, e.weight.expect("a weight")))
            .collect();
        assert_eq!(
            shown,
            [
                ("a.example:8081/10.0.0.1", "10.0.0.1", 8081, 0, 5),
                ("a.example:8081/10.0.1.1", "10.0.1.1", 8081, 0, 5),
                ("b.example:8082/10.0.0.2", "10.0.0.2", 8082, 0, 1),
                ("c.example:8083/fd00::3", "fd00::3", 8083, 1, 9),
            ]
        );
        assert!(set.iter().all(|endpoint| &*endpoint.name == "users"));
        let asked = server.stats().asked("a.example.", "A");
        assert_eq!(asked, u64::from(mode == DnsMode::Terse), "what came along isn't asked for");
    }
}

#[test]
fn service_records_are_good_as_long_as_the_shortest_of_them_and_their_addresses() {
    let server = server();
    let records = [DnsData::srv(0, 5, 80, "a.example"), DnsData::srv(0, 5, 80, "b.example")];
    server.put("users.example", 600, &records).expect("a name");
    server.put("a.example", 600, &addresses(&["10.0.0.1"])).expect("a name");
    server.put("b.example", 20, &addresses(&["10.0.0.2"])).expect("a name");
    let rig = Rig::new(services(&[&server]));
    let _watch = rig.watch("users");
    rig.wait_until_heard(1, 0);

    rig.advance(19.9);
    rig.fence(&server);
    assert_eq!(server.stats().asked("users.example.", "SRV"), 1);
    server.put("b.example", 20, &addresses(&["10.0.0.3"])).expect("a name");
    rig.advance(2.2);
    rig.wait_until_heard(2, 0);

    assert_eq!(rig.ids(), ["a.example:80/10.0.0.1", "b.example:80/10.0.0.3"]);
}

#[test]
fn one_target_that_cant_be_read_leaves_the_set_as_it_was() {
    let server = server();
    server.set(DnsMode::Terse);
    let records = [DnsData::srv(0, 5, 80, "a.example"), DnsData::srv(0, 5, 80, "b.example")];
    server.put("users.example", 5, &records).expect("a name");
    server.put("a.example", 5, &addresses(&["10.0.0.1"])).expect("a name");
    server.put("b.example", 5, &addresses(&["10.0.0.2"])).expect("a name");
    let rig = Rig::new(services(&[&server]));
    let _watch = rig.watch("users");
    rig.wait_until_heard(1, 0);

    server.set_for("b.example", DnsMode::ServFail).expect("a name");
    rig.advance(5.6);
    rig.wait_until_heard(1, 1);

    assert_eq!(rig.ids(), ["a.example:80/10.0.0.1", "b.example:80/10.0.0.2"]);
    let cause = format!("name b.example., type A: server {} answered SERVFAIL", server.address());
    assert_eq!(rig.told()[1], format!("discovery_stale: dns: {cause}"));
}

#[test]
fn a_target_may_be_an_address_and_a_dot_means_no_service() {
    let server = server();
    server.put("users.example", 60, &[DnsData::srv(0, 5, 80, "10.0.0.9")]).expect("a name");
    server.put("none.example", 60, &[DnsData::srv(0, 0, 0, ".")]).expect("a name");
    let rig = Rig::new(services(&[&server]));

    assert_eq!(rig.listed("users"), ["10.0.0.9:80/10.0.0.9"]);
    assert_eq!(rig.listed("none"), [""; 0]);
    let stats = server.stats();
    assert_eq!(stats.udp, 2, "{stats:?}");
}

#[test]
fn aliases_are_followed_and_their_time_counts() {
    for mode in [DnsMode::Answer, DnsMode::Terse] {
        let server = server();
        server.set(mode);
        server.put("users.example", 20, &[DnsData::cname("b.example")]).expect("a name");
        server.put("b.example", 600, &[DnsData::cname("c.example")]).expect("a name");
        server.put("c.example", 600, &addresses(&["10.0.0.1"])).expect("a name");
        let rig = Rig::new(options(&[&server]));
        let _watch = rig.watch("users");
        rig.wait_until_heard(1, 0);
        assert_eq!(rig.ids(), ["10.0.0.1:80"]);

        server.put("users.example", 20, &[DnsData::cname("d.example")]).expect("a name");
        server.put("d.example", 600, &addresses(&["10.0.0.2"])).expect("a name");
        rig.advance(19.9);
        rig.fence(&server);
        assert_eq!(server.stats().asked("users.example.", "A"), 1);
        rig.advance(2.2);
        rig.wait_until_heard(2, 0);
        assert_eq!(
            rig.ids(),
            ["10.0.0.1:80", "10.0.0.2:80"],
            "who is gone is in doubt for a while"
        );
    }
}

#[test]
fn aliases_in_a_circle_are_a_failure_and_no_absence() {
    for mode in [DnsMode::Answer, DnsMode::Terse] {
        let server = server();
        server.set(mode);
        server.put("users.example", 20, &[DnsData::cname("b.example")]).expect("a name");
        server.put("b.example", 20, &[DnsData::cname("users.example")]).expect("a name");
        let rig = Rig::new(options(&[&server]));

        let refusal = rig.refusal("users");

        assert!(refusal.contains("more than 16 aliases in a row"), "{refusal}");
        assert!(refusal.starts_with("dns: name users.example., type A: "), "{refusal}");
    }
}

#[test]
fn an_alias_of_nothing_is_an_absence() {
    for mode in [DnsMode::Answer, DnsMode::Terse] {
        let server = server();
        server.set(mode);
        server.put("users.example", 20, &[DnsData::cname("b.example")]).expect("a name");
        let rig = Rig::new(options(&[&server]));

        assert_eq!(rig.listed("users"), [""; 0], "{mode:?}");
    }
}

#[test]
fn an_answer_too_long_for_udp_is_read_whole_by_tcp() {
    let server = server();
    let ips: Vec<String> = (1..=200).map(|host| format!("10.0.0.{host}")).collect();
    let ips: Vec<&str> = ips.iter().map(String::as_str).collect();
    server.put("users.example", 60, &addresses(&ips)).expect("a name");
    let rig = Rig::new(options(&[&server]));

    assert_eq!(rig.listed("users").len(), 200);
    let stats = server.stats();
    assert_eq!((stats.udp, stats.tcp), (1, 1));
}

#[test]
fn a_question_that_was_lost_is_sent_again() {
    let server = server();
    server.put("users.example", 60, &addresses(&["10.0.0.1"])).expect("a name");
    server.set(DnsMode::Silent);
    let rig = Rig::new(options(&[&server]));
    let _watch = rig.watch("users");
    server.wait_for(PATIENCE, |stats| stats.udp == 1).expect("asked");

    server.set(DnsMode::Answer);
    rig.advance(0.7);
    rig.wait_until_heard(1, 0);

    assert_eq!(rig.ids(), ["10.0.0.1:80"]);
}

#[test]
fn a_forged_answer_is_passed_over() {
    let server = server();
    server.put("users.example", 60, &addresses(&["10.0.0.1"])).expect("a name");
    server.set(DnsMode::Forged);
    let rig = Rig::new(options(&[&server]));

    assert_eq!(rig.listed("users"), ["10.0.0.1:80"]);
}

#[test]
fn a_port_where_nobody_listens_is_noticed_at_once() {
    // Its port is taken for TCP, so that nobody else's DNS server gets it.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("it is bound");
    let second = server();
    second.put("users.example", 60, &addresses(&["10.0.0.1"])).expect("a name");
    let mut both = options(&[&second]);
    both.servers.insert(0, address);
    let mut alone = options(&[]);
    alone.servers = vec![address];

    let rig = Rig::new(both);
    let _watch = rig.watch("users");
    rig.wait_until_heard(1, 0);
    assert_eq!(rig.ids(), ["10.0.0.1:80"], "without any time on the clock");
    let refusal = Rig::new(alone).refusal("users");
    assert!(refusal.starts_with(&at(address, "can't be reached: Connection refused")), "{refusal}");
}

#[test]
fn an_answer_that_ends_in_the_middle_leaves_the_set_as_it_was() {
    let server = server();
    let ips: Vec<String> = (1..=200).map(|host| format!("10.0.0.{host}")).collect();
    let ips: Vec<&str> = ips.iter().map(String::as_str).collect();
    server.put("users.example", 5, &addresses(&ips)).expect("a name");
    let rig = Rig::new(options(&[&server]));
    let _watch = rig.watch("users");
    rig.wait_until_heard(1, 0);

    server.set(DnsMode::Cut);
    rig.advance(5.6);
    rig.wait_until_heard(1, 1);

    assert_eq!(rig.ids().len(), 200);
    let cause = at(server.address(), "closed the connection in the middle of its answer");
    assert_eq!(rig.told()[1], format!("discovery_stale: {cause}"));
}

#[test]
fn a_server_that_knows_the_old_form_of_queries_only_is_asked_in_it() {
    let server = server();
    server.set(DnsMode::Old);
    server.put("users.example", 60, &addresses(&["10.0.0.1"])).expect("a name");
    let rig = Rig::new(options(&[&server]));

    assert_eq!(rig.listed("users"), ["10.0.0.1:80"]);
}

#[test]
fn the_next_server_is_asked_when_one_fails_and_the_failed_one_last_for_a_while() {
    let (first, second) = (server(), server());
    first.set(DnsMode::Silent);
    second.put("users.example", 5, &addresses(&["10.0.0.1"])).expect("a name");
    let rig = Rig::new(options(&[&first, &second]));
    let _watch = rig.watch("users");
    first.wait_for(PATIENCE, |stats| stats.udp == 1).expect("asked");
    rig.advance(2.0);
    rig.wait_until_heard(1, 0);
    assert_eq!(rig.ids(), ["10.0.0.1:80"]);

    rig.advance(5.6);
    rig.wait_until_heard(2, 0);
    assert_eq!((first.stats().udp, second.stats().udp), (1, 2), "the others don't wait for it");

    first.put("users.example", 5, &addresses(&["10.0.0.1"])).expect("a name");
    first.set(DnsMode::Answer);
    rig.advance(30.0);
    rig.wait_until_heard(3, 0);
    assert_eq!((first.stats().udp, second.stats().udp), (2, 2));
    assert_eq!(rig.told(), ["discovery_update: 1 added"]);
}

#[test]
fn when_every_server_fails_the_error_says_why_of_each() {
    let (first, second) = (server(), server());
    first.set(DnsMode::ServFail);
    second.set(DnsMode::Refused);
    let rig = Rig::new(options(&[&first, &second]));

    let refusal = rig.refusal("users");

    let of_first = at(first.address(), "answered SERVFAIL");
    assert_eq!(refusal, format!("{of_first}; server {} answered REFUSED", second.address()));
}

#[test]
fn the_word_that_a_name_is_absent_is_checked_with_another_server() {
    let (first, second) = (server(), server());
    second.put("users.example", 60, &addresses(&["10.0.0.1"])).expect("a name");
    let rig = Rig::new(options(&[&first, &second]));

    assert_eq!(rig.listed("users"), [""; 0]);
    assert_eq!(second.stats().udp, 0, "a usual reading believes the first one");
    let set = rig.list("users", Reading::Strong).expect("it can be read");
    assert_eq!(&*set[0].id, "10.0.0.1:80");
    assert_eq!((first.stats().udp, second.stats().udp), (2, 1), "A and AAAA, then A");

    second.set(DnsMode::ServFail);
    let rig = Rig::new(options(&[&first, &second]));
    rig.listed("users");
    let set = rig.list("users", Reading::Strong).expect("only the first one is left to ask");
    assert!(set.is_empty());
}

#[test]
fn a_short_name_is_looked_for_in_the_search_domains() {
    let server = server();
    server.put("users.two.example", 60, &addresses(&["10.0.0.2"])).expect("a name");
    server.put("users", 60, &addresses(&["10.0.0.3"])).expect("a name");
    server.put("users.eu", 60, &addresses(&["10.0.0.4"])).expect("a name");
    let with = |ndots| {
        let mut options = options(&[&server]);
        options.template = "{service}".to_owned();
        options.search = Some(vec!["one.example".to_owned(), "two.example.".to_owned()]);
        options.ndots = ndots;
        Rig::new(options)
    };

    assert_eq!(with(None).listed("users"), ["10.0.0.2:80"]);
    assert_eq!(with(None).listed("users."), ["10.0.0.3:80"]);
    assert_eq!(with(Some(0)).listed("users"), ["10.0.0.3:80"]);
    assert_eq!(with(None).listed("users.eu"), ["10.0.0.4:80"]);
    assert_eq!(server.stats().asked("users.eu.one.example.", "A"), 0);
    assert_eq!(with(Some(2)).listed("users.eu"), ["10.0.0.4:80"]);
    assert_eq!(server.stats().asked("users.eu.one.example.", "A"), 1);
    assert_eq!(with(None).listed("nowhere"), [""; 0]);
}

#[test]
fn an_outage_of_one_search_domain_never_leads_to_the_next_ones_endpoints() {
    let server = server();
    server.set_for("users.one.example", DnsMode::ServFail).expect("a name");
    server.put("users.two.example", 60, &addresses(&["10.0.0.2"])).expect("a name");
    let mut options = options(&[&server]);
    options.template = "{service}".to_owned();
    options.search = Some(vec!["one.example".to_owned(), "two.example".to_owned()]);
    let rig = Rig::new(options);

    let refusal = rig.refusal("users");

    assert!(refusal.starts_with("dns: name users.one.example., type A: server "), "{refusal}");
    assert_eq!(server.stats().asked("users.two.example.", "A"), 0);
}

#[test]
fn what_is_no_dns_name_is_refused_by_service() {
    let server = server();
    let rig = Rig::new(options(&[&server]));

    let error = rig.list("a b", Reading::Usual).expect_err("no name");

    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert_eq!(error.to_string(), "dns: service \"a b\": must be a DNS name, got \"a b.example.\"");
    assert_eq!(server.stats().udp, 0);
}

#[test]
fn it_says_what_it_can_do_and_whether_it_can_be_reached() {
    let server = server();
    let rig = Rig::new(options(&[&server]));
    let ping = || rig.runtime.block_on(rig.dns.ping());

    let capabilities = rig.dns.capabilities();
    assert!(capabilities.is_per_service && capabilities.can_watch && capabilities.can_list);
    assert!(!capabilities.can_register && !capabilities.is_authoritative);
    assert_eq!(rig.dns.kind(), "dns");
    let whole = rig.runtime.block_on(rig.dns.list()).expect_err("there is no whole set");
    assert_eq!(whole.to_string(), "a provider of type \"dns\" can be read by service only");
    assert!(ping().is_ok());
    server.set(DnsMode::Refused);
    let error = ping().expect_err("it refuses").to_string();
    assert_eq!(
        error,
        format!("dns: name ., type NS: server {} answered REFUSED", server.address())
    );
}
