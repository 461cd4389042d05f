//! Refusals reach whoever sent the records: by the operators' list, the API, the metric and the log.

use crate::operators::answer;
use crate::telling::{count, counted, orders, orders_created, yesterday};
use load::{Kind, Message, Produced};
use proto::v1::workflow_terminal::Outcome;
use serde_json::{Value, json};
use stack::wait::{self, Seen};
use std::time::{Duration, Instant};
use tests::{Api, Stack, Token};

/// How long it may take until something is said or seen.
const LIMIT: Duration = Duration::from_secs(20);

/// So many orders without an id.
fn nameless(organization: &str, count: usize) -> Vec<Produced> {
    (0..count).map(|_| Produced::plain(Message::order(organization, "", yesterday()))).collect()
}

/// So many records that say nothing but their key.
fn keyed(organization: &str, count: usize) -> Vec<Produced> {
    let record = || Produced::garbage(Kind::Event, organization, b"\xff\xff secret".to_vec());
    (0..count).map(|_| record()).collect()
}

fn token(organization: &str) -> String {
    Token::of(organization).claim("scope", "refusals:read").sign()
}

/// What the organization is told.
async fn told(api: &Api, organization: &str) -> Value {
    let answer = api.get("/metrics/refusals", &token(organization)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(!answer.body.contains("secret"), "no payloads: {}", answer.body);
    answer.json()
}

/// Of each line of an answer: the reason, where the organization is known from, and how many records.
fn lines(told: &Value) -> Vec<(String, String, i64)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let line = |line: &Value| {
        (text(&line["reason"]), text(&line["organizationFrom"]), line["records"].as_i64().expect("a number"))
    };
    told["refusals"].as_array().expect("an array").iter().map(line).collect()
}

fn line(reason: &str, from: &str, records: i64) -> (String, String, i64) {
    (reason.into(), from.into(), records)
}

#[tokio::test]
async fn a_record_that_names_its_sender_by_its_key_alone_is_listed_for_it() {
    let stack = counted([keyed("acme", 2), keyed("beta", 1)].concat()).await;
    let list = async |organization: &str| {
        answer(&stack, &["dead-letters", "list", "--organization", organization]).await
    };
    let of_acme = list("acme").await;
    assert_eq!(of_acme.lines().count(), 1 + 2, "{of_acme}");
    assert!(of_acme.contains("acme (by its key)") && !of_acme.contains("beta"), "{of_acme}");
    assert_eq!(list("gamma").await, "");
}

#[tokio::test]
async fn an_organization_is_told_of_its_own_refusals_and_of_no_others() {
    let run = Message::workflow("acme", "", yesterday(), Outcome::Success, 1);
    let records = [
        orders("acme", 3),
        nameless("acme", 3),
        keyed("acme", 2),
        vec![Produced::plain(run)],
        keyed("beta", 4),
    ];
    let stack = counted(records.concat()).await;
    let api = stack.api().serve().await;
    for scope in ["metrics:read", "openid"] {
        let token = Token::of("acme").claim("scope", scope).sign();
        let refused = api.get("/metrics/refusals", &token).await;
        assert_eq!(refused.status, 403, "{scope}: {}", refused.body);
        assert!(refused.body.contains("`refusals:read`"), "{scope}: {}", refused.body);
    }
    let of_acme = told(&api, "acme").await;
    assert_eq!(of_acme["records"], 6, "{of_acme:#}");
    let mut seen = lines(&of_acme);
    seen.sort();
    let expected =
        [line("malformed_payload", "key", 2), line("missing_id", "value", 1), line("missing_id", "value", 3)];
    assert_eq!(seen, expected, "{of_acme:#}");
    let series = of_acme["series"].as_array().expect("an array");
    assert_eq!(series.iter().filter_map(|point| point["records"].as_i64()).sum::<i64>(), 6);
    let examples = of_acme["examples"].as_array().expect("an array");
    assert!(examples.len() >= 3, "one of each: {of_acme:#}");
    let events = &stack.topics().events;
    let missing = |example: &&Value| example["reason"] == "missing_id" && example["topic"] == **events;
    let missing = examples.iter().find(missing).expect("an example");
    assert_eq!(
        (&missing["key"], &missing["detail"], missing["offset"].as_i64() >= Some(3)),
        (&json!("acme"), &json!("event_id is empty"), true),
        "{missing:#}"
    );
    assert_eq!(lines(&told(&api, "beta").await), [line("malformed_payload", "key", 4)]);
    assert_eq!(told(&api, "gamma").await["records"], 0);

    let authorization = format!("Bearer {}", token("acme"));
    let headers = [("authorization", &*authorization), ("accept", "text/csv")];
    let csv = api.get_with("/metrics/refusals?list=examples", &headers).await;
    assert_eq!(csv.status, 200, "{}", csv.body);
    assert_eq!(csv.body.lines().count(), 1 + examples.len(), "{}", csv.body);
    assert_eq!(api.stop().await, Some(0));
}

