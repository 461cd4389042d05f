//! What a range is compared with: the period before it, or the same days of a week or a year ago. Pure.

use crate::request::granularity::Granularity;
use crate::request::interval::Interval;
use crate::request::zone::Zone;
use chrono::{Datelike as _, Days, NaiveDate};
use serde::Serialize;

const WEEK: u64 = 7;

/// What a request wants its range compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Compare {
    /// The period just before it.
    #[default]
    PreviousPeriod,
    /// The same days, a week earlier.
    PreviousWeek,
    /// The same days, a year earlier.
    PreviousYear,
    /// Nothing.
    None,
}

impl Compare {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::PreviousPeriod, Self::PreviousWeek, Self::PreviousYear, Self::None];

    /// Its name in requests and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PreviousPeriod => "previous_period",
            Self::PreviousWeek => "previous_week",
            Self::PreviousYear => "previous_year",
            Self::None => "none",
        }
    }
}

/// What a range is compared with. As answers show it: `{"mode","from","to"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// How the interval was chosen.
    pub mode: Compare,
    /// The interval.
    #[serde(flatten)]
    pub interval: Interval,
}

/// How the period before is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Periods {
    /// By elapsed time: to the second as long as the range. For requests that name no zone.
    Elapsed,
    /// By the zone's calendar: as many days, up to the same time of day. For requests that name a zone.
    Calendar,
}

/// What `closed`, the closed part of a range, is compared with in this zone. `None` if no comparison is wanted, if
/// `closed` is empty, or if the earlier interval lies in a time that the zone's clock skipped.
#[must_use]
pub fn comparison(mode: Compare, closed: Interval, zone: Zone, periods: Periods) -> Option<Comparison> {
    let Interval { from, to } = closed;
    if to <= from {
        return None;
    }
    let interval = match (mode, periods) {
        (Compare::None, _) => return None,
        (Compare::PreviousPeriod, Periods::Calendar) if zone.floor(from, Granularity::Day) == from => {
            days_back(closed, zone, days(closed, zone))
        }
        (Compare::PreviousPeriod, Periods::Elapsed | Periods::Calendar) => {
            Interval { from: from - (to - from), to: from }
        }
        (Compare::PreviousWeek, _) => days_back(closed, zone, WEEK),
        (Compare::PreviousYear, _) => year_back(closed, zone),
    };
    (interval.from < interval.to).then_some(Comparison { mode, interval })
}

/// How many of the zone's days the interval touches.
fn days(interval: Interval, zone: Zone) -> u64 {
    let starts = std::iter::successors(Some(interval.from), |day| Some(zone.end(*day, Granularity::Day)));
    starts.take_while(|day| *day < interval.to).count() as u64
}

/// The interval moved back by `days` days of the zone's calendar; the clock shows the same times.
fn days_back(Interval { from, to }: Interval, zone: Zone, days: u64) -> Interval {
    let back = |time| zone.instant(zone.local(time) - Days::new(days));
    Interval { from: back(from), to: back(to) }
}

