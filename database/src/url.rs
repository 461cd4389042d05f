//! What `DATABASE_URL` says. Pure.
//!
//! tokio-postgres knows no parameters for certificates and only three modes, so these are taken out before it reads the rest.

use credentials::BadSetting;
use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

/// An example of a correct one.
pub const EXAMPLE: &str = "postgres://user:password@host:port/database";

/// How a URL begins.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// Whether connections are encrypted, and what of the server's certificate is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Not encrypted.
    Disable,
    /// Encrypted if the server offers that. Then its certificate is checked as with the next one.
    Prefer,
    /// Encrypted, and the certificate is checked with its name. Other clients check less in this mode.
    Require,
    /// The same without the name, if the authority is one's own.
    VerifyCa,
    /// The same as `Require`.
    VerifyFull,
}

/// A URL, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Url {
    /// What tokio-postgres reads itself, the mode included.
    pub config: Config,
    /// `sslmode`, if it is there.
    pub mode: Option<Mode>,
    /// Whether it says which of its hosts are meant: primaries, standbys, or any.
    pub has_target: bool,
    /// `sslrootcert`: a file of authorities, or `system`.
    pub root_cert: Option<String>,
    /// `sslcert`: the file of this client's certificate.
    pub cert: Option<String>,
    /// `sslkey`: the file of its key.
    pub key: Option<String>,
}

impl Mode {
    const NAMES: &'static str = "disable, prefer, require, verify-ca or verify-full";

    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "disable" => Self::Disable,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }

    /// The nearest one that tokio-postgres has.
    pub const fn of_client(self) -> SslMode {
        match self {
            Self::Disable => SslMode::Disable,
            Self::Prefer => SslMode::Prefer,
            Self::Require | Self::VerifyCa | Self::VerifyFull => SslMode::Require,
        }
    }
}

impl Url {
    /// Parses the value of a setting.
    ///
    /// # Errors
    /// When it is no URL of PostgreSQL, names no host or no user, or has a parameter that can't be read. The sentence names the
    /// parameter, and quotes nothing that may be part of a password.
    pub fn parse(setting: &str, text: &str) -> Result<Self, BadSetting> {
        let unreadable = || BadSetting(format!("{setting} is written like {EXAMPLE}"));
        if !SCHEMES.iter().any(|scheme| text.starts_with(scheme)) {
            return Err(unreadable());
        }
        let (place, parameters) = split(text);
        let mut url = Self::default();
        let mut rest = Vec::new();
        for parameter in parameters {
            let bad = || unknown(setting, text, parameter);
            let (key, value) = parameter.split_once('=').ok_or_else(bad)?;
            let value = percent_decode_str(value).decode_utf8().map_err(|_| bad())?.into_owned();
            match key {
                "sslmode" => url.mode = Some(Mode::of(&value).ok_or_else(|| wrong_mode(setting))?),
                "sslrootcert" => url.root_cert = Some(value),
                "sslcert" => url.cert = Some(value),
                "sslkey" => url.key = Some(value),
                _ => {
                    url.has_target |= key == "target_session_attrs";
                    rest.push(parameter);
                }
            }
        }
        if let Some(bad) = rest.iter().find(|parameter| with(EXAMPLE_PLACE, &[**parameter]).is_none()) {
            return Err(unknown(setting, text, bad));
        }
        url.config = with(place, &rest).ok_or_else(unreadable)?;
        url.config.ssl_mode(url.mode.unwrap_or(Mode::Disable).of_client());
        if url.config.get_hosts().is_empty() || url.config.get_user().is_none() {
            return Err(BadSetting(format!("{setting} must name a host and a user, like {EXAMPLE}")));
        }
        Ok(url)
    }
}

/// A URL without parameters.
const EXAMPLE_PLACE: &str = "postgres://user@host/database";

/// What tokio-postgres reads of a URL with these parameters.
fn with(place: &str, parameters: &[&str]) -> Option<Config> {
    let mark = if parameters.is_empty() { "" } else { "?" };
    format!("{place}{mark}{}", parameters.join("&")).parse().ok()
}

