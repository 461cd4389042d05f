//! The settings of Redis, which both binaries have, and what they say together with the files that they name.

use credentials::{BadSetting, Check, Identity, Pems, Secret, TlsFiles, TlsNames, is_set};
use redis::{Client, ClientTlsConfig, ConnectionAddr, IntoConnectionInfo as _, RedisError, TlsCertificates};
use std::error::Error;
use std::path::PathBuf;

/// What people call Redis and the settings of its TLS.
const NAMES: TlsNames = TlsNames {
    server: "Redis",
    address: "REDIS_URL",
    authorities: "REDIS_CA_FILE",
    certificate: "REDIS_CERT_FILE",
    key: "REDIS_KEY_FILE",
};

/// Where Redis is, and how it is reached.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Redis (optional)")]
pub struct Settings {
    /// Redis, as redis://user:password@host:port/db, or rediss:// for TLS. Set it where several instances serve, or where answers
    /// must be fresh the moment records are counted: members announce in it whose numbers have changed
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<Secret>,

    /// The file that has REDIS_URL, which is read again for each connection. Set it where secrets are mounted as files
    #[arg(long, env = "REDIS_URL_FILE")]
    pub redis_url_file: Option<PathBuf>,

    /// A PEM file of certificate authorities to trust instead of the system's; read again for each connection. Set it where
    /// Redis' certificate is signed by an authority of your own
    #[arg(long, env = "REDIS_CA_FILE")]
    pub redis_ca_file: Option<PathBuf>,

    /// A PEM file with the certificate by which Redis knows this client; read again for each connection. Set it where Redis asks
    /// for one (tls-auth-clients)
    #[arg(long, env = "REDIS_CERT_FILE")]
    pub redis_cert_file: Option<PathBuf>,

    /// The PEM file with that certificate's key; read again for each connection. Set it together with REDIS_CERT_FILE
    #[arg(long, env = "REDIS_KEY_FILE")]
    pub redis_key_file: Option<PathBuf>,
}

/// Where Redis is, and how it is reached, with all that was in files.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    url: Secret,
    files: TlsFiles,
    pems: Pems,
}

impl Settings {
    /// This URL, and nothing beside it.
    #[must_use]
    pub fn of_url(url: &str) -> Self {
        Self { redis_url: Some(url.to_owned().into()), ..Self::default() }
    }

    /// Whether Redis is to be used.
    #[must_use]
    pub fn are_set(&self) -> bool {
        self.redis_url.as_ref().is_some_and(|url| !url.expose().is_empty())
            || self.redis_url_file.as_deref().is_some_and(is_set)
    }

    /// What is wrong with the settings or in their files, in a sentence that names the setting.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        let client = self.read().and_then(|address| address.map(|address| address.client()).transpose());
        client.err().map(|bad| bad.0)
    }

    /// Reads the files that the settings name; `None` if there is no Redis.
    pub(crate) fn read(&self) -> Result<Option<Address>, BadSetting> {
        let url =
            credentials::secret(NAMES.address, self.redis_url.as_ref(), self.redis_url_file.as_deref())?;
        let Some(url) = url else { return Ok(None) };
        let files = TlsFiles {
            names: NAMES,
            authorities: self.redis_ca_file.clone(),
            certificate: self.redis_cert_file.clone(),
            key: self.redis_key_file.clone(),
        };
        Ok(Some(Address { url, pems: files.read()?, files }))
    }
}

impl Address {
    /// A client for this address, which is not connected yet.
    ///
    /// # Errors
    /// When it is none of Redis, or a file has no certificate, or no key.
    pub(crate) fn client(&self) -> Result<Client, BadSetting> {
        // The error's text is left out: it may quote the URL, and that holds the password.
        let unreadable = |_: RedisError| {
            let form = "redis://user:password@host:port/db (rediss:// for TLS)";
            BadSetting(format!("REDIS_URL must be unset, or of the form {form}"))
        };
        let info = self.url.expose().into_connection_info().map_err(unreadable)?;
        let ConnectionAddr::TcpTls { insecure, .. } = info.addr() else {
            return match self.files.first() {
                Some(file) => Err(BadSetting(format!(
                    "{file} is set, and REDIS_URL doesn't ask for TLS: let it begin with rediss://"
                ))),
                None => Client::open(info).map_err(unreadable),
            };
        };
        if *insecure {
            let why = "REDIS_URL ends with #insecure, which would trust anybody: name Redis' authority in REDIS_CA_FILE";
            return Err(BadSetting(why.into()));
        }
        // Says what is wrong with a file, by its name.
        self.files.config(&self.pems, Check::Name)?;
        let Pems { authorities, identity } = self.pems.clone();
        let client_tls = identity.map(|Identity { certificate, key }| ClientTlsConfig {
            client_cert: certificate,
            client_key: key,
        });
        Client::build_with_tls(info, TlsCertificates { client_tls, root_cert: authorities })
            .map_err(unreadable)
    }
}

/// A certificate that was refused, Redis' or this client's, in a sentence with a remedy; `None` if the error is about something else.
#[must_use]
pub fn refused(error: &(dyn Error + 'static)) -> Option<String> {
    credentials::refused(error, &NAMES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named_and_no_password_is_quoted() {
        let check = |settings: Settings, expected: &str| {
            let said = settings.wrong().unwrap_or_default();
            assert!(said.contains(expected) && !said.contains("sesame"), "{said}");
        };
        for url in ["127.0.0.1:6379", "http://:sesame@cache", "redis://:sesame@cache:port"] {
            check(Settings::of_url(url), "REDIS_URL must be unset, or of the form");
        }
        let plain = Settings::of_url("redis://:sesame@cache");
        check(
            Settings { redis_ca_file: Some("/".into()), ..plain.clone() },
            "REDIS_CA_FILE (/) can't be read",
        );
        let file = Some(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
        let authorities = Settings { redis_ca_file: file.clone(), ..plain.clone() };
        check(authorities, "REDIS_CA_FILE is set, and REDIS_URL doesn't ask for TLS");
        check(
            Settings { redis_url_file: file.clone(), ..plain },
            "REDIS_URL and REDIS_URL_FILE are both set",
        );
        let tls = Settings::of_url("rediss://:sesame@cache");
        check(Settings { redis_ca_file: file.clone(), ..tls.clone() }, "has no certificate");
        check(Settings { redis_key_file: file, ..tls }, "REDIS_KEY_FILE is set and REDIS_CERT_FILE is not");
        check(Settings::of_url("rediss://cache/#insecure"), "#insecure");
    }

    #[test]
    fn redis_is_optional() {
        for settings in [Settings::default(), Settings::of_url("")] {
            assert!(!settings.are_set() && settings.wrong().is_none());
        }
        for url in ["redis://cache", "rediss://user:sesame@cache:6380/2"] {
            let settings = Settings::of_url(url);
            assert!(settings.are_set() && settings.wrong().is_none());
        }
    }
}
