//! Twilio: status callbacks of messages by SMS, WhatsApp and others. Pure.

use crate::callback::{Callback, Meaning, Told};
use crate::echo::Echo;
use crate::providers::{Provider, Request, Unreadable};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use proto::v1::message_delivery::Status;
use ring::hmac;

/// What `MessageStatus` means.
pub const STATUSES: &[(&str, Option<Status>)] = &[
    ("accepted", None),
    ("scheduled", None),
    ("queued", None),
    ("sending", None),
    ("sent", Some(Status::Sent)),
    ("delivered", Some(Status::Delivered)),
    ("partially_delivered", None),
    ("read", Some(Status::Read)),
    ("undelivered", Some(Status::Failed)),
    ("failed", Some(Status::Failed)),
    ("canceled", Some(Status::Failed)),
    ("receiving", None),
    ("received", None),
];

/// How `From` begins for channels other than SMS.
const CHANNELS: [(&str, &str); 3] = [("whatsapp:", "whatsapp"), ("messenger:", "messenger"), ("rcs:", "rcs")];

/// A Twilio account.
pub struct Twilio {
    key: hmac::Key,
    public_url: String,
}

impl Twilio {
    /// The account with this auth token, which calls this bridge at `public_url`: scheme, host, and what precedes `/twilio`.
    pub fn new(auth_token: &str, public_url: &str) -> Self {
        // Twilio's scheme has no other hash. An HMAC needs no resistance against collisions.
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, auth_token.as_bytes());
        Self { key, public_url: public_url.trim_end_matches('/').to_owned() }
    }
}

impl Provider for Twilio {
    fn name(&self) -> &'static str {
        "twilio"
    }

    /// `X-Twilio-Signature` is base64 of the HMAC of the URL, followed by the names and values of the form, sorted.
    fn is_authentic(&self, request: &Request<'_>) -> bool {
        let mut fields: Vec<_> = form_urlencoded::parse(request.body).collect();
        fields.sort();
        fields.dedup();
        let mut signed = [&*self.public_url, request.path_and_query].concat();
        fields.iter().for_each(|(name, value)| signed.extend([&**name, &**value]));
        let tag = BASE64.decode(request.header("x-twilio-signature"));
        tag.is_ok_and(|tag| hmac::verify(&self.key, signed.as_bytes(), &tag).is_ok())
    }

    /// One request is one callback. Twilio echoes nothing, so the sender puts the echo into the query of `StatusCallback`.
    fn callbacks(&self, request: &Request<'_>) -> Result<Vec<Callback>, Unreadable> {
        let field = |wanted: &str| {
            let mut fields = form_urlencoded::parse(request.body);
            fields.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
        };
        let status = field("MessageStatus")
            .ok_or_else(|| Unreadable { provider: self.name(), place: "it has no MessageStatus".into() })?;
        let from = field("From").unwrap_or_default();
        let channel = CHANNELS.iter().find(|(prefix, _)| from.starts_with(prefix));
        Ok(vec![Callback {
            meaning: Meaning::of(&status, STATUSES),
            message_id: field("MessageSid").unwrap_or_default(),
            occurred_at: Told::Nothing,
            channel: channel.map_or("sms", |(_, channel)| channel),
            echo: Echo::from_query(request.query()),
        }])
    }
}
