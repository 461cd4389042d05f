//! The tables as they are committed, and beside them what the checks go by: which span was counted when.

use crate::defect::Defect;
use crate::statement::{
    Failure, ProgressRow, SegmentRow, TailRow, Update, WorkflowKey, WorkflowSums, Writes,
};
use chrono::{DateTime, Utc};
use consumer::ledger::segment::PageKey;
use consumer::record::Partition;
use domain::Counters;
use std::collections::BTreeMap;

/// Counters by organization and bucket.
pub type CounterTable = BTreeMap<(String, DateTime<Utc>), Counters>;

/// The tables.
pub struct Tables {
    /// The progress of partitions.
    pub progress: BTreeMap<Partition, ProgressRow>,
    /// The ledger's pages: ascending fingerprints.
    pub ledger: BTreeMap<PageKey, Vec<u64>>,
    /// What the pages' identities added.
    pub books: BTreeMap<PageKey, Counters>,
    /// The ledger's tails, by row.
    pub tails: BTreeMap<Partition, Vec<TailRow>>,
    /// Quarters, hours, days.
    pub counters: [CounterTable; 3],
    /// Organizations' newest updates.
    pub organizations: BTreeMap<String, Update>,
    /// Workflows' hours.
    pub workflows: BTreeMap<WorkflowKey, WorkflowSums>,
    /// Failed runs by organization and execution.
    pub failures: BTreeMap<(String, String), Failure>,
    /// Refused records' reasons.
    pub letters: BTreeMap<(Partition, i64), &'static str>,
    /// The ledger's floor, in seconds since the Unix epoch.
    pub floor: i64,
    /// No table: what was counted, in the order of commits.
    pub counted: Vec<Counted>,
    /// No table: up to where each partition is counted.
    pub reached: BTreeMap<Partition, i64>,
    /// The first law that was broken.
    pub broken: Option<String>,
}

/// A span that was counted.
#[derive(Debug)]
pub struct Counted {
    /// Whose it is.
    pub partition: Partition,
    /// Its first offset.
    pub from: i64,
    /// The offset after its last.
    pub until: i64,
    /// The floor it was counted under.
    pub floor: i64,
    /// What of it was refused, and why.
    pub refused: BTreeMap<i64, &'static str>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            progress: BTreeMap::new(),
            ledger: BTreeMap::new(),
            books: BTreeMap::new(),
            tails: BTreeMap::new(),
            counters: Default::default(),
            organizations: BTreeMap::new(),
            workflows: BTreeMap::new(),
            failures: BTreeMap::new(),
            letters: BTreeMap::new(),
            floor: i64::MIN,
            counted: Vec::new(),
            reached: BTreeMap::new(),
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
        writes.filed.iter().for_each(|partition| drop(self.tails.remove(partition)));
        for (key, fingerprints, sums) in writes.segments {
            self.append(key, &fingerprints);
            *self.books.entry(key).or_default() += &sums;
        }
        for (partition, row) in writes.tails {
            row.iter().for_each(|segment| self.check_new(segment));
            self.tails.entry(partition).or_default().push(row);
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

    /// Sets a partition back and raises its claim, as an operator does.
    pub fn reset(&mut self, partition: Partition, to: i64) {
        let row = self.progress_row(partition);
        self.progress.insert(partition, ProgressRow { epoch: row.epoch + 1, next: Some(to) });
        self.reached.insert(partition, to);
    }

    /// Drops pages below the floor.
    pub fn drop_old_pages(&mut self) -> usize {
        let (before, floor) = (self.ledger.len(), self.floor);
        let stays = |key: &PageKey| key.quarter.start().timestamp() >= floor;
        self.ledger.retain(|key, _| stays(key));
        self.books.retain(|key, _| stays(key));
        for rows in self.tails.values_mut() {
            rows.retain(|row| row.iter().any(|(key, ..)| stays(key)));
        }
        before - self.ledger.len()
    }

    fn note_spans(&mut self, writes: &Writes) {
        let floor = self.floor;
        for (partition, from, until) in &writes.spans {
            let reached = self.reached.insert(*partition, *until).unwrap_or(0);
            if reached != *from {
                self.breaks(|| {
                    format!("[{from}, {until}) of {partition} is counted when all up to {reached} was")
                });
            }
            let letters = writes.letters.iter().filter(|((of, _), _)| of == partition);
            let refused = letters.map(|((_, offset), reason)| (*offset, *reason)).collect();
            let span = Counted { partition: *partition, from: *from, until: *until, floor, refused };
            self.counted.push(span);
        }
        let tails = writes.tails.iter().flat_map(|(_, row)| row);
        for (key, ..) in writes.segments.iter().chain(tails) {
            if key.quarter.start().timestamp() < floor {
                self.breaks(|| format!("{key:?} is below the floor, {floor}, and is counted into"));
            }
        }
    }

    /// A tail's fingerprints are nowhere else.
    fn check_new(&mut self, (key, fingerprints, _): &SegmentRow) {
        let rows = self.tails.get(&key.partition).into_iter().flatten().flatten();
        let mut others: Vec<&[u64]> =
            rows.filter(|(other, ..)| other == key).map(|(_, known, _)| known.as_slice()).collect();
        others.extend(self.ledger.get(key).map(Vec::as_slice));
        let again = |fingerprint: &u64| others.iter().any(|known| known.binary_search(fingerprint).is_ok());
        let again = fingerprints.iter().filter(|fingerprint| again(fingerprint)).count();
        if again > 0 {
            self.breaks(|| format!("{again} identities of {key:?} are counted again, in the tail"));
        }
    }

    fn append(&mut self, key: PageKey, fingerprints: &[u64]) {
        let page = self.ledger.entry(key).or_default();
        let mut again = 0;
        for fingerprint in fingerprints {
            match page.binary_search(fingerprint) {
                Ok(_) => again += 1,
                Err(place) => page.insert(place, *fingerprint),
            }
        }
        if again > 0 {
            self.breaks(|| format!("{again} identities of {key:?} are counted again"));
        }
    }
}
