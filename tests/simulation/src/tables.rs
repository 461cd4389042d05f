//! The tables as they are committed, and beside them what the checks go by: which span was counted when.

use crate::cuts::Cuts;
use crate::defect::Defect;
use crate::kafka::{Kafka, TimelineId};
use crate::ledger::Ledger;
use crate::producer::CEILING;
use crate::statement::{
    Failure, Place, ProgressRow, SegmentRow, SpanRow, Step, Update, WorkflowKey, WorkflowSums, Writes,
};
use chrono::{DateTime, Utc};
use consumer::record::{Partition, Topic};
use domain::Counters;
use std::collections::{BTreeMap, BTreeSet};

/// Counters by organization and bucket.
pub type CounterTable = BTreeMap<(String, DateTime<Utc>), Counters>;

/// The tables. A backup is a copy of them.
#[derive(Clone)]
pub struct Tables {
    /// The progress of partitions.
    pub progress: BTreeMap<Partition, ProgressRow>,
    /// The ledger.
    pub ledger: Ledger,
    /// Where layouts end.
    pub cuts: Cuts,
    /// Quarters, hours, days.
    pub counters: [CounterTable; 3],
    /// Organizations' newest updates.
    pub organizations: BTreeMap<String, Update>,
    /// Workflows' hours.
    pub workflows: BTreeMap<WorkflowKey, WorkflowSums>,
    /// Failed runs by organization and execution.
    pub failures: BTreeMap<(String, String), Failure>,
    /// Refused records' reasons.
    pub letters: BTreeMap<Place, &'static str>,
    /// The ledger's floor, in seconds since the Unix epoch.
    pub floor: i64,
    /// The time after which no record may lie now, in seconds since the Unix epoch; no table.
    pub ceiling: i64,
    /// The greatest number that a claim ever had; no table. None is used twice, whatever is restored or removed.
    pub latest_epoch: i64,
    /// No table: what was counted, in the order of commits.
    pub counted: Vec<Counted>,
    /// No table: up to where each partition is counted.
    pub reached: BTreeMap<Partition, i64>,
    /// No table: the log of which that is said.
    pub read: BTreeMap<Partition, TimelineId>,
    /// No table: what an operator has had passed over.
    pub skipped: Vec<SpanRow>,
    /// No table: what was said to be complete.
    pub complete: Vec<Complete>,
    /// The first law that was broken.
    pub broken: Option<String>,
}

/// That a partition is complete through an instant.
#[derive(Clone, Copy, Debug)]
pub struct Complete {
    /// Which partition.
    pub partition: Partition,
    /// The log that was read.
    pub log: TimelineId,
    /// The offset of its next record to count.
    pub next: i64,
    /// The step.
    pub through: i64,
}

/// A span that was counted.
#[derive(Clone, Debug)]
pub struct Counted {
    /// The span.
    pub span: SpanRow,
    /// The floor it was counted under.
    pub floor: i64,
    /// The time after which no record might lie when it was counted.
    pub ceiling: i64,
    /// What of it was refused, and why.
    pub refused: BTreeMap<i64, &'static str>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            progress: BTreeMap::new(),
            ledger: Ledger::default(),
            cuts: Cuts::default(),
            counters: Default::default(),
            organizations: BTreeMap::new(),
            workflows: BTreeMap::new(),
            failures: BTreeMap::new(),
            letters: BTreeMap::new(),
            floor: i64::MIN,
            ceiling: CEILING,
            latest_epoch: 0,
            counted: Vec::new(),
            reached: BTreeMap::new(),
            read: BTreeMap::new(),
            skipped: Vec::new(),
            complete: Vec::new(),
            broken: None,
        }
    }
}

impl Tables {
    /// Takes note that a law is broken, unless one was before.
    pub fn breaks(&mut self, what: impl FnOnce() -> String) {
        if self.broken.is_none() {
            self.broken = Some(what());
        }
    }

    /// Where a partition stands.
    #[must_use]
    pub fn progress_row(&self, partition: Partition) -> ProgressRow {
        self.progress.get(&partition).copied().unwrap_or_default()
    }

    /// Lets a transaction's rows in. `read` are counters as a defect read them before.
    pub fn apply(&mut self, writes: Writes, read: Option<&[CounterTable; 3]>, defect: Option<Defect>) {
        self.note_spans(&writes);
        writes.filed.iter().for_each(|partition| self.ledger.remove_tail(*partition));
        for (layout, segment) in &writes.segments {
            self.check_new(segment);
            self.ledger.append(*layout, segment);
        }
        for (partition, layout, row) in writes.tails {
            row.iter().for_each(|segment| self.check_new(segment));
            self.ledger.append_tail(partition, layout, row);
        }
        for (size, rows) in writes.counters.into_iter().enumerate() {
            if !rows.is_sorted_by(|(a, _), (b, _)| a < b) {
                self.breaks(|| "rows of counters out of key order, where members may deadlock".into());
            }
            for (key, adds) in rows {
                let before = read.map_or(&self.counters, |read| read)[size].get(&key);
                let mut sum = before.copied().unwrap_or_default();
                sum += &adds;
                self.counters[size].insert(key, sum);
            }
        }
        for (organization, update) in writes.organizations {
            let known = self.organizations.entry(organization).or_insert_with(|| update.clone());
            if *known < update || defect == Some(Defect::LaterWriterNames) {
                *known = update;
            }
        }
        for (key, sums) in writes.workflows {
            match self.workflows.get_mut(&key) {
                Some(known) => known.add(&sums),
                None => drop(self.workflows.insert(key, sums)),
            }
        }
        for (key, failure) in writes.failures {
            let known = self.failures.entry(key).or_insert_with(|| failure.clone());
            if known.finished_at < failure.finished_at {
                *known = failure;
            }
        }
        for (place, reason) in writes.letters {
            self.letters.entry(place).or_insert(reason);
        }
    }

