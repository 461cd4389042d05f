//! Protobuf's JSON mapping (<https://protobuf.dev/programming-guides/json/>) of a topic's message.

use crate::record::Topic;
use crate::record::json_names::DistinctNames;
use crate::record::reason::{Reason, Refusal};
use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor,
    OneofDescriptor,
};
use serde::de::{Error as _, IgnoredAny};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// UTF-8's byte order mark, which some programs write before JSON.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// How much of an unknown field's name is told.
const NAME_CHARS_MAX: usize = 64;

static MESSAGES: LazyLock<[MessageDescriptor; 3]> = LazyLock::new(|| {
    let pool = DescriptorPool::decode(proto::DESCRIPTOR_SET).expect("the build made it of the contract");
    ["Event", "WorkflowTerminal", "MessageDelivery"].map(|name| {
        pool.get_message_by_name(&format!("business_metrics.v1.{name}")).expect("it is in the contract")
    })
});

/// The record's protobuf from its JSON. Unknown fields are skipped as in the binary format, so that producers may be newer;
/// but an event must have a body that this version knows, because a new name can't be told from a misspelled one.
///
/// # Errors
/// When it is not JSON, gives a field twice, or is not the JSON of the topic's message.
pub fn to_protobuf(topic: Topic, text: &[u8]) -> Result<Vec<u8>, Refusal> {
    let text = without_mark(text);
    decode(topic, text).map(|message| message.encode_to_vec()).map_err(malformed)
}

/// The JSON without the mark that may stand before it.
#[must_use]
pub fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// The refusal of a value that is declared to be JSON, and isn't the record's.
#[must_use]
pub fn malformed(wrong: serde_json::Error) -> Refusal {
    Refusal::new(Reason::MalformedPayload, format!("not the record's JSON: {wrong}"))
}

/// The names that a JSON object has at its top; `None` for anything else.
#[must_use]
pub fn names(text: &[u8]) -> Option<Vec<String>> {
    let members: BTreeMap<String, IgnoredAny> = serde_json::from_slice(without_mark(text)).ok()?;
    Some(members.into_keys().collect())
}

/// A field of JSON that the contract doesn't have in that place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownField {
    /// Its name.
    pub name: String,
    /// The message that it was given for.
    pub message: String,
    /// The names that the message's fields have in JSON.
    pub known: Vec<String>,
}

/// The fields of a record's JSON that [`to_protobuf`] skips, within its messages too: at most `limit`.
#[must_use]
pub fn unknown_fields(topic: Topic, fields: &Map<String, Value>, limit: usize) -> Vec<UnknownField> {
    let mut unknown = Vec::new();
    add_unknown(fields, message_of(topic), limit, &mut unknown);
    unknown
}

fn add_unknown(
    fields: &Map<String, Value>,
    message: &MessageDescriptor,
    limit: usize,
    unknown: &mut Vec<UnknownField>,
) {
    for (name, value) in fields {
        if unknown.len() >= limit {
            return;
        }
        let known = known_field(message, name);
        match (known.as_ref().map(FieldDescriptor::kind), value) {
            (None, _) => unknown.push(UnknownField {
                name: name.clone(),
                message: message.name().to_owned(),
                known: message.fields().map(|field| field.json_name().to_owned()).collect(),
            }),
            (Some(Kind::Message(inner)), Value::Object(fields)) => {
                add_unknown(fields, &inner, limit, unknown);
            }
            (Some(_), _) => {}
        }
    }
}

/// The message's field of this name, by either of the two that it has in JSON.
fn known_field(message: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    message.get_field_by_json_name(name).or_else(|| message.get_field_by_name(name))
}

/// The topic's message, as the contract describes it.
fn message_of(topic: Topic) -> &'static MessageDescriptor {
    let [event, workflow_terminal, message_delivery] = &*MESSAGES;
    match topic {
        Topic::Events => event,
        Topic::WorkflowTerminals => workflow_terminal,
        Topic::MessageDeliveries => message_delivery,
    }
}

