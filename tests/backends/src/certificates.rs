//! Certificates for the https checks, made on the spot.
//!
//! Files in the repository would expire on some morning, and their keys would be published. Each
//! test makes its own instead; it takes a few milliseconds.
//!
//! Extensions are complete enough for the strictest client among ours: Python 3.13 wants key
//! identifiers and key usages (`VERIFY_X509_STRICT`).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};

use crate::tls::TlsFiles;

/// Paths of a set of PEM files: an authority, what it signed, and an authority that did not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Certificates {
    /// The authority that signed server and client: `ca.pem`.
    pub ca: PathBuf,
    /// For 127.0.0.1 and localhost: `server.pem`.
    pub server: PathBuf,
    /// The server's key: `server.key`.
    pub server_key: PathBuf,
    /// A client's certificate: `client.pem`.
    pub client: PathBuf,
    /// The client's key: `client.key`.
    pub client_key: PathBuf,
    /// An authority that signed none of these, for checks that have to fail: `other-ca.pem`.
    pub other_ca: PathBuf,
}

impl Certificates {
    /// Makes a new set in `folder`, which is created if needed; older files are overwritten.
    ///
    /// # Errors
    ///
    /// The folder or a file cannot be written.
    pub fn write(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let files = Self {
            ca: folder.join("ca.pem"),
            server: folder.join("server.pem"),
            server_key: folder.join("server.key"),
            client: folder.join("client.pem"),
            client_key: folder.join("client.key"),
            other_ca: folder.join("other-ca.pem"),
        };
        let ca = authority("failover test CA").map_err(io::Error::other)?;
        let other_ca = authority("failover unrelated CA").map_err(io::Error::other)?;
        let (server, server_key) = leaf("127.0.0.1", ExtendedKeyUsagePurpose::ServerAuth, &ca)
            .map_err(io::Error::other)?;
        let (client, client_key) =
            leaf("failover client", ExtendedKeyUsagePurpose::ClientAuth, &ca)
                .map_err(io::Error::other)?;
        fs::write(&files.ca, ca.pem())?;
        fs::write(&files.other_ca, other_ca.pem())?;
        fs::write(&files.server, server.pem())?;
        fs::write(&files.server_key, server_key.serialize_pem())?;
        fs::write(&files.client, client.pem())?;
        fs::write(&files.client_key, client_key.serialize_pem())?;
        Ok(files)
    }

    /// The files for a server that asks nothing of its clients.
    #[must_use]
    pub fn server_only(&self) -> TlsFiles {
        let (certificate, key) = (self.server.clone(), self.server_key.clone());
        TlsFiles { certificate, key, client_ca: None }
    }

    /// The files for a server that demands a client certificate.
    #[must_use]
    pub fn mutual(&self) -> TlsFiles {
        TlsFiles { client_ca: Some(self.ca.clone()), ..self.server_only() }
    }
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Result<Authority, rcgen::Error> {
    let mut params = params(name, Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

fn leaf(
    name: &str,
    purpose: ExtendedKeyUsagePurpose,
    ca: &Authority,
) -> Result<(Certificate, KeyPair), rcgen::Error> {
    let mut params = params(name, vec!["127.0.0.1".to_owned(), "localhost".to_owned()])?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    let key = KeyPair::generate()?;
    Ok((params.signed_by(&key, ca)?, key))
}

fn params(name: &str, subjects: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(subjects)?;
    params.distinguished_name.push(DnType::CommonName, name);
    // Wide, so that a machine whose clock is wrong or faked still accepts them; before 2050, after
    // which the encoding of dates changes and old parsers stumble.
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(2049, 12, 31);
    Ok(params)
}
