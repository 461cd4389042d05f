//! How a topic's progress in the database stands to its log in Kafka. Pure.

use super::check::Check;
use super::finding::Finding;
use super::log::Log;
use crate::record::Offset;
use crate::record::layouts::Layouts;
use crate::source::breaks;
use crate::store::ProgressRow;
use chrono::{DateTime, Utc};
use std::time::Duration;

/// Partitions that a finding names; of more it says how many.
const NAMED_MAX: usize = 3;

/// A topic in Kafka and in the database.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// Kafka's id of the topic; empty where it isn't known.
    pub id: &'a str,
    /// Its log.
    pub log: &'a Log,
    /// The progress of its partitions.
    pub rows: &'a [&'a ProgressRow],
    /// Its layouts.
    pub layouts: &'a Layouts,
    /// The database's time when the progress was read.
    pub now: DateTime<Utc>,
    /// How long a partition with records to count may stand still; `None` while the group has no members.
    pub still_max: Option<Duration>,
}

/// How the topic stands. Of a topic that was made anew nothing else is said: its offsets are others.
pub fn judge(standing: &Standing<'_>) -> Vec<Finding> {
    let ids = standing.rows.iter().filter_map(|row| row.topic_id.as_deref()).filter(|id| !id.is_empty());
    let other = ids.filter(|id| !standing.id.is_empty() && *id != standing.id).min();
    if let Some(other) = other {
        let seen = format!("was deleted and made anew: its id was {other}, now it is {}", standing.id);
        return vec![Finding::bad(Check::TopicIdentity, seen)];
    }
    vec![
        Finding::ok(Check::TopicIdentity, "is the one that was counted"),
        standing.partitions(),
        standing.deleted(),
        standing.beyond(),
        standing.still(),
    ]
}

impl Standing<'_> {
    /// The topic has the partitions that were counted, or more because its layout was changed.
    fn partitions(&self) -> Finding {
        let has = self.log.partitions();
        let counted = self.rows.iter().map(|row| row.place.partition + 1).max().unwrap_or(0);
        let before = self.layouts.partitions(self.layouts.present() - 1);
        // Members have not claimed yet what the last change has added.
        let is_explained = before.is_some_and(|before| counted <= before);
        let is_well = has == counted || counted == 0 || (counted < has && is_explained);
        let seen = match counted {
            0 => format!("{has} partitions, none read yet"),
            _ if is_well => format!("{has} partitions, {counted} of them read"),
            _ if has < counted => format!("{has} partitions, and the database has counted {counted}"),
            _ => format!("{has} partitions, of which the database knows {counted}, and no layout has ended"),
        };
        Finding::of(Check::TopicPartitions, is_well, seen)
    }

    fn deleted(&self) -> Finding {
        let gone = self.where_next(|row, next| breaks::deleted(next, *self.log.earliest.get(&row.place)?));
        of_partitions(Check::ProgressDeleted, &gone, "no record was deleted before it was counted")
    }

    fn beyond(&self) -> Finding {
        let beyond =
            self.where_next(|row, next| breaks::beyond(next, *self.log.acknowledged.get(&row.place)?));
        of_partitions(Check::ProgressBeyond, &beyond, "every partition goes on within its log")
    }

    /// Partitions that don't move though they could. Stopped ones that other checks name are not among them.
    fn still(&self) -> Finding {
        let Some(still_max) = self.still_max else {
            return Finding::ok(Check::PartitionStill, "no member counts now");
        };
        let still = self.where_next(|row, next| {
            let (first, end) = (self.log.earliest.get(&row.place)?, self.log.readable.get(&row.place)?);
            let waits = first.0 <= next.0 && next < *end;
            let still_for = (self.now - row.updated_at).to_std().unwrap_or_default();
            let owner = row.owner.as_deref().unwrap_or("nobody");
            (waits && still_max < still_for).then(|| {
                format!(
                    "has {} records to count and has not moved for {} s; its owner is {owner}",
                    end.0 - next.0,
                    still_for.as_secs()
                )
            })
        });
        of_partitions(Check::PartitionStill, &still, "every partition with records to count moves")
    }

    /// What is said of partitions that have been read, each with its number in front.
    fn where_next(&self, say: impl Fn(&ProgressRow, Offset) -> Option<String>) -> Vec<String> {
        let of = |row: &&ProgressRow| {
            let said = say(row, row.next_offset?)?;
            Some(format!("partition {}: {said}", row.place.partition))
        };
        self.rows.iter().filter_map(of).collect()
    }
}

