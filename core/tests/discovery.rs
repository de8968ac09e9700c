//! Discovery: what a guard lets through, when a provider is asked, and files on a real disk.
//!
//! Time is a manual clock throughout. Tests of tasks run them on one thread, step by step, so that
//! what happens at which time is exact.
#![expect(clippy::disallowed_types, reason = "no test here forks")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use failover::clock::Clock;
use failover::discovery::{
    Ask, Background, BoxFuture, Capabilities, Custom, Feed, File, Guard, GuardRules, Memory,
    Provider, ProviderStatus, Sink, Update, Work,
};
use failover::endpoint::document::{Format, parse, to_json};
use failover::endpoint::{Change, HealthStatus, Member, Registry, Slots};
use failover::events::{Bus, Event, Subscription};
use failover::{Endpoint, Error, ErrorKind};
use proptest::prelude::*;

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLISECOND;

/// A guard with what it works on.
struct Rig {
    guard: Arc<Guard>,
    registry: Arc<Registry>,
    events: Arc<Bus<Event>>,
    clock: Clock,
}

impl Rig {
    fn new(rules: GuardRules) -> Self {
        let registry = Arc::new(Registry::new(Arc::new(Slots::default()), 1));
        let events = Arc::new(Bus::new());
        let guard = Guard::new(&"file".into(), rules, Arc::clone(&registry), Arc::clone(&events));
        Self { guard: Arc::new(guard), registry, events, clock: Clock::manual(false) }
    }

    fn offer(&self, ids: &[&str], now: u64) {
        self.guard.offer(Update::Full(set(ids)), now);
    }

    fn fail(&self, reason: &str, now: u64) {
        self.guard.offer(Update::Unavailable { reason: reason.to_owned() }, now);
    }

    fn ids(&self) -> Vec<String> {
        self.registry.list().iter().map(|member| member.endpoint.id.to_string()).collect()
    }

    fn health(&self, id: &str) -> HealthStatus {
        self.registry.get(id).expect("registered").state.status().health()
    }

    fn is_lost(&self, id: &str) -> bool {
        self.registry.get(id).expect("registered").state.status().is_lost()
    }

    fn changed(&self, id: &str) -> (u64, Change) {
        self.registry.get(id).expect("registered").state.changed()
    }

    fn told(&self) -> Vec<String> {
        let events = self.events.recent(100);
        let words = events.iter().rev().map(|event| {
            assert_eq!(&*event.pool, "file/*");
            format!("{}: {}", event.kind.name(), event.reason)
        });
        words.collect()
    }

    fn status(&self) -> ProviderStatus {
        self.guard.info(&Custom::pushed(false), 0).status
    }

    fn feed(&self, provider: impl Provider + 'static) -> Feed {
        let background = Background {
            clock: self.clock.clone(),
            seed: Arc::new(7.into()),
            events: Arc::clone(&self.events),
            is_closed: Arc::new(AtomicBool::new(false)),
        };
        Feed::new(Arc::new(provider), Arc::clone(&self.guard), background)
    }
}

fn set(ids: &[&str]) -> Vec<Endpoint> {
    ids.iter().map(|id| Endpoint::new(id, "users", "10.0.0.1", 80)).collect()
}

#[test]
fn the_first_change_applies_at_once_and_its_followers_together() {
    let rig = Rig::new(GuardRules::default());

    rig.offer(&["a"], 0);
    rig.offer(&["a", "b"], 10 * MILLISECOND);
    rig.offer(&["a", "b", "c"], 20 * MILLISECOND);

    assert_eq!(rig.ids(), ["a"]);
    assert_eq!(rig.guard.due(), Some(100 * MILLISECOND));
    rig.guard.tick(99 * MILLISECOND);
    assert_eq!(rig.ids(), ["a"]);
    rig.guard.tick(100 * MILLISECOND);
    assert_eq!(rig.ids(), ["a", "b", "c"]);
    assert_eq!(rig.guard.due(), None);
    assert_eq!(rig.told(), ["discovery_update: 1 added", "discovery_update: 2 added"]);
}

#[test]
fn a_change_that_the_provider_confirmed_outlives_an_older_set_that_waited() {
    let rig = Rig::new(GuardRules::default());
    rig.offer(&["a"], 0);
    rig.offer(&["a", "b"], 10 * MILLISECOND);
    assert_eq!(rig.ids(), ["a"], "a follower waits");

    let register =
        |id| rig.guard.change(20 * MILLISECOND, |registry| registry.register(set(&[id]).remove(0)));
    register("c").expect("a free id");

    rig.guard.tick(10 * SECOND);
    assert_eq!(rig.ids(), ["a", "b", "c"]);
    rig.guard.close();
    assert_eq!(register("d").expect_err("closed").kind(), ErrorKind::NotFound);
}

