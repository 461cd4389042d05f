//! What delivery health shows of messages that were counted, and the law that every message is in one channel.

use super::*;
use crate::request::raw_range::{RawRange, Settings};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Messages sent and delivered by bucket and channel. [`UNKNOWN`] has no rows.
type Counted = Vec<BTreeMap<String, (i64, i64)>>;

fn messages((sent, delivered): (i64, i64)) -> Messages {
    Messages { sent, delivered }
}

/// The rows of these messages when `channel` is asked about.
fn rows(counted: &Counted, channel: Option<&str>) -> Rows {
    let mut channels: BTreeMap<String, Messages> = BTreeMap::new();
    let mut buckets = Vec::new();
    for bucket in counted {
        let all = Messages::sum(bucket.values().copied().map(messages));
        let unknown = bucket.get(UNKNOWN).copied().map(messages).unwrap_or_default();
        let asked = bucket.iter().filter(|(name, _)| name.as_str() != UNKNOWN);
        let asked =
            asked.filter(|(name, _)| Some(name.as_str()) == channel).map(|(_, counted)| messages(*counted));
        buckets.push(Bucket { all, in_channels: all - unknown, asked: Messages::sum(asked) });
        for (name, counted) in bucket.iter().filter(|(name, _)| name.as_str() != UNKNOWN) {
            *channels.entry(name.clone()).or_default() += messages(*counted);
        }
    }
    Rows { buckets, channels }
}

/// The answer about three hours, the last of which is open.
fn answer(counted: &Counted, channel: Option<&str>) -> Value {
    let raw = RawRange { from: Some("2026-02-25T08:00:00Z".into()), ..RawRange::default() };
    let now = "2026-02-25T10:30:00Z".parse().unwrap();
    let range = raw.normalise(now, &Settings { max_range_days: 90 }).unwrap();
    let known = Known { complete_through: Some(now), ..Known::default() };
    let health = DeliveryHealth::new("acme", range, known, rows(counted, channel), channel, now);
    serde_json::to_value(health).unwrap()
}

/// Buckets, each spelled `email 5/4, sms 1/1`: sent, delivered.
fn counted(buckets: [&str; 3]) -> Counted {
    let number = |text: &str| text.parse().unwrap();
    let channel = |text: &str| {
        let (name, counts) = text.split_once(' ').unwrap();
        let (sent, delivered) = counts.split_once('/').unwrap();
        (name.to_owned(), (number(sent), number(delivered)))
    };
    let bucket = |text: &str| text.split(", ").filter(|text| !text.is_empty()).map(channel).collect();
    buckets.map(bucket).to_vec()
}

fn line(channel: &str, sent: i64, delivered: i64, rate: f64) -> Value {
    // Whole numbers are shown as such.
    let rate = if rate.fract() == 0.0 { json!(rate as i64) } else { json!(rate) };
    json!({ "channel": channel, "sent": sent, "delivered": delivered, "deliveryRate": rate })
}

#[test]
fn the_answer_is_spelled_to_the_letter() {
    let answer = answer(&counted(["email 3/2", "", "email 1/1, unknown 2/0"]), None);
    let point = |bucket: &str, open: bool, sent: i64, delivered: i64, rate: Value| {
        json!({ "bucket": bucket, "open": open, "messages_sent": sent, "messages_delivered": delivered,
                "message_delivery_rate": rate })
    };
    let expected = json!({
        "organizationId": "acme",
        "range": { "from": "2026-02-25T08:00:00.000Z", "to": "2026-02-25T11:00:00.000Z", "granularity": "hour",
                   "timezone": "UTC" },
        "completeThrough": "2026-02-25T10:30:00.000Z",
        "totals": { "sent": 6, "delivered": 3, "deliveryRate": 50 },
        "channels": [line("email", 4, 3, 75.0), line("unknown", 2, 0, 0.0)],
        "series": [
            point("2026-02-25T08:00:00.000Z", false, 3, 2, json!(66.7)),
            point("2026-02-25T09:00:00.000Z", false, 0, 0, json!(0)),
            point("2026-02-25T10:00:00.000Z", true, 3, 1, json!(33.3)),
        ],
        "generatedAt": "2026-02-25T10:30:00.000Z",
    });
    assert_eq!(answer, expected);
}

