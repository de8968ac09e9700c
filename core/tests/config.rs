//! Configuration documents: what is refused and how, what is inherited, what is written back.

use std::sync::Arc;
use std::time::Duration;

use failover::balance::{self, Algorithm, Balance, OnAllOpen, Sticky};
use failover::config::{
    ClockKind, ForkPolicy, ManagerConfig, Policy, ProviderKind, json_schema, reference,
};
use failover::endpoint::document::{Format, MAX_DOCUMENT_BYTES};
use failover::events::Level;
use failover::execute::{Backoff, Execute, Nested};
use failover::health::Health;
use failover::outlier::Breaker;
use failover::{Endpoint, Error, ErrorKind, Manager};
use proptest::prelude::*;
use serde_json::{Value, json};

fn policy(document: &Value) -> Result<Policy, Error> {
    Policy::from_json(&document.to_string(), &ManagerConfig::default())
}

fn faults(document: &Value) -> Vec<String> {
    let error = policy(document).expect_err("the document is faulty");
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
    error.to_string().lines().map(str::to_owned).collect()
}

fn manager(document: &Value) -> Result<ManagerConfig, Error> {
    ManagerConfig::from_json(&document.to_string())
}

#[test]
fn the_defaults_of_the_table_are_those_of_the_areas() {
    let policy = Policy::default();

    assert_eq!(policy.balance, Balance::default());
    assert_eq!(policy.breaker, Breaker::default());
    assert_eq!(policy.execute, Execute::default());
    assert_eq!(policy.health, Health::default());
    assert!(!policy.has_endpoint_latency);
    assert_eq!(policy.load_balance_every, 0);
    assert_eq!(policy.warnings, Vec::<String>::new());
}

#[test]
fn an_empty_document_is_the_default() {
    assert_eq!(policy(&json!({})).expect("valid"), Policy::default());
    assert_eq!(manager(&json!({})).expect("valid"), ManagerConfig::default());
    assert_eq!(ManagerConfig::from_toml("").expect("valid"), ManagerConfig::default());
}

#[test]
fn the_seeds_own_document_is_understood() {
    let policy = policy(&json!({
        "strategy": "round_robin", "health_check": true, "max_retries": 3, "retry_delay": "1s",
        "circuit_breaker": {
            "failure_threshold": 5, "recovery_timeout": "30s", "half_open_max_calls": 3,
            "success_threshold": 2
        },
        "load_balancer": {
            "algorithm": "round_robin", "weights": { "service-1": 1, "service-2": 1 },
            "sticky": true
        },
        "timeout": "30s", "metadata": { "owner": { "team": 7 } }
    }))
    .expect("valid");

    assert_eq!(policy.execute.retry_delay, Duration::from_secs(1));
    assert_eq!(policy.balance.weights["service-1"], 1);
    assert_eq!(policy.balance.sticky.expect("sticky").max_keys, 10_000);
    assert_eq!(policy.metadata["owner"]["team"], 7);
    assert_eq!(policy.warnings, Vec::<String>::new());
}

#[test]
fn options_of_the_pick_reach_their_fields() {
    let policy = policy(&json!({
        "strategy": "geographic", "on_all_open": "fail_open",
        "zone": "z", "region": "r", "latitude": 48, "longitude": 11.5,
        "load_balancer": {
            "algorithm": "p2c_ewma", "weights": { "a.b": 0 },
            "sticky": true, "sticky_ttl": "1m", "sticky_max_keys": 8
        }
    }));

    let mut expected = Balance::default();
    expected.strategy = balance::Strategy::Geographic;
    expected.algorithm = Some(Algorithm::P2cEwma);
    expected.on_all_open = OnAllOpen::FailOpen;
    expected.weights.insert("a.b".to_owned(), 0);
    expected.locality.zone = Some("z".to_owned());
    expected.locality.region = Some("r".to_owned());
    expected.locality.position = Some((48.0, 11.5));
    let mut sticky = Sticky::default();
    (sticky.ttl, sticky.max_keys) = (Duration::from_secs(60), 8);
    expected.sticky = Some(sticky);
    assert_eq!(policy.expect("valid").balance, expected);
}

