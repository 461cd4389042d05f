//! WhatsApp's Cloud API: webhooks of an app, with the statuses of messages. Pure.

use crate::callback::{Callback, Meaning};
use crate::echo::Echo;
use crate::providers::{Each, Provider, Request, Unreadable, are_equal, lenient, of_seconds};
use proto::v1::message_delivery::Status;
use ring::hmac;
use serde::Deserialize;

/// What `status` means.
pub const STATUSES: &[(&str, Option<Status>)] = &[
    ("sent", Some(Status::Sent)),
    ("delivered", Some(Status::Delivered)),
    ("read", Some(Status::Read)),
    ("failed", Some(Status::Failed)),
    ("deleted", None),
];

/// An app.
pub struct WhatsApp {
    key: hmac::Key,
    verify_token: Option<String>,
}

/// What of a request is read: no numbers of phones, no texts.
#[derive(Deserialize)]
struct Webhook {
    #[serde(default)]
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    #[serde(default)]
    value: Value,
}

/// Messages that arrive are in another field of it.
#[derive(Default, Deserialize)]
struct Value {
    #[serde(default)]
    statuses: Vec<Each<Reached>>,
}

#[derive(Default, Deserialize)]
struct Reached {
    #[serde(default, deserialize_with = "lenient")]
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    status: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    timestamp: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    biz_opaque_callback_data: Option<String>,
}

impl WhatsApp {
    /// The app with this secret. Its subscription is confirmed if it knows the token.
    pub fn new(app_secret: &str, verify_token: Option<&str>) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, app_secret.as_bytes());
        Self { key, verify_token: verify_token.map(str::to_owned) }
    }
}

impl Provider for WhatsApp {
    fn name(&self) -> &'static str {
        "whatsapp"
    }

    /// `X-Hub-Signature-256` is the HMAC of the body, in hexadecimal digits after `sha256=`.
    fn is_authentic(&self, request: &Request<'_>) -> bool {
        let tag = request.header("x-hub-signature-256").strip_prefix("sha256=").and_then(of_hex);
        tag.is_some_and(|tag| hmac::verify(&self.key, request.body, &tag).is_ok())
    }

    /// The echo is the text that the sender has given as `biz_opaque_callback_data`, in the form of a query.
    fn callbacks(&self, request: &Request<'_>) -> Result<Vec<Callback>, Unreadable> {
        let webhook: Webhook =
            serde_json::from_slice(request.body).map_err(|error| Unreadable::json(self.name(), &error))?;
        let changes = webhook.entry.into_iter().flat_map(|entry| entry.changes);
        let callback = |Each(reached): Each<Reached>| Callback {
            meaning: Meaning::in_field(reached.status.as_deref(), STATUSES),
            message_id: reached.id.unwrap_or_default(),
            occurred_at: of_seconds(reached.timestamp.and_then(|digits| digits.parse().ok())),
            channel: "whatsapp",
            echo: Echo::from_query(&reached.biz_opaque_callback_data.unwrap_or_default()),
        };
        Ok(changes.flat_map(|change| change.value.statuses).map(callback).collect())
    }

    /// Whoever subscribes an address must repeat a challenge, if the token that comes with it is the agreed one.
    fn confirmation(&self, query: &str) -> Option<String> {
        let field = |wanted: &str| {
            let mut fields = form_urlencoded::parse(query.as_bytes());
            fields.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
        };
        let expected = self.verify_token.as_deref()?;
        let is_known = field("hub.verify_token").is_some_and(|token| are_equal(expected, &token));
        is_known.then(|| field("hub.challenge")).flatten()
    }
}

/// The bytes that hexadecimal digits stand for.
fn of_hex(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let value = |digit: u8| char::from(digit).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| u8::try_from(value(*high)? * 16 + value(*low)?).ok();
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}
