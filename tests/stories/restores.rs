//! Whatever the database is put back from, everything ends counted once: a base backup, a dump, a point in time, and the backup
//! from before a release.

use crate::documented::blocks_of;
use crate::operators::answer;
use crate::recount::EQUAL;
use crate::telling::{counted, orders, orders_in, so_far};
use chrono::Utc;
use load::{Load, Produced, Producer};
use stack::run::process::Process;
use stack::wait::{self, Seen};
use std::thread::JoinHandle;
use std::time::Duration;
use tests::Stack;

/// How long Kafka may take to accept some records, and a member to become what it says.
const LIMIT: Duration = Duration::from_secs(60);

/// How long dumping or restoring a small database may take.
const TOOL_LIMIT: Duration = Duration::from_secs(60);

/// A load with everything in it, in three parts.
fn thirds(seed: u64, stack: &Stack) -> [Vec<Produced>; 3] {
    let load = Load { records: 30_000, partitions: stack.partitions(), ..Load::mixed(seed, Utc::now()) };
    let mut first: Vec<Produced> = load.records().collect();
    let mut second = first.split_off(10_000);
    let third = second.split_off(10_000);
    [first, second, third]
}

/// Publishes records a few at a time, for some seconds, whatever else happens.
pub fn traffic(stack: &Stack, records: Vec<Produced>) -> JoinHandle<()> {
    let (brokers, topics) = (stack.kafka().brokers().to_owned(), stack.topics().clone());
    std::thread::spawn(move || {
        let mut producer = Producer::new(&brokers, topics).expect("a producer");
        for some in records.chunks(100) {
            producer.send_all(some, LIMIT).expect("a Kafka that takes records");
        }
    })
}

/// Waits until all of it is published.
pub fn until_published(traffic: JoinHandle<()>) {
    tokio::task::block_in_place(|| traffic.join()).expect("traffic that ends well");
}

/// Both books of the tables agree, and the log with them.
pub async fn books_agree(stack: &Stack) {
    let audit = answer(stack, &["audit"]).await;
    assert!(audit.contains("the books agree"), "{audit}");
    let recount = answer(stack, &["recount"]).await;
    assert!(recount.contains(EQUAL), "{recount}");
}

