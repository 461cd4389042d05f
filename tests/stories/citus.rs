//! Many nodes: the tables by organization are distributed over a Citus cluster, and every promise is kept. Skipped unless
//! CITUS_URL names a coordinator.

use crate::completeness::{PROMISE_LIMIT, uncached, until_promised};
use crate::operators::{answer, operate};
use crate::recount::EQUAL;
use crate::telling::{orders, orders_created, text, yesterday};
use crate::webhooks;
use chrono::{Duration, Utc};
use domain::Counters;
use load::{Load, Produced};
use serde_json::Value;
use stack::DatabaseUrl;
use stack::wait::{self, Seen};
use std::time::Duration as StdDuration;
use tests::{Api, Ended, Receiver, Stack, Token};

/// Tables by organization.
const TABLES: i64 = 13;

/// The name of a transaction that a worker has prepared.
const DOUBTFUL: &str = "citus_0_1_1000000007_1";

/// How long moving all rows may take.
const MOVE_LIMIT: StdDuration = StdDuration::from_secs(180);

fn mixed(seed: u64, records: u64, stack: &Stack) -> Vec<Produced> {
    Load { records, partitions: stack.partitions(), ..Load::mixed(seed, Utc::now()) }.records().collect()
}

/// Runs `consumer migrate --distribute`.
async fn distribute(stack: &Stack) {
    let ended = operate(stack, &["migrate", "--distribute"]).await;
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(distributed(stack).await, TABLES, "{ended:#?}");
}

/// How many tables are distributed by organization, all in one place.
async fn distributed(stack: &Stack) -> i64 {
    let query = "select count(*) from citus_tables where citus_table_type = 'distributed'
                 and distribution_column = 'organization_id'
                 and colocation_id = (select max(colocation_id) from citus_tables where citus_table_type = 'distributed')";
    stack.client().await.query_one(query, &[]).await.expect("tables").get(0)
}

/// Both of the books agree, and the log with them.
async fn books_agree(stack: &Stack) {
    let audit = answer(stack, &["audit"]).await;
    assert!(audit.contains("the books agree"), "{audit}");
    assert!(answer(stack, &["recount"]).await.contains(EQUAL));
}

fn refused(ended: &Ended, why: &str) {
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let said = format!("{}{}", ended.output, ended.errors);
    assert!(said.contains("nothing is distributed") && said.contains(why), "{said}");
}

#[tokio::test]
async fn a_server_that_is_no_cluster_is_told_from_one() {
    let stack = Stack::start().await;
    refused(&operate(&stack, &["migrate", "--distribute"]).await, "the database is no Citus");
    refused(&operate(&stack, &["migrate", "--distribute", "--dry-run"]).await, "the database is no Citus");
}

#[tokio::test]
async fn an_upgrade_must_be_finished_before_tables_are_distributed() {
    let Some(stack) = Stack::with_nodes().await else { return };
    let client = stack.client().await;
    client
        .batch_execute("update ledger_floor set finished = 8")
        .await
        .expect("an upgrade that is not finished");
    refused(&operate(&stack, &["migrate", "--distribute"]).await, "consumer migrate --finish");
    assert_eq!(distributed(&stack).await, 0);
}

#[tokio::test]
async fn a_fresh_database_is_distributed_and_members_that_are_killed_count_exactly() {
    let Some(stack) = Stack::with_nodes().await else { return };
    let dry = operate(&stack, &["migrate", "--distribute", "--dry-run"]).await;
    assert_eq!((dry.code, distributed(&stack).await), (Some(0), 0), "{dry:#?}");
    distribute(&stack).await;
    distribute(&stack).await;

    let records = mixed(31, 60_000, &stack);
    let (first, second) = records.split_at(30_000);
    let slow = async || stack.consumer().set("BATCH_RECORDS_MAX", "2000").start().await;
    let (one, other) = (slow().await, slow().await);
    stack.produce(first.to_vec()).await;
    stack.until_some_are_counted().await;
    one.kill();
    stack.produce(second.to_vec()).await;
    let third = slow().await;
    stack.until_idle().await;
    stack.agrees_with(&records).await;
    books_agree(&stack).await;
    assert_eq!(other.stop().await, Some(0));
    assert_eq!(third.stop().await, Some(0));
}

#[tokio::test]
async fn a_database_in_use_is_distributed_while_members_count() {
    let Some(stack) = Stack::with_nodes().await else { return };
    let records = mixed(32, 60_000, &stack);
    let (first, second) = records.split_at(20_000);
    let members = [stack.consumer().start().await, stack.consumer().start().await];
    stack.produce(first.to_vec()).await;
    stack.until_idle().await;
    let moving = stack.consumer().command(&["migrate", "--distribute"]).begin();
    let mut rest = second.chunks(500);
    let moved = wait::until("all tables to be distributed", MOVE_LIMIT, async || {
        stack.produce(rest.next().unwrap_or_default().to_vec()).await;
        let tables = distributed(&stack).await;
        Ok(Seen::when(tables == TABLES, format!("{tables} are: {}", moving.log_tail())))
    });
    moved.await.expect("tables that are distributed");
    stack.produce(rest.flatten().cloned()).await;
    stack.until_idle().await;
    stack.agrees_with(&records).await;
    books_agree(&stack).await;
    for member in members {
        assert_eq!(member.stop().await, Some(0));
    }
}

