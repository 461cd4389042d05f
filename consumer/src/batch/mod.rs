//! A batch: records folded together. Which of them were counted before is undecided. Pure.

pub mod producers;
pub mod refusals;
pub mod texts;

use crate::batch::refusals::Refusals;
use crate::batch::texts::{Text, TextSet, Texts};
use crate::record::decode::{self, Bounds};
use crate::record::hint;
use crate::record::identity::{Fingerprints, Kind};
use crate::record::key;
use crate::record::reason::{Reason, Refusal};
use crate::record::{Instant, Milestone, Offset, Outcome, Partition, Raw, Record, Says, Span, WorkflowRun};
use crate::refused::Refused;
use crate::refused::allowance::{Allowance, Keeping};
use crate::refused::sender::Sender;
use domain::Quarter;
use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;

/// A partition that this member has claimed, and where reading it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Which partition.
    pub partition: Partition,
    /// The claim's number. Each claim of the partition has a greater one than those before.
    pub epoch: i64,
    /// The offset of the next record to fold.
    pub position: Offset,
    /// Where its layout ends: records from there on are not folded under this claim. `None` for the present layout.
    pub until: Option<Offset>,
    /// The leader's epoch of the record before `position`, if it is known.
    pub leader_epoch: Option<i32>,
    /// Over how many partitions the keys of its layout are spread; `None` if that isn't checked.
    pub spread: Option<NonZeroU32>,
    /// How many refused records were kept in this hour.
    pub allowance: Allowance,
}

/// Records folded together, partition by partition, so that the records of a partition can be dropped when its claim is
/// lost.
pub struct Batch {
    /// Names of organizations, workflows and channels.
    pub texts: Texts,
    /// Each partition once.
    pub slices: Vec<Slice>,
    /// The ledger's floor it was folded under, in seconds since the Unix epoch.
    pub floor: i64,
    latest: usize,
    records: usize,
    bytes: usize,
}

/// Memory of an entry.
const ENTRY_BYTES: usize = size_of::<Entry>();
/// Memory of a counters' row for a quarter of an hour, until it is written: measured with records spread over three days.
const ROW_BYTES: usize = 600;
/// Memory of a channel's row for a quarter of an hour, until it is written.
const CHANNEL_ROW_BYTES: usize = 400;
/// Memory of a text beside its bytes: measured with a million organizations of one record each.
const TEXT_BYTES: usize = 400;
/// Memory of a workflow execution, and of its row in the table of workflows.
const RUN_BYTES: usize = 512;

/// A partition's records in a batch.
pub struct Slice {
    /// Which partition.
    pub partition: Partition,
    /// The claim its records were read under.
    pub epoch: i64,
    /// Its records.
    pub span: Span,
    /// The leader's epoch of the span's last record, if it is known.
    pub leader_epoch: Option<i32>,
    /// Records that count, by page of the ledger.
    pub pages: Vec<PageEntries>,
    /// Workflow executions that entries refer to.
    pub runs: Vec<Run>,
    /// The newest update of each organization in this slice.
    pub organizations: HashMap<Text, OrganizationUpdate>,
    /// Records that can't be counted.
    pub dead_letters: Refused,
    /// The same by their senders.
    pub refusals: Refusals,
    /// How many records of which sort.
    pub tally: Tally,
    page_of: HashMap<Quarter, usize, foldhash::fast::RandomState>,
    latest_page: usize,
    /// The organizations of its records that count.
    organizations_counted: TextSet,
    /// The rows that its messages will have.
    channel_rows: HashSet<(Text, Text, Quarter), foldhash::fast::RandomState>,
}

/// Records of one page, in the partition's order.
pub struct PageEntries {
    /// The page's quarter of an hour.
    pub quarter: Quarter,
    /// Its records.
    pub entries: Vec<Entry>,
}

/// A record that is counted unless it was counted before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its identity's fingerprint.
    pub fingerprint: u64,
    /// The organization it belongs to.
    pub organization: Text,
    /// What it adds to the counters.
    pub effect: Effect,
}

/// What an identity adds to the counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// An order.
    Order,
    /// A payment.
    Payment {
        /// Whether it succeeded.
        successful: bool,
    },
    /// A workflow execution: the index of the slice's run.
    Run(u32),
    /// A message sent by this channel.
    Sent(Text),
    /// A message of this channel delivered.
    Delivered(Text),
}

