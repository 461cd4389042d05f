//! The pipeline: one task that claims, decides, has written, announces and reports, in the order of the source's messages.

mod assignments;
mod claims;
mod desk;
mod gauges;
mod kafka;
mod layouts;
mod lookups;
mod orders;
mod positions;
mod refusal_log;
mod status;
mod watch;
mod writer;

pub use assignments::Assignments;
pub use desk::Desk;
pub use gauges::gauges;
pub use kafka::Kafka;
pub use orders::Orders;
pub use positions::Positions;
pub use status::Status;
pub use watch::{Settings, Sights, Watch, describe};
pub use writer::Writer;

use crate::announce::Announcer;
use crate::batch::Batch;
use crate::clock::Clock;
use crate::decide::changes::{Changes, PartitionChanges};
use crate::decide::held_partition::HeldPartition;
use crate::decide::member::Member;
use crate::decide::narrowing::{Narrowing, Next, Rejected};
use crate::floor::SharedFloor;
use crate::limits::{ENDS_EVERY, PIPELINE_END_WAIT_MAX};
use crate::record::{Offset, Partition, Span, Topic};
use crate::source::{End, Found, Handed, Message, Order, Round};
use crate::store::{Claimed, Connection, Incarnation, PreparedCounters, Step, Store};
use crate::trace::BatchTrace;
use claims::{Claims, Holdable};
use desk::Idle;
use layouts::LayoutsLearned;
use lookups::Lookups;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, timeout};
use writer::{Finished, Interruption, Job, WriteOutcome};

/// Why the member joins the group again when records must be read under a higher floor.
const FLOOR_MOVED: &str = "the ledger's floor moved past records in flight";

/// Why everything is claimed anew that is held.
const ELSEWHERE: &str = "PostgreSQL has started anew, or is another server or another copy of the tables: claiming all partitions again";

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
    /// The database's clock.
    pub clock: Clock,
    /// What the held partitions were claimed in; before that, what the ledger's key was read from.
    pub incarnation: Incarnation,
    /// Why this member ends by itself.
    pub failure: Option<OtherLedger>,
    /// Kafka, beside the stream.
    pub kafka: Kafka,
    /// What is assigned and unclaimed.
    pub assignments: Assignments,
    /// Where records that PostgreSQL refuses are looked for.
    pub narrowing: Narrowing,
    /// To the source.
    pub orders: Orders,
    /// To Redis.
    pub announcer: Announcer,
    /// To people.
    pub status: Status,
}

/// The database has another ledger's key than the one that this member's fingerprints are made with.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "the database was emptied, or is another one: its ledger has another key than when this member started; start it again"
)]
pub struct OtherLedger;

impl Pipeline {
    /// Runs until the source has ended. What PostgreSQL has not finished then is given up: if it is not committed, whoever
    /// claims its partitions next counts it.
    ///
    /// # Errors
    /// When the database's ledger has become another one. The source was stopped then.
    pub async fn run(
        mut self,
        messages: mpsc::Receiver<Handed>,
        ended: oneshot::Receiver<()>,
    ) -> Result<(), OtherLedger> {
        self.work_until(messages, ended).await;
        self.status.say_refusals();
        self.announcer.finish().await;
        self.failure.map_or(Ok(()), Err)
    }

    async fn work_until(&mut self, messages: mpsc::Receiver<Handed>, ended: oneshot::Receiver<()>) {
        let mut work = std::pin::pin!(self.work(messages));
        tokio::select! {
            () = &mut work => {}
            // Its sender is dropped, so this is an error.
            _ = ended => {
                let _ = timeout(PIPELINE_END_WAIT_MAX, work).await;
            }
        }
    }

