//! Protobuf's JSON mapping (<https://protobuf.dev/programming-guides/json/>), read field by field.

use crate::content::{Content, Kind};
use prost_types::Timestamp;
use proto::v1::event::Body;
use proto::v1::message_delivery::Status;
use proto::v1::{
    Event, MessageDelivery, OrderCreated, OrganizationUpdated, PaymentAttempted, WorkflowTerminal,
    payment_attempted, workflow_terminal,
};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// 0001-01-01T00:00:00Z, in seconds since the Unix epoch.
const FIRST_SECOND: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z.
const LAST_SECOND: i64 = 253_402_300_799;

/// The content of a JSON value; `None` if it is not the topic's message. Unknown fields are skipped, but an event must have
/// one of the contract's bodies.
#[must_use]
pub fn read(kind: Kind, value: &[u8]) -> Option<Content> {
    content(kind, &tree(value)?)
}

/// A text in JSON, before which UTF-8's byte order mark may stand. `None` if it is none, or gives a field twice.
#[must_use]
pub fn tree(text: &[u8]) -> Option<Json> {
    serde_json::from_slice(text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text)).ok()
}

/// The content of parsed JSON, as [`read`] has it.
#[must_use]
pub fn content(kind: Kind, json: &Json) -> Option<Content> {
    let fields = Fields::of(json)?;
    match kind {
        Kind::Event => event(&fields).map(Content::Event),
        Kind::Workflow => workflow(&fields).map(Content::Workflow),
        Kind::Delivery => delivery(&fields).map(Content::Delivery),
    }
}

fn event(fields: &Fields<'_>) -> Option<Event> {
    let order = fields.message("order_created", |order| {
        Some(Body::OrderCreated(OrderCreated { order_id: order.text("order_id")? }))
    })?;
    let payment = fields.message("payment_attempted", |payment| {
        let outcome = payment
            .number("outcome", |name| payment_attempted::Outcome::from_str_name(name).map(i32::from))?;
        Some(Body::PaymentAttempted(PaymentAttempted { payment_id: payment.text("payment_id")?, outcome }))
    })?;
    let update = fields.message("organization_updated", |update| {
        Some(Body::OrganizationUpdated(OrganizationUpdated {
            name: update.text("name")?,
            plan_id: update.text("plan_id")?,
            plan_name: update.text("plan_name")?,
        }))
    })?;
    let mut bodies = [order, payment, update].into_iter().flatten();
    // Without any the field that was meant may have another name here, or be misspelled.
    let body = Some(bodies.next()?);
    if bodies.next().is_some() {
        // Which of two bodies is meant can't be known.
        return None;
    }
    Some(Event {
        event_id: fields.text("event_id")?,
        organization_id: fields.text("organization_id")?,
        occurred_at: fields.time("occurred_at")?,
        body,
    })
}

fn workflow(fields: &Fields<'_>) -> Option<WorkflowTerminal> {
    let outcome = |name: &str| workflow_terminal::Outcome::from_str_name(name).map(i32::from);
    Some(WorkflowTerminal {
        execution_id: fields.text("execution_id")?,
        organization_id: fields.text("organization_id")?,
        workflow_id: fields.text("workflow_id")?,
        workflow_name: fields.text("workflow_name")?,
        outcome: fields.number("outcome", outcome)?,
        finished_at: fields.time("finished_at")?,
        execution_time_ms: fields.uint64("execution_time_ms")?,
        error_message: fields.text("error_message")?,
    })
}

fn delivery(fields: &Fields<'_>) -> Option<MessageDelivery> {
    Some(MessageDelivery {
        message_id: fields.text("message_id")?,
        organization_id: fields.text("organization_id")?,
        status: fields.number("status", |name| Status::from_str_name(name).map(i32::from))?,
        sent_at: fields.time("sent_at")?,
        occurred_at: fields.time("occurred_at")?,
        channel: fields.text("channel")?,
    })
}

/// The members of an object. A method returns `None` if the member is of another type than the contract says; a member
/// that is missing or null is the type's default.
struct Fields<'a>(&'a [(String, Json)]);

impl<'a> Fields<'a> {
    fn of(json: &'a Json) -> Option<Self> {
        match json {
            Json::Object(members) => Some(Self(members)),
            Json::Null | Json::Bool | Json::Number(_) | Json::Text(_) | Json::List => None,
        }
    }

