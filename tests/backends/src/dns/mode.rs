//! The ways in which a DNS server can misbehave.

/// How a DNS server treats queries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DnsMode {
    /// Answers from the zone: records, aliases followed, service targets' addresses added; NXDOMAIN
    /// for a name that it lacks. What is too long for UDP is cut short and marked so.
    #[default]
    Answer,
    /// As [`Self::Answer`], but says no more than the records asked for: no alias is followed, and no
    /// address is added.
    Terse,
    /// Answers SERVFAIL.
    ServFail,
    /// Answers REFUSED.
    Refused,
    /// Answers FORMERR to queries that use EDNS, as servers from before 1999 do.
    Old,
    /// Names other servers to ask, as one does that was mistaken for a resolver.
    Referral,
    /// Sends two forged answers before the right one: with another number, and to another question.
    Forged,
    /// As [`Self::Answer`] by UDP; by TCP it sends half an answer and closes.
    Cut,
    /// Answers with bytes that are no message, except for the query's number.
    Garbage,
    /// Never answers.
    Silent,
}
