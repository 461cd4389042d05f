//! Callbacks of providers: through the example's bridge they are counted exactly, and what they come to if `sent_at` isn't the time of sending.

mod calls;
mod traffic;

use crate::telling::{count, plain, text, yesterday};
use calls::{Call, Providers};
use chrono::{DateTime, Duration, Utc};
use domain::{BucketSize, Counters};
use futures_util::future::join_all;
use load::{Message, Rng};
use machine::workspace;
use proto::v1::message_delivery::Status;
use serde_json::{Value, json};
use stack::Service;
use stack::wait::{self, Seen};
use tests::{Api, Stack, Token};
use traffic::{By, Told, Word};

/// How long it may take until the numbers are complete, or operators are told.
const TOLD_LIMIT: std::time::Duration = std::time::Duration::from_secs(60);

/// How many requests are under way at once.
const AT_ONCE: usize = 16;

/// How many events SendGrid, or statuses WhatsApp, puts into a request.
const TOGETHER: usize = 10;

/// The organization whose callbacks go through the bridge.
const KEPT: &str = "kept";

fn echo(sent_at: DateTime<Utc>) -> String {
    format!("organization_id={KEPT}&sent_at={}", text(sent_at))
}

fn twilio(providers: &Providers, day: DateTime<Utc>, told: &Told) -> Call {
    let status = match told.word {
        Word::Waits => "queued",
        Word::Sent => "sent",
        Word::Delivered => "delivered",
        Word::Read => "read",
        Word::Failed => "undelivered",
    };
    let (id, path) = (told.id(), format!("/twilio?{}", echo(traffic::sent_at(day, told.message))));
    let fields = [
        ("MessageSid", &*id),
        ("MessageStatus", status),
        ("From", "whatsapp:+14155238886"),
        ("To", "whatsapp:+15005550006"),
    ];
    providers.twilio(&path, &fields)
}

fn sendgrid_event(day: DateTime<Utc>, told: &Told) -> Value {
    let event = match told.word {
        Word::Waits => "deferred",
        Word::Sent => "processed",
        Word::Delivered => "delivered",
        Word::Read => "open",
        Word::Failed => "bounce",
    };
    json!({
        "email": "someone@example.org", "event": event, "timestamp": told.at.timestamp(), "sg_message_id": told.id(),
        "organization_id": KEPT, "sent_at": text(traffic::sent_at(day, told.message))
    })
}

fn whatsapp_status(day: DateTime<Utc>, told: &Told) -> Value {
    let status = match told.word {
        Word::Waits | Word::Sent => "sent",
        Word::Delivered => "delivered",
        Word::Read => "read",
        Word::Failed => "failed",
    };
    json!({
        "id": told.id(), "status": status, "timestamp": told.at.timestamp().to_string(), "recipient_id": "15005550006",
        "biz_opaque_callback_data": echo(traffic::sent_at(day, told.message))
    })
}

fn whatsapp_body(statuses: &[Value]) -> String {
    let value = json!({ "messaging_product": "whatsapp", "statuses": statuses });
    let entry = json!({ "id": "1", "changes": [{ "field": "messages", "value": value }] });
    json!({ "object": "whatsapp_business_account", "entry": [entry] }).to_string()
}

/// The callbacks in this order, as requests of the three providers.
fn calls_of(providers: &Providers, day: DateTime<Utc>, told: &[Told]) -> Vec<Call> {
    let of = |by: By| told.iter().filter(move |told| told.by() == by);
    let events: Vec<_> = of(By::SendGrid).map(|told| sendgrid_event(day, told)).collect();
    let statuses: Vec<_> = of(By::WhatsApp).map(|told| whatsapp_status(day, told)).collect();
    let mut calls: Vec<_> = of(By::Twilio).map(|told| twilio(providers, day, told)).collect();
    calls.extend(events.chunks(TOGETHER).map(|events| providers.sendgrid(json!(events).to_string())));
    calls.extend(statuses.chunks(TOGETHER).map(|statuses| providers.whatsapp(whatsapp_body(statuses))));
    calls
}

async fn ask(api: &Api, organization: &str, question: &str, day: DateTime<Utc>) -> Value {
    let path = format!("/metrics/{question}?from={}&to={}", text(day), text(day + Duration::days(1)));
    let answer = api.get(&path, &Token::of(organization).sign()).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json()
}

/// The figures of an organization, as the documentation's table has them: sent, delivered, rate, severity, hours of excess.
async fn figures(stack: &Stack, api: &Api, organization: &str, day: DateTime<Utc>) -> String {
    let Counters { messages_sent: sent, messages_delivered: delivered, .. } =
        stack.counts(organization).await.sums();
    let summary = ask(api, organization, "summary", day).await;
    let rate = &summary["kpis"][4];
    assert_eq!(rate["key"], "message_delivery_rate", "{summary:#}");
    let insights = ask(api, organization, "insights", day).await;
    assert!(insights["judged"]["to"].is_string(), "{insights:#}");
    let all = insights["insights"].as_array().expect("a list");
    let excess = all.iter().find(|insight| insight["key"] == "delivered_exceeds_sent");
    let hours = excess.map_or(0, |insight| insight["numbers"]["hours"].as_i64().expect("a number"));
    let severity = rate["severity"].as_str().expect("a word");
    format!("| {sent} | {delivered} | {} % | {severity} | {hours} |", rate["value"])
}

