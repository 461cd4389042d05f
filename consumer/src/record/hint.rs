//! What a refused value seems to be, where its bytes show it for sure: a detail that says what to change. Only refused records
//! are looked at so closely.

use crate::record::Raw;
use crate::record::content_type::{self, Declared};
use crate::record::frame::{FIRST_FIELD, MAGIC};
use crate::record::json;
use crate::record::reason::{Reason, Refusal};
use crate::record::wire::is_message;

/// Most bytes of a value that are read for a hint, so that a flood of refused records costs little.
const BYTES_MAX: usize = 64 * 1024;

const BATCH: &str = "a batch of CloudEvents: send each event as a record of its own";
const NOT_JSON: &str = "a structured CloudEvent in another format than JSON: use CloudEvents' binary mode, whose value is the record alone";
const EVENT_AS_JSON: &str = "a structured CloudEvent whose content-type header doesn't say so: set it to \
                             application/cloudevents+json, or use CloudEvents' binary mode";
const CONNECT: &str = "a Kafka Connect schema envelope: switch schemas off with value.converter.schemas.enable=false, and \
                       set the header content-type to application/json";
const UNDECLARED: &str =
    "looks like JSON, but there is no content-type header: set it to application/json, or send protobuf";
const OTHER_TYPE: &str = "looks like JSON, but the content-type header names another type: set it to application/json, or send protobuf";
const OTHER_NAME: &str =
    "looks like JSON, but its type is in a header that isn't read: name the header content-type";
const TWICE: &str = "a JSON text within a JSON text: the value was serialized twice";
const NO_JSON: &str = "looks like protobuf, but the content-type header says JSON: set it to application/protobuf, or send none";
const FRAMED_JSON: &str = "JSON in a schema registry's frame: use the registry's serializer for protobuf, or send the JSON \
                           without a frame and with the header content-type application/json";
const LONG_ID: &str = "Apicurio's frame with an id of 8 bytes and no reference to a type: set \
                       apicurio.registry.headers.enabled=true, or the id handler of 4 bytes with send-indexes on";
const GZIP: &str = "looks like gzip: send the value uncompressed, and set compression.type, which Kafka's clients undo by themselves";
const ZSTD: &str = "looks like Zstandard: send the value uncompressed, and set compression.type, which Kafka's clients undo by themselves";
const AVRO: &str = "looks like Avro, which no topic carries: send protobuf or its JSON";
const JAVA: &str = "looks like a serialized Java object: set value.serializer to one for protobuf";

/// Beginnings by which formats are known.
const BEGINNINGS: [(&[u8], &str); 5] = [
    (b"\x1f\x8b\x08", GZIP),
    (b"\x28\xb5\x2f\xfd", ZSTD),
    (b"Obj\x01", AVRO),
    (b"\xc3\x01", AVRO),
    (b"\xac\xed\x00\x05", JAVA),
];

/// The refusal, with another detail if the value shows what it is. The reason stays.
#[cold]
#[must_use]
pub fn explained(raw: &Raw<'_>, refusal: Refusal) -> Refusal {
    let hint = raw.payload.filter(|_| is_of_misread_bytes(refusal.reason)).and_then(|value| hint(raw, value));
    match hint {
        Some(hint) => Refusal { detail: hint.into(), ..refusal },
        None => refusal,
    }
}

/// Whether bytes of another format may have led to this reason. Others need a record that was understood.
fn is_of_misread_bytes(reason: Reason) -> bool {
    match reason {
        Reason::MalformedPayload
        | Reason::MissingOrganization
        | Reason::MissingId
        | Reason::MissingTime
        | Reason::InvalidText => true,
        Reason::EmptyPayload
        | Reason::InvalidTime
        | Reason::FromTheFuture
        | Reason::TooOld
        | Reason::UnspecifiedOutcome
        | Reason::UnspecifiedStatus
        | Reason::ImplausibleDuration
        | Reason::Unstorable => false,
    }
}

fn hint(raw: &Raw<'_>, value: &[u8]) -> Option<&'static str> {
    let by_header = content_type::media_types(&raw.headers).find_map(of_media_type);
    let by_beginning =
        || BEGINNINGS.iter().find(|(begin, _)| value.starts_with(begin)).map(|(_, hint)| *hint);
    by_header.or_else(by_beginning).or_else(|| of_frame(value)).or_else(|| {
        match content_type::declared(&raw.headers) {
            Declared::Bytes => of_undeclared(raw, value),
            Declared::Json => of_declared_json(value),
            Declared::CloudEvent => None,
        }
    })
}

/// What CloudEvents' media types say, but for the one that is read.
fn of_media_type(media_type: &[u8]) -> Option<&'static str> {
    let is = |name: &[u8], subtype: &[u8]| {
        subtype.split_at_checked(name.len()).is_some_and(|(begin, _)| begin.eq_ignore_ascii_case(name))
    };
    let subtype = content_type::application_subtype(media_type)?;
    match content_type::declared_by(media_type) {
        Declared::CloudEvent => None,
        Declared::Bytes | Declared::Json if is(b"cloudevents-batch", subtype) => Some(BATCH),
        Declared::Bytes | Declared::Json => is(b"cloudevents", subtype).then_some(NOT_JSON),
    }
}

