//! Claims: from an assignment to the order to fetch from where the table says.

use super::Running;
use crate::batch::Claim;
use crate::decide::held_partition::HeldPartition;
use crate::decide::outcome::StoredProgress;
use crate::record::{Offset, Partition, Topic};
use crate::refused::allowance::Allowance;
use crate::source::{Ends, KafkaError, Order, StartOffset};
use crate::store::{ClaimedProgress, Connection};
use chrono::Utc;
use std::collections::{BTreeMap, HashMap};

/// Where partitions start, and the epoch of the claim under which that was learned.
type Starts = BTreeMap<Partition, (i64, Offset)>;

impl Running {
    /// Claims what is assigned, and has it fetched. What can't be started now, because Kafka doesn't say where it
    /// starts, stays for the next round; the others don't wait for it.
    pub(super) async fn claim(&mut self) {
        let wanted = &self.wanted;
        self.unclaimed.retain(|partition, assignment| wanted.has(*partition, *assignment));
        let partitions: Vec<Partition> = self.unclaimed.keys().copied().collect();
        if partitions.is_empty() {
            return;
        }
        self.written().await;
        let now = self.ask_kafka(|ends| Ok(ends.topic_ids())).await.unwrap_or_default();
        let owner = self.owner.clone();
        let claim =
            async |connection: &mut Connection| connection.claim_partitions(&partitions, &owner).await;
        let claimed = self.store.until_done("claiming partitions", claim).await;
        let layouts = claimed.iter().map(|claimed| (claimed.partition, claimed.layout)).collect();
        let (mut starts, mut unread) = (Starts::new(), Vec::new());
        for claimed in &claimed {
            let partition = claimed.partition;
            match claimed.next_offset {
                Some(_) if self.is_another_topic(claimed, &now) => {
                    self.unclaimed.remove(&partition);
                }
                Some(offset) => {
                    starts.insert(partition, (claimed.epoch, offset));
                }
                None => unread.push((partition, claimed.epoch)),
            }
        }
        self.topic_ids.extend(now);
        starts.extend(self.resolve_starts(&unread).await);
        self.hold(starts, &layouts).await;
    }

    /// Whether the topic was made anew since the partition was read last: then its offsets mean something else. Says
    /// so, and leaves the partition out.
    fn is_another_topic(&mut self, claimed: &ClaimedProgress, now: &HashMap<Topic, String>) -> bool {
        let Some(stored) = &claimed.topic_id else { return false };
        // Where the id can't be learned just now, the next look at the topics compares with what was stored.
        let now = now.get(&claimed.partition.topic);
        self.topic_ids.entry(claimed.partition.topic).or_insert_with(|| stored.clone());
        let other = now.filter(|now| *now != stored);
        if let Some(now) = other {
            self.stop(claimed.partition, &made_anew(stored, now));
        }
        other.is_some()
    }

    /// Takes the topics' ids in; partitions of a topic that was made anew under this member stop.
    pub(super) fn recognize(&mut self, now: HashMap<Topic, String>) {
        for (topic, now) in now {
            if let Some(before) = self.topic_ids.insert(topic, now.clone()).filter(|before| *before != now) {
                let held: Vec<Partition> =
                    self.member.held().keys().copied().filter(|held| held.topic == topic).collect();
                held.into_iter().for_each(|partition| self.stop(partition, &made_anew(&before, &now)));
            }
        }
    }

