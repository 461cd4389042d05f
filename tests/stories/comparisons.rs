//! Comparisons: what answers say has changed follows from the numbers they show, and those from the records.

use crate::telling::{count, counted, plain, text, yesterday};
use chrono::{DateTime, Datelike as _, Duration, NaiveDate, NaiveDateTime, Utc};
use domain::{BucketSize, Counters};
use load::Message;
use proto::v1::message_delivery::Status;
use proto::v1::workflow_terminal::Outcome;
use serde_json::{Value, json};
use stack::wait::{self, Seen};
use tests::{Api, Stack, Token};

/// How many things happened to the organization.
const HAPPENED: u64 = 2_500;

/// A commit shows in the API within this, the batch's age and the announcement included.
const SEEN_LIMIT: std::time::Duration = std::time::Duration::from_secs(10);

/// How many ranges are asked about at each instant of "now".
const RANGES: u64 = 45;

/// How many minutes each instant of "now" is before the present.
const AGO: [i64; 3] = [0, 2_345, 11_111];

/// Zones, and their offset in minutes where it is always the same.
const ZONES: [(&str, Option<i64>); 6] = [
    ("UTC", Some(0)),
    ("Asia/Kathmandu", Some(345)),
    ("Asia/Kolkata", Some(330)),
    ("Europe/Berlin", None),
    ("America/New_York", None),
    ("Australia/Lord_Howe", None),
];

const MODES: [&str; 4] = ["previous_period", "previous_week", "previous_month", "previous_year"];

/// Numbers that look random, always the same ones (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn seconds(&mut self, most: i64) -> Duration {
        Duration::seconds(i64::try_from(self.below(most.unsigned_abs())).expect("a few years"))
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).expect("an index")]
    }
}

/// Something that happened, and what it adds to which time.
struct Happened {
    at: DateTime<Utc>,
    adds: Counters,
    messages: Vec<Message>,
}

fn happened(chance: &mut Chance, n: u64, now: DateTime<Utc>) -> Happened {
    const DAY: i64 = 86_400;
    let before = match chance.below(10) {
        0..4 => chance.seconds(3 * DAY),
        4..8 => chance.seconds(40 * DAY),
        _ => Duration::days(365) + chance.seconds(30 * DAY),
    };
    let (at, id) = (now - before, format!("n{n}"));
    let good = chance.below(5) > 0;
    let (message, adds) = match chance.below(4) {
        0 => (Message::order("acme", &id, at), Counters { orders_created: 1, ..Counters::default() }),
        1 => {
            let adds =
                Counters { payments_total: 1, payments_successful: good.into(), ..Counters::default() };
            (Message::payment("acme", &id, at, good), adds)
        }
        2 => {
            let outcome = if good { Outcome::Success } else { Outcome::Failed };
            let millis = chance.below(30_000);
            let adds = Counters {
                workflows_total: 1,
                workflows_failed: (!good).into(),
                total_execution_time_ms: millis.cast_signed(),
                ..Counters::default()
            };
            (Message::workflow("acme", &id, at, outcome, millis), adds)
        }
        _ => {
            let adds = Counters { messages_sent: 1, messages_delivered: good.into(), ..Counters::default() };
            (Message::delivery("acme", &id, at, at, Status::Sent), adds)
        }
    };
    let mut messages = vec![message];
    if adds.messages_delivered > 0 {
        messages.push(Message::delivery("acme", &id, at, at, Status::Delivered));
    }
    Happened { at, adds, messages }
}

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no time: {value}"))
}

fn interval(value: &Value) -> (DateTime<Utc>, DateTime<Utc>) {
    (time(&value["from"]), time(&value["to"]))
}

/// A shown number, in tenths.
fn tenths(value: &Value) -> i64 {
    let number = value.as_f64().unwrap_or_else(|| panic!("no number: {value}"));
    let tenths = (number * 10.0).round();
    assert!(
        (tenths / 10.0 - number).abs() < f64::EPSILON * number.abs().max(1.0),
        "{number} has more than one decimal"
    );
    tenths as i64
}

/// `numerator / denominator`, half away from zero.
fn rounded(numerator: i128, denominator: i128) -> i64 {
    let (magnitude, divisor) = (numerator.abs(), denominator.abs());
    let nearest = i64::try_from((2 * magnitude + divisor) / (2 * divisor)).expect("a small number");
    if (numerator < 0) == (denominator < 0) { nearest } else { -nearest }
}

