//! What a range is compared with: as much time before it, or as much from the same time a week, a month or a year ago. Pure.

use crate::request::interval::Interval;
use crate::request::zone::Zone;
use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, TimeDelta, Utc};
use serde::Serialize;

const DAYS_PER_WEEK: u64 = 7;
const WEEK: TimeDelta = TimeDelta::weeks(1);

/// What a request wants its range compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Compare {
    /// As much time just before it; whole weeks before it for ranges of a week and more.
    #[default]
    PreviousPeriod,
    /// As much time from the same time a week earlier.
    PreviousWeek,
    /// As much time from the same date a month earlier.
    PreviousMonth,
    /// As much time from the same time a year earlier.
    PreviousYear,
    /// Nothing.
    None,
}

impl Compare {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::PreviousPeriod, Self::PreviousWeek, Self::PreviousMonth, Self::PreviousYear, Self::None];

    /// Its name in requests and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PreviousPeriod => "previous_period",
            Self::PreviousWeek => "previous_week",
            Self::PreviousMonth => "previous_month",
            Self::PreviousYear => "previous_year",
            Self::None => "none",
        }
    }
}

/// The part of a range whose quarters of an hour are over, and the interval of the same length that it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// How the interval was chosen.
    pub mode: Compare,
    /// What is compared.
    pub current: Interval,
    /// What it is compared with.
    pub previous: Interval,
    shift: Shift,
}

/// How a time of the current interval moves to the same time of the previous one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shift {
    /// By elapsed time.
    Elapsed(TimeDelta),
    /// By days of the zone's calendar; the clock shows the same time.
    Days(u64),
    /// By a year of the zone's calendar; the clock shows the same time. 29 February becomes the 28th.
    Year,
}

impl Shift {
    fn apply(self, time: DateTime<Utc>, zone: Zone) -> DateTime<Utc> {
        match self {
            Self::Elapsed(length) => time - length,
            Self::Days(days) => zone.instant(zone.local(time) - Days::new(days)),
            Self::Year => {
                let local = zone.local(time);
                let same = |date: NaiveDate| date.with_year(date.year() - 1);
                let date = same(local.date()).or_else(|| same(local.date() - Days::new(1)));
                zone.instant(date.expect("every year has a 28 February").and_time(local.time()))
            }
        }
    }
}

/// What `current` is compared with in this zone. It doesn't overlap a period before, and is exactly as long: the clocks of its
/// end may differ if they were changed in between. `end` is where the range ends of which `current` is a part; where its day
/// isn't over, the end of that day. `None` if no comparison is wanted, or `current` is empty.
#[must_use]
pub fn comparison(mode: Compare, current: Interval, end: DateTime<Utc>, zone: Zone) -> Option<Comparison> {
    let Interval { from, to } = current;
    if to <= from {
        return None;
    }
    let length = to - from;
    let shift = match mode {
        Compare::None => return None,
        Compare::PreviousPeriod if zone.local(end) - zone.local(from) < WEEK => Shift::Elapsed(length),
        Compare::PreviousPeriod => Shift::Days(whole_weeks(current, zone)),
        Compare::PreviousWeek => Shift::Days(DAYS_PER_WEEK),
        Compare::PreviousMonth => Shift::Days(days_of_the_month_before(zone.local(from).date())),
        Compare::PreviousYear => Shift::Year,
    };
    let until = shift.apply(from, zone) + length;
    // Where clocks were changed, as much time may reach into the range by that change.
    let until = if mode == Compare::PreviousPeriod { until.min(from) } else { until };
    Some(Comparison { mode, current, previous: Interval { from: until - length, to: until }, shift })
}

/// The fewest whole weeks, in days, by which the interval must move to overlap itself no longer.
fn whole_weeks(Interval { from, to }: Interval, zone: Zone) -> u64 {
    let length = zone.local(to) - zone.local(from);
    let weeks = (length.num_seconds() + WEEK.num_seconds() - 1).div_euclid(WEEK.num_seconds());
    weeks.max(1).unsigned_abs() * DAYS_PER_WEEK
}

