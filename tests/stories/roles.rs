//! The roles of `deploy/roles.sql`: every story's binaries run as these, and they can do no more than they need.

use crate::telling::{count, counted, orders, yesterday};
use load::{Message, Produced};
use stack::Role;
use stack::wait::{self, Seen};
use std::time::Duration;
use tests::{Api, Stack};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

/// How long upkeep may take to make the days ahead.
const LIMIT: Duration = Duration::from_secs(60);

/// Partitions of the ledger, and how many of them belong to another role than their table.
const PARTITIONS: &str = "
    select count(*), count(*) filter (where c.relowner <> 'business_metrics_partitions'::regrole)
    from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'ledger_segments'::regclass";

async fn as_role(stack: &Stack, role: Role) -> Client {
    stack.database_of(role).connect().await.expect("a connection")
}

/// Fails the story unless the role lacks the right to do this.
async fn may_not(client: &Client, statement: &str) {
    let done = client.batch_execute(statement).await;
    let refused = done.as_ref().is_err_and(|error| error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE));
    assert!(refused, "{statement}: {done:?}");
}

#[tokio::test]
async fn each_role_can_do_what_it_needs_and_no_more() {
    let stack = counted(orders("acme", 10)).await;
    let (api, consumer) = (as_role(&stack, Role::Api).await, as_role(&stack, Role::Consumer).await);
    for table in ["org_daily_metrics", "organization_refusals"] {
        api.batch_execute(&format!("select * from {table}")).await.expect("what it answers with");
    }
    for table in
        ["ledger_key", "ledger_segments", "ledger_tails", "dead_letters", "dead_letter_runs", "topic_layouts"]
    {
        may_not(&api, &format!("select * from {table}")).await;
    }
    may_not(&api, "update org_daily_metrics set orders_created = 0").await;
    may_not(&api, "delete from organization_refusals").await;
    may_not(&api, "create table mine ()").await;
    // Settings are changed there, but neither forgotten nor taken out of the audit.
    let set = "insert into organization_thresholds (organization_id, revision, thresholds) values ('acme', 1, '{}')";
    api.batch_execute(&format!("set default_transaction_read_only = off; {set}"))
        .await
        .expect("its own table");
    let audit = "insert into settings_changes (organization_id, setting, revision, before, after)
                 values ('acme', 'thresholds', 1, '{}', '{}')";
    api.batch_execute(audit).await.expect("a line of the audit");
    for table in ["organization_thresholds", "organization_links"] {
        api.batch_execute(&format!("select * from {table}")).await.expect("its own tables");
        may_not(&api, &format!("delete from {table}")).await;
    }
    for what in ["select * from", "delete from"] {
        may_not(&api, &format!("{what} settings_changes")).await;
    }
    may_not(&api, "update settings_changes set changed_by = 'nobody'").await;
    for table in ["settings_changes", "organization_thresholds", "organization_links"] {
        may_not(&consumer, &format!("select * from {table}")).await;
        may_not(&consumer, &format!("delete from {table}")).await;
    }
    for table in ["webhook_endpoints", "webhook_deliveries", "alert_states"] {
        api.batch_execute(&format!("select * from {table}")).await.expect("what it sends by");
        may_not(&consumer, &format!("select * from {table}")).await;
    }
    let eraser = as_role(&stack, Role::Eraser).await;
    for what in [
        "select payload from dead_letters",
        "select secret from webhook_endpoints",
        "select * from ledger_key",
    ] {
        may_not(&eraser, what).await;
    }
    for what in [
        "update org_hourly_metrics set orders_created = 0",
        "delete from erasures",
        "delete from ledger_tails",
    ] {
        may_not(&eraser, what).await;
    }
    for table in ["erasures", "erasure_boundaries"] {
        consumer.batch_execute(&format!("select * from {table}")).await.expect("what the audit reads");
        may_not(&consumer, &format!("delete from {table}")).await;
        may_not(&api, &format!("select * from {table}")).await;
    }
    may_not(&consumer, "drop table org_daily_metrics").await;
    may_not(&consumer, "alter table org_daily_metrics add column mine text").await;
    may_not(&consumer, "update ledger_key set key = key").await;
    may_not(&consumer, "delete from refinery_schema_history").await;
}

