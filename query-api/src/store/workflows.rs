//! Rows of workflows: their runs by day and hour.

use crate::answer::workflow_health::{Runs, WORKFLOWS_SORTED_MAX, Workflow};
use crate::request::cells::Cells;
use crate::request::interval::Interval;
use crate::request::listing::Listing;
use crate::request::listing::workflows::{Sort, WorkflowsPage};
use crate::store::counters::cell;
use crate::store::error::Error;
use chrono::{DateTime, Utc};
use deadpool_postgres::Object;
use domain::{BucketSize, Durations};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// The listing's page of workflows and one workflow more if there is one, and the totals of all of them, or of the one that is
/// asked about. One statement reads both, so that they agree.
pub async fn workflows(
    client: &Object,
    organization: &str,
    interval: Interval,
    listing: &Listing,
) -> Result<(Runs, Vec<Workflow>), Error> {
    let WorkflowsPage { sort, cursor, limit } = &listing.workflows;
    let statement = client.prepare_cached(&workflows_sql(*sort, listing.workflow.is_some())).await?;
    // Pages by a percentile are cut after reading, from the same rows whatever the page.
    let (cursor, limit) = match sort {
        Sort::P95ExecutionTimeMs => (None, i64::try_from(WORKFLOWS_SORTED_MAX).expect("a few thousand")),
        Sort::Failures | Sort::Runs | Sort::FailureRate | Sort::AvgExecutionTimeMs | Sort::Name => {
            (cursor.as_ref(), i64::from(*limit) + 1)
        }
    };
    let (Interval { from, to }, days) = (interval, whole_days(interval));
    let (part, runs_before) = (cursor.map(|cursor| cursor.part), cursor.map(|cursor| cursor.runs));
    let (name, id) = (cursor.map(|cursor| &cursor.name), cursor.map(|cursor| &cursor.id));
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![&organization, &from, &to, &days.from, &days.to, &limit, &part, &runs_before, &name, &id];
    parameters.extend(listing.workflow.as_ref().map(|workflow| workflow as &(dyn ToSql + Sync)));
    let rows = client.query(&statement, &parameters).await?;
    let totals = rows.first().map(|row| runs(row, 0)).transpose()?.unwrap_or_default();
    let workflow =
        |row: &Row| Ok(Workflow { id: row.try_get(5)?, name: row.try_get(6)?, runs: runs(row, 0)? });
    Ok((totals, rows.iter().skip(1).map(workflow).collect::<Result<_, Error>>()?))
}

/// The UTC days that lie in an interval; an empty one at its end if there are none. The rest are hours.
pub fn whole_days(Interval { from, to }: Interval) -> Interval {
    let days = Interval { from: BucketSize::Day.ceil(from), to: BucketSize::Day.floor(to) };
    if days.from < days.to { days } else { Interval { from: to, to } }
}

/// Of an organization (`$1`) from `$2` until `$3`: days from `$4` until `$5`, and hours around them.
pub const IN_DAYS: &str = "organization_id = $1 and day_bucket >= $4 and day_bucket < $5";
pub const IN_HOURS: &str = "organization_id = $1 and (hour_bucket >= $2 and hour_bucket < $4 or hour_bucket >= $5 and hour_bucket < $3)";

/// The row at place 0 has the totals. Histograms are added up last, and only of what is listed: they are most of the bytes.
///
/// The page has `$6` rows, after the position of `$7` to `$10`, if there is one. `$11` is the one workflow that is asked about.
fn workflows_sql(sort: Sort, of_one: bool) -> String {
    let columns =
        "workflow_id, workflow_name, name_as_of, runs, failed, failed_safety_limit, total_execution_time_ms";
    let (part, order) = order(sort);
    let (only, days, hours) = if of_one {
        ("and workflow_id = $11", "workflow_daily_metrics", "workflow_hourly_metrics")
    } else {
        ("", "org_daily_metrics", "org_hourly_metrics")
    };
    format!(
        "
        with workflows as (
            select workflow_id,
                   (array_agg(workflow_name order by name_as_of desc, workflow_name desc))[1] collate \"C\" as name,
                   sum(runs)::bigint as runs, sum(failed)::bigint as failed,
                   sum(failed_safety_limit)::bigint as failed_safety_limit,
                   sum(total_execution_time_ms)::bigint as total_execution_time_ms
            from (select {columns} from workflow_daily_metrics where {IN_DAYS} {only}
                  union all select {columns} from workflow_hourly_metrics where {IN_HOURS} {only}) buckets
            group by workflow_id
        ), placed as (
            select *, {part} as part from workflows
        ), page as (
            select $7::bigint as part, $8::bigint as runs, $9::text collate \"C\" as name,
                   $10::text collate \"C\" as workflow_id
        ), listed as (
            select *, row_number() over (order by {order}, workflow_id) as place
            from placed
            where $10::text is null or ({order}, workflow_id) > (select {order}, workflow_id from page)
            order by place limit $6
        )
        select coalesce(sum(runs), 0)::bigint, coalesce(sum(failed), 0)::bigint,
               coalesce(sum(failed_safety_limit), 0)::bigint, coalesce(sum(total_execution_time_ms), 0)::bigint,
               (select coalesce(sum(durations), 0)::text
                from (select durations from {days} where {IN_DAYS} {only}
                      union all select durations from {hours} where {IN_HOURS} {only}) buckets),
               null::text, null::text, 0 as place
        from workflows
        union all
        select runs, failed, failed_safety_limit, total_execution_time_ms,
               (select coalesce(sum(durations), 0)::text
                from (select durations from workflow_daily_metrics d where {IN_DAYS} and d.workflow_id = l.workflow_id
                      union all select durations from workflow_hourly_metrics h
                      where {IN_HOURS} and h.workflow_id = l.workflow_id) buckets),
               workflow_id, name, place
        from listed l
        order by place"
    )
}

