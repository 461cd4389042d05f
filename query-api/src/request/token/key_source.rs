//! Where keys come from: a file of public keys or of secrets, or an address of public keys. Their text may be replaced while the
//! service runs.

use crate::request::token::keys::{self, KeySet};
use crate::request::token::settings::BadSettings;
use hyper::Uri;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A larger key set is refused. One with the most keys that are used has a tenth of this.
pub const KEY_SET_BYTES_MAX: usize = 1024 * 1024;

/// What has come of reading keys again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reload {
    /// The same keys as before.
    Same,
    /// Other keys, which replace those of before.
    Changed {
        /// How many they are.
        keys: usize,
        /// Which entries of the set are passed over, and why.
        remarks: Vec<String>,
    },
    /// The text can't be used: the keys of before stay. A sentence that names the variable, given once for each bad text.
    Refused(String),
}

/// A source of keys, and the text it had when it was last read.
pub struct KeySource {
    place: Place,
    /// The text, or the reason why there is none.
    text: Mutex<Vec<u8>>,
}

enum Place {
    File(PathBuf),
    Secrets(PathBuf),
    Url(Uri),
}

impl KeySource {
    /// Reads a file of public keys.
    ///
    /// # Errors
    /// When it can't be read or has no key that can be used.
    pub fn file(path: &Path) -> Result<(Self, KeySet), BadSettings> {
        Self::read(Place::File(path.to_owned()), path)
    }

    /// Reads a file of secrets.
    ///
    /// # Errors
    /// When it can't be read or has no secret that can be used.
    pub fn secrets(path: &Path) -> Result<(Self, KeySet), BadSettings> {
        Self::read(Place::Secrets(path.to_owned()), path)
    }

    fn read(place: Place, path: &Path) -> Result<(Self, KeySet), BadSettings> {
        let bad = |why: String| BadSettings(place.says(&why));
        let text = read(path).map_err(bad)?;
        let keys = place.keys(&text).map_err(bad)?;
        Ok((Self { place, text: Mutex::new(text) }, keys))
    }

    /// An address, from which nothing is fetched yet.
    ///
    /// # Errors
    /// When it is none of HTTP.
    pub fn url(text: &str) -> Result<Self, BadSettings> {
        let url = text.trim().parse::<Uri>().ok().filter(|url| {
            matches!(url.scheme_str(), Some("http" | "https"))
                && url.host().is_some_and(|host| !host.is_empty())
        });
        let url = url.ok_or_else(|| BadSettings(NO_URL.into()))?;
        Ok(Self { place: Place::Url(url), text: Mutex::default() })
    }

    /// The address, if it is one.
    pub const fn address(&self) -> Option<&Uri> {
        match &self.place {
            Place::Url(url) => Some(url),
            Place::File(_) | Place::Secrets(_) => None,
        }
    }

    /// Reads the file again and calls `replace` with its keys if they have changed. An address is not read here.
    pub fn reload(&self, replace: impl FnOnce(KeySet)) -> Reload {
        match &self.place {
            Place::File(path) | Place::Secrets(path) => self.take(read(path), replace),
            Place::Url(_) => Reload::Same,
        }
    }

    /// Takes what was read, and calls `replace` with its keys if they have changed. Texts are compared, not dates: a file
    /// may be replaced twice within the resolution of a date, or by an older one.
    pub fn take(&self, read: Result<Vec<u8>, String>, replace: impl FnOnce(KeySet)) -> Reload {
        let mut last = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        let (text, keys) = match read {
            Ok(text) if text == *last => return Reload::Same,
            Ok(text) => {
                let keys = self.place.keys(&text);
                (text, keys)
            }
            // The reason takes the text's place, so that it is reported once.
            Err(why) if why.as_bytes() == *last => return Reload::Same,
            Err(why) => (why.clone().into_bytes(), Err(why)),
        };
        *last = text;
        match keys {
            Ok(set) => {
                let (keys, remarks) = (set.keys.len(), set.remarks.clone());
                replace(set);
                Reload::Changed { keys, remarks }
            }
            Err(why) => Reload::Refused(self.place.says(&why)),
        }
    }
}

impl Place {
    fn keys(&self, text: &[u8]) -> Result<KeySet, String> {
        match self {
            Self::File(_) | Self::Url(_) => keys::from_key_set(text),
            Self::Secrets(_) => keys::from_secrets(text),
        }
    }

    fn says(&self, why: &str) -> String {
        match self {
            Self::File(path) => format!("JWT_JWKS_FILE ({}) {why}", path.display()),
            Self::Secrets(path) => format!("JWT_HS256_SECRET_FILE ({}) {why}", path.display()),
            Self::Url(url) => format!("JWT_JWKS_URL ({}) {why}", without_secrets(url)),
        }
    }
}

/// The address without what may be a secret: a user with a password before the host, and the query.
fn without_secrets(url: &Uri) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!(
        "{}://{}{port}{}",
        url.scheme_str().unwrap_or_default(),
        url.host().unwrap_or_default(),
        url.path()
    )
}

const NO_URL: &str = "JWT_JWKS_URL must be an address such as https://id.example.com/.well-known/jwks.json";

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(KEY_SET_BYTES_MAX as u64 + 1).read_to_end(&mut text))
        .map_err(|error| format!("can't be read: {error}"))?;
    if read > KEY_SET_BYTES_MAX {
        return Err(format!("has more than {KEY_SET_BYTES_MAX} bytes, too many for a key set"));
    }
    Ok(text)
}