#[test]
fn a_set_that_shows_masks_keeps_the_secrets_of_its_endpoints() {
    let rig = Rig::new(GuardRules::default());
    let document = r#"{"id": "a", "name": "s", "address": "h", "port": 1,
        "health_check": {"type": "http", "headers": {"Authorization": "s3cret"}}}"#;
    let whole = parse(document, Format::Json).expect("valid");
    rig.guard.change(0, |registry| registry.register(whole.clone())).expect("a free id");

    let shown = to_json(&whole).to_string();
    assert!(!shown.contains("s3cret"));
    let masked = parse(&shown, Format::Json).expect("valid");
    rig.guard.publish(vec![masked], SECOND).expect("valid");

    let held = rig.registry.get("a").expect("it is in the set");
    assert_eq!(held.endpoint.health_check, whole.health_check);
}

#[test]
fn a_set_that_is_the_same_opens_no_window_and_tells_nothing() {
    let rig = Rig::new(GuardRules::default());
    rig.offer(&["a"], 0);

    rig.offer(&["a"], SECOND);
    rig.offer(&["a", "b"], SECOND + 1);

    assert_eq!(rig.ids(), ["a", "b"]);
    assert_eq!(rig.told(), ["discovery_update: 1 added", "discovery_update: 1 added"]);
}

#[test]
fn the_loss_of_more_than_half_has_to_last_and_what_came_serves_at_once() {
    let rig = Rig::new(GuardRules::default());
    rig.offer(&["a", "b", "c"], 0);

    rig.offer(&["c", "d"], SECOND);

    assert_eq!(rig.ids(), ["a", "b", "c", "d"]);
    assert_eq!(["a", "b", "c", "d"].map(|id| rig.is_lost(id)), [true, true, false, false]);
    assert!(rig.guard.take_doubt(), "it is to be verified");
    assert!(!rig.guard.take_doubt(), "once");
    assert_eq!(rig.guard.due(), Some(31 * SECOND));
    rig.guard.tick(31 * SECOND);
    assert_eq!(rig.ids(), ["c", "d"]);
    let told = [
        "discovery_update: 3 added",
        "discovery_update: 1 added",
        "discovery_stale: 2 of 3 endpoints are missing, which is believed after 30s",
        "discovery_update: 2 removed",
    ];
    assert_eq!(rig.told(), told);
}

#[test]
fn who_is_doubted_stays_so_whoever_comes_meanwhile() {
    let rig = Rig::new(GuardRules::default());
    rig.offer(&["a", "b", "c"], 0);
    rig.offer(&["c"], SECOND);

    rig.offer(&["c", "d", "e", "f"], 2 * SECOND);

    assert_eq!(rig.ids(), ["a", "b", "c", "d", "e", "f"]);
    assert_eq!(["a", "b", "c", "f"].map(|id| rig.is_lost(id)), [true, true, false, false]);
    rig.guard.tick(31 * SECOND);
    assert_eq!(rig.ids(), ["c", "d", "e", "f"]);
}

#[test]
fn the_loss_of_half_is_believed_at_once() {
    let rig = Rig::new(GuardRules::default());
    rig.offer(&["a", "b"], 0);

    rig.offer(&["b"], SECOND);

    assert_eq!(rig.ids(), ["b"]);
}

#[test]
fn who_comes_back_within_the_grace_was_never_gone() {
    let rig = Rig::new(GuardRules::default());
    rig.offer(&["a", "b", "c"], 0);

    rig.offer(&["a"], SECOND);
    rig.offer(&["a", "b", "c"], 2 * SECOND);
    rig.guard.tick(60 * SECOND);

    assert_eq!(rig.ids(), ["a", "b", "c"]);
    assert_eq!(["a", "b", "c"].map(|id| rig.is_lost(id)), [false; 3]);
}

