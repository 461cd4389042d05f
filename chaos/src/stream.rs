//! The records: a steady stream of them, and the truth about all that were produced.

use super::log::{Bad, Log};
use super::marks::Mark;
use super::offsets::Offsets;
use chrono::{DateTime, Days, TimeDelta, Utc};
use load::{Company, Horizon, Mix, Produced, Producer, Rng, Topics, Trouble, Truth, Upstream};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How far ahead of the clock records count from, at most: the default of `FUTURE_SKEW_MAX`.
const SKEW: TimeDelta = TimeDelta::hours(1);
/// How much further ahead an early record is.
const AHEAD: TimeDelta = TimeDelta::seconds(2);
/// After this time every record that was too early when it was produced counts. It is more than [`AHEAD`], because batches take
/// time.
pub const EARLY_UNTIL: Duration = Duration::from_secs(3);
/// Records this much earlier than early ones are not refused at any moment.
const MARGIN: TimeDelta = TimeDelta::seconds(20);
/// The share of early records.
const EARLY: f64 = 0.002;

/// The number of organizations.
const COMPANIES: usize = 50;
/// How often records are produced, and how many times a second that is.
const BEAT: Duration = Duration::from_millis(100);
const BEATS_PER_SECOND: u32 = 10;
/// How long Kafka may take to store the records, including a restart.
const FLUSH_LIMIT: Duration = Duration::from_secs(90);

/// The shares of late, repeated and bad records.
const TROUBLE: Trouble =
    Trouble { repeats: 0.05, stragglers: 0.10, bad: 0.001, confluent: 0.05, json: 0.02, ..Trouble::NONE };

/// The producer, and the expected result. A fault that locks this stops the producer.
pub struct Stream {
    upstream: Upstream,
    rng: Rng,
    producer: Producer,
    brokers: String,
    topics: Topics,
    partitions: i32,
    truth: Truth,
    bad: Vec<Bad>,
    handed: Handed,
    transactions: Vec<Transaction>,
}

/// The records of a transaction. Its number is its place in the list.
struct Transaction {
    records: Vec<Produced>,
    ending: Ending,
}

/// How a transaction ended, as far as its producer knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Kafka has confirmed the commit.
    Committed,
    /// It was never asked to commit.
    NotCommitted,
    /// The answer to the commit was lost.
    Unknown,
}

/// How many records of partitions were produced outside of transactions, for other tasks to read.
#[derive(Clone, Debug, Default)]
pub struct Handed(Arc<Mutex<Offsets>>);

