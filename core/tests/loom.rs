//! Every interleaving of the lock-free parts, explored by loom on the very code that ships.
//!
//! Built by `make loom` with `--cfg loom` and without the feature `runtime`; in an ordinary build
//! this file is empty. Each model is a handful of steps of two or three threads. What loom does not
//! see (the snapshot's pointer, which is another crate's) is exercised by the tests with threads.
#![cfg(loom)]

use std::sync::Arc;

use failover::execute::{PoolCore, Tickets};
use failover::stats::Stripe;
use failover::{Action, Call, Endpoint, ErrorKind, Input, Manager, Outcome, Request};
use loom::model::Builder;
use loom::thread;

/// Runs `model` in every interleaving with at most `preemptions` forced changes of thread.
///
/// Two or three of them find nearly every fault that any number would (Musuvathi and Qadeer 2007,
/// <https://doi.org/10.1145/1250734.1250785>), in seconds rather than days.
fn explore(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 100_000;
    builder.check(model);
}

/// A manager and the pool of its one service; `own` are options of the policy.
fn pool(own: &str) -> (Manager, Arc<PoolCore>) {
    let document = format!(r#"{{ "seed": 1, "clock": "manual", "failover": {{ {own} }} }}"#);
    let manager = Manager::from_json(&document).expect("the document is valid");
    register(&manager, "a");
    let pool = manager.pool(None, Some("service")).expect("the service is there");
    (manager, Arc::clone(pool.core()))
}

fn register(manager: &Manager, id: &str) {
    let endpoint = Endpoint::new(id, "service", "127.0.0.1", 8_080);
    manager.register_endpoint(None, endpoint).expect("the id is free");
}

/// A pool whose only endpoint has an open breaker that is due at [`DUE`].
fn due_pool(probes: u32) -> (Manager, Arc<PoolCore>) {
    let (manager, core) = pool(&format!(
        r#""circuit_breaker": {{ "failure_threshold": 1, "recovery_timeout": "1s", "jitter": 0,
            "half_open_max_calls": {probes}, "success_threshold": 1 }}"#
    ));
    let grant = core.grant_one(&Request::new(), 0).expect("the endpoint is usable");
    core.report(&grant, Outcome::Failure, 0, 1);
    (manager, core)
}

const DUE: u64 = 1_000_000_000;

#[test]
fn a_half_open_breaker_lets_in_as_many_as_it_has_permits() {
    explore(2, || {
        let (_manager, core) = due_pool(1);
        let probe = |core: Arc<PoolCore>| move || core.grant_one(&Request::new(), DUE).ok();

        let other = thread::spawn(probe(Arc::clone(&core)));
        let third = thread::spawn(probe(Arc::clone(&core)));
        let own = probe(core)();

        let granted = [own, other.join().unwrap(), third.join().unwrap()];
        assert_eq!(granted.iter().flatten().count(), 1, "one permit, one probe: {granted:?}");
    });
}

#[test]
fn a_permit_that_comes_back_is_handed_out_once() {
    explore(2, || {
        let (_manager, core) = due_pool(1);
        let held = core.grant_one(&Request::new(), DUE).expect("the first probe");

        let back = {
            let core = Arc::clone(&core);
            thread::spawn(move || core.report(&held, Outcome::Cancelled, DUE, 1))
        };
        let other = {
            let core = Arc::clone(&core);
            thread::spawn(move || core.grant_one(&Request::new(), DUE).ok())
        };
        let own = core.grant_one(&Request::new(), DUE).ok();

        back.join().unwrap();
        let granted = [own, other.join().unwrap()].into_iter().flatten().count();
        assert!(granted <= 1, "two held the one permit");
        let snapshot = core.snapshot();
        assert_eq!(snapshot.members()[0].state.in_flight(), granted as u64);
    });
}

#[test]
fn an_outcome_of_an_older_generation_moves_nothing() {
    explore(3, || {
        let (_manager, core) = due_pool(2);
        let one = core.grant_one(&Request::new(), DUE).expect("the first probe");
        let two = core.grant_one(&Request::new(), DUE).expect("the second probe");

        let good = {
            let core = Arc::clone(&core);
            thread::spawn(move || core.report(&one, Outcome::Success, DUE, 1))
        };
        core.report(&two, Outcome::Failure, DUE, 1);
        good.join().unwrap();

        // Whoever came first decided: closed by the one, or opened again by the other.
        let snapshot = core.snapshot();
        let state = &snapshot.members()[0].state;
        assert!(["closed", "open"].contains(&state.status().circuit().name()));
        assert_eq!(state.status().generation(), 3, "opened, half-opened, and one more move");
        assert_eq!(state.in_flight(), 0);
    });
}