/// A KPI over an interval, in tenths: recounted from what happened, by the KPI's own words of what it is made of.
fn recounted(all: &[Happened], (from, to): (DateTime<Utc>, DateTime<Utc>), kpi: &Value) -> i64 {
    let mut sum = Counters::default();
    all.iter().filter(|one| from <= one.at && one.at < to).for_each(|one| sum += &one.adds);
    let counter = |name: &Value| {
        let place = Counters::NAMES.iter().position(|known| name == known);
        i128::from(sum.values()[place.unwrap_or_else(|| panic!("no counter {name}: {kpi}"))])
    };
    let base = &kpi["base"];
    let numerator = counter(&base["numerator"]);
    let denominator = if base["denominator"].is_null() { 1 } else { counter(&base["denominator"]) };
    match (denominator, kpi["unit"].as_str()) {
        (0, _) => 0,
        (_, Some("percent")) => rounded(1_000 * numerator, denominator).min(1_000),
        (_, _) => rounded(10 * numerator, denominator),
    }
}

/// The change that follows from two values, both in tenths: `deltaPercent` and `trend`.
fn change(compared: i64, previous: i64) -> (Option<i64>, &'static str) {
    let delta = match (compared, previous) {
        (0, 0) => 0,
        (_, 0) => return (None, "new"),
        (_, _) => rounded(1_000 * (i128::from(compared) - i128::from(previous)), previous.into()),
    };
    (
        Some(delta),
        if delta > 0 {
            "up"
        } else if delta < 0 {
            "down"
        } else {
            "flat"
        },
    )
}

/// The start of what a range is compared with, in a zone with this offset.
fn earlier(
    mode: &str,
    range: (DateTime<Utc>, DateTime<Utc>),
    end: DateTime<Utc>,
    now: DateTime<Utc>,
    offset: Duration,
) -> DateTime<Utc> {
    let (from, to) = range;
    let local = |time: DateTime<Utc>| -> NaiveDateTime { time.naive_utc() + offset };
    let week = Duration::weeks(1);
    // A day that isn't over counts as a whole one.
    let midnight = |time: DateTime<Utc>| (BucketSize::Day.ceil(time + offset)) - offset;
    let whole = if to >= BucketSize::Quarter.floor(now) { midnight(to) } else { to };
    match mode {
        "previous_week" => from - week,
        "previous_month" => {
            let date = local(from).date();
            let (year, month) =
                if date.month() == 1 { (date.year() - 1, 12) } else { (date.year(), date.month() - 1) };
            let day = (1..=date.day()).rev().find_map(|day| NaiveDate::from_ymd_opt(year, month, day));
            day.expect("every month has a first").and_time(local(from).time()).and_utc() - offset
        }
        "previous_year" => {
            let year_before =
                local(from).with_year(local(from).year() - 1).expect("no leap day in the test's year");
            year_before.and_utc() - offset
        }
        _ if whole - from < week => from - (end - from),
        _ => {
            let weeks = ((end - from).num_seconds() + week.num_seconds() - 1) / week.num_seconds();
            from - week * i32::try_from(weeks).expect("a few")
        }
    }
}

/// Checks every number of a summary against what happened.
fn check(all: &[Happened], summary: &Value, mode: &str, offset: Option<i64>) {
    let (range, now) = (interval(&summary["range"]), time(&summary["generatedAt"]));
    let end = range.1.min(BucketSize::Quarter.floor(now));
    let comparison = &summary["comparison"];
    if end <= range.0 {
        assert!(comparison.is_null(), "{summary:#}");
        return;
    }
    let (current, previous) = (interval(&comparison["current"]), interval(&comparison["previous"]));
    assert_eq!(current, (range.0, end), "{summary:#}");
    assert_eq!(previous.1 - previous.0, current.1 - current.0, "as long: {summary:#}");
    assert_eq!(interval(comparison), previous, "{summary:#}");
    if mode == "previous_period" {
        assert!(previous.1 <= range.0, "{summary:#}");
    }
    let first = all.iter().map(|one| BucketSize::Hour.floor(one.at)).min().expect("something happened");
    assert_eq!(time(&summary["recordsFrom"]), first, "{summary:#}");
    assert_eq!(comparison["previousCovered"], first <= previous.0, "{summary:#}");
    if let Some(minutes) = offset {
        let from = earlier(mode, range, end, now, Duration::minutes(minutes));
        assert_eq!(previous.0, from, "{mode} of {summary:#}");
    }
    for kpi in summary["kpis"].as_array().expect("a list") {
        let shown = ["value", "comparedValue", "previousValue"].map(|name| tenths(&kpi[name]));
        let expected = [range, current, previous].map(|interval| recounted(all, interval, kpi));
        assert_eq!(shown, expected, "value, comparedValue, previousValue of {kpi} in {summary:#}");
        let (delta, trend) = change(shown[1], shown[2]);
        assert_eq!(kpi["trend"], trend, "{kpi}");
        assert_eq!((!kpi["deltaPercent"].is_null()).then(|| tenths(&kpi["deltaPercent"])), delta, "{kpi}");
        let points = (kpi["unit"] == "percent").then(|| shown[1] - shown[2]);
        assert_eq!(kpi.get("deltaPoints").map(tenths), points, "{kpi}");
        assert!(["up", "down"].iter().any(|better| kpi["better"] == *better), "{kpi}");
        assert_eq!(kpi["decimals"], i32::from(kpi["unit"] != "count"), "{kpi}");
    }
}

