//! One reading of one service: the names to try, the records of each, the addresses of their targets.
//!
//! All or nothing: where any part of it can't be read, the reading failed. Half a set would look like
//! the removal of the other half. And the next name is tried only when a server has said that the one
//! before isn't there: else an outage would lead to another name's endpoints.

use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::Poll;

use hickory_proto::rr::rdata::{A, AAAA, SRV};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::answer::{Answer, MOST_ALIASES, Records, of_name};
use super::convert::Gathering;
use super::name::{candidates, shown};
use super::servers::Servers;
use super::system::Network;
use super::{DnsOptions, DnsRecords, IpFamily};
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind, Result};

/// What a reading found.
#[derive(Debug)]
pub(super) struct Found {
    /// The service's endpoints.
    pub(super) endpoints: Vec<Endpoint>,
    /// How long they are good.
    pub(super) time: Time,
}

/// How long a finding is good, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    /// Records are there, for so long.
    Records(u32),
    /// There is nothing, for so long if the zone says it.
    Nothing(Option<u32>),
}

impl Time {
    /// The time of two findings of which both must hold; of two absences, where either may end.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Records(one), Self::Records(two)) => Self::Records(one.min(two)),
            (Self::Records(one), Self::Nothing(_)) | (Self::Nothing(_), Self::Records(one)) => {
                Self::Records(one)
            }
            (Self::Nothing(one), Self::Nothing(two)) => {
                Self::Nothing([one, two].into_iter().flatten().min())
            }
        }
    }
}

/// The addresses of a host.
struct Addresses {
    ips: Vec<IpAddr>,
    time: Time,
}

/// One reading.
pub(super) struct Lookup<'a> {
    pub(super) options: &'a DnsOptions,
    pub(super) servers: &'a Servers,
}

