//! Kafka: the only module that knows rdkafka.
//!
//! One plain thread polls, folds records into a batch, and hands it over when the pipeline is free. So one batch is
//! folded while the next is decided and the last one written, and when the database is slow the thread stops taking
//! records but goes on polling: the member stays in the group, and librdkafka's own queue, which is bounded, holds the
//! rest.
//!
//! Assignments and revocations travel in the same channel as batches. An assignment is acknowledged at once, so that the
//! group settles, but nothing of a partition is fetched until its claim has answered where to start. A revocation
//! meanwhile cancels it.

pub mod cluster;
mod context;
mod ends;
mod group;
mod queue;
pub mod settings;
mod wanted;

pub use ends::{End, Ends};
pub use rdkafka::error::KafkaError;
pub use settings::{Settings, StartOffset};
pub use wanted::Wanted;

use crate::batch::{Batch, Claim, Limits};
use crate::record::decode::Bounds;
use crate::record::identity::Fingerprints;
use crate::record::topic_names::TopicNames;
use crate::record::{Offset, Partition};
use crate::refused::allowance::Keeping;
use chrono::Utc;
use context::{Context, Rebalance};
use queue::{Fetched, RecordQueue};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// How long one look for records or events takes at most.
const LOOK: Duration = Duration::from_millis(50);
/// The same while a batch waits for the pipeline.
const SHORT_LOOK: Duration = Duration::from_millis(2);
/// How long a revocation waits for the pipeline to end what is in flight. Exactness doesn't depend on it.
const REVOKE_WAIT_MAX: Duration = Duration::from_secs(5);
/// How long leaving the group may take.
const LEAVE_WAIT_MAX: Duration = Duration::from_secs(10);
/// How often idle partitions' positions are looked at.
const POSITIONS_EVERY: Duration = Duration::from_millis(250);
/// How often offsets are reported to Kafka, for lag tools.
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// Bytes that a batch takes, until it is written, before it is handed over.
const BATCH_BYTES_MAX: usize = 176 << 20;
/// Orders that wait for the thread's next round.
const ORDERS_MAX: usize = 64;

/// What the source tells the pipeline, in order.
pub enum Message {
    /// Partitions are assigned: claim them, and order them to be fetched.
    Assigned {
        /// Which.
        partitions: Vec<Partition>,
        /// The assignment's number.
        assignment: u64,
    },
    /// Records, folded.
    Batch(Box<Batch>),
    /// Partitions are taken away: what came before this ends, then they are forgotten.
    Revoked {
        /// Which.
        partitions: Vec<Partition>,
        /// Told when it is done.
        done: SyncSender<()>,
    },
    /// A partition can't be read on.
    Broken(Partition, String),
}

/// What the pipeline, or the process, tells the source.
pub enum Order {
    /// A partition is claimed: fetch it from there, unless the assignment that brought it is over.
    Fetch {
        /// The claim, and where to start.
        held: Claim,
        /// The assignment's number.
        assignment: u64,
    },
    /// Offsets committed in PostgreSQL, for lag tools.
    Report(Vec<(Partition, Offset)>),
    /// A claim was lost on a partition that is still assigned: leave the group and come back.
    Rejoin,
    /// Hand over what there is, leave the group, end.
    Stop,
}

/// The polling thread's state.
pub struct Source {
    consumer: Arc<BaseConsumer<Context>>,
    queue: RecordQueue<Context>,
    settings: Settings,
    topics: TopicNames,
    fingerprints: Fingerprints,
    floor: Arc<AtomicI64>,
    /// What librdkafka fetches.
    assigned: Vec<Partition>,
    /// What of it is read: all but partitions that broke.
    held: Vec<Claim>,
    /// Partitions that had an error since their last record: librdkafka counts it as one, and its position is wrong.
    astray: HashSet<Partition>,
    positions_at: Instant,
    /// What the group assigns, claimed or not.
    wanted: Wanted,
    assignments: u64,
    batch: Batch,
    batch_since: Option<Instant>,
    outbox: VecDeque<Message>,
    out: mpsc::Sender<Handed>,
    /// The pipeline's attention.
    attention: Arc<Semaphore>,
    orders: Receiver<Order>,
    report: HashMap<Partition, Offset>,
    reported_at: Instant,
    rejoin_at: Option<Instant>,
    /// The pipeline has ended.
    ended: bool,
    /// Kafka's client has failed for good.
    failed: Option<KafkaError>,
}

