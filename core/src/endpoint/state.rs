//! How one endpoint is doing: atomics only, kept while weight, tags or metadata change.
//!
//! A blackboard: health and outlier write it, balancing reads it, and none of them knows the other.
//! Everything that can bar an endpoint is a bit of one word, so that the usual question of a pick
//! ("nothing against it?") is one load and one mask. What is written at every attempt lies on
//! stripes by thread; what is written seldom is shared.

use std::sync::OnceLock;

use once_cell::race::OnceBox;

use super::scopes::Scopes;
use super::{Change, Scope};
use crate::clock::Nanos;
use crate::stats::{Count, Histogram, Stripe, Stripes};
use crate::sync::{AtomicU32, AtomicU64, Ordering, fence};

/// The live side of one endpoint. What comparing two endpoints reads comes first, side by side.
#[derive(Debug)]
#[repr(C)]
pub struct EndpointState {
    status: AtomicU64,
    /// Peak EWMA of the latency and failure penalty, each a value and a time in one word.
    pub(crate) ewma: AtomicU64,
    pub(crate) penalty: AtomicU64,
    pub(crate) flow: Stripes<Flow>,
    /// When an open breaker lets a probe through.
    pub(crate) open_until: AtomicU64,
    /// When a throttled endpoint takes traffic again.
    pub(crate) resting_until: AtomicU64,
    /// When a lost endpoint stops being usable.
    pub(crate) lost_until: AtomicU64,
    /// Bad outcomes in a row.
    pub(crate) bad_in_a_row: AtomicU32,
    /// Re-openings since the breaker was last closed.
    pub(crate) reopened: AtomicU32,
    /// Good probes, tagged with the generation they belong to.
    pub(crate) good_probes: AtomicU64,
    /// When the published status last changed, and why.
    changed: AtomicU64,
    pub(crate) permits: [AtomicU64; Self::MOST_PERMITS],
    /// Outcomes other than success, by class; all outcomes together are on the stripes.
    pub(crate) other_outcomes: [AtomicU64; 7],
    latency: OnceLock<Box<Histogram>>,
    /// Where requests name scopes; a word where none does.
    scopes: OnceBox<Scopes>,
}

/// What every attempt writes. The counts come first: who compares loads reads one cache line.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct Flow {
    pub(crate) started: Count,
    pub(crate) done: Count,
    pub(crate) latency_sum: Count,
    /// What the other stripes had in flight when this one last looked, and when that was.
    others: AtomicU64,
    /// Ten buckets of a second: time, outcomes, bad and slow outcomes in one word each.
    pub(crate) window: [AtomicU64; 10],
}

impl Flow {
    /// Attempts begun here less attempts ended here: below 0 if leases came from elsewhere.
    #[inline]
    fn open(&self) -> i64 {
        self.started.load().wrapping_sub(self.done.load()).cast_signed()
    }
}

/// The status word at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub(crate) u64);

impl Status {
    pub(crate) const DRAINING: u64 = 1;
    pub(crate) const MAINTENANCE: u64 = 1 << 1;
    pub(crate) const LOST: u64 = 1 << 2;
    pub(crate) const HEALTHY: u64 = 1 << 3;
    pub(crate) const DEGRADED: u64 = 1 << 4;
    pub(crate) const UNHEALTHY: u64 = 1 << 5;
    pub(crate) const EJECTED: u64 = 1 << 6;
    pub(crate) const RESTING: u64 = 1 << 7;
    pub(crate) const OPEN: u64 = 1 << 8;
    pub(crate) const HALF_OPEN: u64 = 1 << 9;
    pub(crate) const FORCED_OPEN: u64 = 1 << 10;
    pub(crate) const USED: u64 = 1 << 11;
    /// Removed for good: only open leases still know it.
    pub(crate) const RETIRED: u64 = 1 << 12;

    pub(crate) const BREAKER: u64 = Self::OPEN | Self::HALF_OPEN | Self::FORCED_OPEN;
    pub(crate) const ADMIN: u64 = Self::DRAINING | Self::MAINTENANCE;
    pub(crate) const HEALTH: u64 = Self::HEALTHY | Self::DEGRADED | Self::UNHEALTHY;
    /// Any of these, and the endpoint needs a closer look.
    const BARS: u64 = Self::ADMIN
        | Self::LOST
        | Self::DEGRADED
        | Self::UNHEALTHY
        | Self::EJECTED
        | Self::RESTING
        | Self::BREAKER
        | Self::RETIRED;

    /// True if nothing speaks against the endpoint.
    #[must_use]
    #[inline]
    pub const fn is_clear(self) -> bool {
        self.0 & Self::BARS == 0
    }

