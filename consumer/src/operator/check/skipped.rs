//! Fields of a record's JSON that are skipped because the contract doesn't have them: often they are misspelled. Pure.

use crate::operator::table::printable;
use crate::record::content_type::{self, Declared};
use crate::record::json::UnknownField;
use crate::record::{Raw, json};
use serde_json::{Map, Value};
use std::fmt;

/// How many skipped fields of a record are named.
const SHOWN_MAX: usize = 16;
/// Characters of a field's name that are told.
const NAME_CHARS_MAX: usize = 64;
/// How alike two names must be (Jaro-Winkler, from 0 to 1) for one to be taken for a misspelling of the other.
const ALIKE_MIN: f64 = 0.85;

/// A field of JSON that no message has in that place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The beginning of its name.
    pub field: String,
    /// The message that it was given for.
    pub message: String,
    /// The field that may be meant.
    pub nearest: Option<String>,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, message, nearest } = self;
        write!(f, "`{}` is no field of {message}", printable(field))?;
        nearest.as_ref().map_or(Ok(()), |nearest| write!(f, "; did you mean `{nearest}`?"))
    }
}

impl Skipped {
    /// The skipped fields of a record, whether it is refused or not: the first [`SHOWN_MAX`] by name. Only JSON has any that are named.
    #[must_use]
    pub fn all(raw: &Raw<'_>) -> Vec<Self> {
        let Some(fields) = raw.payload.and_then(|value| fields(raw, value)) else { return Vec::new() };
        let unknown = json::unknown_fields(raw.partition.topic, &fields, SHOWN_MAX);
        unknown.into_iter().map(Self::of).collect()
    }

    fn of(UnknownField { name, message, known }: UnknownField) -> Self {
        let field: String = name.chars().take(NAME_CHARS_MAX).collect();
        Self { nearest: nearest(&field, known), field, message }
    }
}

/// The record's JSON, which may be within a structured `CloudEvent`.
fn fields(raw: &Raw<'_>, value: &[u8]) -> Option<Map<String, Value>> {
    let object = |text: &[u8]| serde_json::from_slice::<Map<String, Value>>(json::without_mark(text)).ok();
    match content_type::declared(&raw.headers) {
        Declared::Bytes => None,
        Declared::Json => object(value),
        Declared::CloudEvent => match object(value)?.remove("data")? {
            Value::Object(fields) => Some(fields),
            Value::String(text) => object(text.as_bytes()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
        },
    }
}

/// The one of the known names that is most like this one, if one is like it.
fn nearest(name: &str, known: Vec<String>) -> Option<String> {
    let plain = |name: &str| name.chars().filter(|c| *c != '_').collect::<String>().to_lowercase();
    let given = plain(name);
    let rated = known.into_iter().map(|known| (strsim::jaro_winkler(&given, &plain(&known)), known));
    let alike = rated.filter(|(likeness, _)| *likeness >= ALIKE_MIN);
    alike.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Offset, Partition, Topic};

    #[track_caller]
    fn check(topic: Topic, content_type: &str, value: &str, expected: &[&str]) {
        let raw = Raw {
            partition: Partition { topic, number: 0 },
            offset: Offset(0),
            key: None,
            payload: Some(value.as_bytes()),
            headers: vec![(b"content-type", Some(content_type.as_bytes()))],
            timestamp_ms: None,
            leader_epoch: None,
        };
        let said: Vec<String> = Skipped::all(&raw).iter().map(ToString::to_string).collect();
        assert_eq!(said, expected, "{value}");
    }

    const JSON: &str = "application/json";
    const EVENT: &str = "application/cloudevents+json";

    #[test]
    fn misspelled_fields_are_named_with_what_may_be_meant() {
        let run = r#"{"executionId": "x", "executionTime": 5, "workflowID": "w", "workflow_name": "n", "colour": 1}"#;
        let expected = [
            "`colour` is no field of WorkflowTerminal",
            "`executionTime` is no field of WorkflowTerminal; did you mean `executionTimeMs`?",
            "`workflowID` is no field of WorkflowTerminal; did you mean `workflowId`?",
        ];
        check(Topic::WorkflowTerminals, JSON, run, &expected);
        check(Topic::WorkflowTerminals, JSON, &format!("\u{feff}{run}"), &expected);
        check(
            Topic::WorkflowTerminals,
            EVENT,
            &format!(r#"{{"specversion": "1.0", "data": {run}}}"#),
            &expected,
        );
        let text = Value::from(run);
        check(Topic::WorkflowTerminals, EVENT, &format!(r#"{{"data": {text}}}"#), &expected);
        check(Topic::WorkflowTerminals, "application/protobuf", run, &[]);
    }

    #[test]
    fn fields_are_looked_at_in_each_message_and_in_no_other_value() {
        let event = r#"{"eventId": "e", "occured_at": "2026-02-25T10:00:00Z", "orderCreated": {"orderID": "o", "order_id": "o"}}"#;
        let expected = [
            "`occured_at` is no field of Event; did you mean `occurredAt`?",
            "`orderID` is no field of OrderCreated; did you mean `orderId`?",
        ];
        check(Topic::Events, JSON, event, &expected);
        check(Topic::Events, JSON, r#"{"orderCreated": 5, "eventId": {"a": 1}}"#, &[]);
        check(Topic::Events, JSON, "{not json", &[]);
        check(Topic::Events, JSON, "[{\"a\": 1}]", &[]);
    }

    #[test]
    fn names_are_bounded_and_printable() {
        let many: Vec<String> = (0..99).map(|number| format!("\"{}{number}\": 1", "?".repeat(99))).collect();
        let value = format!("{{{}}}", many.join(", "));
        let expected = format!("`{}` is no field of MessageDelivery", "?".repeat(NAME_CHARS_MAX));
        check(Topic::MessageDeliveries, JSON, &value, &[&*expected; SHOWN_MAX]);
        check(Topic::MessageDeliveries, JSON, r#"{"a\n": 1}"#, &[r"`a\n` is no field of MessageDelivery"]);
    }
}
