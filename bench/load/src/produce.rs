//! Sends records to Kafka in bulk.

use crate::message::Kind;
use crate::produced::Produced;
use anyhow::{Context as _, Result, ensure};
use rdkafka::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{
    BaseProducer, BaseRecord, DeliveryResult, NoCustomPartitioner, Producer as _, ProducerContext,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many records are sent before delivery reports are read again.
const POLL_EVERY: u64 = 10_000;
/// How long a full queue may stay full; after that it is a failure.
const FULL_QUEUE_LIMIT: Duration = Duration::from_secs(60);
/// How long to wait for room in a full queue before the next attempt.
const ROOM_WAIT: Duration = Duration::from_millis(10);

/// The names of the three topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topics {
    /// The topic of `Event`s.
    pub events: String,
    /// The topic of `WorkflowTerminal`s.
    pub workflow_terminals: String,
    /// The topic of `MessageDelivery`s.
    pub message_deliveries: String,
}

impl Default for Topics {
    fn default() -> Self {
        Self {
            events: "business-metrics.events.v1".to_owned(),
            workflow_terminals: "business-metrics.workflow-terminals.v1".to_owned(),
            message_deliveries: "business-metrics.message-deliveries.v1".to_owned(),
        }
    }
}

impl Topics {
    /// The default names with a prefix, so that several tests can share a broker.
    #[must_use]
    pub fn prefixed(prefix: &str) -> Self {
        let Self { events, workflow_terminals, message_deliveries } = Self::default();
        Self {
            events: format!("{prefix}{events}"),
            workflow_terminals: format!("{prefix}{workflow_terminals}"),
            message_deliveries: format!("{prefix}{message_deliveries}"),
        }
    }

    /// The topic of records of this kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> &str {
        match kind {
            Kind::Event => &self.events,
            Kind::Workflow => &self.workflow_terminals,
            Kind::Delivery => &self.message_deliveries,
        }
    }

    /// All three.
    #[must_use]
    pub fn all(&self) -> [&str; 3] {
        Kind::ALL.map(|kind| self.of(kind))
    }
}

/// A producer that keeps as many records in flight as the client can hold. It is idempotent, so the client's retries add
/// no record: a record that is reported as delivered is in the topic once.
pub struct Producer {
    client: BaseProducer<Reports>,
    reports: Arc<Counts>,
    topics: Topics,
    handed_over: u64,
}

impl Producer {
    /// A producer for the brokers at `brokers`. Connects when the first record is sent.
    ///
    /// # Errors
    /// When the client can't be created.
    pub fn new(brokers: &str, topics: Topics) -> Result<Self> {
        let reports = Arc::new(Counts::default());
        let client = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("partitioner", "murmur2_random")
            .set("enable.idempotence", "true")
            .set("linger.ms", "20")
            .set("batch.num.messages", "100000")
            .set("batch.size", "1000000")
            .set("queue.buffering.max.messages", "500000")
            .set("queue.buffering.max.kbytes", "262144")
            .create_with_context(Reports(Arc::clone(&reports)))
            .context("the producer can't be created")?;
        Ok(Self { client, reports, topics, handed_over: 0 })
    }

    /// Sends a record; waits while the client's queue is full.
    ///
    /// # Errors
    /// When the record is refused, or the queue stays full for a minute.
    pub fn send(&mut self, record: &Produced) -> Result<()> {
        let topic = self.topics.of(record.kind);
        let mut handed = base_record(topic, record);
        let deadline = Instant::now() + FULL_QUEUE_LIMIT;
        while let Err((error, returned)) = self.client.send(handed) {
            let full = error == KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
            ensure!(full && Instant::now() < deadline, "a record can't be sent to Kafka: {error}");
            self.client.poll(ROOM_WAIT);
            handed = returned;
        }
        self.handed_over += 1;
        if self.handed_over.is_multiple_of(POLL_EVERY) {
            self.client.poll(Duration::ZERO);
        }
        Ok(())
    }

    /// Reads Kafka's answers, without waiting. Returns how many records this producer has delivered so far.
    ///
    /// # Errors
    /// When a record failed permanently.
    pub fn look(&self) -> Result<u64> {
        self.client.poll(Duration::ZERO);
        let failed = self.reports.failed.load(Ordering::Relaxed);
        ensure!(failed == 0, "{failed} records could not be delivered to Kafka");
        Ok(self.reports.delivered.load(Ordering::Relaxed))
    }

    /// Sends all records, and waits until Kafka has them. Returns how many this producer has delivered in total.
    ///
    /// # Errors
    /// When one can't be sent, or isn't delivered within `limit`.
    pub fn send_all<'a>(
        &mut self,
        records: impl IntoIterator<Item = &'a Produced>,
        limit: Duration,
    ) -> Result<u64> {
        for record in records {
            self.send(record)?;
        }
        self.flush(limit)
    }

    /// Waits until Kafka has all records. Returns how many this producer has delivered in total.
    ///
    /// # Errors
    /// When that takes longer than `limit`, or a record failed.
    pub fn flush(&mut self, limit: Duration) -> Result<u64> {
        self.client.flush(limit).context("Kafka doesn't accept the records in time")?;
        let delivered = self.reports.delivered.load(Ordering::Relaxed);
        let failed = self.reports.failed.load(Ordering::Relaxed);
        let handed_over = self.handed_over;
        ensure!(
            delivered == handed_over,
            "of {handed_over} records {delivered} were delivered, {failed} failed"
        );
        Ok(delivered)
    }
}

/// A record as the client takes it, for this topic.
#[must_use]
pub fn base_record<'a>(topic: &'a str, record: &'a Produced) -> BaseRecord<'a, [u8], [u8]> {
    let mut handed = BaseRecord::to(topic).key(record.key.as_slice()).payload(record.payload.as_slice());
    handed.partition = record.partition;
    if !record.headers.is_empty() {
        let empty = OwnedHeaders::new_with_capacity(record.headers.len());
        let insert = |headers: OwnedHeaders, (key, value): &(&str, Vec<u8>)| {
            headers.insert(Header { key, value: Some(value) })
        };
        handed.headers = Some(record.headers.iter().fold(empty, insert));
    }
    handed
}

#[derive(Debug, Default)]
struct Counts {
    delivered: AtomicU64,
    failed: AtomicU64,
}

/// Counts delivery reports.
struct Reports(Arc<Counts>);

impl ClientContext for Reports {}

impl ProducerContext<NoCustomPartitioner> for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let counter = if result.is_ok() { &self.0.delivered } else { &self.0.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