/// A message with the pipeline's attention: the next one comes when this is dropped.
pub type Handed = (Message, OwnedSemaphorePermit);

/// The ends of the source's channels that others hold.
pub struct Handles {
    /// What the source tells.
    pub messages: mpsc::Receiver<Handed>,
    /// What it is told.
    pub orders: SyncSender<Order>,
    /// Questions to Kafka beside the stream.
    pub ends: Ends,
    /// What the group assigns to this member.
    pub wanted: Wanted,
}

impl Source {
    /// Connects to Kafka, as a member of the group that is not yet subscribed.
    ///
    /// # Errors
    /// When librdkafka refuses a setting.
    pub fn new(
        settings: Settings,
        fingerprints: Fingerprints,
        floor: Arc<AtomicI64>,
    ) -> Result<(Self, Handles), KafkaError> {
        let consumer: Arc<BaseConsumer<Context>> =
            Arc::new(settings.config().create_with_context(Context::default())?);
        let (out, messages) = mpsc::channel(1);
        let (order, orders) = sync_channel(ORDERS_MAX);
        let topics = settings.topics();
        let ends = Ends::new(Arc::clone(&consumer), topics.clone());
        let source = Self {
            queue: RecordQueue::new(Arc::clone(&consumer)),
            batch: Batch::new(floor.load(Ordering::Relaxed)),
            consumer,
            settings,
            topics,
            fingerprints,
            floor,
            assigned: Vec::new(),
            held: Vec::new(),
            astray: HashSet::new(),
            positions_at: Instant::now(),
            wanted: Wanted::default(),
            assignments: 0,
            batch_since: None,
            outbox: VecDeque::new(),
            out,
            attention: Arc::new(Semaphore::new(1)),
            orders,
            report: HashMap::new(),
            reported_at: Instant::now(),
            rejoin_at: None,
            ended: false,
            failed: None,
        };
        let wanted = source.wanted.clone();
        Ok((source, Handles { messages, orders: order, ends, wanted }))
    }

    /// Polls until it is told to stop, or Kafka's client fails for good.
    ///
    /// # Errors
    /// When the subscription is refused, or the client fails for good.
    pub fn run(mut self) -> Result<(), KafkaError> {
        self.consumer.subscribe(&self.topics.all())?;
        while !self.ended && self.failed.is_none() {
            self.serve_events(Duration::ZERO);
            if self.take_orders() {
                break;
            }
            self.rejoin_when_due();
            self.report_when_due();
            self.hand_over();
            self.fetch();
        }
        self.leave();
        self.failed.map_or(Ok(()), Err)
    }

    /// Takes everything off the main queue: rebalances, errors, and records that were there before their partition's
    /// queue was forwarded. Those come first, so the main queue is always emptied before the other is looked at.
    fn serve_events(&mut self, wait: Duration) {
        let consumer = Arc::clone(&self.consumer);
        let mut wait = wait;
        while let Some(event) = consumer.poll(wait) {
            wait = Duration::ZERO;
            match event {
                Ok(message) => self.take_stray(&message),
                Err(error) => self.take_error(&error),
            }
        }
        while let Some(rebalance) = self.consumer.context().next() {
            self.distrust_positions();
            match rebalance {
                Rebalance::Assign(partitions) => self.ask(&partitions),
                Rebalance::Revoke(partitions) => self.revoke(&partitions),
            }
        }
    }

