//! What organizations set themselves: thresholds, which alerts are judged by, and links; who may set them, and what is kept of it.

use crate::telling::{counted, plain, text, yesterday};
use chrono::{DateTime, Duration, Utc};
use load::Message;
use serde_json::{Value, json};
use stack::wait::{self, Seen};
use stack::{Redis, Role, Service};
use std::time::Duration as StdDuration;
use tests::{Answer, Api, Stack, Token};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const PATH: &str = "/settings/thresholds";

/// How long it may take until something is seen where nobody promises when.
const SEEN_LIMIT: StdDuration = StdDuration::from_secs(30);

/// 100 payments of acme, of which 96 succeeded: fine by the defaults.
async fn payments() -> Stack {
    counted(plain((0..100).map(|n| Message::payment("acme", &format!("p{n}"), yesterday(), n >= 4)))).await
}

fn writer() -> Token {
    Token::of("acme").claim("sub", "ann").claim("scope", "openid settings:write settings:read metrics:read")
}

/// The document in which a warning of payments is this, or the default.
fn warning(warning: impl Into<Value>) -> String {
    json!({"thresholds": {"payment_success_low": {"warning": warning.into()}}}).to_string()
}

async fn put(api: &Api, token: &Token, headers: &[(&str, &str)], body: &str) -> Answer {
    let authorization = format!("Bearer {}", token.sign());
    let usual = [("authorization", &*authorization), ("content-type", "application/json")];
    let is_unset = |name: &str| !headers.iter().any(|(set, _)| *set == name);
    let usual = usual.into_iter().filter(|(name, _)| is_unset(name));
    let headers: Vec<_> = usual.chain(headers.iter().copied()).collect();
    api.send(("PUT", PATH, body), &headers).await
}

async fn set(api: &Api, body: &str) -> Answer {
    let answer = put(api, &writer(), &[], body).await;
    assert_eq!(answer.status, 200, "{body}: {}", answer.body);
    answer
}