/// A workflow execution as a batch keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Which workflow.
    pub workflow_id: Text,
    /// The workflow's name.
    pub workflow_name: Text,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, in milliseconds.
    pub execution_time_ms: i64,
    /// When it ended.
    pub finished_at: Instant,
    /// What the list of failures shows, if it failed.
    pub failure: Option<Box<Failure>>,
}

/// What the list of failures shows beside the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The execution.
    pub execution_id: String,
    /// What went wrong.
    pub error_message: String,
}

/// An organization's name and plan as of an update. The greatest update wins: the latest, then the one of the greatest
/// event id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OrganizationUpdate {
    /// The update's time.
    pub as_of: Instant,
    /// The update's event id.
    pub event_id: String,
    /// The organization's name.
    pub name: String,
    /// Its plan's id.
    pub plan_id: String,
    /// Its plan's name.
    pub plan_name: String,
}

/// How many records of which sort a slice has, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All records.
    pub records: u64,
    /// Valid records of a kind that adds nothing.
    pub nothing_to_count: u64,
    /// Events with a body that this version doesn't know.
    pub unknown_bodies: u64,
    /// Records in another partition than their key's.
    pub misplaced: u64,
    /// The hash of such a record's key.
    pub misplaced_hash: u32,
}

/// When a batch is full.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most records.
    pub records: usize,
    /// Most bytes that it may take until it is written. A record takes more if it is the only one of its organization and
    /// quarter of an hour, or if it is refused and kept.
    pub bytes: usize,
}

impl Claim {
    /// Whether a record at `offset` is one of the next layout.
    #[inline]
    #[must_use]
    pub fn ends_before(&self, offset: Offset) -> bool {
        self.until.is_some_and(|until| until <= offset)
    }
}

impl Batch {
    /// An empty batch, to be folded under this floor of the ledger.
    #[must_use]
    pub fn new(floor: i64) -> Self {
        Self { texts: Texts::default(), slices: Vec::new(), floor, latest: 0, records: 0, bytes: 0 }
    }

    /// Folds a record of the claim's partition in, and moves the claim's position past it. A record that was folded before
    /// changes nothing.
    pub fn take(
        &mut self,
        claim: &mut Claim,
        raw: &Raw<'_>,
        fingerprints: &Fingerprints,
        bounds: Bounds,
        keeping: Keeping,
    ) {
        let Some(index) = self.enter(claim, raw) else { return };
        let slice = &mut self.slices[index];
        let bytes = match decode::open(raw) {
            Ok(bytes) => bytes,
            Err(refusal) => return self.refuse(index, claim, raw, refusal, keeping),
        };
        match decode::decode(raw.partition.topic, &bytes, bounds) {
            Ok(record) => self.bytes += slice.fold(&mut self.texts, &record, fingerprints),
            Err(refusal) => self.refuse(index, claim, raw, refusal, keeping),
        }
    }

    /// The same for a record that PostgreSQL has refused, and said `why`: it is not counted.
    pub fn take_unstorable(
        &mut self,
        claim: &mut Claim,
        raw: &Raw<'_>,
        why: &str,
        bounds: Bounds,
        keeping: Keeping,
    ) {
        let Some(index) = self.enter(claim, raw) else { return };
        let bytes = decode::open(raw);
        let decoded = bytes.as_ref().map_err(Clone::clone);
        let decoded = decoded.and_then(|bytes| decode::decode(raw.partition.topic, bytes, bounds));
        let refusal = decoded.map_or_else(
            |refusal| refusal,
            |record| Refusal {
                organization: Some(record.organization.to_owned()),
                ..Refusal::new(Reason::Unstorable, why.to_owned())
            },
        );
        self.refuse(index, claim, raw, refusal, keeping);
    }

    /// Moves span and claim past a record, and returns its slice; `None` if the record was folded before.
    #[inline]
    fn enter(&mut self, claim: &mut Claim, raw: &Raw<'_>) -> Option<usize> {
        let index = self.slice_of(claim);
        let slice = &mut self.slices[index];
        if !slice.span.take(raw.offset) {
            return None;
        }
        claim.position = slice.span.until;
        claim.leader_epoch = raw.leader_epoch;
        slice.leader_epoch = raw.leader_epoch;
        slice.tally.records += 1;
        if let (Some(spread), Some(key)) = (claim.spread, raw.key) {
            slice.tally.check_place(raw.partition, spread, key);
        }
        self.records += 1;
        Some(index)
    }

