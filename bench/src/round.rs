//! One round: the bare consumer and the consumer over all records of a topic, their cost, and whether every sum is
//! right.

use super::group::Group;
use super::report::Round;
use super::stage::must_be_right;
use ::load::{Topics, Truth};
use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use serde::Serialize;
use stack::run::process::Process;
use stack::run::usage::{Usage, peak_memory};
use stack::wait::{self, Seen};
use stack::{DatabaseUrl, Services};
use std::path::PathBuf;
use std::time::Duration;
use tokio_postgres::Client;

/// How long one run over all records may take.
pub const RUN_LIMIT: Duration = Duration::from_secs(900);

/// The subject: all records of a topic, from Kafka to committed rows.
pub struct Bench {
    /// Kafka, PostgreSQL, and Redis if there is one.
    pub services: Services,
    /// The consumer's binary.
    pub consumer: PathBuf,
    /// The topics.
    pub topics: Topics,
    /// The truth about the records.
    pub truth: Truth,
    /// The number of records.
    pub records: u64,
    /// The number of partitions.
    pub partitions: i32,
}

/// The cost of a program. Processor times are seconds per million records.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Measured {
    /// Records per second.
    pub rate: f64,
    /// The program's processor time.
    pub program_cpu: f64,
    /// Kafka's processor time meanwhile.
    pub kafka_cpu: f64,
    /// PostgreSQL's processor time meanwhile.
    pub postgres_cpu: f64,
    /// Bytes that PostgreSQL wrote to its log meanwhile, a record.
    pub wal_bytes: f64,
    /// The program's peak resident memory in MB (10^6 bytes).
    pub peak_memory_mb: f64,
}

impl Bench {
    /// One round: the bare consumer, then the real one with a new database.
    ///
    /// # Errors
    /// When one doesn't finish in time, or a sum is wrong.
    pub async fn round(&self, number: u32) -> anyhow::Result<Round> {
        let before = Usage::now();
        let bare = self.bare()?;
        let bare_cpu = Usage::now().since(&before, &own_name()) / self.millions();
        let name = format!("bench_{}_{number}", std::process::id());
        let database = self.services.postgres.create_migrated(&name).await?;
        let measured = self.measure(&name, &database, &[]).await?;
        drop_database(&self.services, &name).await?;
        let Measured { rate, program_cpu: consumer_cpu, kafka_cpu, postgres_cpu, wal_bytes, peak_memory_mb } =
            measured;
        let ratio = rate / bare;
        Ok(Round {
            bare,
            bare_cpu,
            consumer: rate,
            ratio,
            consumer_cpu,
            kafka_cpu,
            postgres_cpu,
            wal_bytes,
            peak_memory_mb,
        })
    }

    /// Runs the consumer over all records, into this database, with these settings in addition to its defaults. `name` is the
    /// name of its group and its log.
    ///
    /// # Errors
    /// When it doesn't finish in time, or a sum is wrong.
    pub async fn measure(
        &self,
        name: &str,
        database: &DatabaseUrl,
        settings: &[(&str, String)],
    ) -> anyhow::Result<Measured> {
        let client = database.connect().await?;
        let (before, wal) = (Usage::now(), Wal::now(&client).await?);
        let mut process = self.start(name, database, settings)?;
        let rate = self.await_end(&mut process, &client).await?;
        let (after, wal) = (Usage::now(), wal.since(&client, self.records).await?);
        let peak = peak_memory(process.id()).context("the consumer ended early")?;
        process.stop();
        must_be_right(&client, &self.truth).await?;
        let cpu = |program: &str| after.since(&before, program) / self.millions();
        Ok(Measured {
            rate,
            // Includes its start.
            program_cpu: cpu("consumer"),
            kafka_cpu: cpu("java"),
            postgres_cpu: cpu("postgres"),
            wal_bytes: wal,
            peak_memory_mb: as_float(peak) / 1e6,
        })
    }

    /// Records, in millions.
    pub fn millions(&self) -> f64 {
        as_float(self.records) / 1e6
    }

    fn bare(&self) -> anyhow::Result<f64> {
        let (brokers, topic) = (self.services.kafka.brokers(), &self.topics.events);
        let read = || crate::bare::read(brokers, topic, self.partitions, self.records);
        Ok(tokio::task::block_in_place(read)?.rate())
    }

    /// Starts the consumer.
    ///
    /// # Errors
    /// When it can't start.
    pub fn start(
        &self,
        name: &str,
        database: &DatabaseUrl,
        settings: &[(&str, String)],
    ) -> anyhow::Result<Process> {
        let Self { services, consumer, topics, .. } = self;
        Group { services, consumer, topics, name, database }.start(name, settings)
    }

    /// Waits until everything is committed, and returns the records per second since the first claim.
    async fn await_end(&self, process: &mut Process, client: &Client) -> anyhow::Result<f64> {
        let query = "select coalesce(sum(next_offset), 0)::bigint, min(claimed_at) from consumer_progress where topic = any($1)";
        let query = client.prepare(query).await?;
        let ends = i64::try_from(self.records)?;
        let topics = self.topics.all();
        let bar = stack::bar::bar("consumer", self.records);
        let progress = async || -> anyhow::Result<(i64, Option<DateTime<Utc>>)> {
            let row = client.query_one(&query, &[&&topics[..]]).await?;
            Ok((row.get(0), row.get(1)))
        };
        let claimed = wait::until("the consumer to count all records", RUN_LIMIT, async || {
            if let Some(status) = process.ended() {
                bail!("the consumer ended ({status}):\n{}", process.log_tail());
            }
            let (done, claimed) = progress().await?;
            bar.set_position(done.unsigned_abs());
            Ok(match claimed {
                Some(claimed) if done >= ends => Seen::Ready(claimed),
                Some(_) | None => Seen::NotYet(format!("{done} of {ends} records are committed")),
            })
        });
        let claimed = claimed.await;
        bar.finish_and_clear();
        let claimed = claimed?;
        let elapsed =
            (Utc::now() - claimed).to_std().context("the database's clock is ahead of this machine's")?;
        Ok(as_float(self.records) / elapsed.as_secs_f64())
    }
}

/// A place in PostgreSQL's write-ahead log.
pub struct Wal(String);

impl Wal {
    /// Its end now.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn now(client: &Client) -> anyhow::Result<Self> {
        Ok(Self(client.query_one("select pg_current_wal_insert_lsn()::text", &[]).await?.get(0)))
    }

    /// The bytes written since, a record.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn since(&self, client: &Client, records: u64) -> anyhow::Result<f64> {
        let written = "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), ($1::text)::pg_lsn)::float8";
        let written: f64 = client.query_one(written, &[&self.0]).await?.get(0);
        Ok(written / as_float(records))
    }
}

/// Drops the database of a finished round.
///
/// # Errors
/// When PostgreSQL fails.
pub async fn drop_database(services: &Services, name: &str) -> anyhow::Result<()> {
    let client = services.postgres.url().connect().await?;
    client.batch_execute(&format!("drop database \"{name}\" with (force)")).await?;
    Ok(())
}

/// This process' name in /proc: the bare consumer is part of it.
fn own_name() -> String {
    std::fs::read_to_string("/proc/self/comm").map(|name| name.trim().to_owned()).unwrap_or_default()
}

/// A number for figures, which need no more digits than an f64 has.
#[allow(clippy::cast_precision_loss)]
pub fn as_float(number: u64) -> f64 {
    number as f64
}
