//! Attempts of a scope: counted on the endpoint and in the scope, and judged by both breakers.

use super::core::PoolCore;
use super::grant::{Ask, Grant, Granted, wish};
use super::plan::Plan;
use crate::balance::{self, Luck, Refusal, Scoped};
use crate::clock::wall_nanos;
use crate::endpoint::{Change, Member, Scope};
use crate::events::EventKind;
use crate::outlier::{self, Breaker, Move, Pass, Report};
use crate::rng::Rng;
use crate::stats::{Stripe, Tally};

impl PoolCore {
    /// Picks the whole way for a request that names a scope; also tells how far the call has drawn.
    #[cold]
    #[inline(never)]
    pub(super) fn grant_in_scope(
        &self,
        plan: &Plan,
        ask: &Ask<'_>,
        mut luck: Luck<'_>,
    ) -> (Result<Granted, Refusal>, Option<Rng>) {
        let mut scoped = Scoped::default();
        let wish = wish(plan, ask);
        let picked = balance::pick(&plan.field(), &wish, &mut luck, Some(&mut scoped));
        let granted = picked.map(|pick| {
            let mut grant = self.begin(plan, &pick, luck.stripe(), ask.now);
            self.begin_in_scope(plan, &scoped, luck.stripe(), &mut grant);
            Granted { grant, is_new_round: pick.is_new_round }
        });
        (granted, luck.into_draws())
    }

    /// Counts the attempt of a grant as begun in the scope that was picked for.
    ///
    /// Where the endpoint has no room for another scope the grant names none, so that all its outcome
    /// says is said of the endpoint, and it is counted.
    #[cold]
    #[inline(never)]
    pub(super) fn begin_in_scope(
        &self,
        plan: &Plan,
        scoped: &Scoped,
        stripe: Stripe,
        grant: &mut Grant,
    ) {
        let member = &plan.snapshot.members()[grant.position as usize];
        let Some(state) = member.state.in_scope(scoped.scope) else {
            self.counters().add(Tally::ScopesBeyond);
            return;
        };
        grant.scope = scoped.scope;
        grant.scope_generation = scoped.pass.generation;
        // A breaker has sixteen.
        grant.scope_slot = u8::try_from(scoped.pass.slot).unwrap_or(0);
        grant.scope_word = scoped.pass.word;
        let flow = state.flow.of(stripe);
        flow.started.add(1, flow.is_alone);
        if scoped.opened_half {
            state.note(Change::OpenTimeOver, self.shared().clock.now());
            self.tell_in_scope(EventKind::CircuitHalfOpen, member, grant.scope, "its time is over");
        }
    }

    /// Lets both breakers judge an attempt of a scope that ended.
    #[cold]
    #[inline(never)]
    pub(super) fn observe_in_scope(
        &self,
        member: &Member,
        grant: &Grant,
        rules: &Breaker,
        (report, stripe): (&Report, Stripe),
    ) {
        let Some(state) = member.state.in_scope(grant.scope) else {
            // Numbers that crossed a border are believed only as far as they fit.
            let moved = outlier::observe(&member.state, rules, report, stripe);
            return moved.into_iter().for_each(|moved| self.tell_of_move(member, moved));
        };
        let pass = Pass {
            generation: grant.scope_generation,
            slot: grant.scope_slot.into(),
            word: grant.scope_word,
        };
        let scoped = Report { pass, seed: report.seed ^ grant.scope.hash(), ..*report };
        let states = (&*member.state, state);
        let (own, in_scope) = outlier::observe_in_scope(states, rules, (report, &scoped), stripe);
        if let Some(moved) = own {
            self.tell_of_move(member, moved);
        }
        let Some(moved) = in_scope else { return };
        let now = self.shared().clock.now();
        match moved {
            Move::Opened(why) => {
                state.note(why.change(), now);
                self.tell_in_scope(EventKind::CircuitOpen, member, grant.scope, why.text());
            }
            Move::Closed => {
                state.note(Change::ProbesSucceeded, now);
                self.counters().recovery(wall_nanos());
                let closed = "its probes succeeded";
                self.tell_in_scope(EventKind::CircuitClose, member, grant.scope, closed);
                self.tell_in_scope(EventKind::Recovery, member, grant.scope, "its breaker closed");
            }
        }
    }

    /// Tells what happened to an endpoint in a scope. A breaker moves seldom, so the text may be made.
    fn tell_in_scope(&self, kind: EventKind, member: &Member, scope: Scope, reason: &str) {
        self.tell(kind, Some(member), scope.tells(reason));
    }
}