    async fn work(&mut self, mut messages: mpsc::Receiver<Handed>) {
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
                Some(round) = self.kafka.answer() => self.answered(round).await,
                _ = round.tick() => {
                    self.release().await;
                    self.claim().await;
                    self.orders.deliver();
                    self.announcer.pass_on();
                    self.status.say_refusals();
                }
            }
            while std::mem::take(&mut self.assignments.is_in_haste) {
                self.claim().await;
            }
        }
        self.idle().await;
    }

    async fn take(&mut self, message: Message) {
        match message {
            // A batch is decided while the one before is written; `count` waits only before it writes.
            Message::Batch(batch, trace) => self.count(*batch, trace).await,
            Message::Assigned { partitions, assignment } => {
                self.assignments.add(partitions, assignment);
                self.claim().await;
            }
            Message::Revoked { partitions, done } => {
                self.idle().await;
                for partition in partitions {
                    self.assignments.take(partition);
                    self.narrowing.forget(partition);
                    self.forget(partition);
                }
                let _ = done.try_send(());
            }
            Message::LayoutEnded { partition, epoch } => {
                self.idle().await;
                if self.holds(partition, epoch) {
                    self.read_again(partition);
                }
            }
            Message::Broken { partition, epoch, why } => {
                self.idle().await;
                if let Some(next) = self.next_of(partition, epoch) {
                    let extent = self.kafka.extent(partition).await;
                    self.stop(partition, &why.sentence(next, extent));
                }
            }
        }
        self.status.meters.ledger(self.member.ledger());
    }

    // --- Partitions come and go ---

    /// Claims what is assigned and has it fetched. A partition for which Kafka doesn't say where it starts stays unclaimed for
    /// the next round.
    async fn claim(&mut self) {
        if self.failure.is_some() || self.assignments.still_wanted().is_empty() {
            return;
        }
        // The batch being written was read under earlier claims: it must be settled before these are held.
        self.idle().await;
        let found = self.kafka.ask(|ends| Ok(ends.found())).await;
        let Found { topic_ids, partitions } = found.unwrap_or_default();
        self.kafka.learn_partitions(&partitions);
        let mut layouts = LayoutsLearned { store: &mut self.store, kafka: &mut self.kafka };
        if !layouts.learn(&topic_ids).await {
            return;
        }
        let mut claims = Claims { store: &mut self.store, kafka: &mut self.kafka, clock: &self.clock };
        let claimed = claims.claim(&mut self.assignments, &topic_ids).await;
        if !claimed.incarnation.has_ledger_of(&self.incarnation) {
            return self.fail(OtherLedger);
        }
        if std::mem::replace(&mut self.incarnation, claimed.incarnation) != claimed.incarnation {
            self.void(self.held());
        }
        let (at, made_anew) = (self.clock.earliest(), claimed.made_anew.iter().map(|(row, _)| row));
        claimed.rows.iter().chain(made_anew).for_each(|row| self.status.claimed(at, row));
        claimed.topics_made_anew.iter().for_each(|(topic, why)| self.stop_topic(*topic, why));
        for (row, why) in claimed.made_anew {
            self.assignments.take(row.partition);
            self.stop(row.partition, &why);
        }
        let mut claims = Claims { store: &mut self.store, kafka: &mut self.kafka, clock: &self.clock };
        let starts = claims.starts(&claimed.rows).await;
        let settled = claims.settle(&starts).await;
        for holdable in self.found_by_writer(settled.holdable).await {
            self.hold(holdable);
        }
        for (partition, behind) in settled.waiting {
            self.assignments.wait(partition);
            self.status.waits_for_layout(partition, &behind);
        }
        self.orders.deliver();
    }

    /// Lets partitions be claimed that waited at the end of a layout, once all others have passed it.
    async fn release(&mut self) {
        let waiting = self.assignments.waiting();
        if !waiting.is_empty() {
            let mut layouts = LayoutsLearned { store: &mut self.store, kafka: &mut self.kafka };
            for partition in layouts.released(&waiting).await {
                self.assignments.release(partition);
            }
        }
    }

    /// Those whose claims the writing connection finds, too. It doesn't if it reaches another server than the reading one, or
    /// if another member has claimed meanwhile. The others stay unclaimed for the next round.
    async fn found_by_writer(&mut self, holdable: Vec<Holdable>) -> Vec<Holdable> {
        if holdable.is_empty() {
            return holdable;
        }
        let (idle, floor) = (self.idle().await, self.floor.get());
        let empty = |Holdable { claim, .. }: &Holdable| {
            PartitionChanges::empty(claim.partition, claim.epoch, Span::empty(claim.position))
        };
        let partitions = holdable.iter().map(empty).collect();
        let empty = Changes { texts: Arc::default(), partitions, floor };
        self.write(idle, empty, None, BatchTrace::default());
        let WriteOutcome { committed, interruption, .. } = self.desk.finished().await.outcome;
        self.compare_servers(interruption).await;
        holdable.into_iter().filter(|holdable| committed.contains(&holdable.claim.partition)).collect()
    }

    /// Whether reading and writing, each connected anew, reach one server; people are told.
    async fn compare_servers(&mut self, interruption: Option<Interruption>) {
        let is_same = if let Some(Interruption::Elsewhere(written)) = interruption {
            self.store.reconnect();
            let look = async |connection: &mut Connection| connection.incarnation().await;
            self.store.until_done("comparing servers", look).await == written
        } else {
            true
        };
        self.store.same_server(is_same);
    }

    fn hold(&mut self, Holdable { held, tail, claim }: Holdable) {
        if let Some(assignment) = self.assignments.take(claim.partition) {
            self.member.hold(claim.partition, held, &tail);
            self.status.held(claim.partition, claim.position);
            let caution = self.narrowing.caution(claim.partition);
            self.orders.put(Order::Fetch { claim, assignment, caution });
        }
    }

    fn held(&self) -> Vec<Partition> {
        self.member.held().keys().copied().collect()
    }

    /// Whether a partition is held by this claim. What the source says of an earlier one is void.
    fn holds(&self, partition: Partition, epoch: i64) -> bool {
        self.next_of(partition, epoch).is_some()
    }

    /// The offset of the next record of a partition that is held by this claim.
    fn next_of(&self, partition: Partition, epoch: i64) -> Option<Offset> {
        let held = self.member.held().get(&partition).filter(|held| held.epoch == epoch);
        held.map(|held| held.next_offset)
    }

    fn forget(&mut self, partition: Partition) {
        self.member.forget(partition);
        self.status.forget(partition);
    }

    /// Stops reading a partition, and says so in log, readiness and metrics; the others go on.
    fn stop(&mut self, partition: Partition, why: &str) {
        self.member.forget(partition);
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

    /// Gives everything up, and ends.
    fn fail(&mut self, failure: OtherLedger) {
        tracing::error!(error = %failure, "this member ends");
        self.failure = Some(failure);
        self.held().into_iter().for_each(|partition| self.forget(partition));
        self.orders.put(Order::Stop);
        self.orders.deliver();
    }

    // --- A batch ---

    /// Decides a batch while the one before is being written, and then begins to write it.
    ///
    /// The order of the steps matters. Everything until `idle` runs beside the writer. Between `idle` and `write` nothing is
    /// being written, so the batch is placed, and its steps are computed, on what is committed. What was committed is taken
    /// into the ledger after `write`, beside the writer again.
    async fn count(&mut self, batch: Batch, trace: BatchTrace) {
        let (started, records) = (Instant::now(), batch.records());
        let floor = self.floor.get();
        if batch.has_older_than(floor) && batch.floor != floor {
            self.idle().await;
            return self.rejoin(FLOOR_MOVED);
        }
        let (claims, lost) = (self.claims(), BTreeSet::new());
        let Self { member, store, status, .. } = self;
        let mut lookups = Lookups { member, store, meters: &status.meters, claims, lost };
        let step = trace.step("decide");
        let decided = step.around(lookups.decide(batch)).await;
        drop(step);
        let lost = lookups.lost.into_iter().collect();
        let prepared = PreparedCounters::of(&decided);
        let idle = self.idle().await;
        self.lose(lost);
        let mut changes = self.member.place(decided);
        if !changes.partitions.is_empty() {
            let proofs = self.proofs(&changes.partitions);
            changes.partitions.extend(proofs);
        }
        self.write(idle, changes, Some(prepared), trace);
        self.member.update_ledger();
        self.status.meters.batch(records, started.elapsed());
    }

    /// Begins to write changes.
    fn write(&mut self, idle: Idle, changes: Changes, prepared: Option<PreparedCounters>, trace: BatchTrace) {
        if !changes.partitions.is_empty() {
            let steps = changes.partitions.iter().map(|changes| self.step(changes)).collect();
            let incarnation = self.incarnation;
            let topic_ids = self.kafka.topic_ids().clone();
            self.desk.write(idle, Job { changes, prepared, steps, incarnation, topic_ids, trace });
        }
    }

    fn step(&self, changes: &PartitionChanges) -> Step {
        let held = self.member.held().get(&changes.partition);
        Step {
            partition: changes.partition,
            epoch: changes.epoch,
            span: changes.span,
            leader_epoch: changes.leader_epoch,
            misplaced: i64::try_from(changes.tally.misplaced).unwrap_or(i64::MAX),
            complete_through: held
                .and_then(|held| held.complete_through(changes.span.until))
                .filter(|_| !self.clock.is_off()),
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
    fn settle(&mut self, Finished { changes, outcome, took, trace }: Finished) {
        let WriteOutcome { committed, complete_through, rejected, interruption } = outcome;
        let spans: Vec<_> =
            changes.partitions.iter().map(|changes| (changes.partition, changes.span)).collect();
        let is_committed = |changes: &&PartitionChanges| committed.contains(&changes.partition);
        for changes in changes.partitions.iter().filter(is_committed) {
            let then = self.member.held().get(&changes.partition).and_then(|held| held.reading.partitions);
            let spread = self.kafka.spread(changes.partition.topic, then);
            self.status.committed(changes, spread);
        }
        if !committed.is_empty() {
            self.status.meters.commit(took, self.clock.earliest());
        }
        let written = changes.partitions.iter().filter(is_committed);
        trace.written(written, changes.partitions.len(), !rejected.is_empty());
        let held = self.held();
        let after = self.member.settle(changes, &committed);
        self.announcer.changed(&after.organizations, trace.origin());
        let is_held = |(partition, _): &&(Partition, Offset)| self.member.held().contains_key(partition);
        let reached = after.reached.iter().filter(is_held);
        reached.for_each(|(partition, next)| self.status.reached(*partition, *next));
        complete_through.into_iter().for_each(|(partition, at)| self.status.completed(partition, at));
        // A report that finds no room is dropped; the next one makes up for it.
        self.orders.try_send(Order::Report(after.reached));
        self.narrow(&spans, &committed, &rejected);
        let is_rejected = |partition: &Partition| rejected.iter().any(|of| of.partition == *partition);
        match interruption {
            None => {
                self.lose(after.lost.into_iter().filter(|partition| !is_rejected(partition)).collect());
            }
            Some(Interruption::FloorMoved) => self.rejoin(FLOOR_MOVED),
            Some(Interruption::Elsewhere(_)) => {
                self.store.reconnect();
                self.void(held.into_iter().filter(|partition| !is_rejected(partition)).collect());
            }
        }
    }

    /// Gives partitions up whose claims are not in the database any more, and joins the group again.
    fn lose(&mut self, lost: Vec<Partition>) {
        if !lost.is_empty() {
            lost.iter().for_each(|partition| self.forget(*partition));
            self.status.meters.fenced(lost.len());
            self.store.reconnect();
            // What has moved away is the other's by right, and was lost before it could be given up.
            if lost.iter().any(|partition| self.assignments.has(*partition)) {
                self.rejoin("another member has claimed partitions of this one");
            }
        }
    }

    /// After a write: reads partitions again in which records that PostgreSQL refuses are looked for, or stops them.
    fn narrow(
        &mut self,
        spans: &[(Partition, Span)],
        committed: &BTreeSet<Partition>,
        rejected: &[Rejected],
    ) {
        for (partition, span) in spans.iter().filter(|(partition, _)| committed.contains(partition)) {
            if self.narrowing.committed(*partition, *span) {
                self.read_again(*partition);
            }
        }
        for refusal in rejected {
            self.status.rejected(refusal);
            match self.narrowing.rejected(refusal) {
                Next::ReadAgain => self.read_again(refusal.partition),
                Next::Stop(why) => self.stop(refusal.partition, &why),
            }
        }
    }

    /// The claims as this member knows them, while something may be being written.
    fn claims(&self) -> Vec<Claimed> {
        let moving = self.desk.moving();
        let claim = |(partition, held): (&Partition, &HeldPartition)| {
            let until = moving.get(partition).copied().unwrap_or(held.next_offset);
            Claimed { partition: *partition, epoch: held.epoch, next_offset: held.next_offset, until }
        };
        self.member.held().iter().map(claim).collect()
    }

    /// Claims a partition anew that this member holds, and reads it again from where it stands.
    fn read_again(&mut self, partition: Partition) {
        self.member.forget(partition);
        self.status.unclaimed(partition);
        self.assignments.again(partition);
        self.assignments.is_in_haste = true;
    }

    /// Claims partitions anew that were held in another incarnation of the database, whatever this one says of the claims.
    fn void(&mut self, held: Vec<Partition>) {
        if !held.is_empty() {
            tracing::warn!("{ELSEWHERE}");
            self.status.meters.fenced(held.len());
            held.into_iter().for_each(|partition| self.read_again(partition));
        }
    }

    // --- What is complete ---

    /// Takes Kafka's answers to a round.
    async fn answered(&mut self, round: Round) {
        self.reach(&round.ends);
        self.prove();
        if let Some(found) = round.found {
            for (topic, why) in claims::recognize(&mut self.kafka, &found.topic_ids) {
                self.stop_topic(topic, &why);
            }
            if self.kafka.learn_partitions(&found.partitions).is_some() {
                self.rejoin("a topic has another number of partitions, over which its keys are spread");
            }
            let mut layouts = LayoutsLearned { store: &mut self.store, kafka: &mut self.kafka };
            layouts.learn(&found.topic_ids).await;
            let discover = async |connection: &mut Connection| connection.discover(&found.partitions).await;
            self.store.until_done("adding rows for new partitions", discover).await;
        }
    }

    /// Takes note of how far the partitions reach.
    fn reach(&mut self, ends: &[End]) {
        for End { partition, asked_at, end, readable: _ } in ends {
            if let Some(held) = self.member.held_mut(*partition) {
                held.ended_at(*asked_at, *end);
            }
        }
    }

    /// Moves `complete_through` of partitions that are counted to their end, though no batch moves them. While something is
    /// being written this waits for its end, or for the next batch, which takes the proofs along.
    fn prove(&mut self) {
        if let Some(idle) = self.desk.idle().filter(|_| self.kafka.has_news()) {
            let (partitions, floor) = (self.proofs(&[]), self.floor.get());
            let empty = Changes { texts: Arc::default(), partitions, floor };
            self.write(idle, empty, None, BatchTrace::default());
        }
    }

    /// Changes with an empty span, for partitions that are counted to their end and are not in `moving`. None while this
    /// machine's clock and the database's disagree: if the database's is the wrong one, nothing is known.
    fn proofs(&mut self, moving: &[PartitionChanges]) -> Vec<PartitionChanges> {
        if !self.kafka.take_news() || self.clock.is_off() {
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
