//! Links into systems of the organization itself: how the address of a run there is made. Pure.

use crate::answer::document::{At, BadDocument, Json};
use crate::answer::setting::Setting;
use crate::request::timestamp::time_or_null;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

/// What stands for the ids of a run in an address.
pub const PLACEHOLDERS: [&str; 3] = ["executionId", "workflowId", "organizationId"];

/// The one without which all runs would have the same address.
const NEEDED: &str = "{executionId}";

/// The longest address, placeholders included, in bytes.
const TEMPLATE_BYTES_MAX: usize = 2_048;

/// The members of the document.
const MEMBERS: [&str; 1] = ["run"];

/// The links of an organization.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    run: Option<Set>,
}

/// An address with placeholders, and who has set it when.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Set {
    template: String,
    at: DateTime<Utc>,
    by: Option<String>,
}

/// What a client sends to set them: `{"run": "https://runs.example.com/{workflowId}/{executionId}"}`, where null, and what is
/// missing, is no link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The address of a run, with placeholders.
    pub run: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    organization_id: &'a str,
    run: Option<&'a str>,
    #[serde(serialize_with = "time_or_null")]
    updated_at: Option<DateTime<Utc>>,
    updated_by: Option<&'a str>,
}

impl Setting for Links {
    const NAME: &'static str = "links";

    /// Whoever shows failures asks for the links, too.
    const IS_SHOWN: bool = false;

    type Document = Document;

    fn read(body: &[u8]) -> Result<Document, BadDocument> {
        let (json, whole) = (Json::read(body)?, At::whole());
        let mut run = None;
        for (name, json) in whole.members(&json, &MEMBERS)? {
            let at = whole.below(name);
            run = match json {
                Json::Null => None,
                Json::Text(text) => Some(template(&at, text)?),
                Json::Object(_) | Json::Number(_) | Json::Other(_) => {
                    return Err(at.bad(format!("this must be a text or null, and is {}", json.what())));
                }
            };
        }
        Ok(Document { run })
    }

    fn set_to(&self, Document { run }: &Document, at: DateTime<Utc>, by: Option<&str>) -> Self {
        let set = |template: &String| {
            let kept = self.run.as_ref().filter(|set| set.template == *template).cloned();
            kept.unwrap_or_else(|| Set { template: template.clone(), at, by: by.map(str::to_owned) })
        };
        Self { run: run.as_ref().map(set) }
    }

    fn shown<'a>(&'a self, organization: &'a str) -> impl Serialize + 'a {
        let set = self.run.as_ref();
        Shown {
            organization_id: organization,
            run: set.map(|set| set.template.as_str()),
            updated_at: set.map(|set| set.at),
            updated_by: set.and_then(|set| set.by.as_deref()),
        }
    }

    fn to_stored(&self) -> Value {
        let Some(Set { template, at, by }) = &self.run else { return json!({}) };
        let at = at.to_rfc3339_opts(SecondsFormat::Millis, true);
        json!({ "run": { "template": template, "updatedAt": at, "updatedBy": by } })
    }

    fn from_stored(stored: &Value) -> Self {
        let run = &stored["run"];
        let set = |template: &str| Set {
            template: template.to_owned(),
            at: run["updatedAt"].as_str().and_then(|at| at.parse().ok()).unwrap_or_default(),
            by: run["updatedBy"].as_str().map(str::to_owned),
        };
        Self { run: run["template"].as_str().map(set) }
    }
}

/// An address that leads to one host, whatever ids stand in it: ids come from records, so from anywhere.
fn template(at: &At, text: &str) -> Result<String, BadDocument> {
    let bad = |detail: &str| Err(at.bad(detail));
    if text.len() > TEMPLATE_BYTES_MAX {
        return Err(at.bad(format!("this must have {TEMPLATE_BYTES_MAX} bytes at most")));
    }
    let Some(rest) = text.strip_prefix("https://") else { return bad("this must begin with https://") };
    if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
        return bad("this must have no blanks, control characters or backslashes");
    }
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains(['{', '}']) {
        return bad(
            "this must name its host: placeholders stand in the path, in the query or in the fragment",
        );
    }
    let filled = filled(at, text)?;
    if host.is_empty() || host.contains('@') || Url::parse(&filled).is_err() {
        return bad("this must be an address: https://, a host without a user, and a path");
    }
    if !text.contains(NEEDED) {
        return Err(
            at.bad(format!("this must have the placeholder {NEEDED}: otherwise all runs have one address"))
        );
    }
    Ok(text.to_owned())
}