#[test]
fn each_service_of_a_provider_has_a_guard_of_its_own() {
    let registry = Arc::new(Registry::new(Arc::new(Slots::default()), 1));
    let events = Arc::new(Bus::new());
    let guard = |service: &str| {
        let (registry, events) = (Arc::clone(&registry), Arc::clone(&events));
        let names = (&"consul".into(), &service.into());
        Guard::of_service(names, GuardRules::default(), registry, events)
    };
    let (users, orders) = (guard("users"), guard("orders"));
    users.offer(Update::Full(set(&["a", "b"])), 0);
    orders.offer(Update::Full(set(&["c", "d"])), 0);
    let services = || {
        let of = |member: &Member| format!("{} of {}", member.endpoint.id, member.endpoint.name);
        registry.list().iter().map(of).collect::<Vec<_>>()
    };
    let all = ["a of users", "b of users", "c of orders", "d of orders"];
    assert_eq!(services(), all, "an endpoint belongs to the service of which it was told");

    orders.offer(Update::Full(Vec::new()), SECOND);

    assert_eq!(services(), all);
    let is_lost = |id: &str| registry.get(id).expect("it is there").state.status().is_lost();
    assert_eq!(["a", "b", "c", "d"].map(is_lost), [false, false, true, true]);
    orders.tick(31 * SECOND);
    assert_eq!(services(), all[..2]);
}

#[test]
fn an_error_keeps_the_last_good_set_and_is_told_once() {
    let rig = Rig::new(GuardRules::default());
    rig.offer(&["a", "b"], 0);

    rig.fail("connection refused", SECOND);
    rig.fail("connection refused", 2 * SECOND);
    rig.fail("status 500", 3 * SECOND);

    assert_eq!(rig.ids(), ["a", "b"]);
    assert_eq!(rig.health("a"), HealthStatus::Unknown);
    assert_eq!(rig.guard.due(), None);
    let info = rig.guard.info(&Custom::pushed(false), 11 * SECOND);
    assert_eq!(info.status, ProviderStatus::Stale);
    assert_eq!((info.stale_for_ms, info.read_ago_ms), (Some(10_000), Some(11_000)));
    assert_eq!((info.reads, info.errors, info.endpoints), (1, 3, 2));
    assert_eq!(info.last_error.as_deref(), Some("status 500"));
    rig.offer(&["a", "b"], 12 * SECOND);
    assert_eq!(rig.status(), ProviderStatus::Live);
    assert_eq!(
        rig.told(),
        [
            "discovery_update: 2 added",
            "discovery_stale: connection refused",
            "discovery_stale: status 500",
            "discovery_update: readable again",
        ]
    );
}

#[test]
fn a_provider_is_ready_with_its_first_set_and_not_with_an_error() {
    let rig = Rig::new(GuardRules::default());

    rig.fail("connection refused", 0);

    assert!(!rig.guard.is_ready());
    assert_eq!(rig.status(), ProviderStatus::Waiting);
    rig.offer(&[], SECOND);
    assert!(rig.guard.is_ready());
    assert_eq!(rig.told(), ["discovery_stale: connection refused"]);
}

#[test]
fn an_empty_set_is_believed_after_its_grace_and_serves_as_a_last_resort_until_then() {
    let rig = Rig::new(GuardRules::default());
    rig.offer(&["a"], 0);

    rig.offer(&[], 10 * SECOND);
    rig.offer(&[], 20 * SECOND);
    rig.guard.tick(40 * SECOND - 1);

    assert_eq!(rig.ids(), ["a"]);
    assert_eq!(rig.health("a"), HealthStatus::Degraded);
    assert_eq!(rig.guard.due(), Some(40 * SECOND));
    rig.guard.tick(40 * SECOND);
    assert_eq!(rig.ids(), [""; 0]);
    assert_eq!(
        rig.told(),
        [
            "discovery_update: 1 added",
            "discovery_stale: it reports no endpoints, which is believed after 30s",
            "discovery_update: 1 removed",
        ]
    );
}

#[test]
fn endpoints_that_come_back_within_the_grace_never_left() {
    let rig = Rig::new(GuardRules::default());
    rig.offer(&["a"], 0);
    let before = rig.registry.get("a").expect("there").id;
    rig.offer(&[], 10 * SECOND);

    rig.offer(&["a"], 20 * SECOND);
    rig.guard.tick(100 * SECOND);

    assert_eq!(rig.registry.get("a").expect("there").id, before);
    assert_eq!(rig.health("a"), HealthStatus::Unknown);
    assert_eq!(rig.guard.due(), None);
}

#[test]
fn an_error_within_the_grace_starts_the_question_afresh() {
    let rig = Rig::new(GuardRules::default());
    rig.offer(&["a"], 0);
    rig.offer(&[], 10 * SECOND);

    rig.fail("connection refused", 20 * SECOND);

    assert_eq!(rig.health("a"), HealthStatus::Unknown);
    rig.guard.tick(100 * SECOND);
    assert_eq!(rig.ids(), ["a"]);
    rig.offer(&[], 100 * SECOND);
    assert_eq!(rig.guard.due(), Some(130 * SECOND));
}

