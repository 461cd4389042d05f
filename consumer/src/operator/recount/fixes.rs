//! How to set right what differs: an organization's day at a time.

use super::explaining::{Culprit, Quarters};
use crate::record::identity::Fingerprints;
use crate::store::{
    ChannelRepair, ChannelsRow, MetricRepair, MetricRow, OrganizationRow, PageRepair, Repair, WorkflowRepair,
    WorkflowRow,
};
use domain::{BucketSize, Counters};
use recount::Width;
use recount::cells::{Newest, WorkflowHour, numeral};
use recount::channels::ChannelHour;
use recount::entry::quarter_of;
use std::collections::BTreeMap;

/// The key of what has no day: the organization's own row.
const NO_DAY: i64 = i64::MIN;

const QUARTER_SECONDS: usize = 900;

/// The values of a bucket.
type Values = [i64; Counters::NAMES.len()];

/// What the log says of a bucket's values, one by one: of one topic it may have all records, and have lost some of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// The values that it says exactly, and beside them those that were found.
    right: Values,
    /// Which of them it says exactly.
    is_exact: [bool; Counters::NAMES.len()],
    /// Whether another one is wrong, too.
    is_left: bool,
}

impl Said {
    /// Nothing yet of these values.
    pub const fn nothing(found: Values) -> Self {
        Self { right: found, is_exact: [false; Counters::NAMES.len()], is_left: false }
    }

    /// Takes in that a value must be in a range.
    pub fn take(&mut self, place: usize, low: i64, high: i64) {
        self.is_exact[place] = low == high;
        if low == high {
            self.right[place] = low;
        } else {
            self.is_left |= !(low..=high).contains(&self.right[place]);
        }
    }
}

/// What is to be set right.
#[derive(Debug, Default)]
pub struct Fixes {
    /// By organization and UTC day, counted from the Unix epoch.
    pub repairs: BTreeMap<(String, i64), Repair>,
    /// Quarters of an hour of which some record must have been counted twice, or never.
    pub quarters: Quarters,
    /// Rows with a wrong value of which the log can't say what is right.
    pub impossible: u64,
    /// Which values are set right in these quarters, where it isn't all: what the ledger has of the others stays, too.
    exact: BTreeMap<(String, i32), [bool; Counters::NAMES.len()]>,
}

impl Fixes {
    /// Notes a bucket's row, with what the log says of its values. Those that it doesn't say exactly are left as they are. Records
    /// explain quarters of an hour, or hours that don't know theirs.
    pub fn metric(&mut self, width: Width, found: MetricRow, said: Said, is_finest: bool) {
        let size = match width {
            Width::Quarter => BucketSize::Quarter,
            Width::Hour => BucketSize::Hour,
            Width::Day => BucketSize::Day,
        };
        if is_finest {
            self.explain(&found.organization, found.start, width);
            let quarters = quarters(&found.organization, found.start, width);
            self.exact.extend(quarters.map(|quarter| (quarter, said.is_exact)));
        }
        self.impossible += u64::from(said.is_left);
        if said.right != found.values {
            let day = day(&found.organization, found.start);
            self.repair(day).metrics.push(MetricRepair { size, found, right: said.right });
        }
    }

    /// Notes a workflow's hour.
    pub fn workflow(&mut self, hour: Option<&WorkflowHour>, row: Option<&WorkflowRow>, is_certain: bool) {
        let right = match (hour, row) {
            (Some(hour), _) => WorkflowRow {
                organization: hour.organization.clone(),
                workflow: hour.workflow.clone(),
                start: hour.start,
                values: hour.cell.low,
                name: hour.name.1.clone(),
                durations: numeral(&hour.durations),
            },
            // The log has no run in this hour.
            (None, Some(row)) => WorkflowRow { values: [0; 4], ..row.clone() },
            (None, None) => return,
        };
        let day = day(&right.organization, right.start);
        if is_certain {
            let name_as_of = hour.map_or(0, |hour| hour.name.0);
            let repair = WorkflowRepair { found: row.cloned(), right, name_as_of };
            self.repair(day).workflows.push(repair);
        } else {
            self.impossible += 1;
        }
    }

    /// Notes an hour of channels, with what is right, if the log says that.
    pub fn channel_hour(&mut self, found: ChannelsRow<4>, right: Option<&ChannelHour>) {
        self.explain(&found.organization, found.start, Width::Hour);
        let Some(right) = right else {
            self.impossible += 1;
            return;
        };
        let right =
            right.channels.iter().map(|(channel, quarters)| (channel.clone(), quarters.map(|cell| cell.low)));
        let right = right.collect();
        self.repair(day(&found.organization, found.start))
            .channels
            .push(ChannelRepair::Hour { found, right });
    }

    /// Notes a day of channels. The log need not say what is right: it is the sum of the day's hours.
    pub fn channel_day(&mut self, organization: &str, start: i64) {
        let day = ChannelRepair::Day { organization: organization.to_owned(), start };
        self.repair(self::day(organization, start)).channels.push(day);
    }

    /// Notes the name of a channel that is missing.
    pub fn channel_name(&mut self, organization: &str, channel: &str) {
        let (organization, channel) = (organization.to_owned(), channel.to_owned());
        let repair = self.repair((organization.clone(), NO_DAY));
        repair.channels.push(ChannelRepair::Name { organization, channel });
    }