fn of_frame(value: &[u8]) -> Option<&'static str> {
    match value {
        [MAGIC, _, _, _, _, b'{', ..] => Some(FRAMED_JSON),
        // Read as a schema's id of 4 bytes, this is the id 0 and the path [0].
        [MAGIC, 0, 0, 0, 0, rest @ ..] => {
            let message = rest.get(4..).filter(|message| message.first() == Some(&FIRST_FIELD))?;
            (is_message(message) && !is_message(rest.get(1..)?)).then_some(LONG_ID)
        }
        _ => None,
    }
}

/// What a value is that is JSON without being declared so.
fn of_undeclared(raw: &Raw<'_>, value: &[u8]) -> Option<&'static str> {
    let undeclared = || undeclared(raw);
    let text = json::without_mark(value).trim_ascii_start();
    if text.len() > BYTES_MAX {
        return text.starts_with(b"{\"").then(undeclared);
    }
    match text.first() {
        Some(b'{') => json::names(text).map(|names| of_names(&names).unwrap_or_else(undeclared)),
        Some(b'"') => of_text(text),
        Some(_) | None => None,
    }
}

/// Why JSON isn't taken for JSON.
fn undeclared(raw: &Raw<'_>) -> &'static str {
    if content_type::media_types(&raw.headers).any(|media_type| !media_type.trim_ascii().is_empty()) {
        return OTHER_TYPE;
    }
    let is_misnamed = |(name, value): &(&[u8], Option<&[u8]>)| {
        content_type::is_like_a_known_name(name)
            && value.is_some_and(|value| content_type::declared_by(value) != Declared::Bytes)
    };
    if raw.headers.iter().any(is_misnamed) { OTHER_NAME } else { UNDECLARED }
}

/// What a value is that is declared to be JSON.
fn of_declared_json(value: &[u8]) -> Option<&'static str> {
    let text = json::without_mark(value).trim_ascii_start();
    if text.len() > BYTES_MAX {
        return None;
    }
    match text.first() {
        Some(b'{') => json::names(text).and_then(|names| of_names(&names)),
        Some(b'"') => of_text(text),
        Some(_) | None => is_message(value).then_some(NO_JSON),
    }
}

/// What an object of these names is.
fn of_names(names: &[String]) -> Option<&'static str> {
    let has = |name: &str| names.iter().any(|given| given == name);
    if has("schema") && has("payload") { Some(CONNECT) } else { has("specversion").then_some(EVENT_AS_JSON) }
}

