//! Reading partitions' tails.

use super::pages::fingerprints;
use super::{Connection, Error};
use crate::ledger::segment::{PageKey, Segment};
use crate::record::Partition;
use chrono::{DateTime, Utc};
use domain::{Counters, Quarter};
use std::collections::HashMap;
use tokio_postgres::Row;

const WRONG_FORM: Error = Error::Unexpected("a row of a tail in another form");

impl Connection {
    /// The rows of partitions' tails, each as segments. They must be read after the partitions are claimed.
    ///
    /// # Errors
    /// When PostgreSQL fails, or a row is not of the form that is written.
    pub async fn tails(
        &mut self,
        partitions: &[Partition],
    ) -> Result<HashMap<Partition, Vec<Vec<Segment>>>, Error> {
        let topics: Vec<&str> = partitions.iter().map(|partition| self.topics.of(partition.topic)).collect();
        let numbers: Vec<i32> = partitions.iter().map(|partition| partition.number).collect();
        let query = format!(
            "select topic, kafka_partition, quarters, lengths, fingerprints, {} from ledger_tails \
             join unnest($1::text[], $2::integer[]) as w (topic, kafka_partition) using (topic, kafka_partition)",
            Counters::NAMES.join(", ")
        );
        let mut tails: HashMap<Partition, Vec<Vec<Segment>>> = HashMap::new();
        for row in self.client.query(&query, &[&topics, &numbers]).await? {
            let topic = self.topics.topic(row.get(0)).ok_or(WRONG_FORM)?;
            let partition = Partition { topic, number: row.get(1) };
            tails.entry(partition).or_default().push(segments(partition, &row)?);
        }
        Ok(tails)
    }
}

fn segments(partition: Partition, row: &Row) -> Result<Vec<Segment>, Error> {
    let segment =
        |(quarter, fingerprints, sums)| Segment { key: PageKey { partition, quarter }, fingerprints, sums };
    Ok(pages_of(row, 2)?.into_iter().map(segment).collect())
}

/// A row of a tail, page by page: the quarter, its fingerprints, and what they added to the counters. Column `first` is
/// `quarters`; `lengths`, `fingerprints` and the counters follow.
pub(super) fn pages_of(row: &Row, first: usize) -> Result<Vec<(Quarter, Vec<u64>, Counters)>, Error> {
    let quarters: Vec<DateTime<Utc>> = row.get(first);
    let lengths: Vec<i32> = row.get(first + 1);
    let mut stored = fingerprints(row.get(first + 2))?;
    let sums: [Vec<i64>; 8] = std::array::from_fn(|counter| row.get(first + 3 + counter));
    let mut pages = Vec::with_capacity(quarters.len());
    for (place, (quarter, length)) in quarters.iter().zip(&lengths).enumerate() {
        let length = usize::try_from(*length).map_err(|_| WRONG_FORM)?;
        let quarter = Quarter::of_second(quarter.timestamp()).ok_or(WRONG_FORM)?;
        let fingerprints: Vec<u64> = stored.by_ref().take(length).collect();
        let complete = fingerprints.len() == length && sums.iter().all(|column| place < column.len());
        if !complete {
            return Err(WRONG_FORM);
        }
        let sums = Counters::from_values(sums.each_ref().map(|column| column[place]));
        pages.push((quarter, fingerprints, sums));
    }
    if stored.next().is_some() || quarters.len() != lengths.len() { Err(WRONG_FORM) } else { Ok(pages) }
}
