//! Rows of failed runs.

use crate::answer::failure_groups::{Alike, FAILURES_GROUPED_MAX, MESSAGE_CHARS_MAX, Newest, Rows, on_page};
use crate::answer::failures::Failure;
use crate::request::interval::Interval;
use crate::request::listing::failures::{FailureCursor, FailuresPage};
use crate::store::error::Error;
use crate::store::workflows::{IN_DAYS, IN_HOURS, whole_days};
use deadpool_postgres::Object;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// A failure as [`failure`] reads it.
const COLUMNS: &str =
    "execution_id, workflow_id, workflow_name, outcome, error_message, execution_time_ms, finished_at";

/// A page of failures, of all workflows or of one, and one failure more if there is one. Rows before the page are not read.
pub async fn page(
    client: &Object,
    organization: &str,
    Interval { from, to }: Interval,
    workflow: Option<&str>,
    page: &FailuresPage,
) -> Result<Vec<Failure>, Error> {
    let statement = client.prepare_cached(&page_sql(workflow.is_some())).await?;
    // No id sorts before the empty one, so this is the position of everything that ended before `to`.
    let end = FailureCursor { finished_at: to, execution_id: String::new() };
    let FailureCursor { finished_at, execution_id } =
        page.cursor.as_ref().map_or(end.clone(), |cursor| cursor.clone().min(end));
    let limit = i64::from(page.limit) + 1;
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![&organization, &from, &finished_at, &execution_id, &limit];
    parameters.extend(workflow.as_ref().map(|workflow| workflow as &(dyn ToSql + Sync)));
    let rows = client.query(&statement, &parameters).await?;
    rows.iter().map(failure).collect()
}

/// A page of a group's failures, of all workflows or of one, and one failure more if there is one. The same failures are looked
/// through as are grouped.
pub async fn page_of_group(
    client: &Object,
    organization: &str,
    Interval { from, to }: Interval,
    workflow: Option<&str>,
    group: u64,
    page: &FailuresPage,
) -> Result<Vec<Failure>, Error> {
    let statement = client.prepare_cached(&newest_sql(workflow.is_some())).await?;
    let limit = i64::from(FAILURES_GROUPED_MAX);
    let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&organization, &from, &to, &limit];
    parameters.extend(workflow.as_ref().map(|workflow| workflow as &(dyn ToSql + Sync)));
    let rows = client.query(&statement, &parameters).await?;
    let newest = |row: &Row| {
        let position = FailureCursor { finished_at: row.try_get(0)?, execution_id: row.try_get(1)? };
        Ok(Newest { position, message: row.try_get(2)? })
    };
    let newest = rows.iter().map(newest).collect::<Result<Vec<_>, Error>>()?;
    let page = page.clone();
    // Comparing so many messages takes so long that other requests would notice.
    let found = tokio::task::spawn_blocking(move || on_page(newest, group, &page)).await;
    let found = found.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()));
    let statement = client.prepare_cached(&found_sql()).await?;
    let rows = client.query(&statement, &[&organization, &found]).await?;
    rows.iter().map(failure).collect()
}

/// A failure by its [`COLUMNS`].
fn failure(row: &Row) -> Result<Failure, Error> {
    Ok(Failure {
        execution_id: row.try_get(0)?,
        workflow_id: row.try_get(1)?,
        workflow_name: row.try_get(2)?,
        outcome: row.try_get(3)?,
        error_message: row.try_get(4)?,
        execution_time_ms: row.try_get(5)?,
        finished_at: row.try_get(6)?,
    })
}

/// The newest failures, and the beginning of their messages. `$5` is the one workflow that is asked about.
fn newest_sql(of_one: bool) -> String {
    let only = if of_one { "and workflow_id = $5" } else { "" };
    format!(
        "
        select finished_at, execution_id, left(error_message, {MESSAGE_CHARS_MAX})
        from workflow_failures
        where organization_id = $1 and finished_at >= $2 and finished_at < $3 {only}
        order by finished_at desc, execution_id desc
        limit $4"
    )
}

