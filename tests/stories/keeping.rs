//! What the API keeps, and for whom: only what it wrote itself, and for no organization at another's expense.

use crate::telling::{counted, orders, plain, text, yesterday};
use chrono::{DateTime, Duration, Utc};
use load::Message;
use proto::v1::workflow_terminal::Outcome;
use serde_json::json;
use stack::wait::{self, Seen};
use std::sync::Arc;
use std::time::{Duration as StdDuration, Instant};
use tests::{Answer, Api, Stack, Token};

/// How long it may take until something is seen.
const SEEN_LIMIT: StdDuration = StdDuration::from_secs(30);

/// Hours of a dear question. Its answer has about 10 kB a day.
const DEAR_HOURS: i64 = 10 * 24;

/// The `hours` hours until `to`, one by one.
fn path(scope: &str, to: DateTime<Utc>, hours: i64) -> String {
    let from = to - Duration::hours(hours);
    format!("/metrics/{scope}?from={}&to={}&granularity=hour", text(from), text(to))
}

/// How long Redis may take to take a hundred megabytes.
const ANSWER_LIMIT: std::time::Duration = std::time::Duration::from_secs(20);

/// The hour that starts at noon of the day before.
fn summary_path() -> String {
    path("summary", yesterday() + Duration::hours(1), 1)
}

async fn ask(api: &Api, path: &str, organization: &str, more: &[(&str, &str)]) -> Answer {
    let token = format!("Bearer {}", Token::of(organization).sign());
    api.get_with(path, &[&[("authorization", &*token)], more].concat()).await
}

/// The organization's answers in Redis: their keys, and how many bytes they have.
async fn kept_in_redis(
    stack: &Stack,
    redis: &mut redis::aio::MultiplexedConnection,
    organization: &str,
) -> Vec<(String, usize)> {
    let pattern = format!("{}:metrics:{organization}:*:v*", stack.name());
    let keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query_async(redis).await.expect("keys");
    let mut kept = Vec::new();
    for key in keys {
        let bytes = redis::cmd("STRLEN").arg(&key).query_async(redis).await.expect("a length");
        kept.push((key, bytes));
    }
    kept
}

async fn connection(stack: &Stack) -> Option<redis::aio::MultiplexedConnection> {
    let client = redis::Client::open(stack.redis()?.url()).expect("a Redis URL");
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(Some(ANSWER_LIMIT));
    Some(client.get_multiplexed_async_connection_with_config(&config).await.expect("a connection"))
}

async fn set(redis: &mut redis::aio::MultiplexedConnection, key: &str, value: &[u8]) {
    let set = redis::cmd("SET").arg(key).arg(value).arg("EX").arg(3_600).to_owned();
    set.query_async::<()>(redis).await.expect("an acknowledgement");
}

