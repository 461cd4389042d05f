//! Changes: what a decided batch adds to the tables. Pure.

use crate::batch::refusals::Refusals;
use crate::batch::texts::{Text, Texts};
use crate::batch::{Effect, Entry, OrganizationUpdate, Run, Slice, Tally};
use crate::ledger::segment::{PageKey, Segment};
use crate::record::{Outcome, Partition, Span};
use crate::refused::Refused;
use domain::{BucketSize, Counters, Durations, Quarter, channels};
use std::collections::HashMap;
use std::ops::AddAssign;
use std::sync::Arc;

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// What a batch changes, partition by partition. They are kept apart until it is known which of them are still
/// claimed: sums over several partitions could not be taken apart again.
pub struct Changes {
    /// Names of organizations, workflows and channels.
    pub texts: Arc<Texts>,
    /// Each partition once.
    pub partitions: Vec<PartitionChanges>,
    /// The ledger's floor they were decided under, in seconds since the Unix epoch.
    pub floor: i64,
}

/// What one partition's slice of a batch changes.
pub struct PartitionChanges {
    /// Which partition.
    pub partition: Partition,
    /// The claim its records were read under.
    pub epoch: i64,
    /// The layout that the claim was made under.
    pub layout: i32,
    /// Its records.
    pub span: Span,
    /// The leader's epoch of the span's last record, if it is known.
    pub leader_epoch: Option<i32>,
    /// Segments to add to the ledger's pages.
    pub segments: Vec<Segment>,
    /// Segments to add to the partition's tail, as one row.
    pub tail: Vec<Segment>,
    /// Whether the tail is filed: its rows are deleted, and `segments` have its fingerprints.
    pub files_tail: bool,
    /// What is added to the counters: each organization's quarter once.
    pub cells: Vec<Cell>,
    /// What of it are messages of a channel with a name.
    pub channels: Map<(Text, Text, Quarter), Messages>,
    /// What is added to the workflows' counters, by organization, workflow and hour (seconds since the Unix epoch).
    pub workflows: Map<(Text, Text, i64), WorkflowCounters>,
    /// Failed runs, for the list of them.
    pub failures: Vec<FailedRun>,
    /// Organizations' newest updates.
    pub organizations: HashMap<Text, OrganizationUpdate>,
    /// Records that can't be counted.
    pub dead_letters: Refused,
    /// The same by their senders.
    pub refusals: Refusals,
    /// For metrics.
    pub tally: Tally,
    /// Records that are counted.
    pub counted: u64,
    /// Records that were counted before.
    pub duplicates: u64,
    /// Copies within the batch that contradict the record that is counted.
    pub contradictions: u64,
}

/// What is added to an organization's quarter of an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The organization.
    pub organization: Text,
    /// The quarter.
    pub quarter: Quarter,
    /// What is added.
    pub counters: Counters,
}

/// Where among a partition's cells those of a page stand, by organization. A batch has one, which all its pages use in turn
/// and none empties: a place counts only if it is that of the right cell.
#[derive(Default)]
pub(super) struct Places(Vec<u32>);

/// Messages: those sent, and those delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    /// How many were sent.
    pub sent: i64,
    /// How many were delivered.
    pub delivered: i64,
}

/// What is added to a workflow's hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowCounters {
    /// The workflow's name in the run that ended last; of two runs that ended at once the greater name.
    pub name: Text,
    /// When that run ended, in microseconds since the Unix epoch. The table is no more precise; a finer comparison here
    /// would make the name depend on where a batch ends.
    pub name_as_of: i64,
    /// All runs.
    pub runs: i64,
    /// Runs that failed.
    pub failed: i64,
    /// Runs that a safety limit ended.
    pub failed_safety_limit: i64,
    /// Execution time of all runs together, in milliseconds.
    pub total_execution_time_ms: i64,
    /// The runs' execution times.
    pub durations: Durations,
}

/// A failed run, for the list.
pub struct FailedRun {
    /// The organization it belongs to.
    pub organization: Text,
    /// The run; its `failure` is `Some`.
    pub run: Run,
}

