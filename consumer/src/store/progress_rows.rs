//! The progress of all partitions, for people to see and to reset.

use super::{Error, OperatorConnection, layouts};
use crate::record::Offset;
use crate::record::place::Place;
use chrono::{DateTime, Utc};
use tokio_postgres::Row;

/// A partition's whole row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgressRow {
    /// Which partition.
    pub place: Place,
    /// The latest claim's epoch.
    pub epoch: i64,
    /// The offset of the next record to count; `None` until it is first read.
    pub next_offset: Option<Offset>,
    /// The instant through which everything is counted.
    pub complete_through: Option<DateTime<Utc>>,
    /// How many of its records lay in another partition than their key's.
    pub misplaced: i64,
    /// When the latest of them was counted.
    pub misplaced_at: Option<DateTime<Utc>>,
    /// Kafka's id of the topic when it was last read, if known.
    pub topic_id: Option<String>,
    /// The member of the latest claim.
    pub owner: Option<String>,
    /// When it was claimed.
    pub claimed_at: Option<DateTime<Utc>>,
    /// When the row last changed; a member that counts changes it every second.
    pub updated_at: DateTime<Utc>,
}

/// The progress to give a partition, provided that its row is still as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgressReset {
    /// Which partition.
    pub place: Place,
    /// The epoch that was seen; 0 if there was no row.
    pub epoch: i64,
    /// The offset that was seen.
    pub from: Option<Offset>,
    /// The offset of the next record to count.
    pub to: Offset,
}

/// How resetting partitions ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetOutcome {
    /// All partitions are reset.
    Done,
    /// Some partition was claimed or moved after it was seen; none is reset.
    MovedMeanwhile,
}

/// Raises the epoch, so that the member that holds the partition can't write for it any more.
const RESET: &str = "
insert into consumer_progress as p (topic, kafka_partition, epoch, next_offset, topic_id)
select w.topic, w.kafka_partition, w.epoch + 1, w.until, nullif($6, '')
from unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[], $5::bigint[])
     as w (topic, kafka_partition, epoch, from_offset, until)
left join consumer_progress s using (topic, kafka_partition)
where coalesce(s.epoch, 0) = w.epoch and s.next_offset is not distinct from w.from_offset
order by 1, 2
on conflict (topic, kafka_partition) do update
set epoch = excluded.epoch, next_offset = excluded.next_offset, complete_through = null,
    topic_id = excluded.topic_id, leader_epoch = null,
    owner = null, claimed_at = null, updated_at = excluded.updated_at";

impl OperatorConnection {
    /// All rows of the progress, or those of one topic, by topic and partition.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn progress_rows(&self, topic: Option<&str>) -> Result<Vec<ProgressRow>, Error> {
        let query = "select topic, kafka_partition, epoch, next_offset, complete_through, topic_id, owner, claimed_at, \
                     updated_at, misplaced, misplaced_at from consumer_progress where $1::text is null or topic = $1 order by 1, 2";
        Ok(self.client.query(query, &[&topic]).await?.iter().map(progress_row).collect())
    }

    /// Resets partitions of a topic, all or none. `topic_id` is Kafka's id of it, empty if that is not known.
    ///
    /// If one is set back below the end of a layout, all other partitions of the topic are taken away from their members,
    /// too: they must wait until it has passed that end again.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn reset(
        &mut self,
        topic: &str,
        topic_id: &str,
        resets: &[ProgressReset],
    ) -> Result<ResetOutcome, Error> {
        let topics: Vec<&str> = resets.iter().map(|reset| &*reset.place.topic).collect();
        let partitions: Vec<i32> = resets.iter().map(|reset| reset.place.partition).collect();
        let epochs: Vec<i64> = resets.iter().map(|reset| reset.epoch).collect();
        let from: Vec<Option<i64>> = resets.iter().map(|reset| reset.from.map(|offset| offset.0)).collect();
        let to: Vec<i64> = resets.iter().map(|reset| reset.to.0).collect();
        let transaction = self.client.transaction().await?;
        transaction.query(layouts::LOCK, &[&topic]).await?;
        let done =
            transaction.execute(RESET, &[&topics, &partitions, &epochs, &from, &to, &topic_id]).await?;
        if done as usize == resets.len() {
            let layouts = layouts::layouts_of(&transaction, topic, topic_id).await?;
            let is_past =
                |reset: &ProgressReset| layouts.at(reset.place.partition, reset.to) < layouts.present();
            if resets.iter().any(is_past) {
                transaction.execute(layouts::FENCE, &[&topic]).await?;
            }
            transaction.commit().await?;
            Ok(ResetOutcome::Done)
        } else {
            transaction.rollback().await?;
            Ok(ResetOutcome::MovedMeanwhile)
        }
    }

    /// The ledger's floor: older records are refused as `too_old`. `None` before it was first raised.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn floor(&self) -> Result<Option<DateTime<Utc>>, Error> {
        let query = "select nullif(floor, '-infinity') from ledger_floor";
        Ok(self.client.query_one(query, &[]).await?.get(0))
    }
}

fn progress_row(row: &Row) -> ProgressRow {
    ProgressRow {
        place: Place { topic: row.get(0), partition: row.get(1) },
        epoch: row.get(2),
        next_offset: row.get::<_, Option<i64>>(3).map(Offset),
        complete_through: row.get(4),
        topic_id: row.get(5),
        owner: row.get(6),
        claimed_at: row.get(7),
        updated_at: row.get(8),
        misplaced: row.get(9),
        misplaced_at: row.get(10),
    }
}
