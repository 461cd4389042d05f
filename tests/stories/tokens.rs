//! Who is answered, and who is not.

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use stack::wait::{self, Seen};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tests::{Certified, Stack, Token};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// How long it may take until a key file is looked at, or keys are fetched anew.
pub const RELOAD_LIMIT: Duration = Duration::from_secs(20);

/// They sign nothing but tests.
const OLD_KEY: &[u8] = include_bytes!("../../query-api/src/request/token/testkeys/ed.der");
const NEW_KEY: &[u8] = include_bytes!("../../query-api/src/request/token/testkeys/ec.der");

pub const PATH: &str = "/metrics/summary";

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
async fn one_token_of_several_organizations_gets_the_numbers_of_the_chosen_one_and_never_anothers() {
    let of = |organization: &str, count| crate::telling::orders(organization, count);
    let stack = crate::telling::counted([of("acme", 5), of("beta", 9), of("gamma", 1)].concat()).await;
    let api = stack.api().set("RATE_LIMIT_PER_SECOND", "0").serve().await;
    let hour = crate::telling::yesterday();
    let text = crate::telling::text;
    let path = format!("{PATH}?from={}&to={}", text(hour), text(hour + chrono::Duration::hours(1)));
    let token = Token::of("-").without("organization_id").claim("organizations", json!(["acme", "beta"]));
    let bearer = format!("Bearer {}", token.sign());
    let ask = async |chosen: Option<&str>| {
        let mut headers = vec![("authorization", &*bearer), ("accept-encoding", "identity")];
        headers.extend(chosen.map(|id| ("organization-id", id)));
        api.get_with(&path, &headers).await
    };
    // The finished response is kept, and given again to who asks the same; whoever asks for another organization doesn't.
    for _ in 0..20 {
        for (organization, orders) in [("acme", 5), ("beta", 9)] {
            let answer = ask(Some(organization)).await;
            let json = answer.json();
            assert_eq!(
                (&json["organizationId"], &json["kpis"][0]["value"]),
                (&json!(organization), &json!(orders))
            );
            assert!(answer.header("vary").contains("organization-id"), "{}", answer.header("vary"));
        }
        let undecided = ask(None).await;
        assert_eq!(
            (undecided.status, &undecided.json()["type"]),
            (400, &json!("/problems/several-organizations"))
        );
        for foreign in ["gamma", "ACME", "", "acme,beta"] {
            let refused = ask(Some(foreign)).await;
            assert_eq!(
                (refused.status, &refused.json()["type"]),
                (403, &json!("/problems/other-organization"))
            );
        }
    }
    let repeated = api.metric("query_api_answers_total", "from=\"response\"").await;
    assert!(repeated > 0.0, "no finished response was given again");
    let bearer = token.sign();
    let opened = async |chosen: &[(&str, &str)]| api.listen(&bearer, chosen).await.status;
    assert_eq!(opened(&[("organization-id", "beta")]).await, 200);
    assert_eq!((opened(&[]).await, opened(&[("organization-id", "gamma")]).await), (400, 403));
}

#[tokio::test]
async fn a_token_does_what_its_scopes_allow() {
    let stack = Stack::start().await;
    let api = stack.api().serve().await;
    let check = async |token: Token, metrics: u16, settings: u16| {
        let signed = token.sign();
        let seen =
            (api.get(PATH, &signed).await.status, api.get("/settings/thresholds", &signed).await.status);
        assert_eq!(seen, (metrics, settings), "{}", token.claims());
        assert_eq!(api.listen(&signed, &[]).await.status, metrics, "{}", token.claims());
    };
    check(Token::of("acme"), 200, 200).await;
    check(Token::of("acme").claim("scope", "openid profile email"), 200, 200).await;
    check(Token::of("acme").claim("scope", "metrics:read"), 200, 403).await;
    check(Token::of("acme").claim("scope", "openid settings:read"), 403, 200).await;
    check(Token::of("acme").claim("scp", json!(["settings:write"])), 403, 403).await;
    check(Token::of("acme").claim("scopes", json!(["metrics:read", "settings:read"])), 200, 200).await;
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

/// A private key with its name and its algorithm.
pub type Key = (&'static str, EncodingKey, Algorithm);

/// An old key and a new one.
pub fn keys() -> [Key; 2] {
    jwt::install();
    let old = ("old", EncodingKey::from_ed_der(OLD_KEY), Algorithm::EdDSA);
    [old, ("new", EncodingKey::from_ec_der(NEW_KEY), Algorithm::ES256)]
}

/// A token of acme's, signed by this key under another name.
pub fn signed_as(id: &str, (_, key, algorithm): &Key) -> String {
    let header = Header { kid: Some(id.into()), ..Header::new(*algorithm) };
    jsonwebtoken::encode(&header, &Token::of("acme").claims(), key).expect("a token")
}

/// The same under the key's own name.
pub fn signed(key: &Key) -> String {
    signed_as(key.0, key)
}

/// The public halves, as a key set.
pub fn set(keys: &[&Key]) -> String {
    let jwk = |(id, key, algorithm): &&Key| {
        let mut jwk = json!(Jwk::from_encoding_key(key, *algorithm).expect("a public key"));
        jwk["kid"] = json!(id);
        jwk
    };
    json!({ "keys": keys.iter().map(jwk).collect::<Vec<_>>() }).to_string()
}

/// Where an issuer publishes its keys.
pub struct Issuer {
    pub address: SocketAddr,
    set: Arc<Mutex<String>>,
    asked: Arc<AtomicUsize>,
    serving: Option<JoinHandle<()>>,
}

impl Issuer {
    /// An issuer whose server is not there yet.
    pub fn away() -> Self {
        let port = stack::port::free().expect("a port");
        let address = (std::net::Ipv4Addr::LOCALHOST, port).into();
        Self { address, set: Arc::default(), asked: Arc::default(), serving: None }
    }

    pub fn publish(&self, set: String) {
        *self.set.lock().expect("a set") = set;
    }

    async fn come(&mut self) {
        self.serve(None).await;
    }

    /// Comes over TLS alone, with this certificate.
    pub async fn come_with(&mut self, certified: &Certified) {
        self.serve(Some(certified.acceptor())).await;
    }

    async fn serve(&mut self, tls: Option<TlsAcceptor>) {
        let listener = TcpListener::bind(self.address).await.expect("the port is free");
        let (set, asked) = (Arc::clone(&self.set), Arc::clone(&self.asked));
        self.serving = Some(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                asked.fetch_add(1, Ordering::Relaxed);
                let body = set.lock().expect("a set").clone();
                let answered = match &tls {
                    None => answer(stream, &body).await,
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => answer(stream, &body).await,
                        // Who doesn't believe the certificate hangs up.
                        Err(_) => Ok(()),
                    },
                };
                answered.expect("a request answered");
            }
        }));
    }

    /// Its server goes, and can come again.
    pub async fn go(&mut self) {
        let serving = self.serving.take().expect("it is there");
        serving.abort();
        // Its port is free once it has ended.
        drop(serving.await);
    }
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, body: &str) -> std::io::Result<()> {
    let mut request = [0; 4_096];
    let _ = stream.read(&mut request).await?;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.write_all((head + body).as_bytes()).await?;
    stream.flush().await
}

