//! The fields of an endpoint, as rows: the seed's `ServiceEndpoint` and `HealthCheck`, extended.

use std::time::Duration;

use super::check::MAX_WEIGHT;
use super::row::{Kind, Preset, Row};

/// The keys of a document that isn't just a list; the list is read endpoint by endpoint.
pub(super) const ENDPOINTS: &[Row] =
    &[Row::new("endpoints", Kind::Any, Preset::Required, "The endpoints.")];

/// One endpoint.
pub(crate) const ENDPOINT: &[Row] = &[
    Row::new(
        "id",
        Kind::text(MAX_ID),
        Preset::Required,
        "What tells the endpoint from all others of its provider, 1 to 512 bytes.",
    ),
    Row::new(
        "name",
        Kind::Text { min: 0, max: MAX_ID },
        Preset::Is("\"\""),
        "The service that the endpoint belongs to.",
    ),
    Row::new("address", Kind::text(255), Preset::Required, "Host name or IP address."),
    Row::new(
        "port",
        Kind::Port,
        Preset::Absent("none, as 0"),
        "Port, 1 to 65535. 0 only for protocols other than `http`, `https` and `tcp`, and where no check needs one.",
    ),
    Row::new(
        "protocol",
        Kind::text(64),
        Preset::Is("\"http\""),
        "`http`, `https`, `tcp`, or any other name in lower case that the program understands.",
    ),
    Row::new(
        "health_check",
        Kind::Section(HEALTH_CHECK),
        Preset::Absent("never checked"),
        "How to check the endpoint; `{}` is a plain request for `/health`.",
    ),
    Row::new(
        "metadata",
        Kind::Labels,
        Preset::Is("{}"),
        "Named labels, text only. `zone`, `region`, and `latitude` with `longitude` in degrees tell where the endpoint stands.",
    ),
    Row::new("tags", Kind::Texts, Preset::Is("[]"), "Labels without a value."),
    Row::new(
        "weight",
        Kind::integer(0, MAX_WEIGHT),
        Preset::Absent("counts as 1"),
        "Share of the load in relation to the others'. 0 gives no new traffic.",
    ),
    Row::new(
        "priority",
        Kind::integer(0, MAX_WEIGHT),
        Preset::Is("0"),
        "Tier; 0 is most preferred, the next one serves when no endpoint of this one can.",
    ),
    Row::new(
        "created_at",
        Kind::WallTime,
        Preset::Absent("the time of registration"),
        "When the endpoint was registered; given, it stays.",
    ),
    Row::new(
        "updated_at",
        Kind::WallTime,
        Preset::Absent("the time of registration"),
        "When its description last changed, set by the library: what is given is not taken over.",
    ),
];

/// How to check an endpoint.
const HEALTH_CHECK: &[Row] = &[
    Row::new(
        "type",
        Kind::Choice { names: &["auto", "http", "https", "tcp", "custom"], reserved: &["grpc"] },
        Preset::Is("\"auto\""),
        "What is asked: an HTTP or HTTPS request, a TCP connection, or the program's own function. `auto` follows the endpoint's protocol, with `tcp` for those that aren't HTTP.",
    ),
    Row::new("path", Kind::text(8192), Preset::Absent("`/health`"), "Path of the request."),
    Row::new("method", Kind::text(64), Preset::Absent("`GET`"), "Method of the request."),
    Row::new(
        "headers",
        Kind::Secrets,
        Preset::Is("{}"),
        "Headers of the request; their values are never shown.",
    ),
    Row::new("body", Kind::Secret, Preset::Absent("none"), "Body of the request; never shown."),
    Row::new(
        "port",
        Kind::integer(1, 65_535),
        Preset::Absent("the endpoint's"),
        "Port that answers checks, when it isn't the endpoint's own.",
    ),
    Row::new(
        "interval",
        Kind::duration(Duration::from_millis(10), DAY),
        Preset::Absent("the policy's `health.interval`"),
        "Time between two checks. Short loads the endpoint; long finds failures late.",
    ),
    Row::new(
        "timeout",
        Kind::duration(Duration::from_millis(1), DAY),
        Preset::Absent("the policy's `health.timeout`"),
        "Longest time of one check, after which it is a bad one.",
    ),
    Row::new(
        "expected_statuses",
        Kind::Statuses,
        Preset::Is("[]"),
        "Statuses that count as healthy, such as `[204, \"300-399\"]`; an empty list means 200 to 399.",
    ),
    Row::new(
        "expected_body",
        Kind::text(65_536),
        Preset::Absent("any"),
        "Text that the answer's body must contain.",
    ),
    Row::new(
        "ca_file",
        Kind::text(4096),
        Preset::Absent("the usual authorities"),
        "PEM file of the certificate authorities to trust, in place of the usual ones.",
    ),
    Row::new(
        "client_cert_file",
        Kind::text(4096),
        Preset::Absent("none"),
        "PEM file of the client's certificate chain, together with `client_key_file`.",
    ),
    Row::new(
        "client_key_file",
        Kind::text(4096),
        Preset::Absent("none"),
        "PEM file of the client's private key, together with `client_cert_file`.",
    ),
    Row::new(
        "reuse_connection",
        Kind::Flag,
        Preset::Is("false"),
        "Whether the connection is kept between two checks. Kept, a check doesn't notice that new connections fail.",
    ),
];

/// Longest id or name in bytes.
pub(super) const MAX_ID: usize = 512;
const DAY: Duration = Duration::from_secs(24 * 3600);