async fn ask(api: &Api, path: &str) -> Value {
    let answer = api.get(path, &Token::of("acme").sign()).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json()
}

/// Whether two answers are of one quarter of an hour.
fn of_one_quarter(one: &Value, other: &Value) -> bool {
    let quarter = |answer: &Value| BucketSize::Quarter.floor(time(&answer["generatedAt"]));
    quarter(one) == quarter(other)
}

/// Asks about a range by the day, and about what that has become by the hour.
async fn ask_both(api: &Api, all: &[Happened], chance: &mut Chance, now: DateTime<Utc>) {
    let (zone, offset) = chance.of(&ZONES);
    let mode = chance.of(&MODES);
    let days = chance.of(&[1, 3, 6, 8, 15, 31]);
    let from = now - chance.seconds(days * 86_400);
    let some = from + chance.seconds(days * 86_400);
    let to = chance.of(&[None, None, Some(some)]);
    let question = |from: DateTime<Utc>, to: Option<DateTime<Utc>>, granularity: &str| {
        let to = to.map(|to| format!("&to={}", text(to))).unwrap_or_default();
        format!("from={}{to}&timezone={zone}&compare={mode}&granularity={granularity}", text(from))
    };
    let summary = async |question: String| ask(api, &format!("/metrics/summary?{question}")).await;

    check(all, &summary(question(from, to, "hour")).await, mode, offset);
    let by_day = summary(question(from, to, "day")).await;
    check(all, &by_day, mode, offset);
    let (from, end) = interval(&by_day["range"]);
    let is_open = end > time(&by_day["generatedAt"]);
    let to = (!is_open).then_some(end);
    let by_hour = summary(question(from, to, "hour")).await;
    check(all, &by_hour, mode, offset);
    if of_one_quarter(&by_day, &by_hour) {
        assert_eq!(by_day["comparison"], by_hour["comparison"], "{by_day:#} {by_hour:#}");
        let changes = |summary: &Value| {
            let kpis = summary["kpis"].as_array().expect("a list").iter();
            let names = ["comparedValue", "previousValue", "deltaPercent", "trend"];
            kpis.map(|kpi| names.map(|name| kpi[name].clone())).collect::<Vec<_>>()
        };
        assert_eq!(changes(&by_day), changes(&by_hour), "{by_day:#} {by_hour:#}");
    }

    // The series of the interval before add up to what the summary says of it.
    let trends = ask(api, &format!("/metrics/trends?{}", question(from, to, "hour"))).await;
    if of_one_quarter(&trends, &by_hour) && !trends["comparison"].is_null() {
        assert_eq!(trends["comparison"], by_hour["comparison"]);
        let previous = trends["previousSeries"].as_array().expect("a list");
        let orders: i64 = previous.iter().filter_map(|bucket| bucket["orders_created"].as_i64()).sum();
        assert_eq!(by_hour["kpis"][0]["previousValue"], orders, "{trends:#}");
    }
}

