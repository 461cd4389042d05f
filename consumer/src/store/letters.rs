//! Dead letters: listing them, reading them, and marking those that were published again.

use super::{Connection, Error, OperatorConnection, headers};
use crate::record::Partition;
use crate::record::place::Place;
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// Where a dead letter was read, which identifies it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LetterPlace {
    /// Topic and partition.
    pub place: Place,
    /// Kafka's id of the topic; empty where it isn't known.
    pub topic_id: String,
    /// Where in the partition.
    pub offset: i64,
}

/// Selects the dead letters that match every part given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LetterFilter {
    /// Refused for any of these reasons.
    pub reasons: Option<Vec<String>>,
    /// Read from this topic.
    pub topic: Option<String>,
    /// Read from this partition.
    pub partition: Option<i32>,
    /// Read at this offset.
    pub offset: Option<i64>,
    /// Sent by this organization, or with a key that reads like it where the value names none.
    pub organization: Option<String>,
    /// Refused at this instant or later.
    pub since: Option<DateTime<Utc>>,
    /// Refused before this instant.
    pub until: Option<DateTime<Utc>>,
}

/// A dead letter as a list shows it.
#[derive(Clone, Debug)]
pub struct LetterLine {
    /// Where it was read.
    pub at: LetterPlace,
    /// The reason's code.
    pub reason: String,
    /// What exactly is wrong with the record.
    pub detail: String,
    /// Its organization, where that could be read.
    pub organization: Option<String>,
    /// The organization that its key may name, where the value names none.
    pub organization_from_key: Option<String>,
    /// Its key, or the beginning of a long one.
    pub key: Option<Vec<u8>>,
    /// The record's timestamp.
    pub broker_timestamp: Option<DateTime<Utc>>,
    /// When it was refused.
    pub rejected_at: DateTime<Utc>,
    /// When it was last published again.
    pub redriven_at: Option<DateTime<Utc>>,
    /// How often it was published again.
    pub redrives: i32,
    /// The length of the record's payload; `None` if there was none.
    pub payload_bytes: Option<i32>,
    /// Whether nothing of key, headers and payload was cut off.
    pub is_whole: bool,
}

/// A dead letter with all that is kept of it.
#[derive(Clone, Debug)]
pub struct Letter {
    /// As a list shows it.
    pub line: LetterLine,
    /// Its headers in order.
    pub headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// Its payload.
    pub payload: Option<Vec<u8>>,
}

const LINE: &str = "topic, kafka_partition, topic_id, kafka_offset, reason, detail, organization_id, broker_timestamp, \
                    rejected_at, redriven_at, redrives, coalesce(payload_bytes, octet_length(payload)), kept_whole, \
                    organization_from_key, key";
const LINE_COLUMNS: usize = 15;

const CHOSEN: &str = "from dead_letters
where ($1::text[] is null or reason = any($1)) and ($2::text is null or topic = $2)
  and ($3::integer is null or kafka_partition = $3) and ($4::bigint is null or kafka_offset = $4)
  and ($5::text is null or organization_id = $5 or organization_from_key = $5)
  and ($6::timestamptz is null or rejected_at >= $6) and ($7::timestamptz is null or rejected_at < $7)
  and ($8 or redriven_at is null)
  and ($9::text is null or (topic, topic_id, kafka_partition, kafka_offset) > ($9, $10::text, $11::integer, $12::bigint))";