/// What a JSON text is.
fn of_text(json: &[u8]) -> Option<&'static str> {
    let text: String = serde_json::from_slice(json).ok()?;
    json::names(text.as_bytes()).map(|_| TWICE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::decode::{Bounds, decode, open};
    use crate::record::{Offset, Partition, Topic};
    use prost::Message as _;

    const BOUNDS: Bounds = Bounds { floor: i64::MIN, ceiling: i64::MAX };

    /// The detail of the record's refusal, whichever topic it is sent to.
    fn details(value: &[u8], content_type: Option<&str>) -> Vec<String> {
        let of = |topic| {
            let headers = content_type.map(|of| (&b"content-type"[..], Some(of.as_bytes())));
            let raw = Raw {
                partition: Partition { topic, number: 0 },
                offset: Offset(0),
                key: None,
                payload: Some(value),
                headers: headers.into_iter().collect(),
                timestamp_ms: None,
                leader_epoch: None,
            };
            let refusal = match open(&raw) {
                Err(refusal) => refusal,
                Ok(opened) => decode(topic, &opened, BOUNDS).expect_err("the value is none of ours"),
            };
            explained(&raw, refusal).detail.into_owned()
        };
        Topic::ALL.map(of).into()
    }

    #[track_caller]
    fn check(value: &[u8], content_type: Option<&str>, expected: &str) {
        for detail in details(value, content_type) {
            assert_eq!(detail, expected, "{} as {content_type:?}", value.escape_ascii());
        }
    }

    const JSON: Option<&str> = Some("application/json");

    #[test]
    fn json_that_is_not_declared_so_is_known() {
        let run = br#"{"executionId": "x1", "organizationId": "acme", "orderCreated": {}}"#;
        check(run, None, UNDECLARED);
        check(run, Some(" "), UNDECLARED);
        check(run, Some("text/plain"), OTHER_TYPE);
        check(run, Some("application/octet-stream"), OTHER_TYPE);
        check(&[&b"\xef\xbb\xbf \n"[..], run].concat(), None, UNDECLARED);
        check(br#"{"schema": {"type": "struct"}, "payload": {"eventId": "e"}}"#, None, CONNECT);
        check(br#"{"specversion": "1.0", "data": {"eventId": "e"}}"#, None, EVENT_AS_JSON);
        check(br#""{\"eventId\": \"e1\"}""#, None, TWICE);
        let large = [&b"{\"eventId\": \""[..], &[b'x'; BYTES_MAX], b"\"}"].concat();
        check(&large, None, UNDECLARED);
    }

    #[test]
    fn a_header_of_another_name_is_found() {
        let check = |name: &[u8], value: &[u8], expected| {
            let raw = Raw {
                partition: Partition { topic: Topic::Events, number: 0 },
                offset: Offset(0),
                key: None,
                payload: Some(b"{}"),
                headers: vec![(name, Some(value))],
                timestamp_ms: None,
                leader_epoch: None,
            };
            let refusal = Refusal::new(Reason::MalformedPayload, "as it was");
            assert_eq!(explained(&raw, refusal).detail, expected, "{}", name.escape_ascii());
        };
        check(b"Content_Type", b"application/json", OTHER_NAME);
        check(b"content.type", b"application/cloudevents+json", OTHER_NAME);
        check(b"content_type", b"text/plain", UNDECLARED);
        check(b"type", b"application/json", UNDECLARED);
        check(b"contentType", b"application/x-protobuf", OTHER_TYPE);
    }

    #[test]
    fn json_that_is_something_else_is_known() {
        check(br#"{"schema": null, "payload": {"eventId": "e", "orderCreated": {}}}"#, JSON, CONNECT);
        check(br#"{"specversion": "1.0", "id": "1", "data": {}}"#, JSON, EVENT_AS_JSON);
        check(br#""{\"eventId\": \"e1\"}""#, JSON, TWICE);
        let order = proto::v1::Event { event_id: "e1".into(), ..Default::default() }.encode_to_vec();
        check(&order, JSON, NO_JSON);
        check(b"[]", Some("application/cloudevents-batch+json"), BATCH);
        check(b"\x0a\x01a\x12\x01b\x1a\x031.0", Some("application/cloudevents+protobuf"), NOT_JSON);
        check(b"\x0a\x01a\x12\x01b\x1a\x031.0", Some("application/cloudevents+avro; a=b"), NOT_JSON);
    }

    #[test]
    fn frames_of_other_serializers_are_known() {
        check(b"\0\0\0\0\x07{\"eventId\": \"e1\"}", None, FRAMED_JSON);
        check(b"\0\0\0\0\x07{\"eventId\": \"e1\"}", JSON, FRAMED_JSON);
        check(b"\0\0\0\0\0\0\0\0\x07\x0a\x02e1\x12\x04acme", None, LONG_ID);
        check(b"\0\0\0\0\0\0\x01\x0f\x07\x0a\x02e1\x12\x04acme", None, LONG_ID);
        let no_message = details(b"\0\0\0\0\x07\x0a\x02e1", None);
        assert!(no_message.iter().all(|detail| detail.contains("names no message")), "{no_message:?}");
    }

    #[test]
    fn other_formats_are_known_by_their_beginning() {
        check(b"\x1f\x8b\x08\0\0\0\0\0\0\x03", None, GZIP);
        check(b"\x28\xb5\x2f\xfd\x04\x58", None, ZSTD);
        check(b"Obj\x01\x04\x14avro.codec", None, AVRO);
        check(b"\xc3\x01\x01\x02\x03\x04\x05\x06\x07\x08", None, AVRO);
        check(b"\xac\xed\0\x05t\0\x02e1", None, JAVA);
    }

    #[test]
    fn what_is_not_sure_keeps_its_detail() {
        for (value, content_type) in [
            (&b"\x0a\x02e1"[..], None),
            (b"{", None),
            (b"{not json}", None),
            (b"[1]", None),
            (b"plain text", None),
            (b"\"text\"", JSON),
            (b"{", JSON),
            (br#"{"eventId": "e1"}"#, JSON),
            (b"\0\0\0\0\0\0", None),
            (b"{}", Some("application/cloudevents+json")),
        ] {
            for detail in details(value, content_type) {
                let hints = [
                    BATCH,
                    NOT_JSON,
                    EVENT_AS_JSON,
                    CONNECT,
                    UNDECLARED,
                    OTHER_TYPE,
                    OTHER_NAME,
                    TWICE,
                    NO_JSON,
                    FRAMED_JSON,
                    LONG_ID,
                ];
                assert!(
                    !hints.contains(&&*detail) && !detail.is_empty(),
                    "{}: {detail}",
                    value.escape_ascii()
                );
            }
        }
    }

    #[test]
    fn a_record_that_was_understood_keeps_its_detail() {
        let partition = Partition { topic: Topic::Events, number: 0 };
        let (value, headers) = (Some(&b"{}"[..]), Vec::new());
        let (offset, key, timestamp_ms, leader_epoch) = (Offset(0), None, None, None);
        let raw = Raw { partition, offset, key, payload: value, headers, timestamp_ms, leader_epoch };
        let refusal = |reason| Refusal::new(reason, "as it was");
        assert_eq!(explained(&raw, refusal(Reason::TooOld)).detail, "as it was");
        assert_eq!(explained(&raw, refusal(Reason::MissingId)).detail, UNDECLARED);
        assert_eq!(explained(&raw, refusal(Reason::MissingId)).reason, Reason::MissingId);
    }
}
