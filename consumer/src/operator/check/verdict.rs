//! What becomes of a record: what it adds and where, or why it is refused. Pure.

use super::skipped::Skipped;
use crate::record::decode::{self, Bounds};
use crate::record::frame::{Format, MAGIC, format_of};
use crate::record::hint;
use crate::record::key::partition_of;
use crate::record::reason::Refusal;
use crate::record::{Instant, Milestone, Outcome, Raw, Record, Says};
use chrono::{DateTime, Utc};
use domain::Quarter;

/// What becomes of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The format that its value is in; `None` without a value.
    pub format: Option<Format>,
    /// What it says, or why it is refused.
    pub judged: Result<Taken, Refusal>,
    /// What of it is skipped.
    pub skipped: Vec<Skipped>,
}

/// A record that is not refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its kind.
    pub kind: &'static str,
    /// The organization it belongs to.
    pub organization: String,
    /// Its id.
    pub id: String,
    /// The time that is part of its identity.
    pub time: Instant,
    /// What it adds to the counters, by their names, unless it was counted before. None for one that adds nothing.
    pub adds: Vec<(&'static str, i64)>,
    /// The name of the channel it counts under, if it is a message.
    pub channel: Option<String>,
    /// Why it adds nothing.
    pub note: Option<&'static str>,
}

/// What a record's key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyIs {
    /// There is none.
    Missing,
    /// The organization's id.
    Organization,
    /// The record's own id.
    OwnId,
    /// One of the two, with something around it that a serializer wrote.
    Wrapped(Wrapped),
    /// Neither.
    Another,
}

/// An id that a serializer wrapped. Copies with the raw id as their key count again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrapped {
    /// The organization's id, as a JSON text.
    QuotedOrganization,
    /// The record's own id, as a JSON text.
    QuotedOwnId,
    /// The organization's id behind a registry's frame.
    FramedOrganization,
    /// The record's own id behind a registry's frame.
    FramedOwnId,
}

impl Verdict {
    /// The verdict on a record, where these times are allowed.
    #[must_use]
    pub fn of(raw: &Raw<'_>, bounds: Bounds) -> Self {
        let judged = decode::open(raw).and_then(|bytes| {
            decode::decode(raw.partition.topic, &bytes, bounds).map(|record| Taken::of(&record))
        });
        let judged = judged.map_err(|refusal| hint::explained(raw, refusal));
        Self { format: format_of(raw), judged, skipped: Skipped::all(raw) }
    }

    /// The verdict in a word, for programs.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match &self.judged {
            Ok(taken) if taken.adds.is_empty() => "nothing_to_count",
            Ok(_) => "counted",
            Err(_) => "refused",
        }
    }
}

impl Taken {
    fn of(record: &Record<'_>) -> Self {
        let (kind, adds, note) = meaning(&record.says);
        let channel = if let Says::Message { channel, .. } = record.says { Some(channel) } else { None };
        Self {
            kind,
            organization: record.organization.to_owned(),
            id: record.id.to_owned(),
            time: record.time,
            adds,
            channel: channel.map(str::to_owned),
            note,
        }
    }

    /// The quarter of an hour that is part of its identity.
    #[must_use]
    pub fn quarter(&self) -> Quarter {
        Quarter::of_second(self.time.seconds).expect("the decoder bounds times")
    }

    /// Its time, in whole microseconds.
    #[must_use]
    pub fn at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.time.micros()).expect("the decoder bounds times")
    }

    /// What this key is to it.
    #[must_use]
    pub fn key_is(&self, key: Option<&[u8]>) -> KeyIs {
        match key {
            None => KeyIs::Missing,
            Some(key) if key == self.organization.as_bytes() => KeyIs::Organization,
            Some(key) if key == self.id.as_bytes() => KeyIs::OwnId,
            Some(key) => self.wrapped(key).map_or(KeyIs::Another, KeyIs::Wrapped),
        }
    }

    fn wrapped(&self, key: &[u8]) -> Option<Wrapped> {
        let Self { organization, id, .. } = self;
        let kinds = [
            (is_quoted(key, organization), Wrapped::QuotedOrganization),
            (is_quoted(key, id), Wrapped::QuotedOwnId),
            (is_framed(key, organization), Wrapped::FramedOrganization),
            (is_framed(key, id), Wrapped::FramedOwnId),
        ];
        kinds.into_iter().find(|(is, _)| *is).map(|(_, wrapped)| wrapped)
    }
}

