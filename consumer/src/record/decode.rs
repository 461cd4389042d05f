//! From a record's bytes to what it says, or to the reason why it can't be counted. Pure; the bounds of time are arguments.

use crate::record::content_type::{self, Declared};
use crate::record::reason::{Reason, Refusal};
use crate::record::wire::{Fields, Malformed};
use crate::record::{Instant, Milestone, Outcome, Raw, Record, Says, Topic, WorkflowRun};
use crate::record::{cloud_event, frame, json};
use chrono::{DateTime, SecondsFormat};
use domain::channels;
use proto::v1::{message_delivery, payment_attempted, workflow_terminal};
use std::borrow::Cow;

/// Most bytes of an organization's id.
pub const ORGANIZATION_BYTES_MAX: usize = 128;
const ID_BYTES_MAX: usize = 256;
const NAME_BYTES_MAX: usize = 512;
const ERROR_MESSAGE_CHARS_MAX: usize = 2_000;
const EXECUTION_TIME_MS_MAX: u64 = 366 * 24 * 60 * 60 * 1_000;

/// From 0001-01-01T00:00:00Z until 10000-01-01T00:00:00Z, in seconds: the times that `google.protobuf.Timestamp` allows.
const TIME_SECONDS: std::ops::Range<i64> = -62_135_596_800..253_402_300_800;

/// From 2000 until 2100, in milliseconds. None of them is a time in seconds.
const LIKELY_MILLISECONDS: std::ops::Range<i64> = 946_684_800_000..4_102_444_800_000;

/// Which times the ledger and the clock allow, in seconds since the Unix epoch.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// A record that counts is refused if it is older.
    pub floor: i64,
    /// Any record is refused if it is newer.
    pub ceiling: i64,
}

/// The record's value as plain protobuf, whichever of the accepted formats it came in.
///
/// # Errors
/// When the record has no value, or the value is not in the format that its header or first byte declares.
pub fn open<'a>(raw: &Raw<'a>) -> Result<Cow<'a, [u8]>, Refusal> {
    let payload = raw.payload.filter(|payload| !payload.is_empty());
    let payload = payload.ok_or_else(|| Refusal::new(Reason::EmptyPayload, "the record has no value"))?;
    let topic = raw.partition.topic;
    match content_type::declared(&raw.headers) {
        Declared::Bytes => frame::unframe(payload).map(Cow::Borrowed).map_err(malformed),
        Declared::Json => json::to_protobuf(topic, payload).map(Cow::Owned),
        Declared::CloudEvent => cloud_event::to_protobuf(topic, payload).map(Cow::Owned),
    }
}

/// What the plain protobuf in `bytes`, a record of `topic`, says.
///
/// # Errors
/// When the record can't be counted: the first reason that applies.
pub fn decode(topic: Topic, bytes: &[u8], bounds: Bounds) -> Result<Record<'_>, Refusal> {
    let read = match topic {
        Topic::Events => read_event(bytes),
        Topic::WorkflowTerminals => read_workflow(bytes),
        Topic::MessageDeliveries => read_message(bytes),
    };
    let unchecked = read.map_err(malformed)?;
    unchecked.check(bounds).map_err(|refusal| Refusal {
        organization: Some(unchecked.organization)
            .filter(|text| {
                !text.is_empty() && text.len() <= ORGANIZATION_BYTES_MAX && !has_control(text, false)
            })
            .map(str::to_owned),
        ..refusal
    })
}

fn malformed(Malformed(what): Malformed) -> Refusal {
    Refusal::new(Reason::MalformedPayload, what)
}

/// The fields of a record, not validated yet.
struct Unchecked<'a> {
    organization: &'a str,
    id: &'a str,
    id_field: &'static str,
    identity_time: Option<(i64, i32)>,
    identity_time_field: &'static str,
    other_time: OtherTime,
    body: Body<'a>,
}

