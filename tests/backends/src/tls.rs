//! TLS of the service port, from PEM files.
//!
//! The provider is named rather than installed: a test process has one global default, and it is
//! not this crate's to choose.
//!
//! Used by [`crate::backend`] at start.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// PEM files that make a backend speak https.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate, followed by its chain if there is one.
    pub certificate: PathBuf,
    /// The server's private key.
    pub key: PathBuf,
    /// If given, a client has to show a certificate that this authority signed.
    pub client_ca: Option<PathBuf>,
}

impl TlsFiles {
    pub(crate) fn acceptor(&self) -> io::Result<TlsAcceptor> {
        let provider = Arc::new(ring::default_provider());
        let chain = certificates(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| bad(&self.key, error))?;
        let versions = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let builder = match &self.client_ca {
            Some(file) => versions.with_client_cert_verifier(verifier(file, provider)?),
            None => versions.with_no_client_auth(),
        };
        let config =
            builder.with_single_cert(chain, key).map_err(|error| bad(&self.certificate, error))?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn verifier(
    file: &Path,
    provider: Arc<tokio_rustls::rustls::crypto::CryptoProvider>,
) -> io::Result<Arc<dyn ClientCertVerifier>> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|error| bad(file, error))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| bad(file, error))
}

fn certificates(file: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| bad(file, error))
}

fn bad(file: &Path, error: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{}: {error}", file.display()))
}
