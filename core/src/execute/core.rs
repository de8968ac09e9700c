//! The hot half of a pool: what picks, leases and calls work on.
//!
//! Everything here is read through one pointer or counted on the caller's own stripe; the cold half
//! (names, policies, providers) is [`crate::manager`].

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use arc_swap::ArcSwap;

use super::held::HeldPlan;
use super::plan::{Plan, Rules};
use super::{Lease, Request, RetryBudget};
use crate::balance::{
    self, Explained, Lane, Level, Luck, NOTHING, Pick, Refusal, Spot, StickyTable, Tried, Wish,
};
use crate::clock::{Clock, Nanos};
use crate::endpoint::{EndpointId, Member, Snapshot, Subscriber};
use crate::error::{Error, ErrorKind, Result};
use crate::events::{Bus, Event, EventKind, Reason};
use crate::outlier::{self, Move, Outcome, Pass, Report, Verdict};
use crate::rng::Rng;
use crate::stats::{Counters, Stripes, Tally};

/// What all pools of a manager share.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The manager's clock.
    pub clock: Clock,
    /// When the manager was made.
    pub started: Nanos,
    /// The manager's seed.
    pub seed: u64,
    /// Thread stripes, a power of two.
    pub stripes: usize,
    /// The manager's events.
    pub events: Arc<Bus<Event>>,
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
    budget: RetryBudget,
    counters: Arc<Counters>,
    /// Who serves when this pool can't, in their order; weak, since pools may name each other.
    fallbacks: ArcSwap<Vec<Weak<Self>>>,
    is_panicking: AtomicBool,
    /// Orders those who replace the plan.
    writer: Mutex<()>,
}

/// One attempt that was handed out: plain numbers, so that it can cross any border.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grant {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Where it stood in the snapshot: a hint.
    pub position: u32,
    /// The process's epoch.
    pub epoch: u32,
    /// The breaker's pass.
    pub pass: Pass,
    /// When it was handed out.
    pub started: Nanos,
    /// The snapshot it was picked from.
    pub snapshot_version: u64,
    /// True if the pick had to go down the ladder to endpoints that look unfit.
    pub is_panic: bool,
}

/// What a pick is asked beside the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) request: &'a Request,
    pub(crate) tried: &'a Tried,
    pub(crate) now: Nanos,
    pub(crate) deadline: Nanos,
    pub(crate) may_probe: bool,
    pub(crate) is_first: bool,
}

impl<'a> Ask<'a> {
    /// True if the request wants nothing in particular.
    #[inline]
    fn is_plain(&self) -> bool {
        self.tried.is_empty()
            && self.request.filter.is_none()
            && self.request.session.is_none()
            && self.request.endpoint == EndpointId::NONE
    }

    /// What a pick outside of a call asks. It may take a probe: a program that only picks would
    /// never see a failed endpoint again otherwise.
    const fn once(request: &'a Request, tried: &'a Tried, now: Nanos) -> Self {
        let deadline = now.saturating_add(super::LONGEST_PROBE);
        Self { request, tried, now, deadline, may_probe: true, is_first: true }
    }
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
            budget: RetryBudget::new(plan.budget),
            number: NEXT_NUMBER.fetch_add(1, Ordering::Relaxed),
            plan: ArcSwap::from_pointee(plan),
            version: AtomicU64::new(0),
            shared,
            counters,
            fallbacks: ArcSwap::default(),
            is_panicking: AtomicBool::new(false),
            writer: Mutex::new(()),
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

    /// True if weights were scaled to keep the weighted table short.
    #[must_use]
    pub fn has_scaled_weights(&self) -> bool {
        self.plan().tables.is_scaled
    }

    /// Retries that the budget holds now, in thousandths.
    #[must_use]
    pub fn budget_balance(&self) -> u64 {
        self.budget.balance(self.plan().budget, self.shared.clock.now())
    }

    /// Puts other rules in force.
    pub fn set_rules(&self, rules: Rules) {
        let _order = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.plan.load_full();
        let sticky = sticky_table(Some(&old), &rules);
        self.replace(Plan::new(Arc::clone(&old.snapshot), Arc::new(rules), sticky));
    }

