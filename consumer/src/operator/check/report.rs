//! A verdict on a record, as lines for people and as an object for programs.

use super::skipped::Skipped;
use super::verdict::{KeyIs, Taken, Verdict, belongs_in};
use crate::operator::shown;
use crate::operator::table::printable;
use crate::record::Raw;
use crate::record::frame::Format;
use crate::record::reason::Refusal;
use crate::refused::sender::Sender;
use chrono::{DateTime, SecondsFormat, Utc};
use domain::BucketSize;
use serde_json::{Map, Value, json};

/// Characters of a key in a line of many records.
const KEY_CHARS_MAX: usize = 40;

/// A record and its verdict.
pub struct Judged<'a> {
    /// The record.
    pub raw: &'a Raw<'a>,
    /// What becomes of it.
    pub verdict: &'a Verdict,
    /// Over how many partitions keys are spread, if that is known.
    pub partitions: Option<i32>,
}

impl Judged<'_> {
    /// The partition that its key belongs in, if it is known over how many keys are spread.
    #[must_use]
    pub fn belongs_in(&self) -> Option<i32> {
        self.partitions.and_then(|partitions| belongs_in(self.raw.key, partitions))
    }

    /// All that is known, a line for each thing.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = match &self.verdict.judged {
            Ok(taken) => taken_lines(taken),
            Err(refusal) => refused_lines(refusal, self.raw),
        };
        let format = self.verdict.format.map_or("none: there is no value", Format::name);
        lines.insert(1, line("format", format));
        lines.extend(self.verdict.skipped.iter().map(|skipped| line("skipped:", skipped)));
        let is = self.key_is().and_then(KeyIs::words).map(|is| format!(" ({is})")).unwrap_or_default();
        lines.push(line("key", format_args!("{}{is}", shown::bytes(self.raw.key))));
        if let (Some(partition), Some(partitions)) = (self.belongs_in(), self.partitions) {
            lines.push(line("belongs in", format_args!("partition {partition} of {partitions}, by murmur2")));
        }
        lines
    }

    /// The same for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let (key, key_hex) = shown::for_programs(self.raw.key);
        let mut object = json!({
            "verdict": self.verdict.word(),
            "format": self.verdict.format.map(Format::name),
            "key": key,
            "keyHex": key_hex,
            "keyIs": self.key_is().and_then(KeyIs::words),
            "partitions": self.partitions,
            "belongsIn": self.belongs_in(),
            "skipped": skipped_json(&self.verdict.skipped),
        });
        let more = match &self.verdict.judged {
            Ok(taken) => taken_json(taken),
            Err(refusal) => refused_json(refusal, self.raw),
        };
        if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
            object.extend(more);
        }
        object
    }

    /// One line, for a list of records.
    #[must_use]
    pub fn one_line(&self) -> String {
        let what = match &self.verdict.judged {
            Ok(taken) => {
                let Taken { kind, organization, id, .. } = taken;
                let adds = Some(added(taken)).filter(|adds| !adds.is_empty());
                let adds = adds.as_deref().or(taken.note).unwrap_or_default();
                format!("{kind} {} {}: {adds}", printable(organization), printable(id))
            }
            Err(Refusal { reason, detail, .. }) => format!("{}: {}", reason.code(), printable(detail)),
        };
        let key = shown::cell(self.raw.key, KEY_CHARS_MAX);
        let skipped: String =
            self.verdict.skipped.iter().map(|skipped| format!("  skipped: {skipped}")).collect();
        format!("{}  {what}  key {key}{skipped}", self.verdict.word())
    }

    fn key_is(&self) -> Option<KeyIs> {
        self.verdict.judged.as_ref().ok().map(|taken| taken.key_is(self.raw.key))
    }
}

/// Skipped fields for programs.
#[must_use]
pub fn skipped_json(skipped: &[Skipped]) -> Value {
    let object = |Skipped { field, message, nearest }: &Skipped| json!({ "field": field, "message": message, "nearest": nearest });
    skipped.iter().map(object).collect()
}

