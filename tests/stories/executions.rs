//! Execution times' percentiles, lists of workflows and pages of failures, against the raw records; and what stands out.

use crate::telling::{count, counted, plain, text, yesterday};
use chrono::{DateTime, Duration, Utc};
use load::Message;
use proto::v1::workflow_terminal::Outcome;
use serde_json::Value;
use stack::wait::{self, Seen};
use std::time::Duration as StdDuration;
use tests::{Api, Stack, Token};

/// A percentile is off by no more of the true one than this.
const PERCENTILE_ERROR: f64 = 0.05;

/// How long it may take until every partition has been read to its end.
const COMPLETE_LIMIT: StdDuration = StdDuration::from_secs(60);

/// A run of a workflow.
#[derive(Clone, Copy)]
struct Run {
    workflow: &'static str,
    at: DateTime<Utc>,
    outcome: Outcome,
    millis: u64,
}

fn messages(runs: &[Run]) -> Vec<Message> {
    let message = |(n, run): (usize, &Run)| {
        let message = Message::workflow("acme", &format!("e{n}"), run.at, run.outcome, run.millis);
        let Message::Workflow(mut terminal) = message else { unreachable!("it is one") };
        terminal.workflow_id = run.workflow.to_owned();
        terminal.workflow_name = run.workflow.to_uppercase();
        Message::Workflow(terminal)
    };
    runs.iter().enumerate().map(message).collect()
}

/// Three hours of two workflows: one quick and steady, one slow with a long tail and failures.
fn runs() -> Vec<Run> {
    let at = |n: u64| yesterday() + Duration::seconds(i64::try_from(n * 53).expect("within hours"));
    let quick = (0..200u64).map(|n| Run {
        workflow: "quick",
        at: at(n),
        outcome: if n % 50 == 0 { Outcome::FailedSafetyLimit } else { Outcome::Success },
        millis: 40 + n % 17,
    });
    let slow = (0..100u64).map(|n| Run {
        workflow: "slow",
        at: at(n),
        outcome: if n % 4 == 0 { Outcome::Failed } else { Outcome::Success },
        millis: 900 + n * n * n,
    });
    quick.chain(slow).collect()
}

/// By nearest rank, of the raw times.
fn percentile(runs: &[&Run], percent: usize) -> f64 {
    let mut times: Vec<u64> = runs.iter().map(|run| run.millis).collect();
    times.sort_unstable();
    times[(times.len() * percent).div_ceil(100) - 1] as f64
}

fn check(answer: &Value, runs: &[&Run], name: impl Fn(usize) -> String) {
    for percent in [50, 95, 99] {
        let (exact, told) = (percentile(runs, percent), answer[name(percent)].as_f64().expect("a number"));
        assert!(
            (told - exact).abs() <= PERCENTILE_ERROR * exact,
            "p{percent} is {exact}, told {told}: {answer}"
        );
    }
}

