//! Who listens is told when the organization's numbers have changed, and of nothing else.

use crate::telling::{count, counted, orders};
use tests::{Api, Listening, Stack, Token};

async fn listen(api: &Api, organization: &str) -> Listening {
    api.listen(&Token::of(organization).sign(), &[]).await
}

/// A stack where nothing has been counted yet.
async fn counted_nothing() -> Stack {
    Stack::start().await
}

#[tokio::test]
async fn a_commit_is_told_to_who_listens() {
    let stack = counted(orders("acme", 5)).await;
    let api = stack.api().serve().await;
    let mut listening = listen(&api, "acme").await;
    let mut other = listen(&api, "beta").await;
    assert_eq!(listening.status, 200);
    let first = listening.event().await;
    assert_eq!((&*first.event, first.data), ("version", format!("{{\"version\": {}}}", first.id)));
    let before = other.event().await;

    stack.produce(orders("acme", 9)).await;
    count(&stack).await;
    assert_ne!(listening.event().await.id, first.id);
    // The other has heard nothing until its own numbers change.
    stack.produce(orders("beta", 1)).await;
    count(&stack).await;
    let after = other.event().await;
    assert_ne!(after.id, before.id);
}

#[tokio::test]
async fn without_redis_a_commit_is_told_too() {
    let stack = counted_nothing().await;
    let api = stack.api().without("REDIS_URL").serve().await;
    let mut listening = listen(&api, "acme").await;
    assert_eq!(listening.event().await.id, "0");
    stack.produce(orders("acme", 9)).await;
    count(&stack).await;
    // It may have been looked at while some were counted.
    while listening.event().await.id != "9" {}
}

#[tokio::test]
async fn who_knows_the_version_is_told_of_the_next() {
    let stack = counted(orders("acme", 5)).await;
    let api = stack.api().serve().await;
    let known = listen(&api, "acme").await.event().await.id;
    let mut listening = api.listen(&Token::of("acme").sign(), &[("last-event-id", &known)]).await;
    let opened = listening.next().await.expect("a word").expect("a stream");
    assert_eq!((&*opened.comment, &*opened.event), ("open", ""));
    stack.produce(orders("acme", 9)).await;
    count(&stack).await;
    assert_ne!(listening.event().await.id, known);
}

#[tokio::test]
async fn streams_end_in_order_when_the_api_does() {
    let stack = counted_nothing().await;
    let api = stack.api().serve().await;
    let mut listening = listen(&api, "acme").await;
    listening.event().await;
    let words = async {
        let goodbye = listening.next().await.expect("no broken connection").expect("a goodbye");
        (goodbye.comment, listening.next().await.expect("no broken connection"))
    };
    let (code, (goodbye, after)) = tokio::join!(api.stop(), words);
    assert_eq!((code, &*goodbye, after), (Some(0), "stopping", None));
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let stack = counted_nothing().await;
    let api = stack.api().serve().await;
    let soon = chrono::Utc::now().timestamp() + 2;
    let mut listening = api.listen(&Token::of("acme").claim("exp", soon).sign(), &[]).await;
    let mut last = None;
    while let Some(word) = listening.next().await.expect("no broken connection") {
        last = Some(word.comment);
    }
    assert_eq!(last.as_deref(), Some("open another"));
    assert!(chrono::Utc::now().timestamp() >= soon);
}

#[tokio::test]
async fn an_organization_has_so_many_streams_and_no_more() {
    let stack = counted_nothing().await;
    let api = stack.api().set("STREAMS_PER_ORGANIZATION_MAX", "1").serve().await;
    let first = listen(&api, "acme").await;
    assert_eq!(first.status, 200);
    let refused = api.get("/metrics/stream", &Token::of("acme").sign()).await;
    assert_eq!((refused.status, refused.json()["type"].as_str()), (429, Some("/problems/too-many-streams")));
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(listen(&api, "beta").await.status, 200, "another organization has its own");
    assert_eq!(api.get("/metrics/stream", "nonsense").await.status, 401);
}
