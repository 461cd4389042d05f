//! Filling the roll-ups of workflows' hours that were counted before there were any, while members count.
//!
//! A trigger carries what workflows' hours gain into the roll-ups, at the end of each transaction. So a day's roll-ups are
//! right once they were set to what its hours have, whenever that is: here, in steps that each lock some organizations' days.

use crate::filling::{self, BY_INDEX};
use crate::report::{Error, Told};
use chrono::{DateTime, Utc};
use tokio_postgres::{Client, Transaction};

/// Organizations' days that one step sets. Members that count in them wait for that long.
const DAYS_A_STEP: i64 = 100;
/// Drops the trigger: from then on members write the roll-ups themselves.
pub(crate) const DROP: &str = "drop trigger if exists carry_workflow on workflow_hourly_metrics; drop function if exists carry_workflow()";

/// An organization's days, as `$1` and `$2`.
const DAYS: &str = "unnest($1::text[], $2::timestamptz[]) as w (organization_id, day_bucket)";

/// Whether the roll-ups have everything that was counted.
pub(crate) async fn is_filled(client: &Client) -> Result<bool, Error> {
    Ok(client.query_one("select is_filled from roll_ups", &[]).await?.get(0))
}

/// Fills the roll-ups, from where an earlier call was interrupted.
pub(crate) async fn fill(client: &mut Client, told: &mut dyn FnMut(Told)) -> Result<(), Error> {
    if is_filled(client).await? {
        return Ok(());
    }
    filling::fill(client, ("rolling workflows up by day", "org_daily_metrics"), step, told).await
}

/// Sets the next days; returns how many those are, `None` at the end.
async fn step(client: &mut Client) -> Result<Option<i64>, Error> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(BY_INDEX).await?;
    let next =
        "select coalesce(next_organization, ''), coalesce(next_day, '-infinity') from roll_ups for update";
    let days = format!(
        "with next as (select coalesce(next_organization, '') as organization_id, coalesce(next_day, '-infinity') as day_bucket
                       from roll_ups)
         select d.organization_id, d.day_bucket from org_daily_metrics d, next
         where (d.organization_id, d.day_bucket) > (next.organization_id, next.day_bucket)
         order by 1, 2 limit {DAYS_A_STEP}"
    );
    transaction.query_one(next, &[]).await?;
    let days = transaction.query(&days, &[]).await?;
    let Some(last) = days.last() else {
        return end(transaction).await;
    };
    let organizations: Vec<&str> = days.iter().map(|row| row.get(0)).collect();
    let buckets: Vec<DateTime<Utc>> = days.iter().map(|row| row.get(1)).collect();
    // Hours, then days: the order in which batches lock them. The statements after that see all that was counted before.
    for statement in [lock_hours(), lock_days(), set_hours(), set_days(), set_workflows()] {
        transaction.execute(&statement, &[&organizations, &buckets]).await?;
    }
    let (organization, day): (&str, DateTime<Utc>) = (last.get(0), last.get(1));
    let advance = "update roll_ups set next_organization = $1, next_day = $2";
    transaction.execute(advance, &[&organization, &day]).await?;
    transaction.commit().await?;
    Ok(Some(days.len() as i64))
}

/// Notes that all is filled. A run is in a histogram unless it was counted before there were any.
async fn end(transaction: Transaction<'_>) -> Result<Option<i64>, Error> {
    let end = "update roll_ups set is_filled = true, next_organization = null, next_day = null,
               percentiles_since = coalesce((select max(hour_bucket) + interval '1 hour' from workflow_hourly_metrics
                                             where runs > 0 and durations = 0), '-infinity')";
    // It reads the whole table, once, and locks nothing that members need.
    transaction.batch_execute("set local enable_seqscan = on; set local statement_timeout = 0").await?;
    transaction.execute(end, &[]).await?;
    transaction.commit().await?;
    Ok(None)
}

fn lock_hours() -> String {
    format!(
        "select 1 from {DAYS} join org_hourly_metrics h on h.organization_id = w.organization_id
              and h.hour_bucket >= w.day_bucket and h.hour_bucket < w.day_bucket + interval '1 day'
         order by h.organization_id, h.hour_bucket for update of h"
    )
}

fn lock_days() -> String {
    format!(
        "select 1 from {DAYS} join org_daily_metrics d using (organization_id, day_bucket)
         order by organization_id, day_bucket for update of d"
    )
}

fn set_hours() -> String {
    format!(
        "update org_hourly_metrics t set durations = (
             select sum(h.durations) from workflow_hourly_metrics h
             where h.organization_id = t.organization_id and h.hour_bucket = t.hour_bucket
         ) from {DAYS}
         where t.organization_id = w.organization_id and t.hour_bucket >= w.day_bucket
           and t.hour_bucket < w.day_bucket + interval '1 day' and t.workflows_total > 0"
    )
}

fn set_days() -> String {
    format!(
        "update org_daily_metrics t set durations = (
             select sum(h.durations) from org_hourly_metrics h
             where h.organization_id = t.organization_id and h.hour_bucket >= t.day_bucket
               and h.hour_bucket < t.day_bucket + interval '1 day'
         ) from {DAYS}
         where t.organization_id = w.organization_id and t.day_bucket = w.day_bucket and t.workflows_total > 0"
    )
}

fn set_workflows() -> String {
    format!(
        "insert into workflow_daily_metrics (organization_id, workflow_id, day_bucket, workflow_name, name_as_of, runs, failed,
                                             failed_safety_limit, total_execution_time_ms, durations)
         select w.organization_id, h.workflow_id, w.day_bucket,
                (array_agg(h.workflow_name order by h.name_as_of desc, h.workflow_name desc))[1], max(h.name_as_of),
                sum(h.runs), sum(h.failed), sum(h.failed_safety_limit), sum(h.total_execution_time_ms), sum(h.durations)
         from {DAYS} join workflow_hourly_metrics h on h.organization_id = w.organization_id
              and h.hour_bucket >= w.day_bucket and h.hour_bucket < w.day_bucket + interval '1 day'
         group by 1, 2, 3 order by w.organization_id collate \"C\", 2, 3
         on conflict (organization_id, workflow_id, day_bucket) do update
         set workflow_name = excluded.workflow_name, name_as_of = excluded.name_as_of, runs = excluded.runs,
             failed = excluded.failed, failed_safety_limit = excluded.failed_safety_limit,
             total_execution_time_ms = excluded.total_execution_time_ms, durations = excluded.durations,
             updated_at = excluded.updated_at"
    )
}
