//! From identities to what the cells of the tables must hold.
//!
//! Identities come by organization and time, so cells are complete one after the other, and only one of each width is kept. Where
//! the log can't say which of several values is right, a cell has a lowest and a highest one.

use crate::entry::{Effect, Reader, Run, sortable64, text};
use crate::identities::Identity;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The width of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Width {
    /// A quarter of an hour.
    Quarter,
    /// An hour.
    Hour,
    /// A UTC day.
    Day,
}

impl Width {
    /// All of them, the finest first.
    pub const ALL: [Self; 3] = [Self::Quarter, Self::Hour, Self::Day];

    /// In seconds.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        match self {
            Self::Quarter => 900,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }

    /// The start of the bucket that contains a second since the Unix epoch.
    #[must_use]
    pub const fn start(self, second: i64) -> i64 {
        second.div_euclid(self.seconds()) * self.seconds()
    }
}

/// Values, each between a lowest and a highest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell<const N: usize> {
    /// The lowest values that the log allows.
    pub low: [i64; N],
    /// The highest ones.
    pub high: [i64; N],
}

impl<const N: usize> Default for Cell<N> {
    fn default() -> Self {
        Self { low: [0; N], high: [0; N] }
    }
}

impl<const N: usize> Cell<N> {
    /// Adds the values of another cell.
    pub fn add(&mut self, other: &Self) {
        self.low.iter_mut().zip(other.low).for_each(|(sum, value)| *sum += value);
        self.high.iter_mut().zip(other.high).for_each(|(sum, value)| *sum += value);
    }

    /// What one of these adds, or perhaps none of them.
    fn one_of(values: &[[i64; N]], certain: bool) -> Self {
        let extreme = |place: usize, choose: fn(i64, i64) -> i64| {
            let none = (!certain).then_some(0);
            values.iter().map(|value| value[place]).chain(none).reduce(choose).unwrap_or(0)
        };
        Self {
            low: std::array::from_fn(|place| extreme(place, i64::min)),
            high: std::array::from_fn(|place| extreme(place, i64::max)),
        }
    }
}

/// What an identity adds to a bucket's eight counters.
#[must_use]
pub fn counters(identity: &Identity) -> Cell<8> {
    let values: Vec<[i64; 8]> = identity.effects().iter().map(Effect::counters).collect();
    Cell::one_of(&values, identity.certain)
}

/// A cell that is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The bucket's width.
    pub width: Width,
    /// Its organization.
    pub organization: String,
    /// Its start, in seconds since the Unix epoch.
    pub start: i64,
    /// What it must hold.
    pub cell: Cell<8>,
}

/// The cells of the identities that were added last.
#[derive(Default)]
pub struct Buckets {
    organization: String,
    open: [Option<(i64, Cell<8>)>; 3],
}

impl Buckets {
    /// Adds an identity; cells that are complete then go to `closed`.
    pub fn add(&mut self, identity: &Identity, closed: &mut Vec<Closed>) {
        if self.organization != identity.organization {
            self.close(closed);
            self.organization.clone_from(&identity.organization);
        }
        let adds = counters(identity);
        for (place, width) in Width::ALL.into_iter().enumerate() {
            let start = width.start(i64::from(identity.quarter) * Width::Quarter.seconds());
            if self.open[place].is_some_and(|(open, _)| open != start) {
                self.close_width(place, closed);
            }
            self.open[place].get_or_insert((start, Cell::default())).1.add(&adds);
        }
    }

    /// Completes all cells.
    pub fn close(&mut self, closed: &mut Vec<Closed>) {
        (0..Width::ALL.len()).for_each(|place| self.close_width(place, closed));
    }

    fn close_width(&mut self, place: usize, closed: &mut Vec<Closed>) {
        if let Some((start, cell)) = self.open[place].take() {
            let (width, organization) = (Width::ALL[place], self.organization.clone());
            closed.push(Closed { width, organization, start, cell });
        }
    }
}

/// What runs add to a workflow's hour: all of them, failed, failed by the safety limit, execution time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowHour {
    /// The organization.
    pub organization: String,
    /// The workflow.
    pub workflow: String,
    /// The hour's start, in seconds since the Unix epoch.
    pub start: i64,
    /// The four counters.
    pub cell: Cell<4>,
    /// When the last run ended, in microseconds since the Unix epoch, and the workflow's name in it.
    pub name: (i64, String),
    /// How many runs each bucket of the histogram has.
    pub durations: BTreeMap<u16, i64>,
    /// Whether it is certain which runs these are, and of what name.
    pub certain: bool,
}

