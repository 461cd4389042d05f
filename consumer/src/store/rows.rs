//! From changes to the columns of statements: the partitions' parts added up, sorted by each table's full key. Pure.
//!
//! Sorted, because two members that upsert the same rows in different order deadlock.

use crate::batch::OrganizationUpdate;
use crate::batch::texts::{Ranks, Text, Texts};
use crate::decide::changes::{Changes, Deciding, FailedRun, PartitionChanges, WorkflowCounters};
use crate::ledger::fingerprint_set::stored;
use crate::record::topic_names::TopicNames;
use crate::record::{Outcome, Partition, Span, Topic};
use base64::Engine as _;
use chrono::{DateTime, Utc};
use domain::{BucketSize, Counters, Quarter};
use std::collections::HashMap;
use std::sync::Arc;

/// A batch's rows, table by table and column by column.
#[derive(Default)]
pub struct Rows {
    /// Of the ledger's pages.
    pub segments: SegmentColumns,
    /// Of the ledger's tails, a row each.
    pub tails: Vec<TailRow>,
    /// Tails whose rows go.
    pub filed: FiledTails,
    /// Organizations' newest updates.
    pub organizations: Organizations,
    /// Workflows' hours.
    pub workflows: Workflows,
    /// Failed runs.
    pub failures: Failures,
    /// Refused records.
    pub dead_letters: DeadLetters,
    /// Refused records of which only places are kept.
    pub letter_runs: LetterRuns,
    /// Quarters, hours, days.
    pub counters: Arc<[CounterRows; 3]>,
}

/// Rows of counters made ahead, while it is still unknown which of the partitions will move.
pub struct PreparedRows {
    partitions: Vec<Partition>,
    rows: Arc<[CounterRows; 3]>,
}

/// What pages of the ledger are given. Columns, as the table has them.
#[derive(Default)]
#[allow(missing_docs)]
pub struct SegmentColumns {
    pub topic: Vec<String>,
    pub partition: Vec<i32>,
    pub quarter: Vec<DateTime<Utc>>,
    pub until: Vec<i64>,
    pub layout: Vec<i32>,
    pub fingerprints: Vec<Vec<u8>>,
    pub sums: [Vec<i64>; 8],
}

/// What a partition's tail is given: columns of one row.
#[derive(Default)]
#[allow(missing_docs)]
pub struct TailRow {
    pub topic: String,
    pub partition: i32,
    pub until: i64,
    pub layout: i32,
    pub newest: DateTime<Utc>,
    pub quarters: Vec<DateTime<Utc>>,
    pub lengths: Vec<i32>,
    pub fingerprints: Vec<u8>,
    pub sums: [Vec<i64>; 8],
}

/// Partitions whose tails are among the segments.
#[derive(Default)]
#[allow(missing_docs)]
pub struct FiledTails {
    pub topic: Vec<String>,
    pub partition: Vec<i32>,
}

/// What organizations are called. Columns, as the table has them.
#[derive(Default)]
#[allow(missing_docs)]
pub struct Organizations {
    pub organization: Vec<String>,
    pub name: Vec<String>,
    pub plan_id: Vec<String>,
    pub plan_name: Vec<String>,
    pub as_of: Vec<DateTime<Utc>>,
    pub as_of_nanos: Vec<i16>,
    pub event_id: Vec<String>,
}

/// What workflows' hours are given. Columns, as the table has them.
#[derive(Default)]
#[allow(missing_docs)]
pub struct Workflows {
    pub organization: Vec<String>,
    pub workflow_id: Vec<String>,
    pub hour: Vec<DateTime<Utc>>,
    pub name: Vec<String>,
    pub name_as_of: Vec<DateTime<Utc>>,
    pub runs: Vec<i64>,
    pub failed: Vec<i64>,
    pub failed_safety_limit: Vec<i64>,
    pub execution_time_ms: Vec<i64>,
    /// As PostgreSQL reads a numeric.
    pub durations: Vec<String>,
}

/// Failed runs for the list. Columns, as the table has them.
#[derive(Default)]
#[allow(missing_docs)]
pub struct Failures {
    pub organization: Vec<String>,
    pub execution_id: Vec<String>,
    pub workflow_id: Vec<String>,
    pub workflow_name: Vec<String>,
    pub outcome: Vec<&'static str>,
    pub error_message: Vec<String>,
    pub execution_time_ms: Vec<i64>,
    pub finished_at: Vec<DateTime<Utc>>,
}