/// A required time beside the identity's, if the record has one.
enum OtherTime {
    None,
    Required(&'static str, Option<(i64, i32)>),
}

enum Body<'a> {
    Order {
        order_id: &'a str,
    },
    Payment {
        payment_id: &'a str,
        outcome: i32,
    },
    Organization {
        name: &'a str,
        plan_id: &'a str,
        plan_name: &'a str,
    },
    Workflow {
        workflow_id: &'a str,
        workflow_name: &'a str,
        outcome: i32,
        execution_time_ms: u64,
        error: &'a str,
    },
    Message {
        status: i32,
        channel: &'a str,
    },
    Unknown,
}

impl<'a> Unchecked<'a> {
    fn check(&self, bounds: Bounds) -> Result<Record<'a>, Refusal> {
        if self.organization.is_empty() {
            return Err(Refusal::new(Reason::MissingOrganization, "organization_id is empty"));
        }
        if self.id.is_empty() {
            return Err(Refusal::new(Reason::MissingId, format!("{} is empty", self.id_field)));
        }
        let time = self.check_times()?;
        if time.seconds > bounds.ceiling {
            let ahead = format!(
                "{} is {}, further ahead of the clock than is tolerated: now it may be {} at most",
                self.identity_time_field,
                shown(time.seconds),
                shown(bounds.ceiling)
            );
            return Err(Refusal::new(Reason::FromTheFuture, ahead));
        }
        if self.counts() && time.seconds < bounds.floor {
            let old = format!(
                "{} is {}, older than the ledger remembers: now it must be {} or later",
                self.identity_time_field,
                shown(time.seconds),
                shown(bounds.floor)
            );
            return Err(Refusal::new(Reason::TooOld, old));
        }
        let says = self.check_body()?;
        self.check_texts()?;
        self.check_duration()?;
        Ok(Record { organization: self.organization, id: self.id, time, says })
    }

    fn check_times(&self) -> Result<Instant, Refusal> {
        let missing = |field| Refusal::new(Reason::MissingTime, format!("{field} is not set"));
        let identity = self.identity_time.ok_or_else(|| missing(self.identity_time_field))?;
        let other = match self.other_time {
            OtherTime::None => None,
            OtherTime::Required(field, time) => Some((field, time.ok_or_else(|| missing(field))?)),
        };
        let valid = check_time(self.identity_time_field, identity)?;
        if let Some((field, time)) = other {
            check_time(field, time)?;
        }
        Ok(valid)
    }

    /// Whether a record of this kind adds to a counter, so that the ledger must know whether it was counted before.
    fn counts(&self) -> bool {
        match self.body {
            Body::Order { .. } | Body::Payment { .. } | Body::Workflow { .. } => true,
            Body::Message { status, .. } => status != message_delivery::Status::Failed as i32,
            Body::Organization { .. } | Body::Unknown => false,
        }
    }

    fn check_body(&self) -> Result<Says<'a>, Refusal> {
        match self.body {
            Body::Order { .. } => Ok(Says::OrderCreated),
            Body::Payment { outcome, .. } => payment(outcome),
            Body::Organization { name, plan_id, plan_name } => {
                Ok(Says::OrganizationUpdated { name, plan_id, plan_name })
            }
            Body::Workflow { workflow_id, workflow_name, outcome, execution_time_ms, error } => {
                Ok(Says::WorkflowEnded(WorkflowRun {
                    workflow_id,
                    workflow_name,
                    outcome: workflow_outcome(outcome)?,
                    execution_time_ms: execution_time_ms.cast_signed(),
                    error_message: cut(error, ERROR_MESSAGE_CHARS_MAX),
                }))
            }
            Body::Message { status, channel } => message(status, channel),
            Body::Unknown => Ok(Says::UnknownBody),
        }
    }

    fn check_texts(&self) -> Result<(), Refusal> {
        check_text("organization_id", self.organization, ORGANIZATION_BYTES_MAX)?;
        check_text(self.id_field, self.id, ID_BYTES_MAX)?;
        match self.body {
            Body::Order { order_id } => check_text("order_id", order_id, ID_BYTES_MAX),
            Body::Payment { payment_id, .. } => check_text("payment_id", payment_id, ID_BYTES_MAX),
            Body::Organization { name, plan_id, plan_name } => check_text("name", name, NAME_BYTES_MAX)
                .and_then(|()| check_text("plan_id", plan_id, ID_BYTES_MAX))
                .and_then(|()| check_text("plan_name", plan_name, NAME_BYTES_MAX)),
            Body::Workflow { workflow_id, workflow_name, error, .. } => {
                check_text("workflow_id", workflow_id, ID_BYTES_MAX)?;
                check_text("workflow_name", workflow_name, NAME_BYTES_MAX)?;
                // An error message may have line breaks. Only the part that is kept is checked.
                if has_control(cut(error, ERROR_MESSAGE_CHARS_MAX), true) {
                    return Err(Refusal::new(Reason::InvalidText, "error_message has control characters"));
                }
                Ok(())
            }
            Body::Message { .. } | Body::Unknown => Ok(()),
        }
    }

    fn check_duration(&self) -> Result<(), Refusal> {
        match self.body {
            Body::Workflow { execution_time_ms, .. } if execution_time_ms > EXECUTION_TIME_MS_MAX => {
                let long = format!("execution_time_ms is {execution_time_ms}, more than 366 days");
                Err(Refusal::new(Reason::ImplausibleDuration, long))
            }
            Body::Order { .. }
            | Body::Payment { .. }
            | Body::Organization { .. }
            | Body::Workflow { .. }
            | Body::Message { .. }
            | Body::Unknown => Ok(()),
        }
    }
}

