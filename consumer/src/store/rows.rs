//! From changes to rows: all partitions' changes added up, and sorted by each table's full key. Pure.
//!
//! Rows are kept as columns, because statements take arrays. They are sorted, because two members that upsert the same rows
//! in different order would deadlock.

use crate::batch::OrganizationUpdate;
use crate::batch::texts::{Ranks, Text, Texts};
use crate::decide::changes::{Cell, Changes, FailedRun, PartitionChanges, WorkflowCounters};
use crate::decide::undecided::DecidedBatch;
use crate::record::topic_names::TopicNames;
use crate::record::{Outcome, Partition, Topic};
use crate::store::channel_rows::ChannelRows;
use crate::store::columns::{BucketColumn, SparseColumn, TextColumn};
use crate::store::ledger_rows::{FiledTails, SegmentRows, TailRow};
use crate::store::letter_rows::{LetterRows, LetterRunRows};
use crate::store::refusal_rows::RefusalRows;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{BucketSize, Counters, Durations};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// Counters' rows that one statement writes at most. A batch may have hundreds of thousands; their statements are sent some
/// at a time, so that no more of them wait in memory as messages to PostgreSQL. The tests of the laws have few rows.
const ROWS_A_STATEMENT: usize = if cfg!(test) { 3 } else { 16_384 };

/// A batch's rows, table by table.
#[derive(Default)]
pub struct Rows {
    /// Segments added to the ledger's pages.
    pub segments: SegmentRows,
    /// Rows added to partitions' tails.
    pub tails: Vec<TailRow>,
    /// Tails that are filed.
    pub filed: FiledTails,
    /// Organizations' newest updates.
    pub organizations: OrganizationRows,
    /// Workflows' hours.
    pub workflows: WorkflowRows,
    /// Failed runs.
    pub failures: FailureRows,
    /// Refused records that are kept.
    pub dead_letters: LetterRows,
    /// Refused records of which only offsets and reason are kept.
    pub letter_runs: LetterRunRows,
    /// What senders are told of refused records.
    pub refusals: RefusalRows,
    /// Hours, days: as many tables of rows as there are statements.
    pub counters: Arc<[Vec<CounterRows>; 2]>,
    /// Messages by channel.
    pub channels: Arc<ChannelRows>,
}

/// Rows of counters that are made while the batch before is still being written. They are right if every partition moves.
pub struct PreparedCounters {
    partitions: Vec<Partition>,
    counters: Arc<[Vec<CounterRows>; 2]>,
    channels: Arc<ChannelRows>,
}

/// Organizations' names and plans.
#[derive(Default)]
#[allow(missing_docs)]
pub struct OrganizationRows {
    pub organization: Vec<String>,
    pub name: Vec<String>,
    pub plan_id: Vec<String>,
    pub plan_name: Vec<String>,
    pub as_of: Vec<DateTime<Utc>>,
    pub as_of_nanos: Vec<i16>,
    pub event_id: Vec<String>,
}

/// What is added to workflows' hours. Their days are made of it by a statement.
#[derive(Default)]
#[allow(missing_docs)]
pub struct WorkflowRows {
    pub organization: Vec<String>,
    pub workflow_id: Vec<String>,
    pub hour: Vec<DateTime<Utc>>,
    pub name: Vec<String>,
    pub name_as_of: Vec<DateTime<Utc>>,
    pub runs: Vec<i64>,
    pub failed: Vec<i64>,
    pub failed_safety_limit: Vec<i64>,
    pub execution_time_ms: Vec<i64>,
    /// Numerals that PostgreSQL reads as numeric.
    pub durations: Vec<String>,
}

/// Failed runs, for the list of them.
#[derive(Default)]
#[allow(missing_docs)]
pub struct FailureRows {
    pub organization: Vec<String>,
    pub execution_id: Vec<String>,
    pub workflow_id: Vec<String>,
    pub workflow_name: Vec<String>,
    pub outcome: Vec<&'static str>,
    pub error_message: Vec<String>,
    pub execution_time_ms: Vec<i64>,
    pub finished_at: Vec<DateTime<Utc>>,
}

/// What is added to the counters of one bucket size. A counter that nothing is added to has empty columns.
#[derive(Default)]
#[allow(missing_docs)]
pub struct CounterRows {
    pub organization: TextColumn,
    pub bucket: BucketColumn,
    pub counters: [Vec<i64>; 8],
    /// What the second, third and fourth quarter of an hour added to each counter. Empty for days, and for a quarter in which
    /// nothing is added.
    pub quarters: [[SparseColumn; 8]; 3],
    /// Histograms of the runs, as numerals; empty if there are no runs.
    pub durations: Vec<Option<String>>,
}

