//! An organization is erased: everywhere, while members count, whatever happens to the command; nobody else notices, and the books agree.

use crate::operators::{answer, operate};
use crate::recount::EQUAL;
use crate::restores::{books_agree, traffic, until_published};
use crate::telling::{
    count, counted, orders, orders_created, orders_in, plain, text, until_waiting_for_locks, yesterday,
};
use crate::upkeep::{LONGEST_WAIT, STALL_MAX};
use chrono::{Duration, Utc};
use load::{Kind, Load, Message, Produced, Trouble};
use proto::v1::message_delivery::Status;
use proto::v1::workflow_terminal::Outcome;
use serde_json::Value;
use stack::Role;
use stack::wait::{self, Seen};
use std::collections::BTreeMap;
use std::ops::Range;
use tests::{Ended, Stack, Token};
use tokio_postgres::Client;

/// How long an erasure may take to get somewhere.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(60);

/// The organization that is erased, and one that isn't.
const GONE: &str = "gone-inc";
const STAYS: &str = "stays-inc";

/// The audit of erasures, which keeps the organization's id.
const AUDIT: &str = "erasures";

/// What the tables that query-apis write have of an organization, `{o}`.
const SETTINGS: &str = "
    insert into organization_thresholds (organization_id, revision, thresholds) values ('{o}', 1, '{}');
    insert into organization_links (organization_id, revision, links) values ('{o}', 1, '{}');
    insert into settings_changes (organization_id, setting, revision, before, after)
    select '{o}', 'thresholds', r, '{}', '{}' from generate_series(1, 3) r;
    insert into webhook_endpoints (endpoint_id, organization_id, url, description, secret)
    values ('{o} e', '{o}', 'https://example.com', '', 'a secret of a story, and of it alone');
    insert into alert_evaluations (organization_id) values ('{o}');
    insert into alert_states (organization_id, alert_key, severity, alert, opened_at, changed_at)
    values ('{o}', 'a', 'warning', '{}', now(), now());
    insert into webhook_deliveries (message_id, endpoint_id, organization_id, event_type, payload)
    select 'm' || m, '{o} e', '{o}', 'alert.opened', '{o}' from generate_series(1, 1500) m";

/// Hours and a day of long ago, below the ledger's floor, which no member adds to.
const PAST_HOURS: &str = "
    insert into org_hourly_metrics (organization_id, hour_bucket, orders_created)
    select $1, date_bin('1 day', now(), 'epoch') - interval '300 days' + h * interval '1 hour', 1 from generate_series(0, 4999) h";
const PAST_DAY: &str = "
    insert into org_daily_metrics (organization_id, day_bucket)
    values ($1, date_bin('1 day', now(), 'epoch') - interval '300 days')";

/// Erases while members count.
async fn erase(stack: &Stack, organization: &str) -> Ended {
    erase_with(stack, organization, &[]).await
}

/// Erases while no member runs, so that nobody knows whether everything is counted.
async fn erase_at_rest(stack: &Stack, organization: &str) -> Ended {
    erase_with(stack, organization, &["--despite-lag"]).await
}

async fn erase_with(stack: &Stack, organization: &str, more: &[&str]) -> Ended {
    let ended =
        operate(stack, &[&["erase", "--organization", organization, "--yes"][..], more].concat()).await;
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    ended
}

/// Records of everything that a table can have: all six identities, a failed run, an update, and two that are refused, of which one
/// names its organization by its key alone.
fn everything(organization: &str) -> Vec<Produced> {
    let at = yesterday();
    let of = |id: &str| format!("{organization} {id}");
    let refused = Produced::garbage(Kind::Event, organization, vec![0xff, 1]);
    let good = plain([
        Message::order(organization, &of("o"), at),
        Message::payment(organization, &of("p"), at + Duration::minutes(20), true),
        Message::update(organization, &of("u"), at, &of("name"), ("plan", "Plan")),
        Message::workflow(organization, &of("r"), at, Outcome::Failed, 7),
        Message::delivery(organization, &of("m"), at + Duration::minutes(50), at, Status::Sent),
        Message::delivery(organization, &of("m"), at + Duration::minutes(50), at, Status::Read),
        Message::order(organization, "", at),
    ]);
    good.into_iter().chain([refused]).collect()
}

