//! Active checks: what counts as healthy, and when checks run.
//!
//! Probes go to real servers; schedules run on a manual clock and one thread, with a check function
//! in place of a network, so that what happens at which time is exact.
#![expect(clippy::disallowed_types, reason = "no test here forks")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use failover::clock::Clock;
use failover::discovery::Background;
use failover::endpoint::{Change, CheckKind, HealthStatus, Member, Registry, Slots};
use failover::events::{Bus, Event};
use failover::health::{
    Audience, Board, CheckFunction, CheckResult, Checker, Health, Hooks, OnPassed, Prober, announce,
};
use failover::secret::Secret;
use failover::stats::{Counters, Tally};
use failover::{Endpoint, HealthCheck};
use failover_backends::{Backend, Certificates, Mode, Options};

const SECOND: u64 = 1_000_000_000;

fn check(kind: CheckKind) -> HealthCheck {
    let mut check = HealthCheck::default();
    check.kind = kind;
    check
}

fn registry(endpoints: Vec<Endpoint>) -> Arc<Registry> {
    let registry = Arc::new(Registry::new(Arc::new(Slots::default()), 1));
    registry.replace(endpoints).expect("valid");
    registry
}

fn endpoint(id: &str, kind: CheckKind) -> Endpoint {
    Endpoint::new(id, "users", "10.0.0.1", 80).with_health_check(check(kind))
}

fn member(registry: &Registry, id: &str) -> Member {
    registry.get(id).expect("registered")
}

// The board and what it tells.

#[test]
fn the_board_writes_the_status_of_the_endpoint_and_keeps_the_last_result() {
    let registry = registry(vec![endpoint("a", CheckKind::Custom)]);
    let (board, rules, a) = (Board::default(), Health::default(), member(&registry, "a"));
    assert_eq!(board.last(a.id), None);

    let first = board.record(&a, &rules, &CheckResult::bad("connection refused").after(7), 5);
    let second = board.record(&a, &rules, &CheckResult::good("status 200"), 9);

    assert_eq!(first.changed, Some((HealthStatus::Unknown, HealthStatus::Unhealthy)));
    assert!(first.is_news && !first.is_in_transition);
    assert_eq!((second.status, second.changed), (HealthStatus::Unhealthy, None));
    assert!(second.is_news && second.is_in_transition);
    assert_eq!(a.state.status().active_health(), HealthStatus::Unhealthy);
    assert_eq!(a.state.changed(), (5, Change::Check));
    let last = board.last(a.id).expect("checked");
    assert_eq!((last.runs, last.at, &*last.reason), (2, 9, "status 200"));
}

#[test]
fn the_board_notes_the_breakers_generation_at_the_last_check_that_failed() {
    let registry = registry(vec![endpoint("a", CheckKind::Custom)]);
    let (board, rules, a) = (Board::default(), Health::default(), member(&registry, "a"));
    let generation = a.state.status().generation();

    let good = board.record(&a, &rules, &CheckResult::good("x"), 0);
    let bad = board.record(&a, &rules, &CheckResult::bad("x"), 1);
    let good_again = board.record(&a, &rules, &CheckResult::degraded("x"), 2);

    let noted = [good, bad, good_again].map(|recorded| recorded.failed_in);
    assert_eq!(noted, [None, Some(generation), Some(generation)]);
}

#[test]
fn results_of_an_endpoint_go_with_it() {
    let registry =
        registry(vec![endpoint("a", CheckKind::Custom), endpoint("b", CheckKind::Custom)]);
    let (board, rules) = (Board::default(), Health::default());
    let (a, b) = (member(&registry, "a"), member(&registry, "b"));
    board.record(&a, &rules, &CheckResult::bad("x"), 0);
    board.record(&b, &rules, &CheckResult::bad("x"), 0);

    registry.deregister("a").expect("there");
    board.prune();
    board.record(&a, &rules, &CheckResult::bad("late"), 1);
    assert_eq!(board.len(), 1);

    board.forget(std::slice::from_ref(&b));
    assert_eq!(board.len(), 0);
    assert_eq!(b.state.status().active_health(), HealthStatus::Unknown);
}