    /// Moves the claim on to `position`, never back. The caller has folded all records before `position`. `leader_epoch` is
    /// that of what lies before it, if it is known.
    pub fn reach(&mut self, claim: &mut Claim, position: Offset, leader_epoch: Option<i32>) {
        if claim.position < position {
            let index = self.slice_of(claim);
            self.slices[index].span.reach(position);
            self.slices[index].leader_epoch = leader_epoch;
            claim.position = position;
            claim.leader_epoch = leader_epoch;
        }
    }

    /// Drops the records of a partition that was lost.
    pub fn forget(&mut self, partition: Partition) {
        self.retain(|slice| slice.partition != partition);
    }

    /// Drops the slices for which `keep` is false.
    pub fn retain(&mut self, keep: impl Fn(&Slice) -> bool) {
        self.slices.retain(keep);
        self.records =
            self.slices.iter().map(|slice| usize::try_from(slice.tally.records).unwrap_or(usize::MAX)).sum();
        self.latest = 0;
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slices.is_empty()
    }

    /// How many records were folded in.
    #[must_use]
    pub fn records(&self) -> usize {
        self.records
    }

    /// Whether it has reached one of `limits`.
    #[must_use]
    pub fn is_full(&self, limits: Limits) -> bool {
        let texts = self.texts.bytes() + self.texts.len() * TEXT_BYTES;
        self.records >= limits.records || self.bytes + texts >= limits.bytes
    }

    /// Whether a record in it that counts is older than `floor`.
    #[must_use]
    pub fn has_older_than(&self, floor: i64) -> bool {
        let pages = self.slices.iter().flat_map(|slice| &slice.pages);
        pages.into_iter().any(|page| page.quarter.start().timestamp() < floor)
    }

    #[inline]
    fn slice_of(&mut self, claim: &Claim) -> usize {
        let latest = self.slices.get(self.latest);
        if latest.is_none_or(|slice| slice.partition != claim.partition) {
            let known = self.slices.iter().position(|slice| slice.partition == claim.partition);
            self.latest = known.unwrap_or_else(|| {
                self.slices.push(Slice::new(claim));
                self.slices.len() - 1
            });
        }
        self.latest
    }

    #[cold]
    fn refuse(&mut self, slice: usize, claim: &mut Claim, raw: &Raw<'_>, refusal: Refusal, keeping: Keeping) {
        let refusal = &hint::explained(raw, refusal);
        let Self { texts, slices, bytes, .. } = self;
        let Slice { dead_letters, refusals, .. } = &mut slices[slice];
        *bytes += dead_letters.add(raw, refusal, &mut claim.allowance, keeping);
        let sender = Sender::of(refusal, raw.key).filter(|sender| claim.allowance.tells(*sender, keeping));
        if let Some(sender) = sender {
            *bytes += refusals.add(texts, sender, raw, refusal);
        }
    }
}

impl Tally {
    /// Notes a record that lies in another partition than its key's.
    #[inline]
    fn check_place(&mut self, partition: Partition, spread: NonZeroU32, key: &[u8]) {
        let hash = key::murmur2(key);
        if key::partition_of_hash(hash, spread) != partition.number {
            self.misplaced += 1;
            self.misplaced_hash = hash;
        }
    }
}

impl Slice {
    fn new(claim: &Claim) -> Self {
        Self {
            partition: claim.partition,
            epoch: claim.epoch,
            span: Span::empty(claim.position),
            leader_epoch: claim.leader_epoch,
            pages: Vec::new(),
            runs: Vec::new(),
            organizations: HashMap::new(),
            dead_letters: Refused::default(),
            refusals: Refusals::default(),
            tally: Tally::default(),
            page_of: HashMap::default(),
            latest_page: 0,
            organizations_counted: TextSet::default(),
            channel_rows: HashSet::default(),
        }
    }

    /// The records of a page.
    #[must_use]
    pub fn page_of(&self, quarter: Quarter) -> Option<&PageEntries> {
        self.page_of.get(&quarter).and_then(|place| self.pages.get(*place))
    }

    /// Takes the records out of a page.
    pub fn take_page(&mut self, quarter: Quarter) -> Vec<Entry> {
        let place = self.page_of.get(&quarter);
        let page = place.and_then(|place| self.pages.get_mut(*place));
        page.map(|page| std::mem::take(&mut page.entries)).unwrap_or_default()
    }

