//! One piece of work: what is asked of the program, and the place of its answer.

use std::time::Duration;

use failover::answer::Answer;
use failover::clock::{Nanos, nanos};

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
    pub(crate) answer: Answer<String>,
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
            answer: Answer::default(),
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
            answer: Answer::default(),
        }
    }
}