/// What is before the parameters, and each of them. A question mark before the @ belongs to the password.
fn split(text: &str) -> (&str, Vec<&str>) {
    let host = text.find('@').unwrap_or(0);
    let mark = text[host..].find('?').map(|at| host + at);
    let Some(mark) = mark else { return (text, Vec::new()) };
    let parameters = text[mark + 1..].split('&').filter(|parameter| !parameter.is_empty());
    (&text[..mark], parameters.collect())
}

fn wrong_mode(setting: &str) -> BadSetting {
    BadSetting(format!("sslmode in {setting} must be {}", Mode::NAMES))
}

/// A sentence about a parameter that can't be read. It is named if it can't be part of a password: a password with an unescaped
/// @ in it would end there for every client, and the rest of it would stand among the parameters.
fn unknown(setting: &str, text: &str, parameter: &str) -> BadSetting {
    let key = parameter.split('=').next().unwrap_or_default();
    let is_name = !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let named = if is_name && text.matches('@').count() == 1 { key } else { "a parameter" };
    BadSetting(format!(
        "{named} in {setting} is not known here, or its value can't be read; {setting} is written like {EXAMPLE}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_postgres::config::Host;

    fn parsed(parameters: &str) -> Url {
        Url::parse("DATABASE_URL", &format!("postgres://u:p@db:1/x{parameters}")).unwrap()
    }

    #[test]
    fn a_mode_is_the_clients_nearest_one_and_none_encrypts_nothing() {
        let check = |parameters: &str, mode, client| {
            let url = parsed(parameters);
            assert_eq!((url.mode, url.config.get_ssl_mode()), (mode, client), "{parameters}");
        };
        check("", None, SslMode::Disable);
        check("?sslmode=disable", Some(Mode::Disable), SslMode::Disable);
        check("?sslmode=prefer", Some(Mode::Prefer), SslMode::Prefer);
        check("?sslmode=require", Some(Mode::Require), SslMode::Require);
        check("?application_name=a&sslmode=verify-ca", Some(Mode::VerifyCa), SslMode::Require);
        check("?sslmode=verify-full&connect_timeout=3", Some(Mode::VerifyFull), SslMode::Require);
    }

    #[test]
    fn files_are_taken_out_and_all_else_stays() {
        let url = parsed(
            "?sslrootcert=/a%20b/ca.pem&application_name=a&sslcert=c&sslkey=k&target_session_attrs=any",
        );
        assert_eq!(url.root_cert.as_deref(), Some("/a b/ca.pem"));
        assert_eq!((url.cert.as_deref(), url.key.as_deref()), (Some("c"), Some("k")));
        assert_eq!(url.config.get_application_name(), Some("a"));
        assert!(url.has_target && !parsed("").has_target);
        let odd = Url::parse("URL", "postgresql://u:a?b&c@db/x?options=-c%20a%3Db").unwrap();
        assert_eq!(odd.config.get_password(), Some(&b"a?b&c"[..]));
        assert_eq!(odd.config.get_options(), Some("-c a=b"));
        let socket = Url::parse("URL", "postgres://u@/x?host=/run/postgresql").unwrap();
        assert!(socket.config.get_hosts().iter().any(|host| matches!(host, Host::Unix(_))));
    }

    #[test]
    fn what_cannot_be_read_is_named_and_no_password_is_quoted() {
        let check = |text: &str, expected: &str| {
            let said = Url::parse("DATABASE_URL", text).unwrap_err().0;
            assert!(said.contains("DATABASE_URL") && said.contains(expected), "{text}: {said}");
            assert!(!said.contains("sesame"), "{text}: {said}");
        };
        check("mysql://u:sesame@db/x", "is written like");
        check("host=h password=sesame", "is written like");
        check("postgres://u:sesame@db:port/x", "is written like");
        check("postgres://db/x", "must name a host and a user");
        check("postgres://u:sesame@/x", "must name a host and a user");
        check("postgres://u:sesame@db/x?sslmode=full", "sslmode in DATABASE_URL must be disable, prefer");
        check("postgres://u:sesame@db/x?odd=1", "odd in DATABASE_URL is not known");
        check("postgres://u:sesame@db/x?connect_timeout=soon", "connect_timeout in DATABASE_URL");
        check("postgres://u:sesame@db/x?sslmode", "sslmode in DATABASE_URL is not known here, or its value");
        check("postgres://u:open@db?sesame=1@db/x", "a parameter in DATABASE_URL");
    }
}