/// Bytes of a registry's frame around a key: the magic byte and an id of 4 bytes, or of 8; behind them a text's length, a message's
/// index, or a quotation mark.
const FRAME_BYTES: std::ops::RangeInclusive<usize> = 5..=16;

/// Whether the key is this id as a JSON text.
fn is_quoted(key: &[u8], id: &str) -> bool {
    key.starts_with(b"\"") && serde_json::from_slice::<String>(key).is_ok_and(|text| text == id)
}

/// Whether the key is this id behind a registry's frame.
fn is_framed(key: &[u8], id: &str) -> bool {
    let ends =
        |key: &[u8]| key.strip_suffix(id.as_bytes()).is_some_and(|frame| FRAME_BYTES.contains(&frame.len()));
    !id.is_empty() && key.first() == Some(&MAGIC) && (ends(key) || key.strip_suffix(b"\"").is_some_and(ends))
}

impl Wrapped {
    /// It in words, with what to do.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::QuotedOrganization => {
                "the organization_id in quotation marks: a JSON serializer wrote it; send raw UTF-8"
            }
            Self::QuotedOwnId => {
                "the record's own id in quotation marks: a JSON serializer wrote it; send raw UTF-8"
            }
            Self::FramedOrganization => {
                "the organization_id behind a schema registry's frame: the registry's serializer wrote it; send raw UTF-8"
            }
            Self::FramedOwnId => {
                "the record's own id behind a schema registry's frame: the registry's serializer wrote it; send raw UTF-8"
            }
        }
    }
}

impl KeyIs {
    /// It in words; `None` without a key.
    #[must_use]
    pub const fn words(self) -> Option<&'static str> {
        match self {
            Self::Missing => None,
            Self::Organization => Some("the organization_id"),
            Self::OwnId => Some("the record's own id"),
            Self::Wrapped(wrapped) => Some(wrapped.words()),
            Self::Another => Some("neither the organization_id nor the record's own id"),
        }
    }
}

/// The partition that a key belongs in by murmur2, among so many.
#[must_use]
pub fn belongs_in(key: Option<&[u8]>, partitions: i32) -> Option<i32> {
    key.filter(|_| partitions > 0).map(|key| partition_of(key, partitions))
}

type Meaning = (&'static str, Vec<(&'static str, i64)>, Option<&'static str>);