/// The tables that have an organization's id in a column, whatever they are.
async fn tables(client: &Client) -> Vec<String> {
    let query = "select t.table_name::text from information_schema.tables t join information_schema.columns c
                      using (table_schema, table_name)
                 where t.table_schema = current_schema() and t.table_type = 'BASE TABLE' and c.column_name = 'organization_id'
                 order by 1";
    client.query(query, &[]).await.expect("tables").iter().map(|row| row.get(0)).collect()
}

/// How many rows each of them has of an organization, those that only their key names included.
async fn rows_of(client: &Client, organization: &str) -> BTreeMap<String, i64> {
    let mut rows = BTreeMap::new();
    for table in tables(client).await.into_iter().filter(|table| table != AUDIT) {
        let guessed = if table == "dead_letters" { " or organization_from_key = $1" } else { "" };
        let query = format!("select count(*) from {table} where organization_id = $1{guessed}");
        let count = client.query_one(&query, &[&organization]).await.expect("a count").get(0);
        rows.insert(table, count);
    }
    rows
}

/// The tables of which some row has the text anywhere, as text or as bytes.
async fn tables_with(client: &Client, text: &str) -> Vec<String> {
    let all = "select table_name::text from information_schema.tables
               where table_schema = current_schema() and table_type = 'BASE TABLE' order by 1";
    let mut found = Vec::new();
    for row in client.query(all, &[]).await.expect("tables") {
        let table: String = row.get(0);
        let query = format!(
            "select exists (select from {table} t
                            where strpos(t::text, $1) > 0 or strpos(t::text, encode(convert_to($1, 'UTF8'), 'hex')) > 0)"
        );
        if client.query_one(&query, &[&text]).await.expect("a look").get(0) {
            found.push(table);
        }
    }
    found
}

#[tokio::test]
async fn nothing_of_an_erased_organization_is_left_in_any_table_and_another_is_untouched() {
    let stack = counted([everything(GONE), everything(STAYS)].concat()).await;
    let client = stack.client().await;
    for organization in [GONE, STAYS] {
        client.batch_execute(&SETTINGS.replace("{o}", organization)).await.expect("settings");
    }
    let (gone, stays) = (rows_of(&client, GONE).await, rows_of(&client, STAYS).await);
    for table in gone.keys() {
        let both = (gone[table] > 0, stays[table] > 0);
        assert_eq!(both, (true, true), "{table} has no row to be erased: add one to this story");
    }
    let dry = answer(&stack, &["erase", "--organization", GONE, "--dry-run"]).await;
    let total: i64 = gone.values().sum();
    assert!(dry.contains(&format!("the tables have {total} rows of {GONE}")), "{dry}");
    assert_eq!(rows_of(&client, GONE).await, gone, "a dry run changes nothing");

    let said = erase_at_rest(&stack, GONE).await;
    assert!(
        rows_of(&client, GONE).await.values().all(|rows| *rows == 0),
        "{:#?}",
        rows_of(&client, GONE).await
    );
    assert_eq!(rows_of(&client, STAYS).await, stays);
    assert_eq!(tables_with(&client, GONE).await, [AUDIT], "the audit alone has its id");

    let audit = "select begun_by, ended_at >= boundary_at and boundary_at >= begun_at, erased from erasures";
    let audit = client.query_one(audit, &[]).await.expect("one line");
    assert_eq!((audit.get(0), audit.get(1)), ("business_metrics_eraser", true));
    let erased: BTreeMap<String, i64> = serde_json::from_value(audit.get::<_, Value>(2)).expect("numbers");
    assert_eq!(erased, gone, "{said:#?}");
    for (table, rows) in &gone {
        let is_its = |line: &str| line.split_whitespace().eq([&**table, &*rows.to_string()]);
        assert!(said.output.lines().any(is_its), "{table} {rows}: {said:#?}");
    }
    books_agree(&stack).await;
    let again = erase_at_rest(&stack, GONE).await.output;
    assert!(again.contains("no table has anything"), "{again}");
    let erasures = client.query_one("select count(*) from erasures", &[]).await.expect("the audit");
    assert_eq!(erasures.get::<_, i64>(0), 1, "nothing is erased a second time");
}

