//! Certificates of a story: of the right authority and of others, good, outdated, and for another name.

use crate::must::must;
use crate::shared::Shared;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use stack::ServerTls;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The names of the servers that are started here.
const HERE: [&str; 2] = ["localhost", "127.0.0.1"];

/// A name that no server here has.
const ELSEWHERE: &str = "elsewhere.example";

/// The first year in which certificates are good.
const FROM: i32 = 2020;

/// What is to be wrong with a server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    None,
    /// It was good until some years ago.
    Expired,
    /// It is for another server.
    Elsewhere,
}

/// An authority that signs certificates. Its files are in a folder of its own.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: PathBuf,
}

/// A certificate and its key, in PEM files.
#[derive(Clone, Debug)]
pub struct Certified {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl Authority {
    /// A new one of this name.
    pub async fn new(name: &str) -> Self {
        let folder = Shared::get().await.services.run().join(format!("certificates-{}", next()));
        must(std::fs::create_dir(&folder).map_err(Into::into));
        let mut params = must(params(name, &[], false));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = must(KeyPair::generate().map_err(Into::into));
        let certificate = must(params.self_signed(&key).map_err(Into::into));
        must(std::fs::write(folder.join("authority.pem"), certificate.pem()).map_err(Into::into));
        Self { issuer: Issuer::new(params, key), folder }
    }

    /// The file of its own certificate, by which others trust it.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.join("authority.pem")
    }

    /// A certificate of a server here, or one with a flaw.
    #[must_use]
    pub fn server(&self, flaw: Flaw) -> Certified {
        let names = if flaw == Flaw::Elsewhere { &[ELSEWHERE][..] } else { &HERE };
        let mut params = must(params(names[0], names, flaw == Flaw::Expired));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign("server", &params)
    }

    /// What a server here shows; it takes clients' certificates of this authority.
    #[must_use]
    pub fn server_tls(&self, flaw: Flaw) -> ServerTls {
        let Certified { certificate, key } = self.server(flaw);
        ServerTls { certificate, key, authority: self.file() }
    }

    /// A certificate by which servers know a client by this name.
    #[must_use]
    pub fn client(&self, name: &str) -> Certified {
        let mut params = must(params(name, &[], false));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&format!("client-{name}"), &params)
    }

    fn sign(&self, whose: &str, params: &CertificateParams) -> Certified {
        let file = format!("{whose}-{}", next());
        let key = must(KeyPair::generate().map_err(Into::into));
        let certificate = must(params.signed_by(&key, &self.issuer).map_err(Into::into));
        let write = |ending: &str, text: String| {
            let path = self.folder.join(format!("{file}.{ending}"));
            must(std::fs::write(&path, text).map_err(Into::into));
            path
        };
        Certified { certificate: write("pem", certificate.pem()), key: write("key", key.serialize_pem()) }
    }
}

impl Certified {
    /// What accepts TLS on connections, and shows this certificate.
    #[must_use]
    pub fn acceptor(&self) -> TlsAcceptor {
        let read = |path: &Path| must(std::fs::read(path).map_err(Into::into));
        let chain = CertificateDer::pem_slice_iter(&read(&self.certificate)).collect::<Result<Vec<_>, _>>();
        let key = PrivateKeyDer::from_pem_slice(&read(&self.key));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring speaks the versions rustls thinks safe")
            .with_no_client_auth()
            .with_single_cert(chain.expect("a certificate in PEM"), key.expect("its key in PEM"));
        TlsAcceptor::from(Arc::new(config.expect("a certificate and its key")))
    }

    /// Puts both in the place of these files, as whoever renews a certificate does: the key first, so that for a moment the two
    /// don't belong together.
    pub fn replace(&self, Self { certificate, key }: &Self) {
        put(&self.key, key);
        put(&self.certificate, certificate);
    }
}

/// A number that nothing else here has.
fn next() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Puts a copy of one file in the place of another, at once.
pub fn put(from: &Path, to: &Path) {
    let beside = to.with_extension("new");
    must(std::fs::copy(from, &beside).map_err(Into::into));
    must(std::fs::rename(beside, to).map_err(Into::into));
}

fn params(name: &str, names: &[&str], is_expired: bool) -> anyhow::Result<CertificateParams> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(FROM, 1, 1);
    params.not_after = date_time_ymd(if is_expired { FROM + 1 } else { FROM + 100 }, 1, 1);
    Ok(params)
}
