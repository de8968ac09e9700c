//! The policy: one document composed of the options of each area, typed.
//!
//! A policy remembers what was *given* apart from what is in *effect*, so that a per-call policy
//! lays its few options over the pool's own and still inherits the rest from the manager.
//!
//! Used by the manager, which interns policies by the options that are laid over its own, and by every
//! pick and call through the typed options.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::manager::ManagerConfig;
use super::table::POLICY;
use super::{contradiction, parse};
use crate::balance::{Algorithm, Balance, Locality, OnAllOpen, Sticky, Strategy};
use crate::duration;
use crate::endpoint::document::{Format, Reader, check, fill, overlay};
use crate::error::{Fault, Result};
use crate::execute::{Backoff, BudgetConfig, Execute, Nested};
use crate::health::Health;
use crate::outlier::Breaker;

/// How one pool treats its endpoints and its calls.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Policy {
    /// How a pick is made.
    pub balance: Balance,
    /// When an endpoint is barred.
    pub breaker: Breaker,
    /// How a call is made.
    pub execute: Execute,
    /// How endpoints are checked.
    pub health: Health,
    /// Whether each endpoint has latency percentiles of its own.
    pub has_endpoint_latency: bool,
    /// One `load_balance` event for so many picks; 0 for none.
    pub load_balance_every: u32,
    /// What the program keeps with its policy.
    pub metadata: Map<String, Value>,
    /// What is allowed but probably not meant.
    pub warnings: Vec<String>,
    /// Every option with the value in effect, in canonical form: two policies that mean the same
    /// have the same document, however they were written.
    pub document: Arc<Value>,
    given: Arc<Map<String, Value>>,
    inherited: Inherited,
}

/// What a policy takes from its manager where it says nothing itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inherited {
    pub(super) retry_attempts: u32,
    pub(super) retry_delay: std::time::Duration,
    pub(super) timeout: std::time::Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self::assemble(Map::new(), Inherited::default())
    }
}

impl Policy {
    /// Reads a JSON document; what it doesn't say comes from `manager` or is the default.
    ///
    /// # Errors
    ///
    /// Every fault at once, as [`InvalidConfig`](crate::ErrorKind::InvalidConfig);
    /// [`NotAvailable`](crate::ErrorKind::NotAvailable) if all that is wrong is that options are
    /// reserved for a later release;
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded) for a document over 64 MiB.
    ///
    /// # Examples
    ///
    /// ```
    /// use failover::config::{ManagerConfig, Policy};
    ///
    /// let manager = ManagerConfig::default();
    /// let policy = Policy::from_json(r#"{ "max_retries": 1, "retry_delay": "50ms" }"#, &manager)?;
    /// assert_eq!(policy.execute.max_retries, 1);
    ///
    /// let error = Policy::from_json(r#"{ "retry_delay": 50 }"#, &manager).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "retry_delay: must be a duration with a unit such as \"250ms\", got 50"
    /// );
    /// # Ok::<(), failover::Error>(())
    /// ```
    pub fn from_json(text: &str, manager: &ManagerConfig) -> Result<Self> {
        Self::read(text, Format::Json, manager.inherited())
    }

    /// Reads a TOML document; what it doesn't say comes from `manager` or is the default.
    ///
    /// # Errors
    ///
    /// As [`from_json`](Self::from_json).
    pub fn from_toml(text: &str, manager: &ManagerConfig) -> Result<Self> {
        Self::read(text, Format::Toml, manager.inherited())
    }

    /// The policy of single calls: the JSON document's options laid over what this policy was
    /// given. A null leaves this policy's option; maps such as `weights` are replaced whole. What
    /// belongs to the manager (`health_check`, `health`, `stats`) has no effect there, and a warning
    /// says so where it differs.
    ///
    /// # Errors
    ///
    /// As [`from_json`](Self::from_json).
    pub fn derive(&self, text: &str) -> Result<Self> {
        self.derive_with(&Map::new(), text).map(|(policy, _)| policy)
    }

    /// The options of a JSON document over those of `own`, as a JSON document in canonical form. It is
    /// what [`derive`](Self::derive) takes, also of the policy that follows this one.
    ///
    /// # Errors
    ///
    /// As [`from_json`](Self::from_json).
    pub(crate) fn lay_over(&self, own: &str, text: &str) -> Result<String> {
        let own = if own.is_empty() { Value::Null } else { parse::read(own, Format::Json)? };
        let own = own.as_object().cloned().unwrap_or_default();
        self.derive_with(&own, text).map(|(_, options)| Value::Object(options).to_string())
    }

    fn derive_with(
        &self,
        own: &Map<String, Value>,
        text: &str,
    ) -> Result<(Self, Map<String, Value>)> {
        let value = parse::read(text, Format::Json)?;
        let mut faults = Vec::new();
        let options = overlay(POLICY, own, &check(POLICY, &value, "", &mut faults));
        let mut policy = Self::assemble(overlay(POLICY, &self.given, &options), self.inherited);
        contradiction::in_derived(&mut policy, self);
        contradiction::in_policy(&policy, "", &mut faults);
        parse::finish((policy, options), faults)
    }

    /// Every option with the value in effect.
    #[must_use]
    pub fn to_json(&self) -> Value {
        Value::clone(&self.document)
    }

    fn read(text: &str, format: Format, inherited: Inherited) -> Result<Self> {
        let value = parse::read(text, format)?;
        let mut faults: Vec<Fault> = Vec::new();
        let given = check(POLICY, &value, "", &mut faults);
        let policy = Self::assemble(given, inherited);
        contradiction::in_policy(&policy, "", &mut faults);
        parse::finish(policy, faults)
    }

    /// Makes the typed options of a checked object.
    pub(super) fn assemble(given: Map<String, Value>, inherited: Inherited) -> Self {
        let document = inherited.fill(fill(POLICY, &given));
        let read = Reader(&document);
        let nothing = Map::new();
        let section = |name| read.section(name).unwrap_or(Reader(&nothing));
        let mut policy = Self {
            balance: balance(read, section("load_balancer")),
            breaker: breaker(section("circuit_breaker")),
            execute: execute(read, section("retry_budget")),
            health: health(read, section("health")),
            has_endpoint_latency: section("stats").flag("endpoint_latency"),
            load_balance_every: section("events").integer("load_balance_every"),
            metadata: section("metadata").0.clone(),
            warnings: Vec::new(),
            document: Arc::new(Value::Null),
            given: Arc::new(given),
            inherited,
        };
        policy.warnings = contradiction::warnings(&policy, Reader(&policy.given));
        policy.document = Arc::new(Value::Object(document));
        policy
    }
}