fn line(name: &str, what: impl std::fmt::Display) -> String {
    format!("{name:<13} {what}")
}

fn taken_lines(taken: &Taken) -> Vec<String> {
    let quarter = taken.quarter();
    let time = format!("{}, in the quarter of an hour from {}", exact(taken.at()), second(quarter.start()));
    let mut lines = vec![
        line("verdict", if taken.adds.is_empty() { "accepted" } else { "would be counted" }),
        line("kind", taken.kind),
        line("organization", printable(&taken.organization)),
        line("id", printable(&taken.id)),
        line("time", time),
    ];
    lines.extend(taken.channel.as_ref().map(|channel| line("channel", printable(channel))));
    lines.extend(taken.note.map(|note| line("adds", format_args!("nothing: {note}"))));
    if !taken.adds.is_empty() {
        let [hour, day] = [BucketSize::Hour, BucketSize::Day].map(|size| second(quarter.bucket(size)));
        lines.push(line("adds", format_args!("{}, unless it was counted before", added(taken))));
        lines.push(line("in", format_args!("the hour from {hour} and the day from {day}")));
    }
    lines
}

fn refused_lines(refusal: &Refusal, raw: &Raw<'_>) -> Vec<String> {
    let sender = Sender::of(refusal, raw.key);
    let mut lines = vec![
        line("verdict", format_args!("refused: {}", refusal.reason.code())),
        line("reason", refusal.reason.sentence()),
        line("detail", printable(&refusal.detail)),
    ];
    lines.extend(sender.map(|sender| {
        let guessed = if sender.is_guessed { " (by its key)" } else { "" };
        line("organization", format_args!("{}{guessed}", printable(sender.organization)))
    }));
    lines
}

fn taken_json(taken: &Taken) -> Value {
    let quarter = taken.quarter();
    let adds: Map<String, Value> =
        taken.adds.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    json!({
        "kind": taken.kind,
        "organizationId": taken.organization,
        "id": taken.id,
        "time": exact(taken.at()),
        "quarter": second(quarter.start()),
        "hour": second(quarter.bucket(BucketSize::Hour)),
        "day": second(quarter.bucket(BucketSize::Day)),
        "adds": adds,
        "channel": taken.channel,
        "note": taken.note,
    })
}

fn refused_json(refusal: &Refusal, raw: &Raw<'_>) -> Value {
    let sender = Sender::of(refusal, raw.key);
    json!({
        "reason": refusal.reason.code(),
        "sentence": refusal.reason.sentence(),
        "detail": refusal.detail,
        "organizationId": refusal.organization,
        "organizationFromKey": sender.filter(|sender| sender.is_guessed).map(|sender| sender.organization),
    })
}

/// `orders_created 1, ...`.
fn added(taken: &Taken) -> String {
    taken.adds.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}

