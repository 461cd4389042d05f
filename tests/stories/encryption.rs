//! Encryption, and who is who: Kafka, PostgreSQL and Redis with TLS, passwords and certificates, right and wrong, and replaced
//! while records stream; a token issuer and webhooks' receivers with authorities of their own.

mod issuers;
mod kafka;
mod pages;
mod postgres;
mod receivers;
mod redis;
mod rights;
mod rotation;

pub use pages::ROWS;

use stack::wait::{self, Seen};
use std::path::Path;
use std::time::Duration;
use tests::{Launch, Member, Stack};

/// How long it may take until readiness tells what is wrong, the time until a fault is told and that of a restart included.
const TOLD_WITHIN: Duration = Duration::from_secs(60);

/// Waits until the member's readiness, or its warnings, have all of these words.
async fn tells(member: &Member, words: &[&str]) {
    let what = format!("readiness to tell of {words:?}");
    let told = wait::until(&what, TOLD_WITHIN, async || {
        let said = member.admin("/readyz").await.body;
        Ok(Seen::when(words.iter().all(|word| said.contains(word)), said))
    });
    told.await.expect("the truth");
}

/// Waits until it no longer has this word.
async fn tells_no_more(member: &Member, word: &str) {
    let told = wait::until("readiness to be content", TOLD_WITHIN, async || {
        let said = member.admin("/readyz").await.body;
        Ok(Seen::when(!said.contains(word), said))
    });
    told.await.expect("the truth");
}

/// A path as a setting has it.
fn text(path: &Path) -> &str {
    path.to_str().expect("a checkout's path is text")
}

/// A file of the story's with this secret in it, as whoever writes it by hand leaves it: with the end of a line.
fn secret(stack: &Stack, name: &str, value: &str) -> String {
    let path = stack.folder().join(name);
    std::fs::write(&path, format!("{value}\n")).expect("a file");
    text(&path).to_owned()
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_named_with_its_file() {
    const MISSING: &str = "/nowhere/secret";
    async fn refuses(launch: Launch<'_>, name: &str) {
        let refused = launch.set(name, MISSING).run().await;
        assert_eq!(refused.code, Some(2), "{name}: {refused:#?}");
        let words = [name, MISSING];
        assert!(words.iter().all(|word| refused.errors.contains(word)), "{name}: {refused:#?}");
    }
    let stack = Stack::start().await;
    for name in ["DATABASE_URL_FILE", "REDIS_URL_FILE"] {
        let variable = name.trim_end_matches("_FILE");
        refuses(stack.consumer().without(variable), name).await;
        refuses(stack.api().without(variable), name).await;
    }
    refuses(stack.consumer(), "KAFKA_CONFIG_SASL_PASSWORD_FILE").await;
    refuses(stack.api().without("JWT_HS256_SECRET"), "JWT_HS256_SECRET_FILE").await;
}

#[tokio::test]
async fn a_secret_and_its_file_are_refused_together() {
    let stack = Stack::start().await;
    let file = secret(&stack, "secret", "open sesame");
    let check = async |launch: Launch<'_>, name: &str| {
        let refused = launch.set(name, &*file).run().await;
        let said = &refused.errors;
        assert_eq!(refused.code, Some(2), "{name}: {refused:#?}");
        assert!(said.contains(name) && !said.contains("sesame"), "{name}: {refused:#?}");
    };
    for name in ["DATABASE_URL_FILE", "DATABASE_PASSWORD_FILE"] {
        check(stack.consumer(), name).await;
        check(stack.consumer().command(&["progress", "show"]), name).await;
        check(stack.api(), name).await;
    }
    check(stack.api(), "JWT_HS256_SECRET_FILE").await;
    let redis = ("REDIS_URL", "redis://127.0.0.1:1");
    check(stack.consumer().set(redis.0, redis.1), "REDIS_URL_FILE").await;
    check(stack.api().set(redis.0, redis.1), "REDIS_URL_FILE").await;
    let kafka = stack.consumer().set("KAFKA_CONFIG_SASL_PASSWORD", "x");
    check(kafka, "KAFKA_CONFIG_SASL_PASSWORD_FILE").await;
}
