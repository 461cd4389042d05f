//! Merging: many small segments of a page become one large. Fewer rows to read when the page is loaded, fewer bytes on
//! disk.
//!
//! Needs no claim: the page's set of fingerprints stays what it is. Whoever reads the page in one statement sees the
//! segments before or after; a batch that appends meanwhile appends; of two that merge at once the second finds the
//! rows gone.

use super::{Connection, Error};
use crate::ledger::filter::{FILTERED_MIN, Filter};
use crate::ledger::fingerprint_set::{from_stored, stored};
use chrono::{DateTime, Utc};
use domain::Counters;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Transaction};

/// Pages are merged from this many segments on: each fingerprint is then rewritten a few times at most.
const SEGMENTS_MIN: i64 = 8;
/// Bytes of fingerprints in one segment at most.
const SEGMENT_BYTES_MAX: usize = 16 << 20;
/// Pages merged in one round; the rest waits for the next.
const PAGES_MAX: i64 = 2_000;

/// Pages with many segments, of quarters that ended before `$1`. The sizes are read without the arrays.
const CANDIDATES: &str = "
select topic, kafka_partition, quarter, array_agg(until order by until)
from ledger_segments where quarter < $1 and octet_length(fingerprints) < $2
group by topic, kafka_partition, quarter having count(*) >= $3
order by quarter, topic, kafka_partition limit $4";

const TAKE: &str = "
delete from ledger_segments
where topic = $1 and kafka_partition = $2 and quarter = $3 and until = any($4)
returning until, layout, fingerprints";

/// A page's segments, by name.
struct QuietPage {
    topic: String,
    partition: i32,
    quarter: DateTime<Utc>,
    untils: Vec<i64>,
}

impl Connection {
    /// Merges the segments of pages whose quarter ended before `quiet`; says how many segments are gone.
    ///
    /// # Errors
    /// When PostgreSQL fails; the page is then as it was.
    pub async fn merge_pages(&mut self, quiet: DateTime<Utc>) -> Result<usize, Error> {
        let small = i32::try_from(SEGMENT_BYTES_MAX / 2).expect("a few megabytes");
        let candidates = self.client.query(CANDIDATES, &[&quiet, &small, &SEGMENTS_MIN, &PAGES_MAX]).await?;
        let mut gone = 0;
        for row in candidates {
            let page = QuietPage {
                topic: row.get(0),
                partition: row.get(1),
                quarter: row.get(2),
                untils: row.get(3),
            };
            let transaction = self.client.transaction().await?;
            gone += page.merge(&transaction).await?;
            transaction.commit().await?;
        }
        Ok(gone)
    }
}

impl QuietPage {
    /// Takes the segments out and puts one, or as few as the limit allows, in their place.
    async fn merge(&self, transaction: &Transaction<'_>) -> Result<usize, Error> {
        let Self { topic, partition, quarter, untils } = self;
        let sums = Counters::NAMES.map(|name| format!(", {name}")).concat();
        let mut taken =
            transaction.query(&format!("{TAKE}{sums}"), &[topic, partition, quarter, untils]).await?;
        let before = taken.len();
        taken.sort_unstable_by_key(|row| row.get::<_, i64>(0));
        let mut after = 0;
        let mut rest = &taken[..];
        while !rest.is_empty() {
            let (group, others) = rest.split_at(fitting(rest));
            self.put(transaction, group).await?;
            (rest, after) = (others, after + 1);
        }
        Ok(before - after)
    }

    /// One segment of the rows' fingerprints and sums, named as the last of them.
    async fn put(&self, transaction: &Transaction<'_>, rows: &[Row]) -> Result<(), Error> {
        let mut fingerprints: Vec<u64> = Vec::new();
        let mut sums = Counters::default();
        for row in rows {
            let odd = Error::Unexpected("a ledger segment whose length is no multiple of 8");
            fingerprints.extend(from_stored(row.get(2)).ok_or(odd)?);
            sums += &Counters::from_values(std::array::from_fn(|counter| row.get(3 + counter)));
        }
        let Some(last) = rows.last() else { return Ok(()) };
        let page = PageName { topic: &self.topic, partition: self.partition, quarter: self.quarter };
        put(transaction, &page, last.get(0), last.get(1), fingerprints, &sums).await
    }
}

/// A page, as the table names it.
pub(super) struct PageName<'a> {
    pub topic: &'a str,
    pub partition: i32,
    pub quarter: DateTime<Utc>,
}

/// Writes a segment of these fingerprints, with a filter if there are many: whoever wants to know whether they have another
/// then reads that instead of them all.
pub(super) async fn put(
    transaction: &Transaction<'_>,
    page: &PageName<'_>,
    until: i64,
    layout: i32,
    mut fingerprints: Vec<u64>,
    sums: &Counters,
) -> Result<(), Error> {
    fingerprints.sort_unstable();
    let bytes = stored(&fingerprints);
    let filter = (fingerprints.len() >= FILTERED_MIN).then(|| Filter::of(&fingerprints).stored());
    let sums = sums.values();
    let mut values: Vec<&(dyn ToSql + Sync)> =
        vec![&page.topic, &page.partition, &page.quarter, &until, &layout, &bytes, &filter];
    values.extend(sums.iter().map(|sum| sum as &(dyn ToSql + Sync)));
    let places = (1..=values.len()).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ");
    let names = Counters::NAMES.join(", ");
    let put = format!(
        "insert into ledger_segments (topic, kafka_partition, quarter, until, layout, fingerprints, filter, {names}) \
         values ({places})"
    );
    transaction.execute(&put, &values).await?;
    Ok(())
}

/// How many of the rows, at least one, fit into a segment together, being of one layout.
fn fitting(rows: &[Row]) -> usize {
    let layout: Option<i32> = rows.first().map(|row| row.get(1));
    let mut bytes = 0;
    let fits = |row: &&Row| {
        bytes += row.get::<_, &[u8]>(2).len();
        bytes <= SEGMENT_BYTES_MAX && Some(row.get(1)) == layout
    };
    rows.iter().take_while(fits).count().max(1)
}
