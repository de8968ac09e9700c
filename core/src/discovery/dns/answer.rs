//! What a server's answer says, or why it says nothing that may be believed.
//!
//! "There is no such name" empties a set, once its grace is over; so only an answer that says exactly
//! that counts as one. Everything else, a mere pointer to other servers too, is a failure to answer.

use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::op::{DnsResponse, Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::CNAME;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

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

/// Reads what came for a question; the error says what the server did.
pub(super) fn read(
    came: Result<DnsResponse, NetError>,
    name: &Name,
    kind: RecordType,
) -> Result<Answer, String> {
    match came {
        Ok(response) => follow(&response, name, kind),
        Err(NetError::Dns(DnsError::NoRecordsFound(nothing))) => absence(&nothing),
        Err(NetError::Dns(DnsError::ResponseCode(code))) => Err(answered(code)),
        Err(NetError::Timeout) => Err("did not answer in time".to_owned()),
        Err(NetError::Io(error)) => Err(format!("can't be reached: {error}")),
        Err(NetError::Proto(error)) => Err(format!("sent what is no DNS message: {error}")),
        Err(error) => Err(format!("gave no answer: {error}")),
    }
}

/// True for a refusal of the newer form of queries (EDNS), which a server may know in the older one.
pub(super) fn is_refusal_of_form(came: &Result<DnsResponse, NetError>) -> bool {
    let code = match came {
        Err(NetError::Dns(DnsError::ResponseCode(code))) => code,
        _ => return false,
    };
    matches!(code, ResponseCode::FormErr | ResponseCode::NotImp | ResponseCode::BADVERS)
}

fn absence(nothing: &NoRecords) -> Result<Answer, String> {
    let is_sure = matches!(nothing.response_code, ResponseCode::NXDomain | ResponseCode::NoError);
    if !is_sure {
        return Err(answered(nothing.response_code));
    }
    if nothing.response_code == ResponseCode::NoError
        && nothing.soa.is_none()
        && nothing.ns.is_some()
    {
        return Err("only names other servers to ask".to_owned());
    }
    Ok(Answer::Nothing(nothing.negative_ttl))
}

/// Goes along the aliases of an answer to the records at their end.
fn follow(response: &DnsResponse, name: &Name, kind: RecordType) -> Result<Answer, String> {
    let message: &Message = response;
    let code = message.response_code;
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
    let of_name = message.answers.iter().filter(|record| record.name == name);
    for record in of_name.filter(|record| record.record_type() == kind) {
        ttl = ttl.min(record.ttl);
        data.push(record.data.clone());
    }
    if !data.is_empty() {
        let besides = message.additionals.clone();
        return Ok(Answer::Records(Records { data, ttl, besides }));
    }
    let is_end = response.soa().is_some() || code == ResponseCode::NXDomain;
    if aliases > 0 && !is_end {
        return Ok(Answer::Alias { target: name, ttl });
    }
    Ok(Answer::Nothing(response.negative_ttl()))
}

fn alias<'a>(answers: &'a [Record], name: &Name) -> Option<(&'a Name, u32)> {
    answers.iter().filter(|record| record.name == *name).find_map(|record| match &record.data {
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
