//! The database's clock, as a member knows it between two looks at it. It decides which records come from the future, in
//! which hour refused records are kept, and through when a partition is complete: the members' own clocks may be wrong.

use chrono::{DateTime, TimeDelta, Utc};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A reading is replaced by a less precise one after this: clocks drift.
const PRECISE_FOR: Duration = Duration::from_secs(10);

/// How far clocks may differ.
#[derive(Clone, Copy, Debug, clap::Args)]
#[group(id = "clock")]
pub struct Settings {
    /// How far this machine's clock may be off from the database's. One that is further off says so, and says of no partition
    /// that it is complete: either clock may be the wrong one. Raise it only if the clocks can't be synchronized.
    #[arg(long, env = "CLOCK_SKEW_MAX", default_value = "5s", value_parser = crate::settings::duration)]
    pub clock_skew_max: Duration,
}

/// Shared by all who need the time. Readings come with connections, with batches' transactions, and from the probe.
#[derive(Clone, Debug)]
pub struct Clock {
    latest: Arc<Mutex<Option<Reading>>>,
    skew_max: Duration,
}

/// What the database's clock showed, at some instant between the question and the answer.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    shown: DateTime<Utc>,
    asked: Instant,
    answered: Instant,
    /// What this machine's clock showed when the database was asked.
    own: DateTime<Utc>,
}

/// A question to the database's clock that is under way.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    asked: Instant,
    own: DateTime<Utc>,
}

impl Clock {
    /// Shows this machine's time until the database is first asked. Nothing is decided by it before.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { latest: Arc::default(), skew_max: settings.clock_skew_max }
    }

    /// Takes what the database has answered.
    pub fn take(&self, reading: Reading) {
        let mut latest = self.locked();
        if latest.is_none_or(|latest| reading.is_better(&latest)) {
            *latest = Some(reading);
        }
    }

    /// The earliest time that the database's clock may show now.
    #[must_use]
    pub fn earliest(&self) -> DateTime<Utc> {
        self.reading().earliest(Instant::now())
    }

    /// The latest time that the database's clock may show now.
    #[must_use]
    pub fn latest(&self) -> DateTime<Utc> {
        self.reading().latest(Instant::now(), Utc::now())
    }

    /// By how much this machine's clock is ahead of the database's, or behind it if negative, at least.
    #[must_use]
    pub fn skew(&self) -> TimeDelta {
        self.reading().skew(Instant::now(), Utc::now())
    }

    /// Whether this machine's clock and the database's differ so much that one of them must be wrong.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.skew().abs().to_std().is_ok_and(|skew| skew > self.skew_max)
    }

    fn reading(&self) -> Reading {
        let own = || {
            let question = Question::ask();
            question.answer(question.own)
        };
        self.locked().unwrap_or_else(own)
    }

    fn locked(&self) -> MutexGuard<'_, Option<Reading>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Question {
    /// The database is asked from now on.
    #[must_use]
    pub fn ask() -> Self {
        Self { asked: Instant::now(), own: Utc::now() }
    }

    /// The database's answer is there.
    #[must_use]
    pub fn answer(self, shown: DateTime<Utc>) -> Reading {
        Reading { shown, asked: self.asked, answered: Instant::now(), own: self.own }
    }
}

impl Reading {
    fn is_better(&self, latest: &Self) -> bool {
        let width = |reading: &Self| reading.answered - reading.asked;
        width(self) <= width(latest) || self.answered.saturating_duration_since(latest.answered) > PRECISE_FOR
    }

    fn earliest(&self, now: Instant) -> DateTime<Utc> {
        later(self.shown, now.saturating_duration_since(self.answered))
    }

    /// A machine that was suspended doesn't count that time among what has passed since, but its clock shows it. Records must
    /// not be taken for ones from the future meanwhile.
    fn latest(&self, now: Instant, own: DateTime<Utc>) -> DateTime<Utc> {
        let own_passed = (own - self.own).to_std().unwrap_or_default();
        later(self.shown, now.saturating_duration_since(self.asked).max(own_passed))
    }

    fn skew(&self, now: Instant, own: DateTime<Utc>) -> TimeDelta {
        let (earliest, latest) =
            (self.earliest(now), later(self.shown, now.saturating_duration_since(self.asked)));
        (own - latest).max(TimeDelta::zero()) + (own - earliest).min(TimeDelta::zero())
    }
}

fn later(time: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(by)
        .ok()
        .and_then(|by| time.checked_add_signed(by))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_700_000_000_000 + millis).unwrap()
    }

    /// A reading that showed 10 s; asked at 1,000 ms of this machine, by whose clock it was then `own`, and answered 200 ms later.
    fn reading(start: Instant, own: i64) -> Reading {
        let asked = start + Duration::from_millis(1_000);
        Reading { shown: at(10_000), asked, answered: asked + Duration::from_millis(200), own: at(own) }
    }

    #[test]
    fn the_time_lies_between_what_has_passed_since_the_answer_and_since_the_question() {
        let start = Instant::now();
        let (reading, now) = (reading(start, 10_000), start + Duration::from_millis(3_000));
        assert_eq!(reading.earliest(now), at(11_800));
        assert_eq!(reading.latest(now, at(12_000)), at(12_000));
        // The own clock has been set back, or forward: that changes what is latest at most.
        assert_eq!(reading.latest(now, at(0)), at(12_000));
        assert_eq!(reading.latest(now, at(3_610_000)), at(3_610_000));
    }

    #[test]
    fn a_clock_is_off_by_what_the_way_to_the_database_does_not_explain() {
        let start = Instant::now();
        let now = start + Duration::from_millis(3_000);
        let check = |own: i64, skew: i64| {
            assert_eq!(reading(start, 10_000).skew(now, at(own)), TimeDelta::milliseconds(skew), "{own}");
        };
        check(12_000, 0);
        check(11_800, 0);
        check(11_900, 0);
        check(12_700, 700);
        check(11_000, -800);
        check(3_612_000, 3_600_000);
    }

    #[test]
    fn a_reading_gives_way_to_a_more_precise_one_or_to_a_newer_one_in_time() {
        let start = Instant::now();
        let make = |asked: u64, answered: u64| Reading {
            shown: at(0),
            asked: start + Duration::from_millis(asked),
            answered: start + Duration::from_millis(answered),
            own: at(0),
        };
        let latest = make(0, 100);
        assert!(make(1_000, 1_100).is_better(&latest));
        assert!(!make(1_000, 1_101).is_better(&latest));
        assert!(make(9_000, 10_200).is_better(&latest));
    }
}
