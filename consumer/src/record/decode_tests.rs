//! Tests of the decoder: tables of records and what they say, and laws of the decoder.

use super::*;
use crate::record::{Offset, Partition};
use proptest::prelude::*;
use prost::Message as _;
use prost_types::Timestamp;
use proto::v1::{
    Event, MessageDelivery, OrderCreated, OrganizationUpdated, PaymentAttempted, WorkflowTerminal,
    event::Body as EventBody,
};

const NOW: i64 = 1_772_020_000;
const BOUNDS: Bounds = Bounds { floor: NOW - 35 * 86_400, ceiling: NOW + 3_600 };

fn time(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 5 })
}

fn order() -> Event {
    Event {
        event_id: "e1".into(),
        organization_id: "acme".into(),
        occurred_at: time(NOW),
        body: Some(EventBody::OrderCreated(OrderCreated { order_id: "o1".into() })),
    }
}

fn payment(outcome: i32) -> Event {
    let body = PaymentAttempted { payment_id: "p1".into(), outcome };
    Event { body: Some(EventBody::PaymentAttempted(body)), ..order() }
}

fn workflow() -> WorkflowTerminal {
    WorkflowTerminal {
        execution_id: "x1".into(),
        organization_id: "acme".into(),
        workflow_id: "w1".into(),
        workflow_name: "Import".into(),
        outcome: 2,
        finished_at: time(NOW),
        execution_time_ms: 1_234,
        error_message: "line 1\n\tline 2".into(),
    }
}

fn delivery(status: i32) -> MessageDelivery {
    MessageDelivery {
        message_id: "m1".into(),
        organization_id: "acme".into(),
        status,
        sent_at: time(NOW - 60),
        occurred_at: time(NOW),
        channel: "email".into(),
    }
}

fn raw(topic: Topic, payload: &[u8]) -> Raw<'_> {
    let partition = Partition { topic, number: 0 };
    Raw {
        partition,
        offset: Offset(0),
        key: None,
        payload: Some(payload),
        headers: Vec::new(),
        timestamp_ms: None,
        leader_epoch: None,
    }
}

/// What the record says, or the code of its refusal.
fn read(topic: Topic, payload: &[u8]) -> Result<String, &'static str> {
    let raw = raw(topic, payload);
    let bytes = open(&raw).map_err(|refusal| refusal.reason.code())?;
    let record = decode(topic, &bytes, BOUNDS).map_err(|refusal| refusal.reason.code())?;
    Ok(format!("{:?}", record.says))
}

fn check_event(event: &Event, expected: Result<&str, &str>) {
    let read = read(Topic::Events, &event.encode_to_vec());
    assert_eq!(read.as_deref().map_err(|code| *code), expected, "{event:?}");
}

fn check_workflow(change: impl Fn(&mut WorkflowTerminal), expected: Result<(), &str>) {
    let mut record = workflow();
    change(&mut record);
    assert_eq!(read(Topic::WorkflowTerminals, &record.encode_to_vec()).map(drop), expected, "{record:?}");
}

fn check_delivery(change: impl Fn(&mut MessageDelivery), expected: Result<&str, &str>) {
    let mut record = delivery(1);
    change(&mut record);
    let read = read(Topic::MessageDeliveries, &record.encode_to_vec());
    assert_eq!(read.as_deref().map_err(|code| *code), expected, "{record:?}");
}

