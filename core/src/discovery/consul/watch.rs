//! Follows one service: a blocking query after the other, for ever.
//!
//! Whatever goes wrong, the set that was sent last stands: an error is told as one, an index that goes
//! back and an answer that lacks endpoints are made sure of before they count.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::answer::Answer;
use super::failure::Failure;
use super::holds::Place;
use super::index::{Course, Index};
use super::options::ReadMode;
use super::query::Hold;
use super::rate::{Pace, Wake};
use super::reply::Reply;
use super::retry::Retry;
use super::source::Source;
use crate::clock::{Nanos, nanos};
use crate::discovery::{Sink, Update};
use crate::duration;
use crate::rng::{self, Rng};

/// The state of following one service.
pub(super) struct Watch<'a> {
    source: &'a Source,
    service: String,
    sink: Sink,
    index: Index,
    pace: Pace,
    retry: Retry,
    rng: Rng,
    /// Hash of the body that was sent last.
    seen: Option<u64>,
    /// The endpoints that were sent last, with their nodes.
    known: HashMap<Arc<str>, String>,
    /// The right to have questions held, while there is one.
    place: Option<Place<'a>>,
    /// When everything is asked for anew, in case a change went by unseen.
    anew_at: Nanos,
}

impl<'a> Watch<'a> {
    pub(super) fn new(source: &'a Source, service: &str, sink: Sink, seed: u64) -> Self {
        let name = rng::hash(service.as_bytes(), 0);
        let agents = source.agents();
        Self {
            source,
            service: service.to_owned(),
            sink,
            index: Index::default(),
            pace: Pace::new(),
            retry: Retry::new(agents, Rng::new(seed, RETRIES, name)),
            rng: Rng::new(seed, READINGS, name),
            seen: None,
            known: HashMap::new(),
            place: None,
            anew_at: 0,
        }
    }

    /// Follows the service for as long as the future runs.
    pub(super) async fn run(mut self) {
        loop {
            let next = match self.round().await {
                Ok(next) => next,
                Err(failure) => self.failed(&failure),
            };
            if next > self.now() {
                self.sink.clock().sleep_until_async(next).await;
            }
        }
    }

    /// Asks once and takes in what comes; returns when to ask again.
    async fn round(&mut self) -> Result<Nanos, Failure> {
        let began = self.now();
        if began >= self.anew_at {
            self.index.reset();
            self.anew_at = began.saturating_add(self.rng.jitter(ANEW, 0.2));
        }
        let wait = self.source.settings().options.wait;
        if self.place.is_none() {
            self.place = self.source.holds().take();
        }
        let index = self.index.asked().filter(|_| self.place.is_some());
        let hold = index.map_or(Hold::Not, |index| Hold::Beyond(index, wait));
        let reply = self.ask(self.source.settings().options.read, hold).await?;
        if self.index.take(reply.facts.index) == Course::Backward {
            let now = self.now();
            return Ok(self.pace.after(Wake::Idle, now));
        }
        // That the agent answers again is news too.
        let is_news = self.take(&reply).await? | self.retry.is_failing();
        self.retry.succeeded();
        let now = self.now();
        if self.place.is_none() {
            return Ok(now.saturating_add(self.rng.jitter(POLL, 0.2)));
        }
        let wake = match hold {
            _ if is_news => Wake::News,
            Hold::Beyond(..) if now.saturating_sub(began) >= nanos(wait) => Wake::TimeOver,
            _ => Wake::Idle,
        };
        Ok(self.pace.after(wake, now))
    }