#[test]
fn a_set_that_waited_is_the_last_good_one_when_an_empty_set_follows() {
    let rig = Rig::new(GuardRules::default());
    rig.offer(&["a"], 0);
    rig.offer(&["a", "b"], MILLISECOND);

    rig.offer(&[], 2 * MILLISECOND);

    assert_eq!(rig.ids(), ["a", "b"]);
    assert_eq!(rig.health("b"), HealthStatus::Degraded);
}

#[test]
fn an_authoritative_provider_is_believed_at_once() {
    let rig = Rig::new(GuardRules::default().authoritative(true));
    rig.offer(&["a"], 0);

    rig.offer(&[], SECOND);

    assert_eq!(rig.ids(), [""; 0]);
}

#[test]
fn a_set_that_is_too_old_stops_serving_until_the_provider_can_be_read_again() {
    let mut rules = GuardRules::default();
    rules.max_staleness = Some(Duration::from_secs(60));
    let rig = Rig::new(rules);
    rig.offer(&["a"], 0);

    rig.fail("connection refused", 10 * SECOND);
    assert_eq!(rig.guard.due(), Some(70 * SECOND));
    rig.guard.tick(70 * SECOND);

    assert_eq!(rig.status(), ProviderStatus::Expired);
    assert_eq!(rig.health("a"), HealthStatus::Degraded);
    assert_eq!(rig.changed("a").1, Change::Lost);
    assert_eq!(rig.guard.due(), None);
    rig.offer(&["a"], 80 * SECOND);
    assert_eq!(rig.status(), ProviderStatus::Live);
    assert_eq!(rig.health("a"), HealthStatus::Unknown);
    assert_eq!(rig.changed("a"), (80 * SECOND, Change::Found));
    assert_eq!(
        rig.told()[1..],
        [
            "discovery_stale: connection refused",
            "discovery_stale: unreadable for 1m, its last set is too old",
            "discovery_update: readable again",
        ]
    );
}

#[test]
fn a_faulty_set_changes_nothing() {
    let rig = Rig::new(GuardRules::default());
    rig.offer(&["a"], 0);
    let refused = |set: Vec<Endpoint>| rig.guard.publish(set, SECOND).expect_err("faulty").kind();

    assert_eq!(refused(set(&["b", "b"])), ErrorKind::AlreadyExists);
    assert_eq!(refused(set(&["b", ""])), ErrorKind::InvalidArgument);
    assert_eq!(refused(vec![Endpoint::default(); 100_001]), ErrorKind::LimitExceeded);
    assert_eq!(rig.status(), ProviderStatus::Live);

    rig.offer(&["b", "b"], 2 * SECOND);
    assert_eq!(rig.status(), ProviderStatus::Stale);
    assert_eq!(rig.ids(), ["a"]);
}

#[test]
fn a_closed_guard_takes_nothing_in() {
    let rig = Rig::new(GuardRules::default());

    rig.guard.close();
    rig.offer(&["a"], 0);

    assert_eq!(rig.ids(), [""; 0]);
}

proptest! {
    /// Whatever comes in whatever order: errors change nothing, a set that isn't empty is in force once
    /// its window is over, what is left of others is lost, and nobody is while the provider lists him.
    #[test]
    fn the_last_good_set_is_in_force(steps in prop::collection::vec((0_usize..9, 1_u64..20_000), 1..40)) {
        let rig = Rig::new(GuardRules::default());
        let mut now = 0;
        let mut good: BTreeSet<&str> = BTreeSet::new();
        for (what, wait) in steps {
            match what {
                0 => rig.fail("x", now),
                1 => rig.offer(&[], now),
                bits => {
                    let ids: Vec<&str> = ["a", "b", "c"].into_iter().enumerate()
                        .filter(|(i, _)| (bits - 1) & (1 << i) != 0).map(|(_, id)| id).collect();
                    rig.offer(&ids, now);
                    if !ids.is_empty() {
                        good = ids.into_iter().collect();
                    }
                }
            }
            while let Some(due) = rig.guard.due().filter(|due| *due <= now + wait * MILLISECOND) {
                rig.guard.tick(due.max(now));
            }
            now += wait * MILLISECOND;
            let held: Vec<String> = rig.ids();
            if wait > 200 && !held.is_empty() {
                let (listed, left): (Vec<&str>, Vec<&str>) =
                    held.iter().map(String::as_str).partition(|id| good.contains(id));
                prop_assert_eq!(listed, good.iter().copied().collect::<Vec<_>>());
                prop_assert!(what < 2 || left.iter().all(|id| rig.is_lost(id)), "{:?}", left);
                prop_assert!(what == 1 || good.iter().all(|id| !rig.is_lost(id)), "{:?}", good);
            }
        }
    }
}