#[test]
fn a_rest_that_begins_as_another_ends_is_kept() {
    explore(3, || {
        let (_manager, core) = pool(r#""max_retries": 0"#);
        let begun = || {
            let mut call = Call::new(Arc::clone(&core), Request::new());
            call.step(Input::Start, 0).expect("a call starts once");
            call
        };
        let throttled = |call: &mut Call<Arc<PoolCore>>, now| {
            let (outcome, latency, hint) = (Outcome::Throttled, 1, DUE);
            let result = Input::Result { attempt: 1, outcome, latency, hint };
            call.step(result, now).expect("the input is in order");
        };
        let (mut first, mut second) = (begun(), begun());
        throttled(&mut first, 0);

        let again = thread::spawn(move || throttled(&mut second, DUE));
        let _ = core.grant_one(&Request::new(), DUE);
        again.join().unwrap();

        assert!(core.grant_one(&Request::new(), DUE).is_err(), "it asked to be left alone");
    });
}

#[test]
fn in_flight_counts_each_attempt_until_it_is_back() {
    explore(3, || {
        let (_manager, core) = pool("");
        let attempt = |core: Arc<PoolCore>| {
            move || {
                let grant = core.grant_one(&Request::new(), 0).expect("usable");
                assert!(core.report(&grant, Outcome::Success, 1, 1));
            }
        };

        let other = thread::spawn(attempt(Arc::clone(&core)));
        let snapshot = core.snapshot();
        let seen = snapshot.members()[0].state.in_flight();
        attempt(core)();
        other.join().unwrap();

        assert!(seen <= 1, "only the other thread's attempt could be seen: {seen}");
        assert_eq!(snapshot.members()[0].state.in_flight(), 0);
    });
}

#[test]
fn an_end_is_never_seen_before_its_beginning() {
    explore(3, || {
        let (_manager, core) = pool("");
        let open = core.grant_one(&Request::new(), 0).expect("usable");
        let other = thread::spawn({
            let core = Arc::clone(&core);
            move || {
                let grant = core.grant_one(&Request::new(), 0).expect("usable");
                assert!(core.report(&grant, Outcome::Success, 1, 1));
            }
        });

        let seen = core.snapshot().members()[0].state.in_flight();
        other.join().unwrap();

        assert!(seen >= 1, "the attempt that is open was not counted");
        assert!(core.report(&open, Outcome::Success, 1, 1));
    });
}

#[test]
fn a_lease_finds_its_endpoint_although_its_place_was_given_away() {
    explore(2, || {
        let (manager, core) = pool("");
        let grant = core.grant_one(&Request::new(), 0).expect("usable");
        let old = manager.member(None, "a").expect("it is there");

        let writer = thread::spawn(move || {
            manager.deregister_endpoint(None, "a").expect("it is there");
            register(&manager, "b");
            manager
        });
        assert!(core.report(&grant, Outcome::Success, 1, 1), "the lease is still ours");
        let manager = writer.join().unwrap();

        let new = manager.member(None, "b").expect("it is there");
        assert_ne!(old.id, new.id, "a number is never used again while it may be held");
        assert_eq!(old.state.in_flight(), 0);
        assert_eq!(new.state.flow_totals(), (0, 0, 0), "the newcomer owes nothing");
    });
}

#[test]
fn two_calls_can_not_spend_the_same_retry() {
    explore(2, || {
        let (_manager, core) = pool(
            r#""max_retries": 1, "retry_delay": "0s", "max_retry_delay": "0s", "retry_budget":
                { "capacity": 1, "per_success": 0, "per_second": 0 }"#,
        );
        let is_retried = |core: Arc<PoolCore>| {
            move || {
                let mut call = Call::new(core, Request::new());
                call.step(Input::Start, 0).expect("a call starts once");
                let (outcome, latency, hint) = (Outcome::Failure, 1, 0);
                let result = Input::Result { attempt: 1, outcome, latency, hint };
                match call.step(result, 1).expect("the input is in order") {
                    Action::Attempt { .. } => true,
                    Action::Fail { kind: ErrorKind::BudgetExhausted } => false,
                    other => unreachable!("{other:?}"),
                }
            }
        };

        let other = thread::spawn(is_retried(Arc::clone(&core)));
        let own = is_retried(core)();

        assert_ne!(own, other.join().unwrap(), "one retry was left");
    });
}

#[test]
fn a_ticket_that_two_threads_return_comes_back_once() {
    explore(3, || {
        let tickets = Arc::new(Tickets::new(1));
        let ticket = tickets.take(Stripe::mine()).expect("a fresh table");
        let give_back = |tickets: Arc<Tickets>| move || tickets.give_back(ticket);

        let other = thread::spawn(give_back(Arc::clone(&tickets)));
        let own = give_back(tickets)();

        assert!(own != other.join().unwrap(), "one of the two returns counts");
    });
}

#[test]
fn no_two_threads_hold_one_ticket() {
    explore(2, || {
        let tickets = Arc::new(Tickets::new(1));
        let first = tickets.take(Stripe::mine()).expect("a fresh table");
        let take = |tickets: Arc<Tickets>| move || tickets.take(Stripe::mine());

        let other = thread::spawn(take(Arc::clone(&tickets)));
        assert!(tickets.give_back(first));
        let own = take(Arc::clone(&tickets))();
        let (own, other) = (own.unwrap(), other.join().unwrap().unwrap());

        assert!(own != other, "both hold {own}");
        assert!(tickets.give_back(own) && tickets.give_back(other));
    });
}