/// The address with a letter in place of each placeholder.
fn filled(at: &At, text: &str) -> Result<String, BadDocument> {
    let known = || PLACEHOLDERS.map(|name| format!("{{{name}}}")).join(", ");
    let unknown = || at.bad(format!("curly brackets are for placeholders, and these are {}", known()));
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or_else(unknown)?;
        if before.contains('}') || !PLACEHOLDERS.contains(&name) {
            return Err(unknown());
        }
        filled.push_str(before);
        filled.push('x');
        rest = after;
    }
    if rest.contains('}') {
        return Err(unknown());
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RUN: &str = "https://runs.example.com/{workflowId}/{executionId}";

    fn read(run: &str) -> Result<Document, BadDocument> {
        Links::read(json!({ "run": run }).to_string().as_bytes())
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_document_names_an_address_or_none() {
        let check = |body: &str, run: Option<&str>| {
            let expected = Document { run: run.map(str::to_owned) };
            assert_eq!(Links::read(body.as_bytes()), Ok(expected), "{body}");
        };
        check("{}", None);
        check(r#"{"run":null}"#, None);
        for run in [
            RUN,
            "https://runs.example.com:8443/r?id={executionId}#{organizationId}",
            "https://[2001:db8::1]/{executionId}/{executionId}",
            "https://läufe.example/{executionId}",
        ] {
            check(&json!({ "run": run }).to_string(), Some(run));
        }
    }

    #[test]
    fn what_is_no_such_address_is_refused_with_its_reason() {
        let check = |body: &str, pointer: &str, said: &str| {
            let bad = Links::read(body.as_bytes()).expect_err(body);
            assert_eq!(bad.pointer, pointer, "{body}: {}", bad.detail);
            assert!(bad.detail.contains(said), "{body}: {}", bad.detail);
        };
        check("", "", "no JSON");
        check("[]", "", "an object, and is a list");
        check(r#"{"runs":"x"}"#, "/runs", "did you mean `run`?");
        check(r#"{"run":null,"run":null}"#, "/run", "more than once");
        check(r#"{"run":7}"#, "/run", "a text or null, and is a number");
        check(r#"{"run":{}}"#, "/run", "is an object");
        for (run, said) in [
            ("", "begin with https://"),
            ("http://runs.example.com/{executionId}", "begin with https://"),
            ("HTTPS://runs.example.com/{executionId}", "begin with https://"),
            ("javascript:alert(1)//{executionId}", "begin with https://"),
            ("//runs.example.com/{executionId}", "begin with https://"),
            (" https://runs.example.com/{executionId}", "begin with https://"),
            ("https://runs.example.com/{executionId} ", "no blanks"),
            ("https://runs.example.com\\@evil.example/{executionId}", "backslashes"),
            ("https://{workflowId}/{executionId}", "name its host"),
            ("https://{workflowId}.example.com/{executionId}", "name its host"),
            ("https://runs.example.com:{workflowId}/{executionId}", "name its host"),
            ("https://runs.example.com{executionId}", "name its host"),
            ("https:///{executionId}", "an address"),
            ("https://user@runs.example.com/{executionId}", "without a user"),
            ("https://runs.example.com:port/{executionId}", "an address"),
            ("https://runs.example.com/", "{executionId}"),
            ("https://runs.example.com/{workflowId}", "{executionId}"),
            ("https://runs.example.com/{execution}", "{workflowId}"),
            ("https://runs.example.com/{executionId", "curly brackets"),
            ("https://runs.example.com/executionId}", "curly brackets"),
            ("https://runs.example.com/}{executionId}", "curly brackets"),
            ("https://runs.example.com/{{executionId}}", "curly brackets"),
            (&format!("https://runs.example.com/{{executionId}}{}", "x".repeat(2_048)), "2048 bytes"),
        ] {
            check(&json!({ "run": run }).to_string(), "/run", said);
        }
    }

    #[test]
    fn what_stays_the_same_keeps_who_has_set_it() {
        let [first, second] = ["2026-02-25T10:00:00Z", "2026-02-26T10:00:00Z"].map(at);
        let before = Links::default().set_to(&read(RUN).unwrap(), first, Some("ann"));
        assert_eq!(before.set_to(&read(RUN).unwrap(), second, Some("bob")), before);
        let other = read("https://b.example/{executionId}").unwrap();
        let after = json!(before.set_to(&other, second, None).shown("acme"));
        assert_eq!(
            (&after["updatedAt"], &after["updatedBy"]),
            (&json!("2026-02-26T10:00:00.000Z"), &Value::Null)
        );
        assert_eq!(before.set_to(&Document { run: None }, second, None), Links::default());
    }

    #[test]
    fn what_is_stored_is_read_and_what_is_unknown_passed_over() {
        let set = Links::default().set_to(&read(RUN).unwrap(), at("2026-02-25T10:00:00.123Z"), Some("ann"));
        assert_eq!(Links::from_stored(&set.to_stored()), set);
        assert_eq!(Links::from_stored(&Links::default().to_stored()), Links::default());
        for stored in [json!([]), json!({ "run": 7 }), json!({ "later": { "template": RUN } })] {
            assert_eq!(Links::from_stored(&stored), Links::default(), "{stored}");
        }
    }

    #[test]
    fn what_is_shown_is_the_address_and_who_has_set_it() {
        let nothing = json!({"organizationId": "acme", "run": null, "updatedAt": null, "updatedBy": null});
        assert_eq!(json!(Links::default().shown("acme")), nothing);
        let set = Links::default().set_to(&read(RUN).unwrap(), at("2026-02-25T10:00:00Z"), Some("ann"));
        let shown = json!({
            "organizationId": "acme", "run": RUN, "updatedAt": "2026-02-25T10:00:00.000Z", "updatedBy": "ann",
        });
        assert_eq!(json!(set.shown("acme")), shown);
    }

    proptest! {
        #[test]
        fn no_bytes_make_trouble(body in prop::collection::vec(any::<u8>(), 0..80)) {
            let is_object = body.first() == Some(&b'{');
            prop_assert!(is_object || Links::read(&body).is_err());
        }

        /// Whatever is taken, and whatever ids are in it once they are encoded: it leads to the host that it names.
        #[test]
        fn what_is_taken_leads_to_one_host(
            run in "https://[a-z@:/?#{}\\\\.]{1,12}/(\\{executionId\\}|\\{workflowId\\}|[a-z{}@/?#]){0,4}",
            id in "[A-Za-z0-9%._~-]{1,12}",
        ) {
            if let Ok(Document { run: Some(run) }) = read(&run) {
                let named = run["https://".len()..].split(['/', '?', '#', ':']).next().unwrap().to_owned();
                let filled = PLACEHOLDERS.iter().fold(run.clone(), |url, name| url.replace(&format!("{{{name}}}"), &id));
                let url = Url::parse(&filled).unwrap();
                prop_assert_eq!((url.scheme(), url.host_str()), ("https", Some(named.as_str())), "{}", run);
            }
        }
    }
}
