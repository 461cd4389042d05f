//! Readiness tells the truth: within ten seconds, for as long as a fault lasts, with its cause and its remedy.

use crate::telling::{orders, orders_created, orders_in, yesterday};
use load::{Message, Produced};
use stack::Service;
use stack::run::server::Server;
use stack::wait::{self, Seen};
use std::time::{Duration, Instant};
use tests::{Denied, Launch, Member, Resource, Stack};

/// How soon readiness must tell of a fault.
const TRUE_WITHIN: Duration = Duration::from_secs(10);
/// For how long it is then watched: longer than two rounds of questions that nobody answers, and than a session.
const WATCHED_FOR: Duration = Duration::from_secs(6);

/// Waits until the member isn't ready and says all of these words, and then watches that it goes on saying them.
pub async fn says(member: &Member, words: &[&str]) {
    all_say(std::slice::from_ref(member), words).await;
}

async fn all_say(members: &[Member], words: &[&str]) {
    let tells = async |member: &Member| {
        let ready = member.admin("/readyz").await;
        let tells = ready.status == 503 && words.iter().all(|word| ready.body.contains(word));
        (tells, format!("{} {}", ready.status, ready.body))
    };
    let what = format!("readiness to tell of {words:?}");
    let mut untold = members.iter().peekable();
    let told = wait::until(&what, TRUE_WITHIN, async || {
        let Some(member) = untold.peek() else { return Ok(Seen::Ready(())) };
        let (tells, said) = tells(member).await;
        if tells {
            untold.next();
        }
        Ok(Seen::when(untold.peek().is_none(), said))
    });
    told.await.expect("the truth");
    let (since, mut turns) = (Instant::now(), members.iter().cycle());
    let watched = wait::until("time to pass", WATCHED_FOR * 2, async || {
        let (tells, said) = tells(turns.next().expect("members")).await;
        anyhow::ensure!(tells, "after {:?} it says: {said}", since.elapsed());
        Ok(Seen::when(since.elapsed() >= WATCHED_FOR, "not long enough"))
    });
    watched.await.expect("a steady answer");
}

#[tokio::test]
async fn no_broker_from_the_start_is_told() {
    let stack = Stack::start().await;
    let told = async |brokers: &str, words: &[&str]| {
        let member = stack.consumer().set("KAFKA_BROKERS", brokers).start().await;
        says(&member, words).await;
        assert_eq!(member.stop().await, Some(0));
    };
    tokio::join!(
        told("127.0.0.1:1", &["no broker answers", "KAFKA_BROKERS"]),
        told("no-such-host.invalid:9092", &["has no address", "no-such-host.invalid", "KAFKA_BROKERS"]),
    );
}

#[tokio::test]
async fn tls_and_a_login_that_are_refused_are_told() {
    let stack = Stack::start().await;
    if !stack.kafka().is_real() {
        return;
    }
    let told = async |member: Launch<'_>, words: &[&str]| {
        let member = member.start().await;
        says(&member, words).await;
        assert_eq!(member.stop().await, Some(0));
    };
    let tls = stack.consumer().set("KAFKA_CONFIG_SECURITY_PROTOCOL", "SSL");
    let sasl = stack.consumer().set("KAFKA_CONFIG_SECURITY_PROTOCOL", "SASL_PLAINTEXT");
    let sasl = sasl.set("KAFKA_CONFIG_SASL_MECHANISM", "PLAIN").set("KAFKA_CONFIG_SASL_USERNAME", "u");
    let sasl = sasl.set("KAFKA_CONFIG_SASL_PASSWORD", "p");
    tokio::join!(told(tls, &["no broker answers", "SSL"]), told(sasl, &["KAFKA_CONFIG_S", "SASL"]));
}