impl Rows {
    /// The rows of the partitions that have moved. The others are lost, and so are their changes.
    #[must_use]
    pub fn of(
        changes: &Changes,
        moved: &[Partition],
        topics: &TopicNames,
        topic_ids: &HashMap<Topic, String>,
    ) -> Self {
        Self::with(None, changes, moved, topics, topic_ids)
    }

    /// The same, with counters that were prepared if all their partitions have moved.
    #[must_use]
    pub fn with(
        prepared: Option<&PreparedCounters>,
        changes: &Changes,
        moved: &[Partition],
        topics: &TopicNames,
        topic_ids: &HashMap<Topic, String>,
    ) -> Self {
        let order = Order::of(&changes.texts);
        let is_moved = |partition: &Partition| moved.contains(partition);
        let mut changes: Vec<&PartitionChanges> =
            changes.partitions.iter().filter(|changes| is_moved(&changes.partition)).collect();
        changes.sort_unstable_by_key(|changes| changes.partition);
        let prepared = prepared.filter(|prepared| prepared.partitions.iter().all(is_moved));
        let counters = prepared.map(|prepared| Arc::clone(&prepared.counters));
        let channels = prepared.map(|prepared| Arc::clone(&prepared.channels));
        let mut rows = Self {
            organizations: order.organizations(&changes),
            workflows: order.workflows(&changes),
            failures: order.failures(&changes),
            refusals: RefusalRows::of(&changes, order.texts, topics),
            counters: counters.unwrap_or_else(|| Arc::new(order.counters(&changes))),
            channels: channels.unwrap_or_else(|| Arc::new(ChannelRows::of(&changes, order.texts))),
            ..Self::default()
        };
        for changes in changes {
            let topic = topics.of(changes.partition.topic);
            let topic_id = topic_ids.get(&changes.partition.topic).map_or("", String::as_str);
            rows.segments.add(changes, topic);
            rows.tails.extend(TailRow::of(changes, topic));
            rows.filed.add(changes, topic);
            rows.dead_letters.add(changes, topic, topic_id);
            rows.letter_runs.add(changes, topic, topic_id);
        }
        rows
    }

    /// The rows of the tables of counters that have any.
    pub fn counters(&self) -> impl Iterator<Item = (BucketSize, &CounterRows)> {
        let of_sizes = BucketSize::STORED.into_iter().zip(&*self.counters);
        of_sizes.flat_map(|(size, rows)| rows.iter().map(move |rows| (size, rows)))
    }
}

impl PreparedCounters {
    /// The rows of all partitions of a batch.
    #[must_use]
    pub fn of(batch: &DecidedBatch) -> Self {
        let changes: Vec<&PartitionChanges> = batch.partitions.iter().collect();
        let partitions = changes.iter().map(|changes| changes.partition).collect();
        let counters = Order::of(&batch.texts).counters(&changes);
        let channels = ChannelRows::of(&changes, &batch.texts);
        Self { partitions, counters: Arc::new(counters), channels: Arc::new(channels) }
    }
}

/// The order of a batch's rows: by the texts of their keys.
struct Order<'a> {
    texts: &'a Arc<Texts>,
    ranks: &'a Ranks,
}

impl<'a> Order<'a> {
    fn of(texts: &'a Arc<Texts>) -> Self {
        Self { texts, ranks: texts.ranks() }
    }

    fn text(&self, text: Text) -> String {
        self.texts.get(text).to_owned()
    }

