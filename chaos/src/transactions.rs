//! Producers that use Kafka's transactions: one that goes on committing and aborting, and those that die in the middle.

use super::stream::{Ending, Stream};
use load::produce::base_record;
use load::{Produced, Rng, Topics};
use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, Producer as _};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::MissedTickBehavior;

/// How often a transaction begins.
const BEAT: Duration = Duration::from_millis(500);
/// How many records a transaction has at most.
const RECORDS_MAX: u64 = 40;
/// The share of transactions that are aborted.
const ABORTED: f64 = 0.2;
/// How long Kafka may take for each step of a transaction. If it takes longer, the producer is given up, and the next one with the
/// same name aborts what it left.
const STEP_LIMIT: Duration = Duration::from_secs(5);
/// After this time Kafka aborts the transaction of a producer that was given up.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A producer that commits and aborts. A fault that locks this finds no open transaction.
pub struct Transactions {
    brokers: String,
    topics: Topics,
    rng: Rng,
    /// `None` before the first transaction, and after one whose end is unknown.
    producer: Option<BaseProducer>,
}

impl Transactions {
    /// The producer of `seed`.
    #[must_use]
    pub fn new(seed: u64, brokers: &str, topics: Topics) -> Self {
        Self { brokers: brokers.to_owned(), topics, rng: Rng::new(seed), producer: None }
    }

    /// One transaction. Kafka's failures end it, and nothing else.
    async fn one(&mut self, stream: &Mutex<Stream>) {
        let producer = match self.producer.take() {
            Some(producer) => producer,
            None => match started(&self.brokers, "chaos", TIMEOUT) {
                Ok(producer) => producer,
                Err(_) => return,
            },
        };
        let records = 1 + self.rng.below(RECORDS_MAX);
        let records = usize::try_from(records).expect("few records");
        let (number, records) = stream.lock().await.begin_transaction(records);
        if begin(&producer, &self.topics, &records).is_err() {
            return;
        }
        let aborted = self.rng.chance(ABORTED);
        let ended = tokio::task::block_in_place(|| match aborted {
            true => producer.abort_transaction(STEP_LIMIT),
            false => producer.commit_transaction(STEP_LIMIT),
        });
        let ending = match (aborted, &ended) {
            (true, _) => Ending::NotCommitted,
            (false, Ok(())) => Ending::Committed,
            (false, Err(_)) => Ending::Unknown,
        };
        stream.lock().await.end_transaction(number, ending);
        self.producer = ended.is_ok().then_some(producer);
    }
}

/// Commits and aborts transactions, while no fault has locked them.
///
/// # Errors
/// None: that Kafka is away is part of the test.
pub async fn flow(
    transactions: Arc<Mutex<Transactions>>,
    stream: Arc<Mutex<Stream>>,
) -> anyhow::Result<Infallible> {
    let mut beats = tokio::time::interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        beats.tick().await;
        transactions.lock().await.one(&stream).await;
    }
}

/// A producer named `name` writes these records in a transaction, and dies before it ends that. Kafka aborts it after `timeout`.
///
/// # Errors
/// When Kafka doesn't take the records. Then it aborts them likewise.
pub fn abandon(
    brokers: &str,
    topics: &Topics,
    name: &str,
    timeout: Duration,
    records: &[Produced],
) -> anyhow::Result<()> {
    let producer = tokio::task::block_in_place(|| started(brokers, name, timeout))?;
    begin(&producer, topics, records)?;
    Ok(())
}

fn started(brokers: &str, name: &str, timeout: Duration) -> Result<BaseProducer, KafkaError> {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("transactional.id", name)
        .set("transaction.timeout.ms", timeout.as_millis().to_string())
        .create()?;
    tokio::task::block_in_place(|| producer.init_transactions(STEP_LIMIT))?;
    Ok(producer)
}

/// Begins a transaction with these records, and waits until Kafka has them.
fn begin(producer: &BaseProducer, topics: &Topics, records: &[Produced]) -> Result<(), KafkaError> {
    producer.begin_transaction()?;
    for record in records {
        let handed = base_record(topics.of(record.kind), record);
        producer.send(handed).map_err(|(error, _)| error)?;
    }
    tokio::task::block_in_place(|| producer.flush(STEP_LIMIT))
}