#[test]
fn a_result_is_told_when_it_is_news() {
    let registry = registry(vec![endpoint("a", CheckKind::Custom)]);
    let (board, rules, a) = (Board::default(), Health::default(), member(&registry, "a"));
    let (events, counters) = (Bus::new(), Counters::new(1));
    let audience = Audience { events: &events, counters: Some(&counters), provider: "memory" };

    for result in [
        CheckResult::good("status 200"),
        CheckResult::bad("connection refused"),
        CheckResult::bad("connection refused"),
        CheckResult::bad("connection refused"),
        CheckResult::good("status 200"),
        CheckResult::good("status 200"),
    ] {
        let recorded = board.record(&a, &rules, &result, 0);
        announce(audience, &a, &result, &recorded);
    }

    assert_eq!(
        told(&events),
        [
            "memory/users health_check: good: status 200",
            "memory/users endpoint_up: status 200",
            "memory/users health_check: bad: connection refused",
            "memory/users endpoint_down: connection refused",
            "memory/users health_check: good: status 200",
            "memory/users endpoint_up: status 200",
            "memory/users recovery: its checks passed",
        ]
    );
    assert_eq!(counters.tally(Tally::Recoveries), 1);
}

fn told(events: &Bus<Event>) -> Vec<String> {
    let recent = events.recent(1_000);
    let words = recent
        .iter()
        .rev()
        .map(|event| format!("{} {}: {}", event.pool, event.kind.name(), event.reason));
    words.collect()
}

// Probes of real servers.

fn serve(tls: Option<failover_backends::TlsFiles>) -> Backend {
    Backend::start_with("a", &Options { tls, ..Options::default() }).expect("started")
}

fn at(backend: &Backend, protocol: &str) -> Endpoint {
    let mut endpoint = Endpoint::new("a", "users", "127.0.0.1", backend.port());
    endpoint.protocol = protocol.into();
    endpoint
}

fn probe_with(prober: &Prober, endpoint: Endpoint, check: &HealthCheck) -> CheckResult {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().expect("a runtime");
    runtime.block_on(prober.probe(&Arc::new(endpoint), check, Duration::from_secs(10)))
}

fn probe(endpoint: Endpoint, check: &HealthCheck) -> CheckResult {
    probe_with(&Prober::new(Clock::system(), None), endpoint, check)
}

fn reason(result: &CheckResult) -> &str {
    assert!(!result.is_good(), "{result:?}");
    &result.reason
}

#[test]
fn an_http_check_asks_for_the_health_path_and_takes_200_to_399() {
    let backend = serve(None);
    let check = HealthCheck::default();

    let good = probe(at(&backend, "http"), &check);
    assert!(good.is_good() && good.latency > 0, "{good:?}");
    assert_eq!(good.reason, "status 200");
    assert_eq!(backend.stats().paths["/health"], 1);

    backend.set(Mode::Status(503)).expect("set");
    assert_eq!(reason(&probe(at(&backend, "http"), &check)), "status 503, expected 200..=399");

    backend.set(Mode::Status(302)).expect("set");
    assert!(probe(at(&backend, "http"), &check).is_good());
}

#[test]
fn expected_statuses_path_and_port_are_the_endpoints_own() {
    let backend = serve(None);
    backend.set(Mode::Status(503)).expect("set");
    let mut check = check(CheckKind::Http);
    check.path = Some("/live?deep=1".to_owned());
    check.port = Some(backend.port());
    check.method = Some("POST".to_owned());
    check.body = Some(Secret::new("ping"));
    check.expected_statuses = vec![204..=204, 500..=599];
    let mut elsewhere = at(&backend, "queue");
    elsewhere.port = 0;

    assert!(probe(elsewhere.clone(), &check).is_good());
    assert_eq!(backend.stats().paths["/live"], 1);

    check.expected_statuses = vec![204..=204, 500..=502];
    assert_eq!(reason(&probe(elsewhere.clone(), &check)), "status 503, expected 204 or 500..=502");
    check.port = None;
    assert_eq!(reason(&probe(elsewhere, &check)), "there is no port to check");
}

#[test]
fn the_body_is_searched_for_the_expected_text() {
    let backend = serve(None);
    let mut check = HealthCheck::default();

    check.expected_body = Some("ok a".to_owned());
    assert!(probe(at(&backend, "http"), &check).is_good());

    check.expected_body = Some("ok b".to_owned());
    assert_eq!(reason(&probe(at(&backend, "http"), &check)), "the body lacks the expected text");
}

