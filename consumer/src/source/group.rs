//! Membership in the consumer group: joining, being assigned partitions, leaving to join again.

use super::context::Context;
use super::wanted::Wanted;
use crate::record::Partition;
use crate::record::topic_names::TopicNames;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A member that left to join again does so within this time, at random: two members that fight for a partition would
/// otherwise go on in step.
const REJOIN_WAIT_MAX: Duration = Duration::from_secs(3);

/// The consumer group, as this member sees it.
pub struct Group {
    consumer: Arc<BaseConsumer<Context>>,
    topics: TopicNames,
    /// What the group assigns, claimed or not.
    wanted: Wanted,
    /// How many assignments there were; the latest has this number.
    assignments: u64,
    /// When to join again, after leaving for that.
    rejoin_at: Option<Instant>,
    /// Whether it has a name of its own by which the group knows it again (KIP-345).
    is_static: bool,
}

impl Group {
    /// Not a member yet.
    pub fn new(
        consumer: Arc<BaseConsumer<Context>>,
        topics: TopicNames,
        wanted: Wanted,
        is_static: bool,
    ) -> Self {
        Self { consumer, topics, wanted, assignments: 0, rejoin_at: None, is_static }
    }

    /// Joins the group.
    pub fn join(&self) -> Result<(), KafkaError> {
        self.consumer.subscribe(&self.topics.all())
    }

    /// Leaves the group for good; returns whether it tells the group. A static member doesn't: its partitions are kept for it
    /// until its session times out, so that a restart moves none.
    pub fn leave(&self) -> bool {
        self.wanted.leave();
        if !self.is_static {
            self.consumer.unsubscribe();
        }
        !self.is_static
    }

    /// Acknowledges an assignment and returns its number. The group is answered at once: until then librdkafka pauses what
    /// this member reads already, and the other members wait.
    pub fn accept(&mut self, partitions: &[Partition]) -> u64 {
        if let Err(error) = self.consumer.incremental_assign(&TopicPartitionList::new()) {
            tracing::warn!(%error, "an assignment came too late");
        }
        self.assignments += 1;
        self.wanted.add(partitions, self.assignments);
        self.assignments
    }

    /// Notes whether Kafka lets this client be in the group.
    pub fn forbidden(&self, is_forbidden: bool) {
        self.wanted.forbidden(is_forbidden);
    }

    /// Notes that partitions are taken away.
    pub fn give_up(&self, partitions: &[Partition]) {
        self.wanted.remove(partitions);
    }

    /// Whether the assignment of this number, which brought the partition, is still in force.
    pub fn wants(&self, partition: Partition, assignment: u64) -> bool {
        self.wanted.has(partition, assignment)
    }

    /// Leaves the group, to join it again after a while: the one way to be assigned, and so to claim, again.
    pub fn leave_to_rejoin(&mut self, why: &str) {
        if self.rejoin_at.is_none() {
            let spread = RandomState::new().hash_one(std::process::id());
            let wait = REJOIN_WAIT_MAX.mul_f64(f64::from(spread as u32) / f64::from(u32::MAX));
            tracing::warn!(?wait, why, "leaving the group, to join it again");
            self.rejoin_at = Some(Instant::now() + wait);
            self.wanted.leave();
            self.consumer.unsubscribe();
        }
    }

    /// Joins again if it is time to. To be called while nothing is fetched.
    pub fn rejoin_when_due(&mut self) -> Result<(), KafkaError> {
        if self.rejoin_at.is_some_and(|at| at <= Instant::now()) {
            self.rejoin_at = None;
            self.join()?;
        }
        Ok(())
    }
}
