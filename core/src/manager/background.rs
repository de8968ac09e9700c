//! A manager's part in the background work: its checker and the tasks of its providers.
//!
//! Without the feature `runtime` nothing of it exists: results come from the program, and sets too.

use crate::clock::Nanos;
use crate::config::ManagerConfig;
#[cfg(feature = "runtime")]
use crate::discovery;
#[cfg(not(feature = "runtime"))]
use crate::endpoint::Snapshot;
use crate::endpoint::{Change, Endpoint, HealthStatus, Member, Subscriber};
use crate::error::Result;
use crate::events::{Bus, Event, EventKind};
use crate::execute::Shared;
use crate::health::{Audience, Board, CheckResult, Health, Recorded, announce};
#[cfg(feature = "runtime")]
use crate::lock::Lock;
use crate::outlier::breaker;
use crate::stats::{Counters, Tally};
use std::sync::Arc;

/// A manager's part in the background work.
pub(super) struct Background {
    board: Arc<Board>,
    events: Arc<Bus<Event>>,
    #[cfg(feature = "runtime")]
    pub(super) checker: crate::health::Checker,
    /// Guards whether the checks run; held while they are started, so that who finds them running
    /// may rely on it.
    #[cfg(feature = "runtime")]
    is_checking: Lock<bool>,
    /// The program's own check, once it gave one.
    #[cfg(feature = "runtime")]
    pub(super) custom: Arc<std::sync::OnceLock<crate::health::CheckFunction>>,
}

impl Background {
    #[cfg_attr(not(feature = "runtime"), expect(unused_variables, reason = "nothing is checked"))]
    pub(super) fn new(shared: &Shared, board: &Arc<Board>, config: &ManagerConfig) -> Self {
        #[cfg(feature = "runtime")]
        let custom: Arc<std::sync::OnceLock<crate::health::CheckFunction>> = Arc::default();
        #[cfg(feature = "runtime")]
        let hooks = {
            let given = Arc::clone(&custom);
            let ask: crate::health::CheckFunction =
                Arc::new(move |endpoint, timeout| match given.get() {
                    Some(check) => check(endpoint, timeout),
                    None => Box::pin(std::future::ready(CheckResult::bad("no worker"))),
                });
            let (events, clock) = (Arc::clone(&shared.events), shared.clock.clone());
            crate::health::Hooks {
                most_at_once: config.max_concurrent_checks as usize,
                on_passed: Arc::new(move |provider, member, recorded| {
                    passed(&events, (provider, clock.now()), member, recorded);
                }),
                custom: Some(ask),
            }
        };
        Self {
            board: Arc::clone(board),
            events: Arc::clone(&shared.events),
            #[cfg(feature = "runtime")]
            checker: crate::health::Checker::new(
                tools(shared),
                Arc::clone(board),
                config.failover.health.clone(),
                hooks,
            ),
            #[cfg(feature = "runtime")]
            is_checking: Lock::default(),
            #[cfg(feature = "runtime")]
            custom,
        }
    }

    /// Takes in a result that the program found itself.
    pub(super) fn take_result(
        &self,
        (provider, counters): (&str, Option<&Counters>),
        member: &Member,
        (rules, now): (&Health, u64),
        result: &CheckResult,
    ) {
        let recorded = self.board.record(member, rules, result, now);
        if let Some(counters) = counters {
            counters.add(Tally::HealthChecks);
        }
        announce(Audience { events: &self.events, counters, provider }, member, result, &recorded);
        if result.is_good() {
            passed(&self.events, (provider, now), member, &recorded);
        }
    }

    /// Starts the checks, if one of these endpoints that are to come is to be checked and they don't
    /// run yet.
    #[cfg(feature = "runtime")]
    pub(super) fn ensure_checks(&self, endpoints: &[Endpoint]) -> Result<()> {
        if endpoints.iter().any(|endpoint| endpoint.health_check.is_some()) {
            self.start_checks()?;
        }
        Ok(())
    }

