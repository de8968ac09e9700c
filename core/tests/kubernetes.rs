//! The Kubernetes provider against a real API server.
//!
//! `cargo test --release -p libfailover --features kubernetes --test kubernetes`. What is changed in
//! the cluster is changed past the library; what is seen of it is what the provider's sink let through.
#![cfg(feature = "kubernetes")]

#[path = "kubernetes/client.rs"]
mod client;
#[path = "kubernetes/proxy.rs"]
mod proxy;
#[path = "kubernetes/server.rs"]
mod server;
#[path = "kubernetes/watched.rs"]
mod watched;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use client::{pod, slice};
use failover::ErrorKind;
use failover::clock::{Clock, wait_for};
use failover::discovery::kubernetes::{IpFamily, Kubernetes, Port};
use failover::discovery::{Provider, Reading};
use proxy::Proxy;
use serde_json::json;
use server::{ADMIN, LISTER, NOBODY, Server};
use watched::{Watched, kubeconfig, of_file, options};

const PATIENCE: Duration = Duration::from_secs(60);

/// The server of all tests that don't hurt it. It ends with this process.
static SERVER: LazyLock<Server> = LazyLock::new(|| Server::start("shared"));

#[test]
fn slices_are_followed_from_their_creation_to_their_deletion() {
    let admin = &SERVER.admin;
    admin.make_namespace("followed");
    let watched = Watched::start(options(&SERVER, "followed", ADMIN), "users");
    watched.wait_for(&[]);

    admin.put_slice("followed", &slice("users-1", "users", "IPv4", &[pod("10.0.0.1", "a")]));
    watched.wait_for(&["users/a/10.0.0.1:80"]);

    let two = [pod("10.0.0.1", "a"), pod("10.0.0.2", "b")];
    admin.put_slice("followed", &slice("users-1", "users", "IPv4", &two));
    watched.wait_for(&["users/a/10.0.0.1:80", "users/b/10.0.0.2:80"]);

    admin.put_slice("followed", &slice("users-2", "users", "IPv4", &[pod("10.0.0.3", "c")]));
    admin.put_slice("followed", &slice("others-1", "others", "IPv4", &[pod("10.0.0.9", "x")]));
    watched.wait_for(&["users/a/10.0.0.1:80", "users/b/10.0.0.2:80", "users/c/10.0.0.3:80"]);

    // Another service's from now on.
    admin.put_slice("followed", &slice("users-1", "others", "IPv4", &two));
    watched.wait_for(&["users/c/10.0.0.3:80"]);

    admin.delete_slice("followed", "users-2");
    watched.wait_for(&[]);
    assert_eq!(watched.failures(), 0, "{:?}", watched.last_error());
}

#[test]
fn a_change_is_seen_within_a_second() {
    let admin = &SERVER.admin;
    admin.make_namespace("quick");
    let watched = Watched::start(options(&SERVER, "quick", ADMIN), "users");
    watched.wait_for(&[]);

    let clock = Clock::system();
    let mut times: Vec<u64> = Vec::new();
    for i in 1..=50 {
        let ip = format!("10.0.0.{i}");
        admin.put_slice("quick", &slice("users-1", "users", "IPv4", &[pod(&ip, "a")]));
        let changed = clock.now();
        watched.wait_for(&[&format!("users/a/{ip}:80")]);
        times.push((clock.now() - changed) / 1_000);
    }

    times.sort_unstable();
    println!(
        "from the answer to a change until it is seen: µs p50 {} max {}",
        times[25], times[49]
    );
    assert!(times[49] < 1_000_000, "{times:?}");
}

