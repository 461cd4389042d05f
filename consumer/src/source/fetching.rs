//! The partitions that librdkafka fetches for this member, and the claims under which their records are folded.

use super::breaks::Break;
use super::context::Context;
use super::folding::Fold;
use super::queue::{self, Fetched, RecordQueue};
use crate::batch::Claim;
use crate::decide::narrowing::Caution;
use crate::limits::POLL_WAIT;
use crate::measure::KAFKA_ERRORS;
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

/// How long librdkafka may take to answer whether it seeks. It asks nobody for that.
const SEEK_WAIT_MAX: Duration = Duration::from_millis(100);
/// The first pause before positions are tried to be validated again; it doubles each time.
const VALIDATE_PAUSE: Duration = Duration::from_millis(2);
/// The longest such pause: while Kafka is away, say.
const VALIDATE_PAUSE_MAX: Duration = Duration::from_millis(256);

/// What is fetched.
pub struct Fetching {
    consumer: Arc<BaseConsumer<Context>>,
    queue: RecordQueue<Context>,
    topics: TopicNames,
    /// What librdkafka fetches.
    partitions: Vec<Partition>,
    /// The claims of those that are read: all but partitions that broke, and those of which the position is not validated.
    claims: Vec<Claim>,
    /// The claims of partitions that librdkafka fetches, and has not been told to validate the position of yet: nothing of
    /// them is read.
    unvalidated: Vec<Claim>,
    /// When that is tried again, and how long it is waited for after that.
    validate_at: Instant,
    validate_pause: Duration,
    /// How some of those are read: few records, one of which may be refused. Most often there are none.
    cautions: Vec<(Partition, Caution)>,
    /// Partitions that had an error since their last record. librdkafka counts the error as a record, so the position it
    /// has of them is one too far.
    misplaced: HashSet<Partition>,
    positions_at: Instant,
}

/// What came of one look at the queue.
pub struct Taken {
    /// How many records and errors there were.
    pub count: usize,
    /// Partitions that have reached the end of their layout, with their claims' epochs.
    pub ended: Vec<(Partition, i64)>,
    /// Whether a partition's records under its caution are complete: no more of them are read before it is claimed anew.
    pub is_complete: bool,
    /// Partitions that can't be read any further, with their claims' epochs and the reason.
    pub broken: Vec<(Partition, i64, Break)>,
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
            unvalidated: Vec::new(),
            validate_at: Instant::now(),
            validate_pause: VALIDATE_PAUSE,
            cautions: Vec::new(),
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
    ///
    /// # Errors
    /// When librdkafka refuses the assignment. Then it doesn't fetch the partition.
    pub fn start(&mut self, claim: Claim, caution: Option<Caution>) -> Result<(), KafkaError> {
        let mut list = TopicPartitionList::new();
        let topic = self.topics.of(claim.partition.topic);
        let offset = KafkaOffset::Offset(claim.position.0);
        list.add_partition_offset(topic, claim.partition.number, offset)?;
        self.queue.forward(&list);
        self.consumer.incremental_assign(&list)?;
        self.queue.forward(&list);
        self.partitions.push(claim.partition);
        self.cautions.extend(caution.map(|caution| (claim.partition, caution)));
        match claim.leader_epoch {
            Some(_) => {
                self.unvalidated.push(claim);
                (self.validate_at, self.validate_pause) = (Instant::now(), VALIDATE_PAUSE);
            }
            None => self.claims.push(claim),
        }
        Ok(())
    }

    /// How long to wait for records at most: until positions are due to be validated again.
    pub fn wait(&self) -> Duration {
        let is_validating = !self.unvalidated.is_empty();
        if is_validating { self.validate_at.saturating_duration_since(Instant::now()) } else { POLL_WAIT }
    }

    /// Has positions compared with the leader's history of epochs: if the log went back before one, its partition breaks
    /// (KIP-320). librdkafka compares when it seeks, and not when it is assigned a position. So this seeks to where the fetch
    /// begins, and drops what was fetched until then. librdkafka begins a fetch in a thread of its own, and refuses to seek until
    /// it has, and again once the partition has broken; so a refusal is followed by another attempt at the next turn.
    fn validate(&mut self) {
        if self.unvalidated.is_empty() || Instant::now() < self.validate_at {
            return;
        }
        for claim in std::mem::take(&mut self.unvalidated) {
            match self.seek(&claim) {
                Ok(()) => self.claims.push(claim),
                Err(error) => {
                    tracing::debug!(%error, partition = %claim.partition, "a position is not validated yet");
                    self.unvalidated.push(claim);
                }
            }
        }
        self.validate_at = Instant::now() + self.validate_pause;
        self.validate_pause = (self.validate_pause * 2).min(VALIDATE_PAUSE_MAX);
    }

