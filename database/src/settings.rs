//! The settings of PostgreSQL, which both binaries have, and what they say together with the files that they name.

use crate::url::{EXAMPLE, Mode, Url};
use credentials::{BadSetting, Check, Pems, Secret, TlsFiles, TlsNames, is_set};
use std::error::Error;
use std::path::PathBuf;
use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;

/// What people call PostgreSQL and the settings of its TLS.
const NAMES: TlsNames = TlsNames {
    server: "PostgreSQL",
    address: "DATABASE_URL",
    authorities: "DATABASE_CA_FILE",
    certificate: "DATABASE_CERT_FILE",
    key: "DATABASE_KEY_FILE",
};

/// The value of `sslrootcert` for the system's authorities.
const SYSTEM: &str = "system";

/// Where PostgreSQL is, and how it is reached.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "PostgreSQL")]
pub struct Settings {
    /// PostgreSQL 15 or newer, as postgres://user:password@host:port/database. ?sslmode=verify-full encrypts, and checks the
    /// server's certificate. Of several hosts, separated by commas, the primary is used
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<Secret>,

    /// The file that has DATABASE_URL, which is read again for each connection. Set it where secrets are mounted as files
    #[arg(long, env = "DATABASE_URL_FILE")]
    pub database_url_file: Option<PathBuf>,

    /// The file that has the password, if DATABASE_URL has none; read again for each connection. Set it where only the password is
    /// secret, or is replaced now and then
    #[arg(long, env = "DATABASE_PASSWORD_FILE")]
    pub database_password_file: Option<PathBuf>,

    /// A PEM file of certificate authorities to trust instead of the system's; read again for each connection. Set it where the
    /// server's certificate is signed by an authority of your own
    #[arg(long, env = "DATABASE_CA_FILE")]
    pub database_ca_file: Option<PathBuf>,

    /// A PEM file with the certificate by which PostgreSQL knows this client; read again for each connection. Set it where
    /// pg_hba.conf asks for one
    #[arg(long, env = "DATABASE_CERT_FILE")]
    pub database_cert_file: Option<PathBuf>,

    /// The PEM file with that certificate's key; read again for each connection. Set it together with DATABASE_CERT_FILE
    #[arg(long, env = "DATABASE_KEY_FILE")]
    pub database_key_file: Option<PathBuf>,

    /// What people call the setting of the URL, if that is another one than `DATABASE_URL`.
    #[arg(skip)]
    pub url_setting: Option<&'static str>,
}

/// Where PostgreSQL is, and how it is reached, with all that was in files.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// The connections' configuration.
    pub config: Config,
    /// Whether the URL says which of its hosts are meant: primaries, standbys, or any.
    pub has_target: bool,
    /// How connections are encrypted; `None` if they are not.
    tls: Option<Tls>,
}

#[derive(Clone, PartialEq, Eq)]
struct Tls {
    mode: Mode,
    files: TlsFiles,
    pems: Pems,
}

impl Settings {
    /// This URL, and nothing beside it.
    #[must_use]
    pub fn of_url(url: &str) -> Self {
        Self { database_url: Some(url.to_owned().into()), ..Self::default() }
    }

    /// The same for another server: a replica, whose URL is in this setting.
    #[must_use]
    pub fn for_url(&self, setting: &'static str, url: &str) -> Self {
        let url = Some(url.to_owned().into());
        Self { database_url: url, database_url_file: None, url_setting: Some(setting), ..self.clone() }
    }