#[test]
fn two_hundred_and_fifty_endpoints_come_once_each_and_one_that_moves_keeps_its_state() {
    let admin = &SERVER.admin;
    admin.make_namespace("many");
    let v4 = |from: u32, to: u32| {
        let pods =
            (from..to).map(|i| pod(&format!("10.0.{}.{}", i / 100, i % 100), &i.to_string()));
        pods.collect::<Vec<_>>()
    };
    let v6: Vec<_> = (150..250).map(|i| pod(&format!("fd00::{i:x}"), &i.to_string())).collect();
    admin.put_slice("many", &slice("users-1", "users", "IPv4", &v4(0, 90)));
    admin.put_slice("many", &slice("users-2", "users", "IPv4", &v4(90, 190)));
    admin.put_slice("many", &slice("users-3", "users", "IPv6", &v6));
    let watched = Watched::start(options(&SERVER, "many", ADMIN), "users");
    watched.wait_until("all of them", |ids| ids.len() == 250);
    let families = watched.ids().iter().filter(|id| id.contains('[')).count();
    assert_eq!(families, 60, "who has both families is seen in the preferred one");
    let mover = "users/89/10.0.0.89:80";
    let held = watched.member(mover);

    // First into the new one, then out of the old one, as the controller does.
    admin.put_slice("many", &slice("users-2", "users", "IPv4", &v4(89, 190)));
    admin.put_slice("many", &slice("users-1", "users", "IPv4", &v4(0, 89)));
    admin.put_slice("many", &slice("users-4", "users", "IPv4", &[pod("10.0.9.9", "last")]));
    watched.wait_until("the last change", |ids| ids.len() == 251);

    let now = watched.member(mover);
    assert_eq!(now.id, held.id, "it was never gone");
    assert!(Arc::ptr_eq(&now.state, &held.state));
}

