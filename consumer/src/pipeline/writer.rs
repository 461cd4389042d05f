//! Writing changes, as often as it takes: in the end each partition's are committed, its claim is lost, or PostgreSQL refuses
//! them for their data.

use crate::decide::changes::{Changes, PartitionChanges};
use crate::decide::narrowing::Rejected;
use crate::decide::outcome::CommitOutcome;
use crate::floor::SharedFloor;
use crate::record::topic_names::TopicNames;
use crate::record::{Partition, Topic};
use crate::store::{Backoff, Connection, Error, Incarnation, PreparedCounters, Rows, Step, Store};
use crate::trace::BatchTrace;
use chrono::{DateTime, Utc};
use domain::BucketSize;
use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// What people call it.
const WRITING: &str = "writing a batch";

/// Changes to write, with what they are written with.
pub struct Job {
    /// The changes.
    pub changes: Changes,
    /// Rows made while the batch before was being written.
    pub prepared: Option<PreparedCounters>,
    /// How each of the changes' partitions moves.
    pub steps: Vec<Step>,
    /// What their claims were made in.
    pub incarnation: Incarnation,
    /// Kafka's ids of the topics.
    pub topic_ids: HashMap<Topic, String>,
    /// The batch's trace.
    pub trace: BatchTrace,
}

/// A job that has ended.
pub struct Finished {
    /// The changes.
    pub changes: Changes,
    /// How writing them ended.
    pub outcome: WriteOutcome,
    /// How long the last transaction took.
    pub took: Duration,
    /// The batch's trace.
    pub trace: BatchTrace,
}

/// How writing a job ended: each partition's changes are committed, refused or dropped.
#[derive(Default)]
pub struct WriteOutcome {
    /// These partitions' changes are in the database.
    pub committed: BTreeSet<Partition>,
    /// The instants through which the database says that they are complete, as far as their commits have told.
    pub complete_through: Vec<(Partition, DateTime<Utc>)>,
    /// PostgreSQL refuses these partitions' changes.
    pub rejected: Vec<Rejected>,
    /// Why all others' changes were dropped; if there is no reason, their claims are lost.
    pub interruption: Option<Interruption>,
}

/// Why changes are not written, though their claims may stand.
#[derive(Clone, Copy)]
pub enum Interruption {
    /// The ledger's floor rose past records of these changes, or went back.
    FloorMoved,
    /// The database is another incarnation than the one claimed in.
    Elsewhere(Incarnation),
}

/// Steps that are made together.
struct Group {
    steps: Vec<Step>,
    /// Whether it is one partition's, split off because PostgreSQL refused the data of several.
    is_alone: bool,
}

/// How writing a group ended.
enum GroupOutcome {
    /// Its changes are committed or dropped.
    Settled,
    /// PostgreSQL refuses the data, with what it said.
    Refused(String),
    /// Its changes are dropped, and so are those of all groups to come.
    Interrupted(Interruption),
}

/// What came of one transaction.
enum Attempt {
    /// These partitions' changes are committed, with the instants through which they are complete. The others' claims are lost.
    Moved(Vec<Partition>, Vec<(Partition, DateTime<Utc>)>),
    /// Nothing is.
    Interrupted(Interruption),
}

impl Job {
    /// The refusal of the changes that a step moves past.
    fn rejected(&self, step: &Step, why: &str) -> Rejected {
        let of_step = self.changes.partitions.iter().filter(|changes| changes.partition == step.partition);
        let records = of_step.map(|changes| changes.tally.records).sum();
        Rejected { partition: step.partition, span: step.span, records, why: why.to_owned() }
    }
}

/// Writes jobs, one after the other.
pub struct Writer {
    /// PostgreSQL.
    pub store: Store,
    /// The topics' names.
    pub topics: TopicNames,
    /// The ledger's floor; each transaction reads it anew.
    pub floor: SharedFloor,
}

impl Writer {
    /// Works until there are no more jobs.
    pub async fn work(mut self, mut jobs: mpsc::Receiver<Job>, finished: mpsc::Sender<Finished>) {
        while let Some(job) = jobs.recv().await {
            let step = job.trace.step("write");
            let job = step.around(self.write(job)).await;
            drop(step);
            if finished.send(job).await.is_err() {
                break;
            }
        }
    }

    /// Tries until each partition's changes are committed, dropped or refused. What PostgreSQL refuses for its data is tried
    /// again partition by partition, so that the others are committed.
    async fn write(&mut self, job: Job) -> Finished {
        let days = days(&job.changes);
        let mut outcome = WriteOutcome::default();
        let mut took = Duration::ZERO;
        let mut groups = vec![Group { steps: job.steps.clone(), is_alone: false }];
        while let Some(mut group) = groups.pop() {
            match self.write_group(&job, &mut group.steps, &days, &mut outcome, &mut took).await {
                GroupOutcome::Settled => {}
                GroupOutcome::Interrupted(interruption) => {
                    outcome.interruption = Some(interruption);
                    break;
                }
                GroupOutcome::Refused(why) if group.is_alone => {
                    outcome.rejected.extend(group.steps.iter().map(|step| job.rejected(step, &why)));
                }
                GroupOutcome::Refused(_) => {
                    let alone = |step: &Step| Group { steps: vec![*step], is_alone: true };
                    groups.extend(group.steps.iter().map(alone));
                }
            }
        }
        Finished { changes: job.changes, outcome, took, trace: job.trace }
    }

