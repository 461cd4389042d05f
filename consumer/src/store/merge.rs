//! Merging: many small segments of a page become one large segment. Then a page has fewer rows to read, and takes fewer
//! bytes on disk.
//!
//! It needs no claim, because it doesn't change which fingerprints the page has. A statement that reads the page sees the
//! segments before or after. A batch may add a segment meanwhile. If two members merge a page at once, the second finds no
//! rows to delete.

use super::{Connection, Error};
use crate::ledger::filter::{FILTERED_MIN, Filter};
use crate::ledger::fingerprint_set::{from_stored, stored};
use chrono::{DateTime, Utc};
use domain::Counters;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Transaction};

/// Pages of fewer segments are left alone, so that a fingerprint is rewritten a few times at most.
const SEGMENTS_MIN: i64 = 8;
/// Most bytes of fingerprints in one segment.
const SEGMENT_BYTES_MAX: usize = 16 << 20;
/// Most segments written by one statement.
const WRITTEN_MAX: usize = 2_000;
/// Most pages merged in one round; the others wait for the next.
const PAGES_MAX: i64 = 2_000;

/// Pages with many segments, of quarters that began before `$1`. `octet_length` doesn't read the arrays.
const CANDIDATES: &str = "
select topic, kafka_partition, quarter, array_agg(until order by until)
from ledger_segments where quarter < $1 and octet_length(fingerprints) < $2
group by topic, kafka_partition, quarter having count(*) >= $3
order by quarter, topic, kafka_partition limit $4";

const TAKE: &str = "
delete from ledger_segments
where topic = $1 and kafka_partition = $2 and quarter = $3 and until = any($4)
returning until, layout, fingerprints";

/// A page that batches have stopped adding to, and its segments' names.
struct QuietPage {
    topic: String,
    partition: i32,
    quarter: DateTime<Utc>,
    untils: Vec<i64>,
}

impl Connection {
    /// Merges the segments of pages whose quarter began before `quiet`; returns how many fewer there are.
    ///
    /// # Errors
    /// When PostgreSQL fails; the page is then as it was.
    pub async fn merge_pages(&mut self, quiet: DateTime<Utc>) -> Result<usize, Error> {
        let small = i32::try_from(SEGMENT_BYTES_MAX / 2).expect("a few megabytes");
        let candidates = self.client.query(CANDIDATES, &[&quiet, &small, &SEGMENTS_MIN, &PAGES_MAX]).await?;
        let mut merged = 0;
        for row in candidates {
            let page = QuietPage {
                topic: row.get(0),
                partition: row.get(1),
                quarter: row.get(2),
                untils: row.get(3),
            };
            let transaction = self.client.transaction().await?;
            merged += page.merge(&transaction).await?;
            transaction.commit().await?;
        }
        Ok(merged)
    }
}

impl QuietPage {
    /// Replaces the segments by one, or by as few as the limit of a segment's size allows.
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
            self.merge_into_one(transaction, group).await?;
            (rest, after) = (others, after + 1);
        }
        Ok(before - after)
    }

    /// Writes one segment of the rows' fingerprints and sums. It has the name of the last of them.
    async fn merge_into_one(&self, transaction: &Transaction<'_>, rows: &[Row]) -> Result<(), Error> {
        let mut fingerprints: Vec<u64> = Vec::new();
        let mut sums = Counters::default();
        for row in rows {
            let odd = Error::Unexpected("a ledger segment whose length is no multiple of 8");
            fingerprints.extend(from_stored(row.get(2)).ok_or(odd)?);
            sums += &Counters::from_values(std::array::from_fn(|counter| row.get(3 + counter)));
        }
        let Some(last) = rows.last() else { return Ok(()) };
        let segment = MergedSegment {
            topic: &self.topic,
            partition: self.partition,
            quarter: self.quarter,
            until: last.get(0),
            layout: last.get(1),
            fingerprints,
            sums,
        };
        MergedSegment::write(vec![segment], transaction).await
    }
}

/// A segment of several batches' fingerprints, in any order.
pub(super) struct MergedSegment<'a> {
    pub topic: &'a str,
    pub partition: i32,
    pub quarter: DateTime<Utc>,
    pub until: i64,
    pub layout: i32,
    pub fingerprints: Vec<u64>,
    pub sums: Counters,
}

impl MergedSegment<'_> {
    /// Writes segments, many by one statement. A large one gets a filter, which members can read instead of the fingerprints.
    pub async fn write(segments: Vec<Self>, transaction: &Transaction<'_>) -> Result<(), Error> {
        let sums = (8..).zip(Counters::NAMES).map(|(n, _)| format!(", ${n}::bigint[]")).collect::<String>();
        let names = Counters::NAMES.join(", ");
        let insert = format!(
            "insert into ledger_segments (topic, kafka_partition, quarter, until, layout, fingerprints, filter, {names}) \
             select * from unnest($1::text[], $2::integer[], $3::timestamptz[], $4::bigint[], $5::integer[], $6::bytea[], \
             $7::bytea[]{sums})"
        );
        let insert = transaction.prepare(&insert).await?;
        let mut segments = segments.into_iter().peekable();
        while segments.peek().is_some() {
            let mut rows = Columns::default();
            while let Some(segment) = segments.next_if(|_| rows.has_room()) {
                rows.add(segment);
            }
            let Columns { topic, partition, quarter, until, layout, fingerprints, filter, sums, .. } = &rows;
            let mut values: Vec<&(dyn ToSql + Sync)> =
                vec![topic, partition, quarter, until, layout, fingerprints, filter];
            values.extend(sums.iter().map(|column| column as &(dyn ToSql + Sync)));
            transaction.execute(&insert, &values).await?;
        }
        Ok(())
    }
}

/// Segments, as columns.
#[derive(Default)]
struct Columns<'a> {
    topic: Vec<&'a str>,
    partition: Vec<i32>,
    quarter: Vec<DateTime<Utc>>,
    until: Vec<i64>,
    layout: Vec<i32>,
    fingerprints: Vec<Vec<u8>>,
    filter: Vec<Option<Vec<u8>>>,
    sums: [Vec<i64>; Counters::NAMES.len()],
    bytes: usize,
}

impl<'a> Columns<'a> {
    /// Whether one statement should have more of them.
    fn has_room(&self) -> bool {
        self.bytes < SEGMENT_BYTES_MAX && self.topic.len() < WRITTEN_MAX
    }

    fn add(&mut self, mut segment: MergedSegment<'a>) {
        segment.fingerprints.sort_unstable();
        let bytes = stored(&segment.fingerprints);
        let has_filter = segment.fingerprints.len() >= FILTERED_MIN;
        self.bytes += bytes.len();
        self.topic.push(segment.topic);
        self.partition.push(segment.partition);
        self.quarter.push(segment.quarter);
        self.until.push(segment.until);
        self.layout.push(segment.layout);
        self.fingerprints.push(bytes);
        self.filter.push(has_filter.then(|| Filter::of(&segment.fingerprints).stored()));
        self.sums.iter_mut().zip(segment.sums.values()).for_each(|(column, sum)| column.push(sum));
    }
}

/// How many rows from the first on fit into one segment: at least one, and all of one layout.
fn fitting(rows: &[Row]) -> usize {
    let layout: Option<i32> = rows.first().map(|row| row.get(1));
    let mut bytes = 0;
    let fits = |row: &&Row| {
        bytes += row.get::<_, &[u8]>(2).len();
        bytes <= SEGMENT_BYTES_MAX && Some(row.get(1)) == layout
    };
    rows.iter().take_while(fits).count().max(1)
}
