//! `demo-producer`: publishes a month of history and then live records, in a container of `deploy/compose.yaml`.

use anyhow::ensure;
use chrono::{Days, Utc};
use clap::Parser;
use domain::BucketSize;
use load::{History, Producer, Topics};
use machine::say;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::MissedTickBehavior;

/// How long Kafka may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// How long Kafka may take to store records.
const FLUSH_LIMIT: Duration = Duration::from_secs(60);
/// Records of the history that are in memory at once.
const CHUNK: usize = 20_000;
/// How often live records are published.
const BEAT: Duration = Duration::from_millis(100);

/// Publishes made-up records of three companies: 30 days of history if the topics are empty, then live records until SIGTERM.
#[derive(Parser)]
#[command(name = "demo-producer", max_term_width = 100)]
struct Settings {
    /// Kafka's bootstrap servers, as host:port, separated by commas
    #[arg(long, env)]
    kafka_brokers: String,
    /// Live records a second. Raise it to watch members share the work
    #[arg(long, env, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    demo_rate: u32,
    /// Approximate number of records in the history. Lower it where Kafka has little disk
    #[arg(long, env, default_value_t = 300_000)]
    demo_records: u64,
}

/// What the topics are before anything is published.
struct Found {
    partitions: i32,
    is_empty: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match publish(&Settings::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::problem(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn publish(settings: &Settings) -> anyhow::Result<()> {
    let stop = signal(SignalKind::terminate())?;
    let topics = Topics::default();
    let found = found(&settings.kafka_brokers, &topics)?;
    let until = Utc::now();
    let mut chronicle = History {
        // Another one at each start: ids must not come again with other times.
        seed: until.timestamp().cast_unsigned(),
        records: settings.demo_records,
        partitions: found.partitions,
        from: BucketSize::Hour.floor(until - Days::new(30)),
        until,
    }
    .records();
    let mut producer = Producer::new(&settings.kafka_brokers, topics)?;
    if found.is_empty {
        while let records @ [_, ..] = &*chronicle.by_ref().take(CHUNK).collect::<Vec<_>>() {
            producer.send_all(records, FLUSH_LIMIT)?;
        }
        say::line("the history is published");
    }
    say::line(format_args!("publishing {} live records a second", settings.demo_rate));
    live(settings.demo_rate, producer, || chronicle.live(Utc::now()), stop).await
}

/// Publishes records at a constant rate.
async fn live(
    rate: u32,
    mut producer: Producer,
    mut record: impl FnMut() -> load::Produced,
    mut stop: Signal,
) -> anyhow::Result<()> {
    let mut beats = tokio::time::interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (start, mut published) = (Instant::now(), 0);
    loop {
        tokio::select! {
            _ = stop.recv() => return Ok(()),
            _ = beats.tick() => {}
        }
        let due = u64::from(rate) * u64::try_from(start.elapsed().as_millis())? / 1_000;
        let records: Vec<_> = (published..due).map(|_| record()).collect();
        producer.send_all(&records, FLUSH_LIMIT)?;
        published = due;
    }
}

fn found(brokers: &str, topics: &Topics) -> anyhow::Result<Found> {
    let mut config = ClientConfig::new();
    let client: BaseConsumer =
        config.set("bootstrap.servers", brokers).set("group.id", "demo-producer").create()?;
    let mut found = Found { partitions: 0, is_empty: true };
    for name in topics.all() {
        let metadata = client.fetch_metadata(Some(name), ANSWER_LIMIT)?;
        let partitions = metadata.topics().first().map_or(&[][..], |topic| topic.partitions());
        ensure!(!partitions.is_empty(), "Kafka has no topic {name}: create it first");
        found.partitions = i32::try_from(partitions.len())?;
        for partition in partitions {
            let (_, end) = client.fetch_watermarks(name, partition.id(), ANSWER_LIMIT)?;
            found.is_empty &= end == 0;
        }
    }
    Ok(found)
}
