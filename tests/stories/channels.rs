//! Messages by channel: counted with everything else, and which channels have a name doesn't depend on what came when.

use crate::telling::{count, plain, text, yesterday};
use chrono::{DateTime, Duration, Utc};
use load::{Message, Produced};
use proto::v1::message_delivery::Status;
use serde_json::{Value, json};
use tests::{Api, Stack, Token};

/// A message's record that names a channel.
fn message(id: &str, channel: &str, sent: DateTime<Utc>, status: Status) -> Message {
    let mut message = Message::delivery("acme", id, sent, sent, status);
    if let Message::Delivery(delivery) = &mut message {
        channel.clone_into(&mut delivery.channel);
    }
    message
}

async fn delivery_health(api: &Api, from: DateTime<Utc>, to: DateTime<Utc>, more: &str) -> Value {
    let path = format!("/metrics/delivery-health?from={}&to={}{more}", text(from), text(to));
    let answer = api.get(&path, &Token::of("acme").sign()).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json()
}

/// Channel, sent, delivered.
fn channels(answer: &Value) -> Vec<(&str, i64, i64)> {
    let line = |line: &'_ Value| {
        (line["sent"].as_i64().expect("sent"), line["delivered"].as_i64().expect("delivered"))
    };
    let lines = answer["channels"].as_array().expect("a list").iter();
    lines
        .map(|channel| (channel["channel"].as_str().expect("a name"), line(channel).0, line(channel).1))
        .collect()
}

#[tokio::test]
async fn a_receipt_counts_under_its_own_channel_and_one_without_under_unknown() {
    let at = yesterday();
    let records = [
        ("m1", "email", Status::Sent),
        ("m1", "email", Status::Delivered),
        ("m1", "email", Status::Read),
        ("m2", "email", Status::Sent),
        ("m2", "email", Status::Sent),
        ("m3", "email", Status::Sent),
        ("m4", "sms", Status::Sent),
        // Its sender knows the channel, whoever delivers it doesn't.
        ("m4", "", Status::Delivered),
        ("m5", "", Status::Sent),
        ("m6", "unknown", Status::Sent),
        ("m7", "s\0ms", Status::Sent),
        ("m8", "other", Status::Delivered),
        ("m9", &"x".repeat(65), Status::Sent),
        ("m10", "email", Status::Failed),
    ];
    let records = plain(records.map(|(id, channel, status)| message(id, channel, at, status)));
    let stack = Stack::start().await;
    stack.produce(records.clone()).await;
    count(&stack).await;
    stack.agrees_with(&records).await;

    let api = stack.api().serve().await;
    let (from, to) = (at, at + Duration::hours(1));
    let answer = delivery_health(&api, from, to, "").await;
    assert_eq!(answer["totals"], json!({ "sent": 8, "delivered": 3, "deliveryRate": 37.5 }));
    let expected = [("email", 3, 1), ("sms", 1, 0), ("other", 2, 1), ("unknown", 2, 1)];
    assert_eq!(channels(&answer), expected, "{answer}");
    assert_eq!(answer["series"][0]["messages_sent"], 8, "{answer}");
    let of_email = delivery_health(&api, from, to, "&channel=email").await;
    assert_eq!(of_email["totals"], json!({ "sent": 3, "delivered": 1, "deliveryRate": 33.3 }));
    assert_eq!(of_email["series"][0]["messages_delivered"], 1, "{of_email}");
    assert_eq!(channels(&of_email), expected, "all are listed whichever is asked for");
    assert_eq!(api.stop().await, Some(0));
}

/// Sixty names, most of them long, each of so many messages as its number says, and in no order.
fn many_channels(at: DateTime<Utc>) -> Vec<Produced> {
    let name = |n: usize| {
        if n < 3 { ["sms", "email", "push"][n].to_owned() } else { format!("campaign {:05}", n * 7_919 % 60) }
    };
    let all = (0..60).flat_map(|n| (0..=n).map(move |m| (n, format!("m{n}-{m}"))));
    let mut records: Vec<Produced> =
        plain(all.map(|(n, id)| {
            message(&id, &name(n), at + Duration::minutes(15) * (n as i32 % 9), Status::Sent)
        }));
    records.reverse();
    records
}

#[tokio::test]
async fn which_channels_have_a_name_depends_on_no_order_and_no_member() {
    let at = yesterday();
    let records = many_channels(at);
    let mut answers = Vec::new();
    for members in [1, 2] {
        let stack = Stack::start().await;
        let parts = records.chunks(records.len() / members + 1);
        // The second time in the other order, in parts, by members that know nothing of each other.
        let parts: Vec<_> = if members == 1 { parts.collect() } else { parts.rev().collect() };
        for part in parts {
            stack.produce(part.to_vec()).await;
            count(&stack).await;
        }
        stack.agrees_with(&records).await;
        let api = stack.api().serve().await;
        let answer = delivery_health(&api, at, at + Duration::hours(3), "").await;
        let channels = channels(&answer);
        assert_eq!(channels.len(), 33, "32 names and the others: {answer}");
        assert!(["sms", "email", "push"].iter().all(|name| channels.iter().any(|(shown, ..)| shown == name)));
        assert_eq!(
            channels.iter().map(|(_, sent, _)| sent).sum::<i64>(),
            answer["totals"]["sent"].as_i64().expect("a sum")
        );
        answers.push(answer["channels"].clone());
        assert_eq!(api.stop().await, Some(0));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn days_of_a_zone_that_is_off_by_half_an_hour_are_exact_by_channel() {
    // Kolkata's midnight is half past six in the evening before.
    let midnight =
        yesterday().date_naive().and_hms_opt(18, 30, 0).expect("a time").and_utc() - Duration::days(3);
    let times = [-1, 0, 14 * 60, 15 * 60, 24 * 3_600 - 1, 24 * 3_600];
    let records = times.iter().enumerate().flat_map(|(n, second)| {
        let at = midnight + Duration::seconds(*second);
        [Status::Sent, Status::Delivered]
            .map(|status| message(&format!("m{n}"), ["sms", "email"][n % 2], at, status))
    });
    let records = plain(records);
    let stack = Stack::start().await;
    stack.produce(records.clone()).await;
    count(&stack).await;
    stack.agrees_with(&records).await;
    let api = stack.api().serve().await;
    let day = "&granularity=day&timezone=Asia/Kolkata";
    let answer = delivery_health(&api, midnight, midnight + Duration::days(1), day).await;
    assert_eq!(channels(&answer), [("email", 2, 2), ("sms", 2, 2)], "{answer}");
    assert_eq!(answer["series"].as_array().map(Vec::len), Some(1), "{answer}");
    assert_eq!(answer.get("exactFrom"), None);
    assert_eq!(api.stop().await, Some(0));
}
