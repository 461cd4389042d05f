//! What a member and PostgreSQL say to each other: statements, and their answers.

use crate::kafka::TimelineId;
use chrono::{DateTime, Utc};
use consumer::ledger::segment::PageKey;
use consumer::record::layouts::{Announced, Layouts, Standing};
use consumer::record::{Offset, Partition, Topic};
use domain::Counters;
use std::collections::{BTreeMap, BTreeSet};

/// What PostgreSQL is asked for.
#[derive(Clone, Debug)]
pub enum Statement {
    /// Opens a transaction.
    Begin,
    /// Locks progress rows in key order, waiting for each.
    Lock(Vec<Partition>),
    /// Adds rows of partitions that have none; in a transaction of its own.
    Discover(Vec<Partition>),
    /// Raises the claims' numbers.
    Claim(Vec<Partition>),
    /// Notes which topic, by its id, partitions under these claims are of; in a transaction of its own.
    StoreTopicIds(Vec<(Partition, i64, u32)>),
    /// Begins the first layouts of topics with these ids; in a transaction of its own.
    BeginLayouts(BTreeMap<Topic, u32>),
    /// Reads the layouts of topics with these ids.
    Layouts(BTreeMap<Topic, u32>),
    /// Locks the rows that there are of a topic.
    LockTopic(Topic),
    /// Adds cuts of a topic, and raises the claims' numbers of all its partitions.
    Adopt(Topic, Vec<Announced>),
    /// Asks how claimed partitions of a topic with this id stand, and has tails of other layouts filed. A database that lacks
    /// one of these cuts doesn't say.
    Standings(Topic, u32, Vec<ClaimedPartition>, BTreeSet<i32>),
    /// Asks which partitions of a topic with this id need not wait any more.
    Released(Topic, u32, Vec<Partition>),
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
    Sizes(Vec<PageAsked>),
    /// Reads pages of the ledger.
    Pages(Vec<PageAsked>),
    /// Looks fingerprints up in their pages.
    LookUp(Vec<(PageAsked, Vec<u64>)>),
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
    /// Partitions, claimed, and the database's incarnation.
    ClaimedProgress(BTreeMap<Partition, ProgressRow>, u32),
    /// Topics' layouts.
    Layouts(BTreeMap<Topic, Layouts>),
    /// How claimed partitions stand among the layouts.
    Standings(BTreeMap<Partition, Standing>),
    /// Partitions that need not wait.
    Released(Vec<Partition>),
    /// Where partitions stand, and the database's incarnation.
    StoredProgress(BTreeMap<Partition, ProgressRow>, u32),
    /// The partitions that moved.
    Step(Vec<Partition>),
    /// The floor, in seconds since the Unix epoch, and the database's incarnation.
    Floor(i64, u32),
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
    /// The leader's epoch of the record before.
    pub leader_epoch: Option<i32>,
    /// The id of the topic that was read.
    pub topic_id: Option<u32>,
}

/// A claimed partition, as it is asked about.
#[derive(Clone, Copy, Debug)]
pub struct ClaimedPartition {
    /// Which partition.
    pub partition: Partition,
    /// Its claim's number.
    pub epoch: i64,
    /// Where it is read from.
    pub position: Offset,
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
    /// The leader's epoch of the record before that.
    pub leader_epoch: Option<i32>,
    /// The log that was read.
    pub log: TimelineId,
    /// The instant, as a step, through which the partition is complete then.
    pub complete_through: Option<i64>,
    /// Whatever stands there; only a defect says so.
    pub forced: bool,
}

/// Rows to write.
#[derive(Clone, Debug, Default)]
pub struct Writes {
    /// No table's: the spans that the rows are of, which the checks go by.
    pub spans: Vec<SpanRow>,
    /// Partitions whose tails' rows go, before anything else is written.
    pub filed: Vec<Partition>,
    /// Of the ledger's pages, with their layouts.
    pub segments: Vec<(i32, SegmentRow)>,
    /// Of the ledger's tails, with their layouts.
    pub tails: Vec<(Partition, i32, TailRow)>,
    /// Quarters, hours, days: organization and bucket, and what is added.
    pub counters: [Vec<CounterRow>; 3],
    /// Organizations' newest updates.
    pub organizations: Vec<(String, Update)>,
    /// Workflows' hours.
    pub workflows: Vec<(WorkflowKey, WorkflowSums)>,
    /// Failed runs.
    pub failures: Vec<((String, String), Failure)>,
    /// Refused records, by their place, with the reason's code.
    pub letters: Vec<(Place, &'static str)>,
}

/// A span that is counted.
#[derive(Clone, Copy, Debug)]
pub struct SpanRow {
    /// Whose it is.
    pub partition: Partition,
    /// Its first offset.
    pub from: i64,
    /// The offset after its last.
    pub until: i64,
    /// The log that it was read from.
    pub log: TimelineId,
    /// The floor it was decided under.
    pub floor: i64,
}

/// A record's place: the topic's id, the partition and the offset.
pub type Place = (u32, Partition, i64);

/// A page, and the layout that its partition is read under; `None` if its topic has no other.
pub type PageAsked = (PageKey, Option<i32>);
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
