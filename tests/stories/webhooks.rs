//! Organizations are told of their alerts: once, by signed messages, wherever that is allowed.

use crate::telling::{count, counted};
use chrono::{Duration, Utc};
use load::{Message, Produced};
use serde_json::{Value, json};
use stack::wait::{self, Seen};
use std::ops::Range;
use tests::{Answer, Api, Launch, Receiver, Stack, Token};

/// How long something may take that is told.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(60);

const PATH: &str = "/settings/webhooks";

/// Payments of an hour ago.
pub fn payments(organization: &str, numbers: Range<usize>, successful: bool) -> Vec<Produced> {
    let at = Utc::now() - Duration::hours(1);
    let payment = |n| Message::payment(organization, &format!("p{n}"), at, successful);
    numbers.map(payment).map(Produced::plain).collect()
}

/// A stack whose organization `acme` has a warning: 92 of 100 payments have succeeded.
pub async fn with_a_warning() -> Stack {
    counted([payments("acme", 0..92, true), payments("acme", 92..100, false)].concat()).await
}

/// An API that tells, soon and on this machine.
pub fn telling(stack: &Stack) -> Launch<'_> {
    stack
        .api()
        .set("WEBHOOKS", "on")
        .set("WEBHOOK_ALLOW_HTTP", "on")
        .set("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8")
        .set("WEBHOOK_EVALUATION_INTERVAL", "200ms")
        .set("WEBHOOK_EVALUATION_MIN_INTERVAL", "100ms")
        .set("WEBHOOK_RETRY_SCHEDULE", "100ms,100ms,100ms")
        .set("WEBHOOK_SETTLE_TIME", "3s")
        .set("WEBHOOK_TIMEOUT", "2s")
}

/// A token that may change settings.
fn token(organization: &str) -> String {
    Token::of(organization)
        .claim("sub", "ops@example.com")
        .claim("scope", "settings:read settings:write")
        .sign()
}

/// The answer to a request of this method, on behalf of this organization, with this body if it has one.
pub async fn send(api: &Api, method: &str, path: &str, organization: &str, body: Option<Value>) -> Answer {
    let authorization = format!("Bearer {}", token(organization));
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let headers = [("authorization", &*authorization), ("content-type", "application/json")];
    api.send((method, path, &body), &headers).await
}

/// Makes an endpoint, and returns its path and its secret.
pub async fn endpoint(api: &Api, organization: &str, url: &str) -> (String, String) {
    let made = send(api, "POST", PATH, organization, Some(json!({ "url": url }))).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let text = |name: &str| made.json()[name].as_str().expect("a text").to_owned();
    assert_eq!(made.header("location"), format!("{PATH}/{}", text("id")));
    assert_eq!(
        (&made.json()["enabled"], &made.json()["createdBy"]),
        (&json!(true), &json!("ops@example.com"))
    );
    (format!("{PATH}/{}", text("id")), text("secret"))
}