#[tokio::test]
async fn a_topic_that_does_not_exist_is_told_until_it_does() {
    let stack = Stack::start().await;
    if !stack.kafka().is_real() {
        return;
    }
    let missing = format!("{}.missing", stack.name());
    let mut member = stack.consumer().set("EVENTS_TOPIC", &missing).start().await;
    says(&member, &[&format!("topic {missing} doesn't exist"), "EVENTS_TOPIC"]).await;
    stack.kafka().create_topics(&[&missing], 1).await.expect("a topic");
    member.until_ready().await;
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn rights_that_are_missing_are_told_and_those_that_are_taken_away() {
    let stack = Stack::with_own(Service::Kafka).await;
    if stack.kafka().server().is_none() {
        return;
    }
    let (events, group) = (Resource::Topic(&stack.topics().events), Resource::Group(stack.name()));
    let topic = format!("topic {} may not be read", stack.topics().events);
    stack.deny(events, Denied::All).await;
    let mut member = stack.consumer().start().await;
    says(&member, &[&topic, "READ"]).await;
    stack.allow_again(events).await;
    member.until_ready().await;

    stack.produce(orders("acme", 100)).await;
    stack.until_idle().await;
    stack.deny(events, Denied::Read).await;
    says(&member, &[&topic, "READ"]).await;
    stack.allow_again(events).await;
    member.until_ready().await;

    let joined = format!("group {} may not be joined", stack.name());
    for denied in [Denied::Read, Denied::All] {
        stack.deny(group, denied).await;
        says(&member, &[&joined, "READ"]).await;
        stack.allow_again(group).await;
        member.until_ready().await;
    }
    stack.deny(group, Denied::All).await;
    let late = stack.consumer().start().await;
    says(&late, &[&joined]).await;
    stack.allow_again(group).await;
    stack.produce(orders("beta", 100)).await;
    stack.until_idle().await;
    stack.counts("beta").await.are(orders_created(100));
    assert_eq!(late.stop().await, Some(0));
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn kafka_that_stops_under_members_is_told_by_all_of_them() {
    gone(Server::kill).await;
}

#[tokio::test]
async fn kafka_that_hangs_under_members_is_told_by_all_of_them() {
    gone(Server::pause).await;
}

/// Four members for the three topics' only partitions: one of them has none.
async fn gone(lose: fn(&Server)) {
    let stack = Stack::with_own(Service::Kafka).await;
    let Some(server) = stack.kafka().server() else { return };
    let topics = ["EVENTS_TOPIC", "WORKFLOW_TERMINALS_TOPIC", "MESSAGE_DELIVERIES_TOPIC"];
    let names = topics.map(|topic| format!("{}.{topic}", stack.name()));
    stack.kafka().create_topics(&names.each_ref().map(String::as_str), 1).await.expect("topics");
    let launch =
        topics.iter().zip(&names).fold(stack.consumer(), |launch, (topic, name)| launch.set(topic, name));
    let mut members = Vec::new();
    for _ in 0..4 {
        members.push(launch.clone().start().await);
    }
    for member in &mut members {
        member.until_ready().await;
    }
    lose(server);
    all_say(&members, &["no broker answers", "KAFKA_BROKERS"]).await;
    server.resume();
    stack.kafka().start_again().await.expect("Kafka comes back");
    for member in &mut members {
        member.until_ready().await;
    }
    for member in members {
        assert_eq!(member.stop().await, Some(0));
    }
}

#[tokio::test]
async fn postgres_that_hangs_is_told_by_a_member_that_has_nothing_to_count() {
    postgres_hangs(&[]).await;
}

#[tokio::test]
async fn postgres_that_hangs_is_told_by_a_member_that_has_records_to_count() {
    postgres_hangs(&orders("beta", 100)).await;
}

/// PostgreSQL keeps its connections, takes new ones, and doesn't answer.
async fn postgres_hangs(waiting: &[Produced]) {
    let stack = Stack::with_own(Service::Postgres).await;
    let Some(server) = stack.postgres().server() else { return };
    let mut member = stack.consumer().start().await;
    stack.produce(orders("acme", 100)).await;
    stack.until_idle().await;
    member.until_ready().await;
    server.pause();
    stack.produce(waiting.to_vec()).await;
    says(&member, &["PostgreSQL has not answered since", "network"]).await;
    server.resume();
    stack.until_idle().await;
    member.until_ready().await;
    stack.counts("acme").await.are(orders_created(100));
    stack.counts("beta").await.are(orders_created(i64::try_from(waiting.len()).expect("a few")));
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn a_right_that_the_database_role_lacks_is_told_steadily_and_named() {
    let stack = Stack::start().await;
    let Some(_) = stack.postgres().server() else { return };
    let client = stack.client().await;
    let role = format!("{}_role", stack.name());
    let grants = format!(
        "create role {role} login password 'secret' in role pg_read_all_data, pg_write_all_data; \
         grant create on schema public to {role}; \
         do $$ declare t text; begin \
             for t in select tablename from pg_tables where schemaname = 'public' loop \
                 execute format('alter table %I owner to {role}', t); \
             end loop; \
         end $$; \
         alter table org_hourly_metrics owner to business_metrics_owner; \
         revoke pg_write_all_data from {role}; \
         revoke all on org_hourly_metrics from {role}"
    );
    client.batch_execute(&grants).await.expect("a role");
    let url = stack.database().as_role(&role, "secret");
    let mut member = stack.consumer().set("DATABASE_URL", url.as_str()).start().await;
    stack.produce(orders("acme", 100)).await;
    says(&member, &["org_hourly_metrics", "right"]).await;
    client.batch_execute(&format!("grant all on org_hourly_metrics to {role}")).await.expect("a right");
    stack.until_idle().await;
    member.until_ready().await;

    let owner = "alter table ledger_segments owner to postgres";
    let all = format!("grant all on ledger_segments to {role}");
    client.batch_execute(&format!("{owner}; {all}")).await.expect("another owner");
    let long_ago = yesterday() - chrono::Duration::days(9);
    stack.produce([Produced::plain(Message::order("acme", "late", long_ago))]).await;
    says(&member, &["ledger_segments", "owns"]).await;
    client.batch_execute(&format!("alter table ledger_segments owner to {role}")).await.expect("an owner");
    stack.until_idle().await;
    member.until_ready().await;
    stack.counts("acme").await.are(orders_created(101));
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn a_partition_that_stands_still_is_named_with_what_it_waits_for() {
    let stack = Stack::with_partitions(2).await;
    let mut member = stack.consumer().set("STALLED_AFTER", "2s").start().await;
    stack.produce(orders_in(0, "acme", 0..10).into_iter().chain(orders_in(1, "beta", 0..10))).await;
    stack.until_idle().await;
    member.until_ready().await;
    let client = stack.client().await;
    let lock = "begin; lock table org_hourly_metrics in access exclusive mode";
    client.batch_execute(lock).await.expect("a lock");
    stack.produce(orders_in(0, "acme", 10..25)).await;
    let name = format!("partition {}/0", stack.topics().events);
    says(&member, &[&name, "stalled: 15 records behind", "waiting for PostgreSQL, writing a batch"]).await;
    client.batch_execute("rollback").await.expect("no lock any more");
    stack.until_idle().await;
    member.until_ready().await;
    stack.counts("acme").await.are(orders_created(25));
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn a_fault_writes_at_most_a_line_a_second() {
    let stack = Stack::with_own(Service::Postgres).await;
    let Some(server) = stack.postgres().server() else { return };
    let brokers = stack.consumer().set("KAFKA_BROKERS", "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3").start().await;
    let mut postgres = stack.consumer().start().await;
    postgres.until_ready().await;
    // One after the other: about each of two faults a member may write a line.
    writes_few_lines(&brokers).await;
    assert_eq!(brokers.stop().await, Some(0));
    server.stop();
    stack.produce(orders("acme", 100)).await;
    postgres.until_not_ready().await;
    writes_few_lines(&postgres).await;
    stack.postgres().start_again().await.expect("PostgreSQL comes back");
    stack.until_idle().await;
    assert_eq!(postgres.stop().await, Some(0));
}

async fn writes_few_lines(member: &Member) {
    let before = member.log_lines();
    wait::pass(WATCHED_FOR).await;
    let lines = member.log_lines() - before;
    assert!(lines as u64 <= WATCHED_FOR.as_secs() + 1, "{lines} lines: {}", member.log_tail());
}

#[tokio::test]
async fn every_counter_is_there_as_zero_from_the_start() {
    let stack = Stack::start().await;
    // Spans are counted where they are sent to somebody.
    let member = stack.consumer().set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");
    let member = member.set("KAFKA_BROKERS", "127.0.0.1:1").start().await;
    let told = member.admin("/metrics").await.body;
    let documented = include_str!("../../docs/operating.md");
    let is_counter = |word: &&str| word.starts_with("consumer_") && word.ends_with("_total");
    let words = documented.split(|c: char| !c.is_alphanumeric() && c != '_').filter(is_counter);
    for name in words {
        let series = told.lines().find(|line| line.starts_with(name));
        assert!(series.is_some(), "{name} is not there:\n{told}");
    }
    assert!(told.contains("consumer_partitions_stopped 0"), "{told}");
    assert_eq!(member.stop().await, Some(0));
}
