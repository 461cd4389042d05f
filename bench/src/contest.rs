//! One run of a peer, under the consumer's conditions: the same topics, a new migrated database, a time limit, and a
//! comparison of every counter at the end.

use super::peer::Ready;
use super::round::{Bench, Measured, RUN_LIMIT, Wal, as_float, drop_database};
use anyhow::{Context as _, bail, ensure};
use chrono::{DateTime, Utc};
use load::truth::COUNTERS;
use load::{Topics, check_counters};
use stack::DatabaseUrl;
use stack::run::process::Process;
use stack::run::usage::{Usage, peak_memory};
use stack::wait::{self, Seen};
use std::time::Duration;
use tokio_postgres::{Client, Statement};

/// How long a peer may take to start, warm up and read its first record.
const START_LIMIT: Duration = Duration::from_secs(180);
/// How often the sums are read: adding them up must not take PostgreSQL away from the peer.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// The tables that every peer fills.
const TABLES: [&str; 2] = ["org_hourly_metrics", "org_daily_metrics"];

/// The environment of the peers' runs.
pub struct Contest {
    /// The records, the servers, the truth.
    pub bench: Bench,
    /// Topics with which a Java machine warms up.
    pub warm_up: Topics,
    /// The number of their records.
    pub warm_up_records: u64,
}

impl Contest {
    /// Runs a peer over all records.
    ///
    /// # Errors
    /// When it doesn't finish in time, or a sum is wrong.
    pub async fn measure(&self, ready: &Ready, number: u32) -> anyhow::Result<Measured> {
        let name = format!("{}_{}_{number}", ready.peer.name().replace('-', "_"), std::process::id());
        let warm_up = format!("{name}_warm_up");
        let databases = [self.database(&name).await?, self.database(&warm_up).await?];
        let measured = self.measure_in(ready, &name, &databases).await;
        for name in [&name, &warm_up] {
            drop_database(&self.bench.services, name).await?;
        }
        measured
    }

    async fn database(&self, name: &str) -> anyhow::Result<DatabaseUrl> {
        let database = self.bench.services.postgres.create_migrated(name).await?;
        let clock = "create table peer_starts (started_at timestamptz not null)";
        database.connect().await?.batch_execute(clock).await?;
        Ok(database)
    }

    async fn measure_in(
        &self,
        ready: &Ready,
        name: &str,
        databases: &[DatabaseUrl; 2],
    ) -> anyhow::Result<Measured> {
        let client = databases[0].connect().await?;
        let mut process = self.start(ready, name, databases)?;
        let started = await_start(&mut process, &client).await?;
        let (before, wal) = (Usage::now(), Wal::now(&client).await?);
        let ended = self.await_sums(&mut process, &client).await?;
        let (after, wal) = (Usage::now(), wal.since(&client, self.bench.records).await?);
        let peak = peak_memory(process.id()).context("the peer ended early")?;
        process.kill();
        let differences = check_counters(&client, &self.bench.truth, &TABLES).await?;
        ensure!(differences.is_empty(), "the counts are wrong: {differences}");
        let elapsed =
            (ended - started).to_std().context("the database's clock is ahead of this machine's")?;
        let own = after.of_process_since(&before, process.id());
        let java = after.since(&before, "java");
        let millions = self.bench.millions();
        Ok(Measured {
            rate: as_float(self.bench.records) / elapsed.as_secs_f64(),
            program_cpu: own / millions,
            // A peer in Java has the same program name as Kafka.
            kafka_cpu: if ready.in_java() { java - own } else { java } / millions,
            postgres_cpu: after.since(&before, "postgres") / millions,
            wal_bytes: wal,
            peak_memory_mb: as_float(peak) / 1e6,
        })
    }

    fn start(&self, ready: &Ready, name: &str, databases: &[DatabaseUrl; 2]) -> anyhow::Result<Process> {
        let services = &self.bench.services;
        let state = services.run().join(format!("state-{name}"));
        std::fs::create_dir_all(&state)?;
        let [database, warm_up_database] = databases;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let program = ready
            .program(services.run().join(format!("{name}.log")))
            .inherit(services.environment())
            .env("KAFKA_BROKERS", services.kafka.brokers())
            .env("DATABASE_URL", database.as_str())
            .env("TOPICS", self.bench.topics.all().join(","))
            .env("GROUP_ID", name)
            .env("WARM_UP_DATABASE_URL", warm_up_database.as_str())
            .env("WARM_UP_TOPICS", self.warm_up.all().join(","))
            .env("WARM_UP_GROUP_ID", format!("{name}-warm-up"))
            .env("WARM_UP_RECORDS", self.warm_up_records.to_string())
            .env("THREADS", threads.to_string())
            .env("STATE_DIR", &state)
            .scratch(&state);
        Process::start(program)
    }

    /// Waits until both tables add up to the truth, and returns the time of that.
    async fn await_sums(&self, process: &mut Process, client: &Client) -> anyhow::Result<DateTime<Utc>> {
        let totals = self.bench.truth.totals();
        let mut queries = Vec::new();
        for table in TABLES {
            queries.push(client.prepare(&sums_of(table)).await?);
        }
        let all = counted(&totals);
        let bar = stack::bar::bar(process.program().name(), all.unsigned_abs());
        let seen = wait::until("the peer to count all records", RUN_LIMIT, async || {
            stands(process)?;
            let hours = sums(client, &queries[0]).await?;
            let now = Utc::now();
            bar.set_position(counted(&hours).unsigned_abs());
            if hours == totals && sums(client, &queries[1]).await? == totals {
                return Ok(Seen::Ready(now));
            }
            ensure!(counted(&hours) <= all, "{} records were counted, {all} there are", counted(&hours));
            wait::pass(LOOK_EVERY).await;
            Ok(Seen::NotYet(format!("{} of {all} records are counted", counted(&hours))))
        });
        let seen = seen.await;
        bar.finish_and_clear();
        seen
    }
}

/// Waits for the start of the peer's clock.
async fn await_start(process: &mut Process, client: &Client) -> anyhow::Result<DateTime<Utc>> {
    let query = client.prepare("select min(started_at) from peer_starts").await?;
    wait::until("the peer to read its first record", START_LIMIT, async || {
        stands(process)?;
        let started: Option<DateTime<Utc>> = client.query_one(&query, &[]).await?.get(0);
        Ok(started.map_or_else(|| Seen::NotYet("it is getting ready".into()), Seen::Ready))
    })
    .await
}

fn stands(process: &mut Process) -> anyhow::Result<()> {
    if let Some(status) = process.ended() {
        bail!("the peer ended ({status}):\n{}", process.log_tail());
    }
    Ok(())
}

fn sums_of(table: &str) -> String {
    let sums = COUNTERS.map(|name| format!("coalesce(sum({name}), 0)::bigint"));
    format!("select {} from {table}", sums.join(", "))
}

async fn sums(client: &Client, query: &Statement) -> anyhow::Result<[i64; 8]> {
    let row = client.query_one(query, &[]).await?;
    Ok(std::array::from_fn(|place| row.get(place)))
}

/// How many records these counters represent: orders, payments, workflows, messages sent and delivered.
fn counted(counters: &[i64; 8]) -> i64 {
    [0, 1, 3, 6, 7].iter().map(|place| counters[*place]).sum()
}