    /// What is wrong with the settings or in their files, in a sentence that names the setting.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        let tls = self.read().and_then(|address| address.tls().map(drop));
        tls.err().map(|bad| bad.0)
    }

    /// Reads the files that the settings name, and takes all of it together.
    ///
    /// # Errors
    /// When a file can't be read, or the settings contradict each other.
    pub fn read(&self) -> Result<Address, BadSetting> {
        let setting = self.url_setting.unwrap_or(NAMES.address);
        let url =
            credentials::secret(setting, self.database_url.as_ref(), self.database_url_file.as_deref())?;
        let url = url.ok_or_else(|| {
            BadSetting(format!("{setting} must be set, and be written like {EXAMPLE}; --help says more"))
        })?;
        let mut url = Url::parse(setting, url.expose())?;
        if let Some(file) = self.database_password_file.as_deref().filter(|file| is_set(file)) {
            if url.config.get_password().is_some() {
                return Err(BadSetting(format!(
                    "DATABASE_PASSWORD_FILE is set, and {setting} has a password, too: keep one of them"
                )));
            }
            let password = credentials::secret_in("DATABASE_PASSWORD_FILE", file)?;
            url.config.password(password.expose());
        }
        let files = self.files(setting, &url)?;
        let mode = mode(setting, &url, &files)?;
        url.config.ssl_mode(mode.unwrap_or(Mode::Disable).of_client());
        let tls = match mode {
            Some(mode) => Some(Tls { mode, pems: files.read()?, files }),
            None => None,
        };
        Ok(Address { config: url.config, has_target: url.has_target, tls })
    }

    /// The files of certificates, each of which may be named by a setting or within the URL.
    fn files(&self, setting: &str, url: &Url) -> Result<TlsFiles, BadSetting> {
        let mut files = TlsFiles::none(NAMES);
        let authority = url.root_cert.as_deref().filter(|root| *root != SYSTEM);
        let pairs = [
            (&self.database_ca_file, NAMES.authorities, &url.root_cert, "sslrootcert"),
            (&self.database_cert_file, NAMES.certificate, &url.cert, "sslcert"),
            (&self.database_key_file, NAMES.key, &url.key, "sslkey"),
        ];
        for (file, variable, parameter, name) in pairs {
            if file.as_deref().is_some_and(is_set) && parameter.is_some() {
                return Err(BadSetting(format!(
                    "{variable} and {name} in {setting} are both set: keep one of them"
                )));
            }
        }
        let either = |file: &Option<PathBuf>, parameter: Option<&str>| {
            parameter.map(PathBuf::from).or_else(|| file.clone().filter(|file| is_set(file)))
        };
        files.authorities = either(&self.database_ca_file, authority);
        files.certificate = either(&self.database_cert_file, url.cert.as_deref());
        files.key = either(&self.database_key_file, url.key.as_deref());
        let named =
            |parameter: &Option<String>, name, variable| if parameter.is_some() { name } else { variable };
        files.names.authorities = named(&url.root_cert, "sslrootcert in DATABASE_URL", NAMES.authorities);
        files.names.certificate = named(&url.cert, "sslcert in DATABASE_URL", NAMES.certificate);
        files.names.key = named(&url.key, "sslkey in DATABASE_URL", NAMES.key);
        Ok(files)
    }
}

/// How connections are encrypted; `None` if they are not. Whoever names a certificate means TLS: without it nobody would look at
/// the certificate. So modes that allow connections without TLS are refused beside one.
fn mode(setting: &str, url: &Url, files: &TlsFiles) -> Result<Option<Mode>, BadSetting> {
    // The system's authorities are in no file of ours.
    let authorities = url.root_cert.as_ref().map(|_| files.names.authorities);
    match (url.mode, files.first().or(authorities)) {
        (Some(Mode::Disable), Some(named)) => Err(BadSetting(format!(
            "{named} is set, and sslmode=disable in {setting} asks for no TLS: keep one of them"
        ))),
        (Some(Mode::Prefer), Some(named)) => Err(BadSetting(format!(
            "{named} is set, and sslmode=prefer in {setting} allows connections without TLS: set sslmode=verify-full, or keep one \
             of them"
        ))),
        (None | Some(Mode::Disable), None) => Ok(None),
        (None, Some(_)) => Ok(Some(Mode::VerifyFull)),
        (Some(mode), _) => Ok(Some(mode)),
    }
}

impl Address {
    /// TLS as the settings ask for it; `None` if they ask for none.
    ///
    /// # Errors
    /// When a file has no certificate, or no key.
    pub(crate) fn tls(&self) -> Result<Option<MakeRustlsConnect>, BadSetting> {
        let Some(Tls { mode, files, pems }) = &self.tls else { return Ok(None) };
        // Any server with a certificate of a public authority would do otherwise.
        let is_own = pems.authorities.is_some();
        let check = if *mode == Mode::VerifyCa && is_own { Check::AnyName } else { Check::Name };
        Ok(Some(MakeRustlsConnect::new(files.config(pems, check)?)))
    }
}

