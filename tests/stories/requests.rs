//! A request's trace: what was refused is found by its id, counted by its reason, and never with its token.

use serde_json::Value;
use stack::wait::{self, Seen};
use std::time::Duration;
use tests::{Answer, Api, Stack, Token};

const LOG_LIMIT: Duration = Duration::from_secs(20);

/// The line of the log about the request with this id.
pub async fn line_of(api: &Api, id: &str) -> Value {
    let line = wait::until("a line about a request", LOG_LIMIT, async || {
        let log = api.log_tail();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let line = lines.filter(|line| line["message"] == "request").find(|line| line["request_id"] == id);
        Ok(line.map_or_else(|| Seen::NotYet(log.clone()), Seen::Ready))
    });
    line.await.expect("a line")
}

fn id_of(answer: &Answer) -> String {
    answer.json()["requestId"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn a_refused_request_is_found_in_the_log_by_its_id_and_counted_by_its_reason() {
    let stack = Stack::start().await;
    let api = stack.api().set("RATE_LIMIT_PER_SECOND", "2").serve().await;
    let token = |organization: &str| Token::of(organization).sign();
    let expired = Token::of("acme").expired(60).sign();
    let cases = [
        ("/metrics/summary", "nonsense".to_owned(), 401, "token-invalid", None),
        ("/metrics/trends", expired.clone(), 401, "token-expired", None),
        (
            "/metrics/insights",
            Token::of("acme").without("organization_id").sign(),
            403,
            "no-organization",
            None,
        ),
        ("/metrics/summary?from=x", token("acme"), 400, "bad-parameter", Some("acme")),
        ("/nowhere", token("acme"), 404, "not-found", None),
    ];
    for (path, token, status, reason, organization) in cases {
        let answer = api.get(path, &token).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        let line = line_of(&api, &id_of(&answer)).await;
        assert_eq!((&line["status"], &line["reason"]), (&status.into(), &reason.into()), "{line}");
        assert_eq!(line["organization"].as_str(), organization, "{line}");
        let known = path.split('?').next().filter(|path| path.starts_with("/metrics/"));
        assert_eq!(line["route"], known.unwrap_or("other"), "{line}");
        assert!(line["took_us"].is_u64() && line["timestamp"].is_string(), "{line}");
        assert_eq!(api.metric("query_api_refusals_total", &format!("reason=\"{reason}\"")).await, 1.0);
    }
    let mut limited = api.get("/metrics/summary?to=x", &token("beta")).await;
    while limited.status != 429 {
        limited = api.get("/metrics/summary?to=x", &token("beta")).await;
    }
    let line = line_of(&api, &id_of(&limited)).await;
    assert_eq!((&line["organization"], &line["reason"]), (&"beta".into(), &"too-many-requests".into()));
    assert!(!api.log_tail().contains(&expired), "a token is in the log");
}

#[tokio::test]
async fn the_log_of_requests_is_sampled_above_its_rate() {
    let stack = Stack::start().await;
    let api = stack.api().set("ACCESS_LOG_PER_SECOND", "1").set("RATE_LIMIT_PER_SECOND", "0").serve().await;
    let token = Token::of("acme").sign();
    let lines = |api: &Api| api.log_tail().lines().filter(|line| line.contains("\"request\"")).count();
    let seen = wait::until("a line that says how many were left out", LOG_LIMIT, async || {
        for _ in 0..20 {
            assert_eq!(api.get("/metrics/summary", &token).await.status, 200);
        }
        Ok(Seen::when(api.log_tail().contains("\"left_out\""), "none does"))
    });
    seen.await.expect("a line");
    assert!(lines(&api) < 20, "{}", api.log_tail());
}

#[tokio::test]
async fn a_misspelt_parameter_is_refused_and_the_nearest_named() {
    let stack = Stack::start().await;
    let api = stack.api().serve().await;
    let token = Token::of("acme").sign();
    let cases = [
        ("/metrics/summary?tz=UTC", "tz", "`timezone`"),
        ("/metrics/trends?From=2026-02-25T00:00:00Z", "From", "`from`"),
        ("/metrics/insights?granularty=day", "granularty", "`granularity`"),
        ("/metrics/delivery-health?chanel=sms", "chanel", "`channel`"),
        ("/metrics/overview?comparison=none", "comparison", "`compare`"),
        ("/metrics/failure-groups?workflows=w1", "workflows", "`workflow`"),
        ("/metrics/stream?since=7", "since", "there are no parameters"),
        ("/metrics/workflow-health?workflowLimit=5", "workflowLimit", "`workflowsLimit`"),
    ];
    for (path, name, nearest) in cases {
        let answer = api.get(path, &token).await;
        assert_eq!((answer.status, &answer.json()["parameter"]), (400, &name.into()), "{}", answer.body);
        assert!(answer.json()["detail"].as_str().expect("a detail").contains(nearest), "{}", answer.body);
    }
}
