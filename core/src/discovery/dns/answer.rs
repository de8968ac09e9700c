//! What a server's answer says, or why it says nothing that may be believed.
//!
//! "There is no such name" empties a set, once its grace is over; so only an answer that says exactly
//! that counts as one. Everything else, a mere pointer to other servers too, is a failure to answer.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::CNAME;
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

/// What a server says about a question.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// The records asked for.
    Records(Records),
    /// There are none; with how long that may be believed, in seconds.
    Nothing(Option<u32>),
    /// The name is another name's alias, and the server doesn't say what is there.
    Alias {
        /// The name to ask for.
        target: Name,
        /// How long the alias is good, in seconds.
        ttl: u32,
    },
}

/// The records asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Records {
    pub(super) data: Vec<RData>,
    /// How long all of them are good, in seconds, and every alias on the way.
    pub(super) ttl: u32,
    /// What the server knows besides.
    pub(super) besides: Vec<Record>,
}

/// Reads an answer; the error says what the server did.
///
/// Goes along the aliases in it to the records at their end.
pub(super) fn read(message: &Message, name: &Name, kind: RecordType) -> Result<Answer, String> {
    let code = message.metadata.response_code;
    if !matches!(code, ResponseCode::NoError | ResponseCode::NXDomain) {
        return Err(answered(code));
    }
    let mut name = name.clone();
    let mut ttl = u32::MAX;
    let mut aliases = 0;
    while let Some((target, seconds)) = alias(&message.answers, &name) {
        aliases += 1;
        if aliases > MOST_ALIASES {
            return Err(format!("answered with more than {MOST_ALIASES} aliases in a row"));
        }
        ttl = ttl.min(seconds);
        name = target.clone();
    }
    let mut data = Vec::new();
    for record in of_name(&message.answers, &name).filter(|r| r.record_type() == kind) {
        ttl = ttl.min(record.ttl);
        data.push(record.data.clone());
    }
    if !data.is_empty() {
        let besides = message.additionals.clone();
        return Ok(Answer::Records(Records { data, ttl, besides }));
    }
    let negative_ttl = negative_ttl(&message.authorities);
    if code == ResponseCode::NXDomain || negative_ttl.is_some() {
        return Ok(Answer::Nothing(negative_ttl));
    }
    if aliases > 0 {
        return Ok(Answer::Alias { target: name, ttl });
    }
    if message.authorities.iter().any(|record| record.record_type() == RecordType::NS) {
        return Err("only names other servers to ask".to_owned());
    }
    Ok(Answer::Nothing(None))
}

/// How long an absence may be believed (RFC 2308), if the zone says it.
fn negative_ttl(authorities: &[Record]) -> Option<u32> {
    authorities.iter().find_map(|record| match &record.data {
        RData::SOA(soa) => Some(record.ttl.min(soa.minimum)),
        _ => None,
    })
}

/// The records of a name, of the one class that there is today.
pub(super) fn of_name<'a>(
    records: &'a [Record],
    name: &'a Name,
) -> impl Iterator<Item = &'a Record> {
    records.iter().filter(move |record| record.name == *name && record.dns_class == DNSClass::IN)
}

fn alias<'a>(answers: &'a [Record], name: &'a Name) -> Option<(&'a Name, u32)> {
    of_name(answers, name).find_map(|record| match &record.data {
        RData::CNAME(CNAME(target)) => Some((target, record.ttl)),
        _ => None,
    })
}

fn answered(code: ResponseCode) -> String {
    let name = match code {
        ResponseCode::FormErr => "FORMERR",
        ResponseCode::ServFail => "SERVFAIL",
        ResponseCode::NotImp => "NOTIMP",
        ResponseCode::Refused => "REFUSED",
        ResponseCode::NotAuth => "NOTAUTH",
        other => return format!("answered with code {} ({other})", u16::from(other)),
    };
    format!("answered {name}")
}

/// Longer rows are circles.
pub(super) const MOST_ALIASES: usize = 16;
