//! rustls' configuration: whom it trusts, what of a server's certificate it checks, and who this client says it is.

use crate::pem::{Identity, Pems, TlsFiles, TlsNames};
use crate::secret::BadSetting;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::sync::Arc;

/// What is checked of a server's certificate, beside its times and its authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// That it is for the name by which the server was called.
    Name,
    /// Nothing: any server of the authority will do.
    AnyName,
}

impl TlsFiles {
    /// TLS with what is in the files.
    ///
    /// # Errors
    /// When that is no certificate or no key, or the two don't belong together: a sentence that names setting and file.
    ///
    /// # Panics
    /// Never: ring speaks the versions that rustls thinks safe.
    pub fn config(&self, pems: &Pems, check: Check) -> Result<ClientConfig, BadSetting> {
        let roots = match &pems.authorities {
            None => system(),
            Some(authorities) => self.added(RootCertStore::empty(), authorities)?,
        };
        self.trusting(roots, pems, check)
    }

    /// The same, which trusts the authorities in the file beside the system's, not instead of them, and checks names.
    ///
    /// # Errors
    /// As [`TlsFiles::config`].
    ///
    /// # Panics
    /// Never, for the same reason.
    pub fn config_beside_system(&self, pems: &Pems) -> Result<ClientConfig, BadSetting> {
        let roots = match &pems.authorities {
            None => system(),
            Some(authorities) => self.added(system(), authorities)?,
        };
        self.trusting(roots, pems, Check::Name)
    }

    fn trusting(&self, roots: RootCertStore, pems: &Pems, check: Check) -> Result<ClientConfig, BadSetting> {
        let roots = Arc::new(roots);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("ring speaks the versions rustls thinks safe");
        let config = match check {
            Check::Name => config.with_root_certificates(roots),
            Check::AnyName => {
                config.dangerous().with_custom_certificate_verifier(self.any_name(roots, provider)?)
            }
        };
        match &pems.identity {
            None => Ok(config.with_no_client_auth()),
            Some(identity) => {
                let (chain, key) = self.identity(identity)?;
                config.with_client_auth_cert(chain, key).map_err(|error| self.strangers(&error))
            }
        }
    }

    /// These authorities, and those in the file's text.
    fn added(&self, mut roots: RootCertStore, authorities: &[u8]) -> Result<RootCertStore, BadSetting> {
        let name = TlsFiles::named(self.names.authorities, self.authorities.as_deref());
        let certificates = certificates(authorities, &name)?;
        if roots.add_parsable_certificates(certificates).0 == 0 {
            return Err(BadSetting(format!("{name} has no certificate of an authority")));
        }
        Ok(roots)
    }

    fn any_name(
        &self,
        roots: Arc<RootCertStore>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<AnyName>, BadSetting> {
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
        let verifier = verifier
            .map_err(|error| BadSetting(format!("{} can't be used: {error}", self.names.authorities)))?;
        Ok(Arc::new(AnyName(verifier)))
    }

    fn identity(
        &self,
        identity: &Identity,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), BadSetting> {
        let TlsNames { certificate, key, .. } = self.names;
        let named = TlsFiles::named(certificate, self.certificate.as_deref());
        let chain = certificates(&identity.certificate, &named)?;
        let named = TlsFiles::named(key, self.key.as_deref());
        // The parser's own words are left out: they might quote a key.
        let key = PrivateKeyDer::from_pem_slice(&identity.key);
        let key = key.map_err(|_| BadSetting(format!("{named} has no private key in PEM")))?;
        Ok((chain, key))
    }

    fn strangers(&self, error: &Error) -> BadSetting {
        let certificate = TlsFiles::named(self.names.certificate, self.certificate.as_deref());
        let key = TlsFiles::named(self.names.key, self.key.as_deref());
        BadSetting(format!("{certificate} and {key} don't belong together, or can't be used: {error}"))
    }
}

/// The system's authorities. Without any of them nobody can be believed, and each connection says so.
fn system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// The certificates in a text; at least one.
fn certificates(pem: &[u8], named: &str) -> Result<Vec<CertificateDer<'static>>, BadSetting> {
    let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let certificates =
        certificates.map_err(|error| BadSetting(format!("{named} can't be read as PEM: {error}")))?;
    if certificates.is_empty() {
        return Err(BadSetting(format!("{named} has no certificate")));
    }
    Ok(certificates)
}

/// Checks all of a server's certificate but its name.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // The name comes last, after all that matters here.
        match self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: TlsNames =
        TlsNames { server: "Server", address: "URL", authorities: "CA", certificate: "CERT", key: "KEY" };

    #[test]
    fn files_of_something_else_are_named() {
        let files = TlsFiles {
            authorities: Some("/ca.pem".into()),
            certificate: Some("/cert.pem".into()),
            key: Some("/key.pem".into()),
            ..TlsFiles::none(NAMES)
        };
        let check = |pems: &Pems, expected: &str| {
            let said = files.config(pems, Check::Name).err().map(|bad| bad.0).unwrap_or_default();
            assert!(said.contains(expected), "{said}");
        };
        let beside = |pems: &Pems| files.config_beside_system(pems).err().map(|bad| bad.0);
        let text = b"open sesame".to_vec();
        let unusable = Pems { authorities: Some(text.clone()), identity: None };
        check(&unusable, "CA (/ca.pem) has no certificate");
        assert!(beside(&unusable).is_some_and(|why| why.contains("CA (/ca.pem)")));
        let identity = Some(Identity { certificate: text.clone(), key: text });
        check(&Pems { authorities: None, identity }, "CERT (/cert.pem) has no certificate");
        assert!(files.config(&Pems::default(), Check::Name).is_ok() && beside(&Pems::default()).is_none());
    }
}
