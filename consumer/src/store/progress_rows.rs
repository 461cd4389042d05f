//! Where all partitions stand, for people to see and to set.

use super::{Error, Session};
use crate::record::Offset;
use crate::record::place::Place;
use chrono::{DateTime, Utc};
use tokio_postgres::Row;

/// A row of the progress, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgressRow {
    /// Which partition.
    pub place: Place,
    /// The latest claim's number.
    pub epoch: i64,
    /// The offset of the next record to count; `None` until it is first read.
    pub next_offset: Option<Offset>,
    /// The instant through which everything is counted.
    pub complete_through: Option<DateTime<Utc>>,
    /// Kafka's id of the topic when it was last read, if known.
    pub topic_id: Option<String>,
    /// The member of the latest claim.
    pub owner: Option<String>,
    /// When it claimed.
    pub claimed_at: Option<DateTime<Utc>>,
    /// When the row last changed; a member that counts changes it every second.
    pub updated_at: DateTime<Utc>,
}

/// Where a partition is to be set, provided that it still stands as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgressReset {
    /// Which partition.
    pub place: Place,
    /// The claim's number that was seen; 0 if there was no row.
    pub epoch: i64,
    /// The offset that was seen.
    pub from: Option<Offset>,
    /// The offset of the next record to count.
    pub to: Offset,
}

/// What became of settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetOutcome {
    /// All partitions stand where they were to be set.
    Done,
    /// Some partition was claimed or moved after it was seen; none was set.
    MovedMeanwhile,
}

/// Locks in key order, as batches do, and waits for those that are about to move a row.
const LOCK: &str = "
select 1 from consumer_progress p
join unnest($1::text[], $2::integer[]) as w (topic, kafka_partition) using (topic, kafka_partition)
order by topic, kafka_partition for update of p";

/// Raises the claim's number: whoever holds the partition can't write for it any more.
const SET: &str = "
insert into consumer_progress as p (topic, kafka_partition, epoch, next_offset)
select w.topic, w.kafka_partition, w.epoch + 1, w.until
from unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[], $5::bigint[])
     as w (topic, kafka_partition, epoch, from_offset, until)
left join consumer_progress s using (topic, kafka_partition)
where coalesce(s.epoch, 0) = w.epoch and s.next_offset is not distinct from w.from_offset
order by 1, 2
on conflict (topic, kafka_partition) do update
set epoch = excluded.epoch, next_offset = excluded.next_offset, complete_through = null, topic_id = null,
    owner = null, claimed_at = null, updated_at = now()";

impl Session {
    /// All rows of the progress, or those of one topic, by topic and partition.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn stands(&self, topic: Option<&str>) -> Result<Vec<ProgressRow>, Error> {
        let query = "select topic, kafka_partition, epoch, next_offset, complete_through, topic_id, owner, claimed_at, \
                     updated_at from consumer_progress where $1::text is null or topic = $1 order by 1, 2";
        Ok(self.client.query(query, &[&topic]).await?.iter().map(stand).collect())
    }

    /// Sets partitions, all or none.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn set(&mut self, settings: &[ProgressReset]) -> Result<ResetOutcome, Error> {
        let topics: Vec<&str> = settings.iter().map(|setting| &*setting.place.topic).collect();
        let partitions: Vec<i32> = settings.iter().map(|setting| setting.place.partition).collect();
        let epochs: Vec<i64> = settings.iter().map(|setting| setting.epoch).collect();
        let from: Vec<Option<i64>> =
            settings.iter().map(|setting| setting.from.map(|offset| offset.0)).collect();
        let to: Vec<i64> = settings.iter().map(|setting| setting.to.0).collect();
        let transaction = self.client.transaction().await?;
        transaction.query(LOCK, &[&topics, &partitions]).await?;
        let set = transaction.execute(SET, &[&topics, &partitions, &epochs, &from, &to]).await?;
        if set as usize == settings.len() {
            transaction.commit().await?;
            Ok(ResetOutcome::Done)
        } else {
            transaction.rollback().await?;
            Ok(ResetOutcome::MovedMeanwhile)
        }
    }

    /// The time below which records that count are refused as `too_old`; `None` before it was first raised.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn floor(&self) -> Result<Option<DateTime<Utc>>, Error> {
        let query = "select nullif(floor, '-infinity') from ledger_floor";
        Ok(self.client.query_one(query, &[]).await?.get(0))
    }
}

fn stand(row: &Row) -> ProgressRow {
    ProgressRow {
        place: Place { topic: row.get(0), partition: row.get(1) },
        epoch: row.get(2),
        next_offset: row.get::<_, Option<i64>>(3).map(Offset),
        complete_through: row.get(4),
        topic_id: row.get(5),
        owner: row.get(6),
        claimed_at: row.get(7),
        updated_at: row.get(8),
    }
}