/// What a provider was asked, and when.
type Asked = Arc<Mutex<Vec<(u64, Work)>>>;

/// A program's provider that answers by a function and writes down what it was asked, and when.
fn asked(
    clock: &Clock,
    capabilities: Capabilities,
    answer: impl Fn(usize, &Work) -> Option<Result<Vec<Endpoint>, Error>> + Send + Sync + 'static,
) -> (Custom, Asked) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (clock, noted) = (clock.clone(), Arc::clone(&seen));
    let ask: Ask = Arc::new(move |work| {
        let mut noted = noted.lock().expect("whole");
        noted.push((clock.now(), work.clone()));
        let answer = answer(noted.len(), &work);
        Box::pin(async move {
            match answer {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        })
    });
    (Custom::asking(capabilities, ask), seen)
}

/// Moves the clock in steps and lets the tasks of this thread do what follows.
async fn advance(clock: &Clock, by: Duration, step: Duration) {
    let mut left = by;
    while !left.is_zero() {
        settle().await;
        assert!(clock.advance(step.min(left)));
        left = left.saturating_sub(step);
    }
    settle().await;
}

async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

fn run(test: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().expect("a runtime").block_on(test);
}

fn refused() -> Error {
    Error::new(ErrorKind::Provider, "connection refused")
}

const STEP: Duration = Duration::from_millis(10);

#[test]
fn the_wait_between_two_failures_grows_also_while_the_first_read_fails() {
    run(async {
        let rig = Rig::new(GuardRules::default());
        let (custom, seen) = asked(&rig.clock, Capabilities::READ_ONLY, |count, _| {
            Some(if count < 5 { Err(refused()) } else { Ok(set(&["a"])) })
        });
        let task = rig.feed(custom).spawn(&tokio::runtime::Handle::current());

        advance(&rig.clock, Duration::from_secs(4), STEP).await;

        let times: Vec<u64> = seen.lock().expect("whole").iter().map(|(at, _)| *at).collect();
        let waits: Vec<u64> =
            times.windows(2).map(|pair| (pair[1] - pair[0]) / MILLISECOND).collect();
        assert_eq!(waits.len(), 4, "{waits:?}");
        for (wait, ceiling) in waits.iter().zip([200, 400, 800, 1600]) {
            assert!((ceiling / 2..=ceiling + 10).contains(wait), "{waits:?}");
        }
        assert_eq!(rig.ids(), ["a"]);
        task.abort();
    });
}

#[test]
fn a_provider_that_never_answers_is_unreadable() {
    run(async {
        let rig = Rig::new(GuardRules::default());
        let (custom, _) = asked(&rig.clock, Capabilities::READ_ONLY, |_, _| None);
        let task = rig.feed(custom).spawn(&tokio::runtime::Handle::current());

        advance(&rig.clock, Duration::from_secs(10), Duration::from_secs(1)).await;

        assert_eq!(rig.told(), ["discovery_stale: no answer within 10 s"]);
        task.abort();
    });
}

/// A provider that panics where it is told to, once.
struct Bug {
    at: &'static str,
    is_told: AtomicBool,
}

impl Bug {
    fn new(at: &'static str) -> Self {
        Self { at, is_told: AtomicBool::new(false) }
    }

    fn pass(&self, at: &str) {
        let is_here = at == self.at && !self.is_told.swap(true, Ordering::Relaxed);
        assert!(!is_here, "on purpose");
    }
}

impl Provider for Bug {
    fn kind(&self) -> &'static str {
        "bug"
    }

    fn poll_interval(&self) -> Duration {
        self.pass("interval");
        Duration::from_secs(10)
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Endpoint>, Error>> {
        self.pass("list");
        Box::pin(async {
            self.pass("answer");
            Ok(set(&["a"]))
        })
    }

    fn watch(&self, sink: Sink) -> Option<BoxFuture<'_, ()>> {
        self.pass("watch");
        Some(Box::pin(async move {
            self.pass("watching");
            sink.send(Update::Full(set(&["a", "b"])));
            std::future::pending().await
        }))
    }

    fn register(&self, _: Endpoint) -> BoxFuture<'_, Result<(), Error>> {
        self.pass("register");
        Box::pin(async { Ok(()) })
    }
}

