//! A member's mind: which partitions it holds, what it knows of their ledger, what a batch changes, and what follows
//! from how its transaction ended. Pure: the pipeline asks the database and Kafka, and does what this says.
//!
//! A batch is decided while the one before is being written. What that one counts is looked up beside the ledger
//! (`latest`), whatever becomes of it: should its transaction lose a partition, the batch decided after it loses that
//! partition, too, since both were read under one claim.

use crate::batch::Batch;
use crate::decide::changes::{Changes, Deciding, PartitionChanges};
use crate::decide::progress::{Holding, Progress, StoredProgress};
use crate::ledger::segment::PageKey;
use crate::ledger::segment::Segment;
use crate::ledger::tail::Tail;
use crate::ledger::{Ask, Ledger, PageRead, Reading, Size};
use crate::record::{Offset, Partition};
use std::collections::{BTreeSet, HashMap};

/// What a member knows.
pub struct Member {
    holding: Holding,
    ledger: Ledger,
    /// What the batch decided last counts, by page, ascending.
    latest: HashMap<PageKey, Vec<u64>>,
    /// What was committed and is not yet among the pages: taking it in can wait until the next batch is on its way.
    settled: Vec<(PageKey, Vec<u64>)>,
}

/// What the database must be asked, to decide a batch.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Questions {
    /// Pages to be read.
    pub pages: Vec<(PageKey, Reading)>,
    /// Fingerprints to be looked up in their page, ascending.
    pub lookups: Vec<(PageKey, Vec<u64>)>,
}

/// How a batch's partition ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    /// Its changes are in the database.
    Committed,
    /// Another claim has come in between; its changes are nobody's.
    Lost,
}

/// What must be done after a transaction has ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct AfterCommit {
    /// Organizations whose answers have changed.
    pub organizations: BTreeSet<String>,
    /// How far partitions are counted now.
    pub reached: Vec<(Partition, Offset)>,
    /// Partitions that are lost, and forgotten.
    pub lost: Vec<Partition>,
}

/// Tails may take this share of the ledger's budget.
const TAILS_SHARE: usize = 4;

impl Member {
    /// A member that holds nothing.
    #[must_use]
    pub fn new(ledger: Ledger) -> Self {
        Self { holding: Holding::new(), ledger, latest: HashMap::new(), settled: Vec::new() }
    }

    /// The partitions held.
    #[must_use]
    pub fn holding(&self) -> &Holding {
        &self.holding
    }

    /// What is known of a partition held.
    pub fn progress(&mut self, partition: Partition) -> Option<&mut Progress> {
        self.holding.get_mut(&partition)
    }

    /// What is known of their ledger.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Holds a partition just claimed; `tail` is what the database has of it, read after the claim.
    pub fn hold(&mut self, partition: Partition, progress: Progress, tail: &[Vec<Segment>]) {
        self.forget(partition);
        tail.iter().for_each(|run| self.ledger.tail_mut(partition).add(run));
        self.holding.insert(partition, progress);
    }

    /// Forgets a partition: its claim is lost, or given back.
    pub fn forget(&mut self, partition: Partition) {
        self.holding.remove(&partition);
        self.ledger.forget(partition);
        self.latest.retain(|key, _| key.partition != partition);
        self.settled.retain(|(key, _)| key.partition != partition);
    }

    /// Whether what was read under this claim of the partition may still be written.
    #[must_use]
    pub fn holds(&self, partition: Partition, epoch: i64) -> bool {
        self.holding.get(&partition).is_some_and(|held| held.epoch == epoch)
    }

    /// Begins to decide a batch. What was read under a claim that is lost, or was given back, is nobody's.
    #[must_use]
    pub fn begin(&mut self, mut batch: Batch) -> Deciding {
        batch.retain(|slice| self.holds(slice.partition, slice.epoch));
        self.take_in();
        self.ledger.next_round();
        Deciding::begin(batch)
    }

    /// Pages of which not even the size is known.
    #[must_use]
    pub fn unsized_pages(&self, deciding: &Deciding) -> Vec<PageKey> {
        deciding.undecided().into_iter().filter(|key| !self.ledger.has(*key)).collect()
    }

    /// Decides what memory can, and says what the database must be asked for the rest. `sizes`: of pages whose
    /// size was not known.
    #[must_use]
    pub fn ask(&mut self, deciding: &mut Deciding, sizes: &HashMap<PageKey, Size>) -> Questions {
        let mut questions = Questions::default();
        let keys = deciding.undecided();
        // Of pages known by now no size was asked; taking in the others' sizes may drive them out of memory meanwhile.
        let unasked: Vec<bool> = keys.iter().map(|key| self.ledger.has(*key)).collect();
        for (key, unasked) in keys.into_iter().zip(unasked) {
            let size = (!unasked).then(|| sizes.get(&key).copied().unwrap_or_default());
            match self.ledger.ask(key, &deciding.fingerprints(key), size) {
                Ask::Nothing => self.decide(deciding, key, &[]),
                Ask::Page(reading) => questions.pages.push((key, reading)),
                Ask::Fingerprints(fingerprints) => questions.lookups.push((key, fingerprints)),
            }
        }
        questions
    }

