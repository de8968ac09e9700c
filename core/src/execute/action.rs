//! What a driver feeds a call, and what the call tells it to do.

use super::Grant;
use crate::clock::Nanos;
use crate::endpoint::EndpointId;
use crate::error::ErrorKind;
use crate::outlier::Outcome;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input {
    /// The call begins.
    Start,
    /// An attempt ended.
    Result {
        /// The attempt's number, from 1.
        attempt: u32,
        /// What came of it.
        outcome: Outcome,
        /// How long it took; 0: from its start until now.
        latency: Nanos,
        /// How long the endpoint asked to be left alone; 0: it didn't.
        hint: Nanos,
    },
    /// Time passed.
    Tick,
    /// The caller gives up.
    Cancel,
    /// The driver has done the action that said more would follow.
    Next,
    /// The program chose this endpoint among the candidates.
    Chosen(EndpointId),
}

/// What the driver does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Run the callback.
    Attempt {
        /// The endpoint, as handed out.
        grant: Grant,
        /// The attempt's number, from 1.
        number: u32,
        /// When the attempt must have ended.
        deadline: Nanos,
    },
    /// Do nothing until then, and feed a tick.
    Wait {
        /// The end of the wait.
        until: Nanos,
    },
    /// Stop an attempt, whose time is over; then feed [`Input::Next`].
    Abandon {
        /// The attempt's number.
        attempt: u32,
    },
    /// Let the program choose among the candidates, and feed [`Input::Chosen`].
    Choose,
    /// An attempt is running; feed a tick at that time.
    Pending {
        /// The running attempt's deadline.
        until: Nanos,
    },
    /// The call ended well.
    Done,
    /// The call failed.
    Fail {
        /// Why.
        kind: ErrorKind,
    },
}

/// One attempt that ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttemptRecord {
    /// The endpoint it went to.
    pub endpoint: EndpointId,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// How long it took.
    pub latency: Nanos,
}
