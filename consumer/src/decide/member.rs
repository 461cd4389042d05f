//! A member's memory: which partitions it holds, what it knows of their ledger, and what follows from how a transaction
//! ended. Pure: the pipeline asks the database and Kafka, and does what this says.
//!
//! Two batches are in flight at a time: one is written while the next is decided. Whether the first will be committed is
//! not known then, so its fingerprints are not in the ledger yet; they are looked up beside it (`placed`). That is right
//! either way. If the first batch is committed, they were counted. If it loses a partition, the second loses that
//! partition, too, because both were read under one claim.
//!
//! Therefore a batch may be placed only after the one before is settled:
//!
//! ```text
//! begin, ask, page_read, looked_up    while the batch before is written
//!                                     settle of the batch before
//! place                               then the batch is written
//! ```

use crate::batch::Batch;
use crate::batch::texts::SomeTexts;
use crate::decide::changes::{Changes, PartitionChanges};
use crate::decide::held_partition::HeldPartition;
use crate::decide::undecided::{DecidedBatch, Questions, UndecidedBatch};
use crate::ledger::segment::{PageKey, Segment};
use crate::ledger::tail::Tail;
use crate::ledger::{Ask, Ledger, PageRead, Size};
use crate::record::{Offset, Partition};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a member knows.
pub struct Member {
    held: BTreeMap<Partition, HeldPartition>,
    ledger: Ledger,
    /// What the batch placed last adds to pages, ascending. It may be written just now.
    placed: HashMap<PageKey, Vec<u64>>,
    /// What was committed and is not in the ledger's pages yet: that can wait until the next batch is being written.
    committed: Vec<(PageKey, Vec<u64>)>,
}

/// What must be done after a transaction has ended.
pub struct AfterCommit {
    /// Organizations whose numbers or names have changed.
    pub organizations: SomeTexts,
    /// The offsets of the next records to count.
    pub reached: Vec<(Partition, Offset)>,
    /// Partitions that another member has claimed. They are forgotten.
    pub lost: Vec<Partition>,
}

impl Member {
    /// A member that holds nothing.
    #[must_use]
    pub fn new(ledger: Ledger) -> Self {
        Self { held: BTreeMap::new(), ledger, placed: HashMap::new(), committed: Vec::new() }
    }

    /// The partitions held.
    #[must_use]
    pub fn held(&self) -> &BTreeMap<Partition, HeldPartition> {
        &self.held
    }

    /// A partition held.
    pub fn held_mut(&mut self, partition: Partition) -> Option<&mut HeldPartition> {
        self.held.get_mut(&partition)
    }

    /// What memory has of the ledger.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Holds a partition that was just claimed. `tail` has the rows of its tail, read after the claim.
    pub fn hold(&mut self, partition: Partition, held: HeldPartition, tail: &[Vec<Segment>]) {
        self.forget(partition);
        tail.iter().for_each(|row| self.ledger.tail_mut(partition).add(row));
        self.held.insert(partition, held);
    }

    /// Forgets a partition: its claim is lost, or given back.
    pub fn forget(&mut self, partition: Partition) {
        self.held.remove(&partition);
        self.ledger.forget(partition);
        self.placed.retain(|key, _| key.partition != partition);
        self.committed.retain(|(key, _)| key.partition != partition);
    }

    /// Whether the member still holds the partition under the claim of this number.
    #[must_use]
    pub fn holds(&self, partition: Partition, epoch: i64) -> bool {
        self.held.get(&partition).is_some_and(|held| held.epoch == epoch)
    }

    /// Begins to decide a batch, without the partitions whose claim is lost or was given back.
    #[must_use]
    pub fn begin(&mut self, mut batch: Batch) -> UndecidedBatch {
        batch.retain(|slice| self.holds(slice.partition, slice.epoch));
        self.update_ledger();
        self.ledger.next_round();
        UndecidedBatch::of(batch, |key| self.ledger.has(key))
    }

    /// Decides what memory can, and says what the database must be asked for the rest. `sizes` are those of the batch's
    /// unsized pages; the database has nothing of a page that is missing there.
    #[must_use]
    pub fn ask(&mut self, batch: UndecidedBatch, sizes: &HashMap<PageKey, Size>) -> Questions {
        let (pages, mut questions) = batch.begin();
        for (key, was_unsized) in pages {
            let fingerprints = questions.fingerprints(key);
            let ask = if was_unsized {
                self.ledger.ask_sized(key, &fingerprints, sizes.get(&key).copied().unwrap_or_default())
            } else {
                self.ledger.ask(key, &fingerprints)
            };
            match ask {
                Ask::Nothing => self.decide(&mut questions, key, &[]),
                Ask::Page(reading) => questions.pages.push((key, reading)),
                Ask::Fingerprints(fingerprints) => questions.lookups.push((key, fingerprints)),
            }
        }
        questions
    }

