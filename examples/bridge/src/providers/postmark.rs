//! Postmark: webhooks of a message stream. Pure.

use crate::callback::{Callback, Meaning, Told};
use crate::echo::Echo;
use crate::providers::{Provider, Request, Unreadable, are_equal, lenient};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use proto::v1::message_delivery::Status;
use serde::Deserialize;
use serde_json::Value;

/// What `RecordType` means. Nothing says that a message was sent: its sender does.
pub const STATUSES: &[(&str, Option<Status>)] = &[
    ("Delivery", Some(Status::Delivered)),
    ("Open", Some(Status::Read)),
    ("Click", Some(Status::Read)),
    ("Bounce", Some(Status::Failed)),
    ("SpamComplaint", None),
    ("SubscriptionChange", None),
];

/// A server of Postmark. It signs nothing, but sends the user and the password that its webhook's URL has.
pub struct Postmark {
    credentials: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Webhook {
    record_type: String,
    #[serde(rename = "MessageID", default, deserialize_with = "lenient")]
    message_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    metadata: Option<Echo>,
    delivered_at: Option<Value>,
    received_at: Option<Value>,
    bounced_at: Option<Value>,
}

impl Postmark {
    /// The server whose webhooks have these credentials, as `user:password`.
    pub fn new(credentials: &str) -> Self {
        Self { credentials: format!("Basic {}", BASE64.encode(credentials)) }
    }
}

impl Provider for Postmark {
    fn name(&self) -> &'static str {
        "postmark"
    }

    fn is_authentic(&self, request: &Request<'_>) -> bool {
        are_equal(&self.credentials, request.header("authorization"))
    }

    fn challenge(&self) -> Option<&'static str> {
        Some("Basic realm=\"bridge\"")
    }

    /// One request is one callback.
    fn callbacks(&self, request: &Request<'_>) -> Result<Vec<Callback>, Unreadable> {
        let webhook: Webhook =
            serde_json::from_slice(request.body).map_err(|error| Unreadable::json(self.name(), &error))?;
        let time = webhook.delivered_at.or(webhook.received_at).or(webhook.bounced_at);
        Ok(vec![Callback {
            meaning: Meaning::of(&webhook.record_type, STATUSES),
            message_id: webhook.message_id.unwrap_or_default(),
            occurred_at: time.map_or(Told::Nothing, |time| Told::at(serde_json::from_value(time).ok())),
            channel: "email",
            echo: webhook.metadata.unwrap_or_default(),
        }])
    }
}
