//! What a record adds, and under which identity.

use anyhow::{Context as _, Result};
use prost::Message as _;
use prost_types::Timestamp;
use proto::v1::event::Body;
use proto::v1::message_delivery::Status;
use proto::v1::{Event, MessageDelivery, WorkflowTerminal, payment_attempted, workflow_terminal};

/// The eight counters, in the order of the tables' columns.
pub type Counters = [i64; 8];

/// A record that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Whose it is.
    pub organization: String,
    /// Unique within the organization: the record's own id, behind a letter for its sort and milestone.
    pub id: String,
    /// Unix time of the buckets it counts in.
    pub seconds: i64,
    /// What it adds.
    pub change: Counters,
}

/// Decodes a value of the topic with this place among the three. `None` for a record that adds nothing.
///
/// # Errors
/// When it is no such message.
pub fn decode(topic: usize, value: &[u8]) -> Result<Option<Counted>> {
    Ok(match topic {
        0 => event(Event::decode(value)?)?,
        1 => Some(workflow(WorkflowTerminal::decode(value)?)?),
        _ => delivery(MessageDelivery::decode(value)?)?,
    })
}

fn event(event: Event) -> Result<Option<Counted>> {
    let (sort, change) = match event.body {
        Some(Body::OrderCreated(_)) => ('o', [1, 0, 0, 0, 0, 0, 0, 0]),
        Some(Body::PaymentAttempted(payment)) => {
            let successful = payment.outcome() == payment_attempted::Outcome::Successful;
            ('p', [0, 1, i64::from(successful), 0, 0, 0, 0, 0])
        }
        Some(Body::OrganizationUpdated(_)) | None => return Ok(None),
    };
    counted(sort, event.organization_id, &event.event_id, event.occurred_at, change).map(Some)
}

fn workflow(run: WorkflowTerminal) -> Result<Counted> {
    let failed = run.outcome() != workflow_terminal::Outcome::Success;
    let millis = i64::try_from(run.execution_time_ms)?;
    let change = [0, 0, 0, 1, i64::from(failed), millis, 0, 0];
    counted('w', run.organization_id, &run.execution_id, run.finished_at, change)
}

fn delivery(delivery: MessageDelivery) -> Result<Option<Counted>> {
    let (milestone, change) = match delivery.status() {
        Status::Sent => ('s', [0, 0, 0, 0, 0, 0, 1, 0]),
        Status::Delivered | Status::Read => ('d', [0, 0, 0, 0, 0, 0, 0, 1]),
        Status::Failed | Status::Unspecified => return Ok(None),
    };
    counted(milestone, delivery.organization_id, &delivery.message_id, delivery.sent_at, change).map(Some)
}

fn counted(
    sort: char,
    organization: String,
    id: &str,
    time: Option<Timestamp>,
    change: Counters,
) -> Result<Counted> {
    let seconds = time.context("a record has no time")?.seconds;
    Ok(Counted { organization, id: format!("{sort}{id}"), seconds, change })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::v1::{OrderCreated, PaymentAttempted};

    #[test]
    fn an_order_and_its_payment_may_have_the_same_id() {
        let id = |body| {
            let event = Event {
                event_id: "1".into(),
                occurred_at: Some(Timestamp::default()),
                body: Some(body),
                ..Event::default()
            };
            decode(0, &event.encode_to_vec()).unwrap().unwrap().id
        };
        let order = id(Body::OrderCreated(OrderCreated::default()));
        assert_ne!(order, id(Body::PaymentAttempted(PaymentAttempted::default())));
    }
}
