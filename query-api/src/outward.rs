//! Connections to others: whom TLS trusts, and words for what fails.

use std::sync::Arc;

/// TLS that trusts the system's authorities. Without any of them nobody can be believed, and each connection says so.
///
/// # Panics
/// Never: ring speaks the versions that rustls thinks safe.
#[must_use]
pub fn tls() -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks the versions rustls thinks safe")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// The error and what caused it.
pub fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
