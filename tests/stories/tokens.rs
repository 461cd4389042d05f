//! Who is answered, and who is not.

use jsonwebtoken::Algorithm;
use tests::{Stack, Token};

const PATH: &str = "/metrics/summary";

#[tokio::test]
async fn a_good_token_is_answered_and_no_other() {
    let stack = Stack::start().await;
    let api = stack.api().serve().await;
    let good = Token::of("acme");
    assert_eq!(api.get(PATH, &good.sign()).await.status, 200);
    let refused = [
        ("expired", good.clone().expired(3_600).sign()),
        ("without an end", good.clone().without("exp").sign()),
        ("unsigned", good.unsigned()),
        ("signed with another key", good.clone().signed_with("another secret of at least 32 bytes").sign()),
        ("signed by another algorithm", good.clone().by(Algorithm::HS512).sign()),
        ("no token", "not a token".into()),
        ("empty", String::new()),
    ];
    for (what, token) in refused {
        let answer = api.get(PATH, &token).await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.body);
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{what}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{what}");
    }
}

#[tokio::test]
async fn without_a_token_or_with_another_scheme_nobody_is_answered() {
    let stack = Stack::start().await;
    let api = stack.api().serve().await;
    assert_eq!(api.get_with(PATH, &[]).await.status, 401);
    assert_eq!(api.get_with(PATH, &[("authorization", "Basic YTpi")]).await.status, 401);
}

#[tokio::test]
async fn a_token_that_names_no_organization_is_forbidden() {
    let stack = Stack::start().await;
    let api = stack.api().serve().await;
    for token in [Token::of("acme").without("organization_id"), Token::of("")] {
        let answer = api.get(PATH, &token.sign()).await;
        assert_eq!(answer.status, 403, "{}: {}", token.claims(), answer.body);
    }
}

#[tokio::test]
async fn issuer_and_audience_are_checked_where_they_are_set() {
    let stack = Stack::start().await;
    let api =
        stack.api().set("JWT_ISSUER", "https://id.example").set("JWT_AUDIENCE", "metrics").serve().await;
    let good = Token::of("acme").claim("iss", "https://id.example").claim("aud", "metrics");
    assert_eq!(api.get(PATH, &good.sign()).await.status, 200);
    for token in [
        good.clone().claim("iss", "https://evil.example"),
        good.clone().claim("aud", "other"),
        good.without("aud"),
    ] {
        assert_eq!(api.get(PATH, &token.sign()).await.status, 401, "{}", token.claims());
    }
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there_are_problems() {
    let stack = Stack::start().await;
    let api = stack.api().serve().await;
    let answer = api.get("/metrics/nothing", &Token::of("acme").sign()).await;
    assert_eq!((answer.status, answer.header("content-type")), (404, "application/problem+json"));
}
