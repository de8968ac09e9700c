//! Passive health: what attempts tell about their endpoint.
//!
//! `observe` is the one entrance. It takes what came of an attempt, updates the endpoint's state,
//! and says which transition that caused, so that its caller can tell the world.
pub(crate) mod breaker;
mod config;
mod outcome;
pub(crate) mod rest;
pub(crate) mod window;

pub use breaker::Pass;
pub(crate) use breaker::{Admission, Move, Why};
pub use config::Breaker;
pub use outcome::Outcome;
pub(crate) use outcome::Verdict;

use crate::clock::Nanos;
use crate::endpoint::{EndpointState, Flow, Status};
use crate::rng::Rng;
use crate::stats::{Mine, Stripe};
use crate::sync::Ordering;

/// One attempt that ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report {
    pub(crate) outcome: Outcome,
    pub(crate) pass: Pass,
    pub(crate) now: Nanos,
    pub(crate) latency: Nanos,
    /// How long the endpoint asked to be left alone.
    pub(crate) hint: Nanos,
    /// Whose streams of randomness this endpoint's breaker draws from.
    pub(crate) seed: u64,
    /// It took longer than the policy likes.
    pub(crate) is_slow: bool,
}

/// Takes in one attempt that ended.
#[inline]
pub(crate) fn observe(
    state: &EndpointState,
    rules: &Breaker,
    report: &Report,
    stripe: Stripe,
) -> Option<Move> {
    let flow = state.flow.of(stripe);
    flow.done.add_last(1, flow.is_alone);
    flow.latency_sum.add(report.latency, flow.is_alone);
    let status = state.status();
    let is_usual = report.outcome == Outcome::Success
        && report.pass.generation == status.generation()
        && !status.has(Status::BREAKER)
        && status.has(Status::USED)
        && !report.is_slow
        && !state.keeps_latency();
    if !is_usual {
        return observe_closely(state, rules, report, (report.outcome.verdict(), &flow));
    }
    if rules.is_enabled {
        window::record(&flow, (report.now, report.pass.generation), false, false);
        forgive(state);
    }
    None
}

/// Takes in one attempt of a scope that ended: what it says of the endpoint as a whole, and what of the
/// scope. Both were counted as begun, and have their passes in a report each.
///
/// Who was refused before anything was sent learned nothing of the operation, and everything of the
/// endpoint. Who got a good answer knows both to be well. Any other answer, or none, concerns the scope
/// alone, its request to be left alone included.
pub(crate) fn observe_in_scope(
    (own, scoped): (&EndpointState, &EndpointState),
    rules: &Breaker,
    (report, report_in_scope): (&Report, &Report),
    stripe: Stripe,
) -> (Option<Move>, Option<Move>) {
    let verdict = report.outcome.verdict();
    let (of_own, of_scope) = match report.outcome {
        Outcome::Unsent => (verdict, Verdict::Neutral),
        _ if verdict == Verdict::Good => (verdict, verdict),
        _ => (Verdict::Neutral, verdict),
    };
    // A slow operation is no slow endpoint.
    let report = Report { is_slow: false, hint: 0, ..*report };
    let take_in = |state: &EndpointState, report: &Report, verdict| {
        let flow = state.flow.of(stripe);
        flow.done.add_last(1, flow.is_alone);
        flow.latency_sum.add(report.latency, flow.is_alone);
        observe_closely(state, rules, report, (verdict, &flow))
    };
    (take_in(own, &report, of_own), take_in(scoped, report_in_scope, of_scope))
}

/// The rest: anything but a good attempt on an endpoint that was good before.
#[cold]
#[inline(never)]
fn observe_closely(
    state: &EndpointState,
    rules: &Breaker,
    report: &Report,
    (verdict, flow): (Verdict, &Mine<'_, Flow>),
) -> Option<Move> {
    if report.outcome != Outcome::Success {
        // Success is 1 and has no counter.
        state.other_outcomes[report.outcome as usize - 2].fetch_add(1, Ordering::Relaxed);
    } else if let Some(histogram) = state.latency() {
        histogram.record(report.latency);
    }
    let status = state.status();
    let moved = judge(state, rules, report, (verdict, status), flow);
    if report.pass.slot != 0 {
        breaker::release(state, report.pass);
    }
    if report.outcome.verdict() != Verdict::Neutral && !status.has(Status::USED) {
        state.set(Status::USED, 0);
    }
    if report.outcome == Outcome::Throttled && report.hint > 0 {
        rest::begin(state, report.now.saturating_add(report.hint.min(LONGEST_REST)));
    }
    moved
}

fn judge(
    state: &EndpointState,
    rules: &Breaker,
    report: &Report,
    (verdict, status): (Verdict, Status),
    flow: &Mine<'_, Flow>,
) -> Option<Move> {
    let generation = report.pass.generation;
    if !rules.is_enabled || verdict == Verdict::Neutral || generation != status.generation() {
        return None;
    }
    if status.has(Status::BREAKER) {
        return match verdict {
            _ if report.pass.slot == 0 => None,
            Verdict::Good => breaker::good(state, report.pass, rules),
            // It answered, and rests if it asked to: neither well nor failed.
            Verdict::Throttled => None,
            _ => trip(state, rules, report, Why::ProbeFailed),
        };
    }
    window::record(flow, (report.now, generation), verdict != Verdict::Good, report.is_slow);
    match verdict {
        Verdict::Good => {
            forgive(state);
            if !report.is_slow || rules.slow_call_rate.is_none() {
                return None;
            }
        }
        Verdict::Bad => {
            let row = state.bad_in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
            if row >= rules.failure_threshold {
                return trip(state, rules, report, Why::InARow);
            }
        }
        Verdict::Throttled | Verdict::Neutral => {}
    }
    let why = rate_fault(state, rules, report)?;
    trip(state, rules, report, why)
}

/// Ends a row of bad outcomes.
#[inline]
fn forgive(state: &EndpointState) {
    if state.bad_in_a_row.load(Ordering::Relaxed) != 0 {
        state.bad_in_a_row.store(0, Ordering::Relaxed);
    }
}

/// Judges the window's rates.
fn rate_fault(state: &EndpointState, rules: &Breaker, report: &Report) -> Option<Why> {
    let seen = window::seen(&state.flow, report.now, report.pass.generation);
    if seen.all < rules.minimum_calls {
        return None;
    }
    let share = |part: u32| f64::from(part) / f64::from(seen.all);
    if share(seen.bad) >= rules.failure_rate {
        return Some(Why::Rate);
    }
    let is_slow = rules.slow_call_rate.is_some_and(|most| share(seen.slow) >= most);
    is_slow.then_some(Why::SlowRate)
}

fn trip(state: &EndpointState, rules: &Breaker, report: &Report, why: Why) -> Option<Move> {
    let rng = Rng::new(report.seed, BREAKER_STREAM, u64::from(report.pass.generation));
    let until = report.now.saturating_add(breaker::open_time(state, rules, rng, why));
    breaker::open(state, report.pass, until, why)
}

/// Retry-After beyond five minutes is not believed.
pub(crate) const LONGEST_REST: Nanos = 300_000_000_000;

/// The purpose that sets a breaker's randomness apart from a check's.
const BREAKER_STREAM: u64 = 0xb4ea_4e40;
