//! Writing changes, as often as it takes: each partition's are committed in the end, or its claim is lost.

use crate::decide::changes::{Changes, PartitionChanges};
use crate::decide::outcome::CommitOutcome;
use crate::record::topic_names::TopicNames;
use crate::record::{Partition, Topic};
use crate::store::{Connection, Error, PreparedCounters, Rows, Step, Store};
use chrono::{DateTime, Utc};
use domain::BucketSize;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// A batch that could not be committed is tried again after this.
const RETRY_WAIT: Duration = Duration::from_millis(100);

/// What is to be written.
struct Job {
    changes: Changes,
    ahead: Option<PreparedCounters>,
    /// How each of their partitions moves.
    spans: Vec<Step>,
    topic_ids: HashMap<Topic, String>,
}

/// The way to the writer, which has a thread of its own: it must not wait while the next batch is decided. It is given
/// one job at a time.
pub(super) struct Desk {
    jobs: mpsc::Sender<Job>,
    done: mpsc::Receiver<WriteOutcome>,
    busy: bool,
}

impl Desk {
    /// Starts the writer. It ends with the desk.
    pub fn open(writer: Writer) -> std::io::Result<Self> {
        let (jobs, taken) = mpsc::channel(1);
        let (given, done) = mpsc::channel(1);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new()
            .name("writer".into())
            .spawn(move || runtime.block_on(writer.work(taken, given)))?;
        Ok(Self { jobs, done, busy: false })
    }

    /// Whether something is being written.
    pub fn is_busy(&self) -> bool {
        self.busy
    }

    /// Has changes written; nothing else may be.
    pub fn write(
        &mut self,
        changes: Changes,
        ahead: Option<PreparedCounters>,
        spans: Vec<Step>,
        topic_ids: HashMap<Topic, String>,
    ) {
        assert!(!self.busy, "one batch is written at a time");
        let sent = self.jobs.try_send(Job { changes, ahead, spans, topic_ids });
        assert!(sent.is_ok(), "the writer has died");
        self.busy = true;
    }

    /// Waits for what is being written.
    pub async fn written(&mut self) -> WriteOutcome {
        let written = self.done.recv().await.expect("the writer is alive");
        self.busy = false;
        written
    }
}

/// What writes.
pub(super) struct Writer {
    pub store: Store,
    pub topics: TopicNames,
    /// The ledger's floor, which the source folds under.
    pub floor: Arc<AtomicI64>,
}

/// What came of it.
pub(super) struct WriteOutcome {
    pub changes: Changes,
    /// Partitions whose changes are in the database; the others' claims are lost.
    pub committed: BTreeSet<Partition>,
    /// Nothing was written: the ledger's floor had risen past records of these changes.
    pub floor_rose: bool,
    /// How long the transaction took that ended it.
    pub took: Duration,
}

/// What it is written with.
struct Work<'a> {
    changes: &'a Changes,
    ahead: Option<&'a PreparedCounters>,
    topic_ids: &'a HashMap<Topic, String>,
    days: BTreeSet<DateTime<Utc>>,
}

impl Writer {
    async fn work(mut self, mut jobs: mpsc::Receiver<Job>, done: mpsc::Sender<WriteOutcome>) {
        while let Some(job) = jobs.recv().await {
            let written = self.write(job).await;
            if done.send(written).await.is_err() {
                break;
            }
        }
    }

    /// Writes the changes.
    async fn write(&mut self, job: Job) -> WriteOutcome {
        let Job { changes, ahead, mut spans, topic_ids } = job;
        let (mut committed, mut floor_rose, mut began) = (BTreeSet::new(), false, Instant::now());
        let work =
            Work { days: days(&changes), changes: &changes, ahead: ahead.as_ref(), topic_ids: &topic_ids };
        while !spans.is_empty() {
            began = Instant::now();
            match self.attempt(&work, &spans).await {
                Ok(Some(moved)) => {
                    committed.extend(moved);
                    break;
                }
                Ok(None) => {
                    floor_rose = true;
                    break;
                }
                Err(error) => {
                    self.store.say("writing a batch", &error, RETRY_WAIT);
                    tokio::time::sleep(RETRY_WAIT).await;
                    self.find_out(&changes, &mut spans, &mut committed).await;
                }
            }
        }
        WriteOutcome { changes, committed, floor_rose, took: began.elapsed() }
    }

    /// Tries once; says which partitions are committed, or nothing if the floor rose past the batch's records.
    async fn attempt(&mut self, work: &Work<'_>, spans: &[Step]) -> Result<Option<Vec<Partition>>, Error> {
        let Self { store, topics, floor } = self;
        let Work { changes, ahead, topic_ids, days } = work;
        // Made before anything is locked, on the guess that every partition will move.
        let all: Vec<Partition> = spans.iter().map(|moved| moved.partition).collect();
        let rows = Rows::with(*ahead, changes, &all, topics, topic_ids);
        let mut write = async |connection: &mut Connection| {
            connection.make_room(days).await?;
            let claim = connection.claim(spans).await?;
            floor.store(claim.floor, Ordering::Relaxed);
            if claim.floor != changes.floor && changes.has_older_than(claim.floor) {
                claim.roll_back().await?;
                return Ok(None);
            }
            let moved = claim.moved.clone();
            if moved.len() == all.len() {
                claim.commit(&rows).await?;
            } else {
                claim.commit(&Rows::of(changes, &moved, topics, topic_ids)).await?;
            }
            Ok(Some(moved))
        };
        store.attempt(&mut write).await
    }

    /// After a failure: what has happened is what the database says, once every transaction that may still be
    /// committing has ended. What is undone stays among `spans`, to be tried again.
    async fn find_out(
        &mut self,
        changes: &Changes,
        spans: &mut Vec<Step>,
        committed: &mut BTreeSet<Partition>,
    ) {
        let partitions: Vec<Partition> = spans.iter().map(|moved| moved.partition).collect();
        let look = async |connection: &mut Connection| connection.standing(&partitions).await;
        let standing = self.store.until_done("looking after a doubtful commit", look).await;
        let pending = |moved: &Step| {
            let changes = changes.partitions.iter().find(|changes| changes.partition == moved.partition);
            match changes.map(|changes| CommitOutcome::of(changes, standing.get(&changes.partition))) {
                Some(CommitOutcome::NotCommitted) => true,
                Some(CommitOutcome::Committed) => {
                    committed.insert(moved.partition);
                    false
                }
                Some(CommitOutcome::Lost) | None => false,
            }
        };
        spans.retain(pending);
    }
}

/// The days of the ledger that they need a place in.
fn days(changes: &Changes) -> BTreeSet<DateTime<Utc>> {
    let segments = changes.partitions.iter().flat_map(PartitionChanges::all_segments);
    segments.map(|segment| segment.key.quarter.bucket(BucketSize::Day)).collect()
}