    fn counters(&self, changes: &[&'a PartitionChanges]) -> [Vec<CounterRows>; 2] {
        let all = || changes.iter().flat_map(|changes| &changes.cells);
        let given = Given::of(all());
        let mut cells: Vec<Ranked<'_>> = Vec::with_capacity(all().count());
        cells.extend(all().map(|cell| Ranked { rank: self.ranks.of(cell.organization), cell }));
        cells.sort_unstable_by_key(|ranked| (ranked.rank, ranked.cell.quarter));
        let durations = BucketSize::STORED.map(|size| durations(changes, size));
        BucketSize::STORED.each_ref().map(|size| {
            let (size, durations) = (*size, &durations[usize::from(*size == BucketSize::Day)]);
            // An organization's quarters are in order of time, whichever partition they are of, so those of one bucket are
            // neighbours.
            let of_one = |a: &Ranked<'_>, b: &Ranked<'_>| {
                a.rank == b.rank && a.cell.quarter.first_of(size) == b.cell.quarter.first_of(size)
            };
            let mut left = cells.chunk_by(of_one).count();
            let mut buckets = cells.chunk_by(of_one);
            let mut all = Vec::with_capacity(left.div_ceil(ROWS_A_STATEMENT));
            while left > 0 {
                let count = left.min(ROWS_A_STATEMENT);
                left -= count;
                let mut rows = CounterRows::for_so_many(count, self.texts, &given, size);
                for bucket in buckets.by_ref().take(count) {
                    let Cell { organization, quarter, .. } = *bucket[0].cell;
                    rows.organization.push(organization);
                    rows.bucket.push(quarter.first_of(size));
                    rows.add(&given, size, bucket);
                    if !durations.is_empty() {
                        let durations = durations.get(&(organization, quarter.bucket(size).timestamp()));
                        rows.durations.push(durations.map(|durations| durations.to_numeral()));
                    }
                }
                all.push(rows);
            }
            all
        })
    }

    fn organizations(&self, changes: &[&PartitionChanges]) -> OrganizationRows {
        let mut newest: HashMap<Text, &OrganizationUpdate> = HashMap::new();
        for (organization, update) in changes.iter().flat_map(|changes| &changes.organizations) {
            let newest = newest.entry(*organization).or_insert(update);
            *newest = (*newest).max(update);
        }
        let mut newest: Vec<_> = newest.into_iter().collect();
        newest.sort_unstable_by_key(|(organization, _)| self.ranks.of(*organization));
        let mut rows = OrganizationRows::default();
        for (organization, update) in newest {
            rows.organization.push(self.text(organization));
            rows.name.push(update.name.clone());
            rows.plan_id.push(update.plan_id.clone());
            rows.plan_name.push(update.plan_name.clone());
            rows.as_of.push(from_micros(update.as_of.micros()));
            rows.as_of_nanos.push(i16::try_from(update.as_of.nanos % 1_000).expect("less than 1,000"));
            rows.event_id.push(update.event_id.clone());
        }
        rows
    }

    fn workflows(&self, changes: &[&PartitionChanges]) -> WorkflowRows {
        let mut sums: HashMap<(Text, Text, i64), WorkflowCounters> = HashMap::new();
        for (key, counters) in changes.iter().flat_map(|changes| &changes.workflows) {
            sums.entry(*key)
                .and_modify(|sum| sum.add(counters, self.texts))
                .or_insert_with(|| counters.clone());
        }
        let mut sums: Vec<_> = sums.into_iter().collect();
        sums.sort_unstable_by_key(|((organization, workflow, hour), _)| {
            (self.ranks.of(*organization), self.ranks.of(*workflow), *hour)
        });
        let mut rows = WorkflowRows::default();
        for ((organization, workflow, hour), sum) in sums {
            rows.organization.push(self.text(organization));
            rows.workflow_id.push(self.text(workflow));
            rows.hour.push(from_seconds(hour));
            rows.name.push(self.text(sum.name));
            rows.name_as_of.push(from_micros(sum.name_as_of));
            rows.runs.push(sum.runs);
            rows.failed.push(sum.failed);
            rows.failed_safety_limit.push(sum.failed_safety_limit);
            rows.execution_time_ms.push(sum.total_execution_time_ms);
            rows.durations.push(sum.durations.to_numeral());
        }
        rows
    }

    fn failures(&self, changes: &[&PartitionChanges]) -> FailureRows {
        let mut failed: Vec<(u32, &str, i64, &FailedRun, &str)> = Vec::new();
        for run in changes.iter().flat_map(|changes| &changes.failures) {
            if let Some(failure) = &run.run.failure {
                let rank = self.ranks.of(run.organization);
                let at = run.run.finished_at.micros();
                failed.push((rank, &failure.execution_id, at, run, &failure.error_message));
            }
        }
        failed.sort_unstable_by_key(|(rank, execution, at, ..)| (*rank, *execution, std::cmp::Reverse(*at)));
        failed.dedup_by_key(|(rank, execution, ..)| (*rank, *execution));
        let mut rows = FailureRows::default();
        for (_, execution, at, FailedRun { organization, run }, error_message) in failed {
            rows.organization.push(self.text(*organization));
            rows.execution_id.push(execution.to_owned());
            rows.workflow_id.push(self.text(run.workflow_id));
            rows.workflow_name.push(self.text(run.workflow_name));
            rows.outcome.push(outcome_code(run.outcome));
            rows.error_message.push(error_message.to_owned());
            rows.execution_time_ms.push(run.execution_time_ms);
            rows.finished_at.push(from_micros(at));
        }
        rows
    }
}

/// What a partition adds to an organization's quarter of an hour, with the organization's place in the order of rows.
struct Ranked<'a> {
    rank: u32,
    cell: &'a Cell,
}