#[test]
fn channels_are_in_order_and_those_without_a_name_come_last() {
    let check = |buckets: [&str; 3], expected: &[Value]| {
        assert_eq!(answer(&counted(buckets), None)["channels"], json!(expected), "{buckets:?}");
    };
    check(["", "", ""], &[]);
    check(["sms 0/0", "other 0/0", "unknown 0/0"], &[]);
    check(
        ["unknown 9/9", "other 8/8, sms 1/1", ""],
        &[line("sms", 1, 1, 100.0), line("other", 8, 8, 100.0), line("unknown", 9, 9, 100.0)],
    );
    check(
        ["b 5/1, a 5/2", "z 2/2, c 3/0", "z 4/2"],
        &[line("z", 6, 4, 66.7), line("a", 5, 2, 40.0), line("b", 5, 1, 20.0), line("c", 3, 0, 0.0)],
    );
    // A receipt without its message is a message all the same, and no rate exceeds 100 %.
    check(["sms 0/1", "email 2/3", ""], &[line("email", 2, 3, 100.0), line("sms", 0, 1, 0.0)]);
}

#[test]
fn one_channel_can_be_asked_about_and_all_are_listed() {
    let counted = counted(["email 3/2, sms 1/1", "other 4/2", "sms 2/0, unknown 5/1"]);
    let check = |channel: &str, totals: (i64, i64), sent: [i64; 3]| {
        let answer = answer(&counted, Some(channel));
        assert_eq!(
            (&answer["totals"]["sent"], &answer["totals"]["delivered"]),
            (&json!(totals.0), &json!(totals.1))
        );
        let series: Vec<_> =
            answer["series"].as_array().unwrap().iter().map(|point| point["messages_sent"].clone()).collect();
        assert_eq!(series, sent.map(|sent| json!(sent)), "{channel}");
        let names: Vec<_> =
            answer["channels"].as_array().unwrap().iter().map(|line| line["channel"].clone()).collect();
        assert_eq!(names, ["email", "sms", "other", "unknown"]);
    };
    check("email", (3, 2), [3, 0, 0]);
    check("sms", (3, 1), [1, 0, 2]);
    check("other", (4, 2), [0, 4, 0]);
    check("unknown", (5, 1), [0, 0, 5]);
    check("fax", (0, 0), [0, 0, 0]);
}

prop_compose! {
    fn some_counted()(
        buckets in prop::collection::vec(
            prop::collection::btree_map("[a-c]|other|unknown", (0..1_000i64, 0..1_000i64), 0..5), 3..=3),
    ) -> Counted {
        buckets
    }
}

fn sum(lines: &Value, name: &str) -> i64 {
    lines.as_array().unwrap().iter().map(|line| line[name].as_i64().unwrap()).sum()
}

proptest! {
    #[test]
    fn every_message_is_in_one_channel(counted in some_counted()) {
        let all = answer(&counted, None);
        for (total, in_series) in [("sent", "messages_sent"), ("delivered", "messages_delivered")] {
            prop_assert_eq!(sum(&all["channels"], total), all["totals"][total].as_i64().unwrap());
            prop_assert_eq!(sum(&all["series"], in_series), all["totals"][total].as_i64().unwrap());
        }
        let lines = all["channels"].as_array().unwrap();
        let mut series = vec![0; counted.len()];
        for line in lines {
            let of_one = answer(&counted, line["channel"].as_str());
            prop_assert_eq!(&of_one["channels"], &all["channels"]);
            for member in ["sent", "delivered", "deliveryRate"] {
                prop_assert_eq!(&of_one["totals"][member], &line[member], "{}", line);
            }
            let points = of_one["series"].as_array().unwrap();
            series.iter_mut().zip(points).for_each(|(sum, point)| *sum += point["messages_sent"].as_i64().unwrap());
        }
        let points = all["series"].as_array().unwrap();
        let expected: Vec<_> = points.iter().map(|point| point["messages_sent"].as_i64().unwrap()).collect();
        prop_assert_eq!(series, expected);
    }

    #[test]
    fn the_list_is_short_and_in_order(counted in some_counted()) {
        let all = answer(&counted, None);
        let lines: Vec<_> = all["channels"].as_array().unwrap().iter()
            .map(|line| (line["channel"].as_str().unwrap(), line["sent"].as_i64().unwrap())).collect();
        let place = |(name, sent): &(&str, i64)| match *name {
            UNKNOWN => (2, Reverse(0), String::new()),
            OTHER => (1, Reverse(0), String::new()),
            name => (0, Reverse(*sent), name.to_owned()),
        };
        prop_assert!(lines.iter().map(place).is_sorted(), "{lines:?}");
    }
}