/// How many days before this date the same date of the month before was, or the last one of a month that has no such date.
fn days_of_the_month_before(date: NaiveDate) -> u64 {
    (date - (date - Months::new(1))).num_days().unsigned_abs()
}

/// The same hours of the week in the weeks before: the interval moved back by the fewest whole weeks, as `previous_period`
/// moves ranges of a week and more. `None` if the interval is empty.
#[must_use]
pub fn weeks_before(current: Interval, zone: Zone) -> Option<Interval> {
    let a_week_or_more = zone.instant(zone.local(current.from) + WEEK);
    comparison(Compare::PreviousPeriod, current, a_week_or_more.max(current.to), zone)
        .map(|seen| seen.previous)
}

impl Comparison {
    /// The start of each part of the previous interval, and its end: where `starts` begin parts of the current one, the first
    /// at its start.
    #[must_use]
    pub fn previous_edges(
        &self,
        starts: impl Iterator<Item = DateTime<Utc>>,
        zone: Zone,
    ) -> Vec<DateTime<Utc>> {
        let Interval { from, to } = self.previous;
        let mut edges = vec![from];
        let mut latest = from;
        for start in starts.skip(1).take_while(|start| *start < self.current.to) {
            // A time that occurs twice moves to the first of both, so the edges of its hours may be one.
            latest = self.shift.apply(start, zone).clamp(latest, to);
            edges.push(latest);
        }
        edges.push(to);
        edges
    }

    /// Its part of a cache key.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}@{}", self.mode.name(), self.previous.from.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::granularity::Granularity;
    use proptest::prelude::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// Local times, as the tables are read. The day of the end isn't over if `is_open`.
    fn compared(mode: Compare, zone: &str, (from, to): (&str, &str), is_open: bool) -> Option<[String; 2]> {
        let zone = Zone::named(zone).unwrap();
        let instant = |text: &str| zone.instant(format!("{text}:00").parse().unwrap());
        let current = Interval { from: instant(from), to: instant(to) };
        let end = if is_open { zone.ceil(current.to, Granularity::Day) } else { current.to };
        let seen = comparison(mode, current, end, zone)?;
        let Interval { from, to } = seen.previous;
        assert_eq!((seen.current, to - from), (current, current.to - current.from));
        Some([from, to].map(|time| zone.local(time).format("%Y-%m-%dT%H:%M").to_string()))
    }

    fn check(mode: Compare, zone: &str, current: (&str, &str), expected: (&str, &str)) {
        let seen = compared(mode, zone, current, false).unwrap();
        assert_eq!(seen, [expected.0, expected.1], "{} of {current:?} in {zone:?}", mode.name());
    }

    #[test]
    fn less_than_a_week_is_compared_with_as_much_before() {
        let check = |zone, current, expected| check(Compare::PreviousPeriod, zone, current, expected);
        let expected = ("2026-02-24T14:00", "2026-02-25T00:00");
        check("Europe/Berlin", ("2026-02-25T00:00", "2026-02-25T10:00"), expected);
        // A day of 24 hours, and the one of 23 before it.
        check(
            "Europe/Berlin",
            ("2026-03-30T00:00", "2026-03-31T00:00"),
            ("2026-03-28T23:00", "2026-03-30T00:00"),
        );
        check(
            "Asia/Kathmandu",
            ("2026-02-25T00:00", "2026-02-25T10:15"),
            ("2026-02-24T13:45", "2026-02-25T00:00"),
        );
        check("UTC", ("2026-02-16T00:00", "2026-02-22T23:45"), ("2026-02-09T00:15", "2026-02-16T00:00"));
    }