#[test]
fn options_of_the_call_reach_their_fields() {
    let text = r#"
        max_retries = 0
        retry_delay = "5ms"
        max_retry_delay = "6ms"
        backoff = "fixed"
        timeout = "7s"
        attempt_timeout = "1.5s"
        idempotent = false
        nested = "retry"
        retry_budget = { enabled = false, capacity = 0, per_success = 1, per_second = 0.5 }
    "#;

    let policy = Policy::from_toml(text, &ManagerConfig::default());

    let mut expected = Execute::default();
    expected.max_retries = 0;
    expected.retry_delay = Duration::from_millis(5);
    expected.max_retry_delay = Duration::from_millis(6);
    expected.backoff = Backoff::Fixed;
    expected.timeout = Duration::from_secs(7);
    expected.attempt_timeout = Some(Duration::from_millis(1500));
    expected.is_idempotent = false;
    expected.nested = Nested::Retry;
    expected.budget.is_enabled = false;
    expected.budget.capacity = 0;
    (expected.budget.per_success, expected.budget.per_second) = (1.0, 0.5);
    assert_eq!(policy.expect("valid").execute, expected);
}

#[test]
fn options_of_breaker_checks_and_reports_reach_their_fields() {
    let text = r#"
        health_check = false
        circuit_breaker = { enabled = false, failure_threshold = 9, recovery_timeout = "1s", max_recovery_timeout = "2s", jitter = 0, half_open_max_calls = 16, success_threshold = 1, failure_rate = 1, minimum_calls = 4, slow_call_rate = 0.25, slow_call_duration = "3s" }
        health = { interval = "1s", timeout = "20ms", fall = 1, rise = 4, jitter = 0.5, transition_interval = "10ms" }
        stats = { endpoint_latency = true }
        events = { load_balance_every = 4 }
    "#;

    let policy = Policy::from_toml(text, &ManagerConfig::default()).expect("valid");

    let mut breaker = Breaker::default();
    (breaker.is_enabled, breaker.failure_threshold) = (false, 9);
    breaker.recovery_timeout = Duration::from_secs(1);
    breaker.max_recovery_timeout = Duration::from_secs(2);
    (breaker.jitter, breaker.failure_rate, breaker.minimum_calls) = (0.0, 1.0, 4);
    (breaker.half_open_max_calls, breaker.success_threshold) = (16, 1);
    breaker.slow_call_rate = Some(0.25);
    breaker.slow_call_duration = Duration::from_secs(3);
    assert_eq!(policy.breaker, breaker);
    let mut health = Health::default();
    (health.is_enabled, health.fall, health.rise, health.jitter) = (false, 1, 4, 0.5);
    health.interval = Duration::from_secs(1);
    health.timeout = Duration::from_millis(20);
    health.transition_interval = Duration::from_millis(10);
    assert_eq!(policy.health, health);
    assert!(policy.has_endpoint_latency);
    assert_eq!(policy.load_balance_every, 4);
}

#[test]
fn all_faults_are_reported_at_once_with_their_paths() {
    let faults = faults(&json!({
        "strategie": "random",
        "strategy": "wieghted",
        "max_retries": -1,
        "retry_delay": 250,
        "timeout": "0s",
        "health_check": "yes",
        "metadata": [],
        "circuit_breaker": { "failure_threshold": 0, "failure_rate": 0, "jitter": 0.6 },
        "load_balancer": { "weights": { "a": -1, "b.c": "x" }, "sticky": 1 },
        "health": 5
    }));

    assert_eq!(
        faults,
        [
            "circuit_breaker.failure_rate: must be a number above 0 and at most 1, got 0",
            "circuit_breaker.failure_threshold: must be 1..=1000000, got 0",
            "circuit_breaker.jitter: must be a number 0..=0.5, got 0.6",
            "health: must be an object, got 5",
            "health_check: must be true or false, got \"yes\"",
            "load_balancer.sticky: must be true or false, got 1",
            "load_balancer.weights.a: must be 0..=1000000, got -1",
            "load_balancer.weights[\"b.c\"]: must be a whole number 0..=1000000, got \"x\"",
            "max_retries: must be 0..=100, got -1",
            "metadata: must be an object, got a list",
            "retry_delay: must be a duration with a unit such as \"250ms\", got 250",
            "strategie: unknown key \"strategie\", did you mean \"strategy\"?",
            "strategy: must be one of round_robin, random, weighted, least_connections, ip_hash, \
             health_based, geographic, custom, got \"wieghted\", did you mean \"weighted\"?",
            "timeout: must be 1ms..=24h, got 0s",
        ]
    );
}

