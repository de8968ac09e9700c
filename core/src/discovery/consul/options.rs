//! How a Consul provider reads: where, as whom, what, and how sure.
//!
//! What an option leaves open the `CONSUL_HTTP_*` variables say, as for every other client of Consul;
//! what is written here wins over them.

use std::path::PathBuf;
use std::time::Duration;

use crate::secret::Secret;

/// The options of a Consul provider.
///
/// # Examples
///
/// ```
/// use failover::discovery::consul::Options;
///
/// let mut options = Options::default();
/// options.addresses = vec!["http://127.0.0.1:8500".to_owned()];
/// options.datacenter = Some("dc1".to_owned());
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Options {
    /// Agents, the preferred one first: `http://host:port`, `https://host:port/prefix` or
    /// `unix:///path`. Empty: `CONSUL_HTTP_ADDR`, else `http://127.0.0.1:8500`.
    pub addresses: Vec<String>,
    /// The ACL token. Absent: `CONSUL_HTTP_TOKEN`, else none is sent.
    pub token: Option<Secret>,
    /// A file with the token, read again at every request, so that it may rotate. It wins over
    /// `token`. Absent: `CONSUL_HTTP_TOKEN_FILE`.
    pub token_file: Option<PathBuf>,
    /// User and password of a proxy in front of the agent, `user:password`. Absent:
    /// `CONSUL_HTTP_AUTH`.
    pub basic_auth: Option<Secret>,
    /// The data centre; absent is the agent's own.
    pub datacenter: Option<String>,
    /// The namespace (Consul Enterprise). Absent: `CONSUL_NAMESPACE`.
    pub namespace: Option<String>,
    /// The admin partition (Consul Enterprise, 1.11 and later). Absent: `CONSUL_PARTITION`.
    pub partition: Option<String>,
    /// The peer that exports the service (1.14 and later).
    pub peer: Option<String>,
    /// Tags that an instance must have, all of them.
    pub tags: Vec<String>,
    /// An expression that an instance must fulfil, such as `Service.Meta.version == "2"`.
    pub filter: Option<String>,
    /// The node whose neighbours come first, or `_agent`. A pool orders by itself, so this is for
    /// servers that cut their answers.
    pub near: Option<String>,
    /// Who may answer.
    pub read: ReadMode,
    /// How long the agent holds a question until something changes: 1 s to 10 min; 1 min. Proxies
    /// between here and the agent must allow for it.
    pub wait: Duration,
    /// A follower that hasn't heard from the leader for longer isn't believed where its answer
    /// lacks endpoints; 10 s. 0 means that every follower's loss is asked for again.
    pub max_stale: Duration,
    /// How many services are followed by questions that the agent holds: 1 and more; 150. The others are
    /// read every five seconds. An agent closes the connections of one address beyond 200.
    pub held_questions: usize,
    /// The tagged address in place of the instance's usual one, such as `wan`, where it has it.
    pub tagged_address: Option<String>,
    /// The protocol of endpoints whose metadata has no `protocol`; `http`.
    pub protocol: String,
    /// How instances are registered.
    pub registration: Registration,
    /// Whom an agent behind https must be, and as whom to come.
    pub tls: Tls,
}

/// How instances are registered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Registration {
    /// Who finds out whether an instance is well.
    pub checked_by: CheckedBy,
    /// An instance that gave no sign of life for so long is critical: 1 s to 1 h; 15 s. The sign is given
    /// three times as often.
    pub ttl: Duration,
    /// An instance that was critical for so long is removed by the agent: 1 min at least, else it stays
    /// until it is deregistered. Absent: it stays.
    pub deregister_critical_after: Option<Duration>,
}

impl Default for Registration {
    fn default() -> Self {
        let ttl = Duration::from_secs(15);
        Self { checked_by: CheckedBy::Process, ttl, deregister_critical_after: None }
    }
}

/// Who finds out whether a registered instance is well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CheckedBy {
    /// This process, which says that it lives.
    #[default]
    Process,
    /// The agent, by the endpoint's own health check: http, https or tcp. Its headers and body are then
    /// known to the agent. An endpoint without one is as good as its node.
    Agent,
}

/// How https agents are recognised, and as whom the provider comes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tls {
    /// PEM file of the authorities to trust. Absent: `CONSUL_CACERT`, else the system's.
    pub ca_file: Option<PathBuf>,
    /// Folder of such files. Absent: `CONSUL_CAPATH`.
    pub ca_path: Option<PathBuf>,
    /// PEM file of the certificate to come with. Absent: `CONSUL_CLIENT_CERT`.
    pub client_cert_file: Option<PathBuf>,
    /// Its key. Absent: `CONSUL_CLIENT_KEY`.
    pub client_key_file: Option<PathBuf>,
    /// The name that the agent's certificate must have, in place of the address. Absent:
    /// `CONSUL_TLS_SERVER_NAME`.
    pub server_name: Option<String>,
    /// Whether the agent's certificate is verified. Absent: `CONSUL_HTTP_SSL_VERIFY`, else it is.
    /// Without, anybody between here and the agent can read the token and send other endpoints.
    pub verify: Option<bool>,
}

/// Who may answer a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReadMode {
    /// Any server, however old its knowledge: works on while there is no leader.
    #[default]
    Stale,
    /// The leader, which may have lost its office a moment ago.
    Default,
    /// The leader, once it has made sure that it still is.
    Consistent,
    /// The agent's own cache, which it keeps fresh itself: for many processes on a node.
    Cached,
}

impl ReadMode {
    /// Every mode.
    pub const ALL: [Self; 4] = [Self::Stale, Self::Default, Self::Consistent, Self::Cached];

    /// The name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Default => "default",
            Self::Consistent => "consistent",
            Self::Cached => "cached",
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            addresses: Vec::new(),
            token: None,
            token_file: None,
            basic_auth: None,
            datacenter: None,
            namespace: None,
            partition: None,
            peer: None,
            tags: Vec::new(),
            filter: None,
            near: None,
            read: ReadMode::default(),
            wait: Duration::from_secs(60),
            max_stale: Duration::from_secs(10),
            held_questions: 150,
            tagged_address: None,
            protocol: "http".to_owned(),
            registration: Registration::default(),
            tls: Tls::default(),
        }
    }
}

impl Options {
    /// What of these holds for an agent's own instances, wherever others are read.
    pub(super) fn local(&self) -> Self {
        let (namespace, partition) = (self.namespace.clone(), self.partition.clone());
        Self { namespace, partition, ..Self::default() }
    }
}
