//! The programs in `examples/`: what they publish is counted once, refused nowhere, and lies where Java's client would have put it.
//!
//! What is run is what their READMEs show: of an example's blocks the first prepares, and each other one publishes.

use crate::telling::{orders_created, until_counted};
use domain::Counters;
use load::murmur2::partition_of;
use machine::environment::Environment;
use machine::examples::{self, Example};
use machine::kafka::KafkaPlan;
use machine::{say, workspace};
use stack::Service;
use std::collections::HashMap;
use std::path::PathBuf;
use tests::documented::{Block, blocks};
use tests::{Ended, Launch, Member, Stack};
use tokio::sync::OnceCell;

/// The organizations that each example tells of. The last one's id isn't ASCII: a key is its id's UTF-8.
const ORGANIZATIONS: [&str; 3] = ["acme", "globex", "café"];

/// Records of each topic for each organization, copies included.
const EVENTS: i64 = 4;
const RUNS: i64 = 2;
const DELIVERIES: i64 = 4;

/// Orders that `place_orders.py` places for each organization.
const PLACED: i64 = 10;

/// What an example tells of each organization.
fn told() -> Counters {
    Counters {
        orders_created: 1,
        payments_total: 1,
        payments_successful: 1,
        workflows_total: 1,
        workflows_failed: 1,
        total_execution_time_ms: 1840,
        messages_sent: 1,
        messages_delivered: 1,
    }
}

#[tokio::test]
async fn what_python_publishes_is_counted() {
    is_counted(&examples::PYTHON).await;
}

#[tokio::test]
async fn what_each_client_of_go_publishes_is_counted() {
    is_counted(&examples::GO).await;
}

#[tokio::test]
async fn what_java_publishes_is_counted() {
    is_counted(&examples::JAVA).await;
}

#[tokio::test]
async fn what_typescript_publishes_is_counted() {
    is_counted(&examples::TYPESCRIPT).await;
}

#[tokio::test]
async fn what_rust_publishes_is_counted() {
    is_counted(&examples::RUST).await;
}

#[tokio::test]
async fn what_relays_publish_of_an_outbox_is_counted() {
    if !can_run(&examples::OUTBOX) {
        return;
    }
    let stack = Stack::start().await;
    let [place, relay, _, _] = prepared_outbox(&stack).await;
    for _ in 0..2 {
        succeeds(outbox(&stack).shell(&place.text)).await;
        // Two relays at once: each takes what the other hasn't.
        let both = format!("{} & one=$!\n{}\nwait $one", relay.text.trim_end(), relay.text);
        succeeds(outbox(&stack).shell(&both)).await;
    }
    let left = stack.client().await.query_one("select count(*) from outbox", &[]).await;
    assert_eq!(left.expect("a count").get::<_, i64>(0), 0, "what was delivered is deleted");
    let member = stack.consumer().start().await;
    stack.until_idle().await;
    has_counted(&stack, member, orders_created(2 * PLACED)).await;
}

#[tokio::test]
async fn what_debezium_publishes_of_an_outbox_is_counted() {
    if !can_run(&examples::OUTBOX) {
        return;
    }
    let stack = Stack::with_own(Service::Postgres).await;
    let Some(server) = stack.postgres().server() else {
        return say::line(
            "skipped: an outbox by Debezium, because it would restart the PostgreSQL of DATABASE_URL",
        );
    };
    let client = stack.client().await;
    client.batch_execute("alter system set wal_level = logical").await.expect("a setting");
    drop(client);
    server.stop();
    stack.postgres().start_again().await.expect("PostgreSQL, with its log for Debezium");

    let [place, _, fetch, connect] = prepared_outbox(&stack).await;
    succeeds(outbox(&stack).shell(&fetch.text)).await;
    let member = stack.consumer().start().await;
    // Orders that were placed before Debezium was there, and orders that are placed while it follows the log.
    succeeds(outbox(&stack).shell(&place.text)).await;
    let offsets = stack.folder().join("connect.offsets");
    let launch = outbox(&stack).set("CONNECT_OFFSETS", offsets.to_string_lossy());
    let debezium = launch.shell(&format!("exec {}", connect.text)).begin();
    for copies in 1..=2 {
        for organization in ORGANIZATIONS {
            until_counted(&stack, organization, "orders_created", copies * PLACED).await;
        }
        if copies == 1 {
            succeeds(outbox(&stack).shell(&place.text)).await;
        }
    }
    debezium.stop().await;
    stack.until_idle().await;
    has_counted(&stack, member, orders_created(2 * PLACED)).await;
}

/// Every example has a story here, but the bridge, which has its own.
#[test]
fn every_folder_of_examples_is_run() {
    let all = examples::ALL.map(|example| example.folder());
    let folder = workspace::root().join("examples");
    let entries = std::fs::read_dir(folder).expect("the examples");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let unknown = paths.filter(|path| path.is_dir() && !path.ends_with("bridge") && !all.contains(path));
    assert_eq!(unknown.collect::<Vec<_>>(), Vec::<PathBuf>::new());
}