    fn seek(&self, claim: &Claim) -> Result<(), KafkaError> {
        let mut list = TopicPartitionList::new();
        let (topic, number) = (self.topics.of(claim.partition.topic), claim.partition.number);
        list.add_partition_offset(topic, number, KafkaOffset::Offset(claim.position.0))?;
        if let Some(epoch) = claim.leader_epoch {
            queue::set_leader_epoch(&mut list, topic, number, epoch);
        }
        let sought = self.consumer.seek_partitions(list, SEEK_WAIT_MAX)?;
        sought.elements().iter().try_for_each(rdkafka::topic_partition_list::TopicPartitionListElem::error)
    }

    /// Stops fetching partitions.
    pub fn stop(&mut self, partitions: &[Partition]) {
        let mut list = TopicPartitionList::new();
        for partition in partitions.iter().filter(|partition| self.has(**partition)) {
            list.add_partition(self.topics.of(partition.topic), partition.number);
        }
        self.partitions.retain(|fetched| !partitions.contains(fetched));
        self.claims.retain(|claim| !partitions.contains(&claim.partition));
        self.unvalidated.retain(|claim| !partitions.contains(&claim.partition));
        self.cautions.retain(|(partition, _)| !partitions.contains(partition));
        self.misplaced.retain(|misplaced| !partitions.contains(misplaced));
        if let Err(error) = self.consumer.incremental_unassign(&list) {
            tracing::warn!(%error, "Kafka's client did not accept a revocation");
        }
    }

    /// Folds what has arrived, waiting for it at most `wait`.
    pub fn take(&mut self, wait: Duration, fold: &mut Fold<'_>) -> Taken {
        self.validate();
        let Self { queue, topics, claims, unvalidated, cautions, misplaced, .. } = self;
        let (mut broken, mut latest, mut is_complete) = (Vec::new(), 0, false);
        let name = |topic: &str, number| Some(Partition { topic: topics.topic(topic)?, number });
        let count = queue.take(wait, name, |fetched| match fetched {
            Fetched::Record(raw) => {
                if let Some(claim) = claim_of(claims, &mut latest, raw.partition) {
                    if !misplaced.is_empty() {
                        misplaced.remove(&raw.partition);
                    }
                    if cautions.is_empty() {
                        fold.take(claim, &raw);
                    } else if take_cautiously(cautions, claim, &raw, fold) {
                        claims.retain(|claim| claim.partition != raw.partition);
                        is_complete = true;
                    }
                }
            }
            Fetched::Trouble(partition, what) => {
                misplaced.insert(partition);
                let (topic, partition) = (topics.of(partition.topic), partition.number);
                tracing::warn!(target: "kafka", topic, partition, error = what, "Kafka has trouble with a partition");
                metrics::counter!(KAFKA_ERRORS).increment(1);
            }
            // A member doesn't ask for it.
            Fetched::End => {}
            Fetched::Broken(partition, why) => {
                // librdkafka reports the same error again: there is no claim then.
                let give_up = |claims: &mut Vec<Claim>| {
                    let index = claims.iter().position(|claim| claim.partition == partition)?;
                    Some(claims.swap_remove(index).epoch)
                };
                if let Some(epoch) = give_up(claims).or_else(|| give_up(unvalidated)) {
                    broken.push((partition, epoch, why));
                }
            }
        });
        Taken { count, ended: self.ended(), is_complete, broken }
    }

    /// The partitions that have reached the end of their layout.
    fn ended(&self) -> Vec<(Partition, i64)> {
        let ended = self.claims.iter().filter(|claim| claim.ends_before(claim.position));
        ended.map(|claim| (claim.partition, claim.epoch)).collect()
    }

