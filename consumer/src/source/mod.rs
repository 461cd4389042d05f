//! Kafka: the only room that knows rdkafka.
//!
//! One plain thread polls, folds records into a batch, and hands the batch over when the pipeline is free. So one batch is
//! folded while the next is decided and the last one written. When the database is slow, the thread stops taking records but
//! goes on polling: the member stays in the group, and librdkafka's own bounded queue holds the rest.
//!
//! Assignments and revocations travel in the same channel as batches. An assignment is acknowledged at once, so that the
//! group settles, but a partition is not fetched before its claim says where it starts. A revocation meanwhile cancels the
//! claim.

mod aside;
pub mod breaks;
mod certificates;
mod checking;
pub mod cluster;
mod context;
mod describing;
mod ends;
mod examining;
mod faults;
mod fetching;
mod folding;
mod group;
mod layout_log;
mod messages;
mod outbox;
mod patience;
mod protection;
mod queue;
mod report;
mod rounds;
pub mod settings;
mod variables;
mod wanted;

pub use ends::{End, Ends, Found};
pub use examining::Examining;
pub use faults::Fault;
pub use messages::{Handed, Message, Order};
pub use rdkafka::error::KafkaError;
pub use rounds::{Round, Rounds};
pub use settings::{Settings, StartOffset};
pub use wanted::{Standing, Wanted};

use crate::batch::Claim;
use crate::clock::Clock;
use crate::decide::narrowing::Caution;
use crate::floor::SharedFloor;
use crate::limits::{LEAVE_WAIT_MAX, POLL_WAIT, POLL_WAIT_SHORT, REVOKE_WAIT_MAX};
use crate::measure::KAFKA_ERRORS;
use crate::record::identity::Fingerprints;
use crate::record::topic_names::TopicNames;
use crate::record::{Offset, Partition, Raw};
use breaks::Break;
use certificates::Certificates;
use context::{Context, Rebalance};
use fetching::Fetching;
use folding::Folding;
use group::Group;
use layout_log::LayoutLog;
use outbox::Outbox;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::types::RDKafkaErrorCode;
use report::OffsetReport;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Orders that wait for the thread's next round.
const ORDERS_MAX: usize = 64;

/// The polling thread.
pub struct Source {
    consumer: Arc<BaseConsumer<Context>>,
    topics: TopicNames,
    group: Group,
    fetching: Fetching,
    folding: Folding,
    outbox: Outbox,
    orders: Receiver<Order>,
    report: OffsetReport,
    /// Kafka's client has failed for good.
    failed: Option<KafkaError>,
    /// Dropped after all others.
    _alive: oneshot::Sender<()>,
}

/// The other ends of the source's channels.
pub struct Handles {
    /// What the source tells.
    pub messages: mpsc::Receiver<Handed>,
    /// What it is told.
    pub orders: SyncSender<Order>,
    /// Questions to Kafka beside the stream.
    pub ends: Ends,
    /// What the group assigns to this member.
    pub wanted: Wanted,
    /// Resolves once the source has ended.
    pub ended: oneshot::Receiver<()>,
}

impl Source {
    /// A client of Kafka that has not joined the group yet. What the group assigns is kept in `wanted`.
    ///
    /// # Errors
    /// When librdkafka refuses a setting.
    pub fn new(
        settings: Settings,
        wanted: Wanted,
        fingerprints: Fingerprints,
        floor: SharedFloor,
        clock: Clock,
    ) -> Result<(Self, Handles), KafkaError> {
        let consumer: Arc<BaseConsumer<Context>> =
            Arc::new(settings.config().create_with_context(Context::default())?);
        let topics = settings.topics.clone();
        let (outbox, messages) = Outbox::new();
        let (order, orders) = sync_channel(ORDERS_MAX);
        let (alive, ended) = oneshot::channel();
        let uncommitted = settings.uncommitted_config().create_with_context(Context::default())?;
        let layouts = LayoutLog::new(&settings.layouts_topic, settings.uncommitted_config());
        let ends = Ends::new(Arc::clone(&consumer), uncommitted, layouts, topics.clone(), clock.clone())
            .looking_at(Certificates::of(&settings.kafka_config));
        let source = Self {
            group: Group::new(Arc::clone(&consumer), topics.clone(), wanted.clone(), settings.is_static()),
            fetching: Fetching::new(Arc::clone(&consumer), topics.clone()),
            folding: Folding::new(settings, fingerprints, floor, clock),
            outbox,
            orders,
            report: OffsetReport::new(Arc::clone(&consumer), topics.clone()),
            consumer,
            topics,
            failed: None,
            _alive: alive,
        };
        Ok((source, Handles { messages, orders: order, ends, wanted, ended }))
    }

