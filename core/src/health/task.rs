//! Runs the checks: one task for a manager, so many checks at once and no more.
//!
//! It sleeps until the next check is due, and waits through the manager's clock only. A process
//! that was stopped (a debugger, a suspended laptop, a starved container) finds its checks far
//! beyond their deadlines; what those say is about itself, so they are void and made again.

use std::fmt;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, JoinSet};

use super::probe::{CheckFunction, Prober};
use super::schedule::{Ended, Job, Schedule, Source, interval};
use super::{Audience, Board, CheckResult, Grade, Health, Recorded, announce};
use crate::clock::{Nanos, nanos};
use crate::discovery::Background;
use crate::endpoint::{CheckKind, Endpoint, HealthCheck, Member, Snapshot, Subscriber};
use crate::lock::{Held, Lock};
use crate::stats::{Counters, Tally};

/// Called after a check that passed, with the provider's name and what the check came to: it may let
/// a breaker's probes in.
pub type OnPassed = Arc<dyn Fn(&str, &Member, &Recorded) + Send + Sync>;

/// What the manager lends the checker.
#[derive(Clone)]
pub struct Hooks {
    /// Checks at once, at most.
    pub most_at_once: usize,
    /// Called after a check that passed. It must not hold the manager, or neither ever goes.
    pub on_passed: OnPassed,
    /// The program's own check.
    pub custom: Option<CheckFunction>,
}

impl Default for Hooks {
    fn default() -> Self {
        Self { most_at_once: 64, on_passed: Arc::new(|_, _, _| {}), custom: None }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Hooks").field("most_at_once", &self.most_at_once).finish_non_exhaustive()
    }
}

/// The checks of one manager. A clone is the same one.
#[derive(Clone)]
pub struct Checker {
    work: Arc<Run>,
}

struct Run {
    background: Background,
    board: Arc<Board>,
    hooks: Hooks,
    /// Guards the plan; never held while a check runs or somebody is told. The board's lock may
    /// be taken within.
    schedule: Lock<Schedule>,
    /// Guards what belongs to the present task; a forked child has another one.
    session: Lock<Arc<Session>>,
}

/// What doesn't survive a fork: connections, waiting tasks, the count of running checks.
struct Session {
    changed: Notify,
    stop: Notify,
    slots: Arc<Semaphore>,
    prober: Prober,
}

impl fmt::Debug for Checker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Checker").field("hooks", &self.work.hooks).finish_non_exhaustive()
    }
}

impl Checker {
    /// Makes a checker that checks nothing yet.
    #[must_use]
    pub fn new(background: Background, board: Arc<Board>, rules: Health, hooks: Hooks) -> Self {
        let session = Lock::new(Arc::new(Session::new(&background, &hooks)));
        let schedule = Lock::new(Schedule::new(rules, background.seed()));
        Self { work: Arc::new(Run { background, board, hooks, schedule, session }) }
    }

    /// Makes the subscriber through which a provider's endpoints are checked: for
    /// [`Registry::watch`](crate::endpoint::Registry::watch) of every service.
    #[must_use]
    pub fn subscriber(
        &self,
        provider: &Arc<str>,
        counters: Option<Arc<Counters>>,
    ) -> Arc<dyn Subscriber> {
        let source = Arc::new(Source { provider: Arc::clone(provider), counters });
        Arc::new(Watched { work: Arc::clone(&self.work), source })
    }

    /// Puts other rules in force. Endpoints that aren't checked any more are unknown again.
    pub fn set_rules(&self, rules: Health) {
        let ended = self.work.lock().set_rules(rules, self.work.background.now());
        self.work.board.forget(&ended);
        self.work.session().changed.notify_one();
    }

    /// Starts the task. It ends by [`stop`](Self::stop), with its runtime, or when aborted.
    ///
    /// Spawning again, after a fork, makes the new task the present one.
    #[must_use = "the handle tells when the task has ended"]
    pub fn spawn(&self, runtime: &Handle) -> JoinHandle<()> {
        let session = Arc::new(Session::new(&self.work.background, &self.work.hooks));
        *self.work.lock_session() = Arc::clone(&session);
        let background = &self.work.background;
        self.work.lock().restart(background.seed(), background.now());
        runtime.spawn(run(Arc::clone(&self.work), session))
    }

    /// Ends the task. Harmless when called twice.
    pub fn stop(&self) {
        self.work.session().stop.notify_one();
    }

    /// Checks an endpoint now, beside its schedule.
    ///
    /// One without a description is only tried to be connected to, and its state stays as it is:
    /// nothing would ever take a bad verdict back.
    pub async fn check_now(&self, provider: &str, member: &Member) -> CheckResult {
        self.work.check_now(provider, member).await
    }

    /// Checks endpoints now, as many at once as the limit allows; the results are in their order.
    pub async fn check_all(&self, provider: &str, members: &[Member]) -> Vec<CheckResult> {
        let mut running = JoinSet::new();
        for (i, member) in members.iter().cloned().enumerate() {
            let (checker, provider) = (self.clone(), provider.to_owned());
            running.spawn(async move { (i, checker.check_now(&provider, &member).await) });
        }
        let mut found = vec![CheckResult::bad("the check was cancelled"); members.len()];
        while let Some(done) = running.join_next().await {
            if let Ok((i, result)) = done {
                found[i] = result;
            }
        }
        found
    }
}

impl Session {
    fn new(background: &Background, hooks: &Hooks) -> Self {
        Self {
            changed: Notify::new(),
            stop: Notify::new(),
            slots: Arc::new(Semaphore::new(hooks.most_at_once.clamp(1, Semaphore::MAX_PERMITS))),
            prober: Prober::new(background.clock.clone(), hooks.custom.clone()),
        }
    }
}