async fn ask(api: &Api, path: &str, more: &str) -> Value {
    let at = yesterday();
    let path = format!("/metrics/{path}?from={}&to={}&{more}", text(at), text(at + Duration::hours(3)));
    let answer = api.get(&path, &Token::of("acme").sign()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

#[tokio::test]
async fn percentiles_are_within_five_percent_of_the_raw_times() {
    let runs = runs();
    let records = plain(messages(&runs));
    let stack = counted(records.clone()).await;
    stack.agrees_with(&records).await;
    let api = stack.api().serve().await;
    let health = ask(&api, "workflow-health", "sort=p95_execution_time_ms").await;
    let camel = |percent| format!("p{percent}ExecutionTimeMs");
    check(&health["totals"], &runs.iter().collect::<Vec<_>>(), camel);
    for (place, workflow) in ["slow", "quick"].into_iter().enumerate() {
        let line = &health["workflows"][place];
        assert_eq!(line["workflowId"], workflow);
        check(line, &runs.iter().filter(|run| run.workflow == workflow).collect::<Vec<_>>(), camel);
    }
    let trends = ask(&api, "trends", "granularity=hour").await;
    for (n, point) in (0..).zip(trends["series"].as_array().expect("a list")) {
        let start = yesterday() + Duration::hours(n);
        let within = |run: &&Run| start <= run.at && run.at < start + Duration::hours(1);
        let snake = |percent| format!("p{percent}_execution_time_ms");
        check(point, &runs.iter().filter(within).collect::<Vec<_>>(), snake);
    }
    // Nobody else's, and none where there are none.
    let answer = api.get("/metrics/workflow-health", &Token::of("beta").sign()).await.json();
    assert_eq!(answer["totals"]["p95ExecutionTimeMs"], Value::Null);
}

#[tokio::test]
async fn workflows_come_in_the_order_that_is_asked_for() {
    let stack = counted(plain(messages(&runs()))).await;
    let api = stack.api().serve().await;
    let expected = [
        ("failures", "slow"),
        ("runs", "quick"),
        ("failure_rate", "slow"),
        ("avg_execution_time_ms", "slow"),
        ("p95_execution_time_ms", "slow"),
        ("name", "quick"),
    ];
    for (sort, first) in expected {
        let health = ask(&api, "workflow-health", &format!("sort={sort}")).await;
        assert_eq!(health["workflows"][0]["workflowId"], first, "by {sort}");
        assert_eq!(health["totals"]["total"], 300, "by {sort}");
    }
}

/// The ids of the failures on a page, and the cursor of the next.
async fn page(api: &Api, limit: usize, cursor: Option<&str>) -> (Vec<String>, Option<String>) {
    let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
    let health = ask(api, "workflow-health", &format!("limit={limit}{cursor}")).await;
    let ids = health["recentFailures"].as_array().expect("a list").iter();
    let ids = ids.map(|failure| failure["executionId"].as_str().expect("an id").to_owned());
    (ids.collect(), health["nextCursor"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn pages_of_failures_are_not_shifted_by_new_ones() {
    let mut runs = runs();
    let stack = counted(plain(messages(&runs))).await;
    let api = stack.api().without("REDIS_URL").set("LOCAL_CACHE_TTL", "0s").serve().await;
    let (all, end) = page(&api, 100, None).await;
    assert_eq!((all.len(), end), (29, None));

    let (mut seen, mut cursor) = page(&api, 7, None).await;
    let failure = Run {
        workflow: "slow",
        at: yesterday() + Duration::minutes(170),
        outcome: Outcome::Failed,
        millis: 5,
    };
    runs.extend([failure; 3]);
    stack.produce(plain(messages(&runs))).await;
    count(&stack).await;
    assert_eq!(page(&api, 100, None).await.0.len(), 32, "three more, at the head of the list");
    while let Some(at) = cursor {
        let (ids, next) = page(&api, 7, Some(&at)).await;
        seen.extend(ids);
        cursor = next;
    }
    assert_eq!(seen, all);
}

#[tokio::test]
async fn silence_where_there_used_to_be_orders_is_told() {
    let hours =
        |weeks: i64| (0..30).map(move |n| yesterday() - Duration::weeks(weeks) + Duration::minutes(6 * n));
    let orders = (1..=4).flat_map(hours).enumerate();
    let stack = Stack::start().await;
    stack.produce(plain(orders.map(|(n, at)| Message::order("acme", &format!("o{n}"), at)))).await;
    let _consumer = stack.consumer().start().await;
    let api = stack.api().without("REDIS_URL").set("LOCAL_CACHE_TTL", "0s").serve().await;
    // Nothing is said before every partition has been read.
    let told = wait::until("the numbers to be complete", COMPLETE_LIMIT, async || {
        let told = ask(&api, "insights", "").await;
        let complete = told["completeThrough"].is_string();
        Ok(if complete { Seen::Ready(told) } else { Seen::NotYet(told.to_string()) })
    });
    let told = told.await.expect("complete numbers");
    let insights = told["insights"].as_array().expect("a list");
    assert_eq!(insights.len(), 1, "{told}");
    let insight = &insights[0];
    assert_eq!(
        (&insight["key"], &insight["severity"]),
        (&"silence_orders".into(), &"critical".into()),
        "{insight}"
    );
    assert_eq!(
        (&insight["numbers"]["expected"], &insight["numbers"]["hours"]),
        (&30.into(), &3.into()),
        "{insight}"
    );
    assert_eq!(insight["period"]["from"], text(yesterday()));
    assert!(
        told["completeThrough"].is_string() && insight["sentence"].is_string() && insight["next"].is_string()
    );
    let answer = api.get("/metrics/insights", &Token::of("beta").sign()).await;
    assert_eq!(answer.json()["insights"], serde_json::json!([]), "another's silence");
}
