//! Partitions that move to other members while this one is held up: it neither claims them back nor leaves the group.

use crate::interruptions::until_it_holds_some;
use crate::telling::{orders_created, until_waiting_for_locks, yesterday};
use load::{Kind, Message, Produced};
use proto::v1::workflow_terminal::Outcome;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use stack::wait::{self, Seen};
use std::time::Duration;
use tests::{Member, Stack};

/// How long a rebalance, or a claim, may take.
const LIMIT: Duration = Duration::from_secs(60);
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// The lock that members take turns by at making tables.
const TABLES_LOCK: i64 = 0x6d65_7472_6963_7302;

fn onlooker(stack: &Stack) -> BaseConsumer {
    let mut settings = ClientConfig::new();
    settings.set("bootstrap.servers", stack.kafka().brokers()).set("group.id", "onlooker");
    settings.create().expect("a client")
}

/// The ids that Kafka has given the group's members. Whoever leaves and comes back has another.
pub fn member_ids(stack: &Stack) -> Vec<String> {
    let groups = onlooker(stack).fetch_group_list(Some(stack.name()), ANSWER_LIMIT).expect("an answer");
    let members = groups.groups().iter().flat_map(|group| group.members());
    members.map(|member| member.id().to_owned()).collect()
}

/// Waits until the group has so many members, and each knows its partitions.
async fn until_the_group_has(stack: &Stack, members: usize) {
    let client = onlooker(stack);
    let stable = wait::until("the group to be stable", LIMIT, async || {
        let groups = client.fetch_group_list(Some(stack.name()), ANSWER_LIMIT)?;
        let seen = groups.groups().first().map(|group| (group.state().to_owned(), group.members().len()));
        Ok(Seen::when(seen == Some(("Stable".into(), members)), format!("{seen:?}")))
    });
    stable.await.expect("a stable group");
}

/// Waits until so many partitions are claimed, by others than `not_by`.
async fn until_claimed(stack: &Stack, partitions: i64, not_by: &str) {
    let client = stack.client().await;
    let claimed = wait::until("partitions to be claimed", LIMIT, async || {
        let query = "select count(*) from consumer_progress where owner <> $1";
        let claimed: i64 = client.query_one(query, &[&not_by]).await?.get(0);
        Ok(Seen::when(claimed >= partitions, format!("{claimed} are")))
    });
    claimed.await.expect("claimed partitions");
}

/// Who has claimed all the partitions.
async fn owner(stack: &Stack) -> String {
    let query = "select distinct owner from consumer_progress";
    stack.client().await.query_one(query, &[]).await.expect("one owner").get(0)
}

/// An order and a run for each partition of their topics.
fn one_for_each_partition(stack: &Stack, id: &str) -> Vec<Produced> {
    let order = |n| Message::order("acme", &format!("{id}{n}"), yesterday());
    let run = |n| Message::workflow("runs", &format!("{id}{n}"), yesterday(), Outcome::Success, 1);
    let messages = (0..stack.partitions()).flat_map(|n| [(n, order(n)), (n, run(n))]);
    messages.map(|(n, message)| Produced { partition: Some(n), ..Produced::plain(message) }).collect()
}

fn has_left(member: &Member) -> bool {
    member.log_tail().contains("leaving the group")
}

#[tokio::test]
async fn a_member_fenced_on_a_partition_that_has_moved_away_stays_in_the_group() {
    let stack = Stack::with_partitions(2).await;
    let partitions = 2 * Kind::ALL.len() as i64;
    let held_up = stack.consumer().start().await;
    until_claimed(&stack, partitions, "nobody").await;
    let first = owner(&stack).await;
    // It has records of four partitions to write, and waits for its turn to make a table for their day.
    let client = stack.client().await;
    client
        .batch_execute(&format!("begin; select pg_advisory_xact_lock({TABLES_LOCK})"))
        .await
        .expect("a lock");
    stack.produce(one_for_each_partition(&stack, "a")).await;
    until_waiting_for_locks(&stack, 1).await;
    // Three of the six partitions move, at least one of the four among them.
    let other = stack.consumer().start().await;
    until_claimed(&stack, 3, &first).await;
    client.batch_execute("commit").await.expect("an end");

    stack.until_idle().await;
    stack.produce(one_for_each_partition(&stack, "b")).await;
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(4));
    assert!(held_up.metric("consumer_partitions_fenced_total", "").await >= 1.0, "{}", held_up.log_tail());
    assert!(!has_left(&held_up), "{}", held_up.log_tail());
    assert_eq!(held_up.stop().await, Some(0));
    assert_eq!(other.stop().await, Some(0));
}

