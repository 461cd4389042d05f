//! Double-entry bookkeeping, read in one snapshot: the sums in the ledger's segments, and the counters in the buckets.

use super::erasures::being_erased;
use super::fenced_transaction::seconds_or_min;
use super::{Error, OperatorConnection};
use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::{BucketSize, Counters};
use tokio_postgres::types::ToSql;
use tokio_postgres::{IsolationLevel, Row, Transaction};

/// One day of many organizations may take a while on a busy database.
const LIMITS: &str = "set local statement_timeout = '10min'";
/// Differences looked at for each day and pair of books; more than a person reads.
pub const DIFFERENCES_MAX: i64 = 1_000;

/// The books in one snapshot. Partitions of tables are read by their own names, so that the parents stay unlocked and
/// members can make and drop partitions meanwhile.
pub struct Books<'a> {
    pub(super) transaction: Transaction<'a>,
    /// The organizations that are being erased: their hours, days and parts go one after the other, so they are not compared.
    pub being_erased: Vec<String>,
}

/// How far the books reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The ledger's floor, in seconds since the Unix epoch. Pages below it may be gone.
    pub floor: i64,
    /// From when on hours know their quarters, in seconds since the Unix epoch.
    pub quarters_from: i64,
    /// The first and the last UTC day that may have entries; `None` if none has.
    pub days: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

/// Two books of the same counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pair {
    /// The ledger's segments, and the quarters of an hour of all organizations together.
    LedgerAndQuarters,
    /// The same with hours, where they don't know their quarters.
    LedgerAndHours,
    /// Hours added up, and days, by organization.
    HoursAndDays,
}

/// A bucket for which two books differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The bucket's organization; `None` for all organizations together.
    pub organization: Option<String>,
    /// Its start.
    pub bucket: DateTime<Utc>,
    /// In the first book.
    pub first: Counters,
    /// In the second.
    pub second: Counters,
}

impl OperatorConnection {
    /// Opens the books in a snapshot of now. Reads only, so a replica will do.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn books(&mut self) -> Result<Books<'_>, Error> {
        let begin = self.client.build_transaction().isolation_level(IsolationLevel::RepeatableRead);
        let transaction = begin.read_only(true).start().await?;
        transaction.batch_execute(LIMITS).await?;
        let being_erased = being_erased(&transaction).await?;
        Ok(Books { transaction, being_erased })
    }
}

impl Books<'_> {
    /// How far they reach.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn extent(&self) -> Result<Extent, Error> {
        let floor = self.transaction.query_one("select floor from ledger_floor", &[]).await?;
        let query = "
            select min(day), max(day) from (
                select to_date(right(c.relname::text, 8), 'YYYYMMDD') as day from pg_inherits i
                join pg_class c on c.oid = i.inhrelid where i.inhparent = 'ledger_segments'::regclass
                union all select (min(hour_bucket) at time zone 'UTC')::date from org_hourly_metrics
                union all select (max(hour_bucket) at time zone 'UTC')::date from org_hourly_metrics
                union all select (min(day_bucket) at time zone 'UTC')::date from org_daily_metrics
                union all select (max(day_bucket) at time zone 'UTC')::date from org_daily_metrics
            ) days";
        let days = self.transaction.query_one(query, &[]).await?;
        let day = |column| days.get::<_, Option<NaiveDate>>(column).map(midnight);
        let known = self.transaction.query_one("select since from quarters_known", &[]).await?;
        let (floor, quarters_from) = (seconds_or_min(&floor)?, seconds_or_min(&known)?);
        Ok(Extent { floor, quarters_from, days: day(0).zip(day(1)) })
    }

    /// The buckets for which two books differ in the UTC day that begins at `day`, at most [`DIFFERENCES_MAX`].
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn differences(&self, pair: Pair, day: DateTime<Utc>) -> Result<Vec<Difference>, Error> {
        let ledger = self.existing(&format!("ledger_segments_{}", day.format("%Y%m%d"))).await?;
        let ledger = of_ledger(ledger.as_deref());
        let (hours, quarters) = (BucketSize::Hour, BucketSize::Quarter);
        let (first, second) = match pair {
            Pair::LedgerAndQuarters => (of_all(&ledger, "quarter", "quarter"), of_all_stored(quarters)),
            Pair::LedgerAndHours => {
                (of_all(&ledger, "quarter", "date_bin('1 hour', quarter, 'epoch')"), of_all_stored(hours))
            }
            Pair::HoursAndDays => {
                let days = "date_bin('1 day', hour_bucket, 'epoch')";
                let (hour, day) = (BucketSize::Hour, BucketSize::Day);
                (of_each(hour.table(), hour.column(), days), of_each(day.table(), day.column(), day.column()))
            }
        };
        let until = day + Days::new(1);
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![&day, &until, &DIFFERENCES_MAX];
        match pair {
            Pair::LedgerAndQuarters | Pair::LedgerAndHours => {}
            Pair::HoursAndDays => values.push(&self.being_erased),
        }
        let rows = self.transaction.query(&compared(&first, &second), &values).await?;
        Ok(rows.iter().map(difference).collect())
    }

    /// The partition of a table, if it is there.
    async fn existing(&self, name: &str) -> Result<Option<String>, Error> {
        let row = self.transaction.query_one("select to_regclass($1)::text", &[&name]).await?;
        Ok(row.get(0))
    }
}

