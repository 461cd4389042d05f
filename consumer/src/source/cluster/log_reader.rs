//! Reads a partition's log from an offset on, record by record, as the members read it.

use super::{KafkaError, Settings};
use crate::record::place::Place;
use crate::record::{Offset, Partition, Topic};
use crate::source::aside::Quiet;
use crate::source::queue::{Fetched, RecordQueue};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};
use std::sync::Arc;
use std::time::Duration;

/// How long one call waits for records.
const WAIT: Duration = Duration::from_millis(200);
/// Records that the client holds ready, in kilobytes.
const QUEUED_KBYTES: &str = "16384";

/// A record, as far as its meaning goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// Where in the partition.
    pub offset: Offset,
    /// The broker's (or producer's) timestamp, in milliseconds since the Unix epoch.
    pub timestamp_ms: Option<i64>,
    /// What headers declare the value to be.
    pub declared: recount::Declared,
    /// Its value, if it has one.
    pub payload: Option<Vec<u8>>,
}

/// What one look at the log brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Records, ascending; perhaps none, because Kafka takes its time.
    Records(Vec<LogRecord>),
    /// These are the last records for now.
    End(Vec<LogRecord>),
    /// The log can't be read on, and why.
    Broken(String),
}

/// A consumer that is in no group and commits no offsets.
pub struct LogReader {
    consumer: Arc<BaseConsumer<Quiet>>,
    queue: RecordQueue<Quiet>,
    place: Option<Place>,
}

impl LogReader {
    /// A reader; it connects when it first reads.
    ///
    /// # Errors
    /// When librdkafka refuses the settings.
    pub fn new(settings: &Settings) -> Result<Self, KafkaError> {
        let mut config = settings.reader("read_committed");
        config.set("check.crcs", "true").set("queued.max.messages.kbytes", QUEUED_KBYTES);
        let consumer: Arc<BaseConsumer<Quiet>> = Arc::new(config.create_with_context(Quiet)?);
        Ok(Self { queue: RecordQueue::new(Arc::clone(&consumer)), consumer, place: None })
    }

    /// Begins to read a partition at an offset, which Kafka must have or be about to have.
    ///
    /// # Errors
    /// When the client refuses the place.
    pub fn begin(&mut self, place: &Place, from: Offset) -> Result<(), KafkaError> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&place.topic, place.partition, KafkaOffset::Offset(from.0))?;
        self.consumer.unassign()?;
        // What is left of the partition before goes with its queue.
        self.queue = RecordQueue::new(Arc::clone(&self.consumer));
        self.place = Some(place.clone());
        // Before, so that no record goes astray, and again, because the assignment undoes it.
        self.queue.forward(&list);
        self.consumer.assign(&list)?;
        self.queue.forward(&list);
        Ok(())
    }

    /// The next records. Blocks for a moment while it waits for Kafka.
    pub fn take_next(&mut self) -> Next {
        let Self { queue, place, .. } = self;
        let (mut records, mut has_ended, mut broken) = (Vec::new(), false, None);
        // Which topic it is doesn't matter here: the caller knows.
        let here = |topic: &str, number| {
            let is_here = place.as_ref().is_some_and(|at| at.topic == topic && at.partition == number);
            is_here.then_some(Partition { topic: Topic::Events, number })
        };
        queue.take(WAIT, here, |fetched| match fetched {
            Fetched::Record(raw) => records.push(LogRecord {
                offset: raw.offset,
                timestamp_ms: raw.timestamp_ms,
                declared: recount::declared(raw.headers.iter().copied()),
                payload: raw.payload.map(<[u8]>::to_vec),
            }),
            Fetched::End => has_ended = true,
            Fetched::Trouble(_, what) => tracing::debug!("Kafka: {what}"),
            Fetched::Broken(_, why) => broken = Some(why.to_string()),
        });
        match broken {
            Some(why) => Next::Broken(why),
            None if has_ended => Next::End(records),
            None => Next::Records(records),
        }
    }
}