#[tokio::test]
async fn a_member_that_was_cut_off_claims_nothing_that_has_moved_away_meanwhile() {
    let stack = Stack::with_partitions(2).await;
    let proxy = stack.proxy();
    let cut_off = stack.consumer().through(&proxy).start().await;
    until_it_holds_some(&cut_off).await;
    let leaving = stack.consumer().start().await;
    until_it_holds_some(&leaving).await;
    proxy.refuse();
    proxy.cut_all();
    let mut cut_off = cut_off;
    cut_off.until_not_ready().await;
    // It is assigned three partitions and can't claim them. Four of the six move to others, at least one of the three
    // among them.
    assert_eq!(leaving.stop().await, Some(0));
    until_the_group_has(&stack, 1).await;
    let others = [stack.consumer().start().await, stack.consumer().start().await];
    until_the_group_has(&stack, 3).await;
    for other in &others {
        until_it_holds_some(other).await;
    }
    proxy.accept();
    cut_off.until_ready().await;

    stack.produce(one_for_each_partition(&stack, "a")).await;
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(2));
    for other in others {
        assert_eq!(other.metric("consumer_partitions_fenced_total", "").await, 0.0, "{}", other.log_tail());
        assert!(!has_left(&other), "{}", other.log_tail());
        assert_eq!(other.stop().await, Some(0));
    }
    assert!(!has_left(&cut_off), "{}", cut_off.log_tail());
    assert_eq!(cut_off.stop().await, Some(0));
}

/// Each partition with the number of its latest claim, and who has made it.
async fn claims(stack: &Stack) -> Vec<(String, i32, i64, String)> {
    let query =
        "select topic, kafka_partition, epoch, owner from consumer_progress order by topic, kafka_partition";
    let rows = stack.client().await.query(query, &[]).await.expect("rows");
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
}

#[tokio::test]
async fn a_static_member_that_ends_and_comes_back_takes_over_its_own_partitions_and_moves_no_other() {
    let stack = Stack::with_partitions(2).await;
    let named = |name: &str| stack.consumer().set("KAFKA_CONFIG_GROUP_INSTANCE_ID", name);
    let stays = named("a").start().await;
    until_claimed(&stack, 6, "nobody").await;
    let alone = owner(&stack).await;
    let leaves = named("b").start().await;
    until_it_holds_some(&leaves).await;
    until_claimed(&stack, 3, &alone).await;
    stack.until_idle().await;
    let before = claims(&stack).await;

    assert_eq!(leaves.stop().await, Some(0));
    let back = named("b").start().await;
    let taken = wait::until("its partitions to be claimed again", LIMIT, async || {
        let claims = claims(&stack).await;
        let taken = claims.iter().zip(&before).filter(|(now, then)| now.2 > then.2).count();
        Ok(Seen::when(taken == 3, format!("{claims:?}")))
    });
    taken.await.expect("claims");
    stack.produce(one_for_each_partition(&stack, "a")).await;
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(2));
    let after = claims(&stack).await;
    for (then, now) in before.iter().zip(&after).filter(|(then, now)| then != now) {
        assert_ne!(then.3, alone, "a partition of the member that stayed has moved: {then:?}, {now:?}");
    }
    assert_eq!(stays.stop().await, Some(0));
    assert_eq!(back.stop().await, Some(0));
}
