//! Tells the world what a result came to: events and counters.
//!
//! Apart from the board, so that the board stays a plain table and the program's own report tells
//! the same story as a check.

use std::sync::Arc;

use super::{CheckResult, Recorded};
use crate::endpoint::{HealthStatus, Member};
use crate::events::{Bus, Event, EventKind};
use crate::stats::Counters;

/// Who is told.
#[derive(Clone, Copy, Debug)]
pub struct Audience<'a> {
    /// The manager's events.
    pub events: &'a Bus<Event>,
    /// Whose recoveries are counted.
    pub counters: Option<&'a Counters>,
    /// The name of the provider.
    pub provider: &'a str,
}

/// Tells what a result came to: `health_check` if it differs from the one before, then
/// `endpoint_up` or `endpoint_down` if the status changed, then `recovery`.
pub fn announce(
    audience: Audience<'_>,
    member: &Member,
    result: &CheckResult,
    recorded: &Recorded,
) {
    if !recorded.is_news && recorded.changed.is_none() {
        return;
    }
    let pool: Arc<str> = format!("{}/{}", audience.provider, member.endpoint.name).into();
    let tell = |kind, reason| {
        audience.events.emit(Event::new(kind, &pool, reason).of(&member.endpoint));
    };
    if recorded.is_news {
        let reason = format!("{}: {}", result.grade.name(), result.reason);
        tell(EventKind::HealthCheck, reason.into());
    }
    match recorded.changed {
        None => {}
        Some((_, HealthStatus::Unhealthy)) => {
            tell(EventKind::EndpointDown, result.reason.clone());
        }
        Some((HealthStatus::Unknown | HealthStatus::Unhealthy, _)) => {
            tell(EventKind::EndpointUp, result.reason.clone());
        }
        Some(_) => {}
    }
    if recorded.is_recovery() {
        if let Some(counters) = audience.counters {
            counters.recovery(crate::clock::wall_nanos());
        }
        tell(EventKind::Recovery, "its checks passed".into());
    }
}
