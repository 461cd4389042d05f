//! The keys of a token issuer over TLS: by an authority of its own, and what is said of certificates that are wrong.

use super::{tells, text};
use crate::tokens::{Issuer, PATH, RELOAD_LIMIT, keys, set, signed, signed_as};
use stack::wait::{self, Seen};
use std::path::Path;
use tests::{Api, Authority, Flaw, Launch, Stack, put};

/// An API that fetches the issuer's keys over TLS, and trusts the authorities in this file.
fn fetching<'a>(stack: &'a Stack, issuer: &Issuer, trusted: &Path) -> Launch<'a> {
    let url = format!("https://{}/keys", issuer.address);
    stack.api().without("JWT_HS256_SECRET").set("JWT_JWKS_URL", url).set("JWT_JWKS_CA_FILE", text(trusted))
}

/// Waits until the API has tried to fetch a key that nobody has, and its log has all of these words.
async fn logs(api: &Api, words: &[&str], unknown: &str) {
    let said = wait::until("the log to say what is wrong", RELOAD_LIMIT, async || {
        assert_eq!(api.get(PATH, unknown).await.status, 401);
        let log = api.log_tail();
        Ok(Seen::when(words.iter().all(|word| log.contains(word)), log))
    });
    said.await.expect("a line in the log");
}

#[tokio::test]
async fn keys_are_fetched_over_tls_rotated_and_an_authority_that_is_not_trusted_is_named() {
    let ([old, new], mut issuer, stack) = (keys(), Issuer::away(), Stack::start().await);
    let (authority, stranger) =
        (Authority::new("the authority of the issuer").await, Authority::new("a stranger").await);
    let trusted = stack.folder().join("issuer-authorities.pem");
    put(&stranger.file(), &trusted);
    issuer.publish(set(&[&old]));
    issuer.come_with(&authority.server(Flaw::None)).await;
    let mut api = fetching(&stack, &issuer, &trusted).serve().await;
    let (old_token, new_token) = (signed(&old), signed(&new));
    let words =
        ["the issuer's certificate is signed by an authority that is not trusted", "JWT_JWKS_CA_FILE"];
    tells(&api, &words).await;
    assert!(words.iter().all(|word| api.log_tail().contains(word)), "{}", api.log_tail());
    api.until_not_ready().await;
    let unable = api.get(PATH, &old_token).await;
    assert_eq!(unable.status, 503, "without keys nobody can tell a good token: {}", unable.body);

    // The file is read again for each fetch.
    put(&authority.file(), &trusted);
    api.until_ready().await;
    assert_eq!((api.get(PATH, &old_token).await.status, api.get(PATH, &new_token).await.status), (200, 401));
    issuer.publish(set(&[&new]));
    let rotated = wait::until("a new key to be fetched", RELOAD_LIMIT, async || {
        Ok(Seen::when(api.get(PATH, &new_token).await.status == 200, "it isn't"))
    });
    rotated.await.expect("a rotation");
    assert_eq!(api.get(PATH, &old_token).await.status, 401);

    // A certificate that goes bad later is told in the log. The last good keys stay.
    issuer.go().await;
    issuer.come_with(&authority.server(Flaw::Expired)).await;
    logs(&api, &["the issuer's certificate has expired (on 2021-01-01)", "renew"], &signed_as("x", &new))
        .await;
    assert_eq!(api.get(PATH, &new_token).await.status, 200);
    assert_eq!(api.admin("/readyz").await.status, 200);
}

#[tokio::test]
async fn an_issuer_with_another_name_and_an_address_without_tls_are_told() {
    let (mut issuer, stack) = (Issuer::away(), Stack::start().await);
    let authority = Authority::new("the authority of the issuer").await;
    issuer.come_with(&authority.server(Flaw::Elsewhere)).await;
    let api = fetching(&stack, &issuer, &authority.file()).serve().await;
    tells(&api, &["another name than 127.0.0.1", "elsewhere.example", "JWT_JWKS_URL"]).await;

    let url = format!("http://{}/keys", issuer.address);
    let plain = fetching(&stack, &issuer, &authority.file()).set("JWT_JWKS_URL", url);
    let refused = plain.clone().run().await;
    assert_eq!(refused.code, Some(2), "{refused:#?}");
    assert!(refused.errors.contains("JWT_JWKS_CA_FILE is set, and JWT_JWKS_URL doesn't"), "{refused:#?}");
    let warned = plain.without("JWT_JWKS_CA_FILE").command(&["--check-config"]).run().await;
    assert_eq!(warned.code, Some(0), "{warned:#?}");
    assert!(warned.errors.contains("JWT_JWKS_URL is fetched without TLS"), "{warned:#?}");
}
