//! What the pipeline knows of each partition it holds. Pure.

use crate::record::{Offset, Partition};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// A partition held: its claim, how far it is committed, and what that proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The claim's number.
    pub epoch: i64,
    /// The generation of partitions and keys that the claim was made under.
    pub layout: i32,
    /// The offset of the next record to count.
    pub next_offset: Offset,
    /// Where the claim found it.
    start: Offset,
    /// The earliest answer of Kafka's that is not reached yet.
    asked: Option<(DateTime<Utc>, Offset)>,
    /// The end at the latest answer.
    end: Option<Offset>,
}

impl Progress {
    /// A partition just claimed.
    #[must_use]
    pub fn claimed(epoch: i64, layout: i32, next_offset: Offset) -> Self {
        Self { epoch, layout, next_offset, start: next_offset, asked: None, end: None }
    }

    /// Takes note that the partition ended at `end` at the instant `at`. While an earlier answer is not reached, it
    /// stays the one to reach: otherwise a busy partition would never prove anything. An end before where the claim
    /// started proves nothing: what is there now isn't what was counted.
    pub fn ended_at(&mut self, at: DateTime<Utc>, end: Offset) {
        if end < self.start {
            return;
        }
        self.end = Some(end);
        self.asked.get_or_insert((at, end));
    }

    /// The instant through which everything is counted, once all before `until` is; `None` where that proves nothing
    /// new.
    #[must_use]
    pub fn complete_through(&self, until: Offset) -> Option<DateTime<Utc>> {
        self.asked.filter(|(_, end)| *end <= until).map(|(at, _)| at)
    }

    /// Takes note that all before `until` is committed.
    pub fn committed(&mut self, until: Offset) {
        if self.complete_through(until).is_some() {
            self.asked = None;
        }
        self.next_offset = until;
    }

    /// Records that Kafka has and that are not counted, as of the latest answer.
    #[must_use]
    pub fn lag(&self) -> Option<i64> {
        self.end.map(|end| (end.0 - self.next_offset.0).max(0))
    }
}

/// Where a partition stands in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredProgress {
    /// The latest claim's number.
    pub epoch: i64,
    /// The offset of the next record to count.
    pub next_offset: Option<Offset>,
}

/// The partitions held.
pub type Holding = BTreeMap<Partition, Progress>;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn an_answer_is_proof_once_its_end_is_committed() {
        let mut progress = Progress::claimed(1, 1, Offset(10));
        progress.ended_at(at(100), Offset(15));
        progress.ended_at(at(101), Offset(20));
        assert_eq!(progress.complete_through(Offset(14)), None);
        assert_eq!(progress.complete_through(Offset(15)), Some(at(100)));
        progress.committed(Offset(14));
        assert_eq!((progress.next_offset, progress.lag()), (Offset(14), Some(6)));
        progress.committed(Offset(17));
        assert_eq!(progress.complete_through(Offset(17)), None, "the answer was used, the next is awaited");
        progress.ended_at(at(102), Offset(17));
        assert_eq!(
            progress.complete_through(Offset(17)),
            Some(at(102)),
            "an idle partition proves without moving"
        );
    }

    #[test]
    fn an_end_before_the_start_proves_nothing() {
        let mut progress = Progress::claimed(1, 0, Offset(1_000));
        progress.ended_at(at(100), Offset(999));
        assert_eq!((progress.complete_through(Offset(1_000)), progress.lag()), (None, None));
        progress.ended_at(at(101), Offset(1_000));
        assert_eq!(progress.complete_through(Offset(1_000)), Some(at(101)));
    }
}
