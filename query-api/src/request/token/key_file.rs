//! The file of public keys, which may be replaced while the service runs.

use crate::request::token::keys::{self, Key};
use crate::request::token::settings::BadSettings;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A larger file is refused. A set with the most keys that are tried has a tenth of this.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// What reading the file again has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reload {
    /// The same keys as before.
    Same,
    /// Other keys, this many, which replace those of before.
    Changed(usize),
    /// The file can't be used: the keys of before stay. A sentence that names the variable, given once for each bad file.
    Refused(String),
}

/// A key file, and the text it had when it was last read.
pub struct KeyFile {
    path: PathBuf,
    /// The file's text, or the reason why it has none.
    text: Mutex<Vec<u8>>,
}

impl KeyFile {
    /// Reads the file.
    ///
    /// # Errors
    /// When it can't be read or has no key that can be used.
    pub fn open(path: &Path) -> Result<(Self, Vec<Key>), BadSettings> {
        let text = read(path)?;
        let keys = parse(path, &text)?;
        Ok((Self { path: path.to_owned(), text: Mutex::new(text) }, keys))
    }

    /// Reads the file again and calls `replace` with its keys if they have changed. Texts are compared, not dates: a file
    /// may be replaced twice within the resolution of a date, or by an older one.
    pub fn reload(&self, replace: impl FnOnce(Vec<Key>)) -> Reload {
        let mut last = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        let (text, keys) = match read(&self.path) {
            Ok(text) if text == *last => return Reload::Same,
            Ok(text) => {
                let keys = parse(&self.path, &text);
                (text, keys)
            }
            // The reason takes the text's place, so that it is reported once.
            Err(BadSettings(why)) if why.as_bytes() == *last => return Reload::Same,
            Err(BadSettings(why)) => (why.clone().into_bytes(), Err(BadSettings(why))),
        };
        *last = text;
        match keys {
            Ok(keys) => {
                let count = keys.len();
                replace(keys);
                Reload::Changed(count)
            }
            Err(BadSettings(why)) => Reload::Refused(why),
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, BadSettings> {
    let mut text = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut text))
        .map_err(|error| bad(path, &format!("can't be read: {error}")))?;
    if read as u64 > FILE_BYTES_MAX {
        return Err(bad(path, &format!("has more than {FILE_BYTES_MAX} bytes, too many for a key set")));
    }
    Ok(text)
}

fn parse(path: &Path, text: &[u8]) -> Result<Vec<Key>, BadSettings> {
    keys::from_key_set(text).map_err(|why| bad(path, &why))
}

fn bad(path: &Path, why: &str) -> BadSettings {
    BadSettings(format!("JWT_JWKS_FILE ({}) {why}", path.display()))
}
