//! TLS with a server as settings name it: the authorities to trust, and this client's certificate with its key, in PEM files.

use crate::secret::{BadSetting, bytes_in, is_set};
use std::path::{Path, PathBuf};

/// What a server and the settings of its TLS are called, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsNames {
    /// The server.
    pub server: &'static str,
    /// The setting with its address.
    pub address: &'static str,
    /// The setting that names the file of authorities.
    pub authorities: &'static str,
    /// The setting that names the file of this client's certificate; empty where it never shows one.
    pub certificate: &'static str,
    /// The setting that names the file of its key; empty where it never shows a certificate.
    pub key: &'static str,
}

impl TlsNames {
    /// Those of a server to which this client never shows a certificate.
    #[must_use]
    pub const fn of_server(server: &'static str, address: &'static str, authorities: &'static str) -> Self {
        Self { server, address, authorities, certificate: "", key: "" }
    }
}

/// The files of TLS with a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// What the settings are called.
    pub names: TlsNames,
    /// The authorities to trust, instead of the system's.
    pub authorities: Option<PathBuf>,
    /// This client's certificate, and the chain to its authority.
    pub certificate: Option<PathBuf>,
    /// The certificate's key.
    pub key: Option<PathBuf>,
}

/// What is in the files. It has a private key, so it is not shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Pems {
    /// The authorities to trust; `None` for the system's.
    pub authorities: Option<Vec<u8>>,
    /// Who this client says it is.
    pub identity: Option<Identity>,
}

/// A client's certificate and its key.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate, and the chain to its authority.
    pub certificate: Vec<u8>,
    /// The key.
    pub key: Vec<u8>,
}

impl TlsFiles {
    /// No files: the system's authorities, and no certificate of this client.
    #[must_use]
    pub const fn none(names: TlsNames) -> Self {
        Self { names, authorities: None, certificate: None, key: None }
    }

    /// The setting of one of the files; `None` if there are none.
    #[must_use]
    pub fn first(&self) -> Option<&'static str> {
        let TlsNames { authorities, certificate, key, .. } = self.names;
        let files = [(&self.authorities, authorities), (&self.certificate, certificate), (&self.key, key)];
        files.into_iter().find(|(file, _)| set(file).is_some()).map(|(_, setting)| setting)
    }

    /// Reads the files.
    ///
    /// # Errors
    /// When one can't be read, or a certificate has no key, or a key no certificate.
    pub fn read(&self) -> Result<Pems, BadSetting> {
        let TlsNames { authorities, certificate, key, .. } = self.names;
        let read = |setting, file| set(file).map(|file| bytes_in(setting, file)).transpose();
        let lonely = |there, missing| {
            Err(BadSetting(format!("{there} is set and {missing} is not: set both, or neither of them")))
        };
        let identity = match (read(certificate, &self.certificate)?, read(key, &self.key)?) {
            (Some(certificate), Some(key)) => Some(Identity { certificate, key }),
            (Some(_), None) => return lonely(certificate, key),
            (None, Some(_)) => return lonely(key, certificate),
            (None, None) => None,
        };
        Ok(Pems { authorities: read(authorities, &self.authorities)?, identity })
    }

    /// A file as people see it: its setting, and its path.
    pub(crate) fn named(setting: &str, file: Option<&Path>) -> String {
        let path = file.map(|file| format!(" ({})", file.display()));
        format!("{setting}{}", path.unwrap_or_default())
    }
}

fn set(file: &Option<PathBuf>) -> Option<&Path> {
    file.as_deref().filter(|file| is_set(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: TlsNames =
        TlsNames { server: "Server", address: "URL", authorities: "CA", certificate: "CERT", key: "KEY" };

    #[test]
    fn a_certificate_needs_its_key_and_what_is_empty_is_not_set() {
        let none = TlsFiles::none(NAMES);
        // Any file will do: what is in it is looked at later.
        let this = Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
        assert!(none.read().is_ok_and(|pems| pems == Pems::default()) && none.first().is_none());
        let empty = TlsFiles { authorities: Some("".into()), ..none.clone() };
        assert!(empty.read().is_ok_and(|pems| pems == Pems::default()) && empty.first().is_none());
        let lonely = TlsFiles { key: this.clone(), ..none.clone() };
        assert_eq!(lonely.first(), Some("KEY"));
        assert_eq!(
            lonely.read().err().map(|bad| bad.0).as_deref(),
            Some("KEY is set and CERT is not: set both, or neither of them")
        );
        let missing = TlsFiles { authorities: Some("/nowhere/ca.pem".into()), ..none.clone() };
        let said = missing.read().err().unwrap().0;
        assert!(said.starts_with("CA (/nowhere/ca.pem) can't be read: "), "{said}");
        let both = TlsFiles { certificate: this.clone(), key: this, ..none };
        assert!(both.read().is_ok_and(|pems| pems.identity.is_some()));
    }
}