impl Changes {
    /// Whether they count a record older than `floor`, in seconds since the Unix epoch.
    #[must_use]
    pub fn has_older_than(&self, floor: i64) -> bool {
        let mut segments = self.partitions.iter().flat_map(PartitionChanges::all_segments);
        segments.any(|segment| segment.key.quarter.start().timestamp() < floor)
    }
}

impl PartitionChanges {
    /// No change but the partition's step from the span's begin to its end.
    #[must_use]
    pub fn empty(partition: Partition, epoch: i64, span: Span) -> Self {
        Self {
            partition,
            epoch,
            layout: 0,
            span,
            leader_epoch: None,
            segments: Vec::new(),
            tail: Vec::new(),
            files_tail: false,
            cells: Vec::new(),
            channels: Map::default(),
            workflows: Map::default(),
            failures: Vec::new(),
            organizations: HashMap::new(),
            dead_letters: Refused::default(),
            refusals: Refusals::default(),
            tally: Tally::default(),
            counted: 0,
            duplicates: 0,
            contradictions: 0,
        }
    }

    /// The segments added to the ledger's pages and to the partition's tail.
    pub fn all_segments(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().chain(&self.tail)
    }

    /// The organizations whose numbers, names or refusals change; some are repeated.
    pub fn organizations(&self) -> impl Iterator<Item = Text> {
        let counted = self.cells.iter().map(|cell| cell.organization);
        counted.chain(self.organizations.keys().copied()).chain(self.refusals.organizations())
    }

    /// The changes of a slice none of whose records is decided.
    pub(super) fn of(slice: &mut Slice) -> Self {
        Self {
            organizations: std::mem::take(&mut slice.organizations),
            dead_letters: std::mem::take(&mut slice.dead_letters),
            refusals: std::mem::take(&mut slice.refusals),
            leader_epoch: slice.leader_epoch,
            tally: slice.tally,
            ..Self::empty(slice.partition, slice.epoch, slice.span)
        }
    }

    /// Decides a page's records, sorted by fingerprint: the first of each fingerprint is counted, unless it was
    /// `counted` before.
    pub(super) fn decide_page(
        &mut self,
        quarter: Quarter,
        entries: &[Entry],
        runs: &mut [Run],
        (texts, places): (&Texts, &mut Places),
        counted: impl Fn(u64) -> bool,
    ) {
        let key = PageKey { partition: self.partition, quarter };
        let mut segment =
            Segment { key, fingerprints: Vec::with_capacity(entries.len()), sums: Counters::default() };
        let mut messages: Map<(Text, Text), Messages> = Map::default();
        let mut previous: Option<&Entry> = None;
        for entry in entries {
            if let Some(first) = previous.filter(|first| first.fingerprint == entry.fingerprint) {
                self.duplicates += 1;
                self.contradictions += u64::from(contradicts(first, entry, runs));
                continue;
            }
            previous = Some(entry);
            if counted(entry.fingerprint) {
                self.duplicates += 1;
                continue;
            }
            segment.fingerprints.push(entry.fingerprint);
            let adds = match entry.effect {
                // Added up first: a page has many messages of few channels.
                Effect::Sent(channel) => {
                    messages.entry((entry.organization, channel)).or_default().sent += 1;
                    continue;
                }
                Effect::Delivered(channel) => {
                    messages.entry((entry.organization, channel)).or_default().delivered += 1;
                    continue;
                }
                Effect::Order => Counters { orders_created: 1, ..Counters::default() },
                Effect::Payment { successful } => Counters {
                    payments_total: 1,
                    payments_successful: i64::from(successful),
                    ..Counters::default()
                },
                Effect::Run(index) => {
                    self.count_run(entry.organization, quarter, &mut runs[index as usize], texts)
                }
            };
            segment.sums += &self.count(places, entry.organization, quarter, adds);
        }
        segment.sums += &self.count_messages(messages, quarter, (texts, places));
        if !segment.fingerprints.is_empty() {
            self.counted += segment.fingerprints.len() as u64;
            self.segments.push(segment);
        }
    }

