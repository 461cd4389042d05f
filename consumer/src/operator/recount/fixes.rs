//! How to set right what differs: an organization's day at a time.

use super::explaining::{Culprit, Quarters};
use crate::record::identity::Fingerprints;
use crate::store::{
    ChannelRepair, ChannelsRow, MetricRepair, MetricRow, OrganizationRow, PageRepair, Repair, WorkflowRepair,
    WorkflowRow,
};
use domain::BucketSize;
use recount::Width;
use recount::cells::{Newest, WorkflowHour, numeral};
use recount::channels::ChannelHour;
use recount::entry::quarter_of;
use std::collections::BTreeMap;

/// The key of what has no day: the organization's own row.
const NO_DAY: i64 = i64::MIN;

const QUARTER_SECONDS: usize = 900;

/// What is to be set right.
#[derive(Debug, Default)]
pub struct Fixes {
    /// By organization and UTC day, counted from the Unix epoch.
    pub repairs: BTreeMap<(String, i64), Repair>,
    /// Quarters of an hour of which some record must have been counted twice, or never.
    pub quarters: Quarters,
    /// Rows of which the log can't say what is right.
    pub impossible: u64,
}

impl Fixes {
    /// Notes a bucket's row, with the right values, if the log says them. Records explain quarters of an hour, or hours
    /// that don't know theirs.
    pub fn metric(&mut self, width: Width, found: MetricRow, right: Option<[i64; 8]>, is_finest: bool) {
        let size = match width {
            Width::Quarter => BucketSize::Quarter,
            Width::Hour => BucketSize::Hour,
            Width::Day => BucketSize::Day,
        };
        if is_finest {
            self.explain(&found.organization, found.start, width);
        }
        let day = day(&found.organization, found.start);
        match right {
            Some(right) => self.repair(day).metrics.push(MetricRepair { size, found, right }),
            None => self.impossible += 1,
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

    /// Adds what the ledger lacks, or has too much. A day of which that can't be said is left as it is.
    pub fn admit(&mut self, culprits: &[Culprit], fingerprints: &Fingerprints) {
        for culprit in culprits {
            let day = culprit.day();
            let Some(pages) = culprit.repair(fingerprints) else {
                self.impossible += u64::from(self.repairs.remove(&day).is_some());
                continue;
            };
            let Some(repair) = self.repairs.get_mut(&day) else { continue };
            for (place, page) in pages {
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
        let quarters = (start..start + width.seconds()).step_by(QUARTER_SECONDS);
        self.quarters.extend(quarters.map(|second| (organization.to_owned(), quarter_of(second))));
    }

    fn repair(&mut self, day: (String, i64)) -> &mut Repair {
        self.repairs.entry(day).or_default()
    }
}

/// The organization's UTC day.
fn day(organization: &str, start: i64) -> (String, i64) {
    (organization.to_owned(), start.div_euclid(Width::Day.seconds()))
}