    /// Folds a valid record in; returns how many bytes that takes until it is written.
    #[inline]
    fn fold(&mut self, texts: &mut Texts, record: &Record<'_>, fingerprints: &Fingerprints) -> usize {
        let quarter = Quarter::of_second(record.time.seconds).expect("the decoder bounds times");
        let (kind, effect, kept) = match record.says {
            Says::OrderCreated => (Kind::Order, Effect::Order, 0),
            Says::PaymentAttempted { successful } => (Kind::Payment, Effect::Payment { successful }, 0),
            Says::Message { milestone, channel } => {
                let channel = texts.keep(channel);
                let effect = match milestone {
                    Milestone::Sent => Effect::Sent(channel),
                    Milestone::Delivered => Effect::Delivered(channel),
                };
                let row = (texts.keep(record.organization), channel, quarter);
                let kept = if self.channel_rows.insert(row) { CHANNEL_ROW_BYTES } else { 0 };
                (Kind::Message(milestone), effect, kept)
            }
            Says::WorkflowEnded(run) => {
                let (effect, kept) = self.keep_run(texts, record, &run);
                (Kind::WorkflowRun, effect, kept)
            }
            Says::OrganizationUpdated { name, plan_id, plan_name } => {
                self.tally.nothing_to_count += 1;
                return self.keep_update(texts, record, [name, plan_id, plan_name]);
            }
            Says::Nothing => {
                self.tally.nothing_to_count += 1;
                return 0;
            }
            Says::UnknownBody => {
                self.tally.unknown_bodies += 1;
                return 0;
            }
        };
        let fingerprint = fingerprints.of(kind, record.organization, record.id);
        let organization = texts.keep(record.organization);
        self.organizations_counted.insert(organization);
        let organizations = self.organizations_counted.len();
        let page = self.page(quarter);
        page.push(Entry { fingerprint, organization, effect });
        // A quarter has no more rows than it has records, nor than there are organizations.
        let rows = if page.len() <= organizations { ROW_BYTES } else { 0 };
        ENTRY_BYTES + rows + kept
    }

    #[inline]
    fn page(&mut self, quarter: Quarter) -> &mut Vec<Entry> {
        let latest = self.pages.get(self.latest_page);
        if latest.is_none_or(|page| page.quarter != quarter) {
            let pages = &mut self.pages;
            self.latest_page = *self.page_of.entry(quarter).or_insert_with(|| {
                pages.push(PageEntries { quarter, entries: Vec::new() });
                pages.len() - 1
            });
        }
        &mut self.pages[self.latest_page].entries
    }

    fn keep_run(&mut self, texts: &mut Texts, record: &Record<'_>, run: &WorkflowRun<'_>) -> (Effect, usize) {
        let failure = match run.outcome {
            Outcome::Success => None,
            Outcome::Failed | Outcome::FailedSafetyLimit => Some(Box::new(Failure {
                execution_id: record.id.to_owned(),
                error_message: run.error_message.to_owned(),
            })),
        };
        let kept = RUN_BYTES
            + failure.as_ref().map_or(0, |failure| failure.execution_id.len() + failure.error_message.len());
        let index = u32::try_from(self.runs.len()).expect("a batch has fewer records than a u32 counts");
        self.runs.push(Run {
            workflow_id: texts.keep(run.workflow_id),
            workflow_name: texts.keep(run.workflow_name),
            outcome: run.outcome,
            execution_time_ms: run.execution_time_ms,
            finished_at: record.time,
            failure,
        });
        (Effect::Run(index), kept)
    }

    fn keep_update(&mut self, texts: &mut Texts, record: &Record<'_>, texts_of_update: [&str; 3]) -> usize {
        let organization = texts.keep(record.organization);
        let newest = self.organizations.get(&organization);
        let rank = (record.time, record.id, texts_of_update);
        // An update is copied only if it wins.
        if newest.is_none_or(|newest| newest.rank() < rank) {
            let [name, plan_id, plan_name] = texts_of_update.map(str::to_owned);
            let (as_of, event_id) = (record.time, record.id.to_owned());
            let update = OrganizationUpdate { as_of, event_id, name, plan_id, plan_name };
            self.organizations.insert(organization, update);
        }
        texts_of_update.iter().map(|text| text.len()).sum()
    }
}

impl OrganizationUpdate {
    /// The fields that updates are compared by.
    fn rank(&self) -> (Instant, &str, [&str; 3]) {
        (self.as_of, &self.event_id, [&self.name, &self.plan_id, &self.plan_name])
    }
}
