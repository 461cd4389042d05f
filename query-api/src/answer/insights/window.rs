//! The window of an insight: the judged period, and the history it is compared with. Pure.

use crate::request::cells::Cells;
use crate::request::granularity::Granularity;
use crate::request::interval::Interval;
use crate::request::range::Range;
use crate::request::zone::Zone;
use chrono::{DateTime, TimeDelta, Utc};

/// Of a longer range only the end is judged.
const JUDGED_MAX: TimeDelta = TimeDelta::weeks(4);

/// With how many earlier weeks an hour is compared at most.
pub(super) const WEEKS_MAX: u8 = 8;

/// How long the history is. With the judged period it bounds how many rows are read.
const HISTORY: TimeDelta = TimeDelta::weeks(WEEKS_MAX as i64);

/// The judged period, which is the end of the closed part of a range, and the eight weeks before it, hour by hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    zone: Zone,
    judged: Interval,
    hours: Cells,
    range: Range,
}

impl Window {
    /// The window of a range.
    #[must_use]
    pub fn of(range: &Range) -> Self {
        let (zone, until) = (range.zone(), range.closed_until());
        let hour = |time| zone.floor(time, Granularity::Hour);
        let from = range.from().max(hour(until - JUDGED_MAX));
        let first = hour(from - HISTORY);
        let starts = std::iter::successors(Some(first), |start| Some(zone.end(*start, Granularity::Hour)));
        let edges = starts.take_while(|start| *start < until).chain([until]).collect();
        Self { zone, judged: Interval { from, to: until }, hours: Cells::between(edges), range: *range }
    }

    /// The part of the judged period whose hours end by `through`; `None` if no hour does.
    #[must_use]
    pub fn judged_until(&self, through: Option<DateTime<Utc>>) -> Option<Interval> {
        let through = through?;
        let Interval { from, .. } = self.judged;
        let to = self.hours.edges().iter().copied().take_while(|end| *end <= through).last()?;
        (from < to).then_some(Interval { from, to })
    }

    /// Up to when things are older than `age`, to the quarter of an hour.
    #[must_use]
    pub fn older_than(&self, age: TimeDelta) -> DateTime<Utc> {
        self.range.older_than(age)
    }

    /// The zone whose hours they are.
    #[must_use]
    pub const fn zone(&self) -> Zone {
        self.zone
    }

    /// All its hours, one cell each.
    #[must_use]
    pub const fn hours(&self) -> &Cells {
        &self.hours
    }

    /// The judged period, at the end of these hours.
    #[must_use]
    pub const fn judged(&self) -> Interval {
        self.judged
    }
}
