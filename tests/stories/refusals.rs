//! What is refused: each reason, and that the stream goes on behind it.

use crate::telling::{count, counted, orders, orders_created, plain, yesterday};
use chrono::{Duration, Utc};
use domain::Counters;
use load::{Flaw, Kind, Message, Produced};
use proto::v1::message_delivery::Status;
use proto::v1::workflow_terminal::Outcome;
use tests::Stack;

/// A record without fault, to be spoilt.
fn sound(kind: Kind) -> Message {
    match kind {
        Kind::Event => Message::order("acme", "e1", yesterday()),
        Kind::Workflow => Message::workflow("acme", "w1", yesterday(), Outcome::Success, 1),
        Kind::Delivery => Message::delivery("acme", "m1", yesterday(), yesterday(), Status::Sent),
    }
}

/// The contract's code for a flaw.
fn code(flaw: Flaw, kind: Kind) -> &'static str {
    match flaw {
        Flaw::Empty => "empty_payload",
        Flaw::Truncated => "malformed_payload",
        Flaw::NoOrganization => "missing_organization",
        Flaw::NoId => "missing_id",
        Flaw::NoTime => "missing_time",
        Flaw::TooManyNanos | Flaw::BeforeTheCalendar => "invalid_time",
        Flaw::FarFuture => "from_the_future",
        Flaw::Unspecified | Flaw::UnknownValue => match kind {
            Kind::Delivery => "unspecified_status",
            Kind::Event | Kind::Workflow => "unspecified_outcome",
        },
        Flaw::LongId | Flaw::LongOrganization | Flaw::Nul => "invalid_text",
        Flaw::LongDuration => "implausible_duration",
    }
}

#[tokio::test]
async fn every_flaw_has_its_reason_and_the_stream_goes_on() {
    let stack = Stack::with_partitions(1).await;
    let flaws: Vec<(Flaw, Kind)> = Flaw::ALL
        .into_iter()
        .flat_map(|flaw| {
            Kind::ALL.into_iter().filter(move |kind| flaw.fits(*kind)).map(move |kind| (flaw, kind))
        })
        .collect();
    stack.produce(flaws.iter().map(|(flaw, kind)| flaw.spoil(sound(*kind)))).await;
    stack.produce(orders("acme", 10)).await;
    count(&stack).await;

    for kind in Kind::ALL {
        let topic = stack.topics().of(kind);
        let letters = stack.dead_letters().await;
        let found: Vec<&str> =
            letters.iter().filter(|letter| letter.topic == topic).map(|letter| &*letter.reason).collect();
        let expected: Vec<&str> =
            flaws.iter().filter(|(_, of)| *of == kind).map(|(flaw, _)| code(*flaw, kind)).collect();
        assert_eq!(found, expected, "{topic}");
    }
    stack.counts("acme").await.are(orders_created(10));
}

#[tokio::test]
async fn a_refused_record_is_kept_whole_with_where_it_came_from() {
    let stack = Stack::start().await;
    let mut record = Produced::plain(Message::order("acme", "", yesterday()));
    record.headers = vec![("trace", b"abc".to_vec()), ("trace", b"\xff\x00".to_vec())];
    let payload = record.payload.clone();
    stack.produce(orders("acme", 3)).await;
    stack.produce([record]).await;
    count(&stack).await;

    let letters = stack.dead_letters().await;
    let [letter] = &letters[..] else { panic!("one letter, not {letters:#?}") };
    assert_eq!((&*letter.topic, letter.offset), (&*stack.topics().events, 3));
    assert_eq!(letter.key.as_deref(), Some(&b"acme"[..]));
    assert_eq!(letter.payload, Some(payload));
    assert_eq!(letter.headers, serde_json::json!([["trace", "YWJj"], ["trace", "/wA="]]));
    assert_eq!((&*letter.reason, letter.organization.as_deref()), ("missing_id", Some("acme")));
    assert!(letter.broker_timestamp.is_some() && !letter.detail.is_empty(), "{letter:#?}");
}

#[tokio::test]
async fn the_near_future_is_tolerated_and_the_limit_can_be_set() {
    let stack = Stack::start().await;
    let ahead = |id, minutes| Message::order("acme", id, Utc::now() + Duration::minutes(minutes));
    stack.produce(plain([ahead("o1", 5), ahead("o2", 15), ahead("o3", 90)])).await;
    let consumer = stack.consumer().set("FUTURE_SKEW_MAX", "10m").start().await;
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(1));
    let reasons: Vec<_> = stack.dead_letters().await.into_iter().map(|letter| letter.reason).collect();
    assert_eq!(reasons, ["from_the_future", "from_the_future"]);
    assert_eq!(consumer.stop().await, Some(0));
}

#[tokio::test]
async fn records_below_the_ledgers_floor_are_refused_unless_they_count_nothing() {
    let stack = Stack::start().await;
    let floor = yesterday();
    let client = stack.client().await;
    client.execute("update ledger_floor set floor = $1", &[&floor]).await.expect("a floor");
    let below = floor - Duration::milliseconds(1);
    stack
        .produce(plain([
            Message::order("acme", "old", below),
            Message::order("acme", "new", floor),
            Message::update("acme", "u1", below, "Acme", ("p", "P")),
            Message::delivery("acme", "m1", below, floor, Status::Delivered),
            Message::delivery("acme", "m2", below, floor, Status::Failed),
        ]))
        .await;
    count(&stack).await;
    stack.counts("acme").await.are(orders_created(1));
    let reasons: Vec<_> = stack.dead_letters().await.into_iter().map(|letter| letter.reason).collect();
    assert_eq!(reasons, ["too_old", "too_old"]);
    let named: i64 = client.query_one("select count(*) from organizations", &[]).await.expect("a row").get(0);
    assert_eq!(named, 1);
}

#[tokio::test]
async fn an_over_long_error_message_is_cut_on_a_character_and_the_run_counts() {
    let long = "é".repeat(2_500);
    let Message::Workflow(mut run) = Message::workflow("acme", "w1", yesterday(), Outcome::Failed, 5) else {
        panic!("a workflow is a workflow");
    };
    run.error_message = long;
    let stack = counted(plain([Message::Workflow(run)])).await;
    stack.counts("acme").await.are(Counters {
        workflows_total: 1,
        workflows_failed: 1,
        total_execution_time_ms: 5,
        ..Counters::default()
    });
    let row = stack.client().await.query_one("select error_message from workflow_failures", &[]).await;
    let kept: String = row.expect("a failure").get(0);
    assert_eq!(kept, "é".repeat(2_000));
}
