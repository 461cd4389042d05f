//! Upkeep: partitions of tables for the days ahead, and the end of rows past their retention.

use super::{Connection, Error};
use chrono::{DateTime, Datelike as _, Days, Months, NaiveTime, Utc};
use domain::BucketSize;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio_postgres::Client;

/// How often a member does upkeep.
pub const EVERY: Duration = Duration::from_secs(3_600);
/// How often a member merges pages.
pub const MERGE_EVERY: Duration = Duration::from_secs(300);
/// A page is quiet when its quarter began this long ago: only late records still come, and these are few.
pub const QUIET_AFTER: Duration = Duration::from_secs(3_600);
/// Members take turns at changing tables.
const TABLES_LOCK: i64 = 0x6d65_7472_6963_7302;
/// For how many days ahead partitions of tables are made.
const DAYS_AHEAD: u64 = 2;
/// Rows deleted by one statement; more would hold their locks for long.
const DELETE_ROWS_MAX: i64 = 10_000;
/// Deleting statements in one round; the rest waits for the next.
const DELETE_STATEMENTS_MAX: usize = 100;

/// How long rows are kept. Each is a whole number of days.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Retention {
    /// Days for which the ledger remembers what was counted. Older records are refused as too_old. Raise it to accept older
    /// ones; each record costs about 12 bytes of disk.
    #[arg(long, env = "LEDGER_RETENTION_DAYS", default_value_t = 35, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub ledger_retention_days: u32,
    /// Days for which quarter-hourly counters are kept, at least LEDGER_RETENTION_DAYS. Hours and days are kept for ever.
    #[arg(long, env = "QUARTER_RETENTION_DAYS", default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=36500))]
    pub quarter_retention_days: u32,
    /// Days for which failed workflow runs stay in the dashboard's list.
    #[arg(long, env = "FAILURE_RETENTION_DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=36500))]
    pub failure_retention_days: u32,
    /// Days for which dead letters can be looked at and published again.
    #[arg(long, env = "DEAD_LETTER_RETENTION_DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=36500))]
    pub dead_letter_retention_days: u32,
}

impl Retention {
    fn before(now: DateTime<Utc>, days: u32) -> DateTime<Utc> {
        let earliest = now.checked_sub_days(Days::new(days.into()));
        BucketSize::Day.floor(earliest.expect("a few decades before now is a date"))
    }
}