#[test]
fn failures_of_the_network_have_short_names() {
    let backend = serve(None);
    let check = HealthCheck::default();

    backend.set(Mode::Reset).expect("set");
    assert_eq!(reason(&probe(at(&backend, "http"), &check)), "connection reset");

    backend.set(Mode::Close).expect("set");
    let cut = probe(at(&backend, "http"), &check);
    assert!(!reason(&cut).contains("127.0.0.1"), "{cut:?}");

    backend.set(Mode::Refuse).expect("set");
    assert_eq!(reason(&probe(at(&backend, "http"), &check)), "connection refused");
    assert_eq!(reason(&probe(at(&backend, "tcp"), &check)), "connection refused");

    let unresolved = Endpoint::new("a", "users", "nowhere.invalid", 80);
    assert!(!probe(unresolved, &check).is_good());
}

#[test]
fn a_server_that_hangs_is_bad_when_the_clock_says_so() {
    let backend = serve(None);
    backend.set(Mode::Hang).expect("set");
    let clock = Clock::manual(false);
    let prober = Arc::new(Prober::new(clock.clone(), None));
    let endpoint = Arc::new(at(&backend, "http"));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");

    let probing = runtime.spawn(async move {
        prober.probe(&endpoint, &HealthCheck::default(), Duration::from_secs(2)).await
    });
    backend.wait_for(Duration::from_secs(20), |stats| stats.requests == 1).expect("asked");
    assert!(clock.advance(Duration::from_secs(2)));

    let result = runtime.block_on(probing).expect("ended");
    assert_eq!(reason(&result), "timed out after 2s");
    assert_eq!(result.latency, 2 * SECOND);
}

#[test]
fn a_connection_is_new_for_each_check_unless_it_may_be_kept() {
    let backend = serve(None);
    let thrice = |reuses: bool| {
        backend.reset();
        let prober = Prober::new(Clock::system(), None);
        let endpoint = Arc::new(at(&backend, "http"));
        let mut check = HealthCheck::default();
        check.reuse_connection = reuses;
        run(async move {
            for _ in 0..3 {
                let result = prober.probe(&endpoint, &check, Duration::from_secs(10)).await;
                assert!(result.is_good(), "{result:?}");
                // The connection goes back to its pool in a task of its own.
                settle().await;
            }
        });
        backend.stats().accepted_connections
    };

    assert_eq!(thrice(false), 3);
    assert_eq!(thrice(true), 1);
}

#[test]
fn a_tcp_check_opens_a_connection_and_sends_nothing() {
    let backend = serve(None);
    backend.set(Mode::Status(503)).expect("set");

    let result = probe(at(&backend, "postgres"), &HealthCheck::default());

    assert_eq!((result.is_good(), &*result.reason), (true, "connected"));
    assert_eq!(backend.stats().requests, 0);
}

#[test]
fn an_ipv6_address_goes_with_or_without_brackets() {
    let Ok(listener) = std::net::TcpListener::bind("[::1]:0") else {
        return; // A machine without IPv6 has nothing to show here.
    };
    let port = listener.local_addr().expect("bound").port();

    for address in ["::1", "[::1]"] {
        let endpoint = Endpoint::new("a", "users", address, port);
        assert!(probe(endpoint, &check(CheckKind::Tcp)).is_good());
    }
}

/// Certificates in a folder of their own, removed at the end.
struct Folder(PathBuf, Certificates);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("failover-{}-{name}", std::process::id()));
        let certificates = Certificates::write(&folder).expect("written");
        Self(folder, certificates)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Only tidying.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn text(path: &std::path::Path) -> Option<String> {
    Some(path.display().to_string())
}

#[test]
fn an_https_check_trusts_the_given_authority_and_no_other() {
    let folder = Folder::new("authority");
    let backend = serve(Some(folder.1.server_only()));
    let mut check = HealthCheck::default();

    check.ca_file = text(&folder.1.ca);
    let good = probe(at(&backend, "https"), &check);
    assert!(good.is_good(), "{good:?}");

    check.ca_file = text(&folder.1.other_ca);
    let untrusted = probe(at(&backend, "https"), &check);
    assert!(reason(&untrusted).starts_with("TLS: invalid peer certificate"), "{untrusted:?}");

    check.ca_file = text(&folder.0.join("missing.pem"));
    assert!(reason(&probe(at(&backend, "https"), &check)).starts_with("ca_file: "));

    check.ca_file = None;
    let unknown = probe(at(&backend, "https"), &check);
    assert!(!unknown.is_good(), "the system doesn't know the authority: {unknown:?}");
}

