//! Two PostgreSQL servers that both accept writes, as after a failover whose old primary still runs: a member reads and writes
//! on one of them.

use crate::readiness::says;
use crate::telling::{orders_created, orders_in};
use load::{Producer, Topics};
use stack::wait::{self, Seen};
use stack::{Postgres, Role, Service};
use std::time::Duration;
use tests::{Counts, Stack};
use tokio_postgres::Client;

/// How long a member may take to be where it should be.
const LIMIT: Duration = Duration::from_secs(60);

/// The story's database on the other server.
async fn on(twin: &Postgres, stack: &Stack) -> Client {
    twin.url().database(stack.name()).connect().await.expect("a connection")
}

/// A launch's URL that names both servers: the first by the proxy.
fn both(stack: &Stack, proxy: &stack::Proxy, twin: &Postgres) -> String {
    let (first, second) = (proxy.address().to_string(), twin.url().server().expect("an address"));
    stack
        .database_of(Role::Consumer)
        .at(proxy.address())
        .as_str()
        .replace(&first, &format!("{first},{second}"))
}

/// Waits until so many orders of acme are counted in this database.
async fn until_counted(client: &Client, orders: i64) {
    let counted = wait::until("orders to be counted there", LIMIT, async || {
        let query = "select coalesce(sum(orders_created), 0)::bigint from org_daily_metrics where organization_id = 'acme'";
        let counted: i64 = client.query_one(query, &[]).await?.get(0);
        Ok(Seen::when(counted == orders, format!("{counted}, not {orders}")))
    });
    counted.await.expect("counted orders");
}

#[tokio::test]
async fn what_is_claimed_on_one_server_is_not_read_there_and_written_on_another() {
    let stack = Stack::with_own(Service::Postgres).await;
    if stack.postgres().server().is_none() {
        return;
    }
    let twin = stack.postgres().twin().await.expect("a second server");
    let (proxy, old, new) = (stack.proxy(), stack.client().await, on(&twin, &stack).await);
    // It has nothing to claim before there are topics.
    let topics = ["EVENTS_TOPIC", "WORKFLOW_TERMINALS_TOPIC", "MESSAGE_DELIVERIES_TOPIC"];
    let names = topics.map(|topic| format!("{}.{topic}", stack.name()));
    let launch = stack.consumer().set("DATABASE_URL", both(&stack, &proxy, &twin));
    let launch = topics.iter().zip(&names).fold(launch, |launch, (topic, name)| launch.set(topic, name));
    let mut member = launch.start().await;
    until_connected(&old).await;
    // From now on new connections reach the other server; the open one stays.
    proxy.refuse();
    stack.kafka().create_topics(&names.each_ref().map(String::as_str), 1).await.expect("topics");
    member.until_ready().await;
    let [events, workflow_terminals, message_deliveries] = names;
    let topics = Topics { events, workflow_terminals, message_deliveries };
    let mut producer = Producer::new(stack.kafka().brokers(), topics).expect("a producer");
    producer.send_all(&orders_in(0, "acme", 0..100), LIMIT).expect("records in Kafka");
    until_counted(&new, 100).await;
    Counts::read(&old, "acme").await.expect("counts").are(orders_created(0));
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn a_writer_that_finds_another_primary_takes_the_reader_along() {
    let stack = Stack::with_own(Service::Postgres).await;
    if stack.postgres().server().is_none() {
        return;
    }
    let proxy = stack.proxy();
    stack.produce(orders_in(0, "acme", 0..100)).await;
    crate::telling::count(&stack).await;
    let twin = stack.postgres().twin().await.expect("a second server");
    let (old, new) = (stack.client().await, on(&twin, &stack).await);
    let mut member = stack.consumer().set("DATABASE_URL", both(&stack, &proxy, &twin)).start().await;
    member.until_ready().await;
    stack.produce(orders_in(0, "acme", 100..200)).await;
    until_counted(&old, 200).await;
    // The copy is from before these 100, and before the member's claims.
    proxy.refuse();
    let writers = "select pg_terminate_backend(pid) from pg_stat_activity where query = 'commit'";
    let ended = old.query(writers, &[]).await.expect("a superuser").len();
    assert!(ended > 0, "the member had a connection that committed");
    stack.produce(orders_in(0, "acme", 150..300)).await;
    until_counted(&new, 300).await;
    Counts::read(&old, "acme").await.expect("counts").are(orders_created(200));
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn a_server_that_is_no_primary_is_not_used_and_said_not_to_be_one() {
    let stack = Stack::start().await;
    let client = stack.client().await;
    let read_only =
        |on| format!("alter database \"{}\" set default_transaction_read_only = {on}", stack.name());
    client.batch_execute(&read_only("on")).await.expect("a database that takes no writes");
    let mut member = stack.consumer().start().await;
    says(&member, &["does not allow writes", "let DATABASE_URL lead to the primary"]).await;
    client.batch_execute(&read_only("off")).await.expect("a database that takes writes");
    member.until_ready().await;
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn a_host_that_accepts_connections_and_is_silent_does_not_keep_members_from_the_next() {
    let stack = Stack::start().await;
    let proxy = stack.proxy();
    proxy.pause();
    let (silent, good) = (proxy.address(), stack.database().server().expect("an address"));
    let mut member = stack.consumer().on(&format!("{silent},{good}"), "").start().await;
    member.until_ready().await;
    stack.produce(orders_in(0, "acme", 0..100)).await;
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(100));
    assert_eq!(member.stop().await, Some(0));
}

async fn until_connected(server: &Client) {
    let query = "select count(*) from pg_stat_activity where application_name = 'business-metrics-consumer'";
    let connected = wait::until("a member to connect", LIMIT, async || {
        let connections: i64 = server.query_one(query, &[]).await?.get(0);
        Ok(Seen::when(connections > 0, "none"))
    });
    connected.await.expect("a connection");
}