#[tokio::test]
async fn a_flood_is_counted_to_the_last_record_and_said_once_a_minute() {
    let started = Instant::now();
    let stack = Stack::start().await;
    let launch = || stack.consumer().set("DEAD_LETTERS_WHOLE_PER_HOUR", "10").set("BATCH_RECORDS_MAX", "500");
    let (first, second) = (launch().start().await, launch().start().await);
    stack.produce([nameless("acme", 20_000), keyed("acme", 5_000), orders("acme", 10)].concat()).await;
    stack.until_idle().await;
    let api = stack.api().serve().await;
    let told = told(&api, "acme").await;
    let expected = [line("missing_id", "value", 20_000), line("malformed_payload", "key", 5_000)];
    assert_eq!(lines(&told), expected, "{told:#}");
    stack.counts("acme").await.are(orders_created(10));

    let events = format!("topic=\"{}\"", stack.topics().events);
    let of_both = async |labels: &str| {
        let name = "consumer_dead_letters_total";
        first.metric(name, labels).await + second.metric(name, labels).await
    };
    assert_eq!(of_both("reason=\"missing_id\"").await, 20_000.0);
    assert_eq!(of_both(&events).await, 25_000.0);

    let said = wait::until("the log to say what was refused", LIMIT, async || {
        let logs = [first.log_tail(), second.log_tail()].concat();
        Ok(Seen::when(logs.contains("records were refused") && logs.contains("missing_id"), logs))
    });
    said.await.expect("a line");
    let most = 2 * (1 + started.elapsed().as_secs() / 60);
    for member in [first, second] {
        let log = member.log_tail();
        assert!(log.matches("records were refused").count() as u64 <= most, "{log}");
        assert!(!log.contains("secret"), "no payload: {log}");
        assert_eq!(member.stop().await, Some(0));
    }
}

#[tokio::test]
async fn what_was_refused_is_told_at_once() {
    let stack = Stack::start().await;
    if stack.redis().is_none() {
        return;
    }
    let api = stack.api().set("BUSINESS_METRICS_CACHE_TTL_SEC", "3600").serve().await;
    let consumer = stack.consumer().start().await;
    for (records, of) in [(1, nameless("acme", 1)), (2, keyed("acme", 1))] {
        assert_eq!(told(&api, "acme").await["records"], records - 1, "it is kept from now on");
        stack.produce(of).await;
        let fresh = wait::until("a fresh answer", LIMIT, async || {
            let told = told(&api, "acme").await;
            Ok(Seen::when(told["records"] == records, told.to_string()))
        });
        fresh.await.expect("an answer of the new version");
    }
    assert_eq!(consumer.stop().await, Some(0));
}

#[tokio::test]
async fn what_is_read_and_refused_again_counts_again() {
    let stack = Stack::with_partitions(1).await;
    stack.produce(nameless("acme", 5)).await;
    count(&stack).await;
    let events = &*stack.topics().events;
    answer(&stack, &["progress", "reset", "--topic", events, "--to", "earliest"]).await;
    count(&stack).await;
    let api = stack.api().serve().await;
    assert_eq!(told(&api, "acme").await["records"], 10);
    assert_eq!(stack.dead_letters().await.len(), 5, "each place is kept once");
}