#[test]
fn an_https_check_shows_its_own_certificate() {
    let folder = Folder::new("mutual");
    let backend = serve(Some(folder.1.mutual()));
    let mut check = check(CheckKind::Https);
    check.ca_file = text(&folder.1.ca);

    assert!(!probe(at(&backend, "http"), &check).is_good());

    check.client_cert_file = text(&folder.1.client);
    check.client_key_file = text(&folder.1.client_key);
    let good = probe(at(&backend, "http"), &check);
    assert!(good.is_good(), "{good:?}");
}

#[test]
fn certificates_that_were_renewed_on_disk_are_read_again() {
    let folder = Folder::new("renewed");
    let backend = serve(Some(folder.1.server_only()));
    let mut check = HealthCheck::default();
    let trusted = folder.0.join("trusted.pem");
    check.ca_file = text(&trusted);
    let prober = Prober::new(Clock::system(), None);

    std::fs::copy(&folder.1.other_ca, &trusted).expect("copied");
    assert!(!probe_with(&prober, at(&backend, "https"), &check).is_good());

    std::fs::copy(&folder.1.ca, &trusted).expect("copied");
    let renewed = probe_with(&prober, at(&backend, "https"), &check);
    assert!(renewed.is_good(), "{renewed:?}");
}

#[test]
fn no_secret_gets_into_a_reason() {
    let backend = serve(None);
    backend.set(Mode::Close).expect("set");
    let mut check = HealthCheck::default();
    check.path = Some("/health?token=s3cret".to_owned());
    check.body = Some(Secret::new("s3cret"));
    check.headers = BTreeMap::from([("authorization".to_owned(), Secret::new("s3cret"))]);

    let mut found = vec![probe(at(&backend, "http"), &check)];
    check.headers.insert("x".to_owned(), Secret::new("s3cret\n"));
    found.push(probe(at(&backend, "http"), &check));
    check.headers.clear();
    backend.set(Mode::Refuse).expect("set");
    found.push(probe(at(&backend, "http"), &check));
    found.push(probe(Endpoint::new("a", "users", "a b", 1), &check));

    for result in found {
        assert!(!reason(&result).contains("s3cret"), "{result:?}");
    }
}

#[test]
fn the_programs_check_is_asked_and_without_one_the_endpoint_is_bad() {
    let endpoint = Endpoint::new("a", "users", "10.0.0.1", 0);
    let custom: CheckFunction = Arc::new(|endpoint, timeout| {
        assert_eq!((&*endpoint.id, timeout), ("a", Duration::from_secs(10)));
        Box::pin(async { CheckResult::degraded("replica lags") })
    });
    let prober = Prober::new(Clock::system(), Some(custom));

    let asked = probe_with(&prober, endpoint.clone(), &check(CheckKind::Custom));

    assert_eq!(&*asked.reason, "replica lags");
    assert_eq!(reason(&probe(endpoint, &check(CheckKind::Custom))), "no worker");
}

// The schedule.

/// A checker whose checks are a function, on a manual clock.
struct Rig {
    clock: Clock,
    events: Arc<Bus<Event>>,
    board: Arc<Board>,
    checker: Checker,
    registry: Arc<Registry>,
    counters: Arc<Counters>,
    runs: Arc<Mutex<Vec<(u64, String)>>>,
    passed: Arc<AtomicUsize>,
    is_closed: Arc<AtomicBool>,
    seed: Arc<AtomicU64>,
}

type Answer = Arc<dyn Fn(&str, u64) -> Option<CheckResult> + Send + Sync>;

