//! Runs a call: the callback, the waits and the deadlines, async or blocking.
//!
//! Thin on purpose. Every decision is the machine's ([`Call`]); what differs here is only how to
//! wait. The callback runs on the caller's own thread or task.

use std::cell::Cell;
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use super::{Action, Attempt, Call, Execution, Failure, Grant, Input, PoolCore, Request, classify};
use crate::clock::{Clock, Nanos, nanos};
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind};
use crate::outlier::Outcome;

thread_local! {
    /// True while a blocking callback of this library runs on the thread.
    static IS_INSIDE: Cell<bool> = const { Cell::new(false) };
}

impl PoolCore {
    /// Runs `callback` on one endpoint after another until it succeeds or the call ends.
    ///
    /// The callback is told its deadline and can't be interrupted; a late success counts.
    ///
    /// # Errors
    ///
    /// [`Failure`] with the last attempt's own error. With the strategy `custom`, which needs the
    /// machine itself ([`Call`]), of the kind [`InvalidState`](ErrorKind::InvalidState).
    pub fn execute_blocking<T, E: StdError + 'static>(
        &self,
        mut request: Request,
        mut callback: impl FnMut(&Attempt) -> Result<T, E>,
    ) -> Result<Execution<T>, Failure<E>> {
        request.is_nested |= IS_INSIDE.get();
        let clock = &self.shared().clock;
        let mut run = Run::new(self, request);
        let mut action = run.step(Input::Start);
        loop {
            action = match action {
                Ok(Action::Attempt { grant, number, deadline }) => {
                    let attempt = run.attempt(&grant, number, deadline);
                    let outer = IS_INSIDE.replace(true);
                    let inside = Inside(outer);
                    let result = callback(&attempt);
                    drop(inside);
                    run.finish(attempt.endpoint, number, result)
                }
                Ok(Action::Wait { until }) => {
                    clock.wait_until(until, &|| self.shared().is_closed.load(CLOSED));
                    run.step(Input::Tick)
                }
                other => return run.conclude(other),
            };
        }
    }

    /// Runs `callback` on one endpoint after another until it succeeds or the call ends.
    ///
    /// # Errors
    ///
    /// [`Failure`] with the last attempt's own error. With the strategy `custom`, which needs the
    /// machine itself ([`Call`]), of the kind [`InvalidState`](ErrorKind::InvalidState).
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with its timers on, when it first waits.
    ///
    /// # Cancellation
    ///
    /// Dropping the future returns its attempt as cancelled, and the call counts as failed. An attempt
    /// whose time is over is dropped.
    #[cfg(feature = "runtime")]
    pub async fn execute<T, E, F>(
        &self,
        request: Request,
        mut callback: impl FnMut(Attempt) -> F,
    ) -> Result<Execution<T>, Failure<E>>
    where
        E: StdError + 'static,
        F: Future<Output = Result<T, E>>,
    {
        let clock = self.shared().clock.clone();
        let mut run = Run::new(self, request);
        let mut action = run.step(Input::Start);
        loop {
            action = match action {
                Ok(Action::Attempt { grant, number, deadline }) => {
                    let attempt = run.attempt(&grant, number, deadline);
                    let endpoint = Arc::clone(&attempt.endpoint);
                    let time_is_over = clock.sleep_until_async(deadline);
                    tokio::select! {
                        biased;
                        result = callback(attempt) => run.finish(endpoint, number, result),
                        () = time_is_over => run.cut_off(),
                    }
                }
                Ok(Action::Abandon { .. }) => run.step(Input::Next),
                // The attempt was dropped, and the clock is not there yet: it had gone back.
                Ok(Action::Pending { until }) => {
                    clock.sleep_until_async(until).await;
                    run.step(Input::Tick)
                }
                Ok(Action::Wait { until }) => {
                    let is_closed = || self.shared().is_closed.load(CLOSED);
                    clock.wait_until_async(until, is_closed).await;
                    run.step(Input::Tick)
                }
                other => return run.conclude(other),
            };
        }
    }
}

/// A call under way, with what its attempts returned so far.
struct Run<'pool, T, E> {
    call: Call<&'pool PoolCore>,
    clock: Clock,
    value: Option<(T, Arc<Endpoint>)>,
    last: Option<E>,
}

impl<'pool, T, E: StdError + 'static> Run<'pool, T, E> {
    fn new(pool: &'pool PoolCore, request: Request) -> Self {
        let clock = pool.shared().clock.clone();
        Self { call: Call::new(pool, request), clock, value: None, last: None }
    }

    fn step(&mut self, input: Input) -> Result<Action, Error> {
        self.call.step(input, self.clock.now())
    }

    fn attempt(&self, grant: &Grant, number: u32, deadline: Nanos) -> Attempt {
        let endpoint = self.call.with_endpoint(grant, |member| Arc::clone(&member.endpoint));
        Attempt {
            endpoint: endpoint.expect("a leased endpoint stays in every snapshot"),
            number,
            timeout: Duration::from_nanos(deadline.saturating_sub(self.clock.now())),
        }
    }

    fn finish(
        &mut self,
        endpoint: Arc<Endpoint>,
        attempt: u32,
        result: Result<T, E>,
    ) -> Result<Action, Error> {
        let (outcome, rest) = match result {
            Ok(value) => {
                self.value = Some((value, endpoint));
                (Outcome::Success, Duration::ZERO)
            }
            Err(error) => {
                let classified = classify(&error);
                self.last = Some(error);
                classified
            }
        };
        self.step(Input::Result { attempt, outcome, latency: 0, hint: nanos(rest) })
    }

    /// The attempt's time is over: it leaves no error, and an earlier one's isn't the last.
    #[cfg(feature = "runtime")]
    fn cut_off(&mut self) -> Result<Action, Error> {
        self.last = None;
        self.step(Input::Tick)
    }

    fn conclude(mut self, action: Result<Action, Error>) -> Result<Execution<T>, Failure<E>> {
        let action = match action {
            // Given up, so that it counts as a call that failed.
            Ok(Action::Choose) => self.step(Input::Cancel).and(Err(nobody_chooses())),
            other => other,
        };
        let history = self.call.history();
        let duration = self.clock.now().saturating_sub(self.call.started());
        match (action, self.value) {
            (Ok(Action::Done), Some((value, endpoint))) => Ok(Execution {
                value,
                endpoint,
                attempts: self.call.attempts(),
                duration: Duration::from_nanos(duration),
                history,
                is_fallback: self.call.is_fallback(),
                is_panic: self.call.is_panic(),
            }),
            (Err(error), _) => Err(Failure { error, last: self.last, history }),
            (Ok(_), _) => {
                let error = self.call.error().unwrap_or_else(unexpected);
                Err(Failure { error, last: self.last, history })
            }
        }
    }
}

/// Restores the thread's mark when the callback returns or unwinds.
struct Inside(bool);

impl Drop for Inside {
    fn drop(&mut self) {
        IS_INSIDE.set(self.0);
    }
}

fn unexpected() -> Error {
    Error::new(ErrorKind::InvalidState, "call: ended without a result")
}

fn nobody_chooses() -> Error {
    let text = "execute: the strategy \"custom\" needs the call machine";
    Error::new(ErrorKind::InvalidState, text)
}

/// Pairs with the Release of `close`.
const CLOSED: std::sync::atomic::Ordering = std::sync::atomic::Ordering::Acquire;
