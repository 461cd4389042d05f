//! The query API's connections to PostgreSQL: what one organization's loads do to them is no other's trouble, and dead ones are
//! found.

use crate::telling::{count, counted, orders, text, until_waiting_for_locks, yesterday};
use crate::webhooks::{endpoint, payments, send, telling, with_a_warning};
use chrono::{DateTime, Duration, Utc};
use domain::BucketSize;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use stack::Service;
use stack::wait::{self, Seen};
use std::sync::Arc;
use std::time::{Duration as StdDuration, Instant};
use tests::{Answer, Api, Launch, Receiver, Stack, Token};
use tokio::task::JoinHandle;
use tokio_postgres::Client;

/// For how long others are watched while an organization's loads hang: several probes of PostgreSQL.
const WATCHED_FOR: StdDuration = StdDuration::from_secs(9);

/// How long it may take until connections that fell silent are found: a load's whole time, and a new connection.
const FOUND_LIMIT: StdDuration = StdDuration::from_secs(15);

/// How long it may take until what nobody asks for goes on after that: several times what work may take that isn't a load.
const GOES_ON_LIMIT: StdDuration = StdDuration::from_secs(60);

/// How long it may take until a session waits for a lock.
const HANGS_LIMIT: StdDuration = StdDuration::from_secs(30);

/// A question that was not asked before: the `hours` hours until the last midnight but one.
async fn ask(api: &Api, organization: &str, endpoint: &str, hours: i64) -> Answer {
    let to: DateTime<Utc> = BucketSize::Day.floor(yesterday());
    let range = format!("from={}&to={}", text(to - Duration::hours(hours)), text(to));
    api.get(&format!("/metrics/{endpoint}?{range}"), &Token::of(organization).sign()).await
}

/// The same, without waiting for the answer.
fn begin(
    api: &Arc<Api>,
    organization: &'static str,
    endpoint: &'static str,
    hours: i64,
) -> JoinHandle<Answer> {
    let api = Arc::clone(api);
    tokio::spawn(async move { ask(&api, organization, endpoint, hours).await })
}

/// A lock that every reader of the table waits for, until the session ends.
async fn lock(stack: &Stack, table: &str) -> Client {
    let client = stack.client().await;
    let lock = format!("begin; lock table {table} in access exclusive mode");
    client.batch_execute(&lock).await.expect("a lock");
    client
}

/// An API whose loads have so many connections.
fn with_connections<'a>(stack: &'a Stack, connections: &str) -> Launch<'a> {
    stack.api().set("DATABASE_POOL_SIZE", connections).set("RATE_LIMIT_PER_SECOND", "0")
}

#[tokio::test]
async fn a_load_that_is_given_up_leaves_no_work_in_its_connection() {
    let stack = counted(orders("acme", 5)).await;
    let launch = with_connections(&stack, "1").set("LOAD_TIMEOUT", "1s");
    let mut api = launch.set("DATABASE_STATEMENT_TIMEOUT", "60s").serve().await;
    api.until_ready().await;
    // Its statements are prepared, so that later ones are sent at once.
    assert_eq!(ask(&api, "acme", "delivery-health", 1).await.status, 200);
    let locked = lock(&stack, "channel_hourly_metrics").await;
    for hours in 2..5 {
        assert_eq!(ask(&api, "acme", "delivery-health", hours).await.status, 503);
        let other = ask(&api, "beta", "summary", hours).await;
        assert_eq!(other.status, 200, "{}", other.body);
        assert_eq!(api.admin("/readyz").await.status, 200);
    }
    until_waiting_for_locks(&stack, 0).await;
    drop(locked);
    assert_eq!(api.stop().await, Some(0));
}