#[tokio::test]
async fn what_was_counted_before_never_counts_again_and_what_is_new_begins_anew() {
    let stack = Stack::with_partitions(1).await;
    let failed = |id: &str| Message::workflow("acme", id, yesterday(), Outcome::Failed, 7);
    stack.produce([orders("acme", 10), orders("other", 10), plain([failed("r1")])].concat()).await;
    let member = stack.consumer().start().await;
    stack.until_idle().await;
    erase(&stack, "acme").await;
    stack.counts("acme").await.are(orders_created(0));

    // The same once more, some that are new, and an update: of that the ledger knows nothing.
    let update = Message::update("acme", "u1", yesterday(), "Acme", ("p", "Pro"));
    stack.produce([orders("acme", 12), plain([failed("r1"), update])].concat()).await;
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(2));
    let failures = "select count(*) from workflow_failures";
    assert_eq!(stack.client().await.query_one(failures, &[]).await.expect("a count").get::<_, i64>(0), 0);
    assert_eq!(member.stop().await, Some(0));
    books_agree(&stack).await;

    // A second erasure has another boundary, and going back behind both counts nothing.
    erase_at_rest(&stack, "acme").await;
    let reset = ["progress", "reset", "--topic", &*stack.topics().events, "--to", "earliest"];
    answer(&stack, &reset).await;
    count(&stack).await;
    stack.counts("acme").await.are(orders_created(0));
    stack.counts("other").await.are(orders_created(10));
    assert!(answer(&stack, &["audit"]).await.contains("the books agree"));
    // But the update is there again: whoever sets a partition back erases once more.
    let ended = operate(&stack, &["recount"]).await;
    assert!(ended.code == Some(1) && ended.output.contains("acme  name | plan_id"), "{ended:#?}");
    erase_at_rest(&stack, "acme").await;
    books_agree(&stack).await;
}

/// Waits until an erasure has erased rows of this table, and waits for a lock.
async fn until_it_waits_after(client: &Client, table: &str) {
    let waits = "select exists (select from erasures where ended_at is null and erased ? $1)
                        and exists (select from pg_stat_activity where datname = current_database()
                                    and usename = 'business_metrics_eraser' and wait_event_type = 'Lock')";
    let waiting = wait::until("an erasure that waits for a lock", LIMIT, async || {
        Ok(Seen::when(client.query_one(waits, &[&table]).await?.get(0), "not yet"))
    });
    waiting.await.expect("an erasure that is under way");
}

/// Fails the story as soon as a session has waited for a lock for too long.
async fn nobody_waits_for_long(client: &Client) {
    loop {
        let waited: f64 = client.query_one(LONGEST_WAIT, &[]).await.expect("a wait").get(0);
        assert!(waited < STALL_MAX, "a session has waited for a lock for {waited:.1} s");
    }
}

/// The audit has one erasure, though two commands have made it, and what the first of them erased.
async fn is_one_erasure(client: &Client) {
    let noted = "select ended_at is not null, (erased ->> 'org_hourly_metrics')::bigint from erasures";
    let noted = client.query(noted, &[]).await.expect("the audit");
    assert_eq!((noted.len(), noted[0].get(0)), (1, true), "one erasure");
    assert!(noted[0].get::<_, i64>(1) > 5_000, "it has noted what the first one erased");
}