    /// Counts a page's messages, by organization and channel.
    fn count_messages(
        &mut self,
        messages: Map<(Text, Text), Messages>,
        quarter: Quarter,
        (texts, places): (&Texts, &mut Places),
    ) -> Counters {
        let mut sum = Counters::default();
        for ((organization, channel), messages) in messages {
            sum += &self.count(places, organization, quarter, messages.counters());
            if texts.get(channel) != channels::UNKNOWN {
                *self.channels.entry((organization, channel, quarter)).or_default() += messages;
            }
        }
        sum
    }

    #[inline]
    fn count(
        &mut self,
        places: &mut Places,
        organization: Text,
        quarter: Quarter,
        adds: Counters,
    ) -> Counters {
        let place = places.of(organization);
        let cell = self.cells.get_mut(*place as usize);
        match cell.filter(|cell| (cell.organization, cell.quarter) == (organization, quarter)) {
            Some(cell) => cell.counters += &adds,
            None => {
                *place =
                    u32::try_from(self.cells.len()).expect("a batch has fewer records than a u32 counts");
                self.cells.push(Cell { organization, quarter, counters: adds });
            }
        }
        adds
    }

    fn count_run(&mut self, organization: Text, quarter: Quarter, run: &mut Run, texts: &Texts) -> Counters {
        let hour = quarter.bucket(BucketSize::Hour).timestamp();
        let adds = WorkflowCounters::of(run);
        let sum = self
            .workflows
            .entry((organization, run.workflow_id, hour))
            .and_modify(|sum| sum.add(&adds, texts))
            .or_insert(adds);
        sum.durations.take(run.execution_time_ms);
        if run.failure.is_some() {
            let failed = Run { failure: run.failure.take(), ..run.clone() };
            self.failures.push(FailedRun { organization, run: failed });
        }
        Counters {
            workflows_total: 1,
            workflows_failed: i64::from(run.outcome != Outcome::Success),
            total_execution_time_ms: run.execution_time_ms,
            ..Counters::default()
        }
    }
}

impl Places {
    #[inline]
    fn of(&mut self, organization: Text) -> &mut u32 {
        let number = organization.number();
        if number >= self.0.len() {
            self.0.resize(number + 1, 0);
        }
        &mut self.0[number]
    }
}

impl Messages {
    fn counters(self) -> Counters {
        Counters { messages_sent: self.sent, messages_delivered: self.delivered, ..Counters::default() }
    }
}

impl AddAssign for Messages {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.delivered += other.delivered;
    }
}

/// Whether two records of one identity differ in what they count.
fn contradicts(first: &Entry, second: &Entry, runs: &[Run]) -> bool {
    match (first.effect, second.effect) {
        (Effect::Run(a), Effect::Run(b)) => {
            let (a, b) = (&runs[a as usize], &runs[b as usize]);
            (a.workflow_id, a.outcome, a.execution_time_ms) != (b.workflow_id, b.outcome, b.execution_time_ms)
        }
        (a, b) => a != b,
    }
}

impl WorkflowCounters {
    /// What a run adds, except for its duration.
    fn of(run: &Run) -> Self {
        Self {
            name: run.workflow_name,
            name_as_of: run.finished_at.micros(),
            runs: 1,
            failed: i64::from(run.outcome == Outcome::Failed),
            failed_safety_limit: i64::from(run.outcome == Outcome::FailedSafetyLimit),
            total_execution_time_ms: run.execution_time_ms,
            durations: Durations::default(),
        }
    }

    /// Adds another's counts. The later name wins; of two at the same time the greater.
    pub fn add(&mut self, other: &Self, texts: &Texts) {
        if (self.name_as_of, texts.get(self.name)) < (other.name_as_of, texts.get(other.name)) {
            (self.name, self.name_as_of) = (other.name, other.name_as_of);
        }
        self.runs += other.runs;
        self.failed += other.failed;
        self.failed_safety_limit += other.failed_safety_limit;
        self.total_execution_time_ms += other.total_execution_time_ms;
        self.durations.add(&other.durations);
    }
}