#[tokio::test]
async fn a_load_that_fails_leaves_no_work_in_its_connection() {
    let stack = counted(orders("acme", 5)).await;
    // The first of its statements fails, and the others would each wait for as long.
    let launch = with_connections(&stack, "1").set("LOAD_TIMEOUT", "2s");
    let mut api = launch.set("DATABASE_STATEMENT_TIMEOUT", "1s").serve().await;
    api.until_ready().await;
    assert_eq!(ask(&api, "acme", "workflow-health", 1).await.status, 200);
    let locked = lock(&stack, "workflow_hourly_metrics").await;
    for hours in 2..5 {
        assert_eq!(ask(&api, "acme", "workflow-health", hours).await.status, 503);
        let other = ask(&api, "beta", "summary", 24 * (3 + hours)).await;
        assert_eq!(other.status, 200, "{}", other.body);
    }
    until_waiting_for_locks(&stack, 0).await;
    drop(locked);
    assert_eq!(api.stop().await, Some(0));
}

#[tokio::test]
async fn an_organization_whose_loads_hang_leaves_connections_to_others_and_the_probe() {
    let stack = counted(orders("acme", 5)).await;
    let launch = with_connections(&stack, "4").set("DATABASE_POOL_SHARE", "3");
    let launch = launch.set("DATABASE_STATEMENT_TIMEOUT", "60s").set("LOAD_TIMEOUT", "60s");
    let mut api = launch.set("REQUEST_TIMEOUT", "60s").serve().await;
    api.until_ready().await;
    let api = Arc::new(api);
    let locked = lock(&stack, "channel_hourly_metrics").await;
    let flood: Vec<_> = (1..=40).map(|hours| begin(&api, "acme", "delivery-health", hours)).collect();
    let client = stack.client().await;
    let hanging = wait::until("loads to hang", HANGS_LIMIT, async || {
        let waiting = waiting_for_locks(&client).await;
        Ok(Seen::when(waiting >= 3, format!("{waiting} do")))
    });
    hanging.await.expect("loads that hang");
    let until = Instant::now() + WATCHED_FOR;
    let mut hours = 1;
    while Instant::now() < until {
        let asked: Vec<_> = (hours..hours + 9).map(|hours| begin(&api, "beta", "summary", hours)).collect();
        for other in asked {
            let other = other.await.expect("an answer");
            assert_eq!(other.status, 200, "{}", other.body);
        }
        let ready = api.admin("/readyz").await;
        assert_eq!((ready.status, ready.json().get("warnings")), (200, None), "{}", ready.body);
        assert_eq!(waiting_for_locks(&client).await, 3, "an organization's share");
        hours += 9;
    }
    drop(locked);
    for answer in flood {
        assert!([200, 503].contains(&answer.await.expect("an answer").status));
    }
}

async fn waiting_for_locks(client: &Client) -> i64 {
    let query = "select count(*) from pg_stat_activity
                 where datname = current_database() and wait_event_type = 'Lock'";
    client.query_one(query, &[]).await.expect("a count").get(0)
}

/// Sessions of a PostgreSQL of one's own that are stopped, until this is dropped. Others of the same server may wait for them, if
/// they make or drop a database for one.
pub struct Stopped(Vec<Pid>);

impl Stopped {
    /// Stops the sessions of which this is true in `pg_stat_activity`. Fails if there is none.
    pub async fn sessions(stack: &Stack, condition: &str) -> Self {
        let pids = format!("select pid from pg_stat_activity where {condition}");
        let rows = stack.client().await.query(&pids, &[]).await.expect("sessions");
        let pids: Vec<Pid> = rows.iter().filter_map(|row| Pid::from_raw(row.get(0))).collect();
        assert!(!pids.is_empty(), "no session is one: {condition}");
        for pid in &pids {
            kill_process(*pid, Signal::STOP).expect("a session that can be stopped");
        }
        Self(pids)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        for pid in &self.0 {
            // It may have ended.
            let _ = kill_process(*pid, Signal::CONT);
        }
    }
}

