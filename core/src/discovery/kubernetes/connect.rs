//! How to reach an API server: what `kube` reads from a kubeconfig or a Pod becomes a [`Transport`].
//!
//! Its errors are told anew where they might show what is in a file or what a program printed. Programs
//! that give credentials run without a terminal, as nobody sits at a library's.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use hyper::http::Uri;
use hyper::http::uri::Scheme;
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube_client::Config;
use kube_client::client::{AuthError, ConfigExt};
use kube_client::config::{
    AuthInfo, ExecInteractiveMode, Kubeconfig, KubeconfigError, LoadDataError,
};
use secrecy::ExposeSecret;
use tower::util::{BoxCloneSyncService, ServiceExt};
use tower::{BoxError, Layer};

use super::failure::Failure;
use super::lane::Service;
use super::token::Token;
use super::transport::Transport;
use super::{Access, Options};
use crate::clock::{Clock, Nanos};

/// What is known of a server before it is asked.
pub(super) struct Place {
    pub(super) address: String,
    pub(super) namespace: String,
    pub(super) is_costly: bool,
}

/// Reads configuration and credentials, off the runtime's threads: both may be on a network's disk,
/// and a program may have to be run.
pub(super) async fn connect(options: &Options, clock: &Clock) -> Result<Transport, Failure> {
    let (access, now) = (options.access.clone(), clock.now());
    let made = tokio::task::spawn_blocking(move || transport(&access, now)).await;
    // A panic of the crates that are called here; they do so where two TLS providers are linked and
    // the program chose none.
    let panicked = |_| Err("the TLS settings can't be made".to_owned());
    made.unwrap_or_else(panicked)
        .map_err(|cause| Failure::Unusable(format!("Kubernetes configuration: {cause}")))
}

fn transport(access: &Access, now: Nanos) -> Result<Transport, String> {
    let mut config = config(access)?;
    let token = take_token(&mut config.auth_info, now)?;
    let is_costly = tame(&mut config.auth_info)?;
    let has_secret = !matches!(token, Token::Absent)
        || is_costly
        || config.auth_info.password.is_some()
        || config.auth_info.auth_provider.is_some();
    let is_plain = config.cluster_url.scheme() != Some(&Scheme::HTTPS);
    if has_secret && is_plain && !is_own_machine(&config.cluster_url) {
        return Err("server: must be an https URL, as credentials are sent to it".to_owned());
    }
    let address = shown(&config.cluster_url);
    let namespace = config.default_namespace.clone();
    let make = service_maker(&config)?;
    Ok(Transport::new(Place { address, namespace, is_costly }, token, make))
}

fn config(access: &Access) -> Result<Config, String> {
    match access {
        Access::InCluster => in_cluster(),
        Access::Kubeconfig { path, context } => {
            let read = Kubeconfig::read_from(path);
            let mut kubeconfig =
                read.map_err(|error| format!("{}: {}", path.display(), told(&error)))?;
            if context.is_some() {
                kubeconfig.current_context.clone_from(context);
            }
            from_kubeconfig(kubeconfig).map_err(|cause| format!("{}: {cause}", path.display()))
        }
        Access::Found => {
            let named = Kubeconfig::from_env();
            let named = named.map_err(|error| format!("KUBECONFIG: {}", told(&error)))?;
            if let Some(kubeconfig) = named {
                return from_kubeconfig(kubeconfig).map_err(|cause| format!("KUBECONFIG: {cause}"));
            }
            match home_kubeconfig() {
                Some(path) => config(&Access::Kubeconfig { path, context: None }),
                None => in_cluster(),
            }
        }
    }
}

fn home_kubeconfig() -> Option<PathBuf> {
    let path = std::env::home_dir()?.join(".kube").join("config");
    path.exists().then_some(path)
}

fn in_cluster() -> Result<Config, String> {
    // Its errors name environment variables and files, and show nothing of them.
    Config::incluster().map_err(|error| format!("neither a kubeconfig nor a Pod's: {error}"))
}

fn from_kubeconfig(kubeconfig: Kubeconfig) -> Result<Config, String> {
    let clusters = kubeconfig.clusters.iter().filter_map(|named| named.cluster.as_ref());
    if clusters.into_iter().any(|cluster| cluster.proxy_url.is_some()) {
        return Err("proxy-url: proxies are not supported".to_owned());
    }
    Config::try_from(kubeconfig).map_err(|error| told(&error))
}

/// Takes the token out, as `kube` neither trims one nor lets go of one that isn't accepted.
fn take_token(auth: &mut AuthInfo, now: Nanos) -> Result<Token, String> {
    let (fixed, file) = (auth.token.take(), auth.token_file.take());
    let token = match (fixed, file) {
        (_, Some(path)) => Token::of_file(path.as_ref(), now),
        (Some(token), None) => Token::fixed(token.expose_secret()),
        (None, None) => return Ok(Token::Absent),
    };
    token.map_err(|error| error.to_string())
}

/// Sees to it that the program that gives credentials, if there is one, doesn't ask a person. True if
/// there is one.
fn tame(auth: &mut AuthInfo) -> Result<bool, String> {
    if let Some(provider) = auth.auth_provider.as_ref().filter(|one| one.name != "oidc") {
        let name = &provider.name;
        return Err(format!(
            "auth-provider {name:?}: Kubernetes has given it up; use exec instead"
        ));
    }
    let Some(exec) = &mut auth.exec else { return Ok(false) };
    if exec.interactive_mode == Some(ExecInteractiveMode::Always) {
        return Err("exec.interactiveMode: must not be Always, as nobody can answer".to_owned());
    }
    exec.interactive_mode = Some(ExecInteractiveMode::Never);
    Ok(true)
}

