//! The API's version, with which paths begin: `/v1/metrics/summary`. Paths without one are of the first version, for ever.

use std::str::FromStr;

/// The version that there is.
pub const VERSION: &str = "v1";

/// A version has this many digits at most; a longer name is no version.
const DIGITS_MAX: usize = 4;

/// A version that there isn't: `v2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown(pub String);

/// A path, with or without a query, without its version; `None` if it doesn't begin with the one that there is.
#[must_use]
pub fn without(path: &str) -> Option<&str> {
    path.strip_prefix('/')?.strip_prefix(VERSION).filter(|rest| rest.starts_with('/'))
}

impl FromStr for Unknown {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let digits = name.strip_prefix('v').ok_or(())?;
        let is_version =
            (1..=DIGITS_MAX).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        (is_version && name != VERSION).then(|| Self(name.to_owned())).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_version_is_taken_off_and_nothing_else() {
        let check = |path: &str, rest: Option<&str>| assert_eq!(without(path), rest, "{path}");
        check("/v1/metrics/summary?from=x", Some("/metrics/summary?from=x"));
        check("/v1/", Some("/"));
        check("/v1/v1/docs", Some("/v1/docs"));
        check("/v1//docs", Some("//docs"));
        for path in
            ["/metrics/summary", "/v1", "/v1?a=/", "/v10/docs", "/v2/docs", "/V1/docs", "//v1/docs", "*", ""]
        {
            check(path, None);
        }
    }

    #[test]
    fn other_versions_are_known_as_such() {
        for name in ["v0", "v2", "v10", "v01", "v9999"] {
            assert_eq!(name.parse(), Ok(Unknown(name.into())));
        }
        for name in ["v1", "v", "v1a", "v-1", "v12345", "version", "metrics", ""] {
            assert_eq!(name.parse::<Unknown>(), Err(()), "{name}");
        }
    }
}
