//! Refused records in PostgreSQL.

use chrono::{DateTime, Utc};
use tokio_postgres::{Client, Row};

/// A row of `dead_letters`.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its headers: an array of names and base64 values.
    pub headers: serde_json::Value,
    /// Its value.
    pub payload: Option<Vec<u8>>,
    /// The broker's timestamp.
    pub broker_timestamp: Option<DateTime<Utc>>,
    /// The stable code.
    pub reason: String,
    /// The sentence for people.
    pub detail: String,
    /// The organization, if it could be read.
    pub organization: Option<String>,
}

impl DeadLetter {
    pub(crate) async fn all(client: &Client) -> anyhow::Result<Vec<Self>> {
        let query = "select topic, kafka_partition, kafka_offset, key, headers, payload, broker_timestamp, reason, \
                     detail, organization_id from dead_letters order by topic, kafka_partition, kafka_offset";
        Ok(client.query(query, &[]).await?.iter().map(Self::of).collect())
    }

    fn of(row: &Row) -> Self {
        Self {
            topic: row.get(0),
            partition: row.get(1),
            offset: row.get(2),
            key: row.get(3),
            headers: row.get(4),
            payload: row.get(5),
            broker_timestamp: row.get(6),
            reason: row.get(7),
            detail: row.get(8),
            organization: row.get(9),
        }
    }
}
