//! Flaws of bad records: one for each reason of refusal in the contract, and some variants.

use crate::message::{Kind, Message};
use crate::produced::Produced;
use proto::v1::event::Body;
use proto::v1::{Event, PaymentAttempted};

/// A flaw of a record. Only the one with the year 9000 depends on the reader's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// No value at all.
    Empty,
    /// Bytes that end in the middle of a field.
    Truncated,
    /// No organization.
    NoOrganization,
    /// No id.
    NoId,
    /// No identity time.
    NoTime,
    /// More nanoseconds than a second has.
    TooManyNanos,
    /// A time before the year 1, where protobuf's calendar begins.
    BeforeTheCalendar,
    /// Identity time in the year 9000.
    FarFuture,
    /// An outcome or status of 0.
    Unspecified,
    /// An outcome or status that no version of the contract knows.
    UnknownValue,
    /// An id of 257 bytes.
    LongId,
    /// An organization of 129 bytes.
    LongOrganization,
    /// A NUL in the id.
    Nul,
    /// A workflow that ran for 367 days.
    LongDuration,
}

/// 9000-01-01T00:00:00Z, in seconds since the Unix epoch.
const YEAR_9000: i64 = 221_845_392_000;
/// The last second before 0001-01-01T00:00:00Z.
const BEFORE_YEAR_1: i64 = -62_135_596_801;
const MILLIS_PER_DAY: u64 = 86_400_000;

impl Flaw {
    /// All flaws.
    pub const ALL: [Self; 14] = [
        Self::Empty,
        Self::Truncated,
        Self::NoOrganization,
        Self::NoId,
        Self::NoTime,
        Self::TooManyNanos,
        Self::BeforeTheCalendar,
        Self::FarFuture,
        Self::Unspecified,
        Self::UnknownValue,
        Self::LongId,
        Self::LongOrganization,
        Self::Nul,
        Self::LongDuration,
    ];

    /// Whether a record of that kind can have this flaw.
    #[must_use]
    pub fn fits(self, kind: Kind) -> bool {
        self != Self::LongDuration || kind == Kind::Workflow
    }

    /// The record of `message` in plain protobuf, with this flaw. Its key is still the organization's.
    #[must_use]
    pub fn spoil(self, mut message: Message) -> Produced {
        let organization = message.organization().to_owned();
        let kind = message.kind();
        match self {
            Self::Empty => return Produced::garbage(kind, &organization, Vec::new()),
            Self::Truncated => return Produced::garbage(kind, &organization, vec![0x0a, 0x7f, b'n', b'o']),
            Self::NoOrganization => organization_of(&mut message).clear(),
            Self::NoId => id_of(&mut message).clear(),
            Self::NoTime => *time_of(&mut message) = None,
            Self::TooManyNanos => set_time(&mut message, |time| time.nanos = 1_000_000_000),
            Self::BeforeTheCalendar => set_time(&mut message, |time| time.seconds = BEFORE_YEAR_1),
            Self::FarFuture => set_time(&mut message, |time| time.seconds = YEAR_9000),
            Self::Unspecified => set_outcome(&mut message, 0),
            Self::UnknownValue => set_outcome(&mut message, 99),
            Self::LongId => id_of(&mut message).extend(std::iter::repeat_n('x', 257)),
            Self::LongOrganization => organization_of(&mut message).extend(std::iter::repeat_n('x', 129)),
            Self::Nul => id_of(&mut message).push('\0'),
            Self::LongDuration => set_duration(&mut message, 367 * MILLIS_PER_DAY),
        }
        Produced { key: organization.into_bytes(), ..Produced::plain(message) }
    }
}

fn organization_of(message: &mut Message) -> &mut String {
    match message {
        Message::Event(event) => &mut event.organization_id,
        Message::Workflow(run) => &mut run.organization_id,
        Message::Delivery(delivery) => &mut delivery.organization_id,
    }
}

fn id_of(message: &mut Message) -> &mut String {
    match message {
        Message::Event(event) => &mut event.event_id,
        Message::Workflow(run) => &mut run.execution_id,
        Message::Delivery(delivery) => &mut delivery.message_id,
    }
}

fn time_of(message: &mut Message) -> &mut Option<prost_types::Timestamp> {
    match message {
        Message::Event(event) => &mut event.occurred_at,
        Message::Workflow(run) => &mut run.finished_at,
        Message::Delivery(delivery) => &mut delivery.sent_at,
    }
}

fn set_time(message: &mut Message, change: impl FnOnce(&mut prost_types::Timestamp)) {
    change(time_of(message).get_or_insert_default());
}

/// An event becomes a payment, the only event with an outcome.
fn set_outcome(message: &mut Message, outcome: i32) {
    match message {
        Message::Event(Event { body, event_id, .. }) => {
            let payment_id = format!("payment-{event_id}");
            *body = Some(Body::PaymentAttempted(PaymentAttempted { payment_id, outcome }));
        }
        Message::Workflow(run) => run.outcome = outcome,
        Message::Delivery(delivery) => delivery.status = outcome,
    }
}

fn set_duration(message: &mut Message, millis: u64) {
    match message {
        Message::Workflow(run) => run.execution_time_ms = millis,
        Message::Event(_) | Message::Delivery(_) => {}
    }
}
