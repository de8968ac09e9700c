//! Picks: an attempt is handed out as plain numbers, and counted as begun.

use std::sync::atomic::Ordering;

use super::core::PoolCore;
use super::plan::Plan;
use super::{LONGEST_PROBE, Lease, Request};
use crate::balance::{self, Level, Luck, NOTHING, Pick, Probes, Refusal, Tried, Wish};
use crate::clock::Nanos;
use crate::endpoint::{Change, EndpointId, Member, Scope};
use crate::error::{ErrorKind, Result};
use crate::events::EventKind;
use crate::outlier::Pass;
use crate::rng::Rng;
use crate::stats::{Stripe, Tally};

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
    /// A probe's slot in the breaker of the scope, plus one; 0 for an ordinary attempt.
    pub scope_slot: u8,
    /// The scope whose breaker it concerns too.
    pub scope: Scope,
    /// The generation of that breaker. Its pass lies here in parts, to fill what would be padding: a
    /// grant is copied at each step.
    pub scope_generation: u32,
    /// What was written into the slot.
    pub scope_word: u64,
}

/// A grant, and whether the call begins to use endpoints that it already tried.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) grant: Grant,
    pub(crate) is_new_round: bool,
}

/// What a pick is asked beside the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) request: &'a Request,
    pub(crate) tried: &'a Tried,
    pub(crate) now: Nanos,
    pub(crate) deadline: Nanos,
    pub(crate) probes: Probes,
    pub(crate) is_first: bool,
}

impl<'a> Ask<'a> {
    /// What a pick outside of a call asks. It may take a probe: a program that only picks would
    /// never see a failed endpoint again otherwise.
    pub(super) fn once(request: &'a Request, tried: &'a Tried, now: Nanos) -> Self {
        let deadline = now.saturating_add(LONGEST_PROBE);
        Self { request, tried, now, deadline, probes: Probes::Due, is_first: true }
    }
}

impl PoolCore {
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
        self.grant_on(Stripe::mine(), request, now)
    }

    /// As [`grant_one`](Self::grant_one), for who knows the calling thread's stripe already.
    ///
    /// # Errors
    ///
    /// The kind alone.
    #[expect(clippy::inline_always, reason = "a call would pass it all through memory")]
    #[inline(always)]
    pub fn grant_on(
        &self,
        stripe: Stripe,
        request: &Request,
        now: Nanos,
    ) -> Result<Grant, ErrorKind> {
        if self.is_closed() {
            return Err(ErrorKind::Closed);
        }
        let plan = self.held_plan();
        let mut luck = Luck::new(self.spot(stripe), None);
        match self.at_first_sight(&plan, request, &mut luck, (now, true)) {
            Some(grant) => Ok(grant),
            None => self.grant_one_by_search(&plan, request, now, luck),
        }
    }

    #[cold]
    #[inline(never)]
    fn grant_one_by_search(
        &self,
        plan: &Plan,
        request: &Request,
        now: Nanos,
        luck: Luck<'_>,
    ) -> Result<Grant, ErrorKind> {
        let tried;
        let tried = match request.excluded.is_empty() {
            true => &NOTHING,
            false => {
                tried = excluded(request);
                &tried
            }
        };
        let ask = Ask::once(request, tried, now);
        let (granted, _) = self.grant_by_search(plan, &ask, luck);
        granted.map(|granted| granted.grant).map_err(Refusal::kind)
    }

    /// Picks for a request that wants nothing in particular, where nothing speaks against the one
    /// whose turn it is.
    #[expect(clippy::inline_always, reason = "a call would pass it all through memory")]
    #[inline(always)]
    pub(crate) fn at_first_sight(
        &self,
        plan: &Plan,
        request: &Request,
        luck: &mut Luck<'_>,
        (now, is_first): (Nanos, bool),
    ) -> Option<Grant> {
        if !plan.is_plain || !request.is_plain() {
            return None;
        }
        let pick = balance::at_first_sight(plan.field(), luck, (now, is_first))?;
        Some(self.begin(plan, &pick, luck.stripe(), now))
    }

    /// Picks the whole way; also tells how far the call has drawn.
    #[cold]
    #[inline(never)]
    pub(crate) fn grant_by_search(
        &self,
        plan: &Plan,
        ask: &Ask<'_>,
        mut luck: Luck<'_>,
    ) -> (Result<Granted, Refusal>, Option<Rng>) {
        if !ask.request.scope.is_none() {
            return self.grant_in_scope(plan, ask, luck);
        }
        let picked = balance::pick(&plan.field(), &wish(plan, ask), &mut luck, None);
        let granted = picked.map(|pick| Granted {
            grant: self.begin(plan, &pick, luck.stripe(), ask.now),
            is_new_round: pick.is_new_round,
        });
        (granted, luck.into_draws())
    }

    /// Counts the attempt of a pick as begun.
    #[expect(clippy::inline_always, reason = "a call would pass it all through memory")]
    #[inline(always)]
    pub(crate) fn begin(&self, plan: &Plan, pick: &Pick, stripe: Stripe, now: Nanos) -> Grant {
        let member = &plan.snapshot.members()[pick.position as usize];
        let flow = member.state.flow.of(stripe);
        flow.started.add(1, flow.is_alone);
        let is_panic = pick.level >= Level::FailOpen;
        if pick.opened_half
            || is_panic
            || plan.tells_picks
            || self.is_panicking.load(Ordering::Relaxed)
        {
            self.tell_of_pick(plan, pick, member);
        }
        Grant {
            endpoint: member.id,
            position: pick.position,
            epoch: self.shared().epoch.load(Ordering::Relaxed),
            pass: pick.pass,
            started: now,
            snapshot_version: plan.snapshot.version(),
            is_panic,
            scope_slot: 0,
            scope: Scope::NONE,
            scope_generation: 0,
            scope_word: 0,
        }
    }

    #[cold]
    fn tell_of_pick(&self, plan: &Plan, pick: &Pick, member: &Member) {
        if pick.opened_half {
            member.state.note(Change::OpenTimeOver, self.shared().clock.now());
            self.tell(EventKind::CircuitHalfOpen, Some(member), "its time is over");
        }
        let is_panic = pick.level >= Level::FailOpen;
        if is_panic {
            self.counters().add(Tally::Panics);
        }
        if !pick.is_narrowed && is_panic != self.is_panicking.swap(is_panic, Ordering::Relaxed) {
            let (kind, reason) = if is_panic {
                (EventKind::PanicEnter, "no endpoint looks fit")
            } else {
                (EventKind::PanicLeave, "an endpoint looks fit again")
            };
            self.tell(kind, None, reason);
        }
        let every = plan.rules.load_balance_every;
        if every > 0 && member.state.flow_totals().0.is_multiple_of(u64::from(every)) {
            let reason = pick.why.name().unwrap_or_else(|| pick.level.name());
            self.tell(EventKind::LoadBalance, Some(member), reason);
        }
    }
}

/// What the balancers are asked.
#[inline]
pub(crate) fn wish<'a>(plan: &'a Plan, ask: &Ask<'a>) -> Wish<'a> {
    Wish {
        now: ask.now,
        deadline: ask.deadline,
        filter: ask.request.filter.as_deref(),
        tried: ask.tried,
        explicit: ask.request.endpoint,
        session: ask.request.session,
        key: ask.request.key,
        scope: ask.request.scope,
        places: (&ask.request.place, &plan.place),
        probes: ask.probes,
        is_first: ask.is_first,
    }
}

pub(crate) fn excluded(request: &Request) -> Tried {
    request.excluded.iter().copied().collect()
}
