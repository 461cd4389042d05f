//! Who is answered, and who is not.

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use stack::wait::{self, Seen};
use std::time::Duration;
use tests::{Stack, Token};

/// How long it may take until a key file is looked at.
const RELOAD_LIMIT: Duration = Duration::from_secs(20);

/// They sign nothing but tests.
const OLD_KEY: &[u8] = include_bytes!("../../query-api/src/request/token/testkeys/ed.der");
const NEW_KEY: &[u8] = include_bytes!("../../query-api/src/request/token/testkeys/ec.der");

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

#[tokio::test]
async fn keys_are_rotated_without_a_restart_and_a_bad_file_changes_nothing() {
    jwt::install();
    let old = ("old", EncodingKey::from_ed_der(OLD_KEY), Algorithm::EdDSA);
    let new = ("new", EncodingKey::from_ec_der(NEW_KEY), Algorithm::ES256);
    let signed = |(id, key, algorithm): &(&str, EncodingKey, Algorithm)| {
        let header = Header { kid: Some((*id).into()), ..Header::new(*algorithm) };
        jsonwebtoken::encode(&header, &Token::of("acme").claims(), key).expect("a token")
    };
    let set = |keys: &[&(&str, EncodingKey, Algorithm)]| {
        let jwk = |(id, key, algorithm): &&(&str, EncodingKey, Algorithm)| {
            let mut jwk = json!(Jwk::from_encoding_key(key, *algorithm).expect("a public key"));
            jwk["kid"] = json!(id);
            jwk
        };
        json!({ "keys": keys.iter().map(jwk).collect::<Vec<_>>() }).to_string()
    };
    let stack = Stack::start().await;
    let file = stack.services().run().join(format!("{}-keys.json", stack.name()));
    let write = |text: &str| std::fs::write(&file, text).expect("a file");
    write(&set(&[&old]));
    let launch = stack.api().without("JWT_HS256_SECRET").set("JWT_JWKS_FILE", file.to_str().expect("text"));
    let api = launch.serve().await;
    let (old_token, new_token) = (signed(&old), signed(&new));
    assert_eq!((api.get(PATH, &old_token).await.status, api.get(PATH, &new_token).await.status), (200, 401));

    write("{\"keys\": [");
    let refused = wait::until("a bad file to be refused", RELOAD_LIMIT, async || {
        Ok(Seen::when(api.log_tail().contains("JWT_JWKS_FILE"), "nothing is said of it"))
    });
    refused.await.expect("a line in the log");
    assert_eq!(api.get(PATH, &old_token).await.status, 200, "the old keys stay");

    write(&set(&[&new]));
    let rotated = wait::until("the new key to be believed", RELOAD_LIMIT, async || {
        Ok(Seen::when(api.get(PATH, &new_token).await.status == 200, "it isn't"))
    });
    rotated.await.expect("a rotation");
    assert_eq!(api.get(PATH, &old_token).await.status, 401);
}
