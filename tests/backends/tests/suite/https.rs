//! The backend over TLS, with the certificates that it makes.

use std::io;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use failover_backends::{Backend, Certificates, Mode, Options, TlsFiles};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::client::{Client, Response, dial};

/// A folder of certificates that is removed with the test.
struct Folder(std::path::PathBuf, Certificates);

impl Folder {
    fn new(test: &str) -> Self {
        let name = format!("failover-backends-{}-{test}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let certificates = Certificates::write(&path).unwrap();
        Self(path, certificates)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let removed = std::fs::remove_dir_all(&self.0);
        assert!(removed.is_ok() || std::thread::panicking(), "{removed:?}");
    }
}

fn start(tls: TlsFiles) -> Backend {
    Backend::start_with("a", &Options { tls: Some(tls), ..Options::default() }).unwrap()
}

type Tls = StreamOwned<ClientConnection, TcpStream>;

fn connect(port: u16, ca: &Path, client: Option<(&Path, &Path)>) -> io::Result<Client<Tls>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match client {
        Some((certificate, key)) => builder
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_file(certificate).unwrap()],
                PrivateKeyDer::from_pem_file(key).unwrap(),
            )
            .unwrap(),
        None => builder.with_no_client_auth(),
    };
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    Ok(Client::over(StreamOwned::new(connection, dial(port)?)))
}

fn get(port: u16, ca: &Path, client: Option<(&Path, &Path)>) -> io::Result<Response> {
    connect(port, ca, client)?.get("/health")
}

#[test]
fn a_client_that_trusts_the_authority_is_answered() {
    let Folder(_, files) = &Folder::new("trusts");
    let backend = start(files.server_only());

    let response = get(backend.port(), &files.ca, None).unwrap();

    assert_eq!((response.status, response.body.as_str()), (200, "ok a\n"));
}

#[test]
fn a_client_that_trusts_another_authority_turns_away() {
    let Folder(_, files) = &Folder::new("distrusts");
    let backend = start(files.server_only());

    let error = get(backend.port(), &files.other_ca, None).unwrap_err();

    assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
    assert_eq!(backend.stats().requests, 0);
}

#[test]
fn a_demanded_client_certificate_is_checked() {
    let Folder(_, files) = &Folder::new("mutual");
    let backend = start(files.mutual());

    assert!(get(backend.port(), &files.ca, None).is_err(), "none was shown");
    assert_eq!(backend.stats().requests, 0);

    let shown = Some((files.client.as_path(), files.client_key.as_path()));
    assert_eq!(get(backend.port(), &files.ca, shown).unwrap().status, 200);
}

#[test]
fn reset_and_close_break_an_encrypted_connection_too() {
    let Folder(_, files) = &Folder::new("breaks");
    let backend = start(files.server_only());
    let mut client = connect(backend.port(), &files.ca, None).unwrap();
    client.get("/work").unwrap();

    backend.set(Mode::Reset).unwrap();
    let error = client.get("/work").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}");

    backend.set(Mode::Close).unwrap();
    let error = get(backend.port(), &files.ca, None).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{error}");
}

#[test]
fn a_missing_certificate_file_is_named() {
    let Folder(_, files) = &Folder::new("missing");
    let tls = TlsFiles { certificate: "no-such.pem".into(), ..files.server_only() };
    let options = Options { tls: Some(tls), ..Options::default() };

    let error = Backend::start_with("a", &options).unwrap_err();

    assert!(error.to_string().starts_with("no-such.pem: "), "{error}");
}
