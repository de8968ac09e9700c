//! What is sent back for a query: a plain function of the zone.

use hickory_proto::op::{Edns, Message, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, NS, SOA};
use hickory_proto::rr::{Name, RData, Record};

use super::mode::DnsMode;
use super::zone::Zone;

/// How a query arrived, which limits the length of what is sent back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Udp,
    Tcp,
}

/// What to send back; nothing from a server that keeps silent or can't make sense of the query.
pub(super) fn reply(zone: &Zone, query: &Message, transport: Transport) -> Vec<Vec<u8>> {
    let Some(question) = query.queries.first() else { return Vec::new() };
    let mode = zone.mode_of(&question.name().to_lowercase());
    let mut message = empty(query);
    message.add_query(question.clone());
    match mode {
        DnsMode::Silent => return Vec::new(),
        DnsMode::Garbage => return vec![garbage(query.id)],
        DnsMode::ServFail => message.metadata.response_code = ResponseCode::ServFail,
        DnsMode::Refused => message.metadata.response_code = ResponseCode::Refused,
        DnsMode::Old if query.edns.is_some() => {
            message.metadata.response_code = ResponseCode::FormErr;
        }
        DnsMode::Referral => refer(&mut message),
        DnsMode::Answer | DnsMode::Old | DnsMode::Forged | DnsMode::Cut => {
            answer(&mut message, zone, question, false);
        }
        DnsMode::Terse => answer(&mut message, zone, question, true),
    }
    if query.edns.is_some() && message.response_code != ResponseCode::FormErr {
        message.set_edns(Edns::new());
    }
    let mut sent = if mode == DnsMode::Forged { forged(query, question) } else { Vec::new() };
    sent.push(message);
    sent.into_iter().filter_map(|message| encode(message, query, transport)).collect()
}

fn empty(query: &Message) -> Message {
    let mut message = Message::response(query.id, query.op_code);
    message.metadata.recursion_desired = query.recursion_desired;
    message.metadata.recursion_available = true;
    message
}

/// Answers that no client may believe.
fn forged(query: &Message, question: &Query) -> Vec<Message> {
    let wrong = |question: &Query| {
        let mut message = empty(query);
        message.add_query(question.clone());
        let data = RData::A(A::new(10, 6, 6, 6));
        message.add_answer(Record::from_rdata(question.name().clone(), 3_600, data));
        message
    };
    let mut with_other_number = wrong(question);
    with_other_number.metadata.id = query.id.wrapping_add(1);
    let to_other_question = wrong(&Query::query(Name::root(), question.query_type()));
    vec![with_other_number, to_other_question]
}

fn answer(message: &mut Message, zone: &Zone, question: &Query, is_terse: bool) {
    let found = zone.find(&question.name().to_lowercase(), question.query_type(), is_terse);
    let is_wanted = |record: &Record| record.record_type() == question.query_type();
    // A terse server leaves the end of an alias open.
    let is_open = is_terse && !found.answers.is_empty();
    if !is_open && !found.answers.iter().any(is_wanted) {
        if !found.is_known {
            message.metadata.response_code = ResponseCode::NXDomain;
        }
        if let Some(ttl) = zone.negative_ttl {
            message.add_authority(authority(ttl));
        }
    }
    message.add_answers(found.answers);
    message.add_additionals(found.additionals);
}

fn refer(message: &mut Message) {
    let elsewhere = RData::NS(NS(Name::root()));
    message.metadata.recursion_available = false;
    message.add_authority(Record::from_rdata(Name::root(), 3_600, elsewhere));
}

fn authority(negative_ttl: u32) -> Record {
    let soa = SOA::new(Name::root(), Name::root(), 1, 3_600, 600, 86_400, negative_ttl);
    Record::from_rdata(Name::root(), negative_ttl, RData::SOA(soa))
}

/// The message's bytes, cut short and marked so where UDP can't carry them.
fn encode(mut message: Message, query: &Message, transport: Transport) -> Option<Vec<u8>> {
    let bytes = message.to_vec().ok()?;
    let longest = usize::from(query.max_payload().max(LEAST_UDP));
    if transport == Transport::Tcp || bytes.len() <= longest {
        return Some(bytes);
    }
    message.metadata.truncation = true;
    message.answers.truncate(KEPT);
    message.additionals.clear();
    message.to_vec().ok()
}

fn garbage(id: u16) -> Vec<u8> {
    let mut bytes = id.to_be_bytes().to_vec();
    bytes.extend([0xff; 7]);
    bytes
}

/// What every UDP client takes (RFC 1035).
const LEAST_UDP: u16 = 512;

/// A cut answer still holds some records, as real ones do: whoever believes them has a wrong set.
const KEPT: usize = 2;