/// A provider's endpoints on their way to the schedule.
struct Watched {
    work: Arc<Run>,
    source: Arc<Source>,
}

impl Subscriber for Watched {
    fn publish(&self, snapshot: &Arc<Snapshot>) {
        let now = self.work.background.now();
        let ended = self.work.lock().take(&self.source, snapshot, now);
        self.work.board.forget(&ended);
        self.work.board.prune();
        self.work.session().changed.notify_one();
    }

    fn wants(&self, endpoint: &Endpoint) -> bool {
        endpoint.health_check.is_some()
    }
}

async fn run(work: Arc<Run>, session: Arc<Session>) {
    let mut running = JoinSet::new();
    while !work.background.is_closed() {
        let due = work.lock().next_due();
        tokio::select! {
            () = session.stop.notified() => return,
            () = session.changed.notified() => {}
            Some(_) = running.join_next() => {}
            permit = work.turn(&session, due) => {
                let now = work.background.now();
                let job = work.lock().start(now);
                if let Some(job) = job {
                    let (work, session) = (Arc::clone(&work), Arc::clone(&session));
                    running.spawn(async move { work.check(&session, job, permit).await });
                }
            }
        }
    }
}

impl Run {
    /// Waits until a check is due and there is room for it.
    async fn turn(&self, session: &Session, due: Option<Nanos>) -> Option<OwnedSemaphorePermit> {
        let Some(due) = due else { return std::future::pending().await };
        self.background.clock.sleep_until_async(due).await;
        // Nobody closes the semaphore.
        Arc::clone(&session.slots).acquire_owned().await.ok()
    }

    /// Makes one check of the schedule.
    async fn check(&self, session: &Session, job: Job, permit: Option<OwnedSemaphorePermit>) {
        let started = self.background.now();
        let mut planned = Planned { work: self, job: &job, started, ended: Ended::Settled };
        planned.ended = match self.examine(session, &job.member).await {
            None => Ended::Void,
            Some(result) => {
                let audience = self.audience(&job.source.provider, job.source.counters.as_deref());
                let counts = |schedule: &Schedule| schedule.is_under_way(&job);
                match self.take(audience, &job.member, &result, counts) {
                    Some(recorded) if recorded.is_in_transition => Ended::InTransition,
                    _ => Ended::Settled,
                }
            }
        };
        drop(planned);
        drop(permit);
        session.changed.notify_one();
    }

    async fn check_now(&self, provider: &str, member: &Member) -> CheckResult {
        let session = self.session();
        let (counters, was_checked) = {
            let schedule = self.lock();
            (schedule.counters(member.id), schedule.is_checked(member.id))
        };
        // Nobody closes the semaphore.
        let _permit = session.slots.acquire().await;
        for _ in 0..TRIES {
            if let Some(result) = self.examine(&session, member).await {
                if member.endpoint.health_check.is_some() {
                    let counts = |plan: &Schedule| !was_checked || plan.is_checked(member.id);
                    let audience = self.audience(provider, counters.as_deref());
                    self.take(audience, member, &result, counts);
                }
                return result;
            }
        }
        CheckResult::bad("the process was stopped during the check")
    }

    /// Checks a member; nothing if the process was stopped meanwhile, so that it means nothing.
    async fn examine(&self, session: &Session, member: &Member) -> Option<CheckResult> {
        let connect = HealthCheck { kind: CheckKind::Tcp, ..HealthCheck::default() };
        let check = member.endpoint.health_check.as_deref().unwrap_or(&connect);
        let rules = Arc::clone(self.lock().rules());
        let timeout = check.timeout.unwrap_or(rules.timeout);
        let result = session.prober.probe(&member.endpoint, check, timeout).await;
        let longest = nanos(timeout).saturating_add(interval(member, &rules).saturating_mul(3));
        let was_stopped = result.grade == Grade::Bad && result.latency > longest;
        (!was_stopped).then_some(result)
    }

    /// Counts a result, writes it down, and tells of it; nothing of all that unless it `counts`.
    ///
    /// A check may end after the endpoint's last one: nothing would ever take its verdict back.
    fn take(
        &self,
        audience: Audience<'_>,
        member: &Member,
        result: &CheckResult,
        counts: impl FnOnce(&Schedule) -> bool,
    ) -> Option<Recorded> {
        let recorded = {
            // Held while it is written down: whoever ends the checks forgets it after that.
            let schedule = self.lock();
            if !counts(&schedule) {
                return None;
            }
            self.board.record(member, schedule.rules(), result, self.background.now())
        };
        if let Some(counters) = audience.counters {
            counters.add(Tally::HealthChecks);
        }
        announce(audience, member, result, &recorded);
        if result.is_good() {
            (self.hooks.on_passed)(audience.provider, member, &recorded);
        }
        Some(recorded)
    }

    fn audience<'a>(&'a self, provider: &'a str, counters: Option<&'a Counters>) -> Audience<'a> {
        Audience { events: &self.background.events, counters, provider }
    }

    fn session(&self) -> Arc<Session> {
        Arc::clone(&self.lock_session())
    }

    fn lock(&self) -> Held<'_, Schedule> {
        self.schedule.lock()
    }

    fn lock_session(&self) -> Held<'_, Arc<Session>> {
        self.session.lock()
    }
}

/// A running check of the schedule: its successor is planned also when it panics or is cancelled.
struct Planned<'a> {
    work: &'a Run,
    job: &'a Job,
    started: Nanos,
    ended: Ended,
}

impl Drop for Planned<'_> {
    fn drop(&mut self) {
        let now = self.work.background.now();
        self.work.lock().finish(self.job, self.started, self.ended, now);
    }
}

/// Tries of a check on demand while the process keeps being stopped.
const TRIES: usize = 3;
