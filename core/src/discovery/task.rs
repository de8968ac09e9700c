//! Runs one provider: reads its set, watches or polls it, and drives its guard.
//!
//! The wait between two failures grows also while the very first read fails, so that a fleet that
//! starts during an outage of its registry doesn't finish it off. Every question has a deadline: a
//! provider that never answers is an unreadable one and can't hold up anything, and so is one that
//! panics.

use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use tokio::runtime::Handle;
use tokio::sync::{Notify, RwLock};
use tokio::task::JoinHandle;

use super::answer::{in_time, late};
use super::backoff::Backoff;
use super::{Background, Guard, Provider, ProviderInfo, Sink, Update, Work};
use crate::clock::{Nanos, nanos};
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{Held, Lock};
use crate::rng::{self, Rng};

/// One provider with its guard, at work once it is spawned. A clone is the same one.
#[derive(Clone)]
pub struct Feed {
    work: Arc<Run>,
}

/// What the task works on.
struct Run {
    provider: Arc<dyn Provider>,
    guard: Arc<Guard>,
    background: Background,
    /// Guards the wake-ups of the present task; a forked child has another one.
    signals: Lock<Arc<Signals>>,
    /// Changes that the provider agreed to.
    changes: AtomicU64,
}

/// The wake-ups of one task.
#[derive(Default)]
struct Signals {
    due: Notify,
    doubt: Notify,
    refresh: Notify,
    stop: Notify,
    /// Shared by those who register, taken alone by a reading that must not be overtaken.
    changing: RwLock<()>,
}

impl fmt::Debug for Feed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Feed").field("guard", &self.work.guard).finish_non_exhaustive()
    }
}

impl Feed {
    /// Puts a provider and its guard together.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>, guard: Arc<Guard>, background: Background) -> Self {
        let (signals, changes) = (Lock::default(), AtomicU64::new(0));
        Self { work: Arc::new(Run { provider, guard, background, signals, changes }) }
    }

    /// The provider.
    #[must_use]
    pub fn provider(&self) -> &Arc<dyn Provider> {
        &self.work.provider
    }

    /// Its guard.
    #[must_use]
    pub fn guard(&self) -> &Arc<Guard> {
        &self.work.guard
    }

    /// How it is doing.
    #[must_use]
    pub fn info(&self) -> ProviderInfo {
        self.work.guard.info(&*self.work.provider, self.work.background.now())
    }

    /// Starts the task. It ends by [`stop`](Self::stop), with its runtime, or when aborted.
    ///
    /// Spawning again, after a fork, makes the new task the present one.
    #[must_use = "the handle tells when the task has ended"]
    pub fn spawn(&self, runtime: &Handle) -> JoinHandle<()> {
        let signals = Arc::new(Signals::default());
        *self.work.lock() = Arc::clone(&signals);
        let wake = Arc::clone(&signals);
        let guard = Arc::downgrade(&self.work.guard);
        self.work.guard.set_wake(Some(Arc::new(move || {
            wake.due.notify_one();
            if guard.upgrade().is_some_and(|guard| guard.take_doubt()) {
                wake.doubt.notify_one();
            }
        })));
        let work = Arc::clone(&self.work);
        runtime.spawn(async move {
            tokio::select! {
                () = signals.stop.notified() => {}
                () = work.keep(&signals) => {}
                () = work.drive(&signals) => {}
                () = work.verify(&signals) => {}
            }
        })
    }

    /// Reads the provider again now: after a registration, for example.
    pub fn refresh(&self) {
        self.work.signals().refresh.notify_one();
    }

    /// Has the provider make a change, and waits for its answer; the set is as it was.
    ///
    /// # Errors
    ///
    /// The provider's, [`ErrorKind::Timeout`] after ten seconds, or [`ErrorKind::Panic`].
    pub async fn hand_over(&self, work: Work) -> Result<()> {
        let (provider, signals) = (&self.work.provider, self.work.signals());
        let ask = async {
            let _changing = signals.changing.read().await;
            let answer = match work {
                Work::Register(endpoint) => provider.register(endpoint),
                Work::Update(endpoint) => provider.update(endpoint),
                Work::Deregister(id) => provider.deregister(id),
                _ => provider.ping(),
            };
            answer.await?;
            // Release pairs with the Acquire of `read`.
            self.work.changes.fetch_add(1, Ordering::Release);
            Ok(())
        };
        caught(self.work.in_time(ask)).await
    }

    /// Ends the task and takes nothing in from now on. Harmless when called twice.
    pub fn stop(&self) {
        self.work.guard.close();
        self.work.guard.set_wake(None);
        self.work.signals().stop.notify_one();
    }
}