impl Inherited {
    fn fill(self, mut document: Map<String, Value>) -> Map<String, Value> {
        let durations = [("retry_delay", self.retry_delay), ("timeout", self.timeout)];
        for (name, value) in durations {
            document.entry(name).or_insert_with(|| Value::from(duration::format(value)));
        }
        document.entry("max_retries").or_insert_with(|| Value::from(self.retry_attempts));
        document
    }
}

fn balance(read: Reader<'_>, balancer: Reader<'_>) -> Balance {
    Balance {
        strategy: match read.text("strategy") {
            Some("random") => Strategy::Random,
            Some("weighted") => Strategy::Weighted,
            Some("least_connections") => Strategy::LeastConnections,
            Some("ip_hash") => Strategy::IpHash,
            Some("health_based") => Strategy::HealthBased,
            Some("geographic") => Strategy::Geographic,
            Some("custom") => Strategy::Custom,
            _ => Strategy::RoundRobin,
        },
        algorithm: balancer.text("algorithm").and_then(algorithm),
        weights: balancer.map("weights", |value| value.as_u64()?.try_into().ok()),
        sticky: balancer.flag("sticky").then(|| Sticky {
            ttl: balancer.duration("sticky_ttl"),
            max_keys: balancer.integer("sticky_max_keys"),
        }),
        on_all_open: match read.text("on_all_open") {
            Some("fail_open") => OnAllOpen::FailOpen,
            _ => OnAllOpen::FailFast,
        },
        locality: Locality {
            zone: read.owned("zone"),
            region: read.owned("region"),
            position: read.some_number("latitude").zip(read.some_number("longitude")),
        },
    }
}

fn algorithm(name: &str) -> Option<Algorithm> {
    Some(match name {
        "round_robin" => Algorithm::RoundRobin,
        "random" => Algorithm::Random,
        "weighted" => Algorithm::Weighted,
        "least_connections" => Algorithm::LeastConnections,
        "ip_hash" => Algorithm::IpHash,
        "p2c_ewma" => Algorithm::P2cEwma,
        _ => return None,
    })
}

fn breaker(read: Reader<'_>) -> Breaker {
    Breaker {
        is_enabled: read.flag("enabled"),
        failure_threshold: read.integer("failure_threshold"),
        recovery_timeout: read.duration("recovery_timeout"),
        max_recovery_timeout: read.duration("max_recovery_timeout"),
        jitter: read.number("jitter"),
        half_open_max_calls: read.integer("half_open_max_calls"),
        success_threshold: read.integer("success_threshold"),
        failure_rate: read.number("failure_rate"),
        minimum_calls: read.integer("minimum_calls"),
        slow_call_rate: read.some_number("slow_call_rate"),
        slow_call_duration: read.duration("slow_call_duration"),
    }
}

fn execute(read: Reader<'_>, budget: Reader<'_>) -> Execute {
    Execute {
        max_retries: read.integer("max_retries"),
        retry_delay: read.duration("retry_delay"),
        max_retry_delay: read.duration("max_retry_delay"),
        backoff: match read.text("backoff") {
            Some("fixed") => Backoff::Fixed,
            _ => Backoff::Exponential,
        },
        timeout: read.duration("timeout"),
        attempt_timeout: read.some_duration("attempt_timeout"),
        is_idempotent: read.flag("idempotent"),
        nested: match read.text("nested") {
            Some("retry") => Nested::Retry,
            _ => Nested::NoRetry,
        },
        budget: BudgetConfig {
            is_enabled: budget.flag("enabled"),
            capacity: budget.integer("capacity"),
            per_success: budget.number("per_success"),
            per_second: budget.number("per_second"),
        },
    }
}

fn health(read: Reader<'_>, health: Reader<'_>) -> Health {
    Health {
        is_enabled: read.flag("health_check"),
        interval: health.duration("interval"),
        timeout: health.duration("timeout"),
        fall: health.integer("fall"),
        rise: health.integer("rise"),
        jitter: health.number("jitter"),
        transition_interval: health.duration("transition_interval"),
    }
}