/// How many offsets are counted.
async fn offsets(stack: &Stack) -> i64 {
    let sum = "select coalesce(sum(next_offset), 0)::bigint from consumer_progress";
    stack.client().await.query_one(sum, &[]).await.expect("the progress can be read").get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_base_backup_restored_under_traffic_ends_exact() {
    let Some(stack) = Stack::with_pair().await else { return };
    let [first, second, third] = thirds(91, &stack);
    let (one, other) = (stack.consumer().start().await, stack.consumer().start().await);
    stack.produce(first.clone()).await;
    stack.until_idle().await;
    stack.pair().back_up().await.expect("a backup");
    stack.produce(second.clone()).await;
    stack.until_idle().await;

    let traffic = traffic(&stack, third.clone());
    stack.pair().restore().await.expect("the backup is restored");
    until_published(traffic);
    stack.until_idle().await;
    stack.agrees_with(first.iter().chain(&second).chain(&third)).await;
    books_agree(&stack).await;
    assert_eq!((one.stop().await, other.stop().await), (Some(0), Some(0)));
}

/// Runs a client program of PostgreSQL on the story's database.
async fn run(stack: &Stack, name: &str, args: &[&str]) {
    let program = stack.pair().tool(name, stack.database()).args(args);
    let mut process = Process::start(program).expect("a program");
    let status = process.wait(TOOL_LIMIT).await.expect("an end");
    assert!(status.success(), "{name}: {}", process.log_tail());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_restored_into_an_empty_database_under_members_ends_exact() {
    let Some(stack) = Stack::with_pair().await else { return };
    let [first, second, third] = thirds(92, &stack);
    let member = stack.consumer().start().await;
    stack.produce(first.clone()).await;
    stack.until_idle().await;
    // Members count on while it is dumped.
    let during = traffic(&stack, second.clone());
    run(&stack, "pg_dump", &["--format=custom", "--file=counted.dump"]).await;
    until_published(during);
    stack.until_idle().await;
    let before = offsets(&stack).await;

    let maintenance = stack.database().database("postgres").connect().await.expect("a connection");
    for statement in ["drop database \"{}\" with (force)", "create database \"{}\""] {
        let statement = statement.replace("{}", stack.name());
        maintenance.batch_execute(&statement).await.expect("an empty database");
    }
    let during = traffic(&stack, third.clone());
    // All at once: members that saw the progress without the ledger would count what it has.
    run(&stack, "pg_restore", &["--single-transaction", "--exit-on-error", "counted.dump"]).await;
    until_published(during);
    stack.until_idle().await;
    assert!(offsets(&stack).await > before);
    stack.agrees_with(first.iter().chain(&second).chain(&third)).await;
    books_agree(&stack).await;
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_point_in_time_is_gone_back_to_and_what_came_after_is_counted_again() {
    let Some(stack) = Stack::with_pair().await else { return };
    let [first, second, third] = thirds(93, &stack);
    stack.pair().archive().await.expect("a log that is archived");
    let member = stack.consumer().start().await;
    stack.produce(first.clone()).await;
    stack.until_idle().await;
    stack.pair().back_up().await.expect("a backup");
    stack.produce(second.clone()).await;
    stack.until_idle().await;
    assert_eq!(member.stop().await, Some(0));
    let then = offsets(&stack).await;
    let now = "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')";
    let now: String = stack.client().await.query_one(now, &[]).await.expect("a time").get(0);
    let member = stack.consumer().start().await;
    stack.produce(third.clone()).await;
    stack.until_idle().await;
    assert_eq!(member.stop().await, Some(0));

    let blocks = blocks_of("a_point_in_time_is_gone_back_to_and_what_came_after_is_counted_again");
    let [settings] = &blocks[..] else { panic!("{} blocks", blocks.len()) };
    let archive = stack.pair().archived().display().to_string();
    let settings = settings.text.replace("/var/backups/metrics/wal", &archive);
    assert!(settings.contains("'2026-02-25 10:00:00+00'"), "the documented instant: {settings}");
    let settings = settings.replace("2026-02-25 10:00:00", &now);
    stack.pair().restore_until(&settings).await.expect("a database as it was then");
    assert_eq!(
        offsets(&stack).await,
        then,
        "it has the second part, which the backup lacks, and not the third"
    );
    stack.agrees_with(first.iter().chain(&second)).await;
    let member = stack.consumer().start().await;
    stack.until_idle().await;
    stack.agrees_with(first.iter().chain(&second).chain(&third)).await;
    books_agree(&stack).await;
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn a_release_that_was_finished_is_rolled_back_by_the_backup_from_before_it() {
    let stack = counted(orders("acme", 10)).await;
    let former = include_str!("upgrades/former.sql");
    stack.client().await.batch_execute(former).await.expect("a database of the former version");
    stack.grant_roles().await;
    stack.back_up().await;
    answer(&stack, &["migrate"]).await;
    stack.grant_roles().await;
    let member = stack.consumer().start().await;
    stack.produce(orders_in(0, "acme", 10..15)).await;
    stack.until_idle().await;
    answer(&stack, &["migrate", "--finish"]).await;
    assert_eq!(member.stop().await, Some(0));

    stack.restore().await;
    let newest = "select max(version) from refinery_schema_history";
    let newest: i32 = stack.client().await.query_one(newest, &[]).await.expect("a history").get(0);
    assert_eq!(
        (newest, so_far(&stack, "acme", "orders_created").await),
        (8, 10),
        "the former version goes on here"
    );
    // This version doesn't, before it has migrated again: it says so, and writes nothing.
    let member = stack.consumer().start().await;
    let told = wait::until("a member that says what the schema lacks", LIMIT, async || {
        let readiness = member.admin("/readyz").await;
        Ok(Seen::when(readiness.status == 503 && readiness.body.contains("consumer migrate"), readiness.body))
    });
    told.await.expect("a member that isn't ready");
    answer(&stack, &["migrate"]).await;
    stack.grant_roles().await;
    stack.until_idle().await;
    assert_eq!(member.stop().await, Some(0));
    stack.agrees_with(&orders("acme", 15)).await;
    answer(&stack, &["migrate", "--finish"]).await;
    books_agree(&stack).await;
}
