//! `consumer doctor`: each misconfiguration on real servers is found, as exactly one finding with its remedy, and a sound system has none.

mod config;
mod groups;
mod postgresql;
mod progress;
mod redis;
mod topics;

use crate::telling::{count, orders, until_counted};
use load::{Producer, Topics};
use machine::say;
use serde_json::Value;
use stack::Service;
use stack::wait::{self, Seen};
use std::time::{Duration, Instant};
use tests::{Launch, Stack};

/// Findings that the tests' Kafka always has: it is one broker, and keeps records for ever.
const OF_THIS_KAFKA: [&str; 2] = ["topic-replicas", "ledger-retention"];

/// How long Kafka may take to accept records.
const PRODUCE_LIMIT: Duration = Duration::from_secs(60);

/// How long the doctor may take when a dependency hangs, its start included.
const HANGING_LIMIT: Duration = Duration::from_secs(30);

/// Two weeks, in milliseconds: longer than an outage, shorter than the ledger's memory.
const FORTNIGHT_MS: &str = "1209600000";

/// What the doctor has found.
#[derive(Debug)]
pub struct Report {
    /// The exit code.
    pub code: Option<i32>,
    /// Warnings and faults.
    pub found: Vec<Found>,
    /// Checks that could not be made.
    pub not_checked: Vec<String>,
}

/// A warning or a fault.
#[derive(Debug)]
pub struct Found {
    /// The check.
    pub check: String,
    /// `warning` or `fault`.
    pub mark: String,
    /// All that is said of it: about what, what was seen, and the remedy.
    pub said: String,
}

/// Has the doctor look, with these settings and options.
pub async fn examine(launch: Launch<'_>, options: &[&str]) -> Report {
    let ended = launch.command(&[&["doctor", "--json"][..], options].concat()).run().await;
    let report: Value = serde_json::from_str(&ended.output).unwrap_or_else(|_| panic!("no JSON: {ended:#?}"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let found =
        report["findings"].as_array().expect("findings").iter().filter(|finding| finding["mark"] != "ok");
    let found = found.map(|finding| {
        assert!(finding["remedy"].is_string(), "what isn't well has a remedy: {finding}");
        let said = ["about", "seen", "remedy"].map(|part| text(&finding[part])).join(" | ");
        Found { check: text(&finding["check"]), mark: text(&finding["mark"]), said }
    });
    let not_checked = report["notChecked"].as_array().expect("checks").iter().map(text);
    Report { code: ended.code, found: found.collect(), not_checked: not_checked.collect() }
}

impl Report {
    /// What was found beside what the tests' Kafka always has.
    fn beside(&self) -> Vec<(&str, &str)> {
        let found = self.found.iter().filter(|found| !OF_THIS_KAFKA.contains(&&*found.check));
        found.map(|found| (&*found.mark, &*found.check)).collect()
    }

    /// Fails the story unless exactly this was found, and these words are said of it.
    pub fn finds(&self, mark: &str, check: &str, words: &[&str]) {
        assert_eq!(self.beside(), [(mark, check)], "{self:#?}");
        self.says(check, words);
        assert_eq!(self.code, Some(i32::from(mark == "fault")), "{self:#?}");
    }

    /// Fails the story unless these words are said of a check.
    pub fn says(&self, check: &str, words: &[&str]) {
        let said = self.found.iter().find(|found| found.check == check).map(|found| &*found.said);
        let said = said.unwrap_or_else(|| panic!("{check} is not found: {self:#?}"));
        assert!(words.iter().all(|word| said.contains(word)), "{words:?}: {said}");
    }

    /// Fails the story if anything was found.
    pub fn finds_nothing(&self) {
        assert!(self.found.is_empty() && self.code == Some(0), "{self:#?}");
    }
}

/// A stack with a real Kafka; `None`, after printing that, where there is only an imitation.
pub async fn stack() -> Option<Stack> {
    real(Stack::start().await)
}

/// The same with a service of its own; `None` where the service isn't ours.
pub async fn stack_with_own(service: Service) -> Option<Stack> {
    let stack = real(Stack::with_own(service).await)?;
    let is_ours = match service {
        Service::Kafka => stack.kafka().server().is_some(),
        Service::Postgres => stack.postgres().server().is_some(),
        Service::Redis => stack.redis().is_some_and(|redis| redis.server().is_some()),
    };
    is_ours.then_some(stack)
}

fn real(stack: Stack) -> Option<Stack> {
    if !stack.kafka().is_real() {
        say::line("skipped: stories about the doctor, for Kafka's imitation has no settings and no rights");
    }
    stack.kafka().is_real().then_some(stack)
}

/// The settings of a member for these topics.
pub fn for_topics<'a>(stack: &'a Stack, topics: &Topics) -> Launch<'a> {
    stack
        .consumer()
        .set("EVENTS_TOPIC", &topics.events)
        .set("WORKFLOW_TERMINALS_TOPIC", &topics.workflow_terminals)
        .set("MESSAGE_DELIVERIES_TOPIC", &topics.message_deliveries)
}

