//! The records: a steady stream of them, and the truth about all that were produced.

use super::letters::MARK;
use super::offsets::Offsets;
use chrono::{Days, Utc};
use load::{Company, Horizon, Mix, Produced, Producer, Topics, Trouble, Truth, Upstream};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

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
    producer: Producer,
    brokers: String,
    topics: Topics,
    partitions: i32,
    truth: Truth,
    letters: Vec<&'static str>,
    handed: Handed,
}

/// How much was produced, for other tasks to read.
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
        // The stream's only records ahead of the clock are thousands of years ahead, however long the run is.
        let horizon = Horizon { latest: now + Days::new(3_650), ..Horizon::at(now) };
        let companies = (0..COMPANIES).map(Company::numbered).collect();
        Ok(Self {
            upstream: Upstream::new(seed, companies, Mix::ALL, TROUBLE, 0),
            producer: Producer::new(brokers, topics.clone())?,
            brokers: brokers.to_owned(),
            topics,
            partitions,
            truth: Truth::new(horizon),
            letters: Vec::new(),
            handed: Handed::default(),
        })
    }

    /// How much was produced.
    #[must_use]
    pub fn handed(&self) -> Handed {
        self.handed.clone()
    }

    /// The expected counters.
    #[must_use]
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// The expected reason of each bad record, by the number in its header [`MARK`].
    #[must_use]
    pub fn letters(&self) -> &[&'static str] {
        &self.letters
    }

    /// How many partitions each topic has.
    #[must_use]
    pub fn partitions(&self) -> i32 {
        self.partitions
    }

    /// Produces the next records.
    fn send(&mut self, records: u32) -> anyhow::Result<()> {
        for _ in 0..records {
            let mut record = self.upstream.record(Utc::now()).placed(self.partitions);
            self.mark(&mut record);
            self.truth.take(&record);
            self.producer.send(&record)?;
            let partition = record.partition.expect("it was placed");
            self.handed.lock().add(self.topics.of(record.kind), partition);
        }
        self.producer.look()?;
        Ok(())
    }

    /// Numbers a bad record, so that it can be recognized anywhere. Bad records are never repeated.
    fn mark(&mut self, record: &mut Produced) {
        if let Some(reason) = self.truth.refusal(record) {
            record.headers.push((MARK, self.letters.len().to_string().into_bytes()));
            self.letters.push(reason);
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