/// A certificate that was refused, PostgreSQL's or this client's, in a sentence with a remedy; `None` if the error is about something
/// else.
#[must_use]
pub fn refused(error: &(dyn Error + 'static)) -> Option<String> {
    credentials::refused(error, &NAMES)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TLS: &str = "postgres://u:sesame@db/x?sslmode=verify-full";

    fn said(settings: &Settings) -> String {
        let said = settings.wrong().unwrap_or_default();
        assert!(!said.contains("sesame"), "{said}");
        said
    }

    #[test]
    fn a_setting_and_its_like_in_the_url_are_refused_together() {
        let check = |settings: Settings, parts: &[&str]| {
            let said = said(&settings);
            assert!(parts.iter().all(|part| said.contains(part)), "{said}");
        };
        check(Settings::default(), &["DATABASE_URL must be set"]);
        check(Settings::of_url(""), &["DATABASE_URL must be set"]);
        let both = Settings { database_url_file: Some("/url".into()), ..Settings::of_url(TLS) };
        check(both, &["DATABASE_URL and DATABASE_URL_FILE are both set"]);
        let password = Settings { database_password_file: Some("/p".into()), ..Settings::of_url(TLS) };
        check(password, &["DATABASE_PASSWORD_FILE is set", "DATABASE_URL has a password"]);
        let root = format!("{TLS}&sslrootcert=/ca.pem");
        let roots = Settings { database_ca_file: Some("/ca.pem".into()), ..Settings::of_url(&root) };
        check(roots, &["DATABASE_CA_FILE and sslrootcert in DATABASE_URL are both set"]);
        let plain = Settings {
            database_ca_file: Some("/ca.pem".into()),
            ..Settings::of_url("postgres://u:sesame@db/x")
        };
        check(plain, &["DATABASE_CA_FILE (/ca.pem) can't be read"]);
        check(
            Settings::of_url(&format!("{TLS}&sslcert=/cert")),
            &["sslcert in DATABASE_URL (/cert) can't be read"],
        );
        check(Settings::of_url(&root), &["sslrootcert in DATABASE_URL (/ca.pem) can't be read"]);
        let replica = Settings::of_url(TLS).for_url("REPLICA_URL", "postgres://u:sesame@db/x?odd=1");
        check(replica, &["odd in REPLICA_URL"]);
    }

    #[test]
    fn whoever_names_a_certificate_means_tls() {
        let check = |parameters: &str, expected: Option<Mode>| {
            let url = format!("postgres://u:sesame@db/x{parameters}");
            let address = Settings::of_url(&url).read().ok().unwrap();
            let client = expected.unwrap_or(Mode::Disable).of_client();
            assert_eq!(address.config.get_ssl_mode(), client, "{parameters}");
            assert_eq!(address.tls.map(|tls| tls.mode), expected, "{parameters}");
        };
        check("", None);
        check("?sslmode=disable", None);
        check("?sslrootcert=system", Some(Mode::VerifyFull));
        check("?sslrootcert=system&sslmode=require", Some(Mode::Require));

        let absent = Settings {
            // Any file will do: what is in it is looked at later.
            database_ca_file: Some(format!("{}/Cargo.toml", env!("CARGO_MANIFEST_DIR")).into()),
            ..Settings::of_url("postgres://u:sesame@db/x")
        };
        let address = absent.read().ok().unwrap();
        assert_eq!(address.tls.map(|tls| tls.mode), Some(Mode::VerifyFull));
    }

    #[test]
    fn a_mode_that_allows_plain_text_is_refused_beside_a_certificate() {
        for mode in ["sslmode=disable", "sslmode=prefer"] {
            let refused = |settings: &Settings, name: &str| {
                let said = said(settings);
                assert!(said.contains(name) && said.contains(&format!("{mode} in DATABASE_URL")), "{said}");
            };
            let plain = Settings::of_url(&format!("postgres://u:sesame@db/x?{mode}"));
            let file = || Some(PathBuf::from("/a.pem"));
            assert_eq!(said(&plain), "", "{mode} alone");
            refused(&Settings { database_ca_file: file(), ..plain.clone() }, "DATABASE_CA_FILE is set");
            refused(&Settings { database_cert_file: file(), ..plain.clone() }, "DATABASE_CERT_FILE is set");
            refused(&Settings { database_key_file: file(), ..plain }, "DATABASE_KEY_FILE is set");
            for (parameter, value) in [("sslrootcert", "system"), ("sslcert", "/a.pem"), ("sslkey", "/a.pem")]
            {
                let url = format!("postgres://u:sesame@db/x?{mode}&{parameter}={value}");
                refused(&Settings::of_url(&url), &format!("{parameter} in DATABASE_URL is set"));
            }
        }
    }

    #[test]
    fn what_needs_no_file_is_right_as_it_is() {
        for url in
            [TLS, "postgres://u:sesame@db/x", "postgres://u:sesame@db/x?sslmode=verify-ca&sslrootcert=system"]
        {
            assert_eq!(said(&Settings::of_url(url)), "");
        }
        let empty = Settings { database_ca_file: Some("".into()), ..Settings::of_url("postgres://u@db/x") };
        assert_eq!(said(&empty), "", "an empty variable counts as not set");
    }

    #[test]
    fn a_file_is_read_anew_each_time() {
        let path = std::env::temp_dir().join(format!("database-password-{}", std::process::id()));
        let settings =
            Settings { database_password_file: Some(path.clone()), ..Settings::of_url("postgres://u@db/x") };
        for password in ["first", "second"] {
            std::fs::write(&path, format!("{password}\n")).unwrap();
            let address = settings.read().ok().unwrap();
            assert_eq!(address.config.get_password(), Some(password.as_bytes()));
        }
        std::fs::remove_file(path).unwrap();
        assert!(said(&settings).contains("DATABASE_PASSWORD_FILE"));
    }
}