    /// The member of this name in the contract, which JSON may spell in lowerCamelCase.
    fn get(&self, name: &str) -> Option<&'a Json> {
        let camel = camel_case(name);
        let (_, value) = self.0.iter().find(|(member, _)| member == name || *member == camel)?;
        (!matches!(value, Json::Null)).then_some(value)
    }

    fn text(&self, name: &str) -> Option<String> {
        match self.get(name) {
            None => Some(String::new()),
            Some(Json::Text(text)) => Some(text.clone()),
            Some(Json::Null | Json::Bool | Json::Number(_) | Json::List | Json::Object(_)) => None,
        }
    }

    /// An enum's number. A name that this version doesn't know is skipped, like a field that it doesn't know.
    fn number(&self, name: &str, known: impl Fn(&str) -> Option<i32>) -> Option<i32> {
        match self.get(name) {
            None => Some(0),
            Some(Json::Text(text)) => Some(known(text).unwrap_or(0)),
            Some(Json::Number(number)) => i32::try_from(integer(number)?).ok(),
            Some(Json::Null | Json::Bool | Json::List | Json::Object(_)) => None,
        }
    }

    /// A 64-bit integer, which JSON writes as a text, since a number would lose digits; both are read.
    fn uint64(&self, name: &str) -> Option<u64> {
        match self.get(name) {
            None => Some(0),
            Some(Json::Text(text)) => text.parse().ok(),
            Some(Json::Number(number)) => u64::try_from(integer(number)?).ok(),
            Some(Json::Null | Json::Bool | Json::List | Json::Object(_)) => None,
        }
    }

    fn time(&self, name: &str) -> Option<Option<Timestamp>> {
        match self.get(name) {
            None => Some(None),
            Some(Json::Text(text)) => time(text).map(Some),
            Some(Json::Null | Json::Bool | Json::Number(_) | Json::List | Json::Object(_)) => None,
        }
    }

    fn message<T>(&self, name: &str, read: impl Fn(&Fields<'_>) -> Option<T>) -> Option<Option<T>> {
        self.get(name).map_or(Some(None), |json| Fields::of(json).and_then(|fields| read(&fields)).map(Some))
    }
}

/// A time as the mapping writes it: RFC 3339 with a capital `T` and `Z`, in the years 1 to 9999. The library's reader would
/// take more: a date alone, a blank or a small letter.
fn time(text: &str) -> Option<Timestamp> {
    let digits_as = |part: &str, form: &str| {
        let fits = |(byte, form)| if form == b'0' { u8::is_ascii_digit(&byte) } else { byte == form };
        part.len() == form.len() && part.bytes().zip(form.bytes()).all(fits)
    };
    let (second, rest) = text.split_at_checked("2026-02-25T10:00:00".len())?;
    let zone_at = rest.find(['Z', '+', '-'])?;
    let (fraction, zone) = rest.split_at(zone_at);
    let is_fraction = |fraction: &str| {
        let digits = fraction.strip_prefix('.').unwrap_or_default();
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_strict = digits_as(second, "0000-00-00T00:00:00")
        && (fraction.is_empty() || is_fraction(fraction))
        && (zone == "Z" || digits_as(&zone[1..], "00:00"));
    let time: Timestamp = text.parse().ok().filter(|_| is_strict)?;
    (FIRST_SECOND..=LAST_SECOND).contains(&time.seconds).then_some(time)
}

/// A JSON number without a fraction.
fn integer(number: &serde_json::Number) -> Option<i128> {
    if let Some(whole) = number.as_i128() {
        return Some(whole);
    }
    let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= 1e19)?;
    #[allow(clippy::cast_possible_truncation)] // it has no fraction, and is far below 2^127
    Some(float as i128)
}

/// `order_id` as `orderId`.
fn camel_case(name: &str) -> String {
    let mut parts = name.split('_');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

/// JSON with its objects' members in order. What no field of the contract can be is not kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number(serde_json::Number),
    /// A string.
    Text(String),
    /// An array.
    List,
    /// An object.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// The member of exactly this name; `None` if it is missing or null, or this is no object.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        let (_, value) = members.iter().find(|(member, _)| member == name)?;
        (*value != Self::Null).then_some(value)
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Tree)
    }
}

struct Tree;

