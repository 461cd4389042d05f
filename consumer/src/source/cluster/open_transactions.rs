//! Transactions that producers have not ended. No record behind the first one of a partition can be read.

use super::{ANSWER_WAIT_MAX, At, Cluster, KafkaError};
use crate::record::Offset;
use crate::record::place::Place;
use chrono::{DateTime, Utc};
use rdkafka::consumer::Consumer as _;
use rdkafka::message::Message as _;
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};
use std::collections::HashMap;

/// The earliest open transaction of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenTransaction {
    /// Its first record, which is also the end of what can be read (the last stable offset).
    pub from: Offset,
    /// How many offsets the brokers have acknowledged from there on; control records are among them.
    pub offsets: i64,
    /// When its first record was written, by that record's timestamp; `None` if Kafka doesn't say.
    pub since: Option<DateTime<Utc>>,
}

impl Cluster {
    /// The open transactions of partitions with these ends, which the brokers have acknowledged.
    ///
    /// # Errors
    /// When Kafka doesn't answer.
    pub fn open_transactions(
        &self,
        ends: &HashMap<Place, Offset>,
    ) -> Result<HashMap<Place, OpenTransaction>, KafkaError> {
        let places: Vec<Place> = ends.keys().cloned().collect();
        let readable = self.offsets(&places, At::Latest)?;
        let open = readable.into_iter().filter_map(|(place, from)| {
            let offsets = ends.get(&place)?.0 - from.0;
            let since = || self.timestamp(&place, from);
            (offsets > 0).then(|| (place.clone(), OpenTransaction { from, offsets, since: since() }))
        });
        Ok(open.collect())
    }

    /// The timestamp of the record at this offset, or of the first one behind it.
    fn timestamp(&self, place: &Place, offset: Offset) -> Option<DateTime<Utc>> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&place.topic, place.partition, KafkaOffset::Offset(offset.0)).ok()?;
        self.uncommitted.assign(&list).ok()?;
        let record = self.uncommitted.poll(ANSWER_WAIT_MAX).and_then(Result::ok);
        let timestamp = record.and_then(|record| record.timestamp().to_millis());
        // Best effort: the next assignment replaces this one.
        let _ = self.uncommitted.unassign();
        timestamp.and_then(DateTime::from_timestamp_millis)
    }
}
