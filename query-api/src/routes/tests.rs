//! Requests that are answered without any server: problems of every kind, and their words.

use super::api::{authorization, chosen};
use super::freshness::{fresh, stale};
use super::problems::ALLOW;
use super::*;
use crate::answer::Answer;
use crate::cache::loads::Loads;
use crate::cache::slots::Slots;
use crate::cache::{self, Cache, loads};
use crate::request::rate_limit::{self, RateLimit};
use crate::request::token::{Refusal, Verifier};
use crate::request::{raw_range, token};
use crate::sending::Sender;
use crate::store::{self, Store};
use crate::streams::{self, Streams};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use std::time::Duration;
use warp::http::header::{AUTHORIZATION, HeaderMap, IF_NONE_MATCH};
use warp::http::{Response, StatusCode};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

pub fn now() -> DateTime<Utc> {
    "2026-02-25T10:30:00Z".parse().unwrap()
}

/// An API whose PostgreSQL is unreachable: nothing listens on port 1.
pub fn api(rate_limit_per_second: u32) -> Arc<Api> {
    let token = token::Settings {
        jwt_hs256_secret: Some(SECRET.into()),
        jwt_hs256_secret_file: None,
        jwt_jwks_file: None,
        jwt_jwks_url: None,
        jwt_jwks_ca_file: None,
        jwt_issuer: None,
        jwt_audience: None,
        jwt_leeway: Duration::ZERO,
    };
    let cache = cache::Settings {
        cache_key_prefix: String::new(),
        business_metrics_cache_ttl_sec: 45,
        local_cache_ttl: Duration::from_secs(1),
        local_cache_mb: 1,
        shared_cache_mb: 1,
        stale_max_age: Duration::from_secs(600),
        stale_after: Duration::from_secs(1),
    };
    let loads = Loads::new(&loads::Settings { loads_max: 16, load_timeout: Duration::from_secs(5) });
    let streams = streams::Settings { streams_max: 2, streams_per_organization_max: 1 };
    let store = store::Settings {
        database: store::Database::of_url("postgres://nobody@127.0.0.1:1/nothing"),
        database_pool_size: 1,
        database_pool_share: 1,
        database_wait_timeout: Duration::from_secs(1),
        database_connect_timeout: Duration::from_secs(1),
        database_statement_timeout: Duration::from_secs(1),
    };
    let rate_limit = Arc::new(RateLimit::new(&rate_limit::Settings { rate_limit_per_second }));
    let store = Arc::new(Store::new(&store, false).unwrap());
    let flags = ["query-api", "--webhooks", "on"];
    let webhooks = <crate::settings::Settings as clap::Parser>::parse_from(flags).webhooks;
    Arc::new(Api {
        verifier: Arc::new(Verifier::new(&token).unwrap()),
        ranges: raw_range::Settings { max_range_days: 90 },
        cache: Arc::new(Cache::new(&cache, loads, Arc::clone(&rate_limit), None)),
        rate_limit,
        streams: Streams::new(&streams, tokio_util::sync::CancellationToken::new()),
        exports: Slots::new(EXPORTS_MAX, EXPORTS_PER_ORGANIZATION_MAX),
        page: None,
        sender: Sender::new(&webhooks, &store).unwrap(),
        store,
        settings: Settings { request_timeout: Duration::from_secs(5) },
        clock: now,
    })
}

pub(super) fn token(claims: &Value) -> String {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    jwt::install();
    format!("Bearer {}", jsonwebtoken::encode(&Header::default(), claims, &key).unwrap())
}

pub(super) fn acme() -> String {
    token(&json!({"organization_id": "acme", "exp": now().timestamp() + 60}))
}

