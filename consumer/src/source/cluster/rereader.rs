//! Reads records again from Kafka by their offsets.

use super::{ANSWER_WAIT_MAX, At, Cluster, KafkaError, Settings};
use crate::record::place::Place;
use crate::record::{Offset, Span};
use crate::source::aside::{Quiet, passes};
use crate::source::describing;
use crate::source::queue;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};
use std::time::{Duration, Instant};

/// How long the next record may take to arrive.
const RECORD_WAIT_MAX: Duration = Duration::from_secs(30);
/// How many records, and how many bytes of them, are read at once.
const RECORDS_MAX: usize = 1_000;
const BYTES_MAX: usize = 16 << 20;

/// A record as Kafka has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reread {
    /// Where in the partition.
    pub offset: Offset,
    /// Its key, if it has one.
    pub key: Option<Vec<u8>>,
    /// Its value, if it has one.
    pub payload: Option<Vec<u8>>,
    /// Its headers in order; a value may be missing.
    pub headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// A consumer that is in no group and commits no offsets.
pub struct Rereader {
    consumer: BaseConsumer<Quiet>,
}

/// Records being read.
pub struct Reading<'a> {
    rereader: &'a Rereader,
    spans: &'a [Span],
    ended: bool,
}

impl Cluster {
    /// Kafka's id of a topic, if it can be learned.
    #[must_use]
    pub fn topic_id(&self, topic: &str) -> Option<String> {
        let described =
            describing::topics(self.consumer.client(), &[topic], ANSWER_WAIT_MAX).ok()?.remove(topic)?;
        described.ok().map(|described| described.id).filter(|id| !id.is_empty())
    }

    /// The part of these spans that Kafka's retention has not reached.
    ///
    /// # Errors
    /// When Kafka doesn't answer.
    pub fn still_there(&self, place: &Place, spans: &[Span]) -> Result<Vec<Span>, KafkaError> {
        let earliest = self.offsets(std::slice::from_ref(place), At::Earliest)?;
        // A partition that Kafka doesn't know has no records.
        let earliest = earliest.get(place).copied().unwrap_or(Offset(i64::MAX));
        let there = spans.iter().map(|span| Span { from: span.from.max(earliest), until: span.until });
        Ok(there.filter(|span| span.from < span.until).collect())
    }
}

impl Rereader {
    /// A consumer; it connects when it first reads.
    ///
    /// # Errors
    /// When librdkafka refuses the settings.
    pub fn new(settings: &Settings) -> Result<Self, KafkaError> {
        Ok(Self { consumer: settings.reader("read_committed").create_with_context(Quiet)? })
    }

    /// Begins to read the records of these spans, which ascend. One reading at a time.
    ///
    /// # Errors
    /// When the client refuses the place.
    pub fn begin<'a>(&'a self, place: &Place, spans: &'a [Span]) -> Result<Reading<'a>, KafkaError> {
        let mut list = TopicPartitionList::new();
        if let Some(first) = spans.first() {
            list.add_partition_offset(&place.topic, place.partition, KafkaOffset::Offset(first.from.0))?;
        }
        self.consumer.assign(&list)?;
        Ok(Reading { rereader: self, spans, ended: spans.is_empty() })
    }

    /// The next record; `None` at the partition's end.
    fn next(&self) -> Result<Option<BorrowedMessage<'_>>, KafkaError> {
        let deadline = Instant::now() + RECORD_WAIT_MAX;
        loop {
            match self.consumer.poll(deadline.saturating_duration_since(Instant::now())) {
                Some(Ok(message)) => return Ok(Some(message)),
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(None),
                // The client itself tries again.
                Some(Err(KafkaError::MessageConsumption(code))) if passes(code) => {}
                Some(Err(error)) => return Err(error),
                None => return Err(KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut)),
            }
        }
    }
}

impl Reading<'_> {
    /// The next records, a bounded number of them; none at the end. Skips offsets that no longer have a record. Blocks while
    /// it waits for Kafka.
    ///
    /// # Errors
    /// When Kafka doesn't answer.
    pub fn take_next(&mut self) -> Result<Vec<Reread>, KafkaError> {
        let until = self.spans.last().map_or(Offset(0), |last| last.until);
        let (mut records, mut bytes) = (Vec::new(), 0);
        while !self.ended && records.len() < RECORDS_MAX && bytes < BYTES_MAX {
            let Some(message) = self.rereader.next()? else {
                self.ended = true;
                break;
            };
            let offset = Offset(message.offset());
            if is_in(self.spans, offset) {
                bytes += message.payload_len() + message.key_len();
                records.push(reread(&message));
            }
            self.ended = until <= offset.next();
        }
        Ok(records)
    }
}

fn is_in(spans: &[Span], offset: Offset) -> bool {
    let after = spans.partition_point(|span| span.until <= offset);
    spans.get(after).is_some_and(|span| span.from <= offset)
}

pub(super) fn reread(message: &BorrowedMessage<'_>) -> Reread {
    let headers = queue::headers_of(message).into_iter();
    Reread {
        offset: Offset(message.offset()),
        key: message.key().map(<[u8]>::to_vec),
        payload: message.payload().map(<[u8]>::to_vec),
        headers: headers.map(|(name, value)| (name.to_vec(), value.map(<[u8]>::to_vec))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_in_a_span_or_between_them() {
        let spans = [(2, 4), (6, 7)].map(|(from, until)| Span { from: Offset(from), until: Offset(until) });
        let within: Vec<i64> = (0..9).filter(|offset| is_in(&spans, Offset(*offset))).collect();
        assert_eq!(within, [2, 3, 6]);
    }
}
