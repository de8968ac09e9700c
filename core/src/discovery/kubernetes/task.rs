//! Follows one service: lists its slices, watches their changes, and begins again when that ends.
//!
//! What to ask next is decided by [`Cursor`], whether the server may be asked at all by the gate that
//! all services share; here is only what takes time. A failure is reported before the wait that
//! follows it. One that is repaired at once, such as a watch whose version is too old, isn't.

use std::sync::Arc;

use super::backoff::Backoff;
use super::failure::Failure;
use super::lines::Lines;
use super::provider::Asked;
use super::request::Target;
use super::session::Session;
use super::slices::Slices;
use super::transport::{Answer, Transport};
use super::watch::{Cursor, End, Pace, Question};
use super::wire::{self, Event};
use crate::clock::{Clock, Nanos};
use crate::discovery::{Sink, Update};
use crate::error::{Error, Result};
use crate::rng::{Rng, scale};

/// One service that is followed.
pub(super) struct Follow {
    session: Arc<Session>,
    asked: Asked,
    sink: Sink,
    slices: Slices,
    cursor: Cursor,
    backoff: Backoff,
    rng: Rng,
    /// The server that the version is of.
    address: String,
    /// A failure was reported, and no set since.
    is_stale: bool,
}

/// A failure, as it is reported.
struct Failed {
    pace: Pace,
    error: Error,
    at_least: Option<Nanos>,
}

impl Follow {
    /// Makes one that knows nothing yet.
    pub(super) fn new(session: Arc<Session>, asked: Asked, sink: Sink, rng: Rng) -> Self {
        let (slices, cursor, backoff) =
            (Slices::default(), Cursor::new(), Backoff::new(rng.clone()));
        let (address, is_stale) = (String::new(), false);
        Self { session, asked, sink, slices, cursor, backoff, rng, address, is_stale }
    }

    /// Sends every change for as long as it is polled.
    pub(super) async fn run(mut self) {
        let clock = self.sink.clock().clone();
        loop {
            let (pace, at_least) = match self.round(&clock).await {
                Ok(pace) => (pace, None),
                Err(failed) => {
                    // What is repaired at once is nothing that anybody has to know.
                    if failed.pace != Pace::AtOnce {
                        self.report(&failed.error);
                    }
                    (failed.pace, failed.at_least)
                }
            };
            if pace == Pace::Later {
                let wait = self.backoff.next(clock.now()).max(at_least.unwrap_or(0));
                clock.sleep_until_async(clock.now().saturating_add(wait)).await;
            }
        }
    }

    /// Asks one question, and takes in what comes of it.
    async fn round(&mut self, clock: &Clock) -> Result<Pace, Failed> {
        let session = Arc::clone(&self.session);
        let pass = session.gate.enter(clock, |reason| self.tell_waiting(reason)).await;
        let transport = match session.transport(clock).await {
            Ok(transport) => transport,
            Err(failure) => {
                let failed = self.fail(&failure, "", &Target::default(), "list");
                pass.failed(clock.now(), None, failed.error.clone());
                return Err(failed);
            }
        };
        self.is_asking(&transport.address);
        let target = self.asked.target(&transport);
        let (verb, answer) = match self.cursor.question() {
            Question::List(version) => {
                let body = transport.get(clock, &target.list(&version)).await;
                ("list", body.map(Came::Whole))
            }
            Question::Watch(version) => {
                let seconds = self.seconds(&transport);
                let answer = transport.open(clock, &target.watch(&version, seconds)).await;
                ("watch", answer.map(|answer| Came::Open(answer, seconds)))
            }
        };
        match &answer {
            Err(failure) if failure.is_general() => {
                let error = failure.error(&transport.address, verb, &target.namespace);
                pass.failed(clock.now(), failure.retry_after(), error);
                session.reconsider(&transport, failure).await;
            }
            _ => pass.answered(),
        }
        let taken = match answer {
            Err(failure) => Err(failure),
            Ok(Came::Whole(body)) => self.take(&body),
            Ok(Came::Open(answer, seconds)) => self.watch(clock, answer, seconds).await,
        };
        taken.map_err(|failure| self.fail(&failure, &transport.address, &target, verb))
    }

    /// Takes in a list.
    fn take(&mut self, body: &[u8]) -> Result<Pace, Failure> {
        let list = wire::list(body)?;
        self.slices.replace(list.slices);
        self.publish();
        Ok(self.cursor.listed(&list.version))
    }

