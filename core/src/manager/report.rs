//! Statistics as documents: per provider in the seed's fields, per pool, per endpoint with every
//! axis of its state.

use serde_json::{Map, Value, json};

use super::providers::Entry;
use super::{Manager, Pool};
use crate::balance::estimate;
use crate::clock::Nanos;
use crate::endpoint::{Change, EndpointState, Member, Status};
use crate::outlier::Outcome;
use crate::stats::{Counters, Tally};
use crate::sync::Ordering;

impl Manager {
    /// The statistics of every provider, by its name, with its pools and endpoints.
    #[must_use]
    pub fn stats(&self) -> Value {
        let entries = self.inner.providers.lock().clone();
        let now = self.clock().now();
        let providers = entries.iter().map(|entry| {
            entry.catch_up(now);
            let pools: Vec<Pool> = self
                .lock_pools()
                .values()
                .filter(|pool| *pool.provider() == *entry.name && pool.key().2.is_empty())
                .cloned()
                .collect();
            let members = entry.registry.list();
            let mut document = self.provider_totals(entry, &pools);
            let by_service = pools.iter().map(|pool| (pool.service().to_owned(), pool.stats()));
            document["pools"] = Value::Object(by_service.collect());
            let endpoints =
                members.iter().map(|one| (one.endpoint.id.to_string(), self.endpoint_stats(one)));
            document["endpoints"] = Value::Object(endpoints.collect());
            (entry.name.to_string(), document)
        });
        Value::Object(providers.collect())
    }

    fn provider_totals(&self, entry: &Entry, pools: &[Pool]) -> Value {
        let own = pools.iter().map(|pool| &**pool.core().counters());
        let counters: Vec<&Counters> = own.chain([&*entry.counters]).collect();
        let tally = |tally: Tally| counters.iter().map(|one| one.tally(tally)).sum::<u64>();
        let good: u64 = counters.iter().map(|one| one.totals().good_calls).sum();
        let failed = tally(Tally::FailedCalls);
        let last = |read: fn((u64, u64)) -> u64| {
            counters.iter().map(|one| read(one.last_times())).max().unwrap_or(0)
        };
        json!({
            "total_requests": good + failed,
            "successful_requests": good,
            "failed_requests": failed,
            "health_checks": tally(Tally::HealthChecks),
            "failovers": tally(Tally::Failovers),
            "recoveries": tally(Tally::Recoveries),
            "retries": tally(Tally::Retries),
            "timeouts": tally(Tally::Timeouts),
            "average_response_time_ns": entry.registry.ended().average_latency(),
            "last_failover_ns": last(|times| times.0),
            "last_recovery_ns": last(|times| times.1),
            "uptime_ns": self.clock().now().saturating_sub(self.inner.started),
        })
    }

    fn endpoint_stats(&self, member: &Member) -> Value {
        let state = &member.state;
        let status = state.status();
        let now = self.clock().now();
        let (picks, done, latency) = state.flow_totals();
        let check = self.inner.board.last(member.id).map(|check| {
            json!({
                "status": check.status.name(),
                "latency_ns": check.latency,
                "reason": &*check.reason,
                "ago_ns": now.saturating_sub(check.at),
                "runs": check.runs,
            })
        });
        let (changed_at, change) = state.changed();
        let mut document = json!({
            "id": &*member.endpoint.id,
            "number": member.id.bits(),
            "health": self.published(member).name(),
            "admin": status.admin().name(),
            "active_health": status.active_health().name(),
            "circuit": status.circuit().name(),
            "is_lost": status.has(Status::LOST),
            "is_ejected": status.has(Status::EJECTED),
            "is_resting": is_resting(state, now),
            "changed_by": change.name(),
            "changed_ago_ns": (change != Change::None).then(|| now.saturating_sub(changed_at)),
            "picks": picks,
            "in_flight": state.in_flight(),
            "outcomes": outcomes(state),
            "average_latency_ns": latency.checked_div(done).unwrap_or(0),
            "ewma_ns": estimate(state, now),
            "last_check": check,
        });
        if let Some(histogram) = state.latency() {
            let mut merged = Vec::new();
            histogram.merge_into(&mut merged);
            for (name, share) in [("p50_ns", 0.5), ("p90_ns", 0.9), ("p99_ns", 0.99)] {
                document[name] = histogram.percentile(&merged, share).into();
            }
        }
        let scopes: Map<_, _> = state
            .scopes()
            .filter_map(|(scope, state)| Some((scope.name()?.to_owned(), scope_stats(state, now))))
            .collect();
        if !scopes.is_empty() {
            document["scopes"] = Value::Object(scopes);
        }
        document
    }
}

/// How an endpoint does in one scope.
fn scope_stats(state: &EndpointState, now: Nanos) -> Value {
    let (picks, done, latency) = state.flow_totals();
    let (changed_at, change) = state.changed();
    json!({
        "circuit": state.status().circuit().name(),
        "is_resting": is_resting(state, now),
        "changed_by": change.name(),
        "changed_ago_ns": (change != Change::None).then(|| now.saturating_sub(changed_at)),
        "picks": picks,
        "in_flight": state.in_flight(),
        "outcomes": outcomes(state),
        "average_latency_ns": latency.checked_div(done).unwrap_or(0),
    })
}

fn is_resting(state: &EndpointState, now: Nanos) -> bool {
    state.status().has(Status::RESTING) && state.resting_until.load(Ordering::Relaxed) > now
}

impl Pool {
    /// The pool's own statistics.
    #[must_use]
    pub fn stats(&self) -> Value {
        let counters = self.core().counters();
        let totals = counters.totals();
        let failed = counters.tally(Tally::FailedCalls);
        json!({
            "total_requests": totals.good_calls + failed,
            "successful_requests": totals.good_calls,
            "failed_requests": failed,
            "attempts": totals.attempts,
            "retries": counters.tally(Tally::Retries),
            "failovers": counters.tally(Tally::Failovers),
            "timeouts": counters.tally(Tally::Timeouts),
            "recoveries": counters.tally(Tally::Recoveries),
            "budget_refusals": counters.tally(Tally::BudgetRefusals),
            "panics": counters.tally(Tally::Panics),
            "fallbacks": counters.tally(Tally::Fallbacks),
            "stale_reports": counters.tally(Tally::StaleReports),
            "scopes_beyond": counters.tally(Tally::ScopesBeyond),
            "budget_thousandths": self.core().budget_balance(),
            "p50_ns": totals.p50,
            "p90_ns": totals.p90,
            "p99_ns": totals.p99,
        })
    }
}

/// Outcomes by class.
fn outcomes(state: &EndpointState) -> Map<String, Value> {
    let counts = Outcome::ALL.into_iter().zip(state.outcomes());
    counts.map(|(outcome, count)| (outcome.name().to_owned(), count.into())).collect()
}
