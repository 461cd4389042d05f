//! An organization of many workflows with a past, as the consumer would have written it, and questions about it that were not
//! asked before.

use super::asking::Asking;
use super::connection::request;
use super::finding::Finding;
use super::group::Group;
use super::latencies::Latencies;
use super::live;
use super::serving::Serving;
use anyhow::ensure;
use chrono::{DateTime, Days, Utc};
use domain::channels;
use machine::say;
use serde::Serialize;
use serde_json::Value;
use stack::token::Secret;
use tokio_postgres::Client;

/// Its id.
pub const ORGANIZATION: &str = "org_large";
/// The target for 99 of 100 answers of each endpoint.
const P99_MAX_MS: f64 = 250.0;
/// Answers a second: each is loaded while nothing else is.
const RATE: f64 = 4.0;
/// The range of a question lacks fewer days than this at either end, so that each is another.
const DAYS_LESS: u32 = 8;
/// Zones of the questions, in turn: one begins its days within an hour of UTC.
const ZONES: [&str; 3] = ["UTC", "Europe/Berlin", "Asia/Kolkata"];

/// The tables that have rows of it.
const TABLES: [&str; 7] = [
    "workflow_hourly_metrics",
    "workflow_daily_metrics",
    "org_hourly_metrics",
    "org_daily_metrics",
    "organization_channels",
    "channel_hourly_metrics",
    "channel_daily_metrics",
];

/// The endpoints, with what is asked of each beside the range.
const ENDPOINTS: [(&str, &str); 7] = [
    ("summary", ""),
    ("trends", "&granularity=day"),
    ("workflow-health", ""),
    ("workflow-health", "&sort=p95_execution_time_ms"),
    ("insights", ""),
    ("delivery-health", "&granularity=day"),
    ("delivery-health", "&granularity=day&channel=channel_7"),
];

/// What each workflow has run in each hour. `$1` is the first day, `$2` the number of hours, `$3` that of workflows.
const HOURS: &str = "
    insert into workflow_hourly_metrics (organization_id, workflow_id, hour_bucket, workflow_name, name_as_of, runs, failed,
                                         total_execution_time_ms, durations)
    select 'org_large', 'workflow_' || w, hour, 'Workflow ' || w, hour, n, (n > 3)::int, n * 1000,
           n * trunc(10::numeric ^ (12 * (60 + w % 40))) + (n > 3)::int * trunc(10::numeric ^ (12 * (50 + w % 40)))
    from generate_series(0, $3::bigint - 1) w, generate_series(0, $2::bigint - 1) h,
         lateral (select $1::timestamptz + h * interval '1 hour' as hour, 1 + (3 * w + 5 * h) % 4 as n) as runs
    order by w, h";
/// What each channel has sent and delivered in each hour. `$1` is the first day, `$2` the number of hours, `$3` that of channels.
const CHANNELS: &str = "
    insert into channel_hourly_metrics (organization_id, channel, hour_bucket, messages_sent, messages_delivered, messages_sent_q3)
    select 'org_large', 'channel_' || c, $1::timestamptz + h * interval '1 hour', 2 + c, 1 + c, 1
    from generate_series(0, $2::bigint - 1) h, generate_series(0, $3::bigint - 1) c order by h, c";
const ROLL_UPS: [&str; 7] = [
    "insert into organization_channels select distinct organization_id, channel from channel_hourly_metrics",
    "insert into channel_daily_metrics (organization_id, channel, day_bucket, messages_sent, messages_delivered)
     select organization_id, channel, date_bin('1 day', hour_bucket, 'epoch'), sum(messages_sent), sum(messages_delivered)
     from channel_hourly_metrics group by 1, 2, 3 order by 1, 3, 2",
    "insert into workflow_daily_metrics (organization_id, workflow_id, day_bucket, workflow_name, name_as_of, runs, failed,
                                         total_execution_time_ms, durations)
     select organization_id, workflow_id, date_bin('1 day', hour_bucket, 'epoch'), max(workflow_name), max(name_as_of), sum(runs),
            sum(failed), sum(total_execution_time_ms), sum(durations)
     from workflow_hourly_metrics group by 1, 2, 3 order by 1, 2, 3",
    "insert into org_hourly_metrics (organization_id, hour_bucket, workflows_total, workflows_failed,
                                     total_execution_time_ms, durations)
     select organization_id, hour_bucket, sum(runs), sum(failed), sum(total_execution_time_ms), sum(durations)
     from workflow_hourly_metrics group by 1, 2 order by 1, 2",
    "insert into org_daily_metrics (organization_id, day_bucket, workflows_total, workflows_failed, total_execution_time_ms,
                                    durations)
     select organization_id, date_bin('1 day', hour_bucket, 'epoch'), sum(workflows_total), sum(workflows_failed),
            sum(total_execution_time_ms), sum(durations)
     from org_hourly_metrics where organization_id = 'org_large' group by 1, 2 order by 1, 2",
    "update org_hourly_metrics t set messages_sent = c.sent, messages_delivered = c.delivered, messages_sent_q3 = c.sent_q3
     from (select hour_bucket, sum(messages_sent) as sent, sum(messages_delivered) as delivered, sum(messages_sent_q3) as sent_q3
           from channel_hourly_metrics group by 1) as c
     where t.organization_id = 'org_large' and t.hour_bucket = c.hour_bucket",
    "update org_daily_metrics t set messages_sent = c.sent, messages_delivered = c.delivered
     from (select day_bucket, sum(messages_sent) as sent, sum(messages_delivered) as delivered
           from channel_daily_metrics group by 1) as c
     where t.organization_id = 'org_large' and t.day_bucket = c.day_bucket",
];

