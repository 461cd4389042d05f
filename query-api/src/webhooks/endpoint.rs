//! Where an organization's messages are sent: as requests name it, and as answers show it. Pure.

use crate::answer::document::BadDocument;
use crate::request::parameter::{is_text, not_known};
use crate::request::timestamp::{time, time_or_null};
use crate::webhooks::networks::Networks;
use crate::webhooks::secret::Secret;
use chrono::{DateTime, Utc};
use core::net::IpAddr;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::fmt;
use url::{Host, Url};

/// The longest address.
const URL_BYTES_MAX: usize = 2_048;

/// The longest description.
const DESCRIPTION_BYTES_MAX: usize = 256;

/// An endpoint. Its secret isn't a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// Its id.
    pub id: String,
    /// Its address.
    pub url: String,
    /// What people say of it.
    pub description: String,
    /// Whether messages are sent to it.
    pub enabled: bool,
    /// Since when none are.
    #[serde(serialize_with = "time_or_null")]
    pub disabled_at: Option<DateTime<Utc>>,
    /// Why.
    pub disabled_reason: Option<String>,
    /// Until when the secret of before signs, too; `None` if there is none.
    #[serde(serialize_with = "time_or_null")]
    pub previous_secret_until: Option<DateTime<Utc>>,
    /// When it was made.
    #[serde(serialize_with = "time")]
    pub created_at: DateTime<Utc>,
    /// By whom, as the token named them.
    pub created_by: Option<String>,
}

/// An endpoint and its new secret: the only answer that has one.
#[derive(Serialize)]
pub struct WithSecret<'a> {
    #[serde(flatten)]
    endpoint: &'a Endpoint,
    secret: String,
}

impl<'a> WithSecret<'a> {
    /// The endpoint, with its new secret.
    #[must_use]
    pub fn new(endpoint: &'a Endpoint, secret: &Secret) -> Self {
        Self { endpoint, secret: secret.to_text() }
    }
}

/// Which addresses are allowed.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The networks.
    pub networks: Networks,
    /// Whether http:// is allowed, too.
    pub allow_http: bool,
}

/// What a request says of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Its address.
    pub url: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Whether messages are sent to it.
    pub enabled: Option<bool>,
}

/// The members of a request's body.
const MEMBERS: [&str; 3] = ["url", "description", "enabled"];

impl Asked {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// When it is no object of the known members, each once.
    pub fn from_body(body: &[u8], rules: &Rules) -> Result<Self, BadDocument> {
        let no_object = |error| bad("", format!("this must be a JSON object: {error}"));
        let Members(members) = serde_json::from_slice(body).map_err(no_object)?;
        let mut asked = Self::default();
        for (name, value) in members {
            let is_first = match name.as_str() {
                "url" => asked.url.replace(url(&value, rules)?).is_none(),
                "description" => asked.description.replace(description(&value)?).is_none(),
                "enabled" => {
                    let enabled = value.as_bool();
                    let enabled = enabled.ok_or_else(|| bad("/enabled", "this must be true or false"))?;
                    asked.enabled.replace(enabled).is_none()
                }
                _ => {
                    let (name, detail) = not_known(&name, &MEMBERS);
                    return Err(bad(&format!("/{}", name.replace('~', "~0").replace('/', "~1")), detail));
                }
            };
            if !is_first {
                return Err(bad(&format!("/{name}"), "this is given more than once"));
            }
        }
        Ok(asked)
    }

    /// The address, which a new endpoint must have.
    ///
    /// # Errors
    /// Without one.
    pub fn new_url(&self) -> Result<&str, BadDocument> {
        self.url.as_deref().ok_or_else(|| bad("", "the member `url` is missing: where messages are sent"))
    }
}

fn bad(pointer: &str, detail: impl Into<String>) -> BadDocument {
    BadDocument { pointer: pointer.to_owned(), detail: detail.into() }
}

/// The members of an object, in their order, each as often as it occurs.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

fn description(value: &Value) -> Result<String, BadDocument> {
    let text = value.as_str().filter(|text| is_text(text, DESCRIPTION_BYTES_MAX));
    let allowed =
        format!("this must be a text of at most {DESCRIPTION_BYTES_MAX} bytes without control characters");
    text.map(str::to_owned).ok_or_else(|| bad("/description", allowed))
}