#[test]
fn a_provider_that_panics_is_unreadable_and_asked_again() {
    for at in ["list", "answer", "watch", "watching"] {
        run(async {
            let rig = Rig::new(GuardRules::default());
            let task = rig.feed(Bug::new(at)).spawn(&tokio::runtime::Handle::current());
            settle().await;
            assert_ne!(rig.status(), ProviderStatus::Live, "{at}");
            assert_eq!(rig.guard.info(&Bug::new(at), 0).errors, 1, "{at}");

            advance(&rig.clock, Duration::from_secs(2), STEP).await;

            assert_eq!(rig.ids(), ["a", "b"], "{at}");
            assert_eq!(rig.status(), ProviderStatus::Live, "{at}");
            task.abort();
        });
    }
}

#[test]
fn a_panic_elsewhere_in_a_provider_ends_nothing_either() {
    run(async {
        let rig = Rig::new(GuardRules::default());
        let feed = rig.feed(Bug::new("interval"));
        let task = feed.spawn(&tokio::runtime::Handle::current());
        advance(&rig.clock, Duration::from_secs(2), STEP).await;
        assert_eq!(rig.ids(), ["a", "b"]);
        task.abort();

        let work = Work::Register(Endpoint::new("c", "users", "10.0.0.1", 80));
        let refused = rig.feed(Bug::new("register")).hand_over(work).await;
        assert_eq!(refused.expect_err("a panic").kind(), ErrorKind::Panic);
    });
}

#[test]
fn a_provider_that_does_not_watch_is_read_again_after_its_interval_or_on_request() {
    run(async {
        let rig = Rig::new(GuardRules::default());
        let (custom, seen) =
            asked(&rig.clock, Capabilities::READ_ONLY, |_, _| Some(Ok(set(&["a"]))));
        let feed = rig.feed(custom.with_poll_interval(Duration::from_secs(5)));
        let task = feed.spawn(&tokio::runtime::Handle::current());

        advance(&rig.clock, Duration::from_secs(6), Duration::from_secs(1)).await;
        feed.refresh();
        settle().await;

        let times: Vec<u64> =
            seen.lock().expect("whole").iter().map(|(at, _)| *at / SECOND).collect();
        assert_eq!(times, [0, 5, 6]);
        task.abort();
    });
}

#[test]
fn an_interval_of_nothing_is_ten_milliseconds() {
    run(async {
        let rig = Rig::new(GuardRules::default());
        let (custom, seen) =
            asked(&rig.clock, Capabilities::READ_ONLY, |_, _| Some(Ok(set(&["a"]))));
        let feed = rig.feed(custom.with_poll_interval(Duration::ZERO));
        let task = feed.spawn(&tokio::runtime::Handle::current());

        advance(&rig.clock, Duration::from_millis(25), Duration::from_millis(5)).await;

        let times: Vec<u64> =
            seen.lock().expect("whole").iter().map(|(at, _)| *at / MILLISECOND).collect();
        assert_eq!(times, [0, 10, 20]);
        task.abort();
    });
}

#[test]
fn registrations_that_keep_coming_do_not_keep_a_provider_from_being_read() {
    run(async {
        let rig = Rig::new(GuardRules::default());
        let answers = Arc::new(tokio::sync::Semaphore::new(0));
        let wait = Arc::clone(&answers);
        let ask: Ask = Arc::new(move |work| {
            let wait = Arc::clone(&wait);
            Box::pin(async move {
                if work == Work::List {
                    wait.acquire().await.expect("open").forget();
                }
                Ok(set(&["a"]))
            })
        });
        let able = Capabilities::READ_ONLY.registering();
        let feed = rig.feed(Custom::asking(able, ask));
        let task = feed.spawn(&tokio::runtime::Handle::current());

        for _ in 0..2 {
            let (feed, work) = (feed.clone(), Work::Register(set(&["b"]).remove(0)));
            let registration = tokio::spawn(async move { feed.hand_over(work).await });
            settle().await;
            answers.add_permits(1);
            registration.await.expect("no panic").expect("it agrees");
            settle().await;
        }

        assert_eq!(rig.ids(), ["a"], "the second answer is no older than any registration");
        task.abort();
    });
}