    /// Takes in a page that was read. Its records are decided, unless some of their fingerprints pass the page's
    /// filters: then those are added to the lookups.
    pub fn page_read(&mut self, questions: &mut Questions, key: PageKey, page: PageRead) {
        if page.filters.is_empty() {
            self.decide(questions, key, &page.others);
        } else {
            let mut unknown = questions.fingerprints(key);
            unknown.retain(|fingerprint| page.may_contain(*fingerprint));
            if unknown.is_empty() {
                self.decide(questions, key, &[]);
            } else {
                questions.lookups.push((key, unknown));
            }
        }
        self.ledger.load(key, page);
    }

    /// Decides the records of a page in which fingerprints were looked up. `found` are those that it has, ascending.
    pub fn looked_up(&mut self, questions: &mut Questions, key: PageKey, found: &[u64]) {
        self.decide(questions, key, found);
    }

    fn decide(&mut self, questions: &mut Questions, key: PageKey, found: &[u64]) {
        let known = self.ledger.known(key);
        let placed = self.placed.get(&key).map_or(&[][..], Vec::as_slice);
        let among = |sorted: &[u64], fingerprint: u64| sorted.binary_search(&fingerprint).is_ok();
        questions.decide(key, |fingerprint| {
            known.contains(fingerprint) || among(found, fingerprint) || among(placed, fingerprint)
        });
    }

    /// Gives the batch's changes their place in the ledger: in pages, or in the partitions' tails. The batch placed
    /// before must be settled.
    #[must_use]
    pub fn place(&mut self, batch: DecidedBatch) -> Changes {
        let DecidedBatch { texts, mut partitions, floor } = batch;
        partitions.retain(|changes| self.holds(changes.partition, changes.epoch));
        self.placed.clear();
        for changes in &mut partitions {
            changes.layout = self.held.get(&changes.partition).map_or(0, |held| held.reading.layout);
            self.place_small_segments(changes, floor);
            for segment in changes.all_segments() {
                let page = self.placed.entry(segment.key).or_default();
                page.extend(&segment.fingerprints);
                page.sort_unstable(); // a page may be given two segments
            }
        }
        Changes { texts, partitions, floor }
    }

    /// Large segments go to their pages, small ones to the tail. A tail that has grown long is filed into the pages with
    /// them. Quarters below `floor` are left out of that: their records are refused, and their table may be gone.
    fn place_small_segments(&mut self, changes: &mut PartitionChanges, floor: i64) {
        let segment_min = self.ledger.tuning().segment_min;
        let is_small = |segment: &mut Segment| segment.fingerprints.len() < segment_min;
        changes.tail = changes.segments.extract_if(.., is_small).collect();
        let added = changes.tail.iter().map(|segment| segment.fingerprints.len()).sum();
        if changes.tail.is_empty() || self.ledger.has_room_in_tail(changes.partition, added) {
            return;
        }
        let mut tail = self.ledger.tail(changes.partition).clone();
        tail.add(&changes.tail);
        let filed = tail.segments(changes.partition);
        changes.segments.extend(filed.filter(|segment| segment.key.quarter.start().timestamp() >= floor));
        changes.tail.clear();
        changes.files_tail = true;
    }

    /// Takes the end of a transaction into account: memory follows the database. The partitions that are not among
    /// `committed` are lost.
    pub fn settle(&mut self, changes: Changes, committed: &BTreeSet<Partition>) -> AfterCommit {
        let Changes { texts, partitions, .. } = changes;
        let (written, lost): (Vec<_>, Vec<_>) =
            partitions.into_iter().partition(|changes| committed.contains(&changes.partition));
        let after = AfterCommit {
            organizations: SomeTexts::of(texts, written.iter().flat_map(PartitionChanges::organizations)),
            reached: written.iter().map(|changes| (changes.partition, changes.span.until)).collect(),
            lost: lost.iter().map(|changes| changes.partition).collect(),
        };
        written.into_iter().for_each(|changes| self.remember(changes));
        after.lost.iter().for_each(|partition| self.forget(*partition));
        after
    }

    fn remember(&mut self, changes: PartitionChanges) {
        if changes.files_tail {
            *self.ledger.tail_mut(changes.partition) = Tail::default();
        }
        if !changes.tail.is_empty() {
            self.ledger.tail_mut(changes.partition).add(&changes.tail);
        }
        let segments = changes.segments.into_iter();
        self.committed.extend(segments.map(|segment| (segment.key, segment.fingerprints)));
        if let Some(held) = self.held.get_mut(&changes.partition) {
            held.committed(changes.span.until);
        }
    }

    /// Adds what was committed to the ledger's pages. Beginning the next batch does it, too: call it earlier, while
    /// there is time.
    pub fn update_ledger(&mut self) {
        for (key, fingerprints) in self.committed.drain(..) {
            self.ledger.committed(key, &fingerprints);
        }
    }
}