impl Rig {
    /// `answer` is told id and time; without an answer the check hangs.
    fn new(ids: &[&str], rules: Health, most_at_once: usize, answer: Answer) -> Self {
        let (clock, events) = (Clock::manual(false), Arc::new(Bus::new()));
        let runs = Arc::new(Mutex::new(Vec::new()));
        let (noted, time) = (Arc::clone(&runs), clock.clone());
        let custom: CheckFunction = Arc::new(move |endpoint, _| {
            noted.lock().expect("whole").push((time.now(), endpoint.id.to_string()));
            let answer = answer(&endpoint.id, time.now());
            Box::pin(async move {
                match answer {
                    Some(result) => result,
                    None => std::future::pending().await,
                }
            })
        });
        let passed = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&passed);
        let on_passed: OnPassed = Arc::new(move |provider, _, _| {
            assert_eq!(provider, "memory");
            count.fetch_add(1, Ordering::Relaxed);
        });
        let hooks = Hooks { most_at_once, on_passed, custom: Some(custom) };
        let is_closed = Arc::new(AtomicBool::new(false));
        let seed = Arc::new(AtomicU64::new(7));
        let background = Background {
            clock: clock.clone(),
            seed: Arc::clone(&seed),
            events: Arc::clone(&events),
            is_closed: Arc::clone(&is_closed),
        };
        let board = Arc::new(Board::default());
        let checker = Checker::new(background, Arc::clone(&board), rules, hooks);
        let registry = registry(ids.iter().map(|id| endpoint(id, CheckKind::Custom)).collect());
        let counters = Arc::new(Counters::new(1));
        let subscriber = checker.subscriber(&"memory".into(), Some(Arc::clone(&counters)));
        registry.watch("*", subscriber);
        Self { clock, events, board, checker, registry, counters, runs, passed, is_closed, seed }
    }

    fn spawn(&self) -> tokio::task::JoinHandle<()> {
        self.checker.spawn(&tokio::runtime::Handle::current())
    }

    /// Moves the clock in steps of 10 ms and lets the tasks of this thread do what follows.
    async fn advance(&self, by: Duration) {
        for _ in 0..by.as_millis() / 10 {
            settle().await;
            assert!(self.clock.advance(Duration::from_millis(10)));
        }
        settle().await;
    }

    fn status(&self, id: &str) -> HealthStatus {
        member(&self.registry, id).state.status().active_health()
    }

    /// Times of the checks of one endpoint, in whole milliseconds.
    fn times(&self, id: &str) -> Vec<u64> {
        let runs = self.runs.lock().expect("whole");
        runs.iter().filter(|(_, of)| of == id).map(|(at, _)| at / 1_000_000).collect()
    }

    fn waits(&self, id: &str) -> Vec<u64> {
        self.times(id).windows(2).map(|pair| pair[1] - pair[0]).collect()
    }
}

async fn settle() {
    for _ in 0..30 {
        tokio::task::yield_now().await;
    }
}

fn run(test: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().expect("a runtime").block_on(test);
}

/// The default rules without jitter.
fn steady() -> Health {
    let mut rules = Health::default();
    rules.jitter = 0.0;
    rules
}

fn always_good() -> Answer {
    Arc::new(|_, _| Some(CheckResult::good("fine")))
}

