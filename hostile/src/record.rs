//! Records: the borrowing reader reads the same as prost, field by field, in all formats, and judges by the contract.

use crate::verdict::Verdict;
use chrono::{DateTime, TimeDelta};
use consumer::record::decode::{Bounds, decode, open};
use consumer::record::frame;
use consumer::record::hint;
use consumer::record::reason::{Reason, Refusal};
use consumer::record::{Instant, Milestone, Offset, Outcome, Partition, Raw, Record, Says, Topic};
use load::{Horizon, Kind, Message};
use prost::Message as _;
use proto::v1::event::Body;
use proto::v1::message_delivery::Status;
use proto::v1::payment_attempted;
use proto::v1::{Event, MessageDelivery, WorkflowTerminal, workflow_terminal};
use recount::{Content, Declared};

/// Records from 2026-01-01 to 2027-01-01 are neither too old nor from the future.
const BOUNDS: Bounds = Bounds { floor: 1_767_225_600, ceiling: 1_798_761_600 };
/// How many characters of an error's text are kept.
const ERROR_CHARS: usize = 2_000;

/// Reads `bytes` as a record's value; the first byte selects the topic and the format.
///
/// # Panics
/// When it is read differently than by prost, or judged differently than by the contract.
pub fn check(bytes: &[u8]) -> Verdict {
    let Some((choice, payload)) = bytes.split_first() else { return Verdict::Refused };
    let topic = Topic::ALL[usize::from(choice % 3)];
    match choice / 3 % 4 {
        0 => plain(topic, payload),
        1 => framed(topic, payload),
        2 => json(topic, Declared::Json, payload),
        _ => json(topic, Declared::CloudEvent, payload),
    }
}

fn raw(topic: Topic, payload: &[u8], declared: Declared) -> Raw<'_> {
    let content_type = match declared {
        Declared::Nothing => None,
        Declared::Json => Some(&b"application/json"[..]),
        Declared::CloudEvent => Some(&b"application/cloudevents+json"[..]),
    };
    let header = content_type.map(|media_type| (&b"content-type"[..], Some(media_type)));
    Raw {
        partition: Partition { topic, number: 0 },
        offset: Offset(0),
        key: None,
        payload: Some(payload),
        headers: header.into_iter().collect(),
        timestamp_ms: None,
        leader_epoch: None,
    }
}

/// What registries' serializers put before a message: paths of one element, in both encodings, and references.
const BEFORE: [&[u8]; 9] = [
    b"\0\0\0\0\x11\0",
    b"\0\0\0\0\x11\x02\0",
    b"\0\0\0\0\x11\x02\x08",
    b"\0\0\0\0\x11\x02\x0a",
    b"\0\0\0\0\x11\x01\x05",
    b"\0\0\0\0\x11\x07\n\x05Event",
    b"\0\0\0\0\0\0\0\0\x11\x12\n\x10WorkflowTerminal",
    b"\0\0\0\0\0\xff\0\0\x11\x11\n\x0fMessageDelivery",
    b"\x07\n\x05Event",
];

/// A registry's frame, as received; removing it undoes adding it.
fn framed(topic: Topic, payload: &[u8]) -> Verdict {
    for before in BEFORE {
        assert_eq!(frame::unframe(&[before, payload].concat()), Ok(payload));
    }
    let raw = raw(topic, payload, Declared::Nothing);
    let opened = open(&raw);
    third_book_reads_the_same(topic, payload, Declared::Nothing, opened.as_deref().ok());
    match opened {
        Ok(opened) => plain(topic, &opened),
        Err(refusal) => {
            assert!(matches!(refusal.reason, Reason::EmptyPayload | Reason::MalformedPayload));
            refused(&raw, refusal)
        }
    }
}

/// JSON, or a CloudEvent around the record.
fn json(topic: Topic, declared: Declared, payload: &[u8]) -> Verdict {
    let raw = raw(topic, payload, declared);
    let opened = open(&raw);
    third_book_reads_the_same(topic, payload, declared, opened.as_deref().ok());
    match opened {
        // The data of a CloudEvent may be protobuf.
        Ok(opened) => {
            let is_message = by_prost(topic, &opened).is_some();
            assert!(is_message || declared == Declared::CloudEvent, "JSON becomes the topic's message");
            plain(topic, &opened)
        }
        Err(refusal) => {
            let expected = if payload.is_empty() { Reason::EmptyPayload } else { Reason::MalformedPayload };
            assert_eq!(refusal.reason, expected);
            refused(&raw, refusal)
        }
    }
}

/// A hint changes nothing but the detail.
fn refused(raw: &Raw<'_>, refusal: Refusal) -> Verdict {
    let explained = hint::explained(raw, refusal.clone());
    assert!(!explained.detail.is_empty());
    assert_eq!(Refusal { detail: refusal.detail.clone(), ..explained }, refusal);
    Verdict::Refused
}

