//! What a good engineer writes in an afternoon to count records from Kafka into PostgreSQL exactly once: a row per
//! identity behind a unique index, and the offsets in the same transaction. One of the peers of `cargo xtask bench
//! peers`.
//!
//! ```text
//! Kafka -> reader -> batch -> store: new ids, counters, offsets in one transaction; one thread for each share of the
//!                                    partitions
//! ```

mod batch;
mod counted;
mod reader;
mod store;

use anyhow::{Context as _, Result};
use clap::Parser;
use reader::Reader;
use std::sync::mpsc::sync_channel;
use store::Store;

/// Counts until it is ended.
#[derive(Clone, Debug, Parser)]
struct Settings {
    /// Where Kafka is
    #[arg(long, env = "KAFKA_BROKERS")]
    brokers: String,
    /// Where PostgreSQL is; its tables of counters are there already
    #[arg(long, env = "DATABASE_URL")]
    database: String,
    /// The three topics: events, workflow terminals, message deliveries
    #[arg(long, env = "TOPICS", value_delimiter = ',', num_args = 3)]
    topics: Vec<String>,
    /// Threads, each with a share of the partitions and a connection of its own: one for each processor
    #[arg(long, env = "THREADS", default_value_t = 2)]
    threads: usize,
}

fn main() -> Result<()> {
    let settings = Settings::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { Store::connect(&settings.database).await?.prepare_tables().await })?;
    let (ended, endings) = sync_channel(settings.threads);
    for share in 0..settings.threads {
        let (settings, ended) = (settings.clone(), ended.clone());
        std::thread::spawn(move || ended.send(count(&settings, share)));
    }
    drop(ended);
    // None ends but by an error, and the first ends the process.
    endings.recv().context("there are no threads")?
}

/// Counts one share of the partitions.
fn count(settings: &Settings, share: usize) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut store = runtime.block_on(Store::connect(&settings.database))?;
    let places = reader::places(&settings.brokers, &settings.topics)?;
    let places: Vec<_> = places.into_iter().skip(share).step_by(settings.threads).collect();
    let starts = runtime.block_on(store.claim(&places))?;
    let reader = Reader::start(&settings.brokers, &settings.topics, &starts)?;
    loop {
        let batch = reader.read()?;
        if !batch.offsets.is_empty() {
            runtime.block_on(store.commit(&batch)).context("a batch can't be committed")?;
        }
    }
}