#[tokio::test]
async fn an_organization_is_erased_from_all_nodes_while_members_count() {
    let Some(stack) = Stack::with_nodes().await else { return };
    distribute(&stack).await;
    let erase = ["erase", "--organization", "org_0001", "--yes", "--despite-lag"];
    let member = stack.consumer().start().await;
    stack.produce(mixed(35, 20_000, &stack)).await;
    stack.until_some_are_counted().await;
    answer(&stack, &erase).await;
    stack.until_idle().await;
    assert_eq!(member.stop().await, Some(0));
    books_agree(&stack).await;
    answer(&stack, &erase).await;
    stack.counts("org_0001").await.are(Counters::default());
    books_agree(&stack).await;
}

/// Crashes a node's server: one of its processes is killed, so all of them end, and it recovers from its log.
async fn crash(node: &DatabaseUrl) {
    let killed = node
        .connect()
        .await
        .expect("a node")
        .batch_execute("copy (select 1) to program 'kill -9 $PPID'")
        .await;
    assert!(killed.is_err_and(|error| error.as_db_error().is_none()), "the server has no time to answer");
    let recovered = wait::until("the node to recover", MOVE_LIMIT, async || {
        Ok(node.connect().await.map_or_else(|error| Seen::NotYet(format!("{error:#}")), |_| Seen::Ready(())))
    });
    recovered.await.expect("a node that has recovered");
}

#[tokio::test]
async fn nodes_that_crash_in_mid_commit_lose_nothing_and_count_nothing_twice() {
    let Some(stack) = Stack::with_nodes().await else { return };
    distribute(&stack).await;
    let records = mixed(34, 60_000, &stack);
    let slow = async || stack.consumer().set("BATCH_RECORDS_MAX", "1000").start().await;
    let members = [slow().await, slow().await];
    for (turn, chunk) in records.chunks(12_000).enumerate() {
        stack.produce(chunk.to_vec()).await;
        stack.until_some_are_counted().await;
        crash(&if turn % 2 == 0 { stack.worker() } else { stack.database().clone() }).await;
    }
    stack.until_idle().await;
    stack.agrees_with(&records).await;
    books_agree(&stack).await;
    let prepared = "select count(*) from pg_prepared_xacts where database = current_database()";
    let none_left = wait::until("everything prepared to be committed", MOVE_LIMIT, async || {
        let left: i64 = stack.worker().connect().await?.query_one(prepared, &[]).await?.get(0);
        Ok(Seen::when(left == 0, format!("{left} are prepared")))
    });
    none_left.await.expect("no prepared transaction");
    for member in members {
        assert_eq!(member.stop().await, Some(0));
    }
}

/// An answer without the times at which it was made.
async fn ask(api: &Api, organization: &str, path: &str) -> Value {
    let answer = api.get(path, &Token::of(organization).sign()).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    let mut json = answer.json();
    for time in ["generatedAt", "completeThrough"] {
        json.as_object_mut().expect("an object").remove(time);
    }
    json
}

/// Waits until the numbers of the range are complete.
async fn until_complete(api: &Api, from: &str, to: &str) {
    let path = format!("/metrics/summary?from={from}&to={to}");
    let complete = wait::until("numbers that are complete", PROMISE_LIMIT, async || {
        let answer = api.get(&path, &Token::of("nobody").sign()).await.json();
        let through = answer["completeThrough"].as_str().unwrap_or_default();
        Ok(Seen::when(through >= to, through.to_owned()))
    });
    complete.await.expect("a promise");
}

#[tokio::test]
async fn answers_are_those_of_one_server() {
    let Some(stack) = Stack::with_nodes().await else { return };
    distribute(&stack).await;
    let records = mixed(33, 20_000, &stack);
    let one = Stack::start().await;
    let mut members = Vec::new();
    for stack in [&stack, &one] {
        stack.produce(records.iter().cloned()).await;
        members.push(stack.consumer().start().await);
        stack.until_idle().await;
    }
    let (nodes, server) = (stack.api().serve().await, one.api().serve().await);
    let (from, to) = (text(yesterday() - Duration::days(3)), text(yesterday()));
    // What insights have judged depends on how far the numbers are complete.
    for api in [&nodes, &server] {
        until_complete(api, &from, &to).await;
    }
    let organizations =
        "select organization_id from org_daily_metrics group by 1 order by sum(messages_sent) desc limit 3";
    for row in stack.client().await.query(organizations, &[]).await.expect("organizations") {
        for question in [
            "summary?",
            "trends?",
            "trends?granularity=hour&",
            "trends?timezone=Asia/Kathmandu&",
            "workflow-health?",
            "workflow-health?sort=p95_execution_time_ms&",
            "insights?",
            "trends?workflow=checkout&",
            "failures?limit=100&",
            // The group of failures without a message.
            "failures?group=d1fba762150c532c&",
            "failure-groups?",
            "failure-groups?workflow=checkout&",
            "delivery-health?",
            "delivery-health?channel=email&",
        ] {
            let path = format!("/metrics/{question}from={from}&to={to}");
            let (here, there) = (ask(&nodes, row.get(0), &path).await, ask(&server, row.get(0), &path).await);
            assert_eq!(here, there, "{path}");
        }
    }
    for member in members {
        assert_eq!(member.stop().await, Some(0));
    }
}

