//! The demo's load: a few companies' history, with days and nights, workdays and weekends, and a change of plan.

use crate::company::Company;
use crate::message::Message;
use crate::mix::Mix;
use crate::murmur2::partition_of;
use crate::produced::Produced;
use crate::rng::Rng;
use crate::trouble::Trouble;
use crate::upstream::Upstream;
use chrono::{DateTime, Datelike as _, Duration, Timelike as _, Utc, Weekday};
use std::collections::VecDeque;

/// How busy the hours of a day are, from midnight UTC on.
const DAY: [u32; 24] =
    [4, 3, 2, 2, 2, 3, 6, 11, 18, 24, 28, 31, 34, 32, 29, 27, 26, 27, 30, 33, 29, 21, 13, 8];
/// The load of a weekend day as a percentage of a workday's.
const WEEKEND_PERCENT: u32 = 55;
const HOUR_MS: u64 = 3_600_000;

/// What to generate.
#[derive(Clone, Debug)]
pub struct History {
    /// Seed of everything random.
    pub seed: u64,
    /// The approximate number of records, without updates of organizations.
    pub records: u64,
    /// How many partitions every topic has.
    pub partitions: i32,
    /// Start of the first hour.
    pub from: DateTime<Utc>,
    /// The end.
    pub until: DateTime<Utc>,
}

impl History {
    /// The shares of repeated, late and bad records: enough of each to be visible, but few.
    const TROUBLE: Trouble = Trouble {
        repeats: 0.04,
        stragglers: 0.03,
        straggler_age: Duration::hours(48),
        bad: 0.002,
        confluent: 0.05,
        json: 0.01,
    };
    /// The mix of records; updates are planned separately.
    const MIX: Mix =
        Mix { orders: 34, payments: 31, updates: 0, unknown: 1, workflows: 18, messages: 16, ..Mix::EVENTS };

    /// Its records, in the order in which they are produced.
    #[must_use]
    pub fn records(&self) -> Chronicle {
        let upstream = Upstream::new(self.seed, Company::three(), Self::MIX, Self::TROUBLE, 0);
        let mut chronicle = Chronicle {
            hours: self.hours(),
            planned: VecDeque::new(),
            partitions: self.partitions,
            moments: Rng::new(!self.seed),
            upstream,
        };
        chronicle.planned = chronicle.updates(self.from, self.until);
        chronicle
    }

    /// Each hour with the number of its records.
    fn hours(&self) -> VecDeque<Hour> {
        let starts = std::iter::successors(Some(self.from), |start| Some(*start + Duration::hours(1)));
        let starts: Vec<_> = starts.take_while(|start| *start < self.until).collect();
        let weights: Vec<u64> = starts.iter().map(|start| busyness(*start)).collect();
        let total: u64 = weights.iter().sum::<u64>().max(1);
        let mut passed = 0;
        let mut given = 0;
        let mut share = |weight: u64| {
            passed += weight;
            let due = self.records * passed / total;
            due - std::mem::replace(&mut given, due)
        };
        let hour = |(start, weight): (&DateTime<Utc>, u64)| {
            let end = (*start + Duration::hours(1)).min(self.until);
            let width_ms = u64::try_from((end - *start).num_milliseconds()).unwrap_or(HOUR_MS);
            Hour { start: *start, width_ms, records: share(weight), made: 0 }
        };
        starts.iter().zip(weights).map(hour).collect()
    }
}

/// An hour's weight among all hours.
fn busyness(hour: DateTime<Utc>) -> u64 {
    let weekend = matches!(hour.weekday(), Weekday::Sat | Weekday::Sun);
    let part = if weekend { WEEKEND_PERCENT } else { 100 };
    let place = usize::try_from(hour.hour()).expect("an hour of the day");
    u64::from(DAY[place] * part)
}

#[derive(Clone, Debug)]
struct Hour {
    start: DateTime<Utc>,
    width_ms: u64,
    records: u64,
    made: u64,
}

/// The records of a history, generated on demand; afterwards, live records.
#[derive(Clone, Debug)]
pub struct Chronicle {
    upstream: Upstream,
    hours: VecDeque<Hour>,
    /// Updates of organizations with the time they are produced, which may be later than their own time.
    planned: VecDeque<(DateTime<Utc>, Message)>,
    partitions: i32,
    moments: Rng,
}

impl Chronicle {
    /// Its companies.
    #[must_use]
    pub fn companies(&self) -> &[Company] {
        self.upstream.companies()
    }

