//! What a member knows of a partition it holds. Pure.

use crate::record::Offset;
use chrono::{DateTime, Utc};

/// A partition that a member has claimed: how far it is counted, and through which instant it is therefore complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldPartition {
    /// The claim's number.
    pub epoch: i64,
    /// The layout that the claim was made under.
    pub layout: i32,
    /// The offset of the next record to count.
    pub next_offset: Offset,
    /// The offset of the next record when the partition was claimed.
    start: Offset,
    /// An instant, and where Kafka said that the partition ended then: the earliest end that is not counted up to yet.
    pending_end: Option<(DateTime<Utc>, Offset)>,
    /// The partition's end by Kafka's latest answer.
    latest_end: Option<Offset>,
}

impl HeldPartition {
    /// A partition just claimed.
    #[must_use]
    pub fn claimed(epoch: i64, layout: i32, next_offset: Offset) -> Self {
        Self { epoch, layout, next_offset, start: next_offset, pending_end: None, latest_end: None }
    }

    /// Notes that the partition ended at `end` at the instant `at`. An earlier end that is still pending stays: if each
    /// answer replaced it, a busy partition would never be known to be complete. An end before the claim's start is
    /// ignored: the partition doesn't have the records that were counted.
    pub fn ended_at(&mut self, at: DateTime<Utc>, end: Offset) {
        if end < self.start {
            return;
        }
        self.latest_end = Some(end);
        self.pending_end.get_or_insert((at, end));
    }

    /// The instant through which the partition is complete once everything before `until` is counted; `None` if nothing
    /// new is known.
    #[must_use]
    pub fn complete_through(&self, until: Offset) -> Option<DateTime<Utc>> {
        self.pending_end.filter(|(_, end)| *end <= until).map(|(at, _)| at)
    }

    /// Notes that everything before `until` is committed.
    pub fn committed(&mut self, until: Offset) {
        if self.complete_through(until).is_some() {
            self.pending_end = None;
        }
        self.next_offset = until;
    }

    /// How many records were not counted yet at Kafka's latest answer.
    #[must_use]
    pub fn lag(&self) -> Option<i64> {
        self.latest_end.map(|end| (end.0 - self.next_offset.0).max(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn a_partition_is_complete_through_an_answer_once_it_is_committed_to_its_end() {
        let mut held = HeldPartition::claimed(1, 1, Offset(10));
        held.ended_at(at(100), Offset(15));
        held.ended_at(at(101), Offset(20));
        assert_eq!(held.complete_through(Offset(14)), None);
        assert_eq!(held.complete_through(Offset(15)), Some(at(100)));
        held.committed(Offset(14));
        assert_eq!((held.next_offset, held.lag()), (Offset(14), Some(6)));
        held.committed(Offset(17));
        assert_eq!(
            held.complete_through(Offset(17)),
            None,
            "that end is reached, and the next is not known yet"
        );
        held.ended_at(at(102), Offset(17));
        assert_eq!(
            held.complete_through(Offset(17)),
            Some(at(102)),
            "an idle partition is complete without moving"
        );
    }

    #[test]
    fn an_end_before_the_start_is_ignored() {
        let mut held = HeldPartition::claimed(1, 0, Offset(1_000));
        held.ended_at(at(100), Offset(999));
        assert_eq!((held.complete_through(Offset(1_000)), held.lag()), (None, None));
        held.ended_at(at(101), Offset(1_000));
        assert_eq!(held.complete_through(Offset(1_000)), Some(at(101)));
    }
}