#[tokio::test]
async fn what_redis_has_and_no_instance_of_this_form_wrote_is_never_given() {
    let stack = counted(orders("acme", 3).into_iter().chain(orders("beta", 9))).await;
    let Some(mut redis) = connection(&stack).await else { return };
    let api = stack.api().set("BUSINESS_METRICS_CACHE_TTL_SEC", "3600").serve().await;
    for organization in ["acme", "beta"] {
        assert_eq!(ask(&api, &summary_path(), organization, &[]).await.status, 200);
    }
    let [acme, beta] =
        [kept_in_redis(&stack, &mut redis, "acme").await, kept_in_redis(&stack, &mut redis, "beta").await]
            .map(|kept| kept.first().expect("an answer").0.clone());
    let get = async |redis: &mut redis::aio::MultiplexedConnection, key: &str| {
        redis::cmd("GET").arg(key).query_async::<Vec<u8>>(redis).await.expect("bytes")
    };
    let (own, others) = (get(&mut redis, &acme).await, get(&mut redis, &beta).await);
    let flipped = |at: usize| {
        let mut bytes = own.clone();
        bytes[at] ^= 1;
        bytes
    };
    let wrong = [
        ("oops".into(), "text"),
        (br#"{"oops":true}"#.to_vec(), "another's JSON"),
        (br#"{"organizationId":"acme","kpis":[]}"#.to_vec(), "an answer without a frame"),
        (own[..own.len() - 1].to_vec(), "an answer that was cut off"),
        (flipped(own.len() - 30), "an answer with a flipped bit"),
        (flipped(5), "an answer of another form"),
        ([&own[..], b" "].concat(), "an answer and more"),
        (others, "another organization's answer"),
        (vec![b'{'; 100 << 20], "a hundred megabytes"),
    ];
    let expected = ask(&api, &summary_path(), "acme", &[]).await.json()["kpis"].clone();
    // It has nothing in its own memory, but asks Redis each time.
    let other = stack.api().set("LOCAL_CACHE_MB", "0").set("BUSINESS_METRICS_CACHE_TTL_SEC", "3600");
    let other = other.serve().await;
    let refused = async || other.metric("query_api_kept_refused_total", "").await;
    assert_eq!(ask(&other, &summary_path(), "acme", &[]).await.json()["kpis"], expected);
    assert_eq!(
        other.metric("query_api_answers_total", "from=\"redis\"").await,
        1.0,
        "what is right is taken"
    );
    for (number, (bytes, what)) in (1..).zip(wrong) {
        set(&mut redis, &acme, &bytes).await;
        let answer = ask(&other, &summary_path(), "acme", &[]).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.body);
        assert_eq!(answer.json()["kpis"], expected, "{what}");
        assert_eq!(refused().await, f64::from(number), "{what}");
    }
    // What was loaded instead has taken its place.
    assert_eq!(ask(&other, &summary_path(), "acme", &[]).await.json()["kpis"], expected);
    assert_eq!(other.metric("query_api_answers_total", "from=\"redis\"").await, 2.0);
    let peak = other.peak_memory();
    assert!(peak < 100 << 20, "{peak} bytes at most, though Redis had more");
    assert_eq!(other.stop().await, Some(0));
}

/// Asks so many questions of that many hours, eight at a time; their answers.
async fn flood(api: &Arc<Api>, organization: &'static str, questions: i64, hours: i64) -> Vec<Answer> {
    let mut answers = Vec::new();
    for first in (0..questions).step_by(8) {
        let asked = (first..questions.min(first + 8)).map(|number| {
            let api = Arc::clone(api);
            let path = path("trends", yesterday() - Duration::hours(number), hours);
            tokio::spawn(async move { ask(&api, &path, organization, &[]).await })
        });
        for asked in asked.collect::<Vec<_>>() {
            answers.push(asked.await.expect("an answer"));
        }
    }
    answers
}

#[tokio::test]
async fn a_flood_of_one_organization_evicts_no_answer_of_anothers() {
    let stack = Stack::start().await;
    let api = stack.api().set("RATE_LIMIT_PER_SECOND", "0").set("LOCAL_CACHE_MB", "2");
    // Only a lack of room can end what is kept here.
    let api = api.set("BUSINESS_METRICS_CACHE_TTL_SEC", "3600").set("LOCAL_CACHE_TTL", "1h");
    let api = Arc::new(api.serve().await);
    let quiet = async || {
        for hours in 1..=50 {
            assert_eq!(ask(&api, &path("summary", yesterday(), hours), "quiet", &[]).await.status, 200);
        }
    };
    let fetched = async || {
        api.metric("query_api_answers_total", "from=\"postgresql\"").await
            + api.metric("query_api_answers_total", "from=\"redis\"").await
    };
    quiet().await;
    let answers = flood(&api, "loud", 80, DEAR_HOURS).await;
    let bytes: usize = answers.iter().map(|answer| answer.body.len()).sum();
    assert!(bytes > 8 << 20, "{bytes} bytes would not fill the memory");
    let before = fetched().await;
    quiet().await;
    assert_eq!(fetched().await - before, 0.0, "so many of 50 answers were evicted by another organization");
    // What it asked last is kept for the loud one, too.
    ask(&api, &path("trends", yesterday() - Duration::hours(79), DEAR_HOURS), "loud", &[]).await;
    assert_eq!(fetched().await - before, 0.0);
}

#[tokio::test]
async fn an_organization_keeps_no_more_in_redis_than_its_share() {
    let stack = Stack::start().await;
    let Some(mut redis) = connection(&stack).await else { return };
    let api = stack.api().set("RATE_LIMIT_PER_SECOND", "0").set("BUSINESS_METRICS_CACHE_TTL_SEC", "3600");
    let api = Arc::new(api.set("SHARED_CACHE_MB", "2").serve().await);
    let answers = flood(&api, "loud", 60, DEAR_HOURS).await;
    let bytes: usize = answers.iter().map(|answer| answer.body.len()).sum();
    let kept: usize = kept_in_redis(&stack, &mut redis, "loud").await.iter().map(|(_, bytes)| bytes).sum();
    assert!(bytes > 5 << 20 && kept > 1 << 20, "{kept} of {bytes} bytes are kept");
    assert!(kept < 5 << 19, "{kept} bytes are kept");
    assert!(api.metric("query_api_kept_over_share_total", "").await > 1.0);
    ask(&api, &summary_path(), "quiet", &[]).await;
    // It is kept after it was given.
    let kept = wait::until("another's share to be its own", SEEN_LIMIT, async || {
        let kept = kept_in_redis(&stack, &mut redis, "quiet").await.len();
        Ok(Seen::when(kept == 1, format!("{kept} answers")))
    });
    kept.await.expect("an answer in Redis");
}

/// What is left of the organization's rate, as an answer says.
pub fn left(answer: &Answer) -> i64 {
    let limit = answer.header("ratelimit");
    let left = limit.strip_prefix(r#""organization";r="#).and_then(|rest| rest.split(';').next());
    left.and_then(|left| left.parse().ok()).unwrap_or_else(|| panic!("{limit:?} in {:?}", answer.headers))
}

#[tokio::test]
async fn a_dear_question_takes_more_of_the_rate_than_a_cheap_one() {
    let stack = Stack::start().await;
    let api = Arc::new(stack.api().set("RATE_LIMIT_PER_SECOND", "20").serve().await);
    let dear = path("trends", yesterday(), 80 * 24);
    let begun = Instant::now();
    let cold = ask(&api, &dear, "acme", &[]).await;
    assert_eq!((cold.status, cold.header("ratelimit-policy")), (200, r#""organization";q=20;w=1"#));
    // One for the request, and four for two times 80 days of hours.
    let most = 20.0 - 5.0 + 20.0 * begun.elapsed().as_secs_f64();
    assert!(left(&cold) <= most as i64, "{most}, {:?}", cold.headers);
    // Another organization has its own.
    let first = ask(&api, &summary_path(), "other", &[]).await;
    assert!(left(&first) >= 18, "{:?}", first.headers);

    // Who asks again takes one.
    let again = ask(&api, &dear, "acme", &[]).await;
    assert!(again.status == 200 && left(&again) >= left(&cold) - 1, "{:?}", again.headers);
    let known = ask(&api, &dear, "acme", &[("if-none-match", "*")]).await;
    assert_eq!(known.status, 304);
    assert!(left(&known) >= 0 && !known.header("ratelimit-policy").is_empty());

    let answers = flood(&api, "loud", 40, 8 * DEAR_HOURS).await;
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!(answers.iter().any(|answer| answer.status == 200) && !refused.is_empty());
    for answer in refused {
        assert!(answer.header("retry-after").parse::<u64>().expect("seconds") >= 1);
        assert!(answer.header("ratelimit").starts_with(r#""organization";r=0;t="#), "{:?}", answer.headers);
    }
    assert_eq!(ask(&api, &path("summary", yesterday(), 5), "other", &[]).await.status, 200);
}

#[tokio::test]
async fn an_answer_is_compressed_once_for_all_who_take_that_form() {
    let stack = Stack::start().await;
    let api = stack.api().set("BUSINESS_METRICS_CACHE_TTL_SEC", "3600").set("LOCAL_CACHE_TTL", "1h");
    let api = api.serve().await;
    let path = path("trends", yesterday(), DEAR_HOURS);
    let ask = async |token: u32, encodings: &str| {
        let token = Token::of("acme").claim("jti", token).sign();
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", &*authorization), ("accept-encoding", encodings)];
        let answer = api.get_with(&path, &headers).await;
        assert_eq!((answer.status, answer.header("vary").contains("accept-encoding")), (200, true));
        answer.header("content-encoding").to_owned()
    };
    for token in 0..3 {
        assert_eq!(ask(token, "gzip").await, "gzip");
        assert_eq!(ask(token, "gzip, deflate;q=0.5").await, "gzip");
        assert_eq!(ask(token, "gzip, deflate, br").await, "br");
        assert_eq!(ask(token, "br;q=0.1, gzip;q=0.9").await, "gzip");
        assert_eq!(ask(token, "identity").await, "");
        assert_eq!(ask(token, "gzip;q=0").await, "");
    }
    for encoding in ["gzip", "br"] {
        let made = api.metric("query_api_compressions_total", &format!("encoding=\"{encoding}\"")).await;
        assert_eq!(made, 1.0, "{encoding}");
    }
}

#[tokio::test]
async fn a_client_that_has_the_numbers_is_told_so_however_often_they_are_loaded() {
    let stack = Stack::start().await;
    let consumer = stack.consumer().start().await;
    stack.produce(orders("acme", 5)).await;
    // Since when there are records is part of the numbers, and doesn't change with what is counted later.
    stack.produce(plain([Message::order("acme", "first", yesterday() - Duration::days(5))])).await;
    stack.until_idle().await;
    let api = stack.api().set("BUSINESS_METRICS_CACHE_TTL_SEC", "1").set("LOCAL_CACHE_TTL", "1s");
    let api = api.serve().await;
    let first = wait::until("numbers that are complete", SEEN_LIMIT, async || {
        let answer = ask(&api, &summary_path(), "acme", &[]).await;
        let json = answer.json();
        let is_complete = json["completeThrough"].is_string() && json["kpis"][0]["value"] == 5;
        Ok(if is_complete { Seen::Ready(answer) } else { Seen::NotYet(answer.body) })
    });
    let first = first.await.expect("an answer");
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    assert_eq!(first.header("complete-through"), first.json()["completeThrough"]);
    assert_eq!(first.header("generated-at"), first.json()["generatedAt"]);
    let known = async || ask(&api, &summary_path(), "acme", &[("if-none-match", &tag)]).await;
    // Loaded anew, after its time.
    let anew = wait::until("an answer to be loaded anew", SEEN_LIMIT, async || {
        let answer = known().await;
        assert_eq!((answer.status, &*answer.body), (304, ""));
        Ok(Seen::when(
            answer.header("generated-at") > first.header("generated-at"),
            answer.header("generated-at"),
        ))
    });
    anew.await.expect("another instant");

    // A commit that touches another day.
    stack.produce(plain([Message::order("acme", "other day", yesterday() - Duration::days(4))])).await;
    stack.until_idle().await;
    let further = wait::until("the promise to go on", SEEN_LIMIT, async || {
        let answer = known().await;
        assert_eq!((answer.status, answer.header("etag")), (304, &*tag));
        let through = answer.header("complete-through");
        Ok(Seen::when(through > first.header("complete-through"), through))
    });
    further.await.expect("numbers that are complete for longer");

    // One that touches these numbers.
    stack.produce(plain([Message::order("acme", "this day", yesterday())])).await;
    stack.until_idle().await;
    let changed = wait::until("other numbers", SEEN_LIMIT, async || {
        let answer = known().await;
        Ok(Seen::when(answer.status == 200, format!("{}", answer.status)))
    });
    changed.await.expect("other numbers");
    assert_eq!(consumer.stop().await, Some(0));
}

#[tokio::test]
async fn one_slow_question_makes_no_other_stale() {
    let runs =
        (0..4).map(|n| Message::workflow("acme", &format!("w{n}"), yesterday(), Outcome::Success, 100));
    let stack = counted(plain(runs)).await;
    let api = stack.api().set("BUSINESS_METRICS_CACHE_TTL_SEC", "1").set("LOCAL_CACHE_TTL", "1s");
    let api = api.set("STALE_AFTER", "1s").serve().await;
    let health = path("workflow-health", yesterday() + Duration::hours(1), 1);
    for path in [&health, &summary_path()] {
        assert_eq!(ask(&api, path, "acme", &[]).await.status, 200);
    }
    let mut client = stack.client().await;
    let lock = client.transaction().await.expect("a transaction");
    lock.batch_execute("lock table workflow_hourly_metrics in access exclusive mode").await.expect("a lock");
    let is_stale = |answer: &Answer| answer.json().get("stale") == Some(&json!(true));
    let mut slow = 0;
    let seen = wait::until("slow answers beside fresh ones", SEEN_LIMIT, async || {
        slow += i32::from(is_stale(&ask(&api, &health, "acme", &[]).await));
        let summary = ask(&api, &summary_path(), "acme", &[]).await;
        assert!(summary.status == 200 && !is_stale(&summary), "{} {}", summary.status, summary.body);
        Ok(Seen::when(slow >= 10, format!("{slow} stale answers")))
    });
    seen.await.expect("stale answers");
    lock.rollback().await.expect("the end of a lock");
}