impl Lookup<'_> {
    /// Reads a service.
    ///
    /// # Errors
    ///
    /// A name that is none, or no server that answers.
    pub(super) async fn read(&self, service: &str, network: &Network) -> Result<Found> {
        let template = &self.options.template;
        let names = candidates(template, service, &network.domains, network.ndots);
        let names = names.map_err(|expected| {
            let text = format!("dns: service {service:?}: {expected}");
            Error::new(ErrorKind::InvalidArgument, text)
        })?;
        let mut time = Time::Nothing(None);
        for name in names {
            let found = match self.options.records {
                DnsRecords::Addresses { port } => self.read_addresses(service, &name, port).await?,
                DnsRecords::Srv => self.read_targets(service, &name).await?,
            };
            if let Time::Records(_) = found.time {
                return Ok(found);
            }
            time = time.and(found.time);
        }
        Ok(Found { endpoints: Vec::new(), time })
    }

    async fn read_addresses(&self, service: &str, name: &Name, port: u16) -> Result<Found> {
        let addresses = self.addresses(name, &[]).await?;
        let mut gathering = Gathering::new(service, &self.options.protocol);
        let host = shown(name);
        addresses.ips.into_iter().for_each(|ip| gathering.add_address(ip, port, &host));
        Ok(Found { endpoints: gathering.finish(), time: addresses.time })
    }

    async fn read_targets(&self, service: &str, name: &Name) -> Result<Found> {
        let records = match self.records(name, RecordType::SRV).await? {
            Ok(records) => records,
            Err(seconds) => {
                return Ok(Found { endpoints: Vec::new(), time: Time::Nothing(seconds) });
            }
        };
        let of_data = |data: &RData| match data {
            // A target of "." means that there is decidedly no such service (RFC 2782).
            RData::SRV(srv) if !srv.target.is_root() && srv.port != 0 => Some(srv.clone()),
            _ => None,
        };
        let targets: Vec<SRV> = records.data.iter().filter_map(of_data).collect();
        let mut hosts: Vec<&Name> = targets.iter().map(|srv| &srv.target).collect();
        hosts.sort();
        hosts.dedup();
        let mut gathering = Gathering::new(service, &self.options.protocol);
        let mut time = Time::Records(records.ttl);
        for some in hosts.chunks(AT_ONCE) {
            let asked = some.iter().map(|host| self.addresses(host, &records.besides));
            for (host, addresses) in some.iter().zip(all(asked).await) {
                let addresses = addresses?;
                time = time.and(addresses.time);
                for srv in targets.iter().filter(|srv| srv.target == **host) {
                    addresses.ips.iter().for_each(|ip| gathering.add_target(srv, *ip));
                }
            }
        }
        Ok(Found { endpoints: gathering.finish(), time })
    }

    /// The addresses of a host, of the families wanted; out of `besides` where they are there.
    async fn addresses(&self, host: &Name, besides: &[Record]) -> Result<Addresses> {
        // Some registries have service records point to addresses in the form of names.
        if let Ok(ip) = shown(host).parse::<IpAddr>() {
            return Ok(Addresses { ips: vec![ip], time: Time::Records(u32::MAX >> 1) });
        }
        let of = |kind| self.addresses_of(host, kind, besides);
        let (first, second) = match self.options.family {
            IpFamily::Ipv4 => return of(RecordType::A).await,
            IpFamily::Ipv6 => return of(RecordType::AAAA).await,
            IpFamily::Both => {
                let (one, two) = tokio::join!(of(RecordType::A), of(RecordType::AAAA));
                let (mut one, two) = (one?, two?);
                one.ips.extend(two.ips);
                return Ok(Addresses { time: one.time.and(two.time), ..one });
            }
            IpFamily::PreferIpv4 => (RecordType::A, RecordType::AAAA),
            IpFamily::PreferIpv6 => (RecordType::AAAA, RecordType::A),
        };
        let preferred = of(first).await?;
        if !preferred.ips.is_empty() {
            return Ok(preferred);
        }
        let other = of(second).await?;
        Ok(Addresses { time: preferred.time.and(other.time), ..other })
    }

    async fn addresses_of(
        &self,
        host: &Name,
        kind: RecordType,
        besides: &[Record],
    ) -> Result<Addresses> {
        let known = of_name(besides, host).filter(|record| record.record_type() == kind);
        let known: Vec<&Record> = known.collect();
        let (data, time) = if let Some(ttl) = known.iter().map(|record| record.ttl).min() {
            (known.iter().map(|record| record.data.clone()).collect(), Time::Records(ttl))
        } else {
            match self.records(host, kind).await? {
                Ok(records) => (records.data, Time::Records(records.ttl)),
                Err(seconds) => (Vec::new(), Time::Nothing(seconds)),
            }
        };
        let ips = data.into_iter().filter_map(|data| match data {
            RData::A(A(ip)) => Some(IpAddr::V4(ip)),
            RData::AAAA(AAAA(ip)) => Some(IpAddr::V6(ip)),
            _ => None,
        });
        Ok(Addresses { ips: ips.collect(), time })
    }

    /// The records of a name, or for how long there are none; aliases that a server leaves open are asked
    /// for.
    async fn records(&self, name: &Name, kind: RecordType) -> Result<Result<Records, Option<u32>>> {
        let (mut at, mut least) = (name.clone(), u32::MAX);
        for _ in 0..MOST_ALIASES {
            match self.servers.ask(&at, kind).await? {
                Answer::Records(records) => {
                    return Ok(Ok(Records { ttl: records.ttl.min(least), ..records }));
                }
                Answer::Nothing(seconds) => return Ok(Err(seconds)),
                Answer::Alias { target, ttl } => (at, least) = (target, least.min(ttl)),
            }
        }
        let text =
            format!("dns: name {name}, type {kind}: more than {MOST_ALIASES} aliases in a row");
        Err(Error::new(ErrorKind::Provider, text))
    }
}

/// The results of all futures, which run side by side.
async fn all<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut waiting: Vec<Pin<Box<_>>> = futures.map(Box::pin).collect();
    let mut results: Vec<Option<T>> = waiting.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, result) in waiting.iter_mut().zip(&mut results) {
            if result.is_none()
                && let Poll::Ready(value) = future.as_mut().poll(context)
            {
                *result = Some(value);
            }
        }
        if results.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    results.into_iter().flatten().collect()
}

/// How many targets are asked for at once: enough for most services, too few to flood a server.
const AT_ONCE: usize = 16;
