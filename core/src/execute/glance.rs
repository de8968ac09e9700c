//! A glance: who would serve now, for a program that will never say what came of it.
//!
//! It goes the way of a pick and moves the turn, so that a thousand glances spread like a thousand
//! picks. It takes nothing that would have to be given back, and so nothing is counted: no attempt in
//! flight, no breaker's permit, no session. An endpoint whose breaker is due is left to those that will
//! report, while another is usable.

use std::sync::Arc;

use super::Request;
use super::core::PoolCore;
use super::grant::{Ask, excluded, wish};
use super::plan::Plan;
use crate::balance::{self, Level, Luck, Probes};
use crate::clock::Nanos;
use crate::endpoint::{Endpoint, EndpointId};
use crate::error::ErrorKind;
use crate::stats::Stripe;

/// An endpoint that was looked at and not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Glance {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Where it stood in the snapshot: a hint.
    pub position: u32,
    /// The snapshot it was found in.
    pub snapshot_version: u64,
    /// True if it looks unfit, and no other was left.
    pub is_panic: bool,
}

impl PoolCore {
    /// Finds the endpoint whose turn it is, and takes nothing of it.
    ///
    /// # Errors
    ///
    /// The kind alone, as [`grant_one`](Self::grant_one).
    pub fn glance(&self, request: &Request, now: Nanos) -> Result<Glance, ErrorKind> {
        self.look(request, now, |plan, position, level| Glance {
            endpoint: plan.field().member(position).id,
            position,
            snapshot_version: plan.snapshot.version(),
            is_panic: level >= Level::FailOpen,
        })
    }

    /// As [`glance`](Self::glance), with what the endpoint is.
    ///
    /// # Errors
    ///
    /// The kind alone.
    pub fn glance_whole(&self, request: &Request, now: Nanos) -> Result<Arc<Endpoint>, ErrorKind> {
        self.look(request, now, |plan, position, _| {
            Arc::clone(&plan.field().member(position).endpoint)
        })
    }

    #[cold]
    fn look<T>(
        &self,
        request: &Request,
        now: Nanos,
        read: impl FnOnce(&Plan, u32, Level) -> T,
    ) -> Result<T, ErrorKind> {
        if self.is_closed() {
            return Err(ErrorKind::Closed);
        }
        let plan = self.held_plan();
        let tried = excluded(request);
        let ask = Ask { probes: Probes::None, ..Ask::once(request, &tried, now) };
        let (field, wish) = (plan.field(), wish(&plan, &ask));
        let mut luck = Luck::new(self.spot(Stripe::mine()), None);
        match balance::look(&field, &wish, &mut luck) {
            Some((position, level)) => Ok(read(&plan, position, level)),
            None => Err(balance::refusal(&field, &wish).kind()),
        }
    }
}
