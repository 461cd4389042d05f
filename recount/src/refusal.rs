//! Which records the contract refuses: written from the contract's text, in its order, without the consumer's code.

use crate::content::View;
use chrono::{DateTime, Duration, Utc};
use prost_types::Timestamp;
use proto::v1::event::Body;
use proto::v1::message_delivery::Status;
use proto::v1::payment_attempted;
use proto::v1::workflow_terminal::Outcome;

const ID_BYTES: usize = 256;
const ORGANIZATION_BYTES: usize = 128;
const NAME_BYTES: usize = 512;
/// How much of an error's text is kept.
const ERROR_CHARS: usize = 2_000;
/// 366 days.
const DURATION_MS: u64 = 366 * 86_400_000;
/// From 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z: what protobuf's `Timestamp` allows.
const CALENDAR: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// The two rules that depend on the reader's clock.
#[derive(Clone, Copy, Debug)]
pub struct Horizon {
    /// Identity times after this are `from_the_future`.
    pub latest: DateTime<Utc>,
    /// Identity times before this are `too_old`, if the record would count.
    pub floor: DateTime<Utc>,
}

impl Horizon {
    /// No limits: the tables say which records were refused for the clock's sake.
    pub const NONE: Self = Self { latest: DateTime::<Utc>::MAX_UTC, floor: DateTime::<Utc>::MIN_UTC };

    /// The default limits at `now`: up to an hour ahead, and any age.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        Self { latest: now + Duration::hours(1), floor: DateTime::<Utc>::MIN_UTC }
    }
}

/// The code of the reason for which `message` is refused, or `None`.
#[must_use]
pub fn refusal(message: View<'_>, horizon: &Horizon) -> Option<&'static str> {
    if message.organization().is_empty() {
        return Some("missing_organization");
    }
    if message.id().is_empty() {
        return Some("missing_id");
    }
    let Some(times) = times(message) else { return Some("missing_time") };
    let [Some(time), Some(_)] = times.map(moment) else { return Some("invalid_time") };
    if time > horizon.latest {
        return Some("from_the_future");
    }
    if time < horizon.floor && counts(message) {
        return Some("too_old");
    }
    unspecified(message).or_else(|| bad_text(message)).or_else(|| implausible(message))
}

/// The identity's time, and the other time that a receipt must have; `None` if one is missing.
fn times(message: View<'_>) -> Option<[&Timestamp; 2]> {
    let identity = message.identity_time()?;
    match message {
        View::Event(_) | View::Workflow(_) => Some([identity, identity]),
        View::Delivery(delivery) => Some([identity, delivery.occurred_at.as_ref()?]),
    }
}

/// The time of a timestamp, if protobuf allows it.
fn moment(time: &Timestamp) -> Option<DateTime<Utc>> {
    let nanos = u32::try_from(time.nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    CALENDAR.contains(&time.seconds).then(|| DateTime::from_timestamp(time.seconds, nanos))?
}

/// Whether the record is of a kind that adds to a counter. One with an unknown outcome is: it would have counted.
fn counts(message: View<'_>) -> bool {
    match message {
        View::Event(event) => {
            matches!(event.body, Some(Body::OrderCreated(_) | Body::PaymentAttempted(_)))
        }
        View::Workflow(_) => true,
        View::Delivery(delivery) => delivery.status() != Status::Failed,
    }
}

fn unspecified(message: View<'_>) -> Option<&'static str> {
    let outcome = |known: bool| (!known).then_some("unspecified_outcome");
    match message {
        View::Event(event) => match &event.body {
            Some(Body::PaymentAttempted(payment)) => outcome(matches!(
                payment_attempted::Outcome::try_from(payment.outcome),
                Ok(payment_attempted::Outcome::Successful | payment_attempted::Outcome::Failed)
            )),
            Some(Body::OrderCreated(_) | Body::OrganizationUpdated(_)) | None => None,
        },
        View::Workflow(run) => outcome(matches!(
            Outcome::try_from(run.outcome),
            Ok(Outcome::Success | Outcome::Failed | Outcome::FailedSafetyLimit)
        )),
        View::Delivery(delivery) => match Status::try_from(delivery.status) {
            Ok(Status::Sent | Status::Delivered | Status::Read | Status::Failed) => None,
            Ok(Status::Unspecified) | Err(_) => Some("unspecified_status"),
        },
    }
}

fn bad_text(message: View<'_>) -> Option<&'static str> {
    let mut texts = vec![(message.id(), ID_BYTES), (message.organization(), ORGANIZATION_BYTES)];
    match message {
        View::Event(event) => match &event.body {
            Some(Body::OrganizationUpdated(update)) => texts.extend([
                (update.name.as_str(), NAME_BYTES),
                (update.plan_id.as_str(), ID_BYTES),
                (update.plan_name.as_str(), NAME_BYTES),
            ]),
            Some(Body::OrderCreated(order)) => texts.push((&order.order_id, ID_BYTES)),
            Some(Body::PaymentAttempted(payment)) => texts.push((&payment.payment_id, ID_BYTES)),
            None => {}
        },
        View::Workflow(run) => {
            texts.extend([(run.workflow_id.as_str(), ID_BYTES), (run.workflow_name.as_str(), NAME_BYTES)]);
        }
        View::Delivery(_) => {}
    }
    let bad = |(text, limit): &(&str, usize)| text.len() > *limit || text.chars().any(char::is_control);
    (texts.iter().any(bad) || bad_error(message)).then_some("invalid_text")
}

/// An error's text is cut rather than refused, and may have several lines.
fn bad_error(message: View<'_>) -> bool {
    let is_bad = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    match message {
        View::Workflow(run) => run.error_message.chars().take(ERROR_CHARS).any(is_bad),
        View::Event(_) | View::Delivery(_) => false,
    }
}

fn implausible(message: View<'_>) -> Option<&'static str> {
    match message {
        View::Workflow(run) => (run.execution_time_ms > DURATION_MS).then_some("implausible_duration"),
        View::Event(_) | View::Delivery(_) => None,
    }
}