/// Refused records, whole. Columns, as the table has them.
#[derive(Default)]
#[allow(missing_docs)]
pub struct DeadLetters {
    pub topic: Vec<String>,
    pub topic_id: Vec<String>,
    pub partition: Vec<i32>,
    pub offset: Vec<i64>,
    pub key: Vec<Option<Vec<u8>>>,
    pub headers: Vec<serde_json::Value>,
    pub payload: Vec<Option<Vec<u8>>>,
    pub payload_bytes: Vec<Option<i32>>,
    pub kept_whole: Vec<bool>,
    pub broker_timestamp: Vec<Option<DateTime<Utc>>>,
    pub reason: Vec<&'static str>,
    pub detail: Vec<String>,
    pub organization: Vec<Option<String>>,
}

/// Refused records of which only places are kept. Columns, as the table has them.
#[derive(Default)]
#[allow(missing_docs)]
pub struct LetterRuns {
    pub topic: Vec<String>,
    pub topic_id: Vec<String>,
    pub partition: Vec<i32>,
    pub reason: Vec<&'static str>,
    /// As PostgreSQL writes an int8multirange.
    pub offsets: Vec<String>,
}

/// What counters of one bucket size are given. Columns, as the table has them; one of zeros is empty.
#[derive(Default)]
#[allow(missing_docs)]
pub struct CounterRows {
    pub organization: Vec<String>,
    pub bucket: Vec<DateTime<Utc>>,
    pub counters: [Vec<i64>; 8],
}

impl Rows {
    /// The rows of the parts whose partitions have moved; the others' changes are nobody's.
    #[must_use]
    pub fn of(
        changes: &Changes,
        moved: &[Partition],
        topics: &TopicNames,
        topic_ids: &HashMap<Topic, String>,
    ) -> Self {
        Self::with(None, changes, moved, topics, topic_ids)
    }

    /// The same with what was made ahead of these changes, if that still holds.
    #[must_use]
    pub fn with(
        ahead: Option<&PreparedRows>,
        changes: &Changes,
        moved: &[Partition],
        topics: &TopicNames,
        topic_ids: &HashMap<Topic, String>,
    ) -> Self {
        let mut parts: Vec<&PartitionChanges> =
            changes.parts.iter().filter(|part| moved.contains(&part.partition)).collect();
        parts.sort_unstable_by_key(|part| part.partition);
        let order = Order::of(&changes.texts);
        let ahead = ahead.filter(|ahead| ahead.partitions.iter().all(|partition| moved.contains(partition)));
        let counters = ahead.map(|ahead| Arc::clone(&ahead.rows));
        let mut rows = Self {
            organizations: order.organizations(&parts),
            workflows: order.workflows(&parts),
            failures: order.failures(&parts),
            counters: counters.unwrap_or_else(|| Arc::new(order.counters(&parts))),
            ..Self::default()
        };
        for part in parts {
            let topic = topics.of(part.partition.topic);
            let topic_id = topic_ids.get(&part.partition.topic).map_or("", String::as_str);
            rows.segments.add(part, topic);
            rows.tails.extend(TailRow::of(part, topic));
            if part.files_tail {
                rows.filed.topic.push(topic.to_owned());
                rows.filed.partition.push(part.partition.number);
            }
            rows.dead_letters.add(part, topic, topic_id);
            rows.letter_runs.add(part, topic, topic_id);
        }
        rows
    }

    /// What the tables of counters are given, of those that are given something.
    pub(super) fn counters(&self) -> impl Iterator<Item = (BucketSize, &CounterRows)> {
        BucketSize::ALL.into_iter().zip(&*self.counters).filter(|(_, rows)| !rows.organization.is_empty())
    }
}

impl PreparedRows {
    /// Of all parts of a batch that is decided.
    #[must_use]
    pub fn of(deciding: &Deciding) -> Self {
        let parts: Vec<&PartitionChanges> = deciding.parts().iter().collect();
        let partitions = parts.iter().map(|part| part.partition).collect();
        Self { partitions, rows: Arc::new(Order::of(deciding.texts()).counters(&parts)) }
    }
}

