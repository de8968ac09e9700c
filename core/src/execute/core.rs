//! The hot half of a pool: what picks, leases and calls work on.
//!
//! Everything here is read through one pointer or counted on the caller's own stripe; the cold half
//! (names, policies, providers) is [`crate::manager`]. Picks are in [`grant`](super::grant), what
//! comes of them in [`settle`](super::settle).

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use arc_swap::{ArcSwap, ArcSwapOption};

use super::RetryBudget;
use super::held::HeldPlan;
use super::plan::{Plan, Rules};
use crate::balance::{self, Lane, Spot, StickyTable};
use crate::clock::{Clock, Nanos};
use crate::endpoint::{HealthStatus, Member, Snapshot, Subscriber};
use crate::events::{Bus, Event, EventKind, Level, Log, Reason};
use crate::lock::Lock;
use crate::stats::{Counters, Stripe, Stripes};

/// What all pools of a manager share.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The manager's clock.
    pub clock: Clock,
    /// When the manager was made.
    pub started: Nanos,
    /// The manager's seed. A forked child has another one, unless the program fixed it.
    pub seed: Arc<AtomicU64>,
    /// Thread stripes, a power of two.
    pub stripes: usize,
    /// The manager's events.
    pub events: Arc<Bus<Event>>,
    /// The manager's log.
    pub log: Arc<Log>,
    /// Grows when the process is forked: leases of an older epoch are nobody's.
    pub epoch: Arc<AtomicU32>,
    /// True once the manager is closed.
    pub is_closed: Arc<AtomicBool>,
}

/// The hot half of a pool.
#[derive(Debug)]
pub struct PoolCore {
    name: Arc<str>,
    shared: Shared,
    /// Sets this pool apart from every other of the process.
    number: u64,
    plan: ArcSwap<Plan>,
    /// Grows after each new plan.
    version: AtomicU64,
    lanes: Stripes<Lane>,
    /// How many lanes there are, as a power of two.
    stripe_bits: u32,
    pub(super) budget: RetryBudget,
    counters: Arc<Counters>,
    /// Who serves when this pool can't, in their order; weak, since pools may name each other. Absent
    /// until they were first named.
    fallbacks: ArcSwapOption<Vec<Weak<Self>>>,
    pub(super) is_panicking: AtomicBool,
    /// True from when weights began to be scaled until the program was warned.
    owes_warning: AtomicBool,
    /// Orders those who replace the plan.
    writer: Lock<()>,
}

impl PoolCore {
    /// Makes the hot half of a pool without endpoints.
    #[must_use]
    pub fn new(name: Arc<str>, shared: Shared, rules: Rules, counters: Arc<Counters>) -> Self {
        let sticky = sticky_table(None, &rules);
        let plan = Plan::new(Arc::default(), Arc::new(rules), sticky);
        Self {
            name,
            lanes: Stripes::new(shared.stripes),
            stripe_bits: shared.stripes.max(1).ilog2(),
            budget: RetryBudget::new(plan.budget),
            number: NEXT_NUMBER.fetch_add(1, Ordering::Relaxed),
            plan: ArcSwap::from_pointee(plan),
            version: AtomicU64::new(0),
            shared,
            counters,
            fallbacks: ArcSwapOption::default(),
            is_panicking: AtomicBool::new(false),
            owes_warning: AtomicBool::new(false),
            writer: Lock::default(),
        }
    }

    /// `provider/service`.
    #[must_use]
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What the manager's pools share.
    #[must_use]
    pub const fn shared(&self) -> &Shared {
        &self.shared
    }

