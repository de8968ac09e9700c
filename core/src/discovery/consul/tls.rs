//! Whom a provider trusts behind https, and as whom it comes.
//!
//! The settings are handed to the HTTP client ready-made: with ring and without a process-wide default,
//! since a library doesn't decide for its host which cryptography that uses.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WantsClientCert, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use rustls_platform_verifier::Verifier;

use super::failure::clipped;
use super::options::Tls;

/// Sizes and dates of the files: another stamp, another content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp(Vec<Option<(u64, Option<SystemTime>)>>);

/// The files of `tls` as they are now. It blocks.
pub(super) fn stamp(tls: &Tls) -> Stamp {
    let files = [&tls.ca_file, &tls.ca_path, &tls.client_cert_file, &tls.client_key_file];
    let files = files.into_iter().flatten().map(|file| {
        let meta = fs::metadata(file).ok()?;
        Some((meta.len(), meta.modified().ok()))
    });
    Stamp(files.collect())
}

/// The settings for https; the error names the option that is wrong. It blocks.
pub(super) fn secure(tls: &Tls, is_verified: bool) -> Result<ClientConfig, String> {
    let verifier = verifier(tls, is_verified)?;
    let builder = builder()?.dangerous().with_custom_certificate_verifier(verifier);
    let (Some(certificate), Some(key)) = (&tls.client_cert_file, &tls.client_key_file) else {
        return Ok(builder.with_no_client_auth());
    };
    identify(builder, certificate, key)
}

/// The settings of plain HTTP, which the client wants all the same: they trust nobody.
pub(super) fn none() -> Result<ClientConfig, String> {
    Ok(builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

fn builder() -> Result<ConfigBuilder<ClientConfig, rustls::WantsVerifier>, String> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| said("tls", &error))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn verifier(tls: &Tls, is_verified: bool) -> Result<Arc<dyn ServerCertVerifier>, String> {
    if !is_verified {
        return Ok(Arc::new(Anybody(provider())));
    }
    let known: Arc<dyn ServerCertVerifier> = match roots(tls)? {
        Some(roots) => {
            let roots = Arc::new(roots);
            WebPkiServerVerifier::builder_with_provider(roots, provider())
                .build()
                .map_err(|error| said("tls.ca_file", &error))?
        }
        None => {
            let system = Verifier::new(provider());
            Arc::new(system.map_err(|error| said("the system's authorities", &error))?)
        }
    };
    let Some(name) = &tls.server_name else { return Ok(known) };
    let name = ServerName::try_from(name.clone());
    let name = name.map_err(|error| said("tls.server_name", &error))?;
    Ok(Arc::new(Named { name, known }))
}

/// The authorities of file and folder; none where neither is given.
fn roots(tls: &Tls) -> Result<Option<RootCertStore>, String> {
    let mut files: Vec<(&str, PathBuf)> = Vec::new();
    files.extend(tls.ca_file.iter().map(|file| ("tls.ca_file", file.clone())));
    if let Some(folder) = &tls.ca_path {
        let listed = fs::read_dir(folder).map_err(|error| said("tls.ca_path", &error))?;
        for entry in listed {
            let path = entry.map_err(|error| said("tls.ca_path", &error))?.path();
            // Folders made for OpenSSL hold other things beside.
            if path.is_file() {
                files.push(("tls.ca_path", path));
            }
        }
    }
    if tls.ca_file.is_none() && tls.ca_path.is_none() {
        return Ok(None);
    }
    let mut roots = RootCertStore::empty();
    for (option, file) in &files {
        for certificate in certificates(option, file)? {
            roots.add(certificate).map_err(|error| said(option, &error))?;
        }
    }
    if roots.is_empty() {
        let option = if tls.ca_file.is_some() { "tls.ca_file" } else { "tls.ca_path" };
        return Err(format!("{option}: holds no certificate"));
    }
    Ok(Some(roots))
}

fn identify(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    certificate: &Path,
    key: &Path,
) -> Result<ClientConfig, String> {
    let chain = certificates("tls.client_cert_file", certificate)?;
    let key =
        PrivateKeyDer::from_pem_file(key).map_err(|error| said("tls.client_key_file", &error))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| said("tls.client_cert_file", &error))
}

fn certificates(option: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| said(option, &error))
}

fn said(what: &str, error: &dyn std::fmt::Display) -> String {
    format!("{what}: {}", clipped(&error.to_string()))
}

/// Accepts the certificate of a server that goes by another name than its address.
#[derive(Debug)]
struct Named {
    name: ServerName<'static>,
    known: Arc<dyn ServerCertVerifier>,
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.known.verify_server_cert(certificate, between, &self.name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.known.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.known.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.known.supported_verify_schemes()
    }
}

/// Accepts every certificate whose key the server really has.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