/// The histograms of all runs of each organization's buckets, by the bucket's start in seconds since the Unix epoch. Most have
/// one workflow's, which isn't copied.
fn durations<'a>(
    changes: &[&'a PartitionChanges],
    size: BucketSize,
) -> HashMap<(Text, i64), Cow<'a, Durations>> {
    let mut sums: HashMap<(Text, i64), Cow<'a, Durations>> = HashMap::new();
    for ((organization, _, hour), counters) in changes.iter().flat_map(|changes| &changes.workflows) {
        sums.entry((*organization, bucket_of(*hour, size)))
            .and_modify(|sum| sum.to_mut().add(&counters.durations))
            .or_insert(Cow::Borrowed(&counters.durations));
    }
    sums
}

/// The start of the bucket that contains a second since the Unix epoch.
fn bucket_of(second: i64, size: BucketSize) -> i64 {
    second.div_euclid(size.seconds()) * size.seconds()
}

/// Which columns of counters a batch adds to. Most batches change few counters in one quarter of the hour, and others would
/// only take memory.
#[derive(Default)]
struct Given {
    counters: [bool; 8],
    /// The second to the fourth quarter.
    quarters: [bool; 3],
}

impl Given {
    fn of<'a>(cells: impl Iterator<Item = &'a Cell>) -> Self {
        let mut given = Self::default();
        for cell in cells {
            let values = given.counters.iter_mut().zip(cell.counters.values());
            values.for_each(|(given, value)| *given |= value != 0);
            if let Some(later) = cell.quarter.of_hour().checked_sub(1) {
                given.quarters[later] = true;
            }
        }
        given
    }
}

impl CounterRows {
    /// No rows, with room for so many.
    fn for_so_many(count: usize, texts: &Arc<Texts>, given: &Given, size: BucketSize) -> Self {
        let room = |is_given: bool| if is_given { count } else { 0 };
        let quarters = given.quarters.map(|quarter| {
            given.counters.map(|counter| {
                SparseColumn::for_so_many(room(size == BucketSize::Hour && quarter && counter))
            })
        });
        Self {
            organization: TextColumn::for_so_many(count, texts),
            bucket: BucketColumn::for_so_many(count),
            counters: given.counters.map(|counter| Vec::with_capacity(room(counter))),
            quarters,
            durations: Vec::new(),
        }
    }

    /// Adds a row's sums; for an hour what of them is its quarters', too.
    fn add(&mut self, given: &Given, size: BucketSize, bucket: &[Ranked<'_>]) {
        let (mut sum, mut quarters) = (Counters::default(), [Counters::default(); 4]);
        for Ranked { cell, .. } in bucket {
            sum += &cell.counters;
            quarters[cell.quarter.of_hour()] += &cell.counters;
        }
        let columns = self.counters.iter_mut().zip(sum.values()).zip(given.counters);
        columns.filter(|(_, given)| *given).for_each(|((column, value), _)| column.push(value));
        if size == BucketSize::Day {
            return;
        }
        for ((columns, counters), _) in
            self.quarters.iter_mut().zip(&quarters[1..]).zip(given.quarters).filter(|(_, given)| *given)
        {
            let columns = columns.iter_mut().zip(counters.values()).zip(given.counters);
            columns.filter(|(_, given)| *given).for_each(|((column, value), _)| column.push(value));
        }
    }

    /// What a row adds.
    #[must_use]
    pub fn adds(&self, row: usize) -> Counters {
        Counters::from_values(self.counters.each_ref().map(|column| column.get(row).copied().unwrap_or(0)))
    }

    /// What each quarter of a row's hour adds, with the quarter's start.
    #[must_use]
    pub fn quarters_add(&self, row: usize) -> [(DateTime<Utc>, Counters); 4] {
        let value = |column: &SparseColumn| column.of(row);
        let [second, third, fourth] = self.quarters.each_ref().map(|columns| columns.each_ref().map(value));
        let mut first = self.adds(row).values();
        for later in [second, third, fourth] {
            first.iter_mut().zip(later).for_each(|(rest, value)| *rest -= value);
        }
        let mut start = self.bucket.of(row).start();
        [first, second, third, fourth].map(|values| {
            let quarter = (start, Counters::from_values(values));
            start += TimeDelta::seconds(BucketSize::Quarter.seconds());
            quarter
        })
    }
}

fn outcome_code(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "SUCCESS",
        Outcome::Failed => "FAILED",
        Outcome::FailedSafetyLimit => "FAILED_SAFETY_LIMIT",
    }
}

/// The time so many seconds after the Unix epoch.
fn from_seconds(seconds: i64) -> DateTime<Utc> {
    from_micros(seconds * 1_000_000)
}

fn from_micros(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).expect("the decoder bounds times to the years 1 to 9999")
}