#[tokio::test]
async fn a_thousand_callbacks_are_counted_exactly_and_other_times_of_sending_make_the_documented_figures() {
    let day = BucketSize::Day.floor(yesterday());
    let mut told = traffic::told(day);
    assert_eq!(told.len(), 1_004, "the number that the documentation names");
    let mut random = Rng::new(19);
    random.shuffle(&mut told);
    let stack = Stack::start().await;
    let providers = Providers::new();
    let bridge = providers.bridge(&stack).serve().await;
    let mut calls = calls_of(&providers, day, &told);
    random.shuffle(&mut calls);
    for calls in calls.chunks(AT_ONCE) {
        for answer in join_all(calls.iter().map(|call| call.to(&bridge))).await {
            assert_eq!(answer.status, 204, "{}", answer.body);
        }
    }
    assert_eq!(bridge.stop().await, Some(0));

    let kept = traffic::records(KEPT, &told, |told| traffic::sent_at(day, told.message));
    let own = traffic::records("own", &told, |told| told.at);
    let arrival = traffic::records("arrival", &told, |told| told.arrives);
    stack.produce(own.iter().chain(&arrival).cloned()).await;
    let consumer = stack.consumer().start().await;
    stack.until_idle().await;
    stack.agrees_with(kept.iter().chain(&own).chain(&arrival)).await;

    let api = stack.api().without("REDIS_URL").set("LOCAL_CACHE_TTL", "0s").serve().await;
    let complete = wait::until("the numbers to be complete", TOLD_LIMIT, async || {
        let insights = ask(&api, KEPT, "insights", day).await;
        Ok(Seen::when(insights["judged"]["to"].is_string(), insights.to_string()))
    });
    complete.await.expect("complete numbers");
    let page = std::fs::read_to_string(workspace::root().join("docs/providers.md")).expect("a document");
    let rows = [
        (KEPT, "the time of sending, kept by the sender"),
        ("own", "the time of the callback's own status"),
        ("arrival", "the time at which the callback arrives"),
    ];
    for (organization, choice) in rows {
        let row = format!("| {choice} {}", figures(&stack, &api, organization, day).await);
        assert!(page.contains(&row), "docs/providers.md has another row than {row}");
    }
    assert_eq!((consumer.stop().await, api.stop().await), (Some(0), Some(0)));
}

/// One right call of each provider, all about messages that were delivered.
fn right_calls(providers: &Providers) -> [(Call, u16); 4] {
    let sent_at = yesterday();
    let path = format!("/twilio?{}", echo(sent_at));
    let twilio = providers.twilio(&path, &[("MessageSid", "SM1"), ("MessageStatus", "delivered")]);
    let event = json!([{
        "event": "delivered", "timestamp": sent_at.timestamp(), "sg_message_id": "sg1", "organization_id": KEPT,
        "sent_at": text(sent_at)
    }]);
    let status = json!({
        "id": "wamid.1", "status": "delivered", "timestamp": sent_at.timestamp().to_string(),
        "biz_opaque_callback_data": echo(sent_at)
    });
    let webhook = json!({
        "RecordType": "Delivery", "MessageID": "pm1", "DeliveredAt": text(sent_at),
        "Metadata": { "organization_id": KEPT, "sent_at": text(sent_at) }
    });
    [
        (twilio, 403),
        (providers.sendgrid(event.to_string()), 403),
        (providers.whatsapp(whatsapp_body(&[status])), 403),
        (providers.postmark(webhook.to_string()), 401),
    ]
}

fn published(stack: &Stack) -> i64 {
    stack.ends().values().sum()
}

#[tokio::test]
async fn callbacks_that_are_not_the_providers_own_are_refused_and_publish_nothing() {
    let stack = Stack::start().await;
    let (providers, others) = (Providers::new(), Providers::new());
    let bridge = providers.bridge(&stack).serve().await;
    for (call, refused) in right_calls(&providers) {
        let forged = [
            Call { headers: Vec::new(), ..call.clone() },
            Call { headers: call.headers.iter().map(|(name, _)| (*name, "x".to_owned())).collect(), ..call },
        ];
        for call in forged {
            let answer = call.to(&bridge).await;
            assert_eq!(answer.status, refused, "{call:?}: {}", answer.body);
            assert_eq!(answer.header("www-authenticate").is_empty(), refused == 403, "{call:?}");
        }
    }
    let [(twilio, _), (sendgrid, _), (whatsapp, _), _] = right_calls(&providers);
    let [_, (of_another_key, _), ..] = right_calls(&others);
    let changed = [
        Call { path: twilio.path.replace(KEPT, "other"), ..twilio.clone() },
        Call { body: twilio.body.replace("SM1", "SM2"), ..twilio },
        Call { body: sendgrid.body.replace(KEPT, "other"), ..sendgrid },
        Call { body: whatsapp.body.replace("delivered", "failed"), ..whatsapp.clone() },
        of_another_key,
    ];
    for call in changed {
        assert_eq!(call.to(&bridge).await.status, 403, "{call:?}");
    }
    let elsewhere = Call { path: "/elsewhere".to_owned(), ..whatsapp };
    assert_eq!(elsewhere.to(&bridge).await.status, 404);
    assert_eq!(published(&stack), 0);

    for (call, _) in right_calls(&providers) {
        let answer = call.to(&bridge).await;
        assert_eq!(answer.status, 204, "{call:?}: {}", answer.body);
    }
    assert_eq!(published(&stack), 4);
    assert_eq!(bridge.metric("bridge_callbacks_total", "outcome=\"published\"").await, 4.0);
    assert_eq!(bridge.stop().await, Some(0));
    count(&stack).await;
    stack.counts(KEPT).await.are(Counters { messages_delivered: 4, ..Counters::default() });
}

