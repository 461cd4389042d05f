//! What keeps people from answers, and organizations from messages.

use super::{ANSWERS, Watch};
use crate::telling::{count, text, until_waiting_for_locks, yesterday};
use crate::webhooks::{endpoint, payments, send, telling};
use chrono::Duration;
use domain::BucketSize;
use std::collections::VecDeque;
use tests::{Answer, Api, Launch, Receiver, Stack, Token};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_postgres::Client;

/// Connections to PostgreSQL that loads may use, which is also how many loads one organization may have at once.
const LOADS: usize = 2;

/// How many silent connections are kept open: more than there are places.
const SILENT_MAX: usize = 40;

/// How many tokens of somebody else come with each round of requests: half of these, so that a short window has its share of
/// them, whatever part of a round it has.
const FOREIGN: usize = 6;

/// The path of a question about the hours before a midnight.
fn question(hours: i64) -> String {
    let to = BucketSize::Day.floor(yesterday());
    format!("/metrics/delivery-health?from={}&to={}", text(to - Duration::hours(hours)), text(to))
}

async fn ask(api: &Api, organization: &str, hours: i64) -> Answer {
    api.get(&question(hours), &Token::of(organization).sign()).await
}

/// An API that can load little, waits for it as long as it takes but not for a connection, has no Redis, and forgets soon.
fn with_little(stack: &Stack) -> Launch<'_> {
    let launch =
        stack.api().set("DATABASE_POOL_SIZE", LOADS.to_string()).set("LOADS_MAX", (4 * LOADS).to_string());
    let patient = ["DATABASE_STATEMENT_TIMEOUT", "LOAD_TIMEOUT", "REQUEST_TIMEOUT"];
    let launch = patient.iter().fold(launch, |launch, name| launch.set(name, "10m"));
    launch
        .set("DATABASE_WAIT_TIMEOUT", "2s")
        .set("RATE_LIMIT_PER_SECOND", "0")
        .set("BUSINESS_METRICS_CACHE_TTL_SEC", "1")
        .set("LOCAL_CACHE_TTL", "1s")
        .set("REDIS_URL", "redis://127.0.0.1:1")
}

/// Fills all connections of the API with loads that wait for a lock. Both last until what is returned is dropped.
async fn hang(stack: &Stack, api: &Api) -> (Client, Vec<TcpStream>) {
    let client = stack.client().await;
    let lock = "begin; lock table channel_hourly_metrics in access exclusive mode";
    client.batch_execute(lock).await.expect("a lock");
    let mut asking = Vec::new();
    for hours in (2..).take(LOADS) {
        let (path, token) = (question(hours), Token::of("acme").sign());
        let mut stream = TcpStream::connect(api.address()).await.expect("a connection");
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("bytes sent");
        asking.push(stream);
    }
    until_waiting_for_locks(stack, LOADS as i64).await;
    (client, asking)
}

/// An API whose messages hang at one organization's receivers, and are refused by another's. Returns the path of the webhook that
/// refuses.
async fn with_receivers(stack: &Stack, hangs: &Receiver, refuses: &Receiver) -> (Api, String) {
    hangs.hang();
    refuses.answer(500);
    let launch = telling(stack).set("WEBHOOK_TIMEOUT", "10m").set("WEBHOOK_RETRY_SCHEDULE", "100ms");
    let api = launch.serve().await;
    for _ in 0..10 {
        endpoint(&api, "acme", &hangs.url()).await;
    }
    let (path, _) = endpoint(&api, "beta", &refuses.url()).await;
    stack.produce(payments("acme", 0..100, false)).await;
    count(stack).await;
    // So many messages of an organization are under way at once; its others are due.
    hangs.until(4).await;
    (api, path)
}

#[tokio::test]
async fn what_keeps_people_from_answers_fires_its_alerts() {
    let stack = Stack::start().await;
    let (hangs, refuses) = (Receiver::start().await, Receiver::start().await);
    let (sending, webhook) = with_receivers(&stack, &hangs, &refuses).await;
    let mut busy = with_little(&stack).serve().await;
    busy.until_ready().await;
    assert_eq!(ask(&busy, "acme", 1).await.status, 200);
    let hanging = hang(&stack, &busy).await;
    let crowded = stack.api().set("CONNECTIONS_MAX", "20").serve().await;
    let nowhere = stack.proxy();
    nowhere.refuse();
    let unready = stack.api().through(&nowhere).serve().await;
    let apis = [&sending, &busy, &crowded, &unready];
    let Some(mut watch) = Watch::over(&stack, &[], &apis).await else { return };

    let (mut silent, mut hours) = (VecDeque::new(), 10);
    let go_on = async || {
        for _ in 0..5 {
            silent.push_back(TcpStream::connect(crowded.address()).await.expect("a connection"));
        }
        silent.drain(..silent.len().saturating_sub(SILENT_MAX));
        // A stale answer, three that there is no room to load, and one that waits for a connection in vain.
        for hours in [1, hours, hours + 1, hours + 2] {
            ask(&busy, "acme", hours).await;
        }
        ask(&busy, "beta", hours).await;
        for number in 0..FOREIGN {
            let foreign = Token::of("acme").claim("jti", format!("{hours}-{number}"));
            busy.get(&question(1), &foreign.signed_with("the secret of somebody else's tokens").sign()).await;
        }
        send(&sending, "POST", &format!("{webhook}/test"), "beta", None).await;
        hours += 3;
    };
    let expected = [
        "QueryApiConnectionsFull",
        "QueryApiErrors",
        "QueryApiLoadsShed",
        "QueryApiNotReady",
        "QueryApiPoolExhausted",
        "QueryApiPostgresqlAway",
        "QueryApiRedisAway",
        "QueryApiSlow",
        "QueryApiStale",
        "QueryApiTokensRefused",
        "QueryApiWebhooksDead",
        "QueryApiWebhooksOverdue",
    ];
    watch.until_firing(&expected, go_on).await;

    watch.until_quiet("QueryApiDown").await;
    drop(hanging);
    for api in [sending, busy, crowded] {
        api.kill();
    }
    watch.until_firing(&["QueryApiDown"], async || ()).await;
    watch.has_seen_all_of(ANSWERS);
}
