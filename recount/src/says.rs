//! What a record that isn't refused says, by the contract's table of what is counted.

use crate::content::View;
use crate::entry::{Effect, Run, Update};
use proto::v1::event::Body;
use proto::v1::message_delivery::Status;
use proto::v1::payment_attempted::Outcome;

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Says<'a> {
    /// Nothing that is counted.
    Nothing,
    /// Something that is counted once, or an organization's update.
    Adds(Effect<'a>),
}

/// The name of messages without a channel. The tables have no row of it.
pub const UNKNOWN: &str = "unknown";

/// The name that all channels share that have none of their own.
pub const OTHER: &str = "other";

/// The name under which a message of this channel is counted, but for channels that have none of their own.
#[must_use]
pub fn channel(named: &str) -> &str {
    match named {
        "" => UNKNOWN,
        long if long.len() > 64 => OTHER,
        text if text.chars().any(char::is_control) => OTHER,
        text => text,
    }
}

/// What the record says. It must not be one that is refused.
#[must_use]
pub fn says(record: View<'_>) -> Says<'_> {
    match record {
        View::Event(event) => match &event.body {
            Some(Body::OrderCreated(_)) => Says::Adds(Effect::Order),
            Some(Body::PaymentAttempted(payment)) => {
                Says::Adds(Effect::Payment { successful: payment.outcome() == Outcome::Successful })
            }
            Some(Body::OrganizationUpdated(update)) => {
                let time = event.occurred_at.unwrap_or_default();
                Says::Adds(Effect::Update(Update {
                    seconds: time.seconds,
                    nanos: time.nanos,
                    name: &update.name,
                    plan_id: &update.plan_id,
                    plan_name: &update.plan_name,
                }))
            }
            None => Says::Nothing,
        },
        View::Workflow(run) => {
            let time = run.finished_at.unwrap_or_default();
            Says::Adds(Effect::Run(Run {
                outcome: u8::try_from(run.outcome).unwrap_or_default(),
                execution_time_ms: run.execution_time_ms.cast_signed(),
                finished_at: time.seconds * 1_000_000 + i64::from(time.nanos) / 1_000,
                workflow: &run.workflow_id,
                name: &run.workflow_name,
            }))
        }
        View::Delivery(delivery) => match delivery.status() {
            Status::Sent => Says::Adds(Effect::Sent(channel(&delivery.channel))),
            Status::Delivered | Status::Read => Says::Adds(Effect::Delivered(channel(&delivery.channel))),
            Status::Failed | Status::Unspecified => Says::Nothing,
        },
    }
}
