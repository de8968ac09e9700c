//! Options that were checked, with the environment's word where they leave something open.
//!
//! The environment is handed in as a function, so that tests don't change the process's.

use std::path::PathBuf;
use std::time::Duration;

use super::address::{Address, Scheme};
use super::options::{Options, Tls};
use super::token::Source;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::secret::Secret;

/// What a provider works by.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// One at least.
    pub(super) agents: Vec<Address>,
    pub(super) token: Source,
    /// User and password for a proxy.
    pub(super) basic_auth: Option<(String, Secret)>,
    /// The options as far as nothing had to be read from them, with the environment's word filled in.
    pub(super) options: Options,
    pub(super) is_verified: bool,
}

/// Says what a variable of the environment holds.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Settings {
    /// Checks `options`, and fills them in from the environment.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfig`] with every fault at once.
    pub(super) fn new(mut options: Options, lookup: Lookup<'_>) -> Result<Self> {
        let mut faults = Faults::default();
        let variable = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let scheme = match flag("CONSUL_HTTP_SSL", &variable, &mut faults) {
            Some(true) => Scheme::Https,
            _ => Scheme::Http,
        };
        let token = token(&mut options, &variable);
        let basic_auth = basic_auth(&options, &variable, &mut faults);
        options.namespace = options.namespace.or_else(|| variable("CONSUL_NAMESPACE"));
        options.partition = options.partition.or_else(|| variable("CONSUL_PARTITION"));
        let is_verified = tls(&mut options.tls, &variable, &mut faults);
        let agents = agents(&options, scheme, &variable, &mut faults);
        check(&options, &mut faults);
        if faults.0.is_empty() {
            return Ok(Self { agents, token, basic_auth, options, is_verified });
        }
        Err(Error::from_faults(ErrorKind::InvalidConfig, faults.0))
    }
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, path: impl Into<String>, expected: impl Into<String>) {
        self.0.push(Fault { path: path.into(), expected: expected.into() });
    }
}

/// The token's source: what is written wins over the environment, and a file over a text.
fn token(options: &mut Options, variable: Lookup<'_>) -> Source {
    let text = |text: &str| Source::Text(Secret::new(text.trim()));
    match (options.token_file.take(), options.token.take()) {
        (Some(file), _) => Source::File(file),
        (None, Some(token)) => text(token.reveal()),
        (None, None) => match (variable("CONSUL_HTTP_TOKEN_FILE"), variable("CONSUL_HTTP_TOKEN")) {
            (Some(file), _) => Source::File(file.into()),
            (None, Some(token)) => text(&token),
            (None, None) => Source::None,
        },
    }
}

fn basic_auth(
    options: &Options,
    variable: Lookup<'_>,
    faults: &mut Faults,
) -> Option<(String, Secret)> {
    let given = options.basic_auth.clone();
    let (path, given) = match given {
        Some(given) => ("basic_auth", given),
        None => ("CONSUL_HTTP_AUTH", Secret::new(&variable("CONSUL_HTTP_AUTH")?)),
    };
    let Some((user, password)) = given.reveal().split_once(':') else {
        faults.add(path, "must be a user name, a colon and a password");
        return None;
    };
    Some((user.to_owned(), Secret::new(password)))
}

/// Fills in the files; returns whether certificates are verified.
fn tls(tls: &mut Tls, variable: Lookup<'_>, faults: &mut Faults) -> bool {
    let files = [
        (&mut tls.ca_file, "CONSUL_CACERT"),
        (&mut tls.ca_path, "CONSUL_CAPATH"),
        (&mut tls.client_cert_file, "CONSUL_CLIENT_CERT"),
        (&mut tls.client_key_file, "CONSUL_CLIENT_KEY"),
    ];
    for (file, name) in files {
        if file.is_none() {
            *file = variable(name).map(PathBuf::from);
        }
    }
    let name = tls.server_name.take();
    tls.server_name = name.or_else(|| variable("CONSUL_TLS_SERVER_NAME"));
    if let Some(name) = &tls.server_name
        && rustls::pki_types::ServerName::try_from(name.as_str()).is_err()
    {
        faults
            .add("tls.server_name", format!("must be a host name or an IP address, got {name:?}"));
    }
    match (&tls.client_cert_file, &tls.client_key_file) {
        (Some(_), None) => faults.add("tls.client_key_file", "is required with client_cert_file"),
        (None, Some(_)) => faults.add("tls.client_cert_file", "is required with client_key_file"),
        _ => {}
    }
    tls.verify.or_else(|| flag("CONSUL_HTTP_SSL_VERIFY", variable, faults)).unwrap_or(true)
}

