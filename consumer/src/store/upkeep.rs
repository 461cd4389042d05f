//! Upkeep: partitions of tables for the days ahead, and the end of rows past their retention.

use super::counter_statements::Pending;
use super::{Connection, Error, OperatorConnection};
use crate::limits::UPKEEP_LOCK_TIMEOUT;
use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, TimeDelta, Utc};
use domain::BucketSize;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

/// How often a member does a task of upkeep that goes by days.
const EVERY: Duration = Duration::from_secs(3_600);
/// How often a member merges pages.
const MERGE_EVERY: Duration = Duration::from_secs(300);
/// A page is quiet when its quarter began this long ago: only late records still come, and these are few.
const QUIET_AFTER: TimeDelta = TimeDelta::hours(1);
/// Members take turns at changing tables.
const TABLES_LOCK: i64 = 0x6d65_7472_6963_7302;
/// One member or command at a time locks batches out. Otherwise batches would wait for several of them in a row.
pub(super) const LOCKING_OUT: i64 = 0x6d65_7472_6963_7303;
/// For how many days ahead partitions of tables are made.
const DAYS_AHEAD: u64 = 2;
/// Rows deleted by one statement; more would hold their locks for long.
const DELETE_ROWS_MAX: i64 = 10_000;
/// Deleting statements in one round; the rest waits for the next.
const DELETE_STATEMENTS_MAX: usize = 100;

/// Hours of organizations with more messages delivered than sent, of the last day; the same from each member.
pub const HOURS_OF_EXCESS: &str = "consumer_buckets_delivered_exceeds_sent";

/// How long rows are kept, each for a whole number of days. Counters are kept for ever.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Retention {
    /// Days for which the ledger remembers what was counted. Older records are refused as too_old. Raise it to accept older
    /// ones; each record costs about 12 bytes of disk.
    #[arg(long, env = "LEDGER_RETENTION_DAYS", default_value_t = 35, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub ledger_retention_days: u32,
    /// Days for which failed workflow runs stay in the dashboard's list, at least LEDGER_RETENTION_DAYS.
    #[arg(long, env = "FAILURE_RETENTION_DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=36500))]
    pub failure_retention_days: u32,
    /// Days for which dead letters can be looked at and published again.
    #[arg(long, env = "DEAD_LETTER_RETENTION_DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=36500))]
    pub dead_letter_retention_days: u32,
}

impl Retention {
    /// The UTC midnight from which on rows are kept for so many days.
    ///
    /// # Panics
    /// Never: a few decades before now is a date.
    #[must_use]
    pub fn before(now: DateTime<Utc>, days: u32) -> DateTime<Utc> {
        let earliest = now.checked_sub_days(Days::new(days.into()));
        BucketSize::Day.floor(earliest.expect("a few decades before now is a date"))
    }
}

/// A task of upkeep. Each has a rhythm of its own, and none depends on another's success. All are idempotent, and members
/// may do them at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Raising the ledger's floor.
    Floor,
    /// Making partitions of tables for the days ahead.
    DaysAhead,
    /// Dropping days of the ledger below the floor.
    LedgerDays,
    /// Deleting tails of the ledger below the floor, and what was erased of its sums.
    LedgerTails,
    /// Deleting failed runs past their retention.
    Failures,
    /// Deleting dead letters, and what was told of them, past their retention.
    DeadLetters,
    /// Removing the progress of topics that nobody reads.
    RetiredTopics,
    /// Looking for hours with more messages delivered than sent.
    Excess,
    /// Merging the segments of quiet pages.
    Merging,
}

impl Task {
    /// All tasks, in the order in which a member that starts does them.
    pub const ALL: [Self; 9] = [
        Self::Floor,
        Self::DaysAhead,
        Self::LedgerDays,
        Self::LedgerTails,
        Self::Failures,
        Self::DeadLetters,
        Self::RetiredTopics,
        Self::Excess,
        Self::Merging,
    ];

    /// Its name in metrics, readiness and log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::DaysAhead => "days_ahead",
            Self::LedgerDays => "ledger_days",
            Self::LedgerTails => "ledger_tails",
            Self::Failures => "failures",
            Self::DeadLetters => "dead_letters",
            Self::RetiredTopics => "retired_topics",
            Self::Excess => "excess",
            Self::Merging => "merging",
        }
    }

    /// How often it is done.
    #[must_use]
    pub const fn every(self) -> Duration {
        match self {
            Self::Merging => MERGE_EVERY,
            Self::Floor
            | Self::DaysAhead
            | Self::LedgerDays
            | Self::LedgerTails
            | Self::Failures
            | Self::DeadLetters
            | Self::RetiredTopics
            | Self::Excess => EVERY,
        }
    }
}

