//! What is wrong with a broker's certificate, found out by a look at it: librdkafka says only that it can't be verified.

use super::faults::{broker_in, is_of_their_certificate};
use credentials::{Check, Pems, TlsFiles, TlsNames};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long a look may take.
const LOOK_WAIT_MAX: Duration = Duration::from_secs(1);

/// What people call the brokers and the settings of their TLS.
const NAMES: TlsNames = TlsNames {
    server: "a broker",
    address: "KAFKA_BROKERS",
    authorities: "KAFKA_CONFIG_SSL_CA_LOCATION",
    certificate: "KAFKA_CONFIG_SSL_CERTIFICATE_LOCATION",
    key: "KAFKA_CONFIG_SSL_KEY_LOCATION",
};

/// What the brokers' certificates are checked by.
#[derive(Clone, Debug)]
pub struct Certificates {
    files: TlsFiles,
    /// Authorities that are a setting's value, instead of a file.
    authorities: Option<String>,
    check: Check,
}

impl Certificates {
    /// As these settings of librdkafka say.
    pub fn of(config: &BTreeMap<String, String>) -> Self {
        // A folder of authorities, and `probe`, are the system's for our purposes.
        let location = config.get("ssl.ca.location").map(PathBuf::from).filter(|path| path.is_file());
        let names = config.get("ssl.endpoint.identification.algorithm");
        let check = if names.is_some_and(|names| names == "none") { Check::AnyName } else { Check::Name };
        let files = TlsFiles { authorities: location, ..TlsFiles::none(NAMES) };
        Self { files, authorities: config.get("ssl.ca.pem").cloned(), check }
    }

    /// Why the client refuses a broker's certificate, if these words of its say that it does: a sentence with a remedy. Blocks.
    pub fn refused(&self, words: &str) -> Option<String> {
        let (host, port) = broker_in(words).filter(|_| is_of_their_certificate(words))?;
        let mut pems = self.files.read().ok()?;
        if let Some(authorities) = &self.authorities {
            pems = Pems { authorities: Some(authorities.clone().into_bytes()), ..pems };
        }
        let config = self.files.config(&pems, self.check).ok()?;
        let error = credentials::look(host, port, Arc::new(config), LOOK_WAIT_MAX).err()?;
        Some(format!("{}; {host}:{port} was called", credentials::refused(&error, &NAMES)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_librdkafka_say_what_is_checked() {
        let of = |name: &str, value: &str| Certificates::of(&BTreeMap::from([(name.into(), value.into())]));
        assert_eq!(of("ssl.endpoint.identification.algorithm", "none").check, Check::AnyName);
        assert_eq!(of("ssl.endpoint.identification.algorithm", "https").check, Check::Name);
        assert_eq!(of("ssl.ca.location", "probe").files.authorities, None);
        let file = format!("{}/Cargo.toml", env!("CARGO_MANIFEST_DIR"));
        assert_eq!(of("ssl.ca.location", &file).files.authorities, Some(file.into()));
        assert!(of("ssl.ca.pem", "x").authorities.is_some());
    }

    #[test]
    fn words_about_something_else_are_not_looked_into() {
        assert_eq!(Certificates::of(&BTreeMap::new()).refused("ssl://127.0.0.1:1/1: Disconnected"), None);
    }
}