/// Writes what a run's identity adds to the hours of workflows, each as an item that sorts by organization, workflow and
/// hour. Copies that contradict each other may be of several workflows.
pub fn write_runs(identity: &Identity, mut item: impl FnMut(&[u8])) {
    let runs: Vec<Run<'_>> = identity
        .entries()
        .filter_map(|entry| match entry.effect {
            Effect::Run(run) => Some(run),
            Effect::Order
            | Effect::Payment { .. }
            | Effect::Sent(_)
            | Effect::Delivered(_)
            | Effect::Update(_) => None,
        })
        .collect();
    let mut workflows: Vec<&str> = runs.iter().map(|run| run.workflow).collect();
    workflows.sort_unstable();
    workflows.dedup();
    for workflow in &workflows {
        let of_it: Vec<&Run<'_>> = runs.iter().filter(|run| run.workflow == *workflow).collect();
        let values: Vec<[i64; 4]> = of_it.iter().map(|run| run_counters(run)).collect();
        let is_sure = identity.certain && workflows.len() == 1;
        let cell = Cell::one_of(&values, is_sure);
        let Some(last) = of_it.iter().max_by_key(|run| (run.finished_at, run.name)) else { continue };
        let agree = of_it.iter().all(|run| run == last);
        let hour = Width::Hour.start(i64::from(identity.quarter) * Width::Quarter.seconds());
        let mut bytes = Vec::new();
        text(&mut bytes, &identity.organization);
        text(&mut bytes, workflow);
        bytes.extend(sortable64(hour));
        bytes.push(u8::from(is_sure && agree));
        cell.low.iter().chain(&cell.high).for_each(|value| bytes.extend(sortable64(*value)));
        bytes.extend(sortable64(last.finished_at));
        text(&mut bytes, last.name);
        item(&bytes);
    }
}

fn run_counters(run: &Run<'_>) -> [i64; 4] {
    [1, i64::from(run.outcome == 2), i64::from(run.outcome == 3), run.execution_time_ms]
}

impl WorkflowHour {
    /// What the item of [`write_runs`] adds to its hour; `None` if the bytes are none.
    #[must_use]
    pub fn read(item: &[u8]) -> Option<Self> {
        let mut rest = Reader(item);
        let (organization, workflow) = (rest.text()?.to_owned(), rest.text()?.to_owned());
        let (start, certain) = (rest.number64()?, rest.byte()? == 1);
        let mut cell = Cell::default();
        for value in cell.low.iter_mut().chain(&mut cell.high) {
            *value = rest.number64()?;
        }
        let name = (rest.number64()?, rest.text()?.to_owned());
        let durations = BTreeMap::from([(duration_bucket(cell.high[3]), 1)]);
        Some(Self { organization, workflow, start, cell, name, durations, certain })
    }

    /// Whether both are of one workflow's hour.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (self.start, &self.organization, &self.workflow)
            == (other.start, &other.organization, &other.workflow)
    }

    /// Adds what another item adds to the same hour.
    pub fn add(&mut self, other: Self) {
        self.cell.add(&other.cell);
        self.certain &= other.certain;
        self.name = std::mem::take(&mut self.name).max(other.name);
        for (bucket, runs) in other.durations {
            *self.durations.entry(bucket).or_default() += runs;
        }
    }
}

/// Each doubling from 1 ms on has ten buckets of equal width: the first duration beyond each, in tenths of a millisecond.
static BOUNDS: LazyLock<Vec<i128>> =
    LazyLock::new(|| (0..640_u32).map(|place| i128::from(10 + place % 10) << (place / 10)).collect());

/// The bucket of a duration in the histogram.
#[must_use]
#[allow(clippy::missing_panics_doc)]
pub fn duration_bucket(ms: i64) -> u16 {
    let below = BOUNDS.partition_point(|bound| *bound <= i128::from(ms) * 10);
    u16::try_from(below).expect("there are 640 bounds")
}

/// A histogram as the tables have it: a number of twelve decimal digits a bucket, without leading zeros.
#[must_use]
pub fn numeral(durations: &BTreeMap<u16, i64>) -> String {
    let highest = durations.keys().next_back().copied().unwrap_or_default();
    let count = |bucket| durations.get(&bucket).copied().unwrap_or_default();
    let digits: String = (0..=highest).rev().map(|bucket| format!("{:012}", count(bucket))).collect();
    match digits.trim_start_matches('0') {
        "" => "0".to_owned(),
        digits => digits.to_owned(),
    }
}

/// An organization's newest update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newest {
    /// The organization.
    pub organization: String,
    /// When it occurred, in seconds and nanoseconds, and its id.
    pub at: (i64, i32, String),
    /// The organization's name, its plan's id and its plan's name: the values that the log allows, mostly one.
    pub states: Vec<[String; 3]>,
    /// Whether it is certain that it was not refused for the clock's sake.
    pub certain: bool,
}

impl Newest {
    /// The update of this identity, if it is one.
    #[must_use]
    pub fn of(identity: &Identity) -> Option<Self> {
        let mut newest: Option<Self> = None;
        for entry in identity.entries() {
            let Effect::Update(update) = entry.effect else { return None };
            let state = [update.name, update.plan_id, update.plan_name].map(str::to_owned);
            let at = (update.seconds, update.nanos, identity.id.clone());
            let (organization, certain) = (identity.organization.clone(), identity.certain);
            newest.get_or_insert(Self { organization, at, states: Vec::new(), certain }).states.push(state);
        }
        newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_kept_by_tenths_of_a_doubling() {
        let bucket = |ms, expected| assert_eq!(duration_bucket(ms), expected, "{ms} ms");
        bucket(0, 0);
        bucket(1, 1);
        bucket(2, 11);
        bucket(3, 16);
        bucket(1_000, 1 + 9 * 10 + 9);
        bucket(1_024, 1 + 10 * 10);
        assert_eq!(numeral(&BTreeMap::new()), "0");
        assert_eq!(numeral(&BTreeMap::from([(0, 7), (2, 3)])), "3000000000000000000000007");
    }
}
