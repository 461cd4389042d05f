//! Formats of values: what real serializers make is counted, or refused with a sentence that helps.

use crate::telling::{count, counted, orders_created, yesterday};
use domain::Counters;
use load::{Format, Kind, Message, Produced};
use serde_json::Value;
use tests::Stack;

/// Values as real serializers make them; `tests/golden/README.md` says how. Each has its own name for an id.
const GOLDEN: &str = include_str!("../golden/index.json");

fn goldens() -> Vec<Value> {
    serde_json::from_str(GOLDEN).expect("JSON")
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("digits"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("digits")).collect()
}

fn member<'a>(golden: &'a Value, name: &str) -> &'a str {
    golden[name].as_str().unwrap_or_default()
}

fn kind(golden: &Value) -> Kind {
    match member(golden, "message") {
        "Event" => Kind::Event,
        "WorkflowTerminal" => Kind::Workflow,
        "MessageDelivery" => Kind::Delivery,
        other => panic!("{other} is no topic's message"),
    }
}

fn produced(golden: &Value) -> Produced {
    let headers = golden["headers"].as_array().expect("headers").iter().map(|header| {
        let name: &'static str = member(header, "name").to_owned().leak();
        (name, [member(header, "text").as_bytes(), &bytes(member(header, "hex"))].concat())
    });
    Produced {
        headers: headers.collect(),
        ..Produced::garbage(kind(golden), "golden", bytes(member(golden, "value")))
    }
}

#[tokio::test]
async fn values_of_real_serializers_are_counted_or_refused_as_documented() {
    let stack = Stack::with_partitions(1).await;
    let goldens = goldens();
    stack.produce(goldens.iter().map(produced)).await;
    // Their times are fixed.
    let consumer =
        stack.consumer().set("LEDGER_RETENTION_DAYS", "3650").set("FAILURE_RETENTION_DAYS", "3650");
    let consumer = consumer.start().await;
    stack.until_idle().await;
    assert_eq!(consumer.stop().await, Some(0));

    let (refused, good): (Vec<&Value>, Vec<&Value>) =
        goldens.iter().partition(|golden| golden["refused"].is_object());
    let of = |of: Kind| i64::try_from(good.iter().filter(|golden| kind(golden) == of).count()).expect("few");
    stack.counts("golden").await.are(Counters {
        orders_created: of(Kind::Event),
        workflows_total: of(Kind::Workflow),
        total_execution_time_ms: 5 * of(Kind::Workflow),
        messages_sent: of(Kind::Delivery),
        ..Counters::default()
    });
    let letters = stack.dead_letters().await;
    assert_eq!(letters.len(), refused.len());
    for golden in refused {
        let payload = bytes(member(golden, "value"));
        let letter = letters.iter().find(|letter| letter.payload.as_ref() == Some(&payload));
        let letter = letter.unwrap_or_else(|| panic!("a dead letter of {golden}"));
        let expected = (member(&golden["refused"], "reason"), member(&golden["refused"], "detail"));
        assert_eq!((&*letter.reason, &*letter.detail), expected, "{golden}");
    }
}

/// An order in JSON, without a header that says so.
fn json(id: &str) -> Produced {
    let record = Produced::formatted(Message::order("acme", id, yesterday()), Format::Json);
    Produced { headers: Vec::new(), ..record }
}

#[tokio::test]
async fn any_header_that_declares_json_makes_it_count() {
    let declared = [
        ("content-type", "application/json"),
        ("contentType", "\"application/json;charset=UTF-8\""),
        ("ce_datacontenttype", "application/json"),
        ("Content-Type", "application/vnd.acme.order+json"),
    ];
    let record = |(n, (name, value)): (usize, (&'static str, &str))| Produced {
        headers: vec![("trace", b"a".to_vec()), (name, value.as_bytes().to_vec())],
        ..json(&format!("o{n}"))
    };
    let stack = counted(declared.into_iter().enumerate().map(record)).await;
    assert_eq!(stack.dead_letters().await, []);
    stack.counts("acme").await.are(orders_created(4));
}

#[tokio::test]
async fn an_unknown_body_is_refused_in_json_and_counts_nothing_in_protobuf() {
    let stack = Stack::start().await;
    let misspelled = |record: Produced| {
        let text = String::from_utf8(record.payload.clone()).expect("JSON");
        Produced { payload: text.replace("orderCreated", "orderCreated2").into_bytes(), ..record }
    };
    let declared = Produced::formatted(Message::order("acme", "o1", yesterday()), Format::Json);
    stack.produce([misspelled(declared), Produced::plain(Message::unknown("acme", "o2", yesterday()))]).await;
    count(&stack).await;
    let letters = stack.dead_letters().await;
    let [letter] = &letters[..] else { panic!("one letter, not {letters:#?}") };
    assert_eq!(letter.reason, "malformed_payload");
    assert!(letter.detail.contains("the field `orderCreated2` is not known"), "{}", letter.detail);
    stack.counts("acme").await.are(Counters::default());
}