impl Run {
    /// Drives the guard: does what has become due.
    async fn keep(&self, signals: &Signals) {
        let clock = &self.background.clock;
        while !self.is_over() {
            let due = async {
                match self.guard.due() {
                    Some(due) => clock.sleep_until_async(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => self.guard.tick(clock.now()),
                () = signals.due.notified() => {}
            }
        }
    }

    /// Reads the provider once more after an answer that is in doubt.
    async fn verify(&self, signals: &Signals) {
        while !self.is_over() {
            signals.doubt.notified().await;
            if !self.provider.capabilities().can_list {
                continue;
            }
            let again = self.in_time(async { self.provider.list_again().await });
            match caught(again).await {
                Ok(set) => self.offer(Update::Full(set)),
                Err(error) => self.offer(Update::unavailable(&error)),
            }
        }
    }

    /// Reads the provider, then watches or polls it, for ever.
    async fn drive(&self, signals: &Signals) {
        let name = rng::hash(self.guard.name().as_bytes(), 0);
        let rng = Rng::new(self.background.seed(), STREAM, name);
        let interval = caught(async { Ok(nanos(self.provider.poll_interval())) }).await;
        // A provider that answers at once must leave time for the others.
        let interval = interval.unwrap_or(LONGEST_WAIT).max(SHORTEST_WAIT);
        // What is cheap enough to be polled is never asked less often than that.
        let mut backoff = Backoff::new(LONGEST_WAIT.min(interval), rng);
        while !self.is_over() {
            let round = async {
                self.read(signals).await?;
                Ok(self.follow(&mut backoff, interval, signals).await)
            };
            let wait = match caught(round).await {
                Ok(wait) => wait,
                Err(error) => {
                    self.offer(Update::unavailable(&error));
                    backoff.next()
                }
            };
            self.pause(wait, signals).await;
        }
    }

    /// Reads the whole set, if the provider can be asked for it.
    async fn read(&self, signals: &Signals) -> Result<()> {
        if !self.provider.capabilities().can_list {
            return Ok(());
        }
        let before = self.changes.load(Ordering::Acquire);
        let mut set = self.list().await?;
        // An answer from before a registration may be without it. Then once more, while none is made:
        // they may keep coming.
        if self.changes.load(Ordering::Acquire) != before {
            let _alone = signals.changing.write().await;
            set = self.list().await?;
        }
        self.offer(Update::Full(set));
        Ok(())
    }

    async fn list(&self) -> Result<Vec<Endpoint>> {
        self.in_time(async { self.provider.list().await }).await
    }

    /// The provider's answer, or an error once that has taken too long.
    async fn in_time<T>(&self, answer: impl Future<Output = Result<T>>) -> Result<T> {
        in_time(&self.background.clock, answer).await.unwrap_or_else(|| Err(late()))
    }

    /// Watches until the watch ends; returns how long to wait before the next read.
    async fn follow(&self, backoff: &mut Backoff, interval: Nanos, signals: &Signals) -> Nanos {
        let clock = &self.background.clock;
        let sink = Sink::new(Arc::clone(&self.guard), clock.clone());
        let Some(watching) = self.provider.watch(sink) else {
            backoff.reset();
            return if self.provider.capabilities().can_list { interval } else { NEVER };
        };
        let began = clock.now();
        tokio::select! {
            () = watching => {}
            () = signals.refresh.notified() => return 0,
        }
        if clock.now().saturating_sub(began) > LONGEST_WAIT {
            backoff.reset();
        }
        backoff.next()
    }

    async fn pause(&self, wait: Nanos, signals: &Signals) {
        let until = self.background.now().saturating_add(wait);
        tokio::select! {
            () = self.background.clock.sleep_until_async(until) => {}
            () = signals.refresh.notified() => {}
        }
    }

    /// True once the manager is closed or the provider deregistered, also before this task began.
    fn is_over(&self) -> bool {
        self.background.is_closed() || self.guard.is_closed()
    }

    fn offer(&self, update: Update) {
        self.guard.offer(update, self.background.now());
    }

    fn signals(&self) -> Arc<Signals> {
        Arc::clone(&self.lock())
    }

    fn lock(&self) -> Held<'_, Arc<Signals>> {
        self.signals.lock()
    }
}

/// The result of a future that runs the program's code: a panic of that is an error, and not the end
/// of the task that would have gone on asking.
async fn caught<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let mut work = pin!(work);
    poll_fn(|context| {
        // Nothing looks at the future again after a panic.
        let step = AssertUnwindSafe(|| work.as_mut().poll(context));
        catch_unwind(step).unwrap_or_else(|_| {
            Poll::Ready(Err(Error::new(ErrorKind::Panic, "the provider panicked")))
        })
    })
    .await
}

/// Two readings of a provider are at least so far apart, unless one is asked for.
const SHORTEST_WAIT: Nanos = 10_000_000;

/// A provider that can't be reached is asked at least so often.
const LONGEST_WAIT: Nanos = 30_000_000_000;

/// A century: whose sets are pushed is never read.
const NEVER: Nanos = 3_155_760_000_000_000_000;

/// The purpose that sets this randomness apart from that of other areas.
const STREAM: u64 = 0xd15c_07e6;
