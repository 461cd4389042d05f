//! A secret: the value of a setting, or what is in the file that its `..._FILE` names.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Most bytes of a file. A secret has some dozens; a bundle of all authorities has some hundred thousands.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Why a setting can't be used: a sentence that names the setting, and the file if there is one. It never quotes a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadSetting(pub String);

/// A value that is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The value, for whoever must have it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

/// The value of a setting, or what is in the file that `..._FILE` names; `None` if neither is set. What is empty counts as not
/// set.
///
/// # Errors
/// When both are set, or the file can't be used.
pub fn secret(
    setting: &str,
    value: Option<&Secret>,
    file: Option<&Path>,
) -> Result<Option<Secret>, BadSetting> {
    let value = value.filter(|value| !value.0.is_empty());
    match (value, file.filter(|file| is_set(file))) {
        (Some(_), Some(_)) => {
            Err(BadSetting(format!("{setting} and {setting}_FILE are both set: keep one of them")))
        }
        (None, Some(file)) => secret_in(&format!("{setting}_FILE"), file).map(Some),
        (value, None) => Ok(value.cloned()),
    }
}

/// The secret in the file that a setting names, without the end of its line.
///
/// # Errors
/// When the file can't be read, is empty, too long, or no text.
pub fn secret_in(setting: &str, file: &Path) -> Result<Secret, BadSetting> {
    let bad = |why| BadSetting(format!("{setting} ({}) {why}", file.display()));
    let text = String::from_utf8(bytes_in(setting, file)?).map_err(|_| bad("is not UTF-8"))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() { Err(bad("is empty")) } else { Ok(Secret(text.to_owned())) }
}

/// What is in the file that a setting names.
pub fn bytes_in(setting: &str, file: &Path) -> Result<Vec<u8>, BadSetting> {
    let bad = |why: String| BadSetting(format!("{setting} ({}) {why}", file.display()));
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    read.map_err(|error| bad(format!("can't be read: {error}")))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(bad(format!("has more than {} MiB", FILE_BYTES_MAX >> 20)));
    }
    Ok(bytes)
}

/// Whether a path is one: an empty variable counts as not set.
#[must_use]
pub fn is_set(file: &Path) -> bool {
    !file.as_os_str().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of this test's own.
    fn file(name: &str, bytes: &[u8]) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("credentials-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn a_secret_is_its_value_or_what_is_in_its_file_without_the_end_of_the_line() {
        let given = |value: Option<&str>, file: Option<&Path>| {
            let value = value.map(|value| Secret(value.to_owned()));
            let read = secret("NAME", value.as_ref(), file);
            read.map(|read| read.map(|secret| secret.0)).map_err(|bad| bad.0)
        };
        let ended = file("ended", b"open sesame \r\n");
        assert_eq!(given(None, None), Ok(None));
        assert_eq!(given(Some(""), Some(Path::new(""))), Ok(None), "what is empty counts as not set");
        assert_eq!(given(Some("v"), Some(Path::new(""))), Ok(Some("v".into())));
        assert_eq!(given(None, Some(&ended)), Ok(Some("open sesame ".into())));
        assert_eq!(given(Some(""), Some(&ended)), Ok(Some("open sesame ".into())));
        let both = given(Some("v"), Some(&ended)).unwrap_err();
        assert_eq!(both, "NAME and NAME_FILE are both set: keep one of them");
        std::fs::remove_file(ended).unwrap();
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named_and_never_quoted() {
        let check = |path: &Path, why: &str| {
            let said = secret_in("NAME_FILE", path).unwrap_err().0;
            let place = format!("NAME_FILE ({}) {why}", path.display());
            assert!(said.starts_with(&place) && !said.contains("sesame"), "{said}");
        };
        check(Path::new("/nowhere/secret"), "can't be read: ");
        check(&std::env::temp_dir(), "can't be read: ");
        for (name, bytes, why) in
            [("empty", &b"\n"[..], "is empty"), ("bytes", b"sesame\xff", "is not UTF-8")]
        {
            let path = file(name, bytes);
            check(&path, why);
            std::fs::remove_file(path).unwrap();
        }
        let long = file("long", &vec![b'x'; FILE_BYTES_MAX as usize + 1]);
        check(&long, "has more than 4 MiB");
        std::fs::remove_file(long).unwrap();
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Some(Secret("sesame".into()))), "Some(_)");
    }
}
