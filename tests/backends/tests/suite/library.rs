//! The value that Rust tests hold.

use std::io::ErrorKind;
use std::time::Duration;

use failover_backends::{Backend, Mode, Options};

use crate::client::{Client, get};

#[test]
fn a_killed_backend_is_gone_when_kill_returns() {
    let mut backend = Backend::start("a").unwrap();
    let mut open = Client::connect(backend.port()).unwrap();
    open.get("/work").unwrap();

    backend.kill();
    backend.kill();

    assert!(open.get("/work").is_err());
    for port in [backend.port(), backend.control_port()] {
        assert_eq!(Client::connect(port).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
    assert_eq!(backend.set(Mode::Ok).unwrap_err().kind(), ErrorKind::NotConnected);
    assert_eq!(backend.stats().requests, 1, "what it saw is still known");
}

#[test]
fn a_killed_backend_can_be_followed_by_one_on_the_same_ports() {
    let mut first = Backend::start("a").unwrap();
    get(first.port(), "/work").unwrap();
    first.kill();

    let options = Options { port: first.port(), control_port: first.control_port(), tls: None };
    let second = Backend::start_with("a", &options).unwrap();

    assert_eq!(second.port(), first.port());
    assert_eq!(get(second.port(), "/work").unwrap().status, 200);
}

#[test]
fn a_hung_request_does_not_hold_up_the_kill() {
    let mut backend = Backend::start("a").unwrap();
    backend.set(Mode::Hang).unwrap();
    let mut client = Client::connect(backend.port()).unwrap();
    client.send("GET", "/work", "").unwrap();
    backend.wait_for(Duration::from_secs(20), |stats| stats.requests == 1).unwrap();

    backend.kill();

    assert!(client.receive().is_err());
}

#[test]
fn an_impossible_behaviour_is_refused_and_changes_nothing() {
    let backend = Backend::start("a").unwrap();

    for mode in [Mode::Status(99), Mode::Flap(0)] {
        assert_eq!(backend.set(mode).unwrap_err().kind(), ErrorKind::InvalidInput);
    }

    assert_eq!(get(backend.port(), "/work").unwrap().status, 200);
}

#[test]
fn an_async_task_may_start_steer_and_drop_a_backend_and_fail_to_start_one() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();

    runtime.block_on(async {
        let backend = Backend::start("a").unwrap();
        backend.set(Mode::Refuse).unwrap();
        backend.set(Mode::Status(503)).unwrap();
        assert_eq!(get(backend.port(), "/work").unwrap().status, 503);

        let options = Options { port: backend.port(), ..Options::default() };
        let error = Backend::start_with("b", &options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
    });
}

#[test]
fn a_wait_in_vain_tells_the_counts() {
    let backend = Backend::start("a").unwrap();

    let error = backend.wait_for(Duration::ZERO, |stats| stats.requests == 1).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.to_string().contains(r#""requests":0"#), "{error}");
}

#[test]
fn many_clients_at_once_are_all_answered_and_counted() {
    let backend = Backend::start("a").unwrap();

    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert_eq!(get(backend.port(), "/work").unwrap().status, 200);
                }
            });
        }
    });

    assert_eq!(backend.stats().statuses[&200], 400);
}

#[test]
fn a_refusing_port_refuses_also_while_a_forked_process_holds_copies_of_its_sockets() {
    let backend = Backend::start("a").unwrap();

    let forks = std::thread::spawn(|| {
        for _ in 0..100 {
            std::process::Command::new("true").status().unwrap();
        }
    });

    while !forks.is_finished() {
        backend.set(Mode::Refuse).unwrap();
        let error = Client::connect(backend.port()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        backend.set(Mode::Ok).unwrap();
    }
    forks.join().unwrap();
}