impl Handed {
    /// The values now.
    #[must_use]
    pub fn now(&self) -> Offsets {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Offsets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream {
    /// The stream of `seed`, into topics with this many partitions.
    ///
    /// # Errors
    /// When the producer can't be created.
    pub fn new(seed: u64, brokers: &str, topics: Topics, partitions: i32) -> anyhow::Result<Self> {
        let now = Utc::now();
        // A record that is early counts in the end, and others ahead of the clock are so by thousands of years.
        let horizon = Horizon { latest: now + Days::new(3_650), ..Horizon::at(now) };
        let companies = (0..COMPANIES).map(Company::numbered).collect();
        Ok(Self {
            upstream: Upstream::new(seed, companies, Mix::ALL, TROUBLE, 0),
            rng: Rng::new(!seed),
            producer: Producer::new(brokers, topics.clone())?,
            brokers: brokers.to_owned(),
            topics,
            partitions,
            truth: Truth::new(horizon),
            bad: Vec::new(),
            handed: Handed::default(),
            transactions: Vec::new(),
        })
    }

    /// How many records were produced.
    #[must_use]
    pub fn handed(&self) -> Handed {
        self.handed.clone()
    }

    /// The expected counters.
    #[must_use]
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// Adds dead letters that are expected beside those of the records produced here.
    pub fn expect_letters(&mut self, reason: &'static str, letters: u64) {
        if letters > 0 {
            *self.truth.dead_letters.entry(reason).or_default() += letters;
        }
    }

    /// The bad records by number.
    #[must_use]
    pub fn bad(&self) -> &[Bad] {
        &self.bad
    }

    /// How many partitions each topic has.
    #[must_use]
    pub fn partitions(&self) -> i32 {
        self.partitions
    }

    /// Produces the next records.
    fn send(&mut self, records: u32) -> anyhow::Result<()> {
        for _ in 0..records {
            let record = self.draw(None);
            self.truth.take(&record);
            self.producer.send(&record)?;
            self.handed.lock().add(self.topics.of(record.kind), place(&record), 1);
        }
        self.producer.look()?;
        Ok(())
    }

    /// Draws the records of a transaction, and returns its number. They count if it is committed.
    pub fn begin_transaction(&mut self, records: usize) -> (usize, Vec<Produced>) {
        let number = self.transactions.len();
        let records: Vec<Produced> = (0..records).map(|_| self.draw(Some(number))).collect();
        self.transactions.push(Transaction { records: records.clone(), ending: Ending::NotCommitted });
        (number, records)
    }

    /// Notes how a transaction ended. Until then it isn't committed.
    pub fn end_transaction(&mut self, number: usize, ending: Ending) {
        self.transactions[number].ending = ending;
    }

    /// Counts the records of the transactions that Kafka has committed. Returns what can't be, in sentences.
    pub fn take_transactions(&mut self, log: &Log) -> Vec<String> {
        let mut findings = Vec::new();
        for (number, Transaction { records, ending }) in self.transactions.iter().enumerate() {
            let (held, sent) = (log.of_transaction(number), records.len());
            let right = match ending {
                Ending::Committed => held == sent,
                Ending::NotCommitted => held == 0,
                Ending::Unknown => held == sent || held == 0,
            };
            if !right {
                findings.push(format!("Kafka gives {held} of {sent} records of a transaction: {ending:?}"));
            }
            if held > 0 {
                records.iter().for_each(|record| self.truth.take(record));
            }
        }
        findings
    }

    /// How many transactions there were, and how many of them Kafka has committed.
    #[must_use]
    pub fn transactions(&self, log: &Log) -> (usize, usize) {
        let all = self.transactions.len();
        (all, (0..all).filter(|number| log.of_transaction(*number) > 0).count())
    }

    /// The next record, marked with what must be recognized in Kafka.
    fn draw(&mut self, transaction: Option<usize>) -> Produced {
        loop {
            let now = Utc::now();
            let at = if self.rng.chance(EARLY) { now + SKEW + AHEAD } else { now };
            let mut record = self.upstream.record(at).placed(self.partitions);
            let reason = self.truth.refusal(&record);
            match (reason, is_early(&record, now)) {
                (Some(reason), early) if !early || reason == FUTURE => {
                    Mark::Bad(self.bad.len()).put_on(&mut record);
                    self.bad.push(Bad { reason, transaction });
                }
                // Which of two reasons it has depends on the moment at which it is read.
                (Some(_), _) => continue,
                (None, true) => Mark::Early.put_on(&mut record),
                (None, false) => {}
            }
            if let Some(number) = transaction {
                Mark::Transaction(number).put_on(&mut record);
            }
            return record;
        }
    }

    /// Waits until Kafka has all records.
    ///
    /// # Errors
    /// When it doesn't accept them in time.
    pub fn flush(&mut self) -> anyhow::Result<()> {
        tokio::task::block_in_place(|| self.producer.flush(FLUSH_LIMIT))?;
        Ok(())
    }

    /// Continues with topics of this many partitions. Keys are assigned to partitions again, also those of copies. All records
    /// must have been flushed.
    ///
    /// # Errors
    /// When the producer can't be created.
    pub fn spread_over(&mut self, partitions: i32) -> anyhow::Result<()> {
        self.partitions = partitions;
        // A running client would notice new partitions after minutes; a new one knows them.
        self.producer = Producer::new(&self.brokers, self.topics.clone())?;
        Ok(())
    }
}

/// The code of the only reason that depends on the clock.
pub const FUTURE: &str = "from_the_future";

/// Whether the record is refused if it is read too soon.
fn is_early(record: &Produced, now: DateTime<Utc>) -> bool {
    let horizon = Horizon { latest: now + SKEW - MARGIN, ..Horizon::at(now) };
    Truth::new(horizon).refusal(record) == Some(FUTURE)
}

/// The partition of a record that was placed.
fn place(record: &Produced) -> i32 {
    record.partition.expect("it was placed")
}

/// Produces about `rate` records a second, while no fault has locked the stream.
///
/// # Errors
/// When Kafka refuses one permanently.
pub async fn flow(stream: Arc<tokio::sync::Mutex<Stream>>, rate: u32) -> anyhow::Result<Infallible> {
    let mut beats = tokio::time::interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        beats.tick().await;
        let mut stream = stream.lock().await;
        tokio::task::block_in_place(|| stream.send(rate / BEATS_PER_SECOND))?;
    }
}
