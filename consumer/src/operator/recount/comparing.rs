//! Comparing what the log says with the tables, both in the order of their keys.

use super::channels::{self, Judge};
use super::differences::{Difference, Differences, Table};
use super::fixes::{Fixes, Said};
use super::judged::{Judged, counters_of};
use super::settings::Recount;
use super::state::State;
use crate::operator::console::{self, Advance};
use crate::operator::moment;
use crate::operator::table::printable;
use crate::record::Topic;
use crate::record::topic_names::TopicNames;
use crate::store::{Cursor, MetricRow, OrganizationRow, RowFilter, TablesSnapshot, WorkflowRow};
use anyhow::Context as _;
use chrono::DateTime;
use domain::{BucketSize, Counters};
use recount::cells::{Buckets, Closed, Newest, WorkflowHour, numeral, write_runs};
use recount::channels::{ChannelHours, ChannelItems};
use recount::{Cell, Erased, Identities, Identity, Merge, Sorter, Width};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

const RUN_COUNTERS: [&str; 4] = ["runs", "failed", "failed_safety_limit", "total_execution_time_ms"];

/// A comparison under way.
pub struct Comparing<'a> {
    state: &'a State,
    snapshot: &'a TablesSnapshot<'a>,
    stop: &'a AtomicBool,
    topics: Vec<Topic>,
    judged: &'a Judged,
    /// What is passed over.
    erased: &'a Erased,
    filter: RowFilter,
    /// Hours before this second don't know their quarters.
    quarters_from: i64,
    /// Buckets of channels before this second are not compared: members that knew no channels may have counted in them.
    channels_from: i64,
    memory: usize,
    /// What was found.
    pub differences: Differences,
    /// How to set it right.
    pub fixes: Fixes,
    identities: u64,
    /// Copies that would add something else than the first in their partition.
    contradicting: u64,
    advance: Advance,
}

