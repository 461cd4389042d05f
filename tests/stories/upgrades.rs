//! An upgrade keeps every count while members of both versions count, and is finished when the former ones are gone.

use crate::operators::{answer, operate};
use crate::recount::EQUAL;
use crate::telling::{count, counted, orders, orders_created, plain, text, yesterday};
use chrono::{DateTime, Duration, Utc};
use load::{Message, Produced};
use proto::v1::workflow_terminal::Outcome;
use stack::Role;
use stack::wait::{self, Seen};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tests::{Stack, Token};
use tokio_postgres::Client;

/// How long it may take until a migration has filled thousands of hours.
const FILLING_LIMIT: std::time::Duration = std::time::Duration::from_secs(60);

/// What a later version's migration may have done: a column and a table more, and an index that it needs no longer.
const LATER: &str = "
    insert into refinery_schema_history (version, name, applied_on, checksum) values (9999, 'later', now()::text, '1');
    alter table org_daily_metrics add column later bigint;
    create table later_things (organization_id text);
    drop index org_daily_metrics_by_time";

/// Many hours of another organization, long before the stories' records and up to now.
const PAST: &str = "
    insert into org_hourly_metrics (organization_id, hour_bucket, orders_created, messages_sent,
                                    orders_created_q2, orders_created_q4, messages_sent_q3)
    select 'past', date_bin('1 hour', now(), 'epoch') - h * interval '1 hour', 10, 4, 1 + h % 3, nullif(h % 2, 0), 4
    from generate_series(1, 12000) h;
    update org_hourly_metrics set workflows_total = 2, total_execution_time_ms = 200 where organization_id = 'past';
    insert into org_daily_metrics (organization_id, day_bucket, orders_created, messages_sent, workflows_total,
                                   total_execution_time_ms)
    select organization_id, date_bin('1 day', hour_bucket, 'epoch'), sum(orders_created), sum(messages_sent),
           sum(workflows_total), sum(total_execution_time_ms)
    from org_hourly_metrics where organization_id = 'past' group by 1, 2;
    insert into workflow_hourly_metrics (organization_id, workflow_id, hour_bucket, workflow_name, name_as_of, runs,
                                         total_execution_time_ms, durations)
    select organization_id, 'w' || w, hour_bucket, 'called ' || w, hour_bucket, 1, 100, trunc(10::numeric ^ (12 * (w + 20)))
    from org_hourly_metrics, generate_series(1, 2) w where organization_id = 'past'";

/// Makes the past's hours what they were before quarters were filled into them.
const UNFILLED: &str = "
    update org_hourly_metrics set orders_created_q2 = null, orders_created_q4 = null, messages_sent_q3 = null
    where organization_id = 'past';
    update quarters_known set since = 'infinity'";

/// Roll-ups that differ from the hours that they are made of.
const WRONG_ROLL_UPS: &str = "
    select (select count(*) from (select organization_id, workflow_id, date_bin('1 day', hour_bucket, 'epoch') as day_bucket,
                                         sum(runs) as runs, sum(durations) as durations
                                  from workflow_hourly_metrics group by 1, 2, 3) h
            full join workflow_daily_metrics d using (organization_id, workflow_id, day_bucket)
            where (h.runs, h.durations) is distinct from (d.runs, d.durations))
         + (select count(*) from (select organization_id, hour_bucket, sum(durations) as sum
                                  from workflow_hourly_metrics group by 1, 2) h
            full join org_hourly_metrics o using (organization_id, hour_bucket) where h.sum is distinct from o.durations)
         + (select count(*) from (select organization_id, date_bin('1 day', hour_bucket, 'epoch') as day_bucket,
                                         sum(durations) as sum from workflow_hourly_metrics group by 1, 2) h
            full join org_daily_metrics d using (organization_id, day_bucket) where h.sum is distinct from d.durations)";