fn plain(topic: Topic, bytes: &[u8]) -> Verdict {
    let read = decode(topic, bytes, BOUNDS);
    let Some(message) = by_prost(topic, bytes) else {
        let reason = read.map(|record| format!("{record:?}")).map_err(|refusal| refusal.reason);
        assert_eq!(reason, Err(Reason::MalformedPayload), "prost can't read it");
        return Verdict::Refused;
    };
    let expected = expected(&message);
    match read {
        Ok(record) => {
            assert_eq!(expected, None, "{record:?}");
            says_the_same(&record, &message);
            Verdict::Accepted
        }
        Err(refusal) => {
            assert_eq!(expected, Some(refusal.reason.code()), "{refusal:?}: {message:?}");
            Verdict::Refused
        }
    }
}

/// The recount reads a value as the consumer does: the same content, or none.
fn third_book_reads_the_same(topic: Topic, payload: &[u8], declared: Declared, opened: Option<&[u8]>) {
    let kind = match topic {
        Topic::Events => Kind::Event,
        Topic::WorkflowTerminals => Kind::Workflow,
        Topic::MessageDeliveries => Kind::Delivery,
    };
    let read = recount::read(kind, declared, Some(payload));
    let expected = opened.filter(|_| !payload.is_empty()).and_then(|opened| by_prost(topic, opened));
    let (read, expected) = (read.as_ref().ok().map(Content::view), expected.as_ref().map(Message::view));
    assert_eq!(read, expected, "{}", payload.escape_ascii());
}

fn by_prost(topic: Topic, bytes: &[u8]) -> Option<Message> {
    match topic {
        Topic::Events => Event::decode(bytes).map(Message::Event).ok(),
        Topic::WorkflowTerminals => WorkflowTerminal::decode(bytes).map(Message::Workflow).ok(),
        Topic::MessageDeliveries => MessageDelivery::decode(bytes).map(Message::Delivery).ok(),
    }
}

/// The reason for which the contract refuses it, by the recount, which shares no code with the consumer.
fn expected(message: &Message) -> Option<&'static str> {
    let at = |second| DateTime::from_timestamp(second, 0).expect("a time");
    // The consumer compares whole seconds.
    let latest = at(BOUNDS.ceiling) + TimeDelta::nanoseconds(999_999_999);
    let horizon = Horizon { latest, floor: at(BOUNDS.floor) };
    recount::refusal(message.view(), &horizon)
}

fn says_the_same(record: &Record<'_>, message: &Message) {
    assert_eq!((record.organization, record.id), (message.organization(), message.id()));
    let time = message.identity_time().expect("or it is refused");
    assert_eq!(record.time, Instant { seconds: time.seconds, nanos: time.nanos });
    match message {
        Message::Event(event) => event_says(&record.says, event),
        Message::Workflow(run) => run_says(&record.says, run),
        Message::Delivery(delivery) => {
            let channel = recount::says::channel(&delivery.channel);
            let says = match delivery.status() {
                Status::Sent => Says::Message { milestone: Milestone::Sent, channel },
                Status::Delivered | Status::Read => {
                    Says::Message { milestone: Milestone::Delivered, channel }
                }
                Status::Failed | Status::Unspecified => Says::Nothing,
            };
            assert_eq!(record.says, says);
        }
    }
}

fn event_says(says: &Says<'_>, event: &Event) {
    let expected = match &event.body {
        Some(Body::OrderCreated(_)) => Says::OrderCreated,
        Some(Body::PaymentAttempted(payment)) => {
            Says::PaymentAttempted { successful: payment.outcome() == payment_attempted::Outcome::Successful }
        }
        Some(Body::OrganizationUpdated(update)) => Says::OrganizationUpdated {
            name: &update.name,
            plan_id: &update.plan_id,
            plan_name: &update.plan_name,
        },
        None => Says::UnknownBody,
    };
    assert_eq!(*says, expected);
}

fn run_says(says: &Says<'_>, run: &WorkflowTerminal) {
    let Says::WorkflowEnded(read) = says else { panic!("{says:?}: {run:?}") };
    assert_eq!((read.workflow_id, read.workflow_name), (&*run.workflow_id, &*run.workflow_name));
    assert_eq!(read.execution_time_ms.cast_unsigned(), run.execution_time_ms);
    assert!(read.error_message.chars().eq(run.error_message.chars().take(ERROR_CHARS)));
    let outcome = match run.outcome() {
        workflow_terminal::Outcome::Success => Some(Outcome::Success),
        workflow_terminal::Outcome::Failed => Some(Outcome::Failed),
        workflow_terminal::Outcome::FailedSafetyLimit => Some(Outcome::FailedSafetyLimit),
        workflow_terminal::Outcome::Unspecified => None,
    };
    assert_eq!(Some(read.outcome), outcome);
}
