//! The decoded content of a record: one of the contract's three messages, with short constructors.

use crate::murmur2::murmur2;
use chrono::{DateTime, Utc};
use prost::Message as _;
use prost_types::Timestamp;
use proto::v1::event::Body;
use proto::v1::message_delivery::Status;
use proto::v1::payment_attempted;
use proto::v1::workflow_terminal::Outcome;
use proto::v1::{
    Event, MessageDelivery, OrderCreated, OrganizationUpdated, PaymentAttempted, WorkflowTerminal,
};
pub use recount::Kind;
use recount::View;

/// A record's content.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// An event.
    Event(Event),
    /// A workflow execution ended.
    Workflow(WorkflowTerminal),
    /// A message reached a status.
    Delivery(MessageDelivery),
}

impl Message {
    /// An order at `at`.
    #[must_use]
    pub fn order(organization: &str, id: &str, at: DateTime<Utc>) -> Self {
        event(
            organization,
            id,
            at,
            Some(Body::OrderCreated(OrderCreated { order_id: ["order-", id].concat() })),
        )
    }

    /// A payment attempt at `at`.
    #[must_use]
    pub fn payment(organization: &str, id: &str, at: DateTime<Utc>, successful: bool) -> Self {
        let outcome = match successful {
            true => payment_attempted::Outcome::Successful,
            false => payment_attempted::Outcome::Failed,
        };
        let payment = PaymentAttempted { payment_id: ["payment-", id].concat(), outcome: outcome.into() };
        event(organization, id, at, Some(Body::PaymentAttempted(payment)))
    }

    /// An organization with `name` and the plan (id, name) from `at` on.
    #[must_use]
    pub fn update(organization: &str, id: &str, at: DateTime<Utc>, name: &str, plan: (&str, &str)) -> Self {
        let update = OrganizationUpdated {
            name: name.to_owned(),
            plan_id: plan.0.to_owned(),
            plan_name: plan.1.to_owned(),
        };
        event(organization, id, at, Some(Body::OrganizationUpdated(update)))
    }

    /// An event without a body, as an old reader sees one with a newer body.
    #[must_use]
    pub fn unknown(organization: &str, id: &str, at: DateTime<Utc>) -> Self {
        event(organization, id, at, None)
    }

    /// An execution of the workflow "checkout" that took `millis` and ended at `at`.
    #[must_use]
    pub fn workflow(organization: &str, id: &str, at: DateTime<Utc>, outcome: Outcome, millis: u64) -> Self {
        let error = match outcome {
            Outcome::Success | Outcome::Unspecified => "",
            Outcome::Failed => "the step answered 503",
            Outcome::FailedSafetyLimit => "stopped after 1,000 steps",
        };
        Self::Workflow(WorkflowTerminal {
            execution_id: id.to_owned(),
            organization_id: organization.to_owned(),
            workflow_id: "checkout".to_owned(),
            workflow_name: "Checkout".to_owned(),
            outcome: outcome.into(),
            finished_at: Some(timestamp(at)),
            execution_time_ms: millis,
            error_message: error.to_owned(),
        })
    }

    /// A message sent at `sent` that has reached `status` at `at`.
    #[must_use]
    pub fn delivery(
        organization: &str,
        id: &str,
        sent: DateTime<Utc>,
        at: DateTime<Utc>,
        status: Status,
    ) -> Self {
        Self::Delivery(MessageDelivery {
            message_id: id.to_owned(),
            organization_id: organization.to_owned(),
            status: status.into(),
            sent_at: Some(timestamp(sent)),
            occurred_at: Some(timestamp(at)),
            channel: "email".to_owned(),
        })
    }

    /// Its content, as the recount reads it.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        match self {
            Self::Event(event) => View::Event(event),
            Self::Workflow(run) => View::Workflow(run),
            Self::Delivery(delivery) => View::Delivery(delivery),
        }
    }

    /// Its topic.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Event(_) => Kind::Event,
            Self::Workflow(_) => Kind::Workflow,
            Self::Delivery(_) => Kind::Delivery,
        }
    }

    /// Its organization.
    #[must_use]
    pub fn organization(&self) -> &str {
        match self {
            Self::Event(event) => &event.organization_id,
            Self::Workflow(run) => &run.organization_id,
            Self::Delivery(delivery) => &delivery.organization_id,
        }
    }

    /// Its id, unique within the organization and the kind.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Event(event) => &event.event_id,
            Self::Workflow(run) => &run.execution_id,
            Self::Delivery(delivery) => &delivery.message_id,
        }
    }

    /// The time in its identity, which also determines its buckets.
    #[must_use]
    pub const fn identity_time(&self) -> Option<&Timestamp> {
        match self {
            Self::Event(event) => event.occurred_at.as_ref(),
            Self::Workflow(run) => run.finished_at.as_ref(),
            Self::Delivery(delivery) => delivery.sent_at.as_ref(),
        }
    }

    /// Plain protobuf bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Event(event) => event.encode_to_vec(),
            Self::Workflow(run) => run.encode_to_vec(),
            Self::Delivery(delivery) => delivery.encode_to_vec(),
        }
    }

    /// Length of the plain protobuf bytes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        match self {
            Self::Event(event) => event.encoded_len(),
            Self::Workflow(run) => run.encoded_len(),
            Self::Delivery(delivery) => delivery.encoded_len(),
        }
    }
}

/// The channel of the message with this id: all records about a message name the same. Some name none.
#[must_use]
pub fn channel_of(id: &str) -> &'static str {
    const CHANNELS: [&str; 8] = ["email", "email", "email", "sms", "sms", "whatsapp", "push", ""];
    // The upper bits: the lower ones may choose the partition.
    CHANNELS[usize::from(murmur2(id.as_bytes()).to_be_bytes()[0] >> 5)]
}

/// `time` as protobuf writes it.
#[must_use]
pub fn timestamp(time: DateTime<Utc>) -> Timestamp {
    let nanos = i32::try_from(time.timestamp_subsec_nanos().min(999_999_999)).expect("below a second");
    Timestamp { seconds: time.timestamp(), nanos }
}

fn event(organization: &str, id: &str, at: DateTime<Utc>, body: Option<Body>) -> Message {
    Message::Event(Event {
        event_id: id.to_owned(),
        organization_id: organization.to_owned(),
        occurred_at: Some(timestamp(at)),
        body,
    })
}