/// Waits until something of the endpoint's is as it should be.
pub async fn until(api: &Api, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let waiting = wait::until("a webhook to be as expected", LIMIT, async || {
        let answer = api.get(path, &token("acme")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let json = answer.json();
        Ok(if is_so(&json) { Seen::Ready(json) } else { Seen::NotYet(json.to_string()) })
    });
    waiting.await.expect("a webhook as expected")
}

fn only(deliveries: &Value) -> &Value {
    let all = deliveries["deliveries"].as_array().expect("deliveries");
    assert_eq!(all.len(), 1, "{deliveries:#}");
    &all[0]
}

/// Waits until so many evaluations more have been made.
async fn evaluated(apis: &[&Api], more: f64) {
    let sum = async || {
        let mut sum = 0.0;
        for api in apis {
            sum += api.metric("query_api_webhook_evaluations_total", "outcome=\"evaluated\"").await;
        }
        sum
    };
    let before = sum().await;
    let waiting = wait::until("evaluations", LIMIT, async || {
        let now = sum().await;
        Ok(Seen::when(now >= before + more, format!("{before}, {now}")))
    });
    waiting.await.expect("evaluations");
}

#[tokio::test]
async fn each_change_of_an_alert_is_told_once_though_three_instances_run() {
    let (stack, receiver) = (with_a_warning().await, Receiver::start().await);
    let launch = || telling(&stack).set("PUBLIC_URL", "https://metrics.example.com/");
    let apis = [launch().serve().await, launch().serve().await, launch().serve().await];
    let all: Vec<&Api> = apis.iter().collect();
    let (_, secret) = endpoint(&apis[0], "acme", &receiver.url()).await;

    let opened = &receiver.until(1).await[0];
    assert_eq!((opened.signatures_by(&secret), opened.signature.split(' ').count()), (1, 1), "{opened:?}");
    assert!(opened.agent.starts_with("business-metrics-webhooks/"), "{}", opened.agent);
    let sent: i64 = opened.timestamp.parse().expect("seconds");
    assert!((Utc::now().timestamp() - sent).abs() < 60, "{sent}");
    let body = opened.json();
    let data = &body["data"];
    assert_eq!(
        (&body["type"], &data["organizationId"]),
        (&json!("alert.opened"), &json!("acme")),
        "{body:#}"
    );
    assert_eq!((&data["severity"], &data["previousSeverity"]), (&json!("warning"), &json!("healthy")));
    assert_eq!((&data["alert"]["key"], &data["alert"]["value"]), (&json!("payment_success_low"), &json!(92)));
    assert_eq!(data["url"], "https://metrics.example.com/overview");
    evaluated(&all, 6.0).await;
    assert_eq!(receiver.received().len(), 1, "it is told once");

    stack.produce(payments("acme", 100..200, false)).await;
    count(&stack).await;
    let changed = receiver.until(2).await[1].json();
    assert_eq!(
        (&changed["type"], &changed["data"]["severity"]),
        (&json!("alert.changed"), &json!("critical"))
    );
    stack.produce(payments("acme", 200..4_200, true)).await;
    count(&stack).await;
    let all_received = receiver.until(3).await;
    let ended = all_received[2].json();
    assert_eq!(
        (&ended["type"], &ended["data"]["severity"]),
        (&json!("alert.ended"), &json!("healthy")),
        "{ended:#}"
    );
    evaluated(&all, 6.0).await;
    assert_eq!(receiver.received().len(), 3, "{:#?}", receiver.received());
    let mut ids: Vec<_> = all_received.iter().map(|message| &message.id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 3, "each message has an id of its own");
}

#[tokio::test]
async fn a_receiver_that_is_down_gets_the_same_message_once_it_is_back() {
    let (stack, receiver) = (with_a_warning().await, Receiver::start().await);
    receiver.answer(503);
    let api = telling(&stack).set("WEBHOOK_RETRY_SCHEDULE", "100ms,100ms,1s,1s,1s,1s,1s,1s").serve().await;
    let (path, secret) = endpoint(&api, "acme", &receiver.url()).await;
    receiver.until(2).await;
    let pending = format!("{path}/deliveries?state=pending");
    let is_refused = |json: &Value| json["deliveries"][0]["lastError"] == "the receiver answered 503";
    assert_eq!(only(&until(&api, &pending, is_refused).await)["lastStatus"], 503);
    receiver.answer(200);
    let delivered =
        until(&api, &format!("{path}/deliveries"), |json| json["deliveries"][0]["state"] == "delivered")
            .await;
    let delivered = only(&delivered);
    let received = receiver.received();
    assert!(received.iter().all(|message| delivered["id"] == *message.id), "{received:#?}");
    assert!(received.iter().all(|message| message.signatures_by(&secret) == 1));
    assert_eq!(delivered["attempts"], received.len());
    assert_eq!((&delivered["lastStatus"], &delivered["lastError"]), (&json!(200), &Value::Null));
}

#[tokio::test]
async fn an_instance_that_is_killed_before_it_records_is_followed_by_another_with_the_same_message() {
    let (stack, receiver) = (with_a_warning().await, Receiver::start().await);
    receiver.hang();
    let first = telling(&stack).serve().await;
    let (path, _) = endpoint(&first, "acme", &receiver.url()).await;
    let sent = receiver.until(1).await;
    first.kill();
    receiver.answer(204);
    let second = telling(&stack).serve().await;
    let received = receiver.until(2).await;
    assert_eq!(sent[0].id, received[1].id, "receivers tell copies by the id");
    let done =
        until(&second, &format!("{path}/deliveries"), |json| json["deliveries"][0]["state"] == "delivered")
            .await;
    assert_eq!(only(&done)["attempts"], 2);
}

#[tokio::test]
async fn an_instance_that_is_stopped_hands_its_attempts_over_at_once() {
    let (stack, receiver) = (with_a_warning().await, Receiver::start().await);
    receiver.hang();
    // The other one would wait for the lease to end for longer than the story does.
    let launch = || telling(&stack).set("WEBHOOK_TIMEOUT", "10m").set("SHUTDOWN_TIMEOUT", "500ms");
    let first = launch().serve().await;
    let (path, _) = endpoint(&first, "acme", &receiver.url()).await;
    let sent = receiver.until(1).await;
    let second = launch().serve().await;
    receiver.answer(204);
    assert_eq!(first.stop().await, Some(0));
    let received = receiver.until(2).await;
    assert_eq!(sent[0].id, received[1].id);
    until(&second, &format!("{path}/deliveries"), |json| json["deliveries"][0]["state"] == "delivered").await;
}

/// Waits until what was told says that the alert is better than told, or not.
async fn until_better(stack: &Stack, is_better: bool) {
    let client = stack.client().await;
    let waiting = wait::until("an evaluation", LIMIT, async || {
        let row = client.query_opt("select fine_since is not null from alert_states", &[]).await?;
        let seen = row.map(|row| row.get::<_, bool>(0));
        Ok(Seen::when(seen == Some(is_better), format!("{seen:?}")))
    });
    waiting.await.expect("an evaluation");
}

#[tokio::test]
async fn an_alert_that_comes_and_goes_is_told_once() {
    let (stack, receiver) = (with_a_warning().await, Receiver::start().await);
    let api = telling(&stack).set("WEBHOOK_SETTLE_TIME", "10m").serve().await;
    let (path, _) = endpoint(&api, "acme", &receiver.url()).await;
    receiver.until(1).await;
    // 192 of 200 succeed, then 192 of 220, then 1192 of 1220, then 1192 of 1260.
    for (numbers, successful, is_fine) in [
        (100..200, true, true),
        (200..220, false, false),
        (220..1_220, true, true),
        (1_220..1_260, false, false),
    ] {
        stack.produce(payments("acme", numbers, successful)).await;
        count(&stack).await;
        until_better(&stack, is_fine).await;
        evaluated(&[&api], 2.0).await;
    }
    let all =
        until(&api, &format!("{path}/deliveries"), |json| json["deliveries"][0]["state"] == "delivered")
            .await;
    assert_eq!(only(&all)["type"], "alert.opened");
    assert_eq!(receiver.received().len(), 1, "{:#?}", receiver.received());
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_told_nothing_any_more() {
    let (stack, receiver) = (with_a_warning().await, Receiver::start().await);
    receiver.answer(410);
    let api = telling(&stack).serve().await;
    let (path, _) = endpoint(&api, "acme", &receiver.url()).await;
    let disabled = until(&api, &path, |json| json["enabled"] == false).await;
    assert!(disabled["disabledReason"].as_str().expect("a reason").contains("410"), "{disabled:#}");
    let dead =
        until(&api, &format!("{path}/deliveries?state=dead"), |json| json["deliveries"][0].is_object()).await;
    assert_eq!((&only(&dead)["lastStatus"], &only(&dead)["attempts"]), (&json!(410), &json!(1)));
    let message = only(&dead)["id"].as_str().expect("an id");
    let retried = send(&api, "POST", &format!("{path}/deliveries/{message}/retry"), "acme", None).await;
    assert_eq!((retried.status, retried.json()["type"].as_str()), (409, Some("/problems/conflict")));
    receiver.answer(200);
    let enabled = send(&api, "PATCH", &path, "acme", Some(json!({ "enabled": true }))).await;
    assert_eq!((enabled.status, &enabled.json()["disabledReason"]), (200, &Value::Null));
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn a_message_that_is_given_up_is_seen_and_can_be_retried_by_hand() {
    let (stack, receiver) = (with_a_warning().await, Receiver::start().await);
    receiver.answer(500);
    let api = telling(&stack).set("WEBHOOK_RETRY_SCHEDULE", "100ms").serve().await;
    let (path, _) = endpoint(&api, "acme", &receiver.url()).await;
    let dead =
        until(&api, &format!("{path}/deliveries?state=dead"), |json| json["deliveries"][0].is_object()).await;
    let dead = only(&dead);
    assert_eq!((&dead["attempts"], &dead["lastStatus"]), (&json!(2), &json!(500)));
    assert!(dead["deadAt"].is_string() && dead["payload"]["type"] == "alert.opened", "{dead:#}");
    receiver.answer(200);
    let message = dead["id"].as_str().expect("an id");
    let retried = send(&api, "POST", &format!("{path}/deliveries/{message}/retry"), "acme", None).await;
    assert_eq!((retried.status, &retried.json()["state"]), (200, &json!("pending")), "{}", retried.body);
    let all =
        until(&api, &format!("{path}/deliveries"), |json| json["deliveries"][0]["state"] == "delivered")
            .await;
    assert_eq!((&only(&all)["attempts"], &*receiver.until(3).await[2].id), (&json!(3), message));
}

#[tokio::test]
async fn a_test_is_sent_at_once_and_its_outcome_shown() {
    let (stack, receiver) = (Stack::start().await, Receiver::start().await);
    let api = telling(&stack).serve().await;
    let (path, secret) = endpoint(&api, "acme", &receiver.url()).await;
    let test = async || send(&api, "POST", &format!("{path}/test"), "acme", None).await;
    let tested = test().await;
    assert_eq!((tested.status, &tested.json()["state"]), (200, &json!("delivered")), "{}", tested.body);
    let message = &receiver.received()[0];
    assert_eq!((message.signatures_by(&secret), &message.json()["type"]), (1, &json!("webhook.test")));
    assert_eq!(tested.json()["id"], *message.id);
    receiver.answer(302);
    let tested = test().await.json();
    assert_eq!((&tested["state"], &tested["lastStatus"]), (&json!("dead"), &json!(302)), "{tested:#}");
    assert!(tested["lastError"].as_str().expect("an error").contains("redirections"));
    assert_eq!(receiver.received().len(), 2, "a test is made once");
}

#[tokio::test]
async fn nothing_is_sent_to_an_address_that_is_not_public() {
    let (stack, receiver) = (with_a_warning().await, Receiver::start().await);
    let api = telling(&stack).without("WEBHOOK_ALLOWED_NETWORKS").serve().await;
    let make = async |url: String| send(&api, "POST", PATH, "acme", Some(json!({ "url": url }))).await;
    for host in ["127.0.0.1", "127.1", "[::ffff:127.0.0.1]", "169.254.169.254"] {
        let refused = make(format!("http://{host}:{}/", receiver.port())).await;
        assert_eq!(
            (refused.status, &refused.json()["pointer"]),
            (400, &json!("/url")),
            "{host}: {}",
            refused.body
        );
    }
    // What a name means is found out when it is connected to.
    let (path, _) = endpoint(&api, "acme", &format!("http://localhost:{}/", receiver.port())).await;
    let tested = send(&api, "POST", &format!("{path}/test"), "acme", None).await.json();
    assert!(tested["lastError"].as_str().expect("an error").contains("no public address"), "{tested:#}");
    until(&api, &format!("{path}/deliveries?state=dead"), |json| {
        json["deliveries"].as_array().expect("some").len() == 2
    })
    .await;
    assert_eq!(receiver.received().len(), 0);
}

#[tokio::test]
async fn while_a_secret_is_replaced_both_sign() {
    let (stack, receiver) = (Stack::start().await, Receiver::start().await);
    let api = telling(&stack).serve().await;
    let (path, old) = endpoint(&api, "acme", &receiver.url()).await;
    let replaced = send(&api, "POST", &format!("{path}/secret"), "acme", None).await;
    assert_eq!(replaced.status, 200, "{}", replaced.body);
    let new = replaced.json()["secret"].as_str().expect("a secret").to_owned();
    assert!(new != old && replaced.json()["previousSecretUntil"].is_string());
    send(&api, "POST", &format!("{path}/test"), "acme", None).await;
    let message = &receiver.received()[0];
    assert_eq!((message.signatures_by(&new), message.signatures_by(&old)), (1, 1), "{}", message.signature);
    for shown in [api.get(&path, &token("acme")).await, api.get(PATH, &token("acme")).await] {
        assert!(shown.status == 200 && !shown.body.contains("whsec_"), "{}", shown.body);
    }
    assert!(!api.log_tail().contains("whsec_"));
}

#[tokio::test]
async fn webhooks_are_their_organizations_alone_and_limited() {
    let (stack, receiver) = (Stack::start().await, Receiver::start().await);
    let api = telling(&stack).set("WEBHOOKS_MAX", "1").serve().await;
    let (path, _) = endpoint(&api, "acme", &receiver.url()).await;
    for (method, path) in [
        ("GET", path.clone()),
        ("PATCH", path.clone()),
        ("DELETE", path.clone()),
        ("POST", format!("{path}/test")),
        ("POST", format!("{path}/secret")),
        ("GET", format!("{path}/deliveries")),
        ("POST", format!("{path}/deliveries/msg_1/retry")),
    ] {
        let body = (method == "PATCH").then(|| json!({}));
        let answer = send(&api, method, &path, "beta", body).await;
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.body);
    }
    assert_eq!(api.get(PATH, &token("beta")).await.json(), json!({ "webhooks": [] }));
    let full = send(&api, "POST", PATH, "acme", Some(json!({ "url": receiver.url() }))).await;
    assert_eq!(full.status, 409, "{}", full.body);
    let reader = Token::of("acme").claim("scope", "settings:read").sign();
    assert_eq!(api.get(&path, &reader).await.status, 200);
    let deleted = api.send(("DELETE", &path, ""), &[("authorization", &format!("Bearer {reader}"))]).await;
    assert_eq!(deleted.status, 403, "{}", deleted.body);
    let deleted = send(&api, "DELETE", &path, "acme", None).await;
    assert_eq!((deleted.status, &*deleted.body), (204, ""));
    let states = "select count(*) from alert_evaluations";
    let left: i64 = stack.client().await.query_one(states, &[]).await.expect("a count").get(0);
    assert_eq!(left, 0, "nothing is kept of an organization without webhooks");
    let off = stack.api().serve().await.get(PATH, &token("acme")).await;
    assert_eq!((off.status, off.json()["type"].as_str()), (404, Some("/problems/webhooks-off")));
}

#[tokio::test]
async fn dead_receivers_of_one_organization_do_not_hold_up_another() {
    let stack = Stack::start().await;
    let (dead, alive) = (Receiver::start().await, Receiver::start().await);
    dead.hang();
    let api = telling(&stack).set("WEBHOOK_TIMEOUT", "10m").set("SHUTDOWN_TIMEOUT", "1s").serve().await;
    for _ in 0..10 {
        endpoint(&api, "acme", &dead.url()).await;
    }
    endpoint(&api, "beta", &alive.url()).await;
    stack.produce(payments("acme", 0..100, false)).await;
    count(&stack).await;
    // So many of its messages are under way at once.
    dead.until(4).await;
    stack.produce(payments("beta", 0..100, false)).await;
    count(&stack).await;
    alive.until(1).await;
    assert_eq!(dead.received().len(), 4, "and no more");
}

#[tokio::test]
async fn organizations_whose_evaluations_hang_do_not_hold_up_another() {
    let stack = Stack::start().await;
    let (others, receiver) = (Receiver::start().await, Receiver::start().await);
    let api = telling(&stack).serve().await;
    // More than are evaluated at once.
    let hanging: Vec<String> = (0..6).map(|n| format!("hangs{n}")).collect();
    for organization in &hanging {
        endpoint(&api, organization, &others.url()).await;
    }
    stack.produce(hanging.iter().flat_map(|organization| payments(organization, 0..100, false))).await;
    count(&stack).await;
    others.until(hanging.len()).await;

    // What they were told is written in each evaluation, and has to wait for this until PostgreSQL gives up.
    let locking = stack.client().await;
    locking.batch_execute("begin; select 1 from alert_states for update").await.expect("a lock");
    let failed = async || api.metric("query_api_webhook_evaluations_total", "outcome=\"failed\"").await;
    let all_fail = wait::until("evaluations to fail", LIMIT, async || {
        let failed = failed().await;
        Ok(Seen::when(failed >= hanging.len() as f64, format!("{failed} have")))
    });
    all_fail.await.expect("evaluations that fail");

    endpoint(&api, "healthy", &receiver.url()).await;
    stack.produce(payments("healthy", 0..100, false)).await;
    count(&stack).await;
    receiver.until(1).await;
    let before = failed().await;
    evaluated(&[&api], 20.0).await;
    let more = failed().await - before;
    assert!(more < 20.0, "{more} have failed meanwhile");
    drop(locking);
}