    /// True if any of `bits` is set.
    #[must_use]
    #[inline]
    pub(crate) const fn has(self, bits: u64) -> bool {
        self.0 & bits != 0
    }

    /// The breaker's generation: it changes at each of its transitions.
    #[must_use]
    #[inline]
    pub const fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The status with the breaker in `bits` and the next generation.
    pub(crate) const fn with_breaker(self, bits: u64) -> Self {
        let flags = (self.0 & 0xffff_ffff & !Self::BREAKER) | bits;
        Self(flags | ((self.generation().wrapping_add(1)) as u64) << 32)
    }

    /// The program's own word on the endpoint.
    #[must_use]
    pub const fn admin(self) -> Admin {
        if self.has(Self::MAINTENANCE) {
            Admin::Maintenance
        } else if self.has(Self::DRAINING) {
            Admin::Draining
        } else {
            Admin::Active
        }
    }

    /// What active checks say.
    #[must_use]
    pub const fn active_health(self) -> HealthStatus {
        if self.has(Self::UNHEALTHY) {
            HealthStatus::Unhealthy
        } else if self.has(Self::DEGRADED) {
            HealthStatus::Degraded
        } else if self.has(Self::HEALTHY) {
            HealthStatus::Healthy
        } else {
            HealthStatus::Unknown
        }
    }

    /// The breaker's state.
    #[must_use]
    pub const fn circuit(self) -> Circuit {
        if self.has(Self::FORCED_OPEN) {
            Circuit::ForcedOpen
        } else if self.has(Self::OPEN) {
            Circuit::Open
        } else if self.has(Self::HALF_OPEN) {
            Circuit::HalfOpen
        } else {
            Circuit::Closed
        }
    }

    /// The status without `bits`, for who takes no notice of them.
    #[must_use]
    pub(crate) const fn without(self, bits: u64) -> Self {
        Self(self.0 & !bits)
    }

    /// All axes in one published word, as the seed has it. Of a breaker it knows only its state, not
    /// whether the policy has breakers on.
    #[must_use]
    pub const fn health(self) -> HealthStatus {
        let unhealthy = Self::MAINTENANCE
            | Self::UNHEALTHY
            | Self::EJECTED
            | Self::OPEN
            | Self::FORCED_OPEN
            | Self::RETIRED;
        if self.has(unhealthy) {
            HealthStatus::Unhealthy
        } else if self.has(Self::DEGRADED | Self::HALF_OPEN | Self::DRAINING | Self::LOST) {
            HealthStatus::Degraded
        } else if self.has(Self::HEALTHY | Self::USED) {
            HealthStatus::Healthy
        } else {
            HealthStatus::Unknown
        }
    }
}

/// The seed's health of an endpoint, with its numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u32)]
pub enum HealthStatus {
    /// Never checked and never used.
    #[default]
    Unknown = 0,
    /// Takes traffic.
    Healthy = 1,
    /// Takes none, or only as a last resort.
    Unhealthy = 2,
    /// Takes traffic when nothing better is there.
    Degraded = 3,
}

impl HealthStatus {
    /// The name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Degraded => "degraded",
        }
    }
}

/// A breaker's state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u32)]
pub enum Circuit {
    /// Lets everything through.
    #[default]
    Closed = 0,
    /// Lets nothing through until its time is over.
    Open = 1,
    /// Lets a few probes through.
    HalfOpen = 2,
    /// Held open by the program.
    ForcedOpen = 3,
}

impl Circuit {
    /// The name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::ForcedOpen => "forced_open",
        }
    }
}

/// The program's own word on an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u32)]
pub enum Admin {
    /// Takes traffic.
    #[default]
    Active = 0,
    /// Takes no new traffic but that of its sticky sessions.
    Draining = 1,
    /// Takes no traffic at all.
    Maintenance = 2,
}

impl Admin {
    /// The name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Draining => "draining",
            Self::Maintenance => "maintenance",
        }
    }
}

impl EndpointState {
    /// Probes at once that one endpoint can hold: a word each, in place.
    pub const MOST_PERMITS: usize = 16;

    /// Scopes that one endpoint can tell apart. Attempts of any other count as if they had none.
    pub const MOST_SCOPES: usize = 64;