/// A variable that says yes or no.
fn flag(name: &str, variable: Lookup<'_>, faults: &mut Faults) -> Option<bool> {
    let value = variable(name)?;
    match value.to_ascii_lowercase().as_str() {
        "1" | "t" | "true" => Some(true),
        "0" | "f" | "false" => Some(false),
        _ => {
            faults.add(name, format!("must be true or false, got {value:?}"));
            None
        }
    }
}

fn agents(
    options: &Options,
    scheme: Scheme,
    variable: Lookup<'_>,
    faults: &mut Faults,
) -> Vec<Address> {
    let written = options.addresses.iter().enumerate();
    let mut given: Vec<(String, String)> =
        written.map(|(i, text)| (format!("addresses[{i}]"), text.clone())).collect();
    if given.is_empty() {
        let address = variable("CONSUL_HTTP_ADDR").unwrap_or_else(|| "127.0.0.1:8500".to_owned());
        given.push(("CONSUL_HTTP_ADDR".to_owned(), address));
    }
    let mut agents: Vec<Address> = Vec::with_capacity(given.len());
    for (path, text) in given {
        match Address::parse(&text, scheme) {
            Ok(address) if agents.contains(&address) => {
                faults.add(path, format!("must be unique, {address} came before"));
            }
            Ok(address) => agents.push(address),
            Err(expected) => faults.add(path, expected),
        }
    }
    agents
}

fn check(options: &Options, faults: &mut Faults) {
    if !(SHORTEST_WAIT..=LONGEST_WAIT).contains(&options.wait) {
        let came = crate::duration::format(options.wait);
        faults.add("wait", format!("must be 1s to 10m, got {came}"));
    }
    if options.held_questions == 0 {
        faults.add("held_questions", "must be 1 at least, got 0");
    }
    let registration = &options.registration;
    if !(SHORTEST_WAIT..=LONGEST_TTL).contains(&registration.ttl) {
        let came = crate::duration::format(registration.ttl);
        faults.add("registration.ttl", format!("must be 1s to 1h, got {came}"));
    }
    if let Some(after) = registration.deregister_critical_after.filter(|after| *after < MINUTE) {
        let came = crate::duration::format(after);
        faults.add(
            "registration.deregister_critical_after",
            format!("must be 1m at least, got {came}"),
        );
    }
    let named = [
        ("datacenter", &options.datacenter),
        ("namespace", &options.namespace),
        ("partition", &options.partition),
        ("peer", &options.peer),
        ("near", &options.near),
        ("filter", &options.filter),
        ("tagged_address", &options.tagged_address),
    ];
    for (path, value) in named {
        if value.as_ref().is_some_and(|value| value.trim().is_empty()) {
            faults.add(path, "must not be empty");
        }
    }
    for (i, tag) in options.tags.iter().enumerate().filter(|(_, tag)| tag.is_empty()) {
        faults.add(format!("tags[{i}]"), format!("must not be empty, got {tag:?}"));
    }
    let probe = crate::Endpoint {
        protocol: options.protocol.as_str().into(),
        ..crate::Endpoint::new("a", "a", "a", 1)
    };
    let mut found = Vec::new();
    probe.validate("", &mut found);
    faults.0.extend(found);
}

/// A shorter one is polling.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// A sign of life that is given more seldom is none.
const LONGEST_TTL: Duration = Duration::from_secs(3_600);

/// What Consul makes of anything shorter.
const MINUTE: Duration = Duration::from_secs(60);

