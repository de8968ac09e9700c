//! One piece of work: what is asked of the program, and the place of its answer.

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use failover::clock::{Nanos, nanos};
use failover::lock::Lock;
use failover::{Error, ErrorKind, Result};

use crate::work::FAILOVER_WORK_CANCEL;

/// What is asked.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) kind: u32,
    pub(crate) provider: String,
    pub(crate) payload: String,
    pub(crate) timeout: Duration,
}

/// One piece of work.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) kind: u32,
    pub(crate) token: u64,
    pub(crate) deadline: Nanos,
    pub(crate) provider: String,
    pub(crate) payload: String,
    /// Guards the answer and who waits for it.
    answer: Lock<(Option<Result<String>>, Option<Waker>)>,
}

impl Item {
    /// Makes the item of a question that is asked now.
    pub(crate) fn new(question: Question, token: u64, now: Nanos) -> Self {
        Self {
            kind: question.kind,
            token,
            deadline: now.saturating_add(nanos(question.timeout)),
            provider: question.provider,
            payload: question.payload,
            answer: Lock::default(),
        }
    }

    /// Makes the item that takes this one back.
    pub(crate) fn cancelling(&self) -> Self {
        Self {
            kind: FAILOVER_WORK_CANCEL,
            token: self.token,
            deadline: self.deadline,
            provider: self.provider.clone(),
            payload: String::new(),
            answer: Lock::default(),
        }
    }

    /// Gives the answer to whoever waits for it.
    pub(crate) fn finish(&self, answer: Result<String>) {
        let mut slot = self.answer.lock();
        slot.0 = Some(answer);
        let waker = slot.1.take();
        drop(slot);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Looks for the answer, and has the task woken by it.
    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<Result<String>> {
        let mut slot = self.answer.lock();
        if let Some(answer) = slot.0.take() {
            return Poll::Ready(answer);
        }
        slot.1 = Some(context.waker().clone());
        Poll::Pending
    }

    /// The answer of a program that gave none.
    pub(crate) fn expired() -> Error {
        Error::new(ErrorKind::Timeout, "the program did not answer in time")
    }
}