    /// Tries until the changes of the partitions that `steps` move are committed or dropped, or PostgreSQL refuses their
    /// data. Steps whose changes it refuses are left.
    async fn write_group(
        &mut self,
        job: &Job,
        steps: &mut Vec<Step>,
        days: &BTreeSet<DateTime<Utc>>,
        outcome: &mut WriteOutcome,
        took: &mut Duration,
    ) -> GroupOutcome {
        let mut backoff = Backoff::default();
        while !steps.is_empty() {
            let began = Instant::now();
            let error = match self.attempt(job, steps, days).await {
                Ok(Attempt::Moved(moved, complete_through)) => {
                    if moved.len() < steps.len() {
                        self.store.reconnect();
                    }
                    outcome.committed.extend(moved);
                    outcome.complete_through.extend(complete_through);
                    steps.clear();
                    None
                }
                Ok(Attempt::Interrupted(interruption)) => return GroupOutcome::Interrupted(interruption),
                Err(error) => {
                    if !error.is_about_data() {
                        self.store.wait(&mut backoff, "writing a batch", &error).await;
                    }
                    let found = self.find_out(&job.changes, steps, &mut outcome.committed).await;
                    if found != job.incarnation {
                        return GroupOutcome::Interrupted(Interruption::Elsewhere(found));
                    }
                    Some(error)
                }
            };
            *took = began.elapsed();
            if let Some(error) = error.filter(|error| error.is_about_data() && !steps.is_empty()) {
                return GroupOutcome::Refused(error.to_string());
            }
        }
        GroupOutcome::Settled
    }

    /// Tries once to write the changes of the partitions that `steps` move.
    async fn attempt(
        &mut self,
        job: &Job,
        steps: &[Step],
        days: &BTreeSet<DateTime<Utc>>,
    ) -> Result<Attempt, Error> {
        let Self { store, topics, floor } = self;
        let Job { changes, prepared, topic_ids, incarnation, .. } = job;
        // The rows are made before anything is locked, on the assumption that every partition moves.
        let all: Vec<Partition> = steps.iter().map(|step| step.partition).collect();
        let rows = Rows::with(prepared.as_ref(), changes, &all, topics, topic_ids);
        let mut write = async |connection: &mut Connection| {
            connection.make_room(days).await?;
            let mut transaction = connection.begin_fenced(steps).await?;
            if transaction.incarnation != *incarnation {
                let found = transaction.incarnation;
                transaction.roll_back().await?;
                return Ok(Attempt::Interrupted(Interruption::Elsewhere(found)));
            }
            floor.set(transaction.floor);
            // It goes back when a backup is restored: what was refused or left out under the higher one counts again.
            let is_past = transaction.floor > changes.floor && changes.has_older_than(transaction.floor);
            if is_past || transaction.floor < changes.floor {
                transaction.roll_back().await?;
                return Ok(Attempt::Interrupted(Interruption::FloorMoved));
            }
            let (moved, complete) =
                (transaction.moved.clone(), std::mem::take(&mut transaction.complete_through));
            let step = traces::of_database("commit", "postgresql");
            let committed = if moved.len() == all.len() {
                transaction.commit(&rows).await
            } else {
                transaction.commit(&Rows::of(changes, &moved, topics, topic_ids)).await
            };
            committed.inspect_err(|_| step.fail("postgresql"))?;
            Ok(Attempt::Moved(moved, complete))
        };
        store.attempt(WRITING, &mut write).await
    }

    /// After a failure: reads what has happened from the database, once every transaction that may still be committing has
    /// ended. Steps that were not made stay `pending`. Returns what was read from.
    async fn find_out(
        &mut self,
        changes: &Changes,
        pending: &mut Vec<Step>,
        committed: &mut BTreeSet<Partition>,
    ) -> Incarnation {
        let partitions: Vec<Partition> = pending.iter().map(|step| step.partition).collect();
        let look = async |connection: &mut Connection| {
            Ok((connection.stored_progress(&partitions).await?, connection.incarnation().await?))
        };
        let (stored, incarnation) =
            self.store.until_done("reading the progress after a doubtful commit", look).await;
        let is_pending = |step: &Step| {
            let changes = changes.partitions.iter().find(|changes| changes.partition == step.partition);
            match changes.map(|changes| CommitOutcome::of(changes, stored.get(&changes.partition))) {
                Some(CommitOutcome::NotCommitted) => true,
                Some(CommitOutcome::Committed) => {
                    committed.insert(step.partition);
                    false
                }
                Some(CommitOutcome::Lost) | None => false,
            }
        };
        pending.retain(is_pending);
        incarnation
    }
}

/// The days for which the ledger's table needs a partition, so that the changes can be written.
fn days(changes: &Changes) -> BTreeSet<DateTime<Utc>> {
    let segments = changes.partitions.iter().flat_map(PartitionChanges::all_segments);
    segments.map(|segment| segment.key.quarter.bucket(BucketSize::Day)).collect()
}
