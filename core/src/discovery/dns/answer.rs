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

#[cfg(test)]
mod tests {
    use hickory_proto::op::{OpCode, Query};
    use hickory_proto::rr::rdata::{A, NS, SOA};

    use super::*;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).expect("a name")
    }

    fn answer(records: &[(&str, u32, RData)], authorities: &[RData]) -> Message {
        let mut message = Message::response(1, OpCode::Query);
        message.add_query(Query::query(name("a."), RecordType::A));
        let record = |name: Name, ttl, data: &RData| Record::from_rdata(name, ttl, data.clone());
        let answers = records.iter().map(|(owner, ttl, data)| record(name(owner), *ttl, data));
        message.add_answers(answers);
        message.add_authorities(authorities.iter().map(|data| record(Name::root(), 50, data)));
        message
    }

    fn said(message: &Message) -> Result<Answer, String> {
        read(message, &name("a."), RecordType::A)
    }

    fn address(last: u8) -> RData {
        RData::A(A::new(10, 0, 0, last))
    }

    fn alias_of(target: &str) -> RData {
        RData::CNAME(CNAME(name(target)))
    }

    fn zone(minimum: u32) -> RData {
        RData::SOA(SOA::new(Name::root(), Name::root(), 1, 1, 1, 1, minimum))
    }

    #[test]
    fn only_records_of_the_name_or_of_its_aliases_end_count() {
        let records = [
            ("b.", 30, alias_of("c.")),
            ("A.", 60, alias_of("B.")),
            ("c.", 40, address(1)),
            ("d.", 1, address(2)),
            ("b.", 1, address(3)),
        ];
        let mut message = answer(&records, &[]);
        message.answers.push(Record::from_rdata(name("c."), 1, address(4)));
        message.answers.last_mut().expect("pushed").dns_class = DNSClass::CH;

        let Ok(Answer::Records(found)) = said(&message) else { unreachable!("records") };

        assert_eq!((found.data, found.ttl), (vec![address(1)], 30));
    }

    #[test]
    fn an_absence_counts_where_it_is_said_and_a_hint_to_others_does_not() {
        let elsewhere = RData::NS(NS(Name::root()));
        let open = [("a.", 60, alias_of("b."))];
        let mut absent = answer(&open, &[]);
        absent.metadata.response_code = ResponseCode::NXDomain;

        assert_eq!(said(&answer(&[], &[])), Ok(Answer::Nothing(None)));
        assert_eq!(said(&answer(&[], &[zone(20)])), Ok(Answer::Nothing(Some(20))));
        assert_eq!(said(&answer(&[], &[zone(90)])), Ok(Answer::Nothing(Some(50))));
        assert_eq!(said(&answer(&open, &[zone(20)])), Ok(Answer::Nothing(Some(20))));
        assert_eq!(said(&absent), Ok(Answer::Nothing(None)));
        assert_eq!(said(&answer(&open, &[])), Ok(Answer::Alias { target: name("b."), ttl: 60 }));
        let hint = said(&answer(&[], &[elsewhere]));
        assert_eq!(hint.expect_err("no answer"), "only names other servers to ask");
    }

    #[test]
    fn a_code_is_told_by_its_name_or_its_number_whatever_the_records() {
        for (code, said_so) in [
            (ResponseCode::ServFail, "answered SERVFAIL"),
            (ResponseCode::NotAuth, "answered NOTAUTH"),
            (ResponseCode::Unknown(12), "answered with code 12"),
        ] {
            let mut message = answer(&[("a.", 60, address(1))], &[]);
            message.metadata.response_code = code;

            let cause = said(&message).expect_err("a failure");

            assert!(cause.starts_with(said_so), "{cause}");
        }
    }
}