impl<'de> Visitor<'de> for Tree {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Bool)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(serde_json::Number::from_f64(number).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        while list.next_element::<Json>()?.is_some() {}
        Ok(Json::List)
    }

    /// An object that gives a field twice, be it under both of its names, is refused: which value is meant can't be known.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let (mut members, mut names) = (Vec::new(), HashSet::new());
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(camel_case(&name)) {
                return Err(serde::de::Error::custom("a field is given twice"));
            }
            members.push((name, map.next_value()?));
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_names_and_times_are_read_in_every_form_the_mapping_allows() {
        let run = |fields: &str| match read(Kind::Workflow, format!("{{{fields}}}").as_bytes()) {
            Some(Content::Workflow(run)) => {
                Some((run.outcome, run.execution_time_ms, run.finished_at.map(|t| (t.seconds, t.nanos))))
            }
            Some(Content::Event(_) | Content::Delivery(_)) | None => None,
        };
        let check = |fields: &str, expected| assert_eq!(run(fields), expected, "{fields}");
        check(r#""executionTimeMs": "7""#, Some((0, 7, None)));
        check(r#""execution_time_ms": 7.0"#, Some((0, 7, None)));
        check(r#""executionTimeMs": 7e2"#, Some((0, 700, None)));
        check(r#""executionTimeMs": null"#, Some((0, 0, None)));
        check(r#""executionTimeMs": 7.5"#, None);
        check(r#""executionTimeMs": -1"#, None);
        check(r#""executionTimeMs": "seven""#, None);
        check(r#""executionTimeMs": [7]"#, None);
        check(r#""outcome": "OUTCOME_FAILED""#, Some((2, 0, None)));
        check(r#""outcome": 3"#, Some((3, 0, None)));
        check(r#""outcome": 99"#, Some((99, 0, None)));
        check(r#""outcome": "OUTCOME_NEW", "more": {"a": [1, {}]}"#, Some((0, 0, None)));
        check(r#""outcome": true"#, None);
        check(r#""finishedAt": "1970-01-01T01:00:00.5+01:00""#, Some((0, 0, Some((0, 500_000_000)))));
        check(
            r#""finishedAt": "9999-12-31T23:59:59.999999999Z""#,
            Some((0, 0, Some((LAST_SECOND, 999_999_999)))),
        );
        check(r#""finishedAt": "0001-01-01T00:00:00-00:00""#, Some((0, 0, Some((FIRST_SECOND, 0)))));
        for wrong in [
            "yesterday",
            "2026-02-25",
            "2026-02-25t10:00:00Z",
            "2026-02-25T10:00:00z",
            "2026-02-25 10:00:00Z",
            "2026-02-25T10:00:00",
            "2026-02-25T10:00:00.Z",
            "2026-02-25T10:00:00+1:00",
            "2026-02-30T10:00:00Z",
            "9999-12-31T23:59:59-00:01",
            "0001-01-01T00:00:00+00:01",
        ] {
            check(&format!(r#""finishedAt": "{wrong}""#), None);
        }
        check(r#""finishedAt": 5"#, None);
        check(r#""finishedAt": "1970-01-01T00:00:00Z", "finished_at": "1970-01-01T00:00:00Z""#, None);
        check(r#""x": {"order_id": 1, "orderId": 2}"#, None);
    }

    #[test]
    fn an_event_has_one_body() {
        let body = |fields: &str| match read(Kind::Event, format!("\u{feff}{{{fields}}}").as_bytes()) {
            Some(Content::Event(event)) => event.body,
            Some(Content::Workflow(_) | Content::Delivery(_)) | None => None,
        };
        let order = Body::OrderCreated(OrderCreated { order_id: "o".into() });
        assert_eq!(body(r#""orderCreated": {"orderId": "o"}"#), Some(order.clone()));
        let null = r#""order_created": {"orderId": "o"}, "paymentAttempted": null"#;
        assert_eq!(body(null), Some(order.clone()));
        assert_eq!(body(r#""orderCreated": {"orderId": "o"}, "orderPlaced": {}"#), Some(order));
        assert_eq!(body(r#""orderCreated": {}, "paymentAttempted": {}"#), None);
        assert_eq!(body(r#""orderCreated": 5"#), None);
        assert_eq!(body(r#""orderPlaced": {}"#), None);
        assert_eq!(body(r#""eventId": "e""#), None);
    }
}
