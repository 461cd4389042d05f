//! `CloudEvents` in structured mode: an envelope in JSON around the record
//! (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>). Their binary mode needs nothing:
//! the value is the record alone, and attributes are headers.

use crate::record::content_type::{Declared, declared_by};
use crate::record::json_names::DistinctNames;
use crate::record::reason::{Reason, Refusal};
use crate::record::{Topic, frame, json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

const NO_DATA: &str =
    "the CloudEvent has no data: `data` must be the record's JSON, or `data_base64` its protobuf";
const TWO_DATA: &str = "the CloudEvent has both `data` and `data_base64`, so which is meant can't be known";
const NO_TEXT: &str = "the CloudEvent's `data_base64` or `datacontenttype` is no text";
const NO_BASE64: &str = "the CloudEvent's `data_base64` is not base64";
const NESTED: &str = "a CloudEvent within a CloudEvent: put the record itself into `data`";

/// The record's protobuf from the envelope around it. Its `data` is the record's JSON, as an object or as a text;
/// `data_base64` is what `datacontenttype` says, as a record's value without an envelope would be.
///
/// # Errors
/// When the envelope isn't JSON, has no data, or its data is not the topic's message.
pub fn to_protobuf(topic: Topic, envelope: &[u8]) -> Result<Vec<u8>, Refusal> {
    let text = json::without_mark(envelope);
    serde_json::from_slice::<DistinctNames>(text).map_err(json::malformed)?;
    let attributes: Map<String, Value> = serde_json::from_slice(text).map_err(json::malformed)?;
    let given = |name: &str| attributes.get(name).filter(|value| !value.is_null());
    match (given("data"), given("data_base64")) {
        (None, None) => Err(malformed(NO_DATA)),
        (Some(_), Some(_)) => Err(malformed(TWO_DATA)),
        (Some(Value::String(text)), None) => json::to_protobuf(topic, text.as_bytes()),
        (Some(data), None) => {
            let text = serde_json::to_vec(data).map_err(json::malformed)?;
            json::to_protobuf(topic, &text)
        }
        (None, Some(base64)) => {
            let base64 = base64.as_str().ok_or_else(|| malformed(NO_TEXT))?;
            let bytes = STANDARD.decode(base64).map_err(|_| malformed(NO_BASE64))?;
            let media_type = match given("datacontenttype") {
                None => "",
                Some(media_type) => media_type.as_str().ok_or_else(|| malformed(NO_TEXT))?,
            };
            match declared_by(media_type.as_bytes()) {
                Declared::Json => json::to_protobuf(topic, &bytes),
                Declared::Bytes => {
                    frame::unframe(&bytes).map(<[u8]>::to_vec).map_err(|wrong| malformed(wrong.0))
                }
                Declared::CloudEvent => Err(malformed(NESTED)),
            }
        }
    }
}

fn malformed(what: &'static str) -> Refusal {
    Refusal::new(Reason::MalformedPayload, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message as _;
    use proto::v1::event::Body;
    use proto::v1::{Event, OrderCreated};

    fn order() -> Vec<u8> {
        let body = Some(Body::OrderCreated(OrderCreated { order_id: "o1".into() }));
        let (event_id, organization_id) = ("e1".into(), "acme".into());
        Event { event_id, organization_id, occurred_at: None, body }.encode_to_vec()
    }

    #[track_caller]
    fn check(envelope: &str, expected: Result<&[u8], &str>) {
        let read = to_protobuf(Topic::Events, envelope.as_bytes());
        let read = read.as_deref().map_err(|refusal| (refusal.reason, &*refusal.detail));
        match (read, expected) {
            (Err((Reason::MalformedPayload, detail)), Err(part)) => {
                assert!(detail.contains(part), "{detail}");
            }
            (Ok(read), Ok(expected)) => assert_eq!(read, expected, "{envelope}"),
            (read, expected) => panic!("{envelope}: {read:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn the_record_is_taken_out_in_each_way_that_it_may_be_put_in() {
        let json = r#"{"eventId": "e1", "organizationId": "acme", "orderCreated": {"orderId": "o1"}}"#;
        let order = order();
        check(&format!(r#"{{"specversion": "1.0", "id": "1", "data": {json}}}"#), Ok(&order));
        check(&format!("\u{feff}{{\"data\": {json}, \"data_base64\": null}}"), Ok(&order));
        check(&format!(r#"{{"data": {}}}"#, Value::from(json)), Ok(&order));
        let base64 =
            |bytes: &[u8], more: &str| format!(r#"{{"data_base64": "{}"{more}}}"#, STANDARD.encode(bytes));
        check(&base64(&order, ""), Ok(&order));
        check(&base64(&order, r#", "datacontenttype": "application/protobuf""#), Ok(&order));
        let framed = [&[0, 0, 0, 0, 17, 0], &*order].concat();
        check(&base64(&framed, ""), Ok(&order));
        check(&base64(json.as_bytes(), r#", "datacontenttype": "application/json""#), Ok(&order));
    }

    #[test]
    fn an_envelope_that_holds_no_record_says_why() {
        check("", Err("not the record's JSON"));
        check("[1]", Err("not the record's JSON"));
        check(r#"{"id": "1", "id": "2", "data": {}}"#, Err("is given twice"));
        check(r#"{"data": {"eventId": "a", "event_id": "b"}}"#, Err("is given twice"));
        check(r#"{"specversion": "1.0", "data": null}"#, Err(NO_DATA));
        check(r#"{"data": {}, "data_base64": ""}"#, Err(TWO_DATA));
        check(r#"{"data_base64": 5}"#, Err(NO_TEXT));
        check(r#"{"data_base64": "", "datacontenttype": 5}"#, Err(NO_TEXT));
        check(r#"{"data_base64": "?"}"#, Err(NO_BASE64));
        check(r#"{"data_base64": "AAAA"}"#, Err("frame is cut off"));
        check(r#"{"data_base64": "e30=", "datacontenttype": "application/cloudevents+json"}"#, Err(NESTED));
        check(r#"{"data": {"specversion": "1.0", "data": {}}}"#, Err("the field `data` is not known"));
        check(r#"{"data": 5}"#, Err("not the record's JSON"));
        check(r#"{"data": [{}]}"#, Err("not the record's JSON"));
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!(r#"{{"data": {}1{}}}"#, "[".repeat(1_000), "]".repeat(1_000));
        check(&deep, Err("recursion limit"));
        let within = Value::from(format!("{}1{}", "[".repeat(1_000), "]".repeat(1_000)));
        check(&format!(r#"{{"data": {within}}}"#), Err("recursion limit"));
    }
}