/// Runs each program of an example on topics of its own.
async fn is_counted(example: &Example) {
    if !can_run(example) {
        return;
    }
    let documented = documented(example);
    let prepares = usize::from(documented.len() > 1);
    let (prepare, programs) = documented.split_at(prepares);
    assert!(!programs.is_empty(), "{example:?} shows how it is run");
    for program in programs {
        let stack = Stack::start().await;
        prepared(&stack, example, prepare).await;
        let script = if cfg!(debug_assertions) {
            // The stories' own build has it on PATH, with the features of the whole workspace.
            program.text.replace("cargo run --quiet --package publisher", "publisher")
        } else {
            program.text.clone()
        };
        succeeds(stack.consumer().example(example.folder()).shell(&script)).await;
        for (topic, records) in [
            (&stack.topics().events, EVENTS),
            (&stack.topics().workflow_terminals, RUNS),
            (&stack.topics().message_deliveries, DELIVERIES),
        ] {
            assert_eq!(ends(&stack, topic), placed(stack.partitions(), records), "{program}: {topic}");
        }
        let member = stack.consumer().start().await;
        stack.until_idle().await;
        has_counted(&stack, member, told()).await;
    }
}

/// Whether this machine can run it; if not, prints why.
fn can_run(example: &Example) -> bool {
    let environment = Environment::read();
    // What is in Kafka is looked at, and not every client gets on with librdkafka's mock.
    let mock = || KafkaPlan::find(&environment).shortcoming();
    let shortcoming = example.shortcoming(&environment).or_else(mock);
    if let Some(why) = &shortcoming {
        say::line(format_args!("skipped: {why}"));
    }
    shortcoming.is_none()
}

/// The commands that an example's README shows.
fn documented(example: &Example) -> Vec<Block> {
    let path = example.folder().join("README.md");
    let text = std::fs::read_to_string(&path).expect("an example's README");
    let all = blocks(&path.to_string_lossy(), &text);
    assert!(all.iter().all(|block| block.language == "sh"), "every block is run: {all:#?}");
    all
}

/// Fetches and builds what an example needs, once in this run, also if several stories need it at once.
async fn prepared(stack: &Stack, example: &Example, blocks: &[Block]) {
    static DONE: [OnceCell<()>; examples::ALL.len()] = [const { OnceCell::const_new() }; examples::ALL.len()];
    let place = examples::ALL.iter().position(|one| one.folder() == example.folder()).expect("one of all");
    DONE[place].get_or_init(|| prepare(stack, example, blocks)).await;
}

async fn prepare(stack: &Stack, example: &Example, blocks: &[Block]) {
    for block in blocks {
        succeeds(stack.consumer().example(example.folder()).shell(&block.text)).await;
    }
}

/// The outbox's blocks behind the one that prepares.
async fn prepared_outbox(stack: &Stack) -> [Block; 4] {
    let documented = documented(&examples::OUTBOX);
    let (prepare, rest) = documented.split_at(1);
    prepared(stack, &examples::OUTBOX, prepare).await;
    rest.to_vec().try_into().expect("place, relay, fetch Debezium, run it")
}

/// Something in the outbox's folder, with the database where libpq looks for it.
fn outbox(stack: &Stack) -> Launch<'_> {
    let database = stack.database();
    let server = database.server().expect("one server");
    let (host, port) = server.rsplit_once(':').expect("a host and a port");
    let url = database.as_str().split_once("://").expect("a URL").1;
    let (credentials, place) = url.split_once('@').expect("credentials");
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let name = place.split_once('/').expect("a database").1.split('?').next().unwrap_or_default();
    let launch = stack.consumer().example(examples::OUTBOX.folder()).set("PGHOST", host).set("PGPORT", port);
    launch.set("PGUSER", user).set("PGPASSWORD", password).set("PGDATABASE", name)
}

async fn succeeds(launch: Launch<'_>) -> Ended {
    let ended = launch.run().await;
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    ended
}

/// The ends of a topic's partitions that hold something.
fn ends(stack: &Stack, topic: &str) -> HashMap<i32, i64> {
    let all = stack.ends().into_iter().filter(|((of, _), end)| of == topic && *end > 0);
    all.map(|((_, partition), end)| (partition, end)).collect()
}

/// Where so many records of each organization belong.
fn placed(partitions: i32, records: i64) -> HashMap<i32, i64> {
    let mut ends = HashMap::new();
    for organization in ORGANIZATIONS {
        *ends.entry(partition_of(organization.as_bytes(), partitions)).or_default() += records;
    }
    ends
}

/// Each organization has these counters, nothing was refused, and nothing lies where it doesn't belong.
async fn has_counted(stack: &Stack, member: Member, expected: Counters) {
    for organization in ORGANIZATIONS {
        stack.counts(organization).await.are(expected);
    }
    assert_eq!(stack.dead_letters().await, []);
    let misplaced = member.metric("consumer_misplaced_records_total", "").await;
    assert!((misplaced - 0.0).abs() < f64::EPSILON, "{misplaced} records are misplaced");
    assert_eq!(member.stop().await, Some(0));
}
