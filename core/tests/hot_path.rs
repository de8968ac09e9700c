//! The pick path allocates nothing and makes no system call, after one warm-up call per thread.
//!
//! Allocations are counted by an allocator of this test binary alone; system calls by running this
//! very test under strace, between two calls that mark the stretch.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::process::Command;

use failover::{Action, Call, Endpoint, Input, Manager, Outcome, Pool, Request};

/// Counts the allocations of the thread that counts.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's contract is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block came from `alloc` above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const ALGORITHMS: [&str; 6] =
    ["round_robin", "random", "weighted", "least_connections", "ip_hash", "p2c_ewma"];

fn pool(algorithm: &str) -> (Manager, Pool) {
    let document = format!(
        r#"{{"seed": 1, "failover": {{"load_balancer": {{"algorithm": "{algorithm}"}}}}}}"#
    );
    let manager = Manager::from_json(&document).expect("the document is valid");
    let endpoints = (0..100)
        .map(|number| Endpoint::new(&format!("e{number}"), "s", "127.0.0.1", 1000 + number))
        .collect();
    manager.publish(None, endpoints).expect("the set is valid");
    let pool = manager.pool(None, Some("s")).expect("the service exists");
    (manager, pool)
}

/// Picks, reports and calls, good ones and failing ones that are tried again elsewhere.
fn use_it(pool: &Pool, rounds: u64) {
    let core = pool.core();
    let request = Request::new().key("user-1");
    for round in 0..rounds {
        let now = 1 + round * 1_000_000;
        let grant = core.grant_one(&request, now).expect("endpoints are usable");
        core.report(&grant, Outcome::Success, now + 500, 500);
        let of_scope = Request::new().scope("a route that is used").expect("a short name");
        let grant = core.grant_one(&of_scope, now).expect("endpoints are usable");
        core.report(&grant, Outcome::Success, now + 500, 500);

        let mut call = Call::new(&**core, Request::new().key("user-2"));
        let mut action = call.step(Input::Start, now).expect("a fresh call starts");
        let mut outcome = if round % 10 == 0 { Outcome::Unsent } else { Outcome::Success };
        while let Action::Attempt { number, .. } = action {
            let result = Input::Result { attempt: number, outcome, latency: 400, hint: 0 };
            action = call.step(result, now + 500).expect("the attempt is running");
            outcome = Outcome::Success;
        }
        assert_eq!(action, Action::Done);
    }
}

#[test]
fn picks_reports_and_steps_allocate_nothing() {
    for algorithm in ALGORITHMS {
        let (_manager, pool) = pool(algorithm);
        use_it(&pool, WARM_UP);

        let before = ALLOCATIONS.get();
        use_it(&pool, 200);

        assert_eq!(ALLOCATIONS.get() - before, 0, "{algorithm}");
    }
}

#[test]
fn the_allocation_counter_counts() {
    let before = ALLOCATIONS.get();

    drop(std::hint::black_box(Box::new(5)));

    assert_eq!(ALLOCATIONS.get() - before, 1);
}

#[test]
fn picks_reports_and_steps_make_no_system_call() {
    if std::env::var_os(CHILD).is_some() {
        return marked_stretch();
    }
    let program = std::env::current_exe().expect("this test has a path");
    let out = Command::new("strace")
        .args(["-f", "-qq", "-e", "trace=all", "-o", "/dev/stdout"])
        .arg(program)
        .args(["--exact", "picks_reports_and_steps_make_no_system_call", "--test-threads=1"])
        .env(CHILD, "1")
        .output()
        .expect("strace is installed (Debian package strace)");
    let trace = String::from_utf8_lossy(&out.stdout);
    let lines: Vec<&str> = trace.lines().collect();
    let marks: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].contains("getpid()")).collect();

    assert_eq!(marks.len(), 3, "the stretch is marked by three calls: {trace}");
    assert_eq!(marks[1] - marks[0], 1, "{:#?}", &lines[marks[0]..=marks[1]]);
    assert!(marks[2] - marks[1] > 1, "a call that the trace must show is shown");
}

/// Two marks around the hot path, and one after a call that does call the system.
fn marked_stretch() {
    let pools: Vec<_> = ALGORITHMS.map(pool).into_iter().collect();
    pools.iter().for_each(|(_, pool)| use_it(pool, WARM_UP));

    std::hint::black_box(std::process::id());
    pools.iter().for_each(|(_, pool)| use_it(pool, 100));
    std::hint::black_box(std::process::id());
    drop(std::fs::metadata("/"));
    std::hint::black_box(std::process::id());
}

/// Each endpoint has met the scope by then, also where picks are random.
const WARM_UP: u64 = 2_000;

const CHILD: &str = "FAILOVER_HOT_PATH_CHILD";
