//! Operators' commands: what they show, what they change, what they refuse.

use crate::resets::until_stopped;
use crate::telling::{count, counted, make_anew, orders, orders_created, plain, text, yesterday};
use chrono::Utc;
use load::murmur2::partition_of;
use load::{Kind, Load, Message, Produced};
use proto::v1::message_delivery::Status;
use serde_json::Value;
use stack::Role;
use tests::{Ended, Stack};

/// Runs a command that ends by itself.
pub async fn operate(stack: &Stack, args: &[&str]) -> Ended {
    stack.consumer().command(args).run().await
}

/// The same, which must succeed; what it answered.
pub async fn answer(stack: &Stack, args: &[&str]) -> String {
    let ended = operate(stack, args).await;
    assert_eq!(ended.code, Some(0), "{args:?}: {ended:#?}");
    ended.output
}

/// The same, as JSON.
pub async fn json(stack: &Stack, args: &[&str]) -> Value {
    serde_json::from_str(&answer(stack, args).await).expect("JSON")
}

/// A message of "acme" that was sent at noon by this channel, which is its id, too.
pub fn sent_by(channel: &str) -> Produced {
    let mut message = Message::delivery("acme", channel, yesterday(), yesterday(), Status::Sent);
    if let Message::Delivery(delivery) = &mut message {
        channel.clone_into(&mut delivery.channel);
    }
    Produced::plain(message)
}

/// A stack that has counted a message of each of forty channels. Of the last ones there were rows before shorter names came.
pub async fn forty_channels() -> Stack {
    let stack = Stack::start().await;
    let (first, last) = ((0..10).map(|n| format!("c{n}")), (10..40).map(|n| format!("c{n}")));
    for names in [last.collect::<Vec<_>>(), first.collect()] {
        stack.produce(names.iter().map(|name| sent_by(name))).await;
        count(&stack).await;
    }
    stack
}

#[tokio::test]
async fn progress_shows_where_every_partition_stands() {
    let stack = counted(orders("acme", 7)).await;
    let events = &stack.topics().events;
    let rows = json(&stack, &["progress", "show", "--json"]).await;
    let rows = rows.as_array().expect("an array");
    assert_eq!(rows.len(), 3 * 4, "three topics of four partitions: {rows:#?}");
    let sum = |field: &str| rows.iter().filter_map(|row| row[field].as_i64()).sum::<i64>();
    assert_eq!((sum("nextOffset"), sum("endOffset"), sum("lag")), (7, 7, 0));
    assert!(rows.iter().all(|row| row["owner"].is_string() && row["epoch"].as_i64() >= Some(1)), "{rows:#?}");
    let table = answer(&stack, &["progress", "show", "--topic", events]).await;
    assert_eq!(table.lines().count(), 1 + 4, "{table}");
    assert!(table.starts_with("TOPIC") && table.contains(&**events), "{table}");
}

#[tokio::test]
async fn a_topic_made_anew_is_counted_after_a_reset_that_no_live_member_is_disturbed_by() {
    let stack = Stack::with_partitions(1).await;
    stack.produce(orders("acme", 10)).await;
    count(&stack).await;
    let events = &*stack.topics().events;
    make_anew(&stack, events).await;
    // As many, and of the same quarter: the batch ends where the one before did.
    stack.produce(orders("beta", 10)).await;

    let consumer = stack.consumer().start().await;
    until_stopped(&stack, &consumer, &[0]).await;
    let reset = ["progress", "reset", "--topic", events, "--to", "earliest"];
    let refused = operate(&stack, &reset).await;
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    assert!(refused.errors.contains("is live on"), "{refused:#?}");
    assert_eq!(consumer.stop().await, Some(0));

    let next = async || {
        let query = "select next_offset, epoch from consumer_progress where topic = $1";
        let row = stack.client().await.query_one(query, &[&events]).await.expect("a row");
        (row.get::<_, i64>(0), row.get::<_, i64>(1))
    };
    let (before, epoch) = next().await;
    let said = answer(&stack, &[&reset[..], &["--dry-run"]].concat()).await;
    assert!(said.contains("reads 10 offsets again"), "{said}");
    assert_eq!(next().await, (before, epoch), "a dry run changes nothing");
    answer(&stack, &reset).await;
    assert_eq!(next().await, (0, epoch + 1), "whoever held it is fenced");
    count(&stack).await;
    stack.counts("acme").await.are(orders_created(10));
    stack.counts("beta").await.are(orders_created(10));
}