    fn take_error(&mut self, error: &KafkaError) {
        if matches!(error, KafkaError::MessageConsumptionFatal(_)) {
            tracing::error!(%error, "Kafka's client failed for good; this member ends");
            self.failed = Some(error.clone());
        } else if !matches!(error, KafkaError::PartitionEOF(_)) {
            tracing::warn!(%error, "Kafka");
            metrics::counter!("consumer_kafka_errors_total").increment(1);
        }
    }

    fn take_stray(&mut self, message: &BorrowedMessage<'_>) {
        let Some(topic) = self.topics.topic(message.topic()) else { return };
        let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
        let raw = crate::record::Raw {
            partition: Partition { topic, number: message.partition() },
            offset: Offset(message.offset()),
            key: message.key(),
            payload: message.payload(),
            headers: headers.map(|header| (header.key, header.value)).collect(),
            timestamp_ms: message.timestamp().to_millis(),
        };
        let (bounds, keeping) = (self.bounds(), self.keeping());
        self.batch_since.get_or_insert_with(Instant::now);
        if let Some(held) = self.held.iter_mut().find(|held| held.partition == raw.partition) {
            self.batch.take(held, &raw, &self.fingerprints, bounds, keeping);
        }
    }

    fn bounds(&self) -> Bounds {
        let skew = i64::try_from(self.settings.future_skew_max.as_secs()).unwrap_or(i64::MAX);
        Bounds { floor: self.batch.floor, ceiling: Utc::now().timestamp().saturating_add(skew) }
    }

    fn keeping(&self) -> Keeping {
        self.settings.refused.at(Utc::now().timestamp())
    }

    fn limits(&self) -> Limits {
        Limits { records: self.settings.batch_records_max as usize, bytes: BATCH_BYTES_MAX }
    }

    /// Takes records into the batch, unless it is full: then the pipeline is waited for, with polling going on.
    fn fetch(&mut self) {
        if self.batch.is_full(self.limits()) || !self.outbox.is_empty() {
            return self.serve_events(SHORT_LOOK);
        }
        if self.batch.is_empty() {
            self.batch.floor = self.floor.load(Ordering::Relaxed);
        }
        let wait = self.look();
        let (bounds, keeping) = (self.bounds(), self.keeping());
        let Self { queue, topics, batch, held, fingerprints, astray, .. } = self;
        let mut broken = Vec::new();
        let mut latest = 0;
        let mut find = |held: &mut [Claim], partition: Partition| {
            if held.get(latest).is_none_or(|held| held.partition != partition) {
                latest = held.iter().position(|held| held.partition == partition)?;
            }
            Some(latest)
        };
        let name = |topic: &str, number| Some(Partition { topic: topics.topic(topic)?, number });
        let taken = queue.take(wait, name, |fetched| match fetched {
            Fetched::Record(raw) => {
                if let Some(index) = find(held, raw.partition) {
                    batch.take(&mut held[index], &raw, fingerprints, bounds, keeping);
                    if !astray.is_empty() {
                        astray.remove(&raw.partition);
                    }
                }
            }
            Fetched::Trouble(partition, what) => {
                astray.insert(partition);
                tracing::warn!(%partition, "Kafka: {what}");
                metrics::counter!("consumer_kafka_errors_total").increment(1);
            }
            Fetched::Broken(partition, why) => {
                held.retain(|held| held.partition != partition);
                broken.push(Message::Broken(partition, why));
            }
        });
        if !broken.is_empty() {
            // What was read before it broke is counted before it stops.
            self.end_batch_now();
            self.outbox.extend(broken);
        }
        if taken == 0 {
            self.follow_positions();
        }
        if !self.batch.is_empty() {
            self.batch_since.get_or_insert_with(Instant::now);
        }
    }

