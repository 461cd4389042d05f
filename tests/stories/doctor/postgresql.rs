//! PostgreSQL: away, strange, of another version, without rights or with too many, and set to lose what was committed.

use super::{Report, examine, stack, stack_with_own};
use stack::wait::{self, Seen};
use stack::{PoolMode, Role, Service};
use std::time::Duration;
use tests::Stack;

/// How long a server may take to follow its configuration.
const LIMIT: Duration = Duration::from_secs(60);

/// Has the story's database do something, as a superuser.
async fn execute(stack: &Stack, statement: &str) {
    stack
        .client()
        .await
        .batch_execute(statement)
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error:?}"));
}

async fn with_url(stack: &Stack, url: &str) -> Report {
    examine(stack.consumer().set("DATABASE_URL", url), &[]).await
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_found_and_no_password_is_told() {
    let Some(stack) = stack().await else { return };
    let report = with_url(&stack, "postgres://u:opensesame@127.0.0.1:1/d").await;
    report.finds("fault", "postgresql", &["Connection refused", "DATABASE_URL"]);
    assert!(!format!("{report:?}").contains("opensesame"), "{report:#?}");
}

#[tokio::test]
async fn a_wrong_password_or_database_is_found() {
    let Some(stack) = stack().await else { return };
    let password = stack.database().as_role("business_metrics_consumer", "opensesame");
    let report = with_url(&stack, password.as_str()).await;
    report.finds("fault", "postgresql-login", &["28P01", "password", "DATABASE_URL"]);
    assert!(!format!("{report:?}").contains("opensesame"), "{report:#?}");
    let nowhere = stack.database().database("no_such_database");
    with_url(&stack, nowhere.as_str()).await.finds("fault", "postgresql-login", &["3D000", "DATABASE_URL"]);
}

#[tokio::test]
async fn a_schema_of_another_version_is_found() {
    let Some(stack) = stack().await else { return };
    let newest = "(select max(version) from refinery_schema_history)";
    execute(
        &stack,
        &format!("create table kept as select * from refinery_schema_history where version = {newest}"),
    )
    .await;
    execute(&stack, &format!("delete from refinery_schema_history where version = {newest}")).await;
    let report = examine(stack.consumer(), &[]).await;
    report.finds("fault", "schema-older", &["lacks V", "consumer migrate"]);
    execute(&stack, "insert into refinery_schema_history select * from kept").await;
    assert_eq!(examine(stack.consumer(), &[]).await.beside(), []);
    let later = "insert into refinery_schema_history (version, name, applied_on, checksum) values (9999, 'later', now()::text, '1')";
    execute(&stack, later).await;
    let report = examine(stack.consumer(), &[]).await;
    report.finds("warning", "schema-newer", &["V9999__later", "unless you are rolling back"]);
}

#[tokio::test]
async fn an_empty_database_and_one_of_another_encoding_are_found() {
    let Some(stack) = stack().await else { return };
    let server = stack.postgres().url().connect().await.expect("a connection");
    let latin = format!("{}_latin", stack.name());
    let make = format!(
        "create database \"{latin}\" encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0"
    );
    server.batch_execute(&make).await.expect("a database");
    let empty = format!("{}_empty", stack.name());
    stack.postgres().create_database(&empty).await.expect("a database");
    let url = |name: &str| stack.database_of(Role::Consumer).database(name);
    let report = with_url(&stack, url(&empty).as_str()).await;
    report.finds("fault", "schema-older", &["V1__", "consumer migrate"]);
    let report = with_url(&stack, url(&latin).as_str()).await;
    let checks: Vec<_> = report.found.iter().map(|found| &*found.check).collect();
    assert!(checks.contains(&"postgresql-encoding") && checks.contains(&"schema-older"), "{report:#?}");
    report.says("postgresql-encoding", &["LATIN1", "UTF8"]);
}

#[tokio::test]
async fn rights_that_the_role_lacks_and_rights_without_end_are_found() {
    let Some(stack) = stack().await else { return };
    execute(&stack, "revoke insert, update on org_hourly_metrics from business_metrics_consumer").await;
    let report = examine(stack.consumer(), &[]).await;
    let words = ["INSERT on org_hourly_metrics, UPDATE on org_hourly_metrics", "deploy/roles.sql"];
    report.finds("fault", "role-rights", &words);
    execute(&stack, "grant insert, update on org_hourly_metrics to business_metrics_consumer").await;
    execute(&stack, "revoke select on refinery_schema_history from business_metrics_consumer").await;
    let report = examine(stack.consumer(), &[]).await;
    report.finds("fault", "role-rights", &["refinery_schema_history", "right"]);
    execute(&stack, "grant select on refinery_schema_history to business_metrics_consumer").await;
    let report = with_url(&stack, stack.database().as_str()).await;
    report.finds("warning", "role-superuser", &["superuser", "business_metrics_consumer"]);
}

#[tokio::test]
async fn a_pooler_of_transactions_is_found() {
    let Some(stack) = stack().await else { return };
    let Some(pooler) = stack.pooler(PoolMode::Transaction, 60).await else { return };
    let report = examine(stack.consumer().at(pooler.address()), &[]).await;
    report.finds("fault", "postgresql-pooler", &["pool_mode = session", "DATABASE_URL"]);
    let Some(pooler) = stack.pooler(PoolMode::Session, 60).await else { return };
    assert_eq!(examine(stack.consumer().at(pooler.address()), &[]).await.beside(), []);
}

#[tokio::test]
async fn too_few_connections_for_the_group_are_found() {
    let Some(stack) = stack().await else { return };
    let many = examine(stack.consumer(), &["--members", "1000"]).await;
    many.finds("fault", "connections", &["1000 members", "4001 connections", "max_connections"]);
    execute(&stack, &format!("alter database \"{}\" connection limit 9", stack.name())).await;
    assert_eq!(examine(stack.consumer(), &["--members", "2"]).await.beside(), []);
    let report = examine(stack.consumer(), &["--members", "3"]).await;
    report.finds("fault", "connections", &["3 members", "13 connections", "the database allows 9"]);
}

#[tokio::test]
async fn commits_that_a_crash_may_take_back_are_found() {
    let Some(stack) = stack().await else { return };
    execute(&stack, &format!("alter database \"{}\" set synchronous_commit = off", stack.name())).await;
    let report = examine(stack.consumer(), &[]).await;
    report.finds("fault", "durability", &["off: synchronous_commit", "crash"]);
}

#[tokio::test]
async fn a_server_that_does_not_write_through_is_found() {
    let Some(stack) = stack_with_own(Service::Postgres).await else { return };
    let client = stack.client().await;
    for setting in ["fsync", "full_page_writes"] {
        client.batch_execute(&format!("alter system set {setting} = off")).await.expect("a setting");
    }
    client.batch_execute("select pg_reload_conf()").await.expect("a signal");
    let off = wait::until("the server to follow", LIMIT, async || {
        let report = examine(stack.consumer(), &[]).await;
        let is_off = report.found.iter().any(|found| found.said.contains("off: fsync, full_page_writes"));
        Ok(if is_off { Seen::Ready(report) } else { Seen::NotYet(format!("{report:#?}")) })
    });
    off.await.expect("a finding").finds("fault", "durability", &["off: fsync, full_page_writes"]);
}

#[tokio::test]
async fn clocks_that_differ_are_found() {
    let Some(stack) = stack().await else { return };
    let fast = examine(stack.consumer().with_clock_off(3_600), &[]).await;
    fast.finds("fault", "clock", &["ahead of the database's", "NTP"]);
    let slow = examine(stack.consumer().with_clock_off(-10_800), &[]).await;
    slow.finds("fault", "clock", &["behind the database's", "NTP"]);
    let allowed = stack.consumer().with_clock_off(3_600).set("CLOCK_SKEW_MAX", "2h");
    assert_eq!(examine(allowed, &[]).await.beside(), []);
}