/// What a batch's rows are sorted by.
struct Order<'a> {
    texts: &'a Texts,
    ranks: Ranks,
}

impl<'a> Order<'a> {
    fn of(texts: &'a Texts) -> Self {
        Self { texts, ranks: texts.ranks() }
    }

    fn text(&self, text: Text) -> String {
        self.texts.get(text).to_owned()
    }

    fn counters(&self, parts: &[&PartitionChanges]) -> [CounterRows; 3] {
        let mut cells: HashMap<(Text, Quarter), Counters, foldhash::fast::RandomState> = HashMap::default();
        for (key, counters) in parts.iter().flat_map(|part| &part.cells) {
            *cells.entry(*key).or_default() += counters;
        }
        let mut cells: Vec<_> = cells.into_iter().collect();
        cells.sort_unstable_by_key(|((organization, quarter), _)| (self.ranks.of(*organization), *quarter));
        BucketSize::ALL.map(|size| {
            let mut rows = CounterRows::default();
            // Quarters of one organization follow each other in time, so those of one bucket are neighbours.
            for bucket in
                cells.chunk_by(|((a, p), _), ((b, q), _)| a == b && p.bucket(size) == q.bucket(size))
            {
                let mut sum = Counters::default();
                bucket.iter().for_each(|(_, counters)| sum += counters);
                let (organization, quarter) = bucket[0].0;
                rows.add(self.text(organization), quarter.bucket(size), &sum);
            }
            rows.leave_zeros_out();
            rows
        })
    }