    /// Names the pools that serve when this one can't, in their order.
    pub fn set_fallbacks(&self, pools: &[Arc<Self>]) {
        self.fallbacks.store(Arc::new(pools.iter().map(Arc::downgrade).collect()));
    }

    pub(crate) fn fallback(&self, number: usize) -> Option<Arc<Self>> {
        self.fallbacks.load().get(number)?.upgrade()
    }

    /// The plan in force.
    #[inline]
    pub(crate) fn plan(&self) -> HeldPlan {
        // Acquire pairs with the Release of `replace`: a new version comes with its plan.
        let version = self.version.load(Ordering::Acquire);
        HeldPlan::take(self.number, version, || self.plan.load_full())
    }

    fn replace(&self, plan: Plan) {
        self.plan.store(Arc::new(plan));
        self.version.fetch_add(1, Ordering::Release);
    }

    pub(crate) const fn budget(&self) -> &RetryBudget {
        &self.budget
    }

    #[inline]
    pub(crate) fn wish<'a>(&'a self, plan: &'a Plan, ask: &Ask<'a>) -> Wish<'a> {
        Wish {
            now: ask.now,
            deadline: ask.deadline,
            filter: ask.request.filter.as_deref(),
            tried: ask.tried,
            explicit: ask.request.endpoint,
            session: ask.request.session,
            key: ask.request.key,
            places: (&ask.request.place, &plan.place),
            may_probe: ask.may_probe,
            is_first: ask.is_first,
            spot: self.spot(),
        }
    }

    #[inline]
    pub(crate) fn spot(&self) -> Spot<'_> {
        let (lane, stripe) = self.lanes.mine();
        Spot { lane, stripe, stripes: self.lanes.len(), seed: self.shared.seed }
    }

    /// Picks an endpoint for one attempt that the program makes itself.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoEndpoints`] or [`ErrorKind::CircuitOpen`], with each endpoint's reason;
    /// [`ErrorKind::Closed`].
    pub fn lease(&self, request: &Request, now: Nanos) -> Result<Lease<'_>> {
        let grant =
            self.grant_one(request, now).map_err(|kind| self.refused(kind, request, now))?;
        Ok(Lease::new(self, grant))
    }

    /// As [`lease`](Self::lease), as plain numbers, and without an error to allocate.
    ///
    /// # Errors
    ///
    /// The kind alone.
    #[inline]
    pub fn grant_one(&self, request: &Request, now: Nanos) -> Result<Grant, ErrorKind> {
        if self.shared.is_closed.load(Ordering::Relaxed) {
            return Err(ErrorKind::Closed);
        }
        let plan = self.plan();
        let mut draws = None;
        let granted = if request.excluded.is_empty() {
            self.grant(&plan, &Ask::once(request, &NOTHING, now), &mut draws)
        } else {
            self.grant(&plan, &Ask::once(request, &excluded(request), now), &mut draws)
        };
        granted.map(|(grant, _)| grant).map_err(|refusal| match refusal {
            Refusal::Nobody => ErrorKind::NoEndpoints,
            Refusal::AllOpen(_) => ErrorKind::CircuitOpen,
        })
    }

    /// Returns a grant with what came of the attempt. False if it is nobody's any more.
    pub fn report(&self, grant: &Grant, outcome: Outcome, now: Nanos, latency: Nanos) -> bool {
        self.settle(grant, outcome, Settled { now, latency, hint: 0 })
    }

    /// Why each endpoint would or would not be picked now, and the level of the pick.
    #[must_use]
    pub fn explain(&self, request: &Request, now: Nanos) -> (Vec<Explained>, Option<Level>) {
        let plan = self.plan();
        let tried = excluded(request);
        balance::explain(&plan.field(), &self.wish(&plan, &Ask::once(request, &tried, now)))
    }

    /// The error behind a kind that [`grant_one`](Self::grant_one) refused a request with.
    #[cold]
    #[must_use]
    pub fn refused(&self, kind: ErrorKind, request: &Request, now: Nanos) -> Error {
        if kind == ErrorKind::Closed {
            return Error::new(kind, "the manager is closed");
        }
        let tried = excluded(request);
        let ask = Ask::once(request, &tried, now);
        let plan = self.plan();
        let refusal = balance::refusal(&plan.field(), &self.wish(&plan, &ask));
        self.refusal(refusal, &ask)
    }

    /// Picks an endpoint and counts the attempt as begun.
    #[inline]
    pub(crate) fn grant(
        &self,
        plan: &Plan,
        ask: &Ask<'_>,
        draws: &mut Option<Rng>,
    ) -> Result<(Grant, bool), Refusal> {
        let mut luck = Luck::new(draws);
        if plan.is_plain
            && ask.is_plain()
            && let Some(pick) = balance::at_first_sight(
                plan.field(),
                self.spot(),
                (ask.now, ask.is_first),
                &mut luck,
            )
        {
            return Ok((self.begin(plan, &pick, ask.now), false));
        }
        self.grant_by_search(plan, ask, luck)
    }

    /// Apart, so that what only a search needs isn't made ready for every pick.
    #[cold]
    #[inline(never)]
    fn grant_by_search(
        &self,
        plan: &Plan,
        ask: &Ask<'_>,
        mut luck: Luck<'_>,
    ) -> Result<(Grant, bool), Refusal> {
        let pick = balance::pick(&plan.field(), &self.wish(plan, ask), &mut luck)?;
        Ok((self.begin(plan, &pick, ask.now), pick.is_new_round))
    }

    /// Counts the attempt of a pick as begun.
    #[inline]
    pub(crate) fn begin(&self, plan: &Plan, pick: &Pick, now: Nanos) -> Grant {
        let member = &plan.snapshot.members()[pick.position as usize];
        let flow = member.state.flow.mine().0;
        flow.started.fetch_add(1, Ordering::Relaxed);
        let is_panic = pick.level >= Level::FailOpen;
        if pick.opened_half
            || is_panic
            || self.is_panicking.load(Ordering::Relaxed)
            || plan.rules.load_balance_every > 0
        {
            self.tell_of_pick(plan, pick, member);
        }
        Grant {
            endpoint: member.id,
            position: pick.position,
            epoch: self.shared.epoch.load(Ordering::Relaxed),
            pass: pick.pass,
            started: now,
            snapshot_version: plan.snapshot.version(),
            is_panic,
        }
    }

    #[cold]
    fn tell_of_pick(&self, plan: &Plan, pick: &Pick, member: &Member) {
        if pick.opened_half {
            self.tell(EventKind::CircuitHalfOpen, Some(member), "its time is over");
        }
        let is_panic = pick.level >= Level::FailOpen;
        if is_panic {
            self.counters.add(Tally::Panics);
        }
        if is_panic != self.is_panicking.swap(is_panic, Ordering::Relaxed) {
            let (kind, reason) = if is_panic {
                (EventKind::PanicEnter, "no endpoint looks fit")
            } else {
                (EventKind::PanicLeave, "an endpoint looks fit again")
            };
            self.tell(kind, None, reason);
        }
        let every = plan.rules.load_balance_every;
        if every > 0 && member.state.flow_totals().0.is_multiple_of(u64::from(every)) {
            self.tell(EventKind::LoadBalance, Some(member), pick.level.name());
        }
    }

    /// Takes an attempt back with what came of it. False if the grant is nobody's any more.
    pub(crate) fn settle(&self, grant: &Grant, outcome: Outcome, time: Settled) -> bool {
        let plan = self.plan();
        let is_ours = grant.epoch == self.shared.epoch.load(Ordering::Relaxed);
        let Some(member) = plan.snapshot.find(grant.endpoint, grant.position).filter(|_| is_ours)
        else {
            self.counters.add(Tally::StaleReports);
            return false;
        };
        let report = Report {
            outcome,
            pass: grant.pass,
            now: time.now,
            latency: time.latency,
            hint: time.hint,
            seed: self.shared.seed ^ member.hash,
        };
        let moved = outlier::observe(&member.state, &plan.rules.breaker, &report);
        if plan.follows_latency {
            follow(member, &report);
        }
        if outcome.earns() {
            self.budget.deposit(plan.budget, time.now);
        }
        if let Some(moved) = moved {
            self.tell_of_move(member, moved);
        }
        true
    }

    #[cold]
    fn tell_of_move(&self, member: &Member, moved: Move) {
        let now = self.shared.clock.now();
        member.state.changed_at.store(now, Ordering::Relaxed);
        match moved {
            Move::Opened(why) => self.tell(EventKind::CircuitOpen, Some(member), why.text()),
            Move::Closed => {
                self.counters.recovery(crate::clock::wall_nanos());
                self.tell(EventKind::CircuitClose, Some(member), "its probes succeeded");
                self.tell(EventKind::Recovery, Some(member), "its breaker closed");
            }
        }
    }

    pub(crate) fn tell(&self, kind: EventKind, member: Option<&Member>, reason: impl Into<Reason>) {
        let event = Event::new(kind, &self.name, reason);
        self.shared.events.emit(match member {
            Some(member) => event.of(&member.endpoint),
            None => event,
        });
    }

    /// The error of a pick that found nobody, with each endpoint's reason.
    #[cold]
    pub(crate) fn refusal(&self, refusal: Refusal, ask: &Ask<'_>) -> Error {
        let plan = self.plan();
        let (list, _) = balance::explain(&plan.field(), &self.wish(&plan, ask));
        let reasons: serde_json::Map<_, _> = list
            .iter()
            .map(|one| (one.id.to_string(), one.objection.unwrap_or("usable").into()))
            .collect();
        let (kind, mut text) = match refusal {
            Refusal::Nobody if list.is_empty() => {
                (ErrorKind::NoEndpoints, format!("{}: no endpoint is registered", self.name))
            }
            Refusal::Nobody => {
                (ErrorKind::NoEndpoints, format!("{}: no endpoint may take traffic", self.name))
            }
            Refusal::AllOpen(Nanos::MAX) => {
                let text = format!("{}: breakers are held open by the program", self.name);
                (ErrorKind::CircuitOpen, text)
            }
            Refusal::AllOpen(at) => {
                let wait = at.saturating_sub(ask.now) / 1_000_000;
                let text = format!("{}: breakers are open, next probe in {wait} ms", self.name);
                (ErrorKind::CircuitOpen, text)
            }
        };
        for one in list.iter().take(8) {
            text.push_str(&format!("; {}: {}", one.id, one.objection.unwrap_or("usable")));
        }
        let mut details = serde_json::json!({ "endpoints": reasons });
        if let Refusal::AllOpen(at) = refusal
            && at != Nanos::MAX
        {
            details["next_probe_in_ns"] = at.saturating_sub(ask.now).into();
        }
        Error::new(kind, text).with_details(details)
    }
}

/// The number of the next pool of the process.
static NEXT_NUMBER: AtomicU64 = AtomicU64::new(1);

/// When an attempt ended and how long it took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settled {
    pub(crate) now: Nanos,
    pub(crate) latency: Nanos,
    pub(crate) hint: Nanos,
}

impl Subscriber for PoolCore {
    fn publish(&self, snapshot: &Arc<Snapshot>) {
        let _order = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.plan.load_full();
        let rules = Arc::clone(&old.rules);
        self.replace(Plan::new(Arc::clone(snapshot), rules, old.sticky.clone()));
    }
}

fn excluded(request: &Request) -> Tried {
    let mut tried = Tried::default();
    request.excluded.iter().for_each(|id| tried.push(*id));
    tried
}

fn follow(member: &Member, report: &Report) {
    match report.outcome.verdict() {
        Verdict::Good => balance::succeeded(&member.state, report.latency, report.now),
        Verdict::Bad | Verdict::Throttled => {
            balance::failed(&member.state, report.hint, report.now);
        }
        Verdict::Neutral => {}
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
