//! The law of formats: a record says the same in each of them, so that its copies are one identity whatever they come in.

use crate::record::content_type::{Declared, declared};
use crate::record::decode::{Bounds, decode, open};
use crate::record::frame::{Format, format_of};
use crate::record::reason::Refusal;
use crate::record::{Offset, Partition, Raw, Topic};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use load::{Kind, Message};
use proptest::prelude::*;
use proto::v1::message_delivery::Status;
use proto::v1::workflow_terminal::Outcome;

const BOUNDS: Bounds = Bounds { floor: i64::MIN, ceiling: i64::MAX };

/// A value with the content type that is declared of it.
struct Form {
    format: Format,
    content_type: Option<&'static str>,
    value: Vec<u8>,
}

impl Form {
    fn framed(format: Format, before: &[u8], message: &Message) -> Self {
        Self { format, content_type: None, value: [before, &message.encode()].concat() }
    }

    fn json(content_type: &'static str, text: String) -> Self {
        Self { format: Format::Json, content_type: Some(content_type), value: text.into_bytes() }
    }

    fn event(envelope: String) -> Self {
        let content_type = Some("application/cloudevents+json; charset=UTF-8");
        Self { format: Format::CloudEvent, content_type, value: envelope.into_bytes() }
    }
}

/// The message in every format that is read.
fn forms(message: &Message) -> Vec<Form> {
    let (name, index) = match message.kind() {
        Kind::Event => ("Event", 0),
        Kind::Workflow => ("WorkflowTerminal", 4),
        Kind::Delivery => ("MessageDelivery", 5),
    };
    let length = u8::try_from(name.len()).unwrap();
    let reference = [&[length + 2, 0x0a, length], name.as_bytes()].concat();
    let id = [0, 0, 0, 0, 7];
    let text = String::from_utf8(load::Format::Json.write(message)).unwrap();
    let quoted = serde_json::Value::from(text.as_str());
    let (protobuf, bytes) = (STANDARD.encode(message.encode()), STANDARD.encode(&text));
    vec![
        Form::framed(Format::Protobuf, b"", message),
        Form::framed(Format::Confluent, &[&id[..], &[2, 2 * index]].concat(), message),
        Form::framed(Format::Confluent, &[&id[..], &[1, index]].concat(), message),
        Form::framed(Format::Apicurio, &[&id[..], &reference].concat(), message),
        Form::framed(Format::Apicurio, &[&[0; 4][..], &id, &reference].concat(), message),
        Form::framed(Format::Apicurio, &reference, message),
        Form::json("application/json", text.clone()),
        Form::json("\"application/vnd.acme+json; charset=utf-8\"", format!("\u{feff}{text}")),
        Form::event(format!(r#"{{"specversion": "1.0", "data": {text}}}"#)),
        Form::event(format!(r#"{{"specversion": "1.0", "data": {quoted}}}"#)),
        Form::event(format!(r#"{{"data_base64": "{protobuf}", "datacontenttype": "application/protobuf"}}"#)),
        Form::event(format!(r#"{{"data_base64": "{bytes}", "datacontenttype": "application/json"}}"#)),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let sort = (0u8..6, 0u64..1_000_000, any::<bool>());
    let time = (0i64..4_000_000_000, 0u32..1_000_000_000);
    let ids = ("[a-z]{1,9}", "[a-zé\"\\\\ ]{1,40}");
    (ids, time, sort).prop_map(|((organization, id), time, (sort, millis, good))| {
        let at = DateTime::from_timestamp(time.0, time.1).unwrap();
        match sort {
            0 => Message::order(&organization, &id, at),
            1 => Message::payment(&organization, &id, at, good),
            2 => Message::update(&organization, &id, at, "Łódź \u{1f600}", ("p", "Pro")),
            3 => Message::workflow(&organization, &id, at, Outcome::FailedSafetyLimit, millis),
            4 => Message::delivery(&organization, &id, at, at, Status::Sent),
            _ => Message::delivery(&organization, &id, at, at, Status::Read),
        }
    })
}

proptest! {
    #[test]
    fn a_record_says_the_same_in_every_format(message in message()) {
        let topic = match message.kind() {
            Kind::Event => Topic::Events,
            Kind::Workflow => Topic::WorkflowTerminals,
            Kind::Delivery => Topic::MessageDeliveries,
        };
        let plain = message.encode();
        let expected = decode(topic, &plain, BOUNDS);
        prop_assert!(expected.is_ok(), "{expected:?}");
        for form in forms(&message) {
            let headers = form.content_type.map(|of| (&b"Content-Type"[..], Some(of.as_bytes())));
            let raw = Raw {
                partition: Partition { topic, number: 0 },
                offset: Offset(0),
                key: None,
                payload: Some(&form.value),
                headers: headers.into_iter().collect(),
                timestamp_ms: None,
                leader_epoch: None,
            };
            let opened = open(&raw);
            let read = opened.as_deref().map_err(Refusal::clone).and_then(|bytes| decode(topic, bytes, BOUNDS));
            prop_assert_eq!(&read, &expected, "{}", form.value.escape_ascii());
            prop_assert_eq!(format_of(&raw), Some(form.format));
        }
    }

    #[test]
    fn both_books_read_the_same_out_of_headers(
        name in prop::sample::select(vec!["content-type", "contentType", "CE_dataContentType", "content_type", "accept"]),
        value in "[\" ]{0,2}(application|text)?/?[a-z.\\-]{0,9}(cloudevents|vnd)?(\\+|\\-)?(json|protobuf)?[\" ]{0,2}(;q=\"1\")?",
    ) {
        let headers = [(name.as_bytes(), Some(value.as_bytes())), (&b"trace"[..], None)];
        let expected = match recount::declared(headers) {
            recount::Declared::Nothing => Declared::Bytes,
            recount::Declared::Json => Declared::Json,
            recount::Declared::CloudEvent => Declared::CloudEvent,
        };
        prop_assert_eq!(declared(&headers), expected);
    }
}