fn exact(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn second(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::decode::Bounds;
    use crate::record::{Offset, Partition, Topic};
    use load::Message;

    fn judged(payload: &[u8], key: &[u8], check: impl Fn(&Judged<'_>)) {
        let header: (&[u8], Option<&[u8]>) = (b"content-type", Some(b"application/json"));
        let headers = if payload.starts_with(b"{") { vec![header] } else { Vec::new() };
        let raw = Raw {
            partition: Partition { topic: Topic::Events, number: 0 },
            offset: Offset(0),
            key: Some(key),
            payload: Some(payload),
            headers,
            timestamp_ms: None,
            leader_epoch: None,
        };
        let verdict = Verdict::of(&raw, Bounds { floor: 0, ceiling: 4_000_000_000 });
        check(&Judged { raw: &raw, verdict: &verdict, partitions: Some(1) });
    }

    #[test]
    fn a_record_that_counts_is_told_with_where() {
        let at = "2026-02-25T10:07:00.25Z".parse().unwrap();
        judged(&Message::order("acme", "o-1", at).encode(), b"acme", |judged| {
            let lines = judged.lines();
            let expected = [
                "verdict       would be counted",
                "kind          order",
                "organization  acme",
                "id            o-1",
                "time          2026-02-25T10:07:00.250Z, in the quarter of an hour from 2026-02-25T10:00:00Z",
                "adds          orders_created 1, unless it was counted before",
                "in            the hour from 2026-02-25T10:00:00Z and the day from 2026-02-25T00:00:00Z",
                "key           text, 4 bytes: acme (the organization_id)",
                "belongs in    partition 0 of 1, by murmur2",
            ];
            assert!(lines[1].starts_with("format        "), "{lines:#?}");
            assert_eq!([&lines[..1], &lines[2..]].concat(), expected);
            let json = judged.json();
            assert_eq!(
                (&json["verdict"], &json["adds"]),
                (&json!("counted"), &json!({ "orders_created": 1 }))
            );
            assert_eq!((&json["hour"], &json["belongsIn"]), (&json!("2026-02-25T10:00:00Z"), &json!(0)));
            assert_eq!(judged.one_line(), "counted  order acme o-1: orders_created 1  key acme");
        });
    }

    #[test]
    fn a_record_that_is_refused_is_told_with_why_and_without_its_payload() {
        judged(b"\xffsecret", b"acme", |judged| {
            let text = judged.lines().join("\n");
            assert!(text.starts_with("verdict       refused: malformed_payload\nformat        "), "{text}");
            assert!(text.contains("\norganization  acme (by its key)\n"), "{text}");
            assert!(!text.contains("secret") && !judged.one_line().contains("secret"), "{text}");
            let json = judged.json();
            assert_eq!((&json["verdict"], &json["reason"]), (&json!("refused"), &json!("malformed_payload")));
            assert_eq!(json["organizationFromKey"], "acme");
            assert_eq!((json.get("payload"), json.get("kind")), (None, None));
        });
    }

    #[test]
    fn skipped_fields_are_told_of_a_record_that_counts_and_of_one_that_is_refused() {
        let said = r#"skipped:      `occured_at` is no field of Event; did you mean `occurredAt`?"#;
        let json = json!([{ "field": "occured_at", "message": "Event", "nearest": "occurredAt" }]);
        for more in ["", r#", "occurredAt": "2026-02-25T10:00:00Z""#] {
            let value = format!(
                r#"{{"eventId": "e", "organizationId": "acme", "occured_at": "", "orderCreated": {{}}{more}}}"#
            );
            judged(value.as_bytes(), b"acme", |judged| {
                assert_eq!(judged.verdict.judged.is_err(), more.is_empty());
                let lines = judged.lines();
                assert!(lines.iter().any(|line| line == said), "{lines:#?}");
                assert_eq!(judged.json()["skipped"], json);
                assert!(judged.one_line().contains("  skipped: `occured_at`"), "{}", judged.one_line());
            });
        }
    }

    #[test]
    fn a_key_in_quotation_marks_is_told_with_what_to_do() {
        let at = "2026-02-25T10:07:00Z".parse().unwrap();
        judged(&Message::order("acme", "o-1", at).encode(), b"\"acme\"", |judged| {
            let text = judged.lines().join("\n");
            let said = "(the organization_id in quotation marks: a JSON serializer wrote it; send raw UTF-8)";
            assert!(text.contains(said), "{text}");
            assert_eq!((judged.verdict.word(), &judged.json()["skipped"]), ("counted", &json!([])));
        });
    }

    #[test]
    fn every_reason_has_a_sentence_in_the_order_of_the_reasons() {
        let codes = domain::reasons::REASONS.map(|(code, _)| code);
        assert_eq!(codes, crate::record::reason::Reason::ALL.map(crate::record::reason::Reason::code));
    }
}