    /// Polls until it is told to stop, or Kafka's client fails for good.
    ///
    /// # Errors
    /// When the subscription is refused, or the client fails for good.
    pub fn run(mut self) -> Result<(), KafkaError> {
        self.group.join()?;
        while !self.outbox.is_closed() && self.failed.is_none() {
            self.serve_events(Duration::ZERO);
            if self.take_orders() {
                break;
            }
            self.rejoin_when_due();
            self.report.send_when_due();
            self.hand_over();
            self.fetch();
        }
        self.leave();
        self.failed.map_or(Ok(()), Err)
    }

    // --- Records ---

    /// Folds records that have arrived. While the batch is full, or a message waits for the pipeline, only events are served.
    fn fetch(&mut self) {
        if self.folding.is_full() || !self.outbox.is_empty() {
            return self.serve_events(POLL_WAIT_SHORT);
        }
        let wait = self.folding.wait().min(self.fetching.wait());
        let mut fold = self.folding.fold();
        let taken = self.fetching.take(wait, &mut fold);
        if taken.count == 0 {
            self.fetching.follow_positions(&mut fold);
        }
        self.folding.begin_age();
        if taken.is_complete {
            self.folding.hurry();
        }
        if !taken.ended.is_empty() {
            self.end_layout(&taken.ended);
        }
        if !taken.broken.is_empty() {
            // What was read before a partition broke is counted before it stops.
            self.end_batch();
            for (partition, epoch, why) in taken.broken {
                self.outbox.push(Message::Broken { partition, epoch, why });
            }
        }
    }

    /// Stops fetching partitions that have reached the end of their layout, and has the pipeline claim them again: what
    /// comes next must wait until all partitions of the topic are there.
    fn end_layout(&mut self, ended: &[(Partition, i64)]) {
        self.end_batch();
        let partitions: Vec<Partition> = ended.iter().map(|(partition, _)| *partition).collect();
        self.fetching.stop(&partitions);
        for (partition, epoch) in ended.iter().copied() {
            self.outbox.push(Message::LayoutEnded { partition, epoch });
        }
    }

    /// Hands over the next message, or else a batch that is due, if the pipeline is free.
    fn hand_over(&mut self) {
        if self.outbox.is_empty() && self.outbox.is_free() && self.folding.is_due() {
            self.end_batch();
        }
        self.outbox.hand_over();
    }

    /// Puts the batch, due or not, in line for the pipeline.
    fn end_batch(&mut self) {
        if let Some((batch, trace)) = self.folding.end() {
            self.outbox.push(Message::Batch(batch, trace));
        }
    }

    // --- Events ---

    /// Takes everything off the main queue: rebalances, errors, and records that arrived before their partition's queue was
    /// forwarded. Those are the oldest, so the main queue is always emptied before the other is looked at.
    fn serve_events(&mut self, mut wait: Duration) {
        let consumer = Arc::clone(&self.consumer);
        while let Some(event) = consumer.poll(wait) {
            wait = Duration::ZERO;
            match event {
                Ok(message) => self.take_stray(&message),
                Err(error) => self.take_error(&error),
            }
        }
        if let Some(is_forbidden) = self.consumer.context().take_word_of_the_group() {
            self.group.forbidden(is_forbidden);
        }
        while let Some(rebalance) = self.consumer.context().next() {
            self.distrust_positions();
            match rebalance {
                Rebalance::Assign(partitions) => self.assigned(&partitions),
                Rebalance::Revoke(partitions) => self.revoked(&partitions),
            }
        }
    }

    fn take_stray(&mut self, message: &BorrowedMessage<'_>) {
        let Some(topic) = self.topics.topic(message.topic()) else { return };
        let raw = Raw {
            partition: Partition { topic, number: message.partition() },
            offset: Offset(message.offset()),
            key: message.key(),
            payload: message.payload(),
            headers: queue::headers_of(message),
            timestamp_ms: message.timestamp().to_millis(),
            // It arrived before its partition's queue was forwarded. The next record's epoch is as good.
            leader_epoch: None,
        };
        let is_complete = self.fetching.take_stray(&raw, &mut self.folding.fold());
        self.folding.begin_age();
        if is_complete {
            self.folding.hurry();
        }
    }

