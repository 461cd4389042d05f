//! The disk that a counted record takes: the ledger of a day, hour by hour, merged after each.
//!
//! An hour's records are counted. Then the consumer is started again, which merges quiet pages. Between the hours PostgreSQL
//! frees the space that merging left, as autovacuum does in a day. So the figure includes the rows, their index, the arrays,
//! and free space.

use super::ingest::produce;
use super::round::{Bench, as_float, drop_database};
use ::load::{Horizon, Load, Topics, Truth};
use chrono::{Days, Duration, Utc};
use machine::say;
use serde::Serialize;
use stack::Services;
use stack::binaries::Binaries;
use stack::wait::{self, Seen};
use std::time::Duration as Wait;
use tokio_postgres::Client;

const HOURS: u64 = 8;
const RECORDS_AN_HOUR: u64 = 500_000;
const PARTITIONS: i32 = 8;
/// Small batches, like those of a steady stream: a page gets a dozen segments, which are then merged.
const BATCH_RECORDS: u64 = 10_000;
/// How long merging an hour may take.
const MERGE_LIMIT: Wait = Wait::from_secs(120);

/// The result.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Disk {
    /// Records counted.
    pub counted: u64,
    /// Bytes of the ledger for each, tables and indexes included.
    pub ledger_bytes: f64,
    /// Bytes of everything in the database for each: the counters, too.
    pub database_bytes: f64,
}

/// Counts a day's first hours, merges, and measures.
///
/// # Errors
/// When the consumer doesn't finish in time, or a sum is wrong.
pub async fn measure(services: &Services, binaries: &Binaries) -> anyhow::Result<Disk> {
    let topics = Topics::prefixed(&format!("bench-{}-disk-", std::process::id()));
    services.kafka.create_topics(&topics.all(), PARTITIONS).await?;
    let name = format!("disk_{}", std::process::id());
    let database = services.postgres.create_migrated(&name).await?;
    let client = database.connect().await?;
    let yesterday = Utc::now().date_naive() - Days::new(1);
    let midnight = yesterday.and_time(chrono::NaiveTime::MIN).and_utc();
    let (services, consumer) = (services.clone(), binaries.consumer.clone());
    let truth = Truth::new(Horizon::at(Utc::now()));
    let mut bench = Bench { services, consumer, topics, truth, records: 0, partitions: PARTITIONS };
    for hour in 1..=HOURS {
        let until = midnight + Duration::hours(i64::try_from(hour)?);
        let load = Load { records: RECORDS_AN_HOUR, partitions: PARTITIONS, ..Load::plain(hour, until) };
        let brokers = bench.services.kafka.brokers();
        tokio::task::block_in_place(|| produce(&load, brokers, &bench.topics, &mut bench.truth))?;
        bench.records += RECORDS_AN_HOUR;
        bench.measure(&name, &database, &[("BATCH_RECORDS_MAX", BATCH_RECORDS.to_string())]).await?;
        merge(&bench, &name, &database, &client).await?;
    }
    let size = async |query: &str| -> anyhow::Result<f64> {
        let bytes: i64 = client.query_one(query, &[]).await?.get(0);
        Ok(as_float(bytes.cast_unsigned()) / as_float(bench.records))
    };
    let ledger = "select sum(pg_total_relation_size(c.oid))::bigint from pg_class c \
                  where c.relkind = 'r' and (c.relname like 'ledger_segments%' or c.relname = 'ledger_tails')";
    let disk = Disk {
        counted: bench.records,
        ledger_bytes: size(ledger).await?,
        database_bytes: size("select pg_database_size(current_database())").await?,
    };
    say::line(format_args!(
        "Disk after merging, {} records counted: {:.1} bytes a record in the ledger, {:.1} in all tables and indexes",
        disk.counted, disk.ledger_bytes, disk.database_bytes
    ));
    drop(client);
    drop_database(&bench.services, &name).await?;
    Ok(disk)
}

/// Starts the consumer, which begins with merging, and lets PostgreSQL vacuum.
async fn merge(
    bench: &Bench,
    name: &str,
    database: &stack::DatabaseUrl,
    client: &Client,
) -> anyhow::Result<()> {
    let mut process = bench.start(name, database, &[])?;
    let many = "select count(*) from (select from ledger_segments group by topic, kafka_partition, quarter \
                having count(*) >= 8) pages";
    let merged = wait::until("pages to be merged", MERGE_LIMIT, async || {
        let left: i64 = client.query_one(many, &[]).await?.get(0);
        Ok(Seen::when(left == 0, format!("{left} pages have many segments")))
    });
    merged.await?;
    process.stop();
    client.batch_execute("vacuum").await?;
    Ok(())
}