/// These executions, as a page of failures has them.
fn found_sql() -> String {
    format!(
        "
        select {COLUMNS}
        from workflow_failures
        where organization_id = $1 and execution_id = any($2)
        order by finished_at desc, execution_id desc"
    )
}

/// `$6` is the one workflow that is asked about.
fn page_sql(of_one: bool) -> String {
    let only = if of_one { "and workflow_id = $6" } else { "" };
    format!(
        "
        select {COLUMNS}
        from workflow_failures
        where organization_id = $1 and finished_at >= $2 and (finished_at, execution_id) < ($3, $4) {only}
        order by finished_at desc, execution_id desc
        limit $5"
    )
}

/// The newest failures, those of a workflow with the same message and outcome together; and how many were counted. One statement
/// reads both, so that they agree.
pub async fn alike(
    client: &Object,
    organization: &str,
    interval: Interval,
    workflow: Option<&str>,
) -> Result<Rows, Error> {
    let statement = client.prepare_cached(&alike_sql(workflow.is_some())).await?;
    let (Interval { from, to }, days) = (interval, whole_days(interval));
    let limit = i64::from(FAILURES_GROUPED_MAX);
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![&organization, &from, &to, &days.from, &days.to, &limit];
    parameters.extend(workflow.as_ref().map(|workflow| workflow as &(dyn ToSql + Sync)));
    let rows = client.query(&statement, &parameters).await?;
    let failed = rows.first().map(|row| row.try_get(0)).transpose()?.unwrap_or_default();
    let alike = |row: &Row| {
        let Some(message) = row.try_get(1)? else { return Ok(None) };
        Ok(Some(Alike {
            message,
            outcome: row.try_get(2)?,
            workflow_id: row.try_get(3)?,
            workflow_name: row.try_get(4)?,
            count: row.try_get(5)?,
            first_seen: row.try_get(6)?,
            last_seen: row.try_get(7)?,
            execution_id: row.try_get(8)?,
        }))
    };
    let kept = rows.iter().filter_map(|row| alike(row).transpose());
    Ok(Rows { failed, kept: kept.collect::<Result<_, Error>>()? })
}

/// Where nothing is kept there is one row, with what was counted. `$7` is the one workflow that is asked about.
fn alike_sql(of_one: bool) -> String {
    let (only, failed, days, hours) = if of_one {
        (
            "and workflow_id = $7",
            "failed + failed_safety_limit",
            "workflow_daily_metrics",
            "workflow_hourly_metrics",
        )
    } else {
        ("", "workflows_failed", "org_daily_metrics", "org_hourly_metrics")
    };
    format!(
        "
        with newest as (
            select execution_id, workflow_id, workflow_name, outcome, finished_at,
                   left(error_message, {MESSAGE_CHARS_MAX}) as message
            from workflow_failures
            where organization_id = $1 and finished_at >= $2 and finished_at < $3 {only}
            order by finished_at desc, execution_id desc
            limit $6
        ), alike as (
            select message, outcome, workflow_id,
                   (array_agg(workflow_name order by finished_at desc, execution_id desc))[1] as workflow_name,
                   count(*)::bigint as count, min(finished_at) as first_seen, max(finished_at) as last_seen,
                   (array_agg(execution_id order by finished_at desc, execution_id desc))[1] as execution_id
            from newest group by message, outcome, workflow_id
        ), counted as (
            select coalesce(sum(failed), 0)::bigint as failed
            from (select {failed} as failed from {days} where {IN_DAYS} {only}
                  union all select {failed} from {hours} where {IN_HOURS} {only}) as buckets
        )
        select counted.failed, message, outcome, workflow_id, workflow_name, count, first_seen, last_seen, execution_id
        from counted left join alike on true"
    )
}