/// The address in its normal form: whatever is another spelling of an IP address is one.
fn url(value: &Value, rules: &Rules) -> Result<String, BadDocument> {
    let bad = |detail: &str| bad("/url", detail);
    let text = value.as_str().filter(|text| text.len() <= URL_BYTES_MAX);
    let text = text.ok_or_else(|| bad(&format!("this must be a text of at most {URL_BYTES_MAX} bytes")))?;
    let url = Url::parse(text).map_err(|error| bad(&format!("this is no address: {error}")))?;
    let schemes: &[&str] = if rules.allow_http { &["https", "http"] } else { &["https"] };
    if !schemes.contains(&url.scheme()) {
        return Err(bad("this must begin with https://"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(bad("this must have no user, no password and no fragment: messages are signed instead"));
    }
    if address(&url).is_some_and(|address| !rules.networks.allow(address)) {
        return Err(bad("this is an address that isn't public; messages are sent to public ones only"));
    }
    Ok(url.into())
}

/// The IP address that stands in place of a name.
#[must_use]
pub fn address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(body: &str) -> Result<Asked, BadDocument> {
        Asked::from_body(body.as_bytes(), &Rules::default())
    }

    #[test]
    fn a_body_has_known_members_each_once() {
        let asked = read(r#"{"url":"https://hooks.example.com/a?b=c","description":"ops","enabled":false}"#);
        let expected = Asked {
            url: Some("https://hooks.example.com/a?b=c".into()),
            description: Some("ops".into()),
            enabled: Some(false),
        };
        assert_eq!(asked, Ok(expected));
        assert_eq!(read("{}"), Ok(Asked::default()));
        assert!(read("{}").unwrap().new_url().unwrap_err().detail.contains("`url`"));
        let check = |body: &str, pointer: &str, part: &str| {
            let bad = read(body).unwrap_err();
            assert!(bad.pointer == pointer && bad.detail.contains(part), "{body}: {bad:?}");
        };
        check("", "", "JSON object");
        check("[]", "", "an object");
        check(r#"{"url":"https://a.example"} x"#, "", "JSON object");
        check(r#"{"URL":"https://a.example"}"#, "/URL", "did you mean `url`?");
        check(r#"{"enable":true}"#, "/enable", "did you mean `enabled`?");
        check(r#"{"sec/ret":"x"}"#, "/sec~1ret", "Known are");
        check(r#"{"enabled":true,"enabled":false}"#, "/enabled", "more than once");
        check(r#"{"enabled":"yes"}"#, "/enabled", "true or false");
        check(r#"{"description":7}"#, "/description", "text");
        check(r#"{"description":"a\nb"}"#, "/description", "control");
        check(&format!(r#"{{"description":"{}"}}"#, "x".repeat(257)), "/description", "256");
    }

    #[test]
    fn an_address_is_https_and_public() {
        let with = |url: &str, rules: &Rules| {
            Asked::from_body(serde_json::json!({ "url": url }).to_string().as_bytes(), rules)
        };
        let check = |url: &str, part: &str| {
            let bad = with(url, &Rules::default()).unwrap_err();
            assert!(bad.pointer == "/url" && bad.detail.contains(part), "{url}: {bad:?}");
        };
        check("hooks.example.com", "no address");
        check("https://", "no address");
        check("http://hooks.example.com/", "https://");
        check("file:///etc/passwd", "https://");
        check("https://user@hooks.example.com/", "no user");
        check("https://:word@hooks.example.com/", "no user");
        check("https://hooks.example.com/#a", "no fragment");
        check(&format!("https://hooks.example.com/{}", "x".repeat(2_048)), "2048");
        for host in
            ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "[::1]", "[::ffff:10.0.0.1]", "169.254.169.254"]
        {
            check(&format!("https://{host}/"), "isn't public");
        }
        let in_house =
            Rules { networks: Networks::new(vec!["127.0.0.0/8".parse().unwrap()]), allow_http: true };
        assert!(with("http://127.0.0.1:9000/", &in_house).is_ok());
        assert!(with("https://10.0.0.1/", &in_house).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_trouble(body in prop::collection::vec(any::<u8>(), 0..80)) {
            let is_object = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
            prop_assert!(is_object || Asked::from_body(&body, &Rules::default()).is_err());
        }

        /// Hosts that look like addresses, in any spelling that a parser may know.
        #[test]
        fn what_is_taken_is_https_and_no_address_that_is_not_public(
            url in "https?://(\\[[0-9a-f:.]{2,20}\\]|[0-9a-fx.]{1,16})(:[0-9]{1,4})?/?",
        ) {
            let body = serde_json::json!({ "url": url }).to_string();
            if let Ok(Asked { url: Some(taken), .. }) = Asked::from_body(body.as_bytes(), &Rules::default()) {
                let parsed = Url::parse(&taken).unwrap();
                prop_assert_eq!(parsed.scheme(), "https");
                prop_assert!(address(&parsed).is_none_or(|address| Networks::default().allow(address)));
                prop_assert_eq!(parsed.as_str(), taken, "it is in its normal form");
            }
        }
    }
}