#[tokio::test]
async fn going_back_counts_nothing_twice_and_nonsense_is_refused() {
    let stack = Stack::with_partitions(1).await;
    stack.produce(orders("acme", 100)).await;
    count(&stack).await;
    let events = &*stack.topics().events;
    let to = |to| ["progress", "reset", "--topic", events, "--to", to];
    let said = answer(&stack, &to("40")).await;
    assert!(said.contains("from 100 to 40: reads 60 offsets again"), "{said}");
    let said = answer(&stack, &[&to("latest")[..], &["--dry-run"]].concat()).await;
    assert!(said.contains("skips 60 offsets"), "{said}");
    answer(&stack, &to("2020-01-01T00:00:00Z")).await;
    count(&stack).await;
    stack.counts("acme").await.are(orders_created(100));
    for wrong in [to("101"), to("soon"), ["progress", "reset", "--topic", "nowhere", "--to", "earliest"]] {
        let refused = operate(&stack, &wrong).await;
        assert_eq!(refused.code, Some(2), "{wrong:?}: {refused:#?}");
        assert_eq!(refused.errors.lines().count(), 1, "one sentence: {refused:#?}");
    }
}

#[tokio::test]
async fn a_member_of_another_group_is_seen_by_what_it_moves() {
    let stack = Stack::start().await;
    let mut consumer = stack.consumer().start().await;
    consumer.until_ready().await;
    stack.produce(orders("acme", 1)).await;
    stack.until_idle().await;
    let args = ["progress", "reset", "--topic", &stack.topics().events, "--to", "latest"];
    let refused = stack.consumer().command(&args).set("KAFKA_GROUP_ID", "another").run().await;
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    assert!(refused.errors.contains("is moved by"), "{refused:#?}");
}

#[tokio::test]
async fn dead_letters_are_listed_page_by_page_and_shown_whole() {
    let stack = Stack::with_partitions(1).await;
    let bad = |n: u8| Produced::garbage(Kind::Event, "acme", vec![0xff, n]);
    stack.produce((0..5).map(bad)).await;
    stack.produce(plain([Message::order("acme", "", yesterday())])).await;
    count(&stack).await;

    let list = ["dead-letters", "list", "--json", "--reason", "malformed_payload"];
    let page = json(&stack, &[&list[..], &["--limit", "3"]].concat()).await;
    let offsets = |page: &Value| -> Vec<i64> {
        let letters = page["deadLetters"].as_array().expect("an array");
        letters.iter().filter_map(|letter| letter["offset"].as_i64()).collect()
    };
    assert_eq!(offsets(&page), [0, 1, 2]);
    let next = page["next"].as_str().expect("there are more");
    let page = json(&stack, &[&list[..], &["--after", next]].concat()).await;
    assert_eq!((offsets(&page), &page["next"]), (vec![3, 4], &Value::Null));
    let of = ["dead-letters", "list", "--organization", "acme", "--since", "1h"];
    let table = answer(&stack, &of).await;
    assert_eq!(table.lines().count(), 1 + 6, "{table}");
    assert_eq!(
        table.matches("acme (by its key)").count(),
        5,
        "one has an organization that could be read: {table}"
    );
    let letters = json(&stack, &[&of[..], &["--json"]].concat()).await;
    let first = &letters["deadLetters"][0];
    assert_eq!((&first["key"], &first["organizationFromKey"]), (&"acme".into(), &"acme".into()), "{first:#}");
    assert!(first["organizationId"].is_null() && first["keyHex"].is_null(), "{first:#}");
    assert_eq!(answer(&stack, &["dead-letters", "list", "--until", "1h"]).await, "");

    let events = &*stack.topics().events;
    let show = ["dead-letters", "show", "--topic", events, "--partition", "0", "--offset", "2"];
    let shown = answer(&stack, &show).await;
    assert!(shown.contains("text, 4 bytes: acme") && shown.contains("hex, 2 bytes: ff02"), "{shown}");
    assert!(shown.lines().any(|line| line == "redriven      never"), "{shown}");
    let none = operate(&stack, &[&show[..7], &["99"]].concat()).await;
    assert_eq!((none.code, &*none.output), (Some(1), ""), "{none:#?}");
}

