//! The pipeline: one task that claims, decides, has written, announces and reports, in the order the source tells.

mod claims;
mod decide;
mod write;

use crate::announce::Announcer;
use crate::batch::Batch;
use crate::decide::changes::{Changes, PartitionChanges};
use crate::decide::held_partition::HeldPartition;
use crate::decide::member::Member;
use crate::measure::Meters;
use crate::record::topic_names::TopicNames;
use crate::record::{Partition, Span, Topic};
use crate::source::{End, Ends, Handed, Message, Order, StartOffset, Wanted};
use crate::store::{Connection, PreparedCounters, Step, Store};
use admin::Readiness;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use write::{Desk, WriteOutcome, Writer};

/// How often Kafka is asked how far the partitions reach.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How often it is asked which partitions there are, and which topics they belong to: every so many rounds.
const DISCOVER_ROUNDS: u32 = 10;

/// What the pipeline is made of.
pub struct Pipeline {
    /// PostgreSQL, to claim and to read.
    pub store: Store,
    /// PostgreSQL once more, to write.
    pub writing_store: Store,
    /// What this member knows.
    pub member: Member,
    /// Redis.
    pub announcer: Announcer,
    /// Kafka, beside the stream.
    pub ends: Ends,
    /// To the source.
    pub orders: SyncSender<Order>,
    /// What the group assigns to this member.
    pub wanted: Wanted,
    /// The ledger's floor, which the source folds under.
    pub floor: Arc<AtomicI64>,
    /// What the topics are called.
    pub topics: TopicNames,
    /// Where a partition that was never read starts.
    pub start_offset: StartOffset,
    /// Names this member to people.
    pub owner: String,
    /// What is wrong, for the admin address.
    pub readiness: Readiness,
    /// What is measured.
    pub meters: Meters,
}

/// The pipeline with what it has learned.
struct Running {
    store: Store,
    member: Member,
    announcer: Announcer,
    ends: Ends,
    orders: SyncSender<Order>,
    wanted: Wanted,
    floor: Arc<AtomicI64>,
    topics: TopicNames,
    start_offset: StartOffset,
    owner: String,
    readiness: Readiness,
    meters: Meters,
    /// Where changes are handed to be written.
    desk: Desk,
    /// Partitions assigned but not yet started, each with its assignment's number.
    unclaimed: BTreeMap<Partition, u64>,
    /// Orders the source has not taken yet.
    undelivered: VecDeque<Order>,
    topic_ids: HashMap<Topic, String>,
    rounds: u32,
    /// Partitions may have reached their ends since something was last written.
    proof_due: bool,
}

const FLOOR_ROSE: &str = "the ledger's floor rose past records in flight";

/// What Kafka answered in a round.
struct Answer {
    ends: Result<Vec<End>, String>,
    found: Option<Found>,
}

/// What Kafka has.
struct Found {
    partitions: Vec<Partition>,
    topic_ids: HashMap<Topic, String>,
}

impl Pipeline {
    /// Runs until the source has ended.
    ///
    /// # Errors
    /// When the writer can't be started.
    pub async fn run(self, mut messages: mpsc::Receiver<Handed>) -> std::io::Result<()> {
        let mut running = Running::of(self)?;
        let mut round = tokio::time::interval(ASK_EVERY);
        round.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut asking: Option<JoinHandle<Answer>> = None;
        loop {
            tokio::select! {
                message = messages.recv() => match message {
                    Some((message, _attention)) => running.take(message).await,
                    None => break,
                },
                written = running.desk.written(), if running.desk.is_busy() => {
                    running.wrote(written);
                    running.prove();
                }
                answer = async { asking.as_mut().expect("guarded").await }, if asking.is_some() => {
                    asking = None;
                    if let Ok(answer) = answer {
                        running.answered(answer).await;
                    }
                }
                _ = round.tick() => {
                    running.claim().await;
                    running.deliver();
                    running.announcer.pass_on();
                    if asking.is_none() {
                        asking = Some(running.ask());
                    }
                }
            }
        }
        running.written().await;
        running.announcer.finish().await;
        Ok(())
    }
}

