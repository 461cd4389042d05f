//! A batch: records folded together, still undecided about which of them were counted before. Pure.

pub mod texts;

use crate::batch::texts::{Text, Texts};
use crate::record::decode::{self, Bounds};
use crate::record::identity::{Fingerprints, Kind};
use crate::record::reason::Refusal;
use crate::record::{Instant, Offset, Outcome, Partition, Raw, Record, Says, Span, WorkflowRun};
use crate::refused::Refused;
use crate::refused::allowance::{Allowance, Keeping};
use domain::Quarter;
use std::collections::HashMap;

/// A partition this member holds: its claim's epoch, and where its next record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Which partition.
    pub partition: Partition,
    /// The claim's number; whoever claims later has a greater one.
    pub epoch: i64,
    /// The offset of the next record to fold.
    pub position: Offset,
    /// What it has used up of the hour's share of refused records kept whole.
    pub allowance: Allowance,
}

/// Records folded together, by partition, because a partition that turns out to be lost takes its share along.
pub struct Batch {
    /// The batch's organizations, workflows and names.
    pub texts: Texts,
    /// A part per partition, each once.
    pub slices: Vec<Slice>,
    /// The ledger's floor it was folded under, in seconds since the Unix epoch.
    pub floor: i64,
    latest: usize,
    records: usize,
    bytes: usize,
}

/// What a counted record takes in memory.
const ENTRY_BYTES: usize = size_of::<Entry>();
/// What a record takes that may have a quarter of an hour's row of its own, until that is written: measured with records
/// spread over three days.
const ROW_BYTES: usize = 600;
/// What an organization, or another text, takes beside its bytes: measured with a million organizations that have a
/// record each.
const TEXT_BYTES: usize = 400;
/// The same of a workflow execution, which may have a row in the table of workflows.
const RUN_BYTES: usize = 512;

/// One partition's share of a batch.
pub struct Slice {
    /// Whose share.
    pub partition: Partition,
    /// The claim it was read under.
    pub epoch: i64,
    /// What it spans.
    pub span: Span,
    /// Records that count, by the ledger's page.
    pub pages: Vec<PageEntries>,
    /// Workflow executions that entries point to.
    pub runs: Vec<Run>,
    /// The newest update of each organization in this slice.
    pub organizations: HashMap<Text, OrganizationUpdate>,
    /// Records that can't be counted.
    pub dead_letters: Refused,
    /// How many records of what sort.
    pub tally: Tally,
    page_of: HashMap<Quarter, usize, foldhash::fast::RandomState>,
    latest_page: usize,
}

/// Records of one page, in the order they stand in the partition.
pub struct PageEntries {
    /// The page's quarter of an hour.
    pub quarter: Quarter,
    /// Its records.
    pub entries: Vec<Entry>,
}

/// A record that counts unless it did before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Of its identity.
    pub fingerprint: u64,
    /// Whose it is.
    pub organization: Text,
    /// What it adds.
    pub effect: Effect,
}

/// What an identity adds when it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// An order.
    Order,
    /// A payment.
    Payment {
        /// Whether it succeeded.
        successful: bool,
    },
    /// A workflow execution: the slice's run of that index.
    Run(u32),
    /// A message sent.
    Sent,
    /// A message delivered.
    Delivered,
}

/// A workflow execution as a batch keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Which workflow.
    pub workflow_id: Text,
    /// What it is called.
    pub workflow_name: Text,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, in milliseconds.
    pub execution_time_ms: i64,
    /// When it ended.
    pub finished_at: Instant,
    /// What a list of failures shows, for one that failed.
    pub failure: Option<Box<Failure>>,
}

/// What a list of failures shows beyond the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The execution.
    pub execution_id: String,
    /// What went wrong.
    pub error_message: String,
}

/// An organization's name and plan as of an update. Ordered as updates win: by time, then by event id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OrganizationUpdate {
    /// When it was so.
    pub as_of: Instant,
    /// The update's id, which decides between two of one time.
    pub event_id: String,
    /// What it is called.
    pub name: String,
    /// Its plan's id.
    pub plan_id: String,
    /// Its plan's name.
    pub plan_name: String,
}

/// How many records of what sort a slice has, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub records: u64,
    /// Valid ones that add nothing by their nature.
    pub nothing_to_count: u64,
    /// Events with a body this version doesn't know.
    pub unknown_bodies: u64,
}

/// Where a batch is full.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Records.
    pub records: usize,
    /// Bytes that it takes until it is written, at most: more where each record has an organization and a quarter of an
    /// hour of its own, or is kept whole.
    pub bytes: usize,
}

