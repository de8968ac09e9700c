//! The object that a program makes: configuration, providers, pools, background work, events.
//!
//! Cheap to clone and safe to share: a clone is the same manager. What changes seldom stands behind
//! locks here; nothing on this page is touched by a pick or a call.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use super::background::Background;
use super::pool::Pool;
use super::pools::PoolKey;
use super::providers::Providers;
use crate::clock::{Clock, Nanos};
use crate::config::{ClockKind, ManagerConfig, Policy};
use crate::endpoint::Slots;
use crate::error::{Error, ErrorKind, Result};
use crate::events::{Bus, Event, EventKind, Level, Log, LogRecord, Subscription};
use crate::execute::Shared;
use crate::health::Board;
use crate::lock::{Held, Lock};
use crate::stats::stripe_count;

/// One failover engine with its endpoints, policies and history.
///
/// It is closed by [`close`](Self::close), which waits for the open attempts, or once its last clone is
/// dropped, which doesn't.
///
/// # Examples
///
/// ```
/// use failover::{Endpoint, Manager, Outcome, Request};
///
/// let manager = Manager::from_json("{}")?;
/// manager.register_endpoint(None, Endpoint::new("a", "users", "127.0.0.1", 8080))?;
///
/// let pool = manager.pool(None, Some("users"))?;
/// let lease = pool.pick(&Request::new())?;
/// assert_eq!(&*lease.endpoint().id, "a");
/// lease.report(Outcome::Success);
/// # Ok::<(), failover::Error>(())
/// ```
#[derive(Clone)]
pub struct Manager {
    pub(super) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(super) config: ManagerConfig,
    pub(super) shared: Shared,
    pub(super) slots: Arc<Slots>,
    /// Guards the policy in force; held while pools take it over.
    pub(super) policy: Lock<Policy>,
    pub(super) providers: Providers,
    /// Guards the pools by provider, service and policy, and whether the provider is still there.
    pub(super) pools: Lock<HashMap<PoolKey, Pool>>,
    /// Orders those who tell pools who serves in their place: the last one knows all.
    pub(super) linking: Lock<()>,
    pub(super) board: Arc<Board>,
    pub(super) background: Background,
    pub(super) started: Nanos,
    /// True in a forked child whose policy forbids use.
    pub(super) is_forked: AtomicBool,
    /// True once somebody subscribed to the log.
    pub(super) has_readers: AtomicBool,
}

impl std::fmt::Debug for Manager {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Manager")
            .field("providers", &self.providers())
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

impl Manager {
    /// Makes a manager with the embedded provider `memory` and those that `config` names.
    ///
    /// # Errors
    ///
    /// What a provider of the configuration can't be made for.
    pub fn new(config: ManagerConfig) -> Result<Self> {
        let clock = match config.clock {
            ClockKind::Manual { auto_advance } => Clock::manual(auto_advance),
            _ => Clock::system(),
        };
        // One stripe under a manual clock: the same inputs give the same picks on any machine.
        let stripes = if clock.is_manual() { 1 } else { stripe_count() };
        let shared = Shared {
            seed: Arc::new(config.seed.unwrap_or_else(random_seed).into()),
            started: clock.now(),
            clock,
            stripes,
            events: Arc::new(Bus::new()),
            log: Arc::new(Log::new(config.log_level)),
            epoch: Arc::new(AtomicU32::new(1)),
            is_closed: Arc::new(AtomicBool::new(false)),
        };
        let board = Arc::new(Board::default());
        let background = Background::new(&shared, &board, &config);
        let inner = Inner {
            policy: Lock::new(config.failover.clone()),
            slots: Arc::default(),
            providers: Providers::default(),
            pools: Lock::default(),
            linking: Lock::default(),
            started: shared.started,
            is_forked: AtomicBool::new(false),
            has_readers: AtomicBool::new(false),
            board,
            background,
            shared,
            config,
        };
        let manager = Self { inner: Arc::new(inner) };
        manager.make_configured_providers()?;
        let warnings = manager.inner.config.warnings();
        warnings.iter().for_each(|warning| manager.log(Level::Warn, "config", warning));
        super::fork::remember(&manager);
        Ok(manager)
    }

