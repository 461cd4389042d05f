//! Reads partitions of a topic side by side, from given offsets on, as the members read them.

use super::rereader::reread;
use super::{KafkaError, Reread, Settings};
use crate::record::Offset;
use crate::record::place::Place;
use crate::source::aside::{Quiet, passes};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};
use std::time::Duration;

/// How long one look waits for a record.
const WAIT: Duration = Duration::from_millis(100);

/// What one look brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// A record of this partition.
    Record(i32, Reread),
    /// This partition has no more records for now.
    End(i32),
    /// Nothing: Kafka takes its time.
    Nothing,
}

/// A consumer that is in no group and commits no offsets.
pub struct TopicReader {
    consumer: BaseConsumer<Quiet>,
}

impl TopicReader {
    /// Begins to read each of these partitions at its offset, which Kafka must have or be about to have.
    ///
    /// # Errors
    /// When librdkafka refuses the settings or a place.
    pub fn begin(settings: &Settings, from: &[(Place, Offset)]) -> Result<Self, KafkaError> {
        let consumer: BaseConsumer<Quiet> = settings.reader("read_committed").create_with_context(Quiet)?;
        let mut list = TopicPartitionList::new();
        for (place, offset) in from {
            list.add_partition_offset(&place.topic, place.partition, KafkaOffset::Offset(offset.0))?;
        }
        consumer.assign(&list)?;
        Ok(Self { consumer })
    }

    /// The next record, or the end of a partition. Blocks for a moment while it waits for Kafka.
    ///
    /// # Errors
    /// When Kafka can't give a record, as after its retention has passed the offset.
    pub fn look(&self) -> Result<Look, KafkaError> {
        match self.consumer.poll(WAIT) {
            Some(Ok(message)) => Ok(Look::Record(message.partition(), reread(&message))),
            Some(Err(KafkaError::PartitionEOF(partition))) => Ok(Look::End(partition)),
            // The client itself tries again.
            Some(Err(KafkaError::MessageConsumption(code))) if passes(code) => Ok(Look::Nothing),
            Some(Err(error)) => Err(error),
            None => Ok(Look::Nothing),
        }
    }
}
