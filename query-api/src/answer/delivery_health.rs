//! Delivery health: the messages of a range by channel, and the buckets of one channel or of all. Pure.

use crate::answer::decimal::Tenths;
use crate::answer::known::Known;
use crate::answer::registry::MESSAGE_DELIVERY_RATE;
use crate::request::range::Range;
use chrono::{DateTime, Utc};
use domain::Counters;
use domain::channels::{OTHER, UNKNOWN};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::{AddAssign, Sub};

/// Messages that were sent, and those of them that were delivered or read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    /// Messages sent.
    pub sent: i64,
    /// Of these, the delivered or read ones.
    pub delivered: i64,
}

/// The messages of a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// All of the organization's.
    pub all: Messages,
    /// Those of all channels that have rows.
    pub in_channels: Messages,
    /// Those of the channel that is asked about; none if that is [`UNKNOWN`], which has no rows.
    pub asked: Messages,
}

/// The rows of a range, all of one snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// The messages of its buckets.
    pub buckets: Vec<Bucket>,
    /// The messages of the whole range by channel: those that have a name of their own, and [`OTHER`].
    pub channels: BTreeMap<String, Messages>,
}

/// The answer, as JSON shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryHealth<'a> {
    organization_id: &'a str,
    range: Range,
    #[serde(flatten)]
    known: Known,
    totals: Totals,
    channels: Vec<Line>,
    series: Vec<Point>,
    #[serde(serialize_with = "crate::request::timestamp::time")]
    generated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Totals {
    sent: i64,
    delivered: i64,
    delivery_rate: Tenths,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Line {
    channel: String,
    #[serde(flatten)]
    totals: Totals,
}

#[derive(Serialize)]
struct Point {
    #[serde(serialize_with = "crate::request::timestamp::time")]
    bucket: DateTime<Utc>,
    open: bool,
    messages_sent: i64,
    messages_delivered: i64,
    message_delivery_rate: Tenths,
}

impl<'a> DeliveryHealth<'a> {
    /// Composes the answer from the rows. Totals and series are of `channel` if there is one.
    #[must_use]
    pub fn new(
        organization_id: &'a str,
        range: Range,
        known: Known,
        Rows { buckets, channels }: Rows,
        channel: Option<&str>,
        now: DateTime<Utc>,
    ) -> Self {
        let asked: Vec<Messages> = buckets.iter().map(|bucket| bucket.of(channel)).collect();
        let point = |(bucket, messages): (DateTime<Utc>, &Messages)| Point {
            bucket,
            open: range.is_open(bucket),
            messages_sent: messages.sent,
            messages_delivered: messages.delivered,
            message_delivery_rate: messages.delivery_rate(),
        };
        Self {
            organization_id,
            range,
            known,
            totals: Messages::sum(asked.iter().copied()).shown(),
            channels: lines(channels, Messages::sum(buckets.iter().map(|bucket| bucket.of(Some(UNKNOWN))))),
            series: range.buckets().zip(&asked).map(point).collect(),
            generated_at: now,
        }
    }
}

/// The channels with most messages first, then by name. What has no name of its own comes last, wherever it would be.
fn lines(mut channels: BTreeMap<String, Messages>, unknown: Messages) -> Vec<Line> {
    let other = channels.remove(OTHER).unwrap_or_default();
    let mut named: Vec<_> = channels.into_iter().collect();
    named.sort_by_key(|(_, messages)| Reverse(messages.sent));
    let all = named.into_iter().chain([(OTHER.to_owned(), other), (UNKNOWN.to_owned(), unknown)]);
    let some = all.filter(|(_, messages)| *messages != Messages::default());
    some.map(|(channel, messages)| Line { channel, totals: messages.shown() }).collect()
}

impl Bucket {
    /// The messages of a channel, or all.
    fn of(&self, channel: Option<&str>) -> Messages {
        match channel {
            None => self.all,
            Some(UNKNOWN) => self.all - self.in_channels,
            Some(_) => self.asked,
        }
    }
}

impl Messages {
    fn sum(all: impl Iterator<Item = Self>) -> Self {
        let mut sum = Self::default();
        all.for_each(|messages| sum += messages);
        sum
    }

    fn shown(self) -> Totals {
        Totals { sent: self.sent, delivered: self.delivered, delivery_rate: self.delivery_rate() }
    }

    /// The KPI of these messages alone.
    fn delivery_rate(self) -> Tenths {
        let counters =
            Counters { messages_sent: self.sent, messages_delivered: self.delivered, ..Counters::default() };
        MESSAGE_DELIVERY_RATE.value(&counters).tenths()
    }
}

impl AddAssign for Messages {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.delivered += other.delivered;
    }
}

impl Sub for Messages {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { sent: self.sent - other.sent, delivered: self.delivered - other.delivered }
    }
}

#[cfg(test)]
mod tests;
