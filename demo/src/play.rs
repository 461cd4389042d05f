//! The records of the demo: the history as fast as possible, then live records at a constant rate.

use super::stage::Stage;
use super::standing::Standing;
use chrono::{Days, Utc};
use indicatif::ProgressBar;
use load::history::Chronicle;
use load::{Company, History, Horizon, Producer, Truth};
use machine::say;
use stack::wait::{self, Seen};
use std::convert::Infallible;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

/// Records handed to Kafka before Ctrl-C and the rest are checked again.
const CHUNK: usize = 5_000;
/// How long Kafka may take to store the records.
const FLUSH_LIMIT: Duration = Duration::from_secs(60);
/// How long counting the history may take.
const COUNT_LIMIT: Duration = Duration::from_secs(600);
/// How often live records are produced.
const BEAT: Duration = Duration::from_millis(100);
/// The seconds between two lines if standard error is not a terminal.
const SECONDS_PER_LINE: u64 = 10;

/// The demo's records, and the truth about those that were produced.
pub struct Play<'a> {
    stage: &'a Stage,
    chronicle: Chronicle,
    producer: Producer,
    truth: Truth,
    produced: u64,
    expected: u64,
}

impl<'a> Play<'a> {
    /// The play of this history, not started.
    ///
    /// # Errors
    /// When the producer can't be created.
    pub fn new(stage: &'a Stage, history: History) -> anyhow::Result<Self> {
        // The demo's only records ahead of the clock are thousands of years ahead, however long it runs.
        let horizon = Horizon { latest: history.until + Days::new(3_650), ..Horizon::at(history.until) };
        Ok(Self {
            stage,
            chronicle: history.records(),
            producer: Producer::new(stage.brokers(), stage.topics().clone())?,
            truth: Truth::new(horizon),
            produced: 0,
            expected: history.records,
        })
    }

    /// The companies.
    #[must_use]
    pub fn companies(&self) -> &[Company] {
        self.chronicle.companies()
    }

    /// The expected counters.
    #[must_use]
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// Produces the history and waits until it is counted.
    ///
    /// # Errors
    /// When Kafka refuses, a binary ends, or counting takes too long.
    pub async fn past(&mut self) -> anyhow::Result<()> {
        let bar = stack::bar::bar("History", self.expected);
        loop {
            let records: Vec<_> = self.chronicle.by_ref().take(CHUNK).collect();
            if records.is_empty() {
                break;
            }
            tokio::task::block_in_place(|| self.produce(&records))?;
            bar.set_position(self.produced.min(self.expected));
            self.stage.stands()?;
            tokio::task::yield_now().await;
        }
        tokio::task::block_in_place(|| self.producer.flush(FLUSH_LIMIT))?;
        bar.finish_and_clear();
        say::line(format_args!(
            "History     {} records produced, with late, repeated and bad ones",
            self.produced
        ));
        self.counted().await?;
        say::line(self.standing().await?);
        Ok(())
    }

    /// Produces `rate` records a second with the current time, and prints the state of counting. Never ends by itself.
    ///
    /// # Errors
    /// When Kafka refuses, or a binary ends.
    pub async fn present(&mut self, rate: u32) -> anyhow::Result<Infallible> {
        say::line(format_args!("Live        {rate} records a second; Ctrl-C ends everything"));
        let line = ProgressBar::new_spinner();
        let mut beats = tokio::time::interval(BEAT);
        beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let (start, before) = (Instant::now(), self.produced);
        let mut told = 0;
        loop {
            beats.tick().await;
            let elapsed = start.elapsed();
            let due = u64::from(rate) * u64::try_from(elapsed.as_millis())? / 1_000;
            let now = Utc::now();
            let records: Vec<_> = (self.produced - before..due).map(|_| self.chronicle.live(now)).collect();
            tokio::task::block_in_place(|| {
                self.produce(&records)?;
                self.producer.flush(FLUSH_LIMIT)
            })?;
            if told < elapsed.as_secs() {
                told = elapsed.as_secs();
                self.stage.stands()?;
                self.tell(&line, told).await?;
            }
        }
    }

    fn produce(&mut self, records: &[load::Produced]) -> anyhow::Result<()> {
        for record in records {
            self.truth.take(record);
            self.producer.send(record)?;
        }
        self.produced += records.len() as u64;
        Ok(())
    }

    async fn counted(&self) -> anyhow::Result<()> {
        let bar = stack::bar::bar("Counted", self.produced);
        wait::until("the history to be counted", COUNT_LIMIT, async || {
            self.stage.stands()?;
            let standing = self.standing().await?;
            bar.set_position(self.produced.saturating_sub(standing.lag.unsigned_abs()));
            Ok(Seen::when(standing.lag <= 0, standing.to_string()))
        })
        .await?;
        bar.finish_and_clear();
        Ok(())
    }

    async fn standing(&self) -> anyhow::Result<Standing> {
        Standing::read(self.stage, self.produced, self.truth.tally).await
    }

    async fn tell(&self, line: &ProgressBar, second: u64) -> anyhow::Result<()> {
        if std::io::stderr().is_terminal() {
            line.set_message(self.standing().await?.to_string());
        } else if second.is_multiple_of(SECONDS_PER_LINE) {
            say::line(self.standing().await?);
        }
        Ok(())
    }
}
