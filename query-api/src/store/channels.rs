//! Rows of messages by channel, beside the counters that include them.

use crate::answer::delivery_health::{Bucket, Messages, Rows};
use crate::request::cells::Cells;
use crate::store::counters::{IN_ONE_CELL, cell, within};
use crate::store::error::Error;
use deadpool_postgres::Object;
use domain::BucketSize;
use domain::channels::OTHER;
use tokio_postgres::Row;

/// The messages of each cell: all of them, those in channels, and those of the channel that is asked about; and of all cells
/// together by channel. One statement reads all, so that they agree.
pub async fn messages(
    client: &Object,
    organization: &str,
    cells: &Cells,
    channel: Option<&str>,
) -> Result<Rows, Error> {
    let Some((from, to)) = cells.extent() else { return Ok(Rows::default()) };
    let statement = client.prepare_cached(&messages_sql(cells.rows())).await?;
    let rows = client.query(&statement, &[&organization, &from, &to, &cells.edges(), &channel]).await?;
    let mut read = Rows { buckets: vec![Bucket::default(); cells.len()], ..Rows::default() };
    for row in &rows {
        if let Some(name) = row.try_get(1)? {
            read.channels.insert(name, counted(row, 4)?);
        } else if let Some(bucket) = cell(row)?.and_then(|cell| read.buckets.get_mut(cell)) {
            *bucket =
                Bucket { all: counted(row, 2)?, in_channels: counted(row, 4)?, asked: counted(row, 6)? };
        }
    }
    Ok(read)
}

/// Each group is a cell, whose channel is null, or a channel, whose cell is 0. Rows without a channel are the organization's
/// counters, which include all channels.
///
/// A channel that has no name of its own now may have had one when its messages were counted.
fn messages_sql(size: BucketSize) -> String {
    let (all, in_channels) =
        (rows(size, BucketSize::table, "null::text"), rows(size, BucketSize::channel_table, "channel"));
    format!(
        "
        with kept as (
            select channel as name from kept_channels where organization_id = $1
        ), counted as (
            {all} union all {in_channels}
        ), placed as (
            select width_bucket(bucket, $4::timestamptz[]) as cell,
                   case when channel is not null then coalesce(name, '{OTHER}') end as channel,
                   messages_sent, messages_delivered
            from counted left join kept on name = channel
        )
        select coalesce(cell, 0), channel,
               coalesce(sum(messages_sent) filter (where channel is null), 0)::bigint,
               coalesce(sum(messages_delivered) filter (where channel is null), 0)::bigint,
               coalesce(sum(messages_sent) filter (where channel is not null), 0)::bigint,
               coalesce(sum(messages_delivered) filter (where channel is not null), 0)::bigint,
               coalesce(sum(messages_sent) filter (where channel = $5), 0)::bigint,
               coalesce(sum(messages_delivered) filter (where channel = $5), 0)::bigint
        from placed
        group by grouping sets ((cell), (channel))"
    )
}

/// The rows that fill the cells. Where these are made of quarters, only the hours are taken apart in which a cell begins: there
/// are many hours, and each has a row for every channel.
fn rows(size: BucketSize, table: fn(BucketSize) -> &'static str, channel: &str) -> String {
    let of = |size: BucketSize| {
        format!(
            "select {} as bucket, {channel} as channel, messages_sent, messages_delivered from {} where {}",
            size.column(),
            table(size),
            within(size)
        )
    };
    match size {
        BucketSize::Hour | BucketSize::Day => of(size),
        BucketSize::Quarter => {
            let (hours, quarters) = (of(BucketSize::Hour), of(BucketSize::Quarter));
            format!("{hours} and {IN_ONE_CELL} union all {quarters} and not ({IN_ONE_CELL})")
        }
    }
}

/// The messages in a column and the next one.
fn counted(row: &Row, column: usize) -> Result<Messages, Error> {
    Ok(Messages { sent: row.try_get(column)?, delivered: row.try_get(column + 1)? })
}
