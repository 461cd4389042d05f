//! TLS, for `sslmode=require`: certificate and name are always verified.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{Error, PemObject as _};
use std::path::Path;
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

/// Why certificates can't be verified: the rest of a sentence about the file of authorities.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadTls(String);

/// Trusts the system's authorities (or `SSL_CERT_FILE`'s), and those of `extra`, a PEM file.
///
/// # Errors
/// When `extra` can't be read or has no certificate.
pub fn tls(extra: Option<&Path>) -> Result<MakeRustlsConnect, BadTls> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = extra {
        let certificates = certificates(file).map_err(|error| BadTls(format!("can't be read: {error}")))?;
        if roots.add_parsable_certificates(certificates).0 == 0 {
            return Err(BadTls("has no certificate".into()));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks the versions rustls thinks safe")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    CertificateDer::pem_file_iter(file)?.collect()
}