    /// Decides the records of a page that was read; or says which fingerprints, ascending, must be looked up for that,
    /// because they pass its filters.
    #[must_use]
    pub fn page_read(
        &mut self,
        deciding: &mut Deciding,
        key: PageKey,
        page: PageRead,
    ) -> Option<(PageKey, Vec<u64>)> {
        let mut unknown = Vec::new();
        if page.filters.is_empty() {
            self.decide(deciding, key, &page.others);
        } else {
            unknown = deciding.fingerprints(key);
            unknown.retain(|fingerprint| page.may_contain(*fingerprint));
            if unknown.is_empty() {
                self.decide(deciding, key, &[]);
            }
        }
        self.ledger.load(key, page);
        (!unknown.is_empty()).then_some((key, unknown))
    }

    /// Decides the records of a page in which fingerprints were looked up: those that were found, ascending.
    pub fn looked_up(&mut self, deciding: &mut Deciding, key: PageKey, found: &[u64]) {
        self.decide(deciding, key, found);
    }

    fn decide(&mut self, deciding: &mut Deciding, key: PageKey, found: &[u64]) {
        let known = self.ledger.known(key);
        let latest = self.latest.get(&key).map_or(&[][..], Vec::as_slice);
        let among = |sorted: &[u64], fingerprint: u64| sorted.binary_search(&fingerprint).is_ok();
        deciding.decide(key, |fingerprint| {
            known.contains(fingerprint) || among(found, fingerprint) || among(latest, fingerprint)
        });
    }

    /// What the batch changes, once all before it is settled, and where in the ledger it goes.
    #[must_use]
    pub fn place(&mut self, deciding: Deciding) -> Changes {
        let mut changes = deciding.end(|part| self.holds(part.partition, part.epoch));
        let floor = changes.floor;
        self.latest.clear();
        for part in &mut changes.parts {
            part.layout = self.holding.get(&part.partition).map_or(0, |held| held.layout);
            self.place_part(part, floor);
            for segment in part.segments.iter().chain(&part.tail) {
                let page = self.latest.entry(segment.key).or_default();
                page.extend(&segment.fingerprints);
                page.sort_unstable(); // a page may be given two segments
            }
        }
        changes
    }

    /// What is much goes to its page at once, what is little to the tail, unless that has grown long: then all of it is
    /// filed. Quarters below `floor` are left out: their records are refused, and their place in the table may be gone.
    fn place_part(&mut self, part: &mut PartitionChanges, floor: i64) {
        let tuning = self.ledger.tuning();
        let is_little = |segment: &mut Segment| segment.fingerprints.len() < tuning.segment_min;
        part.tail = part.segments.extract_if(.., is_little).collect();
        if part.tail.is_empty() {
            return;
        }
        let little: usize = part.tail.iter().map(|segment| segment.fingerprints.len()).sum();
        let crowded = self.ledger.tail_bytes() > tuning.budget / TAILS_SHARE;
        let tail = self.ledger.tail(part.partition);
        if crowded || tail.runs() + 1 >= tuning.tail_runs_max || tail.len() + little >= tuning.tail_len_max {
            let mut tail = tail.clone();
            tail.add(&part.tail);
            let filed = tail.segments(part.partition);
            part.segments.extend(filed.filter(|segment| segment.key.quarter.start().timestamp() >= floor));
            part.tail.clear();
            part.files_tail = true;
        }
    }

    /// Takes in what was committed. Done at the latest when the next batch is begun to be decided.
    pub fn take_in(&mut self) {
        for (key, fingerprints) in self.settled.drain(..) {
            self.ledger.committed(key, &fingerprints);
        }
    }

    /// Draws the consequences of a transaction's end: memory follows the database.
    pub fn settle(
        &mut self,
        changes: &Changes,
        fate: impl Fn(&PartitionChanges) -> CommitOutcome,
    ) -> AfterCommit {
        let (mut settled, mut organizations) = (AfterCommit::default(), BTreeSet::new());
        for part in &changes.parts {
            match fate(part) {
                CommitOutcome::Lost => settled.lost.push(part.partition),
                CommitOutcome::Committed => {
                    self.committed(part);
                    settled.reached.push((part.partition, part.span.until));
                    organizations.extend(part.organizations());
                }
            }
        }
        settled.lost.iter().for_each(|partition| self.forget(*partition));
        // Each name is copied once, in however many quarters and partitions the organization has changed.
        settled.organizations =
            organizations.into_iter().map(|text| changes.texts.get(text).to_owned()).collect();
        settled
    }

    fn committed(&mut self, part: &PartitionChanges) {
        if part.files_tail {
            *self.ledger.tail_mut(part.partition) = Tail::default();
        }
        if !part.tail.is_empty() {
            self.ledger.tail_mut(part.partition).add(&part.tail);
        }
        for segment in &part.segments {
            self.settled.push((segment.key, segment.fingerprints.clone()));
        }
        if let Some(progress) = self.holding.get_mut(&part.partition) {
            progress.committed(part.span.until);
        }
    }
}

/// What a doubtful transaction did to a partition, given where the partition stands now that no transaction is under
/// way on it: `None` means nothing, and it may be tried again.
#[must_use]
pub fn fate(part: &PartitionChanges, standing: Option<&StoredProgress>) -> Option<CommitOutcome> {
    let stands_at =
        |offset| standing == Some(&StoredProgress { epoch: part.epoch, next_offset: Some(offset) });
    if stands_at(part.span.from) {
        None
    } else if stands_at(part.span.until) {
        Some(CommitOutcome::Committed)
    } else {
        Some(CommitOutcome::Lost)
    }
}
