//! Whom an HTTPS check trusts, and as whom it comes.
//!
//! The settings are handed to the HTTP client ready-made: with ring and without a process-wide
//! default, since a library doesn't decide for its host which cryptography that uses.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::client::WantsClientCert;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

use super::probe::clipped;
use crate::endpoint::HealthCheck;
use crate::events::Reason;

/// The files by which a check identifies and trusts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    ca: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
}

/// Sizes and dates of an identity's files: another stamp, another content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp([Option<(u64, Option<SystemTime>)>; 3]);

impl Identity {
    /// The identity that a check describes.
    pub(super) fn of(check: &HealthCheck) -> Self {
        Self {
            ca: check.ca_file.clone(),
            certificate: check.client_cert_file.clone(),
            key: check.client_key_file.clone(),
        }
    }

    /// True if there is a file to look at.
    pub(super) const fn has_files(&self) -> bool {
        self.ca.is_some() || self.certificate.is_some() || self.key.is_some()
    }

    /// The files as they are now. It blocks.
    pub(super) fn stamp(&self) -> Stamp {
        Stamp([&self.ca, &self.certificate, &self.key].map(|file| {
            let meta = std::fs::metadata(file.as_deref()?).ok()?;
            Some((meta.len(), meta.modified().ok()))
        }))
    }
}

/// The settings of an identity.
pub(super) fn config(identity: &Identity) -> Result<ClientConfig, Reason> {
    let builder = builder()?;
    let builder = match &identity.ca {
        Some(file) => builder.with_root_certificates(roots(file)?),
        None => builder.with_platform_verifier().map_err(|error| said("system roots", &error))?,
    };
    let (Some(certificate), Some(key)) = (&identity.certificate, &identity.key) else {
        return Ok(builder.with_no_client_auth());
    };
    identify(builder, certificate, key)
}

/// The settings of plain HTTP, which the client wants all the same: they trust nobody.
pub(super) fn none() -> Result<ClientConfig, Reason> {
    Ok(builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

fn builder() -> Result<ConfigBuilder<ClientConfig, rustls::WantsVerifier>, Reason> {
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| said("TLS", &error))
}

fn roots(file: &str) -> Result<RootCertStore, Reason> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("ca_file", file)? {
        roots.add(certificate).map_err(|error| said("ca_file", &error))?;
    }
    if roots.is_empty() {
        return Err("ca_file: holds no certificate".into());
    }
    Ok(roots)
}

fn identify(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    certificate: &str,
    key: &str,
) -> Result<ClientConfig, Reason> {
    let chain = certificates("client_cert_file", certificate)?;
    let key = PrivateKeyDer::from_pem_file(Path::new(key))
        .map_err(|error| said("client_key_file", &error))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| said("client_cert_file", &error))
}

fn certificates(field: &str, file: &str) -> Result<Vec<CertificateDer<'static>>, Reason> {
    CertificateDer::pem_file_iter(Path::new(file))
        .and_then(Iterator::collect)
        .map_err(|error| said(field, &error))
}

fn said(what: &str, error: &dyn std::fmt::Display) -> Reason {
    format!("{what}: {}", clipped(&error.to_string())).into()
}