#[test]
fn what_events_say() {
    check_event(&order(), Ok("OrderCreated"));
    check_event(&payment(1), Ok("PaymentAttempted { successful: true }"));
    check_event(&payment(2), Ok("PaymentAttempted { successful: false }"));
    check_event(&payment(0), Err("unspecified_outcome"));
    check_event(&payment(99), Err("unspecified_outcome"));
    check_event(&Event { body: None, ..order() }, Ok("UnknownBody"));
    let update = OrganizationUpdated { name: "Acme".into(), plan_id: "pro".into(), plan_name: "Pro".into() };
    let update = Event { body: Some(EventBody::OrganizationUpdated(update)), ..order() };
    check_event(&update, Ok(r#"OrganizationUpdated { name: "Acme", plan_id: "pro", plan_name: "Pro" }"#));
}

#[test]
fn what_deliveries_say() {
    let says =
        |milestone, channel: &str| format!("Message {{ milestone: {milestone}, channel: {channel:?} }}");
    let (sent, delivered) = (says("Sent", "email"), says("Delivered", "email"));
    check_delivery(|_| (), Ok(&sent));
    check_delivery(|m| m.status = 2, Ok(&delivered));
    check_delivery(|m| m.status = 3, Ok(&delivered));
    // No channel makes a record invalid.
    let longest = "ä".repeat(32);
    for (channel, counted) in [
        ("", "unknown"),
        ("unknown", "unknown"),
        ("E-Mail ", "E-Mail "),
        (&longest, &longest),
        (&format!("{longest}s"), "other"),
        ("sms\0", "other"),
        ("sms\n", "other"),
    ] {
        check_delivery(|m| channel.clone_into(&mut m.channel), Ok(&says("Sent", counted)));
    }
    check_delivery(|m| m.status = 4, Ok("Nothing"));
    check_delivery(|m| m.status = 0, Err("unspecified_status"));
    check_delivery(|m| m.status = -1, Err("unspecified_status"));
    check_delivery(|m| m.sent_at = None, Err("missing_time"));
    check_delivery(|m| m.occurred_at = None, Err("missing_time"));
    check_delivery(|m| m.sent_at = time(NOW - 40 * 86_400), Err("too_old"));
    // A failed delivery adds nothing, so it can't be added twice.
    check_delivery(|m| (m.status, m.sent_at) = (4, time(NOW - 40 * 86_400)), Ok("Nothing"));
    // Only the identity's time is judged by the clock.
    check_delivery(|m| m.occurred_at = time(NOW + 86_400), Ok(&sent));
    check_delivery(|m| m.occurred_at = time(i64::MAX), Err("invalid_time"));
}

#[test]
fn every_reason_and_the_first_of_several() {
    let changed = |change: fn(&mut Event)| {
        let mut event = order();
        change(&mut event);
        event
    };
    check_event(&changed(|e| e.organization_id.clear()), Err("missing_organization"));
    check_event(&changed(|e| e.event_id.clear()), Err("missing_id"));
    check_event(&changed(|e| e.occurred_at = None), Err("missing_time"));
    check_event(&changed(|e| e.occurred_at = Some(Timestamp { seconds: 0, nanos: -1 })), Err("invalid_time"));
    check_event(&changed(|e| e.occurred_at = time(253_402_300_800)), Err("invalid_time"));
    check_event(&changed(|e| e.occurred_at = time(NOW + 3_601)), Err("from_the_future"));
    check_event(&changed(|e| e.occurred_at = time(NOW + 3_600)), Ok("OrderCreated"));
    check_event(&changed(|e| e.occurred_at = time(BOUNDS.floor - 1)), Err("too_old"));
    check_event(&changed(|e| e.occurred_at = time(BOUNDS.floor)), Ok("OrderCreated"));
    check_event(&changed(|e| e.event_id = "x".repeat(257)), Err("invalid_text"));
    check_event(&changed(|e| e.organization_id = "x".repeat(129)), Err("invalid_text"));
    check_event(&changed(|e| e.event_id = "a\0b".into()), Err("invalid_text"));
    check_event(&changed(|e| e.event_id = "a\u{85}b".into()), Err("invalid_text"));
    check_event(&changed(|e| e.event_id = "å\u{a0}b".into()), Ok("OrderCreated"));
    let all_wrong =
        |e: &mut Event| (e.organization_id, e.event_id, e.occurred_at) = (String::new(), String::new(), None);
    check_event(&changed(all_wrong), Err("missing_organization"));
    let old_update = Event {
        occurred_at: time(0),
        body: Some(EventBody::OrganizationUpdated(OrganizationUpdated::default())),
        ..order()
    };
    check_event(&old_update, Ok(r#"OrganizationUpdated { name: "", plan_id: "", plan_name: "" }"#));
    assert_eq!(read(Topic::Events, b""), Err("empty_payload"));
    assert_eq!(read(Topic::Events, b"\xff\xff"), Err("malformed_payload"));
}

#[test]
fn workflows_are_bounded() {
    check_workflow(|_| (), Ok(()));
    check_workflow(|w| w.outcome = 0, Err("unspecified_outcome"));
    check_workflow(|w| w.workflow_id = "x".repeat(257), Err("invalid_text"));
    check_workflow(|w| w.workflow_name = "x".repeat(513), Err("invalid_text"));
    check_workflow(|w| w.error_message = "a\0b".into(), Err("invalid_text"));
    check_workflow(|w| w.execution_time_ms = EXECUTION_TIME_MS_MAX, Ok(()));
    check_workflow(|w| w.execution_time_ms = EXECUTION_TIME_MS_MAX + 1, Err("implausible_duration"));
    check_workflow(|w| w.execution_time_ms = u64::MAX, Err("implausible_duration"));
}

#[test]
fn a_long_error_message_is_cut_between_characters() {
    assert_eq!(cut("äöü", 2), "äö");
    assert_eq!(cut("abc", 3), "abc");
    let long = "ä".repeat(2_001);
    let payload = WorkflowTerminal { error_message: long, ..workflow() }.encode_to_vec();
    let record = decode(Topic::WorkflowTerminals, &payload, BOUNDS).unwrap();
    let Says::WorkflowEnded(run) = record.says else { panic!("{record:?}") };
    assert_eq!(run.error_message, "ä".repeat(2_000));
}

/// Lines of `label | message type | hex | hex of the protobuf`, made by other programs' serializers.
fn vectors(text: &str) -> impl Iterator<Item = (&str, Topic, Vec<u8>, Vec<u8>)> {
    let hex = |text: &str| -> Vec<u8> {
        text.as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    };
    text.lines().filter(|line| !line.starts_with('#')).map(move |line| {
        let columns: Vec<&str> = line.split(" | ").collect();
        let topic = match columns[1] {
            "Event" => Topic::Events,
            "WorkflowTerminal" => Topic::WorkflowTerminals,
            "MessageDelivery" => Topic::MessageDeliveries,
            // A message that is no topic's, for the path in its frame.
            _ => Topic::Events,
        };
        (columns[0], topic, hex(columns[2]), hex(columns[3]))
    })
}

#[test]
fn frames_of_the_registrys_own_serializer_are_taken_off() {
    let mut seen = 0;
    for (label, topic, frame, protobuf) in vectors(include_str!("../../tests/vectors/confluent.txt")) {
        assert_eq!(frame::unframe(&frame), Ok(&protobuf[..]), "{label}");
        assert_eq!(open(&raw(topic, &frame)).unwrap(), protobuf, "{label}");
        seen += 1;
    }
    assert!(seen > 5);
}

#[test]
fn json_of_protobufs_own_printer_says_the_same() {
    let mut seen = 0;
    for (label, topic, json, protobuf) in vectors(include_str!("../../tests/vectors/json.txt")) {
        let headers = vec![(&b"Content-Type"[..], Some(&b"application/json; charset=utf-8"[..]))];
        let raw = Raw { headers, ..raw(topic, &json) };
        let plain = decode(topic, &protobuf, BOUNDS);
        // Only in JSON an event needs a body that is known.
        if label.starts_with("no body") || label.starts_with("empty event") {
            assert_eq!(open(&raw).unwrap_err().reason, Reason::MalformedPayload, "{label}");
            continue;
        }
        let opened = open(&raw).unwrap();
        assert_eq!(decode(topic, &opened, BOUNDS), plain, "{label}");
        seen += usize::from(plain.is_ok());
    }
    assert_eq!(seen, 16);
}

#[test]
fn frames_that_are_cut_off_or_name_nested_messages_are_malformed() {
    for frame in [
        &[0u8][..],
        &[0, 0, 0, 0],
        &[0, 0, 0, 0, 1],
        &[0, 0, 0, 0, 1, 2],
        &[0, 0, 0, 0, 1, 4, 0, 0],
        &[0, 0, 0, 0, 1, 1],
    ] {
        assert!(frame::unframe(frame).is_err(), "{frame:?}");
    }
    assert_eq!(read(Topic::Events, &[0, 0, 0, 0, 1, 0]), Err("missing_organization"));
}

#[test]
fn json_that_is_none_is_malformed() {
    let twice = r#"{"eventId": "e", "event_id": "f", "organizationId": "acme"}"#;
    for json in ["", "{", "[]", r#"{"eventId": 5}"#, r#"{"occurredAt": "yesterday"}"#, "{} {}", twice] {
        let headers = vec![(&b"content-type"[..], Some(&b"application/json"[..]))];
        let raw = Raw { headers, ..raw(Topic::Events, json.as_bytes()) };
        let refusal = open(&raw).unwrap_err();
        let expected = if json.is_empty() { Reason::EmptyPayload } else { Reason::MalformedPayload };
        assert_eq!(refusal.reason, expected, "{json}");
    }
}

/// Bytes that are nearly a message: fields of all wire types, some cut off.
fn nearly_protobuf() -> impl Strategy<Value = Vec<u8>> {
    let field =
        (1u32..14, 0u32..6, prop::collection::vec(any::<u8>(), 0..12)).prop_map(|(number, wire, content)| {
            let mut bytes = Vec::new();
            prost::encoding::encode_varint(u64::from(number << 3 | wire), &mut bytes);
            if wire == 2 {
                prost::encoding::encode_varint(content.len() as u64, &mut bytes);
            }
            bytes.extend(content);
            bytes
        });
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        prop::collection::vec(field, 0..6).prop_map(|fields| fields.concat()),
    ]
}

/// What prost, by the contract's generated code, makes of it.
fn by_prost(topic: Topic, bytes: &[u8]) -> bool {
    match topic {
        Topic::Events => Event::decode(bytes).is_ok(),
        Topic::WorkflowTerminals => WorkflowTerminal::decode(bytes).is_ok(),
        Topic::MessageDeliveries => MessageDelivery::decode(bytes).is_ok(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_bytes_make_it_panic_and_prost_agrees_what_is_malformed(bytes in nearly_protobuf()) {
        for topic in Topic::ALL {
            let read = decode(topic, &bytes, BOUNDS);
            let malformed = matches!(&read, Err(refusal) if refusal.reason == Reason::MalformedPayload);
            prop_assert_eq!(!malformed, by_prost(topic, &bytes), "{:?}: {:?}", topic, read);
        }
    }

    #[test]
    fn no_payload_of_any_format_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), json in any::<bool>()) {
        let headers = if json { vec![(&b"content-type"[..], Some(&b"application/json"[..]))] } else { Vec::new() };
        for topic in Topic::ALL {
            let raw = Raw { headers: headers.clone(), ..raw(topic, &bytes) };
            if let Ok(opened) = open(&raw) {
                let _ = decode(topic, &opened, BOUNDS);
            }
        }
    }

    /// At most one character is odd, at any place of a word.
    #[test]
    fn one_control_character_is_found_wherever_it_stands(text in "[ -~]{0,20}[\\x00-\\x1f\\x7f-\\u{a0}é]?[ -~]{0,20}") {
        let control = |allowed: &[char]| text.chars().any(|c| c.is_control() && !allowed.contains(&c));
        prop_assert_eq!(has_control(&text, false), control(&[]));
        prop_assert_eq!(has_control(&text, true), control(&['\n', '\r', '\t']));
    }

    #[test]
    fn what_prost_writes_is_read_as_it_was(
        execution in "[a-z]{1,9}", organization in "[a-z]{1,9}", id in "\\PC{0,9}", name in "\\PC{0,9}",
        ms in 0u64..EXECUTION_TIME_MS_MAX, seconds in BOUNDS.floor..BOUNDS.ceiling, nanos in 0i32..1_000_000_000,
    ) {
        let record = WorkflowTerminal {
            execution_id: execution.clone(), organization_id: organization.clone(), workflow_id: id.clone(),
            workflow_name: name.clone(), execution_time_ms: ms, finished_at: Some(Timestamp { seconds, nanos }),
            ..workflow()
        };
        let bytes = record.encode_to_vec();
        let read = decode(Topic::WorkflowTerminals, &bytes, BOUNDS).unwrap();
        let Says::WorkflowEnded(run) = read.says else { panic!("{read:?}") };
        prop_assert_eq!((read.organization, read.id), (&*organization, &*execution));
        prop_assert_eq!(read.time, Instant { seconds, nanos });
        prop_assert_eq!((run.workflow_id, run.workflow_name, run.execution_time_ms), (&*id, &*name, ms.cast_signed()));
        prop_assert_eq!(run.outcome, Outcome::Failed);
    }
}

#[test]
fn a_refusal_says_what_would_be_right() {
    let check = |topic, payload: &[u8], expected: &str| {
        let refusal = decode(topic, payload, BOUNDS).expect_err(expected);
        assert_eq!(refusal.detail, expected);
    };
    let at = |seconds| Event { occurred_at: time(seconds), ..order() }.encode_to_vec();
    check(
        Topic::Events,
        &at(NOW + 3_601),
        "occurred_at is 2026-02-25T12:46:41Z, further ahead of the clock than is tolerated: now it may be \
         2026-02-25T12:46:40Z at most",
    );
    check(
        Topic::Events,
        &at(NOW - 35 * 86_400 - 1),
        "occurred_at is 2026-01-21T11:46:39Z, older than the ledger remembers: now it must be 2026-01-21T11:46:40Z or later",
    );
    let no_time =
        |seconds: i64| format!("occurred_at has {seconds} seconds and 5 nanoseconds, which is no timestamp");
    let milliseconds =
        format!("{}: they look like milliseconds, and a Timestamp has seconds", no_time(NOW * 1_000));
    check(Topic::Events, &at(NOW * 1_000), &milliseconds);
    check(Topic::Events, &at(NOW * 1_000_000), &no_time(NOW * 1_000_000));
    check(
        Topic::Events,
        &payment(0).encode_to_vec(),
        "outcome is not set, or a name or number that this version doesn't know; known are OUTCOME_SUCCESSFUL, OUTCOME_FAILED",
    );
    let run = WorkflowTerminal { outcome: 9, ..workflow() }.encode_to_vec();
    let known = "OUTCOME_SUCCESS, OUTCOME_FAILED, OUTCOME_FAILED_SAFETY_LIMIT";
    let number = format!("outcome is 9, a number that this version doesn't know; known are {known}");
    check(Topic::WorkflowTerminals, &run, &number);
    check(
        Topic::MessageDeliveries,
        &delivery(0).encode_to_vec(),
        "status is not set, or a name or number that this version doesn't know; known are STATUS_SENT, STATUS_DELIVERED, \
         STATUS_READ, STATUS_FAILED",
    );
}
