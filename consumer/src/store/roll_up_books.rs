//! What is made of workflows' hours, compared with what it must be: workflows' days, and the organizations' histograms.

use super::{Books, Error};
use chrono::{DateTime, Days, Utc};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// A sum that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollUpDifference {
    /// Whose.
    pub organization: String,
    /// The workflow; `None` for all of the organization.
    pub workflow: Option<String>,
    /// The start of the hour or day.
    pub bucket: DateTime<Utc>,
    /// What is compared.
    pub what: String,
    /// The sum of the parts.
    pub sum: Option<String>,
    /// What is stored.
    pub stored: Option<String>,
}

/// Parts, added up, beside what is stored, from `$1` until `$2`. A row that is missing has no runs.
const QUERY: &str = "
    with of_workflows as (
        select organization_id, workflow_id, $1::timestamptz as bucket, h.sums, d.stored
        from (select organization_id, workflow_id, concat_ws(' | ', sum(runs), sum(failed), sum(failed_safety_limit),
                                                             sum(total_execution_time_ms), sum(durations)) as sums
              from workflow_hourly_metrics where hour_bucket >= $1 and hour_bucket < $2 and runs <> 0 group by 1, 2) h
        full join (select organization_id, workflow_id, concat_ws(' | ', runs, failed, failed_safety_limit,
                                                                  total_execution_time_ms, durations) as stored
                   from workflow_daily_metrics where day_bucket = $1 and runs <> 0) d using (organization_id, workflow_id)
    ), of_hours as (
        select organization_id, null::text as workflow_id, hour_bucket as bucket, w.sums::text, h.stored::text
        from (select organization_id, hour_bucket, sum(durations) as sums from workflow_hourly_metrics
              where hour_bucket >= $1 and hour_bucket < $2 and durations <> 0 group by 1, 2) w
        full join (select organization_id, hour_bucket, durations as stored from org_hourly_metrics
                   where hour_bucket >= $1 and hour_bucket < $2 and durations <> 0) h using (organization_id, hour_bucket)
    ), of_days as (
        select organization_id, null::text as workflow_id, $1::timestamptz as bucket, h.sums::text, d.stored::text
        from (select organization_id, sum(durations) as sums from org_hourly_metrics
              where hour_bucket >= $1 and hour_bucket < $2 and durations <> 0 group by 1) h
        full join (select organization_id, durations as stored from org_daily_metrics
                   where day_bucket = $1 and durations <> 0) d using (organization_id)
    )
    select *, 'runs | failed | failed_safety_limit | total_execution_time_ms | durations of the day' from of_workflows
    where sums is distinct from stored
    union all select *, 'durations of the hour' from of_hours where sums is distinct from stored
    union all select *, 'durations of the day' from of_days where sums is distinct from stored
    order by 1, 2, 3 limit $3";

impl Books<'_> {
    /// Whether everything is rolled up that was counted.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn is_rolled_up(&self) -> Result<bool, Error> {
        Ok(self.transaction.query_one("select is_filled from roll_ups", &[]).await?.get(0))
    }

    /// The roll-ups of the UTC day that begins at `day` that differ from their parts, at most so many.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn roll_ups(&self, day: DateTime<Utc>, limit: i64) -> Result<Vec<RollUpDifference>, Error> {
        let until = day + Days::new(1);
        let values: [&(dyn ToSql + Sync); 3] = [&day, &until, &limit];
        let difference = |row: &Row| RollUpDifference {
            organization: row.get(0),
            workflow: row.get(1),
            bucket: row.get(2),
            sum: row.get(3),
            stored: row.get(4),
            what: row.get(5),
        };
        Ok(self.transaction.query(QUERY, &values).await?.iter().map(difference).collect())
    }
}