    fn organizations(&self, parts: &[&PartitionChanges]) -> Organizations {
        let mut newest: HashMap<Text, &OrganizationUpdate> = HashMap::new();
        for (organization, update) in parts.iter().flat_map(|part| &part.organizations) {
            let known = newest.entry(*organization).or_insert(update);
            *known = (*known).max(update);
        }
        let mut newest: Vec<_> = newest.into_iter().collect();
        newest.sort_unstable_by_key(|(organization, _)| self.ranks.of(*organization));
        let mut rows = Organizations::default();
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

    fn workflows(&self, parts: &[&PartitionChanges]) -> Workflows {
        let mut sums: HashMap<(Text, Text, i64), WorkflowCounters> = HashMap::new();
        for (key, counters) in parts.iter().flat_map(|part| &part.workflows) {
            sums.entry(*key)
                .and_modify(|sum| sum.add(counters, self.texts))
                .or_insert_with(|| counters.clone());
        }
        let mut sums: Vec<_> = sums.into_iter().collect();
        sums.sort_unstable_by_key(|((organization, workflow, hour), _)| {
            (self.ranks.of(*organization), self.ranks.of(*workflow), *hour)
        });
        let mut rows = Workflows::default();
        for ((organization, workflow, hour), sum) in sums {
            rows.organization.push(self.text(organization));
            rows.workflow_id.push(self.text(workflow));
            rows.hour.push(from_micros(hour * 1_000_000));
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

    fn failures(&self, parts: &[&PartitionChanges]) -> Failures {
        let mut failed: Vec<(u32, &str, i64, &FailedRun, &str)> = Vec::new();
        for run in parts.iter().flat_map(|part| &part.failures) {
            if let Some(failure) = &run.run.failure {
                let rank = self.ranks.of(run.organization);
                let at = run.run.finished_at.micros();
                failed.push((rank, &failure.execution_id, at, run, &failure.error_message));
            }
        }
        failed.sort_unstable_by_key(|(rank, execution, at, ..)| (*rank, *execution, std::cmp::Reverse(*at)));
        failed.dedup_by_key(|(rank, execution, ..)| (*rank, *execution));
        let mut rows = Failures::default();
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

impl CounterRows {
    fn add(&mut self, organization: String, bucket: DateTime<Utc>, counters: &Counters) {
        self.organization.push(organization);
        self.bucket.push(bucket);
        self.counters.iter_mut().zip(counters.values()).for_each(|(column, value)| column.push(value));
    }

    /// What the row adds.
    #[must_use]
    pub fn adds(&self, row: usize) -> Counters {
        Counters::from_values(self.counters.each_ref().map(|column| column.get(row).copied().unwrap_or(0)))
    }

    /// A column that adds nothing to any row comes empty: most records have few of the counters.
    fn leave_zeros_out(&mut self) {
        let zeros = |column: &&mut Vec<i64>| column.iter().all(|value| *value == 0);
        self.counters.iter_mut().filter(zeros).for_each(Vec::clear);
    }
}

impl SegmentColumns {
    fn add(&mut self, part: &PartitionChanges, topic: &str) {
        let mut segments: Vec<_> = part.segments.iter().collect();
        segments.sort_unstable_by_key(|segment| segment.key);
        for segment in segments {
            self.topic.push(topic.to_owned());
            self.partition.push(part.partition.number);
            self.quarter.push(segment.key.quarter.start());
            self.until.push(part.span.until.0);
            self.layout.push(part.layout);
            self.fingerprints.push(stored(&segment.fingerprints));
            self.sums.iter_mut().zip(segment.sums.values()).for_each(|(column, value)| column.push(value));
        }
    }
}

impl TailRow {
    fn of(part: &PartitionChanges, topic: &str) -> Option<Self> {
        let newest = part.tail.iter().map(|segment| segment.key.quarter).max()?.start();
        let mut row = Self {
            topic: topic.to_owned(),
            partition: part.partition.number,
            until: part.span.until.0,
            layout: part.layout,
            newest,
            ..Self::default()
        };
        for segment in &part.tail {
            row.quarters.push(segment.key.quarter.start());
            row.lengths
                .push(i32::try_from(segment.fingerprints.len()).expect("a batch is counted in 32 bits"));
            row.fingerprints.extend(stored(&segment.fingerprints));
            row.sums.iter_mut().zip(segment.sums.values()).for_each(|(column, value)| column.push(value));
        }
        Some(row)
    }
}

impl DeadLetters {
    fn add(&mut self, part: &PartitionChanges, topic: &str, topic_id: &str) {
        for letter in &part.dead_letters.whole {
            self.topic.push(topic.to_owned());
            self.topic_id.push(topic_id.to_owned());
            self.partition.push(part.partition.number);
            self.offset.push(letter.offset.0);
            self.key.push(letter.key.clone());
            self.headers.push(headers_json(&letter.headers));
            self.payload.push(letter.payload.clone());
            let length = |bytes: usize| i32::try_from(bytes).unwrap_or(i32::MAX);
            self.payload_bytes.push(letter.payload_bytes.map(length));
            self.kept_whole.push(letter.is_whole);
            self.broker_timestamp.push(letter.timestamp_ms.and_then(DateTime::from_timestamp_millis));
            self.reason.push(letter.refusal.reason.code());
            self.detail.push(letter.refusal.detail.clone().into_owned());
            self.organization.push(letter.refusal.organization.clone());
        }
    }
}

impl LetterRuns {
    fn add(&mut self, part: &PartitionChanges, topic: &str, topic_id: &str) {
        for run in &part.dead_letters.runs {
            self.topic.push(topic.to_owned());
            self.topic_id.push(topic_id.to_owned());
            self.partition.push(part.partition.number);
            self.reason.push(run.reason.code());
            self.offsets.push(multirange(&run.places));
        }
    }
}

/// `{[from,until),...}`.
fn multirange(places: &[Span]) -> String {
    let ranges = places.iter().map(|place| format!("[{},{})", place.from.0, place.until.0));
    format!("{{{}}}", ranges.collect::<Vec<_>>().join(","))
}

/// `[[name, base64 of the value or null], ...]`: a header's value is bytes, and the order counts.
fn headers_json(headers: &[(String, Option<Vec<u8>>)]) -> serde_json::Value {
    let encode = |bytes: &Vec<u8>| base64::engine::general_purpose::STANDARD.encode(bytes);
    headers.iter().map(|(name, value)| serde_json::json!([name, value.as_ref().map(encode)])).collect()
}

fn outcome_code(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "SUCCESS",
        Outcome::Failed => "FAILED",
        Outcome::FailedSafetyLimit => "FAILED_SAFETY_LIMIT",
    }
}

fn from_micros(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).expect("the decoder bounds times to the years 1 to 9999")
}
