//! The better of two by peak EWMA of latency, with a failure penalty of its own.
//!
//! The estimate follows a worse latency at once and forgets it slowly (Finagle's peak EWMA,
//! <https://twitter.github.io/finagle/guide/Clients.html>). Ours keeps failures out of it: an
//! endpoint that fails in a millisecond looks fast, and one whose failures are booked as latency
//! stays shunned long after it recovered. The penalty is a second term that decays within seconds
//! and that one success clears.

use super::pick::Observer;
use crate::clock::Nanos;
use crate::endpoint::EndpointState;
use crate::sync::{AtomicU64, Ordering};

/// Cost of sending one more request there, before its weight is counted; lower is better.
#[inline(always)]
#[expect(
    clippy::inline_always,
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    reason = "loads stay far below 2^52"
)]
fn cost(state: &EndpointState, by: Observer) -> f32 {
    let now = by.1;
    let latency = read(&state.ewma, now, LATENCY_LIFE);
    let penalty = read(&state.penalty, now, PENALTY_LIFE);
    // By way of a signed number, which a processor converts at once.
    let waiting = (state.load(by.0, now) as i64 + 1) as f32;
    (latency + penalty + 1.0) * waiting
}

/// True if `one` costs less than `other`, each for its weight.
#[inline(always)]
pub(crate) fn is_cheaper(
    one: (&EndpointState, u32),
    other: (&EndpointState, u32),
    by: Observer,
) -> bool {
    // Multiplied crosswise, since two divisions cost as much as the rest.
    let weight = |weight: u32| weight.max(1) as f32;
    cost(one.0, by) * weight(other.1) < cost(other.0, by) * weight(one.1)
}

/// Takes in a latency.
pub(crate) fn succeeded(state: &EndpointState, latency: Nanos, now: Nanos) {
    let sample = micros(latency);
    if state.penalty.load(Ordering::Relaxed) != 0 {
        state.penalty.store(0, Ordering::Relaxed);
    }
    update(&state.ewma, |word| {
        let (value, stamp) = unpack(word);
        let age = age(stamp, now);
        let faded = fade(value, age, LATENCY_LIFE);
        // Averaging by the same factor that fades keeps the estimate right at any rate.
        let kept = fade(1.0, age, LATENCY_LIFE);
        let mean = if word == 0 || sample >= faded {
            sample
        } else {
            value * kept + sample * (1.0 - kept)
        };
        pack(mean, now)
    });
}

/// Takes in a failure, or a time for which the endpoint asked to be left alone.
pub(crate) fn failed(state: &EndpointState, hint: Nanos, now: Nanos) {
    let penalty = micros(hint.max(PENALTY));
    update(&state.penalty, |word| {
        let (value, stamp) = unpack(word);
        pack(fade(value, age(stamp, now), PENALTY_LIFE).max(penalty), now)
    });
}

/// The present estimate of the latency in nanoseconds, for statistics.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a latency fits")]
pub fn estimate(state: &EndpointState, now: Nanos) -> u64 {
    (f64::from(read(&state.ewma, now, LATENCY_LIFE)) * 1_000.0) as u64
}

/// Writes what changed, and nothing else: within a millisecond only a worse latency does, so that
/// threads seldom take the line from each other.
fn update(word: &AtomicU64, next: impl Fn(u64) -> u64) {
    let mut seen = word.load(Ordering::Relaxed);
    loop {
        let next = next(seen);
        if next == seen {
            return;
        }
        match word.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return,
            Err(now) => seen = now,
        }
    }
}

#[inline]
fn read(word: &AtomicU64, now: Nanos, life: u32) -> f32 {
    let word = word.load(Ordering::Relaxed);
    if word == 0 {
        return 0.0;
    }
    let (value, stamp) = unpack(word);
    fade(value, age(stamp, now), life)
}

