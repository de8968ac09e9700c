//! The program's own word on an endpoint: drain, maintain, hold open, reset.

use std::time::Duration;

use super::Manager;
use crate::clock::wait_for;
use crate::endpoint::{Admin, Change, Circuit, EndpointState, Member, Status};
use crate::error::{Error, ErrorKind, Result};
use crate::events::{Event, EventKind};
use crate::sync::Ordering;

/// What the program says of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u32)]
pub enum AdminAction {
    /// It takes traffic.
    Active = 0,
    /// It takes no new traffic but that of its sticky sessions.
    Drain = 1,
    /// It takes no traffic at all.
    Maintain = 2,
    /// Its breaker is held open.
    ForceOpen = 3,
    /// Its breaker closes, and those of its scopes, and what led to their opening is forgotten.
    Reset = 4,
}

impl AdminAction {
    /// The action of a number.
    #[must_use]
    pub const fn from_code(code: u32) -> Option<Self> {
        match code {
            0 => Some(Self::Active),
            1 => Some(Self::Drain),
            2 => Some(Self::Maintain),
            3 => Some(Self::ForceOpen),
            4 => Some(Self::Reset),
            _ => None,
        }
    }

    /// The action of a name in documents.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "active" => Some(Self::Active),
            "draining" => Some(Self::Drain),
            "maintenance" => Some(Self::Maintain),
            "forced_open" => Some(Self::ForceOpen),
            "reset" => Some(Self::Reset),
            _ => None,
        }
    }
}

impl Manager {
    /// Says what the program thinks of an endpoint.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if provider or endpoint is unknown.
    pub fn set_admin(&self, provider: Option<&str>, id: &str, action: AdminAction) -> Result<()> {
        self.check_open()?;
        let entry = self.provider_entry(provider)?;
        let member = self.member(provider, id)?;
        let before = member.state.status();
        apply(&member, action);
        let after = member.state.status();
        if (before.circuit(), before.admin()) != (after.circuit(), after.admin()) {
            member.state.note(Change::Program, self.clock().now());
            let (kind, reason) = told(before, after, action);
            let pool = format!("{}/{}", entry.name, member.endpoint.name).into();
            self.inner.shared.events.emit(Event::new(kind, &pool, reason).of(&member.endpoint));
        }
        if action == AdminAction::Reset {
            self.reset_scopes(&entry.name, &member);
        }
        Ok(())
    }

    fn reset_scopes(&self, provider: &str, member: &Member) {
        let pool = format!("{provider}/{}", member.endpoint.name).into();
        for (scope, state) in member.state.scopes() {
            let before = state.status().circuit();
            reset(state);
            if before != Circuit::Closed {
                state.note(Change::Program, self.clock().now());
                let reason = scope.tells("reset by the program");
                let event = Event::new(EventKind::CircuitClose, &pool, reason);
                self.inner.shared.events.emit(event.of(&member.endpoint));
            }
        }
    }

    /// Blocks until an endpoint has no attempt in flight, for up to `timeout` of real time.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Timeout`] if some are left after `timeout`, [`ErrorKind::Closed`] if some are left and
    /// the manager is closed, which ends the wait, [`ErrorKind::NotFound`].
    pub fn wait_drained(&self, provider: Option<&str>, id: &str, timeout: Duration) -> Result<()> {
        let member = self.member(provider, id)?;
        wait_for(timeout, &|| member.state.in_flight() == 0 || self.is_closed());
        match member.state.in_flight() {
            0 => Ok(()),
            left => {
                let is_closed = self.is_closed();
                let kind = if is_closed { ErrorKind::Closed } else { ErrorKind::Timeout };
                let why = if is_closed { "; the manager is closed" } else { "" };
                let text = format!("endpoint {id:?}: {left} attempts are still in flight{why}");
                Err(Error::new(kind, text))
            }
        }
    }
}

fn apply(member: &Member, action: AdminAction) {
    let state = &member.state;
    match action {
        AdminAction::Active => {
            state.set(0, Status::ADMIN);
        }
        AdminAction::Drain => {
            state.set(Status::DRAINING, Status::MAINTENANCE);
        }
        AdminAction::Maintain => {
            state.set(Status::MAINTENANCE, Status::DRAINING);
        }
        AdminAction::ForceOpen => {
            state.change(|status| {
                let is_held = status.has(Status::FORCED_OPEN);
                (!is_held).then(|| status.with_breaker(Status::FORCED_OPEN))
            });
        }
        AdminAction::Reset => reset(state),
    }
}

fn reset(state: &EndpointState) {
    state.bad_in_a_row.store(0, Ordering::Relaxed);
    state.reopened.store(0, Ordering::Relaxed);
    state.set(0, Status::RESTING);
    // A new generation also where nothing was open: its window is empty.
    state.change(|status| Some(status.with_breaker(0)));
}

fn told(before: Status, after: Status, action: AdminAction) -> (EventKind, &'static str) {
    match action {
        AdminAction::ForceOpen => (EventKind::CircuitOpen, "held open by the program"),
        AdminAction::Reset if before.circuit() != after.circuit() => {
            (EventKind::CircuitClose, "reset by the program")
        }
        _ => match after.admin() {
            Admin::Active => (EventKind::Drain, "active"),
            Admin::Draining => (EventKind::Drain, "draining"),
            Admin::Maintenance => (EventKind::Drain, "maintenance"),
        },
    }
}