#[test]
fn a_watching_provider_pushes_and_is_told_when_nobody_watches_any_more() {
    run(async {
        let rig = Rig::new(GuardRules::default());
        let capabilities = Capabilities::READ_ONLY.watching();
        let (custom, seen) = asked(&rig.clock, capabilities, |_, _| Some(Ok(set(&["a"]))));
        let feed = rig.feed(custom);
        let task = feed.spawn(&tokio::runtime::Handle::current());
        settle().await;

        feed.guard().publish(set(&["a", "b"]), rig.clock.now()).expect("valid");
        assert_eq!(rig.ids(), ["a"], "a follower waits");
        advance(&rig.clock, Duration::from_secs(1), STEP).await;
        assert_eq!(rig.ids(), ["a", "b"]);
        feed.stop();
        task.await.expect("ended");

        let works: Vec<Work> =
            seen.lock().expect("whole").iter().map(|(_, work)| work.clone()).collect();
        assert_eq!(works, [Work::List, Work::Watch, Work::Unwatch]);
        feed.guard().publish(set(&[]), rig.clock.now()).expect("ignored");
        assert_eq!(rig.ids(), ["a", "b"]);
    });
}

#[test]
fn a_watch_that_was_refused_is_not_ended_with_a_word() {
    run(async {
        let rig = Rig::new(GuardRules::default());
        let able = Capabilities::READ_ONLY.watching();
        let (custom, seen) = asked(&rig.clock, able, |_, work| match work {
            Work::Watch => Some(Err(refused())),
            _ => Some(Ok(set(&["a"]))),
        });
        let feed = rig.feed(custom);
        let task = feed.spawn(&tokio::runtime::Handle::current());
        settle().await;
        feed.stop();
        task.await.expect("ended");

        let works: Vec<Work> =
            seen.lock().expect("whole").iter().map(|(_, work)| work.clone()).collect();
        assert_eq!(works, [Work::List, Work::Watch]);
    });
}

#[test]
fn a_task_that_is_spawned_again_takes_over() {
    run(async {
        let rig = Rig::new(GuardRules::default());
        let (custom, seen) =
            asked(&rig.clock, Capabilities::READ_ONLY, |_, _| Some(Ok(set(&["a"]))));
        let feed = rig.feed(custom);
        let lost = feed.spawn(&tokio::runtime::Handle::current());
        settle().await;
        lost.abort();

        let task = feed.spawn(&tokio::runtime::Handle::current());
        advance(&rig.clock, Duration::from_secs(10), Duration::from_secs(1)).await;

        assert_eq!(seen.lock().expect("whole").len(), 3);
        feed.stop();
        task.await.expect("ended");
    });
}

#[test]
fn a_task_that_is_spawned_after_the_end_ends_unasked() {
    run(async {
        let rig = Rig::new(GuardRules::default());
        let (custom, seen) =
            asked(&rig.clock, Capabilities::READ_ONLY, |_, _| Some(Ok(set(&["a"]))));
        let feed = rig.feed(custom);

        feed.stop();
        let task = feed.spawn(&tokio::runtime::Handle::current());
        settle().await;

        assert!(task.is_finished());
        assert!(seen.lock().expect("whole").is_empty());
    });
}

#[test]
fn what_a_provider_cannot_do_it_refuses_by_name() {
    run(async {
        let file = File::new("x.json", Format::Json, Duration::from_secs(1));

        let error = file.register(Endpoint::default()).await.expect_err("read only");

        assert_eq!(error.kind(), ErrorKind::Provider);
        assert_eq!(error.to_string(), "a provider of type \"file\" cannot register endpoints");
        let custom = Custom::pushed(false);
        assert!(custom.deregister("a".to_owned()).await.is_err());
        assert!(custom.list().await.is_err());
        assert!(custom.ping().await.is_ok());
    });
}

#[test]
fn the_embedded_provider_takes_registrations() {
    run(async {
        let rig = Rig::new(GuardRules::default());
        let memory = Memory::new(Arc::clone(&rig.registry));
        let endpoint = Endpoint::new("a", "users", "10.0.0.1", 80);

        memory.register(endpoint.clone()).await.expect("fresh");
        let again = memory.register(endpoint.clone()).await.expect_err("taken");
        let faulty = memory.register(Endpoint::default()).await.expect_err("faulty");

        assert_eq!(again.kind(), ErrorKind::AlreadyExists);
        assert_eq!(faulty.kind(), ErrorKind::InvalidArgument);
        memory.update(endpoint.with_weight(3)).await.expect("known");
        assert_eq!(memory.list().await.expect("there")[0].weight, Some(3));
        memory.deregister("a".to_owned()).await.expect("known");
        assert_eq!(rig.ids(), [""; 0]);
    });
}

/// A file of its own, removed at the end.
struct Document(PathBuf);

impl Document {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir();
        Self(folder.join(format!("failover-{}-{name}", std::process::id())))
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.0, text).expect("written");
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        // It may be gone already: that is one of the cases.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Moves the clock on until the task has told the next thing; reading a file takes real time.
fn next(clock: &Clock, events: &Subscription<Event>) -> String {
    for _ in 0..1_000 {
        if let [event] = &events.poll(1, Duration::from_millis(10))[..] {
            return format!("{}: {}", event.kind.name(), event.reason);
        }
        assert!(clock.advance(Duration::from_millis(250)));
    }
    unreachable!("nothing happened in 250 seconds of the clock");
}

