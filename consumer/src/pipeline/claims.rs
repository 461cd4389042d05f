//! Claiming assigned partitions, stage by stage: their rows in the database, where each starts, and what a member must
//! have read before it holds one.

use super::assignments::Assignments;
use super::kafka::Kafka;
use super::layouts::LayoutsLearned;
use crate::batch::Claim;
use crate::clock::Clock;
use crate::decide::held_partition::HeldPartition;
use crate::decide::outcome::StoredProgress;
use crate::ledger::segment::Segment;
use crate::record::layouts::{Reading, Standing};
use crate::record::{Offset, Partition, Topic};
use crate::refused::allowance::Allowance;
use crate::source::StartOffset;
use crate::store::{ClaimedPartition, ClaimedProgress, Connection, Incarnation, Store};
use std::collections::HashMap;

/// Claims partitions in the database, and asks Kafka for the start offsets of partitions never read.
pub struct Claims<'a> {
    /// PostgreSQL.
    pub store: &'a mut Store,
    /// Kafka.
    pub kafka: &'a mut Kafka,
    /// The database's clock.
    pub clock: &'a Clock,
}

/// Partitions whose epoch was raised.
pub struct Claimed {
    /// Those whose topic is the one that was read before, or was never read.
    pub rows: Vec<ClaimedProgress>,
    /// What they were claimed in.
    pub incarnation: Incarnation,
    /// Those of topics that were made anew, each with a sentence: their stored offsets belong to the deleted topic.
    pub made_anew: Vec<(ClaimedProgress, String)>,
    /// Topics that were made anew while this member held partitions of them.
    pub topics_made_anew: Vec<(Topic, String)>,
}

/// What came of claimed partitions.
pub struct Settled {
    /// Those that can be held and fetched.
    pub holdable: Vec<Holdable>,
    /// Those that wait at the end of a layout, with the partitions they wait for.
    pub waiting: Vec<(Partition, Vec<i32>)>,
}

/// A claimed partition that can be held and fetched.
pub struct Holdable {
    /// The partition, as the member holds it.
    pub held: HeldPartition,
    /// The rows of its ledger's tail, read under the claim.
    pub tail: Vec<Vec<Segment>>,
    /// The claim, for the source.
    pub claim: Claim,
}