fn decode(topic: Topic, text: &[u8]) -> Result<DynamicMessage, serde_json::Error> {
    let message = message_of(topic);
    let options = DeserializeOptions::new().deny_unknown_fields(false);
    // Which of two values is meant can't be known.
    serde_json::from_slice::<DistinctNames>(text)?;
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let decoded = DynamicMessage::deserialize_with_options(message.clone(), &mut deserializer, &options)?;
    deserializer.end()?;
    check_alternatives(message, &decoded, text)?;
    Ok(decoded)
}

/// Of each `oneof` one alternative must be given; of the contract's messages only the event has one.
fn check_alternatives(
    message: &MessageDescriptor,
    decoded: &DynamicMessage,
    text: &[u8],
) -> Result<(), serde_json::Error> {
    let is_unset = |oneof: &OneofDescriptor| !oneof.fields().any(|field| decoded.has_field(&field));
    let Some(unset) = message.oneofs().find(is_unset) else { return Ok(()) };
    let alternatives: Vec<String> = unset.fields().map(|field| field.json_name().to_owned()).collect();
    let one_of = alternatives.join(", ");
    let is_unknown = |name: &String| known_field(message, name).is_none();
    Err(match names(text).unwrap_or_default().into_iter().find(is_unknown) {
        Some(unknown) => {
            let unknown: String = unknown.chars().take(NAME_CHARS_MAX).collect();
            serde_json::Error::custom(format_args!(
                "the field `{unknown}` is not known, and none of {one_of} is given"
            ))
        }
        None => serde_json::Error::custom(format_args!("none of {one_of} is given")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(topic: Topic, json: &str, expected: Option<&str>) {
        let read = to_protobuf(topic, json.as_bytes());
        let detail = read.as_ref().err().map(|refusal| &*refusal.detail);
        match expected {
            None => assert_eq!(detail, None, "{json}"),
            Some(part) => assert!(detail.is_some_and(|said| said.contains(part)), "{json}: {detail:?}"),
        }
    }

    #[test]
    fn an_event_needs_a_body_that_is_known_and_the_unknown_name_is_told() {
        let bodies = "orderCreated, paymentAttempted, organizationUpdated";
        check(Topic::Events, r#"{"orderCreated": {}}"#, None);
        check(Topic::Events, r#"{"order_created": {}, "shipped": {}, "a": [1]}"#, None);
        let unknown = |name: &str| format!("the field `{name}` is not known, and none of {bodies} is given");
        check(Topic::Events, r#"{"eventId": "e", "orderCreated2": {}}"#, Some(&unknown("orderCreated2")));
        check(Topic::Events, r#"{"event_id": "e", "OrderCreated": {}}"#, Some(&unknown("OrderCreated")));
        let nothing = format!(": none of {bodies} is given");
        check(Topic::Events, r#"{"eventId": "e"}"#, Some(&nothing));
        check(Topic::Events, r#"{"eventId": "e", "orderCreated": null}"#, Some(&nothing));
        let long = "x".repeat(NAME_CHARS_MAX + 1);
        check(Topic::Events, &format!(r#"{{"{long}": 1}}"#), Some(&unknown(&long[1..])));
        // Only an event has bodies.
        check(Topic::WorkflowTerminals, r#"{"executionID": "x"}"#, None);
        check(Topic::MessageDeliveries, "{}", None);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_json() {
        check(Topic::Events, "\u{feff}{\"orderCreated\": {}}", None);
        check(Topic::Events, "\u{feff}\u{feff}{}", Some("not the record's JSON"));
        check(Topic::Events, "\u{feff}", Some("not the record's JSON"));
        let object = "\u{feff}{\"b\": 1, \"a\": {\"c\": 2}}";
        assert_eq!(names(object.as_bytes()), Some(vec!["a".into(), "b".into()]));
        assert_eq!(names(b"[]"), None);
    }
}
