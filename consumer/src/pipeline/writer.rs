//! Writing changes, as often as it takes: in the end each partition's are committed, or its claim is lost.

use crate::decide::changes::{Changes, PartitionChanges};
use crate::decide::outcome::CommitOutcome;
use crate::floor::SharedFloor;
use crate::record::topic_names::TopicNames;
use crate::record::{Partition, Topic};
use crate::store::{Connection, Error, PreparedCounters, Rows, Step, Store};
use chrono::{DateTime, Utc};
use domain::BucketSize;
use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// A batch that could not be committed is tried again after this.
const RETRY_WAIT: Duration = Duration::from_millis(100);

/// Changes to write, with what they are written with.
pub struct Job {
    /// The changes.
    pub changes: Changes,
    /// Rows made while the batch before was being written.
    pub prepared: Option<PreparedCounters>,
    /// How each of the changes' partitions moves.
    pub steps: Vec<Step>,
    /// Kafka's ids of the topics.
    pub topic_ids: HashMap<Topic, String>,
}

/// A job that has ended.
pub struct Finished {
    /// The changes.
    pub changes: Changes,
    /// How writing them ended.
    pub outcome: WriteOutcome,
    /// How long the last transaction took.
    pub took: Duration,
}

/// How writing a job ended.
pub enum WriteOutcome {
    /// These partitions' changes are in the database. The claims of the others are lost, and their changes dropped.
    Committed(BTreeSet<Partition>),
    /// Nothing was written: the ledger's floor rose past records of these changes.
    FloorRose,
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
            let job = self.write(job).await;
            if finished.send(job).await.is_err() {
                break;
            }
        }
    }

    /// Tries until each partition's changes are committed or dropped.
    async fn write(&mut self, job: Job) -> Finished {
        let days = days(&job.changes);
        let (mut pending, mut committed, mut took) = (job.steps.clone(), BTreeSet::new(), Duration::ZERO);
        while !pending.is_empty() {
            let began = Instant::now();
            match self.attempt(&job, &pending, &days).await {
                Ok(WriteOutcome::Committed(moved)) => {
                    committed.extend(moved);
                    pending.clear();
                }
                Ok(WriteOutcome::FloorRose) => {
                    let (outcome, took) = (WriteOutcome::FloorRose, began.elapsed());
                    return Finished { changes: job.changes, outcome, took };
                }
                Err(error) => {
                    self.store.say("writing a batch", &error, RETRY_WAIT);
                    tokio::time::sleep(RETRY_WAIT).await;
                    self.find_out(&job.changes, &mut pending, &mut committed).await;
                }
            }
            took = began.elapsed();
        }
        Finished { changes: job.changes, outcome: WriteOutcome::Committed(committed), took }
    }

    /// Tries once to write the changes of the partitions that `steps` move.
    async fn attempt(
        &mut self,
        job: &Job,
        steps: &[Step],
        days: &BTreeSet<DateTime<Utc>>,
    ) -> Result<WriteOutcome, Error> {
        let Self { store, topics, floor } = self;
        let Job { changes, prepared, topic_ids, .. } = job;
        // The rows are made before anything is locked, on the assumption that every partition moves.
        let all: Vec<Partition> = steps.iter().map(|step| step.partition).collect();
        let rows = Rows::with(prepared.as_ref(), changes, &all, topics, topic_ids);
        let mut write = async |connection: &mut Connection| {
            connection.make_room(days).await?;
            let transaction = connection.begin_fenced(steps).await?;
            floor.set(transaction.floor);
            if transaction.floor != changes.floor && changes.has_older_than(transaction.floor) {
                transaction.roll_back().await?;
                return Ok(WriteOutcome::FloorRose);
            }
            let moved = transaction.moved.clone();
            if moved.len() == all.len() {
                transaction.commit(&rows).await?;
            } else {
                transaction.commit(&Rows::of(changes, &moved, topics, topic_ids)).await?;
            }
            Ok(WriteOutcome::Committed(moved.into_iter().collect()))
        };
        store.attempt(&mut write).await
    }

    /// After a failure: reads what has happened from the database, once every transaction that may still be committing has
    /// ended. Steps that were not made stay `pending`.
    async fn find_out(
        &mut self,
        changes: &Changes,
        pending: &mut Vec<Step>,
        committed: &mut BTreeSet<Partition>,
    ) {
        let partitions: Vec<Partition> = pending.iter().map(|step| step.partition).collect();
        let look = async |connection: &mut Connection| connection.stored_progress(&partitions).await;
        let stored = self.store.until_done("reading the progress after a doubtful commit", look).await;
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
    }
}

/// The days for which the ledger's table needs a partition, so that the changes can be written.
fn days(changes: &Changes) -> BTreeSet<DateTime<Utc>> {
    let segments = changes.partitions.iter().flat_map(PartitionChanges::all_segments);
    segments.map(|segment| segment.key.quarter.bucket(BucketSize::Day)).collect()
}