/// An order and a run in each of forty quarters of an hour.
fn a_day(name: &str) -> Vec<Produced> {
    let time = |n: i64| yesterday() + Duration::minutes(15 * n);
    let order = |n: i64| Message::order("acme", &format!("{name}{n}"), time(n));
    let run = |n: i64| {
        Message::workflow("acme", &format!("{name}{n}"), time(n), Outcome::Success, 7 * n.unsigned_abs())
    };
    plain((0..40).flat_map(|n| [order(n), run(n)]))
}

/// Adds orders as a member of the former version does, a transaction each, until it is told to stop. Returns what it added to
/// each quarter.
async fn former_member(client: Client, stop: Arc<AtomicBool>) -> Vec<(DateTime<Utc>, i64)> {
    const TABLES: [(&str, &str, &str); 3] = [
        ("org_quarter_hourly_metrics", "quarter_bucket", "15 minutes"),
        ("org_hourly_metrics", "hour_bucket", "1 hour"),
        ("org_daily_metrics", "day_bucket", "1 day"),
    ];
    const RUN: &str = "
        insert into workflow_hourly_metrics as t (organization_id, workflow_id, hour_bucket, workflow_name, name_as_of, runs,
                                                  durations)
        select o, 'w1', date_bin('1 hour', $1, 'epoch'), 'newer', $1, 1, trunc(10::numeric ^ 36)
        from unnest(array['former', 'past']) o
        on conflict (organization_id, workflow_id, hour_bucket) do update
        set runs = t.runs + excluded.runs, durations = t.durations + excluded.durations, updated_at = now()";
    let mut added: Vec<_> = (0..24).map(|n| (yesterday() + Duration::minutes(15 * n), 0)).collect();
    let count = added.len();
    for turn in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let (quarter, orders) = &mut added[turn % count];
        client.batch_execute("begin").await.expect("a transaction");
        client.execute(RUN, &[quarter]).await.expect("a run");
        for (table, column, width) in TABLES {
            let add = format!(
                "insert into {table} as t (organization_id, {column}, orders_created, workflows_total)
                 select o, date_bin('{width}', $1, 'epoch'), 1, 1 from unnest(array['former', 'past']) o
                 on conflict (organization_id, {column}) do update
                 set orders_created = t.orders_created + excluded.orders_created,
                     workflows_total = t.workflows_total + excluded.workflows_total, updated_at = now()"
            );
            client.execute(&add, &[quarter]).await.expect("a count");
        }
        client.batch_execute("commit").await.expect("a commit");
        *orders += 1;
    }
    added
}

