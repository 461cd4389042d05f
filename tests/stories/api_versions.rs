//! `/v1/...` and the paths without a version: one API.

use crate::telling::{counted, orders, text, yesterday};
use chrono::Duration;
use tests::{Stack, Token};

#[tokio::test]
async fn both_spellings_of_a_path_share_the_answer_its_tag_and_the_finished_response() {
    let stack = counted(orders("acme", 3)).await;
    // Only a difference between the two could make another answer.
    let api = stack.api().without("REDIS_URL").set("LOCAL_CACHE_TTL", "1h").serve().await;
    let from = yesterday();
    let path = format!("/metrics/summary?from={}&to={}", text(from), text(from + Duration::hours(1)));
    let token = Token::of("acme").sign();
    let plain = api.get(&path, &token).await;
    let versioned = api.get(&format!("/v1{path}"), &token).await;
    assert_eq!((plain.status, versioned.status), (200, 200), "{}", versioned.body);
    assert_eq!((plain.header("etag"), &plain.body), (versioned.header("etag"), &versioned.body));
    assert_eq!(api.metric("query_api_answers_total", "from=\"response\"").await, 1.0);
    assert_eq!(api.metric("query_api_answers_total", "from=\"postgresql\"").await, 1.0);
    let known = [("authorization", &*format!("Bearer {token}")), ("if-none-match", plain.header("etag"))];
    assert_eq!(api.get_with(&format!("/v1{path}"), &known).await.status, 304);
    let label = "route=\"/metrics/summary\"";
    assert_eq!(api.metric("query_api_requests_total", label).await, 3.0);
}

#[tokio::test]
async fn everything_is_below_the_version_and_no_other_version_is_there() {
    let stack = Stack::start().await;
    let api = stack.api().serve().await;
    for path in ["/openapi.json", "/docs", "/problems/not-found"] {
        let [plain, versioned] = [path.to_owned(), format!("/v1{path}")];
        let (plain, versioned) = (api.get_with(&plain, &[]).await, api.get_with(&versioned, &[]).await);
        assert_eq!((plain.status, &plain.body), (200, &versioned.body), "{path}");
    }
    let token = Token::of("acme").sign();
    for path in ["/v1/v1/metrics/summary", "/v1", "/v2", "/v2/metrics/summary", "/v1metrics/summary"] {
        let answer = api.get(path, &token).await;
        assert_eq!((answer.status, &answer.json()["type"]), (404, &"/problems/not-found".into()), "{path}");
        let detail = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert_eq!(
            detail.contains("v2") && detail.contains("v1"),
            path.starts_with("/v2"),
            "{path}: {detail}"
        );
    }
}