fn check_time(field: &'static str, (seconds, nanos): (i64, i32)) -> Result<Instant, Refusal> {
    if TIME_SECONDS.contains(&seconds) && (0..1_000_000_000).contains(&nanos) {
        Ok(Instant { seconds, nanos })
    } else {
        let hint = if LIKELY_MILLISECONDS.contains(&seconds) {
            ": they look like milliseconds, and a Timestamp has seconds"
        } else {
            ""
        };
        let wrong =
            format!("{field} has {seconds} seconds and {nanos} nanoseconds, which is no timestamp{hint}");
        Err(Refusal::new(Reason::InvalidTime, wrong))
    }
}

fn payment(outcome: i32) -> Result<Says<'static>, Refusal> {
    use payment_attempted::Outcome as Wire;
    match Wire::try_from(outcome) {
        Ok(Wire::Successful) => Ok(Says::PaymentAttempted { successful: true }),
        Ok(Wire::Failed) => Ok(Says::PaymentAttempted { successful: false }),
        Ok(Wire::Unspecified) | Err(_) => {
            let known = [Wire::Successful, Wire::Failed].map(|outcome| outcome.as_str_name());
            Err(unknown(Reason::UnspecifiedOutcome, "outcome", outcome, &known))
        }
    }
}

fn workflow_outcome(outcome: i32) -> Result<Outcome, Refusal> {
    use workflow_terminal::Outcome as Wire;
    match Wire::try_from(outcome) {
        Ok(Wire::Success) => Ok(Outcome::Success),
        Ok(Wire::Failed) => Ok(Outcome::Failed),
        Ok(Wire::FailedSafetyLimit) => Ok(Outcome::FailedSafetyLimit),
        Ok(Wire::Unspecified) | Err(_) => {
            let known = [Wire::Success, Wire::Failed, Wire::FailedSafetyLimit];
            let known = known.map(|outcome| outcome.as_str_name());
            Err(unknown(Reason::UnspecifiedOutcome, "outcome", outcome, &known))
        }
    }
}

fn message(status: i32, channel: &str) -> Result<Says<'_>, Refusal> {
    use message_delivery::Status as Wire;
    let reached = |milestone| Ok(Says::Message { milestone, channel: counted_channel(channel) });
    match Wire::try_from(status) {
        Ok(Wire::Sent) => reached(Milestone::Sent),
        Ok(Wire::Delivered | Wire::Read) => reached(Milestone::Delivered),
        Ok(Wire::Failed) => Ok(Says::Nothing),
        Ok(Wire::Unspecified) | Err(_) => {
            let known = [Wire::Sent, Wire::Delivered, Wire::Read, Wire::Failed];
            let known = known.map(|status| status.as_str_name());
            Err(unknown(Reason::UnspecifiedStatus, "status", status, &known))
        }
    }
}

