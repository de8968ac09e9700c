//! The sections of the policy document.

use super::{DAY, JITTER, LIMIT};
use crate::endpoint::document::{Kind, Preset, Row};

/// When an endpoint is barred.
pub(super) const CIRCUIT_BREAKER: &[Row] = &[
    Row::new(
        "enabled",
        Kind::Flag,
        Preset::Is("true"),
        "Whether outcomes of calls can bar an endpoint. Off, a dead endpoint keeps its share of first attempts until a check finds it.",
    ),
    Row::new(
        "failure_threshold",
        Kind::integer(1, 1_000_000),
        Preset::Is("5"),
        "Bad outcomes in a row that open the breaker. 1 bars an endpoint for a single lost packet; a high one lets many calls pay for a dead endpoint.",
    ),
    Row::new(
        "recovery_timeout",
        LIMIT,
        Preset::Is("\"30s\""),
        "How long the breaker stays open before probes, doubled on each re-opening. Short probes an endpoint that is still down; long leaves one unused that is back.",
    ),
    Row::new(
        "max_recovery_timeout",
        LIMIT,
        Preset::Is("\"5m\""),
        "Longest time that the breaker stays open, at least `recovery_timeout`.",
    ),
    Row::new(
        "jitter",
        JITTER,
        Preset::Is("0.1"),
        "Share of the open time by which it is moved at random, so that clients don't probe at once. 0 turns that off.",
    ),
    Row::new(
        "half_open_max_calls",
        Kind::integer(1, 16),
        Preset::Is("3"),
        "Probes that may run at once while half-open. 1 recovers slowly; many can push down an endpoint that has just come up.",
    ),
    Row::new(
        "success_threshold",
        Kind::integer(1, 1_000_000),
        Preset::Is("2"),
        "Good probes that close the breaker. 1 trusts a single answer; a high one keeps the endpoint at the probes' pace for long.",
    ),
    Row::new(
        "failure_rate",
        Kind::Share,
        Preset::Is("0.5"),
        "Share of bad outcomes within 10 s that opens the breaker, once `minimum_calls` are in. Small opens on ordinary noise; 1 opens only when all fail.",
    ),
    Row::new(
        "minimum_calls",
        Kind::integer(1, 1_000_000),
        Preset::Is("20"),
        "Outcomes within 10 s below which no rate is judged. Few make the rate a matter of luck; more than the traffic brings turn it off.",
    ),
    Row::new(
        "slow_call_rate",
        Kind::Share,
        Preset::Absent("slow calls never open the breaker"),
        "Share of slow outcomes within 10 s that opens the breaker, once `minimum_calls` are in.",
    ),
    Row::new(
        "slow_call_duration",
        LIMIT,
        Preset::Is("\"1m\""),
        "From this time on an attempt counts as slow; has a meaning with `slow_call_rate` only.",
    ),
];

/// What spreads the load.
pub(super) const LOAD_BALANCER: &[Row] = &[
    Row::new(
        "algorithm",
        Kind::Choice {
            names: &[
                "round_robin",
                "random",
                "weighted",
                "least_connections",
                "ip_hash",
                "p2c_ewma",
            ],
            reserved: &["ring_hash", "maglev"],
        },
        Preset::Absent("what the strategy implies"),
        "What spreads the load among equally ranked endpoints; wins over a strategy that itself names another. `weighted` gives nginx's smooth sequence; `ip_hash` keeps a key on an endpoint; `p2c_ewma` takes the faster of two.",
    ),
    Row::new(
        "weights",
        Kind::Weights,
        Preset::Is("{}"),
        "Weights by endpoint id, over the endpoints' own, each 0 to 1000000. 0 gives an endpoint no new traffic; an id that is not known is no fault, since it may still come.",
    ),
    Row::new(
        "sticky",
        Kind::Flag,
        Preset::Is("false"),
        "Whether requests with the same session key stay on one endpoint while it is usable. Load then is as even as the sessions are.",
    ),
    Row::new(
        "sticky_ttl",
        LIMIT,
        Preset::Is("\"30m\""),
        "How long a session that isn't used stays bound; has a meaning with `sticky` only. Short loses sessions, long keeps them from endpoints that came later.",
    ),
    Row::new(
        "sticky_max_keys",
        Kind::integer(1, 10_000_000),
        Preset::Is("10000"),
        "Sessions that are remembered, the least recently used goes first; has a meaning with `sticky` only. Few lose sessions that are in use; each takes some 32 bytes at once.",
    ),
];

/// How many retries may be added.
pub(super) const RETRY_BUDGET: &[Row] = &[
    Row::new(
        "enabled",
        Kind::Flag,
        Preset::Is("true"),
        "Whether the pool's retries are limited by what good attempts earn. Off, an outage multiplies the load by up to 1 + `max_retries`.",
    ),
    Row::new(
        "capacity",
        Kind::integer(0, 1_000_000),
        Preset::Is("100"),
        "Retries that a full budget holds; it starts full. 0 allows no charged retry at all; a large one lets a quiet hour pay for a storm.",
    ),
    Row::new(
        "per_success",
        Kind::Number { min: 0.0, max: 1_000.0 },
        Preset::Is("0.2"),
        "Retries that each good attempt earns, in steps of 0.001. 0 leaves `per_second` alone; over 1 the budget never ends while anything works.",
    ),
    Row::new(
        "per_second",
        Kind::Number { min: 0.0, max: 1_000_000.0 },
        Preset::Is("10.0"),
        "Retries that each second earns, so that a client with little traffic can retry. 0 leaves `per_success` alone; a large one is no limit.",
    ),
];

/// How checks run.
pub(super) const HEALTH: &[Row] = &[
    Row::new(
        "interval",
        Kind::duration(std::time::Duration::from_millis(10), DAY),
        Preset::Is("\"10s\""),
        "Time between two checks of one endpoint. Short loads the endpoints; long finds failures late.",
    ),
    Row::new(
        "timeout",
        LIMIT,
        Preset::Is("\"2s\""),
        "Longest time of one check, after which it is a bad one. Short fails endpoints that are merely busy.",
    ),
    Row::new(
        "fall",
        Kind::integer(1, 1_000),
        Preset::Is("3"),
        "Bad checks in a row that make a healthy endpoint unhealthy; the very first check decides alone. 1 reacts to noise; many react late.",
    ),
    Row::new(
        "rise",
        Kind::integer(1, 1_000),
        Preset::Is("2"),
        "Good checks in a row that make an unhealthy endpoint healthy. 1 lets an endpoint flap; many keep it out for long.",
    ),
    Row::new(
        "jitter",
        JITTER,
        Preset::Is("0.1"),
        "Share of the interval by which each wait is moved at random, so that checks don't come in bursts. 0 turns that off.",
    ),
    Row::new(
        "transition_interval",
        Kind::duration(std::time::Duration::from_millis(10), DAY),
        Preset::Is("\"1s\""),
        "Time between two checks while an endpoint is on its way from one state to the other, where it is shorter than `interval`.",
    ),
];

/// What is counted.
pub(super) const STATS: &[Row] = &[Row::new(
    "endpoint_latency",
    Kind::Flag,
    Preset::Is("false"),
    "Whether each endpoint has latency percentiles of its own, for 256 bytes each. The pool has them in any case.",
)];

/// What is reported.
pub(super) const EVENTS: &[Row] = &[Row::new(
    "load_balance_every",
    Kind::integer(0, 1_000_000_000),
    Preset::Is("0"),
    "One `load_balance` event for so many picks. 0 sends none; 1 sends one for each pick, which floods the ring of the last 1,024 events.",
)];