fn of_partitions(check: Check, wrong: &[String], well: &str) -> Finding {
    if wrong.is_empty() {
        return Finding::ok(check, well);
    }
    let named = wrong.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join("; ");
    let more = wrong.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!("; and {more} more partitions") } else { String::new() };
    Finding::bad(check, format!("{named}{more}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::doctor::finding::codes_of_bad;
    use crate::record::place::Place;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    fn place(partition: i32) -> Place {
        Place { topic: "t".into(), partition }
    }

    fn row(partition: i32, next: i64, updated: i64) -> ProgressRow {
        ProgressRow {
            place: place(partition),
            epoch: 1,
            next_offset: Some(Offset(next)),
            complete_through: None,
            misplaced: 0,
            misplaced_at: None,
            topic_id: Some("id".into()),
            owner: Some("m:1".into()),
            claimed_at: None,
            updated_at: at(updated),
        }
    }

    /// A log of so many partitions, each with the records 10 to 99.
    fn log(partitions: i32) -> Log {
        let all = |offset| (0..partitions).map(|n| (place(n), Offset(offset))).collect();
        Log {
            places: (0..partitions).map(place).collect(),
            copies: Some(3),
            earliest: all(10),
            readable: all(100),
            acknowledged: all(100),
        }
    }

    fn bad(
        rows: &[ProgressRow],
        partitions: i32,
        id: &str,
        layouts: &Layouts,
        members: bool,
    ) -> Vec<&'static str> {
        let (rows, log) = (rows.iter().collect::<Vec<_>>(), log(partitions));
        let still_max = members.then_some(Duration::from_secs(60));
        let standing = Standing { id, log: &log, rows: &rows, layouts, now: at(100), still_max };
        codes_of_bad(&judge(&standing))
    }

    #[test]
    fn progress_and_log_are_compared() {
        let check = |rows: &[ProgressRow], members, expected: &[&str]| {
            assert_eq!(bad(rows, 2, "id", &Layouts::default(), members), expected, "{rows:?}");
        };
        check(&[], true, &[]);
        check(&[row(0, 100, 0), row(1, 10, 99)], true, &[]);
        check(&[row(0, 9, 0), row(1, 100, 0)], true, &["progress-deleted"]);
        check(&[row(0, 101, 0), row(1, 100, 0)], true, &["progress-beyond"]);
        check(&[row(0, 99, 39), row(1, 100, 0)], true, &["partition-still"]);
        check(&[row(0, 99, 40), row(1, 100, 0)], true, &[]);
        check(&[row(0, 99, 0), row(1, 100, 0)], false, &[]);
        let never = ProgressRow { next_offset: None, ..row(0, 0, 0) };
        check(&[never, row(1, 100, 0)], true, &[]);
    }

    #[test]
    fn a_topic_made_anew_is_told_as_that_alone() {
        let rows = [row(0, 500, 0), row(1, 0, 0)];
        assert_eq!(bad(&rows, 2, "other", &Layouts::default(), true), ["topic-identity"]);
        assert_eq!(bad(&rows, 2, "", &Layouts::default(), true), ["progress-deleted", "progress-beyond"]);
    }

    #[test]
    fn partitions_that_no_change_of_layout_has_added_are_a_fault() {
        let rows = |count: i32| (0..count).map(|n| row(n, 100, 0)).collect::<Vec<_>>();
        let mut changed = Layouts::default();
        (0..2).for_each(|partition| changed.add_end(1, partition, Offset(50)));
        let check = |counted, has, layouts: &Layouts, expected: &[&str]| {
            assert_eq!(bad(&rows(counted), has, "id", layouts, true), expected, "{has} of {counted}");
        };
        check(0, 4, &Layouts::default(), &[]);
        check(2, 4, &Layouts::default(), &["topic-partitions"]);
        check(2, 1, &Layouts::default(), &["topic-partitions"]);
        check(2, 4, &changed, &[]);
        check(4, 4, &changed, &[]);
        check(4, 6, &changed, &["topic-partitions"]);
    }
}
