//! Time zones: when their days, and the hours of their clocks, begin and end. Pure.
//!
//! Everything follows from a zone's offset from UTC at an instant. Bounds are whole quarters of an hour of UTC, the finest
//! rows there are. Since 1980 every zone's offset has been a multiple of a quarter; before, some had odd minutes, which
//! are rounded away.

use crate::request::granularity::Granularity;
use chrono::{
    DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Offset as _, TimeDelta, TimeZone as _, Utc,
};
use chrono_tz::Tz;
use domain::BucketSize;

/// No change of a zone's clock is larger: Samoa skipped a day.
const LARGEST_CHANGE: TimeDelta = TimeDelta::days(1);

const HOUR: TimeDelta = TimeDelta::hours(1);
const QUARTER_SECONDS: i64 = BucketSize::Quarter.seconds();

/// A time zone of the IANA database, which is compiled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(Tz);

impl Zone {
    /// UTC, whose offset is always zero.
    pub const UTC: Self = Self(Tz::UTC);

    /// The zone of that IANA name; `None` if no zone has it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        name.parse().ok().map(Self)
    }

    /// Its IANA name, as the request spelled it.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// What its clock shows at `time`.
    #[must_use]
    pub fn local(self, time: DateTime<Utc>) -> NaiveDateTime {
        time.naive_utc() + self.offset(time)
    }

    /// The first instant at which its clock shows `local` or later: the first of the two for a time that occurs twice, and
    /// the moment of the change for a time that the clock skips.
    #[must_use]
    pub fn instant(self, local: NaiveDateTime) -> DateTime<Utc> {
        let rough = local.and_utc();
        let around = [rough - LARGEST_CHANGE, rough + LARGEST_CHANGE];
        let candidates = around.map(|time| rough - self.offset(time));
        let shown = candidates.into_iter().filter(|time| self.local(*time) == local).min();
        shown.unwrap_or_else(|| {
            let [before, after] = [rough - LARGEST_CHANGE * 2, rough + LARGEST_CHANGE * 2];
            first(before, after, |time| self.local(time) >= local)
        })
    }

    /// Start of the hour or day that contains `time`.
    #[must_use]
    pub fn floor(self, time: DateTime<Utc>, granularity: Granularity) -> DateTime<Utc> {
        match granularity {
            Granularity::Hour => self.hour(time).0,
            Granularity::Day => self.day(time).0,
        }
    }

    /// End of the hour or day that contains `time`, which is the start of the next.
    #[must_use]
    pub fn end(self, time: DateTime<Utc>, granularity: Granularity) -> DateTime<Utc> {
        match granularity {
            Granularity::Hour => self.hour(time).1,
            Granularity::Day => self.day(time).1,
        }
    }

    /// The first start of an hour or day that is not before `time`.
    #[must_use]
    pub fn ceil(self, time: DateTime<Utc>, granularity: Granularity) -> DateTime<Utc> {
        if self.floor(time, granularity) == time { time } else { self.end(time, granularity) }
    }

    /// Its offset from UTC at `time`, in whole quarters of an hour.
    fn offset(self, time: DateTime<Utc>) -> TimeDelta {
        if self == Self::UTC {
            // UTC is the default and read several times per request: spare the look-up in the tables.
            return TimeDelta::zero();
        }
        let quarter = BucketSize::Quarter.floor(time).naive_utc();
        let seconds = i64::from(self.0.offset_from_utc_datetime(&quarter).fix().local_minus_utc());
        TimeDelta::seconds(seconds.div_euclid(QUARTER_SECONDS) * QUARTER_SECONDS)
    }

    /// The hour that contains `time`. An hour begins when the clock shows a full hour and when the clock is changed; where
    /// the change is half an hour, two hours of the year last half an hour.
    fn hour(self, time: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        let offset = self.offset(time);
        let start = BucketSize::Hour.floor(time + offset) - offset;
        let (start, end) = (start, start + HOUR);
        let last = end - TimeDelta::seconds(QUARTER_SECONDS);
        let other = |at| self.offset(at) != offset;
        let start = if other(start) { first(start, time, |at| !other(at)) } else { start };
        let end = if other(last) { first(time, last, other) } else { end };
        (start, end)
    }

    /// The day that contains `time`. A day begins at midnight, or at the first time that its date has. A date that the
    /// clock skips has no day.
    fn day(self, time: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        let date = self.local(time).date();
        // A clock set back over midnight shows the old date again after the next day has begun: that day goes on.
        let mut start = self.midnight(date);
        let mut next = date;
        loop {
            next = next + Days::new(1);
            let end = self.midnight(next);
            if end > time {
                return (start, end);
            }
            start = end;
        }
    }

    /// The first instant of a date.
    #[must_use]
    pub fn midnight(self, date: NaiveDate) -> DateTime<Utc> {
        self.instant(date.and_time(NaiveTime::MIN))
    }
}

/// The first quarter of an hour in `(before, after]` for which `holds` is true, by bisection: `holds` is true for `after`,
/// and from the first such quarter on.
fn first(
    before: DateTime<Utc>,
    after: DateTime<Utc>,
    holds: impl Fn(DateTime<Utc>) -> bool,
) -> DateTime<Utc> {
    let quarter = |time: DateTime<Utc>| time.timestamp().div_euclid(QUARTER_SECONDS);
    let time =
        |quarter: i64| DateTime::from_timestamp(quarter * QUARTER_SECONDS, 0).expect("between two times");
    let (mut before, mut after) = (quarter(before), quarter(after));
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if holds(time(middle)) { after = middle } else { before = middle }
    }
    time(after)
}

#[cfg(test)]
mod tests;
