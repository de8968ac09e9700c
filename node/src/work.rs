//! Work for the program: custom checks and providers, as items that the loop takes and answers.
//!
//! Whoever asks waits in a future on the library's own thread; nothing of JavaScript is touched there.
//! An item ends when the program answers it, when its time is over, or when nobody wants the answer
//! any more; of the latter the program is told, so that it can stop.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use failover::clock::{Clock, nanos};
use failover::discovery::BoxFuture;
use failover::lock::{Held, Lock};
use failover::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::wake::Wake;

/// The work of one manager.
pub(crate) struct Work {
    clock: Clock,
    wake: Arc<Wake>,
    /// Guards the items.
    inside: Lock<Inside>,
}

#[derive(Default)]
struct Inside {
    last_token: u32,
    /// What the loop hasn't taken yet, as documents.
    waiting: VecDeque<(u32, Value)>,
    /// What somebody waits for.
    open: HashMap<u32, Answer>,
    is_closed: bool,
}

impl Inside {
    const fn number(&mut self) -> u32 {
        self.last_token = self.last_token.wrapping_add(1);
        self.last_token
    }
}

#[derive(Default)]
struct Answer {
    found: Option<Result<Value>>,
    waker: Option<Waker>,
}

impl Work {
    pub(crate) fn new(clock: Clock, wake: Arc<Wake>) -> Arc<Self> {
        Arc::new(Self { clock, wake, inside: Lock::default() })
    }

    /// Asks the program; the future ends with its answer, or with `timeout` on the manager's clock.
    pub(crate) fn ask(
        self: &Arc<Self>,
        question: Value,
        timeout: Duration,
    ) -> BoxFuture<'static, Result<Value>> {
        let deadline = self.clock.now().saturating_add(nanos(timeout));
        let Some(token) = self.put(question, true) else {
            return Box::pin(async { Err(closed()) });
        };
        let asker = Asker { work: Arc::clone(self), token };
        Box::pin(async move {
            let mut time = Box::pin(asker.work.clock.sleep_until_async(deadline));
            poll_fn(|context| match asker.poll(context.waker()) {
                Some(answer) => Poll::Ready(answer),
                None => time.as_mut().poll(context).map(|()| Err(expired())),
            })
            .await
        })
    }

    /// Tells the program something that it doesn't answer.
    pub(crate) fn tell(&self, news: Value) {
        self.put(news, false);
    }

    /// A number for something that is to come, which no item has.
    pub(crate) fn number(&self) -> u32 {
        self.lock().number()
    }

    fn put(&self, mut item: Value, is_asked: bool) -> Option<u32> {
        let mut inside = self.lock();
        if inside.is_closed {
            return None;
        }
        let token = inside.number();
        item["token"] = token.into();
        if is_asked {
            inside.open.insert(token, Answer::default());
        }
        inside.waiting.push_back((token, item));
        drop(inside);
        self.wake.ring();
        Some(token)
    }

    /// Everything that waits for the loop.
    pub(crate) fn take(&self) -> Vec<Value> {
        self.lock().waiting.drain(..).map(|(_, item)| item).collect()
    }

    /// Takes the program's answer. One that comes too late is nobody's.
    pub(crate) fn complete(&self, token: u32, found: Result<Value>) {
        let mut inside = self.lock();
        let Some(answer) = inside.open.get_mut(&token) else { return };
        answer.found = Some(found);
        let waker = answer.waker.take();
        drop(inside);
        waker.into_iter().for_each(Waker::wake);
    }

    /// Ends all work: what is open fails.
    pub(crate) fn close(&self) {
        let mut inside = self.lock();
        inside.is_closed = true;
        inside.waiting.clear();
        let wakers: Vec<_> = inside
            .open
            .values_mut()
            .filter_map(|answer| {
                answer.found.get_or_insert_with(|| Err(closed()));
                answer.waker.take()
            })
            .collect();
        drop(inside);
        wakers.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> Held<'_, Inside> {
        self.inside.lock()
    }
}

/// Who asked; going away, it takes the question along.
struct Asker {
    work: Arc<Work>,
    token: u32,
}

impl Asker {
    fn poll(&self, waker: &Waker) -> Option<Result<Value>> {
        let mut inside = self.work.lock();
        let answer = inside.open.get_mut(&self.token)?;
        if answer.found.is_none() {
            answer.waker = Some(waker.clone());
            return None;
        }
        answer.found.take()
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        let token = self.token;
        let mut inside = self.work.lock();
        let is_answered = inside.open.remove(&token).is_none_or(|answer| answer.waker.is_none());
        let before = inside.waiting.len();
        inside.waiting.retain(|(other, _)| *other != token);
        let was_taken = inside.waiting.len() == before;
        drop(inside);
        if was_taken && !is_answered {
            self.work.tell(json!({ "kind": "cancel", "of": token }));
        }
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the manager is closed")
}

fn expired() -> Error {
    Error::new(ErrorKind::Timeout, "the program didn't answer in time")
}
