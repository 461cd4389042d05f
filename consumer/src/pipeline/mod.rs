//! The pipeline: one task that claims, decides, has written, announces and reports, in the order of the source's messages.

mod assignments;
mod claims;
mod desk;
mod kafka;
mod lookups;
mod orders;
mod status;
mod writer;

pub use assignments::Assignments;
pub use desk::Desk;
pub use kafka::Kafka;
pub use orders::Orders;
pub use status::Status;
pub use writer::Writer;

use crate::announce::Announcer;
use crate::batch::Batch;
use crate::batch::texts::Texts;
use crate::decide::changes::{Changes, PartitionChanges};
use crate::decide::held_partition::HeldPartition;
use crate::decide::member::Member;
use crate::floor::SharedFloor;
use crate::limits::ENDS_EVERY;
use crate::record::{Partition, Span, Topic};
use crate::source::{End, Handed, Message, Order};
use crate::store::{Connection, PreparedCounters, Step, Store};
use claims::{Claims, Holdable};
use desk::Idle;
use kafka::Answer;
use lookups::Lookups;
use std::time::Instant;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use writer::{Finished, Job, WriteOutcome};

/// Why the member joins the group again when records must be read under a higher floor.
const FLOOR_ROSE: &str = "the ledger's floor rose past records in flight";

/// The pipeline. It acts on a message, the end of a write, an answer from Kafka, or the clock.
pub struct Pipeline {
    /// What this member holds, knows and decides. Pure.
    pub member: Member,
    /// PostgreSQL, to claim and to read.
    pub store: Store,
    /// PostgreSQL, to write.
    pub desk: Desk,
    /// The ledger's floor.
    pub floor: SharedFloor,
    /// Kafka, beside the stream.
    pub kafka: Kafka,
    /// What is assigned and unclaimed.
    pub assignments: Assignments,
    /// To the source.
    pub orders: Orders,
    /// To Redis.
    pub announcer: Announcer,
    /// To people.
    pub status: Status,
}