    /// Folds a record that arrived on the main queue, because its partition's queue was not forwarded yet, or librdkafka has
    /// undone that: it does so when it begins to fetch, which may be later than `start`. So the queue is forwarded again.
    /// Returns what [`Taken::is_complete`] says.
    pub fn take_stray(&mut self, raw: &Raw<'_>, fold: &mut Fold<'_>) -> bool {
        let Some(claim) = claim_of(&mut self.claims, &mut 0, raw.partition) else { return false };
        let is_complete = take_cautiously(&mut self.cautions, claim, raw, fold);
        if is_complete {
            self.claims.retain(|claim| claim.partition != raw.partition);
        }
        let mut list = TopicPartitionList::new();
        list.add_partition(self.topics.of(raw.partition.topic), raw.partition.number);
        self.queue.forward(&list);
        is_complete
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
                let epoch = queue::leader_epoch(&positions, element.topic(), element.partition());
                fold.reach(claim, Offset(position), epoch);
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

/// Folds a record as its partition's caution says. Returns whether no more of the partition may be read under its claim.
#[cold]
fn take_cautiously(
    cautions: &mut Vec<(Partition, Caution)>,
    claim: &mut Claim,
    raw: &Raw<'_>,
    fold: &mut Fold<'_>,
) -> bool {
    let index = cautions.iter().position(|(partition, _)| *partition == claim.partition);
    let Some((index, (_, caution))) = index.and_then(|index| Some((index, cautions.get_mut(index)?))) else {
        fold.take(claim, raw);
        return false;
    };
    if raw.offset < claim.position {
        return false; // it was folded before
    }
    match &caution.unstorable {
        Some(unstorable) if unstorable.offset == raw.offset => {
            fold.take_unstorable(claim, raw, &unstorable.why);
        }
        Some(_) | None => fold.take(claim, raw),
    }
    caution.records_max = caution.records_max.saturating_sub(1);
    let is_complete = caution.records_max == 0;
    if is_complete {
        cautions.swap_remove(index);
    }
    is_complete
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

#[cfg(test)]
mod tests {
    use super::super::folding::Folding;
    use super::super::settings::Settings;
    use super::*;
    use crate::clock::{self, Clock};
    use crate::floor::SharedFloor;
    use crate::record::Topic;
    use crate::record::identity::Fingerprints;
    use crate::refused::allowance::Allowance;
    use clap::Parser as _;
    use rdkafka::mocking::MockCluster;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        clock: clock::Settings,
    }

    const EVENTS: Partition = Partition { topic: Topic::Events, number: 0 };

    /// What fetches from these brokers, and what its records are folded into.
    fn fetching(brokers: &str) -> (Fetching, Folding) {
        let Line { settings, clock } = Line::parse_from(["consumer", "--kafka-brokers", brokers]);
        let consumer = Arc::new(settings.config().create_with_context(Context::default()).unwrap());
        let fetching = Fetching::new(consumer, settings.topics.clone());
        let fingerprints = Fingerprints::keyed(&[0; 16]);
        (fetching, Folding::new(settings, fingerprints, SharedFloor::new(0), Clock::new(clock)))
    }

    /// A claim of a position after a record of the leader's first epoch.
    fn claim(position: i64) -> Claim {
        Claim {
            partition: EVENTS,
            epoch: 1,
            position: Offset(position),
            until: None,
            leader_epoch: Some(0),
            spread: None,
            allowance: Allowance::spent(0, 0),
        }
    }

    #[test]
    fn what_could_not_be_validated_is_given_back_and_can_be_fetched_again() {
        let (mut fetching, mut folding) = fetching("127.0.0.1:1");
        for _ in 0..2 {
            fetching.start(claim(7), None).expect("an assignment");
            let taken = fetching.take(POLL_WAIT, &mut folding.fold());
            assert!(taken.broken.is_empty() && fetching.has(EVENTS) && !fetching.is_empty());
            fetching.stop(&[EVENTS]);
            assert!(fetching.is_empty() && fetching.wait() == POLL_WAIT, "nothing is left to validate");
        }
    }

    #[test]
    fn a_partition_breaks_whether_its_position_is_validated_before_or_after_kafka_refuses_it() {
        for is_refused_first in [false, true] {
            let kafka = MockCluster::new(1).unwrap();
            kafka.create_topic("business-metrics.events.v1", 1, 1).unwrap();
            let (mut fetching, mut folding) = fetching(&kafka.bootstrap_servers());
            fetching.start(claim(1_000_000), None).expect("an assignment");
            let deadline = Instant::now() + Duration::from_secs(30);
            while is_refused_first && fetching.queue.is_empty() {
                assert!(Instant::now() < deadline, "Kafka refuses an offset beyond the end");
                std::thread::yield_now();
            }
            let broken = loop {
                let broken = fetching.take(POLL_WAIT, &mut folding.fold()).broken;
                if !broken.is_empty() {
                    break broken;
                }
                assert!(Instant::now() < deadline, "the partition breaks");
            };
            assert!(matches!(&*broken, [(EVENTS, 1, Break::Missing(_))]), "{broken:?}");
        }
    }
}
