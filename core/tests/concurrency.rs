//! Many threads at once: permits, counts and changes under load.
//!
//! The short runs belong to every test run; with `FAILOVER_SOAK=1` they are as long as promised.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{channel, sync_channel};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use failover::{Endpoint, Error, Manager, Outcome, Pool, Request};

/// Longer than anything takes that doesn't hang.
const PATIENCE: Duration = Duration::from_secs(60);

fn manager(policy: &str) -> Manager {
    let document = format!(r#"{{"seed": 1, "failover": {policy}}}"#);
    Manager::from_json(&document).expect("the document is valid")
}

fn soak(short: u64, long: u64) -> u64 {
    if std::env::var_os("FAILOVER_SOAK").is_some() { long } else { short }
}

fn in_flight(manager: &Manager) -> u64 {
    manager.in_flight()
}

#[test]
fn half_open_never_lets_more_than_its_permits_in() {
    let policy = r#"{"circuit_breaker": {"failure_threshold": 1, "recovery_timeout": "1s",
        "half_open_max_calls": 3, "success_threshold": 1000000, "jitter": 0.0}}"#;
    let document = format!(r#"{{"seed": 1, "clock": "manual", "failover": {policy}}}"#);
    for _ in 0..soak(50, 2_000) {
        let manager = Manager::from_json(&document).expect("the document is valid");
        manager.register_endpoint(None, Endpoint::new("a", "s", "127.0.0.1", 1)).expect("free id");
        let pool = manager.pool(None, Some("s")).expect("the service exists");
        pool.pick(&Request::new()).expect("closed").report(Outcome::Failure);
        manager.advance(Duration::from_secs(1)).expect("a manual clock");
        let (start, holding) = (Barrier::new(64), Barrier::new(64));
        let granted = AtomicUsize::new(0);

        std::thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    start.wait();
                    let lease = pool.pick(&Request::new());
                    granted.fetch_add(usize::from(lease.is_ok()), Ordering::Relaxed);
                    holding.wait();
                    if let Ok(lease) = lease {
                        lease.report(Outcome::Success);
                    }
                });
            }
        });

        assert_eq!(granted.load(Ordering::Relaxed), 3);
        assert_eq!(in_flight(&manager), 0);
    }
}

#[test]
fn a_pool_has_its_fallbacks_for_whoever_gets_it_first() {
    let document = r#"{"seed": 1, "providers": {"one": {"type": "memory"}, "two": {"type": "memory"},
        "three": {"type": "memory"}, "last": {"type": "memory"}}, "failover": {"max_retries": 0}}"#;
    for _ in 0..soak(100, 5_000) {
        let manager = Manager::from_json(document).expect("the document is valid");
        let endpoint = Endpoint::new("a", "s", "127.0.0.1", 1);
        manager.register_endpoint(Some("last"), endpoint).expect("free id");
        let start = Barrier::new(4);

        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    start.wait();
                    let pool = manager.pool(Some("memory"), Some("s")).expect("may be empty");
                    let served = pool.execute_blocking(Request::new(), |_| Ok::<_, Error>(()));
                    assert!(served.is_ok_and(|served| served.is_fallback));
                });
            }
        });
    }
}

#[test]
fn a_lease_that_is_held_is_seen_whatever_others_hand_over() {
    let manager = manager(r#"{"circuit_breaker": {"enabled": false}}"#);
    manager.register_endpoint(None, Endpoint::new("a", "s", "127.0.0.1", 1)).expect("free id");
    let pool = manager.pool(None, Some("s")).expect("the service exists");
    let state = manager.member(None, "a").expect("it is there").state;
    let held = pool.pick(&Request::new()).expect("usable");
    let is_over = AtomicBool::new(false);
    let (send, leases) = sync_channel(1);
    let mut least = u64::MAX;

    std::thread::scope(|scope| {
        let (pool, is_over) = (&pool, &is_over);
        scope.spawn(move || {
            for _ in 0..soak(200_000, 5_000_000) {
                let lease = pool.pick(&Request::new()).expect("usable");
                send.send(lease).expect("the other thread takes them all");
            }
        });
        scope.spawn(move || {
            leases.into_iter().for_each(|lease| lease.report(Outcome::Success));
            is_over.store(true, Ordering::Relaxed);
        });
        while !is_over.load(Ordering::Relaxed) {
            least = least.min(state.in_flight());
        }
    });

    assert_eq!(least, 1);
    held.report(Outcome::Success);
}

#[test]
fn changes_under_load_fail_no_call_and_lose_no_count() {
    let manager = manager(r#"{"strategy": "round_robin"}"#);
    for number in 0..100 {
        let endpoint = Endpoint::new(&format!("e{number:03}"), "s", "127.0.0.1", 1000 + number);
        manager.register_endpoint(None, endpoint).expect("a fresh id");
    }
    let pool = manager.pool(None, Some("s")).expect("the service exists");
    let pairs = soak(1_500, 30_000);
    let (is_over, calls) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut grown = 0;

    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    execute_once(&pool);
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        grown = change(&manager, pairs);
        is_over.store(true, Ordering::Relaxed);
    });

    assert!(calls.load(Ordering::Relaxed) > 0);
    assert_eq!(in_flight(&manager), 0);
    assert_eq!(manager.stats()["memory"]["failed_requests"], 0);
    println!("{pairs} pairs, {} calls, {grown} KiB grown", calls.load(Ordering::Relaxed));
    assert!(grown <= 4 * 1024, "resident memory grew by {grown} KiB in the second half");
}

