//! One round: the bare consumer, then the real one on a fresh database, each over all records.

use super::ingest::Options;
use super::report::Round;
use super::usage::{Usage, peak_memory};
use crate::port;
use crate::process::Process;
use crate::program::Program;
use crate::services::{DatabaseUrl, Services};
use crate::wait::{self, Seen};
use ::bench::{Topics, Truth, check};
use anyhow::{Context as _, bail, ensure};
use chrono::{DateTime, Utc};
use std::path::PathBuf;
use std::time::Duration;
use tokio_postgres::Client;

/// How long all records may take.
const LIMIT: Duration = Duration::from_secs(900);

/// What stays the same over the rounds.
pub struct Bench {
    /// Kafka, PostgreSQL, and Redis if there is one.
    pub services: Services,
    /// The consumer's binary.
    pub consumer: PathBuf,
    /// Where the records are.
    pub topics: Topics,
    /// What must come of them.
    pub truth: Truth,
    /// What was asked for.
    pub options: Options,
}

impl Bench {
    /// Measures both.
    ///
    /// # Errors
    /// When one doesn't get through, or a sum is wrong.
    pub async fn round(&self, number: u32) -> anyhow::Result<Round> {
        let before = Usage::now();
        let bare = self.bare()?;
        let bare_cpu = Usage::now().since(&before, &own_name());

        let database =
            self.services.postgres.create_migrated(&format!("bench_{}_{number}", std::process::id())).await?;
        let client = database.connect().await?;
        let before = Usage::now();
        let mut process = self.start(number, &database)?;
        let rate = self.await_end(&mut process, &client).await?;
        let after = Usage::now();
        let peak = peak_memory(process.id()).context("the consumer ended before it was told to")?;
        process.stop();
        self.verify(&client).await?;
        drop(client);
        self.drop_database(&database).await?;

        let millions = as_float(self.options.records()) / 1e6;
        let cpu = |program: &str| after.since(&before, program) / millions;
        Ok(Round {
            bare,
            bare_cpu: bare_cpu / millions,
            consumer: rate,
            ratio: rate / bare,
            consumer_cpu: cpu("consumer"),
            kafka_cpu: cpu("java"),
            postgres_cpu: cpu("postgres"),
            peak_memory_mb: as_float(peak) / 1e6,
        })
    }

    fn bare(&self) -> anyhow::Result<f64> {
        let (brokers, topic) = (self.services.kafka.brokers(), &self.topics.events);
        let read = || bench::bare::read(brokers, topic, self.options.partitions(), self.options.records());
        Ok(tokio::task::block_in_place(read)?.rate())
    }

    fn start(&self, number: u32, database: &DatabaseUrl) -> anyhow::Result<Process> {
        let log = self.services.run().join(format!("consumer-{number}.log"));
        let mut program = Program::new("consumer", &self.consumer, log)
            .inherit(self.services.environment())
            .arg("run")
            .env("DATABASE_URL", database.as_str())
            .env("KAFKA_BROKERS", self.services.kafka.brokers())
            .env("KAFKA_GROUP_ID", format!("{}{number}", self.topics.events))
            .env("EVENTS_TOPIC", &self.topics.events)
            .env("WORKFLOW_TERMINALS_TOPIC", &self.topics.workflow_terminals)
            .env("MESSAGE_DELIVERIES_TOPIC", &self.topics.message_deliveries)
            .env("ADMIN_ADDR", format!("127.0.0.1:{}", port::free()?));
        if let Some(redis) = &self.services.redis {
            program = program.env("REDIS_URL", redis.url()).env("CACHE_KEY_PREFIX", &self.topics.events);
        }
        Process::start(program)
    }

    /// Waits until everything is committed, and returns the records per second since the first claim.
    async fn await_end(&self, process: &mut Process, client: &Client) -> anyhow::Result<f64> {
        let query = "select coalesce(sum(next_offset), 0)::bigint, min(claimed_at) from consumer_progress where topic = $1";
        let query = client.prepare(query).await?;
        let ends = i64::try_from(self.options.records())?;
        let progress = async || -> anyhow::Result<(i64, Option<DateTime<Utc>>)> {
            let row = client.query_one(&query, &[&self.topics.events]).await?;
            Ok((row.get(0), row.get(1)))
        };
        let claimed = wait::until("the consumer to get through", LIMIT, async || {
            if let Some(status) = process.ended() {
                bail!("the consumer ended ({status}):\n{}", process.log_tail());
            }
            let (done, claimed) = progress().await?;
            Ok(match claimed {
                Some(claimed) if done >= ends => Seen::Ready(claimed),
                Some(_) | None => Seen::NotYet(format!("{done} of {ends} records are committed")),
            })
        });
        let claimed = claimed.await?;
        let elapsed =
            (Utc::now() - claimed).to_std().context("the database's clock is ahead of this machine's")?;
        Ok(as_float(self.options.records()) / elapsed.as_secs_f64())
    }

    async fn verify(&self, client: &Client) -> anyhow::Result<()> {
        let differences = check(client, &self.truth).await?;
        ensure!(differences.is_empty(), "the counts are wrong, so there is no figure: {differences}");
        Ok(())
    }

    async fn drop_database(&self, database: &DatabaseUrl) -> anyhow::Result<()> {
        let name =
            database.as_str().rsplit('/').next().and_then(|rest| rest.split('?').next()).unwrap_or_default();
        let client = self.services.postgres.url().connect().await?;
        client.batch_execute(&format!("drop database \"{name}\" with (force)")).await?;
        Ok(())
    }
}

/// This process as /proc calls it: the bare consumer is part of it.
fn own_name() -> String {
    std::fs::read_to_string("/proc/self/comm").map(|name| name.trim().to_owned()).unwrap_or_default()
}

#[allow(clippy::cast_precision_loss)] // a figure needs no more digits than an f64 has
fn as_float(number: u64) -> f64 {
    number as f64
}
