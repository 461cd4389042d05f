//! Metrics say what is so at the moment they are asked for: whether a process is ready and what is wrong, how far each partition
//! is, and who shows it.

use crate::documented::lacks;
use crate::operators::answer;
use crate::resets::{forget_before, until_stopped};
use crate::telling::{count, counted, orders, orders_in, yesterday};
use load::{Kind, Message};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use stack::Service;
use stack::wait::{self, Seen};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tests::{Answer, Member, Stack, Token};

/// How long it may take until a gauge follows: sessions of the group, and PostgreSQL's recovery, are among what it follows.
const LIMIT: Duration = Duration::from_secs(60);

const DOCUMENTED: &str = include_str!("../../docs/operating.md");

/// The series of a metric in the answer to a scrape, each by its labels as they are written there.
fn series_of(scraped: &str, name: &str) -> BTreeMap<String, f64> {
    let samples = scraped.lines().filter_map(|line| line.strip_prefix(name)?.rsplit_once(' '));
    let ours = samples.filter(|(labels, _)| labels.is_empty() || labels.starts_with('{'));
    ours.filter_map(|(labels, value)| Some((labels.to_owned(), value.parse().ok()?))).collect()
}

async fn series(member: &Member, name: &str) -> BTreeMap<String, f64> {
    series_of(&member.admin("/metrics").await.body, name)
}

/// The labels of a partition of the events.
fn labels(stack: &Stack, partition: i32) -> String {
    format!("{{topic=\"{}\",partition=\"{partition}\"}}", stack.topics().events)
}

/// Waits until the series of this metric are so.
async fn until(member: &Member, name: &str, are: impl Fn(&BTreeMap<String, f64>) -> bool) {
    let shown = wait::until(name, LIMIT, async || {
        let shown = series(member, name).await;
        Ok(Seen::when(are(&shown), format!("{shown:?}")))
    });
    shown.await.expect("gauges that follow");
}

/// Waits until the series with these labels has this value.
async fn until_is(member: &Member, name: &str, labels: &str, value: f64) {
    until(member, name, |shown| shown.get(labels) == Some(&value)).await;
}

fn sum(shown: &BTreeMap<String, f64>) -> f64 {
    shown.values().sum()
}

fn number(is: bool) -> f64 {
    f64::from(u8::from(is))
}

/// What `/readyz` says of each condition, as its gauge must say it.
fn conditions(ready: &Answer) -> BTreeMap<String, f64> {
    let (ready, mut said) = (ready.json(), BTreeMap::new());
    let of = |member: &str| ready[member].as_object().into_iter().flatten().collect::<Vec<_>>();
    for (name, text) in of("conditions") {
        // Partitions have gauges of their own, and are one condition here.
        let name: &str = if name.starts_with("partition ") { "partitions" } else { name };
        said.insert(format!("{{condition=\"{name}\"}}"), number(text == "ok"));
    }
    for (name, _) in of("warnings") {
        said.insert(format!("{{condition=\"{name}\",warning=\"true\"}}"), 0.0);
    }
    said
}

/// Fails the story unless the gauges say what `/readyz` says at the same moment.
async fn agrees_with_readyz(member: &Member, program: &str) {
    let compared = wait::until("a moment in which readiness doesn't change", LIMIT, async || {
        let before = member.admin("/readyz").await;
        let scraped = member.admin("/metrics").await.body;
        let after = member.admin("/readyz").await;
        if before.body != after.body {
            return Ok(Seen::NotYet(format!("{} and then {}", before.body, after.body)));
        }
        let ready = series_of(&scraped, &format!("{program}_ready"));
        assert_eq!(ready.get(""), Some(&number(before.status == 200)), "{}", before.body);
        let shown = series_of(&scraped, &format!("{program}_condition_ok"));
        assert_eq!(shown, conditions(&before), "{}", before.body);
        Ok(Seen::Ready(()))
    });
    compared.await.expect("readiness that stands still for a moment");
}

/// What `promtool` says about metrics.
async fn check_by_promtool(stack: &Stack, program: &str, scraped: &str) {
    let file = format!("{program}.txt");
    std::fs::write(stack.folder().join(&file), scraped).expect("a file in the story's folder");
    let checked = stack.consumer().shell(&format!("promtool check metrics < {file}")).run().await;
    let said = [&*checked.output, &*checked.errors].concat();
    assert_eq!((checked.code, &*said), (Some(0), ""), "{program}");
}

