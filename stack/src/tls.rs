//! What a server shows and trusts when it speaks TLS.

use std::path::PathBuf;

/// A server's certificate with its key, and the authority of its clients' certificates: PEM files.
#[derive(Clone, Debug)]
pub struct ServerTls {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The authority of the clients' certificates.
    pub authority: PathBuf,
}