#[tokio::test]
async fn nothing_is_promised_that_a_worker_has_not_committed() {
    let Some(stack) = Stack::with_nodes().await else { return };
    distribute(&stack).await;
    let api = uncached(&stack).await;
    let member = stack.consumer().start().await;
    stack.produce(orders("acme", 100)).await;
    until_promised(&api, Utc::now(), 100).await;

    // What a commit leaves whose coordinator committed and whose worker was away then. The open transaction keeps the coordinator
    // from recovering it.
    let (coordinator, worker) = (stack.client().await, stack.worker().connect().await.expect("a worker"));
    let held_up = "begin; select recover_prepared_transactions()";
    coordinator.batch_execute(held_up).await.expect("a recovery that holds others up");
    let prepare = format!("begin; create table doubtful (a integer); prepare transaction '{DOUBTFUL}'");
    worker.batch_execute(&prepare).await.expect("a prepared transaction");
    let committed = format!("insert into pg_dist_transaction (groupid, gid) values (1, '{DOUBTFUL}')");
    stack.client().await.batch_execute(&committed).await.expect("its commit");

    stack.produce(orders("acme", 150)).await;
    stack.until_idle().await;
    let held = Utc::now();
    stack.counts("acme").await.are(orders_created(150));
    let progress = "select count(*) from consumer_progress where complete_through >= $1";
    for _ in 0..20 {
        stack.produce(orders("acme", 1)).await;
        stack.until_idle().await;
        let promised: i64 = stack.client().await.query_one(progress, &[&held]).await.expect("a count").get(0);
        assert_eq!(promised, 0, "a worker has not committed yet what was committed before {held}");
    }
    worker.batch_execute(&format!("commit prepared '{DOUBTFUL}'")).await.expect("a commit");
    until_promised(&api, held, 150).await;
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn thresholds_are_set_before_and_after_tables_are_distributed() {
    let Some(stack) = Stack::with_nodes().await else { return };
    let api = stack.api().serve().await;
    let token = format!("Bearer {}", Token::of("acme").claim("scope", "settings:write metrics:read").sign());
    let headers = [("authorization", &*token), ("content-type", "application/json")];
    let set = async |warning: i32| {
        let body = format!("{{\"thresholds\":{{\"payment_success_low\":{{\"warning\":{warning}}}}}}}");
        let set = api.send(("PUT", "/settings/thresholds", &body), &headers).await;
        assert_eq!(set.status, 200, "{}", set.body);
        let summary = api.get_with("/metrics/summary", &headers[..1]).await.json();
        assert_eq!(summary["kpis"][1]["thresholds"][0]["warning"], warning, "{summary}");
    };
    set(96).await;
    distribute(&stack).await;
    set(97).await;
    let links = r#"{"run":"https://runs.example.com/{executionId}"}"#;
    assert_eq!(api.send(("PUT", "/settings/links", links), &headers).await.status, 200);
    let changes = "select count(*) from settings_changes where organization_id = 'acme'";
    let changes: i64 = stack.client().await.query_one(changes, &[]).await.expect("an audit").get(0);
    assert_eq!(changes, 3);
}

#[tokio::test]
async fn alerts_are_told_where_tables_are_distributed() {
    let Some(stack) = Stack::with_nodes().await else { return };
    distribute(&stack).await;
    let (api, receiver) = (webhooks::telling(&stack).serve().await, Receiver::start().await);
    let (path, secret) = webhooks::endpoint(&api, "acme", &receiver.url()).await;
    stack.produce(webhooks::payments("acme", 0..100, false)).await;
    let member = stack.consumer().start().await;
    stack.until_idle().await;
    let told = &receiver.until(1).await[0];
    assert_eq!((told.signatures_by(&secret), &told.json()["type"]), (1, &"alert.opened".into()));
    let deleted = webhooks::send(&api, "DELETE", &path, "acme", None).await;
    assert_eq!(deleted.status, 204, "{}", deleted.body);
    assert_eq!(member.stop().await, Some(0));
}
