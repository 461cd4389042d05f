//! The tables in one snapshot, row by row in the order of their keys: what `consumer recount` compares the log with.

use super::fenced_transaction::seconds_or_min;
use super::{Error, OperatorConnection};
use crate::record::place::Place;
use crate::record::{Offset, Span};
use domain::{BucketSize, Counters};
use std::cmp::Ordering;
use std::collections::{HashMap, VecDeque};
use tokio_postgres::types::ToSql;
use tokio_postgres::{GenericClient, IsolationLevel, Portal, Row, Transaction};

/// A cursor's row may wait for the log's, and a day of many organizations for a busy database.
const LIMITS: &str =
    "set local statement_timeout = '10min'; set local idle_in_transaction_session_timeout = 0";
/// Rows read at once.
const ROWS_AT_ONCE: i32 = 5_000;

/// The tables in a snapshot. Partitions of tables are read by their own names, so that the parents stay unlocked.
pub struct TablesSnapshot<'a> {
    pub(super) transaction: Transaction<'a>,
}

/// Where a partition stands that was read at least once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which partition.
    pub place: Place,
    /// The offset of the next record to count.
    pub next_offset: Offset,
    /// Kafka's id of the topic, if known.
    pub topic_id: Option<String>,
}

/// Which rows are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowFilter {
    /// Only this organization's.
    pub organization: Option<String>,
    /// Only buckets that begin at this second since the Unix epoch or later.
    pub from: Option<i64>,
    /// Only buckets that begin before this second.
    pub to: Option<i64>,
    /// None of these organizations.
    pub except: Vec<String>,
}

/// A bucket's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricRow {
    /// The organization.
    pub organization: String,
    /// The bucket's start, in seconds since the Unix epoch.
    pub start: i64,
    /// The counters.
    pub values: [i64; Counters::NAMES.len()],
}

/// A workflow's hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowRow {
    /// The organization.
    pub organization: String,
    /// The workflow.
    pub workflow: String,
    /// The hour's start, in seconds since the Unix epoch.
    pub start: i64,
    /// Runs, failed, failed by the safety limit, execution time in milliseconds.
    pub values: [i64; 4],
    /// The workflow's name.
    pub name: String,
    /// The histogram, in full.
    pub durations: String,
}

/// An organization's name and plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationRow {
    /// The organization.
    pub organization: String,
    /// Its name, its plan's id, its plan's name.
    pub state: [String; 3],
    /// The update's id.
    pub event_id: String,
    /// The update's time, in microseconds since the Unix epoch.
    pub as_of_micros: i64,
    /// Nanoseconds beyond them.
    pub as_of_nanos: i16,
}

/// Rows being read.
pub struct Cursor<T> {
    portal: Option<Portal>,
    parse: fn(&Row) -> T,
    rows: VecDeque<T>,
}

