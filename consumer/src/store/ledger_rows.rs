//! Rows of the ledger: columns of its two tables. Pure.

use crate::decide::changes::PartitionChanges;
use crate::ledger::fingerprint_set::stored;
use chrono::{DateTime, Utc};

/// Segments added to the ledger's pages.
#[derive(Default)]
#[allow(missing_docs)]
pub struct SegmentRows {
    pub topic: Vec<String>,
    pub partition: Vec<i32>,
    pub quarter: Vec<DateTime<Utc>>,
    pub until: Vec<i64>,
    pub layout: Vec<i32>,
    pub fingerprints: Vec<Vec<u8>>,
    pub sums: [Vec<i64>; 8],
}

/// A row added to a partition's tail. Its columns are arrays, with a value for each page.
#[derive(Default)]
#[allow(missing_docs)]
pub struct TailRow {
    pub topic: String,
    pub partition: i32,
    pub until: i64,
    pub layout: i32,
    pub newest: DateTime<Utc>,
    pub quarters: Vec<DateTime<Utc>>,
    pub lengths: Vec<i32>,
    pub fingerprints: Vec<u8>,
    pub sums: [Vec<i64>; 8],
}

/// Partitions whose tails are filed: their rows are deleted.
#[derive(Default)]
#[allow(missing_docs)]
pub struct FiledTails {
    pub topic: Vec<String>,
    pub partition: Vec<i32>,
}

impl SegmentRows {
    pub fn add(&mut self, changes: &PartitionChanges, topic: &str) {
        let mut segments: Vec<_> = changes.segments.iter().collect();
        segments.sort_unstable_by_key(|segment| segment.key);
        for segment in segments {
            self.topic.push(topic.to_owned());
            self.partition.push(changes.partition.number);
            self.quarter.push(segment.key.quarter.start());
            self.until.push(changes.span.until.0);
            self.layout.push(changes.layout);
            self.fingerprints.push(stored(&segment.fingerprints));
            self.sums.iter_mut().zip(segment.sums.values()).for_each(|(column, value)| column.push(value));
        }
    }
}

impl FiledTails {
    pub fn add(&mut self, changes: &PartitionChanges, topic: &str) {
        if changes.files_tail {
            self.topic.push(topic.to_owned());
            self.partition.push(changes.partition.number);
        }
    }
}

impl TailRow {
    /// The row; `None` if nothing goes to the tail.
    pub fn of(changes: &PartitionChanges, topic: &str) -> Option<Self> {
        let newest = changes.tail.iter().map(|segment| segment.key.quarter).max()?.start();
        let mut row = Self {
            topic: topic.to_owned(),
            partition: changes.partition.number,
            until: changes.span.until.0,
            layout: changes.layout,
            newest,
            ..Self::default()
        };
        for segment in &changes.tail {
            row.quarters.push(segment.key.quarter.start());
            let length = i32::try_from(segment.fingerprints.len());
            row.lengths.push(length.expect("a batch has fewer records than an i32 counts"));
            row.fingerprints.extend(stored(&segment.fingerprints));
            row.sums.iter_mut().zip(segment.sums.values()).for_each(|(column, value)| column.push(value));
        }
        Some(row)
    }
}