impl<'a> Comparing<'a> {
    /// Nothing is compared yet.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn new(
        settings: &Recount,
        state: &'a State,
        snapshot: &'a TablesSnapshot<'a>,
        names: &TopicNames,
        (judged, erased): (&'a Judged, &'a Erased),
        stop: &'a AtomicBool,
    ) -> anyhow::Result<Self> {
        let quarters_from = snapshot.quarters_from().await.context("PostgreSQL")?;
        let channels_since = snapshot.channels_since().await.context("PostgreSQL")?;
        let skew = i64::try_from(settings.future_skew_max.as_secs()).unwrap_or(i64::MAX);
        let chosen = &state.chosen;
        Ok(Self {
            topics: chosen.topics.iter().filter_map(|name| names.topic(name)).collect(),
            judged,
            erased,
            filter: RowFilter {
                organization: chosen.organization.clone(),
                from: chosen.from,
                to: chosen.to,
                except: erased.under_way().into_iter().map(str::to_owned).collect(),
            },
            quarters_from,
            // Such members may have counted what was ahead of its time.
            channels_from: if channels_since == i64::MIN {
                i64::MIN
            } else {
                channels_since.saturating_add(skew)
            },
            memory: settings.memory(),
            differences: Differences::up_to(settings.limit),
            fixes: Fixes::default(),
            identities: 0,
            contradicting: 0,
            advance: Advance::start(),
            state,
            snapshot,
            stop,
        })
    }

    /// Compares everything; returns whether it wasn't stopped.
    ///
    /// # Errors
    /// When PostgreSQL fails, or what was read can't be read again.
    pub async fn compare(&mut self) -> anyhow::Result<bool> {
        let mut rows = [
            self.snapshot.metrics(BucketSize::Quarter, &self.filter).await.context("PostgreSQL")?,
            self.snapshot.metrics(BucketSize::Hour, &self.filter).await.context("PostgreSQL")?,
            self.snapshot.metrics(BucketSize::Day, &self.filter).await.context("PostgreSQL")?,
        ];
        let mut organizations = Organizations::open(self).await?;
        let mut identities = Identities::of(self.state.sorter(0).merge()?, self.erased)?;
        let (mut buckets, mut closed) = (Buckets::default(), Vec::new());
        let mut resorted = Resorted::of(self.state, self.memory, self.channels_from);
        while let Some(identity) = identities.take_next()? {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            self.identities += 1;
            self.contradicting += identity.contradicting;
            match Newest::of(&identity) {
                Some(newest) => organizations.add(self, newest).await?,
                None => buckets.add(&identity, &mut closed),
            }
            resorted.add(&identity)?;
            self.close(&mut rows, &mut closed).await?;
            self.advance.at(format_args!("{} identities compared", self.identities));
        }
        buckets.close(&mut closed);
        self.close(&mut rows, &mut closed).await?;
        for (width, rows) in Width::ALL.into_iter().zip(&mut rows) {
            rows.take_rest(self.snapshot, |row| self.unexpected(width, &row)).await?;
        }
        organizations.end(self).await?;
        let Resorted { runs, mut channels, mut messages } = resorted;
        channels.close(|item| messages.add(|bytes| bytes.extend_from_slice(item)));
        Ok(self.compare_workflows(runs).await? && self.compare_channels(messages).await?)
    }

    async fn close(
        &mut self,
        rows: &mut [Cursor<MetricRow>; 3],
        closed: &mut Vec<Closed>,
    ) -> anyhow::Result<()> {
        for Closed { width, organization, start, cell } in closed.drain(..) {
            let rows = match width {
                Width::Quarter => &mut rows[0],
                Width::Hour => &mut rows[1],
                Width::Day => &mut rows[2],
            };
            let key = (organization.as_str(), start);
            let place = |row: &MetricRow| (row.organization.as_str(), row.start).cmp(&key);
            let found = rows.find(self.snapshot, place, |row| self.unexpected(width, &row)).await?;
            self.metric(width, &organization, start, &cell, found.map_or([0; 8], |row| row.values));
        }
        Ok(())
    }

    /// Compares a bucket of which the log has nothing.
    fn unexpected(&mut self, width: Width, row: &MetricRow) {
        self.metric(width, &row.organization, row.start, &Cell::default(), row.values);
    }

    /// Compares a bucket.
    fn metric(&mut self, width: Width, organization: &str, start: i64, cell: &Cell<8>, found: [i64; 8]) {
        if width == Width::Quarter && start < self.quarters_from {
            return;
        }
        let table = match width {
            Width::Quarter => Table::Quarters,
            Width::Hour => Table::Hours,
            Width::Day => Table::Days,
        };
        let highest = self.judged.highest(start, cell);
        let (wrong, mut said) = (self.differences.wrong, Said::nothing(found));
        for place in self.topics.iter().flat_map(|topic| counters_of(*topic)) {
            said.take(place, cell.low[place], highest[place]);
            let range = (cell.low[place], cell.high[place], highest[place]);
            self.differences.counter(range, found[place], |values| Difference {
                table,
                organization: organization.to_owned(),
                part: None,
                start: Some(start),
                column: Counters::NAMES[place],
                values,
            });
        }
        if self.differences.wrong > wrong && self.differences.is_complete() {
            let found = MetricRow { organization: organization.to_owned(), start, values: found };
            let is_finest = width == Width::Quarter || width == Width::Hour && start < self.quarters_from;
            self.fixes.metric(width, found, said, is_finest);
        }
    }

    async fn compare_workflows(&mut self, mut runs: Sorter) -> anyhow::Result<bool> {
        if !self.topics.contains(&Topic::WorkflowTerminals) {
            return Ok(true);
        }
        let needless = runs.settle()?;
        runs.delete(&needless)?;
        let mut hours = WorkflowHours { merge: runs.merge()?, next: None };
        let mut rows = self.snapshot.workflows(&self.filter).await.context("PostgreSQL")?;
        while let Some(hour) = hours.take_next()? {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            let key = (hour.organization.as_str(), hour.workflow.as_str(), hour.start);
            let place =
                |row: &WorkflowRow| (row.organization.as_str(), row.workflow.as_str(), row.start).cmp(&key);
            let found = rows.find(self.snapshot, place, |row| self.workflow(None, Some(&row))).await?;
            self.workflow(Some(&hour), found.as_ref());
        }
        rows.take_rest(self.snapshot, |row| self.workflow(None, Some(&row))).await?;
        runs.delete(runs.runs())?;
        Ok(true)
    }

    async fn compare_channels(&mut self, mut messages: Sorter) -> anyhow::Result<bool> {
        if !self.compares_channels() {
            messages.delete(messages.runs())?;
            return Ok(true);
        }
        let needless = messages.settle()?;
        messages.delete(&needless)?;
        let judge = Judge {
            compared_from: self.channels_from,
            judged_from: self.judged.from(Topic::MessageDeliveries),
            differences: &mut self.differences,
            fixes: &mut self.fixes,
        };
        let log = ChannelHours::of(messages.merge()?)?;
        let is_done = channels::compare(self.snapshot, &self.filter, log, judge, self.stop).await?;
        messages.delete(messages.runs())?;
        Ok(is_done)
    }

    /// Whether some of channels' buckets can be compared.
    fn compares_channels(&self) -> bool {
        self.topics.contains(&Topic::MessageDeliveries) && self.channels_from < i64::MAX
    }

    /// Compares a workflow's hour.
    fn workflow(&mut self, hour: Option<&WorkflowHour>, row: Option<&WorkflowRow>) {
        let key = hour.map(|hour| (&hour.organization, &hour.workflow, hour.start));
        let key = key.or_else(|| row.map(|row| (&row.organization, &row.workflow, row.start)));
        let Some((organization, workflow, start)) = key else { return };
        let cell = hour.map(|hour| hour.cell).unwrap_or_default();
        let found = row.map(|row| row.values).unwrap_or_default();
        let is_judged = start >= self.judged.from(Topic::WorkflowTerminals);
        let wrong = self.differences.wrong;
        let difference = |column| {
            move |values| Difference {
                table: Table::Workflows,
                organization: organization.clone(),
                part: Some(workflow.clone()),
                start: Some(start),
                column,
                values,
            }
        };
        for (place, column) in RUN_COUNTERS.into_iter().enumerate() {
            let highest = if is_judged { cell.high[place] } else { i64::MAX };
            let right = (cell.low[place], cell.high[place], highest);
            self.differences.counter(right, found[place], difference(column));
        }
        // If the counters differ, these can't agree.
        if let (Some(hour), Some(row)) = (hour, row)
            && is_judged
            && hour.certain
            && cell.low == found
        {
            self.differences.text(&hour.name.1, &row.name, difference("workflow_name"));
            self.differences.text(&numeral(&hour.durations), &row.durations, difference("durations"));
        }
        if self.differences.wrong > wrong && self.differences.is_complete() {
            let is_certain = is_judged && hour.is_none_or(|hour| hour.certain);
            self.fixes.workflow(hour, row, is_certain);
        }
    }

    /// Says what was compared, and what can't be said.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn report(&self) -> anyhow::Result<()> {
        let Differences { compared, several, unknown, .. } = &self.differences;
        let (records, identities) = (self.state.records, self.identities);
        console::answer(format_args!(
            "{records} records read, {identities} identities; {compared} values compared"
        ))?;
        for topic in &self.topics {
            self.report_loss(*topic)?;
        }
        for organization in &self.filter.except {
            let organization = printable(organization);
            console::answer(format_args!(
                "{organization} is being erased, and not compared before that has ended"
            ))?;
        }
        self.report_channels()?;
        if self.contradicting > 0 {
            console::answer(format_args!(
                "{} copies contradict the first one in their partition, which counts: a producer reuses ids",
                self.contradicting
            ))?;
        }
        if *unknown > 0 {
            console::answer(format_args!(
                "{unknown} values can't be judged, only that they are not too low: records are gone from the log"
            ))?;
        }
        if *several > 0 {
            console::answer(format_args!(
                "{several} values are among several that the log allows: records contradict each other, or it isn't known whether \
                 they were refused, or counted and erased"
            ))?;
        }
        Ok(())
    }

    fn report_channels(&self) -> anyhow::Result<()> {
        if self.channels_from == i64::MIN || !self.topics.contains(&Topic::MessageDeliveries) {
            return Ok(());
        }
        console::answer(if self.compares_channels() {
            let from = moment::shown(DateTime::from_timestamp(self.channels_from, 0));
            format!("messages by channel: compared from {from} on; not all members counted them before")
        } else {
            "messages by channel: not compared before `consumer migrate --finish`".to_owned()
        })?;
        Ok(())
    }

    fn report_loss(&self, topic: Topic) -> anyhow::Result<()> {
        let from = self.judged.from(topic);
        let [first, .., last] = &Counters::NAMES[counters_of(topic)] else { return Ok(()) };
        if from == i64::MAX {
            console::answer(format_args!(
                "{first} to {last}: too much is gone from the log for a judgement"
            ))?;
        } else if from > i64::MIN {
            let from = moment::shown(DateTime::from_timestamp(from, 0));
            console::answer(format_args!(
                "{first} to {last}: judged from {from} on; older records are gone from the log"
            ))?;
        }
        Ok(())
    }
}