    /// A record produced at `now`, after the history.
    pub fn live(&mut self, now: DateTime<Utc>) -> Produced {
        let record = self.upstream.record(now);
        record.placed(self.partitions)
    }

    /// Every company introduces itself. The second one changes its plan halfway, and later sends a late update with the old
    /// plan: the newest update wins, not the last one.
    fn updates(&mut self, from: DateTime<Utc>, until: DateTime<Utc>) -> VecDeque<(DateTime<Utc>, Message)> {
        let companies = self.upstream.companies().to_vec();
        let middle = from + (until - from) / 2;
        let mut planned = VecDeque::new();
        for (place, company) in companies.iter().enumerate() {
            let plan = (company.plan.0.as_str(), company.plan.1.as_str());
            let first_plan = if place == 1 { ("plan_starter", "starter") } else { plan };
            let id = self.upstream.id();
            let first = Message::update(&company.id, &id, from, &company.name, first_plan);
            planned.push_back((from, first.clone()));
            if place == 1 {
                let id = self.upstream.id();
                planned.push_back((middle, Message::update(&company.id, &id, middle, &company.name, plan)));
                planned.push_back((middle + Duration::minutes(5), first));
            }
        }
        planned.make_contiguous().sort_by_key(|(moment, _)| *moment);
        planned
    }

    /// The next time at which a record is produced, ascending.
    fn moment(&mut self) -> Option<DateTime<Utc>> {
        loop {
            let hour = self.hours.front_mut()?;
            if hour.made < hour.records {
                let step = hour.width_ms / hour.records;
                let jitter = self.moments.below(step);
                let passed = hour.width_ms * hour.made / hour.records + jitter;
                hour.made += 1;
                return Some(hour.start + Duration::milliseconds(passed.cast_signed()));
            }
            self.hours.pop_front();
        }
    }
}

impl Iterator for Chronicle {
    type Item = Produced;

    fn next(&mut self) -> Option<Produced> {
        let now = self.hours.front().map(|hour| hour.start);
        let due = |(moment, _): &(DateTime<Utc>, Message)| now.is_none_or(|now| *moment <= now);
        let mut record = if self.planned.front().is_some_and(due) {
            let (_, message) = self.planned.pop_front()?;
            self.upstream.write(message)
        } else {
            let moment = self.moment()?;
            self.upstream.record(moment)
        };
        record.partition = Some(partition_of(&record.key, self.partitions));
        Some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::truth::Truth;
    use recount::Horizon;

    fn month() -> History {
        let until: DateTime<Utc> = "2026-02-25T10:20:00Z".parse().unwrap();
        History { seed: 1, records: 100_000, partitions: 8, from: until - Duration::days(30), until }
    }

    #[test]
    fn a_month_has_all_its_records_and_every_sort_of_trouble() {
        let history = month();
        let records: Vec<_> = history.records().collect();
        assert_eq!(records.len(), 100_000 + 5);
        let truth = Truth::of(Horizon::at(history.until), &records);
        assert_eq!(truth.organizations.len(), 3);
        assert_eq!(truth.organizations["org_harbor"].state.plan_name, "pro");
        assert!(truth.tally.repeated > 3_000 && truth.tally.refused > 100, "{:?}", truth.tally);
        assert!(truth.totals().iter().all(|total| *total > 0));
    }

    #[test]
    fn days_are_busier_than_nights() {
        let truth = Truth::of(Horizon::at(month().until), &month().records().collect::<Vec<_>>());
        let orders = |hour: i64| -> i64 {
            let of_that_hour =
                truth.cells[1].iter().filter(|((_, bucket), _)| bucket.rem_euclid(86_400) == hour * 3_600);
            of_that_hour.map(|(_, cell)| cell[0]).sum()
        };
        assert!(orders(12) > 5 * orders(3), "{} at noon, {} at three", orders(12), orders(3));
    }

    #[test]
    fn failures_gather_in_one_workflow() {
        let truth = Truth::of(Horizon::at(month().until), &month().records().collect::<Vec<_>>());
        let failed = |name: &str| -> i64 {
            let cells =
                truth.workflow_cells.iter().filter(|((workflow, _), _)| truth.workflow(*workflow).1 == name);
            cells.map(|(_, cell)| cell[1]).sum()
        };
        assert!(failed("wf_invoice") > 3 * failed("wf_fulfil"));
    }
}