impl OperatorConnection {
    /// One page of dead letters without their contents, by topic, partition and offset.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn letter_lines(
        &self,
        filter: &LetterFilter,
        after: Option<&LetterPlace>,
        limit: i64,
    ) -> Result<Vec<LetterLine>, Error> {
        let rows = self.chosen(LINE, filter, Redriven::Too, after, Some(limit)).await?;
        Ok(rows.iter().map(line).collect())
    }

    /// One page of dead letters with all that is kept of them.
    ///
    /// # Errors
    /// When PostgreSQL fails, or headers are not as they were written.
    pub async fn letters(
        &self,
        filter: &LetterFilter,
        redriven: Redriven,
        after: Option<&LetterPlace>,
        limit: i64,
    ) -> Result<Vec<Letter>, Error> {
        let columns = format!("{LINE}, headers, payload");
        self.chosen(&columns, filter, redriven, after, Some(limit)).await?.iter().map(letter).collect()
    }

    /// How many dead letters are selected.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn count_letters(&self, filter: &LetterFilter, redriven: Redriven) -> Result<i64, Error> {
        let rows = self.chosen("count(*)", filter, redriven, None, None).await?;
        Ok(rows.first().map_or(0, |row| row.get(0)))
    }

    /// Marks these as published again.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn mark_redriven(&self, letters: &[&LetterPlace]) -> Result<(), Error> {
        let topics: Vec<&str> = letters.iter().map(|at| &*at.place.topic).collect();
        let topic_ids: Vec<&str> = letters.iter().map(|at| &*at.topic_id).collect();
        let partitions: Vec<i32> = letters.iter().map(|at| at.place.partition).collect();
        let offsets: Vec<i64> = letters.iter().map(|at| at.offset).collect();
        let mark = "update dead_letters d set redriven_at = now(), redrives = redrives + 1 \
                    from unnest($1::text[], $2::text[], $3::integer[], $4::bigint[]) \
                         as w (topic, topic_id, kafka_partition, kafka_offset) \
                    where (d.topic, d.topic_id, d.kafka_partition, d.kafka_offset) \
                        = (w.topic, w.topic_id, w.kafka_partition, w.kafka_offset)";
        self.client.execute(mark, &[&topics, &topic_ids, &partitions, &offsets]).await?;
        Ok(())
    }

    async fn chosen(
        &self,
        columns: &str,
        filter: &LetterFilter,
        redriven: Redriven,
        after: Option<&LetterPlace>,
        limit: Option<i64>,
    ) -> Result<Vec<Row>, Error> {
        let redriven = redriven == Redriven::Too;
        let (topic, topic_id) = (after.map(|at| &*at.place.topic), after.map(|at| &*at.topic_id));
        let (partition, offset) = (after.map(|at| at.place.partition), after.map(|at| at.offset));
        let mut values: Vec<&(dyn ToSql + Sync)> =
            vec![&filter.reasons, &filter.topic, &filter.partition, &filter.offset, &filter.organization];
        values.extend([&filter.since as &(dyn ToSql + Sync), &filter.until, &redriven]);
        values.extend([&topic as &(dyn ToSql + Sync), &topic_id, &partition, &offset]);
        let mut query = format!("select {columns} {CHOSEN}");
        if let Some(limit) = &limit {
            query.push_str(" order by topic, topic_id, kafka_partition, kafka_offset limit $13");
            values.push(limit);
        }
        Ok(self.client.query(&query, &values).await?)
    }
}

impl Connection {
    /// How many refused records of each partition were kept whole since the hour began, by the database's clock. Partitions
    /// without any are left out.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn letters_of_this_hour(
        &mut self,
        partitions: &[Partition],
    ) -> Result<HashMap<Partition, u32>, Error> {
        let names = partitions.iter().map(|partition| self.topics.of(partition.topic));
        let (names, numbers): (Vec<&str>, Vec<i32>) =
            names.zip(partitions.iter().map(|partition| partition.number)).unzip();
        let query = "select topic, kafka_partition, count(*) from dead_letters \
                     join unnest($1::text[], $2::integer[]) as w (topic, kafka_partition) using (topic, kafka_partition) \
                     where rejected_at >= date_trunc('hour', now()) group by topic, kafka_partition";
        let rows = self.client.query(query, &[&names, &numbers]).await?;
        let counts = rows.iter().filter_map(|row| {
            let partition = Partition { topic: self.topics.topic(row.get(0))?, number: row.get(1) };
            Some((partition, u32::try_from(row.get::<_, i64>(2)).unwrap_or(u32::MAX)))
        });
        Ok(counts.collect())
    }
}

/// Whether dead letters that were published again are selected as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redriven {
    /// They are selected.
    Too,
    /// They are left out.
    Not,
}

fn line(row: &Row) -> LetterLine {
    LetterLine {
        at: LetterPlace {
            place: Place { topic: row.get(0), partition: row.get(1) },
            topic_id: row.get(2),
            offset: row.get(3),
        },
        reason: row.get(4),
        detail: row.get(5),
        organization: row.get(6),
        broker_timestamp: row.get(7),
        rejected_at: row.get(8),
        redriven_at: row.get(9),
        redrives: row.get(10),
        payload_bytes: row.get(11),
        is_whole: row.get(12),
        organization_from_key: row.get(13),
        key: row.get(14),
    }
}

fn letter(row: &Row) -> Result<Letter, Error> {
    let headers: serde_json::Value = row.get(LINE_COLUMNS);
    Ok(Letter {
        line: line(row),
        headers: headers::from_json(&headers)
            .ok_or(Error::Unexpected("headers of a dead letter in another form"))?,
        payload: row.get(LINE_COLUMNS + 1),
    })
}