    #[test]
    fn a_week_and_more_goes_back_by_whole_weeks_of_the_zone() {
        let check = |zone, current, expected| check(Compare::PreviousPeriod, zone, current, expected);
        check("UTC", ("2026-02-16T00:00", "2026-02-23T00:00"), ("2026-02-09T00:00", "2026-02-16T00:00"));
        check("UTC", ("2026-02-16T00:00", "2026-02-23T00:15"), ("2026-02-02T00:00", "2026-02-09T00:15"));
        check("UTC", ("2026-01-24T00:00", "2026-02-23T00:00"), ("2025-12-20T00:00", "2026-01-19T00:00"));
        // Clocks are changed on 29 March. The week of the change has an hour less, and so has what it is compared with.
        let expected = ("2026-03-16T00:00", "2026-03-22T23:00");
        check("Europe/Berlin", ("2026-03-23T00:00", "2026-03-30T00:00"), expected);
        // The week after it has an hour more than the one before, which begins as much earlier.
        let expected = ("2026-03-22T23:00", "2026-03-30T00:00");
        check("Europe/Berlin", ("2026-03-30T00:00", "2026-04-06T00:00"), expected);
        let expected = ("2026-10-11T23:00", "2026-10-19T00:00");
        check("Europe/Berlin", ("2026-10-19T00:00", "2026-10-26T00:00"), expected);
    }

    #[test]
    fn the_day_that_is_not_over_is_a_day_of_the_week() {
        let check = |current, is_open, expected: [&str; 2]| {
            assert_eq!(
                compared(Compare::PreviousPeriod, "UTC", current, is_open).unwrap(),
                expected,
                "{current:?}"
            );
        };
        // Today, a Wednesday, and the six days before.
        let week = ("2026-02-19T00:00", "2026-02-25T10:30");
        check(week, true, ["2026-02-12T00:00", "2026-02-18T10:30"]);
        check(week, false, ["2026-02-12T13:30", "2026-02-19T00:00"]);
        check(("2026-02-20T00:00", "2026-02-25T10:30"), true, ["2026-02-14T13:30", "2026-02-20T00:00"]);
    }

    #[test]
    fn a_week_ago_it_was_the_same_time_of_the_same_weekday() {
        let check = |current, expected| check(Compare::PreviousWeek, "America/New_York", current, expected);
        check(("2026-03-11T09:00", "2026-03-11T17:00"), ("2026-03-04T09:00", "2026-03-04T17:00"));
        // A week before, the clock skipped the hour from 2.
        check(("2026-03-15T02:00", "2026-03-15T03:00"), ("2026-03-08T03:00", "2026-03-08T04:00"));
        check(("2026-03-15T00:00", "2026-03-16T00:00"), ("2026-03-08T00:00", "2026-03-09T01:00"));
        check(("2026-03-12T00:00", "2026-03-25T00:00"), ("2026-03-05T00:00", "2026-03-18T01:00"));
    }

    #[test]
    fn a_month_ago_it_was_the_same_date_and_then_it_goes_on_day_by_day() {
        let check = |current, expected| check(Compare::PreviousMonth, "Europe/Berlin", current, expected);
        check(("2026-11-01T00:00", "2026-11-30T12:45"), ("2026-10-01T00:00", "2026-10-30T11:45"));
        check(("2026-07-01T00:00", "2026-08-01T00:00"), ("2026-06-01T00:00", "2026-07-02T00:00"));
        check(("2026-02-01T00:00", "2026-03-01T00:00"), ("2026-01-01T00:00", "2026-01-29T00:00"));
        check(("2026-02-11T09:00", "2026-02-11T17:00"), ("2026-01-11T09:00", "2026-01-11T17:00"));
        // There is no 31st, and no 29th to 31st.
        check(("2026-07-31T00:00", "2026-08-01T00:00"), ("2026-06-30T00:00", "2026-07-01T00:00"));
        check(("2026-03-31T00:00", "2026-04-01T00:00"), ("2026-02-28T00:00", "2026-03-01T00:00"));
        check(("2026-01-15T00:00", "2026-01-16T00:00"), ("2025-12-15T00:00", "2025-12-16T00:00"));
    }

