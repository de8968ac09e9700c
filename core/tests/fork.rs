//! What a forked child finds, as far as it can be seen without forking: the hooks run in one process.
#![expect(
    clippy::disallowed_types,
    reason = "the tests take turns by it, and no child comes out of them"
)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use failover::manager::{after_fork_child, after_fork_parent, before_fork};
use failover::{Endpoint, ErrorKind, Manager, Outcome, Request};

/// The hooks are the process's own, so that one test at a time uses them.
static HOOKS: Mutex<()> = Mutex::new(());

fn manager(fork_policy: &str) -> Manager {
    let document = format!(r#"{{"seed": 1, "clock": "manual", "fork_policy": "{fork_policy}"}}"#);
    let manager = Manager::from_json(&document).expect("the document is valid");
    manager.register_endpoint(None, Endpoint::new("a", "s", "127.0.0.1", 1)).expect("a free id");
    manager
}

#[test]
fn a_child_selects_at_once_and_owes_no_lease_of_its_parent() {
    let _alone = HOOKS.lock().unwrap_or_else(PoisonError::into_inner);
    let restarted = manager("restart");
    let forbidden = manager("error");
    let pool = restarted.pool(None, Some("s")).expect("the service exists");
    let of_the_parent = pool.pick(&Request::new()).expect("usable");

    before_fork();
    before_fork();
    after_fork_child();
    assert_eq!(restarted.in_flight(), 1, "the inner of two nested hooks does nothing");
    after_fork_child();
    after_fork_parent();

    assert_eq!(restarted.in_flight(), 0);
    let own = pool.pick(&Request::new()).expect("usable in the child");
    of_the_parent.report(Outcome::Failure);
    assert_eq!(restarted.in_flight(), 1, "a lease of the parent is nobody's here");
    own.report(Outcome::Success);
    assert_eq!(restarted.in_flight(), 0);

    let refused = forbidden.pool(None, Some("s")).map(|_| ()).map_err(|error| error.kind());
    assert_eq!(refused, Err(ErrorKind::Forked));
}

#[test]
fn a_child_draws_from_its_own_seed_unless_the_program_fixed_it() {
    let _alone = HOOKS.lock().unwrap_or_else(PoisonError::into_inner);
    let (fixed, free) = (manager("restart"), Manager::from_json("{}").expect("valid"));
    let seeds = || [&fixed, &free].map(seed);
    let [of_the_program, of_the_parent] = seeds();

    before_fork();
    after_fork_child();

    let [kept, own] = seeds();
    assert_eq!((of_the_program, kept), (1, 1));
    assert_ne!(own, of_the_parent);
}

#[test]
fn no_other_thread_is_amid_a_change_while_the_process_forks() {
    let _alone = HOOKS.lock().unwrap_or_else(PoisonError::into_inner);
    let manager = manager("restart");
    let (is_over, changes) = (AtomicBool::new(false), AtomicU64::new(0));

    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                register_and_deregister(&manager, "passing");
                changes.fetch_add(1, Ordering::Relaxed);
            }
        });
        for round in 1..=100 {
            while changes.load(Ordering::Relaxed) < round {
                std::thread::yield_now();
            }
            before_fork();
            let before = changes.load(Ordering::Relaxed);
            register_and_deregister(&manager, "own");
            (0..100).for_each(|_| std::thread::yield_now());
            let during = changes.load(Ordering::Relaxed) - before;
            after_fork_parent();

            // One that had ended already may be counted late.
            assert!(during <= 1, "{during} changes while the process forks");
        }
        is_over.store(true, Ordering::Relaxed);
    });

    assert_eq!(manager.endpoints(None).expect("it is there").len(), 1);
}

#[test]
fn two_threads_may_fork_at_once() {
    let _alone = HOOKS.lock().unwrap_or_else(PoisonError::into_inner);
    let manager = manager("restart");
    let inside = AtomicU64::new(0);

    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..100 {
                    before_fork();
                    let others = inside.fetch_add(1, Ordering::SeqCst);
                    std::thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    after_fork_parent();
                    assert_eq!(others, 0, "each fork waits for the other one");
                }
            });
        }
    });

    register_and_deregister(&manager, "own");
}

/// The seed that the manager's pools draw from.
fn seed(manager: &Manager) -> u64 {
    let pool = manager.pool(None, Some("s")).expect("a service may be empty");
    pool.core().shared().seed.load(Ordering::Relaxed)
}

fn register_and_deregister(manager: &Manager, id: &str) {
    let endpoint = Endpoint::new(id, "s", "127.0.0.1", 2);
    manager.register_endpoint(None, endpoint).expect("a free id");
    manager.deregister_endpoint(None, id).expect("registered just now");
}