    /// Moves idle partitions on past what is no record: transactions' markers, which are never handed out.
    fn follow_positions(&mut self) {
        if self.positions_at.elapsed() < POSITIONS_EVERY || self.held.is_empty() {
            return;
        }
        self.positions_at = Instant::now();
        let Ok(positions) = self.consumer.position() else { return };
        for element in positions.elements() {
            let partition = self
                .topics
                .topic(element.topic())
                .map(|topic| Partition { topic, number: element.partition() });
            let held = self.held.iter_mut().find(|held| Some(held.partition) == partition);
            if let (Some(held), KafkaOffset::Offset(position)) = (held, element.offset())
                && !self.astray.contains(&held.partition)
            {
                self.batch.reach(held, Offset(position));
            }
        }
    }

    /// How long to wait for records: not beyond the batch's age.
    fn look(&self) -> Duration {
        let left = self
            .batch_since
            .map_or(LOOK, |since| self.settings.batch_age_max.saturating_sub(since.elapsed()));
        left.clamp(SHORT_LOOK, LOOK)
    }

    fn is_due(&self) -> bool {
        let aged = self.batch_since.is_some_and(|since| since.elapsed() >= self.settings.batch_age_max);
        !self.batch.is_empty() && (aged || self.batch.is_full(self.limits()))
    }

    /// Hands a control message, or a batch that is due, over if the pipeline is free.
    fn hand_over(&mut self) {
        if self.outbox.is_empty() && !self.is_due() {
            return;
        }
        let Ok(attention) = Arc::clone(&self.attention).try_acquire_owned() else { return };
        let message = self.outbox.pop_front().unwrap_or_else(|| self.end_batch());
        self.ended |= self.out.try_send((message, attention)).is_err();
    }

    fn end_batch(&mut self) -> Message {
        self.batch_since = None;
        let next = Batch::new(self.floor.load(Ordering::Relaxed));
        Message::Batch(Box::new(std::mem::replace(&mut self.batch, next)))
    }

    /// Puts the batch, due or not, in line to be handed over.
    fn end_batch_now(&mut self) {
        if !self.batch.is_empty() {
            let batch = self.end_batch();
            self.outbox.push_back(batch);
        }
    }

    /// Hands what is in line over, waiting for the pipeline until `deadline`; whether all of it went.
    fn flush(&mut self, deadline: Instant) -> bool {
        while !self.outbox.is_empty() && !self.ended && Instant::now() < deadline {
            self.hand_over();
            if !self.outbox.is_empty() {
                std::thread::sleep(SHORT_LOOK);
            }
        }
        self.outbox.is_empty()
    }

    /// Takes orders; whether to stop.
    fn take_orders(&mut self) -> bool {
        loop {
            match self.orders.try_recv() {
                Ok(Order::Fetch { held, assignment }) => self.assign(held, assignment),
                Ok(Order::Report(offsets)) => self.report.extend(offsets),
                Ok(Order::Rejoin) => self.leave_to_rejoin("a claim was lost on an assigned partition"),
                Ok(Order::Stop) | Err(TryRecvError::Disconnected) => return true,
                Err(TryRecvError::Empty) => return false,
            }
        }
    }

    fn report_when_due(&mut self) {
        if !self.report.is_empty() && self.reported_at.elapsed() >= REPORT_EVERY {
            self.report_offsets(CommitMode::Async);
        }
    }

    /// Tells Kafka how far this group is. Advice for lag tools only: this system never reads it.
    fn report_offsets(&mut self, mode: CommitMode) {
        self.reported_at = Instant::now();
        let mut list = TopicPartitionList::new();
        for (partition, offset) in self.report.drain() {
            let topic = self.topics.of(partition.topic);
            // Refused for negative offsets only, and these come from Kafka.
            let _ = list.add_partition_offset(topic, partition.number, KafkaOffset::Offset(offset.0));
        }
        if list.count() > 0
            && let Err(error) = self.consumer.commit(&list, mode)
        {
            tracing::debug!(%error, "offsets were not reported to Kafka");
        }
    }
}