    #[test]
    fn a_year_ago_it_was_the_same_date() {
        let check = |current, expected| check(Compare::PreviousYear, "Europe/Berlin", current, expected);
        check(("2026-04-01T00:00", "2026-04-01T10:15"), ("2025-04-01T00:00", "2025-04-01T10:15"));
        check(("2026-03-29T00:00", "2026-03-30T00:00"), ("2025-03-29T00:00", "2025-03-29T23:00"));
        check(("2029-02-01T00:00", "2029-03-01T00:00"), ("2028-02-01T00:00", "2028-02-29T00:00"));
        check(("2028-02-29T06:00", "2028-03-01T00:00"), ("2027-02-28T06:00", "2027-03-01T00:00"));
    }

    #[test]
    fn nothing_is_compared_with_nothing() {
        assert_eq!(compared(Compare::None, "UTC", ("2026-03-11T09:00", "2026-03-11T17:00"), false), None);
        for mode in Compare::ALL {
            assert_eq!(compared(mode, "UTC", ("2026-03-11T09:00", "2026-03-11T09:00"), true), None);
        }
    }

    #[test]
    fn parts_of_the_interval_before_begin_at_the_same_times() {
        let zone = Zone::named("Europe/Berlin").unwrap();
        let check = |mode, (from, to): (&str, &str), expected: &[&str]| {
            let range = Interval { from: at(from), to: at(to) };
            let seen = comparison(mode, range, range.to, zone).unwrap();
            let days = std::iter::successors(Some(range.from), |day| Some(zone.end(*day, Granularity::Day)));
            let edges = seen.previous_edges(days.take_while(|day| *day < range.to), zone);
            let expected: Vec<_> = expected.iter().map(|text| at(text)).collect();
            assert_eq!(edges, expected, "{mode:?} from {from} to {to}");
        };
        // Midnights a week before, the last day as long as time has passed.
        check(
            Compare::PreviousWeek,
            ("2026-03-29T22:00:00Z", "2026-03-31T06:15:00Z"),
            &["2026-03-22T23:00:00Z", "2026-03-23T23:00:00Z", "2026-03-24T07:15:00Z"],
        );
        check(
            Compare::PreviousPeriod,
            ("2026-02-24T23:00:00Z", "2026-02-26T06:15:00Z"),
            &["2026-02-23T15:45:00Z", "2026-02-24T15:45:00Z", "2026-02-24T23:00:00Z"],
        );
    }

    proptest! {
        #[test]
        fn what_is_compared_with_is_as_long_and_lies_before(
            zone in prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
            from in 1_000_000..4_000_000i64,
            length in 1..40_000i64,
            mode in prop::sample::select(Compare::ALL.to_vec()),
            is_open: bool,
        ) {
            let zone = Zone::named(zone.name()).unwrap();
            let quarter = |n: i64| DateTime::from_timestamp(n * 900, 0).unwrap();
            let current = Interval { from: quarter(from), to: quarter(from + length) };
            let end = if is_open { zone.ceil(current.to, Granularity::Day) } else { current.to };
            let seen = comparison(mode, current, end, zone);
            prop_assert_eq!(seen.is_none(), mode == Compare::None);
            let Some(Comparison { previous, shift, .. }) = seen else { return Ok(()) };
            prop_assert!(previous.from < current.from && previous.to < current.to);
            prop_assert_eq!(previous.to - previous.from, current.to - current.from);
            prop_assert_eq!((previous.from.timestamp() % 900, previous.to.timestamp() % 900), (0, 0));
            if mode == Compare::PreviousPeriod {
                prop_assert!(previous.to <= current.from);
                let days = zone.local(end) - zone.local(current.from);
                match shift {
                    Shift::Elapsed(_) => prop_assert!(days < WEEK && previous.to == current.from),
                    Shift::Days(back) => {
                        prop_assert!(days >= WEEK && back % 7 == 0);
                        // The same hour of the week, but for clocks that were changed; and no week more than it takes.
                        let from = zone.local(current.from) - Days::new(back);
                        prop_assert!((zone.local(previous.from) - from).abs() <= TimeDelta::hours(25));
                        prop_assert!(current.from - previous.to < WEEK + TimeDelta::hours(25));
                    }
                    Shift::Year => prop_assert!(false, "a year"),
                }
            }
        }
    }
}
