//! Rows of workflows: their runs by day and hour, and the failed runs.

use crate::answer::workflow_health::{Failure, Runs, WORKFLOWS_MAX, WORKFLOWS_SORTED_MAX, Workflow};
use crate::request::cells::Cells;
use crate::request::interval::Interval;
use crate::request::listing::{Cursor, Listing, Sort};
use crate::store::counters::cell;
use crate::store::error::Error;
use deadpool_postgres::Object;
use domain::{BucketSize, Durations};
use tokio_postgres::Row;

/// Workflows in this order, and the totals of all of them, listed or not. One statement reads both, so that they agree.
pub async fn workflows(
    client: &Object,
    organization: &str,
    interval: Interval,
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
    let (Interval { from, to }, days) = (interval, whole_days(interval));
    let rows = client.query(&statement, &[&organization, &from, &to, &days.from, &days.to, &limit]).await?;
    let totals = rows.first().map(runs).transpose()?.unwrap_or_default();
    let workflow = |row: &Row| Ok(Workflow { id: row.try_get(5)?, name: row.try_get(6)?, runs: runs(row)? });
    Ok((totals, rows.iter().skip(1).map(workflow).collect::<Result<_, Error>>()?))
}

/// The UTC days that lie in an interval; an empty one at its end if there are none. The rest are hours.
fn whole_days(Interval { from, to }: Interval) -> Interval {
    let days = Interval { from: BucketSize::Day.ceil(from), to: BucketSize::Day.floor(to) };
    if days.from < days.to { days } else { Interval { from: to, to } }
}

/// Of an organization (`$1`) from `$2` until `$3`: days from `$4` until `$5`, and hours around them.
const IN_DAYS: &str = "organization_id = $1 and day_bucket >= $4 and day_bucket < $5";
const IN_HOURS: &str = "organization_id = $1 and (hour_bucket >= $2 and hour_bucket < $4 or hour_bucket >= $5 and hour_bucket < $3)";

/// The row at place 0 has the totals. Histograms are added up last, and only of what is listed: they are most of the bytes.
fn workflows_sql(order: &str) -> String {
    let columns =
        "workflow_id, workflow_name, name_as_of, runs, failed, failed_safety_limit, total_execution_time_ms";
    format!(
        "
        with workflows as (
            select workflow_id,
                   (array_agg(workflow_name order by name_as_of desc, workflow_name desc))[1] as name,
                   sum(runs)::bigint as runs, sum(failed)::bigint as failed,
                   sum(failed_safety_limit)::bigint as failed_safety_limit,
                   sum(total_execution_time_ms)::bigint as total_execution_time_ms
            from (select {columns} from workflow_daily_metrics where {IN_DAYS}
                  union all select {columns} from workflow_hourly_metrics where {IN_HOURS}) buckets
            group by workflow_id
        ), listed as (
            select *, row_number() over (order by {order}, workflow_id) as place
            from workflows order by place limit $6
        )
        select coalesce(sum(runs), 0)::bigint, coalesce(sum(failed), 0)::bigint,
               coalesce(sum(failed_safety_limit), 0)::bigint, coalesce(sum(total_execution_time_ms), 0)::bigint,
               (select coalesce(sum(durations), 0)::text
                from (select durations from org_daily_metrics where {IN_DAYS}
                      union all select durations from org_hourly_metrics where {IN_HOURS}) buckets),
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