/// Those of the records that are not this organization's.
fn without(organization: &str, records: &[Produced]) -> Vec<Produced> {
    let is_other = |record: &&Produced| {
        record.content.as_ref().is_none_or(|message| message.organization() != organization)
    };
    records.iter().filter(is_other).cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_erased_under_traffic_though_the_command_is_killed() {
    const ERASED: &str = "org_0001";
    let stack = Stack::start().await;
    let mixed = Load::mixed(81, Utc::now());
    let trouble = Trouble { bad: 0.0, ..mixed.trouble };
    let load = Load { records: 30_000, companies: 5, partitions: stack.partitions(), trouble, ..mixed };
    let mut first: Vec<Produced> = load.records().collect();
    let mut second = first.split_off(10_000);
    let third = second.split_off(10_000);
    let member = stack.consumer().start().await;
    stack.produce(first.clone()).await;
    stack.until_idle().await;
    let client = stack.client().await;
    for past in [PAST_HOURS, PAST_DAY] {
        client.execute(past, &[&ERASED]).await.expect("a past");
    }

    // Somebody holds a row, so that the erasure stops in the middle.
    let mut holder = stack.client().await;
    let held = holder.transaction().await.expect("a transaction");
    held.query(
        "select 1 from org_daily_metrics where day_bucket < now() - interval '200 days' for update",
        &[],
    )
    .await
    .expect("a lock");
    let traffic_meanwhile = traffic(&stack, second.clone());
    let at_once = ["erase", "--organization", ERASED, "--yes", "--despite-lag"];
    let command = stack.consumer().command(&at_once).begin();
    let watcher = stack.client().await;
    let in_the_middle = async {
        until_it_waits_after(&client, "org_hourly_metrics").await;
        // Half erased, it is neither a fault of the books nor to be repaired.
        let audit = answer(&stack, &["audit"]).await;
        assert!(audit.contains("the books agree") && audit.contains("org_0001 is being erased"), "{audit}");
        let recount = answer(&stack, &["recount"]).await;
        assert!(recount.contains(EQUAL) && recount.contains("org_0001 is being erased"), "{recount}");
    };
    tokio::select! {
        () = in_the_middle => {}
        () = nobody_waits_for_long(&watcher) => {}
    }
    command.kill();
    held.rollback().await.expect("a lock that is given back");

    let said = tokio::select! {
        said = erase(&stack, ERASED) => said,
        () = nobody_waits_for_long(&watcher) => unreachable!("it watches until it fails"),
    };
    assert!(
        said.errors.contains("going on with the erasure that business_metrics_eraser began"),
        "{said:#?}"
    );
    is_one_erasure(&client).await;
    until_published(traffic_meanwhile);
    stack.until_idle().await;
    books_agree(&stack).await;

    // Whatever was counted of it since begins anew; once nothing comes any more, nothing is left of it.
    let others = |records: &[Produced]| without(ERASED, records);
    stack.produce(others(&third)).await;
    stack.until_idle().await;
    erase(&stack, ERASED).await;
    assert_eq!(tables_with(&client, ERASED).await, [AUDIT]);
    stack.agrees_with(&[others(&first), others(&second), others(&third)].concat()).await;
    books_agree(&stack).await;
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn cached_answers_of_an_erased_organization_are_gone_at_once() {
    let stack = counted([orders(GONE, 5), orders(STAYS, 5)].concat()).await;
    let Some(redis) = stack.redis() else { return };
    let api = stack.api().set("BUSINESS_METRICS_CACHE_TTL_SEC", "3600").serve().await;
    let noon = yesterday();
    let summary_of = async |organization: &str| {
        let path = format!("/metrics/summary?from={}&to={}", text(noon), text(noon + Duration::hours(1)));
        let answer = api.get(&path, &Token::of(organization).sign()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    };
    let orders_of = async |organization: &str| summary_of(organization).await["kpis"][0]["value"].clone();
    for organization in [GONE, STAYS] {
        assert_eq!(orders_of(organization).await, 5);
    }
    let client = redis::Client::open(redis.url()).expect("a Redis URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
    let mut keys = async |organization: &str| -> Vec<String> {
        let pattern = format!("{}:metrics:{organization}:*", stack.name());
        let mut keys: Vec<String> =
            redis::cmd("KEYS").arg(pattern).query_async(&mut connection).await.expect("keys");
        keys.sort_unstable();
        keys
    };
    let kept = wait::until("answers to be in Redis", LIMIT, async || {
        let answers = [keys(GONE).await, keys(STAYS).await].concat();
        let answers = answers.iter().filter(|key| key.contains(":v")).count();
        Ok(Seen::when(answers >= 4, format!("{answers} keys"))) // Each has its answer and its version.
    });
    kept.await.expect("answers that are kept");

    // The first run knows of no Redis, so the second one finds nothing but answers.
    let at_rest = ["erase", "--organization", GONE, "--yes", "--despite-lag"];
    let without = stack.consumer().command(&at_rest).without("REDIS_URL").run().await;
    assert!(without.code == Some(0) && without.errors.contains("REDIS_URL is not set"), "{without:#?}");
    let said = erase_at_rest(&stack, GONE).await;
    assert!(said.output.contains("no table has anything"), "{said:#?}");
    assert!(said.errors.contains("cached answers are removed from Redis"), "{said:#?}");
    let is_answer = |key: &&String| key.contains(":summary:v");
    assert_eq!(keys(GONE).await.iter().filter(is_answer).count(), 0);
    assert!(keys(STAYS).await.iter().filter(is_answer).count() > 0);
    // The instance's own memory has the answer for an hour: its version is known to have changed within half a second.
    let fresh = wait::until("an answer without it", std::time::Duration::from_secs(2), async || {
        let orders = orders_of(GONE).await;
        Ok(Seen::when(orders == 0 || orders.is_null(), orders.to_string()))
    });
    fresh.await.expect("an answer of the tables as they are");
    assert_eq!(summary_of(GONE).await["recordsFrom"], Value::Null);
    let stays = summary_of(STAYS).await;
    assert_eq!(stays["kpis"][0]["value"], 5);
    assert_eq!(stays["recordsFrom"], text(noon));
}

#[tokio::test]
async fn an_erasure_needs_to_be_meant_a_role_that_may_and_a_schema_that_it_knows() {
    let stack = counted([orders("acme", 10), orders_in(0, "other", 0..1)].concat()).await;
    let client = stack.client().await;
    let refused = async |args: &[&str], code: i32, why: &str| {
        let ended = operate(&stack, &[&["erase"], args].concat()).await;
        assert_eq!(ended.code, Some(code), "{args:?}: {ended:#?}");
        assert!(ended.errors.contains(why), "{args:?}: {ended:#?}");
        stack.counts("acme").await.are(orders_created(10));
    };
    refused(&["--organization", "acme"], 2, "--yes").await;
    refused(&["--organization", ""], 2, "--organization").await;
    refused(&["--yes"], 2, "--organization").await;
    refused(&["--organization", "acme", "--yes", "--dry-run"], 2, "--dry-run").await;

    let consumer = stack.database_of(Role::Consumer).as_str().to_owned();
    let by_consumer = stack.consumer().command(&["erase", "--organization", "acme", "--yes"]);
    let ended = by_consumer.set("DATABASE_URL", consumer).run().await;
    let words = ["permission denied", "use business_metrics_eraser"];
    let says = words.iter().all(|word| ended.errors.contains(word));
    assert!(ended.code == Some(1) && says, "{ended:#?}");

    client
        .batch_execute("create table later_things (organization_id text)")
        .await
        .expect("a later version's table");
    refused(&["--organization", "acme", "--yes"], 2, "later_things").await;
    client
        .batch_execute("drop table later_things; update ledger_floor set finished = 9")
        .await
        .expect("an upgrade");
    refused(&["--organization", "acme", "--yes"], 2, "consumer migrate --finish").await;
    client.batch_execute("update ledger_floor set finished = 16").await.expect("its end");

    // While Redis is away it isn't said to have ended, and goes on once Redis is back, or isn't asked for.
    let nowhere = stack
        .consumer()
        .command(&["erase", "--organization", "acme", "--yes", "--despite-lag"])
        .set("REDIS_URL", "redis://127.0.0.1:1");
    let ended = nowhere.run().await;
    assert!(ended.code == Some(1) && ended.errors.contains("not yet in Redis"), "{ended:#?}");
    stack.counts("acme").await.are(orders_created(0));
    let open = "select count(*) filter (where ended_at is null), count(*) from erasures";
    let open = client.query_one(open, &[]).await.expect("the audit");
    assert_eq!((open.get(0), open.get(1)), (1_i64, 1_i64));
    let without = stack
        .consumer()
        .command(&["erase", "--organization", "acme", "--yes", "--despite-lag"])
        .without("REDIS_URL")
        .run()
        .await;
    assert!(without.code == Some(0) && without.errors.contains("REDIS_URL is not set"), "{without:#?}");
    let ended: bool = client
        .query_one("select bool_and(ended_at is not null) from erasures", &[])
        .await
        .expect("the audit")
        .get(0);
    assert!(ended);
}

#[tokio::test]
async fn a_lock_that_others_hold_stalls_nobody_and_an_erasure_is_paused_by_ctrl_c() {
    let stack = counted([orders("acme", 10), orders("other", 10)].concat()).await;
    let client = stack.client().await;
    let mut holder = stack.client().await;
    let held = holder.transaction().await.expect("a transaction");
    held.query("select 1 from org_daily_metrics where organization_id = 'acme' for update", &[])
        .await
        .expect("a lock");
    let at_rest = |organization| ["erase", "--organization", organization, "--yes", "--despite-lag"];
    let command = stack.consumer().command(&at_rest("acme")).begin();
    until_it_waits_after(&client, "org_hourly_metrics").await;
    // A second command takes its turn only after the first.
    let other = stack.consumer().command(&at_rest("other")).begin();
    assert_eq!(command.interrupt().await, Some(130), "it says that it is paused");
    let mut other = other;
    assert_eq!(other.ended().await, Some(0));
    held.rollback().await.expect("a lock that is given back");
    erase_at_rest(&stack, "acme").await;
    for organization in ["acme", "other"] {
        stack.counts(organization).await.are(orders_created(0));
    }
    books_agree(&stack).await;
}

#[tokio::test]
async fn what_members_have_yet_to_count_is_waited_for_and_refused_after_a_while() {
    let stack = counted(orders("acme", 10)).await;
    stack.produce(orders("acme", 20)).await;
    let command = || stack.consumer().command(&["erase", "--organization", "acme", "--yes"]);
    let refused = command().run().await;
    assert!(refused.code == Some(1) && refused.errors.contains("--despite-lag"), "{refused:#?}");
    let waiting = refused.errors.matches("waiting for members to count to the end").count();
    assert_eq!(waiting, 1, "what stays the same is said once: {refused:#?}");
    stack.counts("acme").await.are(orders_created(10));
    let erasures = "select count(*) from erasures";
    let erasures = stack.client().await.query_one(erasures, &[]).await.expect("the audit");
    assert_eq!(erasures.get::<_, i64>(0), 0, "nothing has begun");

    let mut waiting = command().begin();
    let seen = wait::until("an erasure that waits for members", LIMIT, async || {
        let log = waiting.log_tail();
        Ok(Seen::when(log.contains("waiting for members to count to the end"), log))
    });
    seen.await.expect("a line about it");
    let member = stack.consumer().start().await;
    assert_eq!(waiting.ended().await, Some(0));
    stack.counts("acme").await.are(orders_created(0));
    assert_eq!(member.stop().await, Some(0));
    books_agree(&stack).await;
}

#[tokio::test]
async fn nothing_is_redriven_or_repaired_behind_an_erasures_back() {
    let stack = counted([orders("acme", 10), orders("other", 10)].concat()).await;
    let client = stack.client().await;
    let tamper = "update org_hourly_metrics set orders_created = 12 where organization_id = 'acme'";
    client.batch_execute(tamper).await.expect("a row that differs");
    let mut holder = stack.client().await;
    let held = holder.transaction().await.expect("a transaction");
    held.query("select 1 from consumer_progress for update", &[]).await.expect("locks");
    let state = stack.folder().join("recount");
    let state = state.to_str().expect("a checkout's path is text");
    let mut repair = stack.consumer().command(&["recount", "--repair", "--state", state]).begin();
    until_waiting_for_locks(&stack, 1).await;
    // Begun after the recount has looked, and paused at once.
    client.batch_execute("insert into erasures (organization_id) values ('acme')").await.expect("an erasure");
    held.rollback().await.expect("locks that are given back");
    assert_eq!(repair.ended().await, Some(3), "{}", repair.log_tail());
    assert!(repair.log_tail().contains("is being erased, since"), "{}", repair.log_tail());

    let redrive = ["dead-letters", "redrive", "--all"];
    let ended = operate(&stack, &redrive).await;
    assert!(ended.code == Some(1) && ended.errors.contains("being erased"), "{ended:#?}");
    answer(&stack, &[&redrive[..], &["--dry-run"]].concat()).await;
    erase_at_rest(&stack, "acme").await;
    answer(&stack, &redrive).await;
    stack.counts("acme").await.are(orders_created(0));
    stack.counts("other").await.are(orders_created(10));
}

/// Orders of these numbers, of a time that only a strict member refuses.
fn early(organization: &str, numbers: Range<usize>) -> Vec<Produced> {
    let soon = Utc::now() + Duration::minutes(20);
    plain(numbers.map(|n| Message::order(organization, &format!("o{n}"), soon)))
}

/// A strict member reads what there is, and keeps so many refused records whole.
async fn refuse(stack: &Stack, whole_per_hour: &str) {
    let strict = stack.consumer().set("FUTURE_SKEW_MAX", "1s");
    let strict = strict.set("DEAD_LETTERS_WHOLE_PER_HOUR", whole_per_hour).start().await;
    stack.until_idle().await;
    assert_eq!(strict.stop().await, Some(0));
}

#[tokio::test]
async fn refused_records_from_before_an_erasure_are_not_redriven_whole_or_by_their_places() {
    let stack = Stack::with_partitions(1).await;
    let client = stack.client().await;
    let of_both = |numbers: Range<usize>| [GONE, STAYS].map(|of| early(of, numbers.clone())).concat();
    stack.produce(of_both(0..3)).await;
    refuse(&stack, "10000").await;
    stack.produce(of_both(3..6)).await;
    refuse(&stack, "0").await;
    // As if an earlier version had refused one of them, which could read its organization nowhere.
    let unnamed = "update dead_letters set organization_id = null
                   where kafka_offset = (select min(kafka_offset) from dead_letters where organization_id = $1)";
    assert_eq!(client.execute(unnamed, &[&GONE]).await.expect("a letter"), 1);
    erase_at_rest(&stack, GONE).await;
    stack.produce(early(GONE, 6..7)).await;
    refuse(&stack, "10000").await;
    let kept =
        "select (select count(*) from dead_letters), (select sum(records)::bigint from dead_letter_runs)";
    let kept = client.query_one(kept, &[]).await.expect("what is kept");
    assert_eq!(
        (kept.get(0), kept.get(1)),
        (5_i64, 6_i64),
        "of the erased one what named nobody, and a new one"
    );

    let redrive = &["dead-letters", "redrive", "--all"][..];
    let dry_run = [redrive, &["--dry-run"]].concat();
    for (args, done) in [(&*dry_run, "would be redriven"), (redrive, "redriven")] {
        let ended = operate(&stack, args).await;
        let said = format!("7 {done}\n4 refused: they come from before their organization was erased\n");
        assert_eq!((ended.code, &*ended.output), (Some(1), &*said), "{ended:#?}");
    }
    count(&stack).await;
    stack.counts(STAYS).await.are(orders_created(6));
    stack.counts(GONE).await.are(orders_created(1));
}

#[tokio::test]
async fn where_there_is_no_boundary_dead_letters_go_by_their_time() {
    let stack = Stack::start().await;
    let client = stack.client().await;
    client
        .batch_execute(
            "insert into erasures (organization_id, begun_at, boundary_at)
             values ('acme', now() - interval '2 hours', now() - interval '1 hour');
             insert into erasure_boundaries (erasure_id, topic, kafka_partition, topic_id, next_offset)
             select erasure_id, 'remade', 0, 'old', 10 from erasures;
             insert into dead_letters (topic, topic_id, kafka_partition, kafka_offset, headers, reason, detail, organization_id, rejected_at)
             select topic, topic_id, 0, kafka_offset, '[]', 'missing_id', '', 'acme', now() - hours * interval '1 hour'
             from (values ('remade', 'old', 9, 0), ('remade', 'old', 10, 3), ('remade', 'new', 1, 3), ('remade', 'new', 2, 0),
                          ('later', 'new', 3, 3), ('later', 'new', 4, 0)) as l (topic, topic_id, kafka_offset, hours)",
        )
        .await
        .expect("an erasure that was paused, and letters of before and after");
    erase_at_rest(&stack, "acme").await;
    let left = "select kafka_offset from dead_letters order by 1";
    let left = client.query(left, &[]).await.expect("letters");
    let left: Vec<i64> = left.iter().map(|row| row.get(0)).collect();
    assert_eq!(left, [2, 4, 10], "those behind the boundary, and those refused after it was drawn");
}