    /// Starts the checks, if they don't run yet.
    #[cfg(feature = "runtime")]
    pub(super) fn start_checks(&self) -> Result<()> {
        let mut is_checking = self.is_checking.lock();
        if !*is_checking {
            super::runtime::start_checks(&self.checker)?;
            *is_checking = true;
        }
        Ok(())
    }

    #[cfg(not(feature = "runtime"))]
    #[expect(clippy::unused_self, reason = "there is nothing to start")]
    pub(super) fn ensure_checks(&self, _endpoints: &[Endpoint]) -> Result<()> {
        Ok(())
    }

    /// What follows a provider's set: its endpoints are checked, and what was found of those that
    /// were removed goes.
    #[cfg(feature = "runtime")]
    pub(super) fn follower(
        &self,
        provider: &Arc<str>,
        counters: &Arc<Counters>,
    ) -> Arc<dyn Subscriber> {
        self.checker.subscriber(provider, Some(Arc::clone(counters)))
    }

    #[cfg(not(feature = "runtime"))]
    pub(super) fn follower(&self, _: &Arc<str>, _: &Arc<Counters>) -> Arc<dyn Subscriber> {
        Arc::new(Removal { board: Arc::clone(&self.board) })
    }

    pub(super) fn set_health(&self, rules: Health) {
        #[cfg(feature = "runtime")]
        self.checker.set_rules(rules);
        #[cfg(not(feature = "runtime"))]
        let _ = rules;
    }

    pub(super) fn stop(&self) {
        #[cfg(feature = "runtime")]
        self.checker.stop();
    }

    /// Starts again what ran in the parent, in a forked child.
    pub(super) fn restart(&self) {
        #[cfg(feature = "runtime")]
        if std::mem::take(&mut *self.is_checking.lock()) {
            // A child that gets no thread still picks; the next registration tries again.
            drop(self.start_checks());
        }
    }
}

/// Forgets what was found of endpoints that were removed, where no checker does.
#[cfg(not(feature = "runtime"))]
struct Removal {
    board: Arc<Board>,
}

#[cfg(not(feature = "runtime"))]
impl Subscriber for Removal {
    fn publish(&self, _: &Arc<Snapshot>) {
        self.board.prune();
    }

    fn wants(&self, _: &Endpoint) -> bool {
        false
    }
}

/// What background tasks have at hand.
#[cfg(feature = "runtime")]
pub(super) fn tools(shared: &Shared) -> discovery::Background {
    discovery::Background {
        clock: shared.clock.clone(),
        seed: Arc::clone(&shared.seed),
        events: Arc::clone(&shared.events),
        is_closed: Arc::clone(&shared.is_closed),
    }
}

/// A check that passed, and left its endpoint fit, may let an open breaker's probes in early.
fn passed(
    events: &Bus<Event>,
    (provider, now): (&str, Nanos),
    member: &Member,
    recorded: &Recorded,
) {
    let is_fit = recorded.status != HealthStatus::Unhealthy;
    if is_fit && breaker::half_open_early(&member.state, recorded.failed_in) {
        member.state.note(Change::CheckPassed, now);
        let pool = format!("{provider}/{}", member.endpoint.name).into();
        let event = Event::new(EventKind::CircuitHalfOpen, &pool, "a check passed");
        events.emit(event.of(&member.endpoint));
    }
}

#[cfg(test)]
mod tests {
    use crate::{Endpoint, Manager};

    #[test]
    fn what_was_reported_of_an_endpoint_goes_with_it() {
        let manager = Manager::from_json(r#"{"seed": 1}"#).expect("the document is valid");
        manager.register_pushed_provider("own").expect("a free name");
        for provider in ["memory", "own"] {
            let set = vec![Endpoint::new("a", "s", "127.0.0.1", 1)];
            manager.publish(Some(provider), set).expect("a valid set");
            manager.report_health(Some(provider), "a", true, "").expect("it is registered");
        }
        assert_eq!(manager.inner.board.len(), 2);

        manager.deregister_endpoint(None, "a").expect("it is registered");
        assert_eq!(manager.inner.board.len(), 1);
        manager.deregister_provider("own").expect("it is registered");
        assert_eq!(manager.inner.board.len(), 0);
    }
}