/// Each metric must be in the documentation's tables, and the build and the process among the metrics.
fn check_names(program: &str, scraped: &str) {
    let names = scraped.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    for name in names {
        let is_documented =
            [format!("`{name}`"), format!("`{name}{{")].iter().any(|of| DOCUMENTED.contains(of));
        assert!(is_documented, "{name} is not in docs/operating.md");
    }
    let version = format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    let build = series_of(scraped, &format!("{program}_build_info"));
    assert_eq!(build, BTreeMap::from([(version, 1.0)]));
    for name in ["process_open_fds", "process_resident_memory_bytes", "process_start_time_seconds"] {
        let shown = series_of(scraped, name);
        assert!(shown.get("").is_some_and(|value| *value > 0.0), "{name}: {shown:?}");
    }
}

#[tokio::test]
async fn the_metrics_of_both_binaries_are_documented_and_pass_promtools_check() {
    let stack = Stack::start().await;
    let mut member = stack.consumer().start().await;
    let mut api = stack.api().serve().await;
    stack.produce(orders("acme", 100)).await;
    stack.until_idle().await;
    member.until_ready().await;
    api.until_ready().await;
    let authorization = format!("Bearer {}", Token::of("acme").sign());
    for path in ["/metrics/summary", "/metrics/summary", "/metrics/trends", "/nowhere"] {
        api.get_with(path, &[("authorization", &authorization), ("accept-encoding", "gzip")]).await;
    }
    assert_eq!(api.get("/metrics/summary", "no token").await.status, 401);
    let binaries: [(&str, &Member); 2] = [("consumer", &member), ("query_api", &api)];
    let lacks_promtool = lacks("the check of metrics", "promtool");
    for (program, binary) in binaries {
        agrees_with_readyz(binary, program).await;
        let scraped = binary.admin("/metrics").await.body;
        check_names(program, &scraped);
        if !lacks_promtool {
            check_by_promtool(&stack, program, &scraped).await;
        }
    }
    assert_eq!((member.stop().await, api.stop().await), (Some(0), Some(0)));
}

/// The one condition that all partitions are.
const PARTITIONS: &str = "{condition=\"partitions\"}";

