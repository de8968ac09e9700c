//! A custom strategy's turn: the program chooses among those that a pick could take.

use std::borrow::Borrow;

use super::Action;
use super::call::Call;
use super::core::PoolCore;
use super::grant::{Ask, Granted, wish};
use super::plan::Plan;
use crate::balance::{self, Level, Pick, Scoped, Why};
use crate::clock::Nanos;
use crate::endpoint::EndpointId;
use crate::error::{Error, ErrorKind, Result};
use crate::stats::Stripe;

impl<P: Borrow<PoolCore>> Call<P> {
    /// The endpoints among which the program chooses, after [`Action::Choose`].
    #[must_use]
    pub fn candidates(&self, now: Nanos) -> Vec<EndpointId> {
        let plan = self.pool().plan();
        let (found, _) = self.choices(&plan, &self.ask(&plan, self.limits, now));
        found.iter().map(|at| plan.snapshot.members()[*at as usize].id).collect()
    }

    /// Positions at the first step of the ladder that has somebody, and that step.
    pub(super) fn choices(&self, plan: &Plan, ask: &Ask<'_>) -> (Vec<u32>, Option<(Level, bool)>) {
        balance::candidates(&plan.field(), &wish(plan, ask))
    }

    /// What comes before the program's choice: the endpoint that the request names, or its session's.
    pub(super) fn preferred(&self, plan: &Plan, ask: &Ask<'_>, stripe: Stripe) -> Option<Granted> {
        let mut scoped = self.scoped();
        let pick = balance::pick_preferred(&plan.field(), &wish(plan, ask), scoped.as_mut())?;
        Some(self.granted(plan, (&pick, scoped), stripe, ask.now))
    }

    fn scoped(&self) -> Option<Scoped> {
        (!self.request.scope.is_none()).then(Scoped::default)
    }

    fn granted(
        &self,
        plan: &Plan,
        (pick, scoped): (&Pick, Option<Scoped>),
        stripe: Stripe,
        now: Nanos,
    ) -> Granted {
        let pool = self.pool();
        let mut grant = pool.begin(plan, pick, stripe, now);
        if let Some(scoped) = scoped {
            pool.begin_in_scope(plan, &scoped, stripe, &mut grant);
        }
        Granted { grant, is_new_round: pick.is_new_round }
    }

    pub(super) fn chosen(&mut self, id: EndpointId, now: Nanos) -> Result<Action> {
        let plan = self.pool().plan();
        let ask = self.ask(&plan, self.limits, now);
        let (found, step) = self.choices(&plan, &ask);
        let at = found.iter().copied().find(|at| plan.snapshot.members()[*at as usize].id == id);
        let (Some(position), Some((level, is_new_round))) = (at, step) else {
            let text = format!("endpoint {id}: not among the candidates");
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        };
        let member = &plan.snapshot.members()[position as usize];
        let (rules, mut scoped) = (&plan.rules.breaker, self.scoped());
        let wish = wish(&plan, &ask);
        let taken = balance::take(member, rules, (&wish, level), scoped.as_mut());
        let Some((pass, opened_half)) = taken else {
            self.tried.push(id);
            return Ok(self.begin(now));
        };
        balance::bind(&plan.field(), &wish, id);
        let (why, is_narrowed) = (Why::Chosen, wish.filter.is_some());
        let pick = Pick { position, pass, level, why, is_new_round, opened_half, is_narrowed };
        let granted = self.granted(&plan, (&pick, scoped), Stripe::mine(), now);
        let deadline = self.attempt_deadline(&plan, self.limits, now);
        Ok(self.attempt(granted, deadline))
    }
}
