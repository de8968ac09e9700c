//! What a pick and a whole call cost: by algorithm, number of endpoints and number of threads.
//!
//! Criterion measures; the table at the end is what a person reads. A pick is measured with the
//! time given and with the library's clock, a call as a driver makes it: new, start, result, drop.
//! On two threads the figure is what each thread pays.
//!
//! Run by `make bench`; words after `--` choose among the measurements, as criterion has it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion};
use failover::execute::PoolCore;
use failover::{Action, Call, Clock, Endpoint, Input, Manager, Outcome, Pool, Request};
use serde_json::Value;

const ALGORITHMS: [&str; 6] =
    ["round_robin", "random", "weighted", "least_connections", "ip_hash", "p2c_ewma"];
const SIZES: [usize; 3] = [3, 100, 1_000];
const THREADS: [usize; 2] = [1, 2];

/// One measured thing: runs so many times on one pool.
type Work = fn(&PoolCore, u64);

const WORKS: [(&str, Work); 4] =
    [("pick", picks), ("pick, clock", picks_by_clock), ("pick, report", reports), ("call", calls)];

fn main() -> io::Result<()> {
    // The table shows this run alone. Nothing to remove is as good.
    let _ = std::fs::remove_dir_all(results());
    let memory = [memory_per_endpoint(1_000)?, memory_per_endpoint(100_000)?];
    let mut criterion = Criterion::default()
        .output_directory(&results())
        .sample_size(15)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(400))
        .without_plots()
        .configure_from_args();
    for (name, work) in WORKS {
        measure(&mut criterion, name, work);
    }
    criterion.final_summary();
    print(memory)
}

fn measure(criterion: &mut Criterion, name: &str, work: Work) {
    let mut group = criterion.benchmark_group(name);
    for algorithm in ALGORITHMS {
        for size in SIZES {
            let (_manager, pool) = pool(algorithm, size);
            for threads in THREADS {
                let id = BenchmarkId::new(format!("{algorithm}/{size}"), threads);
                let run = |times| timed(pool.core(), work, times, threads);
                group.bench_function(id, |bencher| bencher.iter_custom(run));
            }
        }
    }
    group.finish();
}

fn pool(algorithm: &str, size: usize) -> (Manager, Pool) {
    let document = format!(
        r#"{{ "seed": 1, "failover": {{ "load_balancer": {{ "algorithm": "{algorithm}" }} }} }}"#
    );
    let manager = Manager::from_json(&document).expect("the document is valid");
    manager.publish(None, endpoints(size)).expect("the endpoints are valid");
    let pool = manager.pool(None, Some("bench")).expect("the service is there");
    (manager, pool)
}

fn endpoints(size: usize) -> Vec<Endpoint> {
    let port = |number: usize| u16::try_from(number % 60_000 + 1).expect("a port");
    let weight = |number: usize| u32::try_from(number % 3 + 1).expect("a weight");
    (0..size)
        .map(|number| {
            Endpoint::new(&format!("{number:06}"), "bench", "127.0.0.1", port(number))
                .with_weight(weight(number))
        })
        .collect()
}

/// The time of `times` runs on each of `threads` threads that go at once; their mean.
fn timed(core: &PoolCore, work: Work, times: u64, threads: usize) -> Duration {
    let barrier = Barrier::new(threads);
    let spent = thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    // What a thread does once, it has done before the clock runs.
                    work(core, 1);
                    barrier.wait();
                    let clock = Clock::system();
                    let began = clock.now();
                    work(core, times);
                    clock.now() - began
                })
            })
            .collect();
        let spent = running.into_iter().map(|thread| thread.join().expect("the work ends"));
        spent.sum::<u64>()
    });
    Duration::from_nanos(spent / threads as u64)
}

fn picks(core: &PoolCore, times: u64) {
    let request = Request::new().key("user-42");
    let now = core.shared().clock.now();
    for number in 0..times {
        let _ = black_box(core.grant_one(black_box(&request), now + number));
    }
}

fn picks_by_clock(core: &PoolCore, times: u64) {
    let request = Request::new().key("user-42");
    for _ in 0..times {
        let _ = black_box(core.grant_one(black_box(&request), core.shared().clock.now()));
    }
}