    /// Notes an organization's row.
    pub fn organization(
        &mut self,
        organization: &str,
        newest: Option<&Newest>,
        row: Option<&OrganizationRow>,
    ) {
        let right = newest.and_then(|newest| match &newest.states[..] {
            [state] if newest.certain => Some(OrganizationRow {
                organization: newest.organization.clone(),
                state: state.clone(),
                event_id: newest.at.2.clone(),
                as_of_micros: newest.at.0 * 1_000_000 + i64::from(newest.at.1) / 1_000,
                as_of_nanos: i16::try_from(newest.at.1 % 1_000).unwrap_or_default(),
            }),
            _ => None,
        });
        match right {
            Some(right) => {
                let repair = self.repair((organization.to_owned(), NO_DAY));
                repair.organizations.push((row.cloned(), right));
            }
            None => self.impossible += 1,
        }
    }

    /// Adds what the ledger lacks, or has too much. A day of which that can't be said is left as it is. Where some of a quarter's
    /// values are left, so is what the ledger has of those, so that both books stay equal.
    pub fn admit(&mut self, culprits: &[Culprit], fingerprints: &Fingerprints) {
        for culprit in culprits {
            let day = culprit.day();
            let Some(pages) = culprit.repair(fingerprints) else {
                self.impossible += u64::from(self.repairs.remove(&day).is_some());
                continue;
            };
            let exact = self.exact.get(&(day.0.clone(), quarter_of(culprit.quarter())));
            let Some(repair) = self.repairs.get_mut(&day) else { continue };
            for (place, mut page) in pages {
                if let Some(exact) = exact {
                    page.sums = only(page.sums, *exact);
                }
                // Nothing of it is counted, so it isn't admitted either.
                if page.sums == Values::default() {
                    continue;
                }
                let quarters = repair.pages.entry(place).or_default();
                let first = PageRepair { offset: page.offset, ..PageRepair::default() };
                let sum = quarters.entry(culprit.quarter()).or_insert(first);
                sum.offset = sum.offset.min(page.offset);
                sum.fingerprints.extend(page.fingerprints);
                sum.sums.iter_mut().zip(page.sums).for_each(|(sum, value)| *sum += value);
            }
        }
    }

    /// Records of these quarters are looked at.
    fn explain(&mut self, organization: &str, start: i64, width: Width) {
        self.quarters.extend(quarters(organization, start, width));
    }

    fn repair(&mut self, day: (String, i64)) -> &mut Repair {
        self.repairs.entry(day).or_default()
    }
}

/// The organization's quarters of an hour in a bucket, counted from the Unix epoch.
fn quarters(organization: &str, start: i64, width: Width) -> impl Iterator<Item = (String, i32)> {
    let seconds = (start..start + width.seconds()).step_by(QUARTER_SECONDS);
    seconds.map(move |second| (organization.to_owned(), quarter_of(second)))
}

/// The values that are exact; zeros for the others.
fn only(mut values: Values, exact: [bool; Counters::NAMES.len()]) -> Values {
    values.iter_mut().zip(exact).filter(|(_, exact)| !exact).for_each(|(value, _)| *value = 0);
    values
}

/// The organization's UTC day.
fn day(organization: &str, start: i64) -> (String, i64) {
    (organization.to_owned(), start.div_euclid(Width::Day.seconds()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: i64 = i64::MAX;

    /// What becomes of a quarter that has `found` of orders and of messages, of each of which the log has a range.
    #[track_caller]
    fn check(found: [i64; 2], orders: [i64; 2], messages: [i64; 2], right: Option<[i64; 2]>, left: u64) {
        let row = |[orders, messages]: [i64; 2]| [orders, 0, 0, 0, 0, 0, messages, 0];
        let mut said = Said::nothing(row(found));
        said.take(0, orders[0], orders[1]);
        said.take(6, messages[0], messages[1]);
        let mut fixes = Fixes::default();
        let found = MetricRow { organization: "acme".to_owned(), start: 900, values: row(found) };
        fixes.metric(Width::Quarter, found, said, true);
        let repairs = fixes.repairs.values().flat_map(|repair| &repair.metrics);
        let repaired: Vec<Values> = repairs.map(|repair| repair.right).collect();
        assert_eq!(repaired, right.map(row).into_iter().collect::<Vec<_>>());
        assert_eq!(fixes.impossible, left);
    }

    #[test]
    fn each_value_is_set_right_that_the_log_says_exactly() {
        check([15, 8], [10, 10], [7, 7], Some([10, 7]), 0);
        // Messages are gone from the log: what is counted of them stays, and doesn't keep orders from being set right.
        check([15, 8], [10, 10], [7, ANY], Some([10, 8]), 0);
        check([15, 6], [10, 10], [7, ANY], Some([10, 6]), 1);
        check([10, 6], [10, 10], [7, ANY], None, 1);
        check([15, 6], [16, ANY], [7, ANY], None, 1);
        check([15, 9], [10, 10], [7, 8], Some([10, 9]), 1);
    }

    #[test]
    fn the_ledger_keeps_what_it_has_of_values_that_are_left() {
        let exact = [true, true, true, false, false, false, true, false];
        assert_eq!(only([-1, 0, 0, 1, 0, 5, 0, 0], exact), [-1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(only([0, 0, 0, 1, 1, 5, 0, 1], exact), Values::default());
    }
}