/// The name under which a message of this channel counts. No channel makes a record invalid.
fn counted_channel(channel: &str) -> &str {
    if channel.is_empty() {
        channels::UNKNOWN
    } else if channel.len() > channels::CHANNEL_BYTES_MAX || has_control(channel, false) {
        channels::OTHER
    } else {
        channel
    }
}

/// A name in JSON that isn't known is skipped like an unknown field, so it reads as 0.
#[cold]
fn unknown(reason: Reason, field: &str, value: i32, known: &[&str]) -> Refusal {
    let what = match value {
        0 => "not set, or a name or number that this version doesn't know".to_owned(),
        value => format!("{value}, a number that this version doesn't know"),
    };
    Refusal::new(reason, format!("{field} is {what}; known are {}", known.join(", ")))
}

/// A time in whole seconds, as text.
#[cold]
fn shown(seconds: i64) -> String {
    let time = DateTime::from_timestamp(seconds, 0);
    time.map_or_else(|| format!("{seconds} s"), |time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

fn check_text(field: &'static str, text: &str, bytes_max: usize) -> Result<(), Refusal> {
    if text.len() > bytes_max {
        let long = format!("{field} has {} bytes, more than {bytes_max}", text.len());
        Err(Refusal::new(Reason::InvalidText, long))
    } else if has_control(text, false) {
        Err(Refusal::new(Reason::InvalidText, format!("{field} has control characters")))
    } else {
        Ok(())
    }
}

/// Whether the text has a character of Unicode's category Cc. `lines` permits tabs and line breaks.
fn has_control(text: &str, lines: bool) -> bool {
    // Nearly every text is printable ASCII, which needs no decoding of characters.
    !is_printable_ascii(text.as_bytes())
        && text.chars().any(|c| c.is_control() && !(lines && matches!(c, '\n' | '\r' | '\t')))
}

/// Checks eight bytes at a time. The last eight may overlap those before.
fn is_printable_ascii(bytes: &[u8]) -> bool {
    let Some(last) = bytes.last_chunk() else {
        return bytes.iter().all(|byte| (0x20..0x7f).contains(byte));
    };
    let (words, _) = bytes.as_chunks();
    words.iter().all(is_printable_word) && is_printable_word(last)
}

/// Whether eight bytes are all from 0x20 to 0x7e. Then no byte has its highest bit, adding 1 sets it in none (0x7f), and
/// adding 0x60 sets it in each. A sum carries into the next byte only from a byte that had the bit before.
fn is_printable_word(word: &[u8; 8]) -> bool {
    const HIGHEST_BITS: u64 = u64::from_ne_bytes([0x80; 8]);
    let word = u64::from_ne_bytes(*word);
    let added = |byte: u8| word.wrapping_add(u64::from_ne_bytes([byte; 8]));
    (word | added(1)) & HIGHEST_BITS == 0 && added(0x60) & HIGHEST_BITS == HIGHEST_BITS
}

fn cut(text: &str, chars_max: usize) -> &str {
    if text.len() <= chars_max {
        return text;
    }
    text.char_indices().nth(chars_max).map_or(text, |(end, _)| &text[..end])
}

fn read_event(bytes: &[u8]) -> Result<Unchecked<'_>, Malformed> {
    let (mut id, mut organization, mut time) = ("", "", None);
    let mut body = Body::Unknown;
    let mut fields = Fields::of(bytes);
    while let Some((number, value)) = fields.take_next()? {
        match number {
            1 => id = value.text()?,
            2 => organization = value.text()?,
            3 => read_time(&mut time, value.message()?)?,
            10 => body = read_order(body, value.message()?)?,
            11 => body = read_payment(body, value.message()?)?,
            12 => body = read_organization(body, value.message()?)?,
            _ => {}
        }
    }
    Ok(Unchecked {
        organization,
        id,
        id_field: "event_id",
        identity_time: time,
        identity_time_field: "occurred_at",
        other_time: OtherTime::None,
        body,
    })
}

/// If a field of this message occurs twice, the two are merged, as protobuf demands; another alternative of the oneof
/// replaces the one before.
fn read_order<'a>(before: Body<'a>, bytes: &'a [u8]) -> Result<Body<'a>, Malformed> {
    let mut order_id = if let Body::Order { order_id } = before { order_id } else { "" };
    let mut fields = Fields::of(bytes);
    while let Some((number, value)) = fields.take_next()? {
        if number == 1 {
            order_id = value.text()?;
        }
    }
    Ok(Body::Order { order_id })
}

fn read_payment<'a>(before: Body<'a>, bytes: &'a [u8]) -> Result<Body<'a>, Malformed> {
    let (mut payment_id, mut outcome) =
        if let Body::Payment { payment_id, outcome } = before { (payment_id, outcome) } else { ("", 0) };
    let mut fields = Fields::of(bytes);
    while let Some((number, value)) = fields.take_next()? {
        match number {
            1 => payment_id = value.text()?,
            2 => outcome = value.int32()?,
            _ => {}
        }
    }
    Ok(Body::Payment { payment_id, outcome })
}

fn read_organization<'a>(before: Body<'a>, bytes: &'a [u8]) -> Result<Body<'a>, Malformed> {
    let (mut name, mut plan_id, mut plan_name) =
        if let Body::Organization { name, plan_id, plan_name } = before {
            (name, plan_id, plan_name)
        } else {
            ("", "", "")
        };
    let mut fields = Fields::of(bytes);
    while let Some((number, value)) = fields.take_next()? {
        match number {
            1 => name = value.text()?,
            2 => plan_id = value.text()?,
            3 => plan_name = value.text()?,
            _ => {}
        }
    }
    Ok(Body::Organization { name, plan_id, plan_name })
}

fn read_workflow(bytes: &[u8]) -> Result<Unchecked<'_>, Malformed> {
    let (mut id, mut organization, mut time) = ("", "", None);
    let (mut workflow_id, mut workflow_name, mut outcome, mut execution_time_ms, mut error) =
        ("", "", 0, 0, "");
    let mut fields = Fields::of(bytes);
    while let Some((number, value)) = fields.take_next()? {
        match number {
            1 => id = value.text()?,
            2 => organization = value.text()?,
            3 => workflow_id = value.text()?,
            4 => workflow_name = value.text()?,
            5 => outcome = value.int32()?,
            6 => read_time(&mut time, value.message()?)?,
            7 => execution_time_ms = value.varint()?,
            8 => error = value.text()?,
            _ => {}
        }
    }
    Ok(Unchecked {
        organization,
        id,
        id_field: "execution_id",
        identity_time: time,
        identity_time_field: "finished_at",
        other_time: OtherTime::None,
        body: Body::Workflow { workflow_id, workflow_name, outcome, execution_time_ms, error },
    })
}