/// What identities add to tables of another order: items that are sorted again. Each sorter has half of the memory.
struct Resorted {
    runs: Sorter,
    channels: ChannelItems,
    messages: Sorter,
}

impl Resorted {
    fn of(state: &State, memory: usize, channels_from: i64) -> Self {
        Self {
            runs: state.scratch("workflows", memory / 2),
            channels: ChannelItems::since(channels_from),
            messages: state.scratch("channels", memory / 2),
        }
    }

    fn add(&mut self, identity: &Identity) -> io::Result<()> {
        let Self { runs, channels, messages } = self;
        write_runs(identity, |item| runs.add(|bytes| bytes.extend_from_slice(item)));
        channels.add(identity, |item| messages.add(|bytes| bytes.extend_from_slice(item)));
        [runs, messages].into_iter().filter(|sorter| sorter.is_full()).try_for_each(Sorter::spill)
    }
}

/// The hours of workflows, from sorted items.
struct WorkflowHours {
    merge: Merge,
    next: Option<WorkflowHour>,
}

impl WorkflowHours {
    fn take_next(&mut self) -> anyhow::Result<Option<WorkflowHour>> {
        let mut hour = self.next.take();
        while let Some(item) = self.merge.take_next()? {
            let item = WorkflowHour::read(item).context("a run of the state is damaged")?;
            match &mut hour {
                Some(hour) if hour.is_same(&item) => hour.add(item),
                Some(_) => {
                    self.next = Some(item);
                    break;
                }
                None => hour = Some(item),
            }
        }
        Ok(hour)
    }
}

