//! Refusals: how many of an organization's records were refused, by topic and reason and by bucket, and some of them. Pure.
//!
//! Buckets are of the time of the refusal, not of the records' own times: those may be what is wrong with them.

use crate::answer::known::Known;
use crate::request::range::Range;
use chrono::{DateTime, Utc};
use domain::reasons::sentence;
use serde::Serialize;
use std::cmp::Reverse;
use std::fmt::Write as _;

/// How many examples there are at most.
pub const EXAMPLES_MAX: i64 = 50;

/// How many of them are of one topic and reason.
pub const EXAMPLES_OF_ONE_MAX: i64 = 5;

/// Refused records of one topic and reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// What they have in common.
    pub of: Of,
    /// How many they are.
    pub records: i64,
    /// When the first of the range was refused.
    pub first_at: DateTime<Utc>,
    /// When the last of the range was.
    pub last_at: DateTime<Utc>,
}

/// What refused records have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Of {
    /// The topic's name.
    pub topic: String,
    /// The reason's code.
    pub reason: String,
    /// Whether the organization is guessed from their keys.
    pub guessed: bool,
}

/// A record that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Of what it is an example.
    pub of: Of,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// The beginning of its key, if it has one.
    pub key: Option<Vec<u8>>,
    /// What is wrong with it. `None` if that could repeat a part of somebody else's record.
    pub detail: Option<String>,
    /// When it was refused.
    pub at: DateTime<Utc>,
}

/// The rows of a range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// How many records were refused in each of its buckets.
    pub buckets: Vec<i64>,
    /// All of them by topic and reason.
    pub sums: Vec<Sum>,
    /// Some of them, newest first.
    pub examples: Vec<Example>,
}

/// The answer, as JSON shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusals<'a> {
    organization_id: &'a str,
    range: Range,
    #[serde(flatten)]
    known: Known,
    records: i64,
    refusals: Vec<Line>,
    examples: Vec<Shown>,
    series: Vec<Point>,
    #[serde(serialize_with = "crate::request::timestamp::time")]
    generated_at: DateTime<Utc>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[serde(flatten)]
    of: ShownOf,
    records: i64,
    #[serde(serialize_with = "crate::request::timestamp::time")]
    first_at: DateTime<Utc>,
    #[serde(serialize_with = "crate::request::timestamp::time")]
    last_at: DateTime<Utc>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownOf {
    topic: String,
    reason: String,
    sentence: &'static str,
    organization_from: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    #[serde(flatten)]
    of: ShownOf,
    partition: i32,
    offset: i64,
    key: Option<String>,
    key_hex: Option<String>,
    detail: Option<String>,
    #[serde(serialize_with = "crate::request::timestamp::time")]
    at: DateTime<Utc>,
}

#[derive(Serialize)]
struct Point {
    #[serde(serialize_with = "crate::request::timestamp::time")]
    bucket: DateTime<Utc>,
    open: bool,
    records: i64,
}

impl<'a> Refusals<'a> {
    /// Composes the answer from the rows.
    #[must_use]
    pub fn new(
        organization_id: &'a str,
        range: Range,
        known: Known,
        Rows { buckets, mut sums, examples }: Rows,
        now: DateTime<Utc>,
    ) -> Self {
        sums.sort_by(|a, b| {
            let rank = |sum: &Sum| (Reverse(sum.records), sum.of.guessed);
            rank(a).cmp(&rank(b)).then_with(|| (&a.of.topic, &a.of.reason).cmp(&(&b.of.topic, &b.of.reason)))
        });
        let point = |(bucket, records): (DateTime<Utc>, &i64)| Point {
            bucket,
            open: range.is_open(bucket),
            records: *records,
        };
        Self {
            organization_id,
            range,
            known,
            records: sums.iter().map(|sum| sum.records).sum(),
            refusals: sums.into_iter().map(Line::of).collect(),
            examples: examples.into_iter().map(Shown::of).collect(),
            series: range.buckets().zip(&buckets).map(point).collect(),
            generated_at: now,
        }
    }
}

impl Line {
    fn of(Sum { of, records, first_at, last_at }: Sum) -> Self {
        Self { of: ShownOf::of(of), records, first_at, last_at }
    }
}

impl ShownOf {
    fn of(Of { topic, reason, guessed }: Of) -> Self {
        let organization_from = if guessed { "key" } else { "value" };
        Self { topic, sentence: sentence(&reason), reason, organization_from }
    }
}

impl Shown {
    fn of(Example { of, partition, offset, key, detail, at }: Example) -> Self {
        let (key, key_hex) = readable(key);
        Self { of: ShownOf::of(of), partition, offset, key, key_hex, detail, at }
    }
}

/// A key as text, or as hex if it is none.
fn readable(key: Option<Vec<u8>>) -> (Option<String>, Option<String>) {
    let text = |key: Vec<u8>| String::from_utf8(key).map_err(std::string::FromUtf8Error::into_bytes);
    match key.map(text) {
        None => (None, None),
        Some(Ok(text)) if !text.contains(char::is_control) => (Some(text), None),
        Some(Ok(text)) => (None, Some(hex(text.as_bytes()))),
        Some(Err(bytes)) => (None, Some(hex(&bytes))),
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        write!(text, "{byte:02x}").expect("text can be written to text");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::raw_range::{RawRange, Settings};
    use serde_json::{Value, json};

    fn of(topic: &str, reason: &str, guessed: bool) -> Of {
        Of { topic: topic.into(), reason: reason.into(), guessed }
    }

    fn answer(rows: Rows) -> Value {
        let now = "2026-02-25T10:30:00Z".parse().unwrap();
        let range = RawRange::default().normalise(now, &Settings { max_range_days: 90 }).unwrap();
        serde_json::to_value(Refusals::new("acme", range, Known::default(), rows, now)).unwrap()
    }

    #[test]
    fn most_records_come_first_and_all_add_up() {
        let now: DateTime<Utc> = "2026-02-25T10:30:00Z".parse().unwrap();
        let sum = |of, records| Sum { of, records, first_at: now, last_at: now };
        let sums = vec![
            sum(of("b", "missing_id", false), 2),
            sum(of("a", "malformed_payload", true), 7),
            sum(of("a", "missing_id", false), 2),
            sum(of("a", "too_new", true), 2),
        ];
        let answer = answer(Rows { sums, buckets: vec![13], ..Rows::default() });
        assert_eq!(answer["records"], 13);
        let lines: Vec<_> = answer["refusals"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| json!([line["topic"], line["reason"], line["organizationFrom"], line["records"]]))
            .collect();
        let expected = [
            json!(["a", "malformed_payload", "key", 7]),
            json!(["a", "missing_id", "value", 2]),
            json!(["b", "missing_id", "value", 2]),
            json!(["a", "too_new", "key", 2]),
        ];
        assert_eq!(lines, expected);
        assert!(answer["refusals"][3]["sentence"].as_str().unwrap().contains("newer version"));
        assert_eq!(answer["series"][0]["records"], 13);
    }

    #[test]
    fn a_key_is_text_or_hex() {
        let check = |key: Option<&[u8]>, text: Option<&str>, hex: Option<&str>| {
            let (seen, seen_hex) = readable(key.map(<[u8]>::to_vec));
            assert_eq!((seen.as_deref(), seen_hex.as_deref()), (text, hex), "{key:?}");
        };
        check(None, None, None);
        check(Some(b"acme"), Some("acme"), None);
        check(Some(b"a\n"), None, Some("610a"));
        check(Some(b"\xff\x00"), None, Some("ff00"));
    }
}
