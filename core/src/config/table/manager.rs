//! The options of a manager: the seed's `ManagerConfig`, extended.

use std::time::Duration;

use super::{DAY, LIMIT, MILLISECOND, POLICY, WAIT};
use crate::endpoint::document::{Kind, Preset, Row};

/// The manager document.
pub(crate) const MANAGER: &[Row] = &[
    Row::new(
        "default_provider",
        Kind::text(512),
        Preset::Is("\"memory\""),
        "The provider whose endpoints serve calls that name none. Where none of this name is registered, the embedded one serves and a warning is logged once.",
    ),
    Row::new(
        "retry_attempts",
        Kind::integer(0, 100),
        Preset::Is("3"),
        "`max_retries` of policies that don't give their own: attempts after the first one. 0 never retries.",
    ),
    Row::new(
        "retry_delay",
        WAIT,
        Preset::Is("\"100ms\""),
        "`retry_delay` of policies that don't give their own: first ceiling of the random wait before a retry. 0 retries at once.",
    ),
    Row::new(
        "timeout",
        LIMIT,
        Preset::Is("\"30s\""),
        "`timeout` of policies that don't give their own: longest time of a whole call.",
    ),
    Row::new(
        "fallback_enabled",
        Kind::Flag,
        Preset::Is("true"),
        "Whether a call goes on with the same service of the next provider when its own has no usable endpoint; its result says that a fallback served. Off, such a call fails. The last good set of a provider that cannot be read serves either way.",
    ),
    Row::new(
        "metadata",
        Kind::Labels,
        Preset::Is("{}"),
        "Labels of the manager; the library only gives them back.",
    ),
    Row::section("failover", POLICY, "The policy of pools that have no other."),
    Row::new(
        "providers",
        Kind::Sections(PROVIDER),
        Preset::Is("{}"),
        "Providers by name, made together with the manager in the order of their names, after the embedded one (`memory`) and before those that the program registers. In that order they serve in each other's place.",
    ),
    Row::new(
        "seed",
        Kind::integer(0, i64::MAX.unsigned_abs()),
        Preset::Absent("random"),
        "Seed of every random choice: the same seed, clock and inputs give the same picks. Leave it out in production, so that clients don't act in step.",
    ),
    Row::new(
        "clock",
        Kind::choice(&["system", "manual"]),
        Preset::Is("\"system\""),
        "`system` is the machine's time; `manual` stands still until `advance` moves it, for tests.",
    ),
    Row::new(
        "auto_advance",
        Kind::Flag,
        Preset::Is("false"),
        "Whether a waiting call moves a manual clock itself. Off, a test with a single thread must move it, or its waits never end.",
    ),
    Row::new(
        "fork_policy",
        Kind::choice(&["restart", "error"]),
        Preset::Is("\"restart\""),
        "What a forked child finds: `restart` goes on with the same endpoints, and background work that ran in the parent is started again at once; `error` refuses changes and new pools there (`forked`), ends picks and calls as on a closed manager (`closed`), and lets what is known be read.",
    ),
    Row::new(
        "log_level",
        Kind::choice(&["off", "error", "warn", "info", "debug", "trace"]),
        Preset::Is("\"warn\""),
        "The least severe log record that is kept for the program. What there is to say so far are warnings; what happens to calls and endpoints are events.",
    ),
    Row::new(
        "max_concurrent_checks",
        Kind::integer(1, 10_000),
        Preset::Is("64"),
        "Health checks that run at once. Few delay checks behind endpoints that hang; many need as many sockets.",
    ),
];

/// One provider.
const PROVIDER: &[Row] = &[
    Row::new(
        "type",
        Kind::Choice { names: &["memory", "file"], reserved: &["consul", "kubernetes", "dns"] },
        Preset::Required,
        "Where the endpoints come from: `memory`, registered by the program, or `file`, a document that is read again when it changes.",
    ),
    Row::new(
        "path",
        Kind::text(4096),
        Preset::Absent("only for types other than `file`"),
        "Path of the document; required for `file`, and only there.",
    ),
    Row::new(
        "format",
        Kind::choice(&["json", "toml"]),
        Preset::Absent("TOML for a name that ends in `.toml`, else JSON"),
        "How the document is written; for `file` only.",
    ),
    Row::new(
        "poll_interval",
        Kind::duration(Duration::from_millis(10), DAY),
        Preset::Is("\"1s\""),
        "How often the file is looked at for a change; for `file` only. Short costs file system calls; long finds changes late.",
    ),
    Row::new(
        "empty_grace",
        WAIT,
        Preset::Is("\"30s\""),
        "How long an empty set must last before it is believed; for `file` only, since an empty set of the program's own is always believed. 0 believes it at once, so that a half-written file takes all endpoints away.",
    ),
    Row::new(
        "max_staleness",
        Kind::duration(MILLISECOND, Duration::from_secs(365 * 24 * 3600)),
        Preset::Absent("the last good set never expires"),
        "How long the last good set is used while the provider fails; for `file` only. Short turns a failure of discovery into an outage.",
    ),
    Row::new(
        "coalesce",
        Kind::duration(Duration::ZERO, Duration::from_secs(60)),
        Preset::Is("\"100ms\""),
        "After a change applied at once, its followers within this time apply together; for `file` only. 0 applies each by itself; long delays what comes second.",
    ),
];