    /// The pool's counters.
    #[must_use]
    pub const fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// The set as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.plan().snapshot)
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.plan().rules)
    }

    /// Retries that the budget holds now, in thousandths.
    #[must_use]
    pub fn budget_balance(&self) -> u64 {
        self.budget.balance(self.plan().budget, self.shared.clock.now())
    }

    /// An endpoint's published status, as the pool's policy has it.
    #[must_use]
    pub fn published(&self, member: &Member) -> HealthStatus {
        let ignored = self.plan().rules.breaker.ignored();
        member.state.status().without(ignored).health()
    }

    /// Puts other rules in force. [`announce`](Subscriber::announce) has to follow.
    pub fn set_rules(&self, rules: Rules) {
        let _order = self.writer.lock();
        let old = self.plan.load_full();
        let sticky = sticky_table(Some(&old), &rules);
        self.replace(&old, Plan::new(Arc::clone(&old.snapshot), Arc::new(rules), sticky));
    }

    /// Names the pools that serve when this one can't, in their order.
    pub fn set_fallbacks(&self, pools: &[Arc<Self>]) {
        self.fallbacks.store(Some(Arc::new(pools.iter().map(Arc::downgrade).collect())));
    }

    /// True once somebody named the pools that serve in its place, if only none.
    #[must_use]
    pub fn is_linked(&self) -> bool {
        self.fallbacks.load().is_some()
    }

    /// The first living fallback from a place on, and the place after it.
    ///
    /// One whose provider goes at this moment is no end of the others.
    pub(crate) fn fallback(&self, from: usize) -> Option<(usize, Arc<Self>)> {
        let pools = self.fallbacks.load();
        let (place, pool) = pools
            .as_ref()?
            .iter()
            .enumerate()
            .skip(from)
            .find_map(|(place, pool)| pool.upgrade().map(|pool| (place, pool)))?;
        Some((place + 1, pool))
    }

    /// The plan in force, as the calling thread holds it.
    #[inline]
    pub(crate) fn held_plan(&self) -> HeldPlan {
        // Acquire pairs with the Release of `replace`: a new version comes with its plan.
        let version = self.version.load(Ordering::Acquire);
        HeldPlan::new(self.number, version, || self.plan.load_full())
    }

    /// The plan in force, for who is in no hurry.
    pub(crate) fn plan(&self) -> Arc<Plan> {
        self.plan.load_full()
    }

    fn replace(&self, old: &Plan, plan: Plan) {
        if plan.tables.is_scaled && !old.tables.is_scaled {
            self.owes_warning.store(true, Ordering::Relaxed);
        }
        self.plan.store(Arc::new(plan));
        self.version.fetch_add(1, Ordering::Release);
    }

    /// The calling thread's place in the pool.
    #[expect(clippy::inline_always, reason = "a call would pass it all through memory")]
    #[inline(always)]
    pub(crate) fn spot(&self, stripe: Stripe) -> Spot<'_> {
        let lane = self.lanes.of(stripe);
        Spot { lane, stripe, stripe_bits: self.stripe_bits, seed: &self.shared.seed }
    }

    /// True once the manager is closed.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.shared.is_closed.load(Ordering::Relaxed)
    }

    pub(crate) fn tell(&self, kind: EventKind, member: Option<&Member>, reason: impl Into<Reason>) {
        let event = Event::new(kind, &self.name, reason);
        self.shared.events.emit(match member {
            Some(member) => event.of(&member.endpoint),
            None => event,
        });
    }
}

impl Subscriber for PoolCore {
    fn publish(&self, snapshot: &Arc<Snapshot>) {
        let _order = self.writer.lock();
        let old = self.plan.load_full();
        let rules = Arc::clone(&old.rules);
        self.replace(&old, Plan::new(Arc::clone(snapshot), rules, old.sticky.clone()));
    }

    fn announce(&self) {
        if self.owes_warning.swap(false, Ordering::Relaxed) {
            let most = balance::LONGEST_TABLE;
            let text = format!(
                "{}: weights that add up to over {most} were scaled, so shares are nearly exact",
                self.name
            );
            self.shared.log.write(Level::Warn, "balance", &text);
        }
    }
}

/// Keeps the sessions when the policy changes something else.
fn sticky_table(old: Option<&Plan>, rules: &Rules) -> Option<Arc<StickyTable>> {
    let wanted = rules.balance.sticky.as_ref()?;
    match old {
        Some(old) if old.rules.balance.sticky.as_ref() == Some(wanted) => old.sticky.clone(),
        _ => Some(Arc::new(StickyTable::new(wanted))),
    }
}

/// The number of the next pool of the process.
static NEXT_NUMBER: AtomicU64 = AtomicU64::new(1);