/// Makes what opens connections, each with a pool of its own.
fn service_maker(config: &Config) -> Result<Box<dyn Fn() -> Service + Send + Sync>, String> {
    let tls = config.rustls_client_config().map_err(|error| cause(&error))?;
    let builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    let builder = match &config.tls_server_name {
        Some(name) => {
            let named = name.clone().try_into();
            let name = named.map_err(|_| "tls-server-name: is no host's name".to_owned())?;
            builder.with_server_name_resolver(FixedServerNameResolver::new(name))
        }
        None => builder,
    };
    let connector = builder.enable_all_versions().wrap_connector(tcp());
    let base = config.base_uri_layer();
    let headers = config.extra_headers_layer().map_err(|error| cause(&error))?;
    let auth = config.auth_layer().map_err(|error| cause(&error))?;
    Ok(Box::new(move || {
        // Layers that may fail themselves want this type from what they are around.
        let inner = headers.layer(client(connector.clone()).map_err(BoxError::from));
        match &auth {
            Some(auth) => BoxCloneSyncService::new(base.layer(auth.layer(inner))),
            None => BoxCloneSyncService::new(base.layer(inner)),
        }
    }))
}

fn client(connector: HttpsConnector<HttpConnector>) -> Client<HttpsConnector<HttpConnector>, Body> {
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .http2_keep_alive_interval(PING_INTERVAL)
        .http2_keep_alive_timeout(PING_TIMEOUT)
        // A list that is due must not meet a connection that died long ago.
        .http2_keep_alive_while_idle(true)
        .build(connector)
}

fn tcp() -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    tcp.set_keepalive(Some(PING_INTERVAL));
    tcp.set_keepalive_interval(Some(Duration::from_secs(5)));
    tcp.set_keepalive_retries(Some(3));
    tcp
}

/// The address without a user's name and password, which a URL may have.
fn shown(url: &Uri) -> String {
    let host = url.host().unwrap_or_default();
    let scheme = url.scheme_str().unwrap_or("https");
    match url.port_u16() {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    }
}

fn is_own_machine(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default();
    let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

/// What a kubeconfig's fault is, without what the file holds.
fn told(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::ReadConfig(error, _) => format!("can't be read: {error}"),
        // Its own words show the lines around the fault.
        KubeconfigError::Parse(error) => match error.location() {
            Some(place) => {
                let (line, column) = (place.line(), place.column());
                format!("is no valid kubeconfig: line {line}, column {column}")
            }
            None => "is no valid kubeconfig".to_owned(),
        },
        KubeconfigError::LoadCertificateAuthority(error) => {
            format!("certificate-authority: {}", data(error))
        }
        KubeconfigError::LoadClientCertificate(error) => {
            format!("client-certificate: {}", data(error))
        }
        KubeconfigError::LoadClientKey(error) => format!("client-key: {}", data(error)),
        KubeconfigError::ParseCertificates(_) => "certificate-authority: is not PEM".to_owned(),
        KubeconfigError::ParseClusterUrl(_) => "server: is no URL".to_owned(),
        KubeconfigError::ParseProxyUrl(_) => "HTTPS_PROXY: is no URL".to_owned(),
        // These name a context or a cluster, or nothing.
        KubeconfigError::CurrentContextNotSet => "current-context: is not set".to_owned(),
        KubeconfigError::LoadContext(name) => format!("context {name:?}: is not there"),
        KubeconfigError::LoadClusterOfContext(name) => format!("cluster {name:?}: is not there"),
        KubeconfigError::MissingClusterUrl => "server: is not set".to_owned(),
        _ => "can't be used".to_owned(),
    }
}

fn data(error: &LoadDataError) -> String {
    match error {
        LoadDataError::ReadFile(error, path) => format!("{}: {error}", path.display()),
        LoadDataError::DecodeBase64(_) => "is not base64".to_owned(),
        LoadDataError::NoBase64DataOrFile => "is missing".to_owned(),
    }
}

fn cause(error: &kube_client::Error) -> String {
    match error {
        kube_client::Error::Auth(error) => describe(error),
        kube_client::Error::InferKubeconfig(error) => told(error),
        // Of certificates and keys it says what is wrong, and shows nothing.
        kube_client::Error::RustlsTls(error) => format!("TLS: {error}"),
        _ => "can't be used".to_owned(),
    }
}

/// Why there are no credentials, without what a program printed.
pub(super) fn describe(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecRun { out, .. } => {
            format!("exec: the program that gives credentials failed: {}", out.status)
        }
        AuthError::AuthExecStart(error) => {
            format!("exec: the program that gives credentials can't be run: {error}")
        }
        AuthError::AuthExecParse(_) | AuthError::ExecPluginFailed => {
            "exec: the program that gives credentials printed something else".to_owned()
        }
        AuthError::MissingCommand => "exec.command: is not set".to_owned(),
        _ => "the credentials can't be used".to_owned(),
    }
}

/// What requests carry.
type Body = http_body_util::Full<hyper::body::Bytes>;

/// A connection that can't be had sooner won't be.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// With the time-out below: a connection that is dead is found within half a minute.
const PING_INTERVAL: Duration = Duration::from_secs(15);

/// What doesn't answer a ping in this time is dead.
const PING_TIMEOUT: Duration = Duration::from_secs(10);