/// The kind of record, what it adds, and why it adds nothing.
fn meaning(says: &Says<'_>) -> Meaning {
    let adds = |kind, adds: &[(&'static str, i64)]| (kind, adds.to_vec(), None);
    match says {
        Says::OrderCreated => adds("order", &[("orders_created", 1)]),
        Says::PaymentAttempted { successful: true } => {
            adds("payment", &[("payments_total", 1), ("payments_successful", 1)])
        }
        Says::PaymentAttempted { successful: false } => adds("payment", &[("payments_total", 1)]),
        Says::WorkflowEnded(run) => {
            let time = ("total_execution_time_ms", run.execution_time_ms);
            match run.outcome {
                Outcome::Success => adds("workflow run", &[("workflows_total", 1), time]),
                Outcome::Failed | Outcome::FailedSafetyLimit => {
                    adds("workflow run", &[("workflows_total", 1), ("workflows_failed", 1), time])
                }
            }
        }
        Says::Message { milestone: Milestone::Sent, .. } => adds("message sent", &[("messages_sent", 1)]),
        Says::Message { milestone: Milestone::Delivered, .. } => {
            adds("message delivered", &[("messages_delivered", 1)])
        }
        Says::OrganizationUpdated { .. } => {
            let note = "it sets the organization's name and plan, unless a later update did";
            ("organization update", Vec::new(), Some(note))
        }
        Says::Nothing => ("failed delivery", Vec::new(), Some("a failed delivery adds nothing")),
        Says::UnknownBody => {
            let note = "this version doesn't know the event's body, which is no error";
            ("event with an unknown body", Vec::new(), Some(note))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::reason::Reason;
    use crate::record::{Offset, Partition, Topic};
    use load::Message;
    use proto::v1::message_delivery::Status;
    use proto::v1::workflow_terminal::Outcome as Ended;

    const NOW: i64 = 1_772_000_000;

    fn verdict(topic: Topic, payload: &[u8]) -> Verdict {
        let raw = Raw {
            partition: Partition { topic, number: 0 },
            offset: Offset(0),
            key: None,
            payload: Some(payload),
            headers: Vec::new(),
            timestamp_ms: None,
            leader_epoch: None,
        };
        Verdict::of(&raw, Bounds { floor: NOW - 86_400, ceiling: NOW + 3_600 })
    }

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn what_each_record_adds_is_said() {
        let check = |topic, message: Message, word: &str, kind: &str, adds: &[(&str, i64)]| {
            let verdict = verdict(topic, &message.encode());
            let taken = verdict.judged.as_ref().unwrap();
            assert_eq!((verdict.word(), taken.kind, &taken.adds[..]), (word, kind, adds));
            assert_eq!((&*taken.organization, taken.at()), ("acme", at(NOW)));
            assert_eq!(taken.note.is_none(), word == "counted", "{:?}", taken.note);
        };
        let (events, messages) = (Topic::Events, Topic::MessageDeliveries);
        check(events, Message::order("acme", "o", at(NOW)), "counted", "order", &[("orders_created", 1)]);
        let paid = [("payments_total", 1), ("payments_successful", 1)];
        check(events, Message::payment("acme", "p", at(NOW), true), "counted", "payment", &paid);
        check(events, Message::payment("acme", "p", at(NOW), false), "counted", "payment", &paid[..1]);
        let update = Message::update("acme", "u", at(NOW), "Acme", ("p", "P"));
        check(events, update, "nothing_to_count", "organization update", &[]);
        let run = |outcome| Message::workflow("acme", "w", at(NOW), outcome, 7);
        let adds = [("workflows_total", 1), ("workflows_failed", 1), ("total_execution_time_ms", 7)];
        check(Topic::WorkflowTerminals, run(Ended::Failed), "counted", "workflow run", &adds);
        check(Topic::WorkflowTerminals, run(Ended::Success), "counted", "workflow run", &[adds[0], adds[2]]);
        let message = |status| Message::delivery("acme", "m", at(NOW), at(NOW), status);
        check(messages, message(Status::Sent), "counted", "message sent", &[("messages_sent", 1)]);
        let delivered = [("messages_delivered", 1)];
        check(messages, message(Status::Read), "counted", "message delivered", &delivered);
        check(messages, message(Status::Failed), "nothing_to_count", "failed delivery", &[]);
    }

    #[test]
    fn what_is_refused_says_why() {
        let check = |payload: &[u8], reason| {
            let verdict = verdict(Topic::Events, payload);
            assert_eq!(verdict.word(), "refused");
            assert_eq!(verdict.judged.unwrap_err().reason, reason);
        };
        check(b"", Reason::EmptyPayload);
        check(b"\xff", Reason::MalformedPayload);
        check(&Message::order("acme", "", at(NOW)).encode(), Reason::MissingId);
        check(&Message::order("acme", "o", at(NOW + 3_601)).encode(), Reason::FromTheFuture);
        check(&Message::order("acme", "o", at(NOW - 86_401)).encode(), Reason::TooOld);
    }

    #[test]
    fn a_key_is_named_and_has_a_place() {
        let taken = verdict(Topic::Events, &Message::order("acme", "o", at(NOW)).encode()).judged.unwrap();
        let check = |key: Option<&[u8]>, expected| assert_eq!(taken.key_is(key), expected, "{key:?}");
        check(None, KeyIs::Missing);
        check(Some(b"acme"), KeyIs::Organization);
        check(Some(b"o"), KeyIs::OwnId);
        check(Some(b"\"acme\""), KeyIs::Wrapped(Wrapped::QuotedOrganization));
        check(Some(b"\"\\u0061cme\""), KeyIs::Wrapped(Wrapped::QuotedOrganization));
        check(Some(b"\"o\""), KeyIs::Wrapped(Wrapped::QuotedOwnId));
        check(Some(b"\0\0\0\0\x07acme"), KeyIs::Wrapped(Wrapped::FramedOrganization));
        check(Some(b"\0\0\0\0\x07\x08acme"), KeyIs::Wrapped(Wrapped::FramedOrganization));
        check(Some(b"\0\0\0\0\x07\"acme\""), KeyIs::Wrapped(Wrapped::FramedOrganization));
        check(Some(b"\0\0\0\0\x07o"), KeyIs::Wrapped(Wrapped::FramedOwnId));
        for another in [&b"\"acme"[..], b"\"other\"", b"\0\0\0\0\x07", b"\0acme", b"\0\0\0\0\x07other", b""] {
            check(Some(another), KeyIs::Another);
        }
        assert_eq!(belongs_in(Some(b"acme"), 8), Some(partition_of(b"acme", 8)));
        assert_eq!((belongs_in(None, 8), belongs_in(Some(b"acme"), 0)), (None, None));
    }
}
