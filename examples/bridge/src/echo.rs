//! The echo: what a sender gives the provider with each message, and the provider gives back with each callback. Pure.

use crate::refusal::Refusal;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A text that comes back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// It doesn't.
    #[default]
    Missing,
    /// It does.
    Text(String),
    /// What comes back is no text, or two texts: which is meant can't be known.
    Odd,
}

/// What comes back, by the names of the contract's fields. A field that is odd makes its callback odd, and no other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Echo {
    /// Whose message it is.
    pub organization_id: Part,
    /// When it was sent, by RFC 3339.
    pub sent_at: Part,
    /// The sender's own id of it, in place of the provider's.
    pub message_id: Part,
}

impl Part {
    /// The text, if one came back.
    ///
    /// # Errors
    /// `odd` when something else did.
    pub fn text(self, odd: Refusal) -> Result<Option<String>, Refusal> {
        match self {
            Self::Missing => Ok(None),
            Self::Text(text) => Ok(Some(text)),
            Self::Odd => Err(odd),
        }
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::Null => Self::Missing,
            Value::String(text) => Self::Text(text),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Self::Odd,
        })
    }
}

impl Echo {
    /// The echo in a query string, or in another text of that form. A name that is repeated is odd, even with the same value.
    pub fn from_query(query: &str) -> Self {
        let mut echo = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let field = match &*name {
                "organization_id" => &mut echo.organization_id,
                "sent_at" => &mut echo.sent_at,
                "message_id" => &mut echo.message_id,
                _ => continue,
            };
            *field = match field {
                Part::Missing => Part::Text(value.into_owned()),
                Part::Text(_) | Part::Odd => Part::Odd,
            };
        }
        echo
    }

    /// Whether nothing came back: another system may have sent the message.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Echo, Part};

    #[test]
    fn an_echo_is_read_from_a_query() {
        let check =
            |query: &str, organization: Option<&str>, sent_at: Option<&str>, message: Option<&str>| {
                let part = |text: Option<&str>| text.map_or(Part::Missing, |text| Part::Text(text.into()));
                let expected = Echo {
                    organization_id: part(organization),
                    sent_at: part(sent_at),
                    message_id: part(message),
                };
                assert_eq!(Echo::from_query(query), expected, "{query}");
            };
        let time = "2026-02-25T10:00:00Z";
        check("organization_id=acme&sent_at=2026-02-25T10:00:00Z&x=y", Some("acme"), Some(time), None);
        check("sent_at=2026-02-25T10%3A00%3A00Z&message_id=m%201", None, Some(time), Some("m 1"));
        check("", None, None, None);
        assert!(Echo::from_query("campaign=spring").is_empty() && Echo::from_query("").is_empty());
        assert!(!Echo::from_query("message_id=m").is_empty());
    }

    #[test]
    fn what_is_no_text_or_given_twice_is_odd() {
        let twice = Echo::from_query("organization_id=a&organization_id=b&sent_at=x&sent_at=x");
        assert_eq!((twice.organization_id, twice.sent_at), (Part::Odd, Part::Odd));
        let json = r#"{"organization_id": 42, "sent_at": null, "message_id": "m", "other": {}}"#;
        let echo: Echo = serde_json::from_str(json).unwrap();
        let expected = (Part::Odd, Part::Missing, Part::Text("m".into()));
        assert_eq!((echo.organization_id, echo.sent_at, echo.message_id), expected);
    }
}