impl OperatorConnection {
    /// The tables in a snapshot of now.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn tables(&mut self) -> Result<TablesSnapshot<'_>, Error> {
        let begin = self.client.build_transaction().isolation_level(IsolationLevel::RepeatableRead);
        let transaction = begin.read_only(true).start().await?;
        transaction.batch_execute(LIMITS).await?;
        Ok(TablesSnapshot { transaction })
    }

    /// Where the partitions of these topics stand now.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn standing(&self, topics: &[&str]) -> Result<Vec<Standing>, Error> {
        standing(&self.client, topics).await
    }

    /// How far the ledger has seen each partition of these topics: one that was set back has counted more than its progress says.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn seen_by_the_ledger(&self, topics: &[&str]) -> Result<HashMap<Place, Offset>, Error> {
        let query = "select topic, kafka_partition, max(until) from (
                select topic, kafka_partition, until from ledger_segments where topic = any($1)
                union all select topic, kafka_partition, until from ledger_tails where topic = any($1)
            ) seen group by 1, 2";
        let row = |row: &Row| (Place { topic: row.get(0), partition: row.get(1) }, Offset(row.get(2)));
        Ok(self.client.query(query, &[&topics]).await?.iter().map(row).collect())
    }

    /// The ledger's floor, in seconds since the Unix epoch.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn floor_or_min(&self) -> Result<i64, Error> {
        seconds_or_min(&self.client.query_one("select floor from ledger_floor", &[]).await?)
    }

    /// The offsets in a span of a partition whose records the tables have as refused for a reason that the record alone doesn't show:
    /// the clock, or PostgreSQL. Ascending.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn refused_beyond_the_contract(
        &self,
        place: &Place,
        topic_id: Option<&str>,
        span: Span,
    ) -> Result<Vec<Span>, Error> {
        const QUERY: &str = "
            with refused as (
                select int8range(kafka_offset, kafka_offset + 1) as offsets from dead_letters
                where topic = $1 and kafka_partition = $2 and (topic_id in ($3, '') or $3 = '')
                  and kafka_offset >= $4 and kafka_offset < $5 and reason in ('from_the_future', 'too_old', 'unstorable')
                union all
                select o from dead_letter_runs r, unnest(r.offsets) o
                where r.topic = $1 and r.kafka_partition = $2 and (r.topic_id in ($3, '') or $3 = '')
                  and r.offsets && int8range($4, $5) and r.reason in ('from_the_future', 'too_old', 'unstorable')
            )
            select lower(o), upper(o) from unnest((select range_agg(offsets) from refused)) o order by 1";
        let topic_id = topic_id.unwrap_or_default();
        let values: [&(dyn ToSql + Sync); 5] =
            [&place.topic, &place.partition, &topic_id, &span.from.0, &span.until.0];
        let rows = self.client.query(QUERY, &values).await?;
        Ok(rows.iter().map(|row| Span { from: Offset(row.get(0)), until: Offset(row.get(1)) }).collect())
    }
}

impl TablesSnapshot<'_> {
    /// Where the partitions of these topics stand.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn standing(&self, topics: &[&str]) -> Result<Vec<Standing>, Error> {
        standing(&self.transaction, topics).await
    }

    /// The ledger's floor, in seconds since the Unix epoch.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn floor(&self) -> Result<i64, Error> {
        seconds_or_min(&self.transaction.query_one("select floor from ledger_floor", &[]).await?)
    }

    /// The second since the Unix epoch from which on hours know their quarters.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn quarters_from(&self) -> Result<i64, Error> {
        seconds_or_min(&self.transaction.query_one("select since from quarters_known", &[]).await?)
    }

    /// The rows of the counters of one size, by organization and bucket. Quarters of zeros are left out.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn metrics(&self, size: BucketSize, filter: &RowFilter) -> Result<Cursor<MetricRow>, Error> {
        let (table, bucket, names) = (size.table(), size.column(), Counters::NAMES.join(", "));
        let nothing = Counters::NAMES.map(|_| "0").join(", ");
        let more = match size {
            BucketSize::Quarter => format!(" and ({names}) <> ({nothing})"),
            BucketSize::Hour | BucketSize::Day => String::new(),
        };
        let query = format!(
            "select organization_id, extract(epoch from {bucket})::bigint, {names} from {table} \
             where {}{more} order by 1, {bucket}",
            filtered(bucket)
        );
        self.open(&query, &filter.values(), metric_row).await
    }

    /// The workflows' hours, by organization, workflow and hour.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn workflows(&self, filter: &RowFilter) -> Result<Cursor<WorkflowRow>, Error> {
        let query = format!(
            "select organization_id, workflow_id, extract(epoch from hour_bucket)::bigint, runs, failed, \
             failed_safety_limit, total_execution_time_ms, workflow_name, durations::text \
             from workflow_hourly_metrics where {} order by 1, 2, hour_bucket",
            filtered("hour_bucket")
        );
        self.open(&query, &filter.values(), workflow_row).await
    }

    /// The organizations, by id, whatever times are chosen.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn organizations(&self, filter: &RowFilter) -> Result<Cursor<OrganizationRow>, Error> {
        let query = "select organization_id, name, plan_id, plan_name, event_id, \
                     (extract(epoch from as_of) * 1000000)::bigint, as_of_nanos from organizations \
                     where ($1::text is null or organization_id = $1) and organization_id <> all($2::text[]) order by 1";
        self.open(query, &[&filter.organization, &filter.except], organization_row).await
    }

    pub(super) async fn open<T>(
        &self,
        query: &str,
        values: &[&(dyn ToSql + Sync)],
        parse: fn(&Row) -> T,
    ) -> Result<Cursor<T>, Error> {
        let portal = self.transaction.bind(query, values).await?;
        Ok(Cursor { portal: Some(portal), parse, rows: VecDeque::new() })
    }
}