#[tokio::test]
async fn keys_are_fetched_kept_while_the_issuer_is_away_and_fetched_anew_for_an_unknown_one() {
    let ([old, new], mut issuer) = (keys(), Issuer::away());
    let stack = Stack::start().await;
    let url = format!("http://{}/keys", issuer.address);
    let mut api = stack.api().without("JWT_HS256_SECRET").set("JWT_JWKS_URL", &url).serve().await;
    let (old_token, new_token) = (signed(&old), signed(&new));
    api.until_not_ready().await;
    assert!(api.admin("/readyz").await.body.contains("JWT_JWKS_URL"));
    let unable = api.get(PATH, &old_token).await;
    assert_eq!(unable.status, 503, "without keys nobody can tell a good token: {}", unable.body);

    issuer.publish(set(&[&old]));
    issuer.come().await;
    api.until_ready().await;
    assert_eq!((api.get(PATH, &old_token).await.status, api.get(PATH, &new_token).await.status), (200, 401));

    issuer.publish(set(&[&old, &new]));
    let rotated = wait::until("an unknown key to be fetched", RELOAD_LIMIT, async || {
        Ok(Seen::when(api.get(PATH, &new_token).await.status == 200, "it isn't"))
    });
    rotated.await.expect("a rotation");
    let before = issuer.asked.load(Ordering::Relaxed);
    for n in 0..100 {
        assert_eq!(api.get(PATH, &signed_as(&format!("k{n}"), &new)).await.status, 401);
    }
    let fetched = issuer.asked.load(Ordering::Relaxed) - before;
    assert!(fetched <= 2, "names that nobody has were fetched for {fetched} times");

    issuer.go().await;
    let missed = wait::until("the issuer to be missed", RELOAD_LIMIT, async || {
        let _ = api.get(PATH, &signed_as("gone", &new)).await;
        Ok(Seen::when(api.log_tail().contains("can't be fetched"), "nothing is said of it"))
    });
    missed.await.expect("a line in the log");
    assert_eq!(api.get(PATH, &old_token).await.status, 200, "the last good keys stay");
    assert_eq!(api.admin("/readyz").await.status, 200);
}

#[tokio::test]
async fn an_odd_key_is_passed_over_and_named_and_what_is_not_checked_is_said() {
    let [old, _] = keys();
    let stack = Stack::start().await;
    let file = stack.services().run().join(format!("{}-odd-keys.json", stack.name()));
    let mut odd: serde_json::Value = serde_json::from_str(&set(&[&old])).expect("JSON");
    let more = [
        json!({"kty": "RSA", "n": 7, "kid": "of-no-form"}),
        json!({"kty": "RSA", "n": "A".repeat(2_732), "e": "AQAB", "kid": "too-long"}),
        json!("nothing"),
    ];
    odd["keys"].as_array_mut().expect("keys").splice(0..0, more);
    std::fs::write(&file, odd.to_string()).expect("a file");
    let launch = stack.api().without("JWT_HS256_SECRET").set("JWT_JWKS_FILE", file.to_str().expect("text"));
    let api = launch.serve().await;
    assert_eq!(api.get(PATH, &signed(&old)).await.status, 200);
    let log = api.log_tail();
    for said in ["of-no-form", "too-long", "number 3", "JWT_ISSUER", "JWT_AUDIENCE"] {
        assert!(log.contains(said), "{said}: {log}");
    }
}

#[tokio::test]
async fn keys_are_rotated_without_a_restart_and_a_bad_file_changes_nothing() {
    let [old, new] = keys();
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
