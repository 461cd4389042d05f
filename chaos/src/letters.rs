//! Dead letters, compared one by one: each bad record is found in Kafka by its mark, and must have a row.

use anyhow::{Context as _, ensure};
use load::Topics;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{BorrowedMessage, Headers as _};
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};
use stack::Kafka;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio_postgres::Client;

/// The header of a bad record, with its number.
pub const MARK: &str = "chaos-letter";
/// How long Kafka may return nothing before the topics count as too short.
const SILENCE_LIMIT: Duration = Duration::from_secs(30);
/// How long one attempt to get a record may take.
const LOOK: Duration = Duration::from_millis(200);
/// How many differences are shown.
const SHOWN: usize = 20;

/// Reasons of refusal, by topic, partition and offset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letters(BTreeMap<(String, i32, i64), String>);

/// Reads the topics from the beginning, and finds the bad records. `reasons` are their reasons by number.
///
/// # Errors
/// When Kafka doesn't return all records, or a bad record is there twice or not at all.
pub fn in_kafka(kafka: &Kafka, topics: &Topics, reasons: &[&str]) -> anyhow::Result<Letters> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", kafka.brokers())
        // The group is never joined, but the client needs a name before it accepts an assignment.
        .set("group.id", "chaos-letters")
        .set("enable.auto.commit", "false")
        .create()?;
    let mut places = TopicPartitionList::new();
    let mut left = 0;
    for topic in topics.all() {
        for (partition, end) in (0..).zip(kafka.ends(topic)?) {
            places.add_partition_offset(topic, partition, Offset::Beginning)?;
            left += end;
        }
    }
    consumer.assign(&places)?;
    let mut letters = BTreeMap::new();
    let mut heard = Instant::now();
    while left > 0 {
        let Some(record) = consumer.poll(LOOK) else {
            ensure!(heard.elapsed() < SILENCE_LIMIT, "Kafka holds {left} more records than it gives");
            continue;
        };
        let record = record?;
        heard = Instant::now();
        left -= 1;
        if let Some(number) = number(&record) {
            let reason = reasons.get(number).context("a bad record has a number that none was given")?;
            let place = (record.topic().to_owned(), record.partition(), record.offset());
            letters.insert(place, (*reason).to_owned());
        }
    }
    let (found, sent) = (letters.len(), reasons.len());
    ensure!(found == sent, "Kafka holds {found} bad records of {sent}: the producer is at fault");
    Ok(Letters(letters))
}

fn number(record: &BorrowedMessage<'_>) -> Option<usize> {
    let header = record.headers()?.iter().find(|header| header.key == MARK)?;
    std::str::from_utf8(header.value?).ok()?.parse().ok()
}

/// The dead letters in PostgreSQL.
///
/// # Errors
/// When it can't be read.
pub async fn in_postgres(client: &Client) -> anyhow::Result<Letters> {
    let query = "select topic, kafka_partition, kafka_offset, reason from dead_letters";
    let rows = client.query(query, &[]).await.context("dead_letters can't be read")?;
    Ok(Letters(rows.iter().map(|row| ((row.get(0), row.get(1), row.get(2)), row.get(3))).collect()))
}

impl Letters {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Where `found` differs from this: the first differences, in sentences.
    #[must_use]
    pub fn unlike(&self, found: &Self) -> Vec<String> {
        let place = |(topic, partition, offset): &(String, i32, i64)| format!("{topic}/{partition}@{offset}");
        let wrong = self.0.iter().filter(|(key, reason)| found.0.get(*key) != Some(*reason));
        let wrong = wrong.map(|(key, reason)| {
            let found = found.0.get(key).map_or("no dead letter", |reason| reason);
            format!("dead letters [{}]: expected {reason}, found {found}", place(key))
        });
        let more = found.0.iter().filter(|(key, _)| !self.0.contains_key(*key));
        let more =
            more.map(|(key, reason)| format!("dead letters [{}]: expected none, found {reason}", place(key)));
        wrong.chain(more).take(SHOWN).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(list: &[(i64, &str)]) -> Letters {
        let letter = |(offset, reason): &(i64, &str)| (("t".to_owned(), 0, *offset), (*reason).to_owned());
        Letters(list.iter().map(letter).collect())
    }

    #[test]
    fn missing_wrong_and_invented_letters_are_told() {
        let expected = letters(&[(1, "a"), (2, "b"), (3, "c")]);
        assert_eq!(expected.unlike(&expected), Vec::<String>::new());
        let found = letters(&[(2, "b"), (3, "x"), (4, "d")]);
        assert_eq!(
            expected.unlike(&found),
            [
                "dead letters [t/0@1]: expected a, found no dead letter",
                "dead letters [t/0@3]: expected c, found x",
                "dead letters [t/0@4]: expected none, found d",
            ]
        );
    }
}
