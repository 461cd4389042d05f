//! Rows of records that can't be counted: columns of the two tables of dead letters. Pure.

use crate::decide::changes::PartitionChanges;
use crate::record::Span;
use crate::store::headers;
use chrono::{DateTime, Utc};

/// Refused records that are kept.
#[derive(Default)]
#[allow(missing_docs)]
pub struct LetterRows {
    pub topic: Vec<String>,
    pub topic_id: Vec<String>,
    pub partition: Vec<i32>,
    pub offset: Vec<i64>,
    pub key: Vec<Option<Vec<u8>>>,
    pub headers: Vec<serde_json::Value>,
    pub payload: Vec<Option<Vec<u8>>>,
    pub payload_bytes: Vec<Option<i32>>,
    pub kept_whole: Vec<bool>,
    pub broker_timestamp: Vec<Option<DateTime<Utc>>>,
    pub reason: Vec<&'static str>,
    pub detail: Vec<String>,
    pub organization: Vec<Option<String>>,
    pub organization_from_key: Vec<Option<String>>,
}

/// Refused records of which only offsets and reason are kept.
#[derive(Default)]
#[allow(missing_docs)]
pub struct LetterRunRows {
    pub topic: Vec<String>,
    pub topic_id: Vec<String>,
    pub partition: Vec<i32>,
    pub reason: Vec<&'static str>,
    /// As PostgreSQL writes an int8multirange.
    pub offsets: Vec<String>,
}

impl LetterRows {
    pub fn add(&mut self, changes: &PartitionChanges, topic: &str, topic_id: &str) {
        for letter in &changes.dead_letters.letters {
            self.topic.push(topic.to_owned());
            self.topic_id.push(topic_id.to_owned());
            self.partition.push(changes.partition.number);
            self.offset.push(letter.offset.0);
            self.key.push(letter.key.clone());
            self.headers.push(headers::to_json(&letter.headers));
            self.payload.push(letter.payload.clone());
            let length = |bytes: usize| i32::try_from(bytes).unwrap_or(i32::MAX);
            self.payload_bytes.push(letter.payload_bytes.map(length));
            self.kept_whole.push(letter.is_whole);
            self.broker_timestamp.push(letter.timestamp_ms.and_then(DateTime::from_timestamp_millis));
            self.reason.push(letter.refusal.reason.code());
            self.detail.push(letter.refusal.detail.clone().into_owned());
            self.organization.push(letter.refusal.organization.clone());
            self.organization_from_key.push(letter.organization_from_key.clone());
        }
    }
}

impl LetterRunRows {
    pub fn add(&mut self, changes: &PartitionChanges, topic: &str, topic_id: &str) {
        for run in &changes.dead_letters.runs {
            self.topic.push(topic.to_owned());
            self.topic_id.push(topic_id.to_owned());
            self.partition.push(changes.partition.number);
            self.reason.push(run.reason.code());
            self.offsets.push(multirange(&run.spans));
        }
    }
}

/// `{[from,until),...}`.
fn multirange(spans: &[Span]) -> String {
    let ranges = spans.iter().map(|span| format!("[{},{})", span.from.0, span.until.0));
    format!("{{{}}}", ranges.collect::<Vec<_>>().join(","))
}