impl Running {
    fn of(parts: Pipeline) -> std::io::Result<Self> {
        let writer = Writer {
            store: parts.writing_store,
            topics: parts.topics.clone(),
            floor: Arc::clone(&parts.floor),
        };
        Ok(Self {
            store: parts.store,
            member: parts.member,
            announcer: parts.announcer,
            ends: parts.ends,
            orders: parts.orders,
            wanted: parts.wanted,
            floor: parts.floor,
            topics: parts.topics,
            start_offset: parts.start_offset,
            owner: parts.owner,
            readiness: parts.readiness,
            meters: parts.meters,
            desk: Desk::open(writer)?,
            unclaimed: BTreeMap::new(),
            undelivered: VecDeque::new(),
            topic_ids: HashMap::new(),
            rounds: 0,
            proof_due: false,
        })
    }

    async fn take(&mut self, message: Message) {
        match message {
            // The only one that doesn't wait for what is being written.
            Message::Batch(batch) => self.count(*batch).await,
            Message::Assigned { partitions, assignment } => {
                self.unclaimed.extend(partitions.into_iter().map(|partition| (partition, assignment)));
                self.claim().await;
            }
            Message::Revoked { partitions, done } => {
                self.written().await;
                for partition in partitions {
                    self.unclaimed.remove(&partition);
                    self.forget(partition);
                    self.meters.released(&self.topics, partition);
                }
                let _ = done.try_send(());
            }
            Message::Broken(partition, why) => {
                self.written().await;
                self.stop(partition, &why);
            }
        }
        self.meters.ledger(self.member.ledger());
    }

    // --- Revoked, broken ---

    fn forget(&mut self, partition: Partition) {
        self.member.forget(partition);
        self.readiness.forget(&self.condition(partition));
        self.meters.partitions(self.member.held().len());
    }

    /// Stops reading a partition, and says so wherever somebody may look; the others go on.
    fn stop(&mut self, partition: Partition, why: &str) {
        self.forget(partition);
        let name = self.condition(partition);
        tracing::error!(partition = %name, why, "stopped: nothing of it is counted until an operator decides where it goes on");
        self.readiness.bad(&name, format!("stopped: {why}"));
        self.meters.stopped();
    }

    fn condition(&self, partition: Partition) -> String {
        format!("partition {}/{}", self.topics.of(partition.topic), partition.number)
    }

    // --- A batch ---

    /// Decides a batch while the one before is written; then it is this one's turn.
    async fn count(&mut self, batch: Batch) {
        let (started, records) = (Instant::now(), batch.records());
        let floor = self.floor.load(Ordering::Relaxed);
        if batch.has_older_than(floor) && batch.floor != floor {
            self.written().await;
            return self.rejoin(FLOOR_ROSE);
        }
        let decided = self.decide(batch).await;
        let ahead = PreparedCounters::of(&decided);
        self.written().await;
        let mut changes = self.member.place(decided);
        if !changes.partitions.is_empty() {
            let proofs = self.proofs(&changes.partitions);
            changes.partitions.extend(proofs);
        }
        self.write(changes, Some(ahead));
        self.member.update_ledger();
        self.meters.batch(records, started.elapsed());
    }

    /// Begins to write changes; nothing else is being written.
    fn write(&mut self, changes: Changes, ahead: Option<PreparedCounters>) {
        if !changes.partitions.is_empty() {
            let spans = changes.partitions.iter().map(|changes| self.step(changes)).collect();
            self.desk.write(changes, ahead, spans, self.topic_ids.clone());
        }
    }

    fn step(&self, changes: &PartitionChanges) -> Step {
        let held = self.member.held().get(&changes.partition);
        Step {
            partition: changes.partition,
            epoch: changes.epoch,
            span: changes.span,
            complete_through: held.and_then(|held| held.complete_through(changes.span.until)),
        }
    }

    /// Waits until nothing is being written.
    async fn written(&mut self) {
        if self.desk.is_busy() {
            let written = self.desk.written().await;
            self.wrote(written);
        }
    }

