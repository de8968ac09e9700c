//! The options of one pool: the seed's `FailoverConfig`, extended.

use super::section::{CIRCUIT_BREAKER, EVENTS, HEALTH, LOAD_BALANCER, RETRY_BUDGET, STATS};
use super::{LIMIT, WAIT};
use crate::endpoint::document::{Kind, Preset, Row};

/// The policy document.
pub(crate) const POLICY: &[Row] = &[
    Row::new(
        "strategy",
        Kind::choice(&[
            "round_robin",
            "random",
            "weighted",
            "least_connections",
            "ip_hash",
            "health_based",
            "geographic",
            "custom",
        ]),
        Preset::Is("\"round_robin\""),
        "What ranks the endpoints. The first five rank nothing and name the algorithm that spreads; `health_based` takes healthy before degraded; `geographic` takes near before far; with `custom` the program chooses.",
    ),
    Row::new(
        "health_check",
        Kind::Flag,
        Preset::Is("true"),
        "Whether endpoints that describe a check are checked in the background. Off, only the outcomes of calls tell who is broken, so a broken endpoint costs an attempt to find out.",
    ),
    Row::new(
        "max_retries",
        Kind::integer(0, 100),
        Preset::Manager("retry_attempts"),
        "Attempts after the first one. 0 never retries, so each failure reaches the caller; many prolong an outage's calls up to `timeout` and load what is left.",
    ),
    Row::new(
        "retry_delay",
        WAIT,
        Preset::Manager("retry_delay"),
        "First ceiling of the random wait before a retry, doubled for each further one. 0 retries at once, which hits an overloaded endpoint hardest; a long one eats the call's `timeout`.",
    ),
    Row::new(
        "max_retry_delay",
        WAIT,
        Preset::Is("\"5s\""),
        "Highest ceiling of the wait before a retry, at least `retry_delay`. 0 together with a `retry_delay` of 0 means no waits; a long one eats the call's `timeout`.",
    ),
    Row::new(
        "backoff",
        Kind::choice(&["exponential", "fixed"]),
        Preset::Is("\"exponential\""),
        "How waits grow: `exponential` with full jitter, or `fixed`, exactly `retry_delay`. Fixed waits make callers that failed together come back together.",
    ),
    Row::new(
        "timeout",
        LIMIT,
        Preset::Manager("timeout"),
        "Longest time of a whole call, with all attempts and waits; a shorter deadline of the caller wins. Too short leaves no time to retry; too long keeps callers waiting through an outage.",
    ),
    Row::new(
        "attempt_timeout",
        LIMIT,
        Preset::Absent(
            "for an idempotent request the time left divided by the attempts left, else the time left",
        ),
        "Longest time of one attempt. Too short counts slow answers as failures and opens breakers; too long lets one endpoint that hangs eat the call's `timeout`.",
    ),
    Row::new(
        "idempotent",
        Kind::Flag,
        Preset::Is("true"),
        "Whether a request may be sent twice, for requests that don't say so themselves. False retries only what certainly was not sent; true doubles the effect of a request that isn't idempotent when its answer is lost.",
    ),
    Row::new(
        "nested",
        Kind::choice(&["no_retry", "retry"]),
        Preset::Is("\"no_retry\""),
        "What a call made inside another call's function may do. With `retry` attempts multiply: three levels of 4 attempts are 64 requests.",
    ),
    Row::new(
        "on_all_open",
        Kind::choice(&["fail_fast", "fail_open"]),
        Preset::Is("\"fail_fast\""),
        "What happens when breakers bar every endpoint: `fail_fast` fails the call at once and says when the next probe is due; `fail_open` uses the endpoints all the same, which keeps load on what is down.",
    ),
    Row::new(
        "priority_mode",
        Kind::Choice { names: &["strict"], reserved: &["spill"] },
        Preset::Is("\"strict\""),
        "How tiers share the load: `strict` uses the first tier that has a usable endpoint.",
    ),
    Row::new(
        "zone",
        Kind::text(512),
        Preset::Absent("no preference"),
        "The caller's zone; `geographic` prefers endpoints whose metadata `zone` is the same.",
    ),
    Row::new(
        "region",
        Kind::text(512),
        Preset::Absent("no preference"),
        "The caller's region; `geographic` prefers endpoints whose metadata `region` is the same, after those of its zone.",
    ),
    Row::new(
        "latitude",
        Kind::Number { min: -90.0, max: 90.0 },
        Preset::Absent("unknown"),
        "The caller's latitude in degrees, north positive, given together with `longitude`; `geographic` then ranks by distance.",
    ),
    Row::new(
        "longitude",
        Kind::Number { min: -180.0, max: 180.0 },
        Preset::Absent("unknown"),
        "The caller's longitude in degrees, east positive, given together with `latitude`.",
    ),
    Row::new(
        "metadata",
        Kind::Any,
        Preset::Is("{}"),
        "Anything that the program wants to keep with its policy; the library only gives it back.",
    ),
    Row::section(
        "circuit_breaker",
        CIRCUIT_BREAKER,
        "When an endpoint is barred, and for how long.",
    ),
    Row::section(
        "load_balancer",
        LOAD_BALANCER,
        "What spreads the load among equally ranked endpoints.",
    ),
    Row::section("retry_budget", RETRY_BUDGET, "How many retries the pool may add to its traffic."),
    Row::section("health", HEALTH, "How checks run, for endpoints that don't say otherwise."),
    Row::section("stats", STATS, "What is counted."),
    Row::section("events", EVENTS, "What is reported."),
    Row::reserved("outlier_detection", "Ejection of endpoints that do worse than the others."),
    Row::reserved("hedge", "A second attempt next to one that is slow."),
    Row::reserved("concurrency_limit", "Attempts at once that one endpoint gets."),
    Row::reserved("slow_start", "A ramp of the weight after recovery."),
];
