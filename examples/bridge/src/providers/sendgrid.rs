//! SendGrid: the Event Webhook, signed. Pure.

use crate::callback::{Callback, Meaning};
use crate::echo::Echo;
use crate::providers::{Each, Provider, Request, Unreadable, lenient, of_seconds};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use proto::v1::message_delivery::Status;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde::Deserialize;

/// What `event` means.
pub const STATUSES: &[(&str, Option<Status>)] = &[
    ("processed", Some(Status::Sent)),
    ("deferred", None),
    ("delivered", Some(Status::Delivered)),
    ("open", Some(Status::Read)),
    ("click", Some(Status::Read)),
    ("bounce", Some(Status::Failed)),
    ("dropped", Some(Status::Failed)),
    ("spamreport", None),
    ("unsubscribe", None),
    ("group_unsubscribe", None),
    ("group_resubscribe", None),
];

/// How every P-256 key in DER begins (RFC 5480), before the 65 bytes of its uncompressed point.
const P256_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The length of an uncompressed point.
const POINT_BYTES: usize = 65;

/// An Event Webhook.
pub struct SendGrid {
    key: UnparsedPublicKey<Vec<u8>>,
}

/// One event. Custom arguments stand beside its own fields.
#[derive(Default, Deserialize)]
struct Event {
    #[serde(default, deserialize_with = "lenient")]
    event: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    sg_message_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    timestamp: Option<i64>,
    #[serde(flatten)]
    echo: Echo,
}

impl SendGrid {
    /// The webhook with this verification key, as SendGrid shows it: base64 of DER. `None` if it is no such key.
    pub fn new(verification_key: &str) -> Option<Self> {
        let der = BASE64.decode(verification_key.trim()).ok()?;
        let point = der.strip_prefix(&P256_PREFIX)?;
        (point.len() == POINT_BYTES)
            .then(|| Self { key: UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point.to_vec()) })
    }
}

impl Provider for SendGrid {
    fn name(&self) -> &'static str {
        "sendgrid"
    }

    /// The signature is ECDSA's over the header with the time, followed by the body. A request that is sent again counts once,
    /// so its time has no limit.
    fn is_authentic(&self, request: &Request<'_>) -> bool {
        let time = request.header("x-twilio-email-event-webhook-timestamp");
        let signed = [time.as_bytes(), request.body].concat();
        let signature = BASE64.decode(request.header("x-twilio-email-event-webhook-signature"));
        signature.is_ok_and(|signature| self.key.verify(&signed, &signature).is_ok())
    }

    fn callbacks(&self, request: &Request<'_>) -> Result<Vec<Callback>, Unreadable> {
        let events: Vec<Each<Event>> =
            serde_json::from_slice(request.body).map_err(|error| Unreadable::json(self.name(), &error))?;
        let callback = |Each(event): Each<Event>| Callback {
            meaning: Meaning::in_field(event.event.as_deref(), STATUSES),
            message_id: event.sg_message_id.unwrap_or_default(),
            occurred_at: of_seconds(event.timestamp),
            channel: "email",
            echo: event.echo,
        };
        Ok(events.into_iter().map(callback).collect())
    }
}
