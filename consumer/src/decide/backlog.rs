//! How far a partition lags behind, in records and in time: what metrics say of it. Pure; each instant is an argument.

use crate::decide::stalls::Position;
use crate::record::Offset;
use chrono::{DateTime, TimeDelta, Utc};

/// What is known about a partition that is this member's to count, from its claim on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Where it stands.
    position: Position,
    /// The offset of the next record to count, also of a partition that is stopped; `None` if it was never read.
    next: Option<Offset>,
    /// When this member first claimed it.
    claimed_at: Option<DateTime<Utc>>,
    /// The instant through which it is complete by the database; `None` if it never was.
    complete_through: Option<DateTime<Utc>>,
    /// Its end by Kafka's latest answer.
    end: Option<Offset>,
    /// What keeps records before that end from being read.
    open_transaction: Option<OpenTransaction>,
}

/// A transaction that a producer has not ended. Records behind its first one can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenTransaction {
    /// Its first record: up to there the partition can be read.
    pub from: Offset,
    /// How many offsets the brokers have acknowledged from there on.
    pub offsets: i64,
    /// How long it has been seen to be open.
    pub open_for: TimeDelta,
    /// When it was first seen.
    seen_at: DateTime<Utc>,
}

impl Backlog {
    /// Notes what the database has of it at its claim. An earlier claim's knowledge of its end stays.
    pub fn claimed(
        &mut self,
        at: DateTime<Utc>,
        next: Option<Offset>,
        complete_through: Option<DateTime<Utc>>,
    ) {
        self.claimed_at.get_or_insert(at);
        (self.position, self.next, self.complete_through) = (Position::Unclaimed, next, complete_through);
    }

    /// Notes that it is held, and counted up to this offset.
    pub fn reached(&mut self, next: Offset) {
        (self.position, self.next) = (Position::At(next), Some(next));
    }

    /// Notes that the database says it is complete through this instant.
    pub fn completed(&mut self, through: DateTime<Utc>) {
        self.complete_through = Some(through);
    }

    /// Notes that it is to be claimed anew.
    pub fn unclaimed(&mut self) {
        self.position = Position::Unclaimed;
    }

    /// Notes that it is stopped until an operator decides.
    pub fn stopped(&mut self) {
        self.position = Position::Stopped;
    }

    /// Notes that at the instant `at` it ended at `end`, which is what the brokers had acknowledged, and could be read up to
    /// `readable`, if Kafka said so. Readable only before its end means that a transaction is open.
    pub fn ended(&mut self, at: DateTime<Utc>, end: Offset, readable: Option<Offset>) {
        self.end = Some(end);
        let Some(readable) = readable else { return };
        let known = self.open_transaction.filter(|known| known.from == readable);
        let seen_at = known.map_or(at, |known| known.seen_at);
        let offsets = end.0 - readable.0;
        let open = OpenTransaction { from: readable, offsets, open_for: at - seen_at, seen_at };
        self.open_transaction = (offsets > 0).then_some(open);
    }

