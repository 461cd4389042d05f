//! Organizations with a past: rows as the consumer would have written them, made by PostgreSQL itself, and the expected
//! answers.
//!
//! Every hour of an organization has some orders, by a formula that is here twice, in SQL and in Rust; its other
//! counters follow from those. Summaries read hours and days, names and plans, and
//! the partitions' progress.

use super::round::as_float;
use anyhow::ensure;
use chrono::{DateTime, Days, TimeDelta, Utc};
use machine::say;
use serde::Serialize;
use serde_json::Value;
use std::ops::Range;
use tokio_postgres::Client;

/// Organizations that are stored in one transaction.
const AT_ONCE: u64 = 50;
const HOURS_PER_DAY: i64 = 24;
const HOURS_PER_WEEK: i64 = 7 * HOURS_PER_DAY;
/// Longer ranges are answered by days.
const HOURLY_MAX: i64 = 72;

/// The counters of organizations in each hour. `$1` to `$2` are the organizations, `$3` is the first day, `$4` is the number
/// of hours.
const HOURS: &str = "
    insert into org_hourly_metrics
        (organization_id, hour_bucket, orders_created, payments_total, payments_successful, workflows_total,
         workflows_failed, total_execution_time_ms, messages_sent, messages_delivered)
    select 'org_' || lpad(o::text, 5, '0'), $3::timestamptz + h * interval '1 hour',
           n, 2 * n, 2 * n - h % 2, n, (h % 10 = 0)::int, 900 * n, 3 * n, 3 * n - h % 2
    from generate_series($1::bigint, $2::bigint - 1) as o, generate_series(0, $4::bigint - 1) as h,
         lateral (select 1 + (7 * o + 13 * h) % 20 as n) as orders
    order by o, h";
const DAYS: &str = "
    insert into org_daily_metrics
        (organization_id, day_bucket, orders_created, payments_total, payments_successful, workflows_total,
         workflows_failed, total_execution_time_ms, messages_sent, messages_delivered)
    select organization_id, date_trunc('day', hour_bucket, 'UTC') as day, sum(orders_created), sum(payments_total),
           sum(payments_successful), sum(workflows_total), sum(workflows_failed), sum(total_execution_time_ms),
           sum(messages_sent), sum(messages_delivered)
    from org_hourly_metrics
    where organization_id >= 'org_' || lpad($1::bigint::text, 5, '0')
      and organization_id < 'org_' || lpad($2::bigint::text, 5, '0')
    group by organization_id, day order by organization_id, day";
const NAMES: &str = "
    insert into organizations (organization_id, name, plan_id, plan_name, as_of, as_of_nanos, event_id)
    select 'org_' || lpad(o::text, 5, '0'), 'Company ' || o, 'plan_pro', 'pro', now(), 0, 'named'
    from generate_series($1::bigint, $2::bigint - 1) as o";
const PROGRESS: &str = "
    insert into consumer_progress (topic, kafka_partition, next_offset, complete_through)
    select topic, partition, 1, now() from unnest(array['events', 'workflows', 'messages']) as topic,
                                           generate_series(0, 7) as partition";

/// Organizations and the days they have been active, up to the last midnight (UTC).
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Stored {
    /// Organizations, numbered from 0.
    pub organizations: u64,
    /// Days of each.
    pub days: u32,
    /// The first day.
    pub from: DateTime<Utc>,
}

/// Some of an organization's hours.
#[derive(Clone, Debug)]
pub struct Question {
    organization: u64,
    hours: Range<i64>,
}

impl Stored {
    /// The last `days` whole days before `now`.
    #[must_use]
    pub fn until(now: DateTime<Utc>, organizations: u64, days: u32) -> Self {
        let midnight = now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
        Self { organizations, days, from: midnight - Days::new(days.into()) }
    }

    /// The hours of each organization.
    #[must_use]
    pub fn hours(&self) -> i64 {
        i64::from(self.days) * HOURS_PER_DAY
    }

