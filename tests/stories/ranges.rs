//! Ranges as people ask for them, and as they are answered.

use crate::telling::{text, yesterday};
use chrono::{DateTime, Duration, Utc};
use domain::BucketSize;
use serde_json::json;
use tests::{Answer, Api, Stack, Token};

async fn ask(api: &Api, query: &str) -> Answer {
    api.get(&format!("/metrics/summary?{query}"), &Token::of("acme").sign()).await
}

async fn api() -> (Stack, Api) {
    let stack = Stack::start().await;
    let api = stack.api().serve().await;
    (stack, api)
}

fn time(answer: &Answer, which: &str) -> DateTime<Utc> {
    let range = &answer.json()["range"];
    range[which]
        .as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("no time {which}: {range}"))
}

#[tokio::test]
async fn a_range_is_rounded_outward_and_shown() {
    let (_stack, api) = api().await;
    let noon = yesterday();
    let (from, to) = (text(noon + Duration::minutes(10)), text(noon + Duration::minutes(70)));
    let expected = json!({ "from": text(noon), "to": text(noon + Duration::hours(2)), "granularity": "hour", "timezone": "UTC" });
    let answer = ask(&api, &format!("from={from}&to={to}")).await;
    assert_eq!(answer.json()["range"], expected);
    let swapped = ask(&api, &format!("from={to}&to={from}")).await;
    assert_eq!(swapped.json()["range"], expected, "the wrong way round is the same");
}

#[tokio::test]
async fn a_range_in_the_future_ends_with_the_bucket_that_contains_now() {
    let (_stack, api) = api().await;
    let before = Utc::now();
    let answer =
        ask(&api, &format!("from={}&to={}", text(yesterday()), text(before + Duration::days(7)))).await;
    let ends = [before, Utc::now()].map(|now| BucketSize::Hour.ceil(now));
    assert!(ends.contains(&time(&answer, "to")), "{}", answer.body);
}

#[tokio::test]
async fn a_range_that_is_too_long_keeps_its_end() {
    let (_stack, api) = api().await;
    let to = BucketSize::Day.floor(yesterday());
    let answer = ask(&api, &format!("from=2001-01-01T00:00:00Z&to={}", text(to))).await;
    assert_eq!(time(&answer, "to"), to);
    assert_eq!(time(&answer, "from"), to - Duration::days(93));
    assert_eq!(answer.json()["range"]["granularity"], "day");
}

#[tokio::test]
async fn what_is_no_range_is_a_problem_in_words() {
    let (_stack, api) = api().await;
    for query in ["from=yesterday", "to=12", "granularity=minute", "from=2026-02-30T00:00:00Z"] {
        let answer = ask(&api, query).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.body);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{query}");
        assert_eq!(answer.json()["status"], 400, "{query}");
    }
}

#[tokio::test]
async fn without_a_range_the_last_day_is_meant() {
    let (_stack, api) = api().await;
    let answer = ask(&api, "").await;
    let length = time(&answer, "to") - time(&answer, "from");
    assert!([24, 25].contains(&length.num_hours()), "{}", answer.body);
}