pub(super) async fn standing(client: &impl GenericClient, topics: &[&str]) -> Result<Vec<Standing>, Error> {
    let query = "select topic, kafka_partition, next_offset, topic_id from consumer_progress \
                 where topic = any($1) and next_offset is not null order by 1, 2";
    let row = |row: &Row| Standing {
        place: Place { topic: row.get(0), partition: row.get(1) },
        next_offset: Offset(row.get(2)),
        topic_id: row.get(3),
    };
    Ok(client.query(query, &[&topics]).await?.iter().map(row).collect())
}

impl RowFilter {
    /// The values of `$1` to `$4` of [`filtered`].
    pub(super) fn values(&self) -> [&(dyn ToSql + Sync); 4] {
        [&self.organization, &self.from, &self.to, &self.except]
    }
}

/// The rows that a [`RowFilter`] selects, as `$1` to `$4`.
pub(super) fn filtered(bucket: &str) -> String {
    format!(
        "($1::text is null or organization_id = $1) and ($2::bigint is null or {bucket} >= to_timestamp($2)) \
         and ($3::bigint is null or {bucket} < to_timestamp($3)) and organization_id <> all($4::text[])"
    )
}

impl<T> Cursor<T> {
    /// Takes the row of this place, if there is one. Rows that come before it go to `before`.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn find(
        &mut self,
        snapshot: &TablesSnapshot<'_>,
        place: impl Fn(&T) -> Ordering,
        mut before: impl FnMut(T),
    ) -> Result<Option<T>, Error> {
        while let Some(order) = self.peek(snapshot).await?.map(&place) {
            match order {
                Ordering::Less => self.rows.pop_front().into_iter().for_each(&mut before),
                Ordering::Equal => return Ok(self.rows.pop_front()),
                Ordering::Greater => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Takes all rows that are left.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn take_rest(
        &mut self,
        snapshot: &TablesSnapshot<'_>,
        rest: impl FnMut(T),
    ) -> Result<(), Error> {
        self.find(snapshot, |_| Ordering::Less, rest).await.map(drop)
    }

    /// The next row; `None` at the end.
    async fn peek(&mut self, snapshot: &TablesSnapshot<'_>) -> Result<Option<&T>, Error> {
        if self.rows.is_empty()
            && let Some(portal) = &self.portal
        {
            let rows = snapshot.transaction.query_portal(portal, ROWS_AT_ONCE).await?;
            self.rows.extend(rows.iter().map(self.parse));
            if self.rows.is_empty() {
                self.portal = None;
            }
        }
        Ok(self.rows.front())
    }
}

fn metric_row(row: &Row) -> MetricRow {
    MetricRow {
        organization: row.get(0),
        start: row.get(1),
        values: std::array::from_fn(|place| row.get(2 + place)),
    }
}

fn workflow_row(row: &Row) -> WorkflowRow {
    WorkflowRow {
        organization: row.get(0),
        workflow: row.get(1),
        start: row.get(2),
        values: std::array::from_fn(|place| row.get(3 + place)),
        name: row.get(7),
        durations: row.get(8),
    }
}

fn organization_row(row: &Row) -> OrganizationRow {
    OrganizationRow {
        organization: row.get(0),
        state: std::array::from_fn(|place| row.get(1 + place)),
        event_id: row.get(4),
        as_of_micros: row.get(5),
        as_of_nanos: row.get(6),
    }
}