/// The organizations' newest updates. They are compared only if all times are chosen.
struct Organizations {
    rows: Option<Cursor<OrganizationRow>>,
    newest: Option<Newest>,
}

impl Organizations {
    async fn open(comparing: &Comparing<'_>) -> anyhow::Result<Self> {
        let filter = &comparing.filter;
        let all = filter.from.is_none() && filter.to.is_none() && comparing.topics.contains(&Topic::Events);
        let rows = if all { Some(comparing.snapshot.organizations(filter).await?) } else { None };
        Ok(Self { rows, newest: None })
    }

    async fn add(&mut self, comparing: &mut Comparing<'_>, newer: Newest) -> anyhow::Result<()> {
        match &mut self.newest {
            Some(newest) if newest.organization == newer.organization => {
                if newest.at < newer.at {
                    *newest = newer;
                }
                Ok(())
            }
            Some(_) | None => {
                let complete = self.newest.replace(newer);
                self.compare(comparing, complete).await
            }
        }
    }

    async fn end(&mut self, comparing: &mut Comparing<'_>) -> anyhow::Result<()> {
        let complete = self.newest.take();
        self.compare(comparing, complete).await?;
        let Some(rows) = &mut self.rows else { return Ok(()) };
        rows.take_rest(comparing.snapshot, |row| unexpected(comparing, &row)).await?;
        Ok(())
    }

    async fn compare(&mut self, comparing: &mut Comparing<'_>, newest: Option<Newest>) -> anyhow::Result<()> {
        let (Some(rows), Some(newest)) = (&mut self.rows, newest) else { return Ok(()) };
        let place = |row: &OrganizationRow| row.organization.cmp(&newest.organization);
        let found = rows.find(comparing.snapshot, place, |row| unexpected(comparing, &row)).await?;
        differ(comparing, &newest.organization, Some(&newest), found.as_ref());
        Ok(())
    }
}

/// Compares an organization of which the log has nothing.
fn unexpected(comparing: &mut Comparing<'_>, row: &OrganizationRow) {
    differ(comparing, &row.organization, None, Some(row));
}

/// Compares an organization.
fn differ(
    comparing: &mut Comparing<'_>,
    organization: &str,
    newest: Option<&Newest>,
    row: Option<&OrganizationRow>,
) {
    let found = row.map(|row| {
        let [name, plan_id, plan_name] = &row.state;
        format!("{name} | {plan_id} | {plan_name} | {}", row.event_id)
    });
    let found = found.unwrap_or_default();
    let allowed: Vec<String> = newest.map_or_else(Vec::new, |newest| {
        let text = |[name, plan_id, plan_name]: &[String; 3]| {
            format!("{name} | {plan_id} | {plan_name} | {}", newest.at.2)
        };
        newest.states.iter().map(text).collect()
    });
    let is_newer = newest.zip(row).is_none_or(|(newest, row)| {
        let micros = newest.at.0 * 1_000_000 + i64::from(newest.at.1) / 1_000;
        (micros, i64::from(newest.at.1 % 1_000)) >= (row.as_of_micros, i64::from(row.as_of_nanos))
    });
    if comparing.judged.from(Topic::Events) > i64::MIN && (newest.is_none() || !is_newer) {
        // The row is of an update that is gone from the log.
        comparing.differences.unknown += 1;
        return;
    }
    if newest.is_some_and(|newest| !newest.certain) && !allowed.contains(&found) {
        comparing.differences.unknown += 1;
        return;
    }
    let right = allowed.iter().find(|text| **text == found).or(allowed.first()).cloned().unwrap_or_default();
    if right != found {
        comparing.fixes.organization(organization, newest, row);
    }
    comparing.differences.text(&right, &found, |values| Difference {
        table: Table::Organizations,
        organization: organization.to_owned(),
        part: None,
        start: None,
        column: "name | plan_id | plan_name | event_id",
        values,
    });
}