/// The quarters of an organization that count orders.
async fn quarters(client: &Client, table: &str, organization: &str) -> Vec<(DateTime<Utc>, i64, i64)> {
    let query = format!(
        "select quarter_bucket, orders_created, messages_sent from {table}
         where organization_id = $1 and (orders_created <> 0 or messages_sent <> 0) order by 1"
    );
    let rows = client.query(&query, &[&organization]).await.expect("quarters");
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

/// A system that has counted these records, and whose database is what the former version has left of it.
async fn of_the_former_version(records: Vec<Produced>) -> (Stack, Client) {
    let stack = counted(records).await;
    let client = stack.client().await;
    client.batch_execute(PAST).await.expect("a past");
    let former = include_str!("upgrades/former.sql");
    client.batch_execute(former).await.expect("a database of the former version");
    stack.grant_roles().await;
    (stack, client)
}

/// Fails the story unless the hours know the quarters that the former table has, and had.
async fn quarters_are_kept(
    client: &Client,
    past: Vec<(DateTime<Utc>, i64, i64)>,
    added: &[(DateTime<Utc>, i64)],
) {
    let of_table = quarters(client, "org_quarter_hourly_metrics", "acme").await;
    assert_eq!(quarters(client, "org_quarter_metrics", "acme").await, of_table, "both are written");
    let former: Vec<_> = quarters(client, "org_quarter_metrics", "former").await;
    let former: Vec<_> = former.into_iter().map(|(start, orders, _)| (start, orders)).collect();
    assert_eq!(former, added, "what the former member added is carried into the hours");
    let earliest = past[0].0;
    let until = yesterday();
    let before = |all: Vec<(DateTime<Utc>, i64, i64)>| -> Vec<_> {
        all.into_iter().filter(|(start, ..)| earliest <= *start && *start < until).collect()
    };
    let filled = quarters(client, "org_quarter_metrics", "past").await;
    assert_eq!(before(filled), before(past), "hours are filled");
}

#[tokio::test]
async fn an_upgrade_keeps_every_count_while_members_of_both_versions_count() {
    let mut records = a_day("before");
    let (stack, client) = of_the_former_version(records.clone()).await;
    let past = quarters(&client, "org_quarter_hourly_metrics", "past").await;

    let stop = Arc::new(AtomicBool::new(false));
    // By the right of a member alone, also where triggers write.
    let member = stack.database_of(Role::Consumer).connect().await.expect("a connection");
    let former = tokio::spawn(former_member(member, Arc::clone(&stop)));
    let said = operate(&stack, &["migrate"]).await;
    stack.grant_roles().await;
    assert!(said.code == Some(0) && format!("{said:?}").contains("migrate --finish"), "{said:#?}");

    // Members of this version beside one of the former.
    let member = stack.consumer().start().await;
    let during = a_day("during");
    stack.produce(during.clone()).await;
    records.extend(during);
    stack.until_idle().await;
    let claim = "update consumer_progress set epoch = epoch + 1, owner = 'a former member' where topic = $1";
    stop.store(true, Ordering::Relaxed);
    let added = former.await.expect("a member");

    quarters_are_kept(&client, past, &added).await;
    let wrong = async || client.query_one(WRONG_ROLL_UPS, &[]).await.expect("sums").get::<_, i64>(0);
    assert_eq!(wrong().await, 0, "days of workflows and histograms are filled");

    // A partition whose latest claim is a former member's stands against the end.
    assert_eq!(member.stop().await, Some(0));
    client.execute(claim, &[&&*stack.topics().events]).await.expect("a claim");
    let refused = operate(&stack, &["migrate", "--finish"]).await;
    assert!(refused.code == Some(1) && refused.errors.contains("a former member"), "{refused:#?}");
    let member = stack.consumer().start().await;
    stack.produce(a_day("at the end")).await;
    records.extend(a_day("at the end"));
    stack.until_idle().await;
    answer(&stack, &["migrate", "--finish"]).await;
    stack.produce(a_day("after")).await;
    records.extend(a_day("after"));
    stack.until_idle().await;
    assert_eq!(member.stop().await, Some(0));

    assert_eq!(wrong().await, 0, "members make the roll-ups themselves now");
    for table in
        ["org_hourly_metrics", "org_daily_metrics", "workflow_hourly_metrics", "workflow_daily_metrics"]
    {
        let forget = format!("delete from {table} where organization_id in ('past', 'former')");
        client.batch_execute(&forget).await.expect("nothing else");
    }
    stack.agrees_with(&records).await;
    assert!(answer(&stack, &["audit"]).await.contains("the books agree"));
    assert!(answer(&stack, &["recount"]).await.contains(EQUAL));
}

#[tokio::test]
async fn an_upgrade_that_is_killed_in_mid_filling_goes_on_where_it_was() {
    let (stack, client) = of_the_former_version(a_day("before")).await;
    let past = quarters(&client, "org_quarter_hourly_metrics", "past").await;

    // The schema is there, and nothing is filled yet. Somebody holds an hour, so that the filling stops after some of its steps.
    answer(&stack, &["migrate"]).await;
    client.batch_execute(UNFILLED).await.expect("hours that are not filled");
    let mut holder = stack.client().await;
    let held = holder.transaction().await.expect("a transaction");
    let hour = "select 1 from org_hourly_metrics where organization_id = 'past'
                order by hour_bucket desc offset 5000 limit 1 for update";
    held.query(hour, &[]).await.expect("a lock");
    let migration = stack.consumer().command(&["migrate"]).begin();
    let stands = "select next_organization || ' ' || next_hour from quarters_known";
    let stands = async || -> Option<String> { client.query_one(stands, &[]).await.expect("a row").get(0) };
    let waits = "select count(*) from pg_stat_activity
                 where datname = current_database() and wait_event_type = 'Lock' and query like '%for update%'";
    let begun = wait::until("a filling that waits for the hour", FILLING_LIMIT, async || {
        let waiting: i64 = client.query_one(waits, &[]).await?.get(0);
        let at = stands().await;
        Ok(Seen::when(waiting > 0 && at.is_some(), format!("{at:?}, {waiting} waiting")))
    });
    begun.await.expect("a filling");
    migration.kill();
    held.rollback().await.expect("a lock that is given back");

    let interrupted = stands().await.expect("where it goes on");
    assert!(interrupted.starts_with("past "), "{interrupted}");
    answer(&stack, &["migrate"]).await;
    stack.grant_roles().await;
    assert_eq!(stands().await, None);
    quarters_are_kept(&client, past, &[]).await;
    let wrong: i64 = client.query_one(WRONG_ROLL_UPS, &[]).await.expect("sums").get(0);
    assert_eq!(wrong, 0, "roll-ups are filled, too");
    answer(&stack, &["migrate"]).await;
}

#[tokio::test]
async fn an_index_takes_as_long_as_its_table_needs() {
    let stack = counted(a_day("before")).await;
    let client = stack.client().await;
    client.batch_execute("drop index org_daily_metrics_by_time").await.expect("an index to build");
    let limit = "set statement_timeout = '500ms'";
    let mut migrating = stack.client().await;
    migrating.batch_execute(limit).await.expect("a limit");
    // Building an index waits for whoever writes the table.
    let mut writer = stack.client().await;
    let writing = writer.transaction().await.expect("a transaction");
    let lock = "lock table org_daily_metrics in row exclusive mode";
    writing.batch_execute(lock).await.expect("a lock");
    let builds =
        "select coalesce(bool_or(clock_timestamp() - query_start > interval '700 ms'), false) from pg_stat_activity
         where datname = current_database() and query like 'create index concurrently%'";
    let let_go = async {
        let waiting =
            wait::until("an index that takes longer than a statement may", FILLING_LIMIT, async || {
                let is_long: bool = client.query_one(builds, &[]).await?.get(0);
                Ok(Seen::when(is_long, "no such index"))
            });
        waiting.await.expect("an index that is built");
        writing.rollback().await.expect("a lock that is given back");
    };
    let mut tell = |_| ();
    let (migrated, ()) = tokio::join!(migrations::migrate(&mut migrating, &mut tell), let_go);
    migrated.expect("a migration");
    let left = migrating.query_one("show statement_timeout", &[]).await.expect("a limit");
    assert_eq!(left.get::<_, &str>(0), "500ms");
    let built = "select indisvalid from pg_index where indexrelid = 'org_daily_metrics_by_time'::regclass";
    assert!(client.query_one(built, &[]).await.expect("an index").get::<_, bool>(0));
}

#[tokio::test]
async fn days_of_hours_that_never_knew_their_quarters_say_from_when_they_are_exact() {
    let (stack, client) = of_the_former_version(orders("acme", 10)).await;
    answer(&stack, &["migrate"]).await;
    stack.grant_roles().await;
    let api = stack.api().serve().await;
    let ask = async |from: DateTime<Utc>, zone: &str| {
        let (from, to) = (text(from), text(from + Duration::days(2)));
        let path = format!("/metrics/summary?from={from}&to={to}&timezone={zone}&granularity=day");
        let answer = api.get(&path, &Token::of("past").sign()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    };
    let kept_from: DateTime<Utc> =
        client.query_one("select since from quarters_known", &[]).await.expect("a row").get(0);
    let after = ask(kept_from + Duration::days(9), "Asia/Kolkata").await;
    assert_eq!((after.get("exactFrom"), after["comparison"].get("exactFrom")), (None, None), "{after:#}");
    let before = ask(kept_from - Duration::days(1), "Asia/Kolkata").await;
    assert_eq!(before["exactFrom"], text(kept_from), "{before:#}");
    assert_eq!(before["comparison"]["exactFrom"], text(kept_from), "{before:#}");
    // Of the days after it only what they are compared with is inexact.
    let next = ask(kept_from + Duration::days(1), "Asia/Kolkata").await;
    assert_eq!(next["comparison"]["exactFrom"], text(kept_from), "{next:#}");
    assert_eq!(next.get("exactFrom"), None, "{next:#}");
    let whole = ask(kept_from - Duration::days(1), "Europe/Berlin").await;
    assert_eq!((whole.get("exactFrom"), whole["comparison"].get("exactFrom")), (None, None), "{whole:#}");
    count(&stack).await;

    // While a former member may count, no message is sure to be under its channel.
    let channels = async || {
        let (from, to) = (text(kept_from), text(kept_from + Duration::days(2)));
        let path = format!("/metrics/delivery-health?from={from}&to={to}");
        api.get(&path, &Token::of("past").sign()).await.json()
    };
    let unfinished = channels().await;
    assert_eq!(unfinished["channelsFrom"], unfinished["range"]["to"], "{unfinished}");
    answer(&stack, &["migrate", "--finish"]).await;
    let known = "select channels_since between now() - interval '1 minute' and now() from roll_ups";
    assert!(client.query_one(known, &[]).await.expect("a row").get::<_, bool>(0));
    stack.counts("acme").await.are(orders_created(10));
}

#[tokio::test]
async fn a_member_that_counts_while_an_upgrade_is_finished_relies_on_no_trigger_that_is_gone() {
    let (stack, client) = of_the_former_version(a_day("before")).await;
    answer(&stack, &["migrate"]).await;
    stack.grant_roles().await;
    // Only the trigger of the roll-ups is left: no statement fails when that is dropped.
    client
        .batch_execute("drop table org_quarter_hourly_metrics; update ledger_floor set finished = 9")
        .await
        .expect("a former table");
    let member = stack.consumer().start().await;
    stack.produce(a_day("during")).await;
    stack.until_idle().await;
    answer(&stack, &["migrate", "--finish"]).await;
    stack.produce(a_day("after")).await;
    stack.until_idle().await;
    assert_eq!(member.stop().await, Some(0));
    let wrong: i64 = client.query_one(WRONG_ROLL_UPS, &[]).await.expect("sums").get(0);
    assert_eq!(wrong, 0, "the member makes the roll-ups itself now");
}

#[tokio::test]
async fn this_version_goes_on_beside_a_later_one_and_its_migrate_leaves_a_newer_schema_as_it_is() {
    let stack = counted(a_day("before")).await;
    let client = stack.client().await;
    let mut member = stack.consumer().start().await;
    client.batch_execute(LATER).await.expect("a later version's schema");

    let migrated = operate(&stack, &["migrate"]).await;
    assert_eq!(migrated.code, Some(0), "{migrated:#?}");
    let said = format!("{migrated:?}");
    assert!(said.contains("newer") && said.contains("V9999__later"), "{said}");
    let gone = "select to_regclass('org_daily_metrics_by_time') is null";
    assert!(client.query_one(gone, &[]).await.expect("a look").get::<_, bool>(0), "it builds nothing");
    let finish = operate(&stack, &["migrate", "--finish"]).await;
    assert!(finish.code == Some(1) && finish.errors.contains("V9999__later"), "{finish:#?}");

    // Those that run already, those that are started now, and the commands.
    let mut other = stack.consumer().start().await;
    let mut api = stack.api().serve().await;
    member.until_ready().await;
    other.until_ready().await;
    api.until_ready().await;
    stack.produce(a_day("after")).await;
    stack.until_idle().await;
    assert_eq!((member.stop().await, other.stop().await), (Some(0), Some(0)));
    stack.agrees_with(&[a_day("before"), a_day("after")].concat()).await;
    assert!(answer(&stack, &["audit"]).await.contains("the books agree"));
    assert!(answer(&stack, &["recount"]).await.contains(EQUAL));
    let erase = operate(&stack, &["erase", "--organization", "acme", "--yes"]).await;
    assert!(
        erase.code == Some(2) && erase.errors.contains("later_things"),
        "it might leave something: {erase:#?}"
    );
}