#[tokio::test]
async fn a_record_that_is_still_bad_goes_round_until_the_limit() {
    let stack = Stack::start().await;
    let mut bad = Produced::garbage(Kind::Event, "acme", b"\xff\xff".to_vec());
    bad.headers = vec![("trace", b"abc".to_vec())];
    stack.produce([bad]).await;
    let consumer = stack.consumer().start().await;
    stack.until_idle().await;
    assert_eq!(operate(&stack, &["dead-letters", "redrive"]).await.code, Some(2), "nothing was chosen");

    let redrive = ["dead-letters", "redrive", "--all", "--redrives-max", "2"];
    for round in 1..=2 {
        assert_eq!(answer(&stack, &redrive).await, "1 redriven\n", "round {round}");
        stack.until_idle().await;
        let letters = stack.dead_letters().await;
        assert_eq!(letters.len(), 1 + round, "{letters:#?}");
        let (first, last) = (&letters[0], &letters[round]);
        assert_eq!((&first.topic, first.partition), (&last.topic, last.partition));
        assert_eq!((&first.key, &first.payload), (&last.key, &last.payload));
        let count = ["MQ==", "Mg=="][round - 1];
        assert_eq!(last.headers, serde_json::json!([["trace", "YWJj"], ["redrive-count", count]]));
    }
    let refused = operate(&stack, &redrive).await;
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    assert!(refused.output.starts_with("0 redriven\n1 refused"), "{refused:#?}");
    assert_eq!(consumer.stop().await, Some(0));
}

#[tokio::test]
async fn a_record_that_can_be_counted_now_is_redriven_and_counts_once() {
    let stack = Stack::start().await;
    let events = &*stack.topics().events;
    let payload = Message::order("acme", "o1", yesterday()).encode();
    let insert = "insert into dead_letters (topic, kafka_partition, kafka_offset, key, headers, payload, reason, detail) \
                  values ($1, 2, $2, 'acme', '[]', $3, $4, '')";
    let client = stack.client().await;
    let future = (Some(payload), "from_the_future");
    for (offset, (payload, reason)) in [future, (None, "missing_id")].into_iter().enumerate() {
        let offset = offset as i64;
        client.execute(insert, &[&events, &offset, &payload, &reason]).await.expect("a dead letter");
    }
    let redrive = ["dead-letters", "redrive", "--topic", events, "--reason", "from_the_future"];
    let dry = answer(&stack, &[&redrive[..], &["--dry-run"]].concat()).await;
    assert_eq!(dry, "1 would be redriven\n");
    assert!(stack.ends().values().all(|end| *end == 0), "a dry run publishes nothing");
    assert_eq!(answer(&stack, &redrive).await, "1 redriven\n");
    assert_eq!(answer(&stack, &redrive).await, "0 redriven\n", "it is marked");
    assert_eq!(answer(&stack, &[&redrive[..], &["--again"]].concat()).await, "1 redriven\n");
    let key = partition_of(b"acme", stack.partitions());
    assert_eq!(stack.ends()[&(events.to_owned(), key)], 2, "twice, to the partition of its key");
    count(&stack).await;
    stack.counts("acme").await.are(orders_created(1));

    let hollow = operate(&stack, &["dead-letters", "redrive", "--reason", "missing_id"]).await;
    assert_eq!(hollow.code, Some(1), "{hollow:#?}");
    assert!(hollow.output.contains("the payload was not kept"), "{hollow:#?}");
}

#[tokio::test]
async fn the_books_agree_after_a_mixed_load_and_beside_members_that_count() {
    let stack = Stack::start().await;
    let load = Load { records: 20_000, partitions: 4, ..Load::mixed(5, Utc::now()) };
    let records: Vec<_> = load.records().collect();
    let (first, second) = records.split_at(10_000);
    let consumer = stack.consumer().start().await;
    stack.produce(first.iter().cloned()).await;
    stack.until_some_are_counted().await;
    let beside = answer(&stack, &["audit"]).await;
    assert!(beside.contains("the books agree"), "one snapshot, whatever is counted meanwhile: {beside}");
    stack.produce(second.iter().cloned()).await;
    stack.until_idle().await;
    let said = answer(&stack, &["audit", "--replica-url", stack.database_of(Role::Consumer).as_str()]).await;
    assert!(said.contains("the books agree"), "{said}");
    assert_eq!(consumer.stop().await, Some(0));
}

