//! PostgreSQL over TLS: by passwords and by certificates, and what is said of certificates that are wrong.

use super::{tells, text};
use crate::telling::{orders, orders_created, yesterday};
use chrono::Duration;
use stack::{Role, Service};
use tests::{Answer, Api, Authority, Certified, Flaw, Launch, Stack, Token};

/// Everybody comes by TLS and shows a password.
pub const BY_PASSWORD: &str =
    "hostssl all all 127.0.0.1/32 scram-sha-256\nhostnossl all all 127.0.0.1/32 reject";
/// Everybody shows a certificate for the name of the role, and no password.
const BY_CERTIFICATE: &str = "hostssl all all 127.0.0.1/32 cert";
/// Everybody shows both.
pub const BY_BOTH: &str = "hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca";

/// Sessions of the binaries that are not encrypted.
const PLAIN: &str = "select count(*) from pg_stat_ssl join pg_stat_activity using (pid) \
                     where usename like 'business_metrics_%' and not ssl";

/// A stack whose PostgreSQL speaks TLS, and the authority of its certificate; `None` if it isn't ours.
pub async fn world(access: &str) -> Option<(Stack, Authority)> {
    let stack = Stack::with_own(Service::Postgres).await;
    stack.postgres().server()?;
    let authority = Authority::new("the authority of PostgreSQL").await;
    let tls = authority.server_tls(Flaw::None);
    stack.postgres().encrypt(&tls, access).await.expect("a server with TLS");
    Some((stack, authority))
}

/// The same, which connects in this mode and trusts this authority.
pub fn trusting<'a>(launch: Launch<'a>, stack: &Stack, mode: &str, authority: &Authority) -> Launch<'a> {
    let server = stack.database().server().expect("an address");
    let launch = launch.on(&server, &format!("?sslmode={mode}"));
    launch.set("DATABASE_CA_FILE", text(&authority.file()))
}

/// The URL of a role without its password.
pub fn without_password(stack: &Stack, role: Role, parameters: &str) -> String {
    let url = stack.database_of(role);
    let (head, tail) = url.as_str().split_once('@').expect("a URL with a user");
    let (user, _) = head.rsplit_once(':').expect("a user with a password");
    format!("{user}@{tail}{parameters}")
}

/// The orders of acme's day, as the API has them.
pub async fn orders_at(api: &Api) -> Answer {
    let (from, to) = (yesterday() - Duration::hours(1), yesterday() + Duration::hours(1));
    let range = format!("from={}&to={}", crate::telling::text(from), crate::telling::text(to));
    api.get(&format!("/metrics/summary?{range}"), &Token::of("acme").sign()).await
}

#[tokio::test]
async fn counts_and_answers_are_the_same_over_tls() {
    let Some((stack, authority)) = world(BY_PASSWORD).await else { return };
    let within = |launch| trusting(launch, &stack, "verify-full", &authority);
    let migrated = within(stack.consumer().command(&["migrate"])).run().await;
    assert_eq!(migrated.code, Some(0), "{migrated:#?}");
    let mut member = within(stack.consumer()).start().await;
    let mut api = within(stack.api()).serve().await;
    member.until_ready().await;
    api.until_ready().await;
    stack.produce(orders("acme", 100)).await;
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(100));
    let answer = orders_at(&api).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let plain: i64 = stack.client().await.query_one(PLAIN, &[]).await.expect("a count").get(0);
    assert_eq!(plain, 0, "sessions that are not encrypted");
    let audited = within(stack.consumer().command(&["audit"])).run().await;
    assert_eq!(audited.code, Some(0), "{audited:#?}");
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn a_certificate_stands_for_a_password() {
    let Some((stack, authority)) = world(BY_CERTIFICATE).await else { return };
    let url = |role| without_password(&stack, role, "?sslmode=verify-full");
    let member = stack.consumer().set("DATABASE_URL", url(Role::Consumer));
    let api = stack.api().set("DATABASE_URL", url(Role::Api));
    let (of_member, of_api) =
        (authority.client("business_metrics_consumer"), authority.client("business_metrics_api"));
    let mut member = showing(member, &authority, &of_member).start().await;
    let mut api = showing(api, &authority, &of_api).serve().await;
    member.until_ready().await;
    api.until_ready().await;
    stack.produce(orders("acme", 100)).await;
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(100));

    // The same within the URL.
    let Certified { certificate, key } = &of_member;
    let files = [("sslrootcert", &authority.file()), ("sslcert", certificate), ("sslkey", key)];
    let files: String = files.iter().map(|(name, file)| format!("&{name}={}", text(file))).collect();
    let within = format!("{}{files}", url(Role::Consumer));
    let audited = stack.consumer().command(&["audit"]).set("DATABASE_URL", within).run().await;
    assert_eq!(audited.code, Some(0), "{audited:#?}");

    // A certificate of another role opens nothing.
    let other = stack.consumer().command(&["audit"]).set("DATABASE_URL", url(Role::Consumer));
    let refused = showing(other, &authority, &of_api).run().await;
    assert_eq!(refused.code, Some(3), "{refused:#?}");
    assert_eq!(member.stop().await, Some(0));
}