/// A response, taken apart.
struct Seen {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

pub(super) async fn send_raw(
    api: &Arc<Api>,
    method: &str,
    path: &str,
    authorization: Option<&str>,
) -> Response<Bytes> {
    let request = warp::test::request().method(method).path(path).header("x-request-id", "of-the-test");
    let request = match authorization {
        Some(value) => request.header("authorization", value),
        None => request,
    };
    request.reply(&routes(Arc::clone(api))).await
}

async fn send(api: &Arc<Api>, method: &str, path: &str, authorization: Option<&str>) -> Seen {
    let response = send_raw(api, method, path, authorization).await;
    let body = serde_json::from_slice(response.body()).unwrap();
    Seen { status: response.status().as_u16(), headers: response.headers().clone(), body }
}

async fn check(method: &str, path: &str, authorization: Option<&str>, status: u16, kind: &str) -> Seen {
    let seen = send(&api(0), method, path, authorization).await;
    assert_eq!(seen.status, status, "{method} {path}");
    assert_eq!(seen.headers["content-type"], "application/problem+json", "{method} {path}");
    assert_eq!(seen.body["type"], kind, "{method} {path}");
    assert_eq!(seen.body["status"], status, "{method} {path}");
    assert!(seen.body["title"].is_string(), "{method} {path}");
    seen
}

#[tokio::test]
async fn there_is_no_answer_without_a_token() {
    for path in ["/metrics/summary", "/metrics/trends", "/metrics/workflow-health?from=nonsense"] {
        let seen = check("GET", path, None, 401, "/problems/unauthorized").await;
        assert_eq!(seen.headers["www-authenticate"], r#"Bearer realm="metrics""#);
    }
    let expired = token(&json!({"organization_id": "acme", "exp": now().timestamp() - 1}));
    let seen = check("GET", "/metrics/summary", Some(&expired), 401, "/problems/unauthorized").await;
    assert!(seen.headers["www-authenticate"].to_str().unwrap().contains(r#"error="invalid_token""#));
    check("GET", "/metrics/summary", Some("Bearer nonsense"), 401, "/problems/unauthorized").await;
}

#[tokio::test]
async fn a_token_without_an_organization_is_forbidden() {
    let token = token(&json!({"exp": now().timestamp() + 60}));
    let path = "/metrics/summary?organization_id=acme";
    check("GET", path, Some(&token), 403, "/problems/no-organization").await;
}

#[test]
fn two_authorizations_are_invalid() {
    let mut headers = HeaderMap::new();
    assert_eq!(authorization(&headers), Ok(None));
    headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer a"));
    assert_eq!(authorization(&headers), Ok(Some("Bearer a")));
    headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer a"));
    assert_eq!(authorization(&headers), Err(Refusal::Invalid));
}

#[tokio::test]
async fn an_unknown_path_is_not_found_with_or_without_a_token() {
    for path in ["/", "/metrics", "/metrics/summaries", "/metrics/summary/x", "/healthz"] {
        check("GET", path, None, 404, "/problems/not-found").await;
        check("POST", path, Some(&acme()), 404, "/problems/not-found").await;
    }
}

#[tokio::test]
async fn a_version_that_there_is_not_is_named_with_the_one_that_there_is() {
    for method in ["GET", "POST"] {
        let seen = check(method, "/v2/metrics/summary", None, 404, "/problems/not-found").await;
        let detail = seen.body["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("no version v2") && detail.contains("v1"), "{detail}");
    }
    // One version was taken off before; a second one is no path.
    let seen = check("GET", "/v1/metrics/summary", Some(&acme()), 404, "/problems/not-found").await;
    assert!(seen.body["detail"].is_null());
}

#[tokio::test]
async fn every_path_can_only_be_read() {
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let seen = check(method, "/metrics/trends", None, 405, "/problems/method-not-allowed").await;
        assert_eq!(seen.headers["allow"], ALLOW);
    }
}

async fn put(api: &Arc<Api>, claims: &Value, headers: &[(&str, &str)], body: &str) -> Seen {
    let request = warp::test::request().method("PUT").path("/settings/thresholds").body(body);
    let request = request.header("authorization", token(claims));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let response = request.reply(&routes(Arc::clone(api))).await;
    let body = serde_json::from_slice(response.body()).unwrap();
    Seen { status: response.status().as_u16(), headers: response.headers().clone(), body }
}

#[tokio::test]
async fn thresholds_are_changed_by_json_that_fits_and_a_token_that_allows_it() {
    const PATH: &str = "/settings/thresholds";
    let json = [("content-type", "application/json")];
    let writer = json!({"organization_id": "acme", "exp": now().timestamp() + 60, "scope": "settings:write"});
    let check = async |claims: &Value, headers: &[(&str, &str)], body: &str, status: u16, kind: &str| {
        let seen = put(&api(0), claims, headers, body).await;
        assert_eq!(
            (seen.status, &seen.body["type"]),
            (status, &json!(format!("/problems/{kind}"))),
            "{body}"
        );
        seen
    };
    let reader = json!({"organization_id": "acme", "exp": now().timestamp() + 60});
    let seen = check(&reader, &json, "{}", 403, "insufficient-scope").await;
    let challenge = r#"Bearer realm="metrics", error="insufficient_scope", scope="settings:write""#;
    assert_eq!(seen.headers["www-authenticate"], challenge);
    check(&json!({"exp": now().timestamp() + 60}), &json, "{}", 403, "no-organization").await;
    check(&writer, &[], "{}", 415, "no-json").await;
    check(&writer, &[("content-type", "text/plain")], "{}", 415, "no-json").await;
    let utf_8 = [("content-type", "Application/JSON; charset=utf-8")];
    let seen = check(&writer, &utf_8, r#"{"thresholds":{"x":{}}}"#, 400, "bad-document").await;
    assert_eq!(seen.body["pointer"], "/thresholds/x");
    let long = format!(r#"{{"thresholds":{{}}}}{}"#, " ".repeat(20_000));
    check(&writer, &json, &long, 413, "too-long").await;
    // Only now is PostgreSQL asked, which isn't there.
    check(&writer, &json, r#"{"thresholds":{}}"#, 503, "unavailable").await;
    let seen = send(&api(0), "GET", PATH, Some(&token(&writer))).await;
    assert_eq!((seen.status, &seen.body["type"]), (403, &json!("/problems/insufficient-scope")));
    assert_eq!(send(&api(0), "GET", PATH, Some(&acme())).await.status, 503);
    let seen = send(&api(0), "DELETE", PATH, Some(&acme())).await;
    assert_eq!((seen.status, seen.headers["allow"].to_str().unwrap()), (405, "GET, HEAD, PUT"));
}

#[tokio::test]
async fn a_token_without_the_scope_reads_no_numbers_and_follows_none() {
    let claims = json!({"organization_id": "acme", "exp": now().timestamp() + 60, "scope": "settings:read"});
    for path in ["/metrics/summary", "/metrics/stream"] {
        let seen = check("GET", path, Some(&token(&claims)), 403, "/problems/insufficient-scope").await;
        assert!(seen.headers["www-authenticate"].to_str().unwrap().ends_with(r#"scope="metrics:read""#));
    }
}

#[tokio::test]
async fn what_was_refused_is_for_tokens_that_name_its_scope() {
    const PATH: &str = "/metrics/refusals";
    let with = |scope: &str| {
        token(&json!({"organization_id": "acme", "exp": now().timestamp() + 60, "scope": scope}))
    };
    for reader in [acme(), with("metrics:read settings:write")] {
        let seen = check("GET", PATH, Some(&reader), 403, "/problems/insufficient-scope").await;
        assert!(seen.headers["www-authenticate"].to_str().unwrap().ends_with(r#"scope="refusals:read""#));
        assert!(seen.body["detail"].as_str().unwrap().contains("`refusals:read`"), "{}", seen.body);
    }
    // Only now is PostgreSQL asked, which isn't there.
    check("GET", PATH, Some(&with("refusals:read")), 503, "/problems/unavailable").await;
}

#[tokio::test]
async fn a_request_chooses_among_the_organizations_of_its_token() {
    let claims = json!({"organizations": ["acme", "beta"], "exp": now().timestamp() + 60});
    let ask = async |chosen: &[&str]| {
        let request = warp::test::request().path("/metrics/summary").header("authorization", token(&claims));
        let request = chosen.iter().fold(request, |request, id| request.header("organization-id", *id));
        let response = request.reply(&routes(api(0))).await;
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        (response.status().as_u16(), body["type"].as_str().unwrap_or_default().to_owned())
    };
    let problem = |status, kind: &str| (status, format!("/problems/{kind}"));
    assert_eq!(ask(&[]).await, problem(400, "several-organizations"));
    assert_eq!(ask(&["beta"]).await, problem(503, "unavailable"));
    assert_eq!(ask(&["gamma"]).await, problem(403, "other-organization"));
    let mut headers = HeaderMap::new();
    headers.append(ORGANIZATION_ID, HeaderValue::from_static("beta"));
    assert_eq!(chosen(&headers), Some(&b"beta"[..]));
    headers.append(ORGANIZATION_ID, HeaderValue::from_static("beta"));
    assert_eq!(chosen(&headers), Some(&b""[..]), "two choices are none");
}

#[tokio::test]
async fn a_bad_parameter_is_named() {
    let check = async |query: &str, parameter: &str| {
        let path = format!("/metrics/summary?{query}");
        let seen = check("GET", &path, Some(&acme()), 400, "/problems/bad-parameter").await;
        assert_eq!(seen.body["parameter"], parameter, "{query}");
    };
    check("from=yesterday", "from").await;
    check("to=", "to").await;
    check("granularity=minute", "granularity").await;
    check("from=2026-02-25T00:00:00Z&from=2026-02-25T00:00:00Z", "from").await;
    check("from=%FF", "from").await;
    check("timezone=Mars/Olympus", "timezone").await;
    check("compare=yesterday", "compare").await;
    check("tz=UTC", "tz").await;
    check("From=2026-02-25T00:00:00Z", "From").await;
    check("timezone=", "timezone").await;
    check("from=0000-12-31T00:00:00Z", "from").await;
}

#[tokio::test]
async fn listings_are_for_workflow_health() {
    let bad = [
        ("sort=age", "sort"),
        ("cursor=x", "cursor"),
        ("limit=101", "limit"),
        ("workflow=", "workflow"),
        ("workflowsCursor=x", "workflowsCursor"),
        ("workflowsLimit=101", "workflowsLimit"),
    ];
    for (query, parameter) in bad {
        let path = format!("/metrics/workflow-health?{query}");
        let seen = check("GET", &path, Some(&acme()), 400, "/problems/bad-parameter").await;
        assert_eq!(seen.body["parameter"], parameter, "{query}");
        let path = format!("/metrics/insights?{query}");
        let seen = check("GET", &path, Some(&acme()), 400, "/problems/bad-parameter").await;
        assert_eq!(seen.body["parameter"], parameter, "{query}");
    }
}

#[tokio::test]
async fn lists_are_for_csv_and_what_cannot_be_given_is_not_acceptable() {
    let check = async |path: &str, accept: &str, status: u16, part: &str| {
        let request =
            warp::test::request().path(path).header("authorization", acme()).header("accept", accept);
        let response = request.reply(&routes(api(0))).await;
        assert_eq!(response.status().as_u16(), status, "{path} {accept}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{path} {accept}");
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        assert!(body["detail"].as_str().unwrap().contains(part), "{path} {accept}: {body}");
    };
    for path in ["/metrics/summary", "/metrics/trends?workflow=w1", "/metrics/delivery-health"] {
        check(path, "text/html", 406, "application/json, text/csv").await;
        check(path, "application/x-ndjson", 406, "application/json, text/csv").await;
    }
    check("/metrics/failures", "text/html", 406, "application/x-ndjson").await;
    check("/metrics/overview", "text/csv", 406, "application/json").await;
    check("/metrics/delivery-health", "text/csv", 400, "channels, series").await;
    check("/metrics/workflow-health", "text/csv", 400, "workflows, recentFailures").await;
    check("/metrics/workflow-health?list=channels", "text/csv", 400, "workflows, recentFailures").await;
    check("/metrics/summary?list=kpis", "application/json", 400, "`Accept: text/csv`").await;
    check("/metrics/failures?limit=5", "application/x-ndjson", 400, "`limit`").await;
    check("/metrics/failures?list=failures", "text/csv", 400, "not known here").await;
    check("/metrics/stream?list=x", "text/event-stream", 400, "no parameters").await;
    // What is well asked for would be read from PostgreSQL, which is away.
    for (path, accept) in [
        ("/metrics/summary", "text/csv"),
        ("/metrics/delivery-health?list=series", "text/csv"),
        ("/metrics/failures", "application/x-ndjson"),
        ("/metrics/overview?limit=5&channel=sms&compare=none", "*/*"),
    ] {
        check(path, accept, 503, "try again").await;
    }
}

#[tokio::test]
async fn so_many_exports_are_under_way_and_no_more() {
    let api = api(0);
    let organization = "acme".into();
    let _taken: Vec<_> =
        (0..EXPORTS_PER_ORGANIZATION_MAX).map(|_| api.exports.take(&organization).ok()).collect();
    let request = warp::test::request().path("/metrics/failures").header("authorization", acme());
    let response = request.header("accept", "application/x-ndjson").reply(&routes(api)).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (429, &HeaderValue::from(10))
    );
}

#[tokio::test]
async fn channels_are_for_delivery_health() {
    for query in ["channel=", "channel=a%0Ab", "channel=sms&channel=sms"] {
        let path = format!("/metrics/delivery-health?{query}");
        let seen = check("GET", &path, Some(&acme()), 400, "/problems/bad-parameter").await;
        assert_eq!(seen.body["parameter"], "channel", "{query}");
        let path = format!("/metrics/trends?{query}");
        check("GET", &path, Some(&acme()), 400, "/problems/bad-parameter").await;
    }
    check("GET", "/metrics/delivery-health?channel=sms", Some(&acme()), 503, "/problems/unavailable").await;
}

#[tokio::test]
async fn without_postgresql_and_a_stale_answer_requests_get_503() {
    let seen =
        check("GET", "/metrics/summary?granularity=hour", Some(&acme()), 503, "/problems/unavailable").await;
    assert_eq!(seen.headers["retry-after"], "2");
    assert!(!seen.body.to_string().contains("127.0.0.1"), "nothing internal: {}", seen.body);
}

#[tokio::test]
async fn an_organization_has_a_rate_of_its_own() {
    let api = api(2);
    let seen = send(&api, "GET", "/metrics/summary", Some(&acme())).await;
    assert_eq!(
        (seen.status, seen.headers["ratelimit-policy"].to_str().unwrap()),
        (503, r#""organization";q=2;w=1"#)
    );
    // The load has cost something, too, so that less than a request is left.
    assert_eq!(seen.headers["ratelimit"], r#""organization";r=0;t=1"#);
    let seen = send(&api, "GET", "/metrics/trends", Some(&acme())).await;
    assert_eq!((seen.status, seen.headers["retry-after"].to_str().unwrap()), (429, "1"));
    let other = token(&json!({"organization_id": "other", "exp": now().timestamp() + 60}));
    assert_eq!(send(&api, "GET", "/metrics/summary", Some(&other)).await.status, 503);
}

#[tokio::test]
async fn so_many_streams_are_open_and_no_more() {
    let api = api(0);
    let open = || send_head(&api, "/metrics/stream");
    let (first, second) = (open().await, open().await);
    assert_eq!(
        (first.status().as_u16(), &first.headers()["content-type"]),
        (200, &"text/event-stream".parse().unwrap())
    );
    assert_eq!(second.status().as_u16(), 429);
    drop(first);
    assert_eq!(open().await.status().as_u16(), 200);
}

/// The response before its body, which for a stream has no end.
async fn send_head(api: &Arc<Api>, path: &str) -> warp::reply::Response {
    let request = warp::test::request().path(path).header("authorization", acme());
    request.filter(&routes(Arc::clone(api))).await.unwrap().into_response()
}

#[test]
fn a_stale_answer_says_so_first_and_how_old_it_is() {
    let response = stale(&Answer::new(r#"{"organizationId":"acme"}"#), Duration::from_millis(12_900));
    assert_eq!(&response.body()[..], br#"{"stale":true,"organizationId":"acme"}"#);
    assert_eq!((response.status(), &response.headers()["age"]), (StatusCode::OK, &HeaderValue::from(12)));
    assert_eq!(response.headers()["cache-control"], "private, no-store");
    assert!(!response.headers().contains_key("etag"), "a client must not take it for a fresh answer");
}

#[test]
fn a_client_that_has_the_answer_gets_no_body() {
    let check = |tags: &str, status: StatusCode| {
        let answer = Answer { etag: r#"W/"1""#.into(), ..Answer::new("{}") };
        let mut request = HeaderMap::new();
        request.insert(IF_NONE_MATCH, tags.parse().unwrap());
        let response = fresh(answer, &request);
        assert_eq!(response.status(), status, "{tags}");
        assert_eq!(response.body().is_empty(), status == StatusCode::NOT_MODIFIED, "{tags}");
        assert_eq!(response.headers()["etag"], r#"W/"1""#);
        assert_eq!(response.headers()["cache-control"], "private, no-cache");
    };
    check(r#"W/"1""#, StatusCode::NOT_MODIFIED);
    check(r#""1""#, StatusCode::NOT_MODIFIED);
    check(r#""0", W/"1""#, StatusCode::NOT_MODIFIED);
    check("*", StatusCode::NOT_MODIFIED);
    check(r#"W/"2""#, StatusCode::OK);
}