    /// Where it stands.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// Whether it is stopped until an operator decides.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.position == Position::Stopped
    }

    /// Whether it is held, and so counted.
    #[must_use]
    pub fn is_held(&self) -> bool {
        match self.position {
            Position::At(_) => true,
            Position::Unclaimed | Position::Stopped => false,
        }
    }

    /// The instant through which it is complete, if it ever was.
    #[must_use]
    pub fn complete_through(&self) -> Option<DateTime<Utc>> {
        self.complete_through
    }

    /// The earliest open transaction by Kafka's latest answer.
    #[must_use]
    pub fn open_transaction(&self) -> Option<OpenTransaction> {
        self.open_transaction
    }

    /// How many records were acknowledged and not counted at Kafka's latest answer; `None` before the first one.
    #[must_use]
    pub fn lag(&self) -> Option<i64> {
        Some((self.end?.0 - self.next?.0).max(0))
    }

    /// How long ago it was complete: 0 if nothing waits to be counted. One that never was complete counts from its claim. Of one
    /// that is stopped nobody knows that nothing waits: its log may be another one than before.
    #[must_use]
    pub fn lags_for(&self, now: DateTime<Utc>) -> TimeDelta {
        if self.lag() == Some(0) && !self.is_stopped() {
            return TimeDelta::zero();
        }
        let since = self.complete_through.or(self.claimed_at);
        since.map_or(TimeDelta::zero(), |since| (now - since).max(TimeDelta::zero()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    /// Claimed at second 100, when it was complete through second 90 and counted up to offset 10.
    fn claimed() -> Backlog {
        let mut backlog = Backlog::default();
        backlog.claimed(at(100), Some(Offset(10)), Some(at(90)));
        backlog
    }

    /// The lag in records, and in seconds at second 200.
    fn check(steps: impl FnOnce(&mut Backlog), records: Option<i64>, seconds: i64) {
        let mut backlog = claimed();
        steps(&mut backlog);
        assert_eq!((backlog.lag(), backlog.lags_for(at(200)).num_seconds()), (records, seconds));
    }

    #[test]
    fn a_partition_lags_by_what_was_acknowledged_and_is_not_counted() {
        check(|_| {}, None, 110);
        check(|of| of.ended(at(110), Offset(15), None), Some(5), 110);
        let behind = |of: &mut Backlog| {
            of.reached(Offset(10));
            of.ended(at(110), Offset(15), None);
        };
        check(behind, Some(5), 110);
        let counted = |of: &mut Backlog| {
            behind(of);
            of.reached(Offset(15));
        };
        check(counted, Some(0), 0);
        let more = |of: &mut Backlog| {
            counted(of);
            of.completed(at(130));
            of.ended(at(131), Offset(16), None);
        };
        check(more, Some(1), 70);
    }

    #[test]
    fn one_that_stops_lags_from_then_on_whatever_its_log_has() {
        let stopped = |end| {
            move |of: &mut Backlog| {
                of.reached(Offset(10));
                of.stopped();
                of.ended(at(150), Offset(end), None);
            }
        };
        check(stopped(60), Some(50), 110);
        check(stopped(10), Some(0), 110);
        check(stopped(3), Some(0), 110);
    }

    #[test]
    fn one_that_was_never_complete_lags_since_its_first_claim() {
        let again = |of: &mut Backlog| {
            *of = Backlog::default();
            of.claimed(at(120), None, None);
            of.claimed(at(150), None, None);
        };
        check(again, None, 80);
        let counted = |of: &mut Backlog| {
            again(of);
            of.reached(Offset(0));
            of.ended(at(160), Offset(0), None);
        };
        check(counted, Some(0), 0);
        check(|of| *of = Backlog::default(), None, 0);
    }

    #[test]
    fn what_is_known_stays_while_it_is_claimed_anew() {
        let mut backlog = claimed();
        backlog.reached(Offset(12));
        backlog.ended(at(110), Offset(20), None);
        assert!(backlog.is_held());
        backlog.unclaimed();
        assert_eq!((backlog.position(), backlog.lag()), (Position::Unclaimed, Some(8)));
        // A backup was restored.
        backlog.claimed(at(120), Some(Offset(5)), Some(at(60)));
        assert_eq!((backlog.lag(), backlog.complete_through()), (Some(15), Some(at(60))));
        assert_eq!(backlog.lags_for(at(160)), TimeDelta::seconds(100));
        assert_eq!(backlog.lags_for(at(10)), TimeDelta::zero(), "a clock that went back");
    }

    #[test]
    fn records_behind_an_open_transaction_are_acknowledged_and_wait_for_as_long_as_it_is_seen() {
        let mut backlog = claimed();
        backlog.ended(at(100), Offset(30), Some(Offset(15)));
        backlog.reached(Offset(15));
        backlog.ended(at(130), Offset(40), Some(Offset(15)));
        assert_eq!(backlog.lag(), Some(25));
        let open = backlog.open_transaction().unwrap();
        assert_eq!((open.from, open.offsets, open.open_for), (Offset(15), 25, TimeDelta::seconds(30)));
        // Where Kafka doesn't say, what was known stays.
        backlog.ended(at(135), Offset(40), None);
        assert_eq!(backlog.open_transaction(), Some(open));
        // Another transaction is open for as long as it is seen itself.
        backlog.ended(at(140), Offset(40), Some(Offset(20)));
        assert_eq!(backlog.open_transaction().unwrap().open_for, TimeDelta::zero());
        backlog.ended(at(150), Offset(40), Some(Offset(40)));
        assert_eq!(backlog.open_transaction(), None);
    }
}
