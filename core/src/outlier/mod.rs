//! Passive health: what attempts tell about their endpoint.
//!
//! `observe` is the one entrance. It takes what came of an attempt, updates the endpoint's state,
//! and says which transition that caused, so that its caller can tell the world.
pub(crate) mod breaker;
mod config;
mod outcome;
pub(crate) mod window;

pub use breaker::Pass;
pub(crate) use breaker::{Admission, Move, Why};
pub use config::Breaker;
pub use outcome::Outcome;
pub(crate) use outcome::Verdict;

use crate::clock::Nanos;
use crate::endpoint::{EndpointState, Status};
use crate::rng::Rng;
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
}

/// Takes in one attempt that ended.
pub(crate) fn observe(state: &EndpointState, rules: &Breaker, report: &Report) -> Option<Move> {
    count(state, report);
    let verdict = report.outcome.verdict();
    let status = state.status();
    let moved = judge(state, rules, report, (verdict, status));
    if report.pass.slot != 0 {
        breaker::release(state, report.pass);
    }
    if verdict != Verdict::Neutral && !status.has(Status::USED) {
        state.set(Status::USED, 0);
    }
    if report.outcome == Outcome::Throttled && report.hint > 0 {
        rest(state, report);
    }
    moved
}

#[inline]
fn count(state: &EndpointState, report: &Report) {
    let flow = state.flow.mine().0;
    flow.done.fetch_add(1, Ordering::Relaxed);
    flow.latency_sum.fetch_add(report.latency, Ordering::Relaxed);
    if report.outcome != Outcome::Success {
        state.other_outcomes[report.outcome as usize - 1].fetch_add(1, Ordering::Relaxed);
    }
    if report.outcome == Outcome::Success
        && let Some(histogram) = state.latency()
    {
        histogram.record(report.latency);
    }
}

fn judge(
    state: &EndpointState,
    rules: &Breaker,
    report: &Report,
    (verdict, status): (Verdict, Status),
) -> Option<Move> {
    let is_past = report.pass.generation != status.generation();
    if !rules.is_enabled || verdict == Verdict::Neutral || is_past {
        return None;
    }
    if status.has(Status::BREAKER) {
        return match verdict {
            _ if report.pass.slot == 0 => None,
            Verdict::Good => breaker::good(state, report.pass, rules),
            _ => trip(state, rules, report, Why::ProbeFailed),
        };
    }
    let is_bad = verdict != Verdict::Good;
    let is_slow = report.outcome == Outcome::Timeout
        || report.latency >= crate::clock::nanos(rules.slow_call_duration);
    window::record(&state.flow.mine().0.window, report.now, is_bad, is_slow);
    match verdict {
        Verdict::Good => {
            if state.bad_in_a_row.load(Ordering::Relaxed) != 0 {
                state.bad_in_a_row.store(0, Ordering::Relaxed);
            }
            if !is_slow || rules.slow_call_rate.is_none() {
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
    let why = rate_fault(state, rules, report.now)?;
    trip(state, rules, report, why)
}

/// Judges the window's rates.
fn rate_fault(state: &EndpointState, rules: &Breaker, now: Nanos) -> Option<Why> {
    let seen = window::seen(&state.flow, now);
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

fn rest(state: &EndpointState, report: &Report) {
    let until = report.now.saturating_add(report.hint.min(LONGEST_REST));
    state.resting_until.fetch_max(until, Ordering::Relaxed);
    state.set(Status::RESTING, 0);
}

/// Retry-After beyond five minutes is not believed.
const LONGEST_REST: Nanos = 300_000_000_000;

/// The purpose that sets a breaker's randomness apart from a check's.
const BREAKER_STREAM: u64 = 0xb4ea_4e40;