/// How large it is.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Large {
    /// Workflows, each of which runs every hour.
    pub workflows: u32,
    /// Days of each.
    pub days: u32,
    /// The first day.
    pub from: DateTime<Utc>,
}

/// An endpoint's answers.
#[derive(Clone, Debug, Serialize)]
pub struct Cold {
    /// The endpoint, and what was asked of it.
    pub endpoint: String,
    /// How long they took.
    #[serde(flatten)]
    pub latencies: Latencies,
}

impl Large {
    /// Creates the rows, and vacuums the tables as autovacuum would.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn store(&self, client: &Client) -> anyhow::Result<()> {
        say::line(format_args!("Storing {} workflows x {} days", self.workflows, self.days));
        let (hours, workflows) = (i64::from(self.days) * 24, i64::from(self.workflows));
        client.execute(HOURS, &[&self.from, &hours, &workflows]).await?;
        let channels = i64::try_from(channels::CHANNELS_MAX)?;
        client.execute(CHANNELS, &[&self.from, &hours, &channels]).await?;
        for statement in ROLL_UPS {
            client.execute(statement, &[]).await?;
        }
        for table in TABLES {
            client.batch_execute(&format!("vacuum (analyze) {table}")).await?;
        }
        Ok(())
    }

    /// Asks each endpoint for ranges that it was not asked for before.
    ///
    /// # Errors
    /// When an answer is wrong, or isn't one.
    pub fn ask(&self, api: &Serving, secret: &Secret) -> anyhow::Result<Vec<Cold>> {
        let token = secret.token(ORGANIZATION)?;
        let mut all = Vec::new();
        for (endpoint, more) in ENDPOINTS {
            let questions: Vec<Vec<u8>> = self
                .ranges()
                .map(|range| request(&format!("/metrics/{endpoint}?{range}{more}"), &token))
                .collect();
            let requests = u64::try_from(questions.len())?;
            let asking = Asking { address: api.address(), rate: RATE, requests, questions: &questions };
            let latencies = asking.latencies(|_, answer| {
                let answer: Value = serde_json::from_slice(answer)?;
                ensure!(answer["organizationId"] == ORGANIZATION, "no answer: {answer}");
                Ok(())
            })?;
            let cold = Cold { endpoint: format!("{endpoint}{more}"), latencies };
            say::line(format_args!("cold {:<45} {}", cold.endpoint, cold.latencies));
            all.push(cold);
        }
        Ok(all)
    }

    /// Keeps pages of it open.
    ///
    /// # Errors
    /// When something can't be started, or no change was told.
    pub fn keep_open(&self, api: &Serving, secret: &Secret, group: Group<'_>) -> anyhow::Result<live::Seen> {
        let token = secret.token(ORGANIZATION)?;
        let ranges = self.ranges().take(live::PAGES).collect();
        let pages = live::Pages { address: api.address(), organization: (ORGANIZATION, &token), ranges };
        pages.run(group)
    }

    /// The target of each endpoint.
    #[must_use]
    pub fn findings(&self, cold: &[Cold]) -> Vec<Finding> {
        let finding = |cold: &Cold| {
            let what = format!("cold {}, {} workflows x {} days", cold.endpoint, self.workflows, self.days);
            Finding::at_most(&*what, cold.latencies.p99_ms, P99_MAX_MS, |ms| format!("p99 {ms:.0} ms"))
        };
        cold.iter().map(finding).collect()
    }

    /// Nearly all of its days, in several zones.
    fn ranges(&self) -> impl Iterator<Item = String> {
        let pairs = (0..DAYS_LESS).flat_map(|first| (0..DAYS_LESS).map(move |last| (first, last)));
        let (from, until) = (self.from, self.from + Days::new(self.days.into()));
        pairs.zip(ZONES.into_iter().cycle()).map(move |((first, last), zone)| {
            let at = |time: DateTime<Utc>| time.format("%Y-%m-%dT%H:%M:%SZ");
            let (from, to) = (from + Days::new(first.into()), until - Days::new(last.into()));
            format!("from={}&to={}&timezone={zone}", at(from), at(to))
        })
    }
}