/// The `part` of a workflow, as its cursor has it, and what the order compares, in ascending order: of a workflow, and of the
/// position after which a page begins. The latter has these columns only: `part`, `runs`, `name`, `workflow_id`.
const fn order(sort: Sort) -> (&'static str, &'static str) {
    // The greatest comes first. Without runs there is no quotient, which comes last.
    let (counts, quotients) = ("-part, -runs", "-coalesce(part::numeric / nullif(runs, 0), -1), -runs");
    match sort {
        Sort::Failures => ("failed + failed_safety_limit", counts),
        // A percentile is sorted by after reading; the rows with most runs are read.
        Sort::Runs | Sort::P95ExecutionTimeMs => ("runs", counts),
        Sort::FailureRate => ("failed + failed_safety_limit", quotients),
        Sort::AvgExecutionTimeMs => ("total_execution_time_ms", quotients),
        Sort::Name => ("0::bigint", "name"),
    }
}

/// The runs in five columns of a row.
fn runs(row: &Row, first: usize) -> Result<Runs, Error> {
    Ok(Runs {
        total: row.try_get(first)?,
        failed: row.try_get(first + 1)?,
        failed_safety_limit: row.try_get(first + 2)?,
        total_execution_time_ms: row.try_get(first + 3)?,
        durations: durations_in(row, first + 4)?,
    })
}

fn durations_in(row: &Row, column: usize) -> Result<Durations, Error> {
    Durations::from_numeral(row.try_get(column)?).ok_or(Error::Unexpected("a malformed histogram"))
}

/// How many histograms are decoded before other requests have their turn: some half a millisecond's worth.
const DECODED_AT_ONCE: usize = 100;

/// The durations of the runs of each cell. Hours have one histogram each: an hour belongs to the cell in which it begins.
pub async fn durations(client: &Object, organization: &str, cells: &Cells) -> Result<Vec<Durations>, Error> {
    let Some((from, to)) = cells.extent() else { return Ok(Vec::new()) };
    let size = cells.rows().max(BucketSize::Hour);
    let (table, column) = (size.table(), size.column());
    let sql = format!(
        "select width_bucket({column}, $4::timestamptz[]) as cell, sum(durations)::text from {table}
         where organization_id = $1 and {column} >= $2 and {column} < $3 and durations is not null group by cell"
    );
    let statement = client.prepare_cached(&sql).await?;
    let rows = client.query(&statement, &[&organization, &from, &to, &cells.edges()]).await?;
    let mut all = vec![Durations::default(); cells.len()];
    for rows in rows.chunks(DECODED_AT_ONCE) {
        for row in rows {
            if let Some(cell) = cell(row)?.and_then(|cell| all.get_mut(cell)) {
                *cell = durations_in(row, 1)?;
            }
        }
        tokio::task::yield_now().await;
    }
    Ok(all)
}

/// The runs of one workflow in each cell, and what it was called in its latest run. Hours are not taken apart: an hour belongs to
/// the cell in which it begins.
pub async fn of_cells(
    client: &Object,
    organization: &str,
    workflow: &str,
    cells: &Cells,
) -> Result<(Option<String>, Vec<Runs>), Error> {
    let Some((from, to)) = cells.extent() else { return Ok((None, Vec::new())) };
    let statement = client.prepare_cached(OF_CELLS).await?;
    let days = cells.whole_days();
    let parameters: [&(dyn ToSql + Sync); 7] =
        [&organization, &from, &to, &days.from, &days.to, &cells.edges(), &workflow];
    let rows = client.query(&statement, &parameters).await?;
    let (mut all, mut latest) = (vec![Runs::default(); cells.len()], None);
    for rows in rows.chunks(DECODED_AT_ONCE) {
        for row in rows {
            let name: (DateTime<Utc>, String) = (row.try_get(6)?, row.try_get(7)?);
            latest = latest.max(Some(name));
            if let Some(cell) = cell(row)?.and_then(|cell| all.get_mut(cell)) {
                *cell = runs(row, 1)?;
            }
        }
        tokio::task::yield_now().await;
    }
    Ok((latest.map(|(_, name)| name), all))
}

/// The rows of one workflow (`$7`) by cell, whose edges are `$6`: days where cells are whole days, hours elsewhere.
const OF_CELLS: &str = "
    with counted as (
        select day_bucket as bucket, workflow_name, name_as_of, runs, failed, failed_safety_limit,
               total_execution_time_ms, durations
        from workflow_daily_metrics
        where organization_id = $1 and workflow_id = $7 and day_bucket >= $4 and day_bucket < $5
        union all
        select hour_bucket, workflow_name, name_as_of, runs, failed, failed_safety_limit,
               total_execution_time_ms, durations
        from workflow_hourly_metrics
        where organization_id = $1 and workflow_id = $7
          and (hour_bucket >= $2 and hour_bucket < $4 or hour_bucket >= $5 and hour_bucket < $3)
    )
    select width_bucket(bucket, $6::timestamptz[]) as cell, sum(runs)::bigint, sum(failed)::bigint,
           sum(failed_safety_limit)::bigint, sum(total_execution_time_ms)::bigint, sum(durations)::text,
           max(name_as_of), (array_agg(workflow_name order by name_as_of desc, workflow_name desc))[1]
    from counted group by cell";
