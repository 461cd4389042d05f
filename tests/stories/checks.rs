//! Records are checked before they are sent, and topics beside the members: with no database, and no trace.

use crate::telling::{count, orders, orders_created, yesterday};
use load::murmur2::partition_of;
use load::{Kind, Message, Produced};
use serde_json::{Value, json};
use stack::wait::{self, Seen};
use std::time::Duration;
use tests::{Ended, Launch, Stack};

/// How long a command may take to begin to read.
const LIMIT: Duration = Duration::from_secs(30);

/// The same without the settings that the commands must not need.
fn alone(launch: Launch<'_>) -> Launch<'_> {
    launch.without("DATABASE_URL").without("REDIS_URL")
}

/// Checks a record for the events' topic, with no server at all.
async fn check_record(stack: &Stack, payload: &[u8], more: &str) -> Ended {
    std::fs::write(stack.folder().join("record.bin"), payload).expect("a file");
    let script = format!("consumer check-record --topic \"$EVENTS_TOPIC\" {more} < record.bin");
    alone(stack.consumer()).without("KAFKA_BROKERS").shell(&script).run().await
}

async fn check_topic(stack: &Stack, more: &[&str]) -> Ended {
    let args = [&["check-topic", "--topic", &*stack.topics().events][..], more].concat();
    alone(stack.consumer()).command(&args).run().await
}

/// The last line of an answer, which is JSON.
fn summary(ended: &Ended) -> Value {
    let last = ended.output.lines().next_back().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|_| panic!("no JSON: {ended:#?}"))
}

#[tokio::test]
async fn a_record_is_checked_before_it_is_sent() {
    let stack = Stack::start().await;
    let order = Message::order("acme", "o-1", yesterday()).encode();
    let good = check_record(&stack, &order, "--key acme --partitions 8").await;
    assert_eq!(good.code, Some(0), "{good:#?}");
    let place = format!("partition {} of 8", partition_of(b"acme", 8));
    for part in ["would be counted", "orders_created 1", "acme", "o-1", "the organization_id", &place] {
        assert!(good.output.contains(part), "{part}: {good:#?}");
    }
    let as_json = check_record(&stack, &order, "--key o-1 --json").await;
    let seen: Value = serde_json::from_str(&as_json.output).expect("JSON");
    assert_eq!(
        (&seen["verdict"], &seen["kind"], &seen["adds"], &seen["keyIs"]),
        (&json!("counted"), &json!("order"), &json!({ "orders_created": 1 }), &json!("the record's own id"))
    );

    let json = format!(
        "{{\"eventId\":\"o-1\",\"organizationId\":\"acme\",\"occurredAt\":\"{}\",\"orderCreated\":{{}}}}",
        crate::telling::text(yesterday())
    );
    let header = "--header content-type=application/json";
    let long_ago = Message::order("acme", "o-1", "2020-02-25T10:00:00Z".parse().expect("a time")).encode();
    let cases: [(&[u8], &str, i32, &str); 8] = [
        (json.as_bytes(), header, 0, "orders_created 1"),
        (json.as_bytes(), "", 1, "malformed_payload"),
        (b"", "", 1, "empty_payload"),
        (b"\xff", "--key acme", 1, "acme (by its key)"),
        (&Message::order("acme", "", yesterday()).encode(), "", 1, "event_id is empty"),
        (&long_ago, "", 1, "too_old"),
        (&long_ago, "--at 2020-02-25T11:00:00Z", 0, "would be counted"),
        (&order, "--header nonsense", 2, "NAME=VALUE"),
    ];
    for (payload, more, code, part) in cases {
        let ended = check_record(&stack, payload, more).await;
        assert_eq!(ended.code, Some(code), "{more}: {ended:#?}");
        assert!([&ended.output, &ended.errors].iter().any(|said| said.contains(part)), "{part}: {ended:#?}");
    }
    let unknown = alone(stack.consumer()).command(&["check-record", "--topic", "nowhere"]).run().await;
    assert_eq!(unknown.code, Some(2), "{unknown:#?}");
    assert!(unknown.errors.contains("EVENTS_TOPIC"), "{unknown:#?}");
}

#[tokio::test]
async fn a_topic_is_checked_beside_the_members_and_nothing_is_changed() {
    let stack = Stack::start().await;
    let nothing = check_topic(&stack, &["--json"]).await;
    assert_eq!((nothing.code, &summary(&nothing)["records"]), (Some(0), &json!(0)), "{nothing:#?}");

    let right = partition_of(b"acme", stack.partitions());
    let wrong = (right + 1) % stack.partitions();
    let misplaced = Produced { partition: Some(wrong), ..orders("acme", 1).remove(0) };
    let bad = || Produced::garbage(Kind::Event, "acme", b"\xffsecret".to_vec());
    let records = [orders("acme", 10), orders("acme", 3), vec![bad(), bad(), misplaced]].concat();
    stack.produce(records).await;
    let ended = check_topic(&stack, &["--json"]).await;
    let seen = summary(&ended);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert_eq!(
        ["records", "counted", "repeats", "nothingToCount"].map(|member| seen[member].as_i64()),
        [16, 10, 4, 0].map(Some),
        "{seen:#}"
    );
    let refused = &seen["refused"][0];
    assert_eq!(
        (&refused["reason"], &refused["records"], &refused["example"]["key"], &refused["example"]["offset"]),
        (&json!("malformed_payload"), &json!(2), &json!("acme"), &json!(13)),
        "{seen:#}"
    );
    assert_eq!(seen["misplaced"]["records"], 1, "{seen:#}");
    let lies = &seen["misplaced"]["examples"][0];
    assert_eq!((&lies["partition"], &lies["belongsIn"]), (&json!(wrong), &json!(right)), "{seen:#}");

    let each = check_topic(&stack, &["--each"]).await;
    assert_eq!(each.output.matches("malformed_payload").count(), 2 + 1, "{each:#?}");
    assert!(!each.output.contains("secret") && !each.output.contains("736563726574"), "{each:#?}");
    let payloads = check_topic(&stack, &["--each", "--payloads"]).await;
    assert!(payloads.output.contains("736563726574"), "in hex, for it is no text: {payloads:#?}");
    let newest = check_topic(&stack, &["--json", "--limit", "2"]).await;
    assert_eq!(summary(&newest)["records"], 2 + 1, "of each of two partitions: {newest:#?}");

    count(&stack).await;
    stack.counts("acme").await.are(orders_created(11));
}

#[tokio::test]
async fn a_topic_is_followed_until_a_limit_or_ctrl_c() {
    let stack = Stack::start().await;
    stack.produce(orders("acme", 5)).await;
    let tail = |more: &[&str]| {
        let events = &*stack.topics().events;
        let args = [&["check-topic", "--tail", "--json", "--topic", events][..], more].concat();
        alone(stack.consumer()).command(&args).begin()
    };
    let mut limited = tail(&["--each", "--limit", "3"]);
    let open = tail(&[]);
    for member in [&limited, &open] {
        let reads = wait::until("the command to read", LIMIT, async || {
            let log = member.log_tail();
            Ok(Seen::when(log.contains("reading what comes"), log))
        });
        reads.await.expect("a remark");
    }
    stack.produce(orders("beta", 3)).await;
    assert_eq!(limited.ended().await, Some(0), "{}", limited.log_tail());
    let log = limited.log_tail();
    assert_eq!(log.matches("\"organizationId\":\"beta\"").count(), 3, "{log}");
    assert!(log.contains("\"records\":3") && !log.contains("acme"), "only what came: {log}");
    assert_eq!(open.interrupt().await, Some(0));
}