impl Claims<'_> {
    /// The first stage: raises the epochs of the partitions that are still wanted. While PostgreSQL is away they may move to
    /// other members, whom a claim would fence off, so each try asks anew. `current` are Kafka's ids of the topics now, as
    /// far as it tells.
    pub async fn claim(
        &mut self,
        assignments: &mut Assignments,
        current: &HashMap<Topic, String>,
    ) -> Claimed {
        let claim = async |connection: &mut Connection| {
            let wanted = assignments.still_wanted();
            connection.claim_partitions(&wanted, &assignments.owner).await
        };
        let (claimed, incarnation) = self.store.until_done("claiming partitions", claim).await;
        let (mut rows, mut made_anew) = (Vec::new(), Vec::new());
        for row in claimed {
            if let (Some(_), Some(stored)) = (row.next_offset, &row.topic_id) {
                self.kafka.stored_topic_id(row.partition.topic, stored);
                // Where Kafka doesn't give the id now, the next round compares it with the stored one.
                if let Some(now) = current.get(&row.partition.topic).filter(|now| *now != stored) {
                    let why = topic_made_anew(stored, now);
                    made_anew.push((row, why));
                    continue;
                }
            }
            rows.push(row);
        }
        Claimed { rows, incarnation, made_anew, topics_made_anew: recognize(self.kafka, current) }
    }

    /// The second stage: finds where the claimed partitions start. If only Kafka can tell, and it doesn't answer, a
    /// partition is left out. It stays unclaimed until the next round, and the others don't wait for it.
    pub async fn starts(&mut self, claimed: &[ClaimedProgress]) -> Vec<ClaimedPartition> {
        let at = |row: &ClaimedProgress, position| ClaimedPartition {
            partition: row.partition,
            epoch: row.epoch,
            position,
            leader_epoch: row.leader_epoch,
        };
        let known = claimed.iter().filter_map(|row| Some(at(row, row.next_offset?)));
        let mut starts: Vec<ClaimedPartition> = known.collect();
        let never_read: Vec<&ClaimedProgress> =
            claimed.iter().filter(|row| row.next_offset.is_none()).collect();
        for (partition, epoch, position) in self.first_starts(&never_read).await {
            // Another epoch is another member's claim, which has come in between: it reads the partition, not this one.
            let row = never_read.iter().find(|row| row.partition == partition && row.epoch == epoch);
            starts.extend(row.map(|row| at(row, position)));
        }
        starts.sort_unstable_by_key(|start| start.partition);
        starts
    }

    /// The third stage: looks how the partitions stand among the layouts, and reads the tails and this
    /// hour's dead letters of those that can be read. It must follow the claim, after which no other member adds to them.
    pub async fn settle(&mut self, starts: &[ClaimedPartition]) -> Settled {
        let mut layouts = LayoutsLearned { store: self.store, kafka: self.kafka };
        let standings = layouts.standings(starts).await;
        let (mut open, mut waiting) = (Vec::new(), Vec::new());
        for start in starts {
            match standings.get(&start.partition) {
                Some(Standing::Open(reading)) => open.push((*start, *reading)),
                Some(Standing::Waits { behind, .. }) => waiting.push((start.partition, behind.clone())),
                None => {}
            }
        }
        Settled { holdable: self.holdable(&open).await, waiting }
    }

    async fn holdable(&mut self, open: &[(ClaimedPartition, Reading)]) -> Vec<Holdable> {
        let partitions: Vec<Partition> = open.iter().map(|(start, _)| start.partition).collect();
        let tails = async |connection: &mut Connection| connection.tails(&partitions).await;
        let mut tails = self.store.until_done("reading the ledger's tails", tails).await;
        // A member that starts again within the hour must not have the whole allowance once more.
        let count = async |connection: &mut Connection| connection.letters_of_this_hour(&partitions).await;
        let spent = self.store.until_done("counting this hour's dead letters", count).await;
        let now = self.clock.latest().timestamp();
        let holdable = |(start, reading): &(ClaimedPartition, Reading)| {
            let ClaimedPartition { partition, epoch, position, leader_epoch } = *start;
            let spread = self.kafka.spread(partition.topic, reading.partitions);
            let allowance = Allowance::spent(now, spent.get(&partition).copied().unwrap_or(0));
            Holdable {
                held: HeldPartition::claimed(epoch, *reading, position),
                tail: tails.remove(&partition).unwrap_or_default(),
                claim: Claim {
                    partition,
                    epoch,
                    position,
                    until: reading.until,
                    leader_epoch,
                    spread,
                    allowance,
                },
            }
        };
        open.iter().map(holdable).collect()
    }

    /// For each partition never read: its first offset and its claim's epoch. The offset is stored before any record is
    /// read.
    async fn first_starts(&mut self, never_read: &[&ClaimedProgress]) -> Vec<(Partition, i64, Offset)> {
        let mut settled = Vec::new();
        for topic in Topic::ALL {
            let of_topic = never_read.iter().map(|row| row.partition).filter(|at| at.topic == topic);
            let of_topic: Vec<Partition> = of_topic.collect();
            if !of_topic.is_empty() && self.settle_start(topic).await {
                settled.extend(of_topic);
            }
        }
        if settled.is_empty() {
            return Vec::new();
        }
        // Of all topics at once: a broker that doesn't answer is waited for once.
        self.store_starts(&settled, StartOffset::Earliest).await
    }

    /// Stores the ends of all the topic's partitions as their starts, if [`StartOffset::Latest`] applies: it is set, and no
    /// partition of the topic was ever read. Returns whether partitions still without a start may begin at the earliest
    /// offset.
    ///
    /// The ends are stored together: otherwise a later member could find some partitions read, and take the others for
    /// newly added ones.
    async fn settle_start(&mut self, topic: Topic) -> bool {
        if self.kafka.start_offset() == StartOffset::Earliest {
            return true;
        }
        let was_read = async |connection: &mut Connection| connection.was_read(topic).await;
        if self.store.until_done("looking for progress", was_read).await {
            return true;
        }
        let Some(all) = self.kafka.ask(move |ends| ends.partitions(topic)).await else { return false };
        let stored = self.store_starts(&all, StartOffset::Latest).await;
        !stored.is_empty() && stored.len() == all.len()
    }

    /// Asks Kafka for the partitions' offsets and stores those as their starts. [`StartOffset::Latest`] is stored for all of
    /// them or for none.
    async fn store_starts(
        &mut self,
        partitions: &[Partition],
        which: StartOffset,
    ) -> Vec<(Partition, i64, Offset)> {
        let asked = partitions.to_vec();
        let offsets = self.kafka.ask(move |ends| ends.offsets(&asked, which)).await.unwrap_or_default();
        let whole_topic = which == StartOffset::Latest;
        if offsets.is_empty() || (whole_topic && offsets.len() < partitions.len()) {
            return Vec::new();
        }
        let store = async |connection: &mut Connection| connection.store_starts(&offsets, whole_topic).await;
        let stored = self.store.until_done("storing where partitions start", store).await;
        let start = |(partition, StoredProgress { epoch, next_offset })| {
            next_offset.map(|position| (partition, epoch, position))
        };
        stored.into_iter().filter_map(start).collect()
    }
}

/// Says why a partition stops: its topic has another id than before.
#[must_use]
pub fn topic_made_anew(before: &str, now: &str) -> String {
    format!(
        "the topic was deleted and made anew (its id was {before}, now it is {now}); decide by `consumer progress reset --to \
         earliest`"
    )
}

/// Notes the topics' ids. Returns each topic whose id has changed, with a sentence that says so.
pub fn recognize(kafka: &mut Kafka, found: &HashMap<Topic, String>) -> Vec<(Topic, String)> {
    let changed = |(topic, now): (&Topic, &String)| {
        kafka.learn_topic_id(*topic, now).map(|before| (*topic, topic_made_anew(&before, now)))
    };
    found.iter().filter_map(changed).collect()
}
