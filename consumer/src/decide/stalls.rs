//! Which partitions stand still though there is something to count. Pure; the instant is an argument.

use crate::record::{Offset, Partition};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Where a partition stands that is this member's to count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Position {
    /// The group has assigned it, and it is not claimed.
    #[default]
    Unclaimed,
    /// It is counted up to this offset.
    At(Offset),
    /// It is stopped until an operator decides.
    Stopped,
}

/// A partition that has stood still for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stalled {
    /// Which.
    pub partition: Partition,
    /// Where it stands.
    pub position: Position,
    /// Where it ends: the brokers have acknowledged what is before.
    pub end: Offset,
    /// For how long it has stood there, behind its end.
    pub still_for: Duration,
}

/// Watches partitions for standing still.
#[derive(Default)]
pub struct Stalls {
    partitions: HashMap<Partition, Watched>,
}

struct Watched {
    position: Position,
    end: Offset,
    /// Since when it stands at this position behind its end.
    since: Option<Instant>,
}

impl Stalls {
    /// Takes note of where all of the member's partitions stand at `now`, each with its end if Kafka gave it. Without one the
    /// end known before counts. Returns those that have stood still behind their end for `after`.
    pub fn note(
        &mut self,
        now: Instant,
        partitions: &[(Partition, Position, Option<Offset>)],
        after: Duration,
    ) -> Vec<Stalled> {
        self.partitions.retain(|known, _| partitions.iter().any(|(partition, ..)| partition == known));
        let mut stalled = Vec::new();
        for (partition, position, end) in partitions {
            let fresh = Watched { position: *position, end: Offset(0), since: None };
            let watched = self.partitions.entry(*partition).or_insert(fresh);
            watched.see(now, *position, *end);
            let still_for = watched.since.map(|since| now.saturating_duration_since(since));
            if let Some(still_for) = still_for.filter(|still_for| *still_for >= after) {
                let (position, end) = (watched.position, watched.end);
                stalled.push(Stalled { partition: *partition, position, end, still_for });
            }
        }
        stalled.sort_unstable_by_key(|stalled| stalled.partition);
        stalled
    }
}

impl Watched {
    fn see(&mut self, now: Instant, position: Position, end: Option<Offset>) {
        self.end = end.unwrap_or(self.end);
        let is_behind = match position {
            Position::Unclaimed => self.end > Offset(0),
            Position::At(next) => next < self.end,
            Position::Stopped => false,
        };
        if position != self.position {
            self.since = None;
        }
        self.position = position;
        self.since = self.since.or(Some(now)).filter(|_| is_behind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Topic;

    const AFTER: Duration = Duration::from_secs(60);
    const PARTITION: Partition = Partition { topic: Topic::Events, number: 3 };

    /// Each step is a second of the clock, where the partition stands, and its end; then for how many seconds it is stalled.
    fn check(steps: &[(u64, Position, Option<i64>, Option<u64>)]) {
        let (mut stalls, start) = (Stalls::default(), Instant::now());
        for (second, position, end, expected) in steps {
            let now = start + Duration::from_secs(*second);
            let stalled = stalls.note(now, &[(PARTITION, *position, end.map(Offset))], AFTER);
            let still_for = stalled.first().map(|stalled| stalled.still_for.as_secs());
            assert_eq!(still_for, *expected, "at second {second}");
        }
    }

    #[test]
    fn a_partition_that_stands_still_behind_its_end_is_stalled() {
        let at = |offset| Position::At(Offset(offset));
        check(&[(0, at(5), Some(9), None), (59, at(5), Some(9), None), (60, at(5), Some(12), Some(60))]);
        check(&[(0, at(5), Some(9), None), (61, at(5), None, Some(61)), (62, at(5), None, Some(62))]);
    }

    #[test]
    fn one_that_moves_or_has_nothing_to_count_is_not() {
        let at = |offset| Position::At(Offset(offset));
        check(&[(0, at(5), Some(9), None), (50, at(6), Some(9), None), (100, at(6), Some(9), None)]);
        check(&[(0, at(9), Some(9), None), (100, at(9), Some(9), None), (150, at(9), Some(10), None)]);
        check(&[(0, at(5), Some(9), None), (70, at(9), Some(9), None), (80, at(9), Some(10), None)]);
        check(&[(0, Position::Unclaimed, Some(0), None), (100, Position::Unclaimed, Some(0), None)]);
        check(&[(0, Position::Stopped, Some(9), None), (100, Position::Stopped, Some(9), None)]);
    }

    #[test]
    fn one_that_is_never_claimed_is_stalled_too() {
        let unclaimed = Position::Unclaimed;
        check(&[(0, unclaimed, Some(9), None), (60, unclaimed, None, Some(60))]);
        check(&[
            (0, unclaimed, Some(9), None),
            (50, Position::At(Offset(0)), None, None),
            (61, unclaimed, None, None),
        ]);
    }

    #[test]
    fn one_that_was_given_up_is_forgotten() {
        let (mut stalls, start) = (Stalls::default(), Instant::now());
        let held = [(PARTITION, Position::At(Offset(5)), Some(Offset(9)))];
        stalls.note(start, &held, AFTER);
        stalls.note(start + AFTER, &[], AFTER);
        assert_eq!(stalls.note(start + AFTER, &held, AFTER), []);
    }
}