/// The same, which shows a certificate.
pub fn showing<'a>(launch: Launch<'a>, authority: &Authority, certified: &Certified) -> Launch<'a> {
    let Certified { certificate, key } = certified;
    launch
        .set("DATABASE_CA_FILE", text(&authority.file()))
        .set("DATABASE_CERT_FILE", text(certificate))
        .set("DATABASE_KEY_FILE", text(key))
}

/// Fails the story unless member, API and command say so of PostgreSQL's certificate, in readiness and log.
async fn all_say(stack: &Stack, authority: &Authority, words: &[&str]) {
    let within = |launch| trusting(launch, stack, "verify-full", authority);
    let member = within(stack.consumer()).start().await;
    let api = within(stack.api()).serve().await;
    for told in [&member, &*api] {
        tells(told, words).await;
        assert!(words.iter().all(|word| told.log_tail().contains(word)), "{}", told.log_tail());
    }
    let audited = within(stack.consumer().command(&["audit"])).run().await;
    assert_eq!(audited.code, Some(3), "{audited:#?}");
    assert!(words.iter().all(|word| audited.errors.contains(word)), "{audited:#?}");
    member.kill();
}

#[tokio::test]
async fn a_certificate_that_is_wrong_is_told_with_what_is_wrong() {
    let Some((stack, authority)) = world(BY_PASSWORD).await else { return };
    let stranger = Authority::new("a stranger").await;
    let words =
        ["PostgreSQL's certificate is signed by an authority that is not trusted", "DATABASE_CA_FILE"];
    all_say(&stack, &stranger, &words).await;

    let expired = authority.server_tls(Flaw::Expired);
    stack.postgres().encrypt(&expired, BY_PASSWORD).await.expect("another certificate");
    all_say(&stack, &authority, &["PostgreSQL's certificate has expired (on 2021-01-01)", "renew"]).await;

    let elsewhere = authority.server_tls(Flaw::Elsewhere);
    stack.postgres().encrypt(&elsewhere, BY_PASSWORD).await.expect("another certificate");
    all_say(&stack, &authority, &["another name than 127.0.0.1", "elsewhere.example", "DATABASE_URL"]).await;
    // Whose name doesn't matter is said by the mode.
    let unnamed = trusting(stack.consumer().command(&["audit"]), &stack, "verify-ca", &authority);
    assert_eq!(unnamed.run().await.code, Some(0));
    let strange = trusting(stack.consumer().command(&["audit"]), &stack, "verify-ca", &stranger);
    assert_eq!(strange.run().await.code, Some(3));
}

#[tokio::test]
async fn a_certificate_that_is_asked_for_and_not_shown_is_told() {
    let Some((stack, authority)) = world(BY_BOTH).await else { return };
    let member = trusting(stack.consumer(), &stack, "verify-full", &authority).start().await;
    tells(&member, &["requires a valid client certificate", "DATABASE_CERT_FILE"]).await;
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn encryption_that_is_preferred_and_not_had_is_told_once() {
    let stack = Stack::with_own(Service::Postgres).await;
    if stack.postgres().server().is_none() {
        return;
    }
    let server = stack.database().server().expect("an address");
    let preferring = || stack.consumer().on(&server, "?sslmode=prefer").set("RUST_LOG", "warn");
    let mut member = preferring().start().await;
    member.until_ready().await;
    let said = member.log_tail();
    assert_eq!(said.matches("connections to PostgreSQL are not encrypted").count(), 1, "{said}");
    assert_eq!(member.stop().await, Some(0));

    // Where it is offered, it is had, and the certificate is checked.
    let authority = Authority::new("the authority of PostgreSQL").await;
    let tls = authority.server_tls(Flaw::None);
    stack.postgres().encrypt(&tls, "host all all 127.0.0.1/32 scram-sha-256").await.expect("TLS");
    let member = preferring().start().await;
    tells(&member, &["an authority that is not trusted"]).await;
    assert_eq!(member.stop().await, Some(0));
    // Beside an authority in a setting the mode is refused, so the system trusts this one.
    let mut member = preferring().set("SSL_CERT_FILE", text(&authority.file())).start().await;
    member.until_ready().await;
    let plain: i64 = stack.client().await.query_one(PLAIN, &[]).await.expect("a count").get(0);
    assert_eq!(plain, 0, "sessions that are not encrypted");
    assert_eq!(member.stop().await, Some(0));
    for launch in [stack.consumer(), stack.api()] {
        let refused = trusting(launch, &stack, "prefer", &authority).run().await;
        assert_eq!(refused.code, Some(2), "{refused:#?}");
        assert!(refused.errors.contains("sslmode=prefer in DATABASE_URL allows"), "{refused:#?}");
    }
}