impl Batch {
    /// A batch of nothing, yet, to be folded under this floor of the ledger.
    #[must_use]
    pub fn new(floor: i64) -> Self {
        Self { texts: Texts::default(), slices: Vec::new(), floor, latest: 0, records: 0, bytes: 0 }
    }

    /// Folds a record of `held` in and moves `held` on. A record that was folded before changes nothing.
    pub fn take(
        &mut self,
        held: &mut Claim,
        raw: &Raw<'_>,
        fingerprints: &Fingerprints,
        bounds: Bounds,
        keeping: Keeping,
    ) {
        let index = self.slice_of(held);
        let slice = &mut self.slices[index];
        if !slice.span.take(raw.offset) {
            return;
        }
        held.position = slice.span.until;
        slice.tally.records += 1;
        self.records += 1;
        let bytes = match decode::open(raw) {
            Ok(bytes) => bytes,
            Err(refusal) => return self.refuse(index, held, raw, &refusal, keeping),
        };
        match decode::decode(raw.partition.topic, &bytes, bounds) {
            Ok(record) => self.bytes += slice.fold(&mut self.texts, &record, fingerprints),
            Err(refusal) => self.refuse(index, held, raw, &refusal, keeping),
        }
    }

    /// Moves `held` on to `position`, before which there is no record to fold.
    pub fn reach(&mut self, held: &mut Claim, position: Offset) {
        if held.position < position {
            let index = self.slice_of(held);
            self.slices[index].span.reach(position);
            held.position = position;
        }
    }

    /// Takes the share of a partition that was lost out.
    pub fn forget(&mut self, partition: Partition) {
        self.retain(|slice| slice.partition != partition);
    }

    /// Keeps the shares that `keep` says, and takes the others out.
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

    /// How many records it has.
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
    fn slice_of(&mut self, held: &Claim) -> usize {
        let latest = self.slices.get(self.latest);
        if latest.is_none_or(|slice| slice.partition != held.partition) {
            let known = self.slices.iter().position(|slice| slice.partition == held.partition);
            self.latest = known.unwrap_or_else(|| {
                self.slices.push(Slice::new(held));
                self.slices.len() - 1
            });
        }
        self.latest
    }

    #[cold]
    fn refuse(&mut self, slice: usize, held: &mut Claim, raw: &Raw<'_>, refusal: &Refusal, keeping: Keeping) {
        let refused = &mut self.slices[slice].dead_letters;
        self.bytes += refused.add(raw, refusal, &mut held.allowance, keeping);
    }
}

impl Slice {
    fn new(held: &Claim) -> Self {
        Self {
            partition: held.partition,
            epoch: held.epoch,
            span: Span::empty(held.position),
            pages: Vec::new(),
            runs: Vec::new(),
            organizations: HashMap::new(),
            dead_letters: Refused::default(),
            tally: Tally::default(),
            page_of: HashMap::default(),
            latest_page: 0,
        }
    }

    /// The records of a page.
    #[must_use]
    pub fn page_of(&self, quarter: Quarter) -> Option<&PageEntries> {
        self.page_of.get(&quarter).and_then(|place| self.pages.get(*place))
    }

    /// Takes the records of a page out.
    pub fn take_page(&mut self, quarter: Quarter) -> Vec<Entry> {
        let place = self.page_of.get(&quarter);
        let page = place.and_then(|place| self.pages.get_mut(*place));
        page.map(|page| std::mem::take(&mut page.entries)).unwrap_or_default()
    }

    /// Folds a valid record in; says how many bytes that takes, until it is written.
    #[inline]
    fn fold(&mut self, texts: &mut Texts, record: &Record<'_>, fingerprints: &Fingerprints) -> usize {
        let (kind, effect, kept) = match record.says {
            Says::OrderCreated => (Kind::Event, Effect::Order, 0),
            Says::PaymentAttempted { successful } => (Kind::Event, Effect::Payment { successful }, 0),
            Says::Message(milestone) => {
                let effect = match milestone {
                    crate::record::Milestone::Sent => Effect::Sent,
                    crate::record::Milestone::Delivered => Effect::Delivered,
                };
                (Kind::Message(milestone), effect, 0)
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
        let quarter = Quarter::of_second(record.time.seconds).expect("the decoder bounds times");
        let page = self.page(quarter);
        page.push(Entry { fingerprint, organization, effect });
        // No more rows than there are records of this quarter, nor than there are organizations.
        let rows = if page.len() <= texts.len() { ROW_BYTES } else { 0 };
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
        // Of an update that does not win nothing is copied, and of one that does nothing twice.
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
    /// What it is compared by, in the order of its fields.
    fn rank(&self) -> (Instant, &str, [&str; 3]) {
        (self.as_of, &self.event_id, [&self.name, &self.plan_id, &self.plan_name])
    }
}
