//! Work for the program: what the engine asks of it, and the answers.
//!
//! Nothing is dropped. An item ends in one of four ways: the program completes it, its deadline
//! passes, whoever asked goes away (then a cancelling item follows), or the last worker goes. Who
//! asks waits in a future, so no thread of the library is held up by the program.

use std::collections::{HashMap, VecDeque};
use std::future::{Future, poll_fn, ready};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use failover::clock::{Clock, nanos};
use failover::discovery::BoxFuture;
use failover::endpoint::document;
use failover::health::CheckResult;
use failover::{Error, ErrorKind, Manager, Result};

use crate::work::{FAILOVER_WORK_CANCEL, FAILOVER_WORK_HEALTH_CHECK};

/// The work of one manager.
#[derive(Debug)]
pub(crate) struct Hub {
    clock: Clock,
    /// Guards the items.
    inside: Mutex<Inside>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Inside {
    waiting: VecDeque<Arc<Item>>,
    /// What isn't answered yet, waiting or given out.
    open: HashMap<u64, Arc<Item>>,
    last_token: u64,
    workers: u32,
}

/// One piece of work.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) kind: u32,
    pub(crate) token: u64,
    pub(crate) deadline: u64,
    pub(crate) provider: String,
    pub(crate) payload: String,
    /// Guards the answer and who waits for it.
    answer: Mutex<(Option<Result<String>>, Option<Waker>)>,
}

/// What is asked.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) kind: u32,
    pub(crate) provider: String,
    pub(crate) payload: String,
    pub(crate) timeout: Duration,
}

impl Hub {
    /// Makes the hub of a manager, which asks it for checks of the type `custom`.
    pub(crate) fn serve(manager: &Manager) -> Arc<Self> {
        let clock = manager.clock().clone();
        let hub = Arc::new(Self { clock, inside: Mutex::default(), arrived: Condvar::new() });
        let asked = Arc::clone(&hub);
        manager.set_check_function(Arc::new(move |endpoint, timeout| {
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
        let item = match self.put(question) {
            Ok(item) => item,
            Err(error) => return Box::pin(ready(Err(error))),
        };
        let asker = Asker { hub: Arc::clone(self), item };
        Box::pin(async move {
            let mut deadline = Box::pin(asker.hub.clock.sleep_until_async(asker.item.deadline));
            poll_fn(|context| match asker.item.poll(context) {
                Poll::Ready(answer) => Poll::Ready(answer),
                Poll::Pending => deadline.as_mut().poll(context).map(|()| {
                    Err(Error::new(ErrorKind::Timeout, "the program did not answer in time"))
                }),
            })
            .await
        })
    }

    fn put(&self, question: Question) -> Result<Arc<Item>> {
        self.check_worker()?;
        let mut inside = self.lock();
        inside.last_token += 1;
        let item = Arc::new(Item {
            kind: question.kind,
            token: inside.last_token,
            deadline: self.clock.now().saturating_add(nanos(question.timeout)),
            provider: question.provider,
            payload: question.payload,
            answer: Mutex::default(),
        });
        inside.open.insert(item.token, Arc::clone(&item));
        inside.waiting.push_back(Arc::clone(&item));
        drop(inside);
        self.arrived.notify_one();
        Ok(item)
    }

    /// Refuses where nobody of the program pulls work.
    pub(crate) fn check_worker(&self) -> Result<()> {
        if self.lock().workers > 0 {
            return Ok(());
        }
        Err(Error::new(ErrorKind::NoWorker, "no work queue of the program is open"))
    }

    pub(crate) fn add_worker(&self) {
        self.lock().workers += 1;
    }

    /// Takes a worker off; with the last one, what is open fails.
    pub(crate) fn remove_worker(&self) {
        let mut inside = self.lock();
        inside.workers = inside.workers.saturating_sub(1);
        if inside.workers > 0 {
            return;
        }
        inside.waiting.clear();
        let open: Vec<_> = inside.open.drain().map(|(_, item)| item).collect();
        drop(inside);
        for item in open {
            item.finish(Err(Error::new(ErrorKind::NoWorker, "the last work queue was freed")));
        }
    }

    /// Up to `most` items, after waiting up to `timeout` for the first.
    pub(crate) fn take(&self, most: usize, timeout: Duration) -> Vec<Arc<Item>> {
        let mut inside = self.lock();
        if inside.waiting.is_empty() && !timeout.is_zero() {
            let is_idle = |inside: &mut Inside| inside.waiting.is_empty();
            let waited = self.arrived.wait_timeout_while(inside, timeout, is_idle);
            inside = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let count = most.min(inside.waiting.len());
        inside.waiting.drain(..count).collect()
    }

    /// Answers an item.
    pub(crate) fn complete(&self, token: u64, answer: Result<String>) -> Result<()> {
        let item = self.lock().open.remove(&token);
        let gone = || {
            let text = format!("work {token}: is not open: it expired, was cancelled or is done");
            Error::new(ErrorKind::NotFound, text)
        };
        item.ok_or_else(gone)?.finish(answer);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Item {
    fn finish(&self, answer: Result<String>) {
        let mut slot = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        slot.0 = Some(answer);
        let waker = slot.1.take();
        drop(slot);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll(&self, context: &Context<'_>) -> Poll<Result<String>> {
        let mut slot = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = slot.0.take() {
            return Poll::Ready(answer);
        }
        slot.1 = Some(context.waker().clone());
        Poll::Pending
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
            inside.waiting.push_back(Arc::new(Item {
                kind: FAILOVER_WORK_CANCEL,
                token: self.item.token,
                deadline: self.item.deadline,
                provider: self.item.provider.clone(),
                payload: String::new(),
                answer: Mutex::default(),
            }));
            drop(inside);
            self.hub.arrived.notify_one();
        }
    }
}
