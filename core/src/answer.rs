//! The answer that a task of the engine waits for and a thread of the program gives.
//!
//! Checks and providers of the program's own are asked through a queue. Who asks waits in a future, so
//! that no thread of the library is held up by the program. A question ends once: with its answer, with
//! its deadline, or because whoever asked went away. The bindings' queues hold one of these in each piece
//! of work.

use std::task::{Context, Poll, Waker};

#[cfg(feature = "runtime")]
use crate::clock::{Clock, Nanos};
use crate::error::Result;
#[cfg(feature = "runtime")]
use crate::error::{Error, ErrorKind};
use crate::lock::Lock;

/// The place of one answer.
#[derive(Debug)]
pub struct Answer<T> {
    /// Guards the answer and who waits for it; nobody is woken with it held.
    inside: Lock<Inside<T>>,
}

#[derive(Debug)]
struct Inside<T> {
    given: Option<Result<T>>,
    waiting: Option<Waker>,
    is_over: bool,
}

impl<T> Default for Answer<T> {
    fn default() -> Self {
        Self { inside: Lock::new(Inside { given: None, waiting: None, is_over: false }) }
    }
}

impl<T> Answer<T> {
    /// Gives the answer, and wakes who waits for it; false if the question is over.
    pub fn give(&self, answer: Result<T>) -> bool {
        let mut inside = self.inside.lock();
        if inside.is_over {
            return false;
        }
        inside.is_over = true;
        inside.given = Some(answer);
        let waiting = inside.waiting.take();
        drop(inside);
        if let Some(waiting) = waiting {
            waiting.wake();
        }
        true
    }

    /// Ends the question without an answer; false if it is over already.
    pub fn withdraw(&self) -> bool {
        !std::mem::replace(&mut self.inside.lock().is_over, true)
    }

    /// Looks for the answer, which is handed out once, and has the task woken by it.
    pub fn poll(&self, context: &Context<'_>) -> Poll<Result<T>> {
        let mut inside = self.inside.lock();
        if let Some(answer) = inside.given.take() {
            return Poll::Ready(answer);
        }
        inside.waiting = Some(context.waker().clone());
        Poll::Pending
    }

    /// Waits for the answer until `clock` shows `deadline`.
    ///
    /// # Errors
    ///
    /// That of the answer; [`ErrorKind::Timeout`] at the deadline.
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves the question open: who asked [withdraws](Self::withdraw) it.
    #[cfg(feature = "runtime")]
    pub async fn wait(&self, clock: &Clock, deadline: Nanos) -> Result<T> {
        let late = || Error::new(ErrorKind::Timeout, "the program did not answer in time");
        tokio::select! {
            biased;
            answer = std::future::poll_fn(|context| self.poll(context)) => answer,
            () = clock.sleep_until_async(deadline) => Err(late()),
        }
    }
}

#[cfg(all(test, feature = "runtime", not(loom)))]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_answer_ends_the_wait_and_is_given_once() {
        let (answer, clock) = (Answer::default(), Clock::manual(false));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();

        let found = runtime.block_on(async {
            let give = async { assert!(answer.give(Ok(7)) && !answer.give(Ok(8))) };
            tokio::join!(answer.wait(&clock, 1), give).0
        });

        assert_eq!(found.unwrap(), 7);
        assert!(!answer.withdraw(), "it was answered");
    }

    #[test]
    fn a_question_ends_with_its_time_and_takes_no_answer_after_it_was_withdrawn() {
        let (answer, clock) = (Answer::<u8>::default(), Clock::manual(false));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();

        let found = runtime.block_on(async {
            let pass = async { assert!(clock.advance(Duration::from_nanos(5))) };
            tokio::join!(answer.wait(&clock, 5), pass).0
        });

        assert_eq!(found.map_err(|error| error.kind()), Err(ErrorKind::Timeout));
        assert!(answer.withdraw() && !answer.withdraw() && !answer.give(Ok(1)));
    }
}