impl OperatorConnection {
    /// Makes sure that the tables partitioned by time have a partition for rows of these days.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn make_room(&mut self, days: &BTreeSet<DateTime<Utc>>) -> Result<(), Error> {
        let has_former = Pending::of(&self.client).await?.quarters;
        for partition in days.iter().flat_map(|day| TablePartition::all_of(*day, has_former)) {
            partition.make(&mut self.client).await?;
        }
        Ok(())
    }
}

impl Connection {
    /// Does a task of upkeep.
    ///
    /// # Errors
    /// When PostgreSQL fails, or when the task gives way to a lock.
    pub async fn tend(&mut self, task: Task, retention: &Retention) -> Result<(), Error> {
        let now = self.now().await?;
        match task {
            Task::Floor => self.raise_floor(retention).await,
            Task::DaysAhead => {
                let today = BucketSize::Day.floor(now);
                let days = (0..=DAYS_AHEAD).filter_map(|n| today.checked_add_days(Days::new(n)));
                self.make_room(&days.collect()).await
            }
            Task::LedgerDays => {
                let floor = "select floor from ledger_floor where floor > '-infinity'";
                self.drop_ledger_days(floor).await
            }
            Task::LedgerTails => {
                let forget = "delete from ledger_tails where newest < (select floor from ledger_floor)";
                self.client.execute(forget, &[]).await?;
                let forget = "delete from erased_counters where quarter < (select floor from ledger_floor)";
                self.client.execute(forget, &[]).await?;
                Ok(())
            }
            Task::Failures => {
                let limit = Retention::before(now, retention.failure_retention_days);
                self.delete_before("workflow_failures", "organization_id, execution_id", "finished_at", limit)
                    .await
            }
            Task::DeadLetters => {
                let limit = Retention::before(now, retention.dead_letter_retention_days);
                let place = "topic, topic_id, kafka_partition, kafka_offset";
                self.delete_before("dead_letters", place, "rejected_at", limit).await?;
                self.delete_before("dead_letter_runs", "run_id", "rejected_at", limit).await?;
                let row = "organization_id, quarter_bucket, topic, reason, guessed";
                self.delete_before("organization_refusals", row, "quarter_bucket", limit).await
            }
            Task::RetiredTopics => self.forget_retired_topics().await,
            Task::Excess => {
                let hours = self.hours_of_excess(now).await?;
                metrics::gauge!(HOURS_OF_EXCESS).set(hours as f64);
                Ok(())
            }
            Task::Merging => {
                let merged = self.merge_pages(now - QUIET_AFTER).await?;
                metrics::counter!("consumer_ledger_segments_merged_total").increment(merged as u64);
                Ok(())
            }
        }
    }

    /// Raises the ledger's floor to what the retention says, by the database's clock: a member whose own clock is wrong
    /// must not make everybody's records too old.
    ///
    /// # Errors
    /// When PostgreSQL fails, or [`Error::GaveWay`] when somebody holds a lock on the floor.
    pub async fn raise_floor(&mut self, retention: &Retention) -> Result<(), Error> {
        let floor = Retention::before(self.now().await?, retention.ledger_retention_days);
        let is_raised: bool =
            self.client.query_one("select floor >= $1 from ledger_floor", &[&floor]).await?.get(0);
        if is_raised {
            return Ok(());
        }
        // Batches hold the row in share mode, and overlap: an update alone would never find it free. A lock on the table
        // queues, and later batches queue behind it.
        let lock = "lock table ledger_floor in exclusive mode";
        let raise = format!("update ledger_floor set floor = '{floor}' where floor < '{floor}'");
        if self.lock_out_briefly("ledger_floor", &[lock, &raise]).await? {
            tracing::info!(%floor, "the ledger's floor is raised: older records are refused from now on");
        }
        Ok(())
    }