/// What payments are judged to be, by which threshold, and who has set that; from the alert, if there is one.
async fn judged(api: &Api) -> (String, Value, String) {
    let from = yesterday();
    let path = format!("/metrics/summary?from={}&to={}", text(from), text(from + Duration::hours(1)));
    let answer = api.get(&path, &Token::of("acme").sign()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json = answer.json();
    let kpi = &json["kpis"][1];
    let of_kpi = &kpi["thresholds"][0];
    assert_eq!(of_kpi["alert"], "payment_success_low", "{json:#}");
    for alert in json["alerts"].as_array().expect("alerts") {
        assert_eq!(
            (&alert["threshold"], &alert["severity"]),
            (&of_kpi["warning"], &kpi["severity"]),
            "{json:#}"
        );
        assert_eq!(alert["thresholdSource"], of_kpi["thresholdSource"], "{json:#}");
    }
    assert_eq!(json["systemHealth"]["status"], kpi["severity"]);
    let word = |value: &Value| value.as_str().expect("a word").to_owned();
    (word(&kpi["severity"]), of_kpi["warning"].clone(), word(&of_kpi["thresholdSource"]))
}

fn defaults() -> (String, Value, String) {
    ("healthy".into(), json!(95), "default".into())
}

fn own(severity: &str, warning: impl Into<Value>) -> (String, Value, String) {
    (severity.into(), warning.into(), "organization".into())
}

#[tokio::test]
async fn the_next_answer_of_every_instance_is_judged_by_what_was_set() {
    let stack = payments().await;
    // So long that nothing is right by chance.
    let launch = || stack.api().set("BUSINESS_METRICS_CACHE_TTL_SEC", "3600");
    let (one, other) = (launch().serve().await, launch().serve().await);
    if stack.redis().is_none() {
        return;
    }
    for api in [&one, &other] {
        assert_eq!(judged(api).await, defaults());
        assert_eq!(judged(api).await, defaults(), "kept");
    }
    for (at, seen_by) in [(&one, &other), (&other, &one), (&one, &other)] {
        set(at, &warning(97.5)).await;
        assert_eq!(judged(seen_by).await, own("warning", 97.5));
        assert_eq!(judged(at).await, own("warning", 97.5));
        set(at, &warning(96)).await;
        assert_eq!(judged(seen_by).await, own("healthy", 96));
        assert_eq!(judged(at).await, own("healthy", 96));
        set(at, &warning(Value::Null)).await;
        assert_eq!(judged(seen_by).await, defaults());
        assert_eq!(judged(at).await, defaults());
    }
}

#[tokio::test]
async fn without_redis_the_instance_that_set_them_shows_them_at_once_and_others_soon() {
    let stack = payments().await;
    let alone = stack.api().without("REDIS_URL").set("LOCAL_CACHE_TTL", "10m").serve().await;
    let other = stack.api().without("REDIS_URL").serve().await;
    for api in [&alone, &other] {
        assert_eq!(judged(api).await, defaults());
    }
    let mut listening = other.listen(&Token::of("acme").sign(), &[]).await;
    let first = listening.event().await;
    set(&alone, &warning(97.5)).await;
    assert_eq!(judged(&alone).await, own("warning", 97.5));
    assert_ne!(listening.event().await.id, first.id, "streams are told, too");
    let seen = wait::until("another instance to show them", SEEN_LIMIT, async || {
        let seen = judged(&other).await;
        Ok(Seen::when(seen == own("warning", 97.5), format!("{seen:?}")))
    });
    seen.await.expect("own thresholds");
    set(&alone, r#"{"thresholds":{}}"#).await;
    assert_eq!(judged(&alone).await, defaults());
}

/// Gives everybody a right in Redis, or takes it away.
async fn allow(redis: &Redis, right: &str) {
    let client = redis::Client::open(redis.url()).expect("a Redis URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
    let set = redis::cmd("ACL").arg("SETUSER").arg("default").arg(right).to_owned();
    set.query_async::<()>(&mut connection).await.expect("rights");
}

#[tokio::test]
async fn what_redis_could_not_be_told_of_it_is_told_once_it_is_back() {
    let stack = Stack::with_own(Service::Redis).await;
    let Some(redis) = stack.redis() else { return };
    if redis.server().is_none() {
        return;
    }
    stack
        .produce(plain((0..100).map(|n| Message::payment("acme", &format!("p{n}"), yesterday(), n >= 4))))
        .await;
    crate::telling::count(&stack).await;
    let launch = || stack.api().set("BUSINESS_METRICS_CACHE_TTL_SEC", "3600");
    let (one, other) = (launch().serve().await, launch().serve().await);
    for api in [&one, &other] {
        assert_eq!(judged(api).await, defaults());
    }
    allow(redis, "-incr").await;
    set(&one, &warning(97.5)).await;
    assert_eq!(judged(&one).await, own("warning", 97.5), "Redis has another answer for an hour");
    assert_eq!(judged(&other).await, defaults(), "nobody could tell it");
    allow(redis, "+incr").await;
    let seen = wait::until("another instance to show them", SEEN_LIMIT, async || {
        let seen = judged(&other).await;
        Ok(Seen::when(seen == own("warning", 97.5), format!("{seen:?}")))
    });
    seen.await.expect("own thresholds");
    assert_eq!(judged(&one).await, own("warning", 97.5));
}

#[tokio::test]
async fn who_reads_sees_what_applies_and_only_who_may_write_sets_it() {
    let stack = Stack::start().await;
    let api = stack.api().serve().await;
    let read = api.get(PATH, &Token::of("acme").sign()).await;
    assert_eq!((read.status, &read.json()["organizationId"]), (200, &json!("acme")), "{}", read.body);
    let changed = set(&api, &warning(97.5)).await;
    assert_eq!(changed.json()["alerts"][0]["updatedBy"], "ann");
    let read = api.get(PATH, &Token::of("acme").sign()).await;
    assert_eq!((&read.json(), read.header("etag")), (&changed.json(), changed.header("etag")));
    let bearer = format!("Bearer {}", Token::of("acme").sign());
    let known = [("authorization", &*bearer), ("if-none-match", read.header("etag"))];
    assert_eq!(api.get_with(PATH, &known).await.status, 304);
    let of_beta = api.get(PATH, &Token::of("beta").sign()).await.json();
    assert_eq!(of_beta["alerts"][0]["thresholdSource"], "default", "another organization has its own");

    for token in [
        Token::of("acme"),
        Token::of("acme").claim("scope", "openid profile"),
        Token::of("acme").claim("scope", "metrics:read settings:read"),
    ] {
        let refused = put(&api, &token, &[], &warning(90)).await;
        assert_eq!(refused.status, 403, "{}: {}", token.claims(), refused.body);
        assert_eq!(refused.json()["type"], "/problems/insufficient-scope");
        let challenge = refused.header("www-authenticate");
        assert!(
            challenge.contains("insufficient_scope") && challenge.contains("settings:write"),
            "{challenge}"
        );
    }
    assert_eq!(put(&api, &writer().expired(60), &[], &warning(90)).await.status, 401);
    let foreign = put(&api, &writer(), &[("organization-id", "beta")], &warning(90)).await;
    assert_eq!((foreign.status, &foreign.json()["type"]), (403, &json!("/problems/other-organization")));
    let only_writes = Token::of("acme").claim("scope", "settings:write");
    assert_eq!(put(&api, &only_writes, &[], &warning(97.5)).await.status, 200);
    for path in ["/metrics/summary", PATH] {
        assert_eq!(api.get(path, &only_writes.sign()).await.status, 403, "{path}");
    }
}

/// What the audit has of acme: revision, by whom, the warning of before and after.
async fn audit(stack: &Stack) -> Vec<(i64, Option<String>, Value, Value)> {
    let query = "select revision, changed_by, before, after, changed_at from settings_changes
                 where organization_id = 'acme' and setting = 'thresholds' order by revision";
    let rows = stack.client().await.query(query, &[]).await.expect("an audit");
    let warning = |value: Value| value["payment_success_low"]["warning"].clone();
    let line = |row: &tokio_postgres::Row| {
        let at: DateTime<Utc> = row.get(4);
        assert!((Utc::now() - at).num_seconds().abs() < 600, "{at}");
        (row.get(0), row.get(1), warning(row.get(2)), warning(row.get(3)))
    };
    rows.iter().map(line).collect()
}

#[tokio::test]
async fn each_change_is_in_the_audit_once_and_in_no_log() {
    let stack = Stack::start().await;
    let api = stack.api().set("RUST_LOG", "debug").serve().await;
    set(&api, &warning(97.3)).await;
    let same = set(&api, &warning(97.3)).await;
    let bob = Token::of("acme").claim("sub", "bob").claim("scp", json!(["settings:write"]));
    let again = put(&api, &bob, &[], &warning(97.3)).await;
    assert_eq!(
        (again.status, again.header("etag")),
        (200, same.header("etag")),
        "who sends it again changes nothing"
    );
    assert_eq!(put(&api, &bob.clone().without("sub"), &[], &warning(90)).await.status, 200);
    assert_eq!(put(&api, &bob, &[], r#"{"thresholds":{}}"#).await.status, 200);
    assert_eq!(put(&api, &bob, &[("if-match", "\"0\"")], &warning(91)).await.status, 412);
    assert_eq!(put(&api, &bob, &[], &warning(191)).await.status, 400);
    let ann = Some("ann".to_owned());
    let lines = [
        (1, ann, Value::Null, json!(97.3)),
        (2, None, json!(97.3), json!(90)),
        (3, Some("bob".to_owned()), json!(90), Value::Null),
    ];
    assert_eq!(audit(&stack).await, lines);
    assert!(!api.log_tail().contains("97.3"), "documents are not logged");
    assert!(api.log_tail().contains(PATH), "requests are");
}

#[tokio::test]
async fn nobody_overwrites_what_another_has_set_meanwhile() {
    let stack = Stack::start().await;
    let (one, other) = (stack.api().serve().await, stack.api().serve().await);
    let before = one.get(PATH, &writer().sign()).await;
    let known = before.header("etag").to_owned();
    assert!(known.starts_with('"'), "{known}");
    let races = (0..8).map(|n| {
        let api = if n % 2 == 0 { &one } else { &other };
        let known = &known;
        async move { put(api, &writer(), &[("if-match", known)], &warning(90 + n)).await.status }
    });
    let mut statuses = futures_util::future::join_all(races).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
    let late = put(&one, &writer(), &[("if-match", &known)], &warning(89)).await;
    assert_eq!((late.status, &late.json()["type"]), (412, &json!("/problems/changed-meanwhile")));
    // As a proxy that compresses spells it, among others; and without a condition.
    let now = one.get(PATH, &writer().sign()).await;
    let weak = format!("\"0\", W/{}", now.header("etag"));
    assert_eq!(put(&other, &writer(), &[("if-match", &weak)], &warning(88)).await.status, 200);
    assert_eq!(put(&one, &writer(), &[("if-match", "*")], &warning(87)).await.status, 200);
    assert_eq!(put(&other, &writer(), &[], &warning(86)).await.status, 200);
    let races = (0..8).map(|n| {
        let api = if n % 2 == 0 { &one } else { &other };
        async move { put(api, &writer(), &[], &warning(90 + n)).await.status }
    });
    assert_eq!(futures_util::future::join_all(races).await, [200; 8], "they take turns");
    let revisions: Vec<_> = audit(&stack).await.into_iter().map(|(revision, ..)| revision).collect();
    assert_eq!(revisions, (1..=12).collect::<Vec<i64>>());
}

/// A link is no threshold, but a setting like it: the rules above hold for it, too.
#[tokio::test]
async fn a_link_to_runs_is_set_read_and_audited_by_the_same_rules() {
    const LINKS: &str = "/settings/links";
    let stack = Stack::start().await;
    let (api, other) = (stack.api().serve().await, stack.api().serve().await);
    let reader = Token::of("acme").sign();
    let none = api.get(LINKS, &reader).await;
    let nothing = json!({"organizationId": "acme", "run": null, "updatedAt": null, "updatedBy": null});
    assert_eq!((none.status, none.json()), (200, nothing.clone()), "{}", none.body);

    let put = async |api: &Api, token: &Token, known: Option<&str>, body: &str| {
        let bearer = format!("Bearer {}", token.sign());
        let usual = [("authorization", &*bearer), ("content-type", "application/json")];
        let headers: Vec<_> = usual.into_iter().chain(known.map(|tag| ("if-match", tag))).collect();
        api.send(("PUT", LINKS, body), &headers).await
    };
    let run = "https://runs.example.com/{workflowId}/{executionId}";
    let body = json!({ "run": run }).to_string();
    let set = put(&api, &writer(), Some(none.header("etag")), &body).await;
    assert_eq!((set.status, &set.json()["run"], &set.json()["updatedBy"]), (200, &json!(run), &json!("ann")));
    let read = other.get(LINKS, &reader).await;
    assert_eq!(
        (&read.json(), read.header("etag")),
        (&set.json(), set.header("etag")),
        "every instance has it"
    );
    let of_beta = api.get(LINKS, &Token::of("beta").sign()).await.json();
    assert_eq!(of_beta["run"], Value::Null, "another organization has its own");

    let late = put(&other, &writer(), Some(none.header("etag")), &body).await;
    assert_eq!((late.status, &late.json()["type"]), (412, &json!("/problems/changed-meanwhile")));
    let reads = Token::of("acme").claim("scope", "metrics:read settings:read");
    assert_eq!(put(&api, &reads, None, &body).await.status, 403);
    for (run, said) in [
        ("http://runs.example.com/{executionId}", "https://"),
        ("https://{workflowId}/{executionId}", "host"),
    ] {
        let refused = put(&api, &writer(), None, &json!({ "run": run }).to_string()).await.json();
        assert_eq!(
            (&refused["type"], &refused["pointer"]),
            (&json!("/problems/bad-document"), &json!("/run"))
        );
        assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains(said)), "{refused}");
    }
    assert_eq!(put(&api, &writer(), None, "{}").await.json(), nothing, "a document without it is no link");

    let lines = "select revision, before->'run'->>'template', after->'run'->>'template' from settings_changes
                 where organization_id = 'acme' and setting = 'links' order by revision";
    let lines = stack.client().await.query(lines, &[]).await.expect("an audit");
    let lines: Vec<(i64, Option<String>, Option<String>)> =
        lines.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    assert_eq!(lines, [(1, None, Some(run.to_owned())), (2, Some(run.to_owned()), None)]);
    assert_eq!(audit(&stack).await, [], "thresholds have revisions of their own");
}

#[tokio::test]
async fn documents_that_can_t_be_used_change_nothing_and_are_told_where() {
    let stack = Stack::start().await;
    let api = stack.api().set("REQUEST_TIMEOUT", "2s").set("LOAD_TIMEOUT", "2s").serve().await;
    let long = format!("{{\"thresholds\":{{}}}}{}", " ".repeat(1 << 20));
    let nested = format!("{{\"thresholds\":{}{}}}", "{\"a\":".repeat(2_000), "}".repeat(2_000));
    for (body, status, pointer) in [
        ("", 400, Some("")),
        ("{\"thresholds\":", 400, Some("")),
        ("{\"thresholds\":{\"payment_success_lowe\":{}}}", 400, Some("/thresholds/payment_success_lowe")),
        (&warning(80), 400, Some("/thresholds/payment_success_low")),
        (&warning("95"), 400, Some("/thresholds/payment_success_low/warning")),
        (&warning(-1), 400, Some("/thresholds/payment_success_low/warning")),
        ("{\"thresholds\":{},\"thresholds\":{}}", 400, Some("/thresholds")),
        ("\u{0}\u{1}", 400, Some("")),
        (&nested, 400, Some("")),
        (&long, 413, None),
    ] {
        let answer = put(&api, &writer(), &[], body).await;
        let said = answer.json();
        assert_eq!((answer.status, said["pointer"].as_str()), (status, pointer), "{said}");
    }
    let plain = put(&api, &writer(), &[("content-type", "text/plain")], &warning(90)).await;
    assert_eq!(plain.status, 415, "{}", plain.body);
    let query = format!("{PATH}?dryRun=true");
    let bearer = format!("Bearer {}", writer().sign());
    let headers = [("authorization", &*bearer), ("content-type", "application/json")];
    assert_eq!(api.send(("PUT", &query, &warning(90)), &headers).await.json()["parameter"], "dryRun");

    // A document that never ends is waited for as long as for any answer.
    let mut slow = tokio::net::TcpStream::connect(api.address()).await.expect("a connection");
    let head = format!(
        "PUT {PATH} HTTP/1.1\r\nhost: here\r\nauthorization: {bearer}\r\ncontent-type: application/json\r\n\
         content-length: 900\r\n\r\n{{"
    );
    slow.write_all(head.as_bytes()).await.expect("a head");
    let mut answer = [0; 12];
    let answered = tokio::time::timeout(SEEN_LIMIT, slow.read_exact(&mut answer)).await;
    answered.expect("in time").expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 503");
    assert_eq!(audit(&stack).await, []);
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_set_them() {
    let stack = Stack::start().await;
    let api = stack.api().set("CORS_ORIGINS", "https://app.example.com").serve().await;
    let asked = [
        ("origin", "https://app.example.com"),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "authorization,content-type,if-match,organization-id"),
    ];
    let preflight = api.send(("OPTIONS", PATH, ""), &asked).await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (200, asked[0].1));
    assert!(preflight.header("access-control-allow-methods").contains("PUT"));
    let allowed = preflight.header("access-control-allow-headers");
    assert!(asked[2].1.split(',').all(|name| allowed.contains(name)), "{allowed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_set_on_the_primary_and_where_there_is_none_a_problem_says_so() {
    let Some(stack) = Stack::with_pair().await else { return };
    let servers = stack.pair().servers();
    stack.pair().until_standby_has(stack.name()).await.expect("a standby that follows");
    let reads_standby = stack.api().on(&servers.join(","), "?target_session_attrs=read-only").serve().await;
    set(&reads_standby, &warning(97.5)).await;
    let arrived = wait::until("the standby to have it", SEEN_LIMIT, async || {
        let read = reads_standby.get(PATH, &writer().sign()).await;
        Ok(Seen::when(read.json()["alerts"][0]["applies"]["warning"] == json!(97.5), read.body))
    });
    arrived.await.expect("own thresholds");
    let standby = stack.api().on(&servers[1], "").serve().await;
    let refused = put(&standby, &writer(), &[], &warning(90)).await;
    assert_eq!(
        (refused.status, &refused.json()["type"]),
        (503, &json!("/problems/read-only")),
        "{}",
        refused.body
    );
    assert!(!refused.header("retry-after").is_empty());
    assert!(standby.log_tail().contains("DATABASE_URL"), "its operators are told what to do");
    assert_eq!(standby.get(PATH, &writer().sign()).await.status, 200, "they can be read there");
}

#[tokio::test]
async fn the_role_of_the_api_writes_no_counts_though_it_writes_settings() {
    let stack = payments().await;
    let api = stack.database_of(Role::Api).connect().await.expect("a connection");
    let wrong = api
        .batch_execute("start transaction read write; update org_daily_metrics set payments_total = 0")
        .await;
    assert!(wrong.is_err(), "it may only read them");
}