#[tokio::test]
async fn a_tampered_bucket_of_any_size_is_found_and_named() {
    let stack = counted(orders("acme", 10)).await;
    let noon = text(yesterday());
    let tamper = async |table: &str, column: &str, by: i64| {
        let update = format!("update {table} set {column} = coalesce({column}, 0) + $1");
        stack.client().await.execute(&update, &[&by]).await.expect("a bucket");
    };
    let second = format!("{}Z", &noon[..19]);
    let midnight = text(yesterday() - chrono::Duration::hours(12));
    let day = format!("{}Z", &midnight[..19]);
    let of_ledger = |ledger, quarters, by| {
        format!("{second}  all organizations  orders_created: ledger {ledger}, quarters {quarters} ({by:+})")
    };
    let of_day =
        |hours, by| format!("{day}  acme  orders_created: hours {hours}, day {} ({by:+})", hours + by);
    for (table, column, expected, differing) in [
        ("org_daily_metrics", "orders_created", of_day(10, 1), 1),
        ("ledger_tails", "orders_created[1]", of_ledger(11, 10, -1), 1),
        ("org_hourly_metrics", "orders_created", of_day(11, -1), 2),
        ("org_hourly_metrics", "orders_created", of_ledger(10, 11, 1), 2),
        ("org_hourly_metrics", "orders_created_q3", of_ledger(10, 9, -1), 2),
    ] {
        tamper(table, column, 1).await;
        let ended = operate(&stack, &["audit", "--since", "3d"]).await;
        assert_eq!(ended.code, Some(1), "{table}: {ended:#?}");
        assert!(
            ended.output.contains(&expected)
                && ended.output.contains(&format!("differ in {differing} counters")),
            "{ended:#?}"
        );
        tamper(table, column, -1).await;
    }
    let window = format!("{second}/{second}");
    for wrong in [
        ["--window", &*window],
        ["--since", "soon"],
        ["--window", "2001-01-01T00:00:00Z/2001-01-02T00:00:00Z"],
    ] {
        let ended = operate(&stack, &[&["audit"], &wrong[..]].concat()).await;
        assert_eq!(ended.code, Some(2), "{wrong:?}: {ended:#?}");
    }
    let away = operate(&stack, &["audit", "--replica-url", "postgres://nobody@127.0.0.1:1/nothing"]).await;
    assert_eq!(away.code, Some(3), "{away:#?}");
}

#[tokio::test]
async fn a_tampered_row_of_a_channel_is_found_and_named_and_more_channels_than_have_rows_agree() {
    let stack = forty_channels().await;
    let client = stack.client().await;
    let names = client.query_one("select count(*) from organization_channels", &[]).await.expect("names");
    assert_eq!(names.get::<_, i64>(0), 40, "more were kept than have rows in answers");
    let agrees = async || assert!(answer(&stack, &["audit"]).await.contains("the books agree"));
    agrees().await;
    // It is shown with the others, whatever its row is named.
    let rename = "update channel_daily_metrics set channel = 'zebra' where channel = 'c39'";
    client.batch_execute(rename).await.expect("a row");
    agrees().await;

    let noon = format!("{}Z", &text(yesterday())[..19]);
    let midnight = format!("{}T00:00:00Z", &noon[..10]);
    let half_past = noon.replace("12:00:00", "12:30:00");
    let of_day = |channel, sum, stored| {
        format!(
            "{midnight}  acme  {channel}  messages_sent | messages_delivered of the day: sum {sum} | 0, stored {stored} | 0"
        )
    };
    let of_quarter = |start: &str, sum, stored| {
        format!(
            "{start}  acme  messages_sent | messages_delivered of the quarter, at most what is stored: \
             sum {sum} | 0, stored {stored} | 0"
        )
    };
    for (tamper, expected) in [
        (
            "channel_daily_metrics set messages_sent = messages_sent + 1 where channel = 'c5'",
            vec![of_day("c5", 1, 2)],
        ),
        (
            "channel_hourly_metrics set messages_sent = messages_sent + 1 where channel = 'c39'",
            vec![of_day("other", 9, 8), of_quarter(&noon, 41, 40)],
        ),
        (
            "channel_hourly_metrics set messages_sent_q3 = 1 where channel = 'c7'",
            vec![of_quarter(&half_past, 1, 0)],
        ),
    ] {
        client.batch_execute(&format!("update {tamper}")).await.expect("a row");
        let ended = operate(&stack, &["audit"]).await;
        assert_eq!(ended.code, Some(1), "{tamper}: {ended:#?}");
        for expected in &expected {
            assert!(ended.output.contains(expected), "{expected}: {ended:#?}");
        }
        let differing = format!("differ in {} counters", expected.len());
        assert!(ended.output.contains(&differing), "{tamper}: {ended:#?}");
        answer(&stack, &["recount", "--repair"]).await;
        agrees().await;
    }
}

#[tokio::test]
async fn what_lies_below_the_floor_is_not_held_against_the_ledger() {
    let stack = counted(orders("acme", 10)).await;
    let client = stack.client().await;
    client.batch_execute("delete from ledger_segments; delete from ledger_tails").await.expect("a ledger");
    let ended = operate(&stack, &["audit"]).await;
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let floor = yesterday() + chrono::Duration::hours(12);
    client.execute("update ledger_floor set floor = $1", &[&floor]).await.expect("a floor");
    assert!(answer(&stack, &["audit"]).await.contains("the books agree"));
}
