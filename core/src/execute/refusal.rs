//! Why nobody was picked, and what stands against each endpoint.

use super::Request;
use super::core::PoolCore;
use super::grant::{Ask, excluded, wish};
use super::plan::Plan;
use crate::balance::{self, Explained, Level, Luck, Refusal};
use crate::clock::Nanos;
use crate::error::{Error, ErrorKind};
use crate::stats::Stripe;

impl PoolCore {
    /// Why each endpoint would or would not be picked now, and the level of the pick.
    #[must_use]
    pub fn explain(&self, request: &Request, now: Nanos) -> (Vec<Explained>, Option<Level>) {
        let plan = self.plan();
        let tried = excluded(request);
        self.explain_in(&plan, &Ask::once(request, &tried, now))
    }

    fn explain_in(&self, plan: &Plan, ask: &Ask<'_>) -> (Vec<Explained>, Option<Level>) {
        let luck = Luck::dry(self.spot(Stripe::mine()));
        balance::explain(&plan.field(), &wish(plan, ask), luck)
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
        let refusal = balance::refusal(&plan.field(), &wish(&plan, &ask));
        self.refusal(refusal, &ask)
    }

    /// The error of a pick that found nobody, with each endpoint's reason.
    #[cold]
    pub(crate) fn refusal(&self, refusal: Refusal, ask: &Ask<'_>) -> Error {
        let plan = self.plan();
        let (list, _) = self.explain_in(&plan, ask);
        let reasons: serde_json::Map<_, _> = list
            .iter()
            .map(|one| (one.id.to_string(), one.objection.unwrap_or("usable").into()))
            .collect();
        let (kind, mut text) = match refusal {
            Refusal::Nobody if list.is_empty() => {
                (ErrorKind::NoEndpoints, format!("{}: no endpoint is registered", self.name()))
            }
            Refusal::Nobody => {
                (ErrorKind::NoEndpoints, format!("{}: no endpoint may take traffic", self.name()))
            }
            Refusal::AllOpen(Nanos::MAX) => {
                let text = format!("{}: breakers are held open by the program", self.name());
                (ErrorKind::CircuitOpen, text)
            }
            Refusal::AllOpen(at) => {
                let wait = at.saturating_sub(ask.now) / 1_000_000;
                let text = format!("{}: breakers are open, next probe in {wait} ms", self.name());
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