#[tokio::test]
async fn a_sound_system_has_no_finding() {
    let Some(stack) = Stack::with_brokers().await else { return };
    let topics = topics::made(&stack, "sound", &[("retention.ms", FORTNIGHT_MS)]).await;
    examine(for_topics(&stack, &topics), &[]).await.finds_nothing();
    let mut member = for_topics(&stack, &topics).start().await;
    member.until_ready().await;
    let records: Vec<_> =
        orders("acme", 100).into_iter().map(|record| record.placed(topics::PARTITIONS)).collect();
    let mut producer = Producer::new(stack.kafka().brokers(), topics.clone()).expect("a producer");
    producer.send_all(&records, PRODUCE_LIMIT).expect("records are taken");
    until_counted(&stack, "acme", "orders_created", 100).await;
    let assigned = member.log_tail().matches("assigned").count();
    let report = examine(for_topics(&stack, &topics), &[]).await;
    report.finds_nothing();
    let is_of_redis = |check: &String| check.starts_with("redis-");
    assert!(report.not_checked.iter().all(is_of_redis), "with Redis all is checked: {report:#?}");
    assert_eq!(member.log_tail().matches("assigned").count(), assigned, "the group was not disturbed");
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn it_changes_nothing() {
    let Some(stack) = stack().await else { return };
    stack.produce(orders("acme", 10)).await;
    count(&stack).await;
    let state = async || {
        let query = "select (select string_agg(p::text, ' ' order by topic, kafka_partition) from consumer_progress p), \
                     (select string_agg(i::text, ' ' order by topic) from topic_incarnations i), \
                     (select count(*) from ledger_tails), (select floor::text from ledger_floor)";
        let row = stack.client().await.query_one(query, &[]).await.expect("a row");
        let texts = [0, 1, 3].map(|column| row.get::<_, Option<String>>(column));
        (texts, row.get::<_, i64>(2), stack.ends())
    };
    let before = state().await;
    assert_eq!(examine(stack.consumer(), &[]).await.beside(), []);
    assert_eq!(state().await, before);
}

#[tokio::test]
async fn people_get_lines_and_programs_exit_codes() {
    let Some(stack) = stack().await else { return };
    let lines = stack.consumer().command(&["doctor"]).run().await;
    assert_eq!(lines.code, Some(0), "warnings are no faults: {lines:#?}");
    let has = |begins: &str| lines.output.lines().any(|line| line.starts_with(begins));
    assert!(has("ok       brokers                 brokers answer at "), "{lines:#?}");
    assert!(has("warning  topic-replicas          "), "{lines:#?}");
    let last = lines.output.lines().last().unwrap_or_default();
    assert!(last.starts_with("ok ") && last.contains(", faults 0"), "{lines:#?}");

    let faulty = stack
        .consumer()
        .set("KAFKA_BROKERS", "127.0.0.1:1")
        .command(&["doctor", "--wait", "10s"])
        .run()
        .await;
    assert_eq!(faulty.code, Some(1), "{faulty:#?}");
    let last = faulty.output.lines().last().unwrap_or_default();
    assert!(last.contains("faults 1; not checked") && last.contains("topic-retention"), "{faulty:#?}");
    let cases: [(&str, &str, &[&str]); 3] = [
        ("FAILURE_RETENTION_DAYS", "1", &["FAILURE_RETENTION_DAYS (1)", "LEDGER_RETENTION_DAYS (35)"]),
        ("KAFKA_CONFIG_ISOLATION_LEVEL", "read_uncommitted", &["KAFKA_CONFIG_ISOLATION_LEVEL"]),
        ("KAFKA_BROKERS", " ", &["KAFKA_BROKERS"]),
    ];
    for (name, value, words) in cases {
        let wrong = stack.consumer().set(name, value).command(&["doctor"]).run().await;
        assert_eq!((wrong.code, &*wrong.output), (Some(2), ""), "{wrong:#?}");
        assert!(words.iter().all(|word| wrong.errors.contains(word)), "{wrong:#?}");
    }
}

#[tokio::test]
async fn a_dependency_that_hangs_takes_its_time_and_hides_no_other_finding() {
    let Some(stack) = stack_with_own(Service::Kafka).await else { return };
    let proxy = stack.proxy();
    proxy.pause();
    stack.kafka().server().expect("it is ours").pause();
    let since = Instant::now();
    let hanging = stack.consumer().through(&proxy).set("DEAD_LETTER_RETENTION_DAYS", "1");
    let report = examine(hanging, &["--wait", "10s"]).await;
    assert!(since.elapsed() < HANGING_LIMIT, "{:?}", since.elapsed());
    stack.kafka().server().expect("it is ours").resume();
    let expected = [("fault", "brokers"), ("fault", "postgresql"), ("warning", "dead-letter-retention")];
    assert_eq!(report.beside(), expected, "{report:#?}");
    report.says("brokers", &["no broker answers", "KAFKA_BROKERS"]);
    report.says("postgresql", &["no answer within"]);
    assert!(report.not_checked.iter().any(|check| check == "durability"), "{report:#?}");
    let back = wait::until("Kafka to answer again", PRODUCE_LIMIT, async || {
        let report = examine(stack.consumer(), &[]).await;
        Ok(Seen::when(report.beside().is_empty(), format!("{report:#?}")))
    });
    back.await.expect("nothing is found any more");
}

#[tokio::test]
async fn a_broker_of_several_that_hangs_takes_the_time_of_one_dependency() {
    let Some(stack) = Stack::with_brokers().await else { return };
    stack.brokers().broker(0).pause();
    let since = Instant::now();
    let report = examine(stack.consumer(), &["--wait", "10s"]).await;
    assert!(since.elapsed() < HANGING_LIMIT, "{:?}: {report:#?}", since.elapsed());
    stack.brokers().broker(0).resume();
}

#[tokio::test]
async fn memory_that_is_not_there_and_letters_that_are_soon_gone_are_found() {
    let Some(stack) = stack().await else { return };
    let large = stack.consumer().set("LEDGER_MEMORY_MB", "1048576");
    examine(large, &[]).await.finds("fault", "memory", &["1049088 MiB", "LEDGER_MEMORY_MB"]);
    let short = || stack.consumer().set("DEAD_LETTER_RETENTION_DAYS", "2");
    let words = ["2 d", "3 d", "DEAD_LETTER_RETENTION_DAYS"];
    examine(short(), &[]).await.finds("warning", "dead-letter-retention", &words);
    assert_eq!(examine(short(), &["--longest-outage", "1d"]).await.beside(), []);
}
