//! Query parameters that may occur once, and why they are refused. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use std::borrow::Cow;

/// The longest id of anything but an organization, in bytes: the consumer refuses records with longer ones.
pub const ID_BYTES_MAX: usize = 256;

/// How much of an unknown name is repeated.
const NAME_CHARS_MAX: usize = 64;

/// Names that are less alike are different words.
const ALIKE_MIN: f64 = 0.7;

/// A query parameter that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct BadParameter {
    /// Its name.
    pub name: Cow<'static, str>,
    /// What is wrong with it and what is allowed, for people.
    pub detail: String,
}

impl BadParameter {
    /// The parameter `name`, refused because of `detail`.
    pub fn new(name: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), detail: detail.into() }
    }

    /// The parameter `name`, refused because it occurs more than once: nobody can know which value is meant.
    #[must_use]
    pub fn repeated(name: &'static str) -> Self {
        Self::new(name, format!("`{name}` is given more than once"))
    }
}

/// Refuses a parameter that is none of these: a misspelt one would be ignored, and the answer be one to another question.
///
/// # Errors
/// With the first such name, and the known one that is most like it.
pub fn only(pairs: &[(String, String)], known: &[&str]) -> Result<(), BadParameter> {
    let Some((name, _)) = pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) else {
        return Ok(());
    };
    let (name, detail) = not_known(name, known);
    Err(BadParameter::new(name, detail))
}

/// What is to be said of a name that is none of these: the name, shortened, and a sentence with the one that is most like it.
#[must_use]
pub fn not_known(name: &str, known: &[&str]) -> (String, String) {
    let name: String = name.chars().take(NAME_CHARS_MAX).collect();
    if known.is_empty() {
        let detail = format!("`{name}` is not known here: there are no parameters");
        return (name, detail);
    }
    let alike = |other: &str| strsim::jaro_winkler(&name.to_lowercase(), &other.to_lowercase());
    let nearest = known.iter().map(|other| (alike(other), *other)).max_by(|(a, _), (b, _)| a.total_cmp(b));
    let meant = nearest.filter(|(alike, _)| *alike >= ALIKE_MIN);
    let meant = meant.map(|(_, other)| format!("did you mean `{other}`? ")).unwrap_or_default();
    let all = known.iter().map(|other| format!("`{other}`")).collect::<Vec<_>>().join(", ");
    let detail = format!("`{name}` is not known here: {meant}Known are {all}");
    (name, detail)
}

/// The value of a parameter; `None` where it is missing.
///
/// # Errors
/// When it occurs twice.
pub fn single<'a>(
    pairs: &'a [(String, String)],
    name: &'static str,
) -> Result<Option<&'a str>, BadParameter> {
    let mut all = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
    match (all.next(), all.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(BadParameter::repeated(name)),
    }
}

/// A parameter that is a name or an id; `None` where it is missing.
///
/// # Errors
/// When it occurs twice, is empty, has more than `bytes_max` bytes, or has control characters: nothing is counted under
/// such a text.
pub fn text(
    pairs: &[(String, String)],
    name: &'static str,
    bytes_max: usize,
) -> Result<Option<String>, BadParameter> {
    let detail = || format!("`{name}` must have 1 to {bytes_max} bytes and no control characters");
    let checked = |text: &str| {
        let known = !text.is_empty() && is_text(text, bytes_max);
        known.then(|| text.to_owned()).ok_or_else(|| BadParameter::new(name, detail()))
    };
    single(pairs, name)?.map(checked).transpose()
}

/// A parameter that is a whole number from 1 to `max`; `None` where it is missing.
///
/// # Errors
/// When it occurs twice, or is no such number.
pub fn number(pairs: &[(String, String)], name: &'static str, max: u16) -> Result<Option<u16>, BadParameter> {
    let detail = || format!("`{name}` must be a number from 1 to {max}");
    let checked = |text: &str| {
        let number = text.parse().ok().filter(|number| (1..=max).contains(number));
        number.ok_or_else(|| BadParameter::new(name, detail()))
    };
    single(pairs, name)?.map(checked).transpose()
}

/// Whether the text has at most `bytes_max` bytes and no control characters, as all names and ids that are counted.
pub fn is_text(text: &str, bytes_max: usize) -> bool {
    text.len() <= bytes_max && !text.contains(char::is_control)
}

/// A text's part of a cache key, whatever characters it has: base64 has no colon, slash or space. Empty for none.
pub fn in_key(text: Option<&str>) -> String {
    text.map(|text| BASE64.encode(text)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(query: &str) -> Vec<(String, String)> {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn a_text_is_short_and_printable() {
        let check = |query: &str, expected: Result<Option<&str>, &str>| {
            let read = text(&pairs(query), "channel", 4);
            let read = read.as_ref().map(Option::as_deref).map_err(|bad| &*bad.name);
            assert_eq!(read, expected, "{query:?}");
        };
        check("other=1", Ok(None));
        check("channel=sms", Ok(Some("sms")));
        check("channel=a:/b", Ok(Some("a:/b")));
        check("channel=äö", Ok(Some("äö")));
        for bad in ["channel=", "channel=email", "channel=äö1", "channel=a\n", "channel=\0", "channel=\u{85}"]
        {
            check(bad, Err("channel"));
        }
        check("channel=a&channel=a", Err("channel"));
    }

    #[test]
    fn an_unknown_name_is_refused_and_the_nearest_known_one_named() {
        let known = ["from", "to", "granularity", "timezone", "compare"];
        assert_eq!(only(&pairs("to=1&from=2&to=3"), &known), Ok(()));
        let check = |name: &str, meant: Option<&str>| {
            let bad = only(&[(name.to_owned(), String::new())], &known).unwrap_err();
            let said = bad.detail.split("did you mean `").nth(1).and_then(|rest| rest.split('`').next());
            assert_eq!((&*bad.name, said), (name, meant), "{}", bad.detail);
        };
        check("tz", Some("timezone"));
        check("From", Some("from"));
        check("granularty", Some("granularity"));
        check("TimeZone", Some("timezone"));
        check("comparison", Some("compare"));
        check("", None);
        check("x", None);
        check("organization_id", None);
        let none = only(&[("from".to_owned(), String::new())], &[]).unwrap_err();
        assert!(none.detail.ends_with("there are no parameters"), "{}", none.detail);
        let long = only(&[("x".repeat(5_000), String::new())], &known).unwrap_err();
        assert_eq!(long.name.len(), NAME_CHARS_MAX);
    }

    #[test]
    fn texts_have_keys_of_their_own_without_colons_or_slashes() {
        let texts = [None, Some("a"), Some("A"), Some("a/"), Some("a:b"), Some("ÿ?>~")];
        let mut keys = texts.map(in_key).to_vec();
        assert!(keys.iter().all(|key| !key.contains([':', '/', ' '])), "{keys:?}");
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), texts.len());
    }
}
