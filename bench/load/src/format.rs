//! The formats of a record's value in the contract. Only writers, which share no code with the readers.

use crate::message::{Kind, Message};
use chrono::{DateTime, SecondsFormat, Utc};
use prost_types::Timestamp;
use proto::v1::event::Body;
use proto::v1::message_delivery::Status;
use proto::v1::payment_attempted;
use proto::v1::workflow_terminal::Outcome;
use serde_json::{Value, json};

/// The format of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Protobuf bytes.
    Plain,
    /// Protobuf bytes behind the frame of a Confluent Schema Registry client.
    Confluent,
    /// Protobuf's JSON mapping, announced by a `content-type` header.
    Json,
}

/// The schema id in frames. Any value is valid: readers of the contract know the schema already.
const SCHEMA_ID: u32 = 17;

impl Format {
    /// The headers that announce the format.
    #[must_use]
    pub fn headers(self) -> Vec<(&'static str, Vec<u8>)> {
        match self {
            Self::Plain | Self::Confluent => Vec::new(),
            Self::Json => vec![("content-type", b"application/json".to_vec())],
        }
    }

    /// The value of `message`.
    #[must_use]
    pub fn write(self, message: &Message) -> Vec<u8> {
        match self {
            Self::Plain => message.encode(),
            Self::Confluent => framed(message),
            Self::Json => json_of(message).to_string().into_bytes(),
        }
    }
}

/// Magic byte 0, the schema id big-endian, and the path to the message type within its file: a count and the indexes as
/// zigzag varints, where a lone `00` is short for the path [0].
fn framed(message: &Message) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend_from_slice(&SCHEMA_ID.to_be_bytes());
    // The places of the messages in records.proto: Event 0, WorkflowTerminal 4, MessageDelivery 5.
    match message.kind() {
        Kind::Event => bytes.push(0),
        Kind::Workflow => bytes.extend([2, 8]),
        Kind::Delivery => bytes.extend([2, 10]),
    }
    bytes.extend_from_slice(&message.encode());
    bytes
}

fn json_of(message: &Message) -> Value {
    match message {
        Message::Event(event) => {
            let mut value = json!({
                "eventId": event.event_id,
                "organizationId": event.organization_id,
                "occurredAt": time(event.occurred_at.as_ref()),
            });
            if let Some((name, body)) = event.body.as_ref().map(json_of_body) {
                value[name] = body;
            }
            value
        }
        Message::Workflow(run) => json!({
            "executionId": run.execution_id,
            "organizationId": run.organization_id,
            "workflowId": run.workflow_id,
            "workflowName": run.workflow_name,
            "outcome": Outcome::try_from(run.outcome).map_or(json!(run.outcome), |o| json!(o.as_str_name())),
            "finishedAt": time(run.finished_at.as_ref()),
            // In the mapping 64-bit integers are strings, because JSON's numbers would lose digits.
            "executionTimeMs": run.execution_time_ms.to_string(),
            "errorMessage": run.error_message,
        }),
        Message::Delivery(delivery) => json!({
            "messageId": delivery.message_id,
            "organizationId": delivery.organization_id,
            "status": Status::try_from(delivery.status).map_or(json!(delivery.status), |s| json!(s.as_str_name())),
            "sentAt": time(delivery.sent_at.as_ref()),
            "occurredAt": time(delivery.occurred_at.as_ref()),
            "channel": delivery.channel,
        }),
    }
}

fn json_of_body(body: &Body) -> (&'static str, Value) {
    match body {
        Body::OrderCreated(order) => ("orderCreated", json!({ "orderId": order.order_id })),
        Body::PaymentAttempted(payment) => {
            let outcome = payment_attempted::Outcome::try_from(payment.outcome)
                .map_or(json!(payment.outcome), |outcome| json!(outcome.as_str_name()));
            ("paymentAttempted", json!({ "paymentId": payment.payment_id, "outcome": outcome }))
        }
        Body::OrganizationUpdated(update) => (
            "organizationUpdated",
            json!({ "name": update.name, "planId": update.plan_id, "planName": update.plan_name }),
        ),
    }
}

/// RFC 3339, as the mapping requires; null, which the mapping reads as absent, if there is no such time.
fn time(timestamp: Option<&Timestamp>) -> Value {
    timestamp
        .and_then(|t| DateTime::<Utc>::from_timestamp(t.seconds, u32::try_from(t.nanos).ok()?))
        .map_or(Value::Null, |t| json!(t.to_rfc3339_opts(SecondsFormat::AutoSi, true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> DateTime<Utc> {
        "2026-02-25T10:00:00.25Z".parse().unwrap()
    }

    #[test]
    fn a_frame_names_the_place_of_the_message_in_its_file() {
        let check = |message: Message, path: &[u8]| {
            let bytes = Format::Confluent.write(&message);
            let bare = message.encode();
            assert_eq!(bytes, [&[0, 0, 0, 0, 17], path, &bare].concat());
        };
        check(Message::order("acme", "o1", at()), &[0]);
        check(Message::workflow("acme", "w1", at(), Outcome::Success, 5), &[2, 8]);
        check(Message::delivery("acme", "m1", at(), at(), Status::Sent), &[2, 10]);
    }

    #[test]
    fn json_is_protobufs_mapping() {
        let bytes = Format::Json.write(&Message::payment("acme", "p1", at(), true));
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        let expected = json!({
            "eventId": "p1", "organizationId": "acme", "occurredAt": "2026-02-25T10:00:00.250Z",
            "paymentAttempted": { "paymentId": "payment-p1", "outcome": "OUTCOME_SUCCESSFUL" },
        });
        assert_eq!(value, expected);
    }
}