#[test]
fn pools_are_made_while_the_policy_changes() {
    let manager = manager(r#"{"strategy": "round_robin"}"#);
    let is_over = Arc::new(AtomicBool::new(false));
    let (told, ended) = channel();

    let (changing, until, at_the_end) = (manager.clone(), Arc::clone(&is_over), told.clone());
    std::thread::spawn(move || {
        while !until.load(Ordering::Relaxed) {
            changing.configure(r#"{"max_retries": 1}"#).expect("a valid policy");
        }
        at_the_end.send(()).expect("the test waits");
    });
    std::thread::spawn(move || {
        for number in 0..soak(50, 500) {
            made_and_used(&manager, &format!("s{number}"));
        }
        is_over.store(true, Ordering::Relaxed);
        told.send(()).expect("the test waits");
    });

    // Two locks taken in two orders would hold both threads for ever.
    for _ in 0..2 {
        assert_eq!(ended.recv_timeout(PATIENCE), Ok(()), "a thread hangs");
    }
}

#[test]
fn whoever_comes_second_to_a_new_pool_finds_its_endpoints() {
    for round in 0..soak(200, 20_000) {
        let manager = manager("{}");
        let endpoint = Endpoint::new("a", "s", "127.0.0.1", 1);
        manager.register_endpoint(None, endpoint).expect("valid");
        let together = Barrier::new(2);
        let first_pick = || {
            together.wait();
            let pool = manager.pool(None, Some("s")).expect("it is there");
            pool.pick(&Request::new()).map(drop)
        };

        let picks = std::thread::scope(|scope| {
            let threads = [scope.spawn(first_pick), scope.spawn(first_pick)];
            threads.map(|thread| thread.join().expect("no panic"))
        });

        assert!(picks.iter().all(Result::is_ok), "round {round}: {picks:?}");
    }
}

fn made_and_used(manager: &Manager, service: &str) {
    let endpoint = Endpoint::new(service, service, "127.0.0.1", 1);
    manager.register_endpoint(None, endpoint).expect("a fresh id");
    let pool = manager.pool(None, Some(service)).expect("the service exists");
    pool.pick(&Request::new()).expect("usable").report(Outcome::Success);
}

fn execute_once(pool: &Pool) {
    let done = pool.execute_blocking(Request::new(), |attempt| {
        std::hint::black_box(&attempt.endpoint.id);
        Ok::<_, std::io::Error>(())
    });
    assert!(done.is_ok(), "{:?}", done.err());
}

/// Registers, deregisters and reconfigures; returns how much the second half grew, in KiB.
fn change(manager: &Manager, pairs: u64) -> u64 {
    let mut at_half = 0;
    for number in 0..pairs {
        let retries = number % 5;
        manager.configure(&format!(r#"{{"max_retries": {retries}}}"#)).expect("a valid policy");
        let id = format!("extra{}", number % 7);
        let endpoint = Endpoint::new(&id, "s", "127.0.0.1", 9000);
        manager.register_endpoint(None, endpoint).expect("the id was deregistered");
        manager.deregister_endpoint(None, &id).expect("the id was registered");
        if number == pairs / 2 {
            at_half = resident();
        }
    }
    resident().saturating_sub(at_half)
}

/// Resident memory in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("always there");
    line.split_whitespace().nth(1).expect("a number").parse().expect("in KiB")
}