/// The ledger's sums: a day's segments, and the tails, which hold any day. What was erased is still in them, so it is taken off.
fn of_ledger(segments: Option<&str>) -> String {
    let names = Counters::NAMES.join(", ");
    let erased = Counters::NAMES.map(|name| format!("-{name}")).join(", ");
    let arrays = Counters::NAMES.map(|name| format!("t.{name}")).join(", ");
    let segments = segments.map(|table| format!("select quarter, {names} from {table} union all "));
    format!(
        "({}select u.* from ledger_tails t, unnest(t.quarters, {arrays}) as u (quarter, {names}) \
         where t.newest >= $1 union all select quarter, {erased} from erased_counters) as ledger",
        segments.unwrap_or_default()
    )
}

/// The counters of a book by bucket, of all organizations together.
fn of_all(table: &str, column: &str, bucket: &str) -> String {
    sums(table, "null::text", column, bucket)
}

/// The stored counters of one size, of all organizations together. A day has whole hours, by which its quarters are found.
fn of_all_stored(size: BucketSize) -> String {
    of_all(size.table(), BucketSize::Hour.column(), size.column())
}

/// The counters of a book by bucket, of each organization that is not in `$4`.
fn of_each(table: &str, column: &str, bucket: &str) -> String {
    let rows = format!("(select * from {table} where organization_id <> all($4::text[])) as rows");
    sums(&rows, "organization_id", column, bucket)
}

/// The counters of a book by organization and bucket, where a column is from `$1` until `$2`.
fn sums(table: &str, organization: &str, column: &str, bucket: &str) -> String {
    let sums = Counters::NAMES.map(|name| format!("sum({name})::bigint as {name}")).join(", ");
    format!(
        "select {organization} as organization, {bucket} as bucket, {sums} from {table} \
         where {column} >= $1 and {column} < $2 group by 1, 2"
    )
}

/// The buckets for which two books differ. A bucket that is missing in one of them counts as zeros.
fn compared(first: &str, second: &str) -> String {
    let of = |book: char| Counters::NAMES.map(|name| format!("coalesce({book}.{name}, 0)")).join(", ");
    let (a, b) = (of('a'), of('b'));
    format!(
        "select coalesce(a.organization, b.organization), coalesce(a.bucket, b.bucket), {a}, {b} \
         from ({first}) a full join ({second}) b \
         on a.bucket = b.bucket and coalesce(a.organization, '') = coalesce(b.organization, '') \
         where ({a}) is distinct from ({b}) and $1::timestamptz < $2::timestamptz order by 2, 1 limit $3"
    )
}

fn difference(row: &Row) -> Difference {
    let counters = |from: usize| Counters::from_values(std::array::from_fn(|place| row.get(from + place)));
    Difference {
        organization: row.get(0),
        bucket: row.get(1),
        first: counters(2),
        second: counters(2 + Counters::NAMES.len()),
    }
}

fn midnight(date: NaiveDate) -> DateTime<Utc> {
    date.and_time(chrono::NaiveTime::MIN).and_utc()
}
