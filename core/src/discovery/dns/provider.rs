//! The provider: reads a service when asked, and watches it by asking again.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use hickory_proto::rr::{Name, RecordType};

use super::DnsOptions;
use super::lookup::{Found, Lookup, Time};
use super::servers::Servers;
use super::system::Network;
use super::ttl::Limits;
use crate::clock::{Clock, Nanos};
use crate::discovery::backoff::Backoff;
use crate::discovery::{BoxFuture, Capabilities, Provider, Reading, Sink, Update};
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::Lock;
use crate::rng::{self, Rng};

/// A provider that looks services up by DNS.
///
/// Cheap to make; nothing is asked before a service is wanted.
#[derive(Debug)]
pub struct Dns {
    options: DnsOptions,
    /// Guards what was heard of each service.
    heard: Lock<BTreeMap<String, Heard>>,
}

/// What was heard of one service.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    /// Whose word it is.
    from: Option<SocketAddr>,
    /// How long a reading is good after which no watch has begun yet.
    fresh_for: Option<Time>,
}

impl Dns {
    /// Makes the provider of these options.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] with every fault of the options.
    pub fn new(options: DnsOptions) -> Result<Self> {
        options.check()?;
        Ok(Self { options, heard: Lock::default() })
    }

    async fn read(&self, service: &str, servers: &Servers) -> Result<Found> {
        let network = Network::read(&self.options).await?;
        servers.name(&network.servers);
        let found = Lookup { options: &self.options, servers }.read(service, &network).await?;
        self.heard.lock().entry(service.to_owned()).or_default().from = servers.last();
        Ok(found)
    }

    async fn list(&self, service: &str, reading: Reading) -> Result<Vec<Endpoint>> {
        let heard = self.heard.lock().get(service).copied().unwrap_or_default();
        let doubted = heard.from.filter(|_| reading == Reading::Strong);
        // Nobody handed a clock in, so it waits by the machine's; whoever asks has a deadline too.
        let servers = Servers::new(Clock::system(), self.options.timeout, doubted);
        let found = self.read(service, &servers).await?;
        if reading == Reading::Usual {
            self.heard.lock().entry(service.to_owned()).or_default().fresh_for = Some(found.time);
        }
        Ok(found.endpoints)
    }

    /// Asks again and again: when an answer's time is over, and, while there is none, ever more seldom.
    async fn follow(&self, service: String, sink: Sink) {
        let clock = sink.clock();
        let ordinal = rng::hash(service.as_bytes(), 0);
        let mut rng = Rng::new(self.options.seed, ANSWERS, ordinal);
        let mut backoff =
            Backoff::new(LONGEST_WAIT, Rng::new(self.options.seed, FAILURES, ordinal));
        let servers = Servers::new(clock.clone(), self.options.timeout, None);
        // A watch begins where a reading ended: the same question twice would tell nothing new.
        let fresh = self.heard.lock().get_mut(&service).and_then(|heard| heard.fresh_for.take());
        let wait = fresh.map_or(0, |time| self.good_for(time, &mut rng));
        let mut next = clock.now().saturating_add(wait);
        loop {
            clock.sleep_until_async(next).await;
            let read = self.read(&service, &servers).await;
            let came_at = clock.now();
            let (update, wait) = match read {
                Ok(found) => {
                    backoff.reset();
                    (Update::Full(found.endpoints), self.good_for(found.time, &mut rng))
                }
                Err(error) => (Update::unavailable(&error), backoff.next()),
            };
            next = came_at.saturating_add(wait);
            sink.send(update);
        }
    }

    fn good_for(&self, time: Time, rng: &mut Rng) -> Nanos {
        let limits = Limits::new(self.options.min_ttl, self.options.max_ttl);
        match time {
            Time::Records(seconds) => limits.of_records(seconds, rng),
            Time::Nothing(seconds) => limits.of_nothing(seconds, rng),
        }
    }
}

impl Provider for Dns {
    fn kind(&self) -> &'static str {
        "dns"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::READ_ONLY.watching().per_service()
    }

    fn takes_sets(&self) -> bool {
        false
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Endpoint>>> {
        Box::pin(async {
            let text = "a provider of type \"dns\" can be read by service only";
            Err(Error::new(ErrorKind::Provider, text))
        })
    }

    fn list_service(
        &self,
        service: &str,
        reading: Reading,
    ) -> BoxFuture<'_, Result<Vec<Endpoint>>> {
        let service = service.to_owned();
        Box::pin(async move { self.list(&service, reading).await })
    }

    fn watch_service(&self, service: &str, sink: Sink) -> Option<BoxFuture<'_, ()>> {
        Some(Box::pin(self.follow(service.to_owned(), sink)))
    }

    fn ping(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let network = Network::read(&self.options).await?;
            let servers = Servers::new(Clock::system(), self.options.timeout, None);
            servers.name(&network.servers);
            // Whatever a server says to this, it is there.
            servers.ask(&Name::root(), RecordType::NS).await.map(drop)
        })
    }
}

/// A name whose servers all fail is asked for at least so often.
const LONGEST_WAIT: Nanos = 30_000_000_000;

/// The purposes that set this randomness apart from that of other areas.
const ANSWERS: u64 = 0xd45_0001;
const FAILURES: u64 = 0xd45_0002;
