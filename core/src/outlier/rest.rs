//! The rest that an endpoint asks for with Retry-After: a bit of its status, and until when.
//!
//! The bit outlives its time until somebody is let in again, and may be taken away just as a new
//! rest begins. Both ends therefore write the time in one order with the bit, so that one of them
//! sees the other.

use crate::clock::Nanos;
use crate::endpoint::{EndpointState, Status};
use crate::sync::Ordering;

/// Begins a rest, or prolongs the one that there is.
pub(crate) fn begin(state: &EndpointState, until: Nanos) {
    // Its partner is the second look of `end`: either that sees the new time, or it came first, and
    // then the bit is seen to be gone here.
    state.resting_until.fetch_max(until, Ordering::AcqRel);
    state.set(Status::RESTING, 0);
}

/// Ends a rest whose time is over.
pub(crate) fn end(state: &EndpointState, now: Nanos) {
    if now < state.resting_until.load(Ordering::Relaxed) || state.set(0, Status::RESTING).is_none()
    {
        return;
    }
    // A look that is also a write, so that it stands in one order with that of `begin`.
    if now < state.resting_until.fetch_max(0, Ordering::AcqRel) {
        state.set(Status::RESTING, 0);
    }
}
