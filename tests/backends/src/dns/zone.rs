//! What a server answers: records by name, and manners.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use hickory_proto::rr::rdata::{A, AAAA, CNAME, SRV};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::data::DnsData;
use super::mode::DnsMode;
use crate::fault::invalid;

/// The records and manners of one server.
#[derive(Debug, Default)]
pub(super) struct Zone {
    records: BTreeMap<Name, Vec<Record>>,
    pub(super) mode: DnsMode,
    pub(super) modes: BTreeMap<Name, DnsMode>,
    /// How long an absence may be believed, in seconds.
    pub(super) negative_ttl: Option<u32>,
}

/// What a zone holds for a question.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) answers: Vec<Record>,
    pub(super) additionals: Vec<Record>,
    /// Whether the last name looked at exists.
    pub(super) is_known: bool,
}

impl Zone {
    /// Replaces everything that is known of a name.
    pub(super) fn put(&mut self, name: &str, ttl: u32, data: &[DnsData]) -> io::Result<()> {
        let name = absolute(name)?;
        let records = data.iter().map(|data| record(&name, ttl, data));
        let records = records.collect::<io::Result<Vec<Record>>>()?;
        self.records.insert(name, records);
        Ok(())
    }

    /// Forgets a name.
    pub(super) fn remove(&mut self, name: &str) -> io::Result<()> {
        self.records.remove(&absolute(name)?);
        Ok(())
    }

    /// The manners towards queries of a name.
    pub(super) fn mode_of(&self, name: &Name) -> DnsMode {
        self.modes.get(name).copied().unwrap_or(self.mode)
    }

    /// Finds the records of a type, following aliases unless the server is terse.
    pub(super) fn find(&self, name: &Name, kind: RecordType, is_terse: bool) -> Found {
        let mut found = Found::default();
        let mut name = name.clone();
        let mut seen = BTreeSet::new();
        while seen.insert(name.clone()) {
            let of_name = self.records.get(&name).map_or(&[][..], Vec::as_slice);
            found.is_known = self.records.contains_key(&name);
            found.answers.extend(of_name.iter().filter(|r| r.record_type() == kind).cloned());
            let alias = of_name.iter().find(|r| r.record_type() == RecordType::CNAME);
            let Some(alias) = alias.filter(|_| kind != RecordType::CNAME) else { break };
            found.answers.push(alias.clone());
            match &alias.data {
                RData::CNAME(CNAME(target)) if !is_terse => name = target.clone(),
                _ => break,
            }
        }
        if !is_terse {
            found.additionals = self.addresses_of_targets(&found.answers);
        }
        found
    }

    fn addresses_of_targets(&self, answers: &[Record]) -> Vec<Record> {
        let targets: BTreeSet<&Name> = answers
            .iter()
            .filter_map(|record| match &record.data {
                RData::SRV(srv) => Some(&srv.target),
                _ => None,
            })
            .collect();
        let is_address = |r: &&Record| matches!(r.data, RData::A(_) | RData::AAAA(_));
        let of = |name| self.records.get(name).into_iter().flatten().filter(is_address).cloned();
        targets.into_iter().flat_map(of).collect()
    }
}

/// Reads a name, taken as absolute with and without its last dot.
pub(super) fn absolute(name: &str) -> io::Result<Name> {
    let read = Name::from_ascii(name);
    let mut read = read.map_err(|_| invalid(format!("name: expected a DNS name, got {name:?}")))?;
    read.set_fqdn(true);
    Ok(read.to_lowercase())
}

fn record(name: &Name, ttl: u32, data: &DnsData) -> io::Result<Record> {
    let data = match data {
        DnsData::A(ip) => RData::A(A(*ip)),
        DnsData::Aaaa(ip) => RData::AAAA(AAAA(*ip)),
        DnsData::Cname(target) => RData::CNAME(CNAME(absolute(target)?)),
        DnsData::Srv { priority, weight, port, target } => {
            RData::SRV(SRV::new(*priority, *weight, *port, absolute(target)?))
        }
    };
    Ok(Record::from_rdata(name.clone(), ttl, data))
}