#[tokio::test]
async fn every_change_follows_from_the_values_shown_and_those_from_the_records() {
    let (mut chance, now) = (Chance(20_261_129), Utc::now());
    let all: Vec<_> = (0..HAPPENED).map(|n| happened(&mut chance, n, now)).collect();
    let stack = Stack::start().await;
    stack.produce(plain(all.iter().flat_map(|one| one.messages.clone()))).await;
    let consumer =
        stack.consumer().set("LEDGER_RETENTION_DAYS", "3650").set("FAILURE_RETENTION_DAYS", "3650");
    let consumer = consumer.start().await;
    stack.until_idle().await;
    assert_eq!(consumer.stop().await, Some(0));
    for minutes in AGO {
        let api = stack.api().set("RATE_LIMIT_PER_SECOND", "0").with_clock_off(-60 * minutes).serve().await;
        for _ in 0..RANGES {
            ask_both(&api, &all, &mut chance, Utc::now() - Duration::minutes(minutes)).await;
        }
        assert_eq!(api.stop().await, Some(0));
    }
}

#[tokio::test]
async fn before_a_quarter_of_an_hour_is_over_nothing_is_compared() {
    let now = Utc::now();
    let hour = BucketSize::Hour.floor(now) - Duration::hours(1);
    let orders = (0..7).map(|n| Message::order("acme", &format!("o{n}"), hour + Duration::minutes(n)));
    let stack = counted(plain(orders)).await;
    // Five minutes past that hour.
    let slow = (now - hour - Duration::minutes(5)).num_seconds();
    let api = stack.api().with_clock_off(-slow).serve().await;
    for granularity in ["hour", "day"] {
        let question = format!("from={}&granularity={granularity}", text(hour));
        let summary = ask(&api, &format!("/metrics/summary?{question}")).await;
        if granularity == "hour" {
            assert_eq!(summary["comparison"], Value::Null, "{summary:#}");
            let orders = &summary["kpis"][0];
            assert_eq!((&orders["value"], &orders["trend"]), (&json!(7), &json!("flat")), "{orders}");
            for kpi in summary["kpis"].as_array().expect("a list") {
                for name in ["comparedValue", "previousValue", "deltaPercent"] {
                    assert_eq!(kpi.get(name), Some(&Value::Null), "{name} of {kpi}");
                }
            }
        }
        let trends = ask(&api, &format!("/metrics/trends?{question}")).await;
        assert_eq!(trends.get("previousSeries").is_some(), !trends["comparison"].is_null(), "{trends:#}");
    }
}

/// What an answer says of the records and of the first KPI's change: since when, whether they cover the previous interval, by how much.
fn said(summary: &Value) -> Value {
    json!([
        summary["recordsFrom"],
        summary["comparison"]["previousCovered"],
        summary["kpis"][0]["previousValue"],
        summary["kpis"][0]["deltaPercent"],
    ])
}

#[tokio::test]
async fn a_comparison_says_whether_records_cover_what_it_compares_with() {
    let noon = yesterday();
    let at = |minutes: i64| noon + Duration::minutes(minutes);
    let order = |organization: &str, id: &str, minutes| Message::order(organization, id, at(minutes));
    // One order at twenty past noon, ten at half past one; others have had some for longer.
    let mut messages = vec![order("acme", "o0", 20), order("other", "o0", -60 * 24 * 3)];
    messages.extend((1..=10).map(|n| order("acme", &format!("o{n}"), 90)));
    let stack = counted(plain(messages)).await;
    let api = stack.api().set("BUSINESS_METRICS_CACHE_TTL_SEC", "3600").serve().await;
    let range = |from: i64, to: i64| format!("from={}&to={}", text(at(60 * from)), text(at(60 * to)));
    let summary = async |from, to| ask(&api, &format!("/metrics/summary?{}", range(from, to))).await;

    // Compared with the hour from noon on; with the three before one o'clock, of which only that has records; and with two that have none.
    assert_eq!(said(&summary(1, 2).await), json!([text(noon), true, 1, 900]));
    assert_eq!(said(&summary(1, 4).await), json!([text(noon), false, 1, 900]));
    assert_eq!(said(&summary(0, 2).await), json!([text(noon), false, 0, null]));
    let one = range(1, 4);
    let overview = ask(&api, &format!("/metrics/overview?{one}")).await;
    let trends = ask(&api, &format!("/metrics/trends?{one}")).await;
    let of_workflow = ask(&api, &format!("/metrics/trends?{one}&workflow=w1")).await;
    for answer in [&trends, &of_workflow, &overview["summary"], &overview["trends"]] {
        assert_eq!(answer["recordsFrom"], text(noon), "{answer:#}");
        assert_eq!(answer["comparison"]["previousCovered"], false, "{answer:#}");
    }
    let alone = ask(&api, &format!("/metrics/summary?{one}&compare=none")).await;
    assert_eq!((&alone["recordsFrom"], &alone["comparison"]), (&json!(text(noon)), &Value::Null));
    let nobody = api.get(&format!("/metrics/summary?{one}"), &Token::of("nobody").sign()).await.json();
    assert_eq!(said(&nobody), json!([null, false, 0, 0]));

    // A late record from nine o'clock: what is kept for an hour is no longer given.
    if stack.redis().is_none() {
        return;
    }
    stack.produce(plain([order("acme", "late", -170)])).await;
    count(&stack).await;
    let nine = text(noon - Duration::hours(3));
    let covered = wait::until("the late record to be seen", SEEN_LIMIT, async || {
        let said = said(&summary(1, 4).await);
        Ok(Seen::when(said == json!([nine, true, 1, 900]), said.to_string()))
    });
    covered.await.expect("an answer that is fresh");
}