    /// Makes the state of a fresh endpoint.
    #[must_use]
    pub fn new(stripes: usize) -> Self {
        Self {
            status: AtomicU64::new(0),
            open_until: AtomicU64::new(0),
            resting_until: AtomicU64::new(0),
            lost_until: AtomicU64::new(0),
            bad_in_a_row: AtomicU32::new(0),
            reopened: AtomicU32::new(0),
            good_probes: AtomicU64::new(0),
            changed: AtomicU64::new(0),
            permits: std::array::from_fn(|_| AtomicU64::new(0)),
            other_outcomes: std::array::from_fn(|_| AtomicU64::new(0)),
            ewma: AtomicU64::new(0),
            penalty: AtomicU64::new(0),
            flow: Stripes::new(stripes),
            latency: OnceLock::new(),
            scopes: OnceBox::new(),
        }
    }

    /// The status word now.
    #[inline]
    pub fn status(&self) -> Status {
        // Acquire pairs with the Release of `change`: who sees a bit sees the time behind it.
        Status(self.status.load(Ordering::Acquire))
    }

    /// Changes the status by `change` until it holds; returns before and after.
    ///
    /// `change` returns `None` to leave it as it is.
    pub(crate) fn change(
        &self,
        change: impl Fn(Status) -> Option<Status>,
    ) -> Option<(Status, Status)> {
        let mut before = self.status();
        loop {
            let after = change(before)?;
            if after == before {
                return None;
            }
            let swapped = self.status.compare_exchange_weak(
                before.0,
                after.0,
                // Release pairs with the Acquire of `status`.
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            match swapped {
                Ok(_) => return Some((before, after)),
                Err(now) => before = Status(now),
            }
        }
    }

    /// Sets and clears bits; returns before and after if anything changed.
    pub(crate) fn set(&self, set: u64, clear: u64) -> Option<(Status, Status)> {
        self.change(|status| Some(Status((status.0 & !clear) | set)))
    }

    /// Attempts now on their way, over all pools and threads.
    #[must_use]
    #[inline]
    pub fn in_flight(&self) -> u64 {
        // Every end before any beginning: a lease may begin on one stripe and end on another, and one
        // that ends meanwhile counts as in flight, not as -1.
        let done = self.flow.iter().fold(0_u64, |sum, flow| sum.wrapping_add(flow.done.load()));
        // Keeps the two in this order, with the Release of each end: who sees an end sees its beginning,
        // also that on another stripe, since what hands a lease from thread to thread orders its counts.
        fence(Ordering::Acquire);
        let started =
            self.flow.iter().fold(0_u64, |sum, flow| sum.wrapping_add(flow.started.load()));
        let open = started.wrapping_sub(done);
        if open > u64::MAX / 2 { 0 } else { open }
    }

    /// Attempts now on their way as a thread sees them that compares loads: its own as they are, those
    /// of the others as they were at most 66 µs ago.
    ///
    /// Two threads that read each other's counts at every pick wait for each other's cache lines, which
    /// costs three times the pick; a network takes longer to answer than a glance stays good.
    #[inline]
    pub(crate) fn load(&self, stripe: Stripe, now: Nanos) -> u64 {
        let mine = self.flow.of(stripe);
        let (others, seen) = unpack(mine.others.load(Ordering::Relaxed));
        let glance = glance(now);
        if seen != glance {
            return self.look_around(stripe, glance);
        }
        u64::try_from(mine.open().wrapping_add(others)).unwrap_or(0)
    }

    #[cold]
    #[inline(never)]
    fn look_around(&self, stripe: Stripe, glance: u32) -> u64 {
        let all = self.flow.iter().fold(0_i64, |sum, flow| sum.wrapping_add(flow.open()));
        let mine = self.flow.of(stripe);
        if mine.is_alone {
            mine.others.store(pack(all.wrapping_sub(mine.open()), glance), Ordering::Relaxed);
        }
        u64::try_from(all).unwrap_or(0)
    }

    /// Attempts started and ended, and the latency of the ended ones together.
    #[must_use]
    pub fn flow_totals(&self) -> (u64, u64, u64) {
        self.flow.iter().fold((0, 0, 0), |(started, done, latency), flow| {
            (
                started + flow.started.load(),
                done + flow.done.load(),
                latency + flow.latency_sum.load(),
            )
        })
    }

    /// Attempts that ended, by class in the order of [`Outcome::ALL`](crate::Outcome::ALL).
    #[must_use]
    pub fn outcomes(&self) -> [u64; 8] {
        let mut counts = [0; 8];
        for (count, other) in counts[1..].iter_mut().zip(&self.other_outcomes) {
            *count = other.load(Ordering::Relaxed);
        }
        // Success isn't counted: it is what is left of all.
        let others: u64 = counts.iter().sum();
        counts[0] = self.flow_totals().1.saturating_sub(others);
        counts
    }

    /// Starts keeping the endpoint's own latency percentiles.
    pub fn keep_latency(&self) {
        self.latency.get_or_init(|| Box::new(Histogram::coarse()));
    }

    /// True if the endpoint's own latency distribution is kept.
    #[inline]
    pub(crate) fn keeps_latency(&self) -> bool {
        self.latency.get().is_some()
    }

    /// The endpoint's own latency distribution, if it is kept.
    #[must_use]
    pub fn latency(&self) -> Option<&Histogram> {
        self.latency.get().map(Box::as_ref)
    }

    /// How the endpoint does in a scope; absent for none, and for one that was never used here.
    #[must_use]
    pub fn in_scope(&self, scope: Scope) -> Option<&Self> {
        if scope.is_none() { None } else { self.scopes.get()?.find(scope) }
    }

    /// How the endpoint does in a scope, from now on if it is new here; `None` if there is no room.
    pub(crate) fn in_scope_or_new(&self, scope: Scope) -> Option<&Self> {
        if scope.is_none() || scope == Scope::BEYOND {
            return None;
        }
        let scopes = self.scopes.get_or_init(|| Box::new(Scopes::new()));
        scopes.find_or_add(scope, || Self::new(self.flow.writers()))
    }

    /// Every scope that was used here, and how the endpoint does in it.
    pub fn scopes(&self) -> impl Iterator<Item = (Scope, &Self)> {
        self.scopes.get().into_iter().flat_map(Scopes::iter)
    }

    /// Forgets attempts and permits that a forked child can never finish.
    pub(crate) fn forget_in_flight(&self) {
        for flow in self.flow.iter() {
            flow.done.set(flow.started.load());
            flow.others.store(0, Ordering::Relaxed);
        }
        for permit in &self.permits {
            permit.store(0, Ordering::Relaxed);
        }
        self.scopes().for_each(|(_, state)| state.forget_in_flight());
    }

    /// When the published status last changed, and what changed it.
    #[must_use]
    pub fn changed(&self) -> (Nanos, Change) {
        Change::of(self.changed.load(Ordering::Relaxed))
    }

    /// Notes what changed the published status.
    pub(crate) fn note(&self, change: Change, now: Nanos) {
        self.changed.store(change.at(now), Ordering::Relaxed);
    }
}

/// A look at the others stays good for so many nanoseconds, as a power of two: 66 µs.
const GLANCE_BITS: u32 = 16;

/// The number of the span of time in which a look at the others stays good; 0 is before the first.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "comes round after three days")]
const fn glance(now: Nanos) -> u32 {
    ((now >> GLANCE_BITS) as u32).wrapping_add(1)
}

fn pack(others: i64, glance: u32) -> u64 {
    let others = i32::try_from(others).unwrap_or(if others < 0 { i32::MIN } else { i32::MAX });
    u64::from(others.cast_unsigned()) << 32 | u64::from(glance)
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the halves of a word")]
const fn unpack(word: u64) -> (i64, u32) {
    (((word >> 32) as u32).cast_signed() as i64, word as u32)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_sees_its_own_attempts_at_once_and_those_of_others_after_a_glance() {
        let state = EndpointState::new(8);
        let begin = || {
            let flow = state.flow.of(Stripe::mine());
            flow.started.add(1, flow.is_alone);
        };
        let elsewhere = || std::thread::scope(|scope| drop(scope.spawn(begin).join()));
        assert_eq!(state.load(Stripe::mine(), 0), 0);

        begin();
        elsewhere();

        let (now, later) = (state.load(Stripe::mine(), 1), state.load(Stripe::mine(), 1 << 20));
        if state.flow.of(Stripe::mine()).is_alone {
            assert_eq!((now, later), (1, 2), "the other's attempt shows with the next glance");
        } else {
            assert_eq!((now, later), (2, 2), "who shares a stripe looks each time");
        }
        assert_eq!(state.in_flight(), 2);
    }

    #[test]
    fn an_attempt_that_ends_on_another_thread_is_no_longer_in_flight() {
        let state = EndpointState::new(8);
        let flow = state.flow.of(Stripe::mine());
        flow.started.add(1, flow.is_alone);
        let end = || {
            let flow = state.flow.of(Stripe::mine());
            flow.done.add(1, flow.is_alone);
        };
        std::thread::scope(|scope| drop(scope.spawn(end).join()));

        assert_eq!(state.load(Stripe::mine(), 1 << 20), 0);
        let seen_by_the_other =
            std::thread::scope(|scope| scope.spawn(|| state.load(Stripe::mine(), 1 << 21)).join());
        assert_eq!(seen_by_the_other.unwrap(), 0);
    }
}