impl Pipeline {
    /// Runs until the source has ended.
    pub async fn run(mut self, mut messages: mpsc::Receiver<Handed>) {
        let mut round = tokio::time::interval(ENDS_EVERY);
        round.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                handed = messages.recv() => match handed {
                    // The permit lets the source hand over the next message: it is dropped after this one.
                    Some(Handed { message, permit: _permit }) => self.take(message).await,
                    None => break,
                },
                finished = self.desk.finished(), if self.desk.is_busy() => {
                    self.settle(finished);
                    self.prove();
                }
                answer = self.kafka.answer(), if self.kafka.is_asked() => {
                    if let Some(answer) = answer {
                        self.answered(answer).await;
                    }
                }
                _ = round.tick() => {
                    self.claim().await;
                    self.orders.deliver();
                    self.announcer.pass_on();
                    self.kafka.begin_round(self.held());
                }
            }
        }
        self.idle().await;
        self.announcer.finish().await;
    }

    async fn take(&mut self, message: Message) {
        match message {
            // A batch is decided while the one before is written; `count` waits only before it writes.
            Message::Batch(batch) => self.count(*batch).await,
            Message::Assigned { partitions, assignment } => {
                self.assignments.add(partitions, assignment);
                self.claim().await;
            }
            Message::Revoked { partitions, done } => {
                self.idle().await;
                for partition in partitions {
                    self.assignments.take(partition);
                    self.forget(partition);
                    self.status.revoked(partition);
                }
                let _ = done.try_send(());
            }
            Message::Broken(partition, why) => {
                self.idle().await;
                self.stop(partition, &why);
            }
        }
        self.status.meters.ledger(self.member.ledger());
    }

    // --- Partitions come and go ---

    /// Claims what is assigned and has it fetched. A partition for which Kafka doesn't say where it starts stays unclaimed for
    /// the next round.
    async fn claim(&mut self) {
        let wanted = self.assignments.still_wanted();
        if wanted.is_empty() {
            return;
        }
        // The batch being written was read under earlier claims: it must be settled before these are held.
        self.idle().await;
        let mut claims = Claims { store: &mut self.store, kafka: &mut self.kafka };
        let claimed = claims.claim(&wanted, &self.assignments.owner).await;
        claimed.topics_made_anew.iter().for_each(|(topic, why)| self.stop_topic(*topic, why));
        for (partition, why) in claimed.made_anew {
            self.assignments.take(partition);
            self.stop(partition, &why);
        }
        let mut claims = Claims { store: &mut self.store, kafka: &mut self.kafka };
        let starts = claims.starts(&claimed.rows).await;
        for holdable in claims.holdable(starts).await {
            self.hold(holdable);
        }
        self.orders.deliver();
        self.status.meters.partitions(self.member.held().len());
    }

    fn hold(&mut self, Holdable { held, tail, claim }: Holdable) {
        if let Some(assignment) = self.assignments.take(claim.partition) {
            self.member.hold(claim.partition, held, &tail);
            self.status.clear(claim.partition);
            self.orders.put(Order::Fetch { claim, assignment });
        }
    }

    fn held(&self) -> Vec<Partition> {
        self.member.held().keys().copied().collect()
    }

    fn forget(&mut self, partition: Partition) {
        self.member.forget(partition);
        self.status.clear(partition);
        self.status.meters.partitions(self.member.held().len());
    }

    /// Stops reading a partition, and says so in log, readiness and metrics; the others go on.
    fn stop(&mut self, partition: Partition, why: &str) {
        self.forget(partition);
        self.status.stopped(partition, why);
    }

    /// Stops reading the partitions of a topic that are held.
    fn stop_topic(&mut self, topic: Topic, why: &str) {
        let of_topic = self.held().into_iter().filter(|partition| partition.topic == topic);
        of_topic.for_each(|partition| self.stop(partition, why));
    }

    /// The one way to recover: forget everything, be assigned again, read the table.
    fn rejoin(&mut self, why: &str) {
        tracing::warn!(why, "joining the group again");
        self.held().into_iter().for_each(|partition| self.forget(partition));
        self.orders.put(Order::Rejoin);
        self.orders.deliver();
    }

    // --- A batch ---

    /// Decides a batch while the one before is being written, and then begins to write it.
    ///
    /// The order of the steps matters. Everything until `idle` runs beside the writer. Between `idle` and `write` nothing is
    /// being written, so the batch is placed, and its steps are computed, on what is committed. What was committed is taken
    /// into the ledger after `write`, beside the writer again.
    async fn count(&mut self, batch: Batch) {
        let (started, records) = (Instant::now(), batch.records());
        let floor = self.floor.get();
        if batch.has_older_than(floor) && batch.floor != floor {
            self.idle().await;
            return self.rejoin(FLOOR_ROSE);
        }
        let Self { member, store, status, .. } = self;
        let decided = Lookups { member, store, meters: &status.meters }.decide(batch).await;
        let prepared = PreparedCounters::of(&decided);
        let idle = self.idle().await;
        let mut changes = self.member.place(decided);
        if !changes.partitions.is_empty() {
            let proofs = self.proofs(&changes.partitions);
            changes.partitions.extend(proofs);
        }
        self.write(idle, changes, Some(prepared));
        self.member.update_ledger();
        self.status.meters.batch(records, started.elapsed());
    }

    /// Begins to write changes.
    fn write(&mut self, idle: Idle, changes: Changes, prepared: Option<PreparedCounters>) {
        if !changes.partitions.is_empty() {
            let steps = changes.partitions.iter().map(|changes| self.step(changes)).collect();
            let topic_ids = self.kafka.topic_ids().clone();
            self.desk.write(idle, Job { changes, prepared, steps, topic_ids });
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
    async fn idle(&mut self) -> Idle {
        loop {
            if let Some(idle) = self.desk.idle() {
                return idle;
            }
            let finished = self.desk.finished().await;
            self.settle(finished);
        }
    }

    /// After a write: memory follows the database; Redis, Kafka and the metrics are told.
    fn settle(&mut self, Finished { changes, outcome, took }: Finished) {
        let committed = match outcome {
            WriteOutcome::Committed(partitions) => partitions,
            WriteOutcome::FloorRose => return self.rejoin(FLOOR_ROSE),
        };
        let meters = &self.status.meters;
        let is_committed = |changes: &&PartitionChanges| committed.contains(&changes.partition);
        changes.partitions.iter().filter(is_committed).for_each(|changes| meters.committed(changes));
        meters.commit(took);
        let after = self.member.settle(changes, &committed);
        self.announcer.changed(after.organizations);
        // A report that finds no room is dropped; the next one makes up for it.
        self.orders.try_send(Order::Report(after.reached));
        if !after.lost.is_empty() {
            after.lost.iter().for_each(|partition| self.forget(*partition));
            self.status.meters.fenced(after.lost.len());
            self.rejoin("another member has claimed partitions of this one");
        }
    }

    // --- What is complete ---

    /// Takes Kafka's answer to a round.
    async fn answered(&mut self, answer: Answer) {
        if let Ok(ends) = &answer.ends {
            self.reach(ends);
            self.prove();
        }
        if let Some(found) = answer.found {
            for (topic, why) in claims::recognize(&mut self.kafka, &found.topic_ids) {
                self.stop_topic(topic, &why);
            }
            let discover = async |connection: &mut Connection| connection.discover(&found.partitions).await;
            self.store.until_done("adding rows for new partitions", discover).await;
        }
    }

    /// Takes note of how far the partitions reach.
    fn reach(&mut self, ends: &[End]) {
        for End { partition, asked_at, end, readable } in ends {
            if let Some(held) = self.member.held_mut(*partition) {
                held.ended_at(*asked_at, *end);
                readable.iter().for_each(|readable| held.readable_until(*asked_at, *readable));
                self.status.lag(*partition, held);
            }
        }
    }

    /// Moves `complete_through` of partitions that are counted to their end, though no batch moves them. While something is
    /// being written this waits for its end, or for the next batch, which takes the proofs along.
    fn prove(&mut self) {
        if let Some(idle) = self.desk.idle().filter(|_| self.kafka.has_news()) {
            let (partitions, floor) = (self.proofs(&[]), self.floor.get());
            self.write(idle, Changes { texts: Texts::default(), partitions, floor }, None);
        }
    }

    /// Changes with an empty span, for partitions that are counted to their end and are not in `moving`.
    fn proofs(&mut self, moving: &[PartitionChanges]) -> Vec<PartitionChanges> {
        if !self.kafka.take_news() {
            return Vec::new();
        }
        let moves = |partition: Partition| moving.iter().any(|changes| changes.partition == partition);
        let proof = |(partition, held): (&Partition, &HeldPartition)| {
            let span = Span::empty(held.next_offset);
            let is_complete = held.complete_through(held.next_offset).is_some() && !moves(*partition);
            is_complete.then(|| PartitionChanges::empty(*partition, held.epoch, span))
        };
        self.member.held().iter().filter_map(proof).collect()
    }
}