    /// Draws the consequences: memory follows the database, whoever must know is told.
    fn wrote(&mut self, written: WriteOutcome) {
        if written.floor_rose {
            return self.rejoin(FLOOR_ROSE);
        }
        let WriteOutcome { changes, committed, took, .. } = written;
        let is_committed = |changes: &&PartitionChanges| committed.contains(&changes.partition);
        changes.partitions.iter().filter(is_committed).for_each(|changes| self.meters.committed(changes));
        self.meters.commit(took);
        let after = self.member.settle(changes, &committed);
        self.announcer.changed(after.organizations);
        // A report that finds the queue full is made up for by the next.
        let _ = self.orders.try_send(Order::Report(after.reached));
        if !after.lost.is_empty() {
            after.lost.iter().for_each(|partition| self.forget(*partition));
            self.meters.fenced(after.lost.len());
            self.rejoin("another member has claimed partitions of this one");
        }
    }

    /// The one way to recover: forget everything, be assigned again, read the table.
    fn rejoin(&mut self, why: &str) {
        tracing::warn!(why, "joining the group again");
        let held: Vec<Partition> = self.member.held().keys().copied().collect();
        held.into_iter().for_each(|partition| self.forget(partition));
        self.undelivered.push_back(Order::Rejoin);
        self.deliver();
    }

    /// Hands orders to the source, as far as it has room: it may be waiting for this task.
    fn deliver(&mut self) {
        while let Some(order) = self.undelivered.pop_front() {
            match self.orders.try_send(order) {
                Ok(()) => {}
                Err(TrySendError::Full(order)) => return self.undelivered.push_front(order),
                Err(TrySendError::Disconnected(_)) => return self.undelivered.clear(),
            }
        }
    }

    // --- Kafka's ends ---

    fn ask(&mut self) -> JoinHandle<Answer> {
        let partitions: Vec<Partition> = self.member.held().keys().copied().collect();
        let discover = self.rounds.is_multiple_of(DISCOVER_ROUNDS);
        self.rounds = self.rounds.wrapping_add(1);
        let ends = self.ends.clone();
        tokio::task::spawn_blocking(move || Answer {
            ends: ends.ask(&partitions).map_err(|error| error.to_string()),
            found: discover.then(|| Found {
                partitions: Topic::ALL
                    .iter()
                    .filter_map(|topic| ends.partitions(*topic).ok())
                    .flatten()
                    .collect(),
                topic_ids: ends.topic_ids(),
            }),
        })
    }

    async fn answered(&mut self, answer: Answer) {
        match answer.ends {
            Ok(ends) => {
                self.readiness.good("kafka");
                self.ended(&ends);
            }
            Err(error) => {
                tracing::warn!(error, "Kafka does not answer");
                self.readiness.bad("kafka", error);
            }
        }
        if let Some(found) = answer.found {
            self.recognize(found.topic_ids);
            let discover = async |connection: &mut Connection| connection.discover(&found.partitions).await;
            self.store.until_done("noting partitions", discover).await;
        }
    }

    /// Takes note of how far the partitions reach.
    fn ended(&mut self, ends: &[End]) {
        for End { partition, asked_at, end } in ends {
            if let Some(held) = self.member.held_mut(*partition) {
                held.ended_at(*asked_at, *end);
                self.meters.lag(&self.topics, *partition, held);
            }
        }
        self.proof_due = true;
        self.prove();
    }

    /// Moves `complete_through` of partitions that have reached their end, though no batch moves them. While something
    /// is being written that waits: for its end, or for the next batch, which then takes it along.
    fn prove(&mut self) {
        if self.proof_due && !self.desk.is_busy() {
            let partitions = self.proofs(&[]);
            let floor = self.floor.load(Ordering::Relaxed);
            self.write(Changes { texts: crate::batch::texts::Texts::default(), partitions, floor }, None);
        }
    }

    /// Steps on the spot of the partitions that have reached their end, but those that move anyway.
    fn proofs(&mut self, moving: &[PartitionChanges]) -> Vec<PartitionChanges> {
        if !std::mem::take(&mut self.proof_due) {
            return Vec::new();
        }
        let moves = |partition: Partition| moving.iter().any(|changes| changes.partition == partition);
        let proof = |(partition, held): (&Partition, &HeldPartition)| {
            let span = Span::empty(held.next_offset);
            let reached = held.complete_through(held.next_offset).is_some() && !moves(*partition);
            reached.then(|| PartitionChanges::empty(*partition, held.epoch, span))
        };
        self.member.held().iter().filter_map(proof).collect()
    }
}