fn read_message(bytes: &[u8]) -> Result<Unchecked<'_>, Malformed> {
    let (mut id, mut organization, mut sent_at, mut occurred_at) = ("", "", None, None);
    let (mut status, mut channel) = (0, "");
    let mut fields = Fields::of(bytes);
    while let Some((number, value)) = fields.take_next()? {
        match number {
            1 => id = value.text()?,
            2 => organization = value.text()?,
            3 => status = value.int32()?,
            4 => read_time(&mut sent_at, value.message()?)?,
            5 => read_time(&mut occurred_at, value.message()?)?,
            6 => channel = value.text()?,
            _ => {}
        }
    }
    Ok(Unchecked {
        organization,
        id,
        id_field: "message_id",
        identity_time: sent_at,
        identity_time_field: "sent_at",
        other_time: OtherTime::Required("occurred_at", occurred_at),
        body: Body::Message { status, channel },
    })
}

fn read_time(time: &mut Option<(i64, i32)>, bytes: &[u8]) -> Result<(), Malformed> {
    let (mut seconds, mut nanos) = time.unwrap_or_default();
    let mut fields = Fields::of(bytes);
    while let Some((number, value)) = fields.take_next()? {
        match number {
            1 => seconds = value.int64()?,
            2 => nanos = value.int32()?,
            _ => {}
        }
    }
    *time = Some((seconds, nanos));
    Ok(())
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