#[tokio::test]
async fn a_sender_that_forgets_the_time_of_sending_is_told_and_other_callbacks_are_published() {
    let stack = Stack::start().await;
    let providers = Providers::new();
    let bridge = providers.bridge(&stack).serve().await;
    let sent_at = yesterday();
    let event = |id: &str, echo: Value| {
        let mut event =
            json!({ "event": "delivered", "timestamp": sent_at.timestamp(), "sg_message_id": id });
        let echo = echo.as_object().expect("an object").clone();
        event.as_object_mut().expect("an object").extend(echo);
        event
    };
    let right = event("sg1", json!({ "organization_id": KEPT, "sent_at": text(sent_at) }));
    let check = async |bridge: &Api, echo: Value, status: u16, said: &str| {
        let call = providers.sendgrid(json!([right, event("sg2", echo)]).to_string());
        let answer = call.to(bridge).await;
        assert_eq!(answer.status, status, "{call:?}: {}", answer.body);
        assert!(answer.body.contains(said), "{}", answer.body);
    };
    check(&bridge, json!({ "organization_id": KEPT }), 422, "sent_at did not come back").await;
    check(&bridge, json!({ "sent_at": text(sent_at) }), 422, "organization_id did not come back").await;
    let afterwards = json!({ "organization_id": KEPT, "sent_at": text(sent_at + Duration::hours(1)) });
    check(&bridge, afterwards, 422, "it must be the time of sending").await;
    check(&bridge, json!({}), 422, "organization_id did not come back").await;
    assert_eq!(published(&stack), 4, "the right one, each time");
    assert_eq!(bridge.stop().await, Some(0));

    let bridge = providers.bridge(&stack).set("FOREIGN", "ignore").serve().await;
    check(&bridge, json!({}), 204, "").await;
    check(&bridge, json!({ "organization_id": KEPT }), 422, "sent_at did not come back").await;
    assert_eq!(bridge.metric("bridge_callbacks_total", "outcome=\"foreign\"").await, 1.0);
    assert_eq!(bridge.stop().await, Some(0));
    count(&stack).await;
    stack.counts(KEPT).await.are(Counters { messages_delivered: 1, ..Counters::default() });
}

#[tokio::test]
async fn a_callback_is_acknowledged_only_once_kafka_has_its_record() {
    let stack = Stack::with_own(Service::Kafka).await;
    let Some(server) = stack.kafka().server() else { return };
    let providers = Providers::new();
    let bridge = providers.bridge(&stack).serve().await;
    let [(call, _), ..] = right_calls(&providers);
    server.pause();
    let answer = call.to(&bridge).await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(bridge.admin("/readyz").await.body.contains("records can't be published"));
    server.resume();
    let taken = wait::until("Kafka to take records again", TOLD_LIMIT, async || {
        let answer = call.to(&bridge).await;
        Ok(Seen::when(answer.status == 204, answer.body))
    });
    taken.await.expect("an acknowledged callback");
    assert_eq!(bridge.stop().await, Some(0));
    count(&stack).await;
    stack.counts(KEPT).await.are(Counters { messages_delivered: 1, ..Counters::default() });
}

#[tokio::test]
async fn hours_with_more_messages_delivered_than_sent_are_told_to_operators() {
    // An hour that has settled, and is of the last day.
    let at = Utc::now() - Duration::hours(4);
    let message =
        |organization, n: i32, status| Message::delivery(organization, &format!("m{n}"), at, at, status);
    let without_sent = (0..25).map(|n| message("acme", n, Status::Delivered));
    let right =
        (0..25).flat_map(|n| [Status::Sent, Status::Delivered].map(|status| message("globex", n, status)));
    let stack = Stack::start().await;
    stack.produce(plain(without_sent.chain(right))).await;
    count(&stack).await;
    // A member looks for such hours when it starts, and then each hour.
    let member = stack.consumer().start().await;
    let told = wait::until("the hour to be found", TOLD_LIMIT, async || {
        let hours = member.metric("consumer_buckets_delivered_exceeds_sent", "").await;
        Ok(Seen::when(hours == 1.0, format!("there are {hours}")))
    });
    told.await.expect("one hour of one organization");
    assert_eq!(member.stop().await, Some(0));
}
