//! What the dashboard is answered: right numbers, its own organization's only, fresh.

use crate::telling::{count, counted, orders, plain, text, yesterday};
use chrono::Duration;
use load::Message;
use proto::v1::message_delivery::Status;
use proto::v1::workflow_terminal::Outcome;
use serde_json::{Value, json};
use stack::Service;
use stack::wait::{self, Seen};
use std::time::Duration as StdDuration;
use tests::{Api, Stack, Token};

/// A commit shows in the API within this, the batch's age and the announcement included.
const FRESH_LIMIT: StdDuration = StdDuration::from_secs(10);

/// The summary of the hour that starts at noon of the day before.
fn summary_path() -> String {
    let from = yesterday();
    format!("/metrics/summary?from={}&to={}", text(from), text(from + Duration::hours(1)))
}

async fn summary(api: &Api, organization: &str) -> Value {
    let answer = api.get(&summary_path(), &Token::of(organization).sign()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

/// A KPI's value.
fn kpi(summary: &Value, key: &str) -> Value {
    let kpis = summary["kpis"].as_array().expect("kpis are a list");
    kpis.iter().find(|kpi| kpi["key"] == key).unwrap_or_else(|| panic!("no KPI {key}: {summary}"))["value"]
        .clone()
}

#[tokio::test]
async fn the_summary_says_what_was_counted() {
    let at = yesterday();
    let mut messages = vec![Message::update("acme", "u1", at, "Acme", ("plan_pro", "pro"))];
    messages.extend((0..42).map(|n| Message::order("acme", &format!("o{n}"), at)));
    messages.extend((0..8).map(|n| Message::payment("acme", &format!("p{n}"), at, n != 0)));
    messages.extend((0..3).map(|n| Message::delivery("acme", &format!("m{n}"), at, at, Status::Sent)));
    messages.push(Message::delivery("acme", "m0", at, at, Status::Read));
    let stack = counted(plain(messages)).await;
    let api = stack.api().serve().await;
    let summary = summary(&api, "acme").await;

    assert_eq!(summary["organizationId"], "acme");
    assert_eq!(summary["organizationName"], "Acme");
    assert_eq!(summary["plan"], json!({ "id": "plan_pro", "name": "pro" }));
    let keys: Vec<_> =
        summary["kpis"].as_array().expect("a list").iter().map(|kpi| kpi["key"].clone()).collect();
    let expected = [
        "orders_created",
        "payment_success_rate",
        "workflow_failure_rate",
        "avg_execution_time_ms",
        "message_delivery_rate",
    ];
    assert_eq!(keys, expected);
    assert_eq!(kpi(&summary, "orders_created"), json!(42));
    assert_eq!(kpi(&summary, "payment_success_rate").as_f64(), Some(87.5));
    assert_eq!(kpi(&summary, "message_delivery_rate").as_f64(), Some(33.3));
    assert_eq!(api.stop().await, Some(0));
}

#[tokio::test]
async fn ten_runs_with_two_failures_are_twenty_percent() {
    let outcome = |n| if n < 2 { Outcome::Failed } else { Outcome::Success };
    let runs = (0..10).map(|n| Message::workflow("acme", &format!("w{n}"), yesterday(), outcome(n), 100 + n));
    let stack = counted(plain(runs)).await;
    let api = stack.api().serve().await;
    let summary = summary(&api, "acme").await;
    assert_eq!(kpi(&summary, "workflow_failure_rate").as_f64(), Some(20.0));
    assert_eq!(kpi(&summary, "avg_execution_time_ms").as_f64(), Some(104.5));
    assert_eq!(summary["systemHealth"], json!({ "status": "warning", "alertCount": 1 }));
    assert_eq!(summary["alerts"][0]["sample"], 10);

    let health = format!("/metrics/workflow-health{}", summary_path().trim_start_matches("/metrics/summary"));
    let health = api.get(&health, &Token::of("acme").sign()).await.json();
    assert_eq!(health["totals"]["total"], 10);
    assert_eq!(health["totals"]["failed"], 2);
    assert_eq!(health["recentFailures"].as_array().map(Vec::len), Some(2));
    assert_eq!(health["recentFailures"][0]["outcome"], "FAILED");
}

#[tokio::test]
async fn an_organization_without_records_has_zeros() {
    let stack = Stack::start().await;
    let api = stack.api().serve().await;
    let summary = summary(&api, "nobody").await;
    assert_eq!(summary["organizationName"], Value::Null);
    for kpi in summary["kpis"].as_array().expect("a list") {
        assert_eq!(kpi["value"].as_f64(), Some(0.0), "{kpi}");
        assert_eq!(kpi["trend"], "flat", "{kpi}");
        assert_eq!(kpi["deltaPercent"].as_f64(), Some(0.0), "{kpi}");
    }
    assert_eq!(summary["alerts"], json!([]));
    assert_eq!(summary["systemHealth"], json!({ "status": "healthy", "alertCount": 0 }));
}

#[tokio::test]
async fn an_organization_sees_its_own_records_only() {
    let mut records = orders("acme", 7);
    records.extend(orders("beta", 3));
    let stack = counted(records).await;
    let api = stack.api().serve().await;
    assert_eq!(kpi(&summary(&api, "acme").await, "orders_created"), json!(7));
    assert_eq!(kpi(&summary(&api, "beta").await, "orders_created"), json!(3));
    // Neither a header nor a parameter makes it another's.
    let token = format!("Bearer {}", Token::of("acme").sign());
    let headers = [("authorization", &*token), ("x-organization-id", "beta")];
    assert_eq!(api.get_with(&summary_path(), &headers).await.json()["organizationId"], "acme");
    for parameter in ["organization_id", "organizationId"] {
        let answer = api.get_with(&format!("{}&{parameter}=beta", summary_path()), &headers).await;
        assert!(answer.status == 400 && answer.body.contains(parameter), "{}", answer.body);
    }
}

#[tokio::test]
async fn trends_fill_gaps_with_zeros() {
    let at = yesterday();
    let order = |id, hours| Message::order("acme", id, at + Duration::hours(hours));
    let stack = counted(plain([order("o1", 0), order("o2", 2), order("o3", 2)])).await;
    let api = stack.api().serve().await;
    let path =
        format!("/metrics/trends?from={}&to={}&granularity=hour", text(at), text(at + Duration::hours(4)));
    let trends = api.get(&path, &Token::of("acme").sign()).await.json();
    let series: Vec<_> = trends["series"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|bucket| bucket["orders_created"].clone())
        .collect();
    assert_eq!(series, [1, 0, 2, 0]);
    assert_eq!(trends["series"][0]["bucket"], text(at));
}

#[tokio::test]
async fn a_commit_is_seen_at_once_though_answers_are_cached() {
    let stack = counted(orders("acme", 5)).await;
    if stack.redis().is_none() {
        return;
    }
    let api = stack.api().set("BUSINESS_METRICS_CACHE_TTL_SEC", "3600").serve().await;
    assert_eq!(kpi(&summary(&api, "acme").await, "orders_created"), json!(5));
    assert_eq!(kpi(&summary(&api, "acme").await, "orders_created"), json!(5));
    assert_eq!(
        api.metric("query_api_answers_total", "postgresql").await,
        1.0,
        "the second came from the cache"
    );

    stack.produce(orders("acme", 9)).await;
    count(&stack).await;
    let fresh = wait::until("the new orders to be seen", FRESH_LIMIT, async || {
        let orders = kpi(&summary(&api, "acme").await, "orders_created");
        Ok(Seen::when(orders == json!(9), orders.to_string()))
    });
    fresh.await.expect("an answer that is fresh");
}

#[tokio::test]
async fn answers_come_though_redis_goes_away() {
    let stack = Stack::with_own(Service::Redis).await;
    let Some(redis) = stack.redis() else { return };
    let Some(server) = redis.server() else { return };
    stack.produce(orders("acme", 5)).await;
    count(&stack).await;
    let api = stack.api().serve().await;
    assert_eq!(kpi(&summary(&api, "acme").await, "orders_created"), json!(5));
    server.stop();
    assert_eq!(kpi(&summary(&api, "acme").await, "orders_created"), json!(5));
    redis.start_again().await.expect("Redis comes back");
    assert_eq!(kpi(&summary(&api, "acme").await, "orders_created"), json!(5));
}

#[tokio::test]
async fn an_answer_that_is_known_is_not_sent_again() {
    let stack = counted(orders("acme", 5)).await;
    let api = stack.api().serve().await;
    let token = format!("Bearer {}", Token::of("acme").sign());
    let first = api.get_with(&summary_path(), &[("authorization", &token)]).await;
    assert!(first.header("cache-control").contains("private"), "{:?}", first.headers);
    let etag = first.header("etag");
    let again = api.get_with(&summary_path(), &[("authorization", &token), ("if-none-match", etag)]).await;
    assert_eq!((again.status, &*again.body), (304, ""));
}

#[tokio::test]
async fn a_response_is_repeated_for_the_same_request_until_a_commit_changes_it() {
    let stack = counted(orders("acme", 5)).await;
    if stack.redis().is_none() {
        return;
    }
    // Only a commit can end what is kept here.
    let api = stack.api().set("BUSINESS_METRICS_CACHE_TTL_SEC", "3600").set("LOCAL_CACHE_TTL", "1h");
    let api = api.serve().await;
    let [acme, other] =
        ["acme", "other"].map(|organization| format!("Bearer {}", Token::of(organization).sign()));
    let range = summary_path();
    let trends = format!("/metrics/trends{}", range.trim_start_matches("/metrics/summary"));
    let ask = async |path: &str, token: &str, more: Option<(&str, &str)>| {
        let headers: Vec<_> = [("authorization", token)].into_iter().chain(more).collect();
        api.get_with(path, &headers).await
    };
    let repeated = async || api.metric("query_api_answers_total", "from=\"response\"").await;
    for path in [&range, &trends] {
        let before = repeated().await;
        let first = ask(path, &acme, None).await;
        assert_eq!(repeated().await, before, "{path}: nobody has asked this before");
        for _ in 0..3 {
            let again = ask(path, &acme, None).await;
            assert_eq!((again.status, &again.body), (200, &first.body), "{path}");
            assert_eq!(again.header("etag"), first.header("etag"), "{path}");
        }
        assert_eq!(repeated().await, before + 3.0, "{path}: the same response");
        let known = ask(path, &acme, Some(("if-none-match", first.header("etag")))).await;
        assert_eq!((known.status, &*known.body, repeated().await), (304, "", before + 4.0), "{path}");
        // Others' bytes, and other encodings, are other requests.
        assert_ne!(ask(path, &other, None).await.body, first.body, "{path}");
        assert_eq!(ask(path, "Bearer x", None).await.status, 401, "{path}");
        assert_eq!(ask(path, &acme, Some(("accept-encoding", "identity"))).await.body, first.body, "{path}");
        assert_eq!(repeated().await, before + 4.0, "{path}: another request");
    }

    stack.produce(orders("acme", 9)).await;
    count(&stack).await;
    let fresh = wait::until("the new orders in a repeated response", FRESH_LIMIT, async || {
        let answer = ask(&range, &acme, None).await;
        Ok(Seen::when(kpi(&answer.json(), "orders_created") == json!(9), answer.body))
    });
    fresh.await.expect("an answer that is fresh");
}

#[tokio::test]
async fn pages_of_workflows_have_each_of_them_once_in_every_order_and_one_can_be_asked_about() {
    let at = yesterday();
    // As many workflows as three pages hold, many of them alike.
    let runs = (0..230).flat_map(|workflow| {
        (0..1 + workflow % 3).map(move |run| {
            let outcome = if (workflow + run) % 4 == 0 { Outcome::Failed } else { Outcome::Success };
            let execution = format!("e{workflow}-{run}");
            let mut message = Message::workflow("acme", &execution, at, outcome, 100 * (1 + workflow % 7));
            if let Message::Workflow(run) = &mut message {
                (run.workflow_id, run.workflow_name) =
                    (format!("w{workflow}"), format!("Flow {}", workflow % 50));
            }
            message
        })
    });
    let stack = counted(plain(runs)).await;
    let api = stack.api().serve().await;
    let range = summary_path();
    let ask = async |more: &str| {
        let path = format!("/metrics/workflow-health{}{more}", range.trim_start_matches("/metrics/summary"));
        let answer = api.get(&path, &Token::of("acme").sign()).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    };
    for sort in ["failures", "runs", "failure_rate", "avg_execution_time_ms", "p95_execution_time_ms", "name"]
    {
        let mut orders = Vec::new();
        for limit in [100, 7] {
            let (mut ids, mut after) = (Vec::new(), String::new());
            loop {
                let page = ask(&format!("&sort={sort}&workflowsLimit={limit}{after}")).await;
                assert_eq!(page["totals"]["total"], 459, "{page}");
                let workflows = page["workflows"].as_array().expect("a list");
                ids.extend(workflows.iter().map(|workflow| workflow["workflowId"].to_string()));
                let Some(next) = page["nextWorkflowsCursor"].as_str() else { break };
                after = format!("&workflowsCursor={next}");
            }
            orders.push(ids);
        }
        assert_eq!(orders[0], orders[1], "{sort}");
        let each: std::collections::BTreeSet<_> = orders[0].iter().collect();
        assert_eq!((orders[0].len(), each.len()), (230, 230), "{sort}");
    }
    let one = ask("&workflow=w8").await;
    assert_eq!((&one["totals"]["total"], &one["totals"]["failed"]), (&json!(3), &json!(1)), "{one}");
    assert_eq!(one["workflows"].as_array().map(Vec::len), Some(1));
    assert_eq!(one["recentFailures"].as_array().map(Vec::len), Some(1));
    assert_eq!(api.stop().await, Some(0));
}