#[test]
fn programs_get_the_faults_as_data() {
    let error = policy(&json!({ "max_retries": 101 })).expect_err("out of range");

    assert_eq!(
        error.details(),
        json!({ "faults": [{ "path": "max_retries", "expected": "must be 0..=100, got 101" }] })
    );
}

#[test]
fn a_whole_number_has_no_fraction() {
    assert_eq!(faults(&json!({ "max_retries": 2.5 })), ["max_retries: must be 0..=100, got 2.5"]);
}

#[test]
fn syntax_errors_carry_line_and_column() {
    let manager = ManagerConfig::default();

    let json = Policy::from_json("{\n  \"max_retries\": 3,\n}", &manager).expect_err("bad JSON");
    let toml =
        Policy::from_toml("max_retries = 3\ntimeout = 1s\n", &manager).expect_err("bad TOML");

    assert!(json.to_string().starts_with("invalid JSON at line 3, column 1: "), "{json}");
    assert!(toml.to_string().starts_with("invalid TOML at line 2, column "), "{toml}");
    assert_eq!((json.kind(), toml.kind()), (ErrorKind::InvalidConfig, ErrorKind::InvalidConfig));
}

#[test]
fn a_key_given_twice_is_refused() {
    let text = "{\n \"timeout\": \"1s\",\n \"timeout\": \"2s\"}";

    let error = Policy::from_json(text, &ManagerConfig::default()).expect_err("given twice");

    assert!(error.to_string().contains("line 3"), "{error}");
    assert!(error.to_string().contains("\"timeout\""), "{error}");
}

#[test]
fn a_document_over_64_mib_is_refused_before_parsing() {
    let text = "[".repeat(MAX_DOCUMENT_BYTES + 1);

    let error = ManagerConfig::from_json(&text).expect_err("too large");

    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
}

#[test]
fn nesting_without_end_is_refused() {
    let text = format!("{{\"metadata\": {}", "[".repeat(1_000_000));

    assert!(Policy::from_json(&text, &ManagerConfig::default()).is_err());
    let text = format!("metadata = {}", "[".repeat(1_000_000));
    assert!(Policy::from_toml(&text, &ManagerConfig::default()).is_err());
}

#[test]
fn what_is_no_object_is_refused() {
    assert_eq!(faults(&json!([])), ["must be an object, got a list"]);
    assert_eq!(faults(&json!(null)), ["must be an object, got null"]);
}

#[test]
fn reserved_names_are_not_available_yet() {
    let error = policy(&json!({
        "load_balancer": { "algorithm": "maglev" }, "priority_mode": "spill", "hedge": {}
    }))
    .expect_err("reserved");

    assert_eq!(error.kind(), ErrorKind::NotAvailable);
    assert_eq!(
        error.to_string(),
        "hedge: is not available yet\n\
         load_balancer.algorithm: \"maglev\" is not available yet\n\
         priority_mode: \"spill\" is not available yet"
    );
    let mixed = policy(&json!({ "hedge": {}, "max_retries": -1 })).expect_err("faulty too");
    assert_eq!(mixed.kind(), ErrorKind::InvalidConfig);
}