fn reports(core: &PoolCore, times: u64) {
    let request = Request::new().key("user-42");
    let now = core.shared().clock.now();
    for number in 0..times {
        let grant = core.grant_one(black_box(&request), now + number).expect("all are usable");
        core.report(&grant, Outcome::Success, now + number + 1_000, 1_000);
    }
}

fn calls(core: &PoolCore, times: u64) {
    let now = core.shared().clock.now();
    for number in 0..times {
        let now = now + number;
        let mut call = Call::new(core, black_box(Request::new()));
        let action = call.step(Input::Start, now).expect("a call starts once");
        let Action::Attempt { number: attempt, .. } = action else { continue };
        let outcome = Outcome::Success;
        let result = Input::Result { attempt, outcome, latency: 1_000, hint: 0 };
        let _ = black_box(call.step(result, now + 1_000));
    }
}

/// What one endpoint adds to the heap, its texts (names, address) aside.
fn memory_per_endpoint(size: usize) -> io::Result<u64> {
    let manager = Manager::from_json("{}").map_err(io::Error::other)?;
    let before = LIVE.load(Ordering::Relaxed);
    let described = endpoints(size);
    let list = cost_of(described.capacity() * size_of::<Endpoint>());
    let texts = LIVE.load(Ordering::Relaxed) - before - list;
    manager.publish(None, described).map_err(io::Error::other)?;
    let _pool = manager.pool(None, Some("bench")).map_err(io::Error::other)?;
    Ok((LIVE.load(Ordering::Relaxed) - before - texts) / size as u64)
}

/// Bytes of the heap that are in use, as the C library's allocator deals them out.
static LIVE: AtomicU64 = AtomicU64::new(0);

/// Eight bytes of its own for each block, and sixteen to share.
const fn cost_of(bytes: usize) -> u64 {
    let block = (bytes + 8).next_multiple_of(16);
    if block < 32 { 32 } else { block as u64 }
}

struct Counting;

// SAFETY: every call goes unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(cost_of(layout.size()), Ordering::Relaxed);
        // SAFETY: the caller's contract is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.fetch_sub(cost_of(layout.size()), Ordering::Relaxed);
        // SAFETY: the block came from `alloc` above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One table, of the measurements that were made.
fn print(memory: [u64; 2]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "\nnanoseconds, median; {} threads: what each pays", THREADS[1])?;
    write!(out, "{:<34}", "")?;
    for threads in THREADS {
        for size in SIZES {
            write!(out, "{:>8}", format!("{size}x{threads}"))?;
        }
    }
    writeln!(out, "   (endpoints x threads)")?;
    for (work, _) in WORKS {
        for algorithm in ALGORITHMS {
            let figures = THREADS.into_iter().flat_map(|threads| {
                SIZES.into_iter().map(move |size| median(work, algorithm, size, threads))
            });
            let figures: Vec<String> = figures
                .map(|figure| figure.map_or_else(|| "-".to_owned(), |ns| format!("{ns:.1}")))
                .collect();
            if figures.iter().all(|figure| figure == "-") {
                continue;
            }
            write!(out, "{:<34}", format!("{work}, {algorithm}"))?;
            figures.iter().try_for_each(|figure| write!(out, "{figure:>8}"))?;
            writeln!(out)?;
        }
    }
    let [at_thousand, at_most] = memory;
    writeln!(out, "bytes per endpoint, names aside: {at_thousand} at 1000, {at_most} at 100000")?;
    Ok(())
}

/// What criterion found, if this was measured.
fn median(work: &str, algorithm: &str, size: usize, threads: usize) -> Option<f64> {
    // Criterion makes file names of ids by replacing what a file name can't hold.
    let folder = results().join(work).join(format!("{algorithm}_{size}")).join(threads.to_string());
    let text = std::fs::read_to_string(folder.join("new/estimates.json")).ok()?;
    let estimates: Value = serde_json::from_str(&text).ok()?;
    estimates["median"]["point_estimate"].as_f64()
}

fn results() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("criterion")
}
