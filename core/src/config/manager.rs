//! The manager's options, typed, and those of the providers that it makes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::document::{Inherited, Policy};
use super::table::MANAGER;
use super::{contradiction, parse};
use crate::endpoint::document::{Format, Reader, check, fill};
use crate::error::Result;
use crate::events::Level;

/// What a manager is made from.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ManagerConfig {
    /// The provider whose endpoints serve calls that name none.
    pub default_provider: String,
    /// Attempts after the first one, for policies that don't say.
    pub retry_attempts: u32,
    /// First ceiling of the wait before a retry, for policies that don't say.
    pub retry_delay: Duration,
    /// Longest time of a whole call, for policies that don't say.
    pub timeout: Duration,
    /// Whether a call goes on with the next provider when its own has nobody.
    pub has_fallback: bool,
    /// Labels of the manager.
    pub metadata: BTreeMap<String, String>,
    /// The policy of pools that have no other.
    pub failover: Policy,
    /// Providers to make, by name.
    pub providers: BTreeMap<String, ProviderConfig>,
    /// Seed of every random choice; absent means random.
    pub seed: Option<u64>,
    /// Whose time it is.
    pub clock: ClockKind,
    /// What a forked child finds.
    pub fork_policy: ForkPolicy,
    /// The least severe log record that is kept.
    pub log_level: Level,
    /// Health checks that run at once.
    pub max_concurrent_checks: u32,
    document: Map<String, Value>,
}

/// Whose time a manager goes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClockKind {
    /// The machine's.
    #[default]
    System,
    /// The program's, which moves it by hand.
    Manual {
        /// Whether a waiting call moves it itself.
        auto_advance: bool,
    },
}

/// What a forked child finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForkPolicy {
    /// A manager that goes on.
    #[default]
    Restart,
    /// A manager that refuses changes and serves no more, and can still be read.
    Error,
}

/// One provider to make.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderConfig {
    /// Where the endpoints come from.
    pub kind: ProviderKind,
    /// How long an empty set must last before it is believed.
    pub empty_grace: Duration,
    /// How long the last good set is used while the provider fails; absent means for ever.
    pub max_staleness: Option<Duration>,
    /// After a change applied at once, its followers within this time apply together.
    pub coalesce: Duration,
}

impl Default for ProviderConfig {
    fn default() -> Self {
        Self {
            kind: ProviderKind::Memory,
            empty_grace: Duration::from_secs(30),
            max_staleness: None,
            coalesce: Duration::from_millis(100),
        }
    }
}

/// Where a provider's endpoints come from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProviderKind {
    /// The program registers them.
    Memory,
    /// A document that is read again when it changes.
    File {
        /// Path of the document.
        path: String,
        /// How it is written.
        format: Format,
        /// How often it is looked at for a change.
        poll_interval: Duration,
    },
}

impl Default for ManagerConfig {
    fn default() -> Self {
        Self::assemble(&Map::new())
    }
}

impl ManagerConfig {
    /// Reads a JSON document; what it doesn't say is the default.
    ///
    /// # Errors
    ///
    /// As [`Policy::from_json`].
    ///
    /// # Examples
    ///
    /// ```
    /// use failover::config::ManagerConfig;
    ///
    /// let config = ManagerConfig::from_json(r#"{ "failover": { "strategy": "random" } }"#)?;
    /// assert_eq!(config.retry_attempts, 3);
    /// # Ok::<(), failover::Error>(())
    /// ```
    pub fn from_json(text: &str) -> Result<Self> {
        Self::read(text, Format::Json)
    }

    /// Reads a TOML document; what it doesn't say is the default.
    ///
    /// # Errors
    ///
    /// As [`Policy::from_json`].
    pub fn from_toml(text: &str) -> Result<Self> {
        Self::read(text, Format::Toml)
    }

    /// Every option with the value in effect.
    #[must_use]
    pub fn to_json(&self) -> Value {
        Value::Object(self.document.clone())
    }

    /// What is allowed but probably not meant.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.failover.warnings
    }

    pub(super) fn inherited(&self) -> Inherited {
        Inherited {
            retry_attempts: self.retry_attempts,
            retry_delay: self.retry_delay,
            timeout: self.timeout,
        }
    }

    fn read(text: &str, format: Format) -> Result<Self> {
        let value = parse::read(text, format)?;
        let mut faults = Vec::new();
        let given = check(MANAGER, &value, "", &mut faults);
        let config = Self::assemble(&given);
        contradiction::in_policy(&config.failover, "failover", &mut faults);
        contradiction::in_manager(Reader(&given), &mut faults);
        parse::finish(config, faults)
    }

    fn assemble(given: &Map<String, Value>) -> Self {
        let mut document = fill(MANAGER, given);
        let read = Reader(&document);
        let inherited = Inherited {
            retry_attempts: read.integer("retry_attempts"),
            retry_delay: read.duration("retry_delay"),
            timeout: read.duration("timeout"),
        };
        let policy = given.get("failover").and_then(Value::as_object).cloned();
        let failover = Policy::assemble(policy.unwrap_or_default(), inherited);
        let config = Self {
            default_provider: read.owned("default_provider").unwrap_or_default(),
            retry_attempts: inherited.retry_attempts,
            retry_delay: inherited.retry_delay,
            timeout: inherited.timeout,
            has_fallback: read.flag("fallback_enabled"),
            metadata: read.labels("metadata"),
            providers: read
                .map("providers", |value| value.as_object().map(|o| provider(Reader(o)))),
            seed: read.some_integer("seed"),
            clock: match read.text("clock") {
                Some("manual") => ClockKind::Manual { auto_advance: read.flag("auto_advance") },
                _ => ClockKind::System,
            },
            fork_policy: match read.text("fork_policy") {
                Some("error") => ForkPolicy::Error,
                _ => ForkPolicy::Restart,
            },
            log_level: read.text("log_level").and_then(Level::from_name).unwrap_or_default(),
            max_concurrent_checks: read.integer("max_concurrent_checks"),
            document: Map::new(),
            failover,
        };
        document.insert("failover".to_owned(), config.failover.to_json());
        // What has no effect isn't in effect.
        let providers = document.get_mut("providers").and_then(Value::as_object_mut);
        for provider in providers.into_iter().flat_map(Map::values_mut) {
            if provider["type"] == "memory"
                && let Some(options) = provider.as_object_mut()
            {
                options.retain(|name, _| !contradiction::ONLY_FILE.contains(&&**name));
            }
        }
        Self { document, ..config }
    }
}

impl Default for Inherited {
    fn default() -> Self {
        let full = fill(MANAGER, &Map::new());
        let read = Reader(&full);
        Self {
            retry_attempts: read.integer("retry_attempts"),
            retry_delay: read.duration("retry_delay"),
            timeout: read.duration("timeout"),
        }
    }
}

fn provider(read: Reader<'_>) -> ProviderConfig {
    let path = read.owned("path").unwrap_or_default();
    let format = match read.text("format") {
        Some("toml") => Format::Toml,
        Some("json") => Format::Json,
        _ => Format::of_path(&path),
    };
    let poll_interval = read.duration("poll_interval");
    ProviderConfig {
        kind: match read.text("type") {
            Some("file") => ProviderKind::File { path, format, poll_interval },
            _ => ProviderKind::Memory,
        },
        empty_grace: read.duration("empty_grace"),
        max_staleness: read.some_duration("max_staleness"),
        coalesce: read.duration("coalesce"),
    }
}