impl Connection {
    /// Raises the ledger's floor to what the retention says, by the database's clock: a member whose own clock is wrong
    /// must not make everybody's records too old.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn raise_floor(&mut self, retention: &Retention) -> Result<(), Error> {
        let floor = Retention::before(self.now().await?, retention.ledger_retention_days);
        let is_raised: bool =
            self.client.query_one("select floor >= $1 from ledger_floor", &[&floor]).await?.get(0);
        if is_raised {
            return Ok(());
        }
        let transaction = self.client.transaction().await?;
        // Batches hold the row in share mode, and overlap: an update alone would never find it free. A lock on the table
        // queues, and later batches queue behind it.
        transaction.batch_execute("lock table ledger_floor in exclusive mode").await?;
        transaction.execute("update ledger_floor set floor = $1 where floor < $1", &[&floor]).await?;
        transaction.commit().await?;
        tracing::info!(%floor, "the ledger's floor is raised: older records are refused from now on");
        Ok(())
    }

    async fn now(&mut self) -> Result<DateTime<Utc>, Error> {
        Ok(self.client.query_one("select now()", &[]).await?.get(0))
    }

    /// One round of upkeep. Idempotent, and members may do it at the same time.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn upkeep(&mut self, retention: &Retention) -> Result<(), Error> {
        // The raised floor must be committed before pages below it go.
        self.raise_floor(retention).await?;
        let now = self.now().await?;
        let today = BucketSize::Day.floor(now);
        let ahead: BTreeSet<_> =
            (0..=DAYS_AHEAD).filter_map(|n| today.checked_add_days(Days::new(n))).collect();
        self.make_room(&ahead).await?;
        self.drop_before(
            "ledger_segments",
            Period::Day,
            "select floor from ledger_floor where floor > '-infinity'",
        )
        .await?;
        let forget = "delete from ledger_tails where newest < (select floor from ledger_floor)";
        self.client.execute(forget, &[]).await?;
        let quarters = Retention::before(now, retention.quarter_retention_days);
        self.drop_before(
            "org_quarter_hourly_metrics",
            Period::Month,
            &format!("select timestamptz '{quarters}'"),
        )
        .await?;
        let failures = Retention::before(now, retention.failure_retention_days);
        self.delete_before("workflow_failures", "finished_at", failures).await?;
        let letters = Retention::before(now, retention.dead_letter_retention_days);
        self.delete_before("dead_letters", "rejected_at", letters).await?;
        self.delete_before("dead_letter_runs", "rejected_at", letters).await?;
        self.forget_retired_topics().await
    }

    /// Removes the progress of topics that are not configured here and that no member has moved for a day. The row of a
    /// retired topic would hold `complete_through` back for ever.
    async fn forget_retired_topics(&mut self) -> Result<(), Error> {
        let forget =
            "delete from consumer_progress where topic <> all($1) and updated_at < now() - interval '1 day'";
        self.client.execute(forget, &[&self.topics.all().as_slice()]).await?;
        Ok(())
    }

    /// Makes sure that the tables partitioned by time have a partition for rows of these days.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn make_room(&mut self, days: &BTreeSet<DateTime<Utc>>) -> Result<(), Error> {
        for day in days {
            for (table, period) in
                [("ledger_segments", Period::Day), ("org_quarter_hourly_metrics", Period::Month)]
            {
                let partition = TablePartition::of(table, period, *day);
                if !self.tables.contains(&partition.name) {
                    partition.make(&mut self.client).await?;
                    self.tables.insert(partition.name);
                }
            }
        }
        Ok(())
    }

    /// Drops the partitions of a table that end before the time that `limit` selects.
    async fn drop_before(&mut self, table: &'static str, period: Period, limit: &str) -> Result<(), Error> {
        let Some(limit) = self.client.query_opt(limit, &[]).await? else { return Ok(()) };
        let limit: DateTime<Utc> = limit.get(0);
        let partitions = "select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid \
                          where i.inhparent = $1::text::regclass order by 1";
        for row in self.client.query(partitions, &[&table]).await? {
            let name: String = row.get(0);
            if TablePartition::of(table, period, limit).name > name {
                tracing::info!(table = %name, "dropping rows past their retention");
                self.client.batch_execute(&format!("drop table if exists {name}")).await?;
                self.tables.remove(&name);
            }
        }
        Ok(())
    }

    async fn delete_before(&mut self, table: &str, time: &str, limit: DateTime<Utc>) -> Result<(), Error> {
        let delete = format!(
            "delete from {table} where ctid in (select ctid from {table} where {time} < $1 limit {DELETE_ROWS_MAX})"
        );
        for _ in 0..DELETE_STATEMENTS_MAX {
            if self.client.execute(&delete, &[&limit]).await? == 0 {
                break;
            }
        }
        Ok(())
    }
}

/// How much time one partition of a table covers.
#[derive(Clone, Copy)]
enum Period {
    Day,
    Month,
}

/// A partition of a table partitioned by time. Names sort as their times do.
struct TablePartition {
    table: &'static str,
    name: String,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl TablePartition {
    fn of(table: &'static str, period: Period, day: DateTime<Utc>) -> Self {
        let date = day.date_naive();
        let (name, from, until) = match period {
            Period::Day => {
                (format!("{table}_{}", date.format("%Y%m%d")), date, date.checked_add_days(Days::new(1)))
            }
            Period::Month => {
                let first = date.with_day(1).expect("every month has a first day");
                (format!("{table}_{}", date.format("%Y%m")), first, first.checked_add_months(Months::new(1)))
            }
        };
        let midnight = |date: chrono::NaiveDate| date.and_time(NaiveTime::MIN).and_utc();
        Self {
            table,
            name,
            from: midnight(from),
            until: midnight(until.expect("a month after a year before 10000")),
        }
    }

    /// Makes the table on its own and then attaches it. Making it as a partition would lock its parent against the batches of
    /// other members.
    async fn make(&self, client: &mut Client) -> Result<(), Error> {
        let Self { table, name, from, until } = self;
        let transaction = client.transaction().await?;
        transaction.execute("select pg_advisory_xact_lock($1)", &[&TABLES_LOCK]).await?;
        let exists: bool = transaction.query_one("select to_regclass($1) is not null", &[name]).await?.get(0);
        if !exists {
            let make = format!(
                "create table {name} (like {table} including all) with (fillfactor = 70); \
                 alter table {table} attach partition {name} for values from ('{from}') to ('{until}')"
            );
            transaction.batch_execute(&make).await?;
        }
        Ok(transaction.commit().await?)
    }
}
