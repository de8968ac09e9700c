//! What an API server answers instead of what was asked for.
//!
//! It says so by a `Status` object, with an HTTP status or as an event of a watch that began well. A
//! proxy in between says it in its own words, which are not shown: they may be a page.

use serde::Deserialize;

use crate::clock::Nanos;

/// A refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The HTTP status.
    pub(super) code: u16,
    message: String,
    reason: String,
    /// How long the server wants to be left alone.
    pub(super) retry_after: Option<Nanos>,
    is_of_the_future: bool,
}

impl Refusal {
    /// Reads the answer's body, or an event's object.
    pub(super) fn read(code: u16, body: &[u8]) -> Self {
        let status: Status = serde_json::from_slice(body).unwrap_or_default();
        let is_status = status.kind.as_deref() == Some("Status");
        if !is_status {
            return Self { code, ..Self::default() };
        }
        let details = status.details.unwrap_or_default();
        let message = status.message.unwrap_or_default();
        let is_too_large =
            |cause: &Cause| cause.reason.as_deref() == Some("ResourceVersionTooLarge");
        let is_of_the_future = details.causes.unwrap_or_default().iter().any(is_too_large)
            || message.contains("Too large resource version");
        let seconds = details.retry_after_seconds.filter(|seconds| *seconds > 0);
        Self {
            code: status.code.unwrap_or(code),
            message,
            reason: status.reason.unwrap_or_default(),
            retry_after: seconds.map(|seconds| seconds.saturating_mul(SECOND).min(LONGEST_WAIT)),
            is_of_the_future,
        }
    }

    /// The same, with the `Retry-After` of the answer's head where the body has none.
    pub(super) fn or_after(mut self, header: Option<&str>) -> Self {
        let seconds = header.and_then(|text| text.trim().parse::<u64>().ok()).filter(|s| *s > 0);
        let told = seconds.map(|seconds| seconds.saturating_mul(SECOND).min(LONGEST_WAIT));
        self.retry_after = self.retry_after.or(told);
        self
    }

    /// True if the version that was asked for is too old to be known.
    pub(super) fn is_expired(&self) -> bool {
        self.code == 410
    }

    /// True if the version that was asked for is not there yet: the store was restored from a backup.
    pub(super) fn is_of_the_future(&self) -> bool {
        self.is_of_the_future
    }

    /// True if it is about the server or the credentials, and not about one service.
    pub(super) fn is_general(&self) -> bool {
        match self.code {
            401 | 429 => true,
            504 => !self.is_of_the_future,
            code => code >= 500,
        }
    }

    /// The refusal in words; `verb` is what was asked, `namespace` where.
    pub(super) fn describe(&self, verb: &str, namespace: &str) -> String {
        let said: String = self.message.chars().take(LONGEST_MESSAGE).collect();
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        match self.code {
            401 => format!("status 401: the credentials are not accepted{said}"),
            403 => format!(
                "status 403: may not {verb} endpointslices.discovery.k8s.io \
                 in namespace {namespace:?}{said}"
            ),
            300..=399 => format!("status {}: redirects are not followed", self.code),
            code if self.reason.is_empty() => format!("status {code}{said}"),
            code => format!("status {code} ({}){said}", self.reason),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
struct Status {
    kind: Option<String>,
    code: Option<u16>,
    reason: Option<String>,
    message: Option<String>,
    details: Option<Details>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    retry_after_seconds: Option<u64>,
    causes: Option<Vec<Cause>>,
}

#[derive(Debug, Deserialize)]
struct Cause {
    reason: Option<String>,
}

const SECOND: Nanos = 1_000_000_000;

/// A server that wants to be left alone for longer is asked nevertheless.
const LONGEST_WAIT: Nanos = 60 * SECOND;

/// Longer messages are cut.
const LONGEST_MESSAGE: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_status_says_is_understood() {
        let too_large = r#"{"kind": "Status", "code": 504, "reason": "Timeout", "message": "x",
            "details": {"causes": [{"reason": "ResourceVersionTooLarge"}], "retryAfterSeconds": 1}}"#;
        let timeout = r#"{"kind": "Status", "code": 504, "reason": "Timeout", "message": "slow"}"#;
        let old = r#"{"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}"#;
        let many = r#"{"kind": "Status", "code": 429, "details": {"retryAfterSeconds": 4000}}"#;
        // As an event of a watch: the answer itself had status 200.
        let cases = [
            (504, too_large, 504, [false, true, false], Some(SECOND)),
            (504, timeout, 504, [false, false, true], None),
            (200, old, 410, [true, false, false], None),
            (410, "<html>gone</html>", 410, [true, false, false], None),
            (429, many, 429, [false, false, true], Some(LONGEST_WAIT)),
            (401, "", 401, [false, false, true], None),
            (403, "{}", 403, [false, false, false], None),
            (500, r#"{"kind": "Pod", "code": 1}"#, 500, [false, false, true], None),
            (404, "[]", 404, [false, false, false], None),
        ];
        for (status, body, code, is, retry_after) in cases {
            let refusal = Refusal::read(status, body.as_bytes());

            let [is_expired, is_of_the_future, is_general] = is;
            assert_eq!(refusal.code, code, "{body}");
            assert_eq!(refusal.is_expired(), is_expired, "{body}");
            assert_eq!(refusal.is_of_the_future(), is_of_the_future, "{body}");
            assert_eq!(refusal.is_general(), is_general, "{body}");
            assert_eq!(refusal.retry_after, retry_after, "{body}");
        }
    }

    #[test]
    fn the_head_says_how_long_to_wait_where_the_body_does_not() {
        let told =
            |body: &str, header| Refusal::read(429, body.as_bytes()).or_after(header).retry_after;
        let body = r#"{"kind": "Status", "details": {"retryAfterSeconds": 2}}"#;

        assert_eq!(told("", Some("3")), Some(3 * SECOND));
        assert_eq!(told(body, Some("3")), Some(2 * SECOND));
        assert_eq!(told("", Some("Wed, 21 Oct 2026 07:28:00 GMT")), None);
        assert_eq!(told("", Some("0")), None);
        assert_eq!(told("", None), None);
    }

    #[test]
    fn a_refusal_names_verb_resource_and_namespace_and_shows_no_page() {
        let forbidden = r#"{"kind": "Status", "code": 403, "reason": "Forbidden",
            "message": "User \"u\" cannot list resource"}"#;
        let describe =
            |code, body: &str| Refusal::read(code, body.as_bytes()).describe("list", "shop");

        assert_eq!(
            describe(403, forbidden),
            "status 403: may not list endpointslices.discovery.k8s.io in namespace \"shop\": \
             User \"u\" cannot list resource"
        );
        assert_eq!(describe(502, "<html>Bearer s3cret</html>"), "status 502");
        assert_eq!(describe(302, ""), "status 302: redirects are not followed");
        let internal =
            r#"{"kind": "Status", "code": 500, "reason": "InternalError", "message": "m"}"#;
        assert_eq!(describe(500, internal), "status 500 (InternalError): m");
    }
}
