//! What producers do wrong, what it makes of partitions, and what else members report while they count.

use super::{PRODUCERS, Watch};
use crate::telling::{count, orders_in, yesterday};
use chrono::{Duration, Utc};
use load::murmur2::partition_of;
use load::{Kind, Message, Produced};
use proto::v1::message_delivery::Status;
use proto::v1::workflow_terminal::Outcome;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use tests::Stack;

/// How long Kafka may take for each step of a transaction.
const STEP_LIMIT: std::time::Duration = std::time::Duration::from_secs(30);

/// A task of upkeep fails for as long as this is there.
const REFUSED_UPKEEP: &str = "
    insert into workflow_failures (organization_id, execution_id, workflow_id, workflow_name, outcome, error_message,
                                   execution_time_ms, finished_at)
    values ('acme', 'e', 'w', 'W', 'FAILED', '', 1, now() - interval '1 year');
    create function refuse() returns trigger language plpgsql as $$ begin raise 'kept on purpose'; end $$;
    create trigger refuse before delete on workflow_failures for each row execute function refuse()";

/// A partition's progress that is no offset: its partition stops as soon as it is claimed.
const SPOILED: &str =
    "update consumer_progress set next_offset = -7 where topic = $1 and kafka_partition = 0";

/// A transaction with a message, that nobody ends.
fn open_transaction(stack: &Stack) -> BaseProducer {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", stack.kafka().brokers())
        .set("transactional.id", stack.name())
        .set("transaction.timeout.ms", "600000")
        .create()
        .expect("a producer");
    producer.init_transactions(STEP_LIMIT).expect("transactions are to be had");
    producer.begin_transaction().expect("a transaction begins");
    let payload = Message::delivery("acme", "m", yesterday(), yesterday(), Status::Sent).encode();
    let record =
        BaseRecord::to(&stack.topics().message_deliveries).partition(0).key("acme").payload(&payload);
    producer.send(record).map_err(|(error, _)| error).expect("a record is taken");
    producer.flush(STEP_LIMIT).expect("Kafka has the record");
    producer
}

/// Messages of an hour that has settled, delivered and never sent; and a run, so that its partition's progress is known.
fn never_sent() -> Vec<Produced> {
    let at = Utc::now() - Duration::hours(4);
    let delivered = |n: i32| Message::delivery("acme", &format!("n{n}"), at, at, Status::Delivered);
    let run = Message::workflow("acme", "r", yesterday(), Outcome::Success, 7);
    let run = Produced { partition: Some(0), ..Produced::plain(run) };
    (0..25).map(delivered).map(Produced::plain).chain([run]).collect()
}

/// Some of everything that is wrong, and an order that is right.
fn wrong(stack: &Stack, round: usize) -> Vec<Produced> {
    let right = partition_of(b"acme", stack.partitions());
    let (n, partition) = (10 * round, Some(right));
    let payment = |successful| Message::payment("acme", &format!("p{round}"), yesterday(), successful);
    let here = |record| Produced { partition, ..record };
    let contradicting = [true, false].map(|successful| here(Produced::plain(payment(successful))));
    let refused = (0..5).map(|_| here(Produced::garbage(Kind::Event, "acme", b"\xff\xff".to_vec())));
    let misplaced = orders_in((right + 1) % stack.partitions(), "acme", n..n + 1);
    let counted = orders_in(right, "acme", n + 1..n + 2);
    contradicting.into_iter().chain(refused).chain(misplaced).chain(counted).collect()
}

#[tokio::test]
async fn what_producers_do_wrong_fires_its_alerts() {
    let stack = Stack::with_partitions(2).await;
    if !stack.kafka().is_real() {
        return;
    }
    stack.produce(never_sent()).await;
    count(&stack).await;
    let client = stack.client().await;
    let spoiled = client.execute(SPOILED, &[&stack.topics().workflow_terminals]).await;
    assert_eq!(spoiled.expect("a row"), 1);
    client.batch_execute(REFUSED_UPKEEP).await.expect("rows");
    let transaction = open_transaction(&stack);
    stack.produce(wrong(&stack, 0)).await;

    let launch = stack.consumer().set("DEAD_LETTERS_WHOLE_PER_HOUR", "5");
    let member = launch.set("REDIS_URL", "redis://127.0.0.1:1").start().await;
    let Some(mut watch) = Watch::over(&stack, &[&member], &[]).await else { return };
    let expected = [
        "ConsumerAnnouncementsLost",
        "ConsumerContradictions",
        "ConsumerDeadLetterFlood",
        "ConsumerDeadLetters",
        "ConsumerDeliveredExceedsSent",
        "ConsumerLagGrowing",
        "ConsumerLagging",
        "ConsumerMisplacedRecords",
        "ConsumerNotReady",
        "ConsumerOpenTransaction",
        "ConsumerPartitionStopped",
        "ConsumerUpkeepFailing",
    ];
    let mut round = 0;
    let go_on = async || {
        round += 1;
        stack.produce(wrong(&stack, round)).await;
    };
    watch.until_firing(&expected, go_on).await;
    watch.has_seen_all_of(PRODUCERS);
    transaction.abort_transaction(STEP_LIMIT).expect("the transaction ends");
    assert_eq!(member.stop().await, Some(0));
}