    /// Runs statements that lock batches out of a table, in one transaction. Whoever waits for such a lock makes later
    /// batches wait behind it, so this gives way when the lock isn't free soon: a dump or a forgotten transaction may hold
    /// one for hours. Returns false, and does nothing, while another member locks batches out.
    async fn lock_out_briefly(&mut self, table: &str, statements: &[&str]) -> Result<bool, Error> {
        let transaction = self.client.transaction().await?;
        let is_alone = transaction.query_one("select pg_try_advisory_xact_lock($1)", &[&LOCKING_OUT]).await?;
        if !is_alone.get::<_, bool>(0) {
            return Ok(false);
        }
        let wait = UPKEEP_LOCK_TIMEOUT.as_millis();
        transaction.batch_execute(&format!("set local lock_timeout = '{wait}ms'")).await?;
        for statement in statements {
            let done = transaction.batch_execute(statement).await;
            if done.as_ref().is_err_and(|error| error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE)) {
                return Err(Error::GaveWay(table.to_owned()));
            }
            done?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    async fn now(&mut self) -> Result<DateTime<Utc>, Error> {
        Ok(self.client.query_one("select now()", &[]).await?.get(0))
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
        let has_former = self.statements.counters.pending().quarters;
        for partition in days.iter().flat_map(|day| TablePartition::all_of(*day, has_former)) {
            if !self.tables.contains(&partition.name) {
                partition.make(&mut self.client).await?;
                self.tables.insert(partition.name);
            }
        }
        Ok(())
    }

    /// Drops the days of the ledger that end before the time that `limit` selects.
    async fn drop_ledger_days(&mut self, limit: &str) -> Result<(), Error> {
        let Some(limit) = self.client.query_opt(limit, &[]).await? else { return Ok(()) };
        let limit: DateTime<Utc> = limit.try_get(0)?;
        let partitions = "select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid \
                          where i.inhparent = 'ledger_segments'::regclass order by 1";
        for row in self.client.query(partitions, &[]).await? {
            let name: String = row.get(0);
            if TablePartition::of_ledger(limit).name > name
                && self.lock_out_briefly(&name, &[&format!("drop table if exists {name}")]).await?
            {
                tracing::info!(table = %name, "rows past their retention are dropped");
                self.tables.remove(&name);
            }
        }
        Ok(())
    }

    /// Deletes rows whose `time` is before the limit, some at a time. A row is named by its key: its place means nothing on a
    /// cluster of nodes.
    async fn delete_before(
        &mut self,
        table: &str,
        key: &str,
        time: &str,
        limit: DateTime<Utc>,
    ) -> Result<(), Error> {
        let delete = format!(
            "delete from {table} where ({key}) in (select {key} from {table} where {time} < $1 limit {DELETE_ROWS_MAX})"
        );
        for _ in 0..DELETE_STATEMENTS_MAX {
            if self.client.execute(&delete, &[&limit]).await? == 0 {
                break;
            }
        }
        Ok(())
    }
}

/// A partition of a table partitioned by time. Names sort as their times do.
struct TablePartition {
    table: &'static str,
    name: String,
    from: NaiveDate,
    until: NaiveDate,
}

impl TablePartition {
    /// Those that rows of a day need.
    fn all_of(day: DateTime<Utc>, has_former_quarters: bool) -> impl Iterator<Item = Self> {
        let former = has_former_quarters.then(|| Self::of_former_quarters(day));
        std::iter::once(Self::of_ledger(day)).chain(former)
    }

    /// The ledger's day.
    fn of_ledger(day: DateTime<Utc>) -> Self {
        let (table, from) = ("ledger_segments", day.date_naive());
        let name = format!("{table}_{}", from.format("%Y%m%d"));
        Self { table, name, from, until: from + Days::new(1) }
    }

    /// The former table's month of quarters.
    fn of_former_quarters(day: DateTime<Utc>) -> Self {
        let table = "org_quarter_hourly_metrics";
        let from = day.date_naive().with_day(1).expect("every month has a first day");
        let name = format!("{table}_{}", from.format("%Y%m"));
        Self { table, name, from, until: from + Months::new(1) }
    }

    /// Makes the table on its own and then attaches it. Making it as a partition would lock its parent against the batches of
    /// other members.
    async fn make(&self, client: &mut Client) -> Result<(), Error> {
        let Self { table, name, from, until } = self;
        let transaction = client.transaction().await?;
        transaction.execute("select pg_advisory_xact_lock($1)", &[&TABLES_LOCK]).await?;
        let exists: bool = transaction.query_one("select to_regclass($1) is not null", &[name]).await?.get(0);
        if !exists {
            let make = format!("create table {name} (like {table} including all) with (fillfactor = 70)");
            let attach = format!(
                "alter table {table} attach partition {name} for values from ('{from} 00:00Z') to ('{until} 00:00Z')"
            );
            transaction.batch_execute(&make).await?;
            // Whoever migrates must own all of a table, and this role may only be a member of its owner. If it isn't even that,
            // attaching fails, and says so.
            let other = "select quote_ident(pg_get_userbyid(relowner)) from pg_class
                         where oid = to_regclass($1) and pg_get_userbyid(relowner) <> current_user
                           and pg_has_role(relowner, 'member')";
            if let Some(owner) = transaction.query_opt(other, &[table]).await? {
                let owner: &str = owner.get(0);
                transaction.batch_execute(&format!("alter table {name} owner to {owner}")).await?;
            }
            transaction.batch_execute(&attach).await?;
        }
        Ok(transaction.commit().await?)
    }
}
