//! Changes: what a batch does to the tables once it is decided which of its records were counted before. Pure.

use crate::batch::texts::{Text, Texts};
use crate::batch::{Batch, Effect, Entry, OrganizationUpdate, Run, Slice, Tally};
use crate::ledger::segment::{PageKey, Segment};
use crate::record::{Outcome, Partition, Span};
use crate::refused::Refused;
use domain::{BucketSize, Counters, Durations, Quarter};
use std::collections::HashMap;

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// What a batch changes, by partition: increments once added together can't be taken apart again, and a partition
/// that turns out to be lost takes its own along.
pub struct Changes {
    /// Of organizations, workflows and names.
    pub texts: Texts,
    /// The partitions' parts, each partition once.
    pub parts: Vec<PartitionChanges>,
    /// The ledger's floor they were decided under, in seconds since the Unix epoch.
    pub floor: i64,
}

/// What one partition's share of a batch changes.
pub struct PartitionChanges {
    /// Whose share.
    pub partition: Partition,
    /// The claim it was read under.
    pub epoch: i64,
    /// The layout that the claim was made under.
    pub layout: i32,
    /// What it spans.
    pub span: Span,
    /// What the ledger's pages are given, a segment each.
    pub segments: Vec<Segment>,
    /// What the partition's tail is given: a row together.
    pub tail: Vec<Segment>,
    /// Whether the tail as it was is among the segments, and its rows go.
    pub files_tail: bool,
    /// What the counters are given.
    pub cells: Map<(Text, Quarter), Counters>,
    /// What the workflows' counters are given, by organization, workflow and hour (seconds since the Unix epoch).
    pub workflows: Map<(Text, Text, i64), WorkflowCounters>,
    /// Failed runs, for the list of them.
    pub failures: Vec<FailedRun>,
    /// Organizations' newest updates.
    pub organizations: HashMap<Text, OrganizationUpdate>,
    /// Records that can't be counted.
    pub dead_letters: Refused,
    /// For metrics.
    pub tally: Tally,
    /// Records that count.
    pub counted: u64,
    /// Records that were counted before.
    pub duplicates: u64,
    /// Copies in the batch that contradict the one that counts.
    pub contradictions: u64,
}

/// What a workflow's hour is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowCounters {
    /// The name, of the run that ended last; of two at one time the greater name.
    pub name: Text,
    /// When that run ended, in microseconds since the Unix epoch: as precisely as the table has it, so that who wins
    /// doesn't depend on where a batch ends.
    pub name_as_of: i64,
    /// Runs.
    pub runs: i64,
    /// Those that failed.
    pub failed: i64,
    /// Those that a safety limit ended.
    pub failed_safety_limit: i64,
    /// Execution time of all, in milliseconds.
    pub total_execution_time_ms: i64,
    /// All of them, by how long they took.
    pub durations: Durations,
}

/// A failed run, for the list.
pub struct FailedRun {
    /// Whose it is.
    pub organization: Text,
    /// The run; its `failure` is there.
    pub run: Run,
}

/// Deciding one batch: page by page, as it comes to hand what of them was counted before, in any order.
pub struct Deciding {
    batch: Batch,
    parts: Vec<PartitionChanges>,
}

impl Deciding {
    /// Begins with the batch, nothing decided.
    #[must_use]
    pub fn begin(mut batch: Batch) -> Self {
        for page in batch.slices.iter_mut().flat_map(|slice| &mut slice.pages) {
            page.entries.sort_by_key(|entry| entry.fingerprint); // stable: equal ones stay in the partition's order
        }
        let parts = batch.slices.iter_mut().map(PartitionChanges::of).collect();
        Self { batch, parts }
    }

    /// The pages whose records are undecided, in order.
    #[must_use]
    pub fn undecided(&self) -> Vec<PageKey> {
        let slices = self.batch.slices.iter();
        let mut keys: Vec<_> = slices
            .flat_map(|slice| {
                let open = slice.pages.iter().filter(|page| !page.entries.is_empty());
                open.map(|page| PageKey { partition: slice.partition, quarter: page.quarter })
            })
            .collect();
        keys.sort_unstable();
        keys
    }

    /// The fingerprints of a page's undecided records, ascending, each once.
    #[must_use]
    pub fn fingerprints(&self, key: PageKey) -> Vec<u64> {
        let slice = self.batch.slices.iter().find(|slice| slice.partition == key.partition);
        let page = slice.and_then(|slice| slice.page_of(key.quarter));
        let entries = page.map_or(&[][..], |page| &page.entries);
        let mut fingerprints: Vec<u64> = entries.iter().map(|entry| entry.fingerprint).collect();
        fingerprints.dedup();
        fingerprints
    }