#[test]
fn a_file_is_followed_through_good_and_bad_content() {
    let document = Document::new("followed.json");
    let rig = Rig::new(GuardRules::default());
    let file = File::new(&document.0, Format::Json, Duration::from_secs(1));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build();
    let runtime = runtime.expect("a runtime");
    let events = rig.events.subscribe(u64::MAX, 100);
    let feed = rig.feed(file);
    let _task = feed.spawn(runtime.handle());
    let next = || next(&rig.clock, &events);
    let path = document.0.display().to_string();
    let missing = format!("discovery_stale: {path}: No such file or directory (os error 2)");

    assert_eq!(next(), missing);

    document.write(r#"[{ "id": "a", "address": "10.0.0.1", "port": 80 }]"#);
    assert_eq!(next(), "discovery_update: 1 added");
    assert_eq!(rig.ids(), ["a"]);

    document.write("[{ \"id\": \"a\",\n  \"address\": \"10.0.0");
    let half = next();
    assert!(
        half.starts_with(&format!("discovery_stale: {path}: invalid JSON at line 2, column 20")),
        "{half}"
    );
    assert_eq!(rig.ids(), ["a"]);
    assert_eq!(feed.info().status, ProviderStatus::Stale);

    document.write(r#"[{ "id": "a", "address": "10.0.0.1", "port": 80 }, { "id": "", "address": "", "port": 0 }]"#);
    let faulty = next();
    assert!(faulty.contains(": [1]."), "{faulty}");
    assert!(faulty.ends_with(" (and 2 more faults)"), "{faulty}");

    let both = r#"[{ "id": "a", "address": "10.0.0.1", "port": 80 }, { "id": "b", "address": "10.0.0.2", "port": 80 }]"#;
    document.write(both);
    assert_eq!(next(), "discovery_update: readable again, 1 added");

    std::fs::remove_file(&document.0).expect("removed");
    assert_eq!(next(), missing);
    assert_eq!(rig.ids(), ["a", "b"]);

    document.write(both);
    assert_eq!(next(), "discovery_update: readable again");
    feed.stop();
}

/// A pipe in the place of a file: who opens it waits for the other side, as on a disk that hangs.
#[cfg(unix)]
#[test]
fn a_file_whose_disk_hangs_is_unreadable_until_it_answers() {
    let document = Document::new("hanging.json");
    let text = r#"[{ "id": "a", "address": "10.0.0.1", "port": 80 }]"#;
    document.write(text);
    let rig = Rig::new(GuardRules::default());
    let file = File::new(&document.0, Format::Json, Duration::from_secs(1));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build();
    // Never dropped: that would wait for who waits at the pipe.
    let runtime = Box::leak(Box::new(runtime.expect("a runtime")));
    let events = rig.events.subscribe(u64::MAX, 100);
    let feed = rig.feed(file);
    let _task = feed.spawn(runtime.handle());
    assert_eq!(next(&rig.clock, &events), "discovery_update: 1 added");

    std::fs::remove_file(&document.0).expect("removed");
    let made = std::process::Command::new("mkfifo").arg(&document.0).status();
    assert!(made.expect("it is there").success());
    assert_eq!(next(&rig.clock, &events), "discovery_stale: no answer within 10 s");
    assert_eq!(rig.ids(), ["a"]);

    // Lets go whoever waits there.
    document.write(text);
    assert_eq!(next(&rig.clock, &events), "discovery_update: readable again");
    feed.stop();
}

#[test]
fn a_toml_file_and_bytes_that_are_no_text() {
    run(async {
        let document = Document::new("once.toml");
        let format = Format::of_path(&document.0.display().to_string());
        let file = File::new(&document.0, format, Duration::from_secs(1));

        document.write("[[endpoints]]\nid = \"a\"\naddress = \"10.0.0.1\"\nport = 80\n");
        assert_eq!(&*file.list().await.expect("valid")[0].id, "a");
        assert_eq!(file.list().await.expect("the same again").len(), 1);

        std::fs::write(&document.0, [0xff, 0xfe]).expect("written");
        let error = file.list().await.expect_err("not text");
        assert_eq!(error.kind(), ErrorKind::InvalidUtf8);
        assert!(error.to_string().ends_with("once.toml: must be UTF-8 text"));
    });
}