/// Asks what was not asked before, from so many hours on, until there is an answer and PostgreSQL counts as reachable.
async fn until_answered(api: &Api, mut hours: i64) {
    let answered = wait::until("an answer, and PostgreSQL to be up", FOUND_LIMIT, async || {
        hours += 1;
        let answer = ask(api, "acme", "summary", hours).await;
        let up = api.metric("query_api_postgresql_up", "").await;
        Ok(Seen::when(answer.status == 200 && up == 1.0, format!("{} and {up}", answer.status)))
    });
    answered.await.expect("an answer by new connections");
}

#[tokio::test]
async fn sessions_that_are_stopped_are_found_and_replaced_within_seconds() {
    let stack = Stack::with_own(Service::Postgres).await;
    if stack.postgres().server().is_none() {
        return;
    }
    stack.produce(orders("acme", 5)).await;
    count(&stack).await;
    let mut api = with_connections(&stack, "1").serve().await;
    api.until_ready().await;
    assert_eq!(ask(&api, "acme", "summary", 1).await.status, 200);
    let stopped = Stopped::sessions(&stack, "application_name = 'query-api'").await;
    until_answered(&api, 100).await;
    drop(stopped);
    assert_eq!(api.stop().await, Some(0));
}

#[tokio::test]
async fn connections_of_which_a_proxy_swallows_everything_are_found_and_replaced_within_seconds() {
    let stack = counted(orders("acme", 5)).await;
    let proxy = stack.proxy();
    let mut api = with_connections(&stack, "4").through(&proxy).serve().await;
    api.until_ready().await;
    let api = Arc::new(api);
    for hours in [100, 200, 300] {
        until_answered(&api, hours).await;
        // Both at once, so that there is more than one connection.
        let both = [begin(&api, "acme", "trends", hours), begin(&api, "beta", "trends", hours)];
        for answer in both {
            assert_eq!(answer.await.expect("an answer").status, 200);
        }
        proxy.silence_all();
    }
    until_answered(&api, 400).await;
}

/// Sets acme's thresholds to what they are, again and again until it is done.
async fn until_set(api: &Api) {
    let done = wait::until("a setting to be changed", GOES_ON_LIMIT, async || {
        let answer = set(api).await;
        Ok(Seen::when(answer.status == 200, format!("{}: {}", answer.status, answer.body)))
    });
    done.await.expect("a setting that is changed");
}

async fn set(api: &Api) -> Answer {
    send(api, "PUT", "/settings/thresholds", "acme", Some(json!({ "thresholds": {} }))).await
}

#[tokio::test]
async fn webhooks_streams_and_changes_go_on_by_themselves_after_a_proxy_has_swallowed_everything() {
    let (stack, receiver) = (with_a_warning().await, Receiver::start().await);
    let proxy = stack.proxy();
    // Without Redis webhooks and streams read versions from PostgreSQL: all connections are in use all the time, so none is found by being
    // silent.
    let launch = telling(&stack).without("REDIS_URL").set("DATABASE_STATEMENT_TIMEOUT", "2s");
    let mut api = launch.through(&proxy).serve().await;
    api.until_ready().await;
    endpoint(&api, "acme", &receiver.url()).await;
    receiver.until(1).await;
    let mut listening = api.listen(&Token::of("acme").sign(), &[]).await;
    assert_eq!(listening.event().await.id, "100", "its payments");
    for (told, numbers, successful) in [(2, 100..200_usize, false), (3, 200..4_200, true)] {
        let version = numbers.end.to_string();
        until_set(&api).await;
        proxy.silence_all();
        // It may fail, but takes the connection of the change before along.
        set(&api).await;
        stack.produce(payments("acme", numbers, successful)).await;
        count(&stack).await;
        receiver.until(told).await;
        let heard = async { while listening.event().await.id != version {} };
        tokio::time::timeout(GOES_ON_LIMIT, heard).await.expect("a stream that goes on");
    }
    // There are two connections for changes, and both were swallowed.
    until_set(&api).await;
}
