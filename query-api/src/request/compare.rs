//! What a range is compared with: the period before it, or the same days of a week or a year ago. Pure.

use crate::request::granularity::Granularity;
use crate::request::zone::Zone;
use chrono::{DateTime, Datelike as _, Days, NaiveDate, Utc};
use serde::Serialize;

const WEEK: u64 = 7;

/// How the other interval is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Compare {
    /// The period before.
    #[default]
    PreviousPeriod,
    /// The same days of the week before.
    PreviousWeek,
    /// The same days of the year before.
    PreviousYear,
    /// Nothing is compared.
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

/// A half-open interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Interval {
    /// Its start.
    #[serde(serialize_with = "crate::request::timestamp::time")]
    pub from: DateTime<Utc>,
    /// Its end.
    #[serde(serialize_with = "crate::request::timestamp::time")]
    pub to: DateTime<Utc>,
}

/// What a range is compared with. As answers show it: `{"mode","from","to"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// How it was chosen.
    pub mode: Compare,
    /// What it is.
    #[serde(flatten)]
    pub interval: Interval,
}

/// Whether a zone was asked for, and periods of whole days are the calendar's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Periods {
    /// As long as what they are compared with, to the second.
    AsLong,
    /// As many days of the zone's calendar, up to the same time of day.
    Calendar,
}

/// What `over`, the part of a range that is over, is compared with in this zone. `None` where nothing is over, or where
/// what it would be compared with was left out by the clock.
#[must_use]
pub fn comparison(mode: Compare, over: Interval, zone: Zone, periods: Periods) -> Option<Comparison> {
    let Interval { from, to } = over;
    if to <= from {
        return None;
    }
    let interval = match (mode, periods) {
        (Compare::None, _) => return None,
        (Compare::PreviousPeriod, Periods::Calendar) if zone.floor(from, Granularity::Day) == from => {
            days_back(over, zone, days(over, zone))
        }
        (Compare::PreviousPeriod, Periods::AsLong | Periods::Calendar) => {
            Interval { from: from - (to - from), to: from }
        }
        (Compare::PreviousWeek, _) => days_back(over, zone, WEEK),
        (Compare::PreviousYear, _) => year_back(over, zone),
    };
    (interval.from < interval.to).then_some(Comparison { mode, interval })
}

/// How many of the zone's days there are something of in the interval.
fn days(interval: Interval, zone: Zone) -> u64 {
    let starts = std::iter::successors(Some(interval.from), |day| Some(zone.end(*day, Granularity::Day)));
    starts.take_while(|day| *day < interval.to).count() as u64
}

/// The interval that many days ago, by the zone's calendar and clock.
fn days_back(Interval { from, to }: Interval, zone: Zone, days: u64) -> Interval {
    let back = |time| zone.instant(zone.local(time) - Days::new(days));
    Interval { from: back(from), to: back(to) }
}

/// The interval a year ago, by the zone's calendar and clock. Where that year has no 29 February, a range that begins on
/// one begins on the 28th, and one that ends on one ends on 1 March, unless it began on the same day.
fn year_back(Interval { from, to }: Interval, zone: Zone) -> Interval {
    let [start, end] = [zone.local(from), zone.local(to)];
    let before = |date: NaiveDate| date.with_year(date.year() - 1);
    let eve = |date: NaiveDate| before(date).or_else(|| before(date - Days::new(1)));
    let morrow = |date: NaiveDate| before(date).or_else(|| before(date + Days::new(1)));
    let last = if start.date() == end.date() { eve(end.date()) } else { morrow(end.date()) };
    let known = "one of a leap day's neighbours is in every year";
    Interval {
        from: zone.instant(eve(start.date()).expect(known).and_time(start.time())),
        to: zone.instant(last.expect(known).and_time(end.time())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn check(mode: Compare, zone: &str, (from, to): (&str, &str), expected: Option<(&str, &str)>) {
        let zone = Zone::named(zone).unwrap();
        // Local times, as the table is read.
        let instant = |text: &str| zone.instant(format!("{text}:00").parse().unwrap());
        let over = Interval { from: instant(from), to: instant(to) };
        let seen = comparison(mode, over, zone, Periods::Calendar).map(|seen| seen.interval);
        let expected = expected.map(|(from, to)| Interval { from: instant(from), to: instant(to) });
        assert_eq!(seen, expected, "{} of {from} to {to} in {zone:?}", mode.name());
    }

    #[test]
    fn today_so_far_is_compared_with_yesterday_up_to_the_same_time() {
        let check = |zone, over, expected| check(Compare::PreviousPeriod, zone, over, Some(expected));
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
        // A week that is over, and one that is not.
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
        // What doesn't begin with a day is compared with as much before.
        check(
            "Europe/Berlin",
            ("2026-02-25T02:00", "2026-02-25T10:00"),
            ("2026-02-24T18:00", "2026-02-25T02:00"),
        );
    }

    #[test]
    fn without_a_zone_a_period_is_as_long_as_the_one_before() {
        let over = Interval { from: at("2026-02-25T00:00:00Z"), to: at("2026-02-25T10:00:00Z") };
        let seen = comparison(Compare::PreviousPeriod, over, Zone::UTC, Periods::AsLong).unwrap().interval;
        assert_eq!((seen.from, seen.to), (at("2026-02-24T14:00:00Z"), over.from));
    }

    #[test]
    fn a_week_ago_is_the_same_time_of_the_same_weekday() {
        let check = |over, expected| check(Compare::PreviousWeek, "America/New_York", over, expected);
        let expected = Some(("2026-03-04T09:00", "2026-03-04T17:00"));
        check(("2026-03-11T09:00", "2026-03-11T17:00"), expected);
        // The hour from 2 was left out a week before.
        check(("2026-03-15T02:00", "2026-03-15T03:00"), None);
        check(("2026-03-15T00:00", "2026-03-16T00:00"), Some(("2026-03-08T00:00", "2026-03-09T00:00")));
    }

    #[test]
    fn a_year_ago_is_the_same_date() {
        let check = |over, expected| check(Compare::PreviousYear, "Europe/Berlin", over, Some(expected));
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
            let over = Interval { from: quarter(from), to: quarter(from + length) };
            let periods = if calendar { Periods::Calendar } else { Periods::AsLong };
            let seen = comparison(mode, over, zone, periods);
            prop_assert!(seen.is_some() || mode != Compare::PreviousPeriod);
            if let Some(Comparison { interval, .. }) = seen {
                prop_assert!(interval.from < interval.to && interval.from < over.from && interval.to < over.to);
                prop_assert_eq!((interval.from.timestamp() % 900, interval.to.timestamp() % 900), (0, 0));
                // As long, but for clocks that were changed, and a leap day.
                let more = (interval.to - interval.from) - (over.to - over.from);
                prop_assert!(more.num_hours().abs() <= 27, "{more}");
            }
        }
    }
}