/// What Consul cuts longer ones to.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use super::super::options::Registration;
    use super::*;

    fn settings(options: Options, variables: &[(&str, &str)]) -> Result<Settings> {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Settings::new(options, &lookup)
    }

    #[test]
    fn without_options_and_environment_it_is_the_agent_of_this_machine() {
        let settings = settings(Options::default(), &[("CONSUL_HTTP_TOKEN", "")]).expect("valid");

        assert_eq!(settings.agents[0].to_string(), "http://127.0.0.1:8500");
        assert!(matches!(settings.token, Source::None));
        assert!(settings.is_verified);
    }

    #[test]
    fn the_environment_fills_in_what_options_leave_open() {
        let variables = [
            ("CONSUL_HTTP_ADDR", "agent:1"),
            ("CONSUL_HTTP_SSL", "true"),
            ("CONSUL_HTTP_SSL_VERIFY", "0"),
            ("CONSUL_HTTP_TOKEN", "t"),
            ("CONSUL_HTTP_AUTH", "u:p:q"),
            ("CONSUL_NAMESPACE", "ns"),
            ("CONSUL_CACERT", "/ca"),
            ("CONSUL_TLS_SERVER_NAME", "server.dc1.consul"),
        ];

        let settings = settings(Options::default(), &variables).expect("valid");

        assert_eq!(settings.agents[0].to_string(), "https://agent:1");
        assert!(!settings.is_verified);
        assert!(matches!(&settings.token, Source::Text(token) if token.reveal() == "t"));
        let (user, password) = settings.basic_auth.expect("given");
        assert_eq!((&*user, password.reveal()), ("u", "p:q"));
        assert_eq!(settings.options.namespace.as_deref(), Some("ns"));
        assert_eq!(settings.options.tls.ca_file, Some("/ca".into()));
        assert_eq!(settings.options.tls.server_name.as_deref(), Some("server.dc1.consul"));
    }

    #[test]
    fn what_is_written_wins_over_the_environment_and_a_file_over_a_text() {
        let written = Options {
            addresses: vec!["http://written".to_owned()],
            token: Some(Secret::new("written")),
            namespace: Some("written".to_owned()),
            ..Options::default()
        };
        let variables = [
            ("CONSUL_HTTP_ADDR", "env"),
            ("CONSUL_HTTP_TOKEN_FILE", "/env"),
            ("CONSUL_HTTP_TOKEN", "env"),
            ("CONSUL_NAMESPACE", "env"),
        ];

        let own = settings(written, &variables).expect("valid");
        let env = settings(Options::default(), &variables).expect("valid");

        assert_eq!(own.agents[0].to_string(), "http://written:8500");
        assert!(matches!(&own.token, Source::Text(token) if token.reveal() == "written"));
        assert_eq!(own.options.namespace.as_deref(), Some("written"));
        assert!(matches!(&env.token, Source::File(file) if file.ends_with("env")));
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let options = Options {
            addresses: ["ftp://a", "http://u:s3cret@a", "a", "a:8500"].map(str::to_owned).into(),
            basic_auth: Some(Secret::new("s3cret")),
            wait: Duration::from_millis(10),
            held_questions: 0,
            filter: Some(" ".to_owned()),
            tags: vec![String::new()],
            protocol: "H T".to_owned(),
            registration: Registration {
                ttl: Duration::ZERO,
                deregister_critical_after: Some(Duration::from_secs(59)),
                ..Registration::default()
            },
            tls: Tls { client_key_file: Some("/k".into()), ..Tls::default() },
            ..Options::default()
        };

        let error = settings(options, &[("CONSUL_HTTP_SSL", "maybe")]).expect_err("faulty");

        let paths: Vec<&str> = error.faults().iter().map(|fault| &*fault.path).collect();
        assert_eq!(
            paths,
            [
                "CONSUL_HTTP_SSL",
                "basic_auth",
                "tls.client_cert_file",
                "addresses[0]",
                "addresses[1]",
                "addresses[3]",
                "wait",
                "held_questions",
                "registration.ttl",
                "registration.deregister_critical_after",
                "filter",
                "tags[0]",
                "protocol"
            ]
        );
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}
