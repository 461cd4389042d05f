//! A callback, and the record it becomes. Pure; the time is an argument.

use crate::echo::Echo;
use crate::refusal::Refusal;
use chrono::{DateTime, Datelike as _, TimeDelta, Utc};
use prost_types::Timestamp;
use proto::v1::MessageDelivery;
use proto::v1::message_delivery::Status;

/// Clocks of senders and providers may differ by this much.
const SKEW_MAX: TimeDelta = TimeDelta::minutes(5);

/// The consumer refuses older records by default (`LEDGER_RETENTION_DAYS`).
const AGE_MAX: TimeDelta = TimeDelta::days(35);

/// The longest organization id of the contract, in bytes.
const ORGANIZATION_BYTES_MAX: usize = 128;

/// The longest message id of the contract, in bytes.
const ID_BYTES_MAX: usize = 256;

/// What a provider says of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The status.
    pub meaning: Meaning,
    /// The provider's id of the message.
    pub message_id: String,
    /// When the status was reached.
    pub occurred_at: Told,
    /// The message's channel.
    pub channel: &'static str,
    /// What the sender gave the provider.
    pub echo: Echo,
}

/// A time, as a provider tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The provider tells none.
    Nothing,
    /// This one.
    At(DateTime<Utc>),
    /// Something else than a time that the contract has.
    Odd,
}

/// What a provider's word for a status means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A status of the contract is reached.
    Reached(Status),
    /// Nothing that is counted.
    Nothing,
    /// The table doesn't have the word: the provider has a new one.
    Unknown,
    /// The callback is not of the provider's form, so it has no status. Others of the same request may have one.
    Odd,
}

/// The years that the contract's times have.
const YEARS: std::ops::RangeInclusive<i32> = 1..=9_999;

impl Told {
    /// The time, if the contract can have it.
    pub fn at(time: Option<DateTime<Utc>>) -> Self {
        time.filter(|time| YEARS.contains(&time.year())).map_or(Self::Odd, Self::At)
    }
}

impl Meaning {
    /// The meaning of `word`, by a provider's table.
    pub fn of(word: &str, table: &[(&str, Option<Status>)]) -> Self {
        match table.iter().find(|(known, _)| *known == word) {
            Some((_, Some(status))) => Self::Reached(*status),
            Some((_, None)) => Self::Nothing,
            None => Self::Unknown,
        }
    }

    /// The same of a field that may be missing, or no text.
    pub fn in_field(word: Option<&str>, table: &[(&str, Option<Status>)]) -> Self {
        word.map_or(Self::Odd, |word| Self::of(word, table))
    }
}

/// What becomes of a callback.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// This record is published.
    Publish(MessageDelivery),
    /// Nothing: its status isn't counted.
    Nothing,
    /// Nothing: its status isn't known.
    Unknown,
    /// Nothing of ours came back, so another system may have sent the message.
    Foreign,
    /// The sender has to mend something.
    Refuse(Refusal),
}

impl Callback {
    /// What becomes of it, if it arrives at `now`.
    pub fn judged(self, now: DateTime<Utc>) -> Verdict {
        let status = match self.meaning {
            Meaning::Reached(status) => status,
            Meaning::Nothing => return Verdict::Nothing,
            Meaning::Unknown => return Verdict::Unknown,
            Meaning::Odd => return Verdict::Refuse(Refusal::OddCallback),
        };
        if self.echo.is_empty() {
            return Verdict::Foreign;
        }
        self.record(status, now).map_or_else(Verdict::Refuse, Verdict::Publish)
    }

    fn record(self, status: Status, now: DateTime<Utc>) -> Result<MessageDelivery, Refusal> {
        let organization_id = self.echo.organization_id.text(Refusal::OddOrganization)?;
        let organization_id = organization_id.filter(|id| !id.is_empty()).ok_or(Refusal::NoOrganization)?;
        let message_id = self.echo.message_id.text(Refusal::OddId)?.or(Some(self.message_id));
        let message_id = message_id.filter(|id| !id.is_empty()).ok_or(Refusal::NoId)?;
        let fits = |id: &str, bytes| id.len() <= bytes && !id.chars().any(char::is_control);
        if !fits(&organization_id, ORGANIZATION_BYTES_MAX) || !fits(&message_id, ID_BYTES_MAX) {
            return Err(Refusal::UnfitId);
        }
        let sent_at = self.echo.sent_at.text(Refusal::OddSentAt)?.ok_or(Refusal::NoSentAt)?;
        let sent_at = DateTime::parse_from_rfc3339(&sent_at).map_err(|_| Refusal::SentAtNoTime)?.to_utc();
        // Not part of a record's identity: a callback that is repeated later still counts once.
        let occurred_at = match self.occurred_at {
            Told::Nothing => now,
            Told::At(time) => time,
            Told::Odd => return Err(Refusal::OddTime),
        };
        if sent_at > occurred_at.min(now) + SKEW_MAX {
            return Err(Refusal::SentAfterwards);
        }
        if sent_at < now - AGE_MAX {
            return Err(Refusal::SentLongAgo);
        }
        Ok(MessageDelivery {
            message_id,
            organization_id,
            status: status.into(),
            sent_at: Some(timestamp(sent_at)),
            occurred_at: Some(timestamp(occurred_at)),
            channel: self.channel.to_owned(),
        })
    }
}

fn timestamp(time: DateTime<Utc>) -> Timestamp {
    // Of a leap second chrono counts on: the contract has none.
    let nanos = time.timestamp_subsec_nanos().min(999_999_999);
    Timestamp { seconds: time.timestamp(), nanos: nanos.cast_signed() }
}

#[cfg(test)]
mod tests;