    /// Reads a watch to its end.
    async fn watch(
        &mut self,
        clock: &Clock,
        mut answer: Answer,
        seconds: u64,
    ) -> Result<Pace, Failure> {
        let began = clock.now();
        // By then the server should have ended it.
        let until = began.saturating_add((seconds + PATIENCE) * SECOND);
        let (mut lines, mut has_moved) = (Lines::default(), false);
        let end = loop {
            let piece = tokio::select! {
                piece = answer.piece() => piece,
                () = clock.sleep_until_async(until) => break End::Broken,
            };
            match piece {
                Ok(Some(piece)) => has_moved |= self.read(&mut lines, &piece)?,
                Ok(None) => break End::Closed,
                // Whether that matters is seen by the list that follows.
                Err(_) => break End::Broken,
            }
        };
        let lived = clock.now().saturating_sub(began);
        if lived > HEALTHY {
            self.backoff.reset();
        }
        Ok(self.cursor.ended(end, lived, has_moved))
    }

    /// Takes in a piece of a watch; true if it brought a new version.
    fn read(&mut self, lines: &mut Lines, piece: &[u8]) -> Result<bool, Failure> {
        lines.push(piece)?;
        let (mut has_changed, mut has_moved) = (false, false);
        let mut refused = None;
        while let Some(line) = lines.next() {
            let metadata = match wire::event(&line)? {
                None => continue,
                Some(Event::Refused(refusal)) => {
                    refused = Some(Failure::Refused(refusal));
                    break;
                }
                Some(Event::Bookmark(metadata)) => metadata,
                Some(Event::Removed(metadata)) => {
                    self.slices.remove(&metadata.name);
                    has_changed = true;
                    metadata
                }
                Some(Event::Put(slice)) => {
                    let metadata = slice.metadata.clone();
                    self.slices.put(slice);
                    has_changed = true;
                    metadata
                }
            };
            has_moved |= self.cursor.moved(&metadata.resource_version);
        }
        if has_changed {
            self.publish();
        }
        if has_moved {
            self.backoff.reset();
        }
        refused.map_or(Ok(has_moved), Err)
    }

    fn publish(&mut self) {
        match self.asked.endpoints(&self.slices) {
            Ok(set) => {
                self.is_stale = false;
                self.sink.send(Update::Full(set));
            }
            Err(error) => self.report(&error),
        }
    }

    fn report(&mut self, error: &Error) {
        self.is_stale = true;
        self.sink.send(Update::unavailable(error));
    }

    /// Somebody else failed, and this one waits for what comes of the next try.
    fn tell_waiting(&mut self, reason: &Error) {
        if !self.is_stale {
            self.report(reason);
        }
    }

    /// What is known of another server means nothing at this one.
    fn is_asking(&mut self, address: &str) {
        if self.address != address && !self.address.is_empty() {
            self.cursor.forget();
        }
        address.clone_into(&mut self.address);
    }

    fn fail(&mut self, failure: &Failure, address: &str, target: &Target, verb: &str) -> Failed {
        let mut pace = match failure {
            Failure::Refused(refusal) => self.cursor.refused(refusal),
            _ => self.cursor.failed(),
        };
        // For a server that doesn't answer the gate waits, for all at once.
        if failure.is_general() && verb == "list" {
            pace = Pace::AtTheGate;
        }
        let error = failure.error(address, verb, &target.namespace);
        Failed { pace, error, at_least: failure.retry_after() }
    }

    /// How long a watch is to last, in seconds.
    fn seconds(&mut self, transport: &Transport) -> u64 {
        match transport.is_multiplexed() {
            // At random, so that those who began together don't end together.
            true => SHORTEST_WATCH + scale(self.rng.draw(), LONGEST_WATCH - SHORTEST_WATCH + 1).0,
            false => UNPROVEN_WATCH,
        }
    }
}

/// What came of a question.
enum Came {
    Whole(Vec<u8>),
    /// A watch that lasts so many seconds.
    Open(Answer, u64),
}

const SECOND: Nanos = 1_000_000_000;

/// A watch that lasted longer was well.
const HEALTHY: Nanos = 10 * SECOND;

/// Seconds that a watch lasts at least: client-go's figure, and that of most load balancers' patience.
const SHORTEST_WATCH: u64 = 300;

/// Seconds that it lasts at most.
const LONGEST_WATCH: u64 = 600;

/// Seconds of a watch on a connection that can't be probed: it must be seen to be alive.
const UNPROVEN_WATCH: u64 = 30;

/// Seconds for the end of a watch to arrive.
const PATIENCE: u64 = 10;
