//! What a member and PostgreSQL say to each other: statements, and their answers.

use chrono::{DateTime, Utc};
use consumer::ledger::segment::PageKey;
use consumer::record::Partition;
use domain::Counters;
use std::collections::BTreeMap;

/// What PostgreSQL is asked for.
#[derive(Clone, Debug)]
pub enum Statement {
    /// Opens a transaction.
    Begin,
    /// Locks progress rows in key order, waiting for each.
    Lock(Vec<Partition>),
    /// Raises the claims' numbers.
    Claim(Vec<Partition>),
    /// Stores 0 as where partitions start that were never read; in a transaction of its own.
    Start(Vec<Partition>),
    /// Reads where partitions stand, for update; in a transaction of its own.
    StoredProgress(Vec<Partition>),
    /// The compare-and-set.
    Move(Vec<Step>),
    /// Reads the ledger's floor, for share.
    Floor,
    /// Reads partitions' tails.
    Tails(Vec<Partition>),
    /// Asks how large pages of the ledger are.
    Sizes(Vec<PageKey>),
    /// Reads pages of the ledger.
    Pages(Vec<PageKey>),
    /// Looks fingerprints up in their pages.
    LookUp(Vec<(PageKey, Vec<u64>)>),
    /// Writes rows.
    Write(Box<Writes>),
    /// Commits.
    Commit,
    /// Rolls back.
    Rollback,
}

/// What PostgreSQL answers.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It is done.
    Done,
    /// Partitions, claimed.
    ClaimedProgress(BTreeMap<Partition, ProgressRow>),
    /// Where partitions stand.
    StoredProgress(BTreeMap<Partition, ProgressRow>),
    /// The partitions that moved.
    Step(Vec<Partition>),
    /// The floor, in seconds since the Unix epoch.
    Floor(i64),
    /// The tails there are, by row.
    Tails(BTreeMap<Partition, Vec<TailRow>>),
    /// How many fingerprints the pages have that there are.
    Sizes(BTreeMap<PageKey, usize>),
    /// The pages that were asked for: sorted fingerprints, all of them or those that were found.
    Pages(BTreeMap<PageKey, Vec<u64>>),
    /// The statement failed, and the transaction with it.
    Failed,
}

/// Where a partition stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProgressRow {
    /// The latest claim's number.
    pub epoch: i64,
    /// The offset of the next record to count; `None` until it was first read.
    pub next: Option<i64>,
}

/// A partition's step forward.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Which partition.
    pub partition: Partition,
    /// Under which claim.
    pub epoch: i64,
    /// From where.
    pub from: i64,
    /// To where.
    pub until: i64,
    /// Whatever stands there; only a defect says so.
    pub forced: bool,
}

/// Rows to write.
#[derive(Clone, Debug, Default)]
pub struct Writes {
    /// No table's: the spans that the rows are of, which the checks go by.
    pub spans: Vec<(Partition, i64, i64)>,
    /// Partitions whose tails' rows go, before anything else is written.
    pub filed: Vec<Partition>,
    /// Of the ledger's pages.
    pub segments: Vec<SegmentRow>,
    /// Of the ledger's tails.
    pub tails: Vec<(Partition, TailRow)>,
    /// Quarters, hours, days: organization and bucket, and what is added.
    pub counters: [Vec<CounterRow>; 3],
    /// Organizations' newest updates.
    pub organizations: Vec<(String, Update)>,
    /// Workflows' hours.
    pub workflows: Vec<(WorkflowKey, WorkflowSums)>,
    /// Failed runs.
    pub failures: Vec<((String, String), Failure)>,
    /// Refused records, by partition and offset, with the reason's code.
    pub letters: Vec<((Partition, i64), &'static str)>,
}

/// A page, its new fingerprints, and what they add.
pub type SegmentRow = (PageKey, Vec<u64>, Counters);
/// What a batch adds to a partition's tail.
pub type TailRow = Vec<SegmentRow>;
/// A counters' row: its key, and what is added.
pub type CounterRow = ((String, DateTime<Utc>), Counters);
/// Organization, workflow, hour.
pub type WorkflowKey = (String, String, DateTime<Utc>);

/// An organization's update. Ordered as updates win.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Update {
    /// When it was so: seconds and nanoseconds since the Unix epoch.
    pub as_of: (i64, i64),
    /// Its id.
    pub event_id: String,
    /// What the organization is called.
    pub name: String,
}

/// What a workflow's hour is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowSums {
    /// When the run ended that names it, in microseconds, and the name.
    pub named: (i64, String),
    /// Runs, failed ones, those ended by a safety limit, milliseconds.
    pub sums: [i64; 4],
}

impl WorkflowSums {
    /// Adds another's; the later name wins, of two at one time the greater.
    pub fn add(&mut self, other: &Self) {
        self.named = self.named.clone().max(other.named.clone());
        self.sums.iter_mut().zip(other.sums).for_each(|(sum, add)| *sum += add);
    }
}

/// A failed run in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// When it ended, in microseconds since the Unix epoch.
    pub finished_at: i64,
    /// The workflow.
    pub workflow_id: String,
    /// What went wrong.
    pub error_message: String,
}