    /// Offsets and rows are one: checked for partitions that a transaction has moved or written for.
    pub fn check_reached(&mut self, partitions: impl Iterator<Item = Partition>) {
        for partition in partitions {
            let reached = self.reached.get(&partition).copied().unwrap_or(0);
            let stands = self.progress_row(partition).next.unwrap_or(0);
            if reached != stands {
                self.breaks(|| format!("{partition} stands at {stands}, but is counted up to {reached}"));
            }
        }
    }

    /// Up to where a partition's present log is counted.
    #[must_use]
    pub fn shared_with(&self, partition: Partition, kafka: &Kafka) -> i64 {
        let shared = self.read.get(&partition).map_or(i64::MAX, |log| kafka.shared(partition, *log));
        self.reached.get(&partition).copied().unwrap_or(0).min(shared)
    }

    /// Lets a partition continue elsewhere and raises its claim, as an operator does.
    pub fn reset(&mut self, partition: Partition, to: i64, kafka: &Kafka) {
        let (from, log) = (self.shared_with(partition, kafka), kafka.timeline(partition));
        let row = ProgressRow {
            epoch: self.new_epoch(),
            next: Some(to),
            leader_epoch: kafka.epoch_before(log, to),
            topic_id: Some(kafka.topic_id(partition.topic)),
        };
        self.progress.insert(partition, row);
        self.reached.insert(partition, to);
        self.read.insert(partition, log);
        if from < to {
            self.skipped.push(SpanRow { partition, from, until: to, log, floor: self.floor });
        }
    }

    /// Takes the partitions of a topic away from whoever holds them.
    pub fn fence(&mut self, topic: Topic) {
        let epoch = self.new_epoch();
        let rows = self.progress.iter_mut().filter(|(partition, _)| partition.topic == topic);
        rows.for_each(|(_, row)| row.epoch = epoch);
    }

    /// A number for a claim, greater than all before.
    pub fn new_epoch(&mut self) -> i64 {
        self.latest_epoch += 1;
        self.latest_epoch
    }

    /// Removes the progress of a topic that nobody reads any more.
    pub fn retire(&mut self, topic: Topic) {
        self.progress.retain(|partition, _| partition.topic != topic);
        self.reached.retain(|partition, _| partition.topic != topic);
    }

    /// Takes note of what is said to be complete.
    pub fn note_complete(&mut self, step: &Step) {
        let Step { partition, log, until: next, complete_through, .. } = *step;
        self.complete.extend(complete_through.map(|through| Complete { partition, log, next, through }));
    }

    /// Drops pages below the floor.
    pub fn drop_old_pages(&mut self) -> usize {
        self.ledger.drop_below(self.floor)
    }

    fn note_spans(&mut self, writes: &Writes) {
        let (floor, ceiling) = (self.floor, self.ceiling);
        for span in &writes.spans {
            let SpanRow { partition, from, until, log, .. } = *span;
            self.read.insert(partition, log);
            let reached = self.reached.insert(partition, until).unwrap_or(0);
            if reached != from {
                self.breaks(|| {
                    format!("[{from}, {until}) of {partition} is counted when all up to {reached} was")
                });
            }
            let letters = writes.letters.iter().filter(|((_, of, _), _)| *of == partition);
            let refused = letters.map(|((.., offset), reason)| (*offset, *reason)).collect();
            self.counted.push(Counted { span: *span, floor, ceiling, refused });
        }
        let tails = writes.tails.iter().flat_map(|(.., row)| row);
        let segments = writes.segments.iter().map(|(_, segment)| segment);
        for (key, ..) in segments.chain(tails) {
            if key.quarter.start().timestamp() < floor {
                self.breaks(|| format!("{key:?} is below the floor, {floor}, and is counted into"));
            }
        }
    }

    /// A segment's fingerprints are nowhere yet, in no partition of the topic.
    fn check_new(&mut self, (key, fingerprints, _): &SegmentRow) {
        let distinct: BTreeSet<&u64> = fingerprints.iter().collect();
        let again = distinct.iter().filter(|fingerprint| self.ledger.has(*key, ***fingerprint)).count();
        let again = again + fingerprints.len() - distinct.len();
        if again > 0 {
            self.breaks(|| format!("{again} identities of {key:?} are counted again"));
        }
    }
}
