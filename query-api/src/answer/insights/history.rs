//! The history of an organization: the judged hours, and what is usual for them. Pure.

use crate::answer::insights::statistics;
use crate::answer::insights::window::{WEEKS_MAX, Window};
use crate::answer::registry::Kpi;
use crate::request::compare;
use crate::request::interval::Interval;
use crate::request::zone::Zone;
use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use domain::Counters;
use std::collections::HashMap;

/// With fewer earlier weeks nothing is known to be usual.
const WEEKS_MIN: usize = 4;

/// An hour and its counters.
#[derive(Clone, Copy, Debug)]
pub struct Hour {
    /// When it began.
    pub start: DateTime<Utc>,
    /// When it ended.
    pub end: DateTime<Utc>,
    /// What it counts.
    pub counters: Counters,
}

/// An hour of the week by a zone's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct HourOfWeek {
    days_from_monday: u32,
    hour: u32,
}

impl HourOfWeek {
    fn of(hour: &Hour, zone: Zone) -> Self {
        let local = zone.local(hour.start);
        Self { days_from_monday: local.weekday().num_days_from_monday(), hour: local.hour() }
    }
}

/// What is usual for an hour of the week, and how much it varies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    /// The median of the weeks before.
    pub median: f64,
    /// The median absolute deviation from that median.
    pub deviation: f64,
}

/// The hours of a window that are counted, by most partitions at least.
pub struct History<'a> {
    window: &'a Window,
    zone: Zone,
    /// Up to when they are.
    through: DateTime<Utc>,
    hours: Vec<Hour>,
    /// The index of the first judged hour.
    judged: usize,
    /// The index of the first hour that counts anything.
    active: usize,
    /// The indices of each hour of the week, ascending.
    by_hour_of_week: HashMap<HourOfWeek, Vec<usize>>,
}

impl<'a> History<'a> {
    /// The hours of `window` that end by `through`, with their `counters`. `None` where no judged hour is left, or no hour
    /// counts anything.
    #[must_use]
    pub fn new(window: &'a Window, through: DateTime<Utc>, counters: &[Counters]) -> Option<Self> {
        let edges = window.hours().edges();
        let all = edges.iter().zip(edges.iter().skip(1)).zip(counters);
        let hours =
            all.map(|((start, end), counters)| Hour { start: *start, end: *end, counters: *counters });
        let hours: Vec<_> = hours.take_while(|hour| hour.end <= through).collect();
        let judged = hours.iter().position(|hour| window.judged().from <= hour.start)?;
        let active = hours.iter().position(|hour| hour.counters != Counters::default())?;
        let zone = window.zone();
        let mut by_hour_of_week: HashMap<HourOfWeek, Vec<usize>> = HashMap::new();
        for (index, hour) in hours.iter().enumerate() {
            by_hour_of_week.entry(HourOfWeek::of(hour, zone)).or_default().push(index);
        }
        Some(Self { window, zone, through, hours, judged, active, by_hour_of_week })
    }

    /// The judged hours.
    #[must_use]
    pub fn judged(&self) -> &[Hour] {
        &self.hours[self.judged..]
    }

    /// Of the judged hours those of which a KPI has settled.
    #[must_use]
    pub fn settled(&self, kpi: &Kpi) -> &[Hour] {
        let until = self.window.older_than(kpi.settles_after).min(self.through - kpi.settles_after);
        let judged = self.judged();
        &judged[..judged.partition_point(|hour| hour.end <= until)]
    }

    /// The hours before them, from the first that counts anything.
    #[must_use]
    pub fn before(&self) -> &[Hour] {
        self.hours.get(self.active..self.judged).unwrap_or_default()
    }

    /// The hours that some judged ones are compared with, by the rule of comparisons: as much time, earlier by the fewest whole
    /// weeks that avoid an overlap, so that a Monday is compared with a Monday. `None` where the organization had no activity yet.
    #[must_use]
    pub fn weeks_before(&self, hours: &[Hour]) -> Option<&[Hour]> {
        let before = compare::weeks_before(period(hours)?, self.zone)?;
        let from = self.hours.partition_point(|hour| hour.start < before.from);
        let to = self.hours.partition_point(|hour| hour.end <= before.to);
        (self.active <= from).then(|| self.hours.get(from..to))?
    }

    /// What is usual of `value` for the judged hour at `index`, by the same hour of the weeks before it. `None` where there
    /// are too few such weeks.
    #[must_use]
    pub fn usual(&self, index: usize, value: impl Fn(&Counters) -> i64) -> Option<Usual> {
        let index = self.judged + index;
        let same = self.by_hour_of_week.get(&HourOfWeek::of(self.hours.get(index)?, self.zone))?;
        let earlier = same.iter().rev().filter(|other| **other < index && **other >= self.active);
        let values: Vec<f64> =
            earlier.take(WEEKS_MAX.into()).map(|other| value(&self.hours[*other].counters) as f64).collect();
        if values.len() < WEEKS_MIN {
            return None;
        }
        let median = statistics::median(values.clone());
        let deviation = statistics::median(values.iter().map(|value| (value - median).abs()).collect());
        Some(Usual { median, deviation })
    }

    /// A time as sentences show it: by the zone's clock.
    #[must_use]
    pub fn shown(&self, time: DateTime<Utc>) -> String {
        self.zone.local(time).format("%H:%M on %-d %B %Y").to_string()
    }

    /// A time of a day that is said elsewhere.
    #[must_use]
    pub fn clock(&self, time: DateTime<Utc>) -> String {
        self.zone.local(time).format("%H:%M").to_string()
    }

    /// How many weeks there are between two times, by the zone's clock: changes of that don't count.
    #[must_use]
    pub fn weeks_between(&self, earlier: DateTime<Utc>, later: DateTime<Utc>) -> i64 {
        (self.zone.local(later) - self.zone.local(earlier)).num_weeks()
    }
}

/// The counters of these hours, added up.
#[must_use]
pub fn sum<'a>(hours: impl IntoIterator<Item = &'a Hour>) -> Counters {
    let mut sum = Counters::default();
    hours.into_iter().for_each(|hour| sum += &hour.counters);
    sum
}

/// These hours as one interval; `None` of no hours.
#[must_use]
pub fn period(hours: &[Hour]) -> Option<Interval> {
    Some(Interval { from: hours.first()?.start, to: hours.last()?.end })
}
