//! Work for the program: what the engine asks of it, and the answers.
//!
//! Nothing is dropped. An item ends in one of four ways: the program completes it, its deadline
//! passes, whoever asked goes away (then a cancelling item follows), or the last worker goes. Who
//! asks waits in a future, so no thread of the library is held up by the program.

use std::collections::{HashMap, VecDeque};
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use failover::clock::{Clock, Waiters, nanos};
use failover::discovery::BoxFuture;
use failover::endpoint::document;
use failover::health::CheckResult;
use failover::lock::{Held, Lock};
use failover::{Error, ErrorKind, Manager, Result, manager};

use crate::item::{Item, Question};
use crate::wake::Wakers;
use crate::work::FAILOVER_WORK_HEALTH_CHECK;

/// The work of one manager.
#[derive(Debug)]
pub(crate) struct Hub {
    clock: Clock,
    /// Guards the items and the list of workers.
    inside: Lock<Inside>,
    arrived: Waiters,
}

#[derive(Debug, Default)]
struct Inside {
    waiting: VecDeque<Arc<Item>>,
    /// What isn't answered yet, waiting or given out.
    open: HashMap<u64, Arc<Item>>,
    /// What is open and nobody waits for: the program is only told.
    told: Vec<Arc<Item>>,
    last_token: u64,
    workers: Vec<Arc<Wakers>>,
    is_closed: bool,
    /// Forks up to when the items were asked.
    forks: u32,
}

impl Hub {
    /// Makes the hub of a manager, which asks it for checks of the type `custom`.
    pub(crate) fn serve(of: &Manager) -> Arc<Self> {
        let clock = of.clock().clone();
        let inside = Inside { forks: manager::forks(), ..Inside::default() };
        let hub = Arc::new(Self { clock, inside: Lock::new(inside), arrived: Waiters::new() });
        let asked = Arc::clone(&hub);
        of.set_check_function(Arc::new(move |endpoint, timeout| {
            let payload = document::to_json(&endpoint).to_string();
            let provider = String::new();
            let question =
                Question { kind: FAILOVER_WORK_HEALTH_CHECK, provider, payload, timeout };
            let answer = asked.ask(question);
            Box::pin(async move {
                match answer.await {
                    Ok(_) => CheckResult::good("the program says so"),
                    Err(error) => CheckResult::bad(error.to_string()),
                }
            })
        }));
        hub
    }