    async fn hold(&mut self, starts: Starts, layouts: &HashMap<Partition, i32>) {
        let ids: Vec<(Partition, String)> = starts
            .keys()
            .filter_map(|partition| Some((*partition, self.topic_ids.get(&partition.topic)?.clone())))
            .collect();
        let note = async |connection: &mut Connection| connection.store_topic_ids(&ids).await;
        self.store.until_done("noting topic ids", note).await;
        let claimed: Vec<Partition> = starts.keys().copied().collect();
        let read = async |connection: &mut Connection| connection.tails(&claimed).await;
        let tails = self.store.until_done("reading the ledger's tails", read).await;
        // Claimed, so nobody else adds to them: a member that starts again and again goes on with what is left.
        let count = async |connection: &mut Connection| connection.letters_of_this_hour(&claimed).await;
        let spent = self.store.until_done("counting this hour's dead letters", count).await;
        let now = Utc::now().timestamp();
        for (partition, (epoch, position)) in starts {
            let Some(assignment) = self.unclaimed.remove(&partition) else { continue };
            let layout = layouts.get(&partition).copied().unwrap_or_default();
            let tail = tails.get(&partition).map_or(&[][..], Vec::as_slice);
            self.member.hold(partition, HeldPartition::claimed(epoch, layout, position), tail);
            self.readiness.forget(&self.condition(partition));
            let allowance = Allowance::spent(now, spent.get(&partition).copied().unwrap_or(0));
            let held = Claim { partition, epoch, position, allowance };
            self.undelivered.push_back(Order::Fetch { held, assignment });
        }
        self.deliver();
        self.meters.partitions(self.member.held().len());
    }

    /// Where partitions that were never read start: resolved by Kafka, stored before anything of them is read. Those
    /// Kafka has no answer for are left out.
    async fn resolve_starts(&mut self, unread: &[(Partition, i64)]) -> Starts {
        let mut starts = Starts::new();
        for topic in Topic::ALL {
            let ours =
                unread.iter().map(|(partition, _)| *partition).filter(|partition| partition.topic == topic);
            let ours: Vec<Partition> = ours.collect();
            if !ours.is_empty()
                && (self.start_offset == StartOffset::Earliest || self.start_at_ends(topic).await)
            {
                starts.extend(self.store_starts(&ours, StartOffset::Earliest).await);
            }
        }
        // A claim that was lost since has another's epoch: what is read there is not this member's to say.
        starts.retain(|partition, (epoch, _)| unread.contains(&(*partition, *epoch)));
        starts
    }

    /// Stores the ends of a topic no partition of which was ever read as where they start; whether that is settled. The
    /// whole topic at once: a member that comes later must not find some partitions read, and take the others for new
    /// ones.
    async fn start_at_ends(&mut self, topic: Topic) -> bool {
        let was_read = async |connection: &mut Connection| connection.was_read(topic).await;
        if self.store.until_done("looking for progress", was_read).await {
            return true;
        }
        let Some(all) = self.ask_kafka(move |ends| ends.partitions(topic)).await else { return false };
        let stored = self.store_starts(&all, StartOffset::Latest).await;
        !stored.is_empty() && stored.len() == all.len()
    }

    async fn store_starts(&mut self, partitions: &[Partition], which: StartOffset) -> Starts {
        let asked = partitions.to_vec();
        let starts = self.ask_kafka(move |ends| ends.offsets(&asked, which)).await.unwrap_or_default();
        let whole_topic = which == StartOffset::Latest;
        if starts.is_empty() || (whole_topic && starts.len() < partitions.len()) {
            return Starts::new();
        }
        let store = async |connection: &mut Connection| connection.store_starts(&starts, whole_topic).await;
        let standing = self.store.until_done("storing where partitions start", store).await;
        let started =
            |(partition, StoredProgress { epoch, next_offset })| Some((partition, (epoch, next_offset?)));
        standing.into_iter().filter_map(started).collect()
    }

    /// Asks Kafka once, without holding the runtime up; no answer is said in log and readiness.
    async fn ask_kafka<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Ends) -> Result<T, KafkaError> + Send + 'static,
    ) -> Option<T> {
        let ends = self.ends.clone();
        match tokio::task::spawn_blocking(move || question(&ends)).await.ok()? {
            Ok(answer) => Some(answer),
            Err(error) => {
                tracing::warn!(%error, "Kafka does not answer; asking again");
                self.readiness.bad("kafka", error.to_string());
                None
            }
        }
    }
}

fn made_anew(stored: &str, now: &str) -> String {
    format!("the topic was made anew (its id was {stored}, it is {now})")
}