/// `value · 2^(−age/life)`: the whole halvings exactly, the rest by a parabola (error under 0.4 %).
///
/// The factor is computed in integers, to 23 bits, and they are its mantissa and its exponent: half the
/// time that a conversion and the same parabola in floating point take, and the same on every machine.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "below 2^23 by the shift and the masks")]
fn fade(value: f32, age: u32, life: u32) -> f32 {
    if age >= 31 * life {
        return 0.0;
    }
    let halvings = (u64::from(age) * ((1 << 40) / u64::from(life))) >> 17;
    let (whole, rest) = ((halvings >> 23) as u32, halvings & (ONE - 1));
    // 1 − r·(43/64 − 11/64·r), from 1 down to exactly one half.
    let parabola = ONE - ((rest * (ONE * 43 / 64 - rest * 11 / 64)) >> 23);
    value * f32::from_bits(((125 - whole) << 23) + 2 * parabola as u32)
}

/// One, in the fixed point of a mantissa.
const ONE: u64 = 1 << 23;

/// A value in microseconds and a time in milliseconds.
fn pack(value: f32, now: Nanos) -> u64 {
    u64::from(value.max(0.001).to_bits()) << 32 | u64::from(millis(now))
}

#[expect(clippy::cast_possible_truncation, reason = "the halves of a word")]
const fn unpack(word: u64) -> (f32, u32) {
    (f32::from_bits((word >> 32) as u32), word as u32)
}

/// Milliseconds since `stamp`; 0 if it lies ahead, as it may between two threads.
fn age(stamp: u32, now: Nanos) -> u32 {
    let age = millis(now).wrapping_sub(stamp);
    if age > u32::MAX / 2 { 0 } else { age }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "wraps after 49 days, and ages are differences"
)]
const fn millis(now: Nanos) -> u32 {
    (now / 1_000_000) as u32
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn micros(time: Nanos) -> f32 {
    (time as f32 / 1_000.0).max(0.001)
}

/// A latency's estimate halves in seven seconds, which is a time constant of ten.
const LATENCY_LIFE: u32 = 6_931;
/// A penalty halves in 1.4 seconds, which is a time constant of two.
const PENALTY_LIFE: u32 = 1_386;
/// A failure weighs like five seconds of latency.
const PENALTY: Nanos = 5_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Nanos = 1_000_000;

    #[test]
    fn a_fast_failing_endpoint_costs_more_until_it_succeeds() {
        let (good, bad) = (state(), state());
        for at in 0..10 {
            succeeded(&good, 20 * MILLISECOND, at * MILLISECOND);
            failed(&bad, 0, at * MILLISECOND);
        }
        assert!(cost(&bad, at(11 * MILLISECOND)) > cost(&good, at(11 * MILLISECOND)) * 100.0);

        succeeded(&bad, MILLISECOND, 12 * MILLISECOND);
        assert!(cost(&bad, at(13 * MILLISECOND)) < cost(&good, at(13 * MILLISECOND)));
    }

    #[test]
    fn a_penalty_fades_without_any_traffic() {
        let state = state();
        failed(&state, 0, 0);
        let at_once = cost(&state, at(0));

        let later = cost(&state, at(20_000 * MILLISECOND));

        assert!(later < at_once / 1_000.0, "{later} of {at_once}");
    }

    #[test]
    fn what_fades_is_half_after_a_life_and_never_far_from_the_curve() {
        assert_eq!(fade(8.0, 0, 1_386), 8.0);
        for age in 0..31 * 1_386 {
            let exact = 8.0 * (-f64::from(age) / 1_386.0).exp2();
            let error = (f64::from(fade(8.0, age, 1_386)) / exact - 1.0).abs();
            assert!(error < 0.004, "{error} at {age}");
        }
        assert_eq!(fade(8.0, 31 * 1_386, 1_386), 0.0);
    }

    fn at(now: Nanos) -> Observer {
        (crate::stats::Stripe::mine(), now)
    }

    fn state() -> EndpointState {
        EndpointState::new(1)
    }
}