    /// Decides the records of a page, given which of its fingerprints were counted before.
    pub fn decide(&mut self, key: PageKey, seen: impl Fn(u64) -> bool) {
        let Self { batch: Batch { slices, texts, .. }, parts, .. } = self;
        let of_key = slices.iter_mut().zip(parts).find(|(slice, _)| slice.partition == key.partition);
        if let Some((slice, part)) = of_key {
            let entries = slice.take_page(key.quarter);
            part.decide_page(key.quarter, &entries, &mut slice.runs, texts, seen);
        }
    }

    /// The parts, as far as they are decided.
    #[must_use]
    pub fn parts(&self) -> &[PartitionChanges] {
        &self.parts
    }

    /// The texts that the parts refer to.
    #[must_use]
    pub fn texts(&self) -> &Texts {
        &self.batch.texts
    }

    /// The changes, once every page is decided, of the parts that `keep` says.
    #[must_use]
    pub fn end(mut self, keep: impl Fn(&PartitionChanges) -> bool) -> Changes {
        debug_assert!(self.undecided().is_empty(), "a page was not decided");
        self.parts.retain(keep);
        Changes { texts: self.batch.texts, parts: self.parts, floor: self.batch.floor }
    }
}

impl Changes {
    /// Whether something they count is older than `floor`, in seconds since the Unix epoch.
    #[must_use]
    pub fn has_older_than(&self, floor: i64) -> bool {
        let segments = self.parts.iter().flat_map(|part| part.segments.iter().chain(&part.tail));
        segments.into_iter().any(|segment| segment.key.quarter.start().timestamp() < floor)
    }
}

impl PartitionChanges {
    /// A step of a partition that changes nothing but what is known of it.
    #[must_use]
    pub fn still(partition: Partition, epoch: i64, span: Span) -> Self {
        Self {
            partition,
            epoch,
            layout: 0,
            span,
            segments: Vec::new(),
            tail: Vec::new(),
            files_tail: false,
            cells: Map::default(),
            workflows: Map::default(),
            failures: Vec::new(),
            organizations: HashMap::new(),
            dead_letters: Refused::default(),
            tally: Tally::default(),
            counted: 0,
            duplicates: 0,
            contradictions: 0,
        }
    }

    /// The organizations whose answers change, some of them repeatedly.
    pub fn organizations(&self) -> impl Iterator<Item = Text> {
        self.cells.keys().map(|(organization, _)| *organization).chain(self.organizations.keys().copied())
    }

    fn of(slice: &mut Slice) -> Self {
        Self {
            organizations: std::mem::take(&mut slice.organizations),
            dead_letters: std::mem::take(&mut slice.dead_letters),
            tally: slice.tally,
            ..Self::still(slice.partition, slice.epoch, slice.span)
        }
    }

    /// Of the records of one fingerprint the first in the partition counts, unless the page has it.
    fn decide_page(
        &mut self,
        quarter: Quarter,
        entries: &[Entry],
        runs: &mut [Run],
        texts: &Texts,
        seen: impl Fn(u64) -> bool,
    ) {
        let key = PageKey { partition: self.partition, quarter };
        let mut segment =
            Segment { key, fingerprints: Vec::with_capacity(entries.len()), sums: Counters::default() };
        let mut latest: Option<&Entry> = None;
        for entry in entries {
            if let Some(first) = latest.filter(|first| first.fingerprint == entry.fingerprint) {
                self.duplicates += 1;
                self.contradictions += u64::from(contradicts(first, entry, runs));
                continue;
            }
            latest = Some(entry);
            if seen(entry.fingerprint) {
                self.duplicates += 1;
                continue;
            }
            let adds = self.count(entry, quarter, runs, texts);
            segment.fingerprints.push(entry.fingerprint);
            segment.sums += &adds;
        }
        if !segment.fingerprints.is_empty() {
            self.counted += segment.fingerprints.len() as u64;
            self.segments.push(segment);
        }
    }

    #[inline]
    fn count(&mut self, entry: &Entry, quarter: Quarter, runs: &mut [Run], texts: &Texts) -> Counters {
        let adds = match entry.effect {
            Effect::Order => Counters { orders_created: 1, ..Counters::default() },
            Effect::Payment { successful } => Counters {
                payments_total: 1,
                payments_successful: i64::from(successful),
                ..Counters::default()
            },
            Effect::Run(index) => {
                self.count_run(entry.organization, quarter, &mut runs[index as usize], texts)
            }
            Effect::Sent => Counters { messages_sent: 1, ..Counters::default() },
            Effect::Delivered => Counters { messages_delivered: 1, ..Counters::default() },
        };
        *self.cells.entry((entry.organization, quarter)).or_default() += &adds;
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

/// Whether two records of one identity say different things.
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
    /// What a run adds, but for its duration.
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

    /// Adds another's counts; the later name wins, of two at one time the greater.
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