    /// Makes a manager from a JSON document.
    ///
    /// # Errors
    ///
    /// Every fault of the document at once, each with its dotted path.
    pub fn from_json(text: &str) -> Result<Self> {
        Self::new(ManagerConfig::from_json(text)?)
    }

    /// Makes a manager from a TOML document.
    ///
    /// # Errors
    ///
    /// As [`from_json`](Self::from_json).
    pub fn from_toml(text: &str) -> Result<Self> {
        Self::new(ManagerConfig::from_toml(text)?)
    }

    /// The configuration in force, secrets masked.
    #[must_use]
    pub fn config(&self) -> serde_json::Value {
        let mut document = self.inner.config.to_json();
        document["failover"] = self.policy().to_json();
        document
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.lock_policy().clone()
    }

    /// The manager's clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.inner.shared.clock
    }

    /// Moves a manual clock.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidState`] if the clock is the machine's.
    pub fn advance(&self, by: Duration) -> Result<()> {
        if self.clock().advance(by) {
            let entries = self.inner.providers.lock().clone();
            let guards = entries.iter().flat_map(|entry| entry.source.guards());
            guards.for_each(|guard| guard.tick(self.clock().now()));
            return Ok(());
        }
        let text = "advance: the manager's clock is the machine's, make it with clock = \"manual\"";
        Err(Error::new(ErrorKind::InvalidState, text))
    }

    /// The last `limit` events, the newest first; at most 1,024 are kept.
    #[must_use]
    pub fn recent_events(&self, limit: usize) -> Vec<Event> {
        self.inner.shared.events.recent(limit)
    }

    /// Subscribes to events of the given kinds, from now on; an empty slice is all of them.
    ///
    /// At most `capacity` wait unread; then the oldest goes and is counted.
    #[must_use]
    pub fn subscribe(&self, kinds: &[EventKind], capacity: usize) -> Subscription<Event> {
        let mask = kinds.iter().fold(0, |mask, kind| mask | 1 << *kind as u32);
        self.inner.shared.events.subscribe(if mask == 0 { u64::MAX } else { mask }, capacity)
    }

    /// Subscribes to log records of the level in force and above, from now on. The first subscription
    /// begins with the warnings of the policy in force: nobody could read them when the manager was made.
    #[must_use]
    pub fn subscribe_logs(&self, capacity: usize) -> Subscription<LogRecord> {
        let log = &self.inner.shared.log;
        let records = log.subscribe(capacity);
        if !self.inner.has_readers.swap(true, Ordering::Relaxed) {
            let warnings = self.policy().warnings;
            warnings.iter().for_each(|warning| log.keep(Level::Warn, "config", warning));
        }
        records
    }

    /// Sets the least severe level that is kept.
    pub fn set_log_level(&self, level: Level) {
        self.inner.shared.log.set_level(level);
    }

    /// Writes a log record, if its level is kept.
    pub(crate) fn log(&self, level: Level, target: &'static str, message: &str) {
        self.inner.shared.log.write(level, target, message);
    }

    /// Refuses where nothing may be begun any more.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`], and [`ErrorKind::Forked`] in a child whose policy forbids use.
    pub fn check_open(&self) -> Result<()> {
        if self.inner.is_forked.load(Ordering::Acquire) {
            let text = "the process was forked, and fork_policy is \"error\"";
            return Err(Error::new(ErrorKind::Forked, text));
        }
        if self.is_closed() {
            return Err(Error::new(ErrorKind::Closed, "the manager is closed"));
        }
        Ok(())
    }

    /// True once the manager is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.inner.shared.is_closed.load(Ordering::Acquire)
    }

    pub(super) fn lock_policy(&self) -> Held<'_, Policy> {
        self.inner.policy.lock()
    }

    pub(super) fn lock_pools(&self) -> Held<'_, HashMap<PoolKey, Pool>> {
        self.inner.pools.lock()
    }
}

/// A seed that differs between processes and managers, by the standard library's hash keys.
pub(super) fn random_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}
