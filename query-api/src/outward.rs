//! Connections to others: whom TLS trusts, and words for what fails.

use credentials::{BadSetting, Check, Pems, TlsFiles, TlsNames};
use rustls::ClientConfig;
use std::error::Error;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whom TLS with a kind of server trusts: the system's authorities, or those in a file, which is read again for each connection.
pub struct Trust {
    source: Arc<Source>,
}

/// What becomes of the system's authorities where a file names others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum With {
    /// Only those in the file are trusted: there is one server, and one authority has signed its certificate.
    FileAlone,
    /// Both are: servers are anybody's.
    SystemToo,
}

/// Where authorities come from.
struct Source {
    files: TlsFiles,
    with: With,
    known: Mutex<Known>,
}

/// What was in the file, and what was made of it.
struct Known {
    pems: Pems,
    tls: ClientConfig,
    /// Why the file couldn't be used when it was last read.
    trouble: Option<String>,
}

impl Trust {
    /// Trust in the authorities of this file, or in the system's alone if there is none.
    ///
    /// # Errors
    /// When the file can't be read, or has no certificate of an authority: a sentence that names setting and file.
    pub fn new(names: TlsNames, file: Option<PathBuf>, with: With) -> Result<Self, BadSetting> {
        let files = TlsFiles { authorities: file, ..TlsFiles::none(names) };
        let pems = files.read()?;
        let known = Known { tls: tls(&files, &pems, with)?, pems, trouble: None };
        Ok(Self { source: Arc::new(Source { files, with, known: Mutex::new(known) }) })
    }

    /// TLS by what the file has now. A file that can't be used changes nothing; the log says so once for each cause. Waits as long
    /// as the file's disk does.
    pub async fn tls(&self) -> ClientConfig {
        let source = Arc::clone(&self.source);
        // It fails only if the process ends.
        drop(tokio::task::spawn_blocking(move || source.read()).await);
        self.source.known().tls.clone()
    }

    /// Why a server wasn't reached: what is wrong with its certificate, or the error and what caused it.
    #[must_use]
    pub fn why(&self, error: &(dyn Error + 'static)) -> String {
        credentials::refused(error, &self.source.files.names).unwrap_or_else(|| causes(error))
    }
}

impl Source {
    fn read(&self) {
        let setting = self.files.names.authorities;
        let read = self.files.read();
        let mut known = self.known();
        let changed = read.and_then(|pems| {
            let changed = (pems != known.pems).then_some(pems);
            changed.map(|pems| Ok((tls(&self.files, &pems, self.with)?, pems))).transpose()
        });
        match changed {
            Ok(None) => known.trouble = None,
            Ok(Some((tls, pems))) => {
                tracing::info!(setting, "authorities have changed in their file; new connections trust them");
                *known = Known { pems, tls, trouble: None };
            }
            Err(BadSetting(why)) => {
                if known.trouble.as_ref() != Some(&why) {
                    tracing::warn!(error = why, "a file of authorities can't be used; those of before stay");
                }
                known.trouble = Some(why);
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tls(files: &TlsFiles, pems: &Pems, with: With) -> Result<ClientConfig, BadSetting> {
    match with {
        With::FileAlone => files.config(pems, Check::Name),
        With::SystemToo => files.config_beside_system(pems),
    }
}

/// The error and what caused it.
fn causes(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    const NAMES: TlsNames = TlsNames::of_server("the server", "URL", "CA_FILE");

    #[test]
    fn a_file_that_cannot_be_used_is_refused_at_the_start_and_named() {
        let refused = |file: &str| Trust::new(NAMES, Some(file.into()), With::FileAlone).err().unwrap().0;
        assert!(refused("/nowhere/ca.pem").starts_with("CA_FILE (/nowhere/ca.pem) can't be read: "));
        let no_pem = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        assert_eq!(refused(no_pem), format!("CA_FILE ({no_pem}) has no certificate"));
        assert!(Trust::new(NAMES, Some("".into()), With::SystemToo).is_ok(), "what is empty is not set");
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_said_with_its_remedy_and_anything_else_in_its_own_words() {
        let trust = Trust::new(NAMES, None, With::SystemToo).ok().unwrap();
        let unknown = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let said = trust.why(&io::Error::other(io::Error::new(io::ErrorKind::InvalidData, unknown)));
        assert!(said.contains("the server's certificate") && said.contains("CA_FILE"), "{said}");
        assert_eq!(trust.why(&io::Error::other("it is away")), "it is away");
    }
}