#[test]
fn options_that_contradict_each_other_are_faults() {
    assert_eq!(
        faults(&json!({
            "retry_delay": "10s", "latitude": 1,
            "circuit_breaker": { "recovery_timeout": "10m" }
        })),
        [
            "max_retry_delay: must be at least retry_delay (10s), got 5s",
            "circuit_breaker.max_recovery_timeout: must be at least recovery_timeout (10m), got 5m",
            "longitude: is required with latitude",
        ]
    );
    assert!(policy(&json!({ "retry_delay": "10s", "backoff": "fixed" })).is_ok());
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    let policy = policy(&json!({
        "strategy": "weighted", "attempt_timeout": "1m",
        "load_balancer": { "algorithm": "random", "sticky_ttl": "1m" }
    }))
    .expect("valid");

    assert_eq!(
        policy.warnings,
        [
            "strategy \"weighted\" and load_balancer.algorithm \"random\" differ: the algorithm wins",
            "load_balancer.sticky_ttl has no effect while sticky is false",
            "attempt_timeout has no effect: timeout is shorter (30s)",
        ]
    );
}

#[test]
fn warnings_are_logged_wherever_a_policy_comes_from() {
    let odd = |strategy: &str| {
        json!({ "strategy": strategy, "load_balancer": { "algorithm": "random" } }).to_string()
    };
    let document = format!(r#"{{"seed": 1, "failover": {}}}"#, odd("weighted"));
    let manager = Manager::from_json(&document).expect("the document is valid");
    let logs = manager.subscribe_logs(10);
    let told = || {
        let records = logs.poll(10, Duration::ZERO);
        records.iter().map(|record| record.message.to_string()).collect::<Vec<_>>()
    };
    let differs = |strategy| {
        format!(
            "strategy {strategy:?} and load_balancer.algorithm \"random\" differ: the algorithm wins"
        )
    };

    assert_eq!(told(), [differs("weighted")], "of the document, for who reads records first");
    let _second = manager.subscribe_logs(10);
    assert!(told().is_empty());
    manager.configure(&odd("ip_hash")).expect("valid");
    assert_eq!(told(), [differs("ip_hash")]);

    let pool = manager.pool(None, Some("s")).expect("it may be empty");
    let own = r#"{"strategy": "round_robin", "health": {"fall": 9}, "stats": {"endpoint_latency": true}}"#;
    for _ in 0..2 {
        pool.derive(own).expect("valid");
    }
    assert_eq!(
        told(),
        [
            differs("round_robin"),
            "health_check and health have no effect in a derived policy: checks are the manager's"
                .to_owned(),
            "stats has no effect in a derived policy: statistics are the manager's".to_owned(),
        ],
        "once, and those of the manager's policy not again"
    );
}

#[test]
fn a_record_of_a_change_is_written_where_the_manager_may_be_asked() {
    let manager = Manager::from_json(r#"{"seed": 1}"#).expect("the document is valid");
    let pool = manager.pool(None, Some("s")).expect("it may be empty");
    let _quick = pool.derive(r#"{"max_retry_delay": "1s"}"#).expect("it is valid");
    let logs = manager.subscribe_logs(10);
    let (asked, was_asked) = std::sync::mpsc::channel();
    let other = manager.clone();
    logs.set_wake(Some(Arc::new(move || {
        // On another thread, so that a lock which is held here fails the test and doesn't end it.
        let (manager, (answer, answered)) = (other.clone(), std::sync::mpsc::channel());
        std::thread::spawn(move || answer.send(manager.stats()));
        asked
            .send(answered.recv_timeout(Duration::from_secs(2)).is_ok())
            .expect("it is waited for");
    })));

    manager.configure(r#"{"retry_delay": "2s"}"#).expect("valid, but not for the derived pool");

    assert_eq!(was_asked.try_recv(), Ok(true));
    let records = logs.poll(10, Duration::ZERO);
    assert!(records[0].message.contains("max_retry_delay"), "{records:?}");
}

#[test]
fn an_algorithm_beside_the_default_strategy_is_no_warning() {
    let policy = policy(&json!({ "load_balancer": { "algorithm": "random" } })).expect("valid");

    assert_eq!(policy.warnings, Vec::<String>::new());
    assert_eq!(policy.balance.algorithm(), Algorithm::Random);
}

#[test]
fn absent_retries_delay_and_timeout_come_from_the_manager() {
    let manager = manager(&json!({ "retry_attempts": 7, "retry_delay": "1s", "timeout": "9s" }))
        .expect("valid");

    let policy = Policy::from_json(r#"{ "retry_delay": null, "timeout": "2s" }"#, &manager);

    let execute = policy.expect("valid").execute;
    assert_eq!(execute.max_retries, 7);
    assert_eq!(execute.retry_delay, Duration::from_secs(1));
    assert_eq!(execute.timeout, Duration::from_secs(2));
    assert_eq!(manager.failover.execute.max_retries, 7);
}

#[test]
fn a_policy_of_single_calls_overrides_only_what_it_says() {
    let manager = manager(&json!({ "retry_attempts": 7 })).expect("valid");
    let text = r#"{
        "timeout": "2s", "circuit_breaker": { "failure_threshold": 9, "jitter": 0 },
        "load_balancer": { "weights": { "a": 1 } }
    }"#;
    let pool = Policy::from_json(text, &manager).expect("valid");

    let call = pool
        .derive(r#"{ "timeout": null, "circuit_breaker": { "jitter": 0.5 }, "load_balancer": { "weights": { "b": 2 } } }"#)
        .expect("valid");

    assert_eq!(call.execute.max_retries, 7);
    assert_eq!(call.execute.timeout, Duration::from_secs(2));
    assert_eq!(call.breaker.failure_threshold, 9);
    assert!((call.breaker.jitter - 0.5).abs() < f64::EPSILON);
    assert_eq!(call.balance.weights.keys().collect::<Vec<_>>(), ["b"]);
    assert_eq!(pool.derive("{}").expect("valid"), pool);
    assert!(pool.derive(r#"{ "retry_delay": "1h" }"#).is_err(), "contradictions count here too");
}

#[test]
fn policies_that_mean_the_same_have_the_same_document() {
    let long = policy(&json!({ "timeout": "30000ms", "circuit_breaker": { "jitter": 0.1 } }));
    let short = policy(&json!({}));

    assert_eq!(long.expect("valid").document, short.expect("valid").document);
}

#[test]
fn what_is_written_reads_back_as_the_same() {
    let document = json!({
        "seed": 7, "clock": "manual", "auto_advance": true, "fork_policy": "error",
        "log_level": "debug", "max_concurrent_checks": 1, "fallback_enabled": false,
        "metadata": { "a": "b" }, "default_provider": "main",
        "failover": { "max_retries": 1, "attempt_timeout": "10ms" },
        "providers": {
            "main": { "type": "file", "path": "/etc/endpoints.toml", "max_staleness": "1h" },
            "spare": { "type": "memory" }
        }
    });
    let config = manager(&document).expect("valid");

    let written = config.to_json();
    let again = manager(&written).expect("what is written is valid");

    assert_eq!(again.to_json(), written);
    assert_eq!(written["providers"]["spare"], json!({ "type": "memory" }));
    assert_eq!(written["failover"]["circuit_breaker"]["failure_threshold"], 5);
    assert_eq!(written["failover"]["timeout"], "30s");
    assert_eq!(again.seed, Some(7));
    assert_eq!(again.clock, ClockKind::Manual { auto_advance: true });
    assert_eq!(again.fork_policy, ForkPolicy::Error);
    assert_eq!(again.log_level, Level::Debug);
    assert!(!again.has_fallback);
    let ProviderKind::File { format, poll_interval, .. } = &again.providers["main"].kind else {
        panic!("main is a file")
    };
    assert_eq!((*format, *poll_interval), (Format::Toml, Duration::from_secs(1)));
    assert_eq!(again.providers["spare"].kind, ProviderKind::Memory);
}

#[test]
fn faults_of_the_manager_carry_the_whole_path() {
    let error = manager(&json!({
        "auto_advance": true,
        "seed": -1,
        "metadata": { "a": 1 },
        "failover": { "timeout": "soon", "retry_delay": "10s" },
        "providers": {
            "a": { "type": "file" },
            "b": { "type": "memory", "path": "x", "coalesce": "1s", "empty_grace": "1s",
                   "max_staleness": "1s", "poll_interval": "1s" },
            "c": { "path": "x" }
        }
    }))
    .expect_err("faulty");

    let lines: Vec<_> = error.faults().iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "failover.timeout: must be a duration with a unit such as \"250ms\", got \"soon\"",
            "metadata.a: must be text, got 1",
            "providers.c.type: is required",
            "seed: must be 0..=9223372036854775807, got -1",
            "failover.max_retry_delay: must be at least retry_delay (10s), got 5s",
            "auto_advance: must be false unless clock is \"manual\"",
            "providers.a.path: is required for type \"file\"",
            "providers.b.path: must be absent for type \"memory\"",
            "providers.b.poll_interval: must be absent for type \"memory\"",
            "providers.b.empty_grace: must be absent for type \"memory\"",
            "providers.b.max_staleness: must be absent for type \"memory\"",
            "providers.b.coalesce: must be absent for type \"memory\"",
        ]
    );
    let later = manager(&json!({ "providers": { "d": { "type": "consul" } } }));
    assert_eq!(later.expect_err("reserved").kind(), ErrorKind::NotAvailable);
}

#[test]
fn the_schema_knows_every_option_and_no_other() {
    let schema = json_schema();

    let policy = &schema["$defs"]["policy"];
    let written = Policy::default().to_json();
    for key in written.as_object().expect("an object").keys() {
        assert!(policy["properties"].get(key).is_some(), "{key}");
    }
    assert_eq!(policy["additionalProperties"], false);
    assert!(policy["properties"].get("hedge").is_none());
    assert_eq!(schema["$defs"]["endpoint"]["required"], json!(["id", "address"]));
    let breaker = &policy["properties"]["circuit_breaker"]["properties"];
    assert_eq!(breaker["failure_threshold"]["maximum"], 1_000_000);
}

#[test]
fn the_reference_lists_every_option_with_its_whole_path() {
    let reference = reference();

    for path in [
        "strategy",
        "circuit_breaker.failure_threshold",
        "load_balancer.sticky_ttl",
        "providers.<name>.poll_interval",
        "health_check.expected_statuses",
    ] {
        let row = reference.lines().filter(|line| line.starts_with(&format!("| `{path}` |")));
        assert_eq!(row.count(), 1, "{path}");
    }
}
/// Any JSON value, a few levels deep.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i16>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        "[0-9.]{0,4}(ms|s|m|h|us|ns|µs)?".prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(".{0,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_an_option_holds_it_is_accepted_or_refused_by_its_path(
        at in any::<prop::sample::Index>(),
        value in any_value(),
    ) {
        let mut document = Policy::default().to_json();
        let keys: Vec<String> =
            document.as_object().expect("an object").keys().cloned().collect();
        let key = at.get(&keys);
        document[key] = value;

        match policy(&document) {
            Ok(policy) => {
                let again = Policy::from_json(&policy.to_json().to_string(), &ManagerConfig::default());
                prop_assert_eq!(again.expect("what is written is valid").document, policy.document);
            }
            Err(error) => {
                prop_assert!(!error.faults().is_empty());
                let is_about = |path: &str| path.contains(key.as_str()) || path == "max_retry_delay";
                prop_assert!(error.faults().iter().all(|fault| is_about(&fault.path)), "{}", error);
            }
        }
    }
}

#[test]
fn a_pool_that_is_derived_twice_keeps_the_options_of_both() {
    let manager = Manager::from_json(r#"{"clock": "manual", "seed": 1}"#).expect("valid");
    manager.register_endpoint(None, Endpoint::new("a", "s", "10.0.0.1", 1)).expect("valid");
    let pool = manager.pool(None, Some("s")).expect("it is registered");
    let once = pool.derive(r#"{"timeout": "1s", "circuit_breaker": {"jitter": 0.0}}"#);
    let twice = once.expect("valid").derive(
        r#"{"max_retries": 2, "circuit_breaker": {"failure_threshold": 7}, "timeout": null}"#,
    );
    let twice = twice.expect("valid");

    manager.configure(r#"{"max_retries": 0, "timeout": "9s"}"#).expect("valid");

    let rules = twice.core().rules();
    assert_eq!(rules.execute.timeout, Duration::from_secs(1));
    assert_eq!(rules.execute.max_retries, 2);
    assert_eq!((rules.breaker.jitter, rules.breaker.failure_threshold), (0.0, 7));
}
