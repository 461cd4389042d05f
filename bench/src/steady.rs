//! A producer with a constant rate: records with the current time, whether or not earlier ones are counted.

use ::load::{Company, Horizon, Mix, Producer, Topics, Trouble, Truth, Upstream};
use anyhow::{Context as _, anyhow};
use chrono::{Days, Utc};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often it sends the records that are due.
const BEAT: Duration = Duration::from_millis(5);
/// How long Kafka may take to store the last records at the end.
const FLUSH_LIMIT: Duration = Duration::from_secs(120);
const COMPANIES: usize = 1_000;
const PAYLOAD_BYTES: usize = 60;

/// The producer, on its own thread until it is ended or dropped.
pub struct Steady {
    handed: Arc<AtomicU64>,
    /// Dropping this ends the producer.
    stop: SyncSender<()>,
    thread: JoinHandle<anyhow::Result<Truth>>,
}

/// The produced records.
pub struct Sent {
    /// How many there are. Kafka has each of them.
    pub records: u64,
    /// The truth about them.
    pub truth: Truth,
}

impl Steady {
    /// Starts to produce orders and payments of 1,000 organizations, `rate` a second.
    ///
    /// # Errors
    /// When the producer can't be created.
    pub fn start(brokers: &str, topics: &Topics, partitions: i32, rate: u64) -> anyhow::Result<Self> {
        let producer = Producer::new(brokers, topics.clone())?;
        let handed = Arc::new(AtomicU64::new(0));
        let (stop, stopped) = sync_channel(0);
        let worker = Worker { producer, partitions, rate, handed: Arc::clone(&handed), stopped };
        Ok(Self { handed, stop, thread: std::thread::spawn(move || worker.work()) })
    }

    /// How many records were sent.
    ///
    /// # Errors
    /// When the producer has failed.
    pub fn handed(&self) -> anyhow::Result<u64> {
        anyhow::ensure!(!self.thread.is_finished(), "the producer ended early");
        Ok(self.handed.load(Ordering::Relaxed))
    }

    /// Ends it, and waits until Kafka has everything.
    ///
    /// # Errors
    /// When Kafka doesn't accept it.
    pub fn end(self) -> anyhow::Result<Sent> {
        drop(self.stop);
        let ended = tokio::task::block_in_place(|| self.thread.join());
        let truth = ended.map_err(|_| anyhow!("the producer panicked"))??;
        Ok(Sent { records: self.handed.load(Ordering::Relaxed), truth })
    }
}

struct Worker {
    producer: Producer,
    partitions: i32,
    rate: u64,
    handed: Arc<AtomicU64>,
    stopped: Receiver<()>,
}

impl Worker {
    fn work(mut self) -> anyhow::Result<Truth> {
        let now = Utc::now();
        // No record is ahead of the clock, however long this runs.
        let mut truth = Truth::of_new_records(Horizon { latest: now + Days::new(3_650), ..Horizon::at(now) });
        let companies = (0..COMPANIES).map(Company::numbered).collect();
        let mut upstream = Upstream::new(1, companies, Mix::EVENTS, Trouble::NONE, PAYLOAD_BYTES);
        let (start, mut handed) = (Instant::now(), 0);
        while self.stopped.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
            let (now, due) = (Utc::now(), due(self.rate, start.elapsed()));
            while handed < due {
                let record = upstream.record(now).placed(self.partitions);
                truth.take(&record);
                self.producer.send(&record)?;
                handed += 1;
            }
            self.producer.look()?;
            self.handed.store(handed, Ordering::Relaxed);
        }
        self.producer.flush(FLUSH_LIMIT).context("the last records")?;
        Ok(truth)
    }
}

/// How many records `rate` a second gives in `time`.
fn due(rate: u64, time: Duration) -> u64 {
    let due = u128::from(rate) * time.as_millis() / 1_000;
    u64::try_from(due).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_kept_to_the_record() {
        let check = |rate, millis, expected| assert_eq!(due(rate, Duration::from_millis(millis)), expected);
        check(20_000, 0, 0);
        check(20_000, 999, 19_980);
        check(100_000, 900_000, 90_000_000);
    }
}
