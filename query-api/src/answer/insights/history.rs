//! The hours an organization has behind it: those that are judged, and those they are judged by. Pure.

use crate::request::cells::Cells;
use crate::request::compare::Interval;
use crate::request::granularity::Granularity;
use crate::request::range::Range;
use crate::request::zone::Zone;
use chrono::{DateTime, Datelike as _, TimeDelta, Timelike as _, Utc};
use domain::Counters;
use std::collections::HashMap;

/// Of a longer range its end is judged.
const JUDGED_MAX: TimeDelta = TimeDelta::weeks(4);

/// How far back the hours reach that it is judged by. With the judged ones that bounds what is read.
const HISTORY: TimeDelta = TimeDelta::weeks(8);

/// Hours of a week.
pub const WEEK: usize = 7 * 24;

/// Hours of the week that one is compared with: those of the weeks before it.
const WEEKS_MAX: usize = 8;

/// Fewer say too little about what is usual.
const WEEKS_MIN: usize = 4;

/// Which hours are looked at: they reach back from the end of what is over of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    zone: Zone,
    judged: Interval,
    hours: Cells,
}

impl Scene {
    /// The scene of a range: its hours that are over, and eight weeks before.
    #[must_use]
    pub fn of(range: &Range) -> Self {
        let (zone, until) = (range.zone(), range.closed_until());
        let hour = |time| zone.floor(time, Granularity::Hour);
        let from = range.from().max(hour(until - JUDGED_MAX));
        let first = hour(from - HISTORY);
        let starts = std::iter::successors(Some(first), |start| Some(zone.end(*start, Granularity::Hour)));
        let edges = starts.take_while(|start| *start < until).chain([until]).collect();
        Self { zone, judged: Interval { from, to: until }, hours: Cells::between(edges) }
    }

    /// The hours, one cell each.
    #[must_use]
    pub const fn hours(&self) -> &Cells {
        &self.hours
    }

    /// The period that is judged.
    #[must_use]
    pub const fn judged(&self) -> Interval {
        self.judged
    }
}

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

/// What is usual for an hour of the week, and how much it varies: median, and median absolute deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    /// The median of the weeks before.
    pub median: f64,
    /// The median of the distances from it.
    pub deviation: f64,
}

/// The hours of a scene that are counted to their end.
pub struct Past {
    zone: Zone,
    hours: Vec<Hour>,
    /// The place of the first hour that is judged.
    judged: usize,
    /// The place of the first hour in which there was anything at all.
    active: usize,
    /// The places of an hour of the week (day of the week, hour), ascending.
    slots: HashMap<(u32, u32), Vec<usize>>,
}

impl Past {
    /// The hours of `scene`, whose counters are `counters`, as far as all before `complete_through` is known. `None` where
    /// nothing is left to judge.
    #[must_use]
    pub fn of(scene: &Scene, complete_through: DateTime<Utc>, counters: &[Counters]) -> Option<Self> {
        let edges = scene.hours.edges();
        let all = edges.iter().zip(edges.iter().skip(1)).zip(counters);
        let hours =
            all.map(|((start, end), counters)| Hour { start: *start, end: *end, counters: *counters });
        let hours: Vec<_> = hours.take_while(|hour| hour.end <= complete_through).collect();
        let judged = hours.iter().position(|hour| scene.judged.from <= hour.start)?;
        let active = hours.iter().position(|hour| hour.counters != Counters::default())?;
        let mut slots: HashMap<(u32, u32), Vec<usize>> = HashMap::new();
        for (place, hour) in hours.iter().enumerate() {
            slots.entry(slot(scene.zone, hour)).or_default().push(place);
        }
        Some(Self { zone: scene.zone, hours, judged, active, slots })
    }

    /// The hours that are judged.
    #[must_use]
    pub fn judged(&self) -> &[Hour] {
        &self.hours[self.judged..]
    }

    /// The hours before them, from the first in which there was anything.
    #[must_use]
    pub fn before(&self) -> &[Hour] {
        self.hours.get(self.active..self.judged).unwrap_or_default()
    }

    /// As many hours as are judged, a week or as many weeks as it takes before them: so a Monday isn't measured by a
    /// Sunday. `None` where the organization wasn't there yet.
    #[must_use]
    pub fn weeks_before(&self) -> Option<&[Hour]> {
        let (from, length) = (self.judged, self.judged().len());
        let from = from.checked_sub(length.div_ceil(WEEK).max(1) * WEEK)?;
        (self.active <= from).then(|| &self.hours[from..from + length])
    }

    /// What is usual of `value` for the judged hour at `place`, by the same hour of the weeks before it. `None` where there
    /// are too few of them.
    #[must_use]
    pub fn usual(&self, place: usize, value: impl Fn(&Counters) -> i64) -> Option<Usual> {
        let place = self.judged + place;
        let same = self.slots.get(&slot(self.zone, self.hours.get(place)?))?;
        let earlier = same.iter().rev().filter(|other| **other < place && **other >= self.active);
        let values: Vec<f64> =
            earlier.take(WEEKS_MAX).map(|other| value(&self.hours[*other].counters) as f64).collect();
        if values.len() < WEEKS_MIN {
            return None;
        }
        let median = median(values.clone());
        let deviation = self::median(values.iter().map(|value| (value - median).abs()).collect());
        Some(Usual { median, deviation })
    }

    /// A time as sentences say it: by the zone's clock.
    #[must_use]
    pub fn said(&self, time: DateTime<Utc>) -> String {
        self.zone.local(time).format("%H:%M on %-d %B %Y").to_string()
    }
}

fn slot(zone: Zone, hour: &Hour) -> (u32, u32) {
    let local = zone.local(hour.start);
    (local.weekday().num_days_from_monday(), local.hour())
}

/// The middle of some values; of an even number the mean of the middle two, and 0 of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (below, above) = (values.len().saturating_sub(1) / 2, values.len() / 2);
    match (values.get(below), values.get(above)) {
        (Some(a), Some(b)) => f64::midpoint(*a, *b),
        (_, _) => 0.0,
    }
}

/// The sum of some hours.
#[must_use]
pub fn sum<'a>(hours: impl IntoIterator<Item = &'a Hour>) -> Counters {
    let mut sum = Counters::default();
    hours.into_iter().for_each(|hour| sum += &hour.counters);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(vec![]), 0.0);
        assert_eq!(median(vec![3.0]), 3.0);
        assert_eq!(median(vec![9.0, 1.0]), 5.0);
        assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
    }
}