#[test]
fn a_service_names_its_namespace_and_its_port() {
    let admin = &SERVER.admin;
    admin.make_namespace("ports");
    let mut two = slice("users-1", "users", "IPv4", &[pod("10.0.0.1", "a")]);
    two["ports"] = json!([{"name": "http", "port": 80}, {"name": "grpc", "port": 90}]);
    admin.put_slice("ports", &two);
    let elsewhere = options(&SERVER, "default", ADMIN);
    let by_name = Watched::start(elsewhere.clone(), "users.ports:grpc");
    let by_number = Watched::start(elsewhere.clone(), "users.ports:80");
    let mut configured = elsewhere.clone();
    configured.port = Some(Port::Name("http".to_owned()));
    let configured = Watched::start(configured, "users.ports");
    let unnamed = Watched::start(elsewhere, "users.ports");

    by_name.wait_for(&["users.ports:grpc/a/10.0.0.1:90"]);
    by_number.wait_for(&["users.ports:80/a/10.0.0.1:80"]);
    configured.wait_for(&["users.ports/a/10.0.0.1:80"]);
    let error = unnamed.wait_for_error("its port must be named");
    assert!(error.contains(r#""http" (80), "grpc" (90)"#), "{error}");
}

#[test]
fn a_service_is_read_alone_usually_and_strongly() {
    let admin = &SERVER.admin;
    admin.make_namespace("alone");
    let both = [pod("fd00::1", "a")];
    admin.put_slice("alone", &slice("users-1", "users", "IPv4", &[pod("10.0.0.1", "a")]));
    admin.put_slice("alone", &slice("users-2", "users", "IPv6", &both));
    let mut options = options(&SERVER, "alone", ADMIN);
    options.ip_family = IpFamily::PreferV6;
    let provider = Kubernetes::new(options, 1).expect("valid options");

    let runtime = watched::runtime();
    let ids = |service: &str, reading| {
        let set = runtime.block_on(provider.list_service(service, reading)).expect("it is there");
        set.iter().map(|endpoint| endpoint.id.to_string()).collect::<Vec<_>>()
    };
    // The usual reading may lag behind.
    assert!(wait_for(PATIENCE, &|| ids("users", Reading::Usual) == ["users/a/[fd00::1]:80"]));
    assert_eq!(ids("users", Reading::Strong), ["users/a/[fd00::1]:80"]);
    assert_eq!(ids("unknown", Reading::Strong), [""; 0]);
    runtime.block_on(provider.ping()).expect("it is reached");
    let refused = runtime.block_on(provider.list_service("a/b", Reading::Usual));
    assert_eq!(refused.expect_err("no name").kind(), ErrorKind::InvalidArgument);
    let whole = runtime.block_on(provider.list()).expect_err("never whole");
    assert_eq!(whole.kind(), ErrorKind::Provider);
}

#[test]
fn a_missing_permission_is_named_with_its_verb_and_resource() {
    let admin = &SERVER.admin;
    admin.make_namespace("forbidden");
    admin.put_slice("forbidden", &slice("users-1", "users", "IPv4", &[pod("10.0.0.1", "a")]));
    let nobody = Watched::start(options(&SERVER, "forbidden", NOBODY), "users");
    let denied =
        |verb| format!("may not {verb} endpointslices.discovery.k8s.io in namespace \"forbidden\"");

    let error = nobody.wait_for_error(&denied("list"));
    assert!(error.contains(&SERVER.url()), "{error}");
    assert!(!error.contains(NOBODY), "{error}");
    assert_eq!(nobody.ids(), [""; 0]);

    admin.allow("forbidden", "lister", &["list"]);
    let lister = Watched::start(options(&SERVER, "forbidden", LISTER), "users");
    lister.wait_for_error(&denied("watch"));
    lister.wait_for(&["users/a/10.0.0.1:80"]);

    // What was missing is granted while it asks.
    admin.allow("forbidden", "nobody", &["list", "watch"]);
    nobody.wait_for(&["users/a/10.0.0.1:80"]);
}

#[test]
fn a_certificate_of_another_authority_is_refused() {
    let folder = SERVER.folder("wrong-ca");
    let other = &SERVER.certificates.other_ca;
    let text = kubeconfig(&SERVER.url(), other, &format!("token: {ADMIN}"));
    let path = folder.join("config");
    std::fs::write(&path, text).expect("written");
    let options = of_file(path, "default");

    let watched = Watched::start(options, "users");

    let error = watched.wait_for_error("certificate");
    assert!(error.contains(&SERVER.url()) && !error.contains(ADMIN), "{error}");
}

#[test]
fn a_token_that_is_not_accepted_is_not_shown_and_its_successor_is_found() {
    SERVER.admin.make_namespace("rotated");
    SERVER.admin.put_slice("rotated", &slice("users-1", "users", "IPv4", &[pod("10.0.0.1", "a")]));
    let folder = SERVER.folder("rotated");
    let (path, token) = (folder.join("config"), folder.join("token"));
    std::fs::write(&token, "old-s3cret\n").expect("written");
    let text = kubeconfig(&SERVER.url(), &SERVER.certificates.ca, "tokenFile: token");
    std::fs::write(&path, text).expect("written");
    let options = of_file(path, "rotated");
    let watched = Watched::start(options, "users");
    let error = watched.wait_for_error("status 401: the credentials are not accepted");
    assert!(!error.contains("s3cret"), "{error}");

    std::fs::write(&token, format!("{ADMIN}\n")).expect("written");

    watched.wait_for(&["users/a/10.0.0.1:80"]);
    assert!(watched.told().iter().all(|text| !text.contains("s3cret")), "{:?}", watched.told());
}

#[test]
fn a_kubeconfig_that_is_half_written_is_named_and_its_rest_is_found() {
    SERVER.admin.make_namespace("halves");
    SERVER.admin.put_slice("halves", &slice("users-1", "users", "IPv4", &[pod("10.0.0.1", "a")]));
    let folder = SERVER.folder("halves");
    let path = folder.join("config");
    let whole = kubeconfig(&SERVER.url(), &SERVER.certificates.ca, &format!("token: {ADMIN}"));
    let half = whole.replace(&format!("token: {ADMIN}"), &format!("token: \"{ADMIN}"));
    std::fs::write(&path, half).expect("written");
    let options = of_file(path.clone(), "halves");
    let watched = Watched::start(options, "users");
    let error = watched.wait_for_error(&format!("{}: is no valid kubeconfig", path.display()));
    assert!(!error.contains(ADMIN), "{error}");

    std::fs::write(&path, "").expect("written");
    watched.wait_for_error("current-context: is not set");
    std::fs::write(&path, whole).expect("written");

    watched.wait_for(&["users/a/10.0.0.1:80"]);
    assert!(watched.told().iter().all(|text| !text.contains(ADMIN)), "{:?}", watched.told());
}

#[cfg(unix)]
#[test]
fn a_program_may_give_the_token_and_what_it_prints_is_not_shown() {
    use std::os::unix::fs::PermissionsExt as _;

    SERVER.admin.make_namespace("given");
    SERVER.admin.put_slice("given", &slice("users-1", "users", "IPv4", &[pod("10.0.0.1", "a")]));
    let folder = SERVER.folder("given");
    let (path, program) = (folder.join("config"), folder.join("give"));
    let exec = "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./give}";
    let text = kubeconfig(&SERVER.url(), &SERVER.certificates.ca, exec);
    std::fs::write(&path, text).expect("written");
    // Renamed into its place: a program that is being written can't be run.
    let write = |script: &str| {
        let beside = folder.join("new");
        std::fs::write(&beside, format!("#!/bin/sh\n{script}\n")).expect("written");
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&beside, mode).expect("ours");
        std::fs::rename(&beside, &program).expect("ours");
    };
    write("echo s3cret; echo s3cret >&2; exit 3");
    let options = of_file(path, "given");
    let watched = Watched::start(options, "users");
    watched.wait_for_error("exec: the program that gives credentials failed: exit status: 3");
    write("echo s3cret");
    watched.wait_for_error("exec: the program that gives credentials printed something else");

    let credential = json!({"apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential", "status": {"token": ADMIN}});
    write(&format!("echo '{credential}'"));

    watched.wait_for(&["users/a/10.0.0.1:80"]);
    assert!(watched.told().iter().all(|text| !text.contains("s3cret")), "{:?}", watched.told());
}

#[test]
fn a_killed_api_server_costs_no_endpoint_and_what_changed_is_seen_after_its_return() {
    let server = Server::start("killed");
    let slice = |ip: &str| slice("users-1", "users", "IPv4", &[pod(ip, "a")]);
    server.admin.put_slice("default", &slice("10.0.0.1"));
    let watched = Watched::start(options(&server, "default", ADMIN), "users");
    watched.wait_for(&["users/a/10.0.0.1:80"]);
    let clock = Clock::system();

    server.kill_api();
    let killed = clock.now();
    let error = watched.wait_for_error("refused");
    assert!(error.contains(&server.url()) && !error.contains(ADMIN), "{error}");
    // Also one that never knew anything.
    let late = Watched::start(options(&server, "default", ADMIN), "users");
    late.wait_for_error("refused");
    assert!(wait_for(PATIENCE, &|| watched.failures() >= 7 && late.failures() >= 7));
    let away = (clock.now() - killed) / 1_000_000;
    let tries = watched.failures();
    assert_eq!(watched.ids(), ["users/a/10.0.0.1:80"], "the last good set serves");
    server.compact();
    server.start_api();
    let ready = clock.now();
    server.admin.put_slice("default", &slice("10.0.0.2"));
    watched.wait_for(&["users/a/10.0.0.2:80"]);
    late.wait_for(&["users/a/10.0.0.2:80"]);

    let until_seen = (clock.now() - ready) / 1_000_000;
    println!("{tries} tries in {away} ms; seen {until_seen} ms after its return");
    assert!(until_seen <= 6_000, "seen after {until_seen} ms");
    // At once, and then after 0.2, 0.4, 0.8, 1.6, 3.2 and 5 s, less a tenth at most.
    assert!(away >= 10_000 || tries > 7, "{tries} tries in {away} ms");
}

#[test]
fn more_services_than_a_connection_takes_get_another_one() {
    SERVER.admin.make_namespace("crowd");
    let proxy = Proxy::start(SERVER.port());
    let path = SERVER.folder("crowd").join("config");
    let text = kubeconfig(&proxy.url(), &SERVER.certificates.ca, &format!("token: {ADMIN}"));
    std::fs::write(&path, text).expect("written");
    let provider = Kubernetes::new(of_file(path, "crowd"), 1).expect("valid options");
    let (provider, runtime) = (Arc::new(provider), Arc::new(watched::runtime()));
    let names: Vec<String> = (0..120).map(|i| format!("s{i}")).collect();

    let all: Vec<Watched> =
        names.iter().map(|name| Watched::start_on(&provider, &runtime, name)).collect();
    all.iter().for_each(|one| one.wait_for(&[]));
    for name in [&names[0], &names[60], &names[119]] {
        let pods = [pod("10.0.0.1", "a")];
        SERVER.admin.put_slice("crowd", &slice(&format!("{name}-1"), name, "IPv4", &pods));
    }

    for (name, one) in names.iter().zip(&all) {
        match &**name {
            "s0" | "s60" | "s119" => one.wait_for(&[&format!("{name}/a/10.0.0.1:80")]),
            _ => assert_eq!(one.failures(), 0, "{name}: {:?}", one.last_error()),
        }
    }
    let made = proxy.made();
    println!("120 services over {made} connections");
    assert!((2..=8).contains(&made), "{made} connections");
}

#[test]
fn a_connection_that_fell_silent_is_found_within_45_seconds() {
    SERVER.admin.make_namespace("silent");
    let slice = |ip: &str| slice("users-1", "users", "IPv4", &[pod(ip, "a")]);
    SERVER.admin.put_slice("silent", &slice("10.0.0.1"));
    let proxy = Proxy::start(SERVER.port());
    let path = SERVER.folder("silent").join("config");
    let text = kubeconfig(&proxy.url(), &SERVER.certificates.ca, &format!("token: {ADMIN}"));
    std::fs::write(&path, text).expect("written");
    let options = of_file(path, "silent");
    let watched = Watched::start(options, "users");
    watched.wait_for(&["users/a/10.0.0.1:80"]);
    // This one comes by the watch.
    SERVER.admin.put_slice("silent", &slice("10.0.0.2"));
    watched.wait_for(&["users/a/10.0.0.2:80"]);
    assert_eq!(proxy.made(), 1, "lists and watches share a connection");
    let clock = Clock::system();

    let silent_since = clock.now();
    proxy.fall_silent();
    SERVER.admin.put_slice("silent", &slice("10.0.0.3"));
    watched.wait_for(&["users/a/10.0.0.3:80"]);

    let found = (clock.now() - silent_since) / 1_000_000;
    println!("a silent connection was found after {found} ms");
    assert!(found <= 45_000, "found after {found} ms");
    assert_eq!(watched.failures(), 0, "{:?}", watched.last_error());
}

/// Its crates could handle signals, and must not: they are the program's.
#[cfg(target_os = "linux")]
#[test]
fn no_signal_is_treated_otherwise_than_before() {
    let masks = || {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
        let lines =
            status.lines().filter(|line| line.starts_with("Sig") && !line.starts_with("SigQ"));
        // What is pending isn't a disposition.
        lines.filter(|line| !line.starts_with("SigPnd")).map(str::to_owned).collect::<Vec<_>>()
    };
    let caught = |lines: &[String]| {
        let line = lines.iter().find_map(|line| line.strip_prefix("SigCgt:"));
        u64::from_str_radix(line.expect("it is there").trim(), 16).expect("a mask")
    };
    let before = masks();
    SERVER.admin.make_namespace("signals");
    SERVER.admin.put_slice("signals", &slice("users-1", "users", "IPv4", &[pod("10.0.0.1", "a")]));

    let watched = Watched::start(options(&SERVER, "signals", ADMIN), "users");
    watched.wait_for(&["users/a/10.0.0.1:80"]);
    let during = masks();
    drop(watched);

    assert_eq!((&during, &masks()), (&before, &before));
    // Rust's own, which tell a stack overflow: SIGBUS and SIGSEGV; and those that the C library has for
    // its threads. So no other test changed any.
    let own = [7, 11, 32, 33, 34].map(|signal| 1 << (signal - 1)).iter().sum::<u64>();
    assert_eq!(caught(&during) & !own, 0, "{during:?}");
}
