//! Rows of workflows: their runs by the hour, and the failed runs.

use crate::answer::workflow_health::{Failure, Runs, WORKFLOWS_MAX, WORKFLOWS_SORTED_MAX, Workflow};
use crate::request::cells::Cells;
use crate::request::interval::Interval;
use crate::request::listing::{Cursor, Listing, Sort};
use crate::store::counters::cell;
use crate::store::error::Error;
use deadpool_postgres::Object;
use domain::Durations;
use tokio_postgres::Row;

/// Workflows in this order, and the totals of all of them, listed or not. One statement reads both, so that they agree.
pub async fn workflows(
    client: &Object,
    organization: &str,
    Interval { from, to }: Interval,
    sort: Sort,
) -> Result<(Runs, Vec<Workflow>), Error> {
    let statement = client.prepare_cached(&workflows_sql(order(sort))).await?;
    let limit = match sort {
        Sort::P95ExecutionTimeMs => WORKFLOWS_SORTED_MAX,
        Sort::Failures | Sort::Runs | Sort::FailureRate | Sort::AvgExecutionTimeMs | Sort::Name => {
            WORKFLOWS_MAX
        }
    };
    let limit = i64::try_from(limit).expect("a few thousand");
    let rows = client.query(&statement, &[&organization, &from, &to, &limit]).await?;
    let totals = rows.first().map(runs).transpose()?.unwrap_or_default();
    let workflow = |row: &Row| Ok(Workflow { id: row.try_get(5)?, name: row.try_get(6)?, runs: runs(row)? });
    Ok((totals, rows.iter().skip(1).map(workflow).collect::<Result<_, Error>>()?))
}

/// The row at place 0 has the totals.
fn workflows_sql(order: &str) -> String {
    format!(
        "
        with workflows as (
            select workflow_id,
                   (array_agg(workflow_name order by name_as_of desc, workflow_name desc))[1] as name,
                   sum(runs)::bigint as runs, sum(failed)::bigint as failed,
                   sum(failed_safety_limit)::bigint as failed_safety_limit,
                   sum(total_execution_time_ms)::bigint as total_execution_time_ms, sum(durations) as durations
            from workflow_hourly_metrics
            where organization_id = $1 and hour_bucket >= $2 and hour_bucket < $3
            group by workflow_id
        ), listed as (
            select *, row_number() over (order by {order}, workflow_id) as place
            from workflows order by place limit $4
        )
        select coalesce(sum(runs), 0)::bigint, coalesce(sum(failed), 0)::bigint,
               coalesce(sum(failed_safety_limit), 0)::bigint, coalesce(sum(total_execution_time_ms), 0)::bigint,
               coalesce(sum(durations), 0)::text, null::text, null::text, 0 as place
        from workflows
        union all
        select runs, failed, failed_safety_limit, total_execution_time_ms, durations::text, workflow_id, name, place
        from listed
        order by place"
    )
}

const fn order(sort: Sort) -> &'static str {
    match sort {
        Sort::Failures => "failed + failed_safety_limit desc, runs desc",
        // A percentile is sorted by after reading; the rows with most runs are read.
        Sort::Runs | Sort::P95ExecutionTimeMs => "runs desc",
        Sort::FailureRate => {
            "(failed + failed_safety_limit)::numeric / nullif(runs, 0) desc nulls last, runs desc"
        }
        Sort::AvgExecutionTimeMs => "total_execution_time_ms::numeric / nullif(runs, 0) desc nulls last",
        Sort::Name => "name",
    }
}

/// The runs in a row's first five columns.
fn runs(row: &Row) -> Result<Runs, Error> {
    Ok(Runs {
        total: row.try_get(0)?,
        failed: row.try_get(1)?,
        failed_safety_limit: row.try_get(2)?,
        total_execution_time_ms: row.try_get(3)?,
        durations: durations_in(row, 4)?,
    })
}

fn durations_in(row: &Row, column: usize) -> Result<Durations, Error> {
    Durations::from_numeral(row.try_get(column)?).ok_or(Error::Unexpected("a malformed histogram"))
}

/// The durations of the runs of each cell. An hour belongs to the cell in which it begins.
pub async fn durations(client: &Object, organization: &str, cells: &Cells) -> Result<Vec<Durations>, Error> {
    let Some((from, to)) = cells.extent() else { return Ok(Vec::new()) };
    let sql = "
        select width_bucket(hour_bucket, $4::timestamptz[]) as cell, sum(durations)::text
        from workflow_hourly_metrics
        where organization_id = $1 and hour_bucket >= $2 and hour_bucket < $3 group by cell";
    let statement = client.prepare_cached(sql).await?;
    let rows = client.query(&statement, &[&organization, &from, &to, &cells.edges()]).await?;
    let mut all = vec![Durations::default(); cells.len()];
    for row in &rows {
        if let Some(cell) = cell(row)?.and_then(|cell| all.get_mut(cell)) {
            *cell = durations_in(row, 1)?;
        }
    }
    Ok(all)
}

/// A page of failures, and one failure more if there is one. Rows before the page are not read.
pub async fn failures(
    client: &Object,
    organization: &str,
    Interval { from, to }: Interval,
    listing: &Listing,
) -> Result<Vec<Failure>, Error> {
    let sql = "
        select execution_id, workflow_id, workflow_name, outcome, error_message, execution_time_ms, finished_at
        from workflow_failures
        where organization_id = $1 and finished_at >= $2 and (finished_at, execution_id) < ($3, $4)
        order by finished_at desc, execution_id desc
        limit $5";
    let statement = client.prepare_cached(sql).await?;
    // No id sorts before the empty one, so this is the position of everything that ended before `to`.
    let end = Cursor { finished_at: to, execution_id: String::new() };
    let Cursor { finished_at, execution_id } =
        listing.cursor.as_ref().map_or(end.clone(), |cursor| cursor.clone().min(end));
    let limit = i64::from(listing.limit) + 1;
    let rows = client.query(&statement, &[&organization, &from, &finished_at, &execution_id, &limit]).await?;
    let failure = |row: &Row| {
        Ok(Failure {
            execution_id: row.try_get(0)?,
            workflow_id: row.try_get(1)?,
            workflow_name: row.try_get(2)?,
            outcome: row.try_get(3)?,
            error_message: row.try_get(4)?,
            execution_time_ms: row.try_get(5)?,
            finished_at: row.try_get(6)?,
        })
    };
    rows.iter().map(failure).collect()
}