#[tokio::test]
async fn a_database_that_a_superuser_migrated_is_turned_over_to_the_roles() {
    let stack = Stack::start().await;
    let name = format!("{}_before", stack.name());
    let url = stack.postgres().create_migrated(&name).await.expect("a database");
    let client = url.connect().await.expect("a connection");
    let made = "create table ledger_segments_20200101 partition of ledger_segments for values from ('2020-01-01') to ('2020-01-02')";
    client.batch_execute(made).await.expect("a day");
    for _ in 0..2 {
        url.grant_roles().await.expect("roles");
    }
    let database = |role| url.of(role).as_str().to_owned();
    let migrated =
        stack.consumer().command(&["migrate"]).set("DATABASE_URL", database(Role::Owner)).run().await;
    assert_eq!(migrated.code, Some(0), "{migrated:#?}");
    let mut member = stack.consumer().set("DATABASE_URL", database(Role::Consumer)).start().await;
    let mut api = stack.api().set("DATABASE_URL", database(Role::Api)).serve().await;
    member.until_ready().await;
    api.until_ready().await;
    let made = wait::until("the days ahead to be made and the old one to be dropped", LIMIT, async || {
        let row = client.query_one(PARTITIONS, &[]).await?;
        let (partitions, others): (i64, i64) = (row.get(0), row.get(1));
        let old: bool =
            client.query_one("select to_regclass('ledger_segments_20200101') is not null", &[]).await?.get(0);
        Ok(Seen::when(
            partitions >= 3 && others == 0 && !old,
            format!("{partitions}, {others} of others, {old}"),
        ))
    });
    made.await.expect("partitions of their table's owner");
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn a_right_that_the_next_migration_needs_is_there() {
    let stack = counted(orders("acme", 10)).await;
    stack
        .produce([Produced::plain(Message::order("acme", "late", yesterday() - chrono::Duration::days(9)))])
        .await;
    count(&stack).await;
    // Of a partitioned table, too, whose partitions the consumer has made: whoever alters the table alters them, and must own them.
    let partitions: i64 = stack.client().await.query_one(PARTITIONS, &[]).await.expect("a count").get(0);
    assert!(partitions >= 3, "{partitions} partitions");
    let owner = as_role(&stack, Role::Owner).await;
    let change = "alter table ledger_segments add column later text not null default '';
                  alter table ledger_segments add constraint later_is_short check (length(later) < 9);
                  create index ledger_segments_later on ledger_segments (later);
                  alter table org_daily_metrics add column later text";
    owner.batch_execute(change).await.expect("a migration");
    // Members of before, which don't know of it, count on, and make partitions of the altered table.
    let older = yesterday() - chrono::Duration::days(12);
    stack.produce([Produced::plain(Message::order("acme", "later", older))]).await;
    count(&stack).await;
    let back = "drop index ledger_segments_later; alter table ledger_segments drop column later;
                alter table org_daily_metrics drop column later";
    owner.batch_execute(back).await.expect("another migration");
    stack.counts("acme").await.are(crate::telling::orders_created(12));
}

#[tokio::test]
async fn an_api_that_lacks_a_right_says_which_and_what_to_do() {
    let stack = Stack::start().await;
    let name = format!("{}_ungranted", stack.name());
    let url = stack.postgres().create_migrated(&name).await.expect("a database without roles' rights");
    let database = url.of(Role::Api).as_str().to_owned();
    let mut api = stack.api().set("DATABASE_URL", &database).serve().await;
    tells(&api, 503, &["not seen yet", "permission denied", "give the role in DATABASE_URL this right"])
        .await;
    url.grant_roles().await.expect("roles");
    api.until_ready().await;

    // As after a migration that has added tables, and no run of roles.sql.
    let client = url.connect().await.expect("a connection");
    client.batch_execute("revoke select on roll_ups from business_metrics_api").await.expect("a right less");
    let words = ["lacks SELECT on roll_ups", "run deploy/roles.sql"];
    let mut late = stack.api().set("DATABASE_URL", &database).serve().await;
    tells(&late, 503, &words).await;
    tells(&api, 200, &words).await;
    url.grant_roles().await.expect("roles");
    late.until_ready().await;
}

/// Waits until readiness has this status and says all of these words.
async fn tells(api: &Api, status: u16, words: &[&str]) {
    let told = wait::until("readiness to name the right", LIMIT, async || {
        let ready = api.admin("/readyz").await;
        let tells = ready.status == status && words.iter().all(|word| ready.body.contains(word));
        Ok(Seen::when(tells, format!("{} {}", ready.status, ready.body)))
    });
    told.await.expect("PostgreSQL's own words");
}
