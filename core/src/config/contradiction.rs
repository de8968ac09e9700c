//! Options that are each valid and together aren't: faults where nothing sensible can be meant,
//! warnings where one of them has no effect.

use std::time::Duration;

use serde_json::Value;

use super::document::Policy;
use crate::balance::{Algorithm, Locality, Strategy};
use crate::duration;
use crate::endpoint::document::{Reader, join};
use crate::error::{Fault, clipped};
use crate::execute::Backoff;

/// Adds the contradictions of a policy whose document is at `path`.
pub(super) fn in_policy(policy: &Policy, path: &str, faults: &mut Vec<Fault>) {
    let execute = &policy.execute;
    if execute.backoff == Backoff::Exponential {
        let pair = (execute.retry_delay, execute.max_retry_delay);
        at_least(path, ("retry_delay", "max_retry_delay"), pair, faults);
    }
    let breaker = &policy.breaker;
    let pair = (breaker.recovery_timeout, breaker.max_recovery_timeout);
    let section = join(path, "circuit_breaker");
    at_least(&section, ("recovery_timeout", "max_recovery_timeout"), pair, faults);
    let document = policy.document.as_object();
    let is_given = |name| document.is_some_and(|document| document.contains_key(name));
    for (name, other) in [("latitude", "longitude"), ("longitude", "latitude")] {
        if is_given(name) && !is_given(other) {
            fault(&join(path, other), format!("is required with {name}"), faults);
        }
    }
}

/// Adds the contradictions of a manager's document, the policy's aside.
pub(super) fn in_manager(given: Reader<'_>, faults: &mut Vec<Fault>) {
    if given.flag("auto_advance") && given.text("clock") != Some("manual") {
        fault("auto_advance", "must be false unless clock is \"manual\"".to_owned(), faults);
    }
    let providers = given.0.get("providers").and_then(Value::as_object).into_iter().flatten();
    for (name, provider) in providers {
        let Some(provider) = provider.as_object().map(Reader) else { continue };
        let path = join("providers", name);
        if let Some(expected) = wrong_name(name) {
            fault(&path, expected, faults);
        }
        match provider.text("type") {
            Some("file") if provider.text("path").is_none() => {
                fault(&join(&path, "path"), "is required for type \"file\"".to_owned(), faults);
            }
            Some("memory") => {
                for only_file in ONLY_FILE {
                    if provider.0.contains_key(only_file) {
                        let expected = "must be absent for type \"memory\"".to_owned();
                        fault(&join(&path, only_file), expected, faults);
                    }
                }
            }
            _ => {}
        }
    }
}

/// What a policy says that is allowed but probably not meant.
pub(super) fn warnings(policy: &Policy, given: Reader<'_>) -> Vec<String> {
    let balance = &policy.balance;
    let mut warnings = Vec::new();
    let spreads = spread_by(balance.strategy).filter(|_| given.text("strategy").is_some());
    if let (Some(implied), Some(algorithm)) = (spreads, balance.algorithm)
        && implied != algorithm
    {
        let strategy = given.text("strategy").unwrap_or_default();
        let balancer = given.section("load_balancer").and_then(|read| read.text("algorithm"));
        let algorithm = balancer.unwrap_or_default();
        warnings.push(format!(
            "strategy {strategy:?} and load_balancer.algorithm {algorithm:?} differ: the algorithm wins"
        ));
    }
    if balance.strategy == Strategy::Geographic && balance.locality == Locality::default() {
        let need = "zone, region or latitude and longitude";
        warnings.push(format!("strategy \"geographic\" ranks nothing without {need}"));
    }
    if let Some(balancer) = given.section("load_balancer").filter(|_| balance.sticky.is_none()) {
        for name in ["sticky_ttl", "sticky_max_keys"] {
            if balancer.0.contains_key(name) {
                warnings.push(format!("load_balancer.{name} has no effect while sticky is false"));
            }
        }
    }
    if let Some(attempt) = policy.execute.attempt_timeout
        && attempt > policy.execute.timeout
    {
        let timeout = duration::format(policy.execute.timeout);
        warnings.push(format!("attempt_timeout has no effect: timeout is shorter ({timeout})"));
    }
    warnings
}

/// Warns of options of a derived policy that have no effect there: endpoints are checked and counted
/// once, whatever pools there are.
pub(super) fn in_derived(policy: &mut Policy, manager: &Policy) {
    if policy.health != manager.health {
        policy.warnings.push(
            "health_check and health have no effect in a derived policy: checks are the manager's"
                .to_owned(),
        );
    }
    if policy.has_endpoint_latency != manager.has_endpoint_latency {
        policy.warnings.push(
            "stats has no effect in a derived policy: statistics are the manager's".to_owned(),
        );
    }
}

/// What a provider's name should have been, if it is none: names of pools and events begin with it, up
/// to the first `/`.
pub(crate) fn wrong_name(name: &str) -> Option<String> {
    let is_name = (1..=LONGEST_NAME).contains(&name.len()) && !name.contains('/');
    (!is_name).then(|| {
        let came = clipped(name);
        format!("must be a name of 1 to {LONGEST_NAME} bytes without \"/\", got {came:?}")
    })
}

/// The algorithm of a strategy that itself spreads.
fn spread_by(strategy: Strategy) -> Option<Algorithm> {
    match strategy {
        Strategy::RoundRobin => Some(Algorithm::RoundRobin),
        Strategy::Random => Some(Algorithm::Random),
        Strategy::Weighted => Some(Algorithm::Weighted),
        Strategy::LeastConnections => Some(Algorithm::LeastConnections),
        Strategy::IpHash => Some(Algorithm::IpHash),
        Strategy::HealthBased | Strategy::Geographic | Strategy::Custom => None,
    }
}

/// Adds a fault if the second is less than the first, unless one of them is faulty already.
fn at_least(
    path: &str,
    names: (&str, &str),
    values: (Duration, Duration),
    faults: &mut Vec<Fault>,
) {
    let (low, high) = (join(path, names.0), join(path, names.1));
    let is_faulty = faults.iter().any(|fault| fault.path == low || fault.path == high);
    if values.1 < values.0 && !is_faulty {
        let (floor, came) = (duration::format(values.0), duration::format(values.1));
        fault(&high, format!("must be at least {} ({floor}), got {came}", names.0), faults);
    }
}

fn fault(path: &str, expected: String, faults: &mut Vec<Fault>) {
    faults.push(Fault { path: path.to_owned(), expected });
}

/// Options that have no effect where the program registers the endpoints.
pub(super) const ONLY_FILE: [&str; 6] =
    ["path", "format", "poll_interval", "empty_grace", "max_staleness", "coalesce"];

/// As long as `default_provider` may be.
const LONGEST_NAME: usize = 512;
