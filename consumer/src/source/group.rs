//! Membership: what the source does when partitions come and go, and when it leaves.

use super::{LEAVE_WAIT_MAX, LOOK, Message, REVOKE_WAIT_MAX, SHORT_LOOK, Source};
use crate::batch::Claim;
use crate::record::Partition;
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

/// A member that lost a claim comes back within this time, at random: two that fight would otherwise go on in step.
const REJOIN_WAIT_MAX: Duration = Duration::from_secs(3);

impl Source {
    /// A rebalance makes librdkafka fetch again from where it believes to be. Where an error was the last thing it handed
    /// out, it believes to be one record too far; then nothing more is read, and the table says where to go on.
    pub(super) fn distrust_positions(&mut self) {
        if !self.astray.is_empty() {
            self.end_batch_now();
            let Self { held, astray, .. } = self;
            held.retain(|held| !astray.contains(&held.partition));
            astray.clear();
            self.leave_to_rejoin("Kafka's client has lost its place");
        }
    }

    /// Has the pipeline claim what is assigned. The group is answered at once: until it is, librdkafka pauses what this
    /// member reads already, and the other members wait.
    pub(super) fn ask(&mut self, names: &[(String, i32)]) {
        let partitions = self.partitions(names);
        tracing::info!(?partitions, "assigned");
        if let Err(error) = self.consumer.incremental_assign(&TopicPartitionList::new()) {
            tracing::warn!(%error, "an assignment came too late");
        }
        self.assignments += 1;
        self.wanted.add(&partitions, self.assignments);
        self.outbox.push_back(Message::Assigned { partitions, assignment: self.assignments });
    }

    /// Starts fetching a partition, from the claimed offset. Its queue is forwarded before, so that no record goes
    /// astray, and again after, because stopping an earlier fetch of it undoes that.
    pub(super) fn assign(&mut self, held: Claim, assignment: u64) {
        if !self.wanted.has(held.partition, assignment) || self.assigned.contains(&held.partition) {
            return;
        }
        let mut list = TopicPartitionList::new();
        let topic = self.topics.of(held.partition.topic);
        let offset = KafkaOffset::Offset(held.position.0);
        list.add_partition_offset(topic, held.partition.number, offset)
            .expect("stored offsets are not negative");
        self.queue.forward(&list);
        if let Err(error) = self.consumer.incremental_assign(&list) {
            tracing::warn!(%error, partition = %held.partition, "a partition could not be fetched");
            return self.leave_to_rejoin("a claimed partition could not be fetched");
        }
        self.queue.forward(&list);
        self.assigned.push(held.partition);
        self.held.push(held);
    }

    /// Ends what is in flight for these partitions, and gives them up.
    pub(super) fn revoke(&mut self, names: &[(String, i32)]) {
        let partitions = self.partitions(names);
        tracing::info!(?partitions, "revoked");
        self.wanted.remove(&partitions);
        self.settle(&partitions, Instant::now() + REVOKE_WAIT_MAX);
        let mut list = TopicPartitionList::new();
        for partition in partitions.iter().filter(|partition| self.assigned.contains(partition)) {
            list.add_partition(self.topics.of(partition.topic), partition.number);
        }
        self.assigned.retain(|assigned| !partitions.contains(assigned));
        self.held.retain(|held| !partitions.contains(&held.partition));
        self.astray.retain(|astray| !partitions.contains(astray));
        partitions.iter().for_each(|partition| self.batch.forget(*partition));
        if let Err(error) = self.consumer.incremental_unassign(&list) {
            tracing::warn!(%error, "a revocation was not accepted");
        }
    }

    /// Hands everything over, gives these partitions up, and waits until the pipeline is done with both. What takes
    /// longer than that is left to the compare-and-set.
    fn settle(&mut self, partitions: &[Partition], deadline: Instant) {
        let (done, finished) = sync_channel(1);
        self.end_batch_now();
        self.outbox.push_back(Message::Revoked { partitions: partitions.to_vec(), done });
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        if !self.flush(deadline) || finished.recv_timeout(left(deadline)).is_err() {
            tracing::warn!(
                "a batch in flight was not waited for; whoever counts its records next decides what counts"
            );
        }
    }

    /// Leaves the group, to come back after a while: the one way to be assigned, and so to claim, again.
    pub(super) fn leave_to_rejoin(&mut self, why: &str) {
        if self.rejoin_at.is_none() {
            let spread = RandomState::new().hash_one(std::process::id());
            let wait = REJOIN_WAIT_MAX.mul_f64(f64::from(spread as u32) / f64::from(u32::MAX));
            tracing::warn!(?wait, why, "leaving the group, to join it again");
            self.rejoin_at = Some(Instant::now() + wait);
            self.consumer.unsubscribe();
        }
    }

    pub(super) fn rejoin_when_due(&mut self) {
        if self.rejoin_at.is_some_and(|at| at <= Instant::now()) && self.assigned.is_empty() {
            self.rejoin_at = None;
            if let Err(error) = self.consumer.subscribe(&self.topics.all()) {
                tracing::error!(%error, "the subscription was refused; this member ends");
                self.ended = true;
            }
        }
    }

    /// Finishes the batch and leaves the group.
    pub(super) fn leave(&mut self) {
        let deadline = Instant::now() + LEAVE_WAIT_MAX;
        self.settle(&[], deadline);
        self.take_orders();
        self.report_offsets(CommitMode::Sync);
        self.consumer.unsubscribe();
        while !self.assigned.is_empty() && !self.ended && Instant::now() < deadline {
            self.serve_events(SHORT_LOOK);
        }
        self.consumer.context().close();
        self.serve_events(LOOK);
    }

    fn partitions(&self, names: &[(String, i32)]) -> Vec<Partition> {
        let known = names.iter().filter_map(|(topic, number)| Some((self.topics.topic(topic)?, *number)));
        known.map(|(topic, number)| Partition { topic, number }).collect()
    }
}