#[tokio::test]
async fn a_partition_that_stops_at_the_start_shows_until_it_goes_on() {
    let stack = Stack::with_partitions(2).await;
    stack.produce(orders_in(0, "acme", 0..100)).await;
    stack.produce(orders_in(1, "beta", 0..100)).await;
    count(&stack).await;
    stack.produce(orders_in(0, "acme", 100..150)).await;
    forget_before(&stack, 0, 120).await;
    let (stopped, going) = (labels(&stack, 0), labels(&stack, 1));
    let member = stack.consumer().start().await;
    until_stopped(&stack, &member, &[0]).await;

    until_is(&member, "consumer_partition_stopped", &stopped, 1.0).await;
    until_is(&member, "consumer_partition_stopped", &going, 0.0).await;
    until_is(&member, "consumer_partitions_stopped", "", 1.0).await;
    until_is(&member, "consumer_ready", "", 0.0).await;
    // What retention has left and what it has taken: nobody has counted either.
    until_is(&member, "consumer_lag_records", &stopped, 50.0).await;
    until_is(&member, "consumer_lag_seconds", &going, 0.0).await;
    until(&member, "consumer_lag_seconds", |shown| shown.get(&stopped).is_some_and(|lag| *lag > 3.0)).await;
    // Of the conditions, the partitions are not ok, and all others are.
    until(&member, "consumer_condition_ok", |shown| {
        let is_right = |(labels, ok): (&String, &f64)| *ok == number(labels != PARTITIONS);
        shown.contains_key(PARTITIONS) && shown.iter().all(is_right)
    })
    .await;
    agrees_with_readyz(&member, "consumer").await;
    // It doesn't recover by itself, and goes on saying so.
    stack.produce(orders_in(0, "acme", 150..160)).await;
    until_is(&member, "consumer_lag_records", &stopped, 60.0).await;
    until_is(&member, "consumer_partition_stopped", &stopped, 1.0).await;
    assert_eq!(member.stop().await, Some(0));

    let events = &*stack.topics().events;
    answer(&stack, &["progress", "reset", "--topic", events, "--partition", "0", "--to", "earliest"]).await;
    let mut member = stack.consumer().start().await;
    stack.until_idle().await;
    member.until_ready().await;
    for (name, labels) in [
        ("consumer_partition_stopped", &*stopped),
        ("consumer_partitions_stopped", ""),
        ("consumer_lag_records", &*stopped),
        ("consumer_lag_seconds", &*stopped),
    ] {
        until_is(&member, name, labels, 0.0).await;
    }
    agrees_with_readyz(&member, "consumer").await;
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn while_postgresql_is_away_the_lag_grows_and_both_binaries_say_what_is_wrong() {
    const POSTGRESQL: &str = "{condition=\"postgresql\"}";
    const LAST_COMMIT: &str = "consumer_last_commit_timestamp_seconds";
    let stack = Stack::with_own(Service::Postgres).await;
    let Some(server) = stack.postgres().server() else { return };
    stack.produce(orders("acme", 10)).await;
    let mut member = stack.consumer().start().await;
    let mut api = stack.api().serve().await;
    stack.until_idle().await;
    member.until_ready().await;
    api.until_ready().await;
    until(&member, "consumer_lag_records", |shown| !shown.is_empty() && sum(shown) == 0.0).await;
    until(&member, "consumer_lag_seconds", |shown| !shown.is_empty() && sum(shown) == 0.0).await;
    let all = stack.partitions() as usize * Kind::ALL.len();
    let complete = "consumer_complete_through_timestamp_seconds";
    until(&member, complete, |shown| shown.len() == all).await;
    // Each second a member proves that nothing is missing.
    let first = sum(&series(&member, LAST_COMMIT).await);
    until(&member, LAST_COMMIT, |shown| sum(shown) > first).await;
    until_is(&api, "query_api_condition_ok", POSTGRESQL, 1.0).await;

    server.stop();
    stack.produce(orders("beta", 100)).await;
    member.until_not_ready().await;
    until_is(&member, "consumer_ready", "", 0.0).await;
    until_is(&member, "consumer_condition_ok", POSTGRESQL, 0.0).await;
    until_is(&member, "consumer_condition_ok", "{condition=\"kafka\"}", 1.0).await;
    until(&member, "consumer_lag_records", |shown| sum(shown) == 100.0).await;
    let longest = |shown: &BTreeMap<String, f64>| shown.values().copied().fold(0.0, f64::max);
    until(&member, "consumer_lag_seconds", |shown| longest(shown) > 3.0).await;
    until_is(&api, "query_api_condition_ok", "{condition=\"postgresql\",warning=\"true\"}", 0.0).await;
    until_is(&api, "query_api_ready", "", 1.0).await;
    agrees_with_readyz(&member, "consumer").await;
    agrees_with_readyz(&api, "query_api").await;
    let before = sum(&series(&member, LAST_COMMIT).await);

    stack.postgres().start_again().await.expect("PostgreSQL comes back");
    stack.until_idle().await;
    member.until_ready().await;
    until(&member, "consumer_lag_records", |shown| shown.len() == all && sum(shown) == 0.0).await;
    until(&member, "consumer_lag_seconds", |shown| shown.len() == all && sum(shown) == 0.0).await;
    until(&member, LAST_COMMIT, |shown| sum(shown) > before + 3.0).await;
    until_is(&member, "consumer_condition_ok", POSTGRESQL, 1.0).await;
    until_is(&api, "query_api_condition_ok", POSTGRESQL, 1.0).await;
    agrees_with_readyz(&member, "consumer").await;
    agrees_with_readyz(&api, "query_api").await;
    assert_eq!((member.stop().await, api.stop().await), (Some(0), Some(0)));
}

/// Begins a transaction with an order in each partition of the events. Until it ends these wait, though PostgreSQL and the members
/// are well.
fn one_order_each(stack: &Stack) -> BaseProducer {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", stack.kafka().brokers())
        .set("transactional.id", stack.name())
        .set("transaction.timeout.ms", "300000")
        .create()
        .expect("a producer");
    producer.init_transactions(LIMIT).expect("transactions are to be had");
    producer.begin_transaction().expect("a transaction begins");
    for partition in 0..stack.partitions() {
        let payload = Message::order("acme", &format!("o{partition}"), yesterday()).encode();
        let record =
            BaseRecord::to(&stack.topics().events).partition(partition).key("acme").payload(&payload);
        producer.send(record).map_err(|(error, _)| error).expect("a record is taken");
    }
    producer.flush(LIMIT).expect("Kafka has the records");
    producer
}

/// Waits until each of the members shows some partitions, all together each partition once, and so many records that wait.
async fn until_shown_once(stack: &Stack, members: &[&Member], waiting: f64) {
    let all = stack.partitions() as usize * Kind::ALL.len();
    let shown = wait::until("each partition to be shown by one member", LIMIT, async || {
        let mut shown = Vec::new();
        for member in members {
            shown.push(series(member, "consumer_lag_records").await);
        }
        let series: usize = shown.iter().map(BTreeMap::len).sum();
        let partitions: BTreeSet<&String> = shown.iter().flat_map(BTreeMap::keys).collect();
        let lag: f64 = shown.iter().map(sum).sum();
        let each_has_some = shown.iter().all(|of| !of.is_empty());
        let is_so = (series, partitions.len()) == (all, all) && lag == waiting && each_has_some;
        Ok(Seen::when(is_so, format!("{lag} records wait: {shown:?}")))
    });
    shown.await.expect("each partition once");
}

#[tokio::test]
async fn a_partition_that_moves_is_shown_by_the_member_that_has_it_and_its_lag_is_not_added_twice() {
    let stack = Stack::start().await;
    let each = f64::from(stack.partitions());
    let stays = stack.consumer().start().await;
    let producer = one_order_each(&stack);
    until_shown_once(&stack, &[&stays], each).await;
    let leaves = stack.consumer().start().await;
    until_shown_once(&stack, &[&stays, &leaves], each).await;
    let held = |shown: &BTreeMap<String, f64>| sum(shown) > 0.0;
    until(&stays, "consumer_partitions", held).await;
    until(&leaves, "consumer_partitions", held).await;
    assert_eq!(leaves.stop().await, Some(0));
    until_shown_once(&stack, &[&stays], each).await;
    until(&stays, "consumer_lag_seconds", |shown| sum(shown) > 0.0).await;

    producer.commit_transaction(LIMIT).expect("the transaction ends");
    stack.until_idle().await;
    until_shown_once(&stack, &[&stays], 0.0).await;
    until(&stays, "consumer_lag_seconds", |shown| sum(shown) == 0.0).await;
    assert_eq!(stays.stop().await, Some(0));
}

#[tokio::test]
async fn a_member_that_is_cut_off_from_postgresql_shows_nothing_that_has_moved_away_meanwhile() {
    let stack = Stack::with_partitions(2).await;
    let proxy = stack.proxy();
    let mut cut_off = stack.consumer().through(&proxy).start().await;
    until_shown_once(&stack, &[&cut_off], 0.0).await;
    proxy.refuse();
    proxy.cut_all();
    cut_off.until_not_ready().await;
    // Half of its partitions move, and it can't give them up in order.
    let other = stack.consumer().start().await;
    until(&other, "consumer_partitions", |shown| sum(shown) > 0.0).await;
    until_shown_once(&stack, &[&cut_off, &other], 0.0).await;
    proxy.accept();
    cut_off.until_ready().await;
    until_shown_once(&stack, &[&cut_off, &other], 0.0).await;
    assert_eq!((cut_off.stop().await, other.stop().await), (Some(0), Some(0)));
}

#[tokio::test]
async fn the_pool_shows_its_connections_in_use_and_who_waits_for_one() {
    const BUSY: &str = "{state=\"busy\"}";
    const IDLE: &str = "{state=\"idle\"}";
    let stack = counted(orders("acme", 5)).await;
    let launch = ["DATABASE_STATEMENT_TIMEOUT", "DATABASE_WAIT_TIMEOUT", "LOAD_TIMEOUT", "REQUEST_TIMEOUT"]
        .iter()
        .fold(stack.api().set("DATABASE_POOL_SIZE", "1"), |launch, name| launch.set(name, "60s"));
    let mut api = launch.serve().await;
    api.until_ready().await;
    until_is(&api, "query_api_pool_size_max", "", 1.0).await;
    until_is(&api, "query_api_pool_waiting", "", 0.0).await;
    let (api, locked) = (Arc::new(api), stack.client().await);
    let lock = "begin; lock table channel_hourly_metrics in access exclusive mode";
    locked.batch_execute(lock).await.expect("a lock");
    let asked = ["acme", "beta"].map(|organization| {
        let api = Arc::clone(&api);
        let token = Token::of(organization).sign();
        tokio::spawn(async move { api.get("/metrics/delivery-health", &token).await.status })
    });
    until_is(&api, "query_api_pool_connections", BUSY, 1.0).await;
    until(&api, "query_api_pool_waiting", |shown| sum(shown) >= 1.0).await;
    drop(locked);
    for asked in asked {
        assert_eq!(asked.await.expect("an answer"), 200);
    }
    until_is(&api, "query_api_pool_connections", BUSY, 0.0).await;
    until_is(&api, "query_api_pool_connections", IDLE, 1.0).await;
    until_is(&api, "query_api_pool_waiting", "", 0.0).await;
}
