//! What Kafka holds at the end, read from the beginning: how many records, which bad ones and where, which transactions.

use super::marks::Marks;
use super::offsets::Offsets;
use anyhow::{Context as _, ensure};
use load::Topics;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};
use stack::Kafka;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How long Kafka may return nothing before the topics count as too short.
const SILENCE_LIMIT: Duration = Duration::from_secs(30);
/// How long one attempt to get a record may take.
const LOOK: Duration = Duration::from_millis(200);

/// Topic, partition and offset.
pub type Place = (String, i32, i64);

/// A bad record. Its number is its place in the list.
#[derive(Clone, Copy, Debug)]
pub struct Bad {
    /// The reason for which it must be refused.
    pub reason: &'static str,
    /// The transaction that it belongs to, if any.
    pub transaction: Option<usize>,
}

/// The records that a reader of committed records gets.
#[derive(Debug, Default)]
pub struct Log {
    /// How many were produced outside of transactions, by partition.
    produced: Offsets,
    /// How many each transaction has.
    transactions: BTreeMap<usize, usize>,
    /// Where bad records are, by number.
    bad: BTreeMap<usize, Vec<Found>>,
    /// Where records are that are refused if they are read too soon.
    early: BTreeSet<Place>,
    redriven: u64,
}

#[derive(Clone, Debug)]
struct Found {
    place: Place,
    redriven: bool,
}

impl Log {
    /// Reads the topics from the beginning to the end.
    ///
    /// # Errors
    /// When Kafka doesn't return all records.
    pub fn read(kafka: &Kafka, topics: &Topics) -> anyhow::Result<Self> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", kafka.brokers())
            // The group is never joined, but the client needs a name before it accepts an assignment.
            .set("group.id", "chaos-log")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("isolation.level", "read_committed")
            .create()?;
        let mut places = TopicPartitionList::new();
        for topic in topics.all() {
            for (partition, _) in (0..).zip(kafka.ends(topic)?) {
                places.add_partition_offset(topic, partition, Offset::Beginning)?;
            }
        }
        consumer.assign(&places)?;
        let mut log = Self::default();
        let mut left = places.count();
        let mut heard = Instant::now();
        while left > 0 {
            match consumer.poll(LOOK) {
                None => {
                    ensure!(heard.elapsed() < SILENCE_LIMIT, "Kafka gives no more of {left} partitions");
                    continue;
                }
                Some(Err(KafkaError::PartitionEOF(_))) => left -= 1,
                Some(record) => {
                    let record = record.context("Kafka gives an error instead of a record")?;
                    let place = (record.topic().to_owned(), record.partition(), record.offset());
                    let marks = Marks::of(&record);
                    // Without a value and without a mark it is none of the producers': an operator's command wrote it.
                    if record.payload().is_some() || marks != Marks::default() {
                        log.take(place, marks);
                    }
                }
            }
            heard = Instant::now();
        }
        Ok(log)
    }

    fn take(&mut self, place: Place, marks: Marks) {
        match (marks.redriven, marks.transaction) {
            (true, _) => self.redriven += 1,
            (false, Some(number)) => *self.transactions.entry(number).or_default() += 1,
            (false, None) => self.produced.add(&place.0, place.1, 1),
        }
        if marks.early {
            self.early.insert(place.clone());
        }
        if let Some(number) = marks.bad {
            self.bad.entry(number).or_default().push(Found { place, redriven: marks.redriven });
        }
    }

    /// How many records of a transaction there are: none if it wasn't committed.
    #[must_use]
    pub fn of_transaction(&self, number: usize) -> usize {
        self.transactions.get(&number).copied().unwrap_or(0)
    }

    /// How many records were published by redrives.
    #[must_use]
    pub fn redriven(&self) -> u64 {
        self.redriven
    }

    /// Where records are that are refused if they are read too soon.
    #[must_use]
    pub fn early(&self) -> &BTreeSet<Place> {
        &self.early
    }

    /// Compares with what was produced, each record once: if the producer sent one twice, the system would be blamed.
    #[must_use]
    pub fn unlike(&self, produced: &Offsets, bad: &[Bad]) -> Vec<String> {
        let behind = produced.ahead_of(&self.produced).into_iter().chain(self.produced.ahead_of(produced));
        let mut findings: Vec<String> =
            behind.map(|place| format!("Kafka doesn't hold what was produced, each once: {place}")).collect();
        for (number, bad) in bad.iter().enumerate() {
            let expected = bad.transaction.is_none_or(|number| self.of_transaction(number) > 0);
            let found = self.bad.get(&number).into_iter().flatten().filter(|found| !found.redriven).count();
            if found != usize::from(expected) {
                findings.push(format!("Kafka holds {found} of bad record {number} ({})", bad.reason));
            }
        }
        findings
    }

    /// Where dead letters are expected, for which reason, and whether a redrive published the record.
    ///
    /// # Errors
    /// When a record has a number that none was given.
    pub fn letters(
        &self,
        bad: &[Bad],
    ) -> anyhow::Result<impl Iterator<Item = (Place, &'static str, bool)> + use<>> {
        let mut letters = Vec::new();
        for (number, found) in &self.bad {
            let reason = bad.get(*number).context("a bad record has a number that none was given")?.reason;
            letters.extend(found.iter().map(|found| (found.place.clone(), reason, found.redriven)));
        }
        Ok(letters.into_iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(offset: i64) -> Place {
        ("t".to_owned(), 0, offset)
    }

    #[test]
    fn what_kafka_lacks_or_has_twice_is_told() {
        let mut log = Log::default();
        let bad = |number| Marks { bad: Some(number), ..Marks::default() };
        log.take(place(0), Marks::default());
        log.take(place(1), bad(0));
        log.take(place(2), Marks { redriven: true, ..bad(0) });
        let all = |transaction| [Bad { reason: "a", transaction: None }, Bad { reason: "b", transaction }];
        let mut produced = Offsets::default();
        produced.add("t", 0, 2);
        assert_eq!(log.unlike(&produced, &all(Some(7))), Vec::<String>::new(), "it wasn't committed");
        assert_eq!(log.unlike(&produced, &all(None)).len(), 1, "it is missing");
        log.take(place(3), bad(0));
        assert_eq!(log.unlike(&produced, &all(Some(7))).len(), 2, "it is there twice");
        let letters: Vec<_> = log.letters(&all(None)).unwrap().collect();
        assert_eq!(letters, [(place(1), "a", false), (place(2), "a", true), (place(3), "a", false)]);
    }
}