    /// Creates the rows, and vacuums the tables as autovacuum would.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn store(&self, client: &mut Client) -> anyhow::Result<()> {
        let organizations = i64::try_from(self.organizations)?;
        say::line(format_args!("Storing {} organizations x {} days", self.organizations, self.days));
        let bar = stack::bar::bar("stored", self.organizations);
        for first in (0..self.organizations).step_by(usize::try_from(AT_ONCE)?) {
            let (first, end) = (i64::try_from(first)?, organizations.min(i64::try_from(first + AT_ONCE)?));
            let transaction = client.transaction().await?;
            transaction.execute(HOURS, &[&first, &end, &self.from, &self.hours()]).await?;
            transaction.execute(DAYS, &[&first, &end]).await?;
            transaction.execute(NAMES, &[&first, &end]).await?;
            transaction.commit().await?;
            bar.set_position(end.unsigned_abs());
        }
        bar.finish_and_clear();
        client.execute(PROGRESS, &[]).await?;
        for table in ["org_hourly_metrics", "org_daily_metrics", "organizations", "consumer_progress"] {
            client.batch_execute(&format!("vacuum (analyze) {table}")).await?;
        }
        let bytes: i64 = client.query_one("select pg_database_size(current_database())", &[]).await?.get(0);
        say::line(format_args!("Stored: {:.2} GB with indexes", as_float(bytes.unsigned_abs()) / 1e9));
        Ok(())
    }

    /// Orders of an organization in these hours. Before the first hour there are none.
    fn orders(&self, organization: u64, hours: Range<i64>) -> i64 {
        let organization = i64::try_from(organization).expect("organizations are counted in thousands");
        let orders = |hour: i64| 1 + (7 * organization + 13 * hour) % 20;
        (hours.start.max(0)..hours.end.min(self.hours())).map(orders).sum()
    }

    /// Checks that the answer to `question` has the right orders, of its range and of the period before.
    ///
    /// # Errors
    /// When it has others.
    pub fn check(&self, question: &Question, answer: &[u8]) -> anyhow::Result<()> {
        let answer: Value = serde_json::from_slice(answer)?;
        let Range { start, end } = question.counted();
        let orders = |hours| Some(self.orders(question.organization, hours));
        let back = weeks_or_length(end - start);
        let expected = [orders(start..end), orders(start - back..end - back)];
        let figure = &answer["kpis"][0];
        let found = [figure["value"].as_i64(), figure["previousValue"].as_i64()];
        let organization = question.organization();
        let right = answer["organizationId"] == organization && found == expected;
        ensure!(right, "{organization} had orders {expected:?} in {question:?}, but the answer is {answer}");
        Ok(())
    }
}

/// How many hours before a range of this length the period before it begins.
const fn weeks_or_length(hours: i64) -> i64 {
    if hours < HOURS_PER_WEEK {
        hours
    } else {
        (hours + HOURS_PER_WEEK - 1) / HOURS_PER_WEEK * HOURS_PER_WEEK
    }
}

impl Question {
    /// A question about these hours of an organization, counted from the first day.
    #[must_use]
    pub const fn new(organization: u64, hours: Range<i64>) -> Self {
        Self { organization, hours }
    }

    /// The organization's id.
    #[must_use]
    pub fn organization(&self) -> String {
        format!("org_{:05}", self.organization)
    }

    /// The path and query of its summary.
    #[must_use]
    pub fn path(&self, stored: &Stored) -> String {
        let at = |hour| (stored.from + TimeDelta::hours(hour)).format("%Y-%m-%dT%H:%M:%SZ");
        format!("/metrics/summary?from={}&to={}", at(self.hours.start), at(self.hours.end))
    }

    /// The hours of the answer: whole days if the range is long.
    fn counted(&self) -> Range<i64> {
        let Range { start, end } = self.hours;
        let day = |hour: i64| hour.div_euclid(HOURS_PER_DAY) * HOURS_PER_DAY;
        if end - start <= HOURLY_MAX { start..end } else { day(start)..day(end + HOURS_PER_DAY - 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> Stored {
        Stored::until("2026-02-25T10:30:00Z".parse().unwrap(), 10, 14)
    }

    #[test]
    fn a_question_is_about_whole_hours_or_days() {
        let check = |hours: Range<i64>, counted: Range<i64>, query: &str| {
            let question = Question::new(3, hours);
            assert_eq!(question.counted(), counted);
            assert_eq!(question.path(&stored()), format!("/metrics/summary?{query}"));
        };
        check(1..73, 1..73, "from=2026-02-11T01:00:00Z&to=2026-02-14T01:00:00Z");
        check(1..74, 0..96, "from=2026-02-11T01:00:00Z&to=2026-02-14T02:00:00Z");
        check(24..96, 24..96, "from=2026-02-12T00:00:00Z&to=2026-02-15T00:00:00Z");
    }

    #[test]
    fn orders_are_those_of_the_range_and_of_the_period_before() {
        let check = |value: i64, previous: i64, right: bool| {
            let answer = serde_json::json!({
                "organizationId": "org_00001", "kpis": [{"value": value, "previousValue": previous}],
            });
            let outcome = stored().check(&Question::new(1, 1..3), answer.to_string().as_bytes());
            assert_eq!(outcome.is_ok(), right, "{value} and {previous}");
        };
        assert_eq!([3, 167, 168, 169, 337].map(weeks_or_length), [3, 167, 168, 336, 504]);
        // Hours 1 and 2 have 1 and 14, hour 0 has 8, and before it there are none.
        check(15, 8, true);
        check(15, 9, false);
        check(14, 8, false);
    }
}
