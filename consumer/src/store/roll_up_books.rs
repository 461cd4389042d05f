//! What is made of other rows, compared with these: workflows' days, organizations' histograms, and days of channels. What
//! channels have is a part of what their organization has.

use super::channel_book::{MESSAGES, by_quarter};
use super::{Books, Error};
use chrono::{DateTime, Days, Utc};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// A sum that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollUpDifference {
    /// Whose.
    pub organization: String,
    /// The workflow or channel; `None` for all of the organization.
    pub part: Option<String>,
    /// The start of the quarter, hour or day.
    pub bucket: DateTime<Utc>,
    /// What is compared.
    pub what: String,
    /// The sum of the parts.
    pub sum: Option<String>,
    /// What is stored.
    pub stored: Option<String>,
}

/// Parts of workflows, added up, beside what is stored, from `$1` until `$2`, but of the organizations `$4`. A row that is missing has
/// no runs.
const OF_WORKFLOWS: &str = "
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
    where sums is distinct from stored and organization_id <> all($4::text[])
    union all select *, 'durations of the hour' from of_hours
    where sums is distinct from stored and organization_id <> all($4::text[])
    union all select *, 'durations of the day' from of_days
    where sums is distinct from stored and organization_id <> all($4::text[])
    order by 1, 2, 3 limit $3";

/// The same for days of channels, by the names that are shown. Names are looked up only if some row of the organization differs.
const DAYS_OF_CHANNELS: &str = "
    with rows as (
        select organization_id, channel, h.sent, h.delivered, d.messages_sent, d.messages_delivered
        from (select organization_id, channel, sum(messages_sent) as sent, sum(messages_delivered) as delivered
              from channel_hourly_metrics where hour_bucket >= $1 and hour_bucket < $2 group by 1, 2) h
        full join (select * from channel_daily_metrics where day_bucket = $1) d using (organization_id, channel)
    )
    select organization_id, coalesce(k.channel, 'other') as part, $1::timestamptz as bucket,
           concat_ws(' | ', coalesce(sum(sent), 0), coalesce(sum(delivered), 0)) as sums,
           concat_ws(' | ', coalesce(sum(messages_sent), 0), coalesce(sum(messages_delivered), 0)) as stored,
           'messages_sent | messages_delivered of the day'
    from rows left join kept_channels k using (organization_id, channel)
    where organization_id in (select organization_id from rows
                              where (sent, delivered) is distinct from (messages_sent, messages_delivered))
      and organization_id <> all($4::text[])
    group by 1, 2
    having (coalesce(sum(sent), 0), coalesce(sum(delivered), 0))
           <> (coalesce(sum(messages_sent), 0), coalesce(sum(messages_delivered), 0))
    order by 1, 2 limit $3";

/// The quarters in which all channels together have more than their organization.
fn quarters_of_channels() -> String {
    let values = by_quarter();
    let places = || 0..values.len();
    let list = |of: &dyn Fn(usize) -> String| places().map(of).collect::<Vec<String>>();
    let sums = list(&|place| format!("sum({}) as c{place}", values[place])).join(", ");
    let stored = list(&|place| format!("{} as o{place}", values[place])).join(", ");
    let exceed = list(&|place| format!("c{place} > coalesce(o{place}, 0)")).join(" or ");
    let quarters: Vec<String> = places()
        .step_by(MESSAGES.len())
        .map(|first| {
            let (minutes, second) = (first / MESSAGES.len() * 15, first + 1);
            format!(
                "(interval '{minutes} minutes', c{first}, c{second}, coalesce(o{first}, 0), coalesce(o{second}, 0))"
            )
        })
        .collect();
    format!(
        "select organization_id, null::text, hour_bucket + q.since_hour,
                concat_ws(' | ', q.sent, q.delivered), concat_ws(' | ', q.of_all_sent, q.of_all_delivered),
                'messages_sent | messages_delivered of the quarter, at most what is stored'
         from (select organization_id, hour_bucket, {sums} from channel_hourly_metrics
               where hour_bucket >= $1 and hour_bucket < $2 group by 1, 2) c
         left join (select organization_id, hour_bucket, {stored} from org_hourly_metrics
                    where hour_bucket >= $1 and hour_bucket < $2) o using (organization_id, hour_bucket)
         cross join lateral (values {}) as q (since_hour, sent, delivered, of_all_sent, of_all_delivered)
         where ({exceed}) and (q.sent > q.of_all_sent or q.delivered > q.of_all_delivered)
               and organization_id <> all($4::text[])
         order by 1, 3 limit $3",
        quarters.join(", ")
    )
}

impl Books<'_> {
    /// Whether everything is rolled up that was counted.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn is_rolled_up(&self) -> Result<bool, Error> {
        Ok(self.transaction.query_one("select is_filled from roll_ups", &[]).await?.get(0))
    }

    /// The roll-ups of workflows of the UTC day that begins at `day` that differ from their parts, at most so many.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn roll_ups(&self, day: DateTime<Utc>, limit: i64) -> Result<Vec<RollUpDifference>, Error> {
        self.sums_that_differ(OF_WORKFLOWS, day, limit).await
    }

    /// What of this UTC day's messages by channel is wrong: days that differ from their hours, and quarters in which channels
    /// have more than their organization; at most so many.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn channels(&self, day: DateTime<Utc>, limit: i64) -> Result<Vec<RollUpDifference>, Error> {
        let mut differences = self.sums_that_differ(DAYS_OF_CHANNELS, day, limit).await?;
        let left = limit - differences.len() as i64;
        differences.extend(self.sums_that_differ(&quarters_of_channels(), day, left).await?);
        Ok(differences)
    }

    async fn sums_that_differ(
        &self,
        query: &str,
        day: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<RollUpDifference>, Error> {
        let until = day + Days::new(1);
        let values: [&(dyn ToSql + Sync); 4] = [&day, &until, &limit, &self.being_erased];
        let difference = |row: &Row| RollUpDifference {
            organization: row.get(0),
            part: row.get(1),
            bucket: row.get(2),
            sum: row.get(3),
            stored: row.get(4),
            what: row.get(5),
        };
        Ok(self.transaction.query(query, &values).await?.iter().map(difference).collect())
    }
}
