//! The partitions that librdkafka fetches for this member, and the claims under which their records are folded.

use super::context::Context;
use super::folding::Fold;
use super::queue::{Fetched, RecordQueue};
use crate::batch::Claim;
use crate::record::topic_names::TopicNames;
use crate::record::{Offset, Partition, Raw};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often idle partitions' positions are looked at.
const POSITIONS_EVERY: Duration = Duration::from_millis(250);

/// What is fetched.
pub struct Fetching {
    consumer: Arc<BaseConsumer<Context>>,
    queue: RecordQueue<Context>,
    topics: TopicNames,
    /// What librdkafka fetches.
    partitions: Vec<Partition>,
    /// The claims of those that are read: all but partitions that broke.
    claims: Vec<Claim>,
    /// Partitions that had an error since their last record. librdkafka counts the error as a record, so the position it
    /// has of them is one too far.
    misplaced: HashSet<Partition>,
    positions_at: Instant,
}

/// What came of one look at the queue.
pub struct Taken {
    /// How many records and errors there were.
    pub count: usize,
    /// Partitions that can't be read any further, with the reason.
    pub broken: Vec<(Partition, String)>,
}

impl Fetching {
    /// Nothing is fetched yet.
    pub fn new(consumer: Arc<BaseConsumer<Context>>, topics: TopicNames) -> Self {
        Self {
            queue: RecordQueue::new(Arc::clone(&consumer)),
            consumer,
            topics,
            partitions: Vec::new(),
            claims: Vec::new(),
            misplaced: HashSet::new(),
            positions_at: Instant::now(),
        }
    }

    /// Whether librdkafka fetches nothing.
    pub fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }

    /// Whether librdkafka fetches this partition.
    pub fn has(&self, partition: Partition) -> bool {
        self.partitions.contains(&partition)
    }

    /// Starts fetching a partition from its claim's position. Its queue is forwarded before, so that no record goes astray,
    /// and again after, because stopping an earlier fetch of it undoes that.
    pub fn start(&mut self, claim: Claim) -> Result<(), KafkaError> {
        let mut list = TopicPartitionList::new();
        let topic = self.topics.of(claim.partition.topic);
        let offset = KafkaOffset::Offset(claim.position.0);
        list.add_partition_offset(topic, claim.partition.number, offset)
            .expect("stored offsets are not negative");
        self.queue.forward(&list);
        self.consumer.incremental_assign(&list)?;
        self.queue.forward(&list);
        self.partitions.push(claim.partition);
        self.claims.push(claim);
        Ok(())
    }

    /// Stops fetching partitions.
    pub fn stop(&mut self, partitions: &[Partition]) {
        let mut list = TopicPartitionList::new();
        for partition in partitions.iter().filter(|partition| self.has(**partition)) {
            list.add_partition(self.topics.of(partition.topic), partition.number);
        }
        self.partitions.retain(|fetched| !partitions.contains(fetched));
        self.claims.retain(|claim| !partitions.contains(&claim.partition));
        self.misplaced.retain(|misplaced| !partitions.contains(misplaced));
        if let Err(error) = self.consumer.incremental_unassign(&list) {
            tracing::warn!(%error, "Kafka's client did not accept a revocation");
        }
    }

    /// Folds what has arrived, waiting for it at most `wait`.
    pub fn take(&mut self, wait: Duration, fold: &mut Fold<'_>) -> Taken {
        let Self { queue, topics, claims, misplaced, .. } = self;
        let (mut broken, mut latest) = (Vec::new(), 0);
        let name = |topic: &str, number| Some(Partition { topic: topics.topic(topic)?, number });
        let count = queue.take(wait, name, |fetched| match fetched {
            Fetched::Record(raw) => {
                if let Some(claim) = claim_of(claims, &mut latest, raw.partition) {
                    fold.take(claim, &raw);
                    if !misplaced.is_empty() {
                        misplaced.remove(&raw.partition);
                    }
                }
            }
            Fetched::Trouble(partition, what) => {
                misplaced.insert(partition);
                tracing::warn!(%partition, "Kafka: {what}");
                metrics::counter!("consumer_kafka_errors_total").increment(1);
            }
            Fetched::Broken(partition, why) => {
                claims.retain(|claim| claim.partition != partition);
                broken.push((partition, why));
            }
        });
        Taken { count, broken }
    }

    /// Folds a record that arrived on the main queue, before its partition's queue was forwarded.
    pub fn take_stray(&mut self, raw: &Raw<'_>, fold: &mut Fold<'_>) {
        if let Some(claim) = claim_of(&mut self.claims, &mut 0, raw.partition) {
            fold.take(claim, raw);
        }
    }

    /// Moves idle partitions past transactions' markers, which are no records and are never handed out.
    pub fn follow_positions(&mut self, fold: &mut Fold<'_>) {
        if self.positions_at.elapsed() < POSITIONS_EVERY || self.claims.is_empty() {
            return;
        }
        self.positions_at = Instant::now();
        let Ok(positions) = self.consumer.position() else { return };
        for element in positions.elements() {
            let Some(topic) = self.topics.topic(element.topic()) else { continue };
            let partition = Partition { topic, number: element.partition() };
            if let KafkaOffset::Offset(position) = element.offset()
                && !self.misplaced.contains(&partition)
                && let Some(claim) = claim_of(&mut self.claims, &mut 0, partition)
            {
                fold.reach(claim, Offset(position));
            }
        }
    }

    /// Whether librdkafka has a wrong position of some partition.
    pub fn is_misplaced(&self) -> bool {
        !self.misplaced.is_empty()
    }

    /// Stops reading the partitions of which librdkafka has a wrong position.
    pub fn drop_misplaced(&mut self) {
        let Self { claims, misplaced, .. } = self;
        claims.retain(|claim| !misplaced.contains(&claim.partition));
        misplaced.clear();
    }
}

/// A partition's claim, if it is read. `latest` is where the last record's claim was found: most records follow one of
/// their own partition.
#[inline]
fn claim_of<'a>(claims: &'a mut [Claim], latest: &mut usize, partition: Partition) -> Option<&'a mut Claim> {
    if claims.get(*latest).is_none_or(|claim| claim.partition != partition) {
        *latest = claims.iter().position(|claim| claim.partition == partition)?;
    }
    claims.get_mut(*latest)
}