    fn take_error(&mut self, error: &KafkaError) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::GroupAuthorizationFailed) {
            self.group.forbidden(true);
        }
        if matches!(error, KafkaError::MessageConsumptionFatal(_)) {
            tracing::error!(%error, "Kafka's client failed for good; this member ends");
            self.failed = Some(error.clone());
        } else if !matches!(error, KafkaError::PartitionEOF(_)) {
            // The client has said more about it.
            tracing::debug!(target: "kafka", %error, "an error of Kafka's client");
            metrics::counter!(KAFKA_ERRORS).increment(1);
        }
    }

    /// A rebalance makes librdkafka fetch again from the position it has. Where that is wrong, nothing more is read: the member
    /// joins the group again, and the table says where each partition continues.
    fn distrust_positions(&mut self) {
        if self.fetching.is_misplaced() {
            self.end_batch();
            self.fetching.drop_misplaced();
            self.group.leave_to_rejoin("Kafka's client has lost its position");
        }
    }

    // --- Partitions come and go ---

    /// Has the pipeline claim what is assigned.
    fn assigned(&mut self, names: &[(String, i32)]) {
        let partitions = self.partitions(names);
        tracing::info!(partitions = listed(names), "assigned");
        let assignment = self.group.accept(&partitions);
        self.outbox.push(Message::Assigned { partitions, assignment });
    }

    /// Starts fetching a claimed partition, unless it was taken away meanwhile.
    fn start(&mut self, claim: Claim, assignment: u64, caution: Option<Caution>) {
        let partition = claim.partition;
        if !self.group.wants(partition, assignment) {
            return;
        }
        if claim.position < Offset(0) {
            let what = format!(
                "the stored offset {} is no offset; decide by `consumer progress reset`",
                claim.position.0
            );
            let why = Break::Unreadable(what);
            return self.outbox.push(Message::Broken { partition, epoch: claim.epoch, why });
        }
        if self.fetching.has(partition) {
            self.folding.forget(partition);
            self.fetching.stop(&[partition]);
        }
        if let Err(error) = self.fetching.start(claim, caution) {
            let topic = self.topics.of(partition.topic);
            tracing::warn!(topic, partition = partition.number, %error, "a partition could not be fetched");
            self.group.leave_to_rejoin("a claimed partition could not be fetched");
        }
    }

    /// Ends what is in flight for these partitions, and gives them up.
    fn revoked(&mut self, names: &[(String, i32)]) {
        let partitions = self.partitions(names);
        tracing::info!(partitions = listed(names), "revoked");
        self.group.give_up(&partitions);
        self.settle(&partitions, Instant::now() + REVOKE_WAIT_MAX);
        partitions.iter().for_each(|partition| self.folding.forget(*partition));
        self.fetching.stop(&partitions);
    }

    /// Hands the open batch and the revoked partitions to the pipeline, and waits for it until `deadline`. A later commit
    /// is safe: the compare-and-set rejects it once another member has claimed.
    fn settle(&mut self, partitions: &[Partition], deadline: Instant) {
        let (done, finished) = sync_channel(1);
        self.end_batch();
        self.outbox.push(Message::Revoked { partitions: partitions.to_vec(), done });
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        if !self.outbox.flush(deadline) || finished.recv_timeout(left(deadline)).is_err() {
            tracing::warn!(
                "a batch in flight did not end in time; it still counts if it is committed before the next claim"
            );
        }
    }

    /// Joins the group again if it is time to, once librdkafka fetches nothing.
    fn rejoin_when_due(&mut self) {
        if self.fetching.is_empty()
            && let Err(error) = self.group.rejoin_when_due()
        {
            tracing::error!(%error, "Kafka's client refused the subscription; this member ends");
            self.outbox.close();
        }
    }

    /// Finishes the batch and leaves the group. Neither PostgreSQL nor Kafka is waited for any longer than [`LEAVE_WAIT_MAX`].
    fn leave(&mut self) {
        let deadline = Instant::now() + LEAVE_WAIT_MAX;
        self.settle(&[], deadline);
        self.take_orders();
        if !self.report.send_last(deadline) {
            tracing::debug!("Kafka has not taken the last report of offsets; PostgreSQL has them");
        }
        let gives_back = self.group.leave();
        while gives_back && !self.fetching.is_empty() && !self.outbox.is_closed() && Instant::now() < deadline
        {
            self.serve_events(POLL_WAIT_SHORT);
        }
        self.consumer.context().close();
        self.serve_events(POLL_WAIT);
    }

    /// Takes orders; returns whether to stop.
    fn take_orders(&mut self) -> bool {
        loop {
            match self.orders.try_recv() {
                Ok(Order::Fetch { claim, assignment, caution }) => self.start(claim, assignment, caution),
                Ok(Order::Report(offsets)) => self.report.add(offsets),
                Ok(Order::Rejoin) => {
                    self.group.leave_to_rejoin("a claim was lost on an assigned partition");
                }
                Ok(Order::Stop) | Err(TryRecvError::Disconnected) => return true,
                Err(TryRecvError::Empty) => return false,
            }
        }
    }

    fn partitions(&self, names: &[(String, i32)]) -> Vec<Partition> {
        let known = names.iter().filter_map(|(topic, number)| Some((self.topics.topic(topic)?, *number)));
        known.map(|(topic, number)| Partition { topic, number }).collect()
    }
}

/// Partitions for the log, such as `topic/0 topic/3`.
fn listed(names: &[(String, i32)]) -> String {
    let names: Vec<String> = names.iter().map(|(topic, number)| format!("{topic}/{number}")).collect();
    names.join(" ")
}