#[tokio::test]
async fn messages_whose_receipts_are_still_due_raise_no_alert() {
    let now = Utc::now();
    let sent = |id: String, at: DateTime<Utc>| Message::delivery("acme", &id, at, at, Status::Sent);
    let mut messages: Vec<_> = (0..40).map(|n| sent(format!("m{n}"), now - Duration::minutes(10))).collect();
    let past = now - Duration::hours(3);
    messages.extend((0..30).map(|n| sent(format!("p{n}"), past)));
    messages
        .extend((0..25).map(|n| Message::delivery("acme", &format!("p{n}"), past, past, Status::Delivered)));
    let stack = counted(plain(messages)).await;
    let api = stack.api().serve().await;
    let summary = ask(&api, "/metrics/summary").await;
    let rate = &summary["kpis"][4];
    assert_eq!(rate["value"].as_f64(), Some(35.7), "all messages count: {rate}");
    // Of the messages that are older than an hour 25 of 30 are delivered.
    let alert = &summary["alerts"][0];
    assert_eq!((&alert["kpi"], &alert["severity"]), (&rate["key"], &json!("warning")), "{summary:#}");
    assert_eq!((&alert["value"], &alert["sample"]), (&json!(83.3), &json!(30)), "{alert}");
    assert_eq!(rate["severity"], "warning");
}

#[tokio::test]
async fn a_partition_that_stands_still_does_not_silence_insights_but_they_say_so() {
    let at = yesterday();
    let run = |n: u64, workflow: &str, outcome| {
        let mut message = Message::workflow("acme", &format!("{workflow}-{n}"), at, outcome, 100);
        if let Message::Workflow(run) = &mut message {
            (run.workflow_id, run.workflow_name) = (workflow.to_owned(), workflow.to_owned());
        }
        message
    };
    let failing = (0..25).map(|n| run(n, "billing", Outcome::Failed));
    let fine = (0..75).map(|n| run(n, "welcome", Outcome::Success));
    let stack = Stack::with_partitions(2).await;
    stack.produce(plain(failing.chain(fine))).await;
    count(&stack).await;
    let client = stack.client().await;
    let stands_still = "
        update consumer_progress set complete_through = now() - case kafka_partition when 1 then interval '3 days' else '1 s' end";
    client.execute(stands_still, &[]).await.expect("progress");
    let api = stack.api().serve().await;
    let (from, to) = (BucketSize::Day.floor(at), BucketSize::Day.ceil(at));
    let insights = ask(&api, &format!("/metrics/insights?from={}&to={}", text(from), text(to))).await;
    assert_eq!(insights["incompleteSince"], insights["completeThrough"], "{insights:#}");
    assert_eq!(insights["judged"], json!({ "from": text(from), "to": text(to) }), "{insights:#}");
    let concentrated = &insights["insights"][0];
    assert_eq!(concentrated["key"], "failures_concentrated", "{insights:#}");
    let said = concentrated["sentence"].as_str().expect("a sentence");
    assert!(said.contains("may be missing"), "{said}");

    // What is complete says nothing of it.
    client.execute("update consumer_progress set complete_through = now()", &[]).await.expect("progress");
    let api = stack.api().set("CACHE_KEY_PREFIX", format!("{}-again:", stack.name())).serve().await;
    let insights = ask(&api, &format!("/metrics/insights?from={}&to={}", text(from), text(to))).await;
    assert_eq!(insights.get("incompleteSince"), None, "{insights:#}");
    assert_eq!(insights["insights"][0]["key"], "failures_concentrated", "{insights:#}");
}