    /// Sends what the answer tells, if it is new; true if it was.
    async fn take(&mut self, reply: &Reply) -> Result<bool, Failure> {
        let hash = rng::hash(&reply.body, CONTENT);
        let is_news = self.seen != Some(hash);
        // After a failure also what is known ends the staleness.
        if !is_news && !self.retry.is_failing() {
            return Ok(false);
        }
        let mut answer = self.source.parse(reply, &self.service)?;
        if let Some(sure) = self.make_sure(&answer, reply).await? {
            answer = sure;
        }
        self.seen = Some(hash);
        let with_node = answer.endpoints.iter().map(|endpoint| {
            let node = endpoint.metadata.get("consul.node").cloned().unwrap_or_default();
            (Arc::clone(&endpoint.id), node)
        });
        self.known = with_node.collect();
        self.sink.send(Update::Full(answer.endpoints));
        Ok(is_news)
    }

    /// Makes sure of an answer that lacks endpoints; returns the one that counts in its place, if any.
    async fn make_sure(&self, answer: &Answer, reply: &Reply) -> Result<Option<Answer>, Failure> {
        let missing = self.missing(answer);
        if missing.is_empty() && !answer.endpoints.is_empty() {
            return Ok(None);
        }
        let agent = self.retry.agent();
        let nodes: BTreeSet<&str> = missing.into_values().collect();
        let check = self.source.check_rights(agent, &self.service, &nodes, &reply.facts);
        self.in_time(Duration::ZERO, check).await?;
        let Some(reason) = reply.facts.weakness(self.source.settings().options.max_stale) else {
            return Ok(None);
        };
        let sure = self.ask(ReadMode::Default, Hold::Not).await;
        let sure = sure.map_err(|failure| {
            let reason = format!("{reason}, and asked again: {}", failure.reason);
            Failure { reason, ..failure }
        })?;
        self.source.parse(&sure, &self.service).map(Some)
    }

    /// The endpoints that were sent and that the answer lacks, with their nodes.
    fn missing(&self, answer: &Answer) -> HashMap<&Arc<str>, &str> {
        let mut missing: HashMap<&Arc<str>, &str> =
            self.known.iter().map(|(id, node)| (id, node.as_str())).collect();
        for endpoint in &answer.endpoints {
            missing.remove(&endpoint.id);
        }
        missing
    }

    async fn ask(&self, read: ReadMode, hold: Hold) -> Result<Reply, Failure> {
        let held = match hold {
            Hold::Not => Duration::ZERO,
            // The agent adds up to a sixteenth of its own.
            Hold::Beyond(_, wait) => wait + wait / 16,
        };
        let asking = self.source.ask(self.retry.agent(), &self.service, read, hold);
        self.in_time(held, asking).await
    }

    /// The answer, or a failure once it takes longer than `held` and what an answer may take.
    async fn in_time<T>(
        &self,
        held: Duration,
        asking: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let clock = self.sink.clock();
        let most = held + LONGEST_ANSWER;
        let deadline = clock.now().saturating_add(nanos(most));
        tokio::select! {
            biased;
            answer = asking => answer,
            () = clock.sleep_until_async(deadline) => {
                let most = duration::format(most);
                Err(Failure::unavailable(format!("no answer within {most}")))
            }
        }
    }

    /// Takes in a failure; returns when to ask again.
    fn failed(&mut self, failure: &Failure) -> Nanos {
        // The next answer is to be the truth of then.
        self.index.reset();
        let (agent, now) = (self.retry.agent(), self.now());
        let wait = self.retry.failed(failure.class, failure.hint, now);
        // While another agent is untried it isn't the program's business.
        if wait > 0 {
            self.sink.send(Update::unavailable(&self.source.error(agent, failure)));
        }
        now.saturating_add(wait)
    }

    fn now(&self) -> Nanos {
        self.sink.clock().now()
    }
}

/// Without a leader an agent holds a question for seven seconds before it gives up.
const LONGEST_ANSWER: Duration = Duration::from_secs(10);

/// How often a service is read that can't have its questions held.
const POLL: Nanos = 5_000_000_000;

/// How long a watch goes on by indices alone.
const ANEW: Nanos = 750_000_000_000;

/// The purposes that set this randomness apart.
const RETRIES: u64 = 0xc095_0001;
const READINGS: u64 = 0xc095_0002;
const CONTENT: u64 = 0xc095_0003;
