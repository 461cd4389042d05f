//! The partitions' progress: a row for each, claiming them, and reading them after a doubtful commit.

use super::fenced_transaction::seconds_or_min;
use super::primary::{INCARNATION, Incarnation, epoch_step};
use super::{Connection, Error};
use crate::decide::outcome::StoredProgress;
use crate::record::{Offset, Partition, Topic};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use tokio_postgres::Row;

/// A partition's progress at the moment of its claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedProgress {
    /// Which partition.
    pub partition: Partition,
    /// The claim's epoch.
    pub epoch: i64,
    /// The offset of the next record to count; `None` if the partition was never read.
    pub next_offset: Option<Offset>,
    /// Kafka's id of the topic when it was last read, if known.
    pub topic_id: Option<String>,
    /// The leader's epoch of the record before `next_offset`, if known.
    pub leader_epoch: Option<i32>,
    /// The instant through which the partition is complete, if it ever was.
    pub complete_through: Option<DateTime<Utc>>,
}

/// Makes members store the start of a topic one after the other.
const START_LOCK: i64 = 0x6d65_7472_6963_7301;

impl Connection {
    /// Makes sure that every partition of the configured topics has a row. Existing rows are not touched: an upsert would
    /// wait for the transaction that is moving them.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn discover(&mut self, partitions: &[Partition]) -> Result<(), Error> {
        let (topics, numbers) = self.columns(partitions);
        let insert = "insert into consumer_progress (topic, kafka_partition) \
                      select * from unnest($1::text[], $2::integer[]) as w (topic, kafka_partition) \
                      where not exists (select from consumer_progress p \
                                        where p.topic = w.topic and p.kafka_partition = w.kafka_partition) \
                      order by 1, 2 on conflict do nothing";
        self.client.execute(insert, &[&topics, &numbers]).await?;
        Ok(())
    }

    /// Claims partitions for `owner`, and says where. From then on the earlier claim can't write any more. Waits for a
    /// transaction under the earlier claim to end, and sees its effect.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn claim_partitions(
        &mut self,
        partitions: &[Partition],
        owner: &str,
    ) -> Result<(Vec<ClaimedProgress>, Incarnation), Error> {
        self.discover(partitions).await?;
        let (topics, numbers) = self.columns(partitions);
        let transaction = self.client.transaction().await?;
        transaction.query(&self.statements.lock_progress, &[&topics, &numbers]).await?;
        let claim = "update consumer_progress p set epoch = p.epoch + $4, owner = $3, claimed_at = now(), updated_at = now(), \
                            claim_schema = $5, claim_schema_epoch = p.epoch + $4 \
                     from unnest($1::text[], $2::integer[]) as w (topic, kafka_partition) \
                     where p.topic = w.topic and p.kafka_partition = w.kafka_partition \
                     returning p.topic, p.kafka_partition, p.epoch, p.next_offset, p.topic_id, p.leader_epoch, \
                               p.complete_through";
        let rows = transaction
            .query(claim, &[&topics, &numbers, &owner, &epoch_step(), &migrations::NEWEST])
            .await?;
        let incarnation = transaction.query_one(&format!("select {INCARNATION}"), &[]).await?;
        transaction.commit().await?;
        let claimed = rows.iter().filter_map(|row| self.claimed(row)).collect();
        Ok((claimed, Incarnation::at(&incarnation, 0)))
    }

    /// Whether any partition of the topic was ever read.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn was_read(&mut self, topic: Topic) -> Result<bool, Error> {
        let query =
            "select exists (select from consumer_progress where topic = $1 and next_offset is not null)";
        Ok(self.client.query_one(query, &[&self.topics.of(topic)]).await?.get(0))
    }

    /// Stores the start offsets of partitions never read. Returns the stored offsets, which may be another member's. With
    /// `only_if_topic_unread` nothing is stored for a topic if one of its partitions was read meanwhile.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn store_starts(
        &mut self,
        starts: &[(Partition, Offset)],
        only_if_topic_unread: bool,
    ) -> Result<HashMap<Partition, StoredProgress>, Error> {
        let partitions: Vec<_> = starts.iter().map(|(partition, _)| *partition).collect();
        let (topics, numbers) = self.columns(&partitions);
        let offsets: Vec<i64> = starts.iter().map(|(_, offset)| offset.0).collect();
        let transaction = self.client.transaction().await?;
        transaction.execute("select pg_advisory_xact_lock($1)", &[&START_LOCK]).await?;
        let store = "insert into consumer_progress as p (topic, kafka_partition, next_offset) \
                     select w.* from unnest($1::text[], $2::integer[], $3::bigint[]) as w (topic, kafka_partition, next_offset) \
                     where not $4 or not exists (select from consumer_progress o \
                                                 where o.topic = w.topic and o.next_offset is not null) \
                     order by 1, 2 \
                     on conflict (topic, kafka_partition) do update \
                     set next_offset = excluded.next_offset, updated_at = excluded.updated_at \
                     where p.next_offset is null";
        transaction.execute(store, &[&topics, &numbers, &offsets, &only_if_topic_unread]).await?;
        transaction.commit().await?;
        self.stored_progress(&partitions).await
    }

    /// The partitions' progress, once every transaction that is moving them has ended.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn stored_progress(
        &mut self,
        partitions: &[Partition],
    ) -> Result<HashMap<Partition, StoredProgress>, Error> {
        let (topics, numbers) = self.columns(partitions);
        let query = "select p.topic, p.kafka_partition, p.epoch, p.next_offset from consumer_progress p \
                     join unnest($1::text[], $2::integer[]) as w (topic, kafka_partition) using (topic, kafka_partition) \
                     order by topic, kafka_partition for update of p";
        let rows = self.client.query(query, &[&topics, &numbers]).await?;
        let stored = rows.iter().filter_map(|row| {
            let topic = self.topics.topic(row.get(0))?;
            let next_offset = row.get::<_, Option<i64>>(3).map(Offset);
            Some((Partition { topic, number: row.get(1) }, StoredProgress { epoch: row.get(2), next_offset }))
        });
        Ok(stored.collect())
    }

    fn claimed(&self, row: &Row) -> Option<ClaimedProgress> {
        let partition = Partition { topic: self.topics.topic(row.get(0))?, number: row.get(1) };
        let next_offset = row.get::<_, Option<i64>>(3).map(Offset);
        Some(ClaimedProgress {
            partition,
            epoch: row.get(2),
            next_offset,
            topic_id: row.get(4),
            leader_epoch: row.get(5),
            complete_through: row.get(6),
        })
    }

    fn columns(&self, partitions: &[Partition]) -> (Vec<String>, Vec<i32>) {
        let names = partitions.iter().map(|partition| self.topics.of(partition.topic).to_owned());
        (names.collect(), partitions.iter().map(|partition| partition.number).collect())
    }
}

impl Connection {
    /// The secret that fingerprints are keyed with, the ledger's floor in seconds since the Unix epoch, and what they were
    /// read from.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn key_and_floor(&mut self) -> Result<([u8; 16], i64, Incarnation), Error> {
        let row = self.client.query_one(&format!("select key, {INCARNATION} from ledger_key"), &[]).await?;
        let key = <[u8; 16]>::try_from(row.get::<_, &[u8]>(0))
            .map_err(|_| Error::Unexpected("a ledger key of another length"))?;
        let incarnation = Incarnation::at(&row, 1);
        let floor = self.client.query_one(&self.statements.floor, &[]).await?;
        Ok((key, seconds_or_min(&floor)?, incarnation))
    }
}