#[test]
fn first_checks_are_spread_over_a_second_and_then_follow_the_interval() {
    run(async {
        let ids: Vec<String> = (0..20).map(|i| format!("e{i}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let rig = Rig::new(&ids, steady(), 64, always_good());
        let task = rig.spawn();

        rig.advance(Duration::from_secs(31)).await;

        let starts: std::collections::BTreeSet<u64> =
            ids.iter().map(|id| rig.times(id)[0]).collect();
        assert!(starts.len() > 10 && starts.iter().all(|at| *at <= 1_010), "{starts:?}");
        for id in ids {
            assert!(rig.waits(id).iter().all(|wait| (9_990..=10_010).contains(wait)));
        }
        assert_eq!(
            rig.counters.tally(Tally::HealthChecks) as usize,
            rig.runs.lock().expect("whole").len()
        );
        task.abort();
    });
}

#[test]
fn jitter_moves_every_wait_by_up_to_its_share() {
    run(async {
        let rig = Rig::new(&["a"], Health::default(), 64, always_good());
        let task = rig.spawn();

        rig.advance(Duration::from_secs(300)).await;

        let waits = rig.waits("a");
        assert!(waits.iter().all(|wait| (8_990..=11_010).contains(wait)), "{waits:?}");
        assert!(waits.iter().any(|wait| *wait < 9_700) && waits.iter().any(|wait| *wait > 10_300));
        task.abort();
    });
}

#[test]
fn an_endpoint_that_falls_and_rises_is_checked_every_second_in_between() {
    run(async {
        let is_down = Arc::new(AtomicBool::new(false));
        let down = Arc::clone(&is_down);
        let answer: Answer = Arc::new(move |_, _| {
            Some(match down.load(Ordering::Relaxed) {
                true => CheckResult::bad("connection refused"),
                false => CheckResult::good("status 200"),
            })
        });
        let rig = Rig::new(&["a"], steady(), 64, answer);
        let task = rig.spawn();
        rig.advance(Duration::from_secs(2)).await;
        assert_eq!(rig.status("a"), HealthStatus::Healthy);

        is_down.store(true, Ordering::Relaxed);
        rig.advance(Duration::from_secs(13)).await;
        assert_eq!(rig.status("a"), HealthStatus::Unhealthy);
        is_down.store(false, Ordering::Relaxed);
        rig.advance(Duration::from_secs(11)).await;
        assert_eq!(rig.status("a"), HealthStatus::Healthy);

        // The clock moves in steps of 10 ms, so a wait may be one step longer.
        let waits: Vec<u64> = rig.waits("a").iter().map(|wait| wait / 100 * 100).collect();
        assert_eq!(waits, [10_000, 1_000, 1_000, 10_000, 1_000]);
        assert_eq!(rig.passed.load(Ordering::Relaxed), 3);
        assert_eq!(
            told(&rig.events),
            [
                "memory/users health_check: good: status 200",
                "memory/users endpoint_up: status 200",
                "memory/users health_check: bad: connection refused",
                "memory/users endpoint_down: connection refused",
                "memory/users health_check: good: status 200",
                "memory/users endpoint_up: status 200",
                "memory/users recovery: its checks passed",
            ]
        );
        task.abort();
    });
}

#[test]
fn no_more_checks_run_at_once_than_the_limit_allows() {
    run(async {
        let rig = Rig::new(&["a", "b", "c", "d", "e"], steady(), 2, Arc::new(|_, _| None));
        let task = rig.spawn();

        rig.advance(Duration::from_millis(1_900)).await;
        assert_eq!(rig.runs.lock().expect("whole").len(), 2);
        rig.advance(Duration::from_millis(1_100)).await;

        assert_eq!(rig.runs.lock().expect("whole").len(), 4);
        task.abort();
    });
}

#[test]
fn a_slow_check_is_not_joined_by_a_second_one() {
    run(async {
        let mut rules = steady();
        rules.interval = Duration::from_millis(500);
        let rig = Rig::new(&["a"], rules, 64, Arc::new(|_, _| None));
        let task = rig.spawn();

        rig.advance(Duration::from_secs(9)).await;

        let waits = rig.waits("a");
        assert!(waits.len() >= 3 && waits.iter().all(|wait| *wait >= 2_000), "{waits:?}");
        task.abort();
    });
}

#[test]
fn what_a_check_says_after_its_process_was_stopped_does_not_count() {
    run(async {
        let rig = Rig::new(
            &["a"],
            steady(),
            64,
            Arc::new(|_, now| (now >= 2 * SECOND).then(|| CheckResult::good("fine"))),
        );
        let task = rig.spawn();
        rig.advance(Duration::from_millis(1_100)).await;
        assert_eq!(rig.times("a").len(), 1);

        assert!(rig.clock.advance(Duration::from_secs(3_600)));
        settle().await;

        assert_eq!(rig.times("a").len(), 2, "checked again at once");
        assert_eq!(rig.status("a"), HealthStatus::Healthy);
        assert_eq!(rig.board.last(member(&rig.registry, "a").id).expect("checked").runs, 1);
        task.abort();
    });
}

#[test]
fn an_endpoint_in_maintenance_or_with_a_new_weight_keeps_its_checks() {
    run(async {
        let rig = Rig::new(&["a"], steady(), 64, always_good());
        let task = rig.spawn();
        rig.advance(Duration::from_secs(2)).await;

        rig.registry.update(endpoint("a", CheckKind::Custom).with_weight(5)).expect("there");
        rig.advance(Duration::from_secs(10)).await;

        assert_eq!(rig.times("a").len(), 2);
        assert_eq!(rig.board.last(member(&rig.registry, "a").id).expect("checked").runs, 2);
        task.abort();
    });
}

#[test]
fn an_endpoint_that_is_not_checked_any_more_is_unknown_again() {
    run(async {
        let rig = Rig::new(
            &["a", "b"],
            steady(),
            64,
            Arc::new(|_, _| Some(CheckResult::bad("connection refused"))),
        );
        let task = rig.spawn();
        rig.advance(Duration::from_secs(2)).await;
        assert_eq!(rig.status("a"), HealthStatus::Unhealthy);

        rig.registry.update(Endpoint::new("a", "users", "10.0.0.1", 80)).expect("there");
        assert_eq!(rig.status("a"), HealthStatus::Unknown);
        assert_eq!(rig.status("b"), HealthStatus::Unhealthy);

        let mut off = steady();
        off.is_enabled = false;
        rig.checker.set_rules(off);
        assert_eq!(rig.status("b"), HealthStatus::Unknown);
        let before = rig.runs.lock().expect("whole").len();
        rig.advance(Duration::from_secs(30)).await;
        assert_eq!(rig.runs.lock().expect("whole").len(), before);

        rig.checker.set_rules(steady());
        rig.advance(Duration::from_secs(11)).await;
        assert_eq!(rig.status("b"), HealthStatus::Unhealthy);
        task.abort();
    });
}

/// Registers `a` anew without a check, or with one.
fn describe(rig: &Rig, is_checked: bool) {
    let plain = Endpoint::new("a", "users", "10.0.0.1", 80);
    let endpoint = if is_checked { endpoint("a", CheckKind::Custom) } else { plain };
    rig.registry.update(endpoint).expect("there");
}

#[test]
fn a_check_that_ends_after_the_last_one_says_nothing() {
    run(async {
        let rig = Rig::new(&["a"], steady(), 64, Arc::new(|_, _| None));
        let task = rig.spawn();
        let mut off = steady();
        off.is_enabled = false;
        let ends: [&dyn Fn(); 2] =
            [&|| describe(&rig, false), &|| rig.checker.set_rules(off.clone())];

        for (i, end) in ends.into_iter().enumerate() {
            while rig.times("a").len() <= i {
                rig.advance(Duration::from_millis(10)).await;
            }
            end();
            rig.advance(Duration::from_secs(3)).await;

            assert_eq!(rig.status("a"), HealthStatus::Unknown);
            assert!(rig.board.is_empty());
            describe(&rig, true);
        }
        assert_eq!(rig.counters.tally(Tally::HealthChecks), 0);
        task.abort();
    });
}

#[test]
fn a_check_on_demand_that_ends_after_the_last_one_says_nothing() {
    run(async {
        let rig = Rig::new(&["a"], steady(), 64, Arc::new(|_, _| None));
        let (checker, a) = (rig.checker.clone(), member(&rig.registry, "a"));
        let asked = tokio::spawn(async move { checker.check_now("memory", &a).await });
        settle().await;

        describe(&rig, false);
        rig.advance(Duration::from_secs(2)).await;

        assert_eq!(reason(&asked.await.expect("ended")), "timed out after 2s");
        assert_eq!(rig.status("a"), HealthStatus::Unknown);
        assert!(rig.board.is_empty());
    });
}

#[test]
fn a_check_that_is_taken_away_and_given_back_while_it_runs_goes_on_once() {
    run(async {
        let mut rules = steady();
        rules.timeout = Duration::from_millis(60);
        rules.interval = Duration::from_millis(100);
        rules.transition_interval = rules.interval;
        let rig = Rig::new(&["a"], rules, 64, Arc::new(|_, _| None));
        let task = rig.spawn();
        for round in 0..8 {
            while rig.times("a").len() <= round {
                rig.advance(Duration::from_millis(10)).await;
            }
            describe(&rig, false);
            describe(&rig, true);
        }
        rig.advance(Duration::from_secs(1)).await;
        let before = rig.times("a").len();

        rig.advance(Duration::from_secs(2)).await;

        let made = rig.times("a").len() - before;
        assert!((18..=20).contains(&made), "{made} checks where 20 are due");
        task.abort();
    });
}

#[test]
fn a_removed_endpoint_is_not_checked_any_more_and_a_new_one_is() {
    run(async {
        let rig = Rig::new(&["a"], steady(), 64, always_good());
        let task = rig.spawn();
        rig.advance(Duration::from_secs(2)).await;

        rig.registry.replace(vec![endpoint("b", CheckKind::Custom)]).expect("valid");
        rig.advance(Duration::from_secs(12)).await;

        assert_eq!((rig.times("a").len(), rig.times("b").len()), (1, 2));
        assert_eq!(rig.board.len(), 1);
        task.abort();
    });
}

#[test]
fn a_shorter_interval_counts_from_now_on() {
    run(async {
        let rig = Rig::new(&["a"], steady(), 64, always_good());
        let task = rig.spawn();
        rig.advance(Duration::from_secs(2)).await;

        let mut rules = steady();
        rules.interval = Duration::from_secs(1);
        rig.checker.set_rules(rules);
        rig.advance(Duration::from_millis(3_100)).await;

        assert_eq!(rig.times("a").len(), 4);
        task.abort();
    });
}

#[test]
fn checks_on_demand_count_and_come_back_in_order() {
    run(async {
        let answer: Answer = Arc::new(|id, _| {
            Some(if id == "b" { CheckResult::bad("down") } else { CheckResult::good("up") })
        });
        let rig = Rig::new(&["a", "b", "c"], steady(), 2, answer);
        let members = rig.registry.list();

        let found = rig.checker.check_all("memory", &members).await;

        let words: Vec<&str> = found.iter().map(|result| &*result.reason).collect();
        assert_eq!(words, ["up", "down", "up"]);
        assert_eq!(rig.status("b"), HealthStatus::Unhealthy);
        assert_eq!(rig.counters.tally(Tally::HealthChecks), 3);
        assert!(rig.checker.check_now("memory", &members[0]).await.is_good());
    });
}

#[test]
fn an_endpoint_without_a_description_is_tried_and_left_alone() {
    run(async {
        let rig = Rig::new(&[], steady(), 2, always_good());
        let backend = serve(None);
        backend.set(Mode::Refuse).expect("set");
        rig.registry.register(at(&backend, "http")).expect("fresh");
        let a = member(&rig.registry, "a");

        let result = rig.checker.check_now("memory", &a).await;

        assert_eq!(reason(&result), "connection refused");
        assert_eq!(rig.status("a"), HealthStatus::Unknown);
        assert!(rig.board.is_empty());
    });
}

#[test]
fn a_check_that_panics_is_planned_again() {
    run(async {
        let rig = Rig::new(
            &["a"],
            steady(),
            64,
            Arc::new(|_, now| {
                assert!(now > 5 * SECOND, "on purpose");
                Some(CheckResult::good("fine"))
            }),
        );
        let task = rig.spawn();

        rig.advance(Duration::from_secs(12)).await;

        assert_eq!(rig.status("a"), HealthStatus::Healthy);
        task.abort();
    });
}

#[test]
fn a_task_that_is_spawned_again_goes_on_where_the_lost_one_was() {
    run(async {
        let rig = Rig::new(
            &["a"],
            steady(),
            1,
            Arc::new(|_, now| (now > 2 * SECOND).then(|| CheckResult::good("fine"))),
        );
        let lost = rig.spawn();
        rig.advance(Duration::from_millis(1_100)).await;
        assert_eq!(rig.times("a").len(), 1, "a check hangs and holds the only slot");
        assert!(rig.clock.advance(Duration::from_millis(950)));

        let task = rig.spawn();
        settle().await;

        assert_eq!(rig.status("a"), HealthStatus::Healthy);
        lost.abort();
        rig.checker.stop();
        task.await.expect("ended");
    });
}

#[test]
fn a_child_with_a_seed_of_its_own_plans_its_checks_anew() {
    run(async {
        let of_seed = async |child: u64| {
            let rig = Rig::new(&["a", "b"], Health::default(), 64, always_good());
            let lost = rig.spawn();
            rig.advance(Duration::from_secs(5)).await;
            lost.abort();
            rig.seed.store(child, Ordering::Relaxed);
            let task = rig.spawn();
            rig.advance(Duration::from_secs(60)).await;
            rig.checker.stop();
            task.await.expect("ended");
            [rig.times("a"), rig.times("b")]
        };
        let parent = of_seed(7).await;
        let (one, other) = (of_seed(8).await, of_seed(9).await);

        assert_eq!(of_seed(8).await, one, "the same seed, the same moments");
        assert_eq!(
            parent[0].iter().filter(|at| **at <= 6_000).count(),
            1,
            "nothing was brought forward"
        );
        for (one, other) in one.iter().zip(&other) {
            let own =
                |times: &[u64]| times.iter().copied().filter(|at| *at > 5_000).collect::<Vec<_>>();
            let (one, other) = (own(one), own(other));
            assert!(one[0] <= 6_010 && other[0] <= 6_010, "spread like those of a new set");
            assert!(one.iter().all(|at| !other.contains(at)), "{one:?} {other:?}");
        }
    });
}

#[test]
fn the_task_of_a_closed_manager_ends_when_it_is_stopped() {
    run(async {
        let rig = Rig::new(&["a"], steady(), 1, always_good());
        let task = rig.spawn();
        settle().await;

        rig.is_closed.store(true, Ordering::Release);
        rig.checker.stop();
        rig.checker.stop();

        task.await.expect("ended");
    });
}