    /// Hands a question over; the future ends with the answer, or at the deadline.
    pub(crate) fn ask(self: &Arc<Self>, question: Question) -> BoxFuture<'static, Result<String>> {
        let item = match self.put(question, |_, _| {}) {
            Ok(item) => item,
            Err(error) => return Box::pin(ready(Err(error))),
        };
        let asker = Asker { hub: Arc::clone(self), item };
        Box::pin(async move {
            let Asker { hub, item } = &asker;
            item.answer.wait(&hub.clock, item.deadline).await
        })
    }

    /// Hands something over that nobody waits for. It is open until its deadline all the same.
    pub(crate) fn tell(&self, question: Question) -> Result<()> {
        let now = self.clock.now();
        self.put(question, |inside, item| {
            inside.forget_told(now);
            inside.told.push(Arc::clone(item));
        })?;
        Ok(())
    }

    fn put(
        &self,
        question: Question,
        note: impl FnOnce(&mut Inside, &Arc<Item>),
    ) -> Result<Arc<Item>> {
        let now = self.clock.now();
        let mut inside = self.lock();
        inside.check_worker()?;
        inside.last_token += 1;
        let item = Arc::new(Item::new(question, inside.last_token, now));
        note(&mut inside, &item);
        inside.open.insert(item.token, Arc::clone(&item));
        inside.waiting.push_back(Arc::clone(&item));
        self.wake(inside);
        Ok(item)
    }

    /// Refuses where nobody of the program pulls work.
    pub(crate) fn check_worker(&self) -> Result<()> {
        self.lock().check_worker()
    }

    /// Adds a worker.
    pub(crate) fn add_worker(&self, worker: &Arc<Wakers>) -> Result<()> {
        let mut inside = self.lock();
        inside.check_open()?;
        inside.workers.push(Arc::clone(worker));
        Ok(())
    }

    /// Takes a worker off; with the last one, what is open fails.
    pub(crate) fn remove_worker(&self, worker: &Arc<Wakers>) {
        let mut inside = self.lock();
        inside.workers.retain(|other| !Arc::ptr_eq(other, worker));
        let is_last = inside.workers.is_empty();
        let open = if is_last { inside.end() } else { Vec::new() };
        drop(inside);
        self.arrived.wake();
        for item in open {
            let gone = Error::new(ErrorKind::NoWorker, "the last work queue was freed");
            item.answer.give(Err(gone));
        }
    }

    /// Takes all workers off for good, since the manager is closed.
    pub(crate) fn close(&self) {
        let mut inside = self.lock();
        inside.is_closed = true;
        let workers = std::mem::take(&mut inside.workers);
        let open = inside.end();
        drop(inside);
        self.arrived.wake();
        open.iter().for_each(|item| _ = item.answer.give(Err(closed())));
        workers.iter().for_each(|worker| worker.call());
    }

    /// Up to `most` items, after waiting up to `timeout` for the first.
    pub(crate) fn take(
        &self,
        worker: &Arc<Wakers>,
        most: usize,
        timeout: Duration,
    ) -> Result<Vec<Arc<Item>>, ErrorKind> {
        // Real time, also under a manual clock: the program waits for it.
        let clock = Clock::system();
        let deadline = clock.now().saturating_add(nanos(timeout));
        loop {
            let mut inside = self.lock();
            if !inside.has(worker) {
                return Err(ErrorKind::Closed);
            }
            let left = deadline.saturating_sub(clock.now());
            if !inside.waiting.is_empty() || left == 0 {
                let count = most.min(inside.waiting.len());
                return Ok(inside.waiting.drain(..count).collect());
            }
            drop(inside);
            // Another worker may be faster; then the wait goes on.
            self.arrived.wait(Duration::from_nanos(left), &|| self.has_news(worker));
        }
    }

    /// True if a worker that polls now would not wait.
    pub(crate) fn has_news(&self, worker: &Arc<Wakers>) -> bool {
        let inside = self.lock();
        !inside.has(worker) || !inside.waiting.is_empty()
    }

    /// Answers an item.
    pub(crate) fn complete(&self, token: u64, answer: Result<String>) -> Result<()> {
        let mut inside = self.lock();
        inside.forget_told(self.clock.now());
        let item = inside.open.remove(&token);
        drop(inside);
        let gone = || {
            let text = format!("work {token}: is not open: it expired, was cancelled or is done");
            Error::new(ErrorKind::NotFound, text)
        };
        item.ok_or_else(gone)?.answer.give(answer);
        Ok(())
    }

    /// Lets go of the lock, and wakes who waits for work.
    fn wake(&self, inside: Held<'_, Inside>) {
        let workers = inside.workers.clone();
        drop(inside);
        self.arrived.wake();
        workers.iter().for_each(|worker| worker.call());
    }

    fn lock(&self) -> Held<'_, Inside> {
        let mut inside = self.inside.lock();
        inside.notice_fork();
        inside
    }
}

impl Inside {
    fn check_open(&self) -> Result<()> {
        if self.is_closed { Err(closed()) } else { Ok(()) }
    }

    fn check_worker(&self) -> Result<()> {
        self.check_open()?;
        if self.workers.is_empty() {
            return Err(Error::new(ErrorKind::NoWorker, "no work queue of the program is open"));
        }
        Ok(())
    }

    fn has(&self, worker: &Arc<Wakers>) -> bool {
        self.workers.iter().any(|other| Arc::ptr_eq(other, worker))
    }

    /// Forgets what the program was told and didn't confirm in time.
    fn forget_told(&mut self, now: u64) {
        let open = &mut self.open;
        self.told.retain(|item| {
            let is_open = item.deadline > now && open.contains_key(&item.token);
            if !is_open {
                open.remove(&item.token);
            }
            is_open
        });
    }

    /// Ends all work, and gives what was open.
    fn end(&mut self) -> Vec<Arc<Item>> {
        self.waiting.clear();
        self.told.clear();
        self.open.drain().map(|(_, item)| item).collect()
    }

    /// In a forked child, leaves the parent's work to the parent.
    fn notice_fork(&mut self) {
        let forks = manager::forks();
        if self.forks == forks {
            return;
        }
        self.forks = forks;
        // Not dropped: they hold wakers of tasks whose runtime doesn't exist here.
        std::mem::forget(std::mem::take(&mut self.waiting));
        std::mem::forget(std::mem::take(&mut self.told));
        std::mem::forget(std::mem::take(&mut self.open));
    }
}

/// Who asked; going away, it takes the question along.
struct Asker {
    hub: Arc<Hub>,
    item: Arc<Item>,
}

impl Drop for Asker {
    fn drop(&mut self) {
        let mut inside = self.hub.lock();
        if inside.open.remove(&self.item.token).is_none() {
            return;
        }
        let before = inside.waiting.len();
        inside.waiting.retain(|item| item.token != self.item.token);
        if inside.waiting.len() == before {
            // The program has it already, so it is told.
            inside.waiting.push_back(Arc::new(self.item.cancelling()));
            self.hub.wake(inside);
        }
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the manager is closed")
}