/// The interval moved back by a year of the zone's calendar; the clock shows the same times. Where that year has no
/// 29 February, a start on that day becomes the 28th, and an end on it becomes 1 March, or the 28th if the interval
/// started on the same day.
fn year_back(Interval { from, to }: Interval, zone: Zone) -> Interval {
    let [start, end] = [zone.local(from), zone.local(to)];
    let same = |date: NaiveDate| date.with_year(date.year() - 1);
    let same_or_before = |date: NaiveDate| same(date).or_else(|| same(date - Days::new(1)));
    let same_or_after = |date: NaiveDate| same(date).or_else(|| same(date + Days::new(1)));
    let one_day = start.date() == end.date();
    let last = if one_day { same_or_before(end.date()) } else { same_or_after(end.date()) };
    let known = "every year has both neighbours of a leap day";
    Interval {
        from: zone.instant(same_or_before(start.date()).expect(known).and_time(start.time())),
        to: zone.instant(last.expect(known).and_time(end.time())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Utc};
    use proptest::prelude::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn check(mode: Compare, zone: &str, (from, to): (&str, &str), expected: Option<(&str, &str)>) {
        let zone = Zone::named(zone).unwrap();
        // Local times, as the table is read.
        let instant = |text: &str| zone.instant(format!("{text}:00").parse().unwrap());
        let closed = Interval { from: instant(from), to: instant(to) };
        let seen = comparison(mode, closed, zone, Periods::Calendar).map(|seen| seen.interval);
        let expected = expected.map(|(from, to)| Interval { from: instant(from), to: instant(to) });
        assert_eq!(seen, expected, "{} of {from} to {to} in {zone:?}", mode.name());
    }

    #[test]
    fn today_so_far_is_compared_with_yesterday_up_to_the_same_time() {
        let check = |zone, closed, expected| check(Compare::PreviousPeriod, zone, closed, Some(expected));
        check(
            "Europe/Berlin",
            ("2026-02-25T00:00", "2026-02-25T10:00"),
            ("2026-02-24T00:00", "2026-02-24T10:00"),
        );
        // The day after the change: yesterday had 23 hours, and ten o'clock all the same.
        check(
            "Europe/Berlin",
            ("2026-03-30T00:00", "2026-03-30T10:00"),
            ("2026-03-29T00:00", "2026-03-29T10:00"),
        );
        check(
            "Asia/Kathmandu",
            ("2026-02-25T00:00", "2026-02-26T00:00"),
            ("2026-02-24T00:00", "2026-02-25T00:00"),
        );
        // A closed week, and an open one.
        check(
            "Europe/Berlin",
            ("2026-03-25T00:00", "2026-04-01T00:00"),
            ("2026-03-18T00:00", "2026-03-25T00:00"),
        );
        check(
            "Europe/Berlin",
            ("2026-03-25T00:00", "2026-03-31T10:00"),
            ("2026-03-18T00:00", "2026-03-24T10:00"),
        );
        // A range that doesn't begin at a midnight is compared with as much before.
        check(
            "Europe/Berlin",
            ("2026-02-25T02:00", "2026-02-25T10:00"),
            ("2026-02-24T18:00", "2026-02-25T02:00"),
        );
    }

    #[test]
    fn without_a_zone_a_period_is_as_long_as_the_one_before() {
        let closed = Interval { from: at("2026-02-25T00:00:00Z"), to: at("2026-02-25T10:00:00Z") };
        let seen = comparison(Compare::PreviousPeriod, closed, Zone::UTC, Periods::Elapsed).unwrap().interval;
        assert_eq!((seen.from, seen.to), (at("2026-02-24T14:00:00Z"), closed.from));
    }

    #[test]
    fn a_week_ago_is_the_same_time_of_the_same_weekday() {
        let check = |closed, expected| check(Compare::PreviousWeek, "America/New_York", closed, expected);
        let expected = Some(("2026-03-04T09:00", "2026-03-04T17:00"));
        check(("2026-03-11T09:00", "2026-03-11T17:00"), expected);
        // A week before, the clock skipped the hour from 2.
        check(("2026-03-15T02:00", "2026-03-15T03:00"), None);
        check(("2026-03-15T00:00", "2026-03-16T00:00"), Some(("2026-03-08T00:00", "2026-03-09T00:00")));
    }

    #[test]
    fn a_year_ago_is_the_same_date() {
        let check = |closed, expected| check(Compare::PreviousYear, "Europe/Berlin", closed, Some(expected));
        check(("2026-03-29T00:00", "2026-03-30T00:00"), ("2025-03-29T00:00", "2025-03-30T00:00"));
        check(("2029-02-01T00:00", "2029-03-01T00:00"), ("2028-02-01T00:00", "2028-03-01T00:00"));
        // 29 February: as a whole, so far, as a start, as an end, within.
        check(("2028-02-29T00:00", "2028-03-01T00:00"), ("2027-02-28T00:00", "2027-03-01T00:00"));
        check(("2028-02-29T00:00", "2028-02-29T10:00"), ("2027-02-28T00:00", "2027-02-28T10:00"));
        check(("2028-02-29T06:00", "2028-03-03T00:00"), ("2027-02-28T06:00", "2027-03-03T00:00"));
        check(("2028-02-01T00:00", "2028-02-29T00:00"), ("2027-02-01T00:00", "2027-03-01T00:00"));
        check(("2028-02-28T12:00", "2028-02-29T12:00"), ("2027-02-28T12:00", "2027-03-01T12:00"));
    }

    #[test]
    fn nothing_is_compared_with_nothing() {
        check(Compare::None, "UTC", ("2026-03-11T09:00", "2026-03-11T17:00"), None);
        for mode in Compare::ALL {
            check(mode, "UTC", ("2026-03-11T09:00", "2026-03-11T09:00"), None);
        }
    }

    proptest! {
        #[test]
        fn what_is_compared_with_lies_before_and_in_whole_quarters(
            zone in prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
            from in 1_000_000..4_000_000i64,
            length in 1..40_000i64,
            mode in prop::sample::select(Compare::ALL.to_vec()),
            calendar: bool,
        ) {
            let zone = Zone::named(zone.name()).unwrap();
            let quarter = |n: i64| DateTime::from_timestamp(n * 900, 0).unwrap();
            let closed = Interval { from: quarter(from), to: quarter(from + length) };
            let periods = if calendar { Periods::Calendar } else { Periods::Elapsed };
            let seen = comparison(mode, closed, zone, periods);
            prop_assert!(seen.is_some() || mode != Compare::PreviousPeriod);
            if let Some(Comparison { interval, .. }) = seen {
                prop_assert!(interval.from < interval.to && interval.from < closed.from && interval.to < closed.to);
                prop_assert_eq!((interval.from.timestamp() % 900, interval.to.timestamp() % 900), (0, 0));
                // As long, but for clocks that were changed, and a leap day.
                let more = (interval.to - interval.from) - (closed.to - closed.from);
                prop_assert!(more.num_hours().abs() <= 27, "{more}");
            }
        }
    }
}
