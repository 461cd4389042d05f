//! Setting messages by channel to what the log says. Each is written in the transaction of its organization's day.

use super::Error;
use super::channel_book::{ChannelsRow, MESSAGES, channel_hours, channels_row};
use super::third_book::RowFilter;
use chrono::{DateTime, Utc};
use domain::{BucketSize, Counters};
use std::collections::BTreeMap;
use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;

/// What is set right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelRepair {
    /// An hour of all of an organization's channels, and with it its day.
    Hour {
        /// The rows that were found.
        found: ChannelsRow<4>,
        /// The right rows.
        right: BTreeMap<String, [[i64; 2]; 4]>,
    },
    /// An organization's day, which is the sum of its hours.
    Day {
        /// The organization.
        organization: String,
        /// The day's start, in seconds since the Unix epoch.
        start: i64,
    },
    /// The name of a channel that was counted, and was not kept.
    Name {
        /// The organization.
        organization: String,
        /// The name.
        channel: String,
    },
}

impl ChannelRepair {
    /// Returns whether the rows were as they were found.
    pub(super) async fn write(&self, transaction: &Transaction<'_>) -> Result<bool, Error> {
        match self {
            Self::Hour { found, right } => {
                let is_done = write_hour(transaction, found, right).await?;
                roll_up(transaction, &found.organization, found.start).await?;
                Ok(is_done)
            }
            Self::Day { organization, start } => {
                roll_up(transaction, organization, *start).await?;
                Ok(true)
            }
            Self::Name { organization, channel } => {
                const INSERT: &str = "insert into organization_channels (organization_id, channel) values ($1, $2) \
                                      on conflict do nothing";
                transaction.execute(INSERT, &[organization, channel]).await?;
                Ok(true)
            }
        }
    }
}

/// Replaces the rows of an hour, if they are as they were found.
async fn write_hour(
    transaction: &Transaction<'_>,
    found: &ChannelsRow<4>,
    right: &BTreeMap<String, [[i64; 2]; 4]>,
) -> Result<bool, Error> {
    const DELETE: &str = "delete from channel_hourly_metrics where organization_id = $1 and hour_bucket = $2";
    let ChannelsRow { organization, start, channels } = found;
    let until = start + BucketSize::Hour.seconds();
    let (from, to) = (Some(*start), Some(until));
    let hour = RowFilter { organization: Some(organization.clone()), from, to, ..RowFilter::default() };
    let stored = transaction.query_opt(&channel_hours(), &hour.values()).await?;
    let stored = stored.as_ref().map(channels_row::<4>).map(|row| row.channels).unwrap_or_default();
    if stored != *channels {
        return Ok(false);
    }
    let start = time(*start);
    transaction.execute(DELETE, &[organization, &start]).await?;
    let names: Vec<&str> = right.keys().map(String::as_str).collect();
    let columns: Vec<Vec<Option<i64>>> = columns(right);
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![organization, &start, &names];
    values.extend(columns.iter().map(|column| column as &(dyn ToSql + Sync)));
    transaction.execute(&insert(), &values).await?;
    Ok(true)
}

/// An hour's columns, in the order of [`insert`]: sums, and what each later quarter added; null if nothing.
fn columns(channels: &BTreeMap<String, [[i64; 2]; 4]>) -> Vec<Vec<Option<i64>>> {
    let column = |value: &dyn Fn(&[[i64; 2]; 4]) -> Option<i64>| channels.values().map(value).collect();
    let sums = [0, 1].map(|place| column(&|parts| Some(parts.iter().map(|part| part[place]).sum())));
    let later = (1..4).flat_map(|quarter| {
        [0, 1].map(|place| column(&|parts| Some(parts[quarter][place]).filter(|value| *value != 0)))
    });
    sums.into_iter().chain(later).collect()
}

fn insert() -> String {
    let later = (1..4).flat_map(|quarter| MESSAGES.map(|name| Counters::quarter_column(name, quarter)));
    let names: Vec<String> = MESSAGES.into_iter().map(str::to_owned).chain(later).collect();
    let values: Vec<String> = (4..4 + names.len()).map(|n| format!("${n}::bigint[]")).collect();
    format!(
        "insert into channel_hourly_metrics (organization_id, hour_bucket, channel, {}) \
         select $1, $2, w.* from unnest($3::text[], {}) as w",
        names.join(", "),
        values.join(", ")
    )
}

/// Sets the day of a bucket to the sum of its hours.
async fn roll_up(transaction: &Transaction<'_>, organization: &str, start: i64) -> Result<(), Error> {
    const FORGET: &str = "delete from channel_daily_metrics where organization_id = $1 and day_bucket = $2";
    const SUM: &str = "
        insert into channel_daily_metrics (organization_id, channel, day_bucket, messages_sent, messages_delivered)
        select organization_id, channel, $2, sum(messages_sent), sum(messages_delivered) from channel_hourly_metrics
        where organization_id = $1 and hour_bucket >= $2 and hour_bucket < $2::timestamptz + interval '1 day'
        group by 1, 2";
    let day = BucketSize::Day.floor(time(start));
    for statement in [FORGET, SUM] {
        transaction.execute(statement, &[&organization, &day]).await?;
    }
    Ok(())
}

fn time(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hours_columns_are_sums_and_what_later_quarters_added() {
        let channels = BTreeMap::from([
            ("email".to_owned(), [[1, 0], [2, 0], [0, 0], [4, 8]]),
            ("sms".to_owned(), [[0, 1], [0; 2], [0; 2], [0; 2]]),
        ]);
        let expected = [
            [Some(7), Some(0)],
            [Some(8), Some(1)],
            [Some(2), None],
            [None, None],
            [None, None],
            [None, None],
            [Some(4), None],
            [Some(8), None],
        ];
        assert_eq!(columns(&channels), expected);
    }
}
