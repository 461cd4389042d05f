//! Messages by channel in the third book's snapshot: names, hours and days of an organization's channels together.

use super::Error;
use super::fenced_transaction::seconds_or_min;
use super::third_book::{Cursor, RowFilter, TablesSnapshot, filtered};
use domain::{BucketSize, Counters};
use std::collections::BTreeMap;
use tokio_postgres::Row;

/// The rows of an organization's channels in an hour, which has four parts, or in a day, which has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelsRow<const PARTS: usize> {
    /// The organization.
    pub organization: String,
    /// The bucket's start, in seconds since the Unix epoch.
    pub start: i64,
    /// Messages sent and messages delivered in each part, by the channel's name in the table.
    pub channels: BTreeMap<String, [[i64; 2]; PARTS]>,
}

/// The names of an organization's channels that have rows of their own in answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelNamesRow {
    /// The organization.
    pub organization: String,
    /// The names.
    pub names: Vec<String>,
}

impl TablesSnapshot<'_> {
    /// The second since the Unix epoch from which on all members count messages by channel.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn channels_since(&self) -> Result<i64, Error> {
        seconds_or_min(&self.transaction.query_one("select channels_since from roll_ups", &[]).await?)
    }

    /// The hours of channels, by organization and hour.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn channel_hours(&self, filter: &RowFilter) -> Result<Cursor<ChannelsRow<4>>, Error> {
        self.open(&channel_hours(), &filter.values(), channels_row).await
    }

    /// The days of channels, by organization and day.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn channel_days(&self, filter: &RowFilter) -> Result<Cursor<ChannelsRow<1>>, Error> {
        self.open(&of_channels(BucketSize::Day, &MESSAGES.map(str::to_owned)), &filter.values(), channels_row)
            .await
    }

    /// The names of organizations' channels, by organization.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn channel_names(&self, filter: &RowFilter) -> Result<Cursor<ChannelNamesRow>, Error> {
        let query = "select organization_id, array_agg(channel) from kept_channels \
                     where ($1::text is null or organization_id = $1) and organization_id <> all($2::text[]) group by 1 order by 1";
        let row = |row: &Row| ChannelNamesRow { organization: row.get(0), names: row.get(1) };
        self.open(query, &[&filter.organization, &filter.except], row).await
    }
}

/// What channels' rows count.
pub(super) const MESSAGES: [&str; 2] = ["messages_sent", "messages_delivered"];

/// The hours of channels, a row for all of an organization's.
pub(super) fn channel_hours() -> String {
    of_channels(BucketSize::Hour, &by_quarter())
}

/// What an hour's row has of each quarter: messages sent, and messages delivered. The first quarter is what the others leave.
pub(super) fn by_quarter() -> Vec<String> {
    let later = |name, quarter| format!("coalesce({}, 0)", Counters::quarter_column(name, quarter));
    let first = MESSAGES.map(|name| {
        let later = [1, 2, 3].map(|quarter| later(name, quarter));
        format!("{name} - {}", later.join(" - "))
    });
    let later = [1, 2, 3].map(|quarter| MESSAGES.map(|name| later(name, quarter)));
    first.into_iter().chain(later.into_iter().flatten()).collect()
}

/// Values of channels' rows, by organization and bucket.
fn of_channels(size: BucketSize, values: &[String]) -> String {
    let (table, bucket) = (size.channel_table(), size.column());
    let values: Vec<String> =
        values.iter().map(|value| format!("array_agg({value} order by channel)")).collect();
    format!(
        "select organization_id, extract(epoch from {bucket})::bigint, array_agg(channel order by channel), {} \
         from {table} where {} group by organization_id, {bucket} order by organization_id, {bucket}",
        values.join(", "),
        filtered(bucket)
    )
}

pub(super) fn channels_row<const PARTS: usize>(row: &Row) -> ChannelsRow<PARTS> {
    let values: [[Vec<i64>; 2]; PARTS] =
        std::array::from_fn(|part| [3, 4].map(|column| row.get(column + 2 * part)));
    let of = |place: usize| values.each_ref().map(|part| part.each_ref().map(|column| column[place]));
    let channels = row.get::<_, Vec<String>>(2).into_iter().enumerate();
    ChannelsRow {
        organization: row.get(0),
        start: row.get(1),
        channels: channels.map(|(place, channel)| (channel, of(place))).collect(),
    }
}
