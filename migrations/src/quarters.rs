//! Moving quarters of an hour from their former table into the hours' rows, while members count.
//!
//! Until the former table is dropped everybody writes it, and triggers carry what it gains into the hours. So an hour's
//! columns are right once they were set to what the former table has, whenever that is: here, in steps that each lock some
//! hours for a moment.

use crate::filling::{self, BY_INDEX};
use crate::report::{Error, Told};
use chrono::{DateTime, Utc};
use domain::Counters;
use tokio_postgres::{Client, Transaction};

/// Hours that one step sets. Members that count in them wait for that long.
const HOURS_A_STEP: i64 = 2_000;
/// Drops the former table: from then on members write the hours' columns themselves.
pub(crate) const DROP: &str =
    "drop table if exists org_quarter_hourly_metrics; drop function if exists carry_quarters()";

/// Whether the hours have everything that the former table had.
pub(crate) async fn is_filled(client: &Client) -> Result<bool, Error> {
    Ok(client.query_one("select since < 'infinity' from quarters_known", &[]).await?.get(0))
}

/// Fills the hours from the former table, from where an earlier call was interrupted.
pub(crate) async fn fill(client: &mut Client, told: &mut dyn FnMut(Told)) -> Result<(), Error> {
    if is_filled(client).await? {
        return Ok(());
    }
    filling::fill(client, ("filling quarters into hours", "org_hourly_metrics"), step, told).await
}

/// Sets the quarters of the next hours; returns how many those are, `None` at the end.
async fn step(client: &mut Client) -> Result<Option<i64>, Error> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(BY_INDEX).await?;
    let next = "select next_organization, next_hour from quarters_known for update";
    let next = transaction.query_one(next, &[]).await?;
    let next: (Option<String>, Option<DateTime<Utc>>) = (next.get(0), next.get(1));
    let Some(kept_from) = kept_from(&transaction).await? else {
        return end(transaction, None).await;
    };
    let (organization, hour) = (next.0.unwrap_or_default(), next.1.unwrap_or(kept_from));
    // The next statement must see all that was counted in these hours before they were locked.
    let lock = "select organization_id, hour_bucket from org_hourly_metrics
                where (organization_id, hour_bucket) >= ($1, $2) and hour_bucket >= $3
                order by 1, 2 limit $4 for update";
    let hours = transaction.query(lock, &[&organization, &hour, &kept_from, &HOURS_A_STEP]).await?;
    let Some(last) = hours.last() else {
        return end(transaction, Some(kept_from)).await;
    };
    let organizations: Vec<&str> = hours.iter().map(|row| row.get(0)).collect();
    let buckets: Vec<DateTime<Utc>> = hours.iter().map(|row| row.get(1)).collect();
    transaction.execute(&set(), &[&organizations, &buckets]).await?;
    let (organization, hour): (&str, DateTime<Utc>) = (last.get(0), last.get(1));
    let advance =
        "update quarters_known set next_organization = $1, next_hour = $2::timestamptz + interval '1 hour'";
    transaction.execute(advance, &[&organization, &hour]).await?;
    transaction.commit().await?;
    Ok(Some(hours.len() as i64))
}

/// Notes that all hours are filled of which there are quarters.
async fn end(transaction: Transaction<'_>, since: Option<DateTime<Utc>>) -> Result<Option<i64>, Error> {
    let end = "update quarters_known set next_organization = null, next_hour = null,
               since = coalesce($1, date_bin('1 hour', now(), 'epoch') + interval '1 hour')";
    transaction.execute(end, &[&since]).await?;
    transaction.commit().await?;
    Ok(None)
}

/// When the earliest month begins whose quarters are kept.
async fn kept_from(transaction: &Transaction<'_>) -> Result<Option<DateTime<Utc>>, Error> {
    let query = "select min(to_date(right(c.relname::text, 6), 'YYYYMM'))::timestamp at time zone 'UTC'
                 from pg_inherits i join pg_class c on c.oid = i.inhrelid
                 where i.inhparent = 'org_quarter_hourly_metrics'::regclass";
    Ok(transaction.query_one(query, &[]).await?.get(0))
}

/// Sets the columns of hours, by organization and bucket, to what the former table has.
fn set() -> String {
    let columns = || {
        (1..=3).flat_map(|quarter| {
            Counters::NAMES.map(|name| (Counters::quarter_column(name, quarter), name, quarter))
        })
    };
    let names: Vec<String> = columns().map(|(column, ..)| column).collect();
    let sums: Vec<String> = columns()
        .map(|(_, name, quarter)| {
            let minutes = 15 * quarter;
            format!(
                "nullif(sum({name}) filter (where q.quarter_bucket = t.hour_bucket + interval '{minutes} minutes'), 0)"
            )
        })
        .collect();
    format!(
        "update org_hourly_metrics t set ({}) = (
             select {} from org_quarter_hourly_metrics q
             where q.organization_id = t.organization_id
               and q.quarter_bucket >= t.hour_bucket and q.quarter_bucket < t.hour_bucket + interval '1 hour'
         ) from unnest($1::text[], $2::timestamptz[]) as w (organization_id, hour_bucket)
         where t.organization_id = w.organization_id and t.hour_bucket = w.hour_bucket",
        names.join(", "),
        sums.join(", ")
    )
}
