//! What went wrong with a question, sorted by what can be done about it.

use crate::clock::Nanos;
use crate::error::{Error, ErrorKind};

/// What can be done about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Ask again, best another agent.
    Unavailable,
    /// The token is wrong or may not do this; it may be exchanged.
    Denied,
    /// The question itself is wrong, for every agent.
    Refused,
}

impl Class {
    /// True if the same question to another agent may succeed.
    pub(super) const fn may_another_agent_do_better(self) -> bool {
        matches!(self, Self::Unavailable)
    }
}

/// A question that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) class: Class,
    /// In words that hold no token.
    pub(super) reason: String,
    /// How long the agent asked to be left alone.
    pub(super) hint: Nanos,
    /// The status of the answer, if there was one.
    pub(super) status: Option<u16>,
}

impl Failure {
    pub(super) fn new(class: Class, reason: impl Into<String>) -> Self {
        Self { class, reason: reason.into(), hint: 0, status: None }
    }

    pub(super) fn unavailable(reason: impl Into<String>) -> Self {
        Self::new(Class::Unavailable, reason)
    }

    /// The error that the program sees, which names the provider and the agent.
    pub(super) fn at(&self, agent: &impl std::fmt::Display) -> Error {
        Error::new(ErrorKind::Provider, format!("consul at {agent}: {}", self.reason))
    }

    /// The failure that an answer with another status than 200 means.
    pub(super) fn of_status(status: u16, body: &str, hint: Nanos) -> Self {
        let class = match status {
            401 | 403 => Class::Denied,
            // Not 404: servers that restart have been seen to say it.
            400 | 405 | 414 => Class::Refused,
            // A filter that isn't one: an error of the server up to 1.8, of the client later.
            500 if body.contains("boolean expression") => Class::Refused,
            _ => Class::Unavailable,
        };
        let said = clipped(body);
        let reason = match status {
            300..=399 => format!("status {status}: a redirect, which isn't followed"),
            _ if said.is_empty() => format!("status {status}"),
            _ => format!("status {status}: {said}"),
        };
        Self { class, reason, hint, status: Some(status) }
    }
}

/// The first line of what a server says, short enough for an event, without control characters.
pub(super) fn clipped(text: &str) -> String {
    let first = text.trim().lines().next().unwrap_or_default();
    first.chars().filter(|sign| !sign.is_control()).take(LONGEST_REASON).collect()
}

/// Beyond this, a message is an essay.
const LONGEST_REASON: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_sorted_by_what_can_be_done() {
        for (status, class) in [
            (403, Class::Denied),
            (401, Class::Denied),
            (400, Class::Refused),
            (500, Class::Unavailable),
            (429, Class::Unavailable),
            (404, Class::Unavailable),
            (301, Class::Unavailable),
        ] {
            assert_eq!(Failure::of_status(status, "", 0).class, class, "{status}");
        }
        let filter = Failure::of_status(500, "Failed to create boolean expression evaluator", 0);
        assert_eq!(filter.class, Class::Refused);
    }

    #[test]
    fn the_words_are_the_servers_first_line_and_name_the_agent() {
        let failure = Failure::of_status(500, "No path to datacenter\n\u{1b}[2J", 0);
        let moved = Failure::of_status(301, "<a href=\"http://other/?token=t\">", 0);

        let error = failure.at(&"http://127.0.0.1:8500");

        assert_eq!(
            error.to_string(),
            "consul at http://127.0.0.1:8500: status 500: No path to datacenter"
        );
        assert_eq!(moved.reason, "status 301: a redirect, which isn't followed");
        assert_eq!(clipped("a\u{7}b"), "ab");
        assert_eq!(clipped(&"x".repeat(1_000)).len(), 200);
    }
}
