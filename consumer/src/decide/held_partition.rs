//! What a member knows of a partition it holds. Pure.

use crate::record::Offset;
use crate::record::layouts::Reading;
use chrono::{DateTime, Utc};

/// A partition that a member has claimed: how far it is counted, and through which instant it is therefore complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldPartition {
    /// The claim's number.
    pub epoch: i64,
    /// The layout that the claim was made under.
    pub reading: Reading,
    /// The offset of the next record to count.
    pub next_offset: Offset,
    /// The offset of the next record when the partition was claimed.
    start: Offset,
    /// Kafka's oldest answer that counting has not reached: when it was asked, and the partition's end then.
    pending_end: Option<(DateTime<Utc>, Offset)>,
}

impl HeldPartition {
    /// A partition just claimed.
    #[must_use]
    pub fn claimed(epoch: i64, reading: Reading, next_offset: Offset) -> Self {
        Self { epoch, reading, next_offset, start: next_offset, pending_end: None }
    }

    /// Notes that the partition ended at `end` at the instant `at`: that is what the brokers had acknowledged, readable or
    /// not. An earlier end that is still pending stays: if each
    /// answer replaced it, a busy partition would never be known to be complete. An end before the claim's start is
    /// ignored: the partition doesn't have the records that were counted.
    pub fn ended_at(&mut self, at: DateTime<Utc>, end: Offset) {
        if self.start <= end {
            self.pending_end.get_or_insert((at, end));
        }
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn a_partition_is_complete_through_an_answer_once_it_is_committed_to_its_end() {
        let mut held = HeldPartition::claimed(1, Reading::ONLY, Offset(10));
        held.ended_at(at(100), Offset(15));
        held.ended_at(at(101), Offset(20));
        assert_eq!(held.complete_through(Offset(14)), None);
        assert_eq!(held.complete_through(Offset(15)), Some(at(100)));
        held.committed(Offset(14));
        assert_eq!(held.next_offset, Offset(14));
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
    fn records_behind_an_open_transaction_are_acknowledged_and_keep_the_partition_incomplete() {
        let mut held = HeldPartition::claimed(1, Reading::ONLY, Offset(10));
        held.ended_at(at(100), Offset(30));
        // What can be read ends at offset 15.
        held.committed(Offset(15));
        held.ended_at(at(130), Offset(40));
        assert_eq!(held.complete_through(Offset(15)), None);
        held.committed(Offset(40));
        assert_eq!(held.complete_through(Offset(40)), None, "that end is used up");
    }

    #[test]
    fn an_end_before_the_start_is_ignored() {
        let mut held = HeldPartition::claimed(1, Reading::ONLY, Offset(1_000));
        held.ended_at(at(100), Offset(999));
        assert_eq!(held.complete_through(Offset(1_000)), None);
        held.ended_at(at(101), Offset(1_000));
        assert_eq!(held.complete_through(Offset(1_000)), Some(at(101)));
    }
}
